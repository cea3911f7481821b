/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and closing the dataplane (xdp.h): the folder on a bpffs, the maps as memory, and waiting for packets that
 * still read what was. After fg_xdp_open() nothing here allocates.
 */
#include "ctrl/xdp/xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"
#include "flowgate/table.h"

#define BPFFS "/sys/fs/bpf"

static bool on_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* All folders of a path. */
static int make_folders(const char *path)
{
	char part[FG_PIN_PATH_MAX];

	for (const char *end = strchr(path + 1, '/');; end = strchr(end + 1, '/')) {
		size_t n = end != NULL ? (size_t)(end - path) : strlen(path);

		memcpy(part, path, n);
		part[n] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return -errno;
		if (end == NULL)
			return 0;
	}
}

int fg_pin_folder(const char *folder)
{
	bool usual = strncmp(folder, BPFFS "/", strlen(BPFFS "/")) == 0;
	int r;

	if (usual && !on_bpffs(BPFFS) && mount("bpf", BPFFS, "bpf", 0, "mode=0700") != 0)
		return -errno;
	r = make_folders(folder);
	if (r != 0 || on_bpffs(folder))
		return r;
	return mount("bpf", folder, "bpf", 0, "mode=0700") != 0 ? -errno : 0;
}

static int map_memory(struct fg_xdp *x)
{
	for (int i = 0; i < FG_MAPS_MAPPED; i++) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		void *p;

		if (bpf_obj_get_info_by_fd(x->map[i], &info, &len) != 0)
			return -errno;
		x->mapped_octets[i] = (size_t)info.max_entries * ((info.value_size + 7) & ~7u);
		p = mmap(NULL, x->mapped_octets[i], PROT_READ | PROT_WRITE, MAP_SHARED, x->map[i], 0);
		if (p == MAP_FAILED)
			return -errno;
		x->mapped[i] = p;
	}
	return 0;
}

static void fill_memory(struct fg_xdp *x, bool adopted)
{
	struct fg_plane_memory *m = &x->memory;
	struct fg_xdp_box *box = x->mapped[FG_MAP_BOX];

	m->adopted = adopted;
	m->control = &box->control;
	m->actions = x->mapped[FG_MAP_ACTIONS];
	m->meters = x->mapped[FG_MAP_METERS];
	m->targets = x->mapped[FG_MAP_TARGETS];
	m->store = x->mapped[FG_MAP_STORE];
	for (size_t i = 0; i < FG_SIDES; i++)
		m->image[i] = (uint8_t *)x->mapped[FG_MAP_IMAGES] + i * x->sizes.image_lines * FG_LINE_OCTETS;
	x->ports = box->ports;
	if (!adopted)
		m->control->side = FG_SIDE_NONE;
}

/* Which ports there are is read from the map: the program's view is the one that counts. */
static void find_ports(struct fg_xdp *x)
{
	for (uint32_t i = 0; i < FG_IFINDEX_MAX; i++) {
		const struct fg_port *p = &x->ports[i];

		if ((p->flags & FG_PORT_USED) && p->number < FG_PORTS_MAX)
			x->port[p->number] = (struct fg_xdp_port){ .ifindex = i, .peer = p->peer, .counted = i };
	}
	for (uint8_t i = 0; i < FG_PORTS_MAX; i++)
		x->place[i] = i;
}

struct fg_xdp_take {
	void (*take)(void *ctx, const struct fg_sample *sample);
	void *ctx;
	int count, most;
};

/* A negative answer ends the reading behind this sample. */
static int take_one(void *ctx, void *data, size_t size)
{
	struct fg_xdp *x = ctx;
	struct fg_xdp_take *t = x->take;

	if (size >= sizeof(struct fg_sample))
		t->take(t->ctx, data);
	return ++t->count < t->most ? 0 : -1;
}

int fg_xdp_samples_fd(const struct fg_xdp *x)
{
	return ring_buffer__epoll_fd(x->ring);
}

int fg_xdp_samples(struct fg_xdp *x, void (*take)(void *ctx, const struct fg_sample *sample), void *ctx, int most)
{
	struct fg_xdp_take t = { .take = take, .ctx = ctx, .most = most };
	int r;

	if (most <= 0)
		return 0;
	x->take = &t;
	r = ring_buffer__consume(x->ring);
	x->take = NULL;
	return r < 0 && t.count < most ? r : t.count;
}

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

/* What drains and reads needs: all memory of later calls. */
static int prepare(struct fg_xdp *x)
{
	int known = membarrier(MEMBARRIER_CMD_QUERY), cpus = libbpf_num_possible_cpus();

	if (cpus <= 0)
		return cpus;
	x->cpus = (size_t)cpus;
	x->by_cpu = calloc(x->cpus, sizeof(struct fg_port_counters));
	x->ring = ring_buffer__new(x->map[FG_MAP_SAMPLES], take_one, x, NULL);
	if (x->by_cpu == NULL || x->ring == NULL)
		return -ENOMEM;
	x->barrier = known > 0 && (known & MEMBARRIER_CMD_GLOBAL) && membarrier(MEMBARRIER_CMD_GLOBAL) == 0;
	x->spare_pair = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "copy_pair", sizeof(uint32_t),
				       sizeof(struct bpf_devmap_val), 2, NULL);
	return x->spare_pair < 0 ? x->spare_pair : 0;
}

static int open_all(struct fg_xdp *x, char error[FG_XDP_ERROR_MAX])
{
	bool adopted;
	int r = fg_pin_folder(x->folder);

	if (r != 0) {
		snprintf(error, FG_XDP_ERROR_MAX, "%s cannot be made on a bpffs: %s", x->folder, strerror(-r));
		return r;
	}
	adopted = fg_object_find(x) == 0;
	if (!adopted)
		r = fg_object_load(x, error);
	if (r != 0)
		return r;
	r = map_memory(x);
	if (r == 0)
		r = prepare(x);
	if (r != 0) {
		snprintf(error, FG_XDP_ERROR_MAX, "the maps cannot be used: %s", strerror(-r));
		return r;
	}
	fill_memory(x, adopted);
	find_ports(x);
	return 0;
}

static bool sizes_are_good(const struct fg_plane_sizes *s)
{
	return s->image_lines >= 1u << 21 && (s->image_lines & (s->image_lines - 1)) == 0 &&
	       s->image_lines <= 4 * FG_PAGE_LINES && s->slots > 0 && s->slots <= FG_SLOT_MASK && s->store_octets > 0 &&
	       s->store_octets < 1u << 31;
}

int fg_xdp_open(struct fg_xdp **out, const char *folder, const struct fg_plane_sizes *sizes,
		char error[FG_XDP_ERROR_MAX])
{
	struct fg_xdp *x;
	int r;

	error[0] = '\0';
	if (!sizes_are_good(sizes) || folder[0] != '/' || strlen(folder) >= sizeof(x->folder)) {
		snprintf(error, FG_XDP_ERROR_MAX, "sizes or the folder of the dataplane are out of range");
		return -EINVAL;
	}
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return -ENOMEM;
	strcpy(x->folder, folder);
	x->sizes = *sizes;
	x->spare_pair = -1;
	fg_object_none(x);
	r = open_all(x, error);
	if (r != 0)
		fg_xdp_close(x);
	else
		*out = x;
	return r;
}

void fg_xdp_close(struct fg_xdp *x)
{
	if (x == NULL)
		return;
	for (int i = 0; i < FG_MAPS_MAPPED; i++)
		if (x->mapped[i] != NULL)
			munmap(x->mapped[i], x->mapped_octets[i]);
	ring_buffer__free(x->ring);
	if (x->spare_pair >= 0)
		close(x->spare_pair);
	fg_object_close(x);
	free(x->by_cpu);
	free(x);
}

const struct fg_plane_memory *fg_xdp_memory(const struct fg_xdp *x)
{
	return &x->memory;
}

int fg_xdp_drain(struct fg_xdp *x)
{
	uint32_t key = FG_COPIES_MAX;

	if (x->barrier && membarrier(MEMBARRIER_CMD_GLOBAL) == 0)
		return 0;
	/* Setting a map inside a map waits until no program reads the one that was there. */
	return bpf_map_update_elem(x->map[FG_MAP_COPIES], &key, &x->spare_pair, BPF_ANY);
}

/* A link that goes: the port is free at once, even where somebody else holds the link. */
static void detach_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0) {
		(void)bpf_link_detach(fd);
		close(fd);
	}
}

int fg_xdp_remove(const char *folder)
{
	char path[FG_PIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(folder);
	int r = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : -errno;
	if (!on_bpffs(folder)) {
		closedir(dir);
		return -EINVAL; /* whose files are these? */
	}
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		r = fg_pin_path(folder, entry->d_name, path);
		if (r == 0 && strncmp(entry->d_name, "link-", 5) == 0)
			detach_pin(path);
		if (r == 0 && unlink(path) != 0)
			r = -errno;
	}
	closedir(dir);
	if (r == 0 && rmdir(folder) != 0 && errno != EBUSY)
		r = -errno;
	return r;
}
