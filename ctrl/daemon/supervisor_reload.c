/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration, read again while all goes on (supervisor_state.h). In: a file. Out: what is told to the gate and to ctrl. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "ctrl/daemon/log.h"
#include "ctrl/daemon/places.h"
#include "ctrl/daemon/supervisor_state.h"
#include "ctrl/xdp/xdp.h"

void fg_shut_ports(struct fg_supervisor *s)
{
	const struct fg_policy *p = &s->conf.policy;
	char error[FG_XDP_ERROR_MAX];

	/* With DPDK nothing passes where no process is. */
	if (!p->dpdk && fg_xdp_shut(s->conf.store.pins, p->port, p->ports, error) != 0)
		fg_log(LOG_ERR, "%s", error);
}

/* Metrics elsewhere: ctrl gets the new socket, or the old one again where there is no new one to be had. */
static void move_http(struct fg_supervisor *s, struct fg_conf *conf)
{
	char error[FG_CONF_ERROR_MAX];

	if (strcmp(s->conf.http.address, conf->http.address) == 0 && s->conf.http.port == conf->http.port)
		return;
	if (fg_listen_http(conf, &s->listeners, error) != 0) {
		fg_log(LOG_ERR, "%s; metrics stay where they were", error);
		conf->http = s->conf.http;
	}
	fg_tell_http(s);
}

/* What ports are hangs on it, so nothing of such a file can be used. */
static bool changes_dataplane(struct fg_supervisor *s, const struct fg_conf *conf)
{
	if (s->conf.dpdk.used == conf->dpdk.used)
		return false;
	strcpy(s->conf.later, "dpdk");
	fg_log(LOG_WARNING, "with or without 'dpdk' is decided at the start; the configuration stays as it was");
	fg_tell_conf(s);
	return true;
}

static void use(struct fg_supervisor *s, struct fg_conf *conf)
{
	fg_places_keep(&s->conf, conf, !s->listeners.http_given);
	move_http(s, conf);
	if (conf->later[0] != '\0')
		fg_log(LOG_WARNING, "takes effect at the next start: %s", conf->later);
	s->conf = *conf;
	if (s->child[FG_GATE].pid == 0)
		fg_shut_ports(s);
	fg_dial_listen(&s->dial, &s->conf.bgp);
	fg_tell_policy(s);
	fg_tell_conf(s);
	fg_tell_listeners(s);
	s->reloading = s->child[FG_GATE].pid != 0;
	fg_log(LOG_NOTICE, "the configuration was read again");
}

/* The manager is told of a reload by its own clock (sd_notify(3)). */
static void say_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
}

int fg_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct fg_supervisor *s = ctx;
	struct fg_conf *conf = malloc(sizeof(*conf));
	char error[FG_CONF_ERROR_MAX] = "out of memory";

	(void)source;
	(void)info;
	say_reloading();
	if (conf == NULL || fg_conf_file(conf, s->path, error) != 0 || fg_conf_resolve(conf, error) != 0) {
		fg_log(LOG_ERR, "%s; the configuration stays as it was", error);
	} else if (!changes_dataplane(s, conf)) {
		use(s, conf);
	}
	free(conf);
	if (!s->reloading)
		fg_say_reloaded(s);
	return 0;
}
