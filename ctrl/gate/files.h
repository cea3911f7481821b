/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the gate's process behind struct fg_pattern_files (state.h): texts on their way to the supervisor, and what comes back from it. */
#ifndef CTRL_GATE_FILES_H
#define CTRL_GATE_FILES_H

#include "ctrl/gate/state.h"

struct fg_files {
	int supervisor;   /* socket */
	int texts, taken; /* -1: none */
};

void fg_files_begin(struct fg_files *f, int supervisor, struct fg_pattern_files *out);
/* A file has come, which is owned from here on, in the place of what there was; -1: none. */
void fg_files_take(struct fg_files *f, int fd);

#endif
