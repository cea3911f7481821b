/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fuzz targets share. Comes in: octets that libFuzzer made up. Goes out: nothing, or an abort that says which statement did not
 * hold. What always holds: a target does the same for the same octets, whatever came before, so one file is enough to see a failure again:
 * `fuzz-nlri FILE`. Next: fuzz_nlri.c, fuzz_actions.c, fuzz_text.c, fuzz_packet.c, fuzz_table.c, fuzz_bgp.c,
 * fuzz_pattern.c.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/rule/nlri.h"
#include "tests/oracle/generate.h"

/* One target; libFuzzer calls it. Answers 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST_HOLD(statement)                                                                                           \
	do {                                                                                                           \
		if (!(statement)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #statement);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Octets one by one; 0 behind the end. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_octet(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* The next octets, at most `most`; there may be none. */
static inline const uint8_t *fuzz_take(struct fuzz_input *in, size_t most, size_t *taken)
{
	const uint8_t *p = in->at;

	*taken = most < in->left ? most : in->left;
	in->at += *taken;
	in->left -= *taken;
	return p;
}

/* A random sequence that the octets decide. FNV-1a. */
static inline struct or_random fuzz_random(const uint8_t *octets, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ octets[i]) * 0x100000001b3;
	return or_random_seed(h);
}

/* back.c: the canonical text of a checked rule is there, and reads back to the same octets, meaning, name and actions. */
void fuzz_reads_back(const struct fg_rule *rule);

#endif
