/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mapping, checking and claiming (share.h). The tables are mapped without the right to write: a mistake of ours ends this process, and not
 * what is enforced. All pages are there before the first packet.
 */
#include "dataplane/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAT_OCTETS = 1024, START_FIELD = 22, IMAGE_LINES_MIN = 1024 };

/* ---- Files ---- */

static int fail(char error[FG_SHARED_ERROR_MAX], const char *folder, const char *file, int r, const char *why)
{
	snprintf(error, FG_SHARED_ERROR_MAX, "%.200s/%s: %s", folder, file, why);
	return r;
}

/* A file of the folder, all of it. 0; -EAGAIN: it is not there, or not as long as its stamp yet; -errno. */
static int file_map(const char *folder, const char *file, bool write, void **at, size_t *octets, ino_t *made)
{
	int protection = write ? PROT_READ | PROT_WRITE : PROT_READ, fd, r;
	char path[FG_SHARED_PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	r = fstat(fd, &st) != 0 ? -errno : 0;
	if (r == 0 && (size_t)st.st_size < sizeof(struct fg_share_stamp))
		r = -EAGAIN;
	if (r == 0) {
		*octets = (size_t)st.st_size;
		*made = st.st_ino;
		*at = mmap(NULL, *octets, protection, MAP_SHARED | MAP_POPULATE, fd, 0);
		r = *at == MAP_FAILED ? -errno : 0;
		*at = r == 0 ? *at : NULL;
	}
	close(fd);
	return r;
}

static bool sizes_are_good(const struct fg_share_sizes *z)
{
	return z->image_lines >= IMAGE_LINES_MIN && z->image_lines <= 4 * FG_PAGE_LINES &&
	       (z->image_lines & (z->image_lines - 1)) == 0 && z->slots > 0 && z->slots <= FG_SLOT_MASK &&
	       z->workers > 0 && z->workers <= FG_WORKERS_MAX && z->patterns <= FG_PATTERN_ROOM_OCTETS;
}

/* Whether a stamp is of this version. 0, -EAGAIN: it is not written yet, -EPROTO. */
static int check_stamp(const struct fg_share_stamp *stamp, const char *folder, const char *file,
		       char error[FG_SHARED_ERROR_MAX])
{
	uint32_t magic = __atomic_load_n(&stamp->magic, __ATOMIC_ACQUIRE);
	char why[160];

	if (magic == 0)
		return -EAGAIN;
	if (magic != FG_SHARE_MAGIC)
		return fail(error, folder, file, -EPROTO, "this is no memory of Flowgate");
	snprintf(why, sizeof(why), "version %u with images of version %u; this flowgate-dpdk knows %u and %u",
		 stamp->version, stamp->image_version, (unsigned)FG_SHARE_VERSION, (unsigned)FG_IMAGE_VERSION);
	if (stamp->version != FG_SHARE_VERSION || stamp->image_version != FG_IMAGE_VERSION)
		return fail(error, folder, file, -EPROTO, why);
	return 0;
}

/* Both files belong together, and are as long as their sizes say. */
static int check_files(struct fg_shared *s, const char *folder, char error[FG_SHARED_ERROR_MAX])
{
	int r = check_stamp(&s->tables->stamp, folder, "tables", error);

	if (r == 0)
		r = check_stamp(&s->live->stamp, folder, "live", error);
	if (r != 0)
		return r;
	s->sizes = s->tables->stamp.sizes;
	if (!sizes_are_good(&s->sizes))
		return fail(error, folder, "tables", -EINVAL, "sizes that cannot be");
	s->layout = fg_share_layout(&s->sizes);
	if (s->tables_octets < s->layout.tables_octets)
		return fail(error, folder, "tables", -EINVAL, "shorter than its sizes say");
	if (s->live_octets < s->layout.live_octets)
		return fail(error, folder, "live", -EINVAL, "shorter than its sizes say");
	if (s->tables->stamp.made != s->live->stamp.made ||
	    memcmp(&s->sizes, &s->live->stamp.sizes, sizeof(s->sizes)) != 0)
		return -EAGAIN;
	return 0;
}

/* Field 22 of /proc/self/stat, behind the name, which may hold anything. */
static uint64_t own_start_ticks(void)
{
	char text[STAT_OCTETS], *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int i = 2; i < START_FIELD && at != NULL; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

int fg_shared_open(struct fg_shared *s, const char *folder, char error[FG_SHARED_ERROR_MAX])
{
	void *tables = NULL, *live = NULL;
	ino_t other;
	int r;

	memset(s, 0, sizeof(*s));
	s->instance = -1;
	s->start_ticks = own_start_ticks();
	error[0] = '\0';
	r = file_map(folder, "tables", false, &tables, &s->tables_octets, &s->made);
	if (r == 0)
		r = file_map(folder, "live", true, &live, &s->live_octets, &other);
	s->tables = tables;
	s->live = live;
	if (r == 0)
		r = check_files(s, folder, error);
	if (r != 0)
		fg_shared_close(s);
	if (r != 0 && r != -EAGAIN && error[0] == '\0')
		fail(error, folder, "tables, live", r, strerror(-r));
	return r;
}

void fg_shared_close(struct fg_shared *s)
{
	if (s->tables != NULL)
		munmap((void *)(uintptr_t)s->tables, s->tables_octets);
	if (s->live != NULL)
		munmap(s->live, s->live_octets);
	s->tables = NULL;
	s->live = NULL;
}

bool fg_shared_replaced(const struct fg_shared *s, const char *folder)
{
	char path[FG_SHARED_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/tables", folder);
	return stat(path, &st) == 0 && st.st_ino != s->made;
}

/* ---- Places ---- */

static bool take(uint32_t *place, uint32_t who)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(place, &free, who, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/*
 * Who looks at a pid looks at start_ticks too: 0 there is not said yet, as who gave the place back has left it. Nothing is written before the
 * place is ours.
 */
bool fg_shared_claim(struct fg_shared *s)
{
	for (int i = 0; i < FG_INSTANCES_MAX; i++) {
		struct fg_share_instance *instance = &s->live->instance[i];

		if (!take(&instance->pid, (uint32_t)getpid()))
			continue;
		__atomic_store_n(&instance->start_ticks, s->start_ticks, __ATOMIC_SEQ_CST);
		instance->ready = 0;
		instance->workers = 0;
		instance->forwarding_ns = 0;
		memset(instance->device, 0, sizeof(instance->device));
		s->instance = i;
		return true;
	}
	return false;
}

bool fg_shared_holds(const struct fg_shared *s)
{
	const struct fg_share_instance *instance = fg_shared_instance(s);

	return __atomic_load_n(&instance->pid, __ATOMIC_ACQUIRE) == (uint32_t)getpid() &&
	       instance->start_ticks == s->start_ticks;
}

/*
 * The gate that has not seen the slot in use may have changed the image already: what it wrote before it looked is seen by whoever takes the
 * slot after that, for both are in one order (seq_cst).
 */
int fg_shared_claim_worker(struct fg_shared *s, uint32_t lcore)
{
	for (uint32_t i = 0; i < s->sizes.workers; i++) {
		struct fg_share_worker *w = &s->live->worker[i];

		if (!take(&w->instance, (uint32_t)s->instance + 1))
			continue;
		w->lcore = lcore;
		w->heartbeat = w->busy = 0;
		w->skipped_s = 0;
		return (int)i;
	}
	return -1;
}

void fg_shared_release(struct fg_shared *s)
{
	uint32_t own = (uint32_t)s->instance + 1;

	/* Where the gate has given the instance away, all that was ours is free, and what is called like it another's. */
	if (s->instance < 0 || !fg_shared_holds(s))
		return;
	__atomic_store_n(&fg_shared_instance(s)->ready, 0, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < s->sizes.workers; i++) {
		uint32_t *place = &s->live->worker[i].instance;

		if (__atomic_load_n(place, __ATOMIC_ACQUIRE) == own)
			__atomic_store_n(place, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&fg_shared_instance(s)->start_ticks, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&fg_shared_instance(s)->pid, 0, __ATOMIC_RELEASE);
	s->instance = -1;
}

/* ---- Parts ---- */

static const void *in_tables(const struct fg_shared *s, size_t offset)
{
	return (const uint8_t *)s->tables + offset;
}

static void *in_live(const struct fg_shared *s, size_t offset)
{
	return (uint8_t *)s->live + offset;
}

const uint8_t *fg_shared_image(const struct fg_shared *s, uint32_t side)
{
	return in_tables(s, s->layout.image[side]);
}

const struct fg_action *fg_shared_actions(const struct fg_shared *s)
{
	return in_tables(s, s->layout.actions);
}

const struct fg_target *fg_shared_targets(const struct fg_shared *s)
{
	return in_tables(s, s->layout.targets);
}

const uint32_t *fg_shared_numbers(const struct fg_shared *s, uint32_t side)
{
	return in_tables(s, s->layout.numbers[side]);
}

const struct fg_share_patterns *fg_shared_patterns(const struct fg_shared *s, uint32_t side)
{
	return in_tables(s, s->layout.patterns[side]);
}

struct fg_meter *fg_shared_meters(const struct fg_shared *s)
{
	return in_live(s, s->layout.meters);
}

struct fg_share_port_counters *fg_shared_ports(const struct fg_shared *s, uint32_t worker)
{
	return in_live(s, s->layout.workers + worker * s->layout.worker_octets);
}

struct fg_rule_counters *fg_shared_rules(const struct fg_shared *s, uint32_t worker)
{
	return in_live(s, s->layout.workers + worker * s->layout.worker_octets + s->layout.rule_counters);
}

struct fg_sample *fg_shared_samples(const struct fg_shared *s, uint32_t worker)
{
	return in_live(s, s->layout.workers + worker * s->layout.worker_octets + s->layout.samples);
}

struct fg_share_instance *fg_shared_instance(const struct fg_shared *s)
{
	return &s->live->instance[s->instance];
}
