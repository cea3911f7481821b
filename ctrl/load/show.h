/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a rule is made of, as JSON and hex: shared by the command, offline, and the daemon. The shapes are a contract with
 * other programs; keys may be added, not changed. NULL: no memory.
 */
#ifndef CTRL_LOAD_SHOW_H
#define CTRL_LOAD_SHOW_H

#include <jansson.h>

#include "ctrl/load/load.h"

/* Writes 2 * len digits and a NUL. */
void fg_hex_write(char *out, const uint8_t *octets, size_t len);
/* NLRI in hex, with length octets and RD; "HEX,HEX" of communities. To be freed. */
char *fg_show_octets(const struct fg_rule *rule);
char *fg_show_communities(const struct fg_actions *actions);
/* Communities as an array of hex. */
json_t *fg_show_communities_array(const struct fg_actions *actions);
/* "ipv4", "ipv6-vpn" and so on. */
const char *fg_show_family(const struct fg_rule *rule);
/* A string of any octets: what is no UTF-8 is shown as '?'. */
json_t *fg_show_string(const char *text);
/* Puts a payload pattern, which no NLRI can say, behind the other conditions of a rule in words. False: no room. */
bool fg_show_pattern(char *text, size_t room, const char *pattern, size_t octets);
/* A reason: code, component, detail, source, and what its code asks for. */
json_t *fg_show_finding(const struct fg_finding *f);

#endif
