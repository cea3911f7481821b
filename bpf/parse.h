/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The key of a frame: the shared header walk, given what XDP has of one. */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include "bpf/scratch.h"
#include "flowgate/straight.h"

/* False: the packet is for parse(). */
FG_INLINE bool straight(const struct xdp_md *ctx, struct fg_packet *out)
{
	return fg_straight((const uint8_t *)(long)ctx->data, (const uint8_t *)(long)ctx->data_end, out);
}

/*
 * What is not straight; what of the headers lies behind the first buffer is taken for cut off. A function of its own, which the verifier follows
 * once, and whose ways it does not follow through the match.
 */
__attribute__((noinline)) int parse(struct xdp_md *ctx)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data, *end = (const uint8_t *)(long)ctx->data_end;
	struct scratch *s = scratch_of_cpu();

	if (s == NULL)
		return 0;
	fg_packet_parse_missing(data, end, (uint32_t)(bpf_xdp_get_buff_len(ctx) - (uint64_t)(end - data)), &s->packet);
	return 1;
}

#endif
