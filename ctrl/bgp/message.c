/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of BGP messages, and the small messages. In: octets of a stream. Out: one message, or why the stream is lost. Next: open.c, update.c. */
#include "ctrl/bgp/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MARKER = 16, REFRESH_BODY = 4, OPEN_MIN = 29, UPDATE_MIN = 23, NOTIFICATION_MIN = 21 };

void fg_bgp_error_set(struct fg_bgp_error *e, uint8_t code, uint8_t subcode, const char *fmt, ...)
{
	va_list args;

	memset(e, 0, sizeof(*e));
	e->code = code;
	e->subcode = subcode;
	va_start(args, fmt);
	vsnprintf(e->detail, sizeof(e->detail), fmt, args);
	va_end(args);
}

static const char *const code_names[] = {
	[FG_BGP_BAD_HEADER] = "message header error",         [FG_BGP_BAD_OPEN] = "OPEN message error",
	[FG_BGP_BAD_UPDATE] = "UPDATE message error",         [FG_BGP_HOLD_EXPIRED] = "hold timer expired",
	[FG_BGP_BAD_STATE] = "finite state machine error",    [FG_BGP_CEASE] = "cease",
	[FG_BGP_BAD_REFRESH] = "ROUTE-REFRESH message error",
};

/* RFC 4486, RFC 8538, RFC 9384. */
static const char *const cease_names[] = {
	[1] = "maximum number of prefixes reached",
	[FG_BGP_SHUTDOWN] = "administrative shutdown",
	[FG_BGP_DECONFIGURED] = "peer de-configured",
	[FG_BGP_RESET] = "administrative reset",
	[FG_BGP_REJECTED] = "connection rejected",
	[FG_BGP_CHANGED] = "other configuration change",
	[FG_BGP_COLLISION] = "connection collision resolution",
	[FG_BGP_NO_RESOURCES] = "out of resources",
	[FG_BGP_HARD_RESET] = "hard reset",
	[10] = "BFD down",
};

static const char *const open_names[] = {
	[FG_BGP_BAD_VERSION] = "unsupported version number",
	[FG_BGP_BAD_PEER_AS] = "bad peer AS",
	[FG_BGP_BAD_ID] = "bad BGP identifier",
	[FG_BGP_BAD_PARAMETER] = "unsupported optional parameter",
	[FG_BGP_BAD_HOLD] = "unacceptable hold time",
	[7] = "unsupported capability",
	[11] = "role mismatch",
};

static const char *name_of(const char *const *names, size_t n, uint8_t i)
{
	return i < n ? names[i] : NULL;
}

void fg_bgp_error_name(uint8_t code, uint8_t subcode, char *out)
{
	const char *name = name_of(code_names, sizeof(code_names) / sizeof(*code_names), code), *more = NULL;

	if (code == FG_BGP_CEASE)
		more = name_of(cease_names, sizeof(cease_names) / sizeof(*cease_names), subcode);
	else if (code == FG_BGP_BAD_OPEN)
		more = name_of(open_names, sizeof(open_names) / sizeof(*open_names), subcode);
	if (name == NULL)
		snprintf(out, FG_DETAIL_MAX, "code %u subcode %u", code, subcode);
	else if (more != NULL)
		snprintf(out, FG_DETAIL_MAX, "%s: %s", name, more);
	else if (subcode != 0)
		snprintf(out, FG_DETAIL_MAX, "%s, subcode %u", name, subcode);
	else
		snprintf(out, FG_DETAIL_MAX, "%s", name);
}

static enum fg_bgp_framing broken(struct fg_bgp_error *e, uint8_t subcode, const uint8_t *data, size_t len,
				  const char *what, unsigned v)
{
	fg_bgp_error_set(e, FG_BGP_BAD_HEADER, subcode, what, v);
	for (size_t i = 0; i < len; i++)
		e->data[i] = data[i];
	e->data_len = len;
	return FG_BGP_BROKEN;
}

/* Shortest and longest of a type; extended messages are for all but OPEN and KEEPALIVE (RFC 8654 §4). */
static bool length_fits(uint8_t kind, size_t octets, bool extended)
{
	static const uint8_t least[] = { [FG_BGP_OPEN] = OPEN_MIN,
					 [FG_BGP_UPDATE] = UPDATE_MIN,
					 [FG_BGP_NOTIFICATION] = NOTIFICATION_MIN,
					 [FG_BGP_KEEPALIVE] = FG_BGP_HEADER,
					 [FG_BGP_REFRESH] = FG_BGP_HEADER };
	size_t most = kind == FG_BGP_KEEPALIVE           ? FG_BGP_HEADER
		      : kind == FG_BGP_OPEN || !extended ? FG_BGP_MESSAGE_MAX
							 : FG_BGP_EXTENDED_MAX;

	return octets >= least[kind] && octets <= most;
}

enum fg_bgp_framing fg_bgp_frame(const uint8_t *at, size_t len, bool extended, struct fg_bgp_message *m,
				 struct fg_bgp_error *e)
{
	size_t octets;

	for (size_t i = 0; i < len && i < MARKER; i++)
		if (at[i] != 0xff)
			return broken(e, FG_BGP_NOT_SYNCHRONIZED, NULL, 0, "octet %u of the marker is not 255",
				      (unsigned)i);
	if (len < FG_BGP_HEADER)
		return FG_BGP_MORE;
	octets = fg_load_be16(at + MARKER);
	if (at[18] < FG_BGP_OPEN || at[18] > FG_BGP_REFRESH)
		return broken(e, FG_BGP_BAD_TYPE, at + 18, 1, "a message of type %u", at[18]);
	if (!length_fits(at[18], octets, extended))
		return broken(e, FG_BGP_BAD_LENGTH, at + MARKER, 2, "a message of %u octets", (unsigned)octets);
	if (len < octets)
		return FG_BGP_MORE;
	*m = (struct fg_bgp_message){ at[18], at + FG_BGP_HEADER, octets - FG_BGP_HEADER, octets };
	return FG_BGP_WHOLE;
}

bool fg_bgp_notification_read(const struct fg_bgp_message *m, struct fg_bgp_error *e)
{
	if (m->body_len < 2)
		return false;
	fg_bgp_error_set(e, m->body[0], m->body[1], "%s", "");
	fg_bgp_error_name(e->code, e->subcode, e->detail);
	e->data_len = m->body_len - 2 < sizeof(e->data) ? m->body_len - 2 : sizeof(e->data);
	memcpy(e->data, m->body + 2, e->data_len);
	return true;
}

int fg_bgp_refresh_read(const struct fg_bgp_message *m, struct fg_bgp_refresh *out, struct fg_bgp_error *e)
{
	if (m->body_len != REFRESH_BODY) {
		fg_bgp_error_set(e, FG_BGP_BAD_REFRESH, 1, "a ROUTE-REFRESH of %zu octets", m->octets);
		e->data_len = m->octets < FG_BGP_ERROR_DATA_MAX ? m->octets : FG_BGP_ERROR_DATA_MAX;
		memcpy(e->data, m->body - FG_BGP_HEADER, e->data_len);
		return FG_MALFORMED;
	}
	*out = (struct fg_bgp_refresh){ fg_load_be16(m->body), m->body[3], m->body[2] };
	return 0;
}

void fg_bgp_header_write(uint8_t out[FG_BGP_HEADER], enum fg_bgp_kind kind, size_t octets)
{
	memset(out, 0xff, MARKER);
	fg_store_be16(out + MARKER, (uint16_t)octets);
	out[18] = (uint8_t)kind;
}

size_t fg_bgp_keepalive_write(uint8_t out[FG_BGP_HEADER])
{
	fg_bgp_header_write(out, FG_BGP_KEEPALIVE, FG_BGP_HEADER);
	return FG_BGP_HEADER;
}

size_t fg_bgp_notification_write(const struct fg_bgp_error *e, uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX])
{
	size_t octets = FG_BGP_HEADER + 2 + e->data_len;

	fg_bgp_header_write(out, FG_BGP_NOTIFICATION, octets);
	out[FG_BGP_HEADER] = e->code;
	out[FG_BGP_HEADER + 1] = e->subcode;
	memcpy(out + FG_BGP_HEADER + 2, e->data, e->data_len);
	return octets;
}

size_t fg_bgp_refresh_write(const struct fg_bgp_refresh *r, uint8_t out[FG_BGP_HEADER + 4])
{
	fg_bgp_header_write(out, FG_BGP_REFRESH, FG_BGP_HEADER + REFRESH_BODY);
	fg_store_be16(out + FG_BGP_HEADER, r->afi);
	out[FG_BGP_HEADER + 2] = r->subtype;
	out[FG_BGP_HEADER + 3] = r->safi;
	return FG_BGP_HEADER + REFRESH_BODY;
}
