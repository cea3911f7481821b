/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same rules in rte_acl (bench.h). Comes in: rules and their order, which becomes priority. Goes out: a
 * classifier to be measured. A field of ours is a field of its, an address of IPv6 four; where a rule asks for ports it must not be given a
 * later fragment, so that is a field too. A rule of lists is one of its for each choice. Fields that few rules ask for (the last ones) are left out where none
 * does: each group of four octets costs it time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>

#include "bench/acl.h"

enum { PROTO, DST, SRC, SPORT, DPORT, LENGTH, FLAGS, FRAGMENT, FIELDS, DSCP = FIELDS, TYPE, CODE, ICMP, FIELDS_ALL };

RTE_ACL_RULE_DEF(acl_rule, FIELDS_ALL);

static const struct rte_acl_field_def fields[FIELDS_ALL] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTO, 0, offsetof(struct bench_acl_key, proto) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, DST, 1, offsetof(struct bench_acl_key, dst_be) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, SRC, 2, offsetof(struct bench_acl_key, src_be) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, SPORT, 3, offsetof(struct bench_acl_key, sport_be) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, DPORT, 3, offsetof(struct bench_acl_key, dport_be) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, LENGTH, 4, offsetof(struct bench_acl_key, length_be) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, FLAGS, 4, offsetof(struct bench_acl_key, tcp_flags) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, FRAGMENT, 4, offsetof(struct bench_acl_key, fragment) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, DSCP, 5, offsetof(struct bench_acl_key, dscp) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, TYPE, 5, offsetof(struct bench_acl_key, icmp_type) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, CODE, 5, offsetof(struct bench_acl_key, icmp_code) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, ICMP, 5, offsetof(struct bench_acl_key, icmp) },
};

/* Of IPv6 an address is four fields of 32 bits: rte_acl has none that is longer. */
enum {
	WORDS6 = 4,
	SRC6 = DST + WORDS6,
	REST6 = SRC6 + WORDS6,
	FIELDS6 = REST6 + FIELDS - SPORT,
	LABEL6 = REST6 + FIELDS_ALL - SPORT,
	FIELDS6_ALL
};

RTE_ACL_RULE_DEF(acl_rule6, FIELDS6_ALL);

struct key6 {
	uint8_t proto;
	uint8_t pad[3];
	uint32_t dst_be[WORDS6], src_be[WORDS6];
	uint16_t sport_be, dport_be, length_be;
	uint8_t tcp_flags, fragment;
	uint8_t dscp, icmp_type, icmp_code, icmp;
	uint32_t label_be;
};

static const struct rte_acl_field_def fields6[FIELDS6_ALL] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(struct key6, proto) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(struct key6, dst_be[0]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(struct key6, dst_be[1]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 3, 3, offsetof(struct key6, dst_be[2]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 4, 4, offsetof(struct key6, dst_be[3]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 5, 5, offsetof(struct key6, src_be[0]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 6, 6, offsetof(struct key6, src_be[1]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 7, 7, offsetof(struct key6, src_be[2]) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 8, 8, offsetof(struct key6, src_be[3]) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 9, 9, offsetof(struct key6, sport_be) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 10, 9, offsetof(struct key6, dport_be) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 11, 10, offsetof(struct key6, length_be) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 12, 10, offsetof(struct key6, tcp_flags) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 13, 10, offsetof(struct key6, fragment) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, 14, 11, offsetof(struct key6, dscp) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, 15, 11, offsetof(struct key6, icmp_type) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 1, 16, 11, offsetof(struct key6, icmp_code) },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 17, 11, offsetof(struct key6, icmp) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 4, LABEL6, 12, offsetof(struct key6, label_be) },
};

struct bench_acl {
	struct rte_acl_ctx *context;
	uint64_t build_ns;
	bool ipv6;
	struct bench_acl_key key[BENCH_BATCH];
	struct key6 key6[BENCH_BATCH];
	const uint8_t *data[BENCH_BATCH];
	uint32_t result[BENCH_BATCH];
};

static void set_range(struct rte_acl_field *f, struct bench_range r)
{
	f->value.u16 = r.lo;
	f->mask_range.u16 = r.hi;
}

static void set_range8(struct rte_acl_field *f, struct bench_range r)
{
	f->value.u8 = (uint8_t)r.lo;
	f->mask_range.u8 = (uint8_t)r.hi;
}

static bool asks_for_icmp(const struct bench_rule *r)
{
	return r->icmp_type.lo != 0 || r->icmp_type.hi != BENCH_ICMP_MOST || r->icmp_code.lo != 0 ||
	       r->icmp_code.hi != BENCH_ICMP_MOST;
}

static bool asks_for_ports(const struct bench_rule *r)
{
	return r->tcp_mask != 0 || r->sport.lo != 0 || r->sport.hi != 65535 || r->dport.lo != 0 || r->dport.hi != 65535;
}

static void fill_rule(struct acl_rule *a, const struct bench_rule *r, uint32_t number, int32_t priority)
{
	*a = (struct acl_rule){ .data = { .category_mask = 1, .priority = priority, .userdata = number + 1 } };
	a->field[PROTO].value.u8 = r->proto;
	a->field[PROTO].mask_range.u8 = r->proto ? 0xff : 0;
	a->field[DST].value.u32 = r->dst;
	a->field[DST].mask_range.u32 = r->dst_length;
	a->field[SRC].value.u32 = r->src;
	a->field[SRC].mask_range.u32 = r->src_length;
	set_range(&a->field[SPORT], r->sport);
	set_range(&a->field[DPORT], r->dport);
	set_range(&a->field[LENGTH], r->length);
	a->field[FLAGS].value.u8 = r->tcp_value;
	a->field[FLAGS].mask_range.u8 = r->tcp_mask;
	a->field[FRAGMENT].value.u8 = r->fragments;
	a->field[FRAGMENT].mask_range.u8 = r->fragments || asks_for_ports(r);
	set_range8(&a->field[DSCP], r->dscp);
	set_range8(&a->field[TYPE], r->icmp_type);
	set_range8(&a->field[CODE], r->icmp_code);
	a->field[ICMP].value.u8 = a->field[ICMP].mask_range.u8 = asks_for_icmp(r);
}

/* The address that stands for A is 2001:db8:A::1, and a prefix is 32 longer but for that of a host (bench.h). */
static void put_words(uint32_t out[WORDS6], uint32_t address)
{
	const uint32_t words[WORDS6] = { 0x20010db8, address, 0, 1 };

	memcpy(out, words, sizeof(words));
}

static void set_address6(struct rte_acl_field f[WORDS6], uint32_t address, uint8_t length)
{
	const uint8_t lengths[WORDS6] = { length > 0 ? 32 : 0, length, length == 32 ? 32 : 0, length == 32 ? 32 : 0 };
	uint32_t words[WORDS6];

	put_words(words, address);
	for (int i = 0; i < WORDS6; i++) {
		f[i].value.u32 = words[i];
		f[i].mask_range.u32 = lengths[i];
	}
}

/* The other fields are those of IPv4. */
static void fill_rule6(struct acl_rule6 *a, const struct bench_rule *r, const struct acl_rule *four)
{
	memset(a, 0, sizeof(*a));
	a->data = four->data;
	a->field[PROTO] = four->field[PROTO];
	set_address6(&a->field[DST], r->dst, r->dst_length);
	set_address6(&a->field[SRC6], r->src, r->src_length);
	for (int i = SPORT; i < FIELDS_ALL; i++)
		a->field[REST6 + i - SPORT] = four->field[i];
	a->field[LABEL6].value.u32 = r->label_lo;
	a->field[LABEL6].mask_range.u32 = r->label_hi;
}

/* ---- Rules of lists ---- */

static size_t choices_of(const struct bench_rule *r)
{
	return (r->ors + 1u) * (r->proto_or != 0 ? 2 : 1);
}

size_t bench_acl_count(const struct bench_rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++)
		n += choices_of(&rules->at[i]);
	return n;
}

/* The rule of one protocol and one interval of destination ports. */
static struct bench_rule choice_of(const struct bench_rule *r, size_t which)
{
	struct bench_rule one = *r;
	size_t port = which % (r->ors + 1u);

	one.dport = port == 0 ? r->dport : r->dport_or[port - 1];
	one.proto = which > r->ors ? r->proto_or : r->proto;
	return one;
}

static void add_rule(struct rte_acl_ctx *context, const struct bench_rule *r, bool ipv6, uint32_t number,
		     int32_t priority)
{
	struct acl_rule a;
	struct acl_rule6 six;

	fill_rule(&a, r, number, priority);
	fill_rule6(&six, r, &a);
	if (rte_acl_add_rules(context, ipv6 ? (const struct rte_acl_rule *)&six : (const struct rte_acl_rule *)&a, 1) !=
	    0)
		bench_fail("rte_acl refuses a rule");
}

static void add_rules(struct rte_acl_ctx *context, const struct bench_rules *rules, const struct bench_image *image)
{
	for (size_t i = 0; i < rules->n; i++)
		for (size_t which = 0; which < choices_of(&rules->at[i]); which++) {
			struct bench_rule one = choice_of(&rules->at[i], which);

			add_rule(context, &one, rules->ipv6, (uint32_t)i, (int32_t)(rules->n - image->rank[i]));
		}
}

/* Fields that a set takes. */
static uint32_t fields_of(const struct bench_rules *rules)
{
	if (bench_rules_ask_more(rules))
		return rules->ipv6 ? FIELDS6_ALL : FIELDS_ALL;
	return rules->ipv6 ? FIELDS6 : FIELDS;
}

struct bench_acl *bench_acl_make(const struct bench_rules *rules, const struct bench_image *image, size_t max_size)
{
	struct bench_acl *acl = bench_alloc(1, sizeof(*acl));
	struct rte_acl_config config = { .num_categories = 1, .num_fields = fields_of(rules), .max_size = max_size };
	struct rte_acl_param param = { .socket_id = -1,
				       .rule_size = (uint32_t)RTE_ACL_RULE_SZ(config.num_fields),
				       .max_rule_num = (uint32_t)bench_acl_count(rules) };
	static unsigned int count;
	char name[16];
	uint64_t start;

	snprintf(name, sizeof(name), "bench%u", count++);
	param.name = name;
	acl->context = rte_acl_create(&param);
	if (acl->context == NULL)
		bench_fail("rte_acl has no memory");
	acl->ipv6 = rules->ipv6;
	memcpy(config.defs, rules->ipv6 ? fields6 : fields, config.num_fields * sizeof(*fields));
	for (size_t i = 0; i < BENCH_BATCH; i++)
		acl->data[i] = rules->ipv6 ? (const uint8_t *)&acl->key6[i] : (const uint8_t *)&acl->key[i];
	add_rules(acl->context, rules, image);
	start = bench_now_ns();
	if (rte_acl_build(acl->context, &config) != 0) {
		bench_acl_free(acl);
		return NULL;
	}
	acl->build_ns = bench_now_ns() - start;
	return acl;
}

void bench_acl_free(struct bench_acl *acl)
{
	rte_acl_free(acl->context);
	free(acl);
}

uint64_t bench_acl_build_ns(const struct bench_acl *acl)
{
	return acl->build_ns;
}

static const struct {
	const char *name;
	enum rte_acl_classify_alg algorithm;
} algorithms[] = { { "sse", RTE_ACL_CLASSIFY_SSE },
		   { "avx2", RTE_ACL_CLASSIFY_AVX2 },
		   { "avx512x16", RTE_ACL_CLASSIFY_AVX512X16 },
		   { "avx512x32", RTE_ACL_CLASSIFY_AVX512X32 } };

bool bench_acl_use(struct bench_acl *acl, int algorithm)
{
	return rte_acl_set_ctx_classify(acl->context, algorithms[algorithm].algorithm) == 0;
}

const char *bench_acl_algorithm_name(int algorithm)
{
	return algorithms[algorithm].name;
}

_Static_assert(RTE_DIM(algorithms) == BENCH_ACL_ALGORITHMS, "bench.h says how many there are");

static bool has_icmp(const struct bench_packet *p)
{
	return p->proto == FG_PROTO_ICMP && !p->fragment;
}

static void put_address6(uint32_t out_be[WORDS6], uint32_t address)
{
	put_words(out_be, address);
	for (int i = 0; i < WORDS6; i++)
		out_be[i] = __builtin_bswap32(out_be[i]);
}

static void prepare6(struct bench_acl *acl, const struct bench_packet packets[BENCH_BATCH])
{
	for (size_t i = 0; i < BENCH_BATCH; i++) {
		const struct bench_packet *p = &packets[i];
		struct key6 *key = &acl->key6[i];

		*key = (struct key6){ .proto = p->proto,
				      .sport_be = __builtin_bswap16(p->sport),
				      .dport_be = __builtin_bswap16(p->dport),
				      .length_be = __builtin_bswap16(p->length),
				      .tcp_flags = p->tcp_flags,
				      .fragment = p->fragment,
				      .dscp = p->dscp,
				      .icmp_type = p->icmp_type,
				      .icmp_code = p->icmp_code,
				      .icmp = has_icmp(p),
				      .label_be = __builtin_bswap32(p->label) };
		put_address6(key->dst_be, p->dst);
		put_address6(key->src_be, p->src);
	}
}

void bench_acl_prepare(void *context, const struct bench_packet packets[BENCH_BATCH])
{
	struct bench_acl *acl = context;

	if (acl->ipv6) {
		prepare6(acl, packets);
		return;
	}
	for (size_t i = 0; i < BENCH_BATCH; i++) {
		const struct bench_packet *p = &packets[i];

		acl->key[i] = (struct bench_acl_key){ .proto = p->proto,
						      .dst_be = __builtin_bswap32(p->dst),
						      .src_be = __builtin_bswap32(p->src),
						      .sport_be = __builtin_bswap16(p->sport),
						      .dport_be = __builtin_bswap16(p->dport),
						      .length_be = __builtin_bswap16(p->length),
						      .tcp_flags = p->tcp_flags,
						      .fragment = p->fragment,
						      .dscp = p->dscp,
						      .icmp_type = p->icmp_type,
						      .icmp_code = p->icmp_code,
						      .icmp = has_icmp(p) };
	}
}

void bench_acl_run(void *context)
{
	struct bench_acl *acl = context;

	for (size_t i = 0; i < BENCH_BATCH; i += BENCH_BURST)
		rte_acl_classify(acl->context, acl->data + i, acl->result + i, BENCH_BURST, 1);
}

void bench_acl_classify(const struct bench_acl *acl, const uint8_t **data, uint32_t *result, uint32_t n)
{
	rte_acl_classify(acl->context, data, result, n, 1);
}

uint32_t bench_acl_answer(void *context, size_t i)
{
	return ((struct bench_acl *)context)->result[i];
}
