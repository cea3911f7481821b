/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate replay: what would these rules have done to this traffic? In: rules and a capture. Out: as JSON the
 * verdict on each packet, then a summary; for people the summary; captures of what passed, marked where a rule says
 * so, and of what was dropped. Redirected packets are in neither. Time is the capture's. Refused rules are not
 * enforced and make the exit code 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/capture.h"
#include "ctrl/cli/cli.h"
#include "ctrl/cli/columns.h"
#include "ctrl/cli/enforce.h"

enum { VERDICTS = 3, FRAME_MAX = 1 << 18 };

struct tally {
	uint64_t packets, octets;
};

struct replay {
	const struct fg_cli *cli;
	struct fg_enforce enforce;
	struct fg_capture capture;
	struct fg_capture_out passed, dropped;
	struct tally by[VERDICTS][FG_CAUSE_COUNT];
	struct tally *rule; /* by slot: packets the rule applied to */
	uint64_t marked, sampled;
	bool cut;
	uint8_t frame[FRAME_MAX]; /* a packet that is marked */
};

static void count(struct tally *t, uint32_t octets)
{
	t->packets++;
	t->octets += octets;
}

/* ---- One packet ---- */

static json_t *ruling_object(const struct replay *r, const struct fg_ruling *ruling)
{
	const struct fg_verdict *v = &ruling->verdict;
	char name[FG_NAME_MAX + 1], target[FG_DETAIL_MAX];
	json_t *rules = json_array(), *o;

	for (uint32_t i = 0; i < ruling->matched.count; i++)
		json_array_append_new(rules,
				      fg_show_string(fg_loaded_name(fg_ruling_rule(&r->enforce, ruling, i), name)));
	o = json_pack("{s:I,s:s,s:o,s:s}", "n", (json_int_t)r->capture.number, "verdict", fg_verdict_name(v->verdict),
		      "rules", rules, "cause", fg_cause_name(v->cause));
	if (v->mark)
		json_object_set_new(o, "dscp", json_integer(v->dscp));
	if (v->verdict == FG_REDIRECT) {
		fg_target_text(&fg_ruling_rule(&r->enforce, ruling, v->redirect_rule)->rule.actions, target);
		json_object_set_new(o, "redirect", json_string(target));
	}
	if (v->copy) {
		fg_target_text(&fg_ruling_rule(&r->enforce, ruling, v->copy_rule)->rule.actions, target);
		json_object_set_new(o, "copy", json_string(target));
	}
	if (v->sample)
		json_object_set_new(o, "sample", json_true());
	return o;
}

/* The octets that go on: those of the capture, or a copy with the DSCP written. */
static const uint8_t *marked(struct replay *r, const struct fg_frame *f, const struct fg_packet *p,
			     const struct fg_verdict *v)
{
	size_t len = f->header->caplen;

	if (!v->mark || len > sizeof(r->frame))
		return f->octets;
	memcpy(r->frame, f->octets, len);
	if (p->key.family == FG_IPV4)
		fg_mark_ipv4(r->frame + p->l3_octet, v->dscp);
	else
		fg_mark_ipv6(r->frame + p->l3_octet, v->dscp);
	return r->frame;
}

static int replay_packet(struct replay *r, const struct fg_frame *f)
{
	struct fg_ruling ruling;
	struct fg_packet p;
	uint32_t octets;

	fg_capture_parse(&r->capture, f, &p);
	fg_enforce_packet(&r->enforce, &p, f, f->time_ns, &ruling);
	octets = p.what == FG_PACKET_IP ? p.ip_length : f->header->len;
	count(&r->by[ruling.verdict.verdict][ruling.verdict.cause], octets);
	for (uint32_t i = 0; i < ruling.matched.count; i++)
		count(&r->rule[ruling.matched.slot[i] & FG_SLOT_MASK], octets);
	r->marked += ruling.verdict.mark;
	r->sampled += ruling.verdict.sample;
	if (ruling.verdict.verdict == FG_PASS)
		fg_capture_out_put(&r->passed, f, marked(r, f, &p, &ruling.verdict));
	else if (ruling.verdict.verdict == FG_DROP)
		fg_capture_out_put(&r->dropped, f, f->octets);
	return r->cli->json ? fg_show_line(ruling_object(r, &ruling)) : FG_EXIT_DONE;
}

/* ---- Summary ---- */

static struct tally total(const struct replay *r, int verdict)
{
	struct tally t = { 0, 0 };

	for (int cause = 0; cause < FG_CAUSE_COUNT; cause++) {
		t.packets += r->by[verdict][cause].packets;
		t.octets += r->by[verdict][cause].octets;
	}
	return t;
}

static json_t *rules_object(const struct replay *r)
{
	json_t *all = json_array();
	char name[FG_NAME_MAX + 1];

	for (size_t i = 0; i < r->enforce.load->count; i++)
		if (r->rule[i].packets > 0)
			json_array_append_new(all,
					      json_pack("{s:o,s:I,s:I}", "name",
							fg_show_string(fg_loaded_name(r->enforce.load->rule[i], name)),
							"packets", (json_int_t)r->rule[i].packets, "bytes",
							(json_int_t)r->rule[i].octets));
	return all;
}

static json_t *causes_object(const struct replay *r)
{
	json_t *causes = json_object();

	for (uint8_t cause = 0; cause < FG_CAUSE_COUNT; cause++) {
		uint64_t packets = 0;

		for (int verdict = 0; verdict < VERDICTS; verdict++)
			packets += r->by[verdict][cause].packets;
		if (packets > 0)
			json_object_set_new(causes, fg_cause_name(cause), json_integer((json_int_t)packets));
	}
	return causes;
}

static json_t *summary_object(const struct replay *r)
{
	const struct fg_load *load = r->enforce.load;
	json_t *s = json_pack("{s:I}", "packets", (json_int_t)r->capture.number);

	for (uint8_t verdict = 0; verdict < VERDICTS; verdict++)
		json_object_set_new(s, fg_verdict_name(verdict), json_integer((json_int_t)total(r, verdict).packets));
	for (uint8_t verdict = 0; verdict < VERDICTS; verdict++) {
		char key[32];

		snprintf(key, sizeof(key), "%s_bytes", fg_verdict_name(verdict));
		json_object_set_new(s, key, json_integer((json_int_t)total(r, verdict).octets));
	}
	json_object_set_new(s, "causes", causes_object(r));
	json_object_set_new(s, "rules", rules_object(r));
	json_object_set_new(s, "marked", json_integer((json_int_t)r->marked));
	json_object_set_new(s, "sampled", json_integer((json_int_t)r->sampled));
	json_object_set_new(s, "rules_refused", json_integer((json_int_t)(load->count - load->admitted)));
	if (r->cut)
		json_object_set_new(s, "cut", json_true());
	return json_pack("{s:o}", "summary", s);
}

static void show_verdicts(const struct replay *r)
{
	static const char *const names[] = { "VERDICT", "CAUSE", ">PACKETS", ">BYTES", NULL };
	struct libscols_table *table = fg_columns_new(names);

	for (uint8_t verdict = 0; verdict < VERDICTS; verdict++)
		for (uint8_t cause = 0; cause < FG_CAUSE_COUNT; cause++) {
			const struct tally *t = &r->by[verdict][cause];
			const char *texts[] = { fg_verdict_name(verdict), fg_cause_name(cause), NULL };

			if (t->packets > 0)
				fg_columns_numbers(table, texts, (const uint64_t[]){ t->packets, t->octets }, 2);
		}
	fg_columns_print(table);
}

static void show_rules(const struct replay *r)
{
	static const char *const names[] = { "RULE", ">PACKETS", ">BYTES", NULL };
	struct libscols_table *table = fg_columns_new(names);
	char name[FG_NAME_MAX + 1];

	for (size_t i = 0; i < r->enforce.load->count; i++) {
		const char *texts[] = { fg_loaded_name(r->enforce.load->rule[i], name), NULL };

		if (r->rule[i].packets == 0)
			continue;
		fg_columns_numbers(table, texts, (const uint64_t[]){ r->rule[i].packets, r->rule[i].octets }, 2);
	}
	putchar('\n');
	fg_columns_print(table);
}

static void show_summary(const struct replay *r)
{
	show_verdicts(r);
	show_rules(r);
	printf("%" PRIu64 " packets: %" PRIu64 " passed, %" PRIu64 " dropped, %" PRIu64 " redirected",
	       r->capture.number, total(r, FG_PASS).packets, total(r, FG_DROP).packets, total(r, FG_REDIRECT).packets);
	if (r->marked > 0)
		printf(", %" PRIu64 " marked", r->marked);
	if (r->sampled > 0)
		printf(", %" PRIu64 " sampled", r->sampled);
	printf("%s\n", r->cut ? "; the capture is cut behind these" : "");
}

/* ---- The run ---- */

/* All packets. What a damaged capture held up to there is shown; it makes the exit code 5. */
static int replay_packets(struct replay *r)
{
	char error[FG_CAPTURE_ERROR_MAX];
	struct fg_frame f;
	int next, code = FG_EXIT_DONE, shown = FG_EXIT_DONE;

	while (code == FG_EXIT_DONE && (next = fg_capture_next(&r->capture, &f, error)) != 0) {
		if (next < 0) {
			r->cut = true;
			code = fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
		} else {
			code = replay_packet(r, &f);
		}
	}
	if (code != FG_EXIT_DONE && !r->cut)
		return code;
	if (r->cli->json)
		shown = fg_show_line(summary_object(r));
	else
		show_summary(r);
	return code != FG_EXIT_DONE ? code : shown;
}

/* Captures that are written appear at the end, and only if all went well. */
static int replay_capture(struct replay *r)
{
	char error[FG_CAPTURE_ERROR_MAX];
	bool done = false;
	int code = FG_EXIT_ENVIRONMENT;

	if (fg_capture_out_open(&r->passed, &r->capture, r->cli->write_passed, error) != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
	if (fg_capture_out_open(&r->dropped, &r->capture, r->cli->write_dropped, error) != 0) {
		fg_cli_fail(0, "%s", error);
	} else {
		code = fg_show_end(replay_packets(r));
		done = code == FG_EXIT_DONE;
	}
	if (fg_capture_out_close(&r->passed, done, error) != 0)
		code = fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
	if (fg_capture_out_close(&r->dropped, done, error) != 0)
		code = fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
	return code;
}

static int run(const struct fg_cli *cli, struct fg_load *load)
{
	struct replay *r = calloc(1, sizeof(*r));
	char error[FG_CAPTURE_ERROR_MAX];
	int code = FG_EXIT_ENVIRONMENT;

	if (r != NULL)
		r->rule = calloc(load->count + 1, sizeof(*r->rule));
	if (r == NULL || r->rule == NULL || fg_enforce_new(&r->enforce, load, cli->drop_malformed != 0) != 0) {
		fg_cli_fail(0, "no memory for an image of %" PRIu64 " bytes", load->cost.bytes);
	} else if (fg_capture_open(&r->capture, cli->read, error) != 0) {
		fg_cli_fail(0, "%s", error);
		fg_enforce_free(&r->enforce);
	} else {
		r->cli = cli;
		code = replay_capture(r);
		fg_capture_close(&r->capture);
		fg_enforce_free(&r->enforce);
	}
	if (r != NULL)
		free(r->rule);
	free(r);
	return code;
}

int fg_cli_replay(struct fg_cli *cli)
{
	struct fg_load *load;
	int r;

	if (cli->rules.n == 0 || cli->read == NULL || cli->argument.n != 0)
		return fg_cli_usage(cli, "expected --rules and --read, and nothing else");
	r = fg_cli_rules(cli, &load);
	if (r != FG_EXIT_DONE)
		return r;
	r = run(cli, load);
	if (r == FG_EXIT_DONE)
		r = fg_cli_admission(load);
	fg_load_free(load);
	return r;
}
