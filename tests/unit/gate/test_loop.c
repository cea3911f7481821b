/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate as a process, over sockets, on plain memory: what it answers, whom it cuts off, what outlives its death, and that it allocates
 * nothing once it runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/gate/loop.h"
#include "tests/unit/gate/gating.h"

static struct gating *t;
static pid_t child;
static bool running;
static int supervisor = -1, ctrl = -1;
static struct gating_batch batch;
static uint32_t more; /* of what is said next */

/* ---- Nothing is allocated ---- */

/* Once it runs, a call that would take memory ends the child at once. */
static int forbid_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which takes memory of its own */
#define FORBID(call)                                                                                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		FORBID(SYS_mmap),
		FORBID(SYS_brk),
		FORBID(SYS_mremap),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return -errno;
#endif
	running = true;
	return 0;
}

/* What the linker puts in place of the C library's (--wrap): memory that was left over from start must not be used either. */
void *__real_malloc(size_t octets);
void *__wrap_malloc(size_t octets);

void *__wrap_malloc(size_t octets)
{
	if (running)
		_exit(99);
	return __real_malloc(octets);
}

/* ---- The process ---- */

static void pair(int ends[2])
{
	int octets = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

static void start(void)
{
	int ends[2];

	pair(ends);
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		_exit(fg_loop_run(&t->dataplane, &t->sizes, false, ends[1], forbid_memory) == FG_LOOP_REMOVE ? 7 : 0);
	}
	close(ends[1]);
	supervisor = ends[0];
}

static int finish(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	if (supervisor >= 0)
		close(supervisor);
	if (ctrl >= 0)
		close(ctrl);
	supervisor = ctrl = -1;
	t->dataplane.memory.adopted = true;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void say(int to, enum fg_message_kind kind, const void *what, size_t octets, int fd)
{
	const struct fg_message m = { .version = FG_RECORD_VERSION,
				      .kind = (uint16_t)kind,
				      .id = 1,
				      .octets = (uint32_t)(sizeof(m) + octets),
				      .more = more };
	struct iovec parts[2] = { { (void *)(uintptr_t)&m, sizeof(m) }, { (void *)(uintptr_t)what, octets } };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(to, &msg, MSG_NOSIGNAL), m.octets);
}

/* The next message of a kind; NULL: the connection is gone. */
static const void *hear(int from, enum fg_message_kind kind)
{
	static uint8_t octets[FG_MESSAGE_MAX] __attribute__((aligned(8)));
	const struct fg_message *m = (const struct fg_message *)(void *)octets;

	for (;;) {
		struct pollfd on = { .fd = from, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&on, 1, 20000), 1);
		n = recv(from, octets, sizeof(octets), 0);
		if (n <= 0)
			return NULL;
		assert_int_equal(n, m->octets);
		if (m->kind == kind)
			return m + 1;
	}
}

static void give_policy(void)
{
	const struct fg_done *done;

	say(supervisor, FG_ASK_POLICY, &t->policy, sizeof(t->policy), -1);
	done = hear(supervisor, FG_SAY_DONE);
	assert_non_null(done);
	assert_int_equal(done->result, 0);
}

static void give_ctrl(void)
{
	int ends[2];

	pair(ends);
	if (ctrl >= 0)
		close(ctrl);
	ctrl = ends[0];
	say(supervisor, FG_ASK_CTRL, NULL, 0, ends[1]);
	close(ends[1]);
	assert_non_null(hear(supervisor, FG_SAY_DONE));
}

static void say_batch(void)
{
	static uint8_t octets[FG_MESSAGE_MAX];

	memcpy(octets, &batch.head, sizeof(batch.head));
	memcpy(octets + sizeof(batch.head), batch.octets, batch.len);
	say(ctrl, FG_ASK_BATCH, octets, sizeof(batch.head) + batch.len, -1);
}

static const struct fg_batch_result *add(uint8_t host, uint16_t port)
{
	batch_new(&batch, 0, 0);
	batch_host(&batch, FG_OP_ADD, host, port);
	say_batch();
	return hear(ctrl, FG_SAY_BATCH);
}

/* The first part of a batch, with a rule that is refused. */
static void say_part(void)
{
	batch_new(&batch, FG_BATCH_PARTIAL, 0);
	batch_rule(&batch, FG_OP_ADD, FG_IPV4, NULL, 0);
	more = 1;
	say_batch();
	more = 0;
}

static int begin(void **state)
{
	(void)state;
	t = gating_map(sizeof(*t));
	gating_dataplane(t, GATING_SLOTS);
	fg_policy_default(&t->policy);
	start();
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (child > 0) {
		kill(child, SIGKILL);
		finish();
	}
	return 0;
}

/* ---- Tests ---- */

static void test_rules_and_an_end(void **state)
{
	const struct fg_status *s;

	(void)state;
	give_ctrl();
	give_policy();
	for (uint16_t port = 1; port <= 100; port++)
		assert_int_equal(add(7, port)->committed, 1);
	say(ctrl, FG_ASK_FLUSH, NULL, 0, -1);
	assert_non_null(hear(ctrl, FG_SAY_DONE));
	assert_int_equal(add(7, 53)->committed, 1);
	assert_int_not_equal(gating_meets(t, 7, 53), UINT32_MAX);
	say(ctrl, FG_ASK_STATUS, NULL, 0, -1);
	s = hear(ctrl, FG_SAY_STATUS);
	assert_int_equal(s->enforcing, 1);
	assert_int_equal(s->rules[FG_RULE_ENFORCED], 1);
	kill(child, SIGTERM);
	assert_int_equal(finish(), 0);
	assert_int_not_equal(gating_meets(t, 7, 53), UINT32_MAX);
}

static void test_no_policy_no_rules(void **state)
{
	const struct fg_done *done;

	(void)state;
	give_ctrl();
	batch_new(&batch, 0, 0);
	batch_host(&batch, FG_OP_ADD, 7, 53);
	say_batch();
	done = hear(ctrl, FG_SAY_DONE);
	assert_int_equal(done->result, -EAGAIN);
	assert_int_equal(gating_meets(t, 7, 53), UINT32_MAX);
}

static void test_killed_and_adopted(void **state)
{
	uint32_t slot;

	(void)state;
	give_ctrl();
	give_policy();
	for (uint16_t port = 1; port <= 20; port++)
		assert_int_equal(add(7, port)->committed, 1);
	slot = gating_meets(t, 7, 20);
	kill(child, SIGKILL);
	assert_int_equal(finish(), -SIGKILL);
	assert_int_equal(gating_meets(t, 7, 20), slot);
	start();
	give_ctrl();
	assert_int_equal(gating_meets(t, 7, 20), slot);
	give_policy();
	assert_int_equal(gating_meets(t, 7, 20), slot);
	assert_int_equal(add(7, 21)->committed, 1);
	assert_int_not_equal(gating_meets(t, 7, 21), UINT32_MAX);
}

/* Ctrl cannot say what only the supervisor may, and loses its connection for trying; the gate goes on. */
static void test_ctrl_is_nobody(void **state)
{
	const struct fg_switch off = { .on = 1 };

	(void)state;
	give_ctrl();
	give_policy();
	say(ctrl, FG_ASK_POLICY, &t->policy, sizeof(t->policy), -1);
	assert_null(hear(ctrl, FG_SAY_DONE));
	give_ctrl();
	say(ctrl, FG_ASK_STOP, &off, sizeof(off), -1);
	assert_null(hear(ctrl, FG_SAY_DONE));
	give_ctrl();
	assert_int_equal(send(ctrl, "x", 1, 0), 1);
	assert_null(hear(ctrl, FG_SAY_DONE));
	give_ctrl();
	assert_int_equal(add(7, 53)->committed, 1);
}

/* Who does not read is heard no more, and nobody waits for it; another takes its place. */
static void test_slow_ctrl(void **state)
{
	const struct fg_page_ask from = { 0 };
	const struct fg_message m = { FG_RECORD_VERSION, FG_ASK_LIST, 1, sizeof(m) + sizeof(from), 0 };
	uint8_t ask[sizeof(m) + sizeof(from)];

	(void)state;
	give_ctrl();
	give_policy();
	for (uint16_t port = 1; port <= 200; port++)
		assert_int_equal(add(7, port)->committed, 1);
	memcpy(ask, &m, sizeof(m));
	memcpy(ask + sizeof(m), &from, sizeof(from));
	for (int quiet_ms = 0; quiet_ms < 200;) {
		if (send(ctrl, ask, sizeof(ask), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
			quiet_ms = 0;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		usleep(1000);
		quiet_ms++;
	}
	give_ctrl();
	assert_int_equal(add(8, 53)->committed, 1);
}

/* Ctrl goes amid a batch: of it nothing is answered to its successor, which counts its questions from the same number on. */
static void test_ctrl_goes_amid_a_batch(void **state)
{
	const struct fg_batch_result *result;

	(void)state;
	give_ctrl();
	say_part();
	assert_non_null(hear(ctrl, FG_SAY_DONE)); /* there is no policy yet */
	give_policy();
	give_ctrl();
	assert_int_equal(add(7, 53)->committed, 1);
	say_part();
	say(ctrl, FG_ASK_STATUS, NULL, 0, -1);
	assert_non_null(hear(ctrl, FG_SAY_STATUS));
	give_ctrl();
	result = add(7, 54);
	assert_int_equal(result->committed, 1);
	assert_int_equal(result->findings, 0);
}

static void test_stop(void **state)
{
	const struct fg_switch off = { .on = 1 };

	(void)state;
	give_policy();
	say(supervisor, FG_ASK_STOP, &off, sizeof(off), -1);
	assert_non_null(hear(supervisor, FG_SAY_DONE));
	assert_int_equal(finish(), 7);
}

static void test_supervisor_gone(void **state)
{
	(void)state;
	give_policy();
	close(supervisor);
	supervisor = -1;
	assert_int_equal(finish(), 0);
	assert_int_not_equal(t->dataplane.memory.control->side, FG_SIDE_NONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_rules_and_an_end),
		TEST(test_no_policy_no_rules),
		TEST(test_killed_and_adopted),
		TEST(test_ctrl_is_nobody),
		TEST(test_slow_ctrl),
		TEST(test_ctrl_goes_amid_a_batch),
		TEST(test_stop),
		TEST(test_supervisor_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
