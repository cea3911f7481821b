/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for workers (flowgate/share.h says how), and seeing who has ended. What always holds: a wait ends, whatever the other side does; no
 * process is killed that is not flowgate-dpdk, and none that has passed.
 *
 * Between raising an epoch and looking at the slots there is a full fence: a worker that takes a slot which was seen free has then seen
 * the new side.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ctrl/dpdk/process.h"
#include "ctrl/dpdk/state.h"

enum {
	SPINS = 200,            /* looks before the first sleep: a turn of a worker is that short */
	SLEEP_NS = 50000,       /* between two looks */
	REAP_NS = 10000000,     /* between two looks at processes, while waiting */
	LOOKS_MIN = 5,          /* a clock that has jumped condemns nobody */
	KILL_WAIT_MS = 2000,    /* until a killed one is gone; after that it reads nothing all the same */
	LIVE_AGE_MAX = 1 << 30, /* ms */
};

#define WAIT_NS ((uint64_t)FG_EPOCH_WAIT_MS * 1000000)

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Slots ---- */

static uint32_t pid_of(const struct fg_share *s, uint32_t instance)
{
	return __atomic_load_n(&s->live->instance[instance].pid, __ATOMIC_ACQUIRE);
}

static uint64_t ticks_of(const struct fg_share *s, uint32_t instance)
{
	return __atomic_load_n(&s->live->instance[instance].start_ticks, __ATOMIC_ACQUIRE);
}

/* The instance that a worker's slot is of, + 1; 0: it is free, or what it says is none. */
static uint32_t owner_of(const struct fg_share *s, uint32_t worker)
{
	uint32_t owner = __atomic_load_n(&s->live->worker[worker].instance, __ATOMIC_ACQUIRE);

	return owner <= FG_INSTANCES_MAX ? owner : 0;
}

static bool lags(const struct fg_share *s, uint32_t worker)
{
	return __atomic_load_n(&s->live->worker[worker].epoch, __ATOMIC_ACQUIRE) != s->epoch;
}

static void free_workers(struct fg_share *s, uint32_t owner)
{
	for (uint32_t w = 0; w < s->sizes.workers; w++) {
		uint32_t expected = owner;

		__atomic_compare_exchange_n(&s->live->worker[w].instance, &expected, 0, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED);
	}
}

/* Workers first: who takes the instance next finds none that is called its own. */
static void free_instance(struct fg_share *s, uint32_t i, uint32_t pid)
{
	struct fg_share_instance *instance = &s->live->instance[i];

	free_workers(s, i + 1);
	__atomic_store_n(&instance->ready, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&instance->start_ticks, 0, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(&instance->pid, &pid, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Frees what the dead have left, and slots that are nobody's; one that is free may be taken at any moment, and is left alone. */
static void reap(struct fg_share *s)
{
	for (uint32_t i = 0; i < FG_INSTANCES_MAX; i++) {
		uint32_t pid = pid_of(s, i);

		if (pid != 0 && !fg_process_lives(pid, ticks_of(s, i))) {
			s->ended++;
			free_instance(s, i, pid);
		}
	}
	for (uint32_t w = 0; w < s->sizes.workers; w++) {
		uint32_t *place = &s->live->worker[w].instance, owner = __atomic_load_n(place, __ATOMIC_ACQUIRE);

		if (owner != 0 && (owner > FG_INSTANCES_MAX || pid_of(s, owner - 1) == 0))
			__atomic_compare_exchange_n(place, &owner, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

/* ---- Epochs ---- */

static void raise_epoch(struct fg_share *s)
{
	s->epoch++;
	s->raised_ns = clock_ns();
	s->looks = 0;
	__atomic_store_n(&s->tables->epoch, s->epoch, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool passed(const struct fg_share *s)
{
	for (uint32_t w = 0; w < s->sizes.workers; w++)
		if (owner_of(s, w) != 0 && lags(s, w))
			return false;
	return true;
}

static bool instance_lags(const struct fg_share *s, uint32_t i)
{
	for (uint32_t w = 0; w < s->sizes.workers; w++)
		if (owner_of(s, w) == i + 1 && lags(s, w))
			return true;
	return false;
}

/* Its end is waited for; one that is killed and still in the kernel never reads anything again. */
static int fence_instance(struct fg_share *s, uint32_t i)
{
	uint32_t pid = pid_of(s, i);
	uint64_t ticks = ticks_of(s, i);
	bool lives = ticks != 0 && fg_process_lives(pid, ticks);
	int r = lives ? fg_process_end(pid, ticks, SIGKILL, KILL_WAIT_MS) : 0;

	if (r != 0 && r != -ETIMEDOUT)
		return r;
	s->fenced += lives;
	s->ended += !lives;
	s->fenced_pid = lives ? pid : s->fenced_pid;
	free_instance(s, i, pid);
	return 0;
}

static int fence(struct fg_share *s)
{
	int r = 0;

	for (uint32_t i = 0; i < FG_INSTANCES_MAX; i++)
		if (pid_of(s, i) != 0 && instance_lags(s, i)) {
			int one = fence_instance(s, i);

			r = r != 0 ? r : one;
		}
	reap(s);
	return r;
}

static void breathe(uint32_t turn)
{
	const struct timespec pause = { .tv_nsec = SLEEP_NS };

	if (turn < SPINS)
		__builtin_ia32_pause();
	else
		nanosleep(&pause, NULL);
}

int fg_share_drain(struct fg_share *s)
{
	uint64_t now, reap_ns;

	raise_epoch(s);
	reap_ns = s->raised_ns + REAP_NS;
	for (uint32_t turn = 0; !passed(s); turn++) {
		breathe(turn);
		now = clock_ns();
		if (now < reap_ns)
			continue;
		reap(s);
		reap_ns = now + REAP_NS;
		/* Who lags behind a fence has taken its slot since, and so reads what is new. */
		if (now - s->raised_ns > WAIT_NS)
			return fence(s);
	}
	return 0;
}

/* ---- A look now and then ---- */

static void see_heartbeats(struct fg_share *s, uint64_t now)
{
	for (uint32_t w = 0; w < s->sizes.workers; w++) {
		uint64_t beat = __atomic_load_n(&s->live->worker[w].heartbeat, __ATOMIC_RELAXED);

		if (beat != s->seen[w].heartbeat || s->seen[w].moved_ns == 0)
			s->seen[w] = (struct fg_share_seen){ .heartbeat = beat, .moved_ns = now };
	}
}

static uint64_t mix(uint64_t h, const void *octets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)octets)[i]) * 0x100000001b3ull;
	return h;
}

/* Of all that a port's state depends on: who is ready, and names, addresses and links of devices. */
static uint64_t hash_devices(const struct fg_share *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < FG_INSTANCES_MAX; i++) {
		const struct fg_share_instance *instance = &s->live->instance[i];

		h = mix(h, &instance->pid, sizeof(instance->pid));
		h = mix(h, &instance->ready, sizeof(instance->ready));
		for (int p = 0; p < FG_PORTS_MAX; p++)
			h = mix(h, &instance->device[p], offsetof(struct fg_share_device, speed_mbps));
	}
	return h;
}

/* A worker that hangs while nobody publishes forwards nothing either. */
static void probe(struct fg_share *s, uint64_t now)
{
	s->looks++;
	if (passed(s))
		raise_epoch(s);
	else if (s->looks >= LOOKS_MIN && now - s->raised_ns > WAIT_NS)
		fence(s);
}

bool fg_share_look(struct fg_share *s)
{
	uint64_t now = clock_ns(), devices;

	reap(s);
	probe(s, now);
	see_heartbeats(s, now);
	devices = hash_devices(s);
	if (devices == s->devices_seen)
		return false;
	s->devices_seen = devices;
	fg_share_targets(s);
	return true;
}

const struct fg_share_instance *fg_share_ready(const struct fg_share *s)
{
	const struct fg_share_instance *found = NULL;

	for (uint32_t i = 0; i < FG_INSTANCES_MAX; i++) {
		const struct fg_share_instance *instance = &s->live->instance[i];

		if (pid_of(s, i) == 0)
			continue;
		if (found == NULL || __atomic_load_n(&instance->ready, __ATOMIC_ACQUIRE))
			found = instance;
	}
	return found;
}

/* ---- What there is to see ---- */

static uint32_t age_ms(uint64_t then, uint64_t now)
{
	uint64_t ms = now > then ? (now - then) / 1000000 : 0;

	return ms < LIVE_AGE_MAX ? (uint32_t)ms : LIVE_AGE_MAX;
}

static void show_instances(const struct fg_share *s, struct fg_plane_status *out)
{
	for (uint32_t i = 0; i < FG_INSTANCES_MAX; i++) {
		const struct fg_share_instance *one = &s->live->instance[i];

		if (pid_of(s, i) == 0)
			continue;
		out->instance[out->instances++] = (struct fg_plane_instance){
			.pid = one->pid,
			.ready = one->ready != 0,
			.form = (uint8_t)one->form,
			.workers = (uint16_t)one->workers,
			.started_ns = one->started_ns,
			.forwarding_ns = one->forwarding_ns,
		};
	}
}

/* Seconds since then; UINT32_MAX: it never was. */
static uint32_t age_s(uint32_t then_s, uint64_t now)
{
	uint32_t now_s = (uint32_t)(now / 1000000000u);

	if (then_s == 0)
		return UINT32_MAX;
	return now_s > then_s ? now_s - then_s : 0;
}

static void show_workers(const struct fg_share *s, struct fg_plane_status *out)
{
	uint64_t now = clock_ns();

	for (uint32_t w = 0; w < s->sizes.workers; w++) {
		const struct fg_share_worker *one = &s->live->worker[w];
		uint32_t owner = owner_of(s, w);

		if (owner == 0)
			continue;
		out->worker[out->workers++] = (struct fg_plane_worker){
			.pid = pid_of(s, owner - 1),
			.lcore = one->lcore,
			.age_ms = age_ms(s->seen[w].moved_ns, now),
			.skipped_s = age_s(one->skipped_s, now),
			.turns = one->heartbeat,
			.busy = one->busy,
		};
	}
}

void fg_share_processes(const struct fg_share *s, struct fg_plane_status *out)
{
	out->dpdk = 1;
	out->fenced = s->fenced;
	out->ended = s->ended;
	show_instances(s, out);
	show_workers(s, out);
}
