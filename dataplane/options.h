/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of flowgate-dpdk. */
#ifndef DATAPLANE_OPTIONS_H
#define DATAPLANE_OPTIONS_H

#include <stdbool.h>

#include "flowgate/share.h"

enum {
	FG_DEVICE_TEXT_MAX = 256,
	FG_OPTIONS_ERROR_MAX = 512,
	FG_OPTIONS_EAL_MAX = 64,
	FG_CPU_MAX = 1024,
	FG_MBUFS_MIN = 64,
	FG_MBUFS_MAX = 1 << 24,
};

struct fg_port_option {
	char name[FG_DEVICE_NAME_OCTETS];
	char device[FG_DEVICE_TEXT_MAX]; /* PCI address, or a vdev with its arguments */
};

struct fg_options {
	const char *folder;
	struct fg_port_option port[FG_PORTS_MAX];
	uint8_t ports;
	uint16_t cpu[FG_WORKERS_MAX]; /* one worker on each */
	uint32_t cpus;                /* 0: not said */
	int main_cpu;                 /* -1: not said */
	uint32_t mbufs;               /* 0: not said */
	const char *const *eal;       /* what stood behind `--` */
	int eals;
	bool help, version;
};

/* 0, or -EINVAL with what is wrong in error[]. */
int fg_options_read(struct fg_options *o, int argc, char **argv, char error[FG_OPTIONS_ERROR_MAX]);
/* The device is a PCI address, with or without domain. */
bool fg_device_is_pci(const char *device);
/* Name by which DPDK knows the device: what stands in front of the first comma. */
void fg_device_name(const char *device, char name[FG_DEVICE_TEXT_MAX]);
/* Which CPUs work where nothing was said: those this process may run on but the first; that too where it is the only one. */
void fg_options_default_cpus(struct fg_options *o);

extern const char fg_options_help[];

#endif
