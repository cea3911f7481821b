/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP dataplane from inside: descriptors of what is pinned, and its maps as memory. object.c loads it or finds it,
 * xdp.c opens and closes, port.c attaches, closed.c lets nothing pass where it cannot, preflight.c looks at interfaces, target.c says where redirects go, counters.c
 * adds up and hands over samples, netlink.c talks to the kernel.
 */
#ifndef CTRL_XDP_STATE_H
#define CTRL_XDP_STATE_H

#include "ctrl/xdp/xdp.h"
#include "flowgate/xdp.h"

enum fg_xdp_map {
	FG_MAP_BOX,
	FG_MAP_ACTIONS,
	FG_MAP_METERS,
	FG_MAP_TARGETS,
	FG_MAP_IMAGES,
	FG_MAP_STORE,
	FG_MAP_STAMP,
	FG_MAPS_MAPPED, /* those above are mapped into our memory */
	FG_MAP_RULE_COUNTERS = FG_MAPS_MAPPED,
	FG_MAP_PORT_COUNTERS,
	FG_MAP_TX,
	FG_MAP_COPIES,
	FG_MAP_COPY_MACS,
	FG_MAP_SAMPLES,
	FG_MAPS
};

enum { FG_PIN_PATH_MAX = 256 };

/* A place of a port in the maps. It is an interface's as long as that is attached, whatever number the owner gives it meanwhile. */
struct fg_xdp_port {
	uint32_t ifindex; /* 0: nobody's */
	uint32_t peer;    /* interface number, 0: host */
	uint32_t counted; /* interface whose counters are there; 0: who knows */
};

struct fg_xdp {
	char folder[FG_PIN_PATH_MAX - 32];
	struct fg_plane_sizes sizes;
	int map[FG_MAPS];
	int program, copy_program;
	void *mapped[FG_MAPS_MAPPED];
	size_t mapped_octets[FG_MAPS_MAPPED];
	struct fg_plane_memory memory;
	struct fg_port *ports;                 /* by interface number */
	struct fg_xdp_port port[FG_PORTS_MAX]; /* by place */
	uint8_t place
		[FG_PORTS_MAX]; /* by the number that the owner gave last; FG_PORTS_MAX: there is no such interface */
	int spare_pair;         /* an inner map, to be put where none is: the kernel waits for readers then */
	bool barrier;           /* membarrier() works */
	size_t cpus;
	void *by_cpu; /* room for one value of each core */
	struct ring_buffer *ring;
	struct fg_xdp_take *take; /* of the call that is reading the ring */
};

extern const char *const fg_xdp_map_names[FG_MAPS];

/* PATH/NAME in out[]; -ENAMETOOLONG. */
int fg_pin_path(const char *folder, const char *name, char out[FG_PIN_PATH_MAX]);
int fg_pin_link_path(const char *folder, uint32_t ifindex, char out[FG_PIN_PATH_MAX]);
/* The folder is there, on a bpffs: at its usual place one is mounted where it is missing, elsewhere on the folder. 0 or -errno. */
int fg_pin_folder(const char *folder);

/* port.c: the pinned link of an interface, if it is still attached to that; -ENOENT. */
int fg_link_find(const char *folder, uint32_t ifindex);
/* Attaches a program by a link and pins that. 0 or -errno. */
int fg_link_make(const char *folder, uint32_t ifindex, int program, enum fg_xdp_mode mode);
void fg_link_drop(const char *folder, uint32_t ifindex);

/* closed.c: no IP packet of the interface passes, in place of what its link has done, or by a new one. 0 or -errno. */
int fg_closed_attach(const char *folder, uint32_t ifindex, uint8_t mode);

/* object.c: descriptors of all maps and programs, -1 where there are none. */
void fg_object_none(struct fg_xdp *x);
void fg_object_close(struct fg_xdp *x);
/* Finds what is pinned, if it is what we would load. 0; -ENOENT: it is not, or not all of it; -errno. */
int fg_object_find(struct fg_xdp *x);
/* Loads it and pins it instead of what is there. */
int fg_object_load(struct fg_xdp *x, char error[FG_XDP_ERROR_MAX]);

/* target.c: what the port of a place needs for copies to each target that has an interface. */
int fg_copies_update(struct fg_xdp *x, uint8_t place);

/* counters.c: what was counted in a place is forgotten. 0 or -errno. */
int fg_port_reset(struct fg_xdp *x, uint8_t place);

/* preflight.c: names what was changed or what is wrong in *status. */
enum fg_port_reason fg_preflight(uint32_t ifindex, const char *name, struct fg_port_status *status);
enum fg_port_reason fg_preflight_generic(const char *name, struct fg_port_status *status);
/* Whether frames can be redirected to it, as far as the kernel says; old kernels say nothing: then true. */
bool fg_preflight_sends(uint32_t ifindex);
void fg_status_add(struct fg_port_status *status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* netlink.c */
struct fg_way {
	uint32_t ifindex;
	struct fg_address next_hop; /* what is to be resolved on that link */
};

/* 0 and the way to an address, by `ifindex` where that is not 0; -errno. */
int fg_netlink_route(const struct fg_address *to, uint32_t ifindex, struct fg_way *way);
/* 0 and the link address of a neighbour; -ENOENT: not known. */
int fg_netlink_neighbour(const struct fg_way *way, uint8_t mac[6]);
/* Has the kernel ask for it. */
int fg_netlink_probe(const struct fg_way *way);
/* 0 and what the device can do (NETDEV_A_DEV_XDP_FEATURES); -errno: the kernel does not say. */
int fg_netlink_xdp_features(uint32_t ifindex, uint64_t *features);
/* Hardware address of an interface. */
int fg_link_mac(const char *name, uint8_t mac[6]);

#endif
