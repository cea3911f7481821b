/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A segment of few fields, as most are. One with more is for match.h. */
#ifndef BPF_SEGMENT_H
#define BPF_SEGMENT_H

#include "bpf/lanes.h"

enum { FEW_FIELDS = 12 };

/* Rules of *bits in order. True: a terminal one was among them. */
FG_INLINE bool segment_take(const struct fg_view *view, const struct fg_segment_line *g, struct fg_bits *bits,
			    struct scratch *s)
{
	for (uint32_t n = 0; n < FG_APPLIED_MAX; n++) {
		uint32_t words = fg_bits_words(bits), word, i;
		const uint32_t *slots;

		if (words == 0)
			return false;
		word = lowest_bit(words) & 7;
		i = word * 64 + lowest_bit(bits->word[word]);
		bits->word[word] &= bits->word[word] - 1;
		if (i >= g->rules)
			return false;
		slots = fg_line(view, g->slots + i / 16);
		if (slots == NULL || fg_matched_add(&s->matched, slots[i & 15]))
			return true;
	}
	return true;
}

FG_INLINE bool wide_bits(const struct fg_view *view, uint32_t ref, const struct fg_segment_line *g,
			 const struct fg_key *k, struct fg_bits *bits)
{
	uint64_t left = ~0ull;

	for (int w = 0; w < 8; w++)
		bits->word[w] = ~0ull;
	for (uint32_t i = 0; i < FEW_FIELDS && i < g->fields && left != 0; i++) {
		const struct fg_field *fields = fg_line(view, ref + 1 + i / 4);

		if (fields == NULL)
			return false;
		left = fg_wide_field(view, &fields[i & 3], k, bits);
	}
	return left != 0;
}

FG_INLINE bool narrow_bits(const struct fg_view *view, uint32_t ref, const struct fg_segment_line *g,
			   const struct fg_key *k, struct fg_bits *bits)
{
	uint64_t left = ~0ull;

	for (uint32_t i = 0; i < FEW_FIELDS && i < g->fields && left != 0; i++) {
		const struct fg_field *fields = fg_line(view, ref + 1 + i / 4);

		if (fields == NULL)
			return false;
		left &= fg_narrow_field(view, &fields[i & 3], k);
	}
	bits->word[0] = left;
	for (int w = 1; w < 8; w++)
		bits->word[w] = 0;
	return left != 0;
}

/* One field of a segment with many of them, into s->bits. */
static long many_step(uint32_t i, void *ctx)
{
	struct scratch *s = scratch_of_cpu();
	const struct fg_field *fields;
	struct fg_view view;
	uint64_t left;

	(void)ctx;
	if (s == NULL || !view_of(s->side & 1, &view))
		return 1;
	fields = fg_line(&view, s->segment + 1 + i / 4);
	if (fields == NULL)
		return 1;
	if (s->segment_is_wide)
		left = fg_wide_field(&view, &fields[i & 3], &s->packet.key, &s->bits);
	else
		left = s->bits.word[0] &= fg_narrow_field(&view, &fields[i & 3], &s->packet.key);
	return left == 0;
}

static __attribute__((noinline)) int many_bits(struct scratch *s, uint32_t ref, const struct fg_segment_line *g)
{
	s->segment = ref;
	s->segment_is_wide = g->flags & FG_STEP_WIDE;
	for (uint32_t w = 0; w < 8; w++)
		s->bits.word[w] = w == 0 || s->segment_is_wide ? ~0ull : 0;
	bpf_loop(g->fields, many_step, NULL, 0);
	return 0;
}

/* True: a terminal rule was found. */
FG_INLINE bool segment(const struct fg_view *view, uint32_t ref, const struct fg_segment_line *g, struct scratch *s)
{
	const struct fg_key *k = &s->packet.key;
	struct fg_bits bits;
	bool any = g->flags & FG_STEP_WIDE ? wide_bits(view, ref, g, k, &bits) : narrow_bits(view, ref, g, k, &bits);

	return any && segment_take(view, g, &bits, s);
}

/* The same of a segment with many fields. */
FG_INLINE bool segment_of_many(const struct fg_view *view, uint32_t ref, const struct fg_segment_line *g,
			       struct scratch *s)
{
	many_bits(s, ref, g);
	return segment_take(view, g, &s->bits, s);
}

#endif
