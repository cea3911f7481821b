/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns in the gate (ctrl/gate/patterns.c) on plain memory. What the supervisor would have compiled is made here: the octets of a
 * database mean nothing to the gate, which only puts them where packets find them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum { ROOM = 1 << 16, SLOTS = 1024, TEXTS_MAX = 64 };

/* The files: of texts, and of what has come. */
static int texts_fd = -1, taken_fd = -1;

/* What was wanted last. */
static struct {
	struct fg_patterns_wanted what;
	char text[TEXTS_MAX][FG_PATTERN_TEXT_MAX + 1];
	uint32_t count, times;
} wanted;

static int begin_texts(void *ctx)
{
	(void)ctx;
	if (texts_fd >= 0)
		close(texts_fd);
	texts_fd = memfd_create("texts", 0);
	return 0;
}

static int write_texts(void *ctx, const void *octets, size_t n, uint64_t at)
{
	(void)ctx;
	return pwrite(texts_fd, octets, n, (off_t)at) == (ssize_t)n ? 0 : -EIO;
}

static int read_taken(void *ctx, void *to, size_t n, uint64_t at)
{
	(void)ctx;
	return pread(taken_fd, to, n, (off_t)at) == (ssize_t)n ? 0 : -ENODATA;
}

static int take_wanted(void *ctx, const struct fg_patterns_wanted *w)
{
	int fd = texts_fd;
	off_t at = 0;

	(void)ctx;
	wanted.what = *w;
	wanted.times++;
	wanted.count = 0;
	for (uint32_t i = 0; i < w->count && i < TEXTS_MAX; i++) {
		struct fg_text head;

		assert_int_equal(pread(fd, &head, sizeof(head), at), sizeof(head));
		assert_int_equal(pread(fd, wanted.text[i], head.text_octets, at + (off_t)sizeof(head)),
				 head.text_octets);
		wanted.text[i][head.text_octets] = '\0';
		at += head.octets;
		wanted.count++;
	}
	assert_int_equal(at, w->octets);
	return 0;
}

static void open_gate(void)
{
	gating->gate->files = (struct fg_pattern_files){ begin_texts, write_texts, take_wanted, read_taken, NULL };
}

static int begin(void **state)
{
	struct fg_plane_memory *m;

	(void)state;
	gating_new(SLOTS);
	m = &gating->dataplane.memory;
	m->pattern_octets = ROOM;
	for (int side = 0; side < FG_SIDES; side++) {
		m->numbers[side] = gating_map(SLOTS * sizeof(uint32_t));
		m->patterns[side] = gating_map(sizeof(struct fg_share_patterns) + ROOM);
	}
	open_gate();
	gating_policy(gating);
	memset(&wanted, 0, sizeof(wanted));
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	return 0;
}

/* ---- Asking ---- */

static void ask(const char *const *texts, uint32_t n)
{
	static uint8_t octets[FG_MESSAGE_MAX - sizeof(struct fg_message)];
	struct fg_patterns_ask head = { .count = n };
	size_t at = sizeof(head);

	memset(octets, 0, sizeof(octets));
	memcpy(octets, &head, sizeof(head));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = (uint32_t)strlen(texts[i]);
		const struct fg_text text = { (uint32_t)(sizeof(text) + len + 7) & ~7u, len };

		memcpy(octets + at, &text, sizeof(text));
		memcpy(octets + at + sizeof(text), texts[i], len);
		at += text.octets;
	}
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_PATTERNS, octets, at);
	assert_true(gating->alive);
}

static void put(int fd, const void *what, size_t octets, off_t *at)
{
	assert_int_equal(pwrite(fd, what, octets, *at), octets);
	*at += (off_t)octets;
}

/* A file of all that was wanted; what begins with '!' cannot be had. */
static int file_of(const char *database)
{
	int fd = memfd_create("test", 0);
	struct fg_share_patterns head = { .octets = (uint32_t)strlen(database), .count = wanted.count };
	off_t at = sizeof(head), texts;

	put(fd, database, strlen(database), &at);
	at = texts = (off_t)fg_share_texts(head.octets);
	for (uint32_t i = 0; i < wanted.count; i++) {
		const char *why = wanted.text[i][0] == '!' ? "it is bad" : "";
		struct fg_share_pattern p = { .text_octets = (uint16_t)strlen(wanted.text[i]),
					      .code = why[0] != '\0' ? FG_UNSUPPORTED : FG_OK,
					      .why_octets = (uint8_t)strlen(why) };
		uint8_t out[4096] = { 0 };

		memcpy(out, &p, sizeof(p));
		memcpy(out + sizeof(p), wanted.text[i], p.text_octets);
		memcpy(out + sizeof(p) + p.text_octets, why, p.why_octets);
		put(fd, out, fg_share_pattern_octets(p.text_octets, p.why_octets), &at);
	}
	head.text_octets = (uint32_t)(at - texts);
	at = 0;
	put(fd, &head, sizeof(head), &at);
	return fd;
}

/* The supervisor's answer. What ctrl hears: 0 or -errno; INT32_MIN: nothing. */
static int answer(uint32_t id, int result, int fd)
{
	const struct fg_database_ask a = { id, result };

	gating->done.result = INT32_MIN;
	taken_fd = fd;
	fg_serve_database(gating->gate, &a);
	gating_take(gating, &gating->out);
	close(fd);
	return gating->done.result;
}

static void prepare(const char *const *texts, uint32_t n, const char *database)
{
	ask(texts, n);
	assert_int_equal(gating->done.result, INT32_MIN); /* later */
	assert_int_equal(answer(wanted.what.id, 0, file_of(database)), 0);
}

/* One rule "destination 192.0.2.HOST/32" with a pattern; true where it was committed. */
static bool rule(enum fg_record_op op, uint8_t host, const char *text)
{
	static struct gating_batch b;
	const uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, host };
	struct fg_record *r;
	size_t len = strlen(text);

	batch_new(&b, 0, 0);
	r = batch_rule(&b, op, FG_IPV4, nlri, sizeof(nlri));
	b.len -= r->octets;
	r->payload_octets = (uint16_t)len;
	r->octets = fg_record_octets(sizeof(nlri), (uint16_t)len);
	memcpy(r->nlri + sizeof(nlri), text, len);
	b.len += r->octets;
	batch_send(gating, &b);
	return gating->result.committed;
}

/* The text of the pattern that packets look for, for the rule that they meet first there; NULL: it has none that is in the database. */
static const char *looks_for(uint8_t host)
{
	static char text[FG_PATTERN_TEXT_MAX + 1];
	const struct fg_plane_memory *m = &gating->dataplane.memory;
	uint32_t side = m->control->side, slot = gating_meets(gating, host, 1);
	const struct fg_share_patterns *room;
	size_t at;

	if (side >= FG_SIDES || slot == UINT32_MAX)
		return NULL;
	room = m->patterns[side];
	if (room->generation == 0 || room->octets == 0)
		return NULL;
	at = fg_share_texts(room->octets);
	for (uint32_t i = 0; i < room->count; i++) {
		const struct fg_share_pattern *p = (const void *)((const uint8_t *)room + at);

		snprintf(text, sizeof(text), "%.*s", (int)p->text_octets, p->text);
		if (i == m->numbers[side][slot])
			return p->code == FG_OK ? text : NULL;
		at += fg_share_pattern_octets(p->text_octets, p->why_octets);
	}
	return NULL;
}

static const char *database_read(void)
{
	const struct fg_plane_memory *m = &gating->dataplane.memory;
	static char text[64];
	const struct fg_share_patterns *room = m->patterns[m->control->side];

	snprintf(text, sizeof(text), "%.*s", (int)room->octets, (const char *)(room + 1));
	return text;
}

/* ---- Tests ---- */

static void test_comes_with_its_rule(void **state)
{
	(void)state;
	prepare((const char *const[]){ "one", "two" }, 2, "D1");
	assert_int_equal(wanted.what.count, 2);
	assert_int_equal(wanted.what.room, sizeof(struct fg_share_patterns) + ROOM);
	assert_true(rule(FG_OP_ADD, 1, "two"));
	assert_string_equal(looks_for(1), "two");
	assert_string_equal(database_read(), "D1");
	assert_true(rule(FG_OP_ADD, 2, "one"));
	assert_string_equal(looks_for(2), "one");
	assert_string_equal(looks_for(1), "two");
	assert_int_equal(gating_status(gating)->patterns, 2);
	assert_int_equal(gating_status(gating)->pattern_bytes, 2);
}

/* What is known needs nobody; what was never asked for is refused, with or without a database. */
static void test_only_what_was_compiled(void **state)
{
	(void)state;
	assert_false(rule(FG_OP_ADD, 1, "one"));
	assert_int_equal(gating->finding[0].why.code, FG_UNSUPPORTED);
	prepare((const char *const[]){ "one", "!two" }, 2, "D1");
	ask((const char *const[]){ "one" }, 1);
	assert_int_equal(gating->done.result, 0);
	assert_int_equal(wanted.times, 1);
	assert_true(rule(FG_OP_ADD, 1, "one"));
	assert_false(rule(FG_OP_ADD, 1, "three"));
	assert_non_null(strstr(gating->finding[0].why.detail, "not compiled"));
	assert_false(rule(FG_OP_ADD, 1, "!two"));
	assert_string_equal(gating->finding[0].why.detail, "it is bad");
}

/* A new database is one of all patterns that rules have, whatever is asked for, and gives them numbers of its own. */
static void test_rules_keep_theirs(void **state)
{
	(void)state;
	prepare((const char *const[]){ "x", "one" }, 2, "D1");
	assert_true(rule(FG_OP_ADD, 1, "one"));
	prepare((const char *const[]){ "two" }, 1, "D2");
	assert_int_equal(wanted.what.count, 2); /* x has no rule */
	assert_string_equal(wanted.text[0], "one");
	assert_string_equal(database_read(), "D1"); /* until something changes */
	assert_string_equal(looks_for(1), "one");
	assert_true(rule(FG_OP_ADD, 2, "two"));
	assert_string_equal(database_read(), "D2");
	assert_string_equal(looks_for(1), "one");
	assert_string_equal(looks_for(2), "two");
	/* The other side too. */
	assert_true(rule(FG_OP_DELETE, 2, "two"));
	assert_string_equal(database_read(), "D2");
	assert_string_equal(looks_for(1), "one");
}

/* Without one of those that rules have it does not come into force, nor does a file that is none; what was stays. */
static void test_bad_databases(void **state)
{
	int fd;

	(void)state;
	prepare((const char *const[]){ "one" }, 1, "D1");
	assert_true(rule(FG_OP_ADD, 1, "one"));
	ask((const char *const[]){ "two" }, 1);
	wanted.text[0][0] = '!'; /* of "one" */
	assert_true(answer(wanted.what.id, 0, file_of("D2")) < 0);
	assert_false(rule(FG_OP_ADD, 2, "two"));
	ask((const char *const[]){ "two" }, 1);
	fd = file_of("D2");
	assert_int_equal(pwrite(fd, &(uint32_t){ UINT32_MAX }, 4, offsetof(struct fg_share_patterns, octets)), 4);
	assert_int_equal(answer(wanted.what.id, 0, fd), -EBADMSG);
	ask((const char *const[]){ "two" }, 1);
	fd = file_of("D2");
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(answer(wanted.what.id, 0, fd), -EBADMSG);
	ask((const char *const[]){ "two" }, 1);
	assert_int_equal(answer(wanted.what.id, -ENOMEM, memfd_create("none", 0)), -ENOMEM);
	assert_true(gating_host(gating, FG_OP_ADD, 9, 9)); /* the sides change places */
	assert_string_equal(looks_for(1), "one");
	assert_string_equal(database_read(), "D1");
	prepare((const char *const[]){ "two" }, 1, "D3");
	assert_true(rule(FG_OP_ADD, 2, "two"));
	assert_string_equal(looks_for(1), "one");
}

/* Only the answer to the last question counts. */
static void test_last_question(void **state)
{
	uint32_t first;

	(void)state;
	ask((const char *const[]){ "one" }, 1);
	first = wanted.what.id;
	assert_true(fg_patterns_cancel(gating->gate)); /* whoever asked is gone */
	ask((const char *const[]){ "two" }, 1);
	assert_int_not_equal(wanted.what.id, first);
	assert_int_equal(answer(first, 0, file_of("D1")), INT32_MIN);
	assert_int_equal(answer(wanted.what.id, 0, file_of("D2")), 0);
	assert_true(rule(FG_OP_ADD, 1, "two"));
	assert_int_equal(answer(wanted.what.id, 0, file_of("D3")), INT32_MIN);
}

/* A gate that dies leaves all its successor needs, wherever it was. */
static void test_successor(void **state)
{
	(void)state;
	prepare((const char *const[]){ "one" }, 1, "D1");
	assert_true(rule(FG_OP_ADD, 1, "one"));
	prepare((const char *const[]){ "two" }, 1, "D2"); /* on the side that is not read */
	gating_die(gating);
	open_gate();
	assert_string_equal(looks_for(1), "one");
	gating_policy(gating);
	assert_string_equal(looks_for(1), "one");
	assert_true(rule(FG_OP_ADD, 2, "two"));
	assert_string_equal(looks_for(2), "two");
	assert_string_equal(looks_for(1), "one");
	/* In the midst of writing a side. */
	gating->dataplane.memory.patterns[gating->dataplane.memory.control->side ^ 1]->generation = 0;
	gating_die(gating);
	open_gate();
	gating_policy(gating);
	assert_string_equal(looks_for(1), "one");
	assert_true(gating_host(gating, FG_OP_ADD, 9, 9));
	assert_string_equal(looks_for(2), "two");
}

/* Without any database the rules of the store wait, and come back with one. */
static void test_nothing_left(void **state)
{
	(void)state;
	prepare((const char *const[]){ "one" }, 1, "D1");
	assert_true(rule(FG_OP_ADD, 1, "one"));
	for (int side = 0; side < FG_SIDES; side++)
		gating->dataplane.memory.patterns[side]->generation = 0;
	gating_die(gating);
	open_gate();
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_WAITING], 1);
	assert_int_equal(gating_meets(gating, 1, 1), UINT32_MAX);
	prepare((const char *const[]){ "one" }, 1, "D2");
	gating_wait(gating, 1);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
	assert_string_equal(looks_for(1), "one");
}

/* What a revert brings back has its pattern. */
static void test_reverted(void **state)
{
	static struct gating_batch b;
	const uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, 1 };
	struct fg_record *r;

	(void)state;
	prepare((const char *const[]){ "one" }, 1, "D1");
	assert_true(rule(FG_OP_ADD, 1, "one"));
	batch_new(&b, 0, 10);
	r = batch_rule(&b, FG_OP_DELETE, FG_IPV4, nlri, sizeof(nlri));
	b.len -= r->octets;
	r->payload_octets = 3;
	r->octets = fg_record_octets(sizeof(nlri), 3);
	memcpy(r->nlri + sizeof(nlri), "one", 3);
	b.len += r->octets;
	batch_send(gating, &b);
	assert_true(gating->result.committed);
	prepare((const char *const[]){ "two" }, 1, "D2");
	assert_int_equal(wanted.what.count, 2);
	assert_true(rule(FG_OP_ADD, 2, "two"));
	gating_wait(gating, 20);
	assert_string_equal(looks_for(1), "one");
	assert_string_equal(looks_for(2), "two");
}

/* A thousand texts in parts, more than once each. */
static void test_parts(void **state)
{
	struct fg_gate *g = gating->gate;
	union {
		struct fg_patterns_ask ask;
		uint8_t octets[64];
	} m = { .ask = { .count = 1 } };

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct fg_text head = { 16, 5 };

		memcpy(m.octets + sizeof(m.ask), &head, sizeof(head));
		snprintf((char *)m.octets + sizeof(m.ask) + sizeof(head), 16, "t%04d", i / 2);
		assert_int_equal(fg_patterns_ask(g, 3, i < 39, &m.ask), FG_PATTERNS_LATER);
	}
	assert_int_equal(wanted.times, 1);
	assert_int_equal(wanted.what.count, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_with_its_rule, begin, end),
		cmocka_unit_test_setup_teardown(test_only_what_was_compiled, begin, end),
		cmocka_unit_test_setup_teardown(test_rules_keep_theirs, begin, end),
		cmocka_unit_test_setup_teardown(test_bad_databases, begin, end),
		cmocka_unit_test_setup_teardown(test_last_question, begin, end),
		cmocka_unit_test_setup_teardown(test_successor, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_left, begin, end),
		cmocka_unit_test_setup_teardown(test_reverted, begin, end),
		cmocka_unit_test_setup_teardown(test_parts, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
