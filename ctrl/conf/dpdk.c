/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DPDK dataplane: its devices, cores and memory. In: settings. Out: struct fg_conf. A daemon has one dataplane, so that a worker of one
 * that hangs never holds up another: with this block all ports are devices of flowgate-dpdk and stand in pairs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/conf/words.h"
#include "ctrl/text/value.h"

enum { CORE_MAX = 1023, MBUFS_MIN = 1024, MBUFS_MAX = 1 << 24, BEHIND_MAX = 1 << 20 };

int fg_conf_dpdk(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	if (r->conf->dpdk.used)
		return fg_conf_refuse(r, s, 0, "one block 'dpdk'");
	r->conf->dpdk.used = r->conf->policy.dpdk = true;
	r->dpdk = s->word[0];
	return 0;
}

int fg_conf_dpdk_port(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;

	if (c->dpdk.ports == FG_PORTS_MAX)
		return fg_conf_refuse(r, s, 1, "at most 32 ports");
	for (uint32_t i = 0; i < c->dpdk.ports; i++)
		if (strcmp(c->dpdk.port[i].name, s->word[1].text) == 0)
			return fg_conf_refuse(r, s, 1, "each port once");
	if (strpbrk(s->word[1].text, "=,") != NULL)
		return fg_conf_refuse(r, s, 1, "a name without '=' and ','");
	if (fg_conf_copy(r, s, 1, c->dpdk.port[c->dpdk.ports].name, sizeof(c->dpdk.port[0].name)) != 0 ||
	    fg_conf_copy(r, s, 2, c->dpdk.port[c->dpdk.ports].device, sizeof(c->dpdk.port[0].device)) != 0)
		return FG_MALFORMED;
	r->device[c->dpdk.ports++] = s->word[1];
	return 0;
}

/* ---- Cores ---- */

struct cores {
	uint8_t used[CORE_MAX + 1];
	uint32_t count;
};

static const char *take_number(const char *at, unsigned long *v)
{
	char *end;

	*v = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : CORE_MAX + 1ul;
	return *v <= CORE_MAX ? end : NULL;
}

/* "3" or "1-3", each core once. Behind it; NULL: it is neither. */
static const char *take_range(struct cores *cores, const char *at)
{
	unsigned long from, to;

	at = take_number(at, &from);
	to = from;
	if (at != NULL && *at == '-')
		at = take_number(at + 1, &to);
	if (at == NULL || to < from)
		return NULL;
	for (unsigned long i = from; i <= to; i++) {
		if (cores->used[i])
			return NULL;
		cores->used[i] = 1;
		cores->count++;
	}
	return at;
}

static bool take_cores(struct cores *cores, const char *text)
{
	for (;;) {
		text = take_range(cores, text);
		if (text == NULL || *text == '\0')
			return text != NULL;
		if (*text++ != ',')
			return false;
	}
}

/* `cores 1-3 5` and `cores "1-3,5"` are the same. */
int fg_conf_dpdk_cores(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;
	struct cores cores = { .count = 0 };
	size_t len = 0;

	for (size_t i = 1; i < s->words; i++) {
		if (!take_cores(&cores, s->word[i].text))
			return fg_conf_refuse(r, s, i, "cores such as 1-3 or 5, each once, of 0 to 1023");
		if (len + strlen(s->word[i].text) + 2 > sizeof(c->dpdk.cores))
			return fg_conf_refuse(r, s, i, "at most 127 octets");
		len += (size_t)snprintf(c->dpdk.cores + len, sizeof(c->dpdk.cores) - len, "%s%s", len > 0 ? "," : "",
					s->word[i].text);
	}
	if (cores.count > FG_CONF_WORKERS_MAX / 2)
		return fg_conf_refuse(r, s, 1, "at most 32 cores");
	/* A successor takes its slots while its predecessor still has its own. */
	c->dpdk.workers = 2 * cores.count;
	return 0;
}

/* ---- The rest ---- */

int fg_conf_dpdk_eal(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;

	for (size_t i = 1; i < s->words; i++) {
		if (c->dpdk.eals == FG_CONF_EAL_MAX)
			return fg_conf_refuse(r, s, i, "at most 16 arguments");
		if (fg_conf_copy(r, s, i, c->dpdk.eal[c->dpdk.eals], sizeof(c->dpdk.eal[0])) != 0)
			return FG_MALFORMED;
		c->dpdk.eals++;
	}
	return 0;
}

static int take_memory(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	if (s->word[1].text[0] != '/')
		return fg_conf_refuse(r, s, 1, "a path that begins with '/'");
	return fg_conf_copy(r, s, 1, r->conf->dpdk.memory, sizeof(r->conf->dpdk.memory));
}

int fg_conf_dpdk_word(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const char *word = s->word[0].text;
	struct fg_conf *c = r->conf;
	uint64_t v = 0;
	int result;
	bool on;

	if (strcmp(word, "memory") == 0)
		return take_memory(r, s);
	if (strcmp(word, "run") == 0) {
		result = fg_conf_choose(r, s, "off", "on", &on);
		c->dpdk.run = result == 0 ? on : c->dpdk.run;
		return result;
	}
	if (strcmp(word, "mbufs") == 0) {
		result = fg_conf_number(r, s, MBUFS_MIN, MBUFS_MAX, "1k to 16M packet buffers", &v);
		c->dpdk.mbufs = result == 0 ? (uint32_t)v : c->dpdk.mbufs;
		return result;
	}
	if (strcmp(word, "patterns") == 0) {
		result = fg_conf_number(r, s, 0, FG_PATTERN_ROOM_OCTETS, "0 to 64M octets", &v);
		c->dpdk.patterns = result == 0 ? (uint32_t)v & ~(uint32_t)(FG_LINE_OCTETS - 1) : c->dpdk.patterns;
		return result;
	}
	if (strcmp(word, "behind") == 0) {
		result = fg_conf_number(r, s, 0, BEHIND_MAX, "0 to 1M bursts", &v);
		c->policy.behind_bursts = result == 0 ? (uint32_t)v : c->policy.behind_bursts;
		return result;
	}
	result = fg_conf_number(r, s, 0, CORE_MAX, "a core of 0 to 1023", &v);
	c->dpdk.main_core = result == 0 ? (uint32_t)v : c->dpdk.main_core;
	return result;
}

/* ---- The whole ---- */

static int refuse(const struct fg_conf_reading *r, const struct fg_text_word *word, const char *expected)
{
	return fg_text_refuse(r->error, r->file, word, expected);
}

static bool has_device(const struct fg_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->dpdk.ports; i++)
		if (strcmp(c->dpdk.port[i].name, name) == 0)
			return true;
	return false;
}

static bool is_paired(const struct fg_policy *p, const char *name)
{
	for (uint32_t i = 0; i < p->ports; i++)
		if (strcmp(p->port[i].name, name) == 0)
			return true;
	return false;
}

static int check_ports(const struct fg_conf_reading *r)
{
	const struct fg_conf *c = r->conf;

	if (r->interface.line != 0)
		return refuse(r, &r->interface,
			      "no 'interface': with a block 'dpdk' packets never go to the host, and ports stand in "
			      "'port-pair'; a box that wants both runs two daemons");
	for (uint32_t i = 0; i < c->policy.ports; i++) {
		if (!has_device(c, c->policy.port[i].name))
			return refuse(r, &r->pair[i], "the name of a 'port' of 'dpdk'");
		if (c->policy.port[i].mode != FG_XDP_AUTO)
			return refuse(r, &r->pair[i], "no 'mode': a device of DPDK has none");
	}
	for (uint32_t i = 0; i < c->dpdk.ports; i++)
		if (!is_paired(&c->policy, c->dpdk.port[i].name))
			return refuse(r, &r->device[i], "a port that stands in a 'port-pair'");
	return 0;
}

/* Nobody is asked for a neighbour's address: it is written down. */
static int check_targets(const struct fg_conf_reading *r)
{
	const struct fg_policy *p = &r->conf->policy;

	for (uint32_t i = 0; i < p->targets; i++) {
		const struct fg_target_config *t = &p->target[i];

		if (!p->dpdk && t->has_mac)
			return refuse(r, &r->redirect[i], "no 'mac': only a block 'dpdk' makes use of it");
		if (p->dpdk && !has_device(r->conf, t->interface))
			return refuse(r, &r->redirect[i], "an 'interface' that is a 'port' of 'dpdk'");
		if (p->dpdk && !t->has_mac)
			return refuse(r, &r->redirect[i], "the 'mac' of the next hop, for DPDK asks no one for it");
	}
	return 0;
}

int fg_conf_dpdk_check(struct fg_conf_reading *r)
{
	int result = 0;

	if (r->conf->dpdk.used && r->conf->dpdk.cores[0] == '\0')
		return refuse(r, &r->dpdk, "'cores' in it");
	if (r->conf->dpdk.used)
		result = check_ports(r);
	return result == 0 ? check_targets(r) : result;
}
