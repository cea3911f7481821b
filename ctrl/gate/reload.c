/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy comes: the first one, from when on something is enforced, or another. In: the supervisor's word, whose shape is checked all the
 * same. Out: ports, targets, protect entries and budgets as it says; rules that it permits no more are taken out, in a generation of their
 * own. The rules of a store that was adopted come into the table here too, and are judged as if they were new.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/gate/state.h"
#include "ctrl/rule/nlri.h"

#define RETRY_NS 5000000000ull /* until a port that could not be used is tried again */

/* ---- Shape ---- */

static bool ends(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

/* A bool of foreign memory may hold anything. */
static bool is_bool(const bool *b)
{
	return *(const uint8_t *)b <= 1;
}

static bool prefix_ok(uint8_t family, const struct fg_prefix *p)
{
	return family < FG_FAMILY_COUNT && p->length <= (family == FG_IPV4 ? 32 : 128) && p->offset <= p->length;
}

static bool limits_ok(const struct fg_limits *l)
{
	if (l->sources > FG_SOURCES_MAX || !ends(l->rule.source, sizeof(l->rule.source)) ||
	    !is_bool(&l->lint.allow_above_mtu))
		return false;
	for (size_t i = 0; i < l->sources; i++)
		if (!ends(l->source[i].source, sizeof(l->source[i].source)))
			return false;
	return true;
}

static bool protect_ok(const struct fg_protect *p)
{
	const struct fg_rule rule = { .family = p->family, .nlri = p->nlri, .nlri_len = p->nlri_len };

	return p->family < FG_FAMILY_COUNT && p->nlri_len <= FG_PROTECT_NLRI_MAX && ends(p->name, sizeof(p->name)) &&
	       fg_nlri_check(&rule, NULL) == 0;
}

static bool port_ok(const struct fg_port_config *p)
{
	return ends(p->name, sizeof(p->name)) && ends(p->peer, sizeof(p->peer)) && p->mode <= FG_XDP_GENERIC &&
	       p->on_failure <= FG_FAIL_CLOSED && is_bool(&p->drop_malformed) && is_bool(&p->drop_no_neighbour);
}

static bool policy_ok(const struct fg_policy *p)
{
	bool ok = p->protects <= FG_PROTECT_MAX && p->sites <= FG_SITES_MAX && p->scopes <= FG_SCOPES_MAX &&
		  p->ports <= FG_PORTS_MAX && p->targets <= FG_TARGETS_MAX && is_bool(&p->redirect_to_ip) &&
		  is_bool(&p->dpdk) && is_bool(&p->shadow) && limits_ok(&p->limits);

	for (uint32_t i = 0; ok && i < p->protects; i++)
		ok = protect_ok(&p->protect[i]);
	for (uint32_t i = 0; ok && i < p->sites; i++)
		ok = ends(p->site[i], sizeof(p->site[i]));
	for (uint32_t i = 0; ok && i < p->scopes; i++)
		ok = ends(p->scope[i].source, sizeof(p->scope[i].source)) &&
		     prefix_ok(p->scope[i].family, &p->scope[i].prefix);
	for (uint32_t i = 0; ok && i < p->ports; i++)
		ok = port_ok(&p->port[i]);
	for (uint32_t i = 0; ok && i < p->targets; i++)
		ok = ends(p->target[i].interface, sizeof(p->target[i].interface)) && is_bool(&p->target[i].rt6) &&
		     is_bool(&p->target[i].has_mac) && p->target[i].next_hop.family < FG_FAMILY_COUNT;
	return ok;
}

/* ---- What it says of the box ---- */

void fg_reload_protect(struct fg_gate *g)
{
	struct fg_table_rule rules[FG_PROTECT_MAX];

	for (int family = 0; family < FG_FAMILY_COUNT; family++) {
		size_t n = 0;

		for (uint32_t i = 0; i < g->policy.protects; i++) {
			const struct fg_protect *p = &g->policy.protect[i];

			if (p->family != family)
				continue;
			g->protect[i] =
				(struct fg_rule){ .family = p->family, .nlri = p->nlri, .nlri_len = p->nlri_len };
			g->dataplane->memory.actions[i] = (struct fg_action){ .flags = FG_ACT_PROTECT };
			rules[n++] = (struct fg_table_rule){ &g->protect[i], i };
		}
		fg_table_protect(g->table, (enum fg_family)family, rules, n);
	}
}

static void set_budgets(struct fg_gate *g)
{
	const struct fg_limits *l = &g->policy.limits;
	/* A sixteenth is for gaps: one image may have room where the other has not. */
	uint64_t image = (uint64_t)g->sizes.image_lines * FG_LINE_OCTETS / 16 * 15;
	uint64_t slots = g->sizes.slots - FG_PROTECT_MAX - g->waiting.cells_max;

	g->bytes_budget = l->bytes < image ? l->bytes : image;
	g->lines_budget = l->lines < FG_STEPS_MAX ? (uint32_t)l->lines : FG_STEPS_MAX - 1;
	g->slots_budget = l->slots < slots ? (uint32_t)l->slots : (uint32_t)slots;
}

static void attach(struct fg_gate *g, uint32_t i)
{
	struct fg_dataplane *d = g->dataplane;
	struct fg_port_status before = g->port[i];

	if (d->attach(d->ctx, &g->policy.port[i], (uint8_t)i, &g->port[i]) != 0)
		g->port[i] = (struct fg_port_status){ .reason = FG_PORT_REFUSED };
	if (before.mode != g->port[i].mode || before.reason != g->port[i].reason)
		fg_gate_event(g, FG_EVENT_PORT, g->port[i].reason, g->policy.port[i].name);
}

void fg_reload_ports(struct fg_gate *g, bool all)
{
	g->retry_ns = 0;
	for (uint32_t i = 0; i < g->policy.ports; i++) {
		if (all || g->port[i].reason != FG_PORT_OK)
			attach(g, i);
		if (g->port[i].reason != FG_PORT_OK)
			g->retry_ns = g->now_ns + RETRY_NS;
	}
}

void fg_reload_fenced(struct fg_gate *g)
{
	const struct fg_dataplane *d = g->dataplane;

	if (d->fenced == NULL || *d->fenced == g->fenced)
		return;
	g->fenced = *d->fenced;
	fg_gate_event(g, FG_EVENT_FENCED, *d->fenced_pid, "");
}

void fg_reload_look(struct fg_gate *g)
{
	struct fg_dataplane *d = g->dataplane;

	if (d->look != NULL && d->look(d->ctx))
		fg_reload_ports(g, true);
	fg_reload_fenced(g);
}

static void drop_target(struct fg_target_config *t)
{
	*t = (struct fg_target_config){ .rt = { FG_RT_NONE } };
}

static void swap_targets(struct fg_policy *p, uint32_t a, uint32_t b)
{
	struct fg_target_config t = p->target[a - 1];

	p->target[a - 1] = p->target[b - 1];
	p->target[b - 1] = t;
}

/* The number that packets know the route target of a rule by; 0: they are not sent there. */
static uint32_t number_met(const struct fg_gate *g, uint32_t slot)
{
	const struct fg_entry *e = &g->entry[slot];
	uint32_t number = g->dataplane->memory.actions[slot].redirect;
	bool met = (e->state == FG_ENTRY_LIVE || e->state == FG_ENTRY_KEPT) &&
		   (e->rule.actions.set & FG_ACT_REDIRECT_RT) && number <= FG_TARGETS_MAX;

	return met ? number : 0;
}

/* Where there are others, what is new does not get a number that packets are still sent to, for rules that are to go. */
static void keep_apart(struct fg_policy *p, uint64_t met, uint64_t kept)
{
	uint32_t free = FG_TARGETS_MAX;

	for (uint32_t n = 1; n <= FG_TARGETS_MAX; n++) {
		if (!(met >> (n - 1) & 1) || (kept >> (n - 1) & 1) || p->target[n - 1].rt[0] == FG_RT_NONE)
			continue;
		while (free > 0 && ((met >> (free - 1) & 1) || p->target[free - 1].rt[0] != FG_RT_NONE))
			free--;
		if (free > 0)
			swap_targets(p, n, free);
	}
}

/*
 * In whatever order the targets come: those that rules lead to keep their numbers, for packets are on their way there while the policy is taken.
 * Between them there may be none.
 */
static void place_targets(struct fg_gate *g, struct fg_policy *p)
{
	uint64_t met = 0, kept = 0;

	_Static_assert(FG_TARGETS_MAX <= 64, "numbers are bits of a word");
	for (uint32_t i = p->targets; i < FG_TARGETS_MAX; i++)
		drop_target(&p->target[i]);
	p->targets = FG_TARGETS_MAX;
	for (uint32_t slot = g->first; slot != 0; slot = g->entry[slot].behind) {
		uint32_t number = number_met(g, slot), now;

		if (number == 0 || (met >> (number - 1) & 1))
			continue;
		met |= 1ull << (number - 1);
		now = fg_policy_target(p, &g->entry[slot].rule.actions);
		if (now == 0 || (kept >> (now - 1) & 1))
			continue;
		swap_targets(p, number, now);
		kept |= 1ull << (number - 1);
	}
	keep_apart(p, met, kept);
}

/* A target that cannot be made drops out of the policy: rules that want it are refused by name. */
static void set_targets(struct fg_gate *g)
{
	struct fg_dataplane *d = g->dataplane;

	for (uint32_t i = 0; i < g->policy.targets; i++)
		if (g->policy.target[i].rt[0] != FG_RT_NONE && d->target(d->ctx, i + 1, &g->policy.target[i]) != 0)
			drop_target(&g->policy.target[i]);
}

void fg_gate_shadow(struct fg_gate *g, bool on)
{
	uint32_t *flags = &g->dataplane->memory.control->flags;

	g->store.head->shadow = on;
	on = on || g->policy.shadow;
	__atomic_store_n(flags, on ? *flags | FG_CONTROL_SHADOW : *flags & ~(uint32_t)FG_CONTROL_SHADOW,
			 __ATOMIC_RELEASE);
}

/* ---- What it says of the rules that are there ---- */

enum fg_reason fg_reload_judge(struct fg_gate *g, uint32_t slot, bool *permitted)
{
	struct fg_entry *e = &g->entry[slot];
	const char *source = fg_cell(g, slot)->by.source;
	struct fg_cost alone;
	enum fg_reason code;

	g->findings.count = 0;
	code = fg_admit(&g->admission, &e->rule, fg_rules_pattern(e), source, &g->findings, &alone);
	*permitted = code == FG_OK;
	if (code == FG_MALFORMED)
		return code;
	e->bytes = (uint32_t)alone.bytes;
	e->lines = alone.lines;
	if (fg_patterns_judge(g, &e->rule, fg_rules_pattern(e), &g->findings) != FG_OK)
		return fg_findings_refusal(&g->findings);
	fg_batch_room(g, &e->rule, source, 0, alone.bytes);
	return fg_findings_refusal(&g->findings);
}

static void report(void *ctx, uint32_t place, uint32_t waits, const struct fg_finding *why)
{
	struct fg_gate *g = ctx;

	(void)place;
	fg_gate_event(g, waits != 0 ? FG_EVENT_WAITING : FG_EVENT_REFUSED, why->code,
		      waits != 0 ? fg_cell(g, waits)->name : "");
}

/* A rule that is there, or waits already: it stays, waits, or goes. */
static void judge_one(struct fg_gate *g, uint32_t slot)
{
	bool live = g->entry[slot].state == FG_ENTRY_LIVE, permitted;
	enum fg_reason code = fg_reload_judge(g, slot, &permitted);

	if (!live && permitted)
		return;
	if (code == FG_OK)
		code = (enum fg_reason)fg_rules_arm(g, slot);
	if (live && code == FG_OK) {
		fg_rules_charge(g, slot, true);
		fg_change_add(g, slot, 0);
		return;
	}
	permitted = permitted && fg_waiting_take(g, slot);
	fg_gate_event(g, permitted ? FG_EVENT_WAITING : FG_EVENT_REFUSED, code, fg_cell(g, slot)->name);
	fg_change_add(g, 0, slot);
}

static void judge_all(struct fg_gate *g)
{
	memset(g->use, 0, sizeof(g->use));
	g->live = 0;
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind) {
		fg_rules_place(g, n);
		if (fg_rules_stays(g, n))
			judge_one(g, n);
	}
}

int fg_gate_policy(struct fg_gate *g, const struct fg_policy *policy)
{
	if (!policy_ok(policy))
		return FG_MALFORMED;
	fg_serve_cancel(g, -ECANCELED);
	fg_batch_begin(g, 0, FG_BATCH_PARTIAL, 0);
	g->policy = *policy;
	set_budgets(g);
	place_targets(g, &g->policy);
	set_targets(g);
	fg_patterns_policy(g);
	fg_admission_begin(&g->admission, &g->policy, &g->store);
	fg_reload_protect(g);
	judge_all(g);
	fg_commit_join(g, false, report, g);
	fg_commit_publish(g, 0);
	fg_gate_shadow(g, g->store.head->shadow);
	fg_waiting_again(g);
	g->ready = true;
	g->dataplane->keep_only(g->dataplane->ctx, g->policy.port, g->policy.ports);
	fg_reload_ports(g, true);
	fg_gate_catch_up(g);
	return FG_OK;
}
