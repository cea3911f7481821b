/* SPDX-License-Identifier: BSD-3-Clause */
/* The database under the store: opened, mended, asked. Private to ctrl/daemon's store. */
#ifndef CTRL_DAEMON_SQL_H
#define CTRL_DAEMON_SQL_H

#include <sqlite3.h>

#include "ctrl/daemon/ledger.h"

enum { FG_SQL_KEPT_MAX = 48 };

/* A statement that has been read once; `text` is its literal, known by its address. */
struct fg_sql_kept {
	const char *text;
	sqlite3_stmt *st;
	bool lent;
};

struct fg_ledger {
	sqlite3 *db;
	struct fg_sql_kept statement[FG_SQL_KEPT_MAX]; /* a rule must not cost the reading of its statements */
	uint32_t statements;
	char path[FG_DETAIL_MAX * 2];
	uint32_t history;
	int64_t compared_to; /* rules up to this one are being compared with the gate */
	bool kept;           /* on disk; otherwise in memory */
	char problem[FG_DETAIL_MAX];
};

/*
 * A statement with values bound by a format: i int64 (as int64_t), s string, b blob (pointer, int). `text` is a literal, for statements are
 * known again by its address. NULL: it failed.
 */
sqlite3_stmt *fg_sql(struct fg_ledger *s, const char *text, const char *format, ...);
/* The next row: true; the end, or a failure that the store says: false, and the statement is given back. */
bool fg_sql_row(struct fg_ledger *s, sqlite3_stmt *st);
/* Ends a statement before its last row. */
void fg_sql_end(struct fg_ledger *s, sqlite3_stmt *st);
/* Runs one that has no rows. False: it failed. */
bool fg_sql_do(struct fg_ledger *s, const char *text, const char *format, ...);

#endif
