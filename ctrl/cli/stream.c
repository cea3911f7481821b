/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies that come as things happen, for `watch` and `samples`. In: a method. Out: each reply to the verb, until there
 * were as many as asked for, the time is over, the user interrupts, or the daemon ends it. What came before is never lost: signals are
 * read between replies, so a verb always ends by its own will.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctrl/cli/online.h"

/* A descriptor that is readable once the stream is to end; -1 and said: none. */
static int stop_open(const struct fg_cli *cli)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		fg_cli_fail(0, "cannot wait for signals: %s", strerror(errno));
	else if (cli->for_s != 0)
		alarm((unsigned int)cli->for_s);
	return fd;
}

/* Nothing is wrong with an end in mid-stream only if it was us who wanted it. */
static int stream_end(const struct fg_cli *cli, const struct fg_client *client, enum fg_client_result r)
{
	if (fg_client_error_name(client) != NULL)
		return fg_online_fail(cli, client, r);
	return fg_cli_fail(FG_EXIT_ENVIRONMENT, "the stream ended: %s", fg_client_error(client));
}

static int stream_read(const struct fg_cli *cli, struct fg_client *client, int (*each)(void *ctx, json_t *reply),
		       void *ctx)
{
	int code = FG_EXIT_DONE;
	bool continues = true;
	uint64_t n = 0;

	while (code == FG_EXIT_DONE && continues && (cli->count == 0 || n < cli->count)) {
		json_t *reply;
		enum fg_client_result r = fg_online_reply(cli, client, &reply, &continues);

		if (r != FG_CLIENT_DONE)
			return stream_end(cli, client, r);
		if (reply == NULL)
			return code;
		code = each(ctx, reply);
		json_decref(reply);
		n++;
	}
	return code;
}

int fg_online_stream(const struct fg_cli *cli, const char *method, json_t *parameters,
		     int (*each)(void *ctx, json_t *reply), void *ctx)
{
	int stop = stop_open(cli), code = stop < 0 ? FG_EXIT_ENVIRONMENT : FG_EXIT_DONE;
	struct fg_client *client = NULL;
	enum fg_client_result r;

	if (code == FG_EXIT_DONE)
		code = fg_online_open(cli, FG_ONLINE_TIMEOUT_S, &client);
	if (code != FG_EXIT_DONE) {
		json_decref(parameters);
	} else {
		r = fg_client_call(client, method, parameters, true);
		fg_client_wait(client, FG_CLIENT_FOREVER, stop);
		code = r == FG_CLIENT_DONE ? stream_read(cli, client, each, ctx) : fg_online_fail(cli, client, r);
	}
	fg_client_close(client);
	if (stop >= 0)
		close(stop);
	return code;
}
