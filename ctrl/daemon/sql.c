/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The database file. In: a folder. Out: a database that can be asked, whatever the file was like; what went wrong is kept as
 * one sentence and logged once.
 */
#include "ctrl/daemon/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"

#define DATABASE "flowgate.db"

static const char schema[] =
	"CREATE TABLE rules(id INTEGER PRIMARY KEY, brought INTEGER, taken INTEGER, name TEXT, source TEXT, owner TEXT,"
	" ticket TEXT, site TEXT, family INTEGER, form INTEGER, flags INTEGER, nlri BLOB, communities BLOB,"
	" communities6 BLOB, added INTEGER, expires INTEGER, payload TEXT NOT NULL DEFAULT '');"
	"CREATE UNIQUE INDEX present ON rules(source, family, form, nlri, payload) WHERE taken IS NULL;"
	"CREATE INDEX brought ON rules(brought);"
	"CREATE INDEX taken ON rules(taken);"
	"CREATE TABLE generations(generation INTEGER PRIMARY KEY, time INTEGER, who TEXT, what TEXT, added INTEGER,"
	" deleted INTEGER, pending INTEGER);"
	"CREATE TABLE audit(id INTEGER PRIMARY KEY, time INTEGER, who TEXT, what TEXT, cost INTEGER, verdict TEXT);"
	"CREATE TABLE quarantine(hash INTEGER PRIMARY KEY, family TEXT, nlri TEXT, who TEXT, time INTEGER);"
	"CREATE TABLE numbers(key TEXT PRIMARY KEY, value INTEGER);"
	"PRAGMA user_version = 2;";

/* From version 1, whose rules had no payload pattern. */
static const char upgrade[] =
	"ALTER TABLE rules ADD COLUMN payload TEXT NOT NULL DEFAULT '';"
	"DROP INDEX present;"
	"CREATE UNIQUE INDEX present ON rules(source, family, form, nlri, payload) WHERE taken IS NULL;"
	"PRAGMA user_version = 2;";

static void say(struct fg_ledger *s, const char *problem)
{
	if (strcmp(s->problem, problem) == 0)
		return;
	snprintf(s->problem, sizeof(s->problem), "%s", problem);
	fg_log(LOG_ERR, "store: %s; enforcement goes on", problem);
}

/* ---- Statements ---- */

/* One that is lent is its borrower's from here on; the database stays open behind it until it is given back. */
static void close_database(struct fg_ledger *s)
{
	for (uint32_t i = 0; i < s->statements; i++)
		if (!s->statement[i].lent)
			sqlite3_finalize(s->statement[i].st);
	s->statements = 0;
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

/* NULL: it cannot be read. A text that is lent already, or has no place any more, is read for this once. */
static sqlite3_stmt *lend(struct fg_ledger *s, const char *text)
{
	sqlite3_stmt *st = NULL;

	for (uint32_t i = 0; i < s->statements; i++) {
		if (s->statement[i].text != text || s->statement[i].lent)
			continue;
		s->statement[i].lent = true;
		return s->statement[i].st;
	}
	if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK)
		return NULL;
	if (s->statements < FG_SQL_KEPT_MAX)
		s->statement[s->statements++] = (struct fg_sql_kept){ text, st, true };
	return st;
}

static void give_back(struct fg_ledger *s, sqlite3_stmt *st)
{
	uint32_t i = 0;

	while (i < s->statements && s->statement[i].st != st)
		i++;
	if (i == s->statements) {
		sqlite3_finalize(st);
		return;
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	s->statement[i].lent = false;
}

/* ---- The file ---- */

/* Cannot happen but by a mistake of ours or of memory: then nothing is kept, and that is said. */
static void use_memory(struct fg_ledger *s)
{
	close_database(s);
	s->kept = false;
	if (sqlite3_open(":memory:", &s->db) != SQLITE_OK || sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		fg_log(LOG_ERR, "store: nothing can be kept, not even in memory");
	else
		sqlite3_exec(s->db, "CREATE TEMP TABLE seen(id INTEGER PRIMARY KEY)", NULL, NULL, NULL);
}

static bool is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* All of it, or nothing. */
static int make(struct fg_ledger *s, const char *text)
{
	int r = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_exec(s->db, text, NULL, NULL, NULL);
	return r == SQLITE_OK ? sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) : r;
}

/* SQLITE_OK; SQLITE_CORRUPT and the like; SQLITE_SCHEMA: a newer one. */
static int try(struct fg_ledger *s)
{
	sqlite3_stmt *st = NULL;
	int version = -1, r = sqlite3_open(s->path, &s->db);
	bool sound = false;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 1000);
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);
	if (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		return r;
	if (version > FG_LEDGER_SCHEMA)
		return SQLITE_SCHEMA;
	r = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;",
			 NULL, NULL, NULL);
	if (r == SQLITE_OK && version < FG_LEDGER_SCHEMA)
		r = make(s, version == 0 ? schema : upgrade);
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (r != SQLITE_OK)
		return r;
	r = sqlite3_step(st);
	sound = r == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	if (r == SQLITE_ROW && !sound)
		return SQLITE_CORRUPT;
	return r == SQLITE_ROW ? sqlite3_exec(s->db, "CREATE TEMP TABLE seen(id INTEGER PRIMARY KEY)", NULL, NULL, NULL)
			       : r;
}

/* A damaged file is kept for who wants to know, under another name. */
static void set_aside(struct fg_ledger *s)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char from[sizeof(s->path) + 8], to[sizeof(s->path) + 48], problem[FG_DETAIL_MAX];

	close_database(s);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", s->path, tails[i]);
		snprintf(to, sizeof(to), "%s.damaged-%lld%s", s->path, (long long)time(NULL), tails[i]);
		if (rename(from, to) < 0 && errno != ENOENT && unlink(from) < 0)
			fg_log(LOG_ERR, "store: %s: %s", from, strerror(errno));
	}
	snprintf(problem, sizeof(problem),
		 "%.120s was damaged and is set aside as *.damaged-*: rules of before are lost", s->path);
	say(s, problem);
}

static void open_file(struct fg_ledger *s)
{
	char problem[FG_DETAIL_MAX];
	int r = try(s);

	if (is_damage(r)) {
		set_aside(s);
		r = try(s);
	}
	s->kept = r == SQLITE_OK;
	if (s->kept)
		return;
	snprintf(problem, sizeof(problem), "%.120s: %s; nothing is kept until that is mended", s->path,
		 r == SQLITE_SCHEMA ? "made by a newer version" : sqlite3_errstr(r));
	say(s, problem);
	use_memory(s);
}

int fg_ledger_open(struct fg_ledger **out, const char *folder, uint32_t history)
{
	struct fg_ledger *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	snprintf(s->path, sizeof(s->path), "%s/" DATABASE, folder);
	s->history = history;
	open_file(s);
	*out = s;
	return 0;
}

void fg_ledger_close(struct fg_ledger *s)
{
	if (s == NULL)
		return;
	close_database(s);
	free(s);
}

const char *fg_ledger_problem(const struct fg_ledger *s)
{
	return s->problem;
}

/* A statement failed: damage is set aside, everything else is said. */
static void fail(struct fg_ledger *s)
{
	char problem[FG_DETAIL_MAX];
	int code = sqlite3_extended_errcode(s->db);

	if (s->kept && is_damage(code)) {
		set_aside(s);
		open_file(s);
		return;
	}
	snprintf(problem, sizeof(problem), "%.120s: %s", s->path, sqlite3_errmsg(s->db));
	say(s, problem);
}

/* ---- Asking ---- */

/* `lives` says whether the values stay until the statement has run (SQLITE_STATIC) or are copied. */
static int bind(sqlite3_stmt *st, const char *format, sqlite3_destructor_type lives, va_list args)
{
	int r = SQLITE_OK;

	for (int i = 1; *format != '\0' && r == SQLITE_OK; format++, i++) {
		const void *blob;

		if (*format == 'i') {
			r = sqlite3_bind_int64(st, i, va_arg(args, int64_t));
		} else if (*format == 's') {
			r = sqlite3_bind_text(st, i, va_arg(args, const char *), -1, lives);
		} else {
			blob = va_arg(args, const void *);
			r = sqlite3_bind_blob(st, i, blob, va_arg(args, int), lives);
		}
	}
	return r;
}

static sqlite3_stmt *prepare(struct fg_ledger *s, const char *text, const char *format, sqlite3_destructor_type lives,
			     va_list args)
{
	sqlite3_stmt *st;

	if (s->db == NULL)
		return NULL;
	st = lend(s, text);
	if (st != NULL && bind(st, format, lives, args) == SQLITE_OK)
		return st;
	if (st != NULL)
		give_back(s, st);
	fail(s);
	return NULL;
}

sqlite3_stmt *fg_sql(struct fg_ledger *s, const char *text, const char *format, ...)
{
	sqlite3_stmt *st;
	va_list args;

	va_start(args, format);
	st = prepare(s, text, format, SQLITE_TRANSIENT, args);
	va_end(args);
	return st;
}

bool fg_sql_row(struct fg_ledger *s, sqlite3_stmt *st)
{
	int r = st == NULL ? SQLITE_DONE : sqlite3_step(st);

	if (r == SQLITE_ROW)
		return true;
	if (st != NULL)
		give_back(s, st);
	if (r != SQLITE_DONE)
		fail(s);
	return false;
}

void fg_sql_end(struct fg_ledger *s, sqlite3_stmt *st)
{
	give_back(s, st);
}

bool fg_sql_do(struct fg_ledger *s, const char *text, const char *format, ...)
{
	sqlite3_stmt *st;
	va_list args;
	int r;

	va_start(args, format);
	st = prepare(s, text, format, SQLITE_STATIC, args);
	va_end(args);
	if (st == NULL)
		return false;
	r = sqlite3_step(st);
	give_back(s, st);
	if (r == SQLITE_DONE || r == SQLITE_ROW)
		return true;
	fail(s);
	return false;
}
