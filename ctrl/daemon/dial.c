/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets for BGP. In: the configuration. Out: descriptors that ctrl gets. */
#include "ctrl/daemon/dial.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"

enum { BACKLOG = 128, DIAL_LEAST_US = 500000, TTL_MAX = 255 };

static socklen_t sockaddr_of(const struct fg_address *a, uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (a->family == FG_IPV4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		memcpy(&four->sin_addr, a->octets, 4);
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	memcpy(&six->sin6_addr, a->octets, 16);
	return sizeof(*six);
}

static int new_socket(const struct fg_address *a)
{
	int fd = socket(a->family == FG_IPV4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    one = 1;

	if (fd < 0)
		return -errno;
	if (a->family == FG_IPV6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int set_key(int fd, const struct fg_address *peer, const char *key)
{
	struct tcp_md5sig md5 = { .tcpm_keylen = (uint16_t)strlen(key) };
	struct sockaddr_storage address;

	sockaddr_of(peer, 0, &address);
	memcpy(&md5.tcpm_addr, &address,
	       sizeof(md5.tcpm_addr) < sizeof(address) ? sizeof(md5.tcpm_addr) : sizeof(address));
	memcpy(md5.tcpm_key, key, strlen(key));
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)) < 0 ? -errno : 0;
}

/* ---- Listeners ---- */

static bool has_key(const struct fg_bgp_config *conf, const struct fg_address *a)
{
	for (uint32_t i = 0; i < conf->peers; i++)
		if (conf->peer[i].md5[0] != '\0' && memcmp(&conf->peer[i].address, a, sizeof(*a)) == 0)
			return true;
	return false;
}

/* Keys of this configuration come, each in the place of a former one; then those go that it has not. 0 or -errno: a peer would be heard without its key. */
static int set_keys(int fd, uint8_t family, const struct fg_bgp_config *before, const struct fg_bgp_config *conf)
{
	for (uint32_t i = 0; i < conf->peers; i++) {
		const struct fg_peer_config *p = &conf->peer[i];
		int r = 0;

		if (p->md5[0] != '\0' && p->address.family == family)
			r = set_key(fd, &p->address, p->md5);
		if (r != 0) {
			fg_log(LOG_ERR, "bgp %s: TCP-MD5 cannot be used: %s", p->name, strerror(-r));
			return r;
		}
	}
	for (uint32_t i = 0; i < before->peers; i++) {
		const struct fg_peer_config *p = &before->peer[i];

		if (p->md5[0] != '\0' && p->address.family == family && !has_key(conf, &p->address))
			set_key(fd, &p->address, "");
	}
	return 0;
}

/*
 * The kernel answers before anybody knows who comes: a peer that asks for TTL 255 must get it (RFC 5082), and it hurts no other. And it hears who comes
 * from afar, unless all peers of the family are to be near.
 */
static void set_hops(int fd, uint8_t family, const struct fg_bgp_config *conf)
{
	bool six = family == FG_IPV6, any = false, all = true;
	int ttl, least = TTL_MAX;

	for (uint32_t i = 0; i < conf->peers; i++) {
		const struct fg_peer_config *p = &conf->peer[i];

		if (p->address.family != family)
			continue;
		any = any || p->ttl_security;
		all = all && p->ttl_security;
		least = TTL_MAX + 1 - p->hops < least ? TTL_MAX + 1 - p->hops : least;
	}
	ttl = any ? TTL_MAX : -1;
	least = any && all ? least : 0;
	setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl));
	setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MINHOPCOUNT : IP_MINTTL, &least, sizeof(least));
}

/* Nobody can connect before it has the keys. */
static int listen_at(const struct fg_bgp_listen *l, const struct fg_bgp_config *conf)
{
	static const struct fg_bgp_config none;
	struct sockaddr_storage address;
	socklen_t len = sockaddr_of(&l->address, l->port, &address);
	int fd = new_socket(&l->address), one = 1, r = 0;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address, len) < 0)
		r = -errno;
	if (r == 0)
		r = set_keys(fd, l->address.family, &none, conf);
	set_hops(fd, l->address.family, conf);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static bool is_wanted(const struct fg_bgp_config *conf, const struct fg_bgp_listen *l)
{
	for (uint32_t i = 0; i < conf->listens; i++)
		if (memcmp(&conf->listen[i], l, sizeof(*l)) == 0)
			return true;
	return false;
}

static bool is_there(const struct fg_dial *d, const struct fg_bgp_listen *l)
{
	for (uint32_t i = 0; i < d->listeners; i++)
		if (memcmp(&d->listener[i].at, l, sizeof(*l)) == 0)
			return true;
	return false;
}

/* What is not wanted any more is closed, and what cannot have the keys of the new configuration. */
static void keep_wanted(struct fg_dial *d, const struct fg_bgp_config *conf)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->listeners; i++) {
		uint8_t family = d->listener[i].at.address.family;

		if (!is_wanted(conf, &d->listener[i].at) || set_keys(d->listener[i].fd, family, &d->conf, conf) != 0) {
			close(d->listener[i].fd);
			continue;
		}
		set_hops(d->listener[i].fd, family, conf);
		d->listener[kept++] = d->listener[i];
	}
	d->listeners = kept;
}

static void open_wanted(struct fg_dial *d, const struct fg_bgp_config *conf)
{
	for (uint32_t i = 0; i < conf->listens; i++) {
		int fd = is_there(d, &conf->listen[i]) ? -EEXIST : listen_at(&conf->listen[i], conf);

		if (fd >= 0) {
			d->listener[d->listeners].at = conf->listen[i];
			d->listener[d->listeners++].fd = fd;
		} else if (fd != -EEXIST) {
			fg_log(LOG_ERR, "bgp: cannot listen at port %u of IPv%c: %s", conf->listen[i].port,
			       conf->listen[i].address.family == FG_IPV6 ? '6' : '4', strerror(-fd));
		}
	}
}

void fg_dial_listen(struct fg_dial *d, const struct fg_bgp_config *conf)
{
	keep_wanted(d, conf);
	open_wanted(d, conf);
	d->conf = *conf;
}

size_t fg_dial_listeners(const struct fg_dial *d, int fds[FG_BGP_LISTEN_MAX])
{
	for (uint32_t i = 0; i < d->listeners; i++)
		fds[i] = d->listener[i].fd;
	return d->listeners;
}

int fg_dial_hops(int fd, const struct fg_peer_config *p)
{
	bool six = p->address.family == FG_IPV6;
	int ttl = p->ttl_security ? TTL_MAX : p->hops, least = TTL_MAX + 1 - p->hops;

	setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl));
	if (p->ttl_security && setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MINHOPCOUNT : IP_MINTTL,
					  &least, sizeof(least)) < 0)
		return -errno;
	return 0;
}

static int dial(const struct fg_peer_config *p)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd = new_socket(&p->address), r = 0;

	if (fd < 0)
		return fd;
	r = fg_dial_hops(fd, p);
	if (r == 0 && p->md5[0] != '\0')
		r = set_key(fd, &p->address, p->md5);
	len = sockaddr_of(&p->local, 0, &address);
	if (r == 0 && p->has_local && bind(fd, (const struct sockaddr *)&address, len) < 0)
		r = -errno;
	len = sockaddr_of(&p->address, p->port, &address);
	if (r == 0 && connect(fd, (const struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int fg_dial_peer(struct fg_dial *d, const char *peer)
{
	uint64_t now = now_us();

	for (uint32_t i = 0; i < d->conf.peers; i++) {
		if (strcmp(d->conf.peer[i].name, peer) != 0)
			continue;
		if (now - d->dialled_us[i] < DIAL_LEAST_US && d->dialled_us[i] != 0)
			return -EAGAIN;
		d->dialled_us[i] = now;
		return dial(&d->conf.peer[i]);
	}
	return -ENOENT;
}
