/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The XDP program of a port that is closed: no IP packet passes. It is attached where `on-failure closed` is asked for and nothing has ever
 * enforced anything, until the gate puts bpf/xdp.bpf.c in its place. It has no maps, so there is nothing that it could lack.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdint.h>

enum { MACS = 12, TAGS = 2, TAG_OCTETS = 4 };
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8 };

char licence[] SEC("license") = "Dual BSD/GPL";

/* What is IP for the other program is IP here. */
SEC("xdp.frags")
int flowgate_closed(struct xdp_md *ctx)
{
	const uint8_t *at = (const uint8_t *)(long)ctx->data + MACS, *end = (const uint8_t *)(long)ctx->data_end;

	for (int tags = 0; tags <= TAGS && at + 2 <= end; tags++, at += TAG_OCTETS) {
		int type = at[0] << 8 | at[1];

		if (type == TYPE_IPV4 || type == TYPE_IPV6)
			return XDP_DROP;
		if (type != TYPE_VLAN && type != TYPE_QINQ)
			break;
	}
	return XDP_PASS;
}
