/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The `flowgate` command. In: a verb and its words. Out: the verb's exit code (enum fg_exit). Each verb is a file
 * of this folder; none of those here needs a daemon or root.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/cli/cli.h"

#ifndef FG_VERSION
#error "the build says the version"
#endif

static const struct verb {
	const char *name;
	const char *what;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "check", "parse, lint, cost, admit the rules of files", fg_cli_check },
	{ "decode", "NLRI to text", fg_cli_decode },
	{ "encode", "text to NLRI", fg_cli_encode },
	{ "explain", "why a packet meets the fate it meets", fg_cli_explain },
	{ "replay", "enforce rules on a capture", fg_cli_replay },
};

static int help(FILE *to)
{
	fputs("usage: flowgate VERB [--json] …     flowgate VERB --help     flowgate --version\n\n", to);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].what);
	fputs("\nexit: 0 done and all admitted, 1 something was refused, 2 usage or syntax, 3 not found, 5 the "
	      "environment failed\n",
	      to);
	return to == stdout ? FG_EXIT_DONE : FG_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		puts("flowgate " FG_VERSION);
		return FG_EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "flowgate: unknown verb '%s'\n", argv[1]);
	return help(stderr);
}
