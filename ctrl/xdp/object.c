/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program and its maps: found where they are pinned, or loaded from the object that is part of this library and pinned.
 * A stamp says what is pinned; it is the first pin to go and the last to come, so that half a set is never taken for a
 * whole one. Ports that are attached keep their program and its maps, whatever is pinned, until they are attached again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"
#include "xdp_object.h"

const char *const fg_xdp_map_names[FG_MAPS] = {
	[FG_MAP_BOX] = "box",
	[FG_MAP_ACTIONS] = "actions",
	[FG_MAP_METERS] = "meters",
	[FG_MAP_TARGETS] = "targets",
	[FG_MAP_IMAGES] = "images",
	[FG_MAP_STORE] = "store",
	[FG_MAP_STAMP] = "stamp",
	[FG_MAP_RULE_COUNTERS] = "rule_counters",
	[FG_MAP_PORT_COUNTERS] = "port_counters",
	[FG_MAP_TX] = "tx",
	[FG_MAP_COPIES] = "copies",
	[FG_MAP_COPY_MACS] = "copy_macs",
	[FG_MAP_SAMPLES] = "samples",
};

static char last_words[FG_XDP_ERROR_MAX]; /* of libbpf */

/* FNV-1a: a program of other octets is another program. */
static uint64_t object_hash(void)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < sizeof(xdp_object); i++)
		h = (h ^ xdp_object[i]) * 0x100000001b3ull;
	return h;
}

static struct fg_xdp_stamp stamp_of(const struct fg_plane_sizes *sizes)
{
	return (struct fg_xdp_stamp){
		.version = FG_XDP_VERSION,
		.image_lines = sizes->image_lines,
		.slots = sizes->slots,
		.ports = FG_PORTS_MAX,
		.store_octets = sizes->store_octets,
		.program = object_hash(),
	};
}

int fg_pin_path(const char *folder, const char *name, char out[FG_PIN_PATH_MAX])
{
	int n = snprintf(out, FG_PIN_PATH_MAX, "%s/%s", folder, name);

	return n < FG_PIN_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int fg_pin_link_path(const char *folder, uint32_t ifindex, char out[FG_PIN_PATH_MAX])
{
	int n = snprintf(out, FG_PIN_PATH_MAX, "%s/link-%u", folder, ifindex);

	return n < FG_PIN_PATH_MAX ? 0 : -ENAMETOOLONG;
}

void fg_object_none(struct fg_xdp *x)
{
	for (int i = 0; i < FG_MAPS; i++)
		x->map[i] = -1;
	x->program = x->copy_program = -1;
}

void fg_object_close(struct fg_xdp *x)
{
	for (int i = 0; i < FG_MAPS; i++)
		if (x->map[i] >= 0)
			close(x->map[i]);
	if (x->program >= 0)
		close(x->program);
	if (x->copy_program >= 0)
		close(x->copy_program);
	fg_object_none(x);
}

static int pin_open(const struct fg_xdp *x, const char *name)
{
	char path[FG_PIN_PATH_MAX];
	int r = fg_pin_path(x->folder, name, path);

	return r != 0 ? r : bpf_obj_get(path);
}

int fg_object_find(struct fg_xdp *x)
{
	const struct fg_xdp_stamp want = stamp_of(&x->sizes);
	struct fg_xdp_stamp found;
	uint32_t zero = 0;
	int r = 0;

	for (int i = 0; i < FG_MAPS && r == 0; i++) {
		x->map[i] = pin_open(x, fg_xdp_map_names[i]);
		r = x->map[i] < 0 ? x->map[i] : 0;
	}
	if (r == 0)
		x->program = r = pin_open(x, "program");
	if (r >= 0)
		x->copy_program = r = pin_open(x, "copy_program");
	if (r >= 0)
		r = bpf_map_lookup_elem(x->map[FG_MAP_STAMP], &zero, &found);
	if (r == 0 && memcmp(&found, &want, sizeof(want)) == 0)
		return 0;
	fg_object_close(x);
	return r < 0 ? r : -ENOENT;
}

/* Names in the object are those of the pins, but for the section that has no name of its own and whose pin may have no dot. */
static struct bpf_map *map_of(const struct bpf_object *object, int map)
{
	return bpf_object__find_map_by_name(object, map == FG_MAP_BOX ? ".bss" : fg_xdp_map_names[map]);
}

static int say(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_words, sizeof(last_words), format, args);
	return 0;
}

static uint32_t entries_of(const struct fg_xdp *x, int map)
{
	switch (map) {
	case FG_MAP_ACTIONS:
	case FG_MAP_METERS:
	case FG_MAP_RULE_COUNTERS:
		return x->sizes.slots;
	default:
		return 0;
	}
}

/* Images and store are memory of the asked-for size; an image is made of pages. */
static int size_memory(const struct fg_xdp *x, struct bpf_object *object, struct fg_xdp_constants *constants)
{
	struct bpf_map *images = bpf_object__find_map_by_name(object, "images");
	struct bpf_map *store = bpf_object__find_map_by_name(object, "store");
	uint32_t lines = x->sizes.image_lines;
	int r;

	constants->pages = lines > FG_PAGE_LINES ? lines / FG_PAGE_LINES : 1;
	constants->line_mask = lines / constants->pages - 1;
	constants->page_octets = (uint64_t)(constants->line_mask + 1) * FG_LINE_OCTETS;
	r = bpf_map__set_value_size(images, (uint32_t)constants->page_octets);
	if (r == 0)
		r = bpf_map__set_max_entries(images, FG_SIDES * constants->pages);
	if (r == 0)
		r = bpf_map__set_value_size(store, (uint32_t)(x->sizes.store_octets + 7) & ~7u);
	return r;
}

static int size_maps(const struct fg_xdp *x, struct bpf_object *object)
{
	struct fg_xdp_constants constants;
	struct bpf_map *map;
	int r = size_memory(x, object, &constants);

	for (int i = 0; i < FG_MAPS && r == 0; i++) {
		map = map_of(object, i);
		if (map == NULL)
			return -ENOENT;
		if (entries_of(x, i) != 0)
			r = bpf_map__set_max_entries(map, entries_of(x, i));
	}
	bpf_object__for_each_map(map, object)
	{
		if (r == 0 && strcmp(bpf_map__name(map), ".rodata.constants") == 0)
			r = bpf_map__set_initial_value(map, &constants, sizeof(constants));
	}
	return r;
}

static int keep_fd(int fd, int *kept)
{
	*kept = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *kept < 0 ? -errno : 0;
}

/* The descriptors of a loaded object, as ours. */
static int keep(struct fg_xdp *x, struct bpf_object *object)
{
	int r = 0;

	for (int i = 0; i < FG_MAPS && r == 0; i++)
		r = keep_fd(bpf_map__fd(map_of(object, i)), &x->map[i]);
	if (r == 0)
		r = keep_fd(bpf_program__fd(bpf_object__find_program_by_name(object, "flowgate")), &x->program);
	if (r == 0)
		r = keep_fd(bpf_program__fd(bpf_object__find_program_by_name(object, "flowgate_copy")),
			    &x->copy_program);
	return r;
}

static int pin(const struct fg_xdp *x, const char *name, int fd)
{
	char path[FG_PIN_PATH_MAX];
	int r = fg_pin_path(x->folder, name, path);

	if (r != 0)
		return r;
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path);
}

/* The old stamp goes first, the new one comes last. */
static int pin_all(const struct fg_xdp *x)
{
	const struct fg_xdp_stamp stamp = stamp_of(&x->sizes);
	char path[FG_PIN_PATH_MAX];
	uint32_t zero = 0;
	int r = fg_pin_path(x->folder, fg_xdp_map_names[FG_MAP_STAMP], path);

	if (r == 0 && unlink(path) != 0 && errno != ENOENT)
		r = -errno;
	if (r == 0)
		r = bpf_map_update_elem(x->map[FG_MAP_STAMP], &zero, &stamp, BPF_ANY);
	for (int i = 0; i < FG_MAPS && r == 0; i++)
		if (i != FG_MAP_STAMP)
			r = pin(x, fg_xdp_map_names[i], x->map[i]);
	if (r == 0)
		r = pin(x, "program", x->program);
	if (r == 0)
		r = pin(x, "copy_program", x->copy_program);
	return r == 0 ? pin(x, fg_xdp_map_names[FG_MAP_STAMP], x->map[FG_MAP_STAMP]) : r;
}

int fg_object_load(struct fg_xdp *x, char error[FG_XDP_ERROR_MAX])
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "flowgate");
	libbpf_print_fn_t before = libbpf_set_print(say);
	struct bpf_object *object = bpf_object__open_mem(xdp_object, sizeof(xdp_object), &opts);
	int r = object == NULL ? -errno : size_maps(x, object);

	if (r == 0)
		r = bpf_object__load(object);
	if (r == 0)
		r = keep(x, object);
	if (r == 0)
		r = pin_all(x);
	bpf_object__close(object);
	libbpf_set_print(before);
	if (r != 0) {
		fg_object_close(x);
		snprintf(error, FG_XDP_ERROR_MAX, "the XDP program cannot be loaded: %s%s%.300s", strerror(-r),
			 last_words[0] ? ": " : "", last_words);
	}
	return r;
}
