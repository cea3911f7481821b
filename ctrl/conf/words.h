/* SPDX-License-Identifier: BSD-3-Clause */
/* What the readers of single words share. Private to ctrl/conf. */
#ifndef CTRL_CONF_WORDS_H
#define CTRL_CONF_WORDS_H

#include "ctrl/conf/conf.h"
#include "ctrl/text/text.h"

struct fg_conf_reading {
	struct fg_conf *conf;
	const char *file;
	char *error;
	/* What the open block is of. */
	struct fg_port_config *port; /* one, or two of a pair */
	struct fg_target_config *target;
	size_t ports;
	struct fg_peer_config *peer;
	struct fg_grant *grant; /* of the peer */
	/* Where things stand that only the whole can judge; line 0: they do not. */
	struct fg_text_word dpdk, interface, pair[FG_PORTS_MAX], redirect[FG_TARGETS_MAX], device[FG_PORTS_MAX];
};

struct fg_conf_word {
	const char *block, *name;
	bool opens;           /* a block */
	uint8_t least, most;  /* values */
	const char *expected; /* of the values, in words */
	/* Takes the setting. 0, or FG_MALFORMED as fg_conf_refuse() gives. */
	int (*take)(struct fg_conf_reading *r, const struct fg_text_setting *s);
};

extern const struct fg_conf_word fg_conf_words[];
extern const size_t fg_conf_words_count;

/* FG_MALFORMED: value `i` of the setting, or the setting itself for 0, is not what was expected. */
int fg_conf_refuse(const struct fg_conf_reading *r, const struct fg_text_setting *s, size_t i, const char *expected);
/* A value that is one of two words; *out: it is the second. */
int fg_conf_choose(const struct fg_conf_reading *r, const struct fg_text_setting *s, const char *first,
		   const char *second, bool *out);
/* A value that is copied, of at most room - 1 octets. */
int fg_conf_copy(const struct fg_conf_reading *r, const struct fg_text_setting *s, size_t i, char *out, size_t room);
/* A number with k, M, G or T, within bounds. */
int fg_conf_number(const struct fg_conf_reading *r, const struct fg_text_setting *s, uint64_t least, uint64_t most,
		   const char *expected, uint64_t *out);

/* box.c: site, shadow, redirect-to-ip, interface, port-pair, redirect. */
int fg_conf_site(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_shadow(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_redirect_to_ip(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_interface(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_mode(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_on_failure(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_malformed(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_no_neighbour(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_redirect(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_redirect_interface(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_redirect_mac(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_redirect_next_hop(struct fg_conf_reading *r, const struct fg_text_setting *s);

/* dpdk.c */
int fg_conf_dpdk(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_dpdk_word(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_dpdk_port(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_dpdk_cores(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_dpdk_eal(struct fg_conf_reading *r, const struct fg_text_setting *s);
/* What must hold of the whole, with a block `dpdk` and without. 0 or FG_MALFORMED. */
int fg_conf_dpdk_check(struct fg_conf_reading *r);

/* service.c: control, http, store, rules. */
int fg_conf_block(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_control(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_grant(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_others(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_listen(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_store(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_rule_file(struct fg_conf_reading *r, const struct fg_text_setting *s);

/* bgp.c: bgp; peer.c: peer. */
int fg_conf_bgp(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_bgp_listen(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_bgp_service(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_address(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_number(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_time(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_choice(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_prefix(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_actions(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_community(struct fg_conf_reading *r, const struct fg_text_setting *s);
int fg_conf_peer_md5(struct fg_conf_reading *r, const struct fg_text_setting *s);
/* What must hold of all peers together, and what follows from them: limits, and their sessions protected. 0, or FG_MALFORMED. */
int fg_conf_bgp_check(struct fg_conf *c, const char *file, char error[FG_CONF_ERROR_MAX]);
/* A number in word `i`, or a time such as 90s, 10m or 2h, in seconds. False: it is none, or not within bounds. */
bool fg_conf_seconds(const char *text, uint64_t least, uint64_t most, uint64_t *out);

#endif
