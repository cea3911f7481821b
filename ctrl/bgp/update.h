/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UPDATE messages (RFC 4271 §4.3, RFC 4760) and what is done with those that are wrong (RFC 7606), and the few that we send. Pure.
 */
#ifndef CTRL_BGP_UPDATE_H
#define CTRL_BGP_UPDATE_H

#include "ctrl/bgp/message.h"

enum fg_update_fate {
	FG_UPDATE_TAKE = 0,
	FG_UPDATE_WITHDRAW, /* what it announces is taken for withdrawn */
	FG_UPDATE_RESET,    /* what it announces cannot be found: the session ends */
};

/* Octets inside the message. */
struct fg_update_octets {
	const uint8_t *at; /* NULL: the attribute is not there, or was discarded */
	size_t len;
};

struct fg_update_nlri {
	bool there;
	uint16_t afi;
	uint8_t safi;
	struct fg_update_octets octets;
};

struct fg_update {
	enum fg_update_fate fate;
	struct fg_bgp_error error; /* of a RESET: what to notify */
	size_t wrong;              /* attributes that something was wrong with */
	uint8_t wrong_attribute;   /* of them the one that decided, or the first */
	char detail[FG_DETAIL_MAX];
	struct fg_update_nlri reach, unreach;
	bool end_of_rib; /* of the family of `unreach` */
	bool unicast;    /* IPv4 unicast routes are in it, which nobody asked for */
	/* Attributes. */
	bool as_path, as_loop; /* it is there; our own AS is in it */
	uint32_t first_as;     /* 0: the path is empty or begins with a set */
	uint32_t originator;   /* 0: none */
	struct fg_update_octets communities, large_communities, extended, extended6;
};

/* What the session has agreed on. */
struct fg_update_how {
	uint32_t local_as;
	bool as4, ibgp;
};

/* Reads the body of an UPDATE. What is wrong is in *u; pointers are into the body. */
void fg_update_read(const uint8_t *body, size_t len, const struct fg_update_how *how, struct fg_update *u);

/* ---- Attributes, one by one: attribute.c ---- */

enum fg_attribute_type {
	FG_ATTR_ORIGIN = 1,
	FG_ATTR_AS_PATH,
	FG_ATTR_NEXT_HOP,
	FG_ATTR_MED,
	FG_ATTR_LOCAL_PREF,
	FG_ATTR_ATOMIC_AGGREGATE,
	FG_ATTR_AGGREGATOR,
	FG_ATTR_COMMUNITIES,
	FG_ATTR_ORIGINATOR,
	FG_ATTR_CLUSTER_LIST,
	FG_ATTR_REACH = 14,
	FG_ATTR_UNREACH,
	FG_ATTR_EXTENDED,
	FG_ATTR_AS4_PATH,
	FG_ATTR_AS4_AGGREGATOR,
	FG_ATTR_EXTENDED6 = 25,
	FG_ATTR_LARGE_COMMUNITIES = 32,
};

/* Bits of the flags of an attribute. */
enum { FG_ATTR_OPTIONAL = 0x80, FG_ATTR_TRANSITIVE = 0x40, FG_ATTR_PARTIAL = 0x20, FG_ATTR_LONG = 0x10 };

struct fg_attribute {
	uint8_t flags, type;
	const uint8_t *value;
	size_t len;
};

/* Judges one attribute and takes what it says into *u. */
void fg_attribute_take(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
/* Notes that something is wrong and what is done about it; a fate never gets milder. */
__attribute__((format(printf, 4, 5))) void fg_update_wrong(struct fg_update *u, uint8_t attribute,
							   enum fg_update_fate fate, const char *fmt, ...);

/* ---- What we send: announce.c ---- */

enum { FG_BGP_ANNOUNCE_OCTETS = 128 };

/* One route of ours, to be announced while the box is well. */
struct fg_bgp_service {
	uint8_t family; /* enum fg_family */
	uint8_t length;
	uint8_t prefix[16];
	uint8_t next_hop[16];
	uint32_t local_as;
	bool as4, ibgp;
};

/* End-of-RIB of AFI/SAFI (RFC 4724 §2). Octets written. */
size_t fg_bgp_end_of_rib_write(uint16_t afi, uint8_t safi, uint8_t out[FG_BGP_ANNOUNCE_OCTETS]);
size_t fg_bgp_announce_write(const struct fg_bgp_service *s, uint8_t out[FG_BGP_ANNOUNCE_OCTETS]);
size_t fg_bgp_withdraw_write(const struct fg_bgp_service *s, uint8_t out[FG_BGP_ANNOUNCE_OCTETS]);

#endif
