/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate completion: what a shell needs to complete this command. In: the command table. Out: a script for bash, which
 * the build writes to flowgate.bash.
 */
#include <string.h>

#include "ctrl/cli/table.h"

/* Octets of the first word of a verb. */
static int first_len(const struct fg_verb *v)
{
	return (int)strcspn(v->name, " ");
}

/* The verb before does not begin with the same word. */
static bool is_first(const struct fg_verb *v)
{
	return v == fg_verbs || first_len(v) != first_len(v - 1) ||
	       strncmp(v->name, v[-1].name, (size_t)first_len(v)) != 0;
}

static void completion_options(const struct fg_verb *v)
{
	printf("\t'%s') words='", v->name);
	for (const struct fg_option *o = fg_options; o->name != NULL; o++)
		if (fg_verb_takes(v, o))
			printf("--%s ", o->name);
	puts("' ;;");
}

/* Words to choose from, or files, for the value of an option. */
static void completion_value(const struct fg_option *o)
{
	if (o->value == NULL)
		return;
	printf("\t--%s) words='", o->name);
	for (const char *c = o->kind == FG_KIND_CHOICE ? o->value : ""; *c != '\0'; c++)
		putchar(*c == '|' ? ' ' : *c);
	printf("' files=%d value=1 ;;\n",
	       strstr(o->value, "FILE") || strstr(o->value, "PCAP") || strstr(o->value, "PATH"));
}

static void completion_bash(void)
{
	puts("# Completion of flowgate for bash. Made by `flowgate completion bash`; not to be edited.\n"
	     "_flowgate() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-} words='' files=1 value=0\n"
	     "\tCOMPREPLY=()\n"
	     "\tcase \"$verb ${COMP_WORDS[2]-}\" in");
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++)
		if (strchr(v->name, ' ') != NULL)
			printf("\t'%s') verb='%s' ;;\n", v->name, v->name);
	puts("\tesac\n\tcase $verb in");
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++)
		completion_options(v);
	puts("\tesac\n\tcase ${COMP_WORDS[COMP_CWORD - 1]} in");
	for (const struct fg_option *o = fg_options; o->name != NULL; o++)
		completion_value(o);
	puts("\tesac\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tfiles=0 words='");
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++)
		if (is_first(v))
			printf("%.*s ", first_len(v), v->name);
	puts("'\n\tfi\n\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\t\tcase ${COMP_WORDS[1]} in");
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++)
		if (strchr(v->name, ' ') != NULL)
			printf("\t\t%.*s) files=0 words+='%s ' ;;&\n", first_len(v), v->name, strchr(v->name, ' ') + 1);
	puts("\t\t*) ;;\n\t\tesac\n\tfi\n"
	     "\t[ \"$value\" -eq 1 ] || [ \"${cur:0:1}\" = - ] || [ \"$COMP_CWORD\" -le 2 ] || words=''\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "\tif [ \"$files\" -eq 1 ] && [ \"${cur:0:1}\" != - ]; then\n"
	     "\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
	     "\tfi\n"
	     "}\n"
	     "complete -o filenames -F _flowgate flowgate");
}

int fg_cli_completion(struct fg_cli *cli)
{
	if (cli->argument.n != 1 || strcmp(cli->argument.at[0], "bash") != 0)
		return fg_cli_usage(cli, "expected a shell: bash");
	completion_bash();
	return fg_show_end(FG_EXIT_DONE);
}
