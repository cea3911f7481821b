/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts to a database (compiler.h). In: a file of struct fg_text. Out: a file: struct fg_share_patterns, the database, and of each text, in their
 * order, what became of it. Always holds: it is within what the gate has said there is room for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctrl/daemon/compiler.h"
#include "ctrl/pattern/compile.h"
#include "dataplane/payload.h"
#include "flowgate/share.h"

enum { WHY_MAX = 255 };

struct texts {
	const struct fg_patterns_wanted *wanted;
	const uint8_t *file;
	const struct fg_text **text; /* each once, in order */
	char **copy;                 /* of it, terminated */
	struct fg_pattern *pattern;  /* of those that are patterns */
	struct fg_pattern_fate *fate;
	uint32_t *place;                /* of a pattern: of its text */
	struct fg_pattern_fate *become; /* of a text */
	uint32_t n, patterns;
};

/* ---- Reading ---- */

static int by_text(const void *a, const void *b)
{
	const struct fg_text *ta = *(const struct fg_text *const *)a, *tb = *(const struct fg_text *const *)b;
	uint32_t least = ta->text_octets < tb->text_octets ? ta->text_octets : tb->text_octets;
	int r = memcmp(ta->text, tb->text, least);

	r = r != 0 ? r : (ta->text_octets > tb->text_octets) - (ta->text_octets < tb->text_octets);
	return r != 0 ? r : (ta > tb) - (ta < tb); /* what stands first in the file */
}

static int by_place(const void *a, const void *b)
{
	const struct fg_text *ta = *(const struct fg_text *const *)a, *tb = *(const struct fg_text *const *)b;

	return (ta > tb) - (ta < tb);
}

static bool is_same(const struct fg_text *a, const struct fg_text *b)
{
	return a->text_octets == b->text_octets && memcmp(a->text, b->text, a->text_octets) == 0;
}

/* The texts of the file, each once. 0 or -EBADMSG. */
static int find_texts(struct texts *t)
{
	uint64_t at = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->wanted->count; i++) {
		const struct fg_text *text = (const void *)(t->file + at);

		if (t->wanted->octets - at < sizeof(*text) || text->text_octets > FG_PATTERN_TEXT_MAX ||
		    text->octets < sizeof(*text) + text->text_octets || text->octets > t->wanted->octets - at)
			return -EBADMSG;
		t->text[i] = text;
		at += text->octets;
	}
	qsort(t->text, t->wanted->count, sizeof(*t->text), by_text);
	for (uint32_t i = 0; i < t->wanted->count; i++)
		if (n == 0 || !is_same(t->text[n - 1], t->text[i]))
			t->text[n++] = t->text[i];
	qsort(t->text, n, sizeof(*t->text), by_place);
	t->n = n;
	return 0;
}

/* Their form. What is none is refused here, and has a number all the same. */
static int read_texts(struct texts *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct fg_pattern *p = &t->pattern[t->patterns];

		t->copy[i] = strndup(t->text[i]->text, t->text[i]->text_octets);
		if (t->copy[i] == NULL)
			return -ENOMEM;
		t->become[i].code = (enum fg_reason)fg_pattern_read(t->copy[i], p, t->become[i].why);
		if (t->become[i].code != FG_OK)
			continue;
		p->number = i;
		t->place[t->patterns++] = i;
	}
	return 0;
}

/* ---- Compiling ---- */

/* What is left of the room beside the texts. */
static uint64_t database_room(const struct texts *t)
{
	uint64_t taken = sizeof(struct fg_share_patterns) + 2 * FG_LINE_OCTETS;

	for (uint32_t i = 0; i < t->n; i++)
		taken += fg_share_pattern_octets(t->text[i]->text_octets, WHY_MAX);
	return t->wanted->room > taken ? t->wanted->room - taken : 0;
}

static int compile(struct texts *t, const char *program, struct fg_pattern_database *out)
{
	struct fg_pattern_limits limits;
	uint64_t room = database_room(t);
	int r;

	fg_pattern_limits_default(&limits);
	limits.octets = t->wanted->database_octets < room ? t->wanted->database_octets : room;
	limits.octets_one = t->wanted->octets_alone < limits.octets ? t->wanted->octets_alone : limits.octets;
	r = fg_patterns_compile(program, &limits, t->pattern, t->patterns, t->fate, out);
	for (uint32_t i = 0; i < t->patterns; i++)
		t->become[t->place[i]] = t->fate[i];
	return r;
}

/* ---- Writing ---- */

static int write_all(int file, const void *octets, size_t n, uint64_t *at)
{
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(file, (const uint8_t *)octets + done, n - done, (off_t)(*at + done));

		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		done += (size_t)w;
	}
	*at += n;
	return 0;
}

static int write_pattern(int file, const struct fg_text *text, const struct fg_pattern_fate *fate, uint64_t *at)
{
	uint32_t why = (uint32_t)strnlen(fate->why, WHY_MAX);
	struct fg_share_pattern head = { .text_octets = (uint16_t)text->text_octets,
					 .code = (uint8_t)fate->code,
					 .why_octets = (uint8_t)why,
					 .octets = fate->octets,
					 .needed = fate->needed,
					 .available = fate->available };
	uint8_t out[sizeof(head) + FG_PATTERN_TEXT_MAX + WHY_MAX + 8] = { 0 };

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), text->text, text->text_octets);
	memcpy(out + sizeof(head) + text->text_octets, fate->why, why);
	return write_all(file, out, fg_share_pattern_octets(text->text_octets, why), at);
}

/* The database as it will lie in memory; NULL and no octets: there is none. */
static int place(const struct fg_pattern_database *d, void **out, size_t *octets)
{
	*out = NULL;
	*octets = 0;
	if (d->serialised == NULL)
		return 0;
	*octets = fg_database_octets(d->serialised, d->serialised_octets);
	if (*octets == 0 || posix_memalign(out, FG_DATABASE_ALIGN, *octets) != 0)
		return -ENOMEM;
	memset(*out, 0, *octets);
	return fg_database_put(*out, *octets, d->serialised, d->serialised_octets);
}

static int write_file(const struct texts *t, const struct fg_pattern_database *d, int file)
{
	struct fg_share_patterns head = { .count = t->n };
	uint64_t at = sizeof(head), begin;
	size_t octets = 0;
	void *database;
	int r = place(d, &database, &octets);

	head.octets = (uint32_t)octets;
	if (r == 0)
		r = write_all(file, database, octets, &at);
	free(database);
	begin = at = fg_share_texts(head.octets);
	for (uint32_t i = 0; i < t->n && r == 0; i++)
		r = write_pattern(file, t->text[i], &t->become[i], &at);
	head.text_octets = (uint32_t)(at - begin);
	if (r == 0 && at > t->wanted->room)
		r = -ENOSPC;
	at = 0;
	return r == 0 ? write_all(file, &head, sizeof(head), &at) : r;
}

/* ---- The whole ---- */

static int make(struct texts *t, const char *program, int file)
{
	struct fg_pattern_database database = { 0 };
	int r = find_texts(t);

	if (r == 0)
		r = read_texts(t);
	if (r == 0)
		r = compile(t, program, &database);
	if (r == 0)
		r = write_file(t, &database, file);
	fg_pattern_database_free(&database);
	return r;
}

int fg_compiler_run(const struct fg_patterns_wanted *wanted, int texts, const char *program, int file)
{
	struct texts t = { .wanted = wanted };
	size_t n = (size_t)wanted->count + 1;
	int r = -ENOMEM;

	t.file = mmap(NULL, wanted->octets, PROT_READ, MAP_PRIVATE, texts, 0);
	if (t.file == MAP_FAILED)
		return -errno;
	t.text = calloc(n, sizeof(*t.text));
	t.copy = calloc(n, sizeof(*t.copy));
	t.pattern = calloc(n, sizeof(*t.pattern));
	t.fate = calloc(n, sizeof(*t.fate));
	t.become = calloc(n, sizeof(*t.become));
	t.place = calloc(n, sizeof(*t.place));
	if (t.text != NULL && t.copy != NULL && t.pattern != NULL && t.fate != NULL && t.become != NULL &&
	    t.place != NULL)
		r = make(&t, program, file);
	for (uint32_t i = 0; i < t.n && t.copy != NULL; i++)
		free(t.copy[i]);
	free(t.text);
	free(t.copy);
	free(t.pattern);
	free(t.fate);
	free(t.become);
	free(t.place);
	munmap((void *)(uintptr_t)t.file, wanted->octets);
	return r;
}
