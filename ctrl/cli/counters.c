/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate counters: packets by rule and by port, and why they met their fate. In: ListRules, Status. Out: two tables; an object a rule and
 * one a port with --json. At rest received is passed, dropped, redirected and aborted together: what is missing is said.
 */
#include <inttypes.h>

#include "ctrl/cli/online.h"

struct counters {
	const struct fg_cli *cli;
	struct libscols_table *rules, *ports, *causes, *devices;
};

static const char *const counts[] = { "matched", "passed", "dropped" };

static int rule_object(json_t *rule)
{
	json_t *o = json_pack("{s:O?}", "rule", json_object_get(rule, "name"));

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (json_object_get(rule, counts[i]) != NULL)
			json_object_set(o, counts[i], json_object_get(rule, counts[i]));
	if (json_object_get(rule, "last_hit") != NULL)
		json_object_set(o, "last_hit", json_object_get(rule, "last_hit"));
	return fg_show_line(o);
}

static int rule_row(void *ctx, json_t *rule)
{
	struct counters *c = ctx;
	char cell[7][FG_CELL_MAX];

	if (c->cli->json)
		return rule_object(rule);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fg_cell_inner(rule, counts[i], "packets", cell[2 * i]);
		fg_cell_inner(rule, counts[i], "bytes", cell[2 * i + 1]);
	}
	fg_columns_row(c->rules, (const char *const[]){ fg_cell_text(rule, "name"), cell[0], cell[1], cell[2], cell[3],
							cell[4], cell[5], fg_cell_time(rule, "last_hit", cell[6]) });
	return FG_EXIT_DONE;
}

static void causes_rows(struct libscols_table *table, const json_t *port)
{
	char packets[FG_CELL_MAX], bytes[FG_CELL_MAX];
	const char *cause;
	json_t *value;

	json_object_foreach(json_object_get(port, "causes"), cause, value)
		fg_columns_row(table, (const char *const[]){ fg_cell_text(port, "name"), cause,
							     fg_cell_number(value, "packets", packets),
							     fg_cell_number(value, "bytes", bytes) });
}

static json_int_t packets_of(const json_t *port, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(port, what), "packets"));
}

/* Packets received whose fate is not counted; not 0 only while packets come. */
static json_int_t unaccounted(const json_t *port)
{
	return packets_of(port, "received") - packets_of(port, "passed") - packets_of(port, "dropped") -
	       packets_of(port, "redirected") - packets_of(port, "aborted");
}

/* What is no verdict: ours first, then what the driver says. */
static void device_row(struct libscols_table *table, const json_t *port)
{
	const json_t *device = json_object_get(port, "device");
	char cell[8][FG_CELL_MAX];

	if (device == NULL)
		return;
	fg_columns_row(table,
		       (const char *const[]){ fg_cell_text(port, "name"), fg_cell_number(device, "send_full", cell[0]),
					      fg_cell_number(device, "no_buffer", cell[1]),
					      fg_cell_number(device, "payload_skipped", cell[2]),
					      fg_cell_inner(device, "driver", "received", cell[3]),
					      fg_cell_inner(device, "driver", "sent", cell[4]),
					      fg_cell_inner(device, "driver", "missed", cell[5]),
					      fg_cell_inner(device, "driver", "errors", cell[6]),
					      fg_cell_inner(device, "driver", "no_mbuf", cell[7]) });
}

static int port_row(void *ctx, json_t *port)
{
	struct counters *c = ctx;
	char cell[7][FG_CELL_MAX];
	json_t *o = json_incref(port);

	if (c->cli->json) {
		json_object_set_new(o, "port", json_incref(json_object_get(port, "name")));
		return fg_show_line(o);
	}
	json_decref(o);
	snprintf(cell[6], FG_CELL_MAX, "%lld", (long long)unaccounted(port));
	fg_columns_row(c->ports,
		       (const char *const[]){ fg_cell_text(port, "name"),
					      fg_cell_inner(port, "received", "packets", cell[0]),
					      fg_cell_inner(port, "passed", "packets", cell[1]),
					      fg_cell_inner(port, "dropped", "packets", cell[2]),
					      fg_cell_inner(port, "redirected", "packets", cell[3]),
					      fg_cell_inner(port, "aborted", "packets", cell[4]),
					      fg_cell_inner(port, "no_neighbour", "packets", cell[5]), cell[6] });
	causes_rows(c->causes, port);
	device_row(c->devices, port);
	return FG_EXIT_DONE;
}

static void tables_open(struct counters *c)
{
	static const char *const rules[] = { "RULE",     ">MATCHED", ">BYTES", ">PASSED", ">BYTES",
					     ">DROPPED", ">BYTES",   "LAST",   NULL };
	static const char *const ports[] = { "PORT",     ">RECEIVED",     ">PASSED",      ">DROPPED", ">REDIRECTED",
					     ">ABORTED", ">NO NEIGHBOUR", ">UNACCOUNTED", NULL };
	static const char *const causes[] = { "PORT", "CAUSE", ">PACKETS", ">BYTES", NULL };

	static const char *const devices[] = {
		"DEVICE", ">SEND FULL", ">NO BUFFER", ">PAYLOAD SKIPPED", ">DRIVER: RECEIVED",
		">SENT",  ">MISSED",    ">ERRORS",    ">NO MBUF",         NULL
	};

	c->rules = fg_columns_new(rules);
	c->ports = fg_columns_new(ports);
	c->causes = fg_columns_new(causes);
	c->devices = fg_columns_new(devices);
}

/* Tables with a line between them. */
static void tables_print(struct counters *c, bool shown)
{
	bool devices = !fg_columns_empty(c->devices);

	fg_columns_print(c->rules);
	if (shown)
		putchar('\n');
	fg_columns_print(c->ports);
	if (shown)
		putchar('\n');
	fg_columns_print(c->causes);
	if (shown && devices)
		putchar('\n');
	fg_columns_print(c->devices);
}

int fg_cli_counters(struct fg_cli *cli)
{
	struct counters c = { .cli = cli };
	json_t *status = NULL;
	int r = fg_online_no_arguments(cli);

	if (r != FG_EXIT_DONE)
		return r;
	tables_open(&c);
	r = fg_online_rules(cli, NULL, rule_row, &c, NULL);
	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "Status", NULL, &status);
	if (r == FG_EXIT_DONE)
		r = fg_online_each(status, "ports", port_row, &c);
	tables_print(&c, !cli->json && r == FG_EXIT_DONE);
	json_decref(status);
	return fg_show_end(r);
}
