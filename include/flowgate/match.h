/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The matcher: packet key and image in, rules to apply out, in precedence order. This is the one scalar form; it is built by gcc, by clang and
 * for BPF. dataplane/burst.c does the same for 32 packets at a time.
 *
 * fg_match() follows steps (table.h). Each fg_line() reads one line of the image: the bound that cost predicts is the number of these
 * calls. Every loop is bounded by a name of limits.h. Nothing is written but *out and the cursor.
 *
 * A BPF program defines FG_LINE_CUSTOM and its own fg_line() before it includes this file, and drives fg_match_step() by
 * itself.
 */
#ifndef FLOWGATE_MATCH_H
#define FLOWGATE_MATCH_H

#include "flowgate/packet.h"
#include "flowgate/table.h"

#ifndef FG_LINE_CUSTOM
struct fg_view {
	const uint8_t *base; /* line 0, aligned to a line */
#ifdef FG_COUNT_LINES
	uint64_t *lines_read;
#endif
};

FG_INLINE const void *fg_line(const struct fg_view *view, uint32_t ref)
{
#ifdef FG_COUNT_LINES
	++*view->lines_read;
#endif
	return view->base + (size_t)ref * FG_LINE_OCTETS;
}
#endif

/* The slot words of the rules that apply, in order; the last is terminal unless nothing terminal matched. */
struct fg_matched {
	uint32_t count;
	uint32_t slot[FG_APPLIED_MAX];
};

/* Where a packet is in the image. Level 0 resumes destinations, level 1 the sources of one group. */
struct fg_cursor {
	uint32_t ref;       /* next step; 0: the chain ended, resume the innermost level */
	uint32_t resume[2]; /* root or prefixes step to go back to, 0: none */
	uint8_t turn[2];    /* what it has looked up already */
};

/*
 * Hides where a value came from. Without it clang makes branches of comparisons, and the BPF verifier then follows each way through
 * them; an OR of sixteen becomes 65536 ways.
 */
FG_INLINE uint64_t fg_opaque(uint64_t x)
{
#ifdef __bpf__
	__asm__ volatile("" : "+r"(x));
#endif
	return x;
}

/* 1 where a > b, both below 2^63, without a branch. */
FG_INLINE uint32_t fg_above(uint64_t a, uint64_t b)
{
	return (uint32_t)(fg_opaque(b - a) >> 63);
}

/* 1 where x is not 0, without a branch. */
FG_INLINE uint32_t fg_nonzero(uint64_t x)
{
	return (uint32_t)(fg_opaque(x | -x) >> 63);
}

/* Bits set in x; BPF has no instruction for it, so this is what remains of one for 16 bits. */
FG_INLINE uint32_t fg_popcount16(uint32_t x)
{
#ifndef __POPCNT__
	x = x - ((x >> 1) & 0x5555);
	x = (x & 0x3333) + ((x >> 2) & 0x3333);
	x = (x + (x >> 4)) & 0x0f0f;
	return (x + (x >> 8)) & 0x1f;
#else
	return (uint32_t)__builtin_popcount(x);
#endif
}

/* Place of the lowest bit of a word that is not 0. */
FG_INLINE uint32_t fg_lowest_bit(uint64_t x)
{
#ifdef __bpf__
	uint32_t n = 0;

	x &= -x;
	n |= fg_nonzero(x & 0xffffffff00000000ull) << 5;
	n |= fg_nonzero(x & 0xffff0000ffff0000ull) << 4;
	n |= fg_nonzero(x & 0xff00ff00ff00ff00ull) << 3;
	n |= fg_nonzero(x & 0xf0f0f0f0f0f0f0f0ull) << 2;
	n |= fg_nonzero(x & 0xccccccccccccccccull) << 1;
	n |= fg_nonzero(x & 0xaaaaaaaaaaaaaaaaull);
	return n;
#else
	return (uint32_t)__builtin_ctzll(x);
#endif
}

/* Class of value v (its low four bits) by the ranks of its 16 values. */
FG_INLINE uint32_t fg_ranks_class(struct fg_ranks r, uint32_t v)
{
	return r.rank + fg_popcount16(r.starts & ((2u << (v & 15)) - 1));
}

/* Adds a rule. True: it was terminal. Admission proves that FG_APPLIED_MAX suffices (cost.h); the test is for our own mistakes. */
FG_INLINE bool fg_matched_add(struct fg_matched *out, uint32_t slot)
{
	uint32_t n = out->count;

	if (n >= FG_APPLIED_MAX)
		return true;
	out->slot[n] = slot;
	out->count = n + 1;
	return (slot & FG_SLOT_CONTINUE) == 0;
}

/* ---- Rule step ---- */

FG_INLINE bool fg_rule_lanes_match(const struct fg_rule_line *r, const struct fg_key *k)
{
	uint32_t out = 0;

	for (int i = 0; i < 8; i++)
		out |= fg_above((uint16_t)(k->lane16[i] - r->lo16[i]), r->span16[i]) << i;
	for (int i = 0; i < 8; i++)
		out |= fg_above((uint8_t)(k->lane8[i] - r->lo8[i]), r->span8[i]) << (8 + i);
	/* Type 4: one of the two ports suffices, so lane 3 counts where lane 2 failed too, and lane 2 not by itself. */
	out &= ~0x0cu | ((out << 1) & 0x08);
	return out == 0;
}

FG_INLINE bool fg_rule_more_matches(const struct fg_rule_more *m, const struct fg_key *k)
{
	uint32_t bad = fg_above(k->flow_label - m->flow_lo, m->flow_span);

	for (int i = 0; i < 16; i++)
		bad |= (uint32_t)((k->src[i] & m->src_mask[i]) ^ m->src_value[i]);
	return bad == 0;
}

FG_INLINE bool fg_rule_line_matches(const struct fg_view *view, uint32_t ref, const struct fg_rule_line *r,
				    const struct fg_key *k)
{
	if (!fg_rule_lanes_match(r, k))
		return false;
	if ((k->tcp_flags & r->tcp_mask) != r->tcp_value || ((r->fragments >> k->fragment) & 1) == 0)
		return false;
	if (r->flags & FG_STEP_HAS_MORE) {
		const struct fg_rule_more *m = (const struct fg_rule_more *)fg_line(view, ref + 1);

		return m != NULL && fg_rule_more_matches(m, k);
	}
	return true;
}

/* ---- Segment step ---- */

/* Class of `v` in a wide field. */
FG_INLINE uint32_t fg_wide_class(const struct fg_view *view, uint32_t table, uint32_t v)
{
	uint32_t b = v >> FG_BLOCK_SHIFT;
	const struct fg_block *block = (const struct fg_block *)fg_line(view, table + b / 8);
	const struct fg_ranks *ranks;
	uint32_t base;

	if (block == NULL)
		return 0;
	block += b & 7;
	base = block->base;
	if (block->ranks == 0)
		return base;
	ranks = (const struct fg_ranks *)fg_line(view, block->ranks + ((v >> 8) & 15));
	return ranks == NULL ? 0 : base + fg_ranks_class(ranks[(v >> 4) & 15], v);
}

FG_INLINE uint32_t fg_tcp_class(const struct fg_view *view, uint32_t table, uint32_t flags)
{
	const uint16_t *low = (const uint16_t *)fg_line(view, table + ((flags & 0xff) >> 5));
	const uint16_t *high = (const uint16_t *)fg_line(view, table + 8);

	if (low == NULL || high == NULL)
		return 0;
	return (uint32_t)low[flags & 31] + high[(flags >> 8) & 15];
}

FG_INLINE uint32_t fg_octet_class(const struct fg_view *view, uint32_t table, uint32_t v)
{
	const uint8_t *classes = (const uint8_t *)fg_line(view, table + ((v & 0xff) >> 6));

	return classes == NULL ? 0 : classes[v & 63];
}

FG_INLINE uint32_t fg_key_u16(const struct fg_key *k, uint32_t octet)
{
	const uint8_t *p = k->octet + (octet & 62);

	return *(const uint16_t *)(const void *)p;
}

/* The class of the packet in one field; for FG_FIELD_PORTS that of the destination port. */
FG_INLINE uint32_t fg_field_class(const struct fg_view *view, const struct fg_field *f, const struct fg_key *k)
{
	switch (f->kind) {
	case FG_FIELD_OCTET:
		return fg_octet_class(view, f->table, k->octet[f->key_octet & 63]);
	case FG_FIELD_TCP:
		return fg_tcp_class(view, f->table, k->tcp_flags);
	case FG_FIELD_LABEL:
		return fg_wide_class(view, f->table, k->flow_label & FG_FLOW_LABEL_MAX);
	default:
		return fg_wide_class(view, f->table, fg_key_u16(k, f->key_octet));
	}
}

/* Rules of one segment that still match. */
struct fg_bits {
	uint64_t word[8];
};

/* A narrow vector is a word of the line that holds eight of them. */
FG_INLINE uint64_t fg_narrow_vector(const struct fg_view *view, uint32_t vectors, uint32_t class)
{
	const uint64_t *v = (const uint64_t *)fg_line(view, vectors + class / 8);

	return v == NULL ? 0 : v[class & 7];
}

FG_INLINE uint64_t fg_narrow_field(const struct fg_view *view, const struct fg_field *f, const struct fg_key *k)
{
	uint64_t v = fg_narrow_vector(view, f->vectors, fg_field_class(view, f, k));

	if (f->kind == FG_FIELD_PORTS)
		v |= fg_narrow_vector(view, f->vectors, fg_wide_class(view, f->table, k->sport));
	return v;
}

/* AND of one field into a wide segment's bits. Returns 0 when nothing is left. */
FG_INLINE uint64_t fg_wide_field(const struct fg_view *view, const struct fg_field *f, const struct fg_key *k,
				 struct fg_bits *bits)
{
	const uint64_t *a = (const uint64_t *)fg_line(view, f->vectors + fg_field_class(view, f, k));
	const uint64_t *b = a;
	uint64_t left = 0;

	if (f->kind == FG_FIELD_PORTS)
		b = (const uint64_t *)fg_line(view, f->vectors + fg_wide_class(view, f->table, k->sport));
	if (a == NULL || b == NULL)
		return 0;
	for (int w = 0; w < 8; w++) {
		bits->word[w] &= a[w] | b[w];
		left |= bits->word[w];
	}
	return left;
}

/* Leaves in *bits the rules of the segment that match. False: none. */
FG_INLINE bool fg_segment_bits(const struct fg_view *view, uint32_t ref, const struct fg_segment_line *s,
			       const struct fg_key *k, struct fg_bits *bits)
{
	const struct fg_field *fields = NULL;
	uint64_t left = ~0ull;
	uint32_t n = s->fields;

	for (int w = 0; w < 8; w++)
		bits->word[w] = w == 0 || (s->flags & FG_STEP_WIDE) ? ~0ull : 0;
	for (uint32_t i = 0; i < FG_SEGMENT_FIELDS_MAX && i < n && left != 0; i++) {
		if (i % 4 == 0)
			fields = (const struct fg_field *)fg_line(view, ref + 1 + i / 4);
		if (fields == NULL)
			return false;
		if (s->flags & FG_STEP_WIDE)
			left = fg_wide_field(view, &fields[i & 3], k, bits);
		else
			left = bits->word[0] &= fg_narrow_field(view, &fields[i & 3], k);
	}
	return left != 0;
}

/* Bit w: word w is not 0. */
FG_INLINE uint32_t fg_bits_words(const struct fg_bits *bits)
{
	uint32_t words = 0;

	for (int w = 0; w < 8; w++)
		words |= fg_nonzero(bits->word[w]) << w;
	return words;
}

/*
 * Takes the rules of *bits in order. True: a terminal one was among them. The word is found by arithmetic, so that each turn has one way to
 * the next: a search through the words gives the BPF verifier one for every place the search can be at.
 */
FG_INLINE bool fg_segment_take(const struct fg_view *view, const struct fg_segment_line *s, struct fg_bits *bits,
			       struct fg_matched *out)
{
	for (uint32_t n = 0; n < FG_APPLIED_MAX; n++) {
		uint32_t words = fg_bits_words(bits), word, i;
		const uint32_t *slots;

		if (words == 0)
			return false;
		word = fg_lowest_bit(words) & 7;
		i = word * 64 + fg_lowest_bit(bits->word[word]);
		bits->word[word] &= bits->word[word] - 1;
		if (i >= s->rules)
			return false; /* bits behind the last rule stand where no field is constrained */
		slots = (const uint32_t *)fg_line(view, s->slots + i / 16);
		if (slots == NULL || fg_matched_add(out, slots[i & 15]))
			return true;
	}
	return true;
}

/* ---- Root and prefixes steps ---- */

/* Whether there is anything in the line of `upper` for an IPv4 destination: for who would rather read the small map than that line. */
FG_INLINE bool fg_root_filled(const struct fg_view *view, const struct fg_root_line *root, const struct fg_key *k)
{
	uint32_t l = fg_load_be32(k->dst) >> 12;
	const uint32_t *filled = (const uint32_t *)fg_line(view, root->filled + l / 512);

	return filled != NULL && (filled[l / 32 & 15] >> (l & 31) & 1);
}

/* Step for an IPv4 destination: the longest prefix of more than FG_SHORT_BITS (turn 0), or up to that (turn 1). */
FG_INLINE uint32_t fg_root_find(const struct fg_view *view, const struct fg_root_line *root, uint32_t turn,
				const struct fg_key *k)
{
	uint32_t upper = ((uint32_t)k->dst[0] << 16) | ((uint32_t)k->dst[1] << 8) | k->dst[2];
	uint32_t i = turn == 0 ? upper : upper >> (FG_UPPER_BITS - FG_SHORT_BITS);
	const uint32_t *entry = (const uint32_t *)fg_line(view, (turn == 0 ? root->upper : root->shorter) + i / 16);
	const struct fg_ranks *ranks;
	uint32_t ref, class;

	if (entry == NULL)
		return 0;
	ref = entry[i & 15];
	if ((ref & FG_NODE) == 0)
		return ref;
	ref &= ~FG_NODE;
	ranks = (const struct fg_ranks *)fg_line(view, ref);
	if (ranks == NULL)
		return 0;
	class = fg_ranks_class(ranks[k->dst[3] >> 4], k->dst[3]);
	entry = (const uint32_t *)fg_line(view, ref + 1 + class / 16);
	return entry == NULL ? 0 : entry[class & 15];
}

/* Bits [0, length) of word i of an address, as they lie in memory. */
FG_INLINE uint32_t fg_prefix_word(uint32_t address_be, uint32_t i, uint32_t length)
{
	uint32_t first = i * 32;
	uint32_t keep = length <= first ? 0 : length - first;

	if (keep >= 32)
		return address_be;
	return address_be & __builtin_bswap32((uint32_t)(0xffffffff00000000ull >> keep));
}

struct fg_masked {
	uint32_t address[4];
	uint32_t length;
};

/* Odd, and mixing well; the burst matcher hashes several prefixes at a time by them. */
#define FG_PREFIX_HASH_FIRST 0xbf58476d1ce4e5b9ull
#define FG_PREFIX_HASH_SECOND 0x94d049bb133111ebull
enum { FG_PREFIX_TAG_SHIFT = 59 };

FG_INLINE uint64_t fg_prefix_hash(const struct fg_masked *p, uint32_t seed)
{
	uint64_t h = ((uint64_t)p->address[0] << 32 | p->address[1]) ^ ((uint64_t)seed << 32 | seed);

	h = (h ^ (h >> 29)) * FG_PREFIX_HASH_FIRST;
	h ^= ((uint64_t)p->address[2] << 32 | p->address[3]) + p->length;
	h = (h ^ (h >> 32)) * FG_PREFIX_HASH_SECOND;
	return h ^ (h >> 31);
}

/* Of a prefix, by its hash: its bit in the words of fg_prefixes_line.tags. No bits that say which bucket, as there are fewer than 2^27. */
FG_INLINE uint32_t fg_prefix_tag(uint64_t hash)
{
	return (uint32_t)(hash >> FG_PREFIX_TAG_SHIFT);
}

FG_INLINE uint32_t fg_bucket_find(const struct fg_view *view, uint32_t ref, const struct fg_masked *p)
{
	const struct fg_bucket *b = (const struct fg_bucket *)fg_line(view, ref);

	if (b == NULL)
		return 0;
	for (int i = 0; i < FG_BUCKET_PREFIXES; i++)
		if (b->at[i].address[0] == p->address[0] && b->at[i].address[1] == p->address[1] &&
		    b->at[i].address[2] == p->address[2] && b->at[i].address[3] == p->address[3] &&
		    b->length[i] == p->length)
			return b->step[i];
	return 0;
}

/* Step for the prefix of the turn-th length that holds the packet's address. */
FG_INLINE uint32_t fg_prefixes_find(const struct fg_view *view, const struct fg_prefixes_line *t, uint32_t turn,
				    const struct fg_key *k)
{
	struct fg_masked p;
	uint64_t h;
	uint32_t ref;

	if (turn >= FG_PREFIX_LENGTHS_MAX)
		return 0;
	p.length = t->length[turn];
	for (uint32_t i = 0; i < 4; i++) {
		const uint8_t *word = k->octet + (t->key_octet & 48) + 4 * i;

		p.address[i] = fg_prefix_word(*(const uint32_t *)(const void *)word, i, p.length);
	}
	h = fg_prefix_hash(&p, t->seed);
	ref = fg_bucket_find(view, t->buckets + ((uint32_t)h & t->mask), &p);
	return ref ? ref : fg_bucket_find(view, t->buckets + ((uint32_t)(h >> 32) & t->mask), &p);
}

/* ---- The walk ---- */

/* What a root step finds from *turn on; 0: nothing any more. */
FG_INLINE uint32_t fg_root_turns(const struct fg_view *view, const struct fg_root_line *root, const struct fg_key *k,
				 uint32_t *turn)
{
	uint32_t ref = 0;

	if (*turn == 0)
		ref = fg_root_find(view, root, 0, k);
	if (ref != 0 || *turn > 1) {
		*turn += 1;
		return ref;
	}
	*turn = 2;
	return fg_root_find(view, root, 1, k);
}

/* The same of a prefixes step. Counts from 0 whatever *turn is: the verifier follows one way, not one for each. */
FG_INLINE uint32_t fg_prefixes_turns(const struct fg_view *view, const struct fg_prefixes_line *t,
				     const struct fg_key *k, uint32_t *turn)
{
	uint32_t ref = 0;

	for (uint32_t i = 0; i < FG_PREFIX_LENGTHS_MAX && i < t->count; i++) {
		if (i < *turn)
			continue;
		ref = fg_prefixes_find(view, t, i, k);
		*turn = i + 1;
		if (ref != 0)
			break;
	}
	return ref;
}

/* Goes into what a root or prefixes step finds, to come back for more; or on behind it. */
FG_INLINE void fg_cursor_turn(const struct fg_view *view, uint32_t here, const struct fg_step *s,
			      const struct fg_key *k, struct fg_cursor *c)
{
	const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)(const void *)s;
	uint32_t level = s->kind == FG_STEP_ROOT || t->key_octet == offsetof(struct fg_key, dst) ? 0 : 1;
	uint32_t turn = c->ref ? 0 : c->turn[level];
	uint32_t found = s->kind == FG_STEP_ROOT
				 ? fg_root_turns(view, (const struct fg_root_line *)(const void *)s, k, &turn)
				 : fg_prefixes_turns(view, t, k, &turn);

	c->ref = found ? found : s->next;
	c->resume[level] = found ? here : 0;
	c->turn[level] = (uint8_t)turn;
}

FG_INLINE struct fg_cursor fg_match_begin(const struct fg_view *view, const struct fg_key *k)
{
	const struct fg_image *image = (const struct fg_image *)fg_line(view, 0);
	struct fg_cursor c = { 0 };

	if (image != NULL)
		c.ref = image->entry[k->family & 1];
	return c;
}

/* One step. False: the packet's way ends here. */
FG_INLINE bool fg_match_step(const struct fg_view *view, const struct fg_key *k, struct fg_cursor *c,
			     struct fg_matched *out)
{
	uint32_t ref = c->ref ? c->ref : c->resume[1] ? c->resume[1] : c->resume[0];
	const struct fg_step *s;
	struct fg_bits bits;

	if (ref == 0)
		return false;
	s = (const struct fg_step *)fg_line(view, ref);
	if (s == NULL)
		return false;
	switch (s->kind) {
	case FG_STEP_ROOT:
	case FG_STEP_PREFIXES:
		fg_cursor_turn(view, ref, s, k, c);
		return true;
	case FG_STEP_RULE:
		c->ref = s->next;
		return !(fg_rule_line_matches(view, ref, (const struct fg_rule_line *)(const void *)s, k) &&
			 fg_matched_add(out, s->slot));
	case FG_STEP_SEGMENT:
		c->ref = s->next;
		return !(fg_segment_bits(view, ref, (const struct fg_segment_line *)(const void *)s, k, &bits) &&
			 fg_segment_take(view, (const struct fg_segment_line *)(const void *)s, &bits, out));
	default:
		return false;
	}
}

#ifndef __bpf__
/* All rules that apply to the packet, in order. */
FG_INLINE void fg_match(const struct fg_view *view, const struct fg_key *k, struct fg_matched *out)
{
	struct fg_cursor c = fg_match_begin(view, k);

	out->count = 0;
	for (uint32_t i = 0; i < FG_STEPS_MAX && fg_match_step(view, k, &c, out); i++)
		;
}
#endif

#endif
