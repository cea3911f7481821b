/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules in versions, and generations. In: what the gate has committed. Out: what was, for reboots and rollback. Each change is
 * one transaction of the database: all of it is written or none.
 */
#include "ctrl/daemon/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/daemon/sql.h"
#include "ctrl/rule/actions.h"

#define COLUMNS                                                                                                        \
	"name, source, owner, ticket, site, family, form, flags, nlri, communities, communities6, added, expires, "    \
	"payload"

/* The pattern of a record, as long as no other is asked for. */
static const char *payload_of(const struct fg_record *r)
{
	static char text[FG_PATTERN_TEXT_MAX + 1];

	memcpy(text, fg_record_pattern(r).at, r->payload_octets);
	text[r->payload_octets] = '\0';
	return text;
}

/* A transaction; none is open any more when a function here returns, but that of a page of a comparison. */
static bool begin(struct fg_ledger *s)
{
	return fg_sql_do(s, "SAVEPOINT change", "");
}

/* A transaction that could not be written is undone by SQLite, or here. */
static void commit(struct fg_ledger *s, bool done)
{
	if (!done || !fg_sql_do(s, "RELEASE change", ""))
		sqlite3_exec(s->db, "ROLLBACK TO change; RELEASE change", NULL, NULL, NULL);
}

static bool take_away(struct fg_ledger *s, const struct fg_record *r, uint64_t generation)
{
	return fg_sql_do(
		s,
		"UPDATE rules SET taken = ? WHERE source = ? AND family = ? AND form = ? AND nlri = ? AND payload = ? "
		"AND taken IS NULL",
		"isiibs", (int64_t)generation, r->by.source, (int64_t)r->family, (int64_t)r->offset_form, r->nlri,
		(int)r->nlri_len, payload_of(r));
}

static bool bring(struct fg_ledger *s, const struct fg_record *r, uint64_t generation, uint64_t added_s,
		  uint64_t expires_s)
{
	uint8_t octets[FG_ACTIONS_OCTETS], octets6[FG_ACTIONS6_OCTETS];
	size_t len, len6;

	fg_actions_write(&r->actions, octets, &len, octets6, &len6);
	return fg_sql_do(s, "INSERT INTO rules(brought, " COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			 "isssssiiibbbiis", (int64_t)generation, r->name, r->by.source, r->by.owner, r->by.ticket,
			 r->by.site, (int64_t)r->family, (int64_t)r->offset_form, (int64_t)r->flags, r->nlri,
			 (int)r->nlri_len, octets, (int)len, octets6, (int)len6, (int64_t)added_s, (int64_t)expires_s,
			 payload_of(r));
}

static bool generation_add(struct fg_ledger *s, const struct fg_commit *c)
{
	return fg_sql_do(s, "INSERT OR REPLACE INTO generations VALUES(?,?,?,?,?,?,?)", "iissiii",
			 (int64_t)c->generation, (int64_t)c->now_s, c->who, c->what, (int64_t)c->added,
			 (int64_t)c->deleted, (int64_t)c->pending);
}

/* What is older than the history goes, and versions that no generation of it had. */
static bool prune(struct fg_ledger *s)
{
	return fg_sql_do(s,
			 "DELETE FROM generations WHERE generation <= (SELECT generation FROM generations ORDER BY "
			 "generation DESC LIMIT 1 OFFSET ?)",
			 "i", (int64_t)s->history) &&
	       fg_sql_do(s, "DELETE FROM rules WHERE taken <= (SELECT min(generation) FROM generations)", "");
}

void fg_ledger_keep(struct fg_ledger *s, uint32_t history)
{
	s->history = history;
}

static bool write_records(struct fg_ledger *s, const struct fg_commit *c, const struct fg_records *r,
			  const bool *left_out)
{
	struct fg_record *at = NULL;
	bool done = true;

	for (uint32_t i = 0; done && (at = fg_records_next(r, at)) != NULL; i++) {
		if ((at->flags & (FG_RECORD_STATIC | FG_RECORD_BGP)) || (left_out != NULL && left_out[i]))
			continue;
		done = take_away(s, at, c->generation);
		if (done && at->op == FG_OP_ADD)
			done = bring(s, at, c->generation, c->now_s, at->ttl_s ? c->now_s + at->ttl_s : 0);
	}
	return done;
}

void fg_ledger_commit(struct fg_ledger *s, const struct fg_commit *c, const struct fg_records *r, const bool *left_out)
{
	if (begin(s))
		commit(s, write_records(s, c, r, left_out) && generation_add(s, c) && prune(s));
}

void fg_ledger_flush(struct fg_ledger *s, const struct fg_commit *c)
{
	if (begin(s))
		commit(s, fg_sql_do(s, "UPDATE rules SET taken = ? WHERE taken IS NULL", "i", (int64_t)c->generation) &&
				  generation_add(s, c) && prune(s));
}

void fg_ledger_confirm(struct fg_ledger *s)
{
	fg_sql_do(s, "UPDATE generations SET pending = 0 WHERE pending", "");
}

bool fg_ledger_pending(struct fg_ledger *s)
{
	sqlite3_stmt *st = fg_sql(s, "SELECT 1 FROM generations WHERE pending", "");
	bool pending = fg_sql_row(s, st);

	if (pending)
		fg_sql_end(s, st);
	return pending;
}

/* What they brought is taken away; what they took away is brought back. */
void fg_ledger_revert(struct fg_ledger *s, const struct fg_commit *c)
{
	if (!begin(s))
		return;
	commit(s, fg_sql_do(s,
			    "UPDATE rules SET taken = ? WHERE taken IS NULL AND brought IN (SELECT generation FROM "
			    "generations WHERE pending)",
			    "i", (int64_t)c->generation) &&
			  fg_sql_do(s,
				    "INSERT OR IGNORE INTO rules(brought, " COLUMNS ") SELECT ?, " COLUMNS
				    " FROM rules WHERE taken IN (SELECT generation FROM generations WHERE pending) AND "
				    "brought NOT IN (SELECT generation FROM generations WHERE pending)",
				    "i", (int64_t)c->generation) &&
			  fg_sql_do(s, "UPDATE generations SET pending = 0", "") && generation_add(s, c));
}

void fg_ledger_expire(struct fg_ledger *s, const struct fg_commit *c)
{
	if (!begin(s))
		return;
	commit(s, fg_sql_do(s, "UPDATE rules SET taken = ? WHERE taken IS NULL AND expires != 0 AND expires <= ?", "ii",
			    (int64_t)c->generation, (int64_t)c->now_s) &&
			  generation_add(s, c) && prune(s));
}

/* ---- Reading ---- */

static void text_of(sqlite3_stmt *st, int column, char out[FG_NAME_MAX + 1])
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	snprintf(out, FG_NAME_MAX + 1, "%s", text != NULL ? text : "");
}

static bool actions_of(sqlite3_stmt *st, int column, bool ipv6, struct fg_actions *a)
{
	const uint8_t *octets = sqlite3_column_blob(st, column);
	size_t len = (size_t)sqlite3_column_bytes(st, column);

	return len == 0 || fg_actions_read(octets, len, ipv6, a, NULL) == 0;
}

/* A row of COLUMNS, and the operation in front of it, as a record. 0 or -ENOMEM; a row that is none is passed over. */
static int take_row(sqlite3_stmt *st, uint64_t now_s, struct fg_records *out)
{
	struct fg_record r = { .op = (uint8_t)sqlite3_column_int(st, 0),
			       .family = (uint8_t)sqlite3_column_int(st, 6),
			       .offset_form = (uint8_t)sqlite3_column_int(st, 7),
			       .flags = (uint8_t)sqlite3_column_int(st, 8) };
	uint64_t expires_s = (uint64_t)sqlite3_column_int64(st, 13);
	struct fg_pattern_text pattern = { (const char *)sqlite3_column_text(st, 14),
					   (uint32_t)sqlite3_column_bytes(st, 14) };
	int len = sqlite3_column_bytes(st, 9);

	text_of(st, 1, r.name);
	text_of(st, 2, r.by.source);
	text_of(st, 3, r.by.owner);
	text_of(st, 4, r.by.ticket);
	text_of(st, 5, r.by.site);
	if (len <= 0 || len > FG_NLRI_MAX || pattern.octets > FG_PATTERN_TEXT_MAX ||
	    !actions_of(st, 10, false, &r.actions) || !actions_of(st, 11, true, &r.actions))
		return 0;
	if (r.op == FG_OP_ADD && expires_s != 0 && expires_s <= now_s)
		return 0;
	r.ttl_s = expires_s != 0 && r.op == FG_OP_ADD ? (uint32_t)(expires_s - now_s) : 0;
	return fg_records_add(out, &r, sqlite3_column_blob(st, 9), (uint16_t)len, pattern);
}

static int take_rows(struct fg_ledger *s, sqlite3_stmt *st, uint64_t now_s, struct fg_records *out)
{
	int r = 0;

	while (fg_sql_row(s, st)) {
		r = take_row(st, now_s, out);
		if (r != 0) {
			fg_sql_end(s, st);
			return r;
		}
	}
	return 0;
}

int fg_ledger_rules(struct fg_ledger *s, uint64_t now_s, struct fg_records *out)
{
	return take_rows(s, fg_sql(s, "SELECT 1, " COLUMNS " FROM rules WHERE taken IS NULL ORDER BY id", ""), now_s,
			 out);
}

int fg_ledger_brought(struct fg_ledger *s, uint64_t generation, struct fg_records *out)
{
	return take_rows(s, fg_sql(s, "SELECT 1, " COLUMNS " FROM rules WHERE brought = ?", "i", (int64_t)generation),
			 0, out);
}

static bool generation_known(struct fg_ledger *s, uint64_t generation)
{
	sqlite3_stmt *st = fg_sql(s, "SELECT 1 FROM generations WHERE generation = ?", "i", (int64_t)generation);
	bool known = fg_sql_row(s, st);

	if (known)
		fg_sql_end(s, st);
	return known;
}

/* Deletions first: what is there now and was not then; then what was there then and is not now, or is another version. */
int fg_ledger_rollback(struct fg_ledger *s, uint64_t generation, uint64_t now_s, struct fg_records *out)
{
	int64_t g = (int64_t)generation;
	int r;

	if (!generation_known(s, generation))
		return -ENOENT;
	r = take_rows(
		s,
		fg_sql(s,
		       "SELECT 2, " COLUMNS " FROM rules AS now WHERE taken IS NULL AND brought > ? AND NOT EXISTS "
		       "(SELECT 1 FROM rules AS old WHERE old.source = now.source AND old.family = now.family AND "
		       "old.form = now.form AND old.nlri = now.nlri AND old.payload = now.payload AND old.brought <= ? "
		       "AND old.taken > ?)",
		       "iii", g, g, g),
		now_s, out);
	if (r != 0)
		return r;
	return take_rows(
		s,
		fg_sql(s, "SELECT 1, " COLUMNS " FROM rules WHERE brought <= ? AND taken > ? ORDER BY id", "ii", g, g),
		now_s, out);
}

json_t *fg_ledger_history(struct fg_ledger *s, uint64_t limit)
{
	sqlite3_stmt *st = fg_sql(s,
				  "SELECT generation, time, who, what, added, deleted FROM generations ORDER BY "
				  "generation DESC LIMIT ?",
				  "i", (int64_t)limit);
	json_t *all = json_array();

	while (fg_sql_row(s, st))
		json_array_append_new(all, json_pack("{s:I,s:I,s:s,s:s,s:I,s:I}", "generation",
						     (json_int_t)sqlite3_column_int64(st, 0), "time",
						     (json_int_t)sqlite3_column_int64(st, 1), "who",
						     sqlite3_column_text(st, 2), "what", sqlite3_column_text(st, 3),
						     "added", (json_int_t)sqlite3_column_int64(st, 4), "deleted",
						     (json_int_t)sqlite3_column_int64(st, 5)));
	return all;
}

/* ---- What the gate has ---- */

/* Rules that come from here on come by way of the gate: they are not compared. */
void fg_ledger_compare_begin(struct fg_ledger *s)
{
	sqlite3_stmt *st = fg_sql(s, "SELECT ifnull(max(id), 0) FROM rules", "");

	s->compared_to = INT64_MAX;
	if (fg_sql_row(s, st)) {
		s->compared_to = sqlite3_column_int64(st, 0);
		fg_sql_end(s, st);
	}
	fg_sql_do(s, "DELETE FROM seen", "");
}

void fg_ledger_compare_page(struct fg_ledger *s, bool begins)
{
	if (begins)
		begin(s);
	else
		commit(s, true);
}

static int64_t present(struct fg_ledger *s, const struct fg_record *r)
{
	sqlite3_stmt *st = fg_sql(s,
				  "SELECT id FROM rules WHERE source = ? AND family = ? AND form = ? AND nlri = ? AND "
				  "payload = ? AND taken IS NULL",
				  "siibs", r->by.source, (int64_t)r->family, (int64_t)r->offset_form, r->nlri,
				  (int)r->nlri_len, payload_of(r));
	int64_t id = 0;

	if (fg_sql_row(s, st)) {
		id = sqlite3_column_int64(st, 0);
		fg_sql_end(s, st);
	}
	return id;
}

/* Whether the row is of this very version. The two reckon the end of its time by clocks of their own. */
static bool is_same(struct fg_ledger *s, int64_t id, const struct fg_record *r, uint64_t expires_s)
{
	uint8_t octets[FG_ACTIONS_OCTETS], octets6[FG_ACTIONS6_OCTETS];
	size_t len, len6;
	sqlite3_stmt *st;
	bool same;

	fg_actions_write(&r->actions, octets, &len, octets6, &len6);
	st = fg_sql(
		s,
		"SELECT 1 FROM rules WHERE id = ? AND name = ? AND owner = ? AND ticket = ? AND site = ? AND flags = ? "
		"AND communities = ? AND communities6 = ? AND abs(expires - ?) <= 2",
		"issssibbi", id, r->name, r->by.owner, r->by.ticket, r->by.site, (int64_t)r->flags, octets, (int)len,
		octets6, (int)len6, (int64_t)expires_s);
	same = fg_sql_row(s, st);
	if (same)
		fg_sql_end(s, st);
	return same;
}

void fg_ledger_compare(struct fg_ledger *s, const struct fg_record *r, const struct fg_listed *l, uint64_t generation)
{
	int64_t id = present(s, r);

	if (id != 0 && !is_same(s, id, r, l->expires_s) && take_away(s, r, generation))
		id = 0;
	if (id == 0 && bring(s, r, generation, l->added_s, l->expires_s))
		id = sqlite3_last_insert_rowid(s->db);
	fg_sql_do(s, "INSERT OR IGNORE INTO seen VALUES(?)", "i", id);
}

void fg_ledger_compare_end(struct fg_ledger *s, uint64_t generation)
{
	fg_sql_do(s, "UPDATE rules SET taken = ? WHERE taken IS NULL AND id <= ? AND id NOT IN (SELECT id FROM seen)",
		  "ii", (int64_t)generation, s->compared_to);
}
