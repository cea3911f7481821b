/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is kept. In: patterns. Out: a fate for each, and a database of those that are kept.
 *
 * First each is compiled alone: that finds the ones Hyperscan refuses, and the ones that kill the process, which is then started again for
 * the rest. Those that compile are tried together, as a rule in the same run. Where they have no room together, halves are tried, first
 * half first, beside what is kept already; so what is kept is what trying one after the other would keep. Runs are capped by
 * RUNS_MAX and time: what has not been tried by then is refused, and says so.
 */
#include "ctrl/pattern/compile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/pattern/run.h"

enum { NO_TIME = 2, RUNS_MAX = 40, ROOM_MORE = 1 << 16 /* a written database is a little longer than one in memory */ };

struct compile {
	const struct fg_pattern_limits *limits;
	const char *program;
	struct fg_pattern_fate *fate;
	struct fg_pattern_database *out;
	struct fg_job_memory memory;
	struct fg_job_pattern *pattern;
	uint32_t count;
	uint32_t *order; /* those that compile alone */
	bool *kept;      /* by pattern */
	char how[FG_JOB_WHY_MAX];
	uint64_t until_ms;
	uint32_t runs;
};

void fg_pattern_limits_default(struct fg_pattern_limits *l)
{
	*l = (struct fg_pattern_limits){
		.octets_one = 1u << 20,
		.octets = 16u << 20,
		.memory = 1ull << 30,
		.cpu_one_s = 3,
		.cpu_s = 20,
		.wall_ms = 30000,
		.total_ms = 60000,
	};
}

void fg_pattern_database_free(struct fg_pattern_database *d)
{
	free(d->serialised);
	*d = (struct fg_pattern_database){ 0 };
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((format(printf, 3, 4))) static void refuse(struct fg_pattern_fate *fate, enum fg_reason code,
							 const char *fmt, ...)
{
	va_list args;

	fate->code = code;
	va_start(args, fmt);
	vsnprintf(fate->why, sizeof(fate->why), fmt, args);
	va_end(args);
}

static void refuse_room(struct fg_pattern_fate *fate, uint64_t needed, uint64_t available, const char *whose)
{
	refuse(fate, FG_OVER_BUDGET, "its pattern needs %" PRIu64 " octets of a database; %s: %" PRIu64, needed, whose,
	       available);
	fate->needed = needed;
	fate->available = available;
}

static void refuse_untried(struct fg_pattern_fate *fate)
{
	refuse(fate, FG_OVER_BUDGET, "not tried: compiling the patterns before it took all the time there may be");
}

/* One run more, if there is time: 0 or 1 as fg_job_run(), NO_TIME, or -errno. */
static int run(struct compile *c)
{
	uint64_t now = now_ms(), left = c->until_ms > now ? c->until_ms - now : 0;

	if (left == 0 || c->runs == RUNS_MAX)
		return NO_TIME;
	c->runs++;
	return fg_job_run(&c->memory, c->program, (uint32_t)(left < c->limits->wall_ms ? left : c->limits->wall_ms),
			  c->how);
}

/* ---- Alone ---- */

static void take_fate(struct compile *c, uint32_t i)
{
	struct fg_job_pattern *p = &c->pattern[i];
	struct fg_pattern_fate *fate = &c->fate[i];

	p->why[FG_JOB_WHY_MAX - 1] = '\0';
	fate->octets = p->octets;
	if (p->state == FG_JOB_WAITS)
		refuse_untried(fate);
	else if (p->state == FG_JOB_REFUSED)
		refuse(fate, FG_UNSUPPORTED, "Hyperscan refuses its pattern: %s", p->why);
	else if (p->state == FG_JOB_OVER && p->octets == 0)
		refuse(fate, FG_OVER_BUDGET, "compiling its pattern takes more than %" PRIu64 " octets of memory",
		       c->limits->memory);
	else if (p->state == FG_JOB_OVER)
		refuse_room(fate, p->octets, c->limits->octets_one, "one rule may take");
}

/* Compiles each alone, and in the last run all together: as run(). */
static int alone(struct compile *c)
{
	int r;

	while ((r = run(c)) == 1 && c->memory.job->at < c->count) {
		uint32_t at = c->memory.job->at;

		refuse(&c->fate[at], FG_OVER_BUDGET, "its pattern: %s", c->how);
		c->pattern[at].state = FG_JOB_OUT;
	}
	/* It died before it looked at any, or of those together. */
	for (uint32_t i = 0; i < c->count && r == 1; i++) {
		if (c->pattern[i].state == FG_JOB_WAITS) {
			refuse(&c->fate[i], FG_OVER_BUDGET, "its pattern: %s", c->how);
			c->pattern[i].state = FG_JOB_OUT;
		}
	}
	for (uint32_t i = 0; i < c->count && r >= 0; i++)
		take_fate(c, i);
	return r;
}

/* ---- Together ---- */

/* What the last run made of all that were tried together: true where it is a database within the limits, which is then the one. */
static bool take_database(struct compile *c)
{
	const struct fg_job *job = c->memory.job;
	size_t octets = job->serialised;
	void *copy;

	if (octets == 0 || octets > c->limits->octets + ROOM_MORE || job->octets > c->limits->octets ||
	    job->scratch > FG_PATTERN_SCRATCH_OCTETS)
		return false;
	copy = malloc(octets);
	if (copy == NULL)
		return false;
	memcpy(copy, (const uint8_t *)c->memory.job + (c->memory.octets - c->limits->octets - ROOM_MORE), octets);
	fg_pattern_database_free(c->out);
	*c->out = (struct fg_pattern_database){ copy, octets, job->octets, job->scratch };
	return true;
}

/* Why the one pattern that was tried beside those kept is refused. */
static void refuse_tried(struct compile *c, uint32_t i, int result)
{
	struct fg_job *job = c->memory.job;
	struct fg_pattern_fate *fate = &c->fate[i];

	job->why[FG_JOB_WHY_MAX - 1] = '\0';
	if (result == 1)
		refuse(fate, FG_OVER_BUDGET, "its pattern beside the others: %s", c->how);
	else if (job->octets > c->limits->octets)
		refuse_room(fate, job->octets - c->out->octets, c->limits->octets - c->out->octets,
			    "left to all rules");
	else if (job->scratch > FG_PATTERN_SCRATCH_OCTETS)
		refuse(fate, FG_OVER_BUDGET,
		       "its pattern beside the others needs %" PRIu64 " octets of a worker; there are %d", job->scratch,
		       FG_PATTERN_SCRATCH_OCTETS);
	else
		refuse(fate, FG_OVER_BUDGET, "its pattern cannot be compiled beside the others: %s", job->why);
}

/* Compiles order[from, to) beside what is kept: as run(). */
static int try_part(struct compile *c, size_t from, size_t to)
{
	for (uint32_t i = 0; i < c->count; i++)
		c->pattern[i].state = c->kept[i] ? FG_JOB_COMPILES : FG_JOB_OUT;
	for (size_t i = from; i < to; i++)
		c->pattern[c->order[i]].state = FG_JOB_COMPILES;
	return run(c);
}

/*
 * Keeps order[from, to) if that is what the last run, which tried them, says by its result; else half of them, and the other half. Depth
 * is the binary logarithm of FG_PATTERNS_MAX at most. 0 or -errno.
 */
static int keep(struct compile *c, size_t from, size_t to, int result)
{
	size_t middle = from + (to - from) / 2;
	int r = result;

	if (result == 0 && take_database(c)) {
		for (size_t i = from; i < to; i++)
			c->kept[c->order[i]] = true;
		return 0;
	}
	if (to - from == 1 && result != NO_TIME)
		refuse_tried(c, c->order[from], result);
	for (size_t i = from; i < to && result == NO_TIME; i++)
		refuse_untried(&c->fate[c->order[i]]);
	if (to - from == 1 || result == NO_TIME)
		return 0;
	r = try_part(c, from, middle);
	r = r < 0 ? r : keep(c, from, middle, r);
	if (r == 0)
		r = try_part(c, middle, to);
	return r < 0 ? r : keep(c, middle, to, r);
}

/* `result` is that of the run that tried all that compile alone. */
static int together(struct compile *c, int result)
{
	size_t n = 0;

	for (uint32_t i = 0; i < c->count; i++)
		if (c->fate[i].code == FG_OK)
			c->order[n++] = i;
	return n > 0 ? keep(c, 0, n, result) : 0;
}

/* ---- The job ---- */

static size_t text_octets(const struct fg_pattern *p)
{
	return p->octets + (p->flags & FG_PATTERN_EXTENDED ? sizeof("(?x)\n") : 1);
}

/* Of the flag x Hyperscan knows the form within an expression alone, where a comment wants its line to end. */
static void fill(struct compile *c, const struct fg_pattern *patterns)
{
	char *texts = (char *)c->memory.job + fg_job_texts(c->count);
	uint32_t at = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct fg_pattern *p = &patterns[i];
		bool extended = p->flags & FG_PATTERN_EXTENDED;

		c->pattern[i].number = p->number;
		c->pattern[i].flags = p->flags;
		c->pattern[i].text = at;
		at += (uint32_t)snprintf(texts + at, text_octets(p), "%s%.*s%s", extended ? "(?x)" : "", (int)p->octets,
					 p->expression, extended ? "\n" : "") +
		      1;
	}
	c->memory.job->octets_one = c->limits->octets_one;
	c->memory.job->memory = c->limits->memory;
	c->memory.job->cpu_s = c->limits->cpu_s;
	c->memory.job->cpu_one_s = c->limits->cpu_one_s;
}

static int compile(struct compile *c, const struct fg_pattern *patterns)
{
	size_t texts = 0;
	int r;

	for (uint32_t i = 0; i < c->count; i++)
		texts += text_octets(&patterns[i]);
	r = fg_job_new(&c->memory, c->count, (uint32_t)texts, c->limits->octets + ROOM_MORE);
	if (r != 0)
		return r;
	c->pattern = fg_job_patterns(c->memory.job);
	c->order = calloc(c->count, sizeof(*c->order));
	c->kept = calloc(c->count, sizeof(*c->kept));
	r = c->order == NULL || c->kept == NULL ? -ENOMEM : 0;
	if (r == 0) {
		fill(c, patterns);
		r = alone(c);
	}
	if (r >= 0)
		r = together(c, r);
	free(c->order);
	free(c->kept);
	fg_job_free(&c->memory);
	return r;
}

int fg_patterns_compile(const char *program, const struct fg_pattern_limits *limits, const struct fg_pattern *patterns,
			size_t n, struct fg_pattern_fate *fate, struct fg_pattern_database *out)
{
	struct compile c = { .limits = limits, .program = program, .fate = fate, .out = out };
	int r;

	*out = (struct fg_pattern_database){ 0 };
	memset(fate, 0, n * sizeof(*fate));
	for (size_t i = FG_PATTERNS_MAX; i < n; i++) {
		refuse(&fate[i], FG_OVER_BUDGET, "its pattern is the %zuth; there can be %d", i + 1, FG_PATTERNS_MAX);
		fate[i].needed = i + 1;
		fate[i].available = FG_PATTERNS_MAX;
	}
	c.count = (uint32_t)(n < FG_PATTERNS_MAX ? n : FG_PATTERNS_MAX);
	c.until_ms = now_ms() + limits->total_ms;
	r = c.count > 0 ? compile(&c, patterns) : 0;
	for (uint32_t i = 0; i < c.count && r < 0; i++)
		refuse(&fate[i], FG_UNSUPPORTED, "its pattern cannot be compiled here: %.80s: %s", program,
		       strerror(-r));
	if (r < 0)
		fg_pattern_database_free(out);
	return r;
}

void fg_pattern_program(char *out, size_t room)
{
	char self[FG_PATTERN_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	snprintf(out, room, "%.*s/flowgate-pattern", slash != NULL ? (int)(slash - self) : 0, self);
	if (access(out, X_OK) < 0)
		snprintf(out, room, "%s", FG_PATTERN_PROGRAM);
}
