/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules to records and to objects, and back: what is listed reads back as the same rule. And how long a restart waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/daemon/backoff.h"
#include "ctrl/daemon/records.h"

static struct fg_records records_of(const char *text, size_t len, enum fg_load_form form)
{
	struct fg_records r = { 0 };
	struct fg_load *load;

	assert_int_equal(fg_load_new(&load), 0);
	if (fg_load_text(load, "t", text, len, form) != 0)
		fail_msg("%s", load->error);
	for (size_t i = 0; i < load->count; i++)
		assert_int_equal(fg_records_add_loaded(&r, load->rule[i], FG_OP_ADD, FG_SOURCE_OPERATOR), 0);
	fg_load_free(load);
	return r;
}

static const char rules[] =
	"name A owner alice ticket T-1 site ams match destination 192.0.2.1/32 port [ 53 123 ] then rate-limit 1000 "
	"sample continue\n"
	"name B source-name det match destination 2001:db8::/48/16 tcp-flags =syn then redirect 65000:100 mark ef\n"
	"match protocol udp packet-length 1200-1500 then redirect-to-ip 192.0.2.9\n"
	"name C match nlri 0120c0000201 then discard\n";

static void test_records(void **state)
{
	struct fg_records r = records_of(rules, strlen(rules), FG_FORM_TEXT);
	const struct fg_record *at = fg_records_next(&r, NULL);
	size_t octets = 0;

	(void)state;
	assert_int_equal(r.count, 4);
	assert_string_equal(at->by.source, "operator");
	assert_string_equal(at->by.owner, "alice");
	assert_string_equal(at->by.site, "ams");
	assert_string_equal(fg_records_next(&r, at)->by.source, "det");
	for (at = NULL; (at = fg_records_next(&r, at)) != NULL; octets += at->octets)
		assert_ptr_equal(fg_record_check(at, r.at + r.octets), at);
	assert_int_equal(octets, r.octets);
	fg_records_free(&r);
}

static void test_listed_reads_back(void **state)
{
	struct fg_records r = records_of(rules, strlen(rules), FG_FORM_TEXT);
	struct fg_listed listed = { .sequence = 3, .generation = 4, .added_s = 5, .expires_s = 6, .slot = 7 };
	struct fg_rule_counters counters = { .matched = { 1, 2 }, .last_ns = 1500000000 };

	(void)state;
	for (struct fg_record *at = NULL; (at = fg_records_next(&r, at)) != NULL;) {
		struct fg_record_view view = { .listed = &listed, .counters = &counters, .state = "enforced" };
		struct fg_records back;
		json_t *object;
		char *line;

		at->flags = FG_RECORD_COUNT_ONLY;
		object = fg_record_object(at, &view);
		line = json_dumps(object, JSON_COMPACT);
		back = records_of(line, strlen(line), FG_FORM_JSON);
		assert_int_equal(back.count, 1);
		assert_true(fg_record_equal(at, fg_records_next(&back, NULL)));
		assert_true(json_real_value(json_object_get(object, "last_hit")) > 1.4);
		fg_records_free(&back);
		free(line);
		json_decref(object);
	}
	fg_records_free(&r);
}

static void test_identity(void **state)
{
	struct fg_records r = records_of(rules, strlen(rules), FG_FORM_TEXT), other = { 0 };
	struct fg_record *at = fg_records_next(&r, NULL), *copy;

	(void)state;
	assert_int_equal(fg_records_copy(&other, at, (enum fg_record_op)at->op), 0);
	copy = fg_records_next(&other, NULL);
	assert_true(fg_record_equal(at, copy));
	copy->actions.rate_bytes_per_s = 7;
	assert_false(fg_record_equal(at, copy));
	assert_int_equal(fg_record_compare(at, copy), 0);
	strcpy(copy->by.source, "other");
	assert_int_not_equal(fg_record_compare(at, copy), 0);
	fg_records_free(&r);
	fg_records_free(&other);
}

static void test_backoff(void **state)
{
	struct fg_backoff b = { 0 };
	uint32_t step = FG_BACKOFF_FIRST_MS;

	(void)state;
	for (uint32_t i = 0; i < 20; i++, step = 2 * step < FG_BACKOFF_MOST_MS ? 2 * step : FG_BACKOFF_MOST_MS) {
		uint32_t wait = fg_backoff_next(&b, 0, i * 2654435761u);

		assert_in_range(wait, step / 2, step);
	}
	assert_in_range(fg_backoff_next(&b, FG_BACKOFF_STEADY_S, 0), FG_BACKOFF_FIRST_MS / 2, FG_BACKOFF_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_records), cmocka_unit_test(test_listed_reads_back),
					    cmocka_unit_test(test_identity), cmocka_unit_test(test_backoff) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
