/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration of a box, `/etc/flowgate/flowgate.conf`: what it permits and protects (struct fg_policy, which goes
 * to the gate as it is), and how the daemon itself is reached and where it keeps things. Flat, without pointers, so that
 * it is passed between processes as it is. Unknown words are errors; examples/flowgate.conf explains each.
 */
#ifndef CTRL_CONF_CONF_H
#define CTRL_CONF_CONF_H

#include "ctrl/bgp/peer.h"
#include "ctrl/policy/plane.h"
#include "ctrl/policy/policy.h"

enum {
	FG_CONF_ERROR_MAX = 1024,
	FG_CONF_FILE_MAX = 1 << 20, /* octets of a configuration */
	FG_CONF_ROLES_MAX = 64,
	FG_CONF_RULE_FILES_MAX = 16,
	FG_CONF_PATH_MAX = 256,   /* with the terminating NUL */
	FG_CONF_SOCKET_MAX = 108, /* likewise, as struct sockaddr_un has it */
	FG_CONF_SLOTS_MAX = 1 << 22,
	FG_CONF_HISTORY_MAX = 1 << 20,
	FG_CONF_CORES_MAX = 128,  /* octets of a list of cores, with the terminating NUL */
	FG_CONF_DEVICE_MAX = 256, /* likewise of a device */
	FG_CONF_WORKERS_MAX = FG_PLANE_WORKERS_MAX,
	FG_CONF_EAL_MAX = 16, /* arguments to EAL */
	FG_CONF_LATER_MAX = 256,
	FG_CONF_PATTERNS_DEFAULT = 24 << 20, /* the default budget of 16 MiB, and texts */
	FG_CONF_BEHIND_DEFAULT = 256,        /* full bursts: more than the descriptors of usual queues */
	FG_CONF_CORE_NONE = UINT32_MAX,
};

/* What a caller of the control socket may do; each may do what those before it may. */
enum fg_role { FG_ROLE_NONE = 0, FG_ROLE_READ, FG_ROLE_OPERATOR, FG_ROLE_ADMIN, FG_ROLE_COUNT };

struct fg_conf_role {
	uint8_t role; /* enum fg_role */
	bool group;   /* of a gid, otherwise of a uid */
	bool known;   /* id is set: a number was written, or fg_conf_resolve() found the name */
	uint32_t id;
	char name[FG_NAME_MAX + 1];
};

struct fg_conf {
	struct fg_policy policy;
	struct {
		char socket[FG_CONF_SOCKET_MAX];
		char group[FG_NAME_MAX + 1]; /* of the socket: who may connect */
		char user[FG_NAME_MAX + 1];  /* of the ctrl process */
		uint8_t others;              /* enum fg_role of those that no line names: read or none */
		struct fg_conf_role role[FG_CONF_ROLES_MAX];
		uint32_t roles;
	} control;
	struct {
		char address[FG_NAME_MAX + 1]; /* "": no metrics over HTTP */
		uint16_t port;
	} http;
	struct {
		char folder[FG_CONF_PATH_MAX]; /* of the database; of the ctrl user */
		char pins[FG_CONF_PATH_MAX];   /* on a bpffs */
		uint64_t image_octets;         /* of one image: a power of two from 128M on */
		uint32_t slots;                /* rules, protect entries included */
		uint32_t history;              /* generations kept for rollback */
		bool lock_memory;
	} store;
	struct fg_bgp_config bgp;
	/* The block `dpdk`: then ports are devices of flowgate-dpdk. */
	struct {
		bool used;
		bool run; /* the daemon starts it, and starts it again */
		char memory[FG_CONF_PATH_MAX];
		char cores[FG_CONF_CORES_MAX];
		uint32_t workers;   /* slots: of these cores, twice */
		uint32_t main_core; /* FG_CONF_CORE_NONE: not said */
		uint32_t mbufs;     /* 0: not said */
		uint32_t patterns;  /* octets of memory for payload patterns, of each side; 0: there are none */
		struct {
			char name[FG_IFNAME_OCTETS];
			char device[FG_CONF_DEVICE_MAX];
		} port[FG_PORTS_MAX];
		uint32_t ports;
		char eal[FG_CONF_EAL_MAX][FG_CONF_DEVICE_MAX];
		uint32_t eals;
	} dpdk;
	char rule_file[FG_CONF_RULE_FILES_MAX][FG_CONF_PATH_MAX];
	uint32_t rule_files;
	char later
		[FG_CONF_LATER_MAX]; /* what the file says and is used from the next start on; "": nothing. Not of the file itself */
};

/* What holds where nothing is said. */
void fg_conf_default(struct fg_conf *c);

/*
 * Reads a configuration from text, or from a file, over the defaults. 0; FG_MALFORMED: error[] holds FILE:LINE:COLUMN and
 * why; -errno, and error[] says of what. *c is untouched unless 0.
 */
int fg_conf_read(struct fg_conf *c, const char *file, const char *text, size_t len, char error[FG_CONF_ERROR_MAX]);
int fg_conf_file(struct fg_conf *c, const char *path, char error[FG_CONF_ERROR_MAX]);

/* Looks up the names of roles. 0, or -ENOENT with the first that this system does not know in error[]. */
int fg_conf_resolve(struct fg_conf *c, char error[FG_CONF_ERROR_MAX]);

/* The role of a process: the highest that its uid or one of its groups has. root is always admin. */
enum fg_role fg_conf_role_of(const struct fg_conf *c, uint32_t uid, const uint32_t *gids, size_t n);
const char *fg_role_name(enum fg_role role);

#endif
