/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The `flowgate` command. In: a verb and its words. Out: the verb's exit code (enum fg_exit). table.c has the verbs; each is a file
 * of this folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/table.h"

#ifndef FG_VERSION
#error "the build says the version"
#endif

static int run(const struct fg_verb *verb, int words, int argc, char **argv)
{
	struct fg_cli cli = { .verb = verb };
	int r = fg_cli_options(&cli, argc - words, argv + words);

	if (r == 0)
		r = verb->run(&cli);
	free(cli.room);
	return r < 0 ? FG_EXIT_DONE : r;
}

int main(int argc, char **argv)
{
	const struct fg_verb *verb;
	int words;

	if (argc < 2) {
		fg_help_verbs(stderr);
		return FG_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		fg_help_verbs(stdout);
		return fg_show_end(FG_EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("flowgate " FG_VERSION);
		return fg_show_end(FG_EXIT_DONE);
	}
	verb = fg_verb_find(argc - 1, argv + 1, &words);
	if (verb != NULL)
		return run(verb, words, argc, argv);
	fprintf(stderr, "flowgate: unknown verb '%s'\n", argv[1]);
	fg_help_verbs(stderr);
	return FG_EXIT_USAGE;
}
