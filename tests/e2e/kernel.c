/* SPDX-License-Identifier: BSD-3-Clause */
/* BPF objects in tests (kernel.h). */
#include "tests/e2e/kernel.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

enum { SKIP = 77, PROGRAMS_MAX = 8, STATS_OCTETS = 1 << 16 };

void kernel_need_bpf(void)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	if (geteuid() != 0) {
		puts("skipped: not root, so BPF programs cannot be loaded");
		exit(SKIP);
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "Dual BSD/GPL", pass, 2, NULL);
	if (fd < 0) {
		printf("skipped: BPF is not available: %s\n", strerror(errno));
		exit(SKIP);
	}
	close(fd);
}

int kernel_stay(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* The verifier's line of figures, for the reader of the log. */
static void print_stats(const char *program, const char *log)
{
	const char *processed = strstr(log, "processed");

	printf("# %s: %s", program, processed != NULL ? processed : "no statistics\n");
}

struct bpf_object *kernel_load(const char *path)
{
	static char stats[PROGRAMS_MAX][STATS_OCTETS];
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int n = 0;

	if (object == NULL || kernel_stay() != 0)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		assert_true(n < PROGRAMS_MAX);
		bpf_program__set_log_level(program, 4);
		bpf_program__set_log_buf(program, stats[n++], STATS_OCTETS);
	}
	if (bpf_object__load(object) != 0)
		return NULL;
	n = 0;
	bpf_object__for_each_program(program, object) print_stats(bpf_program__name(program), stats[n++]);
	return object;
}

int kernel_map_fd(struct bpf_object *object, const char *map)
{
	int fd = bpf_object__find_map_fd_by_name(object, map);

	assert_true(fd >= 0);
	return fd;
}

uint32_t kernel_run(struct bpf_object *object, const char *program, const uint8_t *frame, uint32_t len, uint8_t *after,
		    uint32_t room)
{
	struct bpf_program *p = bpf_object__find_program_by_name(object, program);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = after,
		    .data_size_out = room, .repeat = 1);

	assert_non_null(p);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(p), &opts), 0);
	assert_int_equal(opts.data_size_out, len);
	return opts.retval;
}

void kernel_percpu_read(struct bpf_object *object, const char *map, void *out, size_t size)
{
	uint8_t *all = calloc((size_t)libbpf_num_possible_cpus(), size);
	uint32_t zero = 0;

	assert_non_null(all);
	assert_int_equal(bpf_map_lookup_elem(kernel_map_fd(object, map), &zero, all), 0);
	memcpy(out, all + (size_t)sched_getcpu() * size, size);
	free(all);
}
