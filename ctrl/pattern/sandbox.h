/* SPDX-License-Identifier: BSD-3-Clause */
/* What flowgate-pattern may do: reckon, in memory and time that are bounded, and end. */
#ifndef CTRL_PATTERN_SANDBOX_H
#define CTRL_PATTERN_SANDBOX_H

#include <stdint.h>

/*
 * Gives up all rights, for good: user, files, processes, address space beyond `memory` octets (0: not bounded), processor time
 * beyond `cpu_s` seconds, and all system calls but those of memory. 0 or -errno.
 */
int fg_sandbox_enter(uint64_t memory, uint32_t cpu_s);
/* From now on this process dies once it has used so many seconds of a processor; 0: only by cpu_s above. */
void fg_sandbox_spend(uint32_t seconds);

#endif
