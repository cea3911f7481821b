/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop of the gate. In: messages of the supervisor and of ctrl, the clock, samples, SIGTERM. Out: answers, as far as the other side
 * takes them. What always holds: nothing here waits for a peer; a peer that sends what is no message, or does not read, loses its connection
 * and nothing else happens; behind start-up nothing is allocated.
 */
#include "ctrl/gate/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/gate/files.h"
#include "ctrl/gate/state.h"

enum {
	CTRL_ROOM = 8 << 20,
	SUPERVISOR_ROOM = 1 << 20,
	SAMPLES_AT_ONCE = 64,
	SENDS_AT_ONCE = 256,
};

enum { ON_SIGNAL, ON_TIMER, ON_SUPERVISOR, ON_CTRL, ON_SAMPLES, ON_COUNT };

struct peer {
	int fd; /* -1: none */
	struct fg_outbox out;
};

struct loop {
	struct fg_gate *gate;
	struct fg_dataplane *dataplane;
	struct peer ctrl, supervisor;
	struct fg_files files;
	int timer, signals;
	uint64_t look_ns; /* CLOCK_BOOTTIME: the dataplane is looked at again; 0: never */
	bool end;
	int result;       /* enum fg_loop_end */
	uint8_t *message; /* FG_MESSAGE_MAX */
};

/* ---- Clock ---- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void read_clock(struct loop *l)
{
	l->gate->now_ns = clock_ns(CLOCK_BOOTTIME);
	l->gate->now_s = clock_ns(CLOCK_REALTIME) / 1000000000u;
}

static void set_timer(struct loop *l)
{
	uint64_t next = fg_gate_next_ns(l->gate);
	struct itimerspec when = { .it_value = { 0, 0 } };

	if (l->dataplane->look_ms != 0 && l->look_ns < next)
		next = l->look_ns;
	if (next != UINT64_MAX) {
		/* A time of zero would mean never. */
		next = next > 1 ? next : 1;
		when.it_value.tv_sec = (time_t)(next / 1000000000u);
		when.it_value.tv_nsec = (long)(next % 1000000000u);
	}
	timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- Peers ---- */

/* A few of the largest messages go into a socket at once. As much as the machine permits is enough where that is less. */
static void widen(int fd)
{
	const int octets = 4 * FG_MESSAGE_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

static void cut(struct loop *l, struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	fg_outbox_reset(&p->out);
	p->out.closed = true;
	if (p == &l->ctrl)
		fg_serve_forget(l->gate);
	if (p == &l->supervisor)
		l->end = true;
}

static void connect_ctrl(struct loop *l, int fd)
{
	cut(l, &l->ctrl);
	widen(fd);
	l->ctrl.fd = fd;
	l->ctrl.out.closed = false;
	if (l->gate->undone)
		fg_gate_event(l->gate, FG_EVENT_QUARANTINED, 0, "");
	l->gate->undone = false;
}

/* As much as the other side takes at once. */
static void send_out(struct loop *l, struct peer *p)
{
	const struct fg_message *m;

	for (int i = 0; i < SENDS_AT_ONCE && (m = fg_outbox_first(&p->out)) != NULL; i++) {
		if (send(p->fd, m, m->octets, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
				cut(l, p);
			break;
		}
		fg_outbox_pop(&p->out);
	}
	if (p->out.overrun)
		cut(l, p);
}

static void end_loop(struct loop *l, bool remove)
{
	l->end = true;
	l->result = remove ? FG_LOOP_REMOVE : FG_LOOP_STOPPED;
}

/* What fg_gate_serve() leaves to its caller. False: a descriptor is missing, or came with what needs none. */
static bool act(struct loop *l, const struct fg_message *m, int fd)
{
	const struct fg_done done = { .generation = l->gate->store.head->generation };

	if ((m->kind == FG_ASK_CTRL || m->kind == FG_ASK_DATABASE) != (fd >= 0))
		return false;
	if (m->kind == FG_ASK_DATABASE) {
		fg_files_take(&l->files, fd);
		fg_serve_database(l->gate, (const struct fg_database_ask *)(m + 1));
		fg_files_take(&l->files, -1);
		return true;
	}
	if (m->kind == FG_ASK_CTRL)
		connect_ctrl(l, fd);
	else if (m->kind == FG_ASK_STOP)
		end_loop(l, ((const struct fg_switch *)(m + 1))->on);
	else
		return true;
	fg_outbox_put(&l->supervisor.out, FG_SAY_DONE, m->id, &done, sizeof(done));
	return true;
}

/* Descriptors are taken from the supervisor alone, and one at most. */
static int take_descriptor(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void read_peer(struct loop *l, struct peer *p, enum fg_peer which)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec in = { l->message, FG_MESSAGE_MAX };
	struct msghdr msg = { .msg_iov = &in, .msg_iovlen = 1 };
	const struct fg_message *m = (const struct fg_message *)(void *)l->message;
	ssize_t octets;
	int fd;

	if (which == FG_PEER_SUPERVISOR) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
	}
	octets = recvmsg(p->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (octets < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	fd = octets > 0 ? take_descriptor(&msg) : -1;
	if (octets <= 0 || (msg.msg_flags & MSG_TRUNC) || !fg_gate_serve(l->gate, which, m, (size_t)octets, &p->out) ||
	    (which == FG_PEER_SUPERVISOR && !act(l, m, fd))) {
		if (fd >= 0)
			close(fd);
		cut(l, p);
	}
}

/* ---- Samples ---- */

static void take_sample(void *ctx, const struct fg_sample *sample)
{
	struct loop *l = ctx;

	if (fg_outbox_idle(&l->ctrl.out))
		fg_outbox_put(&l->ctrl.out, FG_SAY_SAMPLE, 0, sample, sizeof(*sample));
}

/* What wakes nobody up is looked at in steady steps, however much is asked meanwhile. */
static void look(struct loop *l)
{
	struct fg_dataplane *d = l->dataplane;

	if (d->look_ms == 0 || l->gate->now_ns < l->look_ns)
		return;
	l->look_ns = l->gate->now_ns + (uint64_t)d->look_ms * 1000000;
	fg_reload_look(l->gate);
	d->samples(d->ctx, take_sample, l, SAMPLES_AT_ONCE);
}

/* ---- The loop ---- */

static bool has_more(const struct peer *p)
{
	return fg_outbox_first(&p->out) != NULL;
}

/* Who asks faster than it reads the answers is asked to wait, rather than cut off. */
static struct pollfd watch(const struct peer *p)
{
	bool hears = fg_outbox_idle(&p->out);

	return (struct pollfd){ .fd = p->fd, .events = (short)((hears ? POLLIN : 0) | (has_more(p) ? POLLOUT : 0)) };
}

static void turn(struct loop *l)
{
	struct pollfd on[ON_COUNT] = {
		[ON_SIGNAL] = { .fd = l->signals, .events = POLLIN },
		[ON_TIMER] = { .fd = l->timer, .events = POLLIN },
		[ON_SUPERVISOR] = watch(&l->supervisor),
		[ON_CTRL] = watch(&l->ctrl),
		[ON_SAMPLES] = { .fd = l->dataplane->samples_fd, .events = POLLIN },
	};
	uint64_t ticks;

	set_timer(l);
	if (poll(on, ON_COUNT, -1) < 0)
		return;
	read_clock(l);
	if (on[ON_SIGNAL].revents)
		end_loop(l, false);
	if (on[ON_TIMER].revents && read(l->timer, &ticks, sizeof(ticks)) < 0)
		return;
	fg_gate_tick(l->gate);
	look(l);
	if (on[ON_SUPERVISOR].revents & (POLLIN | POLLHUP | POLLERR))
		read_peer(l, &l->supervisor, FG_PEER_SUPERVISOR);
	if (on[ON_CTRL].revents & (POLLIN | POLLHUP | POLLERR) && on[ON_CTRL].fd == l->ctrl.fd)
		read_peer(l, &l->ctrl, FG_PEER_CTRL);
	if (on[ON_SAMPLES].revents)
		l->dataplane->samples(l->dataplane->ctx, take_sample, l, SAMPLES_AT_ONCE);
	send_out(l, &l->supervisor);
	send_out(l, &l->ctrl);
	/* Who asked has the answer: now there is time to wait for packets. */
	fg_gate_catch_up(l->gate);
}

/* ---- Start and end ---- */

static size_t align_page(size_t octets)
{
	return (octets + 4095) & ~(size_t)4095;
}

/* All memory there will ever be. */
static uint8_t *take_memory(const struct fg_plane_sizes *sizes, bool lock)
{
	size_t octets =
		align_page(sizeof(struct loop)) + FG_MESSAGE_MAX + CTRL_ROOM + SUPERVISOR_ROOM + fg_gate_octets(sizes);
	void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (lock && mlock(memory, octets) != 0) {
		munmap(memory, octets);
		return NULL;
	}
	return memory;
}

static struct loop *lay_out(uint8_t *memory, void **gate_memory)
{
	struct loop *l = (struct loop *)(void *)memory;

	memory += align_page(sizeof(*l));
	l->message = memory;
	l->ctrl.out = (struct fg_outbox){ .ring = memory + FG_MESSAGE_MAX, .room = CTRL_ROOM, .closed = true };
	l->supervisor.out = (struct fg_outbox){ .ring = memory + FG_MESSAGE_MAX + CTRL_ROOM, .room = SUPERVISOR_ROOM };
	*gate_memory = memory + FG_MESSAGE_MAX + CTRL_ROOM + SUPERVISOR_ROOM;
	return l;
}

static int open_descriptors(struct loop *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return l->signals < 0 || l->timer < 0 ? -errno : 0;
}

static int say(const char *what, int error)
{
	fprintf(stderr, "flowgate gate: %s: %s\n", what, strerror(-error));
	return error;
}

int fg_loop_run(struct fg_dataplane *dataplane, const struct fg_plane_sizes *sizes, bool lock, int supervisor,
		int (*opened)(void))
{
	uint8_t *memory = take_memory(sizes, lock);
	struct fg_hash_key key;
	const char *error;
	struct loop *l;
	void *rest;
	int r;

	if (memory == NULL)
		return say("memory", -errno);
	l = lay_out(memory, &rest);
	l->dataplane = dataplane;
	l->supervisor.fd = supervisor;
	l->ctrl.fd = -1;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return say("random numbers", -EIO);
	l->gate = fg_gate_open(rest, sizes, dataplane, &l->ctrl.out, &key, clock_ns(CLOCK_BOOTTIME),
			       clock_ns(CLOCK_REALTIME) / 1000000000u, &error);
	if (l->gate == NULL)
		return say(error, -EPROTO);
	fg_files_begin(&l->files, supervisor, &l->gate->files);
	widen(supervisor);
	r = open_descriptors(l);
	if (r == 0 && opened != NULL)
		r = opened();
	if (r != 0)
		return say("start", r);
	while (!l->end)
		turn(l);
	send_out(l, &l->supervisor);
	fg_store_stable(&l->gate->store);
	return l->result;
}
