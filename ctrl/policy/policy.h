/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a box permits and protects: read once from the configuration, checked, and from then on one flat piece of
 * memory without pointers, so that it is passed between processes as it is. Only the supervisor makes one; who
 * parses what strangers sent never does.
 */
#ifndef CTRL_POLICY_POLICY_H
#define CTRL_POLICY_POLICY_H

#include <stddef.h>

#include "ctrl/rule/lint.h"

enum {
	FG_PROTECT_NLRI_MAX = 256, /* octets of the NLRI of a protect entry */
	FG_SITES_MAX = 8,          /* names this box answers to */
	FG_SCOPES_MAX = 256,       /* destination prefixes a source may act on, of all sources together */
	FG_IFNAME_OCTETS = 16,     /* with the terminating NUL, as the kernel has it */
};

/* ---- limits { … } ---- UINT64_MAX: no limit of ours. */

enum {
	FG_SOURCES_MAX = 128,         /* sources with limits of their own */
	FG_INPUT_RULES_MAX = 1 << 22, /* rules of one load; their numbers must fit a slot word */
};

/* One source's, or one rule's. */
struct fg_limit {
	char source[FG_NAME_MAX + 1]; /* "" for the limits of one rule */
	uint64_t bytes;               /* of image */
	uint64_t lines;               /* read for the worst packet; of one rule only */
	uint64_t slots;               /* rules; of a source only */
	uint64_t pattern_bytes;       /* of the database of its payload pattern alone; of one rule only */
};

struct fg_limits {
	uint64_t bytes; /* of the whole image, the destination table included */
	uint64_t lines; /* the most that any packet reads; below FG_STEPS_MAX */
	uint64_t slots;
	uint64_t pattern_bytes; /* of the database of all payload patterns; FG_PATTERN_ROOM_OCTETS at most */
	uint32_t scan_octets;   /* of a payload that are looked at */
	struct fg_limit rule;
	struct fg_limit source[FG_SOURCES_MAX];
	size_t sources;
	struct fg_lint_limits lint;
	uint8_t shortest_dst
		[FG_FAMILY_COUNT]; /* destination prefix length from which on a rule is narrow enough; 0: any */
};

/*
 * Serves 50k ordinary rules: 256 MiB of image, of which 64 MiB are the IPv4 destination table; 1536 lines a packet;
 * no lint against an MTU, no shortest prefix; 16 MiB of payload patterns, 1 MiB of one, FG_PAYLOAD_SCAN_OCTETS of a payload.
 */
void fg_limits_default(struct fg_limits *l);

/* ---- protect { … } ---- */

/* Traffic that no rule touches: evaluated before all rules, and accepted. */
struct fg_protect {
	char name[FG_NAME_MAX + 1];
	uint8_t family; /* enum fg_family */
	uint16_t nlri_len;
	uint8_t nlri[FG_PROTECT_NLRI_MAX]; /* components, checked */
};

/* ---- site, and source NAME { prefix … } ---- */

/* A destination prefix that a source may act on. A source without any may act on all. */
struct fg_scope {
	char source[FG_NAME_MAX + 1];
	uint8_t family;
	uint8_t shortest; /* destination prefix length from which on a rule inside of it is narrow enough; 0: any */
	struct fg_prefix prefix;
};

/* ---- peer NAME { actions …; } ---- */

enum { FG_GRANTS_MAX = FG_PROTECT_MAX / 2, FG_GRANT_ACCEPT = 1 << 30 };

/* What a source may ask for. A source without one may ask for everything. */
struct fg_grant {
	char source[FG_NAME_MAX + 1];
	uint32_t actions; /* of enum fg_action_bit; FG_GRANT_ACCEPT: rules that ask for none */
};

/* ---- interface NAME { … } and port-pair A B { … } ---- */

enum fg_xdp_mode { FG_XDP_AUTO = 0, FG_XDP_NATIVE, FG_XDP_GENERIC };
enum fg_on_failure { FG_FAIL_OPEN = 0, FG_FAIL_CLOSED };

struct fg_port_config {
	char name[FG_IFNAME_OCTETS];
	char peer[FG_IFNAME_OCTETS]; /* "": forwarding `host` */
	uint8_t mode;                /* enum fg_xdp_mode */
	uint8_t on_failure;          /* enum fg_on_failure */
	bool drop_malformed;
	bool drop_no_neighbour; /* redirect to IP without a neighbour: drop, otherwise pass */
};

/* ---- redirect RT { … }: where a route target leads ---- */

struct fg_target_config {
	uint8_t rt[FG_EXTCOMM6_OCTETS]; /* the community as received, 8 octets, or 20 where rt6 */
	bool rt6;
	char interface[FG_IFNAME_OCTETS]; /* "": by the routing table */
	struct fg_address next_hop;
	bool has_mac; /* the next hop's link address is configured: the DPDK dataplane asks no one for it */
	uint8_t mac[6];
};

struct fg_policy {
	struct fg_limits limits;
	struct fg_protect protect[FG_PROTECT_MAX];
	uint32_t protects;
	char site[FG_SITES_MAX][FG_NAME_MAX + 1];
	uint32_t sites;
	struct fg_scope scope[FG_SCOPES_MAX];
	uint32_t scopes;
	struct fg_grant grant[FG_GRANTS_MAX];
	uint32_t grants;
	struct fg_port_config port[FG_PORTS_MAX];
	uint32_t ports;
	struct fg_target_config target[FG_TARGETS_MAX];
	uint32_t targets;
	uint32_t behind_bursts; /* full bursts in a row from when on a worker looks at no payload; 0: it always does */
	bool redirect_to_ip;    /* any next hop may be named; with DPDK, any that a target has */
	bool dpdk;              /* ports are devices of flowgate-dpdk; otherwise interfaces with XDP */
	bool shadow;            /* verdicts are counted, and nothing is done to packets */
};

/* The bit of an action by its name, for struct fg_grant; 0: there is none. */
uint32_t fg_policy_action(const char *name);

/* No ports, no targets, and limits as above. Protected: neighbour discovery (RFC 4861), which no rule may cut off. */
void fg_policy_default(struct fg_policy *p);

#endif
