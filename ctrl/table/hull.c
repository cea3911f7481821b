/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hull of a segment (include/flowgate/table.h): in come the intervals of fields that all its rules constrain, out goes what a packet
 * is compared with before any of them. Lanes have the places that they have in the key.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/packet.h"

#define KEY(member) offsetof(struct fg_key, member)
#define ALL16 UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX
#define ALL8 UINT8_MAX, UINT8_MAX, UINT8_MAX, UINT8_MAX

const struct fg_hull fg_hull_open = { .span16 = { ALL16, ALL16 }, .span8 = { ALL8, ALL8 } };

bool fg_hull_limits(const struct fg_hull *hull)
{
	return memcmp(hull, &fg_hull_open, sizeof(*hull)) != 0;
}

static void limit16(struct fg_hull *hull, size_t key_octet, uint32_t lo, uint32_t hi)
{
	size_t lane = (key_octet - KEY(lane16)) / 2;

	hull->lo16[lane] = (uint16_t)lo;
	hull->span16[lane] = (uint16_t)(hi - lo);
}

void fg_hull_limit(struct fg_hull *hull, bool ports, uint8_t key_octet, struct fg_interval in)
{
	if (ports) {
		limit16(hull, KEY(dport_again), in.lo, in.hi);
		limit16(hull, KEY(sport_again), in.lo, in.hi);
	} else if (key_octet < KEY(lane8)) {
		limit16(hull, key_octet, in.lo, in.hi);
	} else if (key_octet < KEY(lane8) + sizeof(hull->lo8)) {
		hull->lo8[key_octet - KEY(lane8)] = (uint8_t)in.lo;
		hull->span8[key_octet - KEY(lane8)] = (uint8_t)(in.hi - in.lo);
	}
}
