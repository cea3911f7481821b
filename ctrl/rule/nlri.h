/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flowspec NLRI, both directions (RFC 8955 §4, RFC 8956 §3). One bounds-checked component iterator; every other reader
 * of an NLRI in Flowgate is built on it. Pure: no I/O, no clock, no allocation.
 */
#ifndef CTRL_RULE_NLRI_H
#define CTRL_RULE_NLRI_H

#include "flowgate/errors.h"
#include "flowgate/rule.h"
#include "flowgate/wire.h"

/* One component of an NLRI. `body` is what follows the type octet. */
struct fg_component {
	uint8_t type;
	uint16_t octet; /* place of the type octet in the NLRI, from 0 */
	uint16_t len;   /* octets of body */
	const uint8_t *body;
};

/* Opaque to users; starts with fg_components(). */
struct fg_component_iter {
	struct fg_reader in;
	const uint8_t *start;
	uint8_t family;
	uint8_t offset_form;
	uint8_t last_type;
};

/* Starts over the component octets of a rule. */
struct fg_component_iter fg_components(const struct fg_rule *rule);

/*
 * The next component, wholly checked: type known and increasing, prefix and operator list well formed, widths as the
 * RFC demands. 0: *c is set. -1: the end (of a rule that had at least one component). FG_MALFORMED: *why says where and
 * why (may be NULL); the iterator must not be used again.
 */
int fg_component_next(struct fg_component_iter *it, struct fg_component *c, struct fg_finding *why);

/* One operator and its value, from the body of a numeric or bitmask component that fg_component_next() gave. */
struct fg_term {
	uint8_t op;     /* as received, but FG_OP_AND cleared on the first (RFC 8955 §4.2.1.1) */
	uint8_t width;  /* octets of the value: 1, 2, 4 or 8 */
	uint64_t value; /* as received: never narrowed */
};

struct fg_term_iter {
	struct fg_reader in;
	bool first;
};

struct fg_term_iter fg_terms(const struct fg_component *c);
/* False at the end. Cannot fail on a checked component. */
bool fg_term_next(struct fg_term_iter *it, struct fg_term *t);

/* The address pattern of a checked component 1 or 2 of `rule`, strict or full as the rule says. Trailing bits are cleared. */
struct fg_prefix fg_component_prefix(const struct fg_rule *rule, const struct fg_component *c);

/* 0, or FG_MALFORMED with *why: all components of `rule` (RFC 8955 §4.2; a zero-length NLRI is malformed). */
int fg_nlri_check(const struct fg_rule *rule, struct fg_finding *why);

/* FG_OFFSET_STRICT for a checked rule whose octets mean the same in either form; otherwise the form as given. */
uint8_t fg_nlri_form(const struct fg_rule *rule);

/*
 * Reads one NLRI with its one or two length octets from `in` (RFC 8955 §4.1), and the RD where `vpn` (§8). On 0 and on
 * FG_MALFORMED with *framed true, `in` stands behind the NLRI and family, vpn, rd, nlri, nlri_len and offset_form of
 * *rule are set (nlri points into `in`): it can be treated as withdrawn. With *framed false nothing behind it can be read.
 */
int fg_nlri_read(struct fg_reader *in, enum fg_family family, bool vpn, enum fg_offset_form form, struct fg_rule *rule,
		 bool *framed, struct fg_finding *why);

/* Writes length octets, RD where vpn, and components. Octets written, or 0 if `room` is too small. At most 2 + 4095. */
size_t fg_nlri_write(const struct fg_rule *rule, uint8_t *out, size_t room);

/* Builds the components of an NLRI in type order, in minimal encoding. */
struct fg_nlri_builder {
	uint8_t octets[FG_NLRI_MAX];
	uint16_t len;
	uint16_t last_op; /* place of the last operator of the open component, for its end bit */
	uint8_t last_type;
};

void fg_nlri_begin(struct fg_nlri_builder *b);
/* Appends component 1 or 2 in strict form. Types must increase. 0 or FG_MALFORMED (too long, wrong type order or lengths). */
int fg_nlri_put_prefix(struct fg_nlri_builder *b, enum fg_family family, uint8_t type, const struct fg_prefix *p);
/*
 * Appends one term to component `type` (opening it if it isn't open); op holds AND (cleared on the first) and comparison
 * bits, length and end bits are set here: the smallest width that holds `value` and that the component permits. 0 or
 * FG_MALFORMED (too long, wrong order, or a value no permitted width holds).
 */
int fg_nlri_put_term(struct fg_nlri_builder *b, uint8_t type, uint8_t op, uint64_t value);

#endif
