/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers in a configuration: what is read, what is refused, and what follows: scope, budget, and sessions in front of all rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/conf/conf.h"
#include "ctrl/policy/judge.h"
#include "ctrl/rule/nlri.h"

#define BGP "bgp { as 65001; router-id 10.0.0.1; }\n"
#define PEER(more) BGP "peer rs1 { address 192.0.2.2; as 65010; prefix 203.0.113.0/24; " more " }\n"

static struct fg_conf conf;
static char error[FG_CONF_ERROR_MAX];

static int read_text(const char *text)
{
	error[0] = '\0';
	return fg_conf_read(&conf, "f", text, strlen(text), error);
}

static void assert_read(const char *text)
{
	if (read_text(text) != 0)
		fail_msg("%s", error);
}

static void test_least(void **state)
{
	const struct fg_peer_config *p = &conf.bgp.peer[0];

	(void)state;
	assert_read(PEER(""));
	assert_int_equal(conf.bgp.peers, 1);
	assert_string_equal(p->name, "rs1");
	assert_int_equal(p->as, 65010);
	assert_int_equal(p->local_as, 65001);
	assert_int_equal(p->port, 179);
	assert_int_equal(p->hold_s, 90);
	assert_int_equal(p->hops, 1);
	assert_int_equal(p->max_rules, 10000);
	assert_int_equal(p->offset_form, FG_OFFSET_STRICT);
	assert_false(p->passive || p->ttl_security || p->announce || p->ignore_first_as);
	assert_int_equal(conf.bgp.listens, 2);
	assert_int_equal(conf.policy.scopes, 1);
	assert_int_equal(conf.policy.scope[0].shortest, 24);
	assert_int_equal(conf.policy.limits.sources, 1);
	assert_int_equal(conf.policy.limits.source[0].slots, 10000);
}

static void test_all(void **state)
{
	const struct fg_peer_config *p = &conf.bgp.peer[0];

	(void)state;
	assert_read("bgp { as 4200000001; router-id 10.0.0.1; listen 192.0.2.1:1790; listen \"[2001:db8::1]:179\"; "
		    "listen 2001:db8::2;\n"
		    "service-prefix 198.51.100.0/24 next-hop 192.0.2.1; service-prefix 2001:db8:5::/48 next-hop "
		    "2001:db8::1; }\n"
		    "peer rs1 { address 2001:db8::9; local-address 2001:db8::1; port 1790; as 65010; local-as 65002; "
		    "passive on;\n"
		    "ttl-security 2; md5 \"a key\"; hold-time 30s; retry-time 10; restart-time 2m; stale-time 1h; "
		    "max-rules 20k; preference 200;\n"
		    "first-as ignore; announce-service on; extended-messages off; ipv6-offset-encoding full; prefix "
		    "203.0.113.0/24 shortest "
		    "32; prefix 2001:db8::/32;\n"
		    "actions discard rate-limit; community 65001:100 site fra; community 65001:1:2 ttl 10m; community "
		    "65001:3 count-only; }\n");
	assert_int_equal(conf.bgp.as, 4200000001);
	assert_int_equal(conf.bgp.listens, 3);
	assert_int_equal(conf.bgp.listen[0].port, 1790);
	assert_int_equal(conf.bgp.listen[1].address.family, FG_IPV6);
	assert_int_equal(conf.bgp.listen[2].port, 179);
	assert_true(conf.bgp.service[FG_IPV4].there && conf.bgp.service[FG_IPV6].there);
	assert_int_equal(conf.bgp.service[FG_IPV6].length, 48);
	assert_true(p->has_local && p->passive && p->ttl_security && p->announce && p->ignore_first_as &&
		    p->short_messages);
	assert_int_equal(p->local_as, 65002);
	assert_int_equal(p->hops, 2);
	assert_string_equal(p->md5, "a key");
	assert_int_equal(p->restart_s, 120);
	assert_int_equal(p->stale_s, 3600);
	assert_int_equal(p->max_rules, 20 << 10);
	assert_int_equal(p->offset_form, FG_OFFSET_FULL);
	assert_int_equal(conf.policy.scope[0].shortest, 32);
	assert_int_equal(conf.policy.grant[0].actions, FG_ACT_DISCARD | FG_ACT_RATE_BYTES);
	assert_int_equal(p->communities, 3);
	assert_int_equal(p->community[0].use, FG_COMMUNITY_SITE);
	assert_string_equal(p->community[0].site, "fra");
	assert_int_equal(p->community[1].parts, 3);
	assert_int_equal(p->community[1].ttl_s, 600);
	assert_int_equal(p->community[2].use, FG_COMMUNITY_COUNT_ONLY);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "peer a { address 192.0.2.2; as 1; prefix 0.0.0.0/0; }",
		  "f: peers need 'as' and 'router-id' in 'bgp'" },
		{ BGP "peer a { as 1; prefix 0.0.0.0/0; }", "f: peer 'a': 'address' is missing" },
		{ BGP "peer a { address 192.0.2.2; prefix 0.0.0.0/0; }", "f: peer 'a': 'as' is missing" },
		{ BGP "peer a { address 192.0.2.2; as 1; }",
		  "f: peer 'a': 'prefix' is missing: which destinations it may act on (RFC 8955 §6)" },
		{ PEER("") "peer b { address 192.0.2.2; as 1; prefix 0.0.0.0/0; }",
		  "f: peer 'b': another peer has this address" },
		{ PEER("local-address 2001:db8::1;"),
		  "f: peer 'rs1': 'local-address' is of another family than 'address'" },
		{ BGP "peer operator { }",
		  "f:2:6: unexpected 'operator', expected another name: rules of this source are not of a peer" },
		{ BGP "peer file { }",
		  "f:2:6: unexpected 'file', expected another name: rules of this source are not of a peer" },
		{ BGP "peer a { hold-time 2; }",
		  "f:2:20: unexpected '2', expected 0, or 3s to 65535s (RFC 4271 §4.2)" },
		{ BGP "peer a { restart-time 4096; }",
		  "f:2:23: unexpected '4096', expected 0 (none) to 4095s (RFC 4724 §3)" },
		{ BGP "peer a { multihop 3; ttl-security 2; }",
		  "f:2:22: unexpected 'ttl-security', expected either 'multihop' or 'ttl-security'" },
		{ BGP "peer a { prefix 203.0.113.0/24 shortest 23; }",
		  "f:2:41: unexpected '23', expected a length from that of the prefix on" },
		{ BGP "peer a { prefix 203.0.113.0/24 longest 23; }",
		  "f:2:32: unexpected 'longest', expected 'shortest' and a length" },
		{ BGP "peer a { community 65001:70000 count-only; }",
		  "f:2:20: unexpected '65001:70000', expected a community such as 65001:100 or 65001:1:100" },
		{ BGP "peer a { community 65001 count-only; }",
		  "f:2:20: unexpected '65001', expected a community such as 65001:100 or 65001:1:100" },
		{ BGP "peer a { community 65001:1 site; }",
		  "f:2:28: unexpected 'site', expected 'site NAME', 'ttl TIME' or 'count-only'" },
		{ "bgp { as 0; }", "f:1:10: unexpected '0', expected an AS number of 1 to 4294967294" },
		{ "bgp { router-id 2001:db8::1; }",
		  "f:1:17: unexpected '2001:db8::1', expected an IPv4 address other than 0.0.0.0" },
		{ "bgp { service-prefix 192.0.2.0/24 next-hop 2001:db8::1; }",
		  "f:1:44: unexpected '2001:db8::1', expected an address of the prefix's family" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].text), FG_MALFORMED);
		assert_string_equal(error, cases[i].error);
	}
}

static void test_each_once(void **state)
{
	(void)state;
	assert_int_equal(read_text(PEER("") "peer rs1 { address 192.0.2.3; as 1; prefix 0.0.0.0/0; }"), FG_MALFORMED);
	assert_non_null(strstr(error, "each peer once"));
}

/* A discard of everything yields to both directions of the session, and one of the session itself is refused. */
static void test_session_is_protected(void **state)
{
	static const char *const inside[] = { "from", "to" };
	static struct fg_guard guard;
	static struct fg_interval pool[2 * FG_CANON_POOL], own[2 * FG_CANON_POOL];

	(void)state;
	assert_read(PEER("port 1790;"));
	assert_int_equal(conf.policy.protects, 3);
	assert_int_equal(fg_guard_make(&guard, &conf.policy), 0);
	for (int to_peer = 0; to_peer < 2; to_peer++) {
		struct fg_prefix peer = { .length = 32, .octets = { 192, 0, 2, 2 } };
		struct fg_findings findings = { 0 };
		struct fg_nlri_builder b;
		struct fg_rule rule = { .family = FG_IPV4 };
		struct fg_canon canon;
		char name[32];

		fg_nlri_begin(&b);
		fg_nlri_put_prefix(&b, FG_IPV4, to_peer ? FG_DST : FG_SRC, &peer);
		rule.nlri = b.octets;
		rule.nlri_len = b.len;
		fg_canon_make(&rule, own, &canon);
		fg_judge_guard(&guard, &canon, pool, &findings);
		assert_int_equal(findings.count, 2); /* to the other one for what the peer would send to itself */
		snprintf(name, sizeof(name), "bgp-%s-rs1", inside[to_peer]);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(findings.at[i].code, FG_YIELDS_TO_PROTECTED);
		assert_non_null(strstr(findings.at[to_peer].detail, name));
		fg_nlri_put_term(&b, FG_PROTO, FG_OP_EQ, 6);
		fg_nlri_put_term(&b, FG_DPORT, FG_OP_EQ, 1790);
		rule.nlri_len = b.len;
		findings.count = 0;
		fg_canon_make(&rule, own, &canon);
		fg_judge_guard(&guard, &canon, pool, &findings);
		assert_int_equal(fg_reason_is_warning(findings.at[findings.count - 1].code), false);
		assert_int_equal(findings.at[findings.count - 1].code, FG_INSIDE_PROTECTED);
	}
}

static bool granted(uint32_t set)
{
	struct fg_actions actions = { .set = set };
	struct fg_findings findings = { 0 };

	fg_judge_grant(&conf.policy, "rs1", &actions, &findings);
	return findings.count == 0;
}

static void test_actions(void **state)
{
	struct fg_actions none = { 0 };
	struct fg_findings findings = { 0 };

	(void)state;
	assert_read(PEER("actions discard copy-to-ip; actions continue;"));
	assert_true(granted(FG_ACT_DISCARD));
	assert_true(granted(FG_ACT_DISCARD | FG_ACT_CONTINUE | FG_ACT_UNKNOWN));
	assert_true(granted(FG_ACT_COPY | FG_ACT_REDIRECT_IP));
	assert_false(granted(FG_ACT_REDIRECT_IP));
	assert_false(granted(FG_ACT_DISCARD | FG_ACT_MARK));
	assert_false(granted(0)); /* accept */
	assert_false(granted(FG_ACT_UNKNOWN));
	fg_judge_grant(&conf.policy, "operator", &none, &findings);
	assert_int_equal(findings.count, 0);
	assert_read(PEER(""));
	assert_true(granted(0));
	assert_true(granted(FG_ACT_REDIRECT_RT));
}

static void judge(const char *prefix, uint8_t length, struct fg_findings *findings)
{
	static struct fg_interval pool[2 * FG_CANON_POOL];
	struct fg_prefix p = { .length = length };
	struct fg_nlri_builder b;
	struct fg_rule rule = { .family = FG_IPV4 };
	struct fg_canon canon;

	memcpy(p.octets, prefix, 4);
	fg_nlri_begin(&b);
	fg_nlri_put_prefix(&b, FG_IPV4, FG_DST, &p);
	rule.nlri = b.octets;
	rule.nlri_len = b.len;
	fg_canon_make(&rule, pool, &canon);
	findings->count = 0;
	fg_judge_scope(&conf.policy, "rs1", &canon, findings);
}

static void test_shortest(void **state)
{
	struct fg_findings f;

	(void)state;
	assert_read(PEER("prefix 10.0.0.0/8 shortest 16; prefix 10.9.0.0/16 shortest 32;"));
	judge("\xcb\x00\x71\x00", 24, &f);
	assert_int_equal(f.count, 0);
	judge("\x0a\x01\x00\x00", 16, &f);
	assert_int_equal(f.count, 0);
	judge("\x0a\x00\x00\x00", 15, &f);
	assert_int_equal(f.at[0].code, FG_TOO_BROAD);
	judge("\x0a\x09\x00\x00", 24, &f); /* the wider of two permits it */
	assert_int_equal(f.count, 0);
	judge("\x0b\x00\x00\x00", 32, &f);
	assert_int_equal(f.at[0].code, FG_OUTSIDE_SCOPE);
	judge("\x0a\x00\x00\x00", 0, &f);
	assert_int_equal(f.at[0].code, FG_OUTSIDE_SCOPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_session_is_protected),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_shortest),
	};

	return cmocka_run_group_tests_name("conf/bgp", tests, NULL, NULL);
}
