/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench-xdp: what the XDP program costs over an empty one, by test runs with rotating packets (xdp_rotate.bpf.c says
 * how). Prints a table in Markdown. Needs root; makes a bpffs in a mount namespace of its own.
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
#include <unistd.h>

#include "bench/xdp_cases.h"
#include "ctrl/xdp/state.h"

enum { RUNS = 40, REPEAT = 1 << 17, LINES = 1 << 22, SLOTS = 1 << 18, FRAME_OCTETS = 14 + XDP_FLOW_OCTETS };

struct place {
	uint32_t at, mask;
};

static struct bpf_object *object;
static struct fg_xdp *x;
static struct xdp_flow *flows;

static void fail(const char *what, int r)
{
	fprintf(stderr, "%s: %s\n", what, strerror(r < 0 ? -r : errno));
	exit(1);
}

static int program_fd(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static void open_all(const char *path)
{
	const struct fg_plane_sizes sizes = { .image_lines = LINES, .slots = SLOTS, .store_octets = 64 };
	char error[FG_XDP_ERROR_MAX];

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) != 0)
		fail("a bpffs of our own", 0);
	object = bpf_object__open_file(path, NULL);
	if (object == NULL || bpf_object__load(object) != 0)
		fail(path, 0);
	if (fg_xdp_open(&x, "/sys/fs/bpf/flowgate-bench", &sizes, error) != 0) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	flows = mmap(NULL, XDP_FLOWS_MAX * sizeof(*flows), PROT_READ | PROT_WRITE, MAP_SHARED, map_fd("flows"), 0);
	if (flows == MAP_FAILED)
		fail("flows", 0);
	x->ports[1] = (struct fg_port){ .flags = FG_PORT_USED };
}

/* ns of one run behind the tail call, the least of some. */
static double measure(int program, uint32_t count, bool ipv6)
{
	static uint8_t frame[FRAME_OCTETS], after[FRAME_OCTETS];
	const struct place place = { .mask = count - 1 };
	uint32_t zero = 0, least = UINT32_MAX;

	frame[12] = ipv6 ? 0x86 : 0x08;
	frame[13] = ipv6 ? 0xdd : 0x00;
	if (bpf_map_update_elem(map_fd("next"), &zero, &program, BPF_ANY) != 0 ||
	    bpf_map_update_elem(map_fd("places"), &zero, &place, BPF_ANY) != 0)
		fail("maps", 0);
	for (int i = 0; i < RUNS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .data_out = after,
			    .data_size_out = sizeof(after), .repeat = REPEAT);

		if (bpf_prog_test_run_opts(program_fd("rotate"), &opts) != 0)
			fail("test run", 0);
		least = opts.duration < least ? opts.duration : least;
	}
	return least;
}

/* Packets by what became of them since the last call. */
static struct fg_port_counters counted(void)
{
	static struct fg_port_counters before;
	struct fg_port_counters now, d;
	const uint64_t *a = (const void *)&now, *b = (const void *)&before;
	uint64_t *out = (void *)&d;

	if (fg_xdp_port_counters(x, 0, &now) != 0)
		fail("counters", 0);
	for (size_t i = 0; i < sizeof(d) / sizeof(*out); i++)
		out[i] = a[i] - b[i];
	before = now;
	return d;
}

static void run(const struct xdp_case *c, uint32_t count)
{
	double empty, ours;
	struct fg_port_counters d;

	xdp_case_flows(c, flows, count);
	empty = measure(program_fd("empty"), count, c->ipv6);
	(void)counted();
	ours = measure(x->program, count, c->ipv6);
	d = counted();
	printf("| %s | %u | %u | %.0f | %.0f | **%.0f** | %.0f %% |\n", c->name, c->rules, count, empty, ours,
	       ours - empty, 100.0 - 100.0 * (double)d.by[FG_PASS][FG_CAUSE_NONE].packets / (double)d.received.packets);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s OBJECT [CASE]\n", argv[0]);
		return 2;
	}
	open_all(argv[1]);
	printf("| case | rules | flows | empty ns | flowgate ns | added ns | hit |\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < xdp_cases_count; i++) {
		const struct xdp_case *c = &xdp_cases[i];

		if (argc > 2 && strstr(c->name, argv[2]) == NULL)
			continue;
		x->memory.control->side = FG_SIDE_NONE;
		xdp_case_compile(c, x->memory.image[0], LINES, x->memory.actions);
		x->memory.control->side = 0;
		run(c, 1024);
		run(c, XDP_FLOWS_MAX);
	}
	fg_xdp_close(x);
	return fg_xdp_remove("/sys/fs/bpf/flowgate-bench") != 0;
}
