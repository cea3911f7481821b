/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What got slower (harness.h). A figure of the second run is slower than its like of the first beyond noise where its lower quartile lies above the other's
 * upper one and its median is more than 5 % above; likewise faster. Times are not scaled: the core's own speed, the probe of both rows, is said beside.
 */
#include <stdio.h>
#include <string.h>

#include "bench/harness.h"

static const double slower_by = 1.05;

static const json_t *scenario_of(const json_t *line)
{
	return json_object_get(json_object_get(line, "row"), "scenario");
}

/* The same scenario of another run. */
static const json_t *like_of(const json_t *run, const json_t *scenario)
{
	json_t *line;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)run, i,
			   line) if (scenario_of(line) != NULL &&
				     json_equal((json_t *)(uintptr_t)scenario_of(line),
						(json_t *)(uintptr_t)scenario)) return json_object_get(line, "row");
	return NULL;
}

static const json_t *figure_of(const json_t *row, const char *runner)
{
	json_t *figure;
	size_t i;

	json_array_foreach(json_object_get(row, "figures"), i,
			   figure) if (strcmp(json_string_value(json_object_get(figure, "runner")), runner) == 0 &&
				       json_object_get(figure, "spread") != NULL) return figure;
	return NULL;
}

static double at(const json_t *figure, const char *what)
{
	return json_number_value(json_object_get(json_object_get(figure, "spread"), what));
}

static void say(const json_t *scenario, const char *runner, const json_t *before, const json_t *after, double probe)
{
	printf("%s: %s, %s %lld %s %s: %.1f -> %.1f ns (%+.0f %%; quartiles %.1f-%.1f -> %.1f-%.1f; the core itself "
	       "%+.0f %%)\n",
	       at(after, "median") > at(before, "median") ? "slower" : "faster", runner,
	       json_string_value(json_object_get(scenario, "shape")),
	       (long long)json_integer_value(json_object_get(scenario, "count")),
	       json_string_value(json_object_get(scenario, "traffic")),
	       json_string_value(json_object_get(scenario, "plane")), at(before, "median"), at(after, "median"),
	       100 * (at(after, "median") / at(before, "median") - 1), at(before, "lower"), at(before, "upper"),
	       at(after, "lower"), at(after, "upper"), 100 * (probe - 1));
}

static bool beyond(const json_t *low, const json_t *high)
{
	return at(high, "lower") > at(low, "upper") && at(high, "median") > slower_by * at(low, "median");
}

struct compared {
	int slower, faster, same;
};

static void compare_rows(const json_t *old, const json_t *row, struct compared *c)
{
	const json_t *scenario = json_object_get(row, "scenario");
	double probe = json_number_value(json_object_get(row, "probe_ns")) /
		       json_number_value(json_object_get(old, "probe_ns"));
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(row, "figures"), i, one)
	{
		const char *runner = json_string_value(json_object_get(one, "runner"));
		const json_t *before = figure_of(old, runner), *after = figure_of(row, runner);

		if (before == NULL || after == NULL)
			continue;
		if (beyond(before, after))
			c->slower++;
		else if (beyond(after, before))
			c->faster++;
		else
			c->same++;
		if (beyond(before, after) || beyond(after, before))
			say(scenario, runner, before, after, probe);
	}
}

int bench_compare(json_t *before, json_t *after)
{
	struct compared c = { 0, 0, 0 };
	json_t *line;
	size_t i;

	json_array_foreach(after, i, line)
	{
		const json_t *old = scenario_of(line) != NULL ? like_of(before, scenario_of(line)) : NULL;

		if (old != NULL)
			compare_rows(old, json_object_get(line, "row"), &c);
	}
	printf("%d figures slower, %d faster, %d as before\n", c.slower, c.faster, c.same);
	return c.slower + c.faster + c.same > 0 ? c.slower : -1;
}
