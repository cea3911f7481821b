/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The segment steps of a burst, by bit vectors. Packets at one segment are a group: field by field, each of them loses the rules
 * whose vectors say no, and those that have lost all leave the group. What a field is is asked once a group, so
 * many packets for one victim cost little each.
 */
#ifndef DATAPLANE_BURST_SEGMENT_H
#define DATAPLANE_BURST_SEGMENT_H

#include "dataplane/burst_state.h"

/* The packets at one segment, side by side. */
struct group {
	uint64_t bits[FG_BURST * 8] __attribute__((aligned(FG_LINE_OCTETS))); /* rules left, 1 or 8 words a packet */
	uint32_t value[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	uint32_t ranks[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	uint32_t class[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	const struct fg_key *key[FG_BURST];
	uint8_t packet[FG_BURST];
	uint32_t n;
};

/*
 * The class of v in a wide field, without a branch: where the block has no ranks it reads some line, and drops it.
 */
FG_INLINE uint32_t wide_class(const struct burst *b, const struct fg_block *blocks, uint32_t v)
{
	struct fg_block block = blocks[v >> FG_BLOCK_SHIFT];
	uint32_t ranked = 0 - (uint32_t)(block.ranks != 0);
	const struct fg_ranks *ranks = (const struct fg_ranks *)line(b, block.ranks);

	return block.base + (fg_ranks_class(ranks[(v >> 4) & 255 & ranked], v) & ranked);
}

FG_INLINE uint32_t tcp_class(const uint16_t *table, uint32_t flags)
{
	return (uint32_t)table[flags & 255] + table[256 + (flags >> 8 & 15)];
}

FG_INLINE const struct fg_segment_line *segment_at(const struct burst *b, uint32_t i)
{
	return (const struct fg_segment_line *)line(b, b->here[i]);
}

/* Classes of the group's values in a field of 16 bits. */
FG_INLINE void group_classes(const struct burst *b, struct group *g, const struct fg_block *table,
			     uint32_t class[FG_BURST])
{
#ifdef __AVX512F__
	struct blocks blocks = blocks_load(table);
	const uint32_t *image = (const uint32_t *)line(b, 0);

	for (uint32_t j = 0; j < g->n; j += 16)
		blocks_places(&blocks, g->value + j, g->ranks + j);
	for (uint32_t j = 0; j < g->n; j++)
		g->ranks[j] = image[g->ranks[j]];
	for (uint32_t j = 0; j < g->n; j += 16)
		blocks_classes(&blocks, g->value + j, g->ranks + j, class + j);
#else
	for (uint32_t j = 0; j < g->n; j++)
		class[j] = wide_class(b, table, g->value[j]);
#endif
}

FG_INLINE void and_vector(struct group *g, uint32_t j, const uint64_t *vector, const uint64_t * or, bool wide)
{
	if (wide)
		wide_and(g->bits + j * 8, vector, or);
	else
		g->bits[j] &= *vector | * or ;
}

FG_INLINE void group_octet(struct group *g, const uint8_t *table, const uint64_t *vectors, uint32_t octet)
{
	for (uint32_t j = 0; j < g->n; j++) {
		const uint64_t *v = vectors + table[g->key[j]->octet[octet]];

		g->bits[j] &= *v;
	}
}

FG_INLINE void group_tcp(struct group *g, const uint16_t *table, const uint64_t *vectors)
{
	for (uint32_t j = 0; j < g->n; j++) {
		const uint64_t *v = vectors + tcp_class(table, g->key[j]->tcp_flags);

		g->bits[j] &= *v;
	}
}

FG_INLINE void group_label(const struct burst *b, struct group *g, const struct fg_block *table,
			   const uint64_t *vectors)
{
	for (uint32_t j = 0; j < g->n; j++) {
		uint32_t class = wide_class(b, table, g->key[j]->flow_label & FG_FLOW_LABEL_MAX);
		const uint64_t *v = vectors + class;

		g->bits[j] &= *v;
	}
}

FG_INLINE void group_wide(const struct burst *b, struct group *g, const struct fg_block *table, const uint64_t *vectors,
			  uint32_t octet)
{
	for (uint32_t j = 0; j < g->n; j++)
		g->value[j] = fg_key_u16(g->key[j], octet);
	group_classes(b, g, table, g->class);
	for (uint32_t j = 0; j < g->n; j++) {
		const uint64_t *v = vectors + g->class[j];

		g->bits[j] &= *v;
	}
}

FG_INLINE void group_ports(const struct burst *b, struct group *g, const struct fg_block *table,
			   const uint64_t *vectors)
{
	for (uint32_t j = 0; j < g->n; j++) {
		const uint64_t *dport = vectors + wide_class(b, table, g->key[j]->dport);
		const uint64_t *sport = vectors + wide_class(b, table, g->key[j]->sport);

		g->bits[j] &= *dport | *sport;
	}
}

/* All fields of a narrow segment. */
FG_INLINE void group_fields(const struct burst *b, struct group *g, const struct fg_segment_line *s)
{
	const struct fg_field *f = (const struct fg_field *)(const void *)(s + 1);

	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < s->fields; i++, f++) {
		const void *table = line(b, f->table);
		const uint64_t *vectors = (const uint64_t *)line(b, f->vectors);

		switch (f->kind) {
		case FG_FIELD_OCTET:
			group_octet(g, (const uint8_t *)table, vectors, f->key_octet & 63);
			break;
		case FG_FIELD_TCP:
			group_tcp(g, (const uint16_t *)table, vectors);
			break;
		case FG_FIELD_PORTS:
			group_ports(b, g, (const struct fg_block *)table, vectors);
			break;
		case FG_FIELD_LABEL:
			group_label(b, g, (const struct fg_block *)table, vectors);
			break;
		default:
			group_wide(b, g, (const struct fg_block *)table, vectors, f->key_octet);
			break;
		}
	}
}

/* The rules that packet j of the group is left with, in order, until one is terminal. */
FG_INLINE void group_take(struct burst *b, const struct fg_segment_line *s, struct group *g, uint32_t j, bool wide)
{
	const uint32_t *slots = (const uint32_t *)line(b, s->slots);
	uint64_t *bits = g->bits + j * (wide ? 8 : 1);

	for (uint32_t n = 0; n < FG_APPLIED_MAX; n++) {
		uint32_t words = wide ? wide_words(bits) : bits[0] != 0, word, rule;

		if (words == 0)
			return;
		word = wide ? fg_lowest_bit(words) : 0;
		rule = word * 64 + fg_lowest_bit(bits[word]);
		bits[word] &= bits[word] - 1;
		if (rule >= s->rules)
			return; /* bits behind the last rule stand where no field is constrained */
		take(b, g->packet[j], true, slots[rule]);
		if ((b->live >> g->packet[j] & 1) == 0)
			return;
	}
}

/* All packets have all rules. */
FG_INLINE void group_begin(struct group *g, bool wide)
{
	for (uint32_t i = 0; i < g->n * (wide ? 8 : 1); i++)
		g->bits[i] = UINT64_MAX;
}

/* One narrow segment, for the packets that are at it. */
FG_INLINE void narrow_match(struct burst *b, struct group *g, const struct fg_segment_line *s)
{
	group_begin(g, false);
	group_fields(b, g, s);
	for (uint32_t j = 0; j < g->n; j++)
		group_take(b, s, g, j, false);
}

FG_INLINE void group_add(const struct burst *b, struct group *g, uint32_t i)
{
	g->packet[g->n] = (uint8_t)i;
	g->key[g->n++] = b->keys[i];
}

#endif
