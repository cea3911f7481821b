/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line (options.h): ours up to `--`, DPDK's behind it. */
#include "dataplane/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char fg_options_help[] =
	"Usage: flowgate-dpdk --share FOLDER --port NAME=DEVICE... [OPTION]... [-- EAL-ARGUMENT...]\n"
	"The DPDK dataplane of Flowgate: forwards between pairs of ports and enforces what flowgated publishes.\n\n"
	"  --share FOLDER      memory that flowgated made\n"
	"  --port NAME=DEVICE  a port of the configuration, and its device: a PCI address, or a vdev\n"
	"                      such as net_af_packet0,iface=eth1\n"
	"  --lcores LIST       CPUs that work, such as 2,4-7 (default: all but the first)\n"
	"  --main-core N       CPU of the thread that watches (default: the first)\n"
	"  --mbufs N           packet buffers (default: what ports and workers take)\n"
	"  --version\n"
	"  --help\n";

enum { OPTION_SHARE = 256, OPTION_PORT, OPTION_LCORES, OPTION_MAIN, OPTION_MBUFS, OPTION_VERSION, OPTION_HELP };

static const struct option table[] = {
	{ "share", required_argument, NULL, OPTION_SHARE },   { "port", required_argument, NULL, OPTION_PORT },
	{ "lcores", required_argument, NULL, OPTION_LCORES }, { "main-core", required_argument, NULL, OPTION_MAIN },
	{ "mbufs", required_argument, NULL, OPTION_MBUFS },   { "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },           { NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 2, 3))) static int wrong(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, FG_OPTIONS_ERROR_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* A number from `*at` on, which then is behind it. */
static bool read_number(const char **at, unsigned long most, unsigned long *n)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*n = strtoul(*at, &end, 10);
	*at = end;
	return errno == 0 && *n <= most;
}

static bool is_number(const char *text, unsigned long least, unsigned long most, unsigned long *n)
{
	return read_number(&text, most, n) && *text == '\0' && *n >= least;
}

/* ---- Ports ---- */

bool fg_device_is_pci(const char *device)
{
	unsigned domain, bus, slot, function;
	int used = 0;

	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &used) == 4 ||
	    sscanf(device, "%2x:%2x.%1x%n", &bus, &slot, &function, &used) == 3)
		return device[used] == '\0' || device[used] == ',';
	return false;
}

void fg_device_name(const char *device, char name[FG_DEVICE_TEXT_MAX])
{
	snprintf(name, FG_DEVICE_TEXT_MAX, "%.*s", (int)strcspn(device, ","), device);
}

/* No two ports of one name, and no device twice. */
static const struct fg_port_option *find_like(const struct fg_options *o, const struct fg_port_option *p)
{
	char name[FG_DEVICE_TEXT_MAX], other[FG_DEVICE_TEXT_MAX];

	fg_device_name(p->device, name);
	for (uint8_t i = 0; i < o->ports; i++) {
		fg_device_name(o->port[i].device, other);
		if (strcmp(o->port[i].name, p->name) == 0 || strcmp(name, other) == 0)
			return &o->port[i];
	}
	return NULL;
}

static int read_port(struct fg_options *o, const char *text, char *error)
{
	const char *equals = strchr(text, '=');
	size_t name = equals != NULL ? (size_t)(equals - text) : 0;
	struct fg_port_option p = { 0 };

	if (name == 0 || name >= sizeof(p.name) || equals[1] == '\0' || strlen(equals + 1) >= sizeof(p.device))
		return wrong(error, "--port %.300s: expected NAME=DEVICE, the name of at most %d octets", text,
			     FG_DEVICE_NAME_OCTETS - 1);
	if (o->ports == FG_PORTS_MAX)
		return wrong(error, "--port %.300s: more than %d ports", text, FG_PORTS_MAX);
	memcpy(p.name, text, name);
	strcpy(p.device, equals + 1);
	if (find_like(o, &p) != NULL)
		return wrong(error, "--port %.300s: this name or device was given before", text);
	o->port[o->ports++] = p;
	return 0;
}

/* ---- CPUs ---- */

static bool add_cpu(struct fg_options *o, unsigned long cpu)
{
	for (uint32_t i = 0; i < o->cpus; i++)
		if (o->cpu[i] == cpu)
			return false;
	if (o->cpus == FG_WORKERS_MAX)
		return false;
	o->cpu[o->cpus++] = (uint16_t)cpu;
	return true;
}

/* "2,4-7". False: it is no such list, or names one twice, or too many. */
static bool read_cpus(struct fg_options *o, const char *at)
{
	unsigned long first, last;

	do {
		if (!read_number(&at, FG_CPU_MAX - 1, &first))
			return false;
		last = first;
		if (*at == '-' && (++at, !read_number(&at, FG_CPU_MAX - 1, &last)))
			return false;
		if (last < first)
			return false;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			if (!add_cpu(o, cpu))
				return false;
	} while (*at++ == ',');
	return at[-1] == '\0';
}

void fg_options_default_cpus(struct fg_options *o)
{
	bool asked = o->cpus != 0;
	cpu_set_t may;

	CPU_ZERO(&may);
	sched_getaffinity(0, sizeof(may), &may);
	for (size_t cpu = 0; cpu < FG_CPU_MAX; cpu++) {
		if (!CPU_ISSET(cpu, &may))
			continue;
		if (o->main_cpu < 0)
			o->main_cpu = (int)cpu;
		if (!asked && (int)cpu != o->main_cpu && o->cpus < FG_WORKERS_MAX)
			add_cpu(o, cpu);
	}
	if (o->cpus == 0)
		add_cpu(o, (unsigned long)o->main_cpu);
}

/* ---- The whole ---- */

static int read_option(struct fg_options *o, int option, const char *value, char *error)
{
	unsigned long n;

	switch (option) {
	case OPTION_SHARE:
		o->folder = value;
		return 0;
	case OPTION_PORT:
		return read_port(o, value, error);
	case OPTION_LCORES:
		o->cpus = 0;
		return read_cpus(o, value) ? 0 : wrong(error, "--lcores %.300s: expected CPUs such as 2,4-7", value);
	case OPTION_MAIN:
		if (!is_number(value, 0, FG_CPU_MAX - 1, &n))
			return wrong(error, "--main-core %.300s: expected the number of a CPU", value);
		o->main_cpu = (int)n;
		return 0;
	case OPTION_MBUFS:
		if (!is_number(value, FG_MBUFS_MIN, FG_MBUFS_MAX, &n))
			return wrong(error, "--mbufs %.300s: expected %d to %d", value, FG_MBUFS_MIN, FG_MBUFS_MAX);
		o->mbufs = (uint32_t)n;
		return 0;
	default:
		o->version |= option == OPTION_VERSION;
		o->help |= option == OPTION_HELP;
		return 0;
	}
}

static int check(const struct fg_options *o, char *error)
{
	if (o->help || o->version)
		return 0;
	if (o->folder == NULL || o->ports == 0)
		return wrong(error, "expected --share and at least one --port");
	if (strlen(o->folder) > 200)
		return wrong(error, "--share: the name is too long");
	if (o->eals > FG_OPTIONS_EAL_MAX)
		return wrong(error, "more than %d arguments for DPDK", FG_OPTIONS_EAL_MAX);
	return 0;
}

int fg_options_read(struct fg_options *o, int argc, char **argv, char error[FG_OPTIONS_ERROR_MAX])
{
	int option, r = 0;

	*o = (struct fg_options){ .main_cpu = -1 };
	opterr = 0;
	optind = 0;
	while (r == 0 && (option = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		if (option == '?' || option == ':')
			return wrong(error, "%.300s: %s", argv[optind - 1],
				     option == ':' ? "a value is missing" : "no such option");
		r = read_option(o, option, optarg, error);
	}
	if (r != 0)
		return r;
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
		return wrong(error, "%.300s: what is for DPDK goes behind --", argv[optind]);
	o->eal = (const char *const *)argv + optind;
	o->eals = argc - optind;
	return check(o, error);
}
