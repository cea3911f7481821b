/* SPDX-License-Identifier: BSD-3-Clause */
/* Files without a name (files.h). In: texts, descriptors. Out: a message with a descriptor, octets. What always holds: one of each kind at most is open. */
#include "ctrl/gate/files.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void replace(int *fd, int with)
{
	if (*fd >= 0)
		close(*fd);
	*fd = with;
}

static int begin(void *ctx)
{
	struct fg_files *f = ctx;

	replace(&f->texts, memfd_create("texts", MFD_CLOEXEC));
	return f->texts < 0 ? -errno : 0;
}

static int write_texts(void *ctx, const void *octets, size_t n, uint64_t at)
{
	const struct fg_files *f = ctx;

	return pwrite(f->texts, octets, n, (off_t)at) == (ssize_t)n ? 0 : -EIO;
}

static int send_texts(void *ctx, const struct fg_patterns_wanted *wanted)
{
	struct fg_files *f = ctx;
	struct {
		struct fg_message head;
		struct fg_patterns_wanted what;
	} m = { { .version = FG_RECORD_VERSION, .kind = FG_SAY_WANTED, .octets = sizeof(m) }, *wanted };
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec out = { &m, sizeof(m) };
	struct msghdr msg = {
		.msg_iov = &out, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int r;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(f->texts));
	memcpy(CMSG_DATA(c), &f->texts, sizeof(f->texts));
	r = sendmsg(f->supervisor, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
	replace(&f->texts, -1);
	return r;
}

static int read_taken(void *ctx, void *to, size_t n, uint64_t at)
{
	const struct fg_files *f = ctx;

	for (size_t done = 0; done < n;) {
		ssize_t r = pread(f->taken, (uint8_t *)to + done, n - done, (off_t)(at + done));

		if (r <= 0)
			return r < 0 ? -errno : -ENODATA;
		done += (size_t)r;
	}
	return 0;
}

void fg_files_begin(struct fg_files *f, int supervisor, struct fg_pattern_files *out)
{
	*f = (struct fg_files){ .supervisor = supervisor, .texts = -1, .taken = -1 };
	*out = (struct fg_pattern_files){ begin, write_texts, send_texts, read_taken, f };
}

void fg_files_take(struct fg_files *f, int fd)
{
	replace(&f->taken, fd);
}
