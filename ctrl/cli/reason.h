/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a rule matches a packet or not, component by component. */
#ifndef CTRL_CLI_REASON_H
#define CTRL_CLI_REASON_H

#include "ctrl/rule/canon.h"
#include "flowgate/packet.h"

enum { FG_REASON_MAX = 96 };

/* True where the packet satisfies a component that the rule has. */
bool fg_component_holds(const struct fg_canon *rule, uint8_t type, const struct fg_packet *p);
/* The first component in type order that the packet does not satisfy; 0: none, so the rule matches. */
uint8_t fg_component_failing(const struct fg_canon *rule, const struct fg_packet *p);
/* What the packet has in that place: "60", "198.51.100.9", "no ports". Returns out. */
const char *fg_packet_has(const struct fg_packet *p, uint8_t type, char out[FG_REASON_MAX]);

#endif
