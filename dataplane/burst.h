/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst matcher: what fg_match() of match.h does, for up to FG_BURST packets at a time. Keys and image in,
 * rules that apply out, the same ones in the same order. The packets go through the image side by side, so that
 * their cache misses overlap.
 *
 * There are several forms of it, for what the processor can do; all are made of burst_form.c. What always holds:
 * nothing is written but the `matched` of the packets given, no memory is kept between calls, and any number of
 * threads may match at once.
 */
#ifndef DATAPLANE_BURST_H
#define DATAPLANE_BURST_H

#include "flowgate/match.h"

enum fg_burst_form { FG_BURST_SCALAR, FG_BURST_AVX2, FG_BURST_AVX512, FG_BURST_FORMS };

/* Short name of a form. */
const char *fg_burst_name(enum fg_burst_form form);
/* True where this processor has what the form needs. */
bool fg_burst_supported(enum fg_burst_form form);
/* The fastest that is supported. */
enum fg_burst_form fg_burst_best(void);

/* Matches keys[0..n), n <= FG_BURST, by the best form; matched[i] gets what fg_match() gives for *keys[i]. */
void fg_match_burst(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[]);
/* The same by a form that must be supported. */
void fg_match_burst_by(enum fg_burst_form form, const struct fg_view *view, const struct fg_key *const keys[],
		       uint32_t n, struct fg_matched matched[]);

/*
 * Says that these will be matched after the packets that are matched next: the first line of the image that each
 * of them needs is on its way meanwhile. It changes no result and may be left out; with traffic to addresses all
 * over the world it saves a third.
 */
void fg_burst_fetch(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n);

#endif
