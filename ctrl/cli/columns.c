/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables for people, by libsmartcols: columns as wide as what is in them, cut at the terminal's width where there
 * is one. In: names and cells. Out: standard output.
 */
#include "ctrl/cli/columns.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>

enum { COLUMNS_MAX = 16, NUMBER_TEXT = 24 };

struct libscols_table *fg_columns_new(const char *const *names)
{
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		return NULL;
	for (; *names != NULL; names++) {
		int right = (*names)[0] == '>';

		if (scols_table_new_column(table, *names + right, 0, right ? SCOLS_FL_RIGHT : SCOLS_FL_TRUNC) == NULL) {
			scols_unref_table(table);
			return NULL;
		}
	}
	return table;
}

void fg_columns_row(struct libscols_table *table, const char *const *cells)
{
	struct libscols_line *line = table == NULL ? NULL : scols_table_new_line(table, NULL);
	size_t n = table == NULL ? 0 : scols_table_get_ncols(table);

	for (size_t i = 0; line != NULL && i < n; i++)
		scols_line_set_data(line, i, cells[i]);
}

void fg_columns_numbers(struct libscols_table *table, const char *const *texts, const uint64_t *numbers, unsigned int n)
{
	char text[COLUMNS_MAX][NUMBER_TEXT];
	const char *cells[COLUMNS_MAX];
	size_t columns = table == NULL ? 0 : scols_table_get_ncols(table), at = 0;

	for (; texts[at] != NULL && at < columns; at++)
		cells[at] = texts[at];
	for (unsigned int i = 0; i < n && at < columns; i++, at++) {
		snprintf(text[at], sizeof(text[at]), "%" PRIu64, numbers[i]);
		cells[at] = text[at];
	}
	fg_columns_row(table, cells);
}

bool fg_columns_empty(struct libscols_table *table)
{
	return table == NULL || scols_table_get_nlines(table) == 0;
}

void fg_columns_print(struct libscols_table *table)
{
	if (table == NULL)
		return;
	if (scols_table_get_nlines(table) > 0)
		scols_print_table(table);
	scols_unref_table(table);
}
