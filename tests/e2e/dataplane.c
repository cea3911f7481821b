/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP dataplane in tests (dataplane.h). */
#include "tests/e2e/dataplane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/table/table.h"
#include "tests/e2e/kernel.h"

enum { SKIP = 77, COMMAND_MAX = 512 };

void dataplane_need(void)
{
	kernel_need_bpf();
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		printf("skipped: no namespaces of our own: %s\n", strerror(errno));
		exit(SKIP);
	}
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") != 0) {
		printf("skipped: no bpffs of our own: %s\n", strerror(errno));
		exit(SKIP);
	}
	kernel_stay();
}

void dataplane_open(struct dataplane *d, uint32_t slots, uint8_t flags)
{
	const struct fg_plane_sizes sizes = { .image_lines = DATAPLANE_LINES, .slots = slots, .store_octets = 1 << 16 };
	char error[FG_XDP_ERROR_MAX];
	int r;

	memset(d, 0, sizeof(*d));
	snprintf(d->folder, sizeof(d->folder), "/sys/fs/bpf/flowgate-test/%d", (int)getpid());
	r = fg_xdp_open(&d->x, d->folder, &sizes, error);
	if (r != 0)
		print_error("%s\n", error);
	assert_int_equal(r, 0);
	d->m = fg_xdp_memory(d->x);
	d->x->ports[LOOPBACK] = (struct fg_port){ .flags = (uint8_t)(FG_PORT_USED | flags) };
}

void dataplane_leave(struct dataplane *d)
{
	fg_xdp_close(d->x);
	d->x = NULL;
}

void dataplane_close(struct dataplane *d)
{
	dataplane_leave(d);
	assert_int_equal(fg_xdp_remove(d->folder), 0);
}

uint32_t dataplane_run(const struct dataplane *d, uint8_t *frame, uint32_t *len)
{
	static uint8_t after[DATAPLANE_FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = *len, .data_out = after,
		    .data_size_out = sizeof(after), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(d->x->program, &opts), 0);
	*len = opts.data_size_out;
	memcpy(frame, after, *len);
	return opts.retval;
}

struct fg_port_counters dataplane_counters(const struct dataplane *d)
{
	struct fg_port_counters c;
	struct fg_count all = { 0 };

	assert_int_equal(fg_xdp_port_counters(d->x, 0, &c), 0);
	assert_int_equal(c.aborted.packets, 0);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++) {
			all.packets += c.by[v][cause].packets;
			all.bytes += c.by[v][cause].bytes;
		}
	assert_int_equal(all.packets, c.received.packets);
	assert_int_equal(all.bytes, c.received.bytes);
	return c;
}

void dataplane_action(const struct dataplane *d, uint32_t slot, const struct fg_actions *asked, uint32_t redirect,
		      uint32_t copy)
{
	fg_action_make(asked, redirect, copy, &d->m->actions[slot]);
	fg_meter_start(&d->m->meters[slot], &d->m->actions[slot]);
}

/* Octets of the rule's only component, its destination. */
static uint16_t put_nlri(const struct dataplane_rule *rule, uint8_t nlri[24])
{
	if (rule->host == 0) {
		nlri[0] = FG_DST;
		nlri[1] = rule->bits;
		memcpy(nlri + 2, rule->dst, 4);
		return (uint16_t)(2 + (rule->bits + 7) / 8);
	}
	memset(nlri, 0, 24);
	memcpy(nlri, (const uint8_t[]){ FG_DST, 128, 0, 0x20, 0x01, 0x0d, 0xb8 }, 7);
	nlri[18] = rule->host;
	return 19;
}

void dataplane_rules(struct dataplane *d, uint32_t side, const struct dataplane_rule *rules, size_t n)
{
	static struct fg_compile_scratch scratch;
	static uint8_t nlri[DATAPLANE_RULES_MAX][24];
	static struct fg_rule rule[DATAPLANE_RULES_MAX];
	struct fg_table_rule sorted[FG_FAMILY_COUNT][DATAPLANE_RULES_MAX];
	size_t count[FG_FAMILY_COUNT] = { 0 };
	const struct fg_table_rule *const all[] = { sorted[0], sorted[1] };
	uint32_t *used = &d->used[side];

	for (size_t i = 0; i < n; i++) {
		uint8_t family = rules[i].host ? FG_IPV6 : FG_IPV4;
		uint32_t go_on = rules[i].asked.set & (FG_ACT_CONTINUE | FG_ACT_COUNT_ONLY) ? FG_SLOT_CONTINUE : 0;

		rule[i] =
			(struct fg_rule){ .family = family, .nlri_len = put_nlri(&rules[i], nlri[i]), .nlri = nlri[i] };
		sorted[family][count[family]++] = (struct fg_table_rule){ &rule[i], (uint32_t)i | go_on };
		dataplane_action(d, (uint32_t)i, &rules[i].asked, rules[i].redirect, rules[i].copy);
	}
	memset(d->m->image[side], 0, (size_t)*used * FG_LINE_OCTETS);
	assert_int_equal(fg_table_compile(d->m->image[side], DATAPLANE_LINES, all, count, &scratch, used), 0);
}

void shell(const char *format, ...)
{
	char command[COMMAND_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}
