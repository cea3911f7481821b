/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same rules for iptables with ipset (veth.h), IPv4. Rules that differ in their source alone, or have none and differ in their destination alone, are
 * one set of networks and one statement; a rule that is alone is a statement with its addresses. Sets of pairs of networks are not used: not every kernel has
 * them.
 */
#include "bench/veth.h"

static bool asks(struct bench_range r)
{
	return r.lo != 0 || r.hi != 65535;
}

static bool same_range(struct bench_range a, struct bench_range b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static bool same_rest(const struct bench_rule *a, const struct bench_rule *b)
{
	return a->proto == b->proto && a->tcp_mask == b->tcp_mask && a->tcp_value == b->tcp_value &&
	       a->fragments == b->fragments && same_range(a->sport, b->sport) && same_range(a->dport, b->dport) &&
	       same_range(a->length, b->length);
}

static bool same_set(const struct bench_rule *a, const struct bench_rule *b)
{
	bool same_destination = a->src_length > 0 ? a->dst == b->dst && a->dst_length == b->dst_length
						  : (a->dst_length > 0) == (b->dst_length > 0);

	return (a->src_length > 0) == (b->src_length > 0) && same_destination && same_rest(a, b);
}

/* The first rule of the set that rule i is of. */
static size_t first_of(const struct bench_rules *rules, size_t i)
{
	size_t k = 0;

	while (!same_set(&rules->at[k], &rules->at[i]))
		k++;
	return k;
}

static bool is_alone(const struct bench_rules *rules, size_t i)
{
	for (size_t k = i + 1; k < rules->n; k++)
		if (same_set(&rules->at[k], &rules->at[i]))
			return false;
	return true;
}

static bool has_addresses(const struct bench_rule *r)
{
	return r->dst_length > 0 || r->src_length > 0;
}

size_t bench_ipset_statements(const struct bench_rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++)
		n += first_of(rules, i) == i;
	return n;
}

bool bench_ipset_cannot(const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->at[i].proto == 0 && (asks(rules->at[i].sport) || asks(rules->at[i].dport)))
			return true;
	return false;
}

/* ---- Sets ---- */

/* The address that a set is of. */
static void put_member(FILE *f, const struct bench_rule *r)
{
	if (r->src_length > 0)
		bench_put_prefix(f, r->src, r->src_length);
	else
		bench_put_prefix(f, r->dst, r->dst_length);
}

void bench_ipset_sets(FILE *f, const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct bench_rule *r = &rules->at[i];
		size_t first = first_of(rules, i);

		if (!has_addresses(r))
			continue;
		if (first == i && is_alone(rules, i))
			continue;
		if (first == i)
			fprintf(f, "create s%zu hash:net maxelem %zu\n", i, rules->n);
		fprintf(f, "add -exist s%zu ", first);
		put_member(f, r);
		fputc('\n', f);
	}
}

/* ---- Statements ---- */

static void put_destination(FILE *f, const struct bench_rule *r)
{
	if (r->dst_length == 0)
		return;
	fputs(" -d ", f);
	bench_put_prefix(f, r->dst, r->dst_length);
}

static void put_source(FILE *f, const struct bench_rule *r)
{
	if (r->src_length == 0)
		return;
	fputs(" -s ", f);
	bench_put_prefix(f, r->src, r->src_length);
}

static void put_addresses(FILE *f, const struct bench_rules *rules, size_t i)
{
	const struct bench_rule *r = &rules->at[i];
	bool alone = !has_addresses(r) || is_alone(rules, i);

	if (alone || r->src_length > 0)
		put_destination(f, r);
	if (alone)
		put_source(f, r);
	else
		fprintf(f, " -m set --match-set s%zu %s", i, r->src_length > 0 ? "src" : "dst");
}

/* Flags by name: as numbers they are not taken. */
static void put_flags(FILE *f, uint8_t flags)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG" };
	const char *between = " ";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags >> i & 1) {
			fprintf(f, "%s%s", between, names[i]);
			between = ",";
		}
	if (flags == 0)
		fputs(" NONE", f);
}

static void put_rest(FILE *f, const struct bench_rule *r)
{
	if (r->fragments)
		fputs(" -f", f);
	if (r->proto != 0)
		fprintf(f, " -p %u", r->proto);
	if (asks(r->sport) || asks(r->dport) || r->tcp_mask != 0)
		fputs(r->proto == FG_PROTO_TCP ? " -m tcp" : " -m udp", f);
	if (asks(r->sport))
		fprintf(f, " --sport %u:%u", r->sport.lo, r->sport.hi);
	if (asks(r->dport))
		fprintf(f, " --dport %u:%u", r->dport.lo, r->dport.hi);
	if (r->tcp_mask != 0) {
		fputs(" --tcp-flags", f);
		put_flags(f, r->tcp_mask);
		put_flags(f, r->tcp_value);
	}
	if (asks(r->length))
		fprintf(f, " -m length --length %u:%u", r->length.lo, r->length.hi);
}

void bench_ipset_rules(FILE *f, const struct bench_rules *rules)
{
	fputs("*raw\n:peer - [0:0]\n", f);
	for (size_t i = 0; i < rules->n; i++) {
		const struct bench_rule *r = &rules->at[i];

		if (first_of(rules, i) != i)
			continue;
		fputs("-A peer", f);
		put_addresses(f, rules, i);
		put_rest(f, r);
		fputs(" -j DROP\n", f);
	}
	fputs("-A PREROUTING -i there -j peer\nCOMMIT\n", f);
}
