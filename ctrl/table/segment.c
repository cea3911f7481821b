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

static void mark(uint64_t *starts, uint32_t v)
{
	starts[v / 64] |= 1ull << (v % 64);
}

/* Marks all starts of a field. False: no rule of the segment constrains it. */
static bool mark_starts(const struct segment *s, const struct source *src)
{
	struct fg_compile_scratch *t = s->e->scratch;
	bool any = false;
	size_t n;

	if (src->type != 0 && !(s->present >> src->type & 1))
		return false;
	memset(t->starts, 0, (src->max / 64 + 2) * sizeof(*t->starts));
	for (size_t i = 0; i < s->n; i++) {
		if (!rule_intervals(s, i, src, t->list, &n))
			continue;
		any = true;
		for (size_t j = 0; j < n; j++) {
			if (t->list[j].lo > 0)
				mark(t->starts, t->list[j].lo);
			if (t->list[j].hi < src->max)
				mark(t->starts, t->list[j].hi + 1);
		}
	}
	return any;
}

static uint32_t count_starts(const uint64_t *starts, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w <= max / 64; w++)
		n += starts[w] != 0 ? (uint32_t)__builtin_popcountll(starts[w]) : 0; /* mostly 0 */
	return n;
}

static void emit_octet_table(struct segment *s, struct fg_field *f, uint32_t max)
{
	const uint64_t *starts = s->e->scratch->starts;
	uint8_t *table;
	uint8_t class = 0;

	f->table = fg_emit_lines(s->e, 4);
	s->lines += 2;
	if (!fg_emit_writes(s->e))
		return;
	table = fg_emit_at(s->e, f->table);
	for (uint32_t v = 0; v < 256; v++) {
		if (v <= max && (starts[v / 64] >> (v % 64) & 1))
			class ++;
		table[v] = class;
	}
}

/* Ranks of one block of 4096 values, if any of them begins a class. */
static uint32_t emit_block(struct segment *s, uint32_t first)
{
	const uint64_t *starts = s->e->scratch->starts + first / 64;
	struct fg_ranks *ranks;
	uint32_t n = 0, ref;

	if (count_starts(starts, 4095) == 0)
		return 0;
	ref = fg_emit_lines(s->e, FG_BLOCK_LINES);
	if (!fg_emit_writes(s->e))
		return ref;
	ranks = fg_emit_at(s->e, ref);
	for (uint32_t i = 0; i < 256; i++) {
		ranks[i].starts = (uint16_t)(starts[i / 4] >> (i % 4 * 16));
		ranks[i].rank = (uint16_t)n;
		n += fg_popcount16(ranks[i].starts);
	}
	return ref;
}

static void emit_wide_table(struct segment *s, struct fg_field *f, uint32_t max)
{
	uint32_t blocks = (max >> FG_BLOCK_SHIFT) + 1, class = 0, ranked = 0;

	f->table = fg_emit_lines(s->e, (blocks + 7) / 8);
	for (uint32_t b = 0; b < blocks; b++) {
		uint32_t ref = emit_block(s, b << FG_BLOCK_SHIFT);

		ranked |= ref;
		if (fg_emit_writes(s->e))
			((struct fg_block *)fg_emit_at(s->e, f->table))[b] = (struct fg_block){ ref, class };
		class += count_starts(s->e->scratch->starts + (size_t)b * 64, 4095);
	}
	/* A line of blocks, one of ranks where there are any, one of vectors; for either port. */
	s->lines += (ranked != 0 ? 3u : 2u) * (f->kind == FG_FIELD_PORTS ? 2 : 1);
}

static uint32_t class_of(const struct segment *s, const struct fg_field *f, uint32_t v)
{
	struct fg_view view = { .base = s->e->base };

	return f->kind == FG_FIELD_OCTET ? fg_octet_class(&view, f->table, v) : fg_wide_class(&view, f->table, v);
}

static void fill_vectors(const struct segment *s, const struct source *src, const struct fg_field *f, uint32_t classes)
{
	struct fg_interval *list = s->e->scratch->list;
	uint32_t words = s->wide ? 8 : 1;
	size_t n;

	for (size_t i = 0; i < s->n; i++) {
		if (!rule_intervals(s, i, src, list, &n)) {
			list[0] = (struct fg_interval){ 0, src->max };
			n = 1;
		}
		for (size_t j = 0; j < n; j++) {
			vector(s, f, class_of(s, f, list[j].lo))[i / 64] ^= 1ull << (i % 64);
			if (list[j].hi < src->max)
				vector(s, f, class_of(s, f, list[j].hi + 1))[i / 64] ^= 1ull << (i % 64);
		}
	}
	for (size_t i = words; i < (size_t)classes * words; i++)
		vector(s, f, 0)[i] ^= vector(s, f, 0)[i - words];
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
	classes = 1 + count_starts(s->e->scratch->starts, src->max);
	*f = (struct fg_field){ .kind = src->kind, .key_octet = src->key_octet };
	if (src->kind == FG_FIELD_OCTET)
		emit_octet_table(s, f, src->max);
	else
		emit_wide_table(s, f, src->max);
	f->vectors = emit_vectors(s, classes);
	if (fg_emit_writes(s->e))
		fill_vectors(s, src, f, classes);
	s->count++;
}

/* Splits the classes of `n` values by a predicate given as a bit for each. Returns the number of classes. */
static uint32_t refine(uint8_t *class, uint32_t n, const bool *bit)
{
	uint16_t split[256][2];
	uint32_t next = 0;

	memset(split, 0xff, sizeof(split));
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

static void refine_tcp(struct tcp_classes *k, const struct fg_tcp_table *t)
{
	bool bit[256];

	for (uint32_t h = 0; h < 16; h++) {
		for (uint32_t l = 0; l < 256; l++)
			bit[l] = tcp_holds(t, h << 8 | l);
		k->lows = refine(k->low, 256, bit);
	}
	for (uint32_t l = 0; l < 256; l++) {
		for (uint32_t h = 0; h < 16; h++)
			bit[h] = tcp_holds(t, h << 8 | l);
		k->highs = refine(k->high, 16, bit);
	}
}

static bool rule_tcp(const struct segment *s, size_t i, struct fg_tcp_table *out)
{
	const struct fg_parts *parts = &s->e->scratch->parts[i];
	struct fg_component c = fg_parts_component(s->rules[i].rule, parts, FG_TCP_FLAGS);

	if (!(parts->present >> FG_TCP_FLAGS & 1))
		return false;
	fg_component_tcp_table(&c, out);
	return true;
}

static void fill_tcp(const struct segment *s, const struct fg_field *f, const struct tcp_classes *k)
{
	struct fg_tcp_table *t = &s->e->scratch->tcp;

	for (size_t i = 0; i < s->n; i++) {
		bool constrained = rule_tcp(s, i, t);

		for (uint32_t v = 0; v < 1u << FG_TCP_FLAGS_BITS; v++)
			if (!constrained || tcp_holds(t, v))
				vector(s, f, k->low[v & 255] + k->high[v >> 8] * k->lows)[i / 64] |= 1ull << (i % 64);
	}
}

static void emit_tcp(struct segment *s)
{
	struct fg_field *f = &s->fields[s->count];
	struct tcp_classes k = { .lows = 1, .highs = 1 };
	uint16_t *table;
	bool any = false;

	for (size_t i = 0; i < s->n; i++)
		if (rule_tcp(s, i, &s->e->scratch->tcp)) {
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
		.slots = slots,
		.rules = (uint16_t)s->n,
		.fields = s->count,
		.kind = FG_STEP_SEGMENT,
		.flags = s->wide ? FG_STEP_WIDE : columns,
		.next = next,
	};
	memcpy(fg_emit_at(s->e, ref + 1), s->fields, s->count * sizeof(s->fields[0]));
	return ref;
}

/* True where a component of a rule admits the value that a packet without that field has, 0. */
static bool admits_absent(const struct segment *s, size_t i, uint8_t type)
{
	const struct fg_rule *rule = s->rules[i].rule;
	struct fg_component c = fg_parts_component(rule, &s->e->scratch->parts[i], type);
	struct fg_compile_scratch *t = s->e->scratch;

	if (type == FG_TCP_FLAGS) {
		fg_component_tcp_table(&c, &t->tcp);
		return tcp_holds(&t->tcp, 0);
	}
	return fg_component_intervals(rule->family, &c, t->list) > 0 && t->list[0].lo == 0;
}

/* True where all that a rule demands of the transport header follows from the values it demands: then its state need not be asked. */
static bool l4_is_implied(const struct segment *s, size_t i)
{
	for (uint8_t type = FG_PROTO; type <= FG_TCP_FLAGS; type++)
		if ((s->e->scratch->parts[i].present >> type & 1) && admits_absent(s, i, type))
			return false;
	return true;
}

struct fg_chain fg_emit_segment(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
				struct fg_chain next)
{
	struct segment s = { .e = e, .rules = rules, .n = n, .wide = n > FG_NARROW_RULES };
	uint32_t slots = fg_emit_lines(e, (uint32_t)((n + 15) / 16)), continues = 0, taken;
	uint8_t columns = 0;

	if (!s.wide && !with_dst)
		columns = fg_emit_columns(e, rules, n);
	for (size_t i = 0; i < n; i++) {
		fg_rule_parts(rules[i].rule, &e->scratch->parts[i]);
		s.present |= e->scratch->parts[i].present;
		e->scratch->l4_implied[i] = l4_is_implied(&s, i);
	}
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
