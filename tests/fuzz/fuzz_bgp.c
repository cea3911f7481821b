/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole BGP messages. Comes in: an octet (bit 0: extended messages, bit 1: AS of 4 octets, bit 2: inside of an AS, bit 3: full offsets), then a
 * stream. What must hold: frames follow each other without a gap; what is found of an UPDATE lies inside of it and does not overlap; what ends a
 * session says why; an UPDATE that is taken has what it must have; NLRIs are read to the end or the rest is not used; an OPEN that is taken says the
 * same when it is written and read again.
 */
#include <string.h>

#include "ctrl/bgp/open.h"
#include "ctrl/bgp/update.h"
#include "ctrl/rule/actions.h"
#include "tests/fuzz/fuzz.h"

enum { HOW_EXTENDED = 1, HOW_AS4 = 2, HOW_INSIDE = 4, HOW_FULL = 8 };

static void check_open(const struct fg_bgp_message *m)
{
	uint8_t out[FG_BGP_OPEN_OCTETS];
	struct fg_bgp_open o, back;
	struct fg_bgp_message again;
	struct fg_bgp_error e;

	memset(&e, 0, sizeof(e));
	memset(&o, 0, sizeof(o));
	memset(&back, 0, sizeof(back));
	if (fg_bgp_open_read(m, &o, &e) != 0) {
		MUST_HOLD(e.code == FG_BGP_BAD_OPEN && e.data_len <= FG_BGP_ERROR_DATA_MAX);
		return;
	}
	MUST_HOLD(o.as != 0 && o.id != 0 && (o.hold_s == 0 || o.hold_s >= FG_BGP_HOLD_MIN));
	MUST_HOLD(fg_bgp_frame(out, fg_bgp_open_write(&o, out), false, &again, &e) == FG_BGP_WHOLE);
	MUST_HOLD(fg_bgp_open_read(&again, &back, &e) == 0);
	MUST_HOLD(o.as4 == back.as4 && (o.as == back.as || !o.as4) && o.id == back.id && o.hold_s == back.hold_s);
	MUST_HOLD(o.restart == back.restart && (!o.restart || o.restart_s == back.restart_s));
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		MUST_HOLD(o.flowspec[f] == back.flowspec[f] && o.unicast[f] == back.unicast[f]);
}

static void inside(const struct fg_bgp_message *m, const struct fg_update_octets *o)
{
	if (o->at == NULL)
		return;
	MUST_HOLD(o->at >= m->body && o->len <= m->body_len && (size_t)(o->at - m->body) <= m->body_len - o->len);
}

static void read_nlris(const struct fg_update_nlri *n, enum fg_offset_form form)
{
	enum fg_family family = n->afi == 1 ? FG_IPV4 : FG_IPV6;
	struct fg_reader in;
	bool framed = true;

	if (!n->there || (n->afi != 1 && n->afi != 2) || n->safi != FG_BGP_FLOWSPEC)
		return;
	in = (struct fg_reader){ n->octets.at, n->octets.at + n->octets.len };
	while (framed && fg_reader_left(&in) > 0) {
		const uint8_t *before = in.at;
		struct fg_finding why;
		struct fg_rule rule;
		int r = fg_nlri_read(&in, family, false, form, &rule, &framed, &why);

		MUST_HOLD(r == 0 ? framed : r == FG_MALFORMED && why.code == FG_MALFORMED);
		if (!framed)
			return;
		MUST_HOLD(in.at > before && rule.nlri >= before && rule.nlri + rule.nlri_len == in.at);
		MUST_HOLD(r != 0 || (rule.nlri_len > 0 && fg_nlri_form(&rule) <= rule.offset_form));
	}
}

static void check_update(const struct fg_bgp_message *m, uint8_t how)
{
	struct fg_update_how agreed = { .local_as = 65001, .as4 = how & HOW_AS4, .ibgp = how & HOW_INSIDE };
	struct fg_actions actions = { 0 };
	struct fg_update u;

	fg_update_read(m->body, m->body_len, &agreed, &u);
	inside(m, &u.reach.octets);
	inside(m, &u.unreach.octets);
	inside(m, &u.communities);
	inside(m, &u.large_communities);
	inside(m, &u.extended);
	inside(m, &u.extended6);
	MUST_HOLD((u.fate == FG_UPDATE_TAKE || u.wrong > 0) && (u.wrong == 0 || u.detail[0] != '\0'));
	if (u.fate == FG_UPDATE_RESET) {
		MUST_HOLD(u.error.code == FG_BGP_BAD_UPDATE && u.error.detail[0] != '\0');
		return;
	}
	MUST_HOLD(u.fate != FG_UPDATE_TAKE || !u.reach.there || u.as_path);
	MUST_HOLD(!u.end_of_rib || (u.unreach.there && !u.reach.there && u.unreach.octets.len == 0));
	MUST_HOLD(u.extended.len % FG_EXTCOMM_OCTETS == 0 && u.extended6.len % FG_EXTCOMM6_OCTETS == 0);
	MUST_HOLD(u.communities.len % 4 == 0 && u.large_communities.len % 12 == 0);
	read_nlris(&u.reach, how & HOW_FULL ? FG_OFFSET_FULL : FG_OFFSET_STRICT);
	read_nlris(&u.unreach, how & HOW_FULL ? FG_OFFSET_FULL : FG_OFFSET_STRICT);
	if (u.extended.at != NULL)
		fg_actions_read(u.extended.at, u.extended.len, false, &actions, NULL);
	if (u.extended6.at != NULL)
		fg_actions_read(u.extended6.at, u.extended6.len, true, &actions, NULL);
}

static void check_others(const struct fg_bgp_message *m)
{
	uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX];
	struct fg_bgp_refresh refresh;
	struct fg_bgp_error e;

	if (m->kind == FG_BGP_NOTIFICATION && fg_bgp_notification_read(m, &e))
		MUST_HOLD(fg_bgp_notification_write(&e, out) <= sizeof(out) && e.detail[0] != '\0');
	if (m->kind == FG_BGP_REFRESH)
		MUST_HOLD((fg_bgp_refresh_read(m, &refresh, &e) == 0) == (m->body_len == 4));
	MUST_HOLD(m->kind != FG_BGP_KEEPALIVE || m->body_len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t how = fuzz_octet(&in);
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	while (fg_bgp_frame(in.at, in.left, how & HOW_EXTENDED, &m, &e) == FG_BGP_WHOLE) {
		MUST_HOLD(m.octets <= in.left && m.body == in.at + FG_BGP_HEADER &&
			  m.octets == m.body_len + FG_BGP_HEADER);
		if (m.kind == FG_BGP_OPEN)
			check_open(&m);
		else if (m.kind == FG_BGP_UPDATE)
			check_update(&m, how);
		else
			check_others(&m);
		in.at += m.octets;
		in.left -= m.octets;
	}
	return 0;
}
