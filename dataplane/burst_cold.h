/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The segment steps of packets that are nearly alone at theirs: what they read is in no near cache. So all fields
 * of several packets are taken through the tables together, one memory access at a time, and what the next access
 * will read is fetched: value, then class, then vector.
 */
#ifndef DATAPLANE_BURST_COLD_H
#define DATAPLANE_BURST_COLD_H

#include "dataplane/burst_segment.h"

enum { COLD_PACKETS = 16, COLD_LOOKUPS = COLD_PACKETS * FG_SEGMENT_FIELDS_MAX };

/* Fields whose table gives a class at once: octets, and TCP flags. */
struct lookup {
	const uint8_t *table;
	const uint64_t *vectors;
	uint16_t value;
	bool tcp;
	uint8_t j; /* packet of the group */
};

/* Wide fields: a block, then ranks, then a vector. */
struct wide_lookup {
	const void *at; /* what is read next */
	const uint64_t *vectors;
	uint32_t value;
	uint32_t base;   /* class of the block */
	uint32_t ranked; /* all bits set where it has ranks, otherwise none */
	uint32_t j;
};

struct cold {
	struct lookup octet[COLD_LOOKUPS];
	struct wide_lookup wide[COLD_LOOKUPS];
	uint32_t octets, wides;
};

FG_INLINE uint32_t lookup_class(const struct lookup *l)
{
	return l->tcp ? tcp_class((const uint16_t *)(const void *)l->table, l->value) : l->table[l->value];
}

/*
 * Fields of packet j: where their first access goes. A field of both ports has two ways at once, and takes them
 * here.
 */
FG_INLINE void cold_fields(const struct burst *b, struct group *g, struct cold *c, const struct fg_segment_line *s,
			   uint32_t j, bool wide)
{
	const struct fg_field *f = (const struct fg_field *)(const void *)(s + 1);
	const struct fg_key *k = g->key[j];
	uint32_t octets = c->octets, wides = c->wides;

	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < s->fields; i++, f++) {
		const uint64_t *vectors = (const uint64_t *)line(b, f->vectors);
		const uint8_t *table = (const uint8_t *)line(b, f->table);
		const struct fg_block *blocks = (const struct fg_block *)(const void *)table;
		uint32_t v;

		if (f->kind == FG_FIELD_OCTET) {
			v = k->octet[f->key_octet & 63];
			__builtin_prefetch(table + v);
			__builtin_prefetch(vectors);
			c->octet[octets++] = (struct lookup){ table, vectors, (uint16_t)v, false, (uint8_t)j };
		} else if (f->kind == FG_FIELD_TCP) {
			__builtin_prefetch(table + (k->tcp_flags & 255) * 2);
			__builtin_prefetch(table + 512);
			__builtin_prefetch(vectors);
			c->octet[octets++] = (struct lookup){ table, vectors, k->tcp_flags, true, (uint8_t)j };
		} else if (f->kind == FG_FIELD_PORTS) {
			and_vector(g, j, vectors + (size_t)wide_class(b, blocks, k->dport) * (wide ? 8 : 1),
				   vectors + (size_t)wide_class(b, blocks, k->sport) * (wide ? 8 : 1), wide);
		} else {
			v = f->kind == FG_FIELD_LABEL ? k->flow_label & FG_FLOW_LABEL_MAX : fg_key_u16(k, f->key_octet);
			blocks += v >> FG_BLOCK_SHIFT;
			__builtin_prefetch(blocks);
			c->wide[wides++] = (struct wide_lookup){ .at = blocks, .vectors = vectors, .value = v, .j = j };
		}
	}
	c->octets = octets;
	c->wides = wides;
}

/* From blocks to ranks, or, where there are none, to some line that is not looked at. */
FG_INLINE void cold_blocks(const struct burst *b, struct cold *c)
{
	for (uint32_t i = 0; i < c->wides; i++) {
		struct wide_lookup *l = &c->wide[i];
		struct fg_block block = *(const struct fg_block *)l->at;

		l->ranked = 0 - (uint32_t)(block.ranks != 0);
		l->at = (const struct fg_ranks *)line(b, block.ranks) + ((l->value >> 4) & 255 & l->ranked);
		l->base = block.base;
		__builtin_prefetch(l->at);
	}
}

/*
 * From ranks to vectors. Of narrow vectors of an octet's classes the first line is fetched by now, and mostly
 * there is no other.
 */
FG_INLINE void cold_vectors(struct cold *c, bool wide)
{
	for (uint32_t i = 0; i < c->wides; i++) {
		struct wide_lookup *l = &c->wide[i];
		uint32_t class = l->base + (fg_ranks_class(*(const struct fg_ranks *)l->at, l->value) & l->ranked);

		l->vectors += (size_t) class * (wide ? 8 : 1);
		__builtin_prefetch(l->vectors);
	}
	for (uint32_t i = 0; wide && i < c->octets; i++)
		__builtin_prefetch(c->octet[i].vectors + (size_t)lookup_class(&c->octet[i]) * 8);
}

FG_INLINE void cold_and(struct group *g, const struct cold *c, bool wide)
{
	for (uint32_t i = 0; i < c->octets; i++) {
		const struct lookup *l = &c->octet[i];
		const uint64_t *v = l->vectors + (size_t)lookup_class(l) * (wide ? 8 : 1);

		and_vector(g, l->j, v, v, wide);
	}
	for (uint32_t i = 0; i < c->wides; i++)
		and_vector(g, c->wide[i].j, c->wide[i].vectors, c->wide[i].vectors, wide);
}

/* The group's packets, each at its own segment, all narrow or all wide. */
FG_INLINE void cold_match(struct burst *b, struct group *g, bool wide)
{
	struct cold c;

	c.octets = c.wides = 0;
	group_begin(g, wide);
	for (uint32_t j = 0; j < g->n; j++)
		cold_fields(b, g, &c, segment_at(b, g->packet[j]), j, wide);
	cold_blocks(b, &c);
	for (uint32_t j = 0; j < g->n; j++)
		fetch(b, segment_at(b, g->packet[j])->slots);
	cold_vectors(&c, wide);
	cold_and(g, &c, wide);
	for (uint32_t j = 0; j < g->n; j++)
		group_take(b, segment_at(b, g->packet[j]), g, j, wide);
	g->n = 0;
}

#endif
