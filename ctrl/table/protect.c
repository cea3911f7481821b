/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic that no rule touches (base.h). In: checked rules. Out: a chain a family in front of everything else of an image, whose end leads
 * to where packets would enter without it. Emitted when an image is made anew, and only then: protect entries change with the configuration.
 */
#include <string.h>

#include "ctrl/table/base.h"

void fg_table_protect(struct fg_table *t, enum fg_family family, const struct fg_table_rule *rules, size_t n)
{
	if (n > 0)
		memcpy(t->protect[family], rules, n * sizeof(*rules));
	t->protects[family] = (uint32_t)n;
	t->side[0].broken = t->side[1].broken = true;
}

static bool emit(struct fg_table *t, struct fg_side *s, enum fg_family family)
{
	struct fg_emit e = { .lines = FG_NODE - 1, .used = 1, .scratch = &t->scratch };
	struct fg_extent *block = &s->guard[family];
	uint32_t lines;

	s->guarded[family] = fg_emit_chain(&e, t->protect[family], t->protects[family], true, (struct fg_chain){ 0 });
	lines = e.used - 1;
	if (lines == 0)
		return true;
	if (e.full || !fg_lines_take(s, lines, block))
		return false;
	e = (struct fg_emit){
		.base = s->base, .lines = block->ref + lines, .used = block->ref, .scratch = &t->scratch
	};
	s->guarded[family] = fg_emit_chain(&e, t->protect[family], t->protects[family], true, (struct fg_chain){ 0 });
	return !e.full;
}

bool fg_protect_emit(struct fg_table *t, struct fg_side *s)
{
	memset(s->guard, 0, sizeof(s->guard));
	memset(s->guarded, 0, sizeof(s->guarded));
	return emit(t, s, FG_IPV4) && emit(t, s, FG_IPV6);
}

uint32_t fg_protect_link(struct fg_side *s, enum fg_family family, uint32_t behind)
{
	const struct fg_chain *chain = &s->guarded[family];

	if (chain->tail == 0)
		return behind;
	((struct fg_step *)fg_lines_at(s, chain->tail))->next = behind;
	return chain->ref;
}
