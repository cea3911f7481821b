/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench-payload [PATTERNS [OCTETS]]: what the payload step of a packet adds to a scan. Once Hyperscan alone over the payloads, once all
 * that a worker does between match and verdict: who waits, where the payload is, the scan, what applies. The same packets, database and scratch;
 * rounds alternate, and the median of each is said. Payloads are of few letters and seldom have a pattern. No test.
 */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/payload.h"

enum { PACKETS = 4096, ROUNDS = 21, FRAME_MAX = 2048, HEADERS = 14 + 20 + 8 };

struct bench {
	uint8_t frame[PACKETS][FRAME_MAX];
	struct fg_packet packet[PACKETS];
	uint32_t octets; /* of a payload */
	uint32_t patterns;
	hs_database_t *database;
	hs_scratch_t *scratch;
	struct fg_scan scan;
	uint64_t hits;
};

static struct bench bench;
static uint64_t state = 88172645463325252ull;

static uint32_t draw(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % n;
}

static void make_packet(struct bench *b, uint32_t i)
{
	static const uint8_t headers[HEADERS] = {
		[12] = 8, [14] = 0x45, [22] = 64, [23] = 17, [30] = 203, [32] = 113, [33] = 7
	};
	uint8_t *f = b->frame[i];

	memcpy(f, headers, sizeof(headers));
	fg_store_be16(f + 16, (uint16_t)(28 + b->octets));
	fg_store_be16(f + 38, (uint16_t)(8 + b->octets));
	for (uint32_t k = 0; k < b->octets; k++)
		f[HEADERS + k] = (uint8_t)("etaoinshrdlu GET/=&%\r\n0123456789"[draw(32)]);
	fg_packet_parse(f, f + HEADERS + b->octets, false, &b->packet[i]);
}

static int make_database(struct bench *b)
{
	static char text[FG_PATTERNS_MAX][48];
	static const char *expression[FG_PATTERNS_MAX];
	static unsigned int flags[FG_PATTERNS_MAX], number[FG_PATTERNS_MAX];
	hs_compile_error_t *error = NULL;

	for (uint32_t i = 0; i < b->patterns; i++) {
		snprintf(text[i], sizeof(text[i]), i % 2 ? "/%04xattack[0-9]{%u}" : "User-%04x.*bot%u", draw(65536),
			 2 + i % 5);
		expression[i] = text[i];
		flags[i] = HS_FLAG_SINGLEMATCH | (i % 3 == 0 ? HS_FLAG_CASELESS : 0);
		number[i] = i;
	}
	if (hs_compile_multi(expression, flags, number, b->patterns, HS_MODE_BLOCK, NULL, &b->database, &error) !=
	    HS_SUCCESS) {
		fprintf(stderr, "flowgate-bench-payload: %s\n", error->message);
		return 1;
	}
	return hs_alloc_scratch(b->database, &b->scratch) != HS_SUCCESS;
}

static int found(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *hits)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	++*(uint64_t *)hits;
	return 0;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Gbit/s of payload. */
static double rate(const struct bench *b, double took)
{
	return (double)PACKETS * b->octets * 8 / took / 1e9;
}

static double alone(struct bench *b)
{
	double from = seconds();

	for (uint32_t i = 0; i < PACKETS; i++)
		hs_scan(b->database, (const char *)b->frame[i] + HEADERS, b->octets, 0, b->scratch, found, &b->hits);
	return rate(b, seconds() - from);
}

static double step(struct bench *b)
{
	static const uint32_t numbers[4] = { 0, 1, 2, 3 };
	double from = seconds();

	for (uint32_t i = 0; i < PACKETS; i++) {
		struct fg_matched m = { 2, { 0 | FG_SLOT_PAYLOAD | FG_SLOT_CONTINUE | FG_SLOT_ENDS, 3 } };

		fg_scan_packet(&b->scan, numbers, b->frame[i], b->frame[i] + HEADERS + b->octets, &b->packet[i],
			       FG_PAYLOAD_SCAN_OCTETS, &m);
		b->hits += m.count;
	}
	return rate(b, seconds() - from);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *of)
{
	qsort(of, ROUNDS, sizeof(*of), by_size);
	return of[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	static uint8_t room[FG_SCAN_ROOM_OCTETS] __attribute__((aligned(64)));
	double of_alone[ROUNDS], of_step[ROUNDS], a, s;
	struct bench *b = &bench;

	b->patterns = argc > 1 ? (uint32_t)atoi(argv[1]) : 100;
	b->octets = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000;
	if (b->patterns < 4 || b->patterns > FG_PATTERNS_MAX || b->octets < 1 || b->octets > FG_PAYLOAD_SCAN_OCTETS)
		return 2;
	if (make_database(b) != 0)
		return 1;
	fg_scan_start(&b->scan, room);
	if (fg_scan_use(&b->scan, b->database) != 0)
		return 1;
	for (uint32_t i = 0; i < PACKETS; i++)
		make_packet(b, i);
	for (int i = 0; i < ROUNDS; i++) {
		of_alone[i] = alone(b);
		of_step[i] = step(b);
	}
	a = median(of_alone);
	s = median(of_step);
	printf("%4u patterns, %4u octets: Hyperscan alone %6.2f Gbit/s, payload step %6.2f Gbit/s, %.1f %%\n",
	       b->patterns, b->octets, a, s, 100 * s / a);
	return 0;
}
