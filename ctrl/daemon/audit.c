/* SPDX-License-Identifier: BSD-3-Clause */
/* The store beside rules: who did what, what is in quarantine, and numbers that must survive. */
#include "ctrl/daemon/sql.h"

void fg_ledger_audit(struct fg_ledger *s, uint64_t now_s, const char *who, const char *what, uint64_t cost,
		     const char *verdict)
{
	fg_sql_do(s, "INSERT INTO audit(time, who, what, cost, verdict) VALUES(?,?,?,?,?)", "issis", (int64_t)now_s,
		  who, what, (int64_t)cost, verdict);
	fg_sql_do(s, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", "i",
		  (int64_t)FG_LEDGER_AUDIT_MAX);
}

void fg_ledger_quarantine(struct fg_ledger *s, uint64_t hash, const char *family, const char *nlri, const char *who,
			  uint64_t now_s, bool on)
{
	if (on)
		fg_sql_do(s, "INSERT OR REPLACE INTO quarantine VALUES(?,?,?,?,?)", "isssi", (int64_t)hash, family,
			  nlri, who, (int64_t)now_s);
	else
		fg_sql_do(s, "DELETE FROM quarantine WHERE hash = ?", "i", (int64_t)hash);
}

void fg_ledger_each_quarantined(struct fg_ledger *s, void (*each)(void *ctx, uint64_t hash), void *ctx)
{
	sqlite3_stmt *st = fg_sql(s, "SELECT hash FROM quarantine", "");

	while (fg_sql_row(s, st))
		each(ctx, (uint64_t)sqlite3_column_int64(st, 0));
}

json_t *fg_ledger_quarantined(struct fg_ledger *s)
{
	sqlite3_stmt *st = fg_sql(s, "SELECT family, nlri, who, time FROM quarantine ORDER BY time", "");
	json_t *all = json_array();

	while (fg_sql_row(s, st))
		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:I}", "family", sqlite3_column_text(st, 0), "nlri",
						     sqlite3_column_text(st, 1), "who", sqlite3_column_text(st, 2),
						     "time", (json_int_t)sqlite3_column_int64(st, 3)));
	return all;
}

static uint64_t number_of(struct fg_ledger *s, sqlite3_stmt *st, uint64_t otherwise)
{
	uint64_t v = otherwise;

	if (fg_sql_row(s, st)) {
		v = (uint64_t)sqlite3_column_int64(st, 0);
		fg_sql_end(s, st);
	}
	return v;
}

uint64_t fg_ledger_number(struct fg_ledger *s, const char *key, uint64_t otherwise)
{
	return number_of(s, fg_sql(s, "SELECT value FROM numbers WHERE key = ?", "s", key), otherwise);
}

void fg_ledger_number_set(struct fg_ledger *s, const char *key, uint64_t value)
{
	fg_sql_do(s, "INSERT OR REPLACE INTO numbers VALUES(?, ?)", "si", key, (int64_t)value);
}

uint64_t fg_ledger_generation(struct fg_ledger *s)
{
	return number_of(s, fg_sql(s, "SELECT coalesce(max(generation), 0) FROM generations", ""), 0);
}
