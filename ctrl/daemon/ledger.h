/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must survive a reboot: operators' rules, generations for rollback, who changed what, what is in quarantine. One
 * SQLite file (WAL). Enforcement does not hang on it: a file that is damaged is set aside and said so, one of a newer
 * schema is left alone, a disk that is full is said so once; the daemon goes on without.
 *
 * A rule is kept in versions: each has the generation that brought it and the one that took it away, or none as long as it
 * is there. So the rules of generation N are those brought by then and not taken away by then.
 */
#ifndef CTRL_DAEMON_LEDGER_H
#define CTRL_DAEMON_LEDGER_H

#include "ctrl/daemon/records.h"

enum { FG_LEDGER_SCHEMA = 2, FG_LEDGER_AUDIT_MAX = 100000 };

struct fg_ledger;

/*
 * Opens DATABASE in a folder, with so many generations kept. 0 or -ENOMEM: whatever is wrong with the file, there is a store, if only in
 * memory until the process ends.
 */
int fg_ledger_open(struct fg_ledger **s, const char *folder, uint32_t history);
void fg_ledger_close(struct fg_ledger *s);
/* So many generations from now on. */
void fg_ledger_keep(struct fg_ledger *s, uint32_t history);
/* "" where all is well, or what is wrong. */
const char *fg_ledger_problem(const struct fg_ledger *s);

/* A generation in the making. Times are seconds since 1970. */
struct fg_commit {
	uint64_t generation;
	uint64_t now_s;
	const char *who, *what;
	uint32_t added, deleted;
	bool pending; /* waits for confirmation */
};

/*
 * Writes down what the gate has committed: additions and deletions, static ones left out; of those, `left_out[i]` (may be
 * NULL) were not done. Nothing is answered: what cannot be written is a problem of the store.
 */
void fg_ledger_commit(struct fg_ledger *s, const struct fg_commit *c, const struct fg_records *r, const bool *left_out);
/* All rules are gone. */
void fg_ledger_flush(struct fg_ledger *s, const struct fg_commit *c);
/* What waited for confirmation stays, or goes again. */
void fg_ledger_confirm(struct fg_ledger *s);
bool fg_ledger_pending(struct fg_ledger *s);
void fg_ledger_revert(struct fg_ledger *s, const struct fg_commit *c);
/* Rules whose time is over by now. */
void fg_ledger_expire(struct fg_ledger *s, const struct fg_commit *c);

/* Rules that are there, as additions with the time that is left. 0 or -errno. */
int fg_ledger_rules(struct fg_ledger *s, uint64_t now_s, struct fg_records *out);
/*
 * The batch that leads back to the rules of a generation. 0; -ENOENT: the generation is not known any more; -errno.
 */
int fg_ledger_rollback(struct fg_ledger *s, uint64_t generation, uint64_t now_s, struct fg_records *out);
/* The latest generations as an array of Generation; NULL: no memory. */
json_t *fg_ledger_history(struct fg_ledger *s, uint64_t limit);

/*
 * The gate has these rules: begin, each of them a page at a time, end. What differs is written down as of that generation. What changes meanwhile is
 * kept, and a comparison that does not come to its end has taken nothing away.
 */
void fg_ledger_compare_begin(struct fg_ledger *s);
void fg_ledger_compare_page(struct fg_ledger *s, bool begins);
void fg_ledger_compare(struct fg_ledger *s, const struct fg_record *r, const struct fg_listed *l, uint64_t generation);
void fg_ledger_compare_end(struct fg_ledger *s, uint64_t generation);

/* Who did what and what came of it; `cost` in octets of image. */
void fg_ledger_audit(struct fg_ledger *s, uint64_t now_s, const char *who, const char *what, uint64_t cost,
		     const char *verdict);

void fg_ledger_quarantine(struct fg_ledger *s, uint64_t hash, const char *family, const char *nlri, const char *who,
			  uint64_t now_s, bool on);
/* The rules that a generation brought, whether or not they are there still. 0 or -ENOMEM. */
int fg_ledger_brought(struct fg_ledger *s, uint64_t generation, struct fg_records *out);
/* Each hash in quarantine. */
void fg_ledger_each_quarantined(struct fg_ledger *s, void (*each)(void *ctx, uint64_t hash), void *ctx);
json_t *fg_ledger_quarantined(struct fg_ledger *s);

/* Numbers by name; `otherwise` where there is none. */
uint64_t fg_ledger_number(struct fg_ledger *s, const char *key, uint64_t otherwise);
void fg_ledger_number_set(struct fg_ledger *s, const char *key, uint64_t value);
/* The highest generation that was ever written down. */
uint64_t fg_ledger_generation(struct fg_ledger *s);

#endif
