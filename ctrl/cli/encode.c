/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate encode: text to NLRI. In: files of rules. Out: `ipv4|ipv6 NLRI_HEX [EXTCOMM_HEX,…]` a line, which is the
 * hex form that every verb reads; what is to be said against a rule goes to standard error. A rule is encoded where
 * octets say all of it, whether it would be admitted or not.
 */
#include <stdlib.h>

#include "ctrl/cli/cli.h"
#include "ctrl/rule/print.h"

static int show_json(const struct fg_loaded *rule, char *text)
{
	json_t *all = fg_show_rule(rule, text), *some = json_object();
	static const char *const keys[] = { "name", "text", "family", "nlri", "actions", "state", "reasons", "line" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_set(some, keys[i], json_object_get(all, keys[i]));
	json_decref(all);
	return fg_show_line(some);
}

static int show_hex(const struct fg_loaded *rule)
{
	char *nlri = fg_show_nlri(rule), *communities = fg_show_communities(&rule->rule.actions);
	int r = FG_EXIT_DONE;

	if (nlri == NULL || communities == NULL)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	else if (rule->checked && !rule->actions_bad && fg_show_has_nlri(rule))
		printf("%s %s%s%s\n", fg_show_family(&rule->rule), nlri, communities[0] ? " " : "", communities);
	free(nlri);
	free(communities);
	return r;
}

/* Rules that no octets can say are left out of them: that is not what was asked for. */
static int pattern_exit(const struct fg_cli *cli, const struct fg_load *load)
{
	char name[FG_NAME_MAX + 1];
	int r = FG_EXIT_DONE;

	for (size_t i = 0; i < load->count && !cli->json; i++) {
		if (load->rule[i]->payload[0] == '\0' || load->rule[i]->state != FG_STATE_ADMITTED)
			continue;
		fprintf(stderr,
			"%s: unsupported: no NLRI has a payload pattern; without it the rule would be wider "
			"(extension)\n",
			fg_loaded_name(load->rule[i], name));
		r = FG_EXIT_REFUSED;
	}
	return r;
}

static int show(const struct fg_cli *cli, struct fg_load *load)
{
	char *text = malloc(FG_TEXT_MAX);
	int r = FG_EXIT_DONE;

	if (text == NULL || fg_load_admit(load) != 0) {
		free(text);
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	}
	for (size_t i = 0; i < load->count && r == FG_EXIT_DONE; i++) {
		r = cli->json ? show_json(load->rule[i], text) : show_hex(load->rule[i]);
		if (!cli->json)
			fg_show_findings(stderr, "", load->rule[i]);
	}
	free(text);
	if (r == FG_EXIT_DONE)
		r = pattern_exit(cli, load);
	return fg_show_end(r == FG_EXIT_DONE ? fg_cli_admission(load) : r);
}

int fg_cli_encode(struct fg_cli *cli)
{
	struct fg_load *load;
	int r;

	if (cli->argument.n == 0)
		return fg_cli_usage(cli, "expected a file of rules, or - for standard input");
	r = fg_cli_loader(cli, &load);
	if (r == FG_EXIT_DONE)
		r = fg_cli_files(cli, load, cli->argument.at, cli->argument.n);
	if (r == FG_EXIT_DONE)
		r = show(cli, load);
	fg_load_free(load);
	return r;
}
