/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gate takes for a change, on plain memory: a bulk load, then rules one by one among 50k, each judged, compiled into an image,
 * written to the store and published; then the other image; then a flush. Waiting for packets is the kernel's, and not in it. Times are of the CPU, so that
 * whatever else the machine does is not in them. Prints one line a figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "ctrl/gate/state.h"

enum { LINES = 1 << 22, SLOTS = 1 << 17, RULES = 100000, AMONG = 50000, SINGLE = 4000, OUT = 16 << 20 };

static struct fg_dataplane dataplane;
static struct fg_outbox out, supervisor;
static struct fg_gate *gate;
static struct fg_policy policy;
static uint8_t message[FG_MESSAGE_MAX] __attribute__((aligned(8)));
static double sample_ns[SINGLE];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *map(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* ---- A dataplane that does nothing ---- */

static int nothing(void *ctx)
{
	(void)ctx;
	return 0;
}

static int no_reset(void *ctx, uint32_t slot)
{
	(void)ctx;
	(void)slot;
	return 0;
}

static int no_ports(void *ctx, const struct fg_port_config *ports, size_t n)
{
	(void)ctx;
	(void)ports;
	(void)n;
	return 0;
}

static void open_gate(void)
{
	static const struct fg_hash_key key = { { 1, 2 } };
	const struct fg_plane_sizes sizes = { LINES, SLOTS, (size_t)SLOTS * FG_CELL_OCTETS };
	struct fg_plane_memory *m = &dataplane.memory;
	const char *error;

	dataplane = (struct fg_dataplane){
		.samples_fd = -1, .drain = nothing, .rule_reset = no_reset, .keep_only = no_ports
	};
	m->image[0] = map((size_t)LINES * FG_LINE_OCTETS);
	m->image[1] = map((size_t)LINES * FG_LINE_OCTETS);
	m->control = map(sizeof(*m->control));
	m->actions = map(SLOTS * sizeof(*m->actions));
	m->meters = map(SLOTS * sizeof(*m->meters));
	m->store = map(sizes.store_octets);
	out = (struct fg_outbox){ .ring = map(OUT), .room = OUT };
	supervisor = (struct fg_outbox){ .ring = map(OUT), .room = OUT };
	gate = fg_gate_open(map(fg_gate_octets(&sizes)), &sizes, &dataplane, &out, &key, 1, 1, &error);
	if (gate == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
}

/* ---- Messages ---- */

static size_t octets;

static void begin(void)
{
	octets = sizeof(struct fg_message) + sizeof(struct fg_batch);
	memset(message, 0, octets);
}

/* "destination 10.X.Y.Z/32, protocol udp, destination-port P" */
static void put(enum fg_record_op op, uint32_t i)
{
	const uint8_t nlri[] = {
		FG_DST, 32,       10,   (uint8_t)(i >> 13), (uint8_t)(i >> 5), (uint8_t)(i & 31), FG_PROTO, 0x81,
		17,     FG_DPORT, 0x91, (uint8_t)(i >> 8),  (uint8_t)i
	};
	struct fg_record *r = (struct fg_record *)(void *)(message + octets);
	struct fg_batch *batch = (struct fg_batch *)(void *)(message + sizeof(struct fg_message));

	memset(r, 0, fg_record_octets(sizeof(nlri), 0));
	r->octets = fg_record_octets(sizeof(nlri), 0);
	r->op = (uint8_t)op;
	r->nlri_len = sizeof(nlri);
	r->actions.set = FG_ACT_DISCARD;
	strcpy(r->by.source, "operator");
	memcpy(r->nlri, nlri, sizeof(nlri));
	octets += r->octets;
	batch->rules++;
}

static void say(enum fg_peer peer, enum fg_message_kind kind, bool more)
{
	*(struct fg_message *)(void *)message =
		(struct fg_message){ FG_RECORD_VERSION, (uint16_t)kind, 1, (uint32_t)octets, more };
	if (!fg_gate_serve(gate, peer, message, octets, peer == FG_PEER_CTRL ? &out : &supervisor)) {
		fprintf(stderr, "not a message\n");
		exit(1);
	}
	for (; fg_outbox_first(&out) != NULL; fg_outbox_pop(&out))
		;
}

static void give_policy(void)
{
	fg_policy_default(&policy);
	octets = sizeof(struct fg_message) + sizeof(policy);
	memcpy(message + sizeof(struct fg_message), &policy, sizeof(policy));
	say(FG_PEER_SUPERVISOR, FG_ASK_POLICY, false);
}

/* ---- Figures ---- */

/* Rules [from, to) in one transaction of as many messages as it takes. */
static void bulk(uint32_t from, uint32_t to)
{
	begin();
	for (uint32_t i = from; i < to; i++) {
		put(FG_OP_ADD, i);
		if (i + 1 < to && octets < FG_MESSAGE_MAX - 1024)
			continue;
		say(FG_PEER_CTRL, FG_ASK_BATCH, i + 1 < to);
		begin();
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One rule a commit: until packets meet it, and until the other image has it too. */
static void single(enum fg_record_op op, const char *name)
{
	double both = 0;

	for (uint32_t i = 0; i < SINGLE; i++) {
		uint64_t start = now_ns();

		begin();
		put(op, RULES + i * 7);
		say(FG_PEER_CTRL, FG_ASK_BATCH, false);
		sample_ns[i] = (double)(now_ns() - start);
		fg_gate_catch_up(gate);
		both += (double)(now_ns() - start);
	}
	qsort(sample_ns, SINGLE, sizeof(sample_ns[0]), ascending);
	printf("%s one rule among %u: p50 %.1f us, p99 %.1f us; both images %.1f us on average\n", name, gate->live,
	       sample_ns[SINGLE / 2] / 1000, sample_ns[SINGLE * 99 / 100] / 1000, both / SINGLE / 1000);
}

int main(void)
{
	uint64_t start;

	open_gate();
	give_policy();
	start = now_ns();
	bulk(0, AMONG);
	printf("bulk load of %u rules: %.0f ms until enforced\n", AMONG, (double)(now_ns() - start) / 1e6);
	fg_gate_catch_up(gate);
	single(FG_OP_ADD, "add");
	single(FG_OP_DELETE, "delete");
	octets = sizeof(struct fg_message);
	say(FG_PEER_CTRL, FG_ASK_FLUSH, false);
	start = now_ns();
	bulk(0, RULES);
	printf("bulk load of %u rules: %.0f ms until enforced", gate->live, (double)(now_ns() - start) / 1e6);
	fg_gate_catch_up(gate);
	printf(", %.0f ms with both images\n", (double)(now_ns() - start) / 1e6);
	start = now_ns();
	octets = sizeof(struct fg_message);
	say(FG_PEER_CTRL, FG_ASK_FLUSH, false);
	printf("flush: %.0f ms with both images; %u rules left\n", (double)(now_ns() - start) / 1e6, gate->live);
	return gate->live != 0;
}
