/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files (share.h): found as they were left, or made. A stamp is written last of all, and that of `tables` last of the three, so that half
 * a set is never taken for a whole one. Memory is taken when the files are made: later there is nobody who could be told that none is left.
 */
#include "ctrl/dpdk/share.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/dpdk/process.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { TABLES, LIVE, STORE };
enum { TERM_WAIT_MS = 3000, KILL_WAIT_MS = 2000 };

static const char *const names[FG_SHARE_FILES] = { "tables", "live", "store" };

static bool file_path(const char *folder, int file, char out[FG_SHARE_PATH_MAX])
{
	return snprintf(out, FG_SHARE_PATH_MAX, "%s/%s", folder, names[file]) < FG_SHARE_PATH_MAX;
}

static int file_open(const char *folder, int file, int flags)
{
	char path[FG_SHARE_PATH_MAX];
	int fd;

	if (!file_path(folder, file, path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0 ? fd : -errno;
}

/* ---- Sizes ---- */

static bool sizes_are_good(const struct fg_share_sizes *z, size_t store_octets)
{
	return z->image_lines >= 1024 && (z->image_lines & (z->image_lines - 1)) == 0 &&
	       z->image_lines <= 4 * FG_PAGE_LINES && z->slots > 0 && z->slots <= FG_SLOT_MASK && z->workers > 0 &&
	       z->workers <= FG_WORKERS_MAX && z->patterns <= FG_PATTERN_ROOM_OCTETS && store_octets > 0 &&
	       store_octets < UINT64_C(1) << 40;
}

/* A folder on a hugetlbfs has large pages, of which a file is made. */
static size_t page_of(const char *folder, bool *huge)
{
	struct statfs fs;

	*huge = statfs(folder, &fs) == 0 && (unsigned long)fs.f_type == HUGETLBFS_MAGIC;
	return *huge ? (size_t)fs.f_bsize : FG_SHARE_PAGE;
}

static void set_sizes(struct fg_share *s, const struct fg_share_sizes *sizes, size_t store_octets, size_t page)
{
	s->sizes = *sizes;
	s->layout = fg_share_layout(sizes);
	s->store_octets = store_octets;
	s->mapped_octets[TABLES] = fg_share_up(s->layout.tables_octets, page);
	s->mapped_octets[LIVE] = fg_share_up(s->layout.live_octets, page);
	s->mapped_octets[STORE] = fg_share_up(FG_SHARE_PAGE + store_octets, page);
}

static struct fg_share_stamp *stamp_of(const struct fg_share *s, int file)
{
	return s->mapped[file];
}

/* ---- Who lives on it ---- */

/* The head of `live`, whatever its sizes are, if it is of this version. NULL: there is none; *r: 0, or -EPROTO: it is of another. */
static struct fg_share_live *live_find(const char *folder, int *r)
{
	int fd = file_open(folder, LIVE, O_RDWR);
	struct fg_share_live *live = MAP_FAILED;
	struct stat st;
	bool huge;
	size_t octets = fg_share_up(sizeof(*live), page_of(folder, &huge));

	*r = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= octets)
		live = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (live == MAP_FAILED)
		return NULL;
	if (live->stamp.magic == FG_SHARE_MAGIC && live->stamp.version == FG_SHARE_VERSION)
		return live;
	*r = live->stamp.magic == FG_SHARE_MAGIC ? -EPROTO : 0;
	munmap(live, octets);
	return NULL;
}

static void live_forget(const char *folder, struct fg_share_live *live)
{
	bool huge;

	if (live != NULL)
		munmap(live, fg_share_up(sizeof(*live), page_of(folder, &huge)));
}

/* The pid of a process that lives on it; 0: none does. */
static uint32_t who_lives(const struct fg_share_live *live)
{
	for (int i = 0; live != NULL && i < FG_INSTANCES_MAX; i++) {
		uint32_t pid = __atomic_load_n(&live->instance[i].pid, __ATOMIC_ACQUIRE);

		if (fg_process_lives(pid, live->instance[i].start_ticks))
			return pid;
	}
	return 0;
}

uint32_t fg_share_running(const char *folder)
{
	int r;
	struct fg_share_live *live = live_find(folder, &r);
	uint32_t pid = who_lives(live);

	live_forget(folder, live);
	return pid;
}

bool fg_share_lock_path(const char *folder, char out[FG_SHARE_PATH_MAX])
{
	return snprintf(out, FG_SHARE_PATH_MAX, "%s/lock", folder) < FG_SHARE_PATH_MAX;
}

/* Whether what is there may be replaced. */
static int check_free(const char *folder, char error[FG_SHARE_ERROR_MAX])
{
	int r;
	struct fg_share_live *live = live_find(folder, &r);
	uint32_t pid = who_lives(live);

	live_forget(folder, live);
	if (r == 0 && pid == 0)
		return 0;
	if (r != 0)
		snprintf(error, FG_SHARE_ERROR_MAX,
			 "%.200s is of another version: end the flowgate-dpdk that uses it, then remove the folder",
			 folder);
	else
		snprintf(error, FG_SHARE_ERROR_MAX,
			 "flowgate-dpdk (process %u) works on %.200s, which has other sizes than 'store' and 'dpdk' "
			 "say: "
			 "end it with 'flowgated --remove', or take the old sizes back",
			 pid, folder);
	return -EBUSY;
}

/* ---- Adopting ---- */

static int file_map(struct fg_share *s, int file, int fd)
{
	void *p = mmap(NULL, s->mapped_octets[file], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	s->mapped[file] = p;
	return 0;
}

static int adopt_file(struct fg_share *s, const char *folder, int file)
{
	int fd = file_open(folder, file, O_RDWR), r;
	const struct fg_share_stamp *stamp;
	struct stat st;

	if (fd < 0)
		return fd;
	r = fstat(fd, &st) != 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != s->mapped_octets[file]))
		r = -ENOENT;
	if (r == 0)
		r = file_map(s, file, fd);
	close(fd);
	if (r != 0)
		return r;
	stamp = stamp_of(s, file);
	if (__atomic_load_n(&stamp->magic, __ATOMIC_ACQUIRE) == FG_SHARE_MAGIC && stamp->version == FG_SHARE_VERSION &&
	    stamp->image_version == FG_IMAGE_VERSION && memcmp(&stamp->sizes, &s->sizes, sizeof(s->sizes)) == 0 &&
	    stamp->made == stamp_of(s, TABLES)->made)
		return 0;
	return -ENOENT;
}

static int adopt(struct fg_share *s, const char *folder)
{
	int r = 0;

	for (int i = 0; i < FG_SHARE_FILES && r == 0; i++)
		r = adopt_file(s, folder, i);
	if (r != 0)
		fg_share_close(s);
	return r;
}

/* ---- Making ---- */

static int make_folders(const char *path)
{
	char part[FG_SHARE_PATH_MAX];

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

/* All pages of a file. Where the kernel cannot do it in place, the file system does. */
static int populate(struct fg_share *s, int file, int fd, bool huge)
{
	if (!huge)
		madvise(s->mapped[file], s->mapped_octets[file], MADV_HUGEPAGE);
	if (madvise(s->mapped[file], s->mapped_octets[file], MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -ENOSPC;
	return fallocate(fd, 0, 0, (off_t)s->mapped_octets[file]) != 0 ? -errno : 0;
}

static int make_file(struct fg_share *s, const char *folder, int file, bool huge)
{
	int fd = file_open(folder, file, O_RDWR | O_CREAT | O_EXCL), r;

	if (fd < 0)
		return fd;
	r = ftruncate(fd, (off_t)s->mapped_octets[file]) != 0 ? -errno : 0;
	if (r == 0)
		r = file_map(s, file, fd);
	if (r == 0)
		r = populate(s, file, fd, huge);
	close(fd);
	return r;
}

static int unlink_files(const char *folder)
{
	char path[FG_SHARE_PATH_MAX];
	int r = 0;

	for (int i = 0; i < FG_SHARE_FILES && r == 0; i++)
		if (file_path(folder, i, path) && unlink(path) != 0 && errno != ENOENT)
			r = -errno;
	return r;
}

static void stamp_all(struct fg_share *s)
{
	struct timespec now;
	uint64_t made;

	clock_gettime(CLOCK_REALTIME, &now);
	made = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	for (int i = FG_SHARE_FILES - 1; i >= 0; i--) {
		struct fg_share_stamp *stamp = stamp_of(s, i);

		stamp->version = FG_SHARE_VERSION;
		stamp->image_version = FG_IMAGE_VERSION;
		stamp->sizes = s->sizes;
		stamp->made = made;
		__atomic_store_n(&stamp->magic, FG_SHARE_MAGIC, __ATOMIC_RELEASE);
	}
}

static int make(struct fg_share *s, const char *folder, bool huge)
{
	int r = unlink_files(folder);

	for (int i = 0; i < FG_SHARE_FILES && r == 0; i++)
		r = make_file(s, folder, i, huge);
	if (r != 0) {
		fg_share_close(s);
		unlink_files(folder);
		return r;
	}
	((struct fg_share_tables *)s->mapped[TABLES])->control.side = FG_SIDE_NONE;
	stamp_all(s);
	return 0;
}

static void explain(const struct fg_share *s, const char *folder, size_t page, bool huge, int r,
		    char error[FG_SHARE_ERROR_MAX])
{
	size_t octets = s->mapped_octets[TABLES] + s->mapped_octets[LIVE] + s->mapped_octets[STORE];

	if ((r == -ENOSPC || r == -ENOMEM) && huge)
		snprintf(error, FG_SHARE_ERROR_MAX, "%.200s: %zu large pages of %zu MiB are needed and not free",
			 folder, octets / page, page >> 20);
	else if (r == -ENOSPC || r == -ENOMEM)
		snprintf(error, FG_SHARE_ERROR_MAX, "%.200s: there is no room for %zu MiB", folder, octets >> 20);
	else
		snprintf(error, FG_SHARE_ERROR_MAX, "%.200s: %s", folder, strerror(-r));
}

/* ---- The whole ---- */

static int open_files(struct fg_share *s, const char *folder, char error[FG_SHARE_ERROR_MAX])
{
	const struct fg_share_sizes sizes = s->sizes;
	bool huge;
	size_t page;
	int r = make_folders(folder);

	page = page_of(folder, &huge);
	set_sizes(s, &sizes, s->store_octets, page);
	if (r == 0 && adopt(s, folder) == 0) {
		s->adopted = true;
		return 0;
	}
	if (r == 0 && check_free(folder, error) != 0)
		return -EBUSY;
	if (r == 0)
		r = make(s, folder, huge);
	if (r != 0)
		explain(s, folder, page, huge, r, error);
	return r;
}

int fg_share_open(struct fg_share *s, const char *folder, const struct fg_share_sizes *sizes, size_t store_octets,
		  char error[FG_SHARE_ERROR_MAX])
{
	int r;

	error[0] = '\0';
	memset(s, 0, sizeof(*s));
	if (!sizes_are_good(sizes, store_octets) || folder[0] != '/' || strlen(folder) >= FG_SHARE_PATH_MAX - 16) {
		snprintf(error, FG_SHARE_ERROR_MAX, "sizes or the folder of the dataplane are out of range");
		return -EINVAL;
	}
	s->sizes = *sizes;
	s->store_octets = store_octets;
	r = open_files(s, folder, error);
	if (r != 0)
		return r;
	s->tables = s->mapped[TABLES];
	s->live = s->mapped[LIVE];
	s->store = (uint8_t *)s->mapped[STORE] + FG_SHARE_PAGE;
	s->epoch = s->tables->epoch;
	return 0;
}

void fg_share_close(struct fg_share *s)
{
	for (int i = 0; i < FG_SHARE_FILES; i++)
		if (s->mapped[i] != NULL)
			munmap(s->mapped[i], s->mapped_octets[i]);
	memset(s->mapped, 0, sizeof(s->mapped));
}

/* The process of an instance ends: as it is asked to, or at once where it does not. */
static int end_instance(const struct fg_share_instance *instance)
{
	uint32_t pid = __atomic_load_n(&instance->pid, __ATOMIC_ACQUIRE);
	uint64_t ticks = instance->start_ticks;
	int r = fg_process_end(pid, ticks, SIGTERM, TERM_WAIT_MS);

	return r == -ETIMEDOUT ? fg_process_end(pid, ticks, SIGKILL, KILL_WAIT_MS) : r;
}

int fg_share_remove(const char *folder)
{
	struct fg_share_live *live;
	char lock[FG_SHARE_PATH_MAX];
	int r;

	live = live_find(folder, &r);
	for (int i = 0; live != NULL && r == 0 && i < FG_INSTANCES_MAX; i++)
		r = end_instance(&live->instance[i]);
	live_forget(folder, live);
	if (r == 0)
		r = unlink_files(folder);
	if (r == 0 && fg_share_lock_path(folder, lock))
		unlink(lock);
	if (r == 0 && rmdir(folder) != 0 && errno != ENOENT && errno != EBUSY && errno != ENOTEMPTY)
		r = -errno;
	return r;
}

void fg_share_memory(const struct fg_share *s, struct fg_plane_memory *m)
{
	uint8_t *tables = (uint8_t *)s->tables;

	*m = (struct fg_plane_memory){
		.adopted = s->adopted,
		.image = { tables + s->layout.image[0], tables + s->layout.image[1] },
		.control = &s->tables->control,
		.actions = (struct fg_action *)(void *)(tables + s->layout.actions),
		.meters = (struct fg_meter *)(void *)((uint8_t *)s->live + s->layout.meters),
		.targets = (struct fg_target *)(void *)(tables + s->layout.targets),
		.numbers = { (uint32_t *)(void *)(tables + s->layout.numbers[0]),
			     (uint32_t *)(void *)(tables + s->layout.numbers[1]) },
		.patterns = { (struct fg_share_patterns *)(void *)(tables + s->layout.patterns[0]),
			      (struct fg_share_patterns *)(void *)(tables + s->layout.patterns[1]) },
		.pattern_octets = s->sizes.patterns,
		.store = s->store,
	};
}
