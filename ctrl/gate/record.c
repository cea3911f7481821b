/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes over a socket, looked at before anything is done with it. In: octets of a stranger. Out: a record all of whose fields are in
 * range, or nothing. What a rule means is judged elsewhere (admit.c); here it is only whether this is a record at all.
 */
#include "ctrl/gate/record.h"

#include <math.h>
#include <string.h>

#include "flowgate/hash.h"

/* Ends within its room, and holds nothing that a terminal or a log would act on. */
static bool text_ok(const char text[FG_NAME_MAX + 1])
{
	for (size_t i = 0; i <= FG_NAME_MAX; i++) {
		if (text[i] == '\0')
			return true;
		if ((uint8_t)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return false;
}

/* No octet of it ends a text. */
static bool pattern_ok(struct fg_pattern_text text)
{
	return memchr(text.at, 0, text.octets) == NULL;
}

static bool rate_ok(const struct fg_actions *a, uint32_t bit, float rate)
{
	return !(a->set & bit) || (isfinite(rate) && rate > 0);
}

static bool actions_ok(const struct fg_actions *a)
{
	const uint32_t known = FG_ACT_UNKNOWN | (FG_ACT_UNKNOWN - 1);

	return (a->set & ~known) == 0 && rate_ok(a, FG_ACT_RATE_BYTES, a->rate_bytes_per_s) &&
	       rate_ok(a, FG_ACT_RATE_PACKETS, a->rate_packets_per_s) &&
	       (!(a->set & FG_ACT_MARK) || a->dscp <= FG_DSCP_VALUE_MAX) &&
	       (!(a->set & FG_ACT_COPY) || (a->set & FG_ACT_REDIRECT_IP)) &&
	       (!(a->set & FG_ACT_RT6) || (a->set & FG_ACT_REDIRECT_RT)) && a->next_hop.family < FG_FAMILY_COUNT;
}

static bool fields_ok(const struct fg_record *r)
{
	return (r->op == FG_OP_ADD || r->op == FG_OP_DELETE) && r->family < FG_FAMILY_COUNT &&
	       r->offset_form <= FG_OFFSET_FULL &&
	       (r->flags & ~(FG_RECORD_COUNT_ONLY | FG_RECORD_STATIC | FG_RECORD_BGP)) == 0 && text_ok(r->name) &&
	       text_ok(r->by.source) && r->by.source[0] != '\0' && text_ok(r->by.owner) && text_ok(r->by.ticket) &&
	       text_ok(r->by.site) && actions_ok(&r->actions);
}

const struct fg_record *fg_record_check(const void *at, const void *end)
{
	const size_t left = (size_t)((const uint8_t *)end - (const uint8_t *)at);
	const struct fg_record *r = at;

	if (left < sizeof(*r) || r->nlri_len > FG_NLRI_MAX || r->payload_octets > FG_PATTERN_TEXT_MAX ||
	    r->octets != fg_record_octets(r->nlri_len, r->payload_octets) || r->octets > left || !fields_ok(r) ||
	    !pattern_ok(fg_record_pattern(r)))
		return NULL;
	return r;
}

uint64_t fg_record_hash(uint8_t family, uint8_t offset_form, const uint8_t *nlri, uint16_t nlri_len,
			uint16_t payload_octets)
{
	/* A fixed key: the hash is written down and compared for as long as the quarantine lasts. */
	const struct fg_hash_key key = { { (uint64_t)payload_octets << 8 | family, offset_form } };

	return fg_hash(&key, nlri, (size_t)nlri_len + payload_octets);
}
