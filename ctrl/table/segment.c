/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments: rules in, bit vectors by field out. For each field that a rule constrains, the values at which the answer of some rule
 * changes are marked; they cut the field into classes of consecutive values. A rule toggles its bit where an interval begins and where it
 * has ended; XOR from the first class to the last turns toggles into vectors. Linear in intervals and classes: no list of
 * values ever multiplies with another. TCP flags have no order worth cutting: their classes are found by refinement.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/match.h"

struct segment {
	struct fg_emit *e;
	const struct fg_table_rule *rules;
	size_t n;
	bool wide;
	uint16_t present; /* components that any rule has */
	struct fg_field fields[FG_SEGMENT_FIELDS_MAX];
	uint8_t count;
	uint32_t lines; /* the most that are read for fields */
	struct fg_hull hull;
};

/* What one field asks of a rule: the key's octet and the component it comes from. */
struct source {
	uint8_t kind; /* enum fg_field_kind */
	uint8_t type; /* component, 0 for the l4 state */
	uint8_t key_octet;
	uint8_t index; /* of the address octet */
	uint32_t max;  /* largest value */
};

static uint64_t *vector(const struct segment *s, const struct fg_field *f, uint32_t class)
{
	uint32_t words = s->wide ? 8 : 1;

	return (uint64_t *)fg_emit_at(s->e, f->vectors) + (size_t) class * words;
}

/* Appends v, which is above all that is in the list. */
static size_t append_value(struct fg_interval *out, size_t n, uint32_t v)
{
	if (n > 0 && out[n - 1].hi + 1 == v) {
		out[n - 1].hi = v;
		return n;
	}
	out[n] = (struct fg_interval){ v, v };
	return n + 1;
}

static size_t mask_intervals(uint8_t mask, uint8_t value, struct fg_interval *out)
{
	size_t n = 0;

	for (uint32_t v = 0; v < 256; v++)
		if ((v & mask) == value)
			n = append_value(out, n, v);
	return n;
}

static size_t address_intervals(const struct fg_prefix *p, uint8_t index, struct fg_interval *out)
{
	uint8_t mask = 0;

	for (uint32_t bit = 0; bit < 8; bit++)
		if (index * 8u + bit >= p->offset && index * 8u + bit < p->length)
			mask |= (uint8_t)(0x80 >> bit);
	if ((uint8_t)(mask | (mask >> 1)) != mask || (mask != 0 && mask < 0x80))
		return mask_intervals(mask, p->octets[index], out);
	out[0] = (struct fg_interval){ p->octets[index], p->octets[index] | (uint8_t)~mask };
	return 1;
}

static size_t state_intervals(uint16_t states, struct fg_interval *out)
{
	size_t n = 0;

	for (uint32_t v = 0; v < FG_FRAGMENT_STATES; v++)
		if ((states >> v) & 1)
			n = append_value(out, n, v);
	return n;
}

/* Intervals of values that a rule admits in a field; false where it does not constrain it. */
static bool rule_intervals(const struct segment *s, size_t i, const struct source *src, struct fg_interval *out,
			   size_t *n)
{
	const struct fg_rule *rule = s->rules[i].rule;
	const struct fg_parts *parts = &s->e->scratch->parts[i];
	struct fg_component c;
	struct fg_prefix p;

	if (src->type == 0) {
		out[0] = fg_parts_l4(parts);
		*n = out[0].lo <= out[0].hi;
		return (out[0].lo > 0 || *n == 0) && !s->e->scratch->l4_implied[i];
	}
	if (!(parts->present >> src->type & 1))
		return false;
	c = fg_parts_component(rule, parts, src->type);
	if (src->type <= FG_SRC) {
		p = fg_component_prefix(rule, &c);
		*n = address_intervals(&p, src->index, out);
		return *n != 1 || out[0].lo != 0 || out[0].hi != 255;
	}
	if (src->type == FG_FRAGMENT) {
		*n = state_intervals(fg_component_fragment_states(rule->family, &c), out);
		return true;
	}
	*n = fg_component_intervals(rule->family, &c, out);
	if (src->type == FG_LENGTH)
		for (size_t k = 0; k < *n; k++) {
			uint32_t least = rule->family == FG_IPV4 ? FG_LENGTH4_MIN : FG_LENGTH6_MIN;

			out[k] = (struct fg_interval){ out[k].lo - least, out[k].hi - least };
		}
	return true;
}

/* Starts are few, so that what is read and cleared are their words alone; and they are counted as they come. */
static void mark(struct fg_compile_scratch *t, uint32_t v)
{
	uint32_t word = v / 64, block = word / 64;
	uint64_t new = 1ull << (v % 64);

	if (!(t->started[block] >> (word % 64) & 1)) {
		t->starts_in[block] = t->started[block] != 0 ? t->starts_in[block] : 0;
		t->starts[word] = 0;
	}
	t->started[block] |= 1ull << (word % 64);
	t->starts_in[block] += (t->starts[word] & new) == 0;
	t->starts[word] |= new;
}

static uint64_t starts_word(const struct fg_compile_scratch *t, uint32_t word)
{
	return t->started[word / 64] >> (word % 64) & 1 ? t->starts[word] : 0;
}

/* Starts in one block of 4096 values. */
static uint32_t count_block(const struct fg_compile_scratch *t, uint32_t block)
{
	return t->started[block] != 0 ? t->starts_in[block] : 0;
}

static uint32_t count_starts(const struct fg_compile_scratch *t, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t block = 0; block <= max >> FG_BLOCK_SHIFT; block++)
		n += count_block(t, block);
	return n;
}

#define FOR_RULES(i, set)                                                                                              \
	for (size_t w_ = 0, i; w_ < FG_SEGMENT_RULES / 64; w_++)                                                       \
		for (uint64_t left_ = (set)->word[w_]; left_ != 0 && ((i = w_ * 64 + fg_lowest_bit(left_)), true);     \
		     left_ &= left_ - 1)

static void mark_intervals(struct fg_compile_scratch *t, const struct fg_interval *list, size_t n, uint32_t max)
{
	for (size_t j = 0; j < n; j++) {
		if (list[j].lo > 0)
			mark(t, list[j].lo);
		if (list[j].hi < max)
			mark(t, list[j].hi + 1);
	}
}

/*
 * Marks all starts of a field, and keeps the intervals as long as there is room: of the rules behind those they are made anew. False: no
 * rule of the segment constrains it. Where all do, so does the hull.
 */
static bool mark_starts(struct segment *s, const struct source *src)
{
	struct fg_compile_scratch *t = s->e->scratch;
	struct fg_interval hull = { src->max, 0 };
	bool any = false;
	size_t used = 0, n;

	if (src->type != 0 && !(s->present >> src->type & 1))
		return false;
	memset(t->started, 0, ((src->max >> FG_BLOCK_SHIFT) + 1) * sizeof(*t->started));
	memset(&t->constrained, 0, sizeof(t->constrained));
	FOR_RULES(i, &t->with[src->type])
	{
		struct fg_interval *list = t->kept + used;

		if (!rule_intervals(s, i, src, list, &n))
			continue;
		any = true;
		t->constrained.word[i / 64] |= 1ull << (i % 64);
		t->where[i].at = (uint16_t)used;
		t->where[i].n = (uint16_t)n;
		mark_intervals(t, list, n, src->max);
		if (n > 0) {
			hull.lo = list[0].lo < hull.lo ? list[0].lo : hull.lo;
			hull.hi = list[n - 1].hi > hull.hi ? list[n - 1].hi : hull.hi;
		}
		used += used + n <= FG_KEPT_INTERVALS ? n : 0;
	}
	if (memcmp(&t->constrained, &t->with[0], sizeof(t->constrained)) == 0 && hull.lo <= hull.hi)
		fg_hull_limit(&s->hull, src->kind == FG_FIELD_PORTS, src->key_octet, hull);
	return any;
}

static void emit_octet_table(struct segment *s, struct fg_field *f)
{
	const struct fg_compile_scratch *t = s->e->scratch;
	uint8_t *table;
	uint8_t class = 0;

	f->table = fg_emit_lines(s->e, 4);
	s->lines += 2;
	if (!fg_emit_writes(s->e))
		return;
	table = fg_emit_at(s->e, f->table);
	for (uint32_t w = 0; w < 256 / 64; w++) {
		uint64_t starts = starts_word(t, w);

		for (uint32_t i = 0; i < 64; i++, starts >>= 1) {
			class = (uint8_t)(class + (starts & 1));
			*table++ = class;
		}
	}
}

/* Ranks of one block of 4096 values, if any of them begins a class. */
static uint32_t emit_block(struct segment *s, uint32_t block)
{
	const struct fg_compile_scratch *t = s->e->scratch;
	struct fg_ranks *ranks;
	uint32_t n = 0, ref;

	if (t->started[block] == 0)
		return 0;
	ref = fg_emit_lines(s->e, FG_BLOCK_LINES);
	if (!fg_emit_writes(s->e))
		return ref;
	ranks = fg_emit_at(s->e, ref);
	for (uint32_t w = 0; w < 64; w++) {
		uint64_t starts = starts_word(t, block * 64 + w);

		if (starts == 0) { /* nearly all */
			const struct fg_ranks same = { 0, (uint16_t)n }, four[4] = { same, same, same, same };

			memcpy(ranks + 4 * w, four, sizeof(four));
			continue;
		}
		for (uint32_t i = 4 * w; i < 4 * w + 4; i++, starts >>= 16) {
			ranks[i] = (struct fg_ranks){ (uint16_t)starts, (uint16_t)n };
			n += fg_popcount16((uint16_t)starts);
		}
	}
	return ref;
}

static void emit_wide_table(struct segment *s, struct fg_field *f, uint32_t max)
{
	uint32_t blocks = (max >> FG_BLOCK_SHIFT) + 1, class = 0, ranked = 0;

	f->table = fg_emit_lines(s->e, (blocks + 7) / 8);
	for (uint32_t b = 0; b < blocks; b++) {
		uint32_t ref = emit_block(s, b);

		ranked |= ref;
		if (fg_emit_writes(s->e))
			((struct fg_block *)fg_emit_at(s->e, f->table))[b] = (struct fg_block){ ref, class };
		class += count_block(s->e->scratch, b);
	}
	/* A line of blocks, one of ranks where there are any, one of vectors; for either port. */
	s->lines += (ranked != 0 ? 3u : 2u) * (f->kind == FG_FIELD_PORTS ? 2 : 1);
}

static uint32_t class_of(const struct segment *s, const struct fg_field *f, uint32_t v)
{
	struct fg_view view = { .base = s->e->base };

	return f->kind == FG_FIELD_OCTET ? fg_octet_class(&view, f->table, v) : fg_wide_class(&view, f->table, v);
}

/* The intervals of a rule that constrains the field: kept, or made once more where there was no room. */
static const struct fg_interval *intervals_again(const struct segment *s, size_t i, const struct source *src, size_t *n)
{
	struct fg_compile_scratch *t = s->e->scratch;

	*n = t->where[i].n;
	if (t->where[i].at + *n <= FG_KEPT_INTERVALS)
		return t->kept + t->where[i].at;
	rule_intervals(s, i, src, t->list, n);
	return t->list;
}

static void fill_vectors(const struct segment *s, const struct source *src, const struct fg_field *f, uint32_t classes)
{
	const struct fg_compile_scratch *t = s->e->scratch;
	uint64_t *first = vector(s, f, 0);
	uint32_t words = s->wide ? 8 : 1;
	size_t n;

	for (uint32_t w = 0; w < words; w++)
		first[w] = t->with[0].word[w] & ~t->constrained.word[w];
	FOR_RULES(i, &t->constrained)
	{
		const struct fg_interval *list = intervals_again(s, i, src, &n);

		for (size_t j = 0; j < n; j++) {
			vector(s, f, class_of(s, f, list[j].lo))[i / 64] ^= 1ull << (i % 64);
			if (list[j].hi < src->max)
				vector(s, f, class_of(s, f, list[j].hi + 1))[i / 64] ^= 1ull << (i % 64);
		}
	}
	for (size_t i = words; i < (size_t)classes * words; i++)
		first[i] ^= first[i - words];
}

static uint32_t emit_vectors(const struct segment *s, uint32_t classes)
{
	return fg_emit_lines(s->e, s->wide ? classes : (classes + 7) / 8);
}

static void emit_field(struct segment *s, const struct source *src)
{
	struct fg_field *f = &s->fields[s->count];
	uint32_t classes;

	if (!mark_starts(s, src))
		return;
	classes = 1 + count_starts(s->e->scratch, src->max);
	*f = (struct fg_field){ .kind = src->kind, .key_octet = src->key_octet };
	if (src->kind == FG_FIELD_OCTET)
		emit_octet_table(s, f);
	else
		emit_wide_table(s, f, src->max);
	f->vectors = emit_vectors(s, classes);
	if (fg_emit_writes(s->e))
		fill_vectors(s, src, f, classes);
	s->count++;
}

/* Splits the `classes` classes of `n` values by a predicate given as a bit for each. Returns the number of classes. */
static uint32_t refine(uint8_t *class, uint32_t classes, uint32_t n, const bool *bit)
{
	uint16_t split[256][2];
	uint32_t next = 0;

	memset(split, 0xff, classes * sizeof(*split));
	for (uint32_t v = 0; v < n; v++) {
		uint16_t *to = &split[class[v]][bit[v]];

		if (*to == UINT16_MAX)
			*to = (uint16_t)next++;
		class[v] = (uint8_t)*to;
	}
	return next;
}

static bool tcp_holds(const struct fg_tcp_table *t, uint32_t v)
{
	return (t->word[v / 64] >> (v % 64)) & 1;
}

struct tcp_classes {
	uint8_t low[256], high[16];
	uint32_t lows, highs;
};

enum { TCP_ROW_WORDS = 256 / 64 }; /* of a truth table: the answers for all low octets beside the same high bits */

/* Low octets for which it matters what the high bits are: bit l % 64 of word l / 64. */
static void depends_on_high(const struct fg_tcp_table *t, uint64_t depends[TCP_ROW_WORDS])
{
	for (uint32_t w = 0; w < TCP_ROW_WORDS; w++) {
		uint64_t both = UINT64_MAX, any = 0;

		for (uint32_t h = 0; h < 16; h++) {
			both &= t->word[h * TCP_ROW_WORDS + w];
			any |= t->word[h * TCP_ROW_WORDS + w];
		}
		depends[w] = any & ~both;
	}
}

/* What says the same as what was just refined by, or the same of all, splits nothing: of most tables nearly everything. */
static void refine_tcp(struct tcp_classes *k, const struct fg_tcp_table *t)
{
	uint64_t depends[TCP_ROW_WORDS];
	bool bit[256];

	for (uint32_t h = 0; h < 16; h++) {
		const uint64_t *row = &t->word[h * TCP_ROW_WORDS];

		if (h > 0 && memcmp(row, row - TCP_ROW_WORDS, TCP_ROW_WORDS * sizeof(*row)) == 0)
			continue;
		for (uint32_t l = 0; l < 256; l++)
			bit[l] = tcp_holds(t, h << 8 | l);
		k->lows = refine(k->low, k->lows, 256, bit);
	}
	depends_on_high(t, depends);
	for (uint32_t l = 0; l < 256; l++) {
		if (!(depends[l / 64] >> (l % 64) & 1))
			continue;
		for (uint32_t h = 0; h < 16; h++)
			bit[h] = tcp_holds(t, h << 8 | l);
		k->highs = refine(k->high, k->highs, 16, bit);
	}
}

/* Leaves the truth table of a rule's TCP flags in the scratch; false where it has none. */
static bool rule_tcp(const struct segment *s, size_t i)
{
	const struct fg_parts *parts = &s->e->scratch->parts[i];
	struct fg_component c = fg_parts_component(s->rules[i].rule, parts, FG_TCP_FLAGS);

	if (!(parts->present >> FG_TCP_FLAGS & 1))
		return false;
	fg_scratch_tcp(s->e->scratch, &c);
	return true;
}

/* The first value of each class. */
static void first_values(const uint8_t *class, uint32_t n, uint8_t *value)
{
	for (uint32_t v = n; v-- > 0;)
		value[class[v]] = (uint8_t)v;
}

static void fill_tcp(const struct segment *s, const struct fg_field *f, const struct tcp_classes *k)
{
	const struct fg_tcp_table *t = &s->e->scratch->tcp;
	uint8_t low[256], high[16];

	first_values(k->low, 256, low);
	first_values(k->high, 16, high);

	for (size_t i = 0; i < s->n; i++) {
		bool constrained = rule_tcp(s, i);

		for (uint32_t c = 0; c < k->lows * k->highs; c++)
			if (!constrained || tcp_holds(t, (uint32_t)high[c / k->lows] << 8 | low[c % k->lows]))
				vector(s, f, c)[i / 64] |= 1ull << (i % 64);
	}
}

/* True where the scratch's table is one of the last FG_TCP_SEEN different ones; it is from now on. Mostly rules ask for the same. */
static bool tcp_seen(struct fg_compile_scratch *t, uint32_t *seen)
{
	for (uint32_t i = 0; i < *seen && i < FG_TCP_SEEN; i++)
		if (memcmp(&t->tcp_seen[i], &t->tcp, sizeof(t->tcp)) == 0)
			return true;
	t->tcp_seen[(*seen)++ % FG_TCP_SEEN] = t->tcp;
	return false;
}

static void emit_tcp(struct segment *s)
{
	struct fg_field *f = &s->fields[s->count];
	struct tcp_classes k = { .lows = 1, .highs = 1 };
	uint32_t seen = 0;
	uint16_t *table;
	bool any = false;

	FOR_RULES(i, &s->e->scratch->with[FG_TCP_FLAGS])
	{
		rule_tcp(s, i);
		if (!tcp_seen(s->e->scratch, &seen))
			refine_tcp(&k, &s->e->scratch->tcp);
		any = true;
	}
	if (!any)
		return;
	*f = (struct fg_field){ .kind = FG_FIELD_TCP, .table = fg_emit_lines(s->e, 9) };
	f->vectors = emit_vectors(s, k.lows * k.highs);
	s->count++;
	s->lines += 3;
	if (!fg_emit_writes(s->e))
		return;
	table = fg_emit_at(s->e, f->table);
	for (uint32_t l = 0; l < 256; l++)
		table[l] = k.low[l];
	for (uint32_t h = 0; h < 16; h++)
		table[256 + h] = (uint16_t)(k.high[h] * k.lows);
	fill_tcp(s, f, &k);
}

#define KEY(member) offsetof(struct fg_key, member)

static const struct source sources[] = {
	{ FG_FIELD_OCTET, 0, KEY(l4), 0, 255 },
	{ FG_FIELD_OCTET, FG_PROTO, KEY(proto), 0, 255 },
	{ FG_FIELD_PORTS, FG_PORT, KEY(dport), 0, FG_PORT_VALUE_MAX },
	{ FG_FIELD_WIDE, FG_DPORT, KEY(dport), 0, FG_PORT_VALUE_MAX },
	{ FG_FIELD_WIDE, FG_SPORT, KEY(sport), 0, FG_PORT_VALUE_MAX },
	{ FG_FIELD_WIDE, FG_LENGTH, KEY(length), 0, 65535 },
	{ FG_FIELD_OCTET, FG_ICMP_TYPE, KEY(icmp_type), 0, 255 },
	{ FG_FIELD_OCTET, FG_ICMP_CODE, KEY(icmp_code), 0, 255 },
	{ FG_FIELD_OCTET, FG_DSCP, KEY(dscp), 0, 255 },
	{ FG_FIELD_OCTET, FG_FRAGMENT, KEY(fragment), 0, 255 },
	{ FG_FIELD_LABEL, FG_FLOW_LABEL, KEY(flow_label), 0, FG_FLOW_LABEL_MAX },
};

static void emit_addresses(struct segment *s, uint8_t type, uint8_t key_octet)
{
	uint8_t octets = s->rules[0].rule->family == FG_IPV4 ? 4 : 16;

	for (uint8_t i = 0; i < octets; i++)
		emit_field(s, &(struct source){ FG_FIELD_OCTET, type, (uint8_t)(key_octet + i), i, 255 });
}

/* The step itself, when its fields are known: descriptors follow its line. */
static uint32_t emit_line(const struct segment *s, uint32_t slots, uint8_t columns, uint32_t next)
{
	uint32_t ref = fg_emit_lines(s->e, 1 + (s->count + 3u) / 4);

	if (!fg_emit_writes(s->e))
		return ref;
	*(struct fg_segment_line *)fg_emit_at(s->e, ref) = (struct fg_segment_line){
		.hull = s->hull,
		.slots = slots,
		.rules = (uint16_t)s->n,
		.fields = s->count,
		.kind = FG_STEP_SEGMENT,
		.flags = (uint8_t)((s->wide ? FG_STEP_WIDE : columns) | (fg_hull_limits(&s->hull) ? FG_STEP_HULL : 0)),
		.next = next,
	};
	memcpy(fg_emit_at(s->e, ref + 1), s->fields, s->count * sizeof(s->fields[0]));
	return ref;
}

/* What one comparison says of the value 0 (RFC 8955 §4.2.1.1). */
static bool zero_holds(const struct fg_term *term)
{
	return term->value == 0 ? term->op & FG_OP_EQ : term->op & FG_OP_LT;
}

/*
 * True where a component of a rule admits the value that a packet without that field has, 0. Asked of every rule, so the comparisons are made and
 * not the intervals.
 */
static bool admits_absent(const struct segment *s, size_t i, uint8_t type)
{
	struct fg_component c = fg_parts_component(s->rules[i].rule, &s->e->scratch->parts[i], type);
	struct fg_term_iter it = fg_terms(&c);
	bool any = false, all = false; /* before the first group of comparisons */
	struct fg_term term;

	if (type == FG_TCP_FLAGS)
		return tcp_holds(fg_scratch_tcp(s->e->scratch, &c), 0);
	while (fg_term_next(&it, &term)) {
		if ((term.op & FG_OP_AND) == 0) {
			any |= all;
			all = true;
		}
		all = all && zero_holds(&term);
	}
	return any || all;
}

/* True where all that a rule demands of the transport header follows from the values it demands: then its state need not be asked. */
static bool l4_is_implied(const struct segment *s, size_t i)
{
	for (uint8_t type = FG_PROTO; type <= FG_TCP_FLAGS; type++)
		if ((s->e->scratch->parts[i].present >> type & 1) && admits_absent(s, i, type))
			return false;
	return true;
}

/* Reads where the components of a rule are. */
static void take_rule(struct segment *s, size_t i)
{
	struct fg_compile_scratch *t = s->e->scratch;

	fg_rule_parts(s->rules[i].rule, &t->parts[i]);
	s->present |= t->parts[i].present;
	for (uint32_t types = t->parts[i].present | 1; types != 0; types &= types - 1)
		t->with[fg_lowest_bit(types)].word[i / 64] |= 1ull << (i % 64);
	t->l4_implied[i] = l4_is_implied(s, i);
}

struct fg_chain fg_emit_segment(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
				struct fg_chain next)
{
	struct segment s = { .e = e, .rules = rules, .n = n, .wide = n > FG_NARROW_RULES };
	uint32_t slots, continues = 0, taken;
	uint8_t columns = 0;

	s.hull = fg_hull_open;
	if (!s.wide && !with_dst)
		columns = fg_emit_columns(e, rules, n, &slots);
	else
		slots = fg_emit_lines(e, (uint32_t)((n + 15) / 16));
	memset(e->scratch->with, 0, sizeof(e->scratch->with));
	for (size_t i = 0; i < n; i++)
		take_rule(&s, i);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources) && !e->full; i++)
		emit_field(&s, &sources[i]);
	emit_tcp(&s);
	emit_addresses(&s, FG_SRC, KEY(src));
	if (with_dst)
		emit_addresses(&s, FG_DST, KEY(dst));
	for (size_t i = 0; i < n; i++) {
		continues += rules[i].slot & FG_SLOT_CONTINUE ? 1 : 0;
		if (fg_emit_writes(e))
			((uint32_t *)fg_emit_at(e, slots))[i] = rules[i].slot;
	}
	/* A line of slots for each rule taken: those that continue, and one that does not. */
	taken = continues < n ? continues + 1 : continues;
	taken = taken < FG_APPLIED_MAX ? taken : FG_APPLIED_MAX;
	next.ref = emit_line(&s, slots, columns, next.ref);
	next.tail = next.tail ? next.tail : next.ref;
	next.lines += 1 + (s.count + 3u) / 4 + s.lines + taken;
	next.continues += continues;
	return next;
}
