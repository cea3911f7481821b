/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines for the journal, or for people. One write a line, so that lines of several processes do not mix. */
#include "ctrl/daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 2048 };

static const char *name = "flowgated";
static bool journal;

void fg_log_open(const char *process)
{
	name = process;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

/* A line stays a line, whatever octets of strangers are in it. */
static void tame(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

void fg_log(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_OCTETS];
	int n = journal ? snprintf(line, sizeof(line), "<%d>", priority) : 0;
	va_list args;
	size_t len;

	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s: ", name);
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	tame(line);
	len = strlen(line);
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return; /* nobody is left to be told */
}
