/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench hunt FILE, flowgate-bench hunted FILE: the search for rules that let packets cost most, and what it has found as a regression corpus. A hunt
 * begins with each shape of RULES rules and changes one rule or two at a time, for one of another shape or of another prefix of the same address; what costs no
 * less is kept. For each of these images the worst packet is searched for (worst.c). hunted makes all of them again: the bound must be what was
 * written, no packet may cost more than it or than before, and verdicts must be those of the rules.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/hunt.h"

enum { RULES = 48, STEPS = 150, TRIES = 6000, TRIES_LAST = 300000, EXIT_WORSE = 1, EXIT_WORDS = 2 };

/* ---- As JSON ---- */

static json_t *rule_array(const struct bench_rule *r)
{
	return json_pack("[I,i,I,i,i,i,i,i,i,i,i,i,i,i]", (json_int_t)r->dst, r->dst_length, (json_int_t)r->src,
			 r->src_length, r->proto, r->tcp_mask, r->tcp_value, r->fragments, r->sport.lo, r->sport.hi,
			 r->dport.lo, r->dport.hi, r->length.lo, r->length.hi);
}

static bool rule_read(json_t *a, struct bench_rule *out)
{
	json_int_t dst, src;
	int v[12];

	if (json_unpack(a, "[I,i,I,i,i,i,i,i,i,i,i,i,i,i]", &dst, &v[0], &src, &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
			&v[7], &v[8], &v[9], &v[10], &v[11]) != 0)
		return false;
	memset(out, 0, sizeof(*out));
	*out = bench_rule_blank((uint32_t)dst, (uint8_t)v[0]);
	out->src = (uint32_t)src;
	out->src_length = (uint8_t)v[1];
	out->proto = (uint8_t)v[2];
	out->tcp_mask = (uint8_t)v[3];
	out->tcp_value = (uint8_t)v[4];
	out->fragments = v[5] != 0;
	out->sport = (struct bench_range){ (uint16_t)v[6], (uint16_t)v[7] };
	out->dport = (struct bench_range){ (uint16_t)v[8], (uint16_t)v[9] };
	out->length = (struct bench_range){ (uint16_t)v[10], (uint16_t)v[11] };
	return true;
}

static json_t *packet_array(const struct bench_packet *p)
{
	return json_pack("[I,I,i,i,i,i,i,i]", (json_int_t)p->dst, (json_int_t)p->src, p->sport, p->dport, p->length,
			 p->proto, p->tcp_flags, p->fragment);
}

static bool packet_read(json_t *a, bool ipv6, struct bench_packet *p)
{
	json_int_t dst, src;
	int v[6];

	if (json_unpack(a, "[I,I,i,i,i,i,i,i]", &dst, &src, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 0)
		return false;
	*p = (struct bench_packet){ .dst = (uint32_t)dst,
				    .src = (uint32_t)src,
				    .sport = (uint16_t)v[0],
				    .dport = (uint16_t)v[1],
				    .length = (uint16_t)v[2],
				    .proto = (uint8_t)v[3],
				    .tcp_flags = (uint8_t)v[4],
				    .fragment = v[5] != 0,
				    .ipv6 = ipv6 };
	return true;
}

static json_t *set_object(const char *name, const struct bench_rules *rules, uint32_t bound, uint32_t lines,
			  const struct bench_packet *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < rules->n; i++)
		json_array_append_new(all, rule_array(&rules->at[i]));
	return json_pack("{s:s,s:b,s:I,s:I,s:o,s:o}", "shape", name, "ipv6", (int)rules->ipv6, "bound",
			 (json_int_t)bound, "lines", (json_int_t)lines, "packet", packet_array(p), "rules", all);
}

/* ---- The hunt ---- */

static uint32_t cost_of(const struct bench_rules *rules, size_t tries, struct bench_packet *worst, uint32_t *bound)
{
	struct bench_image image;
	uint32_t lines;

	bench_image_make(&image, rules);
	lines = bench_worst(rules, &image, tries, worst, 1);
	*bound = image.lines;
	bench_image_free(&image);
	return lines;
}

static bool is_new(const struct bench_rules *rules, const struct bench_rule *rule)
{
	for (size_t i = 0; i < rules->n; i++)
		if (memcmp(&rules->at[i], rule, sizeof(*rule)) == 0)
			return false;
	return true;
}

/* One of another shape, on an address that there is, or the same rule on a shorter or longer prefix of it. */
static void change_rule(struct bench_rules *rules, uint64_t *r)
{
	const struct bench_shape *shape = &bench_shapes[bench_below(r, BENCH_SHAPES_HUNTED)];
	struct bench_rule *old = &rules->at[bench_below(r, (uint32_t)rules->n)], rule = *old;
	struct bench_rules others;

	if (bench_below(r, 2)) {
		shape->draw(&others, bench_random(r), RULES);
		rule = others.at[bench_below(r, (uint32_t)others.n)];
		rule.dst = rules->at[bench_below(r, (uint32_t)rules->n)].dst;
		bench_rules_free(&others);
	}
	if (bench_below(r, 2))
		rule.dst_length = (uint8_t)(8 * (1 + bench_below(r, 4)) - 2 * bench_below(r, 3));
	rule.dst &= rule.dst_length == 0 ? 0 : (uint32_t)(0xffffffff00000000ull >> rule.dst_length);
	if (is_new(rules, &rule))
		*old = rule;
}

static json_t *hunt_shape(const struct bench_shape *shape)
{
	struct bench_rules rules, tried;
	struct bench_packet worst;
	uint32_t lines, bound;
	uint64_t r = BENCH_SEED;
	json_t *o;

	shape->draw(&rules, BENCH_SEED, RULES);
	tried = rules;
	tried.at = bench_alloc(rules.n, sizeof(*rules.at));
	lines = cost_of(&rules, TRIES, &worst, &bound);
	for (int step = 0; step < STEPS; step++) {
		uint32_t now;

		memcpy(tried.at, rules.at, rules.n * sizeof(*rules.at));
		for (uint32_t n = 1 + bench_below(&r, 2); n > 0; n--)
			change_rule(&tried, &r);
		now = cost_of(&tried, TRIES, &worst, &bound);
		if (now < lines)
			continue;
		lines = now;
		memcpy(rules.at, tried.at, rules.n * sizeof(*rules.at));
	}
	lines = cost_of(&rules, TRIES_LAST, &worst, &bound);
	printf("%-14s %zu rules: a packet reads %u lines, the bound is %u\n", shape->name, rules.n, lines, bound);
	fflush(stdout);
	o = set_object(shape->name, &rules, bound, lines, &worst);
	bench_rules_free(&tried);
	bench_rules_free(&rules);
	return o;
}

int bench_hunt(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		bench_fail("%s: %s", path, strerror(errno));
	for (const struct bench_shape *s = bench_shapes; s->name != NULL; s++) {
		json_t *o = hunt_shape(s);
		char *text = json_dumps(o, JSON_COMPACT);

		fprintf(f, "%s\n", text != NULL ? text : "");
		free(text);
		json_decref(o);
	}
	if (fclose(f) != 0)
		bench_fail("%s: %s", path, strerror(errno));
	return 0;
}

/* ---- What was found, again ---- */

static bool set_read(json_t *o, const char **name, struct bench_rules *rules, struct bench_packet *p, uint32_t *bound,
		     uint32_t *lines)
{
	json_t *all, *packet, *one;
	json_int_t bound_then, lines_then;
	int ipv6;
	size_t i;

	if (json_unpack(o, "{s:s,s:b,s:I,s:I,s:o,s:o}", "shape", name, "ipv6", &ipv6, "bound", &bound_then, "lines",
			&lines_then, "packet", &packet, "rules", &all) != 0)
		return false;
	*bound = (uint32_t)bound_then;
	*lines = (uint32_t)lines_then;
	*rules = (struct bench_rules){ .at = bench_alloc(json_array_size(all), sizeof(*rules->at)), .ipv6 = ipv6 != 0 };
	json_array_foreach(all, i, one) if (!rule_read(one, &rules->at[rules->n++])) return false;
	return packet_read(packet, rules->ipv6, p);
}

static bool check_set(const char *name, const struct bench_rules *rules, const struct bench_packet *p, uint32_t bound,
		      uint32_t lines)
{
	struct bench_trace trace = { 0, 0, NULL };
	struct bench_image image;
	struct fg_matched m;
	struct fg_key key;
	uint32_t said, wanted;
	bool good;

	bench_image_make(&image, rules);
	bench_packet_key(p, &key);
	bench_lines_trace(image.memory.at, &key, &trace);
	fg_match(&image.view, &key, &m);
	said = m.count > 0 ? m.slot[0] + 1 : 0;
	wanted = bench_rules_ask(rules, &image, p);
	good = said == wanted && trace.lines <= image.lines && trace.lines <= lines && image.lines <= bound;
	printf("%-14s a packet reads %u lines (%u), the bound is %u (%u), the verdict %u (%u)%s\n", name, trace.lines,
	       lines, image.lines, bound, said, wanted, good ? "" : ": WORSE");
	bench_image_free(&image);
	return good;
}

int bench_hunted(const char *path)
{
	FILE *f = fopen(path, "re");
	static char text[1 << 16];
	bool good = true;
	size_t n = 0;

	if (f == NULL)
		bench_fail("%s: %s", path, strerror(errno));
	for (; fgets(text, sizeof(text), f) != NULL; n++) {
		json_t *o = json_loads(text, 0, NULL);
		struct bench_packet p;
		struct bench_rules rules;
		uint32_t bound, lines;
		const char *name;

		if (o == NULL || !set_read(o, &name, &rules, &p, &bound, &lines))
			bench_fail("%s: line %zu is no set of a hunt", path, n + 1);
		good &= check_set(name, &rules, &p, bound, lines);
		bench_rules_free(&rules);
		json_decref(o);
	}
	fclose(f);
	return n == 0 ? EXIT_WORDS : good ? 0 : EXIT_WORSE;
}
