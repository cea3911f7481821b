/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Frames of a flood (bench/flood.c): a live frame is given one of `flood_rules` destinations and a source port at random, and is sent.
 * Headers stay right: the checksum of IP is brought along, that of UDP is absent.
 */
#include <linux/bpf.h>
#include <stdint.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { SOURCE_PORT = 34, CHECKSUM = 24, DESTINATION_LOW = 32, FRAME_LEAST = 42 };

volatile const uint32_t flood_rules = 1; /* destinations: the low 16 bits go from 0 on */

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	uint8_t *data = (uint8_t *)(long)ctx->data, *end = (uint8_t *)(long)ctx->data_end;
	uint32_t random = bpf_get_prandom_u32(), sum;
	uint16_t *low = (uint16_t *)(data + DESTINATION_LOW), *checksum = (uint16_t *)(data + CHECKSUM);
	uint16_t now;

	if (data + FRAME_LEAST > end)
		return XDP_ABORTED;
	now = bpf_htons((uint16_t)(((uint64_t)(random & 0xffff) * flood_rules) >> 16));
	sum = (uint16_t) ~*checksum + (uint32_t)(uint16_t) ~*low + now; /* RFC 1624 */
	sum = (sum & 0xffff) + (sum >> 16);
	*checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	*low = now;
	*(uint16_t *)(data + SOURCE_PORT) = (uint16_t)(random >> 16);
	return XDP_TX;
}

/* What others are measured beside: nothing but a verdict. */
SEC("xdp.frags")
int pass_all(struct xdp_md *ctx)
{
	return ctx->data < ctx->data_end ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp.frags")
int drop_all(struct xdp_md *ctx)
{
	return ctx->data < ctx->data_end ? XDP_DROP : XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
