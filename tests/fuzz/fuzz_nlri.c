/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NLRI octets. Comes in: an octet that says how to read (bit 0: IPv6, bit 1: full offsets, bit 2: with length octets, bit 3: with an RD
 * too), then octets. What must hold: the engine and the naive reference accept the same, see the same components, order them the
 * same and match the same packets: nothing is wider or narrower than it was received; what lint says can never match, never does; what
 * covers another rule matches all that it matches; and the text reads back.
 */
#include <string.h>

#include "ctrl/rule/canon.h"
#include "ctrl/rule/lint.h"
#include "ctrl/rule/order.h"
#include "flowgate/packet.h"
#include "tests/fuzz/fuzz.h"

enum { HOW_IPV6 = 1, HOW_FULL = 2, HOW_FRAMED = 4, HOW_VPN = 8, PACKETS = 12, RD_OCTETS = 8 };

/* One NLRI as both sides see it. */
struct subject {
	struct fg_rule rule;
	struct or_nlri nlri;
	struct fg_canon canon;
	struct fg_interval pool[FG_CANON_POOL];
};

static void same_terms(const struct fg_component *got, const struct or_component *want)
{
	static struct or_term terms[OR_TERMS_MAX];
	size_t n = or_terms(want, terms, OR_TERMS_MAX), i = 0;
	struct fg_term_iter it = fg_terms(got);
	struct fg_term t;

	while (fg_term_next(&it, &t)) {
		uint8_t op = i == 0 ? terms[i].op & (uint8_t)~FG_OP_AND : terms[i].op;

		MUST_HOLD(i < n && t.op == op && t.width == terms[i].width && t.value == terms[i].value);
		i++;
	}
	MUST_HOLD(i == n);
}

static void same_prefix(const struct fg_prefix *got, const struct or_component *want)
{
	MUST_HOLD(got->offset == want->prefix_offset && got->length == want->prefix_length);
	MUST_HOLD(memcmp(got->octets, want->prefix, sizeof(got->octets)) == 0);
}

static void same_components(const struct subject *s)
{
	struct fg_component_iter it = fg_components(&s->rule);
	struct fg_component c;
	size_t n = 0;

	while (fg_component_next(&it, &c, NULL) == 0) {
		const struct or_component *want = &s->nlri.component[n++];

		MUST_HOLD(n <= s->nlri.count && c.type == want->type && c.len == want->len && c.body == want->body);
		MUST_HOLD(c.body == s->rule.nlri + c.octet + 1);
		if (c.type <= FG_SRC) {
			struct fg_prefix prefix = fg_component_prefix(&s->rule, &c);

			same_prefix(&prefix, want);
		} else {
			same_terms(&c, want);
		}
	}
	MUST_HOLD(n == s->nlri.count);
}

/* Valid to both, or to neither; then *s is whole. */
static bool subject_make(struct subject *s, bool ipv6, bool full, const uint8_t *octets, size_t len)
{
	struct fg_finding why = { 0 };
	bool valid = or_nlri_decode(ipv6 ? OR_IPV6 : OR_IPV4, full, octets, len, &s->nlri);

	s->rule = (struct fg_rule){ .family = ipv6, .nlri = octets, .nlri_len = (uint16_t)len, .offset_form = full };
	MUST_HOLD(fg_nlri_check(&s->rule, &why) == (valid ? 0 : FG_MALFORMED));
	MUST_HOLD(valid || (why.code == FG_MALFORMED && why.octet <= len && why.detail[0] != '\0'));
	if (valid)
		fg_canon_make(&s->rule, s->pool, &s->canon);
	return valid;
}

static bool prefix_holds(const struct fg_prefix *p, const uint8_t *address)
{
	for (size_t bit = p->offset; bit < p->length; bit++)
		if ((p->octets[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool list_holds(const struct fg_canon *c, uint8_t type, uint32_t value)
{
	for (uint16_t i = 0; i < c->list[type].count; i++)
		if (value >= c->list[type].at[i].lo && value <= c->list[type].at[i].hi)
			return true;
	return false;
}

static bool component_holds(const struct fg_canon *c, uint8_t type, const struct fg_packet *p)
{
	const struct fg_key *k = &p->key;
	bool ports = k->l4 == FG_L4_PORTS || k->l4 == FG_L4_FLAGS;

	switch (type) {
	case FG_DST:
		return prefix_holds(&c->dst, k->dst);
	case FG_SRC:
		return prefix_holds(&c->src, k->src);
	case FG_PROTO:
		return k->l4 >= FG_L4_PROTO && list_holds(c, type, k->proto);
	case FG_PORT:
		return ports && (list_holds(c, type, k->sport) || list_holds(c, type, k->dport));
	case FG_DPORT:
		return ports && list_holds(c, type, k->dport);
	case FG_SPORT:
		return ports && list_holds(c, type, k->sport);
	case FG_ICMP_TYPE:
		return k->l4 >= FG_L4_TYPE && list_holds(c, type, k->icmp_type);
	case FG_ICMP_CODE:
		return k->l4 == FG_L4_CODE && list_holds(c, type, k->icmp_code);
	case FG_TCP_FLAGS:
		return k->l4 == FG_L4_FLAGS && (c->tcp.word[k->tcp_flags / 64] >> k->tcp_flags % 64 & 1);
	case FG_LENGTH:
		return list_holds(c, type, p->ip_length);
	case FG_DSCP:
		return list_holds(c, type, k->dscp);
	case FG_FRAGMENT:
		return c->fragment >> k->fragment & 1;
	default:
		return list_holds(c, type, k->flow_label);
	}
}

static bool canon_holds(const struct fg_canon *c, const struct fg_packet *p)
{
	if (p->what != FG_PACKET_IP || p->key.family != c->family)
		return false;
	for (uint8_t type = FG_DST; type <= FG_COMPONENT_MAX; type++)
		if ((c->present >> type & 1) && !component_holds(c, type, p))
			return false;
	return true;
}

/* Whether a packet of that kind matches: the same to canonical form and reference. */
static bool matches(const struct subject *s, const struct fg_packet *got, const struct or_packet *facts)
{
	bool match = or_nlri_match(&s->nlri, facts) == 0;

	MUST_HOLD(canon_holds(&s->canon, got) == match);
	return match;
}

static void aim(struct or_random *r, const struct subject *s, size_t i, struct or_gen_packet *out)
{
	static struct or_gen_rule gen;

	if (i % 4 == 3 || s->rule.nlri_len > OR_GEN_NLRI_MAX) {
		or_gen_packet(r, s->nlri.family, &(struct or_gen_packets){ .odd_percent = 20 }, out);
		return;
	}
	gen.family = s->nlri.family;
	gen.full_offset = s->rule.offset_form == FG_OFFSET_FULL;
	gen.len = s->rule.nlri_len;
	memcpy(gen.octets, s->rule.nlri, gen.len);
	or_gen_aim(r, &gen, i % 4 == 2, &(struct or_gen_packets){ .odd_percent = 5 }, out);
}

static void draw_packet(struct or_random *r, const struct subject *s, size_t i, struct fg_packet *got,
			struct or_packet *facts)
{
	static struct or_gen_frame f;
	struct or_gen_packet packet;
	const uint8_t *end;
	uint32_t missing;

	aim(r, s, i, &packet);
	or_gen_build(&packet, &f);
	end = f.octets + f.captured;
	missing = (uint32_t)(f.wire - f.captured);
	or_packet_read(f.link, f.octets, f.captured, f.wire, facts);
	if (f.link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(f.octets, end, missing, got);
	else
		fg_packet_parse_missing(f.octets, end, missing, got);
}

/* *b, where there is one, is covered by *s or not; `possible`: lint lets *s match. */
static void check_packets(struct or_random *r, const struct subject *s, const struct subject *b, bool possible)
{
	bool covers = b != NULL && fg_canon_covers(&s->canon, &b->canon);
	struct or_packet facts;
	struct fg_packet got;

	for (size_t i = 0; i < PACKETS; i++) {
		bool match, match_b;

		draw_packet(r, b != NULL && i % 2 ? b : s, i / 2, &got, &facts);
		match = matches(s, &got, &facts);
		match_b = b != NULL && matches(b, &got, &facts);
		MUST_HOLD(possible || !match);
		MUST_HOLD(!covers || !match_b || match);
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

/* Another rule of that family: nearly the same, or drawn. */
static bool draw_other(struct or_random *r, const struct subject *s, struct or_gen_rule *gen, struct subject *other)
{
	if (or_random_chance(r, 70) && s->rule.nlri_len <= OR_GEN_NLRI_MAX) {
		gen->family = s->nlri.family;
		gen->full_offset = s->rule.offset_form == FG_OFFSET_FULL;
		gen->len = s->rule.nlri_len;
		memcpy(gen->octets, s->rule.nlri, gen->len);
		or_gen_damage(r, gen);
	} else {
		or_gen_rule(r, s->nlri.family, &(struct or_gen_rules){ .no_dst_percent = 40 }, gen);
	}
	return subject_make(other, gen->family == OR_IPV6, gen->full_offset, gen->octets, gen->len);
}

static bool lint(const struct subject *s)
{
	static struct fg_findings findings;
	static const struct fg_lint_limits limits[] = { { 0 }, { .mtu = 1500 } };
	int judged[2];

	for (size_t i = 0; i < 2; i++) {
		findings.count = 0;
		judged[i] = fg_rule_lint(&s->rule, &s->canon, &limits[i], &findings);
		MUST_HOLD(findings.count <= FG_FINDINGS_MAX && (judged[i] == FG_OK || findings.count > 0));
	}
	MUST_HOLD((judged[0] != FG_NEVER_MATCHES) == fg_canon_possible(&s->canon));
	return judged[0] != FG_NEVER_MATCHES;
}

static void check_valid(const struct subject *s)
{
	static struct subject other;
	static struct or_gen_rule gen;
	static uint8_t written[2 + RD_OCTETS + FG_NLRI_MAX];
	struct or_random r = fuzz_random(s->rule.nlri, s->rule.nlri_len);
	struct fg_reader in = { .at = written };
	struct fg_rule again;
	bool framed;

	same_components(s);
	in.end = written + fg_nlri_write(&s->rule, written, sizeof(written));
	MUST_HOLD(fg_nlri_read(&in, s->rule.family, false, s->rule.offset_form, &again, &framed, NULL) == 0);
	MUST_HOLD(in.at == in.end && again.nlri_len == s->rule.nlri_len);
	MUST_HOLD(memcmp(again.nlri, s->rule.nlri, again.nlri_len) == 0);
	fuzz_reads_back(&s->rule);
	if (!draw_other(&r, s, &gen, &other)) {
		check_packets(&r, s, NULL, lint(s));
		return;
	}
	MUST_HOLD(sign(fg_rule_order(&s->rule, &other.rule)) == sign(or_order(&s->nlri, &other.nlri)));
	MUST_HOLD(sign(fg_rule_order(&other.rule, &s->rule)) == sign(or_order(&other.nlri, &s->nlri)));
	check_packets(&r, s, &other, lint(s));
}

/* The length octets, and the RD behind them, which they count (RFC 8955 §4.1, §8). */
static bool unframe(uint8_t how, const uint8_t **octets, size_t *len)
{
	bool vpn = how & HOW_VPN, framed;
	struct fg_reader in = { .at = *octets, .end = *octets + *len };
	struct fg_rule rule = { 0 };
	size_t n = 0, rd = vpn ? RD_OCTETS : 0, taken = or_nlri_length(*octets, *len, &n);
	struct or_nlri nlri;
	bool valid =
		taken > 0 && n >= rd &&
		or_nlri_decode(how & HOW_IPV6 ? OR_IPV6 : OR_IPV4, how & HOW_FULL, *octets + taken + rd, n - rd, &nlri);
	int r = fg_nlri_read(&in, how & HOW_IPV6 ? FG_IPV6 : FG_IPV4, vpn,
			     how & HOW_FULL ? FG_OFFSET_FULL : FG_OFFSET_STRICT, &rule, &framed, NULL);

	MUST_HOLD(r == (valid ? 0 : FG_MALFORMED) && framed == (taken > 0));
	if (!framed)
		return false;
	MUST_HOLD(in.at == *octets + taken + n);
	if (!valid)
		return false;
	MUST_HOLD(rule.nlri == *octets + taken + rd && rule.nlri_len == n - rd && rule.vpn == vpn);
	*octets = rule.nlri;
	*len = rule.nlri_len;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct subject subject;
	struct fuzz_input in = { data, size };
	uint8_t how = fuzz_octet(&in);
	const uint8_t *octets = in.at;
	size_t len = in.left;

	if (how & HOW_FRAMED && !unframe(how, &octets, &len))
		return 0;
	if (len <= FG_NLRI_MAX && subject_make(&subject, how & HOW_IPV6, how & HOW_FULL, octets, len))
		check_valid(&subject);
	return 0;
}
