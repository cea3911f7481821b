/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate status: what the daemon is doing. In: Status. Out: sentences and a table of ports; the answer as it came with
 * --json.
 */
#include <string.h>

#include "ctrl/cli/online.h"

static void show_state(const json_t *s)
{
	char cell[3][FG_CELL_MAX];

	printf("flowgated %s, generation %s, since %s%s\n", fg_cell_text(s, "version"),
	       fg_cell_number(s, "generation", cell[0]), fg_cell_time(s, "started", cell[1]),
	       json_is_true(json_object_get(s, "adopted")) ? ", rules adopted from before" : "");
	printf("enforcing: %s%s\n", json_is_true(json_object_get(s, "enforcing")) ? "yes" : "no",
	       json_is_true(json_object_get(s, "shadow")) ? ", in shadow: verdicts are counted, nothing is done" : "");
	if (strcmp(fg_cell_time(s, "confirm_until", cell[2]), "-") != 0)
		printf("waits to be confirmed, and is taken back at %s\n", cell[2]);
}

/* The members of an object that are numbers, as "4 enforced, 1 waiting". */
static void show_rules(const json_t *rules)
{
	const char *key, *before = "rules: ";
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)rules, key, value)
	{
		printf("%s%lld %s", before, (long long)json_integer_value(value), key);
		before = ", ";
	}
	puts(strcmp(before, ", ") == 0 ? "" : "rules: none");
}

static int port_row(void *ctx, json_t *port)
{
	char cell[5][FG_CELL_MAX];
	const char *peer = fg_cell_text(port, "peer"), *mode = fg_cell_text(port, "mode");

	fg_columns_row(ctx, (const char *const[]){ fg_cell_text(port, "name"), peer[0] ? peer : "host", mode,
						   fg_cell_text(port, "on_failure"),
						   fg_cell_inner(port, "received", "packets", cell[0]),
						   fg_cell_inner(port, "passed", "packets", cell[1]),
						   fg_cell_inner(port, "dropped", "packets", cell[2]),
						   fg_cell_inner(port, "redirected", "packets", cell[3]) });
	return FG_EXIT_DONE;
}

/* Why a port is not used, or is used with less than asked for. */
static int port_remark(void *ctx, json_t *port)
{
	const char *reason = fg_cell_text(port, "reason"), *detail = fg_cell_text(port, "detail");

	(void)ctx;
	if (json_is_true(json_object_get(port, "degraded")))
		printf("%s: degraded: generic mode is slow, and sees packets after the kernel took them\n",
		       fg_cell_text(port, "name"));
	if ((reason[0] != '\0' && strcmp(reason, "ok") != 0) || detail[0] != '\0')
		printf("%s: %s%s%s\n", fg_cell_text(port, "name"), reason, reason[0] && detail[0] ? ": " : "", detail);
	return FG_EXIT_DONE;
}

static void show_processes(const json_t *processes)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)processes, key, value)
	{
		char pid[FG_CELL_MAX], restarts[FG_CELL_MAX];

		printf("%s: process %s, started again %s times\n", key, fg_cell_number(value, "pid", pid),
		       fg_cell_number(value, "restarts", restarts));
	}
}

/* ---- flowgate-dpdk ---- */

static int instance_line(void *ctx, json_t *i)
{
	char cell[3][FG_CELL_MAX];

	(void)ctx;
	if (json_is_true(json_object_get(i, "ready")))
		printf("flowgate-dpdk: process %s forwards since %s, %s workers, matcher %s\n",
		       fg_cell_number(i, "pid", cell[0]), fg_cell_time(i, "forwarding", cell[1]),
		       fg_cell_number(i, "workers", cell[2]), fg_cell_text(i, "form"));
	else
		printf("flowgate-dpdk: process %s is starting\n", fg_cell_number(i, "pid", cell[0]));
	return FG_EXIT_DONE;
}

static int worker_row(void *ctx, json_t *w)
{
	char cell[4][FG_CELL_MAX], age[FG_CELL_MAX];

	snprintf(age, sizeof(age), "%.1f s", json_number_value(json_object_get(w, "age")));
	fg_columns_row(
		ctx, (const char *const[]){ fg_cell_number(w, "core", cell[0]), fg_cell_number(w, "pid", cell[1]), age,
					    fg_cell_number(w, "turns", cell[2]), fg_cell_number(w, "busy", cell[3]) });
	return FG_EXIT_DONE;
}

static int device_row(void *ctx, json_t *port)
{
	const json_t *device = json_object_get(port, "device");
	bool there = json_is_true(json_object_get(device, "there"));
	char cell[5][FG_CELL_MAX];

	if (device == NULL)
		return FG_EXIT_DONE;
	fg_columns_row(ctx, (const char *const[]){ fg_cell_text(port, "name"),
						   !there                                          ? "no device"
						   : json_is_true(json_object_get(device, "link")) ? "up"
												   : "down",
						   fg_cell_number(device, "speed", cell[0]),
						   fg_cell_number(device, "receive_queues", cell[1]),
						   fg_cell_number(device, "send_queues", cell[2]),
						   fg_cell_text(device, "mac") });
	return FG_EXIT_DONE;
}

static void show_dpdk(const json_t *status)
{
	static const char *const workers[] = { ">CORE", ">PROCESS", ">SEEN", ">TURNS", ">BUSY", NULL };
	static const char *const devices[] = { "PORT", "LINK", ">MBIT/S", ">RX QUEUES", ">TX QUEUES", "ADDRESS", NULL };
	const json_t *dpdk = json_object_get(status, "dpdk");
	json_int_t fenced = json_integer_value(json_object_get(dpdk, "fenced"));
	struct libscols_table *table;

	if (dpdk == NULL)
		return;
	if (json_array_size(json_object_get(dpdk, "instances")) == 0)
		puts("flowgate-dpdk: does not run");
	fg_online_each(dpdk, "instances", instance_line, NULL);
	if (fenced > 0)
		printf("flowgate-dpdk: %lld processes hung and were killed\n", (long long)fenced);
	table = fg_columns_new(workers);
	fg_online_each(dpdk, "workers", worker_row, table);
	fg_columns_print(table);
	table = fg_columns_new(devices);
	fg_online_each(status, "ports", device_row, table);
	fg_columns_print(table);
}

static void show(const json_t *status)
{
	static const char *const names[] = { "PORT",    "TO",       "MODE",        "ON FAILURE", ">RECEIVED",
					     ">PASSED", ">DROPPED", ">REDIRECTED", NULL };
	struct libscols_table *table = fg_columns_new(names);
	json_int_t alarm = json_integer_value(json_object_get(status, "alarm"));

	show_state(status);
	show_rules(json_object_get(status, "rules"));
	fg_online_budget(json_object_get(status, "budget"));
	fg_online_patterns(json_object_get(status, "patterns"));
	if (alarm > 0)
		printf("alarm: a budget is used to %lld %%\n", (long long)alarm);
	fg_online_next_start(status);
	show_processes(json_object_get(status, "processes"));
	show_dpdk(status);
	fg_online_each(status, "ports", port_row, table);
	fg_columns_print(table);
	fg_online_each(status, "ports", port_remark, NULL);
}

int fg_cli_status(struct fg_cli *cli)
{
	json_t *reply;
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "Status", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	if (cli->json)
		r = fg_show_line(json_incref(reply));
	else
		show(reply);
	json_decref(reply);
	return fg_show_end(r);
}
