/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hyperscan's runtime behind a narrow door. In: a database, payloads. Out: which of the patterns that are waited for are there. A scan ends as
 * soon as all of them are found, so what an attack has at its beginning costs little. Always holds: scratch comes from the memory
 * that fg_scan_start() was given; patterns nobody waits for cost a bit test.
 */
#include "dataplane/payload.h"

#include <errno.h>
#include <hs_runtime.h>

/* Hyperscan's allocators know no context: whose scratch is being made in this thread. */
static __thread struct fg_scan *making;

static void *scratch_take(size_t octets)
{
	struct fg_scan *s = making;
	uint8_t *at;

	octets = (octets + FG_LINE_OCTETS - 1) & ~(size_t)(FG_LINE_OCTETS - 1);
	if (s == NULL || octets > FG_SCAN_ROOM_OCTETS - s->taken)
		return NULL;
	at = s->room + s->taken;
	s->taken += octets;
	return at;
}

/* It is all given back at once, when the next database is used. */
static void scratch_give(void *at)
{
	(void)at;
}

size_t fg_database_octets(const void *serialised, size_t octets)
{
	size_t n = 0;

	return hs_serialized_database_size(serialised, octets, &n) == HS_SUCCESS ? n : 0;
}

int fg_database_put(void *to, size_t room, const void *serialised, size_t octets)
{
	size_t n = fg_database_octets(serialised, octets);

	if (n == 0 || (uintptr_t)to % FG_DATABASE_ALIGN != 0)
		return -EINVAL;
	if (n > room)
		return -ENOSPC;
	return hs_deserialize_database_at(serialised, octets, to) == HS_SUCCESS ? 0 : -EINVAL;
}

void fg_scan_start(struct fg_scan *s, void *room)
{
	*s = (struct fg_scan){ .room = room };
	hs_set_scratch_allocator(scratch_take, scratch_give);
}

int fg_scan_use(struct fg_scan *s, const void *database)
{
	struct hs_scratch *scratch = NULL;
	hs_error_t r;

	s->scratch = NULL;
	s->database = NULL;
	s->taken = 0;
	if (database == NULL)
		return 0;
	making = s;
	r = hs_alloc_scratch(database, &scratch);
	making = NULL;
	if (r != HS_SUCCESS)
		return r == HS_NOMEM ? -ENOSPC : -EINVAL;
	s->scratch = scratch;
	s->database = database;
	return 0;
}

void fg_scan_move(struct fg_scan *s, const void *database)
{
	if (s->scratch != NULL)
		s->database = database;
}

/* Answers 1 to end the scan. */
static int found(unsigned int number, unsigned long long from, unsigned long long to, unsigned int flags, void *context)
{
	struct fg_scan *s = context;
	uint64_t *word = &s->waiting.word[(number & (FG_PATTERNS_MAX - 1)) / 64], bit = 1ull << (number % 64);

	(void)from;
	(void)flags;
	if ((*word & bit) == 0 || to > s->end)
		return 0;
	*word &= ~bit;
	return --s->left == 0;
}

void fg_scan_payload(struct fg_scan *s, const struct fg_payload *p, uint32_t waited)
{
	uint32_t behind = 0;
	hs_error_t r;

	if (s->scratch == NULL || p->octets == 0)
		return;
	/* `$` stands before a newline at the end too, and so there the end is told two octets ahead. */
	if (p->cut)
		behind = p->data[p->octets - 1] == '\n' ? 2 : 1;
	if (p->octets < behind)
		return;
	s->left = waited;
	s->end = p->octets - behind;
	s->scans++;
	s->octets += p->octets;
	r = hs_scan(s->database, (const char *)p->data, p->octets, 0, s->scratch, found, s);
	s->failures += r != HS_SUCCESS && r != HS_SCAN_TERMINATED;
}
