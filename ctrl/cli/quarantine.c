/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate quarantine: rules that are never admitted, whoever sends them. In: files or a rule in words; what a rule matches counts, not its
 * name or actions. Out: how many; the list.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/batch.h"
#include "ctrl/rule/print.h"

/* ---- add, delete ---- */

/* One rule, in or out. An enum fg_exit. */
static int rule_set(const struct fg_cli *cli, struct fg_client *client, const struct fg_loaded *rule, bool on)
{
	const char *payload = rule->payload[0] != '\0' ? rule->payload : NULL;
	char *nlri = fg_show_nlri(rule);
	json_t *reply;
	enum fg_client_result r = fg_client_ask(client, "Quarantine",
						json_pack("{s:s?,s:s,s:b,s:s*}", "nlri", nlri, "family",
							  fg_show_family(&rule->rule), "on", on, "payload", payload),
						&reply);

	free(nlri);
	json_decref(reply);
	return r == FG_CLIENT_DONE ? FG_EXIT_DONE : fg_online_fail(cli, client, r);
}

static int rules_set(const struct fg_cli *cli, const struct fg_load *load, bool on)
{
	struct fg_client *client;
	int r = fg_online_open(cli, FG_ONLINE_TIMEOUT_S, &client);

	for (size_t i = 0; i < load->count && r == FG_EXIT_DONE; i++)
		r = rule_set(cli, client, load->rule[i], on);
	fg_client_close(client);
	return r;
}

/* Each must have octets, before the first is set. */
static bool all_have_octets(const struct fg_load *load)
{
	char name[FG_NAME_MAX + 1];

	for (size_t i = 0; i < load->count; i++)
		if (load->rule[i]->rule.nlri_len == 0) {
			fg_cli_fail(0, "%s has no octets that could be recognized",
				    fg_loaded_name(load->rule[i], name));
			return false;
		}
	return true;
}

static int set(const struct fg_cli *cli, bool on)
{
	struct fg_load *load;
	int r = fg_batch_load(cli, &load);

	if (r != FG_EXIT_DONE)
		return r;
	r = all_have_octets(load) ? rules_set(cli, load, on) : FG_EXIT_REFUSED;
	if (r == FG_EXIT_DONE && cli->json)
		r = fg_show_line(json_pack("{s:{s:I,s:b}}", "summary", "rules", (json_int_t)load->count, "on", on));
	else if (r == FG_EXIT_DONE)
		printf("%zu rules are %s quarantine.\n", load->count, on ? "in" : "out of");
	fg_load_free(load);
	return fg_show_end(r);
}

int fg_cli_quarantine_add(struct fg_cli *cli)
{
	return set(cli, true);
}

int fg_cli_quarantine_delete(struct fg_cli *cli)
{
	return set(cli, false);
}

/* ---- list ---- */

struct list {
	const struct fg_cli *cli;
	struct libscols_table *table;
};

/* What the octets of an entry match, in words; "-" where they are none. */
static const char *entry_text(const struct fg_cli *cli, const json_t *entry, char *text)
{
	const char *hex = fg_cell_text(entry, "nlri"), *match = NULL;
	static uint8_t octets[FG_NLRI_MAX + 16];
	bool six = strncmp(fg_cell_text(entry, "family"), "ipv6", 4) == 0;
	long len = fg_hex_read(hex, strlen(hex), octets, sizeof(octets));
	struct fg_load *load;
	size_t used;

	if (len > 0 && fg_cli_loader(cli, &load) == FG_EXIT_DONE) {
		if (fg_load_octets(load, six ? FG_IPV6 : FG_IPV4, false, octets, (size_t)len, NULL, &used) == 0 &&
		    fg_show_text(load->rule[0], text))
			match = strstr(text, "match ");
		fg_load_free(load);
	}
	if (match != NULL && strstr(match, " then ") != NULL)
		*strstr(match, " then ") = '\0';
	if (match != NULL && strlen(match) > FG_ONLINE_TEXT_SHOWN)
		strcpy(text + (match - text) + FG_ONLINE_TEXT_SHOWN, "...");
	return match != NULL ? match : "-";
}

static int entry_row(void *ctx, json_t *entry)
{
	struct list *l = ctx;
	static char text[FG_TEXT_MAX];
	char since[FG_CELL_MAX];

	if (l->cli->json)
		return fg_show_line(json_incref(entry));
	fg_columns_row(l->table, (const char *const[]){ fg_cell_text(entry, "family"), fg_cell_text(entry, "nlri"),
							fg_cell_time(entry, "time", since), fg_cell_text(entry, "who"),
							entry_text(l->cli, entry, text) });
	return FG_EXIT_DONE;
}

int fg_cli_quarantine_list(struct fg_cli *cli)
{
	static const char *const names[] = { "FAMILY", "NLRI", "SINCE", "WHO", "RULE", NULL };
	struct list l = { cli, NULL };
	json_t *reply;
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "ListQuarantine", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	l.table = fg_columns_new(names);
	r = fg_online_each(reply, "rules", entry_row, &l);
	fg_columns_print(l.table);
	json_decref(reply);
	return fg_show_end(r);
}
