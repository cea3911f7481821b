/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a packet, offline: admitted rules enforced on one packet after the other. */
#ifndef CTRL_CLI_ENFORCE_H
#define CTRL_CLI_ENFORCE_H

#include "ctrl/cli/capture.h"
#include "ctrl/load/load.h"
#include "dataplane/payload.h"
#include "flowgate/action.h"
#include "flowgate/match.h"

/* By slot, which is the place of a rule in the input less 1. */
struct fg_enforce {
	const struct fg_load *load;
	struct fg_load_image image;
	struct fg_action *action;
	struct fg_meter **meter; /* NULL where a rule has no rate */
	struct fg_meter *meters;
	bool drop_malformed;
	/* Where a rule has a payload pattern: */
	uint32_t *pattern; /* number of it; NULL where none has */
	void *database, *room;
	struct fg_scan scan;
};

/* What became of a packet. */
struct fg_ruling {
	struct fg_matched matched; /* rules applied, in order */
	struct fg_verdict verdict;
};

/* 0, -ENOMEM, or FG_OVER_BUDGET (a mistake of ours). The loader must live as long. */
int fg_enforce_new(struct fg_enforce *e, struct fg_load *load, bool drop_malformed);
void fg_enforce_free(struct fg_enforce *e);
/* The verdict on a packet at a time; takes the tokens of its rates. `f`: where its payload is; NULL: it has none. */
void fg_enforce_packet(struct fg_enforce *e, const struct fg_packet *p, const struct fg_frame *f, uint64_t now_ns,
		       struct fg_ruling *out);
/* The i-th rule applied. */
const struct fg_loaded *fg_ruling_rule(const struct fg_enforce *e, const struct fg_ruling *r, uint32_t i);
/* The rule that the verdict rests on, NULL if none. */
const struct fg_loaded *fg_ruling_winner(const struct fg_enforce *e, const struct fg_ruling *r);

/* "drop", "discard" and so on: the words of the JSON. */
const char *fg_verdict_name(uint8_t verdict);
const char *fg_cause_name(uint8_t cause);
/* Where a rule redirects or copies to: "65000:100" or an address. */
void fg_target_text(const struct fg_actions *a, char out[FG_DETAIL_MAX]);

#endif
