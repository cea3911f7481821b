/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people. */
#ifndef CTRL_CLI_COLUMNS_H
#define CTRL_CLI_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

struct libscols_table;

/*
 * A table of `n` columns, whose names end in NULL; one that begins with '>' is of numbers, aligned to the right.
 * NULL: no memory.
 */
struct libscols_table *fg_columns_new(const char *const *names);
/* A row of as many cells. Only ASCII: what is not depends on the locale. */
void fg_columns_row(struct libscols_table *table, const char *const *cells);
/* The same of text and one or more numbers behind it. */
void fg_columns_numbers(struct libscols_table *table, const char *const *texts, const uint64_t *numbers,
			unsigned int n);
/* It has no row yet. */
bool fg_columns_empty(struct libscols_table *table);
/* Prints it, if it has a row, and drops it. */
void fg_columns_print(struct libscols_table *table);

#endif
