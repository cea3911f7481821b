/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that changes: rules are added and deleted one by one, and each of two images follows when it is told to. The way of a batch,
 * left-right: add and delete; fg_table_apply() on the image that nobody reads; publish it; wait until the other is not read any more;
 * fg_table_apply() on that. Pure: all memory is given. One thread.
 */
#ifndef CTRL_TABLE_UPDATE_H
#define CTRL_TABLE_UPDATE_H

#include "ctrl/table/table.h"

struct fg_table;

/* Octets of memory that a table of up to `rules_max` rules needs, beside its images of `lines` lines each. */
size_t fg_table_octets(uint32_t rules_max, uint32_t lines);

/*
 * Makes an empty table in `memory` (fg_table_octets() of it, aligned to 64) over two images of `lines` lines of zeroed memory. Both images are
 * valid at once and match nothing. NULL: an image is too small for that.
 */
struct fg_table *fg_table_init(void *memory, uint32_t rules_max, uint8_t *const image[2], uint32_t lines);

/*
 * The same over images that hold anything, one of which packets may be reading: neither is touched before it is made anew by
 * fg_table_apply(). Where they are too small, that answers FG_OVER_BUDGET.
 */
struct fg_table *fg_table_adopt(void *memory, uint32_t rules_max, uint8_t *const image[2], uint32_t lines);

/* Takes all rules out at once. Protect entries stay; both images are made anew by their next fg_table_apply(). */
void fg_table_empty(struct fg_table *t);

/*
 * Sets the n <= FG_PROTECT_MAX protect entries of a family, in place of those there were: checked rules, evaluated in this order before
 * all others, their destinations compared too. *rule and its octets must stay like those of fg_table_add(); none of them goes on. Both
 * images are made anew by their next fg_table_apply(). Their octets and lines are in the cost, their slots are not.
 */
void fg_table_protect(struct fg_table *t, enum fg_family family, const struct fg_table_rule *rules, size_t n);

/*
 * Adds a checked rule; *rule and its octets must stay until it is deleted and both images have been told. 0; FG_DUPLICATE: these
 * octets are there; FG_OVER_BUDGET: there are rules_max. Nothing is seen of it before fg_table_apply().
 */
int fg_table_add(struct fg_table *t, const struct fg_rule *rule, uint32_t slot);
/* Takes the rule of these octets away. 0 or -ENOENT. */
int fg_table_delete(struct fg_table *t, const struct fg_rule *rule);

/*
 * Brings image 0 or 1 up to date. 0; FG_OVER_BUDGET: no room, even after compaction: the image must not be published before changes
 * have been taken back and this has succeeded. One image may just have room for what the other, with its gaps elsewhere, has not: keep the
 * budget some way below the size of the images. What it does is linear in the rules of the groups that changed, in the groups that lie in
 * them, and, for an image that has to be made compact, in the table.
 */
int fg_table_apply(struct fg_table *t, int side);

/* Makes an image anew and compact. 0 or FG_OVER_BUDGET, as above. */
int fg_table_rebuild(struct fg_table *t, int side);

/* Octets that an image uses, line 0 included: what fg_table_cost() says of the same rules. */
uint64_t fg_table_bytes(const struct fg_table *t, int side);
/*
 * Cost of an image that is up to date: what fg_table_cost() says of the same rules, known at once. Lines above 4095 are cut to that. Of FG_STEPS_MAX
 * lines and more the image must not be published: it may lack prefixes of lengths that it has no place for.
 */
void fg_table_worst(const struct fg_table *t, int side, struct fg_cost *cost);

#endif
