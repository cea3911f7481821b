/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate's memory, laid out once: nothing is allocated behind fg_gate_open(). In: sizes, and a dataplane whose maps may hold what a
 * predecessor left. Out: a gate that knows the rules of the store, and enforces what packets met before until there is a policy (reload.c).
 */
#include <string.h>

#include "ctrl/gate/state.h"

enum { CHANGES_A_SLOT = 2 };
enum { SAMPLE_GAP_NS = 100000000, SAMPLES_PER_S = 200 }; /* of one rule on one core; of all rules on one core */
#define STABLE_NS 60000000000ull                         /* from when on a generation has proved itself */

static uint32_t bucket_count(uint32_t slots)
{
	uint32_t n = 1024;

	while (n < slots)
		n *= 2;
	return n;
}

/* Lays the gate out at `base`, or only counts where it is NULL. */
static size_t lay_out(uint8_t *base, const struct fg_plane_sizes *sizes, void **store_private)
{
	struct fg_gate *g = (struct fg_gate *)(void *)base;
	size_t at = sizeof(*g), slots = sizes->slots;

#define PLACE(pointer, octets)                                                                                         \
	do {                                                                                                           \
		at = (at + 63) & ~(size_t)63;                                                                          \
		if (g != NULL)                                                                                         \
			(pointer) = (void *)(base + at);                                                               \
		at += (octets);                                                                                        \
	} while (0)
	PLACE(g->entry, slots * sizeof(*g->entry));
	PLACE(g->bucket, bucket_count(sizes->slots) * sizeof(*g->bucket));
	PLACE(g->deadlines.heap, (slots + 1) * sizeof(*g->deadlines.heap));
	PLACE(g->deadlines.place, slots * sizeof(*g->deadlines.place));
	PLACE(g->change, slots * CHANGES_A_SLOT * sizeof(*g->change));
	PLACE(g->touched, (slots + 63) / 64 * sizeof(*g->touched));
	PLACE(g->said, FG_SAID_MAX * sizeof(*g->said));
	PLACE(g->patterns.at, FG_PATTERNS_KEPT * sizeof(*g->patterns.at));
	PLACE(g->patterns.bucket, FG_PATTERN_BUCKETS * sizeof(*g->patterns.bucket));
	PLACE(*store_private, fg_store_private(sizes->slots));
	PLACE(g->table_memory, fg_table_octets(sizes->slots, sizes->image_lines));
#undef PLACE
	return at;
}

size_t fg_gate_octets(const struct fg_plane_sizes *sizes)
{
	void *unused;

	return lay_out(NULL, sizes, &unused);
}

void fg_core_table(struct fg_gate *g)
{
	g->table = fg_table_adopt(g->table_memory, g->sizes.slots, g->dataplane->memory.image, g->sizes.image_lines);
}

void fg_gate_event(struct fg_gate *g, enum fg_event_kind kind, uint32_t value, const char *name)
{
	struct fg_event event = { .kind = kind, .value = value, .generation = g->store.head->generation };

	memcpy(event.name, name, strnlen(name, FG_NAME_MAX));
	fg_outbox_put(g->out, FG_SAY_EVENT, 0, &event, sizeof(event));
}

/* A rule as it stands in the store. One that is gone may still be met by packets, so its slot is not free yet. */
static void take_record(struct fg_gate *g, uint32_t slot)
{
	const struct fg_cell *c = fg_cell(g, slot);
	static const enum fg_entry_state states[] = { [FG_FATE_THERE] = FG_ENTRY_LIVE,
						      [FG_FATE_WAITS] = FG_ENTRY_WAITING,
						      [FG_FATE_KEPT] = FG_ENTRY_KEPT,
						      [FG_FATE_GONE] = FG_ENTRY_GONE };
	enum fg_entry_state state = states[fg_store_fate(&g->store, c)];

	fg_rules_link(g, slot, state, 0);
	if (c->waits)
		fg_waiting_take(g, slot);
	if (state == FG_ENTRY_WAITING)
		fg_waiting_begin(g, slot);
	if (state == FG_ENTRY_GONE) {
		g->entry[slot].change = g->gone;
		g->gone = slot;
	}
}

static void take_store(struct fg_gate *g)
{
	/* All slots may have counted already. */
	if (g->adopted)
		memset(g->touched, 0xff, (g->sizes.slots + 63) / 64 * sizeof(*g->touched));
	for (uint32_t slot = fg_store_next(&g->store, 0); slot != 0; slot = fg_store_next(&g->store, slot))
		take_record(g, slot);
	fg_rules_sort(g);
}

static bool sizes_ok(const struct fg_plane_sizes *s)
{
	return s->slots > FG_PROTECT_MAX && s->slots <= FG_SLOT_MASK && s->image_lines >= 1u << 21 &&
	       (s->image_lines & (s->image_lines - 1)) == 0 && s->store_octets == (size_t)s->slots * FG_CELL_OCTETS;
}

struct fg_gate *fg_gate_open(void *memory, const struct fg_plane_sizes *sizes, struct fg_dataplane *dataplane,
			     struct fg_outbox *out, const struct fg_hash_key *key, uint64_t now_ns, uint64_t now_s,
			     const char **error)
{
	struct fg_gate *g = memory;
	uint32_t damaged;
	void *private;

	*error = "sizes: the store must have FG_CELL_OCTETS a slot, an image 2^21 lines or more";
	if (!sizes_ok(sizes))
		return NULL;
	lay_out(memory, sizes, &private);
	g->dataplane = dataplane;
	g->sizes = *sizes;
	g->out = out;
	g->key = *key;
	g->now_ns = now_ns;
	g->now_s = g->started_s = now_s;
	g->stable_ns = now_ns + STABLE_NS;
	g->bucket_mask = bucket_count(sizes->slots) - 1;
	g->changes_max = sizes->slots * CHANGES_A_SLOT;
	g->waiting.cells_max = fg_waiting_cells_max(sizes->slots);
	*error = "the rule store is of another version or size";
	if (fg_store_open(&g->store, dataplane->memory.store, sizes->slots, private, &g->adopted, &damaged) != 0)
		return NULL;
	if (g->store.head->made == 0)
		g->store.head->made = now_s * 1000000000u + now_ns % 1000000000u;
	g->undone = fg_store_started(&g->store);
	g->side = dataplane->memory.control->side < FG_SIDES ? dataplane->memory.control->side : FG_SIDE_NONE;
	if (!dataplane->memory.adopted)
		__atomic_store_n(&dataplane->memory.control->side, g->side = FG_SIDE_NONE, __ATOMIC_RELEASE);
	dataplane->memory.control->sample_gap_ns = SAMPLE_GAP_NS;
	dataplane->memory.control->samples_per_s = SAMPLES_PER_S;
	/* Fresh maps are zero, and the pages of an image that nothing is written to take no memory. */
	if (dataplane->memory.adopted)
		fg_core_table(g);
	else
		g->table = fg_table_init(g->table_memory, sizes->slots, dataplane->memory.image, sizes->image_lines);
	fg_patterns_adopt(g);
	take_store(g);
	return g;
}
