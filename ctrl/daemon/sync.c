/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate and the store made to agree. The gate is right where its own store has had our rules: then ours is corrected. Where it has not had them yet
 * it gets them, however often it is begun with, and whoever dies meanwhile. Static rules are right as the files say.
 *
 * Steps: status (whose rules count, and from where generations count on); all rules of the gate, compared; then what is
 * missing, as batches; quarantine beside it. Any step that fails is tried again with the next gate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/change.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/walk.h"

enum { RETRY_US = 1000000 };

struct fg_sync {
	struct fg_ctrl *ctrl;
	bool restore;        /* the gate does not have our rules yet */
	uint64_t store_made; /* of the gate */
	bool files_bad;
	struct fg_records files;       /* static rules as they should be */
	const struct fg_record **file; /* sorted */
	bool *there;
	size_t file_count;
	struct fg_records change; /* to be asked for */
};

static void sync_free(struct fg_sync *s)
{
	fg_records_free(&s->files);
	fg_records_free(&s->change);
	free(s->file);
	free(s->there);
	free(s);
}

static void over(struct fg_sync *s)
{
	struct fg_ctrl *ctrl = s->ctrl;
	bool again = ctrl->sync_again;

	ctrl->sync = NULL;
	ctrl->sync_again = false;
	ctrl->synced = true;
	fg_clients_hear(&ctrl->clients);
	sync_free(s);
	fg_bgp_kick(ctrl->bgp);
	if (again)
		fg_sync_start(ctrl);
}

/* The gate and the store agree: from here on the gate is right. */
static void agreed(struct fg_sync *s)
{
	fg_ledger_number_set(s->ctrl->ledger, "restored", s->store_made);
	over(s);
}

static int on_time(sd_event_source *source, uint64_t us, void *ctx)
{
	(void)source;
	(void)us;
	fg_sync_start(ctx);
	return 0;
}

/* A gate that does not answer yet, or not any more: tried again, until it does or there is none. */
static void failed(struct fg_sync *s)
{
	struct fg_ctrl *ctrl = s->ctrl;

	over(s);
	ctrl->synced = false;
	ctrl->sync_timer = sd_event_source_disable_unref(ctrl->sync_timer);
	sd_event_add_time_relative(ctrl->event, &ctrl->sync_timer, CLOCK_MONOTONIC, RETRY_US, 0, on_time, ctrl);
}

/* ---- Files of static rules ---- */

static char *file_text(int fd, size_t *len)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0 || st.st_size > FG_LOAD_FILE_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return NULL;
	*len = 0;
	while (*len < (size_t)st.st_size && (n = pread(fd, text + *len, (size_t)st.st_size - *len, (off_t)*len)) > 0)
		*len += (size_t)n;
	return text;
}

static int add_file(struct fg_sync *s, struct fg_load *load, uint32_t i)
{
	size_t len;
	char *text = file_text(s->ctrl->rule_fd[i], &len);
	int r;

	if (text == NULL) {
		fg_log(LOG_ERR, "%s: cannot be read", s->ctrl->conf.rule_file[i]);
		return -EIO;
	}
	r = fg_load_text(load, s->ctrl->conf.rule_file[i], text, len, FG_FORM_AUTO);
	if (r != 0)
		fg_log(LOG_ERR, "%s", load->error);
	free(text);
	return r;
}

static int add_loaded(struct fg_sync *s, const struct fg_load *load)
{
	int r = 0;

	for (size_t i = 0; i < load->count && r == 0; i++) {
		struct fg_loaded *rule = load->rule[i];

		if (rule->state != FG_STATE_ADMITTED) {
			fg_log(LOG_ERR, "%s:%u: refused: %s", rule->file, rule->line,
			       rule->findings > 0 ? rule->finding[0].detail : "");
			continue;
		}
		rule->source = FG_SOURCE_FILE;
		r = fg_records_add_loaded(&s->files, rule, FG_OP_ADD, FG_SOURCE_FILE);
	}
	return r;
}

static int by_identity(const void *a, const void *b)
{
	const struct fg_record *const *ra = a, *const *rb = b;

	return fg_record_compare(*ra, *rb);
}

static int sort_files(struct fg_sync *s)
{
	struct fg_record *at = NULL;

	s->file = calloc(s->files.count + 1, sizeof(*s->file));
	s->there = calloc(s->files.count + 1, sizeof(*s->there));
	if (s->file == NULL || s->there == NULL)
		return -ENOMEM;
	while ((at = fg_records_next(&s->files, at)) != NULL) {
		at->flags |= FG_RECORD_STATIC;
		s->file[s->file_count++] = at;
	}
	if (s->file_count > 0)
		qsort(s->file, s->file_count, sizeof(*s->file), by_identity);
	return 0;
}

/* A file that is wrong changes nothing: the static rules that there are stay. */
static int read_files(struct fg_sync *s)
{
	struct fg_load *load;
	int r = fg_load_new(&load);

	if (r != 0)
		return r;
	load->payload = s->ctrl->conf.dpdk.used;
	for (uint32_t i = 0; i < s->ctrl->rule_fds && !s->files_bad; i++)
		s->files_bad = add_file(s, load, i) != 0;
	if (!s->files_bad)
		r = add_loaded(s, load);
	fg_load_free(load);
	return r == 0 ? sort_files(s) : r;
}

/* ---- What is missing ---- */

static void on_changed(void *ctx, struct fg_change *c, bool answered)
{
	struct fg_sync *s = ctx;

	if (answered)
		fg_change_keep(c);
	for (size_t i = 0; answered && i < c->findings; i++)
		if (!fg_reason_is_warning(c->finding[i].why.code))
			fg_log(LOG_WARNING, "a rule of the store or of a file %s: %s",
			       c->finding[i].slot != 0 ? "waits for room" : "is refused", c->finding[i].why.detail);
	fg_change_free(c);
	if (answered)
		agreed(s);
	else
		failed(s);
}

static void ask_change(struct fg_sync *s)
{
	struct fg_change *c;

	if (s->change.count == 0) {
		agreed(s);
		return;
	}
	c = fg_change_new(s->ctrl, "flowgated", s->restore ? "restore" : "configuration", &s->change);
	if (c == NULL) {
		failed(s);
		return;
	}
	c->batch.flags = FG_BATCH_PARTIAL;
	c->done = on_changed;
	c->ctx = s;
	if (fg_change_ask(c) != 0) {
		fg_change_free(c);
		failed(s);
	}
}

static void missing_files(struct fg_sync *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		if (!s->there[i])
			fg_records_copy(&s->change, s->file[i], FG_OP_ADD);
}

/* ---- The rules of the gate ---- */

static void compare_static(struct fg_sync *s, const struct fg_record *r)
{
	const struct fg_record **found =
		s->file_count == 0 ? NULL : bsearch(&r, s->file, s->file_count, sizeof(*s->file), by_identity);

	if (s->files_bad)
		return;
	if (found != NULL) {
		s->there[found - s->file] = fg_record_equal(r, *found);
		return;
	}
	fg_records_copy(&s->change, r, FG_OP_DELETE);
}

/* Peers say their rules again; those of a peer that is no more nobody takes back. */
static void compare_peer(struct fg_sync *s, const struct fg_record *r)
{
	if (fg_bgp_sync_rule(s->ctrl->bgp, r))
		return;
	fg_records_copy(&s->change, r, FG_OP_DELETE);
}

static bool on_page(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last)
{
	struct fg_sync *s = ctx;
	struct fg_ctrl *ctrl = s->ctrl;

	(void)w;
	for (size_t i = 0; i < n; i++) {
		if (rules[i].record->flags & FG_RECORD_STATIC)
			compare_static(s, rules[i].record);
		else if (rules[i].record->flags & FG_RECORD_BGP)
			compare_peer(s, rules[i].record);
		else if (!s->restore)
			fg_ledger_compare(ctrl->ledger, rules[i].record, rules[i].listed,
					  rules[i].listed->generation + ctrl->generation_base);
	}
	if (!last)
		return true;
	if (rules == NULL) {
		if (!s->restore)
			fg_ledger_compare_stop(ctrl->ledger);
		failed(s);
		return false;
	}
	fg_bgp_sync_end(ctrl->bgp);
	if (!s->restore) {
		fg_ledger_compare_end(ctrl->ledger, ctrl->generation);
	} else if (fg_ledger_rules(ctrl->ledger, fg_now_s(), &s->change) != 0) {
		fg_log(LOG_ERR, "rules of before cannot be restored yet: out of memory");
		failed(s);
		return false;
	}
	if (!s->files_bad)
		missing_files(s);
	ask_change(s);
	return false;
}

/* ---- Status, and quarantine ---- */

static void on_quarantined(void *ctx, const struct fg_message *m)
{
	(void)ctx;
	if (m == NULL)
		fg_log(LOG_WARNING, "the gate did not take a rule into quarantine");
}

static void quarantine(void *ctx, uint64_t hash)
{
	struct fg_quarantine q = { .hash = hash, .on = 1 };
	struct fg_ctrl *ctrl = ctx;

	fg_ask(&ctrl->asks, FG_ASK_QUARANTINE, &q, sizeof(q), on_quarantined, ctrl);
}

/* A store that was made anew counts from the beginning: what is said of generations goes on behind those that were. */
static void settle_generations(struct fg_sync *s, const struct fg_status *status)
{
	struct fg_ctrl *ctrl = s->ctrl;
	uint64_t restored = fg_ledger_number(ctrl->ledger, "restored", 0);

	s->store_made = status->store_made;
	s->restore = restored == 0 ? !status->adopted : restored != status->store_made;
	if (s->restore && fg_ledger_number(ctrl->ledger, "base-of", 0) != status->store_made) {
		fg_ledger_number_set(ctrl->ledger, "generation-base", fg_ledger_generation(ctrl->ledger));
		fg_ledger_number_set(ctrl->ledger, "base-of", status->store_made);
	}
	ctrl->generation_base = fg_ledger_number(ctrl->ledger, "generation-base", 0);
	fg_ctrl_took(ctrl, status->generation, &status->cost);
}

/* What still waited for confirmation when the box went down was not confirmed. */
static void revert_pending(struct fg_sync *s)
{
	struct fg_commit c = { .generation = s->ctrl->generation,
			       .now_s = fg_now_s(),
			       .who = "flowgated",
			       .what = "not confirmed before the restart" };

	if (fg_ledger_pending(s->ctrl->ledger))
		fg_ledger_revert(s->ctrl->ledger, &c);
}

static void on_status(void *ctx, const struct fg_message *m)
{
	static struct fg_status status;
	struct fg_sync *s = ctx;

	if (m == NULL || m->kind != FG_SAY_STATUS || m->octets != sizeof(*m) + sizeof(status)) {
		failed(s);
		return;
	}
	memcpy(&status, m + 1, sizeof(status));
	settle_generations(s, &status);
	if (s->restore)
		revert_pending(s);
	else
		fg_ledger_compare_begin(s->ctrl->ledger);
	fg_ledger_each_quarantined(s->ctrl->ledger, quarantine, s->ctrl);
	if (read_files(s) != 0)
		s->files_bad = true;
	fg_bgp_sync_begin(s->ctrl->bgp);
	if (fg_walk_start(&s->ctrl->asks, 0, false, on_page, s) != 0) {
		if (!s->restore)
			fg_ledger_compare_stop(s->ctrl->ledger);
		failed(s);
	}
}

void fg_sync_start(struct fg_ctrl *ctrl)
{
	struct fg_sync *s;

	if (!ctrl->configured || ctrl->asks.fd < 0)
		return;
	if (ctrl->sync != NULL) {
		ctrl->sync_again = true;
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return;
	s->ctrl = ctrl;
	ctrl->sync = s;
	if (fg_ask(&ctrl->asks, FG_ASK_STATUS, NULL, 0, on_status, s) != 0)
		failed(s);
}
