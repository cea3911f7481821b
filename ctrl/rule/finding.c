/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Findings: the sentences of every judgement, and the names they use.
 *
 * In: a reason, a component, a clause, a sentence. Out: one more finding in the caller's list (errors.h). Users: lint.c, admission.
 * Always holds: a refusal is in the list unless it is full of refusals; codes and component names are those of the JSON
 * and of the rule language.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/rule/lint.h"

static const char *const reason_names[FG_REASON_COUNT] = {
	[FG_OK] = "ok",
	[FG_MALFORMED] = "malformed",
	[FG_NEVER_MATCHES] = "never-matches",
	[FG_PART_NEVER_MATCHES] = "part-never-matches",
	[FG_DUPLICATE] = "duplicate",
	[FG_SHADOWED] = "shadowed",
	[FG_OVER_BUDGET] = "over-budget",
	[FG_INSIDE_PROTECTED] = "inside-protected",
	[FG_YIELDS_TO_PROTECTED] = "yields-to-protected",
	[FG_TOO_BROAD] = "too-broad",
	[FG_OUTSIDE_SCOPE] = "outside-scope",
	[FG_UNSUPPORTED] = "unsupported",
	[FG_QUARANTINED] = "quarantined",
	[FG_TWO_VALUES] = "two-values",
	[FG_VALUE_CLAMPED] = "value-clamped",
	[FG_ALWAYS_MATCHES] = "always-matches",
};

static const char *const component_names[FG_COMPONENT_MAX + 1] = {
	"",
	[FG_DST] = "destination",
	[FG_SRC] = "source",
	[FG_PROTO] = "protocol",
	[FG_PORT] = "port",
	[FG_DPORT] = "destination-port",
	[FG_SPORT] = "source-port",
	[FG_ICMP_TYPE] = "icmp-type",
	[FG_ICMP_CODE] = "icmp-code",
	[FG_TCP_FLAGS] = "tcp-flags",
	[FG_LENGTH] = "packet-length",
	[FG_DSCP] = "dscp",
	[FG_FRAGMENT] = "fragment",
	[FG_FLOW_LABEL] = "flow-label",
};

const char *fg_reason_name(enum fg_reason code)
{
	return (unsigned int)code < FG_REASON_COUNT ? reason_names[code] : "";
}

const char *fg_component_name(uint8_t type)
{
	return type <= FG_COMPONENT_MAX ? component_names[type] : "";
}

/* Where the next finding goes, NULL if it has to be left out. A refusal takes the place of the last warning. */
static struct fg_finding *place_for(struct fg_findings *out, enum fg_reason code)
{
	size_t last = out->count;

	if (out->count < FG_FINDINGS_MAX)
		return &out->at[out->count++];
	if (fg_reason_is_warning(code))
		return NULL;
	while (last > 0 && !fg_reason_is_warning(out->at[last - 1].code))
		last--;
	if (last == 0)
		return NULL;
	memmove(&out->at[last - 1], &out->at[last], (out->count - last) * sizeof(out->at[0]));
	return &out->at[out->count - 1];
}

struct fg_finding *fg_finding_add(struct fg_findings *out, enum fg_reason code, uint8_t component, const char *source,
				  const char *fmt, ...)
{
	struct fg_finding *f = place_for(out, code);
	va_list args;

	if (f == NULL)
		return NULL;
	memset(f, 0, sizeof(*f));
	f->code = code;
	f->component = component;
	snprintf(f->source, sizeof(f->source), "%s", source);
	va_start(args, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, args);
	va_end(args);
	return f;
}
