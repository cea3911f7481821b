/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What is known of the packet at hand: one a core, for a packet is not interrupted by another of its core. In a map and not on the
 * stack, where the verifier would follow each way of filling it.
 */
#ifndef BPF_SCRATCH_H
#define BPF_SCRATCH_H

#include "bpf/maps.h"
#include "flowgate/action.h"

FG_INLINE const void *fg_line(const struct fg_view *view, uint32_t ref)
{
	const uint8_t *base = view->base;

	if (constants.pages > 1) {
		uint32_t page = view->first + ((ref / FG_PAGE_LINES) & (constants.pages - 1));

		base = bpf_map_lookup_elem(&images, &page);
		if (base == NULL)
			return NULL;
	}
	return base + (uint64_t)(ref & constants.line_mask) * FG_LINE_OCTETS;
}

/* What lies `octet` octets behind a line, in a table of lines one behind the other: `width` octets, and aligned to them. */
FG_INLINE const void *image_at(const struct fg_view *view, uint32_t ref, uint32_t octet, uint32_t width)
{
	if (constants.pages > 1) {
		const uint8_t *line = fg_line(view, ref + octet / FG_LINE_OCTETS);

		return line == NULL ? NULL : line + (octet & (FG_LINE_OCTETS - width));
	}
	return view->base + (((uint64_t)ref * FG_LINE_OCTETS + octet) & (constants.page_octets - width));
}

#include "flowgate/match.h"

enum {
	WORDS = FG_SEGMENT_RULES / 64,
};

struct scratch {
	struct fg_packet packet;
	struct fg_matched matched;
	struct fg_cursor cursor;
	struct fg_verdict verdict;
	struct fg_port port;
	uint32_t ifindex;
	uint32_t side;
	uint32_t decider;    /* place in matched[] of the rule that the verdict rests on */
	uint32_t sampled;    /* in this second */
	uint64_t second_ns;  /* its beginning */
	uint64_t tick;       /* of the kernel's clock */
	uint64_t tick_ns;    /* CLOCK_MONOTONIC when this core first saw it */
	struct fg_bits bits; /* rules of a segment that match, while it is looked at */
};

CPU_ARRAY(scratches, 1, struct scratch);

/* The image of a side. False: it is not there. */
FG_INLINE bool view_of(uint32_t side, struct fg_view *view)
{
	view->first = side * constants.pages;
	view->base = bpf_map_lookup_elem(&images, &view->first);
	return view->base != NULL;
}

FG_INLINE struct scratch *scratch_of_cpu(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* CLOCK_MONOTONIC, less at most one tick of the kernel: it is asked for no more often, for that is a call. */
FG_INLINE uint64_t tick_ns(struct scratch *s)
{
	uint64_t tick = bpf_jiffies64();

	if (tick != s->tick) {
		s->tick = tick;
		s->tick_ns = bpf_ktime_get_ns();
	}
	return s->tick_ns;
}

FG_INLINE uint32_t slot_of(const struct scratch *s, uint32_t i)
{
	return s->matched.slot[i & (FG_APPLIED_MAX - 1)] & FG_SLOT_MASK;
}

/*
 * The first `n` octets of the IP header in the frame, or NULL. The walk has seen that they are there; the verifier has
 * not.
 */
FG_INLINE uint8_t *ip_header(const struct xdp_md *ctx, const struct scratch *s, uint32_t n)
{
	uint8_t *ip = (uint8_t *)(long)ctx->data + (s->packet.l3_octet & FG_WALK_L3_MASK);

	__asm__ volatile("" : "+r"(ip));
	return ip + n <= (uint8_t *)(long)ctx->data_end ? ip : NULL;
}

#endif
