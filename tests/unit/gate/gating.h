/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gate on plain memory for the tests of ctrl/gate: messages in, answers out, as over a socket. A gate can be left as a kill would leave
 * it, and another one opened over the same maps.
 */
#ifndef TESTS_UNIT_GATE_GATING_H
#define TESTS_UNIT_GATE_GATING_H

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "ctrl/gate/state.h"

enum {
	GATING_LINES = 1 << 21,
	GATING_SLOTS = 4096,
	GATING_ROOM = 32 << 20,
	GATING_TARGETS = 2 * FG_TARGETS_MAX + 1,
	GATING_FINDINGS = 4096,
};

struct gating {
	struct fg_dataplane dataplane;
	struct fg_plane_sizes sizes;
	struct fg_gate *gate;
	void *memory;
	struct fg_outbox out, supervisor;
	struct fg_policy policy;
	uint64_t now_ns;
	uint32_t drains, resets, attached;
	bool absent; /* there are no interfaces */
	/* What was answered to the last message. */
	struct fg_batch_result result;
	struct fg_batch_finding finding[GATING_FINDINGS];
	uint32_t findings;
	struct fg_done done;
	uint32_t events[16]; /* by enum fg_event_kind, since the gate was opened */
	struct fg_event event;
	struct fg_status status;
	union {
		uint8_t octets[FG_MESSAGE_MAX];
		struct fg_message message;
	} page;
	bool alive; /* the last message was one */
};

static struct gating *gating;

/* ---- The dataplane ---- */

/* Memory that a process forked from here sees too; define GATING_ALONE where there is none: large pages are quicker. */
#ifdef GATING_ALONE
enum { GATING_SHARING = MAP_PRIVATE, GATING_ZERO = MADV_DONTNEED };
#else
enum { GATING_SHARING = MAP_SHARED, GATING_ZERO = MADV_REMOVE };
#endif

static inline void *gating_map(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, GATING_SHARING | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, octets, MADV_HUGEPAGE);
	return p;
}

static inline int gating_drain(void *ctx)
{
	((struct gating *)ctx)->drains++;
	return 0;
}

static inline int gating_reset(void *ctx, uint32_t slot)
{
	(void)slot;
	((struct gating *)ctx)->resets++;
	return 0;
}

static inline int gating_rule_counters(void *ctx, uint32_t slot, uint32_t n, struct fg_rule_counters *out)
{
	(void)ctx;
	for (uint32_t i = 0; i < n; i++)
		out[i] = (struct fg_rule_counters){ .matched = { slot + i, 1 } };
	return 0;
}

static inline int gating_port_counters(void *ctx, uint8_t number, struct fg_port_counters *out)
{
	(void)ctx;
	*out = (struct fg_port_counters){ .received = { number, 0 } };
	return 0;
}

static inline int gating_attach(void *ctx, const struct fg_port_config *config, uint8_t number,
				struct fg_port_status *status)
{
	struct gating *t = ctx;

	(void)config;
	(void)number;
	t->attached++;
	*status = (struct fg_port_status){ .mode = FG_XDP_NATIVE };
	if (t->absent)
		*status = (struct fg_port_status){ .reason = FG_PORT_ABSENT };
	return 0;
}

static inline int gating_keep_only(void *ctx, const struct fg_port_config *ports, size_t n)
{
	(void)ctx;
	(void)ports;
	(void)n;
	return 0;
}

static inline int gating_target(void *ctx, uint32_t number, const struct fg_target_config *config)
{
	struct fg_target *t = &((struct gating *)ctx)->dataplane.memory.targets[number];

	t->kind = FG_TARGET_ROUTED;
	memcpy(t->next_hop, config->next_hop.octets, sizeof(t->next_hop));
	return 0;
}

static inline int gating_samples(void *ctx, void (*take)(void *, const struct fg_sample *), void *take_ctx, int most)
{
	(void)ctx;
	(void)take;
	(void)take_ctx;
	return most & 0;
}

static inline void gating_dataplane(struct gating *t, uint32_t slots)
{
	struct fg_plane_memory *m = &t->dataplane.memory;

	t->sizes = (struct fg_plane_sizes){ .image_lines = GATING_LINES,
					    .slots = slots,
					    .store_octets = (size_t)slots * FG_CELL_OCTETS };
	t->dataplane = (struct fg_dataplane){
		.ctx = t,
		.samples_fd = -1,
		.drain = gating_drain,
		.rule_reset = gating_reset,
		.rule_counters = gating_rule_counters,
		.port_counters = gating_port_counters,
		.attach = gating_attach,
		.keep_only = gating_keep_only,
		.target = gating_target,
		.samples = gating_samples,
	};
	for (int side = 0; side < FG_SIDES; side++)
		m->image[side] = gating_map((size_t)GATING_LINES * FG_LINE_OCTETS);
	m->control = gating_map(sizeof(*m->control));
	m->actions = gating_map(slots * sizeof(*m->actions));
	m->meters = gating_map(slots * sizeof(*m->meters));
	m->targets = gating_map(GATING_TARGETS * sizeof(*m->targets));
	m->store = gating_map(t->sizes.store_octets);
}

/* ---- Talking ---- */

static inline void gating_take_batch(struct gating *t, const struct fg_message *m)
{
	const uint8_t *at = (const uint8_t *)(m + 1) + sizeof(t->result);

	memcpy(&t->result, m + 1, sizeof(t->result));
	for (uint32_t i = 0; i < t->result.findings && t->findings < GATING_FINDINGS; i++)
		memcpy(&t->finding[t->findings++], at + i * sizeof(t->finding[0]), sizeof(t->finding[0]));
}

static inline void gating_take(struct gating *t, struct fg_outbox *out)
{
	const struct fg_message *m;

	for (; (m = fg_outbox_first(out)) != NULL; fg_outbox_pop(out)) {
		assert_int_equal(m->version, FG_RECORD_VERSION);
		if (m->kind == FG_SAY_BATCH)
			gating_take_batch(t, m);
		else if (m->kind == FG_SAY_DONE)
			memcpy(&t->done, m + 1, sizeof(t->done));
		else if (m->kind == FG_SAY_STATUS)
			memcpy(&t->status, m + 1, sizeof(t->status));
		else if (m->kind == FG_SAY_RULES || m->kind == FG_SAY_COUNTERS)
			memcpy(t->page.octets, m, m->octets);
		else if (m->kind == FG_SAY_EVENT) {
			memcpy(&t->event, m + 1, sizeof(t->event));
			t->events[t->event.kind]++;
		}
	}
	assert_false(out->overrun);
}

/* A question that is `octets` octets behind its header. */
static inline void gating_ask(struct gating *t, enum fg_peer peer, enum fg_message_kind kind, const void *what,
			      size_t octets)
{
	static union {
		uint8_t octets[FG_MESSAGE_MAX];
		struct fg_message message;
	} m;
	struct fg_outbox *out = peer == FG_PEER_CTRL ? &t->out : &t->supervisor;

	m.message = (struct fg_message){ .version = FG_RECORD_VERSION,
					 .kind = (uint16_t)kind,
					 .id = 7,
					 .octets = (uint32_t)(sizeof(m.message) + octets) };
	if (octets > 0)
		memcpy(&m.message + 1, what, octets);
	t->findings = 0;
	t->done = (struct fg_done){ .result = INT32_MIN };
	t->gate->now_ns = t->now_ns;
	t->gate->now_s = 1000000000 + t->now_ns / 1000000000;
	t->alive = fg_gate_serve(t->gate, peer, &m, m.message.octets, out);
	gating_take(t, out);
	gating_take(t, &t->out);
	fg_gate_catch_up(t->gate);
}

static inline void gating_policy(struct gating *t)
{
	gating_ask(t, FG_PEER_SUPERVISOR, FG_ASK_POLICY, &t->policy, sizeof(t->policy));
	assert_true(t->alive);
	assert_int_equal(t->done.result, 0);
}

/* Time goes on, and what is due happens. */
static inline void gating_wait(struct gating *t, uint64_t seconds)
{
	t->now_ns += seconds * 1000000000u;
	t->gate->now_ns = t->now_ns;
	fg_gate_tick(t->gate);
	fg_gate_catch_up(t->gate);
	gating_take(t, &t->out);
}

/* ---- Opening and dying ---- */

static inline bool gating_open(struct gating *t)
{
	const struct fg_hash_key key = { { 1, 2 } };
	const char *error;
	size_t octets = fg_gate_octets(&t->sizes);

	if (t->memory == NULL)
		t->memory = gating_map(octets);
	else
		assert_int_equal(madvise(t->memory, octets, GATING_ZERO), 0);
	fg_outbox_reset(&t->out);
	fg_outbox_reset(&t->supervisor);
	memset(t->events, 0, sizeof(t->events));
	t->gate = fg_gate_open(t->memory, &t->sizes, &t->dataplane, &t->out, &key, t->now_ns, 1000000000, &error);
	return t->gate != NULL;
}

static inline struct gating *gating_new(uint32_t slots)
{
	struct gating *t = gating_map(sizeof(*t));

	gating = t;
	t->now_ns = 1000000000;
	t->out = (struct fg_outbox){ .ring = gating_map(GATING_ROOM), .room = GATING_ROOM };
	t->supervisor = (struct fg_outbox){ .ring = gating_map(GATING_ROOM), .room = GATING_ROOM };
	gating_dataplane(t, slots);
	fg_policy_default(&t->policy);
	t->policy.protects = 0;
	assert_true(gating_open(t));
	gating_policy(t);
	return t;
}

/* The process is gone; its successor finds the maps as they are. */
static inline void gating_die(struct gating *t)
{
	t->dataplane.memory.adopted = true;
	assert_true(gating_open(t));
}

static inline void gating_free(struct gating *t)
{
	struct fg_plane_memory *m = &t->dataplane.memory;

	for (int side = 0; side < FG_SIDES; side++)
		munmap(m->image[side], (size_t)GATING_LINES * FG_LINE_OCTETS);
	munmap(m->store, t->sizes.store_octets);
	munmap(t->memory, fg_gate_octets(&t->sizes));
	munmap(t->out.ring, GATING_ROOM);
	munmap(t->supervisor.ring, GATING_ROOM);
	munmap(t, sizeof(*t));
	gating = NULL;
}

/* ---- Batches ---- */

struct gating_batch {
	struct fg_batch head;
	uint8_t octets[FG_MESSAGE_MAX];
	size_t len;
};

static inline void batch_new(struct gating_batch *b, uint32_t flags, uint32_t confirm_s)
{
	b->head = (struct fg_batch){ .flags = flags, .confirm_s = confirm_s };
	b->len = 0;
}

static inline struct fg_record *batch_rule(struct gating_batch *b, enum fg_record_op op, enum fg_family family,
					   const uint8_t *nlri, size_t len)
{
	struct fg_record *r = (struct fg_record *)(void *)(b->octets + b->len);

	memset(r, 0, fg_record_octets((uint16_t)len, 0));
	r->octets = fg_record_octets((uint16_t)len, 0);
	r->op = (uint8_t)op;
	r->family = (uint8_t)family;
	r->nlri_len = (uint16_t)len;
	strcpy(r->by.source, "operator");
	r->actions.set = FG_ACT_DISCARD;
	if (len > 0)
		memcpy(r->nlri, nlri, len);
	b->len += r->octets;
	b->head.rules++;
	return r;
}

static inline void batch_send(struct gating *t, struct gating_batch *b)
{
	static uint8_t octets[FG_MESSAGE_MAX];

	memcpy(octets, &b->head, sizeof(b->head));
	memcpy(octets + sizeof(b->head), b->octets, b->len);
	gating_ask(t, FG_PEER_CTRL, FG_ASK_BATCH, octets, sizeof(b->head) + b->len);
	assert_true(t->alive);
}

/* One rule "destination 192.0.2.HOST/32, destination-port PORT". */
static inline struct fg_record *batch_host(struct gating_batch *b, enum fg_record_op op, uint8_t host, uint16_t port)
{
	const uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, host, FG_DPORT, 0x91, (uint8_t)(port >> 8), (uint8_t)port };

	return batch_rule(b, op, FG_IPV4, nlri, sizeof(nlri));
}

/* Sends it alone. True where it was committed. */
static inline bool gating_host(struct gating *t, enum fg_record_op op, uint8_t host, uint16_t port)
{
	static struct gating_batch b;

	batch_new(&b, 0, 0);
	batch_host(&b, op, host, port);
	batch_send(t, &b);
	return t->result.committed;
}

static inline const struct fg_status *gating_status(struct gating *t)
{
	gating_ask(t, FG_PEER_CTRL, FG_ASK_STATUS, NULL, 0);
	return &t->status;
}

/* The slot that a packet to 192.0.2.HOST, UDP port PORT meets first; UINT32_MAX: none. */
uint32_t gating_meets(const struct gating *t, uint8_t host, uint16_t port);
/* The same for TCP. */
uint32_t gating_meets_tcp(const struct gating *t, uint8_t host, uint16_t port);

#endif
