/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the oracle's own tests share. Comes in: hexadecimal text, as written in the RFCs. Goes out: octets. What always
 * holds: exact() gives heap memory of exactly that size, so that the sanitizer sees any read beyond it.
 */
#ifndef TESTS_ORACLE_TEST_SUPPORT_H
#define TESTS_ORACLE_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static inline size_t unhex(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return len;
}

/* Freed with free(). */
static inline uint8_t *exact(const uint8_t *octets, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, octets, len);
	return copy;
}

#endif
