/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same rules for nftables (veth.h), IPv4. As a chain a rule is a statement, in which a list is a set without a name. As sets, which have no lists: rules that ask for the same fields, and for the same TCP flags, are one
 * set of concatenated intervals, which is what nftables has for many rules.
 */
#include "bench/veth.h"

enum field { DST, SRC, PROTO, SPORT, DPORT, LENGTH, DSCP, ICMP_TYPE, ICMP_CODE, FIELDS, FRAGMENTS = FIELDS };

static const char *const names[FIELDS] = { "ip daddr",  "ip saddr", "ip protocol", "th sport", "th dport",
					   "ip length", "ip dscp",  "icmp type",   "icmp code" };

static bool asks_below(struct bench_range r, uint16_t most)
{
	return r.lo != 0 || r.hi != most;
}

static bool asks(struct bench_range r)
{
	return asks_below(r, 65535);
}

/* Which fields a rule asks for, by bit. */
static uint32_t signature_of(const struct bench_rule *r)
{
	return (uint32_t)(r->dst_length > 0) << DST | (uint32_t)(r->src_length > 0) << SRC |
	       (uint32_t)(r->proto != 0) << PROTO | (uint32_t)asks(r->sport) << SPORT |
	       (uint32_t)asks(r->dport) << DPORT | (uint32_t)asks(r->length) << LENGTH |
	       (uint32_t)asks_below(r->dscp, BENCH_DSCP_MOST) << DSCP |
	       (uint32_t)asks_below(r->icmp_type, BENCH_ICMP_MOST) << ICMP_TYPE |
	       (uint32_t)asks_below(r->icmp_code, BENCH_ICMP_MOST) << ICMP_CODE | (uint32_t)r->fragments << FRAGMENTS;
}

void bench_put_prefix(FILE *f, uint32_t a, uint8_t length)
{
	fprintf(f, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	if (length < 32)
		fprintf(f, "/%u", length);
}

static void put_range(FILE *f, struct bench_range r)
{
	fprintf(f, r.lo == r.hi ? "%u" : "%u-%u", r.lo, r.hi);
}

static void put_protocols(FILE *f, const struct bench_rule *r)
{
	fprintf(f, r->proto_or != 0 ? "{ %u, %u }" : "%u", r->proto, r->proto_or);
}

static void put_dports(FILE *f, const struct bench_rule *r)
{
	fputs(r->ors > 0 ? "{ " : "", f);
	put_range(f, r->dport);
	for (size_t i = 0; i < r->ors; i++) {
		fputs(", ", f);
		put_range(f, r->dport_or[i]);
	}
	fputs(r->ors > 0 ? " }" : "", f);
}

static void put_value(FILE *f, const struct bench_rule *r, enum field field)
{
	switch (field) {
	case DST:
		bench_put_prefix(f, r->dst, r->dst_length);
		break;
	case SRC:
		bench_put_prefix(f, r->src, r->src_length);
		break;
	case PROTO:
		put_protocols(f, r);
		break;
	case SPORT:
		put_range(f, r->sport);
		break;
	case DPORT:
		put_dports(f, r);
		break;
	case LENGTH:
		put_range(f, r->length);
		break;
	case DSCP:
		put_range(f, r->dscp);
		break;
	case ICMP_TYPE:
		put_range(f, r->icmp_type);
		break;
	default:
		put_range(f, r->icmp_code);
		break;
	}
}

/* What is the same for all rules of a set. */
static void put_common(FILE *f, const struct bench_rule *r)
{
	if (r->fragments)
		fputs("ip frag-off & 0x1fff != 0 ", f);
	if (r->tcp_mask != 0)
		fprintf(f, "tcp flags & 0x%x == 0x%x ", r->tcp_mask, r->tcp_value);
}

void bench_nft_rules(FILE *f, const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct bench_rule *r = &rules->at[i];

		for (int field = 0; field < FIELDS; field++)
			if (signature_of(r) >> field & 1) {
				fprintf(f, "%s ", names[field]);
				put_value(f, r, (enum field)field);
				fputc(' ', f);
			}
		put_common(f, r);
		fputs("drop\n", f);
	}
}

/* ---- Sets ---- */

bool bench_nft_lists(const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->at[i].ors > 0 || rules->at[i].proto_or != 0)
			return true;
	return false;
}

static bool same_set(const struct bench_rule *a, const struct bench_rule *b)
{
	return signature_of(a) == signature_of(b) && a->tcp_mask == b->tcp_mask && a->tcp_value == b->tcp_value;
}

/* The first rule of its set. */
static bool is_first(const struct bench_rules *rules, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_set(&rules->at[k], &rules->at[i]))
			return false;
	return true;
}

static void put_fields(FILE *f, uint32_t signature, const char *const of[FIELDS])
{
	const char *between = "";

	for (int field = 0; field < FIELDS; field++)
		if (signature >> field & 1) {
			fprintf(f, "%s%s", between, of[field]);
			between = " . ";
		}
}

static void put_elements(FILE *f, const struct bench_rules *rules, size_t first)
{
	const struct bench_rule *of = &rules->at[first];

	for (size_t i = first; i < rules->n; i++) {
		const char *between = "";

		if (!same_set(of, &rules->at[i]))
			continue;
		for (int field = 0; field < FIELDS; field++)
			if (signature_of(of) >> field & 1) {
				fputs(between, f);
				put_value(f, &rules->at[i], (enum field)field);
				between = " . ";
			}
		fputs(", ", f);
	}
}

static bool one_field(uint32_t signature)
{
	signature &= (1u << FIELDS) - 1;
	return (signature & (signature - 1)) == 0;
}

void bench_nft_sets(FILE *f, const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (!is_first(rules, i))
			continue;
		fprintf(f, "set s%zu { typeof ", i);
		put_fields(f, signature_of(&rules->at[i]), names);
		fputs(one_field(signature_of(&rules->at[i])) ? "; flags interval; auto-merge; elements = { "
							     : "; flags interval; elements = { ",
		      f);
		put_elements(f, rules, i);
		fputs("} }\n", f);
	}
}

void bench_nft_set_rules(FILE *f, const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (is_first(rules, i)) {
			put_common(f, &rules->at[i]);
			put_fields(f, signature_of(&rules->at[i]), names);
			fprintf(f, " @s%zu drop\n", i);
		}
}
