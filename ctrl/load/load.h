/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of a rule, offline: text, hex or JSON in, judged rules and an image out. The verbs of the command line
 * use it.
 *
 * fg_load_new(), then files one at a time, then fg_load_admit() once, then fg_load_compile() if an image is wanted.
 * Rules stay in the order of the input, whatever their fate. All memory is the loader's until fg_load_free().
 */
#ifndef CTRL_LOAD_LOAD_H
#define CTRL_LOAD_LOAD_H

#include "ctrl/load/arena.h"
#include "ctrl/load/limits.h"
#include "ctrl/pattern/compile.h"
#include "ctrl/table/table.h"

enum {
	FG_LOAD_FILE_MAX = 512 << 20, /* octets of one file of rules */
	FG_LOAD_ERROR_MAX = 1024,
	FG_LOAD_SHADOW_WINDOW = 64, /* earlier rules of the same addresses that a rule is compared with */
};

enum fg_load_form { FG_FORM_AUTO = 0, FG_FORM_TEXT, FG_FORM_HEX, FG_FORM_JSON };

enum fg_load_state {
	FG_STATE_ADMITTED = 0,
	FG_STATE_REFUSED,   /* understood, and not to be enforced */
	FG_STATE_MALFORMED, /* not understood */
};

/* A rule of the input. The first member, so that a rule of a sorted table leads back to it. */
struct fg_loaded {
	struct fg_rule rule; /* nlri_len 0: the input gave no NLRI */
	enum fg_load_state state;
	uint32_t place;      /* in the input, from 1 */
	uint32_t line;       /* in its file, from 1 */
	uint32_t precedence; /* admitted: place among those of its family in evaluation order, from 1; 0: none */
	bool framed;         /* `nlri` are components; where not, octets as they came, that are no NLRI */
	bool checked;        /* the NLRI is well formed: it has a meaning, an order and a cost */
	bool count_only;     /* "count_only" of JSON: everything but the action */
	bool actions_bad;    /* its communities are wrong: `actions` is not what was asked for */
	struct fg_cost cost; /* where checked; see fg_load_admit() */
	uint64_t
		pattern_bytes; /* of the database of its payload pattern alone; 0: it has none, or it was not compiled */
	uint32_t ttl_s;
	const char *file;
	const char *owner, *ticket, *site, *source, *payload; /* "" where not given */
	struct fg_finding *finding;                           /* in the order they were made */
	size_t findings;
};

struct fg_load {
	struct fg_limits limits;
	bool full_offsets; /* octets that are given are read in FG_OFFSET_FULL */
	/* The dataplane does payload patterns; where not, rules with one are refused. Before the first rule is read. */
	bool payload;
	const char *pattern_program; /* that compiles them; NULL: fg_pattern_program() says which */
	struct fg_loaded **rule;
	size_t count, room;
	/* By fg_load_admit(): */
	struct fg_table_rule *sorted[FG_FAMILY_COUNT]; /* admitted, in evaluation order; a slot is `place` - 1 */
	size_t n[FG_FAMILY_COUNT];
	struct fg_cost cost; /* of the image of them all */
	/* Of their payload patterns; that of a rule has number fg_rule.pattern - 1. */
	struct fg_pattern_database patterns;
	size_t admitted, malformed;
	char error[FG_LOAD_ERROR_MAX]; /* why the last call failed: FILE:LINE:COLUMN where it was syntax */
	struct fg_arena arena;
	struct fg_load_work *work; /* private to the steps */
};

/* 0 or -ENOMEM. Limits are the defaults until fg_load_limits(). */
int fg_load_new(struct fg_load **load);
void fg_load_free(struct fg_load *load);

/* Limits of a file. 0; FG_MALFORMED or -errno with load->error. */
int fg_load_limits(struct fg_load *load, const char *path);

/*
 * Adds the rules of a file, "-" being standard input. Auto: JSON where it begins with `{`, hex where with a family
 * and hex digits, text otherwise. 0; FG_MALFORMED: a syntax error; -errno. Where not 0, load->error says why and no
 * rule of the file is there.
 */
int fg_load_file(struct fg_load *load, const char *path, enum fg_load_form form);
/* The same for text in memory; `name` stands in messages and must live as long as the loader. */
int fg_load_text(struct fg_load *load, const char *name, const char *text, size_t len, enum fg_load_form form);

/*
 * Adds one rule as received: octets of an NLRI with its length octets, and communities as "HEX[,HEX…]" or NULL (20
 * octets: of attribute 25; otherwise any number of 8). What is wrong with them makes the rule malformed or refused.
 * Sets *used octets, all of them where the NLRI cannot be framed. 0; FG_MALFORMED: the communities are no hex, in
 * load->error; -errno.
 */
int fg_load_octets(struct fg_load *load, enum fg_family family, bool vpn, const uint8_t *octets, size_t len,
		   const char *communities, size_t *used);

/*
 * Judges all rules: lint, duplicates, order, cost, budget. 0 or -ENOMEM. A rule's cost is its own marginal one in
 * the order of the input, reckoned as ctrl/load/cost.c says; that of a refused rule is what it would cost alone.
 */
int fg_load_admit(struct fg_load *load);

/* An image of the admitted rules. */
struct fg_load_image {
	uint8_t *base;
	size_t octets;
};

/* 0, -ENOMEM, or FG_OVER_BUDGET: it did not fit what was predicted, which is a mistake of ours. */
int fg_load_compile(struct fg_load *load, struct fg_load_image *image);
void fg_load_image_free(struct fg_load_image *image);

/* Octets written from hex digits; -1: there are none, an odd number, or more than `room` holds. */
long fg_hex_read(const char *text, size_t len, uint8_t *out, size_t room);

/* "NAME", or "#N" for a rule without. Returns out. */
const char *fg_loaded_name(const struct fg_loaded *rule, char out[FG_NAME_MAX + 1]);

#endif
