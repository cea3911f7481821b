/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plane `xdp` (harness.h): the XDP program and an empty one, by test runs with rotating packets; xdp_rotate.bpf.c says how; xdp_filter.c has a peer. The image, 256 MiB of
 * 4 KiB pages, and the programs are made once; each set of rules is compiled into it. All rules discard. Needs root; pins lie in a mount namespace of our own.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "bench/sizing.h"
#include "bench/veth.h"
#include "bench/xdp.h"
#include "ctrl/xdp/state.h"
#include "flowgate/wire.h"
#include "xdp_rotate_object.h"

enum { LIVE_OCTETS = 2400, LIVE_BATCH = 64 };
enum { LINES = 1 << 22, SLOTS = 1 << 18, TYPE_AT = 12 - XDP_FLOW_AT, IP_AT = 14 - XDP_FLOW_AT };
static const double without = 0.1;
static const char folder[] = "/sys/fs/bpf/flowgate-bench";

_Static_assert((int)BENCH_POOL == (int)XDP_FLOWS_MAX, "all of the pool, in turn");
_Static_assert(sizeof(struct xdp_flow) == (int)IP_AT + (int)BENCH_HEADERS_OCTETS, "headers are the rest of a flow");
_Static_assert((int)XDP_FRAME_OCTETS == (int)BENCH_HEAD_OCTETS, "a frame is the head of one");

/* One for all sets. */
static struct {
	bool tried;
	char why[BENCH_WHY_MAX]; /* not to be had; "": it is */
	struct bpf_object *object;
	struct fg_xdp *x;
	struct xdp_flow *flows;
	uint32_t used; /* lines of the image that are not zero */
} plane;

static int program_fd(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(plane.object, name));
}

static int map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(plane.object, name);
}

static bool refuse(const char *what)
{
	snprintf(plane.why, sizeof(plane.why), "%s: %s", what, strerror(errno));
	return false;
}

static bool open_maps(void)
{
	plane.object = bpf_object__open_mem(xdp_rotate_object, sizeof(xdp_rotate_object), NULL);
	if (plane.object == NULL || bpf_object__load(plane.object) != 0)
		return refuse("the program of the test runs");
	plane.flows = mmap(NULL, XDP_FLOWS_MAX * sizeof(*plane.flows), PROT_READ | PROT_WRITE, MAP_SHARED,
			   map_fd("flows"), 0);
	return plane.flows != MAP_FAILED || refuse("flows");
}

static void close_plane(void)
{
	fg_xdp_close(plane.x);
	fg_xdp_remove(folder);
	bpf_object__close(plane.object);
}

static void open_plane(void)
{
	const struct fg_plane_sizes sizes = { .image_lines = LINES, .slots = SLOTS, .store_octets = 64 };
	char error[FG_XDP_ERROR_MAX];

	plane.tried = true;
	libbpf_set_print(NULL);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) != 0) {
		refuse("a bpffs of our own");
		return;
	}
	if (!open_maps())
		return;
	if (fg_xdp_open(&plane.x, folder, &sizes, error) != 0) {
		snprintf(plane.why, sizeof(plane.why), "%.*s", BENCH_WHY_MAX - 1, error);
		return;
	}
	plane.x->ports[1] = (struct fg_port){ .flags = FG_PORT_USED };
	atexit(close_plane);
}

bool bench_xdp_ready(char why[BENCH_WHY_MAX])
{
	if (!plane.tried)
		open_plane();
	snprintf(why, BENCH_WHY_MAX, "%s", plane.why);
	return plane.why[0] == '\0';
}

static bool cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (rules->n > SLOTS) {
		snprintf(why, BENCH_WHY_MAX, "the harness makes its maps for %d rules", SLOTS);
		return true;
	}
	return !bench_xdp_ready(why);
}

/* Puts an image where packets find it. */
static bool put_image(const void *image, uint64_t octets, size_t rules)
{
	struct fg_action *actions = plane.x->memory.actions;

	plane.x->memory.control->side = FG_SIDE_NONE;
	memset(plane.x->memory.image[0], 0, (size_t)plane.used * FG_LINE_OCTETS);
	plane.used = 0;
	if (octets / FG_LINE_OCTETS > LINES || rules > SLOTS)
		return false;
	plane.used = (uint32_t)(octets / FG_LINE_OCTETS);
	memcpy(plane.x->memory.image[0], image, octets);
	for (size_t i = 0; i < rules; i++)
		actions[i] = (struct fg_action){ .flags = FG_ACT_DISCARD };
	plane.x->memory.control->side = 0;
	return true;
}

void *bench_xdp_open(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	uint64_t start = bench_now_ns();

	if (!put_image(set->image->view.base, set->image->bytes, set->rules->n)) {
		snprintf(why, BENCH_WHY_MAX, "the image has no room");
		return NULL;
	}
	*built = (struct bench_built){ set->image->compile_ns + bench_now_ns() - start, set->image->bytes };
	return &plane;
}

static void *open_empty(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	(void)why;
	*built = (struct bench_built){ 0, 0 };
	return &plane;
}

static void close_rules(void *ctx)
{
	(void)ctx;
}

/* Of an IPv4 header without options: where frames go on to the kernel's IP, it drops those that have it wrong (RFC 1071). */
static void put_checksum(uint8_t header[FG_LENGTH4_MIN])
{
	uint32_t sum = 0;

	for (int i = 0; i < FG_LENGTH4_MIN; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	fg_store_be16(header + 10, (uint16_t) ~(sum + (sum >> 16)));
}

static void put_flow(size_t i, const struct bench_packet *p)
{
	uint8_t *flow = (uint8_t *)&plane.flows[i];

	fg_store_be16(flow + TYPE_AT, p->ipv6 ? FG_ETHERTYPE_IPV6 : FG_ETHERTYPE_IPV4);
	bench_packet_headers(p, flow + IP_AT);
	if (!p->ipv6)
		put_checksum(flow + IP_AT);
}

void bench_xdp_load(void *ctx, const struct bench_pool *pool)
{
	(void)ctx;
	for (size_t i = 0; i < BENCH_POOL; i++)
		put_flow(i, &pool->packets[i]);
}

/* The next packets are flows from `first` on, and the program behind the tail call. */
static void point(int program, uint32_t first)
{
	const struct xdp_place place = { .at = first, .mask = XDP_FLOWS_MAX - 1 };
	uint32_t zero = 0;

	if (bpf_map_update_elem(map_fd("next"), &zero, &program, BPF_ANY) != 0 ||
	    bpf_map_update_elem(map_fd("places"), &zero, &place, BPF_ANY) != 0)
		bench_fail("a map of the test runs: %s", strerror(errno));
}

/* So many packets. What the program said of the last. */
static uint32_t go(int repeat)
{
	static uint8_t frame[XDP_FRAME_OCTETS], after[XDP_FRAME_OCTETS];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .data_out = after,
		    .data_size_out = sizeof(after), .repeat = repeat);

	if (bpf_prog_test_run_opts(program_fd("rotate"), &opts) != 0)
		bench_fail("a test run: %s", strerror(errno));
	return opts.retval;
}

void bench_xdp_verdicts(int program, size_t n, uint32_t *out)
{
	point(program, 0);
	for (size_t i = 0; i < n; i++)
		out[i] = go(1) == XDP_DROP;
}

/* A quarter goes before, as for the matchers. */
static void warm(int program)
{
	point(program, 0);
	go(XDP_FLOWS_MAX / 4);
	point(program, 0);
}

/* Only the test run is measured, by this thread's own time: it is all of it, and interrupts, which come with other work on the machine, are not. */
static double round_here(void)
{
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t start, ns;

	bench_steady_begin(&steady);
	start = bench_thread_ns();
	go(XDP_FLOWS_MAX);
	ns = bench_thread_ns() - start;
	return bench_steady_end(&steady, without, why) ? (double)ns / XDP_FLOWS_MAX : 0;
}

double bench_xdp_round(int program, uint64_t (*dropped)(void *ctx), void *ctx, uint64_t *hits)
{
	uint64_t before;
	double ns;

	warm(program);
	before = dropped(ctx);
	ns = round_here();
	*hits = dropped(ctx) - before;
	return ns;
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	(void)ctx;
	bench_xdp_verdicts(plane.x->program, n, out);
}

/* Packets that a rule applied to, by the counters of the program. */
static uint64_t dropped(void *ctx)
{
	struct fg_port_counters c;

	(void)ctx;
	if (fg_xdp_port_counters(plane.x, 0, &c) != 0)
		bench_fail("no counters");
	return c.by[FG_DROP][FG_CAUSE_DISCARD].packets;
}

static double round_ours(void *ctx, uint64_t *hits)
{
	return bench_xdp_round(plane.x->program, dropped, ctx, hits);
}

static void verdicts_empty(void *ctx, size_t n, uint32_t *out)
{
	(void)ctx;
	bench_xdp_verdicts(program_fd("empty"), n, out);
}

static uint64_t none(void *ctx)
{
	(void)ctx;
	return 0;
}

static double round_empty(void *ctx, uint64_t *hits)
{
	return bench_xdp_round(program_fd("empty"), none, ctx, hits);
}

/* ---- For veth.c ---- */

int bench_xdp_program(const char *name)
{
	return name != NULL ? program_fd(name) : plane.x->program;
}

void bench_xdp_port(int ifindex)
{
	plane.x->ports[ifindex] = (struct fg_port){ .flags = FG_PORT_USED };
}

void bench_xdp_put_flow(uint32_t i, const struct bench_packet *p)
{
	put_flow(i, p);
}

void bench_xdp_send(uint32_t first, uint32_t n, int ifindex)
{
	static uint8_t frame[LIVE_OCTETS] = { 2, 0, 0, 0, 0, 1 };
	struct xdp_md md = { .data_end = sizeof(frame), .ingress_ifindex = (uint32_t)ifindex };
	const struct xdp_place place = { .at = first, .mask = XDP_FLOWS_MAX - 1 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = (int)n, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = LIVE_BATCH);
	uint32_t zero = 0;
	int next = program_fd("send");

	if (n == 0)
		return;
	if (bpf_map_update_elem(map_fd("next"), &zero, &next, BPF_ANY) != 0 ||
	    bpf_map_update_elem(map_fd("places"), &zero, &place, BPF_ANY) != 0 ||
	    bpf_prog_test_run_opts(program_fd("rotate"), &opts) != 0)
		bench_fail("live frames: %s", strerror(errno));
}

/* ---- Frames of a capture ---- */

bool bench_xdp_heads_load(const struct bench_head *heads, const void *image, size_t octets, size_t rules,
			  char why[BENCH_WHY_MAX])
{
	if (!bench_xdp_ready(why))
		return false;
	for (size_t i = 0; i < BENCH_POOL; i++)
		memcpy(&plane.flows[i], heads[i].octets + XDP_FLOW_AT, sizeof(plane.flows[i]));
	if (put_image(image, octets, rules))
		return true;
	snprintf(why, BENCH_WHY_MAX, "the image has no room");
	return false;
}

double bench_xdp_heads_round(uint64_t *hits)
{
	return round_ours(NULL, hits);
}

const struct bench_runner bench_xdp = {
	.name = "flowgate xdp",
	.plane = BENCH_XDP,
	.what = "the XDP program, behind a tail call that puts the next headers into the frame",
	.steadies = true,
	.judges = true,
	.cannot = cannot,
	.open = bench_xdp_open,
	.close = close_rules,
	.load = bench_xdp_load,
	.verdicts = verdicts,
	.round = round_ours
};
const struct bench_runner bench_xdp_empty = { .name = "empty xdp",
					      .plane = BENCH_XDP,
					      .what = "a program that passes all, behind the same tail call",
					      .steadies = true,
					      .cannot = cannot,
					      .open = open_empty,
					      .close = close_rules,
					      .load = bench_xdp_load,
					      .verdicts = verdicts_empty,
					      .round = round_empty };
