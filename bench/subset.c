/* SPDX-License-Identifier: BSD-3-Clause */
/* Named subsets of the scenarios (harness.h), and how their words become a list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"

static const char counts_all[] = "0 10 100 1000 10000 50000 100000 1000000";

const struct bench_subset bench_subsets[] = {
	{ "quick", "every shape with 1000 rules, three traffics, five rounds", NULL, "1000", "far hot uniform",
	  "match xdp", 5 },
	{ "counts", "mixed rules, 0 to a million, all traffics, matchers and rte_acl", "mixed", counts_all, NULL,
	  "match", 0 },
	{ "shapes", "every shape with 10000 rules, all traffics", NULL, "10000", NULL, "match", 0 },
	{ "xdp", "every shape with 1000 and 50000 rules, in the kernel", NULL, "1000 50000",
	  "far near hot hot-miss uniform beside", "xdp", 0 },
	{ "sources", "source prefixes on one victim and on none", "sources nodst", "1000 100000", "far hot uniform",
	  "match xdp", 0 },
	{ "hot512", "512 rules on one victim", "ranges every", "512 50000", "far hot hot-miss uniform worst",
	  "match xdp", 0 },
	{ "ipv6", "rules of IPv6", "ipv6", "0 1000 50000", "far near hot uniform", "match xdp", 0 },
	{ "change", "one rule out or in, of 50000", "mixed ranges carpet", "50000", "uniform", "change", 0 },
	{ "churn", "packets while a table of 10000 rules changes 0, 1000, 10000 times a second",
	  "mixed amplification sources", "10000", "near hot hot-miss uniform", "churn", 0 },
	{ "veth", "beside nftables and iptables with ipset: live frames over a cable",
	  "sources flags amplification carpet", "100 10000", "far hot uniform", "veth", 0 },
	{ "dpdk", "packets received, judged and sent, beside rte_acl in a loop, testpmd, and the same from net_pcap",
	  "mixed", "0 1000 10000 50000 1000000", "far hot uniform worst", "dpdk", 0 },
	{ 0 },
};

/* True where `word` is one of the words in `words`, or there are none. */
static bool among(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; at != NULL && (at = strstr(at, word)) != NULL; at++)
		if ((at == words || at[-1] == ' ' || at[-1] == ',') &&
		    (at[len] == '\0' || at[len] == ' ' || at[len] == ','))
			return true;
	return words == NULL;
}

/* Each of the words must be one that there is. */
static bool known(const char *what, const char *words, bool (*is)(const char *word))
{
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", words != NULL ? words : "");
	while ((word = strsep(&rest, " ,")) != NULL)
		if (*word != '\0' && !is(word)) {
			fprintf(stderr, "flowgate-bench: there is no %s '%s'\n", what, word);
			return false;
		}
	return true;
}

static bool is_shape(const char *word)
{
	return bench_shape_find(word) != NULL;
}

static bool is_count(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	return *word >= '0' && *word <= '9' && *end == '\0' && n <= BENCH_RULES_MAX;
}

static bool is_kind(const char *word)
{
	for (int k = 0; k < BENCH_KINDS_ALL; k++)
		if (strcmp(word, bench_kind_names[k]) == 0)
			return true;
	return false;
}

static bool is_plane(const char *word)
{
	for (int p = 0; p < BENCH_PLANES; p++)
		if (strcmp(word, bench_plane_names[p]) == 0)
			return true;
	return false;
}

struct listing {
	const struct bench_subset *subset;
	struct bench_scenario *at;
	size_t n, room;
};

static void add(struct listing *l, struct bench_scenario s)
{
	if (l->n == l->room) {
		l->room = 2 * l->room + 64;
		l->at = realloc(l->at, l->room * sizeof(*l->at));
		if (l->at == NULL)
			bench_fail("no memory");
	}
	l->at[l->n++] = s;
}

static void add_kinds(struct listing *l, struct bench_scenario s)
{
	for (int plane = 0; plane < BENCH_PLANES; plane++)
		for (int kind = 0; kind < BENCH_KINDS_ALL; kind++) {
			if (!among(l->subset->planes, bench_plane_names[plane]) ||
			    !among(l->subset->kinds, bench_kind_names[kind]))
				continue;
			s.plane = (enum bench_plane)plane;
			s.kind = (enum bench_kind)kind;
			add(l, s);
		}
}

static void add_counts(struct listing *l, const struct bench_shape *shape)
{
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", l->subset->counts != NULL ? l->subset->counts : counts_all);
	while ((word = strsep(&rest, " ,")) != NULL)
		if (*word != '\0')
			add_kinds(l, (struct bench_scenario){ .shape = shape, .count = strtoul(word, NULL, 10) });
}

bool bench_subset_list(const struct bench_subset *subset, struct bench_scenario **list, size_t *n)
{
	struct listing l = { .subset = subset };

	if (!known("shape", subset->shapes, is_shape) || !known("count up to a million", subset->counts, is_count) ||
	    !known("traffic", subset->kinds, is_kind) || !known("plane", subset->planes, is_plane))
		return false;
	for (const struct bench_shape *s = bench_shapes; s->name != NULL; s++)
		if (among(subset->shapes, s->name))
			add_counts(&l, s);
	*list = l.at;
	*n = l.n;
	return true;
}
