/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules and packets that cost most: searched for, and made again (hunt.c). Both answer an exit code. */
#ifndef BENCH_HUNT_H
#define BENCH_HUNT_H

#include "bench/harness.h"

int bench_hunt(const char *path);
int bench_hunted(const char *path);

#endif
