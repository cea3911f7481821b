/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet against the image that packets read (gating.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flowgate/match.h"
#include "tests/unit/gate/gating.h"

static uint32_t meets(const struct gating *t, uint8_t protocol, uint8_t host, uint16_t port)
{
	struct fg_key key = { .dport = port, .sport = 4000, .proto = protocol, .l4 = FG_L4_PORTS, .length = 80 };
	const struct fg_plane_memory *m = &t->dataplane.memory;
	struct fg_matched out;
	struct fg_view view;

	if (m->control->side >= FG_SIDES)
		return UINT32_MAX;
	key.dport_again = key.dport;
	key.sport_again = key.sport;
	memcpy(key.dst, (const uint8_t[]){ 192, 0, 2, host }, 4);
	memcpy(key.src, (const uint8_t[]){ 198, 51, 100, 1 }, 4);
	view = (struct fg_view){ .base = m->image[m->control->side] };
	fg_match(&view, &key, &out);
	return out.count == 0 ? UINT32_MAX : out.slot[0] & FG_SLOT_MASK;
}

uint32_t gating_meets(const struct gating *t, uint8_t host, uint16_t port)
{
	return meets(t, 17, host, port);
}

uint32_t gating_meets_tcp(const struct gating *t, uint8_t host, uint16_t port)
{
	return meets(t, 6, host, port);
}
