/* SPDX-License-Identifier: BSD-3-Clause */
/* `flowgated`: its options. Next: supervisor.c. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctrl/daemon/dpdk.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/prepare.h"
#include "ctrl/daemon/supervisor.h"
#include "ctrl/dpdk/share.h"
#include "ctrl/xdp/xdp.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 5 };
enum { REMOVE_TRIES = 100, REMOVE_TRY_NS = 100000000 };

#define CONFIG "/etc/flowgate/flowgate.conf"

static const char usage[] = "usage: flowgated [--config FILE] [--foreground]\n"
			    "       flowgated --check-config FILE    reads it and says what is wrong with it\n"
			    "       flowgated --remove [--config FILE]    takes enforcement away, and ends the daemon\n"
			    "       flowgated --dpdk [--config FILE]    becomes flowgate-dpdk, as FILE says\n"
			    "       flowgated --version\n"
			    "FILE is " CONFIG " where none is given. The daemon stays in the foreground in any case.\n";

static struct fg_conf conf;

static int load(const char *path)
{
	char error[FG_CONF_ERROR_MAX] = "";
	int r = fg_conf_file(&conf, path, error);

	if (r != 0)
		fprintf(stderr, "%s\n", error);
	return r == 0 ? EXIT_DONE : r > 0 ? EXIT_USAGE : EXIT_ENVIRONMENT;
}

/* Names that this system lacks are said, for it may be another system's configuration. */
static int check(const char *path)
{
	char error[FG_CONF_ERROR_MAX] = "";
	int r = load(path);

	if (r == EXIT_DONE && fg_conf_resolve(&conf, error) != 0)
		fprintf(stderr, "note: %s\n", error);
	return r;
}

/* What a dead daemon has left: of the dataplane that the configuration has now. */
static int remove_left(void)
{
	const char *folder = conf.dpdk.used ? conf.dpdk.memory : conf.store.pins;
	int r = conf.dpdk.used ? fg_share_remove(folder) : fg_xdp_remove(folder);

	if (r == -EPROTO)
		fprintf(stderr, "%s: of another version: end the flowgate-dpdk that uses it, then remove the folder\n",
			folder);
	else if (r < 0 && r != -ENOENT)
		fprintf(stderr, "%s: %s\n", folder, strerror(-r));
	return r < 0 && r != -ENOENT ? EXIT_ENVIRONMENT : EXIT_DONE;
}

/* The daemon does it, for its gate holds what is to go; where none runs, what a dead one has left is removed here. */
static int take_away(void)
{
	const struct timespec pause = { .tv_nsec = REMOVE_TRY_NS };
	pid_t pid = fg_prepare_running(&conf);

	if (pid == 0)
		return remove_left();
	if (kill(pid, SIGUSR1) < 0) {
		fprintf(stderr, "process %d: %s\n", pid, strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (fg_prepare_running(&conf) == 0)
			return EXIT_DONE;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "process %d does not end\n", pid);
	return EXIT_ENVIRONMENT;
}

static int become_dpdk(void)
{
	int r = conf.dpdk.used ? fg_dpdk_exec(&conf) : -ENOENT;

	fprintf(stderr, "flowgate-dpdk: %s\n", conf.dpdk.used ? strerror(-r) : "the configuration has no block 'dpdk'");
	return conf.dpdk.used ? EXIT_ENVIRONMENT : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "check-config", required_argument, NULL, 'k' },
		{ "foreground", no_argument, NULL, 'f' },   { "remove", no_argument, NULL, 'r' },
		{ "dpdk", no_argument, NULL, 'd' },         { "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 }
	};
	const char *path = CONFIG;
	bool removing = false, dpdk = false;
	int letter, r;

	while ((letter = getopt_long(argc, argv, "c:fh", options, NULL)) != -1) {
		if (letter == 'c')
			path = optarg;
		else if (letter == 'k')
			return check(optarg);
		else if (letter == 'r')
			removing = true;
		else if (letter == 'd')
			dpdk = true;
		else if (letter == 'v')
			return printf("flowgated %s\n", FG_VERSION) < 0 ? EXIT_ENVIRONMENT : EXIT_DONE;
		else if (letter == 'h')
			return fputs(usage, stdout) < 0 ? EXIT_ENVIRONMENT : EXIT_DONE;
		else if (letter != 'f')
			return fputs(usage, stderr), EXIT_USAGE;
	}
	if (optind < argc)
		return fputs(usage, stderr), EXIT_USAGE;
	r = load(path);
	if (r != EXIT_DONE)
		return r;
	if (removing)
		return take_away();
	if (dpdk)
		return become_dpdk();
	fg_log_open("flowgated");
	return fg_supervisor_run(path, &conf) < 0 ? EXIT_ENVIRONMENT : EXIT_DONE;
}
