/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A segment: field after field the class of the packet is found, and the vector of that class ANDed into what is left; the first set
 * bits are the rules. Without asking on the way whether any are left: which field excludes the last rule is chance, and a wrong
 * guess costs more than the rest of them. What it answers is what match.h answers.
 */
#ifndef BPF_SEGMENT_H
#define BPF_SEGMENT_H

#include "bpf/lanes.h"

/* fg_wide_class() */
FG_INLINE uint32_t wide_class(const struct fg_view *view, uint32_t table, uint32_t v)
{
	const uint64_t *block = image_at(view, table, (v >> FG_BLOCK_SHIFT) * sizeof(struct fg_block), 8);
	const uint32_t *ranks;
	uint32_t base;

	if (block == NULL)
		return 0;
	base = (uint32_t)(*block >> 32);
	if ((uint32_t)*block == 0)
		return base;
	ranks = image_at(view, (uint32_t)*block, ((v >> 4) & 255) * sizeof(*ranks), sizeof(*ranks));
	return ranks == NULL ? 0 : base + ranks_class(*ranks, v);
}

/* fg_field_class() */
FG_INLINE uint32_t field_class(const struct fg_view *view, const struct fg_field *f, const struct fg_key *k)
{
	const uint8_t *class;

	if (f->kind == FG_FIELD_OCTET) {
		class = image_at(view, f->table, k->octet[f->key_octet & 63], 1);
		return class == NULL ? 0 : *class;
	}
	if (f->kind == FG_FIELD_TCP)
		return fg_tcp_class(view, f->table, k->tcp_flags);
	if (f->kind == FG_FIELD_LABEL)
		return wide_class(view, f->table, k->flow_label & FG_FLOW_LABEL_MAX);
	return wide_class(view, f->table, fg_key_u16(k, f->key_octet));
}

FG_INLINE uint64_t narrow_vector(const struct fg_view *view, uint32_t vectors, uint32_t class)
{
	const uint64_t *v = image_at(view, vectors, class * sizeof(*v), sizeof(*v));

	return v == NULL ? 0 : *v;
}

/* Rules that one field leaves of a narrow segment. */
FG_INLINE uint64_t narrow_field(const struct fg_view *view, const struct fg_field *f, const struct fg_key *k)
{
	uint64_t bits = narrow_vector(view, f->vectors, field_class(view, f, k));

	if (f->kind == FG_FIELD_PORTS)
		bits |= narrow_vector(view, f->vectors, wide_class(view, f->table, k->sport));
	return bits;
}

/* ANDs what one field leaves of a wide segment into s->bits. */
FG_INLINE void wide_field(const struct fg_view *view, const struct fg_field *f, struct scratch *s)
{
	const struct fg_key *k = &s->packet.key;
	const uint64_t *a = fg_line(view, f->vectors + field_class(view, f, k)), *b;

	if (a == NULL)
		return;
	if (f->kind != FG_FIELD_PORTS) {
		for (uint32_t w = 0; w < WORDS; w++)
			s->bits.word[w] &= a[w];
		return;
	}
	b = fg_line(view, f->vectors + wide_class(view, f->table, k->sport));
	for (uint32_t w = 0; w < WORDS && b != NULL; w++)
		s->bits.word[w] &= a[w] | b[w];
}

/* Leaves in s->bits the rules that match. */
FG_INLINE void all_fields(const struct fg_view *view, struct scratch *s, uint32_t ref, const struct fg_segment_line *g)
{
	bool wide = g->flags & FG_STEP_WIDE;
	uint64_t narrow = ~0ull;

	for (uint32_t w = 0; w < WORDS; w++)
		s->bits.word[w] = wide ? ~0ull : 0;
	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < g->fields; i++) {
		const struct fg_field *f = image_at(view, ref + 1, i * sizeof(*f), sizeof(*f));

		if (f == NULL)
			return;
		if (wide)
			wide_field(view, f, s);
		else
			narrow &= narrow_field(view, f, &s->packet.key);
	}
	if (!wide)
		s->bits.word[0] = narrow;
}

/* Rules of s->bits in order. 1: a terminal one was among them. */
FG_INLINE int take(const struct fg_view *view, struct scratch *s, const struct fg_segment_line *g)
{
	uint32_t words = fg_bits_words(&s->bits);

	for (uint32_t n = 0; n < FG_APPLIED_MAX; n++) {
		uint32_t word = lowest_of_octet(words) & 7, i;
		uint64_t bits = s->bits.word[word];
		const uint32_t *slot;

		i = word * 64 + lowest_bit(bits);
		if (words == 0 || i >= g->rules) /* bits behind the last rule stand where no field is constrained */
			return 0;
		slot = image_at(view, g->slots, i * sizeof(*slot), sizeof(*slot));
		if (slot == NULL || fg_matched_add(&s->matched, *slot))
			return 1;
		bits &= bits - 1;
		s->bits.word[word] = bits;
		words ^= (1 - fg_nonzero(bits)) << word;
	}
	return 1;
}

/* All of a segment. True: a terminal rule was among those that match. A function that the verifier follows by itself. */
__attribute__((noinline)) int segment(struct scratch *s, uint32_t ref)
{
	const struct fg_segment_line *g;
	struct fg_view view;

	if (s == NULL || !view_of(s->side & 1, &view))
		return 1;
	g = fg_line(&view, ref);
	if (g == NULL)
		return 1;
	all_fields(&view, s, ref, g);
	return take(&view, s, g);
}

#endif
