/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wide segments, for the packets of a burst that are at one. First the classes of all packets in the fields of 16 bits, which
 * are worth vector instructions across packets; then, a few packets at a time, the vectors of all fields, with what is
 * left of each packet's rules in registers.
 */
#ifndef DATAPLANE_BURST_WIDE_H
#define DATAPLANE_BURST_WIDE_H

#include "dataplane/burst_segment.h"

typedef uint64_t wide_vector __attribute__((vector_size(FG_LINE_OCTETS), may_alias));

enum {
#ifdef __AVX512F__
	WIDE_PACKETS = 8, /* as many as the registers hold */
#else
	WIDE_PACKETS = 4,
#endif
	WIDE_CLASSES = 6, /* fields of more than an octet, counting both of FG_FIELD_PORTS */
};

struct wide_classes {
	COLUMN of[WIDE_CLASSES][FG_BURST];
};

/* Classes of all packets, in the order in which the fields ask for them. */
FG_INLINE void wide_classify(const struct burst *b, struct group *g, const struct fg_segment_line *s,
			     struct wide_classes *classes)
{
	const struct fg_field *f = (const struct fg_field *)(const void *)(s + 1);
	uint32_t(*to)[FG_BURST] = classes->of;

	for (uint32_t i = 0; i < s->fields; i++, f++) {
		const struct fg_block *table = (const struct fg_block *)line(b, f->table);

		if (f->kind == FG_FIELD_OCTET || f->kind == FG_FIELD_TCP)
			continue;
		if (f->kind == FG_FIELD_LABEL) {
			for (uint32_t j = 0; j < g->n; j++)
				(*to)[j] = wide_class(b, table, g->key[j]->flow_label & FG_FLOW_LABEL_MAX);
			to++;
			continue;
		}
		for (uint32_t ports = f->kind == FG_FIELD_PORTS ? 2 : 1, n = 0; n < ports; n++, to++) {
			for (uint32_t j = 0; j < g->n; j++)
				g->value[j] = fg_key_u16(g->key[j], f->key_octet + 2 * n);
			group_classes(b, g, table, *to);
		}
	}
}

#define FOR_CHUNK(j) _Pragma("GCC unroll 8") for (uint32_t j = 0; j < WIDE_PACKETS; j++)

/* What is left of the rules of WIDE_PACKETS packets; `class` are their classes of the first field that has any. */
FG_INLINE void wide_chunk(const struct burst *b, const struct fg_key *const key[], const struct fg_segment_line *s,
			  const uint32_t *class, wide_vector left[WIDE_PACKETS])
{
	const struct fg_field *f = (const struct fg_field *)(const void *)(s + 1);
	const wide_vector all = ~(wide_vector){ 0 };
	wide_vector acc[WIDE_PACKETS];

	FOR_CHUNK(j)
	acc[j] = all;
	for (uint32_t i = 0; i < s->fields; i++, f++) {
		const wide_vector *v = (const wide_vector *)line(b, f->vectors);
		const void *table = line(b, f->table);
		uint32_t octet = f->key_octet & 63;

		if (f->kind == FG_FIELD_OCTET) {
			FOR_CHUNK(j)
			acc[j] &= v[((const uint8_t *)table)[key[j]->octet[octet]]];
		} else if (f->kind == FG_FIELD_TCP) {
			FOR_CHUNK(j)
			acc[j] &= v[tcp_class((const uint16_t *)table, key[j]->tcp_flags)];
		} else if (f->kind == FG_FIELD_PORTS) {
			FOR_CHUNK(j)
			acc[j] &= v[class[j]] | v[class[FG_BURST + j]];
			class += 2 * FG_BURST;
		} else {
			FOR_CHUNK(j)
			acc[j] &= v[class[j]];
			class += FG_BURST;
		}
	}
	FOR_CHUNK(j)
	left[j] = acc[j];
}

FG_INLINE void wide_match(struct burst *b, struct group *g, const struct fg_segment_line *s)
{
	struct wide_classes classes;

	wide_classify(b, g, s, &classes);
	for (uint32_t j = g->n; j % WIDE_PACKETS != 0; j++) { /* the last chunk is filled up with some packet */
		g->key[j] = g->key[0];
		for (uint32_t c = 0; c < WIDE_CLASSES; c++)
			classes.of[c][j] = 0;
	}
	for (uint32_t j = 0; j < g->n; j += WIDE_PACKETS)
		wide_chunk(b, g->key + j, s, classes.of[0] + j, (wide_vector *)(void *)(g->bits + (size_t)j * 8));
	for (uint32_t j = 0; j < g->n; j++)
		group_take(b, s, g, j, true);
}

#endif
