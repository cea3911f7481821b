/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench sizing RULES PCAP: what one core of this machine does with these rules and this capture. In: a file of rules, judged as `flowgate check`
 * does, and a capture. Out: for each plane packets and octets a second, with the share of the packets that rules apply to. `headers and match` is what
 * flowgate-dpdk does of a packet before its verdict, without receiving and sending; `xdp` is all of the program without the driver. The frames are those of the
 * capture in turn, their first HEAD_OCTETS, until there are POOL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"
#include "bench/sizing.h"
#include "ctrl/cli/capture.h"
#include "ctrl/load/load.h"
#include "dataplane/burst.h"

enum {
	POOL = BENCH_POOL,
	TRIES_A_ROUND = 4,
	WIRE_MORE = 24 /* preamble, checksum and gap of Ethernet */,
	EXIT_REFUSED = 1,
	EXIT_WORDS = 2,
	EXIT_ENVIRONMENT = 5
};

struct sizing {
	struct fg_load *load;
	struct bench_memory memory;
	struct fg_view view;
	struct bench_head *heads;
	uint64_t frames, octets; /* of the capture; octets on the wire */
	uint64_t left_out; /* frames that are malformed, or mean something else where they are cut to HEAD_OCTETS */
	struct fg_packet packet[BENCH_BATCH];
	const struct fg_key *keys[BENCH_BATCH];
	struct fg_matched matched[BENCH_BATCH];
};

struct sized {
	const char *name;
	bool there;
	char why[BENCH_WHY_MAX];
	double ns[BENCH_ROUNDS_MAX];
	size_t n;
	uint64_t hits;
};

/* ---- Rules and frames ---- */

static int read_rules(struct sizing *s, const char *path)
{
	struct fg_load_image image;
	int r;

	if (fg_load_new(&s->load) != 0)
		return EXIT_ENVIRONMENT;
	r = fg_load_file(s->load, path, FG_FORM_AUTO);
	if (r != 0) {
		fprintf(stderr, "%s\n", s->load->error);
		return r > 0 ? EXIT_WORDS : EXIT_ENVIRONMENT;
	}
	if (fg_load_admit(s->load) != 0 || fg_load_compile(s->load, &image) != 0)
		return EXIT_ENVIRONMENT;
	bench_memory_get(&s->memory, image.octets);
	memcpy(s->memory.at, image.base, image.octets);
	fg_load_image_free(&image);
	s->view.base = s->memory.at;
	return 0;
}

/* A test run has frames of one length: this one is to mean there what it means here. */
static bool is_alike(const struct bench_head *h)
{
	struct fg_packet here, there;

	fg_packet_parse_missing(h->octets, h->octets + h->len, h->missing, &here);
	fg_packet_parse_missing(h->octets, h->octets + sizeof(h->octets), 0, &there);
	return here.what == there.what &&
	       (here.what != FG_PACKET_IP || memcmp(&here.key, &there.key, sizeof(here.key)) == 0);
}

static void keep_frame(struct sizing *s, const struct fg_frame *f)
{
	struct bench_head *h = &s->heads[s->frames];
	size_t len = f->header->caplen < sizeof(h->octets) ? f->header->caplen : sizeof(h->octets);

	memset(h, 0, sizeof(*h));
	memcpy(h->octets, f->octets, len);
	h->len = (uint32_t)len;
	h->missing = f->header->len > len ? f->header->len - (uint32_t)len : 0;
	if (!is_alike(h)) {
		s->left_out++;
		return;
	}
	s->octets += f->header->len + WIRE_MORE;
	s->frames++;
}

static int read_frames(struct sizing *s, const char *path)
{
	char error[FG_CAPTURE_ERROR_MAX];
	struct fg_capture c;
	struct fg_frame f;

	if (fg_capture_open(&c, path, error) != 0) {
		fprintf(stderr, "flowgate-bench: %s\n", error);
		return EXIT_ENVIRONMENT;
	}
	s->heads = bench_alloc(POOL, sizeof(*s->heads));
	if (c.link_type != DLT_EN10MB)
		fprintf(stderr, "flowgate-bench: %s: no frames of Ethernet\n", path);
	while (c.link_type == DLT_EN10MB && s->frames < POOL && fg_capture_next(&c, &f, error) == 1)
		keep_frame(s, &f);
	fg_capture_close(&c);
	for (uint64_t i = s->frames; s->frames > 0 && i < POOL; i++)
		s->heads[i] = s->heads[i - s->frames];
	if (s->frames == 0)
		fprintf(stderr, "flowgate-bench: %s: no packet\n", path);
	return s->frames > 0 ? 0 : EXIT_ENVIRONMENT;
}

/* ---- Rounds ---- */

static void match_batch(struct sizing *s, const struct bench_head *heads)
{
	for (size_t i = 0; i < BENCH_BATCH; i++)
		fg_packet_parse_missing(heads[i].octets, heads[i].octets + heads[i].len, heads[i].missing,
					&s->packet[i]);
	fg_burst_fetch(&s->view, s->keys, FG_BURST);
	for (size_t i = 0; i < BENCH_BATCH; i += FG_BURST) {
		if (i + FG_BURST < BENCH_BATCH)
			fg_burst_fetch(&s->view, s->keys + i + FG_BURST, FG_BURST);
		fg_match_burst_by(fg_burst_best(), &s->view, s->keys + i, FG_BURST, s->matched + i);
	}
}

/* What is no IP packet has no rule, whatever its key says. */
static uint64_t hits_of(const struct sizing *s)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < BENCH_BATCH; i++)
		hits += s->packet[i].what == FG_PACKET_IP && s->matched[i].count > 0;
	return hits;
}

static double match_round(void *ctx, uint64_t *hits)
{
	struct sizing *s = ctx;
	uint64_t ns = 0;

	*hits = 0;
	for (size_t at = 0; at < POOL; at += BENCH_BATCH) {
		uint64_t start = bench_now_ns();

		match_batch(s, s->heads + at);
		ns += bench_now_ns() - start;
		*hits += hits_of(s);
	}
	return (double)ns / POOL;
}

static double xdp_round(void *ctx, uint64_t *hits)
{
	(void)ctx;
	return bench_xdp_heads_round(hits);
}

static void measure(struct sizing *s, struct sized *out, double (*take)(void *ctx, uint64_t *hits))
{
	struct bench_steady steady;
	uint64_t hits;

	take(s, &out->hits); /* warms */
	for (size_t tries = 0; tries < TRIES_A_ROUND * bench_options.rounds && out->n < bench_options.rounds; tries++) {
		double ns;

		bench_steady_begin(&steady);
		ns = take(s, &hits);
		if (bench_steady_end(&steady, out->why))
			out->ns[out->n++] = ns;
		if (hits != out->hits)
			bench_fail("the same packets had %llu hits, then %llu", (unsigned long long)out->hits,
				   (unsigned long long)hits);
	}
	out->there = out->n == bench_options.rounds;
}

/* ---- What is said ---- */

static json_t *sized_object(const struct sizing *s, const struct sized *z)
{
	double octets = (double)s->octets / (double)s->frames;
	struct bench_spread ns;

	if (!z->there)
		return json_pack("{s:s,s:s}", "what", z->name, "why", z->why);
	ns = bench_spread_of(z->ns, z->n);
	return json_pack("{s:s,s:f,s:f,s:f,s:f,s:f,s:f}", "what", z->name, "hit_share", (double)z->hits / POOL, "ns",
			 ns.median, "ns_least", ns.least, "ns_most", ns.most, "mpps", 1e3 / ns.median, "gbit_per_s",
			 8 * octets / ns.median);
}

static void say(const struct sizing *s, const struct sized *z)
{
	double octets = (double)s->octets / (double)s->frames;
	struct bench_spread ns;

	if (!z->there) {
		printf("%-18s no figure: %s\n", z->name, z->why);
		return;
	}
	ns = bench_spread_of(z->ns, z->n);
	printf("%-18s %7.1f Mpps %8.1f Gbit/s a core   %.1f ns (%.1f-%.1f), a rule applies to %.1f %%\n", z->name,
	       1e3 / ns.median, 8 * octets / ns.median, ns.median, ns.least, ns.most, 100.0 * (double)z->hits / POOL);
}

static void say_all(const struct sizing *s, const struct sized z[2], bool json)
{
	double octets = (double)s->octets / (double)s->frames;

	if (json) {
		json_t *o = json_pack("{s:{s:o,s:I,s:I,s:I,s:I,s:f,s:[o,o]}}", "sizing", "machine", bench_machine(),
				      "rules", (json_int_t)s->load->admitted, "rules_refused",
				      (json_int_t)(s->load->count - s->load->admitted), "frames", (json_int_t)s->frames,
				      "left_out", (json_int_t)s->left_out, "wire_octets", octets, "planes",
				      sized_object(s, &z[0]), sized_object(s, &z[1]));
		char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));

		puts(text != NULL ? text : "");
		free(text);
		json_decref(o);
		return;
	}
	printf("%zu rules (%zu refused), %llu packets of %.0f octets on the wire (%llu left out: no headers in their "
	       "first %d), core %d\n",
	       s->load->admitted, s->load->count - s->load->admitted, (unsigned long long)s->frames, octets,
	       (unsigned long long)s->left_out, BENCH_HEAD_OCTETS, bench_steady_core());
	say(s, &z[0]);
	say(s, &z[1]);
	puts("Without receiving and sending (dpdk) and without the driver (xdp): what a card and its driver take comes "
	     "on top.");
}

/* Both planes must say the same of the same packets. */
static bool agree(const struct sized z[2])
{
	if (!z[0].there || !z[1].there || z[0].hits == z[1].hits)
		return true;
	fprintf(stderr, "flowgate-bench: the matcher finds rules for %llu of the packets, the XDP program for %llu\n",
		(unsigned long long)z[0].hits, (unsigned long long)z[1].hits);
	return false;
}

int bench_sizing(const char *rules, const char *capture, bool json)
{
	static struct sizing s;
	struct sized z[2] = { { .name = "headers and match" }, { .name = "xdp" } };
	char pinned[BENCH_WHY_MAX];
	int r = read_rules(&s, rules);

	if (r == 0)
		r = read_frames(&s, capture);
	if (r != 0)
		return r;
	for (size_t i = 0; i < BENCH_BATCH; i++)
		s.keys[i] = &s.packet[i].key;
	bench_steady_start(pinned);
	measure(&s, &z[0], match_round);
	if (bench_xdp_heads_load(s.heads, s.memory.at, s.memory.size, s.load->count, z[1].why))
		measure(&s, &z[1], xdp_round);
	say_all(&s, z, json);
	r = !agree(z) ? EXIT_ENVIRONMENT : s.load->admitted < s.load->count ? EXIT_REFUSED : 0;
	bench_memory_put(&s.memory);
	free(s.heads);
	fg_load_free(s.load);
	return r;
}
