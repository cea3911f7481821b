/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening sockets, as root. In: the configuration. Out: descriptors that ctrl inherits. */
#include "ctrl/daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { BACKLOG = 256 };

static int fail(char error[FG_CONF_ERROR_MAX], const char *what, int code)
{
	snprintf(error, FG_CONF_ERROR_MAX, "%.400s: %s", what, strerror(-code));
	return code;
}

/* Those of systemd: a unix socket is for control, an internet socket for HTTP. */
static int inherited(struct fg_listeners *l)
{
	int n = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0 && l->control < 0)
			l->control = fd;
		else if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 && l->http < 0)
			l->http = fd;
		else
			close(fd);
	}
	return n;
}

/* Made for nobody else, then given to its group: there is no moment at which others may connect. */
static int control_listen(const struct fg_conf *conf, char error[FG_CONF_ERROR_MAX])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct group *group = getgrnam(conf->control.group);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r = 0;
	mode_t before;

	if (group == NULL)
		r = fail(error, "the group of the control socket", -ENOENT);
	if (fd < 0 || r != 0) {
		if (fd >= 0)
			close(fd);
		return r != 0 ? r : fail(error, conf->control.socket, -errno);
	}
	memcpy(address.sun_path, conf->control.socket, sizeof(address.sun_path));
	unlink(conf->control.socket);
	before = umask(0177);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0 ||
	    chown(conf->control.socket, (uid_t)-1, group->gr_gid) < 0 || chmod(conf->control.socket, 0660) < 0)
		r = fail(error, conf->control.socket, -errno);
	umask(before);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static socklen_t http_address(const struct fg_conf *conf, struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, conf->http.address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(conf->http.port);
		return sizeof(*four);
	}
	inet_pton(AF_INET6, conf->http.address, &six->sin6_addr);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(conf->http.port);
	return sizeof(*six);
}

static int http_listen(const struct fg_conf *conf, char error[FG_CONF_ERROR_MAX])
{
	struct sockaddr_storage address;
	socklen_t len = http_address(conf, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, r = 0;

	if (fd < 0)
		return fail(error, conf->http.address, -errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0)
		r = fail(error, conf->http.address, -errno);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* A socket that is shut down listens no more, and still holds its address: so that can be bound anew, or listened at again. */
int fg_listen_http(const struct fg_conf *conf, struct fg_listeners *l, char error[FG_CONF_ERROR_MAX])
{
	int fd = -1;

	if (l->http >= 0)
		shutdown(l->http, SHUT_RDWR);
	if (conf->http.address[0] != '\0')
		fd = http_listen(conf, error);
	if (conf->http.address[0] != '\0' && fd < 0) {
		if (l->http >= 0)
			listen(l->http, BACKLOG);
		return fd;
	}
	if (l->http >= 0)
		close(l->http);
	l->http = fd;
	return 0;
}

int fg_listen(const struct fg_conf *conf, struct fg_listeners *l, char error[FG_CONF_ERROR_MAX])
{
	*l = (struct fg_listeners){ .control = -1, .http = -1 };
	inherited(l);
	if (l->control < 0) {
		l->control = control_listen(conf, error);
		l->ours = true;
	}
	if (l->control < 0)
		return l->control;
	l->http_given = l->http >= 0;
	if (l->http < 0 && conf->http.address[0] != '\0') {
		l->http = http_listen(conf, error);
		if (l->http < 0)
			return l->http;
	}
	return 0;
}
