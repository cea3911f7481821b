/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the metrics: what is there, what is left out, and that no label breaks a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/daemon/metrics.h"

static struct fg_metrics metrics;
static struct fg_status status;
static struct fg_metrics_text text;

static const char *written(const struct fg_metrics_reading *r)
{
	free(text.at);
	text = (struct fg_metrics_text){ 0 };
	fg_metrics_write(&metrics, r, &text);
	assert_false(text.failed);
	return text.at;
}

static void test_nothing_read(void **state)
{
	const char *t = written(&(struct fg_metrics_reading){ .generation = 7 });

	(void)state;
	assert_null(strstr(t, "flowgate_packets_total"));
	assert_null(strstr(t, "flowgate_generation"));
	assert_null(strstr(t, "flowgate_rules{"));
	assert_null(strstr(t, "flowgate_rule_packets_total"));
	assert_non_null(strstr(t, "flowgate_commit_seconds_count 0\n"));
}

static void test_status(void **state)
{
	const char *t;

	(void)state;
	status.ports = 2;
	status.port[0].counters.by[FG_DROP][FG_CAUSE_DISCARD] = (struct fg_count){ 3, 300 };
	status.port[1].counters.by[FG_DROP][FG_CAUSE_DISCARD] = (struct fg_count){ 4, 400 };
	status.cost = (struct fg_cost_now){ .bytes = 11, .bytes_budget = 22, .lines = 33, .lines_budget = 44 };
	t = written(&(struct fg_metrics_reading){ .status = &status, .generation = 7 });
	assert_non_null(strstr(t, "# TYPE flowgate_packets_total counter\n"));
	assert_non_null(strstr(t, "flowgate_packets_total{verdict=\"drop\",cause=\"discard\"} 7\n"));
	assert_non_null(strstr(t, "flowgate_bytes_total{verdict=\"drop\",cause=\"discard\"} 700\n"));
	assert_non_null(strstr(t, "\nflowgate_table_bytes 11\n"));
	assert_non_null(strstr(t, "\nflowgate_table_bytes_budget 22\n"));
	assert_non_null(strstr(t, "\nflowgate_lines_max 33\n"));
	assert_non_null(strstr(t, "\nflowgate_lines_budget 44\n"));
	assert_non_null(strstr(t, "\nflowgate_generation 7\n"));
}

/* Rules of one name are one series; a name with quotes stays one label. */
static void test_rules(void **state)
{
	struct fg_metrics_rule rule[] = { { 9, "b\"\\c", { 0, 5, 0 } },
					  { 5, "a", { 1, 2, 3 } },
					  { 7, "b\"\\c", { 0, 6, 0 } } };
	const char *t = written(&(struct fg_metrics_reading){ .rule = rule, .rules = 3 });

	(void)state;
	assert_non_null(strstr(t, "flowgate_rule_packets_total{rule=\"a\",verdict=\"redirect\"} 3\n"));
	assert_non_null(strstr(t, "flowgate_rule_packets_total{rule=\"b\\\"\\\\c\",verdict=\"drop\"} 11\n"));
	assert_null(strstr(t, "} 5\n"));
}

static void test_counted_here(void **state)
{
	const char *t;

	(void)state;
	fg_metrics_commit(&metrics, 400);
	fg_metrics_commit(&metrics, 3000);
	fg_metrics_commit(&metrics, 5000000);
	fg_metrics_refused(&metrics, "too-broad", "operator");
	fg_metrics_refused(&metrics, "too-broad", "operator");
	t = written(&(struct fg_metrics_reading){ .generation = 0 });
	assert_non_null(strstr(t, "_bucket{le=\"0.0005\"} 1\n"));
	assert_non_null(strstr(t, "_bucket{le=\"0.005\"} 2\n"));
	assert_non_null(strstr(t, "_bucket{le=\"1\"} 2\n"));
	assert_non_null(strstr(t, "_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(t, "flowgate_rules_refused_total{reason=\"too-broad\",source=\"operator\"} 2\n"));
}

static void test_groups_are_bounded(void **state)
{
	static struct fg_metrics_group group[FG_METRICS_GROUPS_MAX];
	char source[16];
	size_t groups = 0;

	(void)state;
	for (int i = 0; i < FG_METRICS_GROUPS_MAX; i++) {
		snprintf(source, sizeof(source), "s%d", i);
		assert_true(fg_metrics_count(group, &groups, "enforced", source));
	}
	assert_false(fg_metrics_count(group, &groups, "enforced", "another"));
	assert_true(fg_metrics_count(group, &groups, "enforced", "s7"));
	assert_int_equal(group[7].count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_read),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_counted_here),
		cmocka_unit_test(test_groups_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
