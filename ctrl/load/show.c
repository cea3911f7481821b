/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a rule as JSON and hex. In: what was read or judged. Out: strings and objects of the caller. */
#include "ctrl/load/show.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/actions.h"

enum { LENGTH_AND_RD_OCTETS = 2 + 8 };

void fg_hex_write(char *out, const uint8_t *octets, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[octets[i] >> 4];
		out[2 * i + 1] = digits[octets[i] & 15];
	}
	out[2 * len] = '\0';
}

char *fg_show_octets(const struct fg_rule *rule)
{
	uint8_t octets[LENGTH_AND_RD_OCTETS + FG_NLRI_MAX];
	size_t len = fg_nlri_write(rule, octets, sizeof(octets));
	char *out = malloc(2 * len + 1);

	if (out != NULL)
		fg_hex_write(out, octets, len);
	return out;
}

char *fg_show_communities(const struct fg_actions *actions)
{
	uint8_t octets[FG_ACTIONS_OCTETS], octets6[FG_ACTIONS6_OCTETS];
	size_t len, len6, at = 0;
	char *out;

	fg_actions_write(actions, octets, &len, octets6, &len6);
	out = calloc(1, 2 * (len + len6) + len / FG_EXTCOMM_OCTETS + len6 / FG_EXTCOMM6_OCTETS + 1);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += FG_EXTCOMM_OCTETS, at += 2 * FG_EXTCOMM_OCTETS) {
		if (at > 0)
			out[at++] = ',';
		fg_hex_write(out + at, octets + i, FG_EXTCOMM_OCTETS);
	}
	for (size_t i = 0; i < len6; i += FG_EXTCOMM6_OCTETS, at += 2 * FG_EXTCOMM6_OCTETS) {
		if (at > 0)
			out[at++] = ',';
		fg_hex_write(out + at, octets6 + i, FG_EXTCOMM6_OCTETS);
	}
	return out;
}

/* "HEX,HEX" as an array. */
json_t *fg_show_communities_array(const struct fg_actions *actions)
{
	char *all = fg_show_communities(actions), *at = all;
	json_t *array = json_array();
	size_t len;

	for (; at != NULL && *at != '\0'; at += len + (at[len] == ',')) {
		len = strcspn(at, ",");
		json_array_append_new(array, json_stringn(at, len));
	}
	free(all);
	return array;
}

const char *fg_show_family(const struct fg_rule *rule)
{
	static const char *const names[] = { "ipv4", "ipv6", "ipv4-vpn", "ipv6-vpn" };

	return names[rule->family + (rule->vpn ? 2 : 0)];
}

json_t *fg_show_string(const char *text)
{
	json_t *s = json_string(text);
	char *copy;

	if (s != NULL)
		return s;
	copy = strdup(text);
	if (copy == NULL)
		return NULL;
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	s = json_string(copy);
	free(copy);
	return s;
}

json_t *fg_show_finding(const struct fg_finding *f)
{
	static const char *const resources[FG_RES_COUNT] = {
		[FG_RES_NONE] = "none",   [FG_RES_BYTES] = "bytes",         [FG_RES_LINES] = "lines",
		[FG_RES_SLOTS] = "slots", [FG_RES_CONTINUES] = "continues", [FG_RES_PATTERNS] = "patterns",
	};
	json_t *o = json_pack("{s:s,s:s?,s:o,s:s}", "code", fg_reason_name(f->code), "component",
			      f->component ? fg_component_name(f->component) : NULL, "detail",
			      fg_show_string(f->detail), "source", f->source);

	if (f->code == FG_MALFORMED)
		json_object_set_new(o, "octet", json_integer(f->octet));
	if (f->code == FG_OVER_BUDGET) {
		json_object_set_new(o, "resource", json_string(resources[f->resource]));
		json_object_set_new(o, "needed", json_integer((json_int_t)f->needed));
		json_object_set_new(o, "available", json_integer((json_int_t)f->available));
		json_object_set_new(o, "cheapest_fix", json_string(f->cheapest_fix));
	}
	return o;
}

bool fg_show_pattern(char *text, size_t room, const char *pattern, size_t octets)
{
	static const char word[] = " payload \"";
	char *then = strstr(text, " then ");
	size_t word_len = sizeof(word) - 1, more = word_len + octets + 1;

	if (octets == 0)
		return true;
	if (then == NULL || strlen(text) + more >= room)
		return false;
	memmove(then + more, then, strlen(then) + 1);
	memcpy(then, word, word_len);
	memcpy(then + word_len, pattern, octets);
	then[more - 1] = '"';
	return true;
}
