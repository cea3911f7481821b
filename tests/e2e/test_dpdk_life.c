/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of flowgate-dpdk beside a gate that the test plays: it waits for memory and refuses what it does not know; images are changed under
 * it and none is torn; killed, a successor goes on with the same image; two go side by side; one that hangs holds nobody up for long.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/bump.h"

enum {
	A = 0,
	VICTIM = 1,
	SLOTS = 16,
	WORKERS = 3,
	SOME = 20000,
	FLIPS = 3000,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_AGAIN = 3
};

/* Packets for ever, into nothing. */
#define PORTS "--port", "a=net_pcap0,rx_pcap=%F/in,infinite_rx=1", "--port", "b=net_null0"

static const char *const endless[] = { PORTS,     "--lcores", "0",  "--main-core", "0",
				       "--mbufs", "8192",     "--", "--no-huge",   NULL };
static const char *const pairs[] = { "a:b" };
static struct bump bump;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void put_frames(void)
{
	static uint8_t frame[BUMP_FRAME_MAX];
	FILE *in = bump_capture_new(&bump, "in");
	uint32_t len = bump_udp(frame, VICTIM, 0, 20);

	for (int i = 0; i < 64; i++)
		bump_capture_put(in, frame, len);
	fclose(in);
}

/* In the image of a side: the victim's packets are dropped, by the rule of slot 0; or passed. */
static void rule(uint32_t side, bool drops)
{
	const struct bump_rule r = { .host = VICTIM, .asked = { .set = drops ? FG_ACT_DISCARD : 0 } };

	bump_rules(&bump, side, &r, 1);
}

static void open_plane(void)
{
	bump_open(&bump, SLOTS, WORKERS, pairs, 1, 0);
	put_frames();
	rule(0, true);
	bump.m.control->side = 0;
}

static uint64_t received(void)
{
	struct fg_port_counters c;

	fg_share_port_counters(&bump.share, A, &c);
	return c.received.packets;
}

static void wait_for_more(void)
{
	bump_wait(&bump, A, received() + SOME);
}

static const struct fg_share_instance *instance_of(pid_t pid)
{
	for (int i = 0; i < FG_INSTANCES_MAX; i++)
		if (bump.share.live->instance[i].pid == (uint32_t)pid)
			return &bump.share.live->instance[i];
	return NULL;
}

/* ---- Memory ---- */

/* Started first, it waits; and works as soon as there is memory. */
static void test_waits_for_memory(void **state)
{
	(void)state;
	bump_launch(&bump, endless);
	pause_ms(200);
	assert_int_equal(waitpid(bump.pid, NULL, WNOHANG), 0);
	/* Its device wants the file, which is in the folder. */
	bump_open(&bump, SLOTS, WORKERS, pairs, 1, 0);
	put_frames();
	bump_ready(&bump);
	wait_for_more();
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	bump_close(&bump);
}

/* While it waits it can be ended. */
static void test_ends_while_waiting(void **state)
{
	(void)state;
	bump_launch(&bump, endless);
	pause_ms(100);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
}

static int exit_code(void)
{
	int status;

	assert_int_equal(waitpid(bump.pid, &status, 0), bump.pid);
	bump.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of another version, of the share or of the image: it ends, and has taken no place. */
static void test_refuses_other_versions(void **state)
{
	(void)state;
	for (int image = 0; image < 2; image++) {
		open_plane();
		if (image)
			bump.share.tables->stamp.image_version++;
		else
			bump.share.tables->stamp.version++;
		bump_launch(&bump, endless);
		assert_int_equal(exit_code(), EXIT_FAILED);
		assert_int_equal(bump.share.live->instance[0].pid, 0);
		bump_close(&bump);
	}
}

static void test_refuses_arguments(void **state)
{
	static const char *const wrong[] = { "--port", "a", NULL };
	static const char *const absent[] = { "--port", "a=net_such0", "--", "--no-huge", NULL };

	(void)state;
	open_plane();
	bump_launch(&bump, wrong);
	assert_int_equal(exit_code(), EXIT_USAGE);
	bump_launch(&bump, absent);
	assert_int_equal(exit_code(), EXIT_FAILED);
	assert_int_equal(bump.share.live->instance[0].pid, 0);
	bump_close(&bump);
}

/* More workers than there are places: none works, and what was taken is given back. */
static void test_refuses_too_many_workers(void **state)
{
	static const char *const two[] = { "--port", "a=net_null0", "--port", "b=net_null1", "--lcores",
					   "0,1",    "--main-core", "0",      "--mbufs",     "8192",
					   "--",     "--no-huge",   NULL };

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("one CPU is too few\n");
		return;
	}
	bump_open(&bump, SLOTS, 1, pairs, 1, 0);
	put_frames();
	bump_launch(&bump, two);
	assert_int_equal(exit_code(), EXIT_FAILED);
	assert_int_equal(bump.share.live->instance[0].pid, 0);
	assert_int_equal(bump.share.live->worker[0].instance, 0);
	bump_close(&bump);
}

/* The gate has made its files anew: it ends, to be started on them. */
static void test_ends_when_replaced(void **state)
{
	char path[128], other[128];
	FILE *f;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	snprintf(path, sizeof(path), "%s/tables", bump.folder);
	snprintf(other, sizeof(other), "%s/other", bump.folder);
	f = fopen(other, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(exit_code(), EXIT_AGAIN);
	bump_close(&bump);
}

/* ---- Beginning and end ---- */

/* What it says of itself while it works, and that it leaves nothing. */
static void test_in_order(void **state)
{
	const struct fg_share_instance *instance;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	wait_for_more();
	instance = instance_of(bump.pid);
	assert_non_null(instance);
	assert_int_equal(instance->workers, 1);
	assert_true(instance->forwarding_ns > instance->started_ns);
	assert_true(instance->device[0].used && instance->device[1].used);
	assert_string_equal(instance->device[0].name, "a");
	assert_int_equal(instance->device[0].rx_queues, 1);
	assert_int_equal(bump.share.live->worker[0].instance, 1);
	assert_ptr_equal(fg_share_ready(&bump.share), instance);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	assert_int_equal(instance->pid, 0);
	assert_int_equal(instance->ready, 0);
	assert_int_equal(bump.share.live->worker[0].instance, 0);
	assert_int_equal(bump_counters(&bump, A).by[FG_DROP][FG_CAUSE_DISCARD].packets, received());
	bump_close(&bump);
}

/* Killed: the image stays, the gate frees the places, and a successor forwards by the same image. Lost is what was on its way, once. */
static void test_killed(void **state)
{
	enum { ON_THE_WAY = 3 * FG_BURST, TIMES = 5 };
	struct fg_port_counters c;
	struct timespec killed;
	uint64_t counted = 0, ns;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	for (int i = 0; i < TIMES; i++) {
		wait_for_more();
		assert_int_equal(WTERMSIG(bump_end(&bump, SIGKILL)), SIGKILL);
		clock_gettime(CLOCK_MONOTONIC, &killed);
		assert_true(fg_share_look(&bump.share));
		assert_int_equal(bump.share.live->instance[0].pid, 0);
		assert_int_equal(bump.share.live->worker[0].instance, 0);
		assert_int_equal(bump.m.control->side, 0);
		bump_start(&bump, endless);
		ns = instance_of(bump.pid)->forwarding_ns - (uint64_t)killed.tv_sec * 1000000000u -
		     (uint64_t)killed.tv_nsec;
		printf("# killed, and forwarding again after %lu ms\n", ns / 1000000);
	}
	wait_for_more();
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	fg_share_port_counters(&bump.share, A, &c);
	counted = c.by[FG_DROP][FG_CAUSE_DISCARD].packets;
	assert_in_range(c.received.packets - counted, 0, TIMES * ON_THE_WAY);
	assert_int_equal(c.aborted.packets, 0);
	bump_close(&bump);
}

/* A successor is there before its predecessor ends: at no time does nobody forward. */
static void test_handover(void **state)
{
	struct bump first;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	wait_for_more();
	first = bump;
	bump_start(&bump, endless);
	assert_true(instance_of(first.pid)->ready && instance_of(bump.pid)->ready);
	assert_int_equal(bump.share.live->worker[0].instance + bump.share.live->worker[1].instance, 3);
	assert_int_equal(bump_end(&first, SIGTERM), 0);
	wait_for_more();
	assert_int_equal(bump.share.live->worker[0].instance, 0);
	assert_int_equal(bump.share.live->worker[1].instance, 2);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	bump_counters(&bump, A);
	bump_close(&bump);
}

/* ---- Images that change ---- */

/*
 * The gate changes the image that is not read, flips, and waits, again and again under traffic: a worker that read the image that is changed
 * would find none, a part of one, or a rule of another slot, and its packets would be neither dropped nor passed by rule.
 */
static void test_storm(void **state)
{
	struct fg_port_counters c;
	struct fg_rule_counters r;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	for (uint32_t i = 0; i < FLIPS; i++) {
		uint32_t idle = bump.m.control->side ^ 1;

		rule(idle, true);
		__atomic_store_n(&bump.m.control->side, idle, __ATOMIC_RELEASE);
		assert_int_equal(fg_share_drain(&bump.share), 0);
		memset(bump.m.image[idle ^ 1], 0, (size_t)bump.used[idle ^ 1] * FG_LINE_OCTETS);
		bump.used[idle ^ 1] = 0;
	}
	assert_int_equal(bump.share.fenced, 0);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	c = bump_counters(&bump, A);
	fg_share_rule_counters(&bump.share, 0, 1, &r);
	assert_true(c.received.packets > SOME);
	assert_int_equal(c.by[FG_DROP][FG_CAUSE_DISCARD].packets, c.received.packets);
	assert_int_equal(r.dropped.packets, c.received.packets);
	bump_close(&bump);
}

/* A process that hangs is fenced: the gate goes on, and a successor has its place. */
static void test_hangs(void **state)
{
	int status;

	(void)state;
	open_plane();
	bump_start(&bump, endless);
	wait_for_more();
	kill(bump.pid, SIGSTOP);
	assert_int_equal(waitpid(bump.pid, &status, WUNTRACED),
			 bump.pid); /* the signal is under way until all threads have stopped */
	assert_true(WIFSTOPPED(status));
	rule(1, true);
	__atomic_store_n(&bump.m.control->side, 1, __ATOMIC_RELEASE);
	assert_int_equal(fg_share_drain(&bump.share), 0);
	assert_int_equal(bump.share.fenced, 1);
	assert_int_equal(waitpid(bump.pid, &status, 0), bump.pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	bump.pid = 0;
	bump_start(&bump, endless);
	wait_for_more();
	assert_int_equal(fg_share_drain(&bump.share), 0);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
	bump_close(&bump);
}

/* The gate took it for dead, and gave its place away: it ends, and frees nothing of another's. */
static void test_place_lost(void **state)
{
	(void)state;
	open_plane();
	bump_start(&bump, endless);
	bump.share.live->instance[0].pid = (uint32_t)getpid();
	bump.share.live->worker[0].instance = 2;
	assert_int_equal(exit_code(), EXIT_AGAIN);
	assert_int_equal(bump.share.live->instance[0].pid, getpid());
	assert_int_equal(bump.share.live->worker[0].instance, 2);
	bump_close(&bump);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_memory),
		cmocka_unit_test(test_ends_while_waiting),
		cmocka_unit_test(test_refuses_other_versions),
		cmocka_unit_test(test_refuses_arguments),
		cmocka_unit_test(test_refuses_too_many_workers),
		cmocka_unit_test(test_ends_when_replaced),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_handover),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_place_lost),
	};

	bump_need(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
