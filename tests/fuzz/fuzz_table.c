/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that changes. Comes in: a program, an octet an operation (enum operation) with what it needs behind it: rules drawn or
 * spelled out, deletions, batches applied to the two images in turn. What must hold: after each batch an image gives each packet the rules
 * that the naive reference gives, in order; it uses what fg_table_cost() says, in octets, lines and `continue` rules; an image that
 * is too small recovers when rules are taken back; and without rules it matches nothing.
 *
 * An empty table is made once, in files in memory. An input works on private copies of their pages, which the kernel drops afterwards: so each
 * begins with the same empty table, without the 64 MiB of an image being written each time. The small images are written each time: they are
 * made anew again and again, which costs less in memory that stays.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctrl/rule/order.h"
#include "ctrl/table/update.h"
#include "flowgate/match.h"
#include "tests/fuzz/fuzz.h"

enum {
	RULES_MAX = 160,
	MANY_MAX = 128, /* rules of one operation: beyond FG_NARROW_RULES and FG_SOURCES_MIN */
	PACKETS = 10,
	ROOT_LINES = 2 + FG_UPPER_LINES + FG_SHORT_LINES + FG_FILLED_LINES,
	IMAGE_LINES = ROOT_LINES + (1 << 17),
	TIGHT_LINES = ROOT_LINES + 240,
	TIGHT_ONE_IN = 32, /* of the first octet's values: such inputs are slow */
};

enum operation {
	OP_DRAW,    /* a seed of two octets: one rule */
	OP_DAMAGED, /* likewise; the rule is changed, and used where still valid */
	OP_RAW,     /* how (as of fuzz_nlri.c, bit 7: continue), a length, that many octets: one rule where valid */
	OP_MANY,    /* a seed of two octets, a number: so many rules of one kind */
	OP_TOGGLE,  /* a number: that rule goes, or comes back */
	OP_APPLY,   /* to one image */
	OP_APPLY_OTHER,
	OP_APPLY_BOTH,
	OPS,
};

enum { RAW_IPV6 = 1, RAW_FULL = 2, RAW_CONTINUE = 0x80 };

struct rule {
	struct or_gen_rule gen;
	struct fg_rule rule;
	uint32_t slot;
	bool present;
};

/* A table, and the memory it lies in. */
struct arena {
	struct fg_table *table;
	void *memory;
	uint8_t *image[2];
	uint32_t lines;
};

static struct {
	struct arena roomy, tight;
	const struct arena *arena;
	struct fg_table *table;
	struct or_table *oracle;
	struct rule rule[RULES_MAX];
	size_t count;
	int turn;
	struct or_random packets;
} t = { .roomy.lines = IMAGE_LINES, .tight.lines = TIGHT_LINES };

static void *map_file(size_t octets, int *fd)
{
	void *p;

	*fd = memfd_create("table", 0);
	MUST_HOLD(*fd >= 0 && ftruncate(*fd, (off_t)octets) == 0);
	p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	MUST_HOLD(p != MAP_FAILED);
	return p;
}

/* From now on, pages that are written are copies, until forget(). */
static void keep_file(void *at, size_t octets, int fd)
{
	MUST_HOLD(mmap(at, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) == at);
	close(fd);
}

static void forget(void *at, size_t octets)
{
	MUST_HOLD(madvise(at, octets, MADV_DONTNEED) == 0);
}

static void make_roomy(struct arena *a)
{
	size_t image = (size_t)a->lines * FG_LINE_OCTETS, memory = fg_table_octets(RULES_MAX, a->lines);
	int fd[3];

	a->memory = map_file(memory, &fd[2]);
	for (int side = 0; side < 2; side++)
		a->image[side] = map_file(image, &fd[side]);
	a->table = fg_table_init(a->memory, RULES_MAX, a->image, a->lines);
	MUST_HOLD(a->table != NULL);
	keep_file(a->memory, memory, fd[2]);
	for (int side = 0; side < 2; side++)
		keep_file(a->image[side], image, fd[side]);
}

static void forget_roomy(const struct arena *a)
{
	forget(a->memory, fg_table_octets(RULES_MAX, a->lines));
	for (int side = 0; side < 2; side++)
		forget(a->image[side], (size_t)a->lines * FG_LINE_OCTETS);
}

static void make_tight(struct arena *a)
{
	size_t image = (size_t)a->lines * FG_LINE_OCTETS;

	if (a->memory == NULL)
		MUST_HOLD(posix_memalign(&a->memory, 64, fg_table_octets(RULES_MAX, a->lines)) == 0);
	for (int side = 0; side < 2; side++) {
		if (a->image[side] == NULL)
			MUST_HOLD(posix_memalign((void **)&a->image[side], FG_LINE_OCTETS, image) == 0);
		memset(a->image[side], 0, image);
	}
	a->table = fg_table_init(a->memory, RULES_MAX, a->image, a->lines);
	MUST_HOLD(a->table != NULL);
}

static void begin(bool tight, struct or_random packets)
{
	if (tight)
		make_tight(&t.tight);
	else if (t.roomy.table == NULL)
		make_roomy(&t.roomy);
	t.arena = tight ? &t.tight : &t.roomy;
	t.table = t.arena->table;
	t.oracle = or_table_new();
	t.count = 0;
	t.turn = 0;
	t.packets = packets;
	MUST_HOLD(t.oracle != NULL);
}

static void add(struct rule *r)
{
	const struct or_gen_rule *g = &r->gen;
	uint32_t id = (uint32_t)(r - t.rule);

	MUST_HOLD(fg_table_delete(t.table, &r->rule) == -ENOENT);
	MUST_HOLD(fg_table_add(t.table, &r->rule, r->slot) == 0);
	MUST_HOLD(fg_table_add(t.table, &r->rule, r->slot) == FG_DUPLICATE);
	MUST_HOLD(or_table_add(t.oracle, id, g->family, g->full_offset, g->go_on, g->octets, g->len) == 0);
	r->present = true;
}

static void take(struct rule *r)
{
	MUST_HOLD(fg_table_delete(t.table, &r->rule) == 0);
	MUST_HOLD(or_table_delete(t.oracle, (uint32_t)(r - t.rule)) == 0);
	r->present = false;
}

static struct rule *find(const struct fg_rule *rule)
{
	for (size_t i = 0; i < t.count; i++)
		if (t.rule[i].rule.family == rule->family && t.rule[i].rule.nlri_len == rule->nlri_len &&
		    memcmp(t.rule[i].rule.nlri, rule->nlri, rule->nlri_len) == 0)
			return &t.rule[i];
	return NULL;
}

/* Adds t.rule[t.count].gen where it is valid and new. */
static void add_new(void)
{
	struct rule *r = &t.rule[t.count];
	struct or_gen_rule *g = &r->gen;

	r->rule = (struct fg_rule){
		.family = g->family == OR_IPV6, .nlri = g->octets, .nlri_len = g->len, .offset_form = g->full_offset
	};
	r->slot = (uint32_t)t.count | (g->go_on ? FG_SLOT_CONTINUE : 0);
	if (fg_nlri_check(&r->rule, NULL) != 0 || find(&r->rule) != NULL)
		return;
	add(r);
	t.count++;
}

static struct or_random draw_seed(struct fuzz_input *in)
{
	size_t n;
	const uint8_t *octets = fuzz_take(in, 2, &n);

	return fuzz_random(octets, n);
}

static void draw(struct fuzz_input *in, bool damaged)
{
	static const struct or_gen_rules how = {
		.wild_percent = 15, .go_on_percent = 10, .full_percent = 20, .no_dst_percent = 20
	};
	struct or_random r = draw_seed(in);

	or_gen_rule(&r, or_random_chance(&r, 50) ? OR_IPV6 : OR_IPV4, &how, &t.rule[t.count].gen);
	if (damaged)
		or_gen_damage(&r, &t.rule[t.count].gen);
	add_new();
}

static void draw_many(struct fuzz_input *in)
{
	struct or_random r = draw_seed(in);
	struct or_gen_rules how = { .wild_percent = or_random_below(&r, 3) * 10,
				    .go_on_percent = or_random_below(&r, 3) * 15,
				    .full_percent = 10,
				    .no_dst_percent = or_random_below(&r, 2) * 100 };
	enum or_family family = or_random_chance(&r, 50) ? OR_IPV6 : OR_IPV4;

	for (size_t n = fuzz_octet(in) % (MANY_MAX + 1); n > 0 && t.count < RULES_MAX; n--) {
		or_gen_rule(&r, family, &how, &t.rule[t.count].gen);
		add_new();
	}
}

static void spelled(struct fuzz_input *in)
{
	struct or_gen_rule *g = &t.rule[t.count].gen;
	uint8_t how = fuzz_octet(in);
	size_t n;
	const uint8_t *octets = fuzz_take(in, fuzz_octet(in), &n);

	g->family = how & RAW_IPV6 ? OR_IPV6 : OR_IPV4;
	g->full_offset = how & RAW_FULL;
	g->go_on = how & RAW_CONTINUE;
	g->len = (uint16_t)n;
	memcpy(g->octets, octets, n);
	add_new();
}

static void toggle(struct fuzz_input *in)
{
	struct rule *r;

	if (t.count == 0)
		return;
	r = &t.rule[fuzz_octet(in) % t.count];
	if (r->present)
		take(r);
	else
		add(r);
}

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

static void check_cost(int side)
{
	static struct fg_table_rule sorted[FG_FAMILY_COUNT][RULES_MAX];
	static struct fg_compile_scratch scratch;
	const struct fg_table_rule *const rules[] = { sorted[FG_IPV4], sorted[FG_IPV6] };
	size_t n[FG_FAMILY_COUNT] = { 0 };
	struct fg_cost want, got;

	for (size_t i = 0; i < t.count; i++) {
		const struct rule *r = &t.rule[i];

		if (r->present)
			sorted[r->rule.family][n[r->rule.family]++] = (struct fg_table_rule){ &r->rule, r->slot };
	}
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		qsort(sorted[f], n[f], sizeof(sorted[f][0]), by_order);
	fg_table_cost(rules, n, &scratch, &want);
	fg_table_worst(t.table, side, &got);
	MUST_HOLD(got.bytes == want.bytes && fg_table_bytes(t.table, side) == want.bytes);
	MUST_HOLD(got.lines == want.lines && got.continues == want.continues && got.slots == want.slots);
}

static void draw_packet(size_t i, struct or_gen_packet *out)
{
	static const struct or_gen_packets how = { .odd_percent = 10, .no_raw = true };

	if (t.count == 0 || i % 4 == 0)
		or_gen_packet(&t.packets, i % 8 ? OR_IPV6 : OR_IPV4, &how, out);
	else
		or_gen_aim(&t.packets, &t.rule[or_random_below(&t.packets, (uint32_t)t.count)].gen, i % 4 == 3, &how,
			   out);
}

static void check_packet(int side, const struct or_gen_packet *packet)
{
	static struct or_gen_frame f;
	static uint32_t want[RULES_MAX];
	struct fg_view view = { .base = t.arena->image[side] };
	struct or_packet facts;
	struct fg_packet got;
	struct fg_matched out;
	size_t n;

	or_gen_build(packet, &f);
	or_packet_read(f.link, f.octets, f.captured, f.wire, &facts);
	if (facts.kind != OR_IP)
		return;
	fg_packet_parse_missing(f.octets, f.octets + f.captured, (uint32_t)(f.wire - f.captured), &got);
	n = or_table_evaluate(t.oracle, &facts, want, RULES_MAX);
	fg_match(&view, &got.key, &out);
	MUST_HOLD(out.count == (n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX));
	for (uint32_t i = 0; i < out.count; i++)
		MUST_HOLD(out.slot[i] == t.rule[want[i]].slot);
}

/* Takes up to n rules back, the latest first; there is one. */
static void take_back(size_t n)
{
	bool any = false;

	for (size_t i = t.count; i-- > 0 && n > 0;) {
		if (!t.rule[i].present)
			continue;
		take(&t.rule[i]);
		any = true;
		n--;
	}
	MUST_HOLD(any);
}

/* Brings an image up to date; where it has no room, rules are taken back, more and more of them, until it has. */
static void apply(int side)
{
	struct or_gen_packet packet;
	size_t back = 1;
	int r;

	for (; (r = fg_table_apply(t.table, side)) != 0; back *= 4) {
		MUST_HOLD(r == FG_OVER_BUDGET && t.arena == &t.tight);
		take_back(back);
	}
	check_cost(side);
	for (size_t i = 0; i < PACKETS; i++) {
		draw_packet(i, &packet);
		check_packet(side, &packet);
	}
}

static void operate(struct fuzz_input *in)
{
	uint8_t op = fuzz_octet(in) % OPS;

	switch (op) {
	case OP_DRAW:
	case OP_DAMAGED:
		if (t.count < RULES_MAX)
			draw(in, op == OP_DAMAGED);
		break;
	case OP_RAW:
		if (t.count < RULES_MAX)
			spelled(in);
		break;
	case OP_MANY:
		draw_many(in);
		break;
	case OP_TOGGLE:
		toggle(in);
		break;
	default:
		if (op == OP_APPLY_OTHER)
			t.turn ^= 1;
		apply(t.turn);
		if (op == OP_APPLY_BOTH)
			apply(t.turn ^ 1);
		t.turn ^= 1;
	}
}

/* Both images up to date; then all rules go. */
static void end(void)
{
	for (int side = 0; side < 2; side++)
		apply(side);
	for (size_t i = 0; i < t.count; i++)
		if (t.rule[i].present)
			take(&t.rule[i]);
	for (int side = 0; side < 2; side++)
		apply(side);
	or_table_free(t.oracle);
	if (t.arena == &t.roomy)
		forget_roomy(t.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool tight = fuzz_octet(&in) % TIGHT_ONE_IN == TIGHT_ONE_IN - 1;

	begin(tight, fuzz_random(data, size));
	while (in.left > 0)
		operate(&in);
	end();
	return 0;
}
