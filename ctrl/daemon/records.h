/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records for the gate, one after the other in memory that grows: made of rules that were read, and of what the store kept.
 */
#ifndef CTRL_DAEMON_RECORDS_H
#define CTRL_DAEMON_RECORDS_H

#include <jansson.h>

#include "ctrl/gate/record.h"
#include "ctrl/load/load.h"

struct fg_records {
	uint8_t *at;
	size_t octets, room;
	uint32_t count;
};

/* The source of operators' rules that name none, and that of files of the configuration, which nobody else may use. */
#define FG_SOURCE_OPERATOR "operator"
#define FG_SOURCE_FILE "file"

/* Appends a record with this NLRI and payload pattern; its octets and both lengths are set here. 0 or -ENOMEM. */
int fg_records_add(struct fg_records *r, const struct fg_record *head, const uint8_t *nlri, uint16_t nlri_len,
		   struct fg_pattern_text pattern);
/* Appends one like it, to be added or deleted. 0 or -ENOMEM. */
int fg_records_copy(struct fg_records *r, const struct fg_record *record, enum fg_record_op op);
/* Appends what was read, if it is to be had: of `source` where the rule names none. 0 or -ENOMEM. */
int fg_records_add_loaded(struct fg_records *r, const struct fg_loaded *rule, enum fg_record_op op, const char *source);
/* The first and the next; NULL: that was the last. */
struct fg_record *fg_records_next(const struct fg_records *r, const struct fg_record *before);
void fg_records_free(struct fg_records *r);

/* Two records are of one rule: family, offset form, NLRI, pattern and source. As memcmp(). */
int fg_record_compare(const struct fg_record *a, const struct fg_record *b);
/* Asks for the same: actions, attributes and flags too. */
bool fg_record_equal(const struct fg_record *a, const struct fg_record *b);
/* The rule of a record; nlri points into it. */
struct fg_rule fg_record_rule(const struct fg_record *r);

/* What is to be said of a rule; NULL where it is not known. */
struct fg_record_view {
	const struct fg_listed *listed;
	const struct fg_rule_counters *counters;
	const char *state;
	json_t *reasons;          /* taken over */
	uint64_t generation_base; /* added to generations */
	uint64_t clock_offset_ns; /* added to times of counters */
	uint64_t place;           /* "#N" where there is no name */
};

/* A Rule of the interface. NULL: no memory. */
json_t *fg_record_object(const struct fg_record *r, const struct fg_record_view *view);
/* Likewise of a rule that was read and refused, or is malformed. */
json_t *fg_loaded_object(const struct fg_loaded *rule, const char *source);
/* A Reason of the interface. */
json_t *fg_reason_object(const struct fg_finding *f);
/* "enforced" and so on. */
const char *fg_rule_state_name(uint32_t state);

#endif
