/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The matcher as the kernel sees it: key and match over an image of four pages, the largest there is (1 GiB). A step is a callback of
 * bpf_loop(), so that it is verified once; everything it keeps between steps lies in a map.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FG_LINE_CUSTOM
#include "flowgate/packet.h"
#include "flowgate/table.h"

char licence[] SEC("license") = "Dual BSD/GPL";

enum { PAGES = 4 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PAGES);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, FG_PAGE_LINES *FG_LINE_OCTETS);
} image SEC(".maps");

struct fg_view {
	uint8_t none; /* the image is a map */
};

FG_INLINE const void *fg_line(const struct fg_view *view, uint32_t ref)
{
	uint32_t page = ref / FG_PAGE_LINES % PAGES;
	const uint8_t *base = bpf_map_lookup_elem(&image, &page);

	(void)view;
	return base == NULL ? NULL : base + (uint64_t)(ref % FG_PAGE_LINES) * FG_LINE_OCTETS;
}

#include "flowgate/match.h"

struct state {
	struct fg_packet packet;
	struct fg_cursor cursor;
	struct fg_matched matched;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct state);
} states SEC(".maps");

static struct state *state_of_cpu(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&states, &zero);
}

static long step(uint32_t i, void *ctx)
{
	const struct fg_view view = { 0 };
	struct state *s = state_of_cpu();

	(void)i;
	(void)ctx;
	return s == NULL || !fg_match_step(&view, &s->packet.key, &s->cursor, &s->matched);
}

SEC("xdp.frags")
int match(struct xdp_md *ctx)
{
	const struct fg_view view = { 0 };
	struct state *s = state_of_cpu();

	if (s == NULL)
		return XDP_ABORTED;
	fg_packet_parse((const uint8_t *)(long)ctx->data, (const uint8_t *)(long)ctx->data_end, false, &s->packet);
	s->matched.count = 0;
	if (s->packet.what != FG_PACKET_IP)
		return XDP_PASS;
	s->cursor = fg_match_begin(&view, &s->packet.key);
	bpf_loop(FG_STEPS_MAX, step, NULL, 0);
	return s->matched.count != 0 ? XDP_DROP : XDP_PASS;
}
