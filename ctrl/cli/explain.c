/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate explain: why does this packet meet this fate? In: rules, and a packet in words or the N-th of a capture.
 * Out: the verdict, the rule it rests on, and every rule considered, in evaluation order, with the component that
 * failed and what the packet had there.
 *
 * The rules are judged one by one here, and the image is asked too; the answers must agree, or the image is wrong
 * and that is said. A capture's packet is judged with full buckets: what came before it is not replayed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/capture.h"
#include "ctrl/cli/cli.h"
#include "ctrl/cli/columns.h"
#include "ctrl/cli/enforce.h"
#include "ctrl/cli/online.h"
#include "ctrl/cli/reason.h"
#include "ctrl/cli/spec.h"
#include "ctrl/rule/print.h"

enum {
	SHOWN_MAX = 64, /* rules considered up to which those of other addresses are listed too */
	FAILED_PAYLOAD = FG_COMPONENT_MAX + 1, /* in place of a component: the pattern */
};

struct considered {
	const struct fg_loaded *rule;
	uint8_t failed; /* component, or FAILED_PAYLOAD; 0: it matches */
};

struct explain {
	const struct fg_cli *cli;
	struct fg_enforce enforce;
	struct fg_packet packet;
	struct pcap_pkthdr header; /* of a packet of a capture, */
	uint8_t *octets;           /* which it is a copy of; NULL: it was given in words */
	struct fg_payload payload;
	struct fg_ruling ruling;
	const struct fg_load *protected; /* of a live daemon; NULL: nothing is known of any */
	const struct fg_loaded *guard;   /* the entry of `protect` that the packet lies inside; NULL: none */
	struct considered *considered;
	size_t n, elsewhere; /* the latter: not listed, for their addresses are others */
	char text[FG_TEXT_MAX];
	struct fg_interval pool[FG_CANON_POOL];
};

/* ---- The packet ---- */

/* Keeps a frame, which lives no longer than its capture. False: no memory. */
static bool frame_keep(struct explain *e, const struct fg_capture *c, const struct fg_frame *f)
{
	fg_capture_parse(c, f, &e->packet);
	e->header = *f->header;
	e->octets = malloc(f->header->caplen + 1u);
	if (e->octets == NULL)
		return false;
	memcpy(e->octets, f->octets, f->header->caplen);
	fg_payload_find(e->octets, e->octets + e->header.caplen, &e->packet, e->enforce.load->limits.scan_octets,
			&e->payload);
	return true;
}

static int packet_of_capture(struct explain *e)
{
	char error[FG_CAPTURE_ERROR_MAX];
	struct fg_capture c;
	struct fg_frame f;
	int next = 1;

	if (fg_capture_open(&c, e->cli->read, error) != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
	while (next == 1 && c.number < e->cli->number)
		next = fg_capture_next(&c, &f, error);
	if (next == 1 && !frame_keep(e, &c, &f))
		next = fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	fg_capture_close(&c);
	if (next == FG_EXIT_ENVIRONMENT)
		return next;
	if (next < 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", error);
	if (next == 0)
		return fg_cli_fail(FG_EXIT_NOT_FOUND, "%s has %llu packets, not %llu", e->cli->read,
				   (unsigned long long)c.number, (unsigned long long)e->cli->number);
	return FG_EXIT_DONE;
}

static int packet_of_words(struct explain *e)
{
	char error[FG_SPEC_ERROR_MAX];

	if (fg_spec_read(e->cli->packet, &e->packet, error) == 0)
		return FG_EXIT_DONE;
	fprintf(stderr, "--packet:1:%s\n", error);
	return FG_EXIT_USAGE;
}

/* ---- What no rule touches ---- */

/* The first entry that the packet meets, which comes before all rules. True: there is one, and that is the verdict. */
static bool is_protected(struct explain *e)
{
	struct fg_canon canon;

	for (size_t i = 0; e->protected != NULL && e->packet.what == FG_PACKET_IP && i < e->protected->count; i++) {
		const struct fg_loaded *entry = e->protected->rule[i];

		if (!entry->checked || entry->rule.family != e->packet.key.family)
			continue;
		fg_canon_make(&entry->rule, e->pool, &canon);
		if (fg_component_failing(&canon, &e->packet) != 0)
			continue;
		e->guard = entry;
		e->ruling.verdict.verdict = FG_PASS;
		e->ruling.verdict.cause = FG_CAUSE_PROTECT;
		e->considered[e->n++] = (struct considered){ entry, 0 };
		return true;
	}
	return false;
}

/* The rule that the verdict rests on, or what keeps rules away. */
static const struct fg_loaded *winner_of(const struct explain *e)
{
	return e->guard != NULL ? e->guard : fg_ruling_winner(&e->enforce, &e->ruling);
}

/* ---- The rules ---- */

/* The pattern of one rule by itself. */
static bool payload_matches(struct explain *e, const struct fg_loaded *rule)
{
	struct fg_scan *s = &e->enforce.scan;
	uint32_t number = rule->rule.pattern - 1;
	bool found;

	s->waiting.word[number / 64] = 1ull << number % 64;
	fg_scan_payload(s, &e->payload, 1);
	found = s->waiting.word[number / 64] == 0;
	s->waiting.word[number / 64] = 0;
	return found;
}

/* Judges rules in evaluation order, up to the first that ends it. False: the image came to another answer. */
static bool consider(struct explain *e)
{
	const struct fg_load *load = e->enforce.load;
	uint8_t family = e->packet.key.family;
	uint32_t applied = 0;
	struct fg_canon canon;

	for (size_t i = 0; i < load->n[family]; i++) {
		const struct fg_loaded *rule = load->rule[load->sorted[family][i].slot & FG_SLOT_MASK];
		uint8_t failed;

		fg_canon_make(&rule->rule, e->pool, &canon);
		failed = fg_component_failing(&canon, &e->packet);
		if (failed == 0 && rule->rule.pattern != 0 && !payload_matches(e, rule))
			failed = FAILED_PAYLOAD;
		e->considered[e->n++] = (struct considered){ rule, failed };
		if (failed != 0)
			continue;
		if (applied == e->ruling.matched.count || fg_ruling_rule(&e->enforce, &e->ruling, applied) != rule)
			return false;
		applied++;
		if ((rule->rule.actions.set & FG_ACT_CONTINUE) == 0)
			break;
	}
	return applied == e->ruling.matched.count;
}

/* Of many rules, those of other addresses say little: they are counted. */
static void thin_out(struct explain *e)
{
	size_t kept = 0;

	if (e->n <= SHOWN_MAX || e->cli->all)
		return;
	for (size_t i = 0; i < e->n; i++)
		if (e->considered[i].failed != FG_DST && e->considered[i].failed != FG_SRC)
			e->considered[kept++] = e->considered[i];
	e->elsewhere = e->n - kept;
	e->n = kept;
}

/* One component of a rule as text. */
static const char *component_text(struct explain *e, const struct fg_rule *rule, uint8_t type)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_rule alone = *rule;
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0) {
		if (c.type != type)
			continue;
		alone.nlri = rule->nlri + c.octet;
		alone.nlri_len = (uint16_t)(c.len + 1);
		return fg_rule_print_match(&alone, e->text, sizeof(e->text)) > 0 ? e->text : "";
	}
	return "";
}

/* What failed of a rule: its name, what the rule wants there, and what the packet has. */
static const char *failed_name(const struct considered *c)
{
	return c->failed == FAILED_PAYLOAD ? "payload" : fg_component_name(c->failed);
}

static const char *failed_wants(struct explain *e, const struct considered *c)
{
	if (c->failed != FAILED_PAYLOAD)
		return component_text(e, &c->rule->rule, c->failed);
	snprintf(e->text, sizeof(e->text), "payload \"%s\"", c->rule->payload);
	return e->text;
}

static const char *failed_has(const struct explain *e, const struct considered *c, char has[FG_REASON_MAX])
{
	if (c->failed != FAILED_PAYLOAD)
		return fg_packet_has(&e->packet, c->failed, has);
	if (e->payload.octets == 0)
		return "no payload";
	snprintf(has, FG_REASON_MAX, "%u octets without it", e->payload.octets);
	return has;
}

/* ---- Showing ---- */

static const char *what_of(const struct fg_packet *p)
{
	static const char *const names[] = {
		[FG_PACKET_IP] = "ip", [FG_PACKET_NOT_IP] = "not-ip", [FG_PACKET_MALFORMED] = "malformed"
	};

	return names[p->what];
}

/* What the packet has and a component asks about; port, which is either, is left out. */
static bool is_shown(const struct fg_packet *p, uint8_t type)
{
	char has[FG_REASON_MAX];

	return type != FG_PORT && (type != FG_FLOW_LABEL || p->key.family == FG_IPV6) &&
	       strncmp(fg_packet_has(p, type, has), "no ", 3) != 0;
}

/* What the packet has, by the names of components. */
static json_t *packet_object(const struct fg_packet *p)
{
	json_t *o = json_pack("{s:s}", "what", what_of(p));
	char has[FG_REASON_MAX];

	if (p->what != FG_PACKET_IP)
		return o;
	json_object_set_new(o, "family", json_string(p->key.family == FG_IPV4 ? "ipv4" : "ipv6"));
	for (uint8_t type = FG_DST; type <= FG_COMPONENT_MAX; type++)
		if (is_shown(p, type))
			json_object_set_new(o, fg_component_name(type), json_string(fg_packet_has(p, type, has)));
	return o;
}

static json_t *considered_array(struct explain *e)
{
	json_t *all = json_array(), *one;
	char name[FG_NAME_MAX + 1], has[FG_REASON_MAX];

	for (size_t i = 0; i < e->n; i++) {
		const struct considered *c = &e->considered[i];

		one = json_pack("{s:o,s:I,s:b}", "name", fg_show_string(fg_loaded_name(c->rule, name)), "precedence",
				(json_int_t)c->rule->precedence, "matched", c->failed == 0);
		if (c->failed != 0) {
			json_object_set_new(one, "failed", json_string(failed_name(c)));
			json_object_set_new(one, "wants", fg_show_string(failed_wants(e, c)));
			json_object_set_new(one, "has", json_string(failed_has(e, c, has)));
		}
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *explanation_object(struct explain *e)
{
	const struct fg_loaded *winner = winner_of(e);
	char name[FG_NAME_MAX + 1];
	json_t *rules = json_array();

	for (uint32_t i = 0; i < e->ruling.matched.count; i++)
		json_array_append_new(rules,
				      fg_show_string(fg_loaded_name(fg_ruling_rule(&e->enforce, &e->ruling, i), name)));
	return json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:I}", "packet", packet_object(&e->packet), "verdict",
			 fg_verdict_name(e->ruling.verdict.verdict), "cause", fg_cause_name(e->ruling.verdict.cause),
			 "winner", winner != NULL ? fg_show_string(fg_loaded_name(winner, name)) : json_null(), "rules",
			 rules, "considered", considered_array(e), "elsewhere", (json_int_t)e->elsewhere);
}

static void show_packet(const struct fg_packet *p)
{
	char has[FG_REASON_MAX];

	if (p->what != FG_PACKET_IP) {
		printf("packet: %s\n", what_of(p));
		return;
	}
	fputs("packet:", stdout);
	for (uint8_t type = FG_DST; type <= FG_COMPONENT_MAX; type++)
		if (is_shown(p, type))
			printf(" %s %s", fg_component_name(type), fg_packet_has(p, type, has));
	putchar('\n');
}

static void show_considered(struct explain *e)
{
	static const char *const names[] = { ">ORDER", "RULE", "MATCHES", "FAILED", "PACKET HAS", NULL };
	struct libscols_table *table = fg_columns_new(names);
	char name[FG_NAME_MAX + 1], has[FG_REASON_MAX], order[16];

	for (size_t i = 0; i < e->n; i++) {
		const struct considered *c = &e->considered[i];
		const char *cells[] = { order, fg_loaded_name(c->rule, name), c->failed ? "no" : "yes",
					c->failed ? failed_wants(e, c) : "", c->failed ? failed_has(e, c, has) : "" };

		snprintf(order, sizeof(order), "%u", c->rule->precedence);
		if (strlen(cells[3]) > FG_REASON_MAX)
			strcpy(e->text + FG_REASON_MAX, "...");
		fg_columns_row(table, cells);
	}
	fg_columns_print(table);
	if (e->elsewhere > 0)
		printf("and %zu rules of other addresses before the end; --all lists them\n", e->elsewhere);
}

static void show_text(struct explain *e)
{
	const struct fg_loaded *winner = winner_of(e);
	char name[FG_NAME_MAX + 1];

	show_packet(&e->packet);
	show_considered(e);
	printf("verdict: %s, cause %s", fg_verdict_name(e->ruling.verdict.verdict),
	       fg_cause_name(e->ruling.verdict.cause));
	if (winner != NULL && fg_rule_print_match(&winner->rule, e->text, sizeof(e->text)) > 0) {
		if (strlen(e->text) > 2 * FG_REASON_MAX)
			strcpy(e->text + 2 * FG_REASON_MAX, "...");
		printf(", by %s", fg_loaded_name(winner, name));
		if (e->cli->rules.n > 0)
			printf(" in line %u", winner->line);
		printf(": %s", e->text);
		if (winner->payload[0] != '\0')
			printf(" payload \"%.*s\"", FG_REASON_MAX, winner->payload);
	}
	putchar('\n');
}

static int show(struct explain *e)
{
	int r = FG_EXIT_DONE;

	if (e->cli->json)
		r = fg_show_line(explanation_object(e));
	else
		show_text(e);
	return fg_show_end(r);
}

static int explain(struct explain *e)
{
	int r = e->cli->packet != NULL ? packet_of_words(e) : packet_of_capture(e);
	const struct fg_frame frame = { &e->header, e->octets, 0 };

	if (r != FG_EXIT_DONE)
		return r;
	if (is_protected(e))
		return show(e);
	fg_enforce_packet(&e->enforce, &e->packet, e->octets != NULL ? &frame : NULL, 0, &e->ruling);
	if (e->packet.what == FG_PACKET_IP && !consider(e))
		return fg_cli_fail(FG_EXIT_ENVIRONMENT,
				   "the image and the rules come to different answers on this packet: "
				   "a mistake of Flowgate's, please report it");
	thin_out(e);
	return show(e);
}

static int run(const struct fg_cli *cli, struct fg_load *load, const struct fg_load *protected)
{
	struct explain *e = calloc(1, sizeof(*e));
	int r = FG_EXIT_ENVIRONMENT;

	if (e != NULL)
		e->considered = calloc(load->count + 1, sizeof(*e->considered));
	if (e == NULL || e->considered == NULL || fg_enforce_new(&e->enforce, load, cli->drop_malformed != 0) != 0) {
		fg_cli_fail(0, "out of memory");
	} else {
		e->cli = cli;
		e->protected = protected;
		r = explain(e);
		fg_enforce_free(&e->enforce);
	}
	if (e != NULL) {
		free(e->considered);
		free(e->octets);
	}
	free(e);
	return r;
}

/* The rules of files, or those that a daemon enforces and what it protects from them. */
static int rules_get(const struct fg_cli *cli, struct fg_load **load, struct fg_load **protected)
{
	int r = cli->rules.n > 0 ? fg_cli_rules(cli, load) : fg_live_rules(cli, load);

	*protected = NULL;
	if (r != FG_EXIT_DONE || cli->rules.n > 0)
		return r;
	r = fg_live_protected(cli, protected);
	if (r != FG_EXIT_DONE)
		fg_load_free(*load);
	return r;
}

int fg_cli_explain(struct fg_cli *cli)
{
	struct fg_load *load = NULL, *protected;
	int r;

	if ((cli->packet != NULL) == (cli->read != NULL) || (cli->read != NULL) != (cli->number != 0) ||
	    cli->argument.n != 0)
		return fg_cli_usage(cli, "expected either --packet or --read with --number");
	r = rules_get(cli, &load, &protected);
	if (r != FG_EXIT_DONE)
		return r;
	r = run(cli, load, protected);
	if (r == FG_EXIT_DONE)
		r = fg_cli_admission(load);
	fg_load_free(protected);
	fg_load_free(load);
	return r;
}
