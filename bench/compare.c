/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What got slower (harness.h). A figure of the second run is slower than its like of the first beyond noise where its lower quartile lies above the other's
 * upper one and its median is more than 5 % above; likewise faster. A core that is itself slower all the while, as where another thread shares it, is in no
 * spread of a row: so that must hold of the times as they are, and also of times in those of the probe, work that was the same in both rows. What waits for
 * memory is not as much slower as the core, which is why one of them alone is not enough.
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

static double number(const json_t *row, const char *what)
{
	return json_number_value(json_object_get(row, what));
}

/* The core's own speed: time of work that is the same, by that of before. */
static double probe_of(const json_t *old, const json_t *row)
{
	return number(row, "probe_ns") / number(old, "probe_ns");
}

static void say(const json_t *old, const json_t *row, const char *runner)
{
	const json_t *scenario = json_object_get(row, "scenario"), *before = figure_of(old, runner),
		     *after = figure_of(row, runner);

	printf("%s: %s, %s %lld %s %s: %.1f -> %.1f ns (%+.0f %%; quartiles %.1f-%.1f -> %.1f-%.1f; the core itself "
	       "%+.0f %%; other cores busy %.0f -> %.0f %%)\n",
	       at(after, "median") > at(before, "median") ? "slower" : "faster", runner,
	       json_string_value(json_object_get(scenario, "shape")),
	       (long long)json_integer_value(json_object_get(scenario, "count")),
	       json_string_value(json_object_get(scenario, "traffic")),
	       json_string_value(json_object_get(scenario, "plane")), at(before, "median"), at(after, "median"),
	       100 * (at(after, "median") / at(before, "median") - 1), at(before, "lower"), at(before, "upper"),
	       at(after, "lower"), at(after, "upper"), 100 * (probe_of(old, row) - 1), 100 * number(old, "other_load"),
	       100 * number(row, "other_load"));
}

/* By what `high` is divided before. */
static bool beyond_by(const json_t *low, const json_t *high, double by)
{
	return at(high, "lower") > by * at(low, "upper") && at(high, "median") > by * slower_by * at(low, "median");
}

/* probe: that of `high` by that of `low`. */
static bool beyond(const json_t *low, const json_t *high, double probe)
{
	return beyond_by(low, high, 1) && beyond_by(low, high, probe);
}

struct compared {
	int slower, faster, same;
};

static void compare_rows(const json_t *old, const json_t *row, struct compared *c)
{
	double probe = probe_of(old, row);
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(row, "figures"), i, one)
	{
		const char *runner = json_string_value(json_object_get(one, "runner"));
		const json_t *before = figure_of(old, runner), *after = figure_of(row, runner);
		bool slower, faster;

		if (before == NULL || after == NULL)
			continue;
		slower = beyond(before, after, probe);
		faster = beyond(after, before, 1 / probe);
		c->slower += slower;
		c->faster += faster;
		c->same += !slower && !faster;
		if (slower || faster)
			say(old, row, runner);
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
