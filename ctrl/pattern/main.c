/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-pattern: compiles payload patterns. In: a job (job.h). Out: what each pattern takes alone, or why Hyperscan refuses it; one
 * database of those that compile. It gives up every right before it looks at a pattern (sandbox.h), so all that a bomb can do is end this
 * process; whoever started it sees from job->at what it died of. Prints nothing, opens nothing.
 */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ctrl/pattern/job.h"
#include "ctrl/pattern/sandbox.h"

struct work {
	struct fg_job *job;
	struct fg_job_pattern *pattern;
	const char *texts;
	uint8_t *room;
	const char *expression[FG_PATTERNS_MAX];
	unsigned int flags[FG_PATTERNS_MAX], number[FG_PATTERNS_MAX];
};

static unsigned int flags_of(const struct fg_job_pattern *p)
{
	return (p->every ? 0 : HS_FLAG_SINGLEMATCH) | (p->flags & FG_PATTERN_CASELESS ? HS_FLAG_CASELESS : 0) |
	       (p->flags & FG_PATTERN_DOTALL ? HS_FLAG_DOTALL : 0) |
	       (p->flags & FG_PATTERN_MULTILINE ? HS_FLAG_MULTILINE : 0);
}

/*
 * One match of a pattern is enough, the first. But what a word or a line that ends makes a match may be told before a match that ended earlier; and
 * where a payload was cut, that one does not count and the other does (dataplane/payload.c).
 */
static uint32_t wants_every(const struct work *w, const struct fg_job_pattern *p)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	uint32_t every = 0;

	if (hs_expression_info(w->texts + p->text, flags_of(p), &info, &error) == HS_SUCCESS)
		every = info->unordered_matches || info->matches_at_eod;
	free(info);
	hs_free_compile_error(error);
	return every;
}

/* The job that lies at the descriptor; NULL: there is none. */
static struct fg_job *job_map(void)
{
	struct fg_job *job;
	struct stat st;

	if (fstat(FG_JOB_FD, &st) < 0 || (size_t)st.st_size < sizeof(*job))
		return NULL;
	job = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, FG_JOB_FD, 0);
	if (job == MAP_FAILED || job->magic != FG_JOB_MAGIC || job->count > FG_PATTERNS_MAX ||
	    fg_job_room(job->count, job->text_octets) + job->room != (size_t)st.st_size)
		return NULL;
	return job;
}

static void say(char why[FG_JOB_WHY_MAX], const char *what)
{
	snprintf(why, FG_JOB_WHY_MAX, "%s", what);
}

/* Hyperscan says so in words alone. */
static bool lacked_memory(const hs_compile_error_t *error)
{
	return error == NULL || strstr(error->message, "allocate") != NULL;
}

/* One pattern by itself. */
static void compile_alone(struct work *w, struct fg_job_pattern *p)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *database = NULL;
	size_t octets = 0;

	p->every = wants_every(w, p);
	if (hs_compile(w->texts + p->text, flags_of(p), HS_MODE_BLOCK, NULL, &database, &error) == HS_SUCCESS &&
	    hs_database_size(database, &octets) == HS_SUCCESS) {
		p->octets = octets;
		p->state = octets <= w->job->octets_one ? FG_JOB_COMPILES : FG_JOB_OVER;
	} else {
		say(p->why, error != NULL ? error->message : "it cannot be compiled");
		p->state = lacked_memory(error) ? FG_JOB_OVER : FG_JOB_REFUSED;
	}
	hs_free_compile_error(error);
	hs_free_database(database);
}

static unsigned int gather(struct work *w)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < w->job->count; i++) {
		if (w->pattern[i].state != FG_JOB_COMPILES)
			continue;
		w->expression[n] = w->texts + w->pattern[i].text;
		w->flags[n] = flags_of(&w->pattern[i]);
		w->number[n++] = w->pattern[i].number;
	}
	return n;
}

/* Sizes first: a database that has no room is not written, but what it would take is said. */
static void put(struct work *w, hs_database_t *database)
{
	hs_scratch_t *scratch = NULL;
	size_t octets = 0, scratch_octets = 0, serialised = 0;
	char *written = NULL;

	if (hs_database_size(database, &octets) != HS_SUCCESS || hs_alloc_scratch(database, &scratch) != HS_SUCCESS ||
	    hs_scratch_size(scratch, &scratch_octets) != HS_SUCCESS ||
	    hs_serialize_database(database, &written, &serialised) != HS_SUCCESS) {
		say(w->job->why, "no memory to finish the database");
		return;
	}
	w->job->octets = octets;
	w->job->scratch = scratch_octets;
	w->job->serialised = serialised;
	if (serialised <= w->job->room)
		memcpy(w->room, written, serialised);
}

static void compile_together(struct work *w)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *database = NULL;
	unsigned int n = gather(w);

	w->job->at = FG_JOB_UNION;
	w->job->octets = w->job->scratch = w->job->serialised = 0;
	w->job->why[0] = '\0';
	if (n == 0)
		return;
	if (hs_compile_multi(w->expression, w->flags, w->number, n, HS_MODE_BLOCK, NULL, &database, &error) ==
	    HS_SUCCESS) {
		put(w, database);
		return;
	}
	say(w->job->why, error != NULL ? error->message : "they cannot be compiled together");
}

int main(void)
{
	static struct work work;
	struct fg_job *job = job_map();

	if (job == NULL)
		return FG_JOB_NO_JOB;
	if (fg_sandbox_enter(job->memory, job->cpu_s) != 0)
		return FG_JOB_NO_SANDBOX;
	work = (struct work){ .job = job, .pattern = fg_job_patterns(job) };
	work.texts = (const char *)job + fg_job_texts(job->count);
	work.room = (uint8_t *)job + fg_job_room(job->count, job->text_octets);
	for (uint32_t i = 0; i < job->count; i++) {
		if (work.pattern[i].state != FG_JOB_WAITS)
			continue;
		job->at = i;
		fg_sandbox_spend(job->cpu_one_s);
		compile_alone(&work, &work.pattern[i]);
	}
	fg_sandbox_spend(0);
	compile_together(&work);
	job->finished = 1;
	_Exit(FG_JOB_DONE);
}
