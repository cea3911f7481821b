/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate decode: NLRI to text. In: hex, each word one NLRI or several one behind the other, with length octets,
 * as on the wire. Out: the canonical text of each, or why it is none; as JSON what `check` says of it. What follows
 * octets that cannot be framed is lost, as on a session.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/cli.h"
#include "ctrl/rule/print.h"

static int take_word(const struct fg_cli *cli, struct fg_load *load, size_t number, const char *hex)
{
	size_t len = strlen(hex) / 2, at = 0, used;
	enum fg_family family = cli->family & 1 ? FG_IPV6 : FG_IPV4;
	bool vpn = cli->family >= 2;
	uint8_t *octets = malloc(len + 1);
	int r = 0;

	if (octets == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	if (fg_hex_read(hex, strlen(hex), octets, len) < 0) {
		free(octets);
		return fg_cli_usage(cli, "unexpected '%.40s', expected octets in hex", hex);
	}
	while (at < len && r == 0) {
		r = fg_load_octets(load, family, vpn, octets + at, len - at, cli->actions, &used);
		if (r == 0) {
			load->rule[load->count - 1]->line = (uint32_t)number;
			at += used;
		}
	}
	free(octets);
	if (r > 0)
		return fg_cli_usage(cli, "--actions: %s", load->error);
	return r < 0 ? fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s", load->error) : FG_EXIT_DONE;
}

/* Findings are comments, so that the output is a file of rules again. */
static void show_text(const struct fg_load *load, char *text)
{
	for (size_t i = 0; i < load->count; i++) {
		const struct fg_loaded *rule = load->rule[i];

		if (fg_show_text(rule, text))
			printf("%s\n", text);
		fg_show_findings(stdout, "# ", rule);
	}
}

static int show(const struct fg_cli *cli, struct fg_load *load)
{
	char *text = malloc(FG_TEXT_MAX);
	int r = FG_EXIT_DONE;

	if (text == NULL || fg_load_admit(load) != 0) {
		free(text);
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	}
	if (cli->json)
		r = fg_show_rules(load, text);
	else
		show_text(load, text);
	free(text);
	return fg_show_end(r == FG_EXIT_DONE ? fg_cli_admission(load) : r);
}

int fg_cli_decode(struct fg_cli *cli)
{
	struct fg_load *load;
	int r;

	if (cli->argument.n == 0)
		return fg_cli_usage(cli, "expected an NLRI in hex");
	r = fg_cli_loader(cli, &load);
	for (size_t i = 0; i < cli->argument.n && r == FG_EXIT_DONE; i++)
		r = take_word(cli, load, i + 1, cli->argument.at[i]);
	if (r == FG_EXIT_DONE)
		r = show(cli, load);
	fg_load_free(load);
	return r;
}
