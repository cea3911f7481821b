/* SPDX-License-Identifier: BSD-3-Clause */
/* What `flowgate doctor` looks at, and what it says of it. */
#ifndef CTRL_CLI_DOCTOR_H
#define CTRL_CLI_DOCTOR_H

#include <stdarg.h>

#include "ctrl/cli/cli.h"

enum fg_doctor_level {
	FG_DOCTOR_OK = 0,
	FG_DOCTOR_ADVICE, /* it works, and would be faster or safer otherwise */
	FG_DOCTOR_MEND,   /* it does not work like this */
};

enum { FG_DOCTOR_TEXT_MAX = 256 };

struct fg_doctor {
	const struct fg_cli *cli;
	struct libscols_table *table;
	size_t mend, advice;
	int failed; /* an enum fg_exit of what could not be said */
};

/*
 * One finding: of what ("kernel", "eth0"), what was looked at, what there is, and the command that mends it, in
 * printf's manner; NULL: nothing needs to.
 */
__attribute__((format(printf, 6, 7))) void fg_doctor_say(struct fg_doctor *d, enum fg_doctor_level level,
							 const char *where, const char *what, const char *is,
							 const char *fix, ...);

/* doctor_kernel.c: kernel, BPF, memory, processors. */
void fg_doctor_kernel(struct fg_doctor *d);
/* doctor_dpdk.c: what flowgate-dpdk alone wants. */
void fg_doctor_dpdk(struct fg_doctor *d);
/* doctor_port.c: one interface. FG_EXIT_NOT_FOUND: there is none of that name, and that was said. */
int fg_doctor_port(struct fg_doctor *d, const char *name);
/* It is up and not loopback. */
bool fg_doctor_port_is_used(const char *name);

/* The first line of a file, "" where it cannot be read. Returns out. */
const char *fg_doctor_line(const char *path, char out[FG_DOCTOR_TEXT_MAX]);

/* netdev.c: what the driver of an interface can do with XDP, of enum fg_netdev_feature; -errno: the kernel does not say. */
enum fg_netdev_feature {
	FG_NETDEV_BASIC = 1 << 0,    /* XDP in the driver: native mode */
	FG_NETDEV_REDIRECT = 1 << 1, /* from it */
	FG_NETDEV_NDO_XMIT = 1 << 2, /* to it */
	FG_NETDEV_RX_SG = 1 << 5,    /* frames in several pieces */
};

int fg_netdev_features(unsigned int ifindex, uint64_t *features);

#endif
