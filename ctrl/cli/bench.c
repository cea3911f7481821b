/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate bench, flowgate bench sizing: how fast is this machine? In: names of subsets, or rules and a capture. Out: what flowgate-bench says, which this
 * process becomes; so nothing of what it measures beside is linked into the command. It lies beside the command, in the build's bench/, or where it is installed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/cli/cli.h"

#ifndef FG_BENCH_PROGRAM
#error "the build says where it is installed"
#endif

enum { PATH_ROOM = 512, WORDS_MORE = 8, LOAD_ROOM = 24 };

/* The first of the places where it is. */
static const char *program(char out[PATH_ROOM])
{
	static const char *const beside[] = { "bench/flowgate-bench", "flowgate-bench" };
	char self[PATH_ROOM / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash != NULL && i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(out, PATH_ROOM, "%.*s/%s", (int)(slash - self), self, beside[i]);
		if (access(out, X_OK) == 0)
			return out;
	}
	snprintf(out, PATH_ROOM, "%s", FG_BENCH_PROGRAM);
	return out;
}

/* The words, and the options as it knows them. Returns only where it cannot be run. */
static int become(const struct fg_cli *cli, const char *first)
{
	static char name[] = "flowgate-bench", json[] = "--json", compare[] = "--compare";
	char path[PATH_ROOM], load[LOAD_ROOM];
	char **words = calloc(cli->argument.n + WORDS_MORE, sizeof(*words));
	size_t n = 0;

	if (words == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	words[n++] = name;
	if (cli->json)
		words[n++] = json;
	if (cli->other_load > 0) {
		snprintf(load, sizeof(load), "--other-load=%u", (unsigned int)cli->other_load);
		words[n++] = load;
	}
	if (cli->compare != NULL) {
		words[n++] = compare;
		words[n++] = (char *)(uintptr_t)cli->compare;
	}
	if (first != NULL)
		words[n++] = (char *)(uintptr_t)first;
	for (size_t i = 0; i < cli->argument.n; i++)
		words[n++] = cli->argument.at[i];
	execv(program(path), words);
	free(words);
	return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s: %s", path, strerror(errno));
}

int fg_cli_bench(struct fg_cli *cli)
{
	return become(cli, NULL);
}

int fg_cli_bench_sizing(struct fg_cli *cli)
{
	if (cli->argument.n != 2)
		return fg_cli_usage(cli, "expected a file of rules and a capture");
	return become(cli, "sizing");
}
