/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A segment. First the place of each field's vector is found, then the vectors are ANDed, of a wide segment four words at a
 * time: they stay in registers. What it answers is what match.h answers.
 */
#ifndef BPF_SEGMENT_H
#define BPF_SEGMENT_H

#include "bpf/lanes.h"

/* Rules of s->bits in order. 1: a terminal one was among them. */
__attribute__((noinline)) int take(struct scratch *s, uint32_t ref)
{
	const struct fg_segment_line *g;
	struct fg_view view;

	if (s == NULL || !view_of(s->side & 1, &view))
		return 1;
	g = fg_line(&view, ref);
	for (uint32_t n = 0; g != NULL && n < FG_APPLIED_MAX; n++) {
		uint32_t words = fg_bits_words(&s->bits), word, i;
		const uint32_t *slots;

		if (words == 0)
			return 0;
		word = lowest_bit(words) & 7;
		i = word * 64 + lowest_bit(s->bits.word[word]);
		s->bits.word[word] &= s->bits.word[word] - 1;
		if (i >= g->rules) /* bits behind the last rule stand where no field is constrained */
			return 0;
		slots = fg_line(&view, g->slots + i / 16);
		if (slots == NULL || fg_matched_add(&s->matched, slots[i & 15]))
			return 1;
	}
	return 0;
}

/* Field i of the segment at `ref`. */
FG_INLINE const struct fg_field *field_at(const struct fg_view *view, uint32_t ref, uint32_t i)
{
	const struct fg_field *fields = fg_line(view, ref + 1 + i / 4);

	return fields == NULL ? NULL : &fields[i & 3];
}

/* Where the vector of class `class` is: of a wide segment it is a line, of a narrow one a word. */
FG_INLINE struct place place_of(uint32_t vectors, uint32_t class, bool wide)
{
	return (struct place){ vectors + (wide ? class : class / 8), class & 7 };
}

/*
 * The place of each field's vector, in s->place[], of FEW_FIELDS fields from `first` on; those of the field of both ports apart,
 * for they are ORed. A function of its own, as take() is, that the verifier follows once.
 */
__attribute__((noinline)) int find_vectors(struct scratch *s, uint32_t ref, uint32_t first, uint32_t n, uint32_t wide)
{
	struct fg_view view;

	if (s == NULL || !view_of(s->side & 1, &view))
		return 1;
	for (uint32_t k = 0; k < FEW_FIELDS && first + k < n; k++) {
		uint32_t i = (first + k) & (PLACES - 1);
		const struct fg_field *f = field_at(&view, ref, i);

		if (f == NULL)
			return 1;
		s->place[i] = place_of(f->vectors, fg_field_class(&view, f, &s->packet.key), wide);
		if (f->kind == FG_FIELD_PORTS) {
			s->either = s->place[i];
			s->other = place_of(f->vectors, fg_wide_class(&view, f->table, s->packet.key.sport), wide);
			s->place[i].line = 0;
		}
	}
	return 0;
}

FG_INLINE uint64_t narrow_vector(const struct fg_view *view, const struct place *p)
{
	const uint64_t *line = fg_line(view, p->line);

	return line == NULL ? 0 : line[p->word & 7];
}

/* What all fields leave of a narrow segment. */
FG_INLINE uint64_t narrow_bits(const struct fg_view *view, const struct scratch *s, uint32_t n)
{
	uint64_t bits = ~0ull;

	if (s->either.line != 0)
		bits = narrow_vector(view, &s->either) | narrow_vector(view, &s->other);
	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < n; i++)
		if (s->place[i].line != 0)
			bits &= narrow_vector(view, &s->place[i]);
	return bits;
}

/*
 * The same of the words of a half of a wide one, in s->bits. Without asking whether any are left: which words have the rule is
 * chance, and a wrong guess costs more than the rest of them.
 */
FG_INLINE void half_bits(const struct fg_view *view, struct scratch *s, uint32_t n, uint32_t first)
{
	uint64_t w0 = ~0ull, w1 = ~0ull, w2 = ~0ull, w3 = ~0ull;

	if (s->either.line != 0) {
		const uint64_t *a = fg_line(view, s->either.line), *b = fg_line(view, s->other.line);

		if (a == NULL || b == NULL)
			return;
		a += first;
		b += first;
		w0 = a[0] | b[0];
		w1 = a[1] | b[1];
		w2 = a[2] | b[2];
		w3 = a[3] | b[3];
	}
	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < n; i++) {
		uint32_t ref = s->place[i].line;
		const uint64_t *v = fg_line(view, ref);

		if (ref == 0 || v == NULL)
			continue;
		v += first;
		w0 &= v[0];
		w1 &= v[1];
		w2 &= v[2];
		w3 &= v[3];
	}
	s->bits.word[first] = w0;
	s->bits.word[first + 1] = w1;
	s->bits.word[first + 2] = w2;
	s->bits.word[first + 3] = w3;
}

/* Read anew for each loop: the verifier would follow the next one for each number of turns of the last. */
FG_INLINE uint32_t fields_of(const struct fg_segment_line *g)
{
	return *(const volatile uint8_t *)&g->fields;
}

/* All of a segment. True: a terminal rule was among those that match. A function that the verifier follows by itself. */
__attribute__((noinline)) int segment(struct scratch *s, uint32_t ref)
{
	const struct fg_segment_line *g;
	struct fg_view view;
	uint32_t n;

	if (s == NULL || !view_of(s->side & 1, &view))
		return 1;
	g = fg_line(&view, ref);
	if (g == NULL)
		return 1;
	n = g->fields;
	s->either.line = s->other.line = 0;
	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < n; i += FEW_FIELDS)
		find_vectors(s, ref, i, n, g->flags & FG_STEP_WIDE);
	if (g->flags & FG_STEP_WIDE) {
		half_bits(&view, s, fields_of(g), 0);
		half_bits(&view, s, fields_of(g), WORDS / 2);
	} else {
		s->bits = (struct fg_bits){ { narrow_bits(&view, s, fields_of(g)) } };
	}
	return take(s, ref);
}

#endif
