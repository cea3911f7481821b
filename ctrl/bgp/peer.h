/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BGP as the configuration has it: flat, so that it is passed between processes as it is. Which rules a peer may have is in struct
 * fg_policy, under its name, for that is the gate's to judge.
 */
#ifndef CTRL_BGP_PEER_H
#define CTRL_BGP_PEER_H

#include "flowgate/rule.h"

enum {
	FG_PEERS_MAX = FG_PROTECT_MAX / 2 - 1, /* each takes two protect entries, and neighbour discovery takes one */
	FG_PEER_COMMUNITIES_MAX = 16,
	FG_BGP_LISTEN_MAX = 8,
	FG_BGP_PORT = 179,
	FG_BGP_MD5_MAX = 80, /* TCP_MD5SIG_MAXKEYLEN */
};

/* What a community means for the rule that carries it. */
enum fg_community_use { FG_COMMUNITY_SITE = 1, FG_COMMUNITY_TTL, FG_COMMUNITY_COUNT_ONLY };

struct fg_peer_community {
	uint32_t part[3]; /* AS:VALUE, or a large community (RFC 8092) */
	uint8_t parts;    /* 2 or 3 */
	uint8_t use;      /* enum fg_community_use */
	uint32_t ttl_s;
	char site[FG_NAME_MAX + 1];
};

struct fg_peer_config {
	char name[FG_NAME_MAX + 1]; /* source of its rules */
	struct fg_address address;
	struct fg_address local; /* bound to where has_local */
	bool has_local;
	bool passive;
	bool ignore_first_as; /* a route server does not put its own AS first */
	bool announce;        /* the service prefixes */
	bool short_messages;  /* RFC 8654 is not offered */
	uint8_t offset_form;  /* enum fg_offset_form */
	uint8_t hops;      /* away at most: TTL of what we send; with ttl_security 256 - hops is asked of what comes */
	bool ttl_security; /* RFC 5082 */
	uint16_t port;     /* to dial */
	uint16_t hold_s;
	uint16_t retry_s;   /* between attempts, at first */
	uint16_t restart_s; /* we ask for; 0: no graceful restart */
	uint32_t stale_s;   /* rules of a peer that is gone are kept so long at most */
	uint32_t as, local_as;
	uint32_t max_rules;
	uint32_t preference; /* higher wins */
	char md5[FG_BGP_MD5_MAX + 1];
	struct fg_peer_community community[FG_PEER_COMMUNITIES_MAX];
	uint32_t communities;
};

struct fg_bgp_config {
	uint32_t as, router_id;
	struct fg_bgp_listen {
		struct fg_address address;
		uint16_t port;
	} listen[FG_BGP_LISTEN_MAX];
	uint32_t listens;
	bool listen_none;
	struct fg_bgp_service_config {
		bool there;
		uint8_t length;
		uint8_t prefix[16], next_hop[16];
	} service[FG_FAMILY_COUNT];
	struct fg_peer_config peer[FG_PEERS_MAX];
	uint32_t peers;
};

#endif
