/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arguments for DPDK (eal.h). Memory: large pages without files, so that a process that is killed leaves none behind; where there are not
 * enough of them, ordinary memory, and it says so. No device of the machine is looked at but those that were named.
 */
#include "dataplane/eal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

enum {
	ARGUMENTS_MAX = 2 * FG_PORTS_MAX + FG_OPTIONS_EAL_MAX + 32,
	TEXT_MAX = 64 + FG_WORKERS_MAX * 16,
	MBUF_OCTETS = RTE_MBUF_DEFAULT_BUF_SIZE + 256, /* with its head and what the pool adds */
	BASE_MB = 96,                                  /* for all else: rings, devices, workers */
};

struct arguments {
	char *at[ARGUMENTS_MAX + 1];   /* which DPDK changes */
	char *made[ARGUMENTS_MAX + 1]; /* the same, as they were */
	int n;
};

static void add(struct arguments *a, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL || a->n == ARGUMENTS_MAX) {
		free(copy);
		return;
	}
	a->made[a->n] = copy;
	a->at[a->n++] = copy;
}

static void add_two(struct arguments *a, const char *option, const char *value)
{
	add(a, option);
	add(a, value);
}

uint32_t fg_eal_mbufs(const struct fg_options *o)
{
	uint32_t queues = o->ports * o->cpus;

	if (o->mbufs != 0)
		return o->mbufs;
	return queues * (FG_RX_DESCRIPTORS + FG_TX_DESCRIPTORS) +
	       o->cpus * (FG_MBUF_CACHE * 3 / 2 + FG_BURST * (o->ports + 4u)) + FG_BURST;
}

static uint64_t needed_mb(const struct fg_options *o)
{
	return BASE_MB + (((uint64_t)fg_eal_mbufs(o) * MBUF_OCTETS) >> 20);
}

/* ---- Large pages ---- */

static uint64_t read_number(const char *folder, const char *file)
{
	char path[512];
	unsigned long long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%.200s/%s", folder, file);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &n) != 1)
		n = 0;
	if (f != NULL)
		fclose(f);
	return n;
}

static uint64_t free_huge_mb(void)
{
	DIR *d = opendir("/sys/kernel/mm/hugepages");
	struct dirent *entry;
	uint64_t kb = 0;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		unsigned long long page_kb;

		if (sscanf(entry->d_name, "hugepages-%llukB", &page_kb) == 1)
			kb += page_kb * read_number(entry->d_name, "free_hugepages");
	}
	if (d != NULL)
		closedir(d);
	return kb >> 10;
}

/* ---- What is said to DPDK ---- */

/* An argument of the operator's that begins like this. */
static bool was_said(const struct fg_options *o, const char *option)
{
	for (int i = 0; i < o->eals; i++)
		if (strncmp(o->eal[i], option, strlen(option)) == 0)
			return true;
	return false;
}

static void add_memory(struct arguments *a, const struct fg_options *o)
{
	uint64_t needed = needed_mb(o), free = free_huge_mb();
	bool ordinary = was_said(o, "--no-huge");
	char text[32];

	if (was_said(o, "--huge-dir") || was_said(o, "--in-memory") || was_said(o, "--huge-unlink"))
		return;
	if (!ordinary && free >= needed) {
		add(a, "--in-memory");
		return;
	}
	if (!ordinary) {
		fprintf(stderr, "flowgate-dpdk: %llu MiB of large pages are free and %llu are needed: %s\n",
			(unsigned long long)free, (unsigned long long)needed, "working on ordinary memory");
		add(a, "--no-huge");
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)needed);
	if (!was_said(o, "--no-shconf"))
		add(a, "--no-shconf");
	if (!was_said(o, "-m"))
		add_two(a, "-m", text);
}

/* One name a folder and instance: two of these go side by side, and a successor finds no more than its predecessor's. */
static void add_name(struct arguments *a, const struct fg_options *o, int instance)
{
	uint32_t hash = 2166136261u;
	char text[48];

	for (const char *p = o->folder; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	snprintf(text, sizeof(text), "flowgate-%08x-%d", hash, instance);
	if (!was_said(o, "--file-prefix"))
		add_two(a, "--file-prefix", text);
}

static void add_lcores(struct arguments *a, const struct fg_options *o)
{
	char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text), "0@%d", o->main_cpu);

	for (uint32_t i = 0; i < o->cpus; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",%u@%u", i + 1, o->cpu[i]);
	add_two(a, "--lcores", text);
	add_two(a, "--main-lcore", "0");
}

static void add_devices(struct arguments *a, const struct fg_options *o)
{
	bool pci = false;

	for (uint8_t i = 0; i < o->ports; i++) {
		bool is_pci = fg_device_is_pci(o->port[i].device);

		add_two(a, is_pci ? "--allow" : "--vdev", o->port[i].device);
		pci |= is_pci;
	}
	if (!pci && !was_said(o, "--no-pci"))
		add(a, "--no-pci");
}

/* What --force-max-simd-bitwidth=N says, or the most there is. DPDK's own default would be less than our widest form. */
static unsigned long bits_allowed(const struct fg_options *o)
{
	static const char option[] = "--force-max-simd-bitwidth=";

	for (int i = 0; i < o->eals; i++)
		if (strncmp(o->eal[i], option, strlen(option)) == 0)
			return strtoul(o->eal[i] + strlen(option), NULL, 10);
	return ULONG_MAX;
}

enum fg_burst_form fg_eal_form(const struct fg_options *o)
{
	enum fg_burst_form form = fg_burst_best();
	unsigned long bits = bits_allowed(o);

	if (form == FG_BURST_AVX512 && bits < 512)
		form = FG_BURST_AVX2; /* which every such processor has */
	return form == FG_BURST_AVX2 && bits < 256 ? FG_BURST_SCALAR : form;
}

int fg_eal_start(const struct fg_options *o, int instance, char error[FG_OPTIONS_ERROR_MAX])
{
	static struct arguments a; /* DPDK may keep what it was given, as long as the process lives */

	a.n = 0;
	add(&a, FG_SHARE_COMM);
	add_lcores(&a, o);
	add_name(&a, o, instance);
	add_memory(&a, o);
	add_devices(&a, o);
	for (int i = 0; i < o->eals; i++)
		add(&a, o->eal[i]);
	if (rte_eal_init(a.n, a.at) >= 0)
		return 0;
	snprintf(error, FG_OPTIONS_ERROR_MAX, "DPDK does not start: %s", rte_strerror(rte_errno));
	return -rte_errno;
}
