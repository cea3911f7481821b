/* SPDX-License-Identifier: BSD-3-Clause */
/* Admission, asked through a batch: each reason has a rule that is refused for it and one beside it that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GATING_ALONE
#include "tests/unit/gate/gating.h"

static struct gating_batch b;

#define OCTETS(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static int begin(void **state)
{
	(void)state;
	gating_new(GATING_SLOTS);
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	return 0;
}

/* Starts a batch of one rule. */
static struct fg_record *rule(enum fg_family family, const uint8_t *nlri, size_t len)
{
	batch_new(&b, 0, 0);
	return batch_rule(&b, FG_OP_ADD, family, nlri, len);
}

/* What becomes of it: FG_OK, or the first refusal. */
static enum fg_reason sent(void)
{
	batch_send(gating, &b);
	for (uint32_t i = 0; i < gating->findings; i++)
		if (!fg_reason_is_warning(gating->finding[i].why.code)) {
			assert_int_equal(gating->result.committed, 0);
			assert_true(gating->finding[i].why.detail[0] != '\0' &&
				    gating->finding[i].why.source[0] != '\0');
			return gating->finding[i].why.code;
		}
	assert_int_equal(gating->result.committed, 1);
	return FG_OK;
}

static bool warned(enum fg_reason code)
{
	for (uint32_t i = 0; i < gating->findings; i++)
		if (gating->finding[i].why.code == code)
			return true;
	return false;
}

static void test_malformed(void **state)
{
	(void)state;
	rule(FG_IPV4, OCTETS(0));
	b.head.rules = 1;
	assert_int_equal(sent(), FG_MALFORMED);
	rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6, 99));
	assert_int_equal(sent(), FG_MALFORMED);
	rule(FG_IPV4, NULL, 0); /* a zero-length NLRI: RFC 8955 §4.2 */
	assert_int_equal(sent(), FG_MALFORMED);
	rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6));
	assert_int_equal(sent(), FG_OK);
}

static void test_never_matches(void **state)
{
	(void)state;
	rule(FG_IPV4, OCTETS(FG_LENGTH, 0xa1, 0, 1, 0x86, 0x83));
	assert_int_equal(sent(), FG_NEVER_MATCHES);
	rule(FG_IPV4, OCTETS(FG_LENGTH, 0x21, 0, 1, 0x86, 0x83, 0x91, 5, 0));
	assert_int_equal(sent(), FG_OK);
	assert_true(warned(FG_PART_NEVER_MATCHES));
}

static void test_redirect_to_target(void **state)
{
	struct fg_record *r = rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6));

	(void)state;
	r->actions = (struct fg_actions){ .set = FG_ACT_REDIRECT_RT, .rt = { 0x80, 8, 0xfd, 0xe8, 0, 0, 0, 7 } };
	assert_int_equal(sent(), FG_UNSUPPORTED);
	gating->policy.targets = 2;
	gating->policy.target[1] = (struct fg_target_config){ .rt = { 0x80, 8, 0xfd, 0xe8, 0, 0, 0, 7 } };
	gating_policy(gating);
	assert_int_equal(sent(), FG_OK);
	assert_int_equal(gating->dataplane.memory.actions[fg_store_next(&gating->gate->store, 0)].redirect, 2);
	/* The target is gone, and so is the rule. */
	gating->policy.targets = 1;
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 0);
	assert_int_equal(gating->events[FG_EVENT_REFUSED], 1);
}

static void test_redirect_to_ip(void **state)
{
	struct fg_record *r = rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6));

	(void)state;
	r->actions = (struct fg_actions){ .set = FG_ACT_REDIRECT_IP, .next_hop = { FG_IPV4, { 192, 0, 2, 1 } } };
	assert_int_equal(sent(), FG_UNSUPPORTED);
	gating->policy.redirect_to_ip = true;
	gating_policy(gating);
	assert_int_equal(sent(), FG_OK);
	/* As many different next hops as there are targets for them; a rule that goes gives its own back. */
	for (uint8_t i = 2; i <= FG_TARGETS_MAX + 1; i++) {
		r = rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, (uint8_t)(i + 10)));
		r->actions =
			(struct fg_actions){ .set = FG_ACT_REDIRECT_IP, .next_hop = { FG_IPV4, { 192, 0, 2, i } } };
		assert_int_equal(sent(), i <= FG_TARGETS_MAX ? FG_OK : FG_OVER_BUDGET);
	}
	rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6))->op = FG_OP_DELETE;
	batch_send(gating, &b);
	rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 200));
	assert_int_equal(sent(), FG_OK);
	r = rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 201));
	r->actions = (struct fg_actions){ .set = FG_ACT_REDIRECT_IP, .next_hop = { FG_IPV4, { 192, 0, 2, 99 } } };
	assert_int_equal(sent(), FG_OK);
}

static void test_copy_only_in_pairs(void **state)
{
	struct fg_record *r;

	(void)state;
	gating->policy.redirect_to_ip = true;
	gating->policy.ports = 1;
	strcpy(gating->policy.port[0].name, "a");
	gating_policy(gating);
	r = rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6));
	r->actions = (struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY,
					  .next_hop = { FG_IPV4, { 192, 0, 2, 1 } } };
	assert_int_equal(sent(), FG_UNSUPPORTED);
	strcpy(gating->policy.port[0].peer, "b");
	gating_policy(gating);
	assert_int_equal(sent(), FG_OK);
}

static void test_breadth(void **state)
{
	(void)state;
	gating->policy.limits.shortest_dst[FG_IPV4] = 24;
	gating_policy(gating);
	rule(FG_IPV4, OCTETS(FG_DST, 16, 192, 0));
	assert_int_equal(sent(), FG_TOO_BROAD);
	rule(FG_IPV4, OCTETS(FG_PROTO, 0x81, 6));
	assert_int_equal(sent(), FG_TOO_BROAD);
	rule(FG_IPV4, OCTETS(FG_DST, 24, 192, 0, 2));
	assert_int_equal(sent(), FG_OK);
}

static void test_scope(void **state)
{
	(void)state;
	gating->policy.scopes = 1;
	gating->policy.scope[0] =
		(struct fg_scope){ .source = "peer", .prefix = { .length = 24, .octets = { 192, 0, 2 } } };
	gating_policy(gating);
	strcpy(rule(FG_IPV4, OCTETS(FG_DST, 24, 198, 51, 100))->by.source, "peer");
	assert_int_equal(sent(), FG_OUTSIDE_SCOPE);
	strcpy(rule(FG_IPV4, OCTETS(FG_DST, 16, 192, 0))->by.source, "peer");
	assert_int_equal(sent(), FG_OUTSIDE_SCOPE);
	strcpy(rule(FG_IPV6, OCTETS(FG_PROTO, 0x81, 6))->by.source, "peer");
	assert_int_equal(sent(), FG_OUTSIDE_SCOPE);
	strcpy(rule(FG_IPV4, OCTETS(FG_DST, 32, 192, 0, 2, 1))->by.source, "peer");
	assert_int_equal(sent(), FG_OK);
	rule(FG_IPV4, OCTETS(FG_DST, 24, 198, 51, 100));
	assert_int_equal(sent(), FG_OK);
}

static void test_protected(void **state)
{
	static const uint8_t bgp[] = { FG_PROTO, 0x81, 6, FG_PORT, 0x81, 179 };

	(void)state;
	gating->policy.protects = 1;
	gating->policy.protect[0] = (struct fg_protect){ .name = "bgp", .family = FG_IPV4, .nlri_len = sizeof(bgp) };
	memcpy(gating->policy.protect[0].nlri, bgp, sizeof(bgp));
	gating_policy(gating);
	rule(FG_IPV4, OCTETS(FG_DST, 32, 192, 0, 2, 1, FG_PROTO, 0x81, 6, FG_DPORT, 0x81, 179));
	assert_int_equal(sent(), FG_INSIDE_PROTECTED);
	rule(FG_IPV4, OCTETS(FG_DST, 32, 192, 0, 2, 1, FG_PROTO, 0x81, 6));
	assert_int_equal(sent(), FG_OK);
	assert_true(warned(FG_YIELDS_TO_PROTECTED));
	rule(FG_IPV4, OCTETS(FG_DST, 32, 192, 0, 2, 1, FG_PROTO, 0x81, 17));
	assert_int_equal(sent(), FG_OK);
	assert_false(warned(FG_YIELDS_TO_PROTECTED));
}

static void test_quarantine(void **state)
{
	const uint8_t nlri[] = { FG_PROTO, 0x81, 6 };
	struct fg_quarantine q = { .hash = fg_record_hash(FG_IPV4, FG_OFFSET_STRICT, nlri, sizeof(nlri), 0), .on = 1 };

	(void)state;
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_QUARANTINE, &q, sizeof(q));
	assert_int_equal(gating->done.result, 0);
	rule(FG_IPV4, nlri, sizeof(nlri));
	assert_int_equal(sent(), FG_QUARANTINED);
	rule(FG_IPV6, nlri, sizeof(nlri));
	assert_int_equal(sent(), FG_OK);
	gating_die(gating);
	gating_policy(gating);
	rule(FG_IPV4, nlri, sizeof(nlri));
	assert_int_equal(sent(), FG_QUARANTINED);
	q.on = 0;
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_QUARANTINE, &q, sizeof(q));
	rule(FG_IPV4, nlri, sizeof(nlri));
	assert_int_equal(sent(), FG_OK);
}

/* A list of ports is what costs, and what the cheapest fix names. */
static void test_budget_of_a_rule(void **state)
{
	uint8_t nlri[200] = { FG_DST, 32, 192, 0, 2, 1, FG_DPORT };
	size_t len = 7;

	(void)state;
	for (uint8_t port = 1; port < 60; port++) {
		nlri[len++] = port == 59 ? 0x91 : 0x11;
		nlri[len++] = (uint8_t)(port * 4);
		nlri[len++] = port;
	}
	gating->policy.limits.rule.bytes = 1024;
	gating_policy(gating);
	rule(FG_IPV4, nlri, len);
	assert_int_equal(sent(), FG_OVER_BUDGET);
	assert_int_equal(gating->finding[0].why.resource, FG_RES_BYTES);
	assert_int_equal(gating->finding[0].why.available, 1024);
	assert_true(gating->finding[0].why.needed > 1024);
	assert_non_null(strstr(gating->finding[0].why.cheapest_fix, "drop destination-port"));
	rule(FG_IPV4, nlri, 6);
	assert_int_equal(sent(), FG_OK);
}

static void test_budget_of_a_source(void **state)
{
	struct fg_limit *l = &gating->policy.limits.source[0];

	(void)state;
	gating->policy.limits.sources = 1;
	*l = (struct fg_limit){ .source = "operator", .bytes = UINT64_MAX, .lines = UINT64_MAX, .slots = 2 };
	gating_policy(gating);
	assert_true(gating_host(gating, FG_OP_ADD, 1, 1));
	assert_true(gating_host(gating, FG_OP_ADD, 2, 1));
	assert_false(gating_host(gating, FG_OP_ADD, 3, 1));
	assert_int_equal(gating->finding[0].why.resource, FG_RES_SLOTS);
	assert_non_null(strstr(gating->finding[0].why.detail, "left to source operator"));
	/* To replace is not to have more. */
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, 1, 1)->actions.set = FG_ACT_SAMPLE;
	assert_int_equal(sent(), FG_OK);
	assert_true(gating_host(gating, FG_OP_DELETE, 1, 1));
	assert_true(gating_host(gating, FG_OP_ADD, 3, 1));
	/* Less than it has: the newest go. */
	l->slots = 1;
	gating_policy(gating);
	assert_int_not_equal(gating_meets(gating, 2, 1), UINT32_MAX);
	assert_int_equal(gating_meets(gating, 3, 1), UINT32_MAX);
}

static void test_site(void **state)
{
	(void)state;
	gating->policy.sites = 1;
	strcpy(gating->policy.site[0], "ams");
	gating_policy(gating);
	batch_new(&b, 0, 0);
	strcpy(batch_host(&b, FG_OP_ADD, 1, 1)->by.site, "ams");
	strcpy(batch_host(&b, FG_OP_ADD, 2, 1)->by.site, "fra");
	assert_int_equal(sent(), FG_OK);
	assert_int_not_equal(gating_meets(gating, 1, 1), UINT32_MAX);
	assert_int_equal(gating_meets(gating, 2, 1), UINT32_MAX);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ELSEWHERE], 1);
	strcpy(gating->policy.site[0], "fra");
	gating_policy(gating);
	assert_int_equal(gating_meets(gating, 1, 1), UINT32_MAX);
	assert_int_not_equal(gating_meets(gating, 2, 1), UINT32_MAX);
}

static void test_count_only(void **state)
{
	uint32_t slot;

	(void)state;
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, 1, 1)->flags = FG_RECORD_COUNT_ONLY;
	assert_int_equal(sent(), FG_OK);
	slot = gating_meets(gating, 1, 1);
	assert_int_equal(gating->dataplane.memory.actions[slot].flags, FG_ACT_DISCARD | FG_ACT_COUNT_ONLY);
	assert_int_equal(gating->gate->cost.continues, 1);
}

/* One NLRI in either form of offsets is one rule where its octets mean the same. */
static void test_offset_forms(void **state)
{
	(void)state;
	rule(FG_IPV6, OCTETS(FG_DST, 32, 0, 0x20, 1, 0xd, 0xb8));
	assert_int_equal(sent(), FG_OK);
	rule(FG_IPV6, OCTETS(FG_DST, 32, 0, 0x20, 1, 0xd, 0xb8))->offset_form = FG_OFFSET_FULL;
	assert_int_equal(sent(), FG_DUPLICATE);
	rule(FG_IPV6, OCTETS(FG_DST, 104, 64, 1, 2, 3, 4, 5));
	assert_int_equal(sent(), FG_OK);
	rule(FG_IPV6, OCTETS(FG_DST, 80, 72, 0, 0, 0, 0, 0, 0, 0, 0, 9, 7))->offset_form = FG_OFFSET_FULL;
	assert_int_equal(sent(), FG_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_malformed),
		TEST(test_never_matches),
		TEST(test_redirect_to_target),
		TEST(test_redirect_to_ip),
		TEST(test_copy_only_in_pairs),
		TEST(test_breadth),
		TEST(test_scope),
		TEST(test_protected),
		TEST(test_quarantine),
		TEST(test_budget_of_a_rule),
		TEST(test_budget_of_a_source),
		TEST(test_site),
		TEST(test_count_only),
		TEST(test_offset_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
