/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values as users write them, from a piece of text that is all of the value. Nothing is reported: false, and the output is
 * untouched, where the text is none.
 */
#ifndef CTRL_TEXT_VALUE_H
#define CTRL_TEXT_VALUE_H

#include "ctrl/rule/nlri.h"

/* A piece of text; no NUL ends it. */
struct fg_text_string {
	const char *at;
	uint32_t len;
};

/* address.c: an address without length; "address[/length[/offset]]" as the pattern of a prefix. */
bool fg_text_address(struct fg_text_string text, struct fg_address *out);
bool fg_text_prefix(struct fg_text_string text, enum fg_family *family, struct fg_prefix *out);
/* address.c: a route target as the community that redirects to it, 8 octets or, *ipv6, 20. */
bool fg_text_route_target(struct fg_text_string text, uint8_t out[FG_EXTCOMM6_OCTETS], bool *ipv6);
/* address.c: an unsigned number, decimal or 0x hex, that is all of `text`; false where none or above 2^64 - 1. */
bool fg_text_number(struct fg_text_string text, uint64_t *out);
/* limits.c: a number with k, M, G or T for powers of 1024. */
bool fg_text_amount(struct fg_text_string text, uint64_t *out);

#endif
