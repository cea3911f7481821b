/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long one change of a table takes (bench.h): fg_table_add() or fg_table_delete(), and fg_table_apply() on one image. The other image
 * follows while the clock stands, as it does in the daemon when no reader is left in it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "ctrl/table/update.h"

enum { OUTSIDE = 1000 }; /* rules that are not in the table at a time */

struct updating {
	struct bench_memory image[2], memory;
	struct fg_table *table;
	struct bench_input in;
	size_t *order; /* of all rules; the first OUTSIDE are not in the table */
	size_t rules;
};

static uint32_t image_lines(const struct bench_rules *rules)
{
	struct bench_image image;
	uint32_t lines;

	bench_image_make(&image, rules);
	lines = (uint32_t)(image.bytes / FG_LINE_OCTETS);
	bench_image_free(&image);
	return lines + lines / 2; /* room for gaps */
}

static void apply(struct updating *u, int side)
{
	if (fg_table_apply(u->table, side) != 0)
		bench_fail("the image has no room");
}

static void add(struct updating *u, size_t rule)
{
	if (fg_table_add(u->table, &u->in.rule[rule], (uint32_t)rule) != 0)
		bench_fail("a rule was not added");
}

static void open_table(struct updating *u, const struct bench_rules *rules)
{
	uint32_t lines = image_lines(rules);
	uint8_t *base[2];

	u->rules = rules->n;
	bench_input_make(&u->in, rules);
	for (int side = 0; side < 2; side++) {
		bench_memory_get(&u->image[side], (size_t)lines * FG_LINE_OCTETS);
		base[side] = u->image[side].at;
	}
	bench_memory_get(&u->memory, fg_table_octets((uint32_t)rules->n, lines));
	u->table = fg_table_init(u->memory.at, (uint32_t)rules->n, base, lines);
	if (u->table == NULL)
		bench_fail("the image has no room");
}

/* Half the changes take a rule out, half put one back. */
static void fill_table(struct updating *u, uint64_t *r)
{
	u->order = bench_alloc(u->rules, sizeof(*u->order));
	for (size_t i = 0; i < u->rules; i++) {
		size_t j = bench_below(r, (uint32_t)i + 1);

		u->order[i] = u->order[j];
		u->order[j] = i;
	}
	for (size_t i = OUTSIDE; i < u->rules; i++)
		add(u, u->order[i]);
	for (int side = 0; side < 2; side++)
		apply(u, side);
}

static void close_table(struct updating *u)
{
	for (int side = 0; side < 2; side++)
		bench_memory_put(&u->image[side]);
	bench_memory_put(&u->memory);
	bench_input_free(&u->in);
	free(u->order);
}

/* A rule of the table and one from outside change places, in two changes. */
static double change(struct updating *u, uint64_t *r, bool out)
{
	static size_t inside, outside;
	uint64_t start, end;

	if (out) {
		inside = OUTSIDE + bench_below(r, (uint32_t)(u->rules - OUTSIDE));
		outside = bench_below(r, OUTSIDE);
	}
	start = bench_now_ns();
	if (!out)
		add(u, u->order[outside]);
	else if (fg_table_delete(u->table, &u->in.rule[u->order[inside]]) != 0)
		bench_fail("a rule was not there");
	apply(u, 0);
	end = bench_now_ns();
	apply(u, 1);
	if (!out) {
		size_t rule = u->order[inside];

		u->order[inside] = u->order[outside];
		u->order[outside] = rule;
	}
	return (double)(end - start) / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_update(const struct bench_rules *rules, size_t n, struct bench_changes *changes)
{
	double *us = bench_alloc(n, sizeof(*us));
	struct updating u;
	uint64_t r = 9;

	open_table(&u, rules);
	fill_table(&u, &r);
	for (size_t i = 0; i < n; i++) {
		us[i] = change(&u, &r, i % 2 == 0);
		if (i % 16 == 0)
			usleep(2000); /* a process of real-time priority that never sleeps is stopped for 50 ms now and then */
	}
	close_table(&u);
	qsort(us, n, sizeof(*us), ascending);
	*changes = (struct bench_changes){ n, us[n / 2], us[n * 99 / 100], us[n - 1] };
	free(us);
}
