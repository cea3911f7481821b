/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of a daemon's answers as people read them. What is not there, or of another type, is "-": never 0.
 */
#ifndef CTRL_CLI_CELL_H
#define CTRL_CLI_CELL_H

#include <jansson.h>
#include <stdio.h>

enum { FG_CELL_MAX = 32 };

/* A string, "" where there is none. */
const char *fg_cell_text(const json_t *object, const char *key);
/* An integer. Returns out. */
const char *fg_cell_number(const json_t *object, const char *key, char out[FG_CELL_MAX]);
/* One of an object inside: fg_cell_inner(rule, "matched", "packets", out). */
const char *fg_cell_inner(const json_t *object, const char *key, const char *inner, char out[FG_CELL_MAX]);
/* Seconds since 1970 as "2026-11-25 07:22:18Z". */
const char *fg_cell_time(const json_t *object, const char *key, char out[FG_CELL_MAX]);
/* Replaces what could steer a terminal by '?' in all strings of a value. */
void fg_cell_clean(json_t *value);

#endif
