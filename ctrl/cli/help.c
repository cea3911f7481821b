/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the command says of itself: usage and help. In: the command table. Out: text.
 */
#include <string.h>

#include "ctrl/cli/table.h"

enum { NAME_COLUMNS = 18, OPTION_COLUMNS = 30 };

/* "--name VALUE". */
static const char *option_text(const struct fg_option *o, char out[128])
{
	snprintf(out, 128, "--%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	return out;
}

/* The words of a verb's usage name the option already. */
static bool is_in_words(const struct fg_verb *verb, const struct fg_option *o)
{
	char text[128];
	const char *at;
	size_t len = (size_t)snprintf(text, sizeof(text), "--%s", o->name);

	for (at = strstr(verb->words, text); at != NULL; at = strstr(at + 1, text))
		if (at[len] == ' ' || at[len] == ']' || at[len] == '\0')
			return true;
	return false;
}

void fg_help_usage(FILE *to, const struct fg_verb *verb)
{
	char text[128];

	fprintf(to, "usage: flowgate %s", verb->name);
	for (const struct fg_option *o = fg_options; o->name != NULL; o++)
		if (o->kind != FG_KIND_HELP && fg_verb_takes(verb, o) && !is_in_words(verb, o))
			fprintf(to, " [%s]", option_text(o, text));
	fprintf(to, "%s%s\n", verb->words[0] != '\0' ? " " : "", verb->words);
}

void fg_help_verb(FILE *to, const struct fg_verb *verb)
{
	char text[128];

	fg_help_usage(to, verb);
	fprintf(to, "\n%s\n\n", verb->what);
	for (const struct fg_option *o = fg_options; o->name != NULL; o++)
		if (fg_verb_takes(verb, o))
			fprintf(to, "  %-*s %s\n", OPTION_COLUMNS, option_text(o, text), o->what);
}

static void verbs_of(FILE *to, bool online)
{
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++)
		if (((v->takes & (FG_TAKES_ONLINE | FG_TAKES_LIMITS)) == FG_TAKES_ONLINE) == online)
			fprintf(to, "  %-*s %s\n", NAME_COLUMNS, v->name, v->what);
}

void fg_help_verbs(FILE *to)
{
	fputs("usage: flowgate VERB [--json] …     flowgate VERB --help     flowgate --version\n\n", to);
	verbs_of(to, false);
	fputs("\nof a running daemon, by its control socket:\n", to);
	verbs_of(to, true);
	fputs("\nexit: 0 done and all admitted, 1 something was refused, 2 usage or syntax, 3 not found, 4 cannot "
	      "connect, "
	      "5 the environment failed\n",
	      to);
}
