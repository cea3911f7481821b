/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of a batch as they come in, one line or several: records for the gate, and those that need no gate to be
 * refused. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_PARTS_H
#define CTRL_DAEMON_PARTS_H

#include "ctrl/daemon/op.h"
#include "ctrl/daemon/records.h"

struct fg_batch_parts {
	const struct fg_method *method;
	uint64_t part, parts;      /* the last that came, and how many there are */
	struct fg_records records; /* place i of the batch is record i */
	json_t *refused;           /* Rules that were refused when they were read */
	size_t charged;            /* octets, of those that all unfinished batches may hold together */
};

/*
 * Takes a call's rules, `text` and `rules`, into the batch of its connection, or into a new one. True: *batch is whole and
 * the caller's. False: it is not, or the call was wrong, and has been answered.
 */
bool fg_parts_take(struct fg_op *op, enum fg_record_op what, struct fg_batch_parts **batch);
void fg_parts_free(struct fg_batch_parts *b);

#endif
