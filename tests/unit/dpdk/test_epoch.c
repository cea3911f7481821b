/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for workers (ctrl/dpdk/epoch.c), with processes that play flowgate-dpdk: those that pass, that die, that hang, and memory that
 * says whatever a hostile one may write into it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dpdk/sharing.h"

enum { FLIPS = 2000, READERS = 3, LOOKS = 10000, HOLDS = 50 };

static struct fg_share share;
static char error[FG_SHARE_ERROR_MAX];

static int set_up(void **state)
{
	(void)state;
	sharing_folder_new();
	return fg_share_open(&share, sharing_folder, &sharing_sizes, SHARING_STORE, error);
}

static int tear_down(void **state)
{
	(void)state;
	fg_share_close(&share);
	return 0;
}

/* ---- What a worker does ---- */

struct player {
	struct fg_share *s;
	struct fg_share_worker *slot;
	uint32_t torn;
};

static void slot_take(struct fg_share *s, uint32_t w, int instance)
{
	__atomic_store_n(&s->live->worker[w].instance, (uint32_t)instance + 1, __ATOMIC_SEQ_CST);
}

/* One turn: passes, then reads the image it finds, all of it. */
static void turn(struct player *p)
{
	const struct fg_share_tables *t = p->s->tables;
	uint64_t epoch = __atomic_load_n(&t->epoch, __ATOMIC_ACQUIRE);
	struct fg_plane_memory m;
	uint32_t side;

	__atomic_store_n(&p->slot->epoch, epoch, __ATOMIC_RELEASE);
	p->slot->heartbeat++;
	side = __atomic_load_n(&t->control.side, __ATOMIC_ACQUIRE);
	if (side >= FG_SIDES)
		return;
	fg_share_memory(p->s, &m);
	for (int i = 1; i < 64; i++)
		p->torn += m.image[side][i * 64] != m.image[side][0];
}

static void *turns(void *player)
{
	for (;;)
		turn(player);
	return NULL;
}

static void play_workers(struct fg_share *s, int instance)
{
	static struct player player[READERS];

	for (uint32_t w = 0; w < READERS; w++) {
		pthread_t thread;

		player[w] = (struct player){ s, &s->live->worker[w], 0 };
		slot_take(s, w, instance);
		pthread_create(&thread, NULL, turns, &player[w]);
	}
	/* What they have seen torn is left where the test finds it. */
	for (;;) {
		for (uint32_t w = 0; w < READERS; w++)
			s->live->worker[w].busy = player[w].torn;
		usleep(1000);
	}
}

static void play_stuck(struct fg_share *s, int instance)
{
	slot_take(s, READERS, instance);
}

/* Passes for a while, then stands still. */
static void play_ending(struct fg_share *s, int instance)
{
	struct player p = { s, &s->live->worker[0], 0 };

	slot_take(s, 0, instance);
	for (int i = 0; i < 100; i++)
		turn(&p);
	_exit(0);
}

/* Takes a slot and gives it back, again and again. How often it was taken away meanwhile is left in another one, as the test finds it. */
static void play_coming(struct fg_share *s, int instance)
{
	struct fg_share_worker *slot = &s->live->worker[0];

	for (;;) {
		uint32_t free = 0, own = (uint32_t)instance + 1;

		for (int i = 0; i < HOLDS; i++)
			slot->epoch = __atomic_load_n(&s->tables->epoch, __ATOMIC_ACQUIRE);
		if (!__atomic_compare_exchange_n(&slot->instance, &free, own, false, __ATOMIC_SEQ_CST,
						 __ATOMIC_RELAXED))
			continue;
		for (int i = 0; i < HOLDS; i++)
			slot->epoch = __atomic_load_n(&s->tables->epoch, __ATOMIC_ACQUIRE);
		s->live->worker[1].busy += __atomic_load_n(&slot->instance, __ATOMIC_ACQUIRE) != own;
		s->live->worker[1].heartbeat++;
		__atomic_store_n(&slot->instance, 0, __ATOMIC_RELEASE);
	}
}

/* ---- Draining ---- */

static void flip(int n)
{
	struct fg_plane_memory m;
	uint32_t side = share.tables->control.side == 0 ? 1 : 0;

	fg_share_memory(&share, &m);
	for (int i = 0; i < 64; i++)
		m.image[side][i * 64] = (uint8_t)n;
	__atomic_store_n(&m.control->side, side, __ATOMIC_RELEASE);
}

static void test_nobody(void **state)
{
	(void)state;
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(share.tables->epoch, 1);
}

/* Images change under readers all the time, and no reader ever finds one that is half new. */
static void test_never_torn(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_workers);
	uint64_t beats = 0;

	(void)state;
	while (share.live->worker[READERS - 1].heartbeat == 0)
		usleep(100);
	for (int i = 0; i < FLIPS; i++) {
		flip(i);
		assert_int_equal(fg_share_drain(&share), 0);
	}
	usleep(10000);
	for (uint32_t w = 0; w < READERS; w++) {
		assert_int_equal(share.live->worker[w].busy, 0);
		beats += share.live->worker[w].heartbeat;
	}
	assert_true(beats > FLIPS);
	assert_int_equal(share.fenced, 0);
	assert_int_equal(sharing_end(pid), SIGKILL);
}

/* The test above could not fail if readers did not see what changes under them: without a wait they do. */
static void test_torn_without_wait(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_workers);
	uint64_t torn = 0;

	(void)state;
	while (share.live->worker[READERS - 1].heartbeat == 0)
		usleep(100);
	for (int i = 0; i < 1000 * FLIPS && torn == 0; i++) {
		flip(i);
		for (uint32_t w = 0; w < READERS; w++)
			torn += share.live->worker[w].busy;
	}
	assert_true(torn > 0);
	sharing_end(pid);
}

static void test_dead_is_passed(void **state)
{
	pid_t pid = sharing_process(&share, 1, play_stuck);

	(void)state;
	while (share.live->worker[READERS].instance == 0)
		usleep(100);
	assert_int_equal(sharing_end(pid), SIGKILL);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(share.fenced, 0);
	assert_int_equal(share.ended, 1);
	assert_int_equal(share.live->instance[1].pid, 0);
	assert_int_equal(share.live->worker[READERS].instance, 0);
}

/* One that has ended and waits to be reaped is no process any more. */
static void test_zombie_is_passed(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_ending);
	siginfo_t info;

	(void)state;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(share.ended, 1);
	assert_int_equal(share.fenced, 0);
	sharing_end(pid);
}

/* One hangs, one does not: the first is killed, the second is left, and what is published goes on. */
static void test_stuck_is_killed(void **state)
{
	pid_t well = sharing_process(&share, 0, play_workers), stuck = sharing_process(&share, 1, play_stuck);
	int status;

	(void)state;
	while (share.live->worker[0].heartbeat == 0 || share.live->worker[READERS].instance == 0)
		usleep(100);
	flip(1);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(waitpid(stuck, &status, 0), stuck);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(share.fenced, 1);
	assert_int_equal(share.fenced_pid, stuck);
	assert_int_equal(share.live->instance[1].pid, 0);
	assert_int_equal(waitpid(well, &status, WNOHANG), 0);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(share.fenced, 1);
	sharing_end(well);
}

static void test_stopped_is_killed(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_workers);
	int status;

	(void)state;
	while (share.live->worker[0].heartbeat == 0)
		usleep(100);
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(share.fenced, 1);
}

/* The same without anybody who publishes. */
static void test_look_kills_stuck(void **state)
{
	pid_t pid = sharing_process(&share, 1, play_stuck);
	int status = 0, looks = 0;

	(void)state;
	while (share.live->worker[READERS].instance == 0)
		usleep(100);
	for (; waitpid(pid, &status, WNOHANG) == 0; looks++) {
		fg_share_look(&share);
		usleep(FG_SHARE_LOOK_MS * 1000);
	}
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(looks >= 5);
	assert_int_equal(share.fenced, 1);
}

/* A slot that is taken while the gate looks is not taken for one that nobody has. */
static void test_look_leaves_who_comes(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_coming);

	(void)state;
	while (share.live->worker[1].heartbeat == 0)
		usleep(100);
	/* Only looks count in which it went on meanwhile. */
	for (int looks = 0; looks < LOOKS;) {
		uint64_t before = __atomic_load_n(&share.live->worker[1].heartbeat, __ATOMIC_RELAXED);

		fg_share_look(&share);
		looks += __atomic_load_n(&share.live->worker[1].heartbeat, __ATOMIC_RELAXED) != before;
	}
	assert_int_equal(share.live->worker[1].busy, 0);
	sharing_end(pid);
}

static void test_look_leaves_who_turns(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_workers);
	int status;

	(void)state;
	for (int i = 0; i < 15; i++) {
		fg_share_look(&share);
		usleep(FG_SHARE_LOOK_MS * 1000);
	}
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(share.fenced, 0);
	assert_true(share.tables->epoch > 5);
	sharing_end(pid);
}

/* ---- Whom nobody may kill ---- */

static pid_t bystander(const char *name)
{
	int ends[2];
	char octet;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(ends[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &octet, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void claim(uint32_t pid, uint64_t ticks)
{
	share.live->instance[0].pid = pid;
	share.live->instance[0].start_ticks = ticks;
	slot_take(&share, 0, 0);
}

/* All that the memory says of a worker that hangs, but for the process, which is another. */
static void nobody_dies(uint32_t pid, uint64_t ticks)
{
	claim(pid, ticks);
	assert_int_equal(fg_share_drain(&share), 0);
	assert_int_equal(share.live->instance[0].pid, 0);
	assert_int_equal(share.live->worker[0].instance, 0);
	assert_int_equal(share.fenced, 0);
}

static void test_bystanders_live(void **state)
{
	pid_t other = bystander("sshd"), again = bystander(FG_SHARE_COMM);
	int status;

	(void)state;
	nobody_dies((uint32_t)other, sharing_ticks(other));
	/* The number was given anew: the same name, and another start. */
	nobody_dies((uint32_t)again, sharing_ticks(again) + 1);
	nobody_dies(1, 0);
	nobody_dies(1, sharing_ticks(1));
	nobody_dies((uint32_t)getpid(), sharing_ticks(getpid()));
	nobody_dies(UINT32_MAX, 1);
	nobody_dies(1u << 31, 1);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(waitpid(again, &status, WNOHANG), 0);
	sharing_end(other);
	sharing_end(again);
}

/* What has not said yet when it began is not killed; it loses its slots. */
static void test_unsaid_start(void **state)
{
	pid_t pid = bystander(FG_SHARE_COMM);
	int status;

	(void)state;
	nobody_dies((uint32_t)pid, 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	sharing_end(pid);
}

/* ---- Memory that says anything ---- */

static uint64_t random_state = 42;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* Wild words everywhere but where they could be a process: nothing ends, nothing is waited for long, nothing out of range is said. */
static void test_wild_live(void **state)
{
	const size_t octets = share.mapped_octets[1];
	uint64_t *words = (uint64_t *)(void *)share.live;
	static struct fg_plane_status status;
	struct fg_rule_counters counters[4];
	struct fg_port_counters port;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = sizeof(share.live->stamp) / 8; i < octets / 8; i++)
			words[i] = random_word();
		for (uint32_t w = 0; w < share.sizes.workers && round % 2; w++)
			share.live->worker[w].instance = (uint32_t)(random_word() % 5);
		fg_share_look(&share);
		fg_share_status(&share, &status);
		assert_true(status.instances <= FG_INSTANCES_MAX && status.workers <= sharing_sizes.workers);
		fg_share_rule_counters(&share, sharing_sizes.slots - 2, 4, counters);
		fg_share_port_counters(&share, FG_PORTS_MAX - 1, &port);
		fg_share_port_counters(&share, UINT8_MAX, &port);
		assert_int_equal(fg_share_drain(&share), 0);
	}
	assert_int_equal(share.fenced, 0);
}

/* A whole life: somebody writes wild words while the gate works. */
static void play_wild(struct fg_share *s, int instance)
{
	uint32_t *words = (uint32_t *)(void *)s->live->worker;

	(void)instance;
	random_state = (uint64_t)getpid();
	for (;;)
		words[random_word() % (FG_WORKERS_MAX * sizeof(struct fg_share_worker) / 4)] =
			(uint32_t)random_word() % 4;
}

static void test_wild_writer(void **state)
{
	pid_t pid = sharing_process(&share, 0, play_wild);
	int status = 0, turns_left = 100;

	(void)state;
	while (turns_left-- > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		assert_int_equal(fg_share_drain(&share), 0);
		fg_share_look(&share);
	}
	if (turns_left < 0)
		sharing_end(pid);
	else
		assert_int_equal(WTERMSIG(status), SIGKILL); /* it lagged: it is the one that goes */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_nobody),
		TEST(test_never_torn),
		TEST(test_torn_without_wait),
		TEST(test_dead_is_passed),
		TEST(test_zombie_is_passed),
		TEST(test_stuck_is_killed),
		TEST(test_stopped_is_killed),
		TEST(test_look_kills_stuck),
		TEST(test_look_leaves_who_comes),
		TEST(test_look_leaves_who_turns),
		TEST(test_bystanders_live),
		TEST(test_unsaid_start),
		TEST(test_wild_live),
		TEST(test_wild_writer),
	};

	return cmocka_run_group_tests(tests, NULL, sharing_teardown);
}
