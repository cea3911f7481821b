/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy to begin with. In: nothing. Out: what holds where a configuration says nothing. */
#include "ctrl/policy/policy.h"

#include <string.h>

#include "ctrl/rule/nlri.h"

static const struct fg_limit no_limit = {
	.bytes = UINT64_MAX, .lines = UINT64_MAX, .slots = UINT64_MAX, .pattern_bytes = UINT64_MAX
};

void fg_limits_default(struct fg_limits *l)
{
	memset(l, 0, sizeof(*l));
	l->bytes = 256u << 20;
	l->lines = 1536;
	l->slots = FG_INPUT_RULES_MAX;
	l->pattern_bytes = 16u << 20;
	l->scan_octets = FG_PAYLOAD_SCAN_OCTETS;
	l->rule = no_limit;
	l->rule.bytes = 1u << 20;
	l->rule.lines = 256;
	l->rule.pattern_bytes = 1u << 20;
}

void fg_policy_default(struct fg_policy *p)
{
	/* ICMPv6 types 133 to 137: RFC 4861 §4. */
	static const uint8_t discovery[] = { FG_PROTO,
					     FG_OP_END | FG_OP_EQ,
					     58,
					     FG_ICMP_TYPE,
					     FG_OP_GT | FG_OP_EQ,
					     133,
					     FG_OP_END | FG_OP_AND | FG_OP_LT | FG_OP_EQ,
					     137 };

	memset(p, 0, sizeof(*p));
	fg_limits_default(&p->limits);
	p->protects = 1;
	p->protect[0] =
		(struct fg_protect){ .name = "neighbour-discovery", .family = FG_IPV6, .nlri_len = sizeof(discovery) };
	memcpy(p->protect[0].nlri, discovery, sizeof(discovery));
}
