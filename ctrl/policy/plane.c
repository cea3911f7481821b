/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of what plane.h enumerates; `flowgate doctor` uses the same. */
#include "ctrl/policy/plane.h"

const char *fg_port_reason_name(enum fg_port_reason reason)
{
	static const char *const names[FG_PORT_REASONS] = {
		[FG_PORT_OK] = "ok",
		[FG_PORT_ABSENT] = "absent",
		[FG_PORT_NUMBER] = "interface-number",
		[FG_PORT_TAKEN] = "taken",
		[FG_PORT_NO_NATIVE] = "no-native",
		[FG_PORT_LRO] = "lro",
		[FG_PORT_VLAN_OFFLOAD] = "vlan-offload",
		[FG_PORT_GRO_GENERIC] = "gro-generic",
		[FG_PORT_PEER_NO_XMIT] = "peer-no-xmit",
		[FG_PORT_REFUSED] = "refused",
		[FG_PORT_NO_PROCESS] = "no-process",
		[FG_PORT_NO_DEVICE] = "no-device",
		[FG_PORT_LINK_DOWN] = "link-down",
		[FG_PORT_HOST] = "no-host-forwarding",
	};

	return (unsigned)reason < FG_PORT_REASONS ? names[reason] : "unknown";
}
