/* SPDX-License-Identifier: BSD-3-Clause */
/* Octets of messages for tests: hex to memory of exactly that size, so that a sanitizer sees each octet too many that is read. */
#ifndef TESTS_UNIT_BGP_OCTETS_H
#define TESTS_UNIT_BGP_OCTETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/bgp/message.h"

struct octets {
	uint8_t *at;
	size_t len;
};

/* Spaces are for the reader. */
static inline struct octets octets_of(const char *hex)
{
	struct octets o = { malloc(strlen(hex) / 2 + 1), 0 };
	unsigned int v;

	for (; *hex != '\0'; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		o.at[o.len++] = (uint8_t)v;
	}
	o.at = realloc(o.at, o.len + (o.len == 0));
	return o;
}

static inline struct octets octets_copy(const uint8_t *from, size_t len)
{
	struct octets o = { malloc(len + (len == 0)), len };

	memcpy(o.at, from, len);
	return o;
}

/* A whole message around a body. */
static inline struct octets message_of(enum fg_bgp_kind kind, const char *body)
{
	struct octets b = octets_of(body), o = { malloc(FG_BGP_HEADER + b.len), FG_BGP_HEADER + b.len };

	fg_bgp_header_write(o.at, kind, o.len);
	memcpy(o.at + FG_BGP_HEADER, b.at, b.len);
	free(b.at);
	return o;
}

#endif
