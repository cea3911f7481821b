/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate as it runs on a box, in namespaces of its own: real maps, a cable with a program on it, frames that are dropped by a rule that came
 * over a socket. It is killed between and in the middle of changes; what is enforced is not interrupted, and the next one goes on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/gate/gate.h"
#include "tests/e2e/dataplane.h"

enum { SLOTS = 4096, FRAMES = 20, WAIT_MS = 60000 };

static struct fg_policy policy;
static pid_t child;
static int supervisor = -1, ctrl = -1, cable = -1;
static char folder[64];

/* ---- The process ---- */

static void start(void)
{
	const struct fg_gate_config config = {
		.pin_folder = folder,
		.sizes = { .image_lines = DATAPLANE_LINES, .slots = SLOTS, .store_octets = FG_GATE_STORE_OCTETS(SLOTS) }
	};
	int ends[2], octets = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		_exit(fg_gate_run(&config, ends[1]) == 0 ? 0 : 1);
	}
	close(ends[1]);
	supervisor = ends[0];
}

static int finish(int signal)
{
	int status;

	if (signal != 0)
		kill(child, signal);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(supervisor);
	if (ctrl >= 0)
		close(ctrl);
	ctrl = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void say(int to, enum fg_message_kind kind, const void *what, size_t octets, int fd)
{
	const struct fg_message m = { FG_RECORD_VERSION, (uint16_t)kind, 1, (uint32_t)(sizeof(m) + octets), 0 };
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

static const void *hear(int from, enum fg_message_kind kind)
{
	static uint8_t octets[FG_MESSAGE_MAX] __attribute__((aligned(8)));
	const struct fg_message *m = (const struct fg_message *)(void *)octets;

	for (;;) {
		struct pollfd on = { .fd = from, .events = POLLIN };

		assert_int_equal(poll(&on, 1, WAIT_MS), 1);
		assert_true(recv(from, octets, sizeof(octets), 0) > 0);
		if (m->kind == kind)
			return m + 1;
	}
}

static void introduce(void)
{
	int ends[2], octets = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	ctrl = ends[0];
	say(supervisor, FG_ASK_CTRL, NULL, 0, ends[1]);
	close(ends[1]);
	hear(supervisor, FG_SAY_DONE);
	say(supervisor, FG_ASK_POLICY, &policy, sizeof(policy), -1);
	assert_int_equal(((const struct fg_done *)hear(supervisor, FG_SAY_DONE))->result, 0);
}

/* A rule for UDP to 192.0.2.HOST; not waited for where the gate is to die meanwhile. */
static void ask_host(enum fg_record_op op, uint8_t host)
{
	const uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, host, FG_PROTO, 0x81, 17 };
	uint8_t octets[1024] __attribute__((aligned(8))) = { 0 };
	struct fg_batch *batch = (struct fg_batch *)(void *)octets;
	struct fg_record *r = (struct fg_record *)(void *)(batch + 1);

	batch->rules = 1;
	r->octets = fg_record_octets(sizeof(nlri), 0);
	r->op = (uint8_t)op;
	r->nlri_len = sizeof(nlri);
	r->actions.set = FG_ACT_DISCARD;
	strcpy(r->by.source, "operator");
	memcpy(r->nlri, nlri, sizeof(nlri));
	say(ctrl, FG_ASK_BATCH, octets, sizeof(*batch) + r->octets, -1);
}

static void change_host(enum fg_record_op op, uint8_t host)
{
	ask_host(op, host);
	assert_int_equal(((const struct fg_batch_result *)hear(ctrl, FG_SAY_BATCH))->committed, 1);
}

static const struct fg_status *status(void)
{
	say(ctrl, FG_ASK_STATUS, NULL, 0, -1);
	return hear(ctrl, FG_SAY_STATUS);
}

/* ---- The cable ---- */

static void lay_cable(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	shell("ip link add flow0 type veth peer name flow1");
	shell("ip link set flow0 up && ip link set flow1 up");
	cable = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = (int)if_nametoindex("flow1");
	assert_true(cable >= 0);
	assert_int_equal(bind(cable, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void send_frame(uint8_t host)
{
	uint8_t frame[60] = {
		[0] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [12] = 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17
	};

	memcpy(frame + 26, (const uint8_t[]){ 198, 51, 100, 1, 192, 0, 2, host, 0, 53, 16, 0, 0, 26 }, 14);
	assert_int_equal(send(cable, frame, sizeof(frame), 0), sizeof(frame));
}

/* Frames dropped by rules since the port came, once `more` of them have been sent. */
static uint64_t dropped_after(uint8_t host, uint32_t more)
{
	for (uint32_t i = 0; i < more; i++)
		send_frame(host);
	usleep(200000);
	return status()->port[0].counters.by[FG_DROP][FG_CAUSE_DISCARD].packets;
}

/* ---- Tests ---- */

static void test_a_rule_drops(void **state)
{
	const struct fg_status *s;

	(void)state;
	start();
	introduce();
	s = status();
	assert_int_equal(s->ports, 1);
	assert_int_equal(s->port[0].status.reason, FG_PORT_OK);
	assert_int_equal(s->adopted, 0);
	assert_int_equal(s->enforcing, 1);
	assert_int_equal(dropped_after(7, FRAMES), 0);
	change_host(FG_OP_ADD, 7);
	assert_int_equal(dropped_after(7, FRAMES), FRAMES);
	assert_int_equal(dropped_after(8, FRAMES), FRAMES);
}

static void test_killed_and_adopted(void **state)
{
	const struct fg_status *s;

	(void)state;
	assert_int_equal(finish(SIGKILL), -SIGKILL);
	for (uint32_t i = 0; i < FRAMES; i++)
		send_frame(7);
	start();
	introduce();
	assert_int_equal(dropped_after(7, 0), 2 * FRAMES);
	s = status();
	assert_int_equal(s->adopted, 1);
	assert_int_equal(s->rules[FG_RULE_ENFORCED], 1);
	assert_int_equal(s->port[0].status.adopted, 1);
	change_host(FG_OP_ADD, 9);
	assert_int_equal(dropped_after(9, FRAMES), 3 * FRAMES);
	change_host(FG_OP_DELETE, 7);
	assert_int_equal(dropped_after(7, FRAMES), 3 * FRAMES);
}

/* In the middle of changes: the rule of host 9 drops throughout, whatever became of the others. */
static void test_killed_in_changes(void **state)
{
	uint64_t before = dropped_after(9, 0);

	(void)state;
	for (int i = 0; i < 6; i++) {
		for (uint8_t host = 20; host < 60; host++)
			ask_host(i % 2 ? FG_OP_DELETE : FG_OP_ADD, host);
		usleep((unsigned int)(i * 7000));
		assert_int_equal(finish(SIGKILL), -SIGKILL);
		for (uint32_t k = 0; k < FRAMES; k++)
			send_frame(9);
		start();
		introduce();
		before += FRAMES;
		assert_int_equal(dropped_after(9, 0), before);
	}
	change_host(FG_OP_ADD, 100);
}

static void test_taken_away(void **state)
{
	const struct fg_switch on = { .on = 1 };

	(void)state;
	say(supervisor, FG_ASK_STOP, &on, sizeof(on), -1);
	hear(supervisor, FG_SAY_DONE);
	assert_int_equal(finish(0), 0);
	assert_int_equal(access(folder, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rule_drops),
		cmocka_unit_test(test_killed_and_adopted),
		cmocka_unit_test(test_killed_in_changes),
		cmocka_unit_test(test_taken_away),
	};

	dataplane_need();
	snprintf(folder, sizeof(folder), "/sys/fs/bpf/flowgate-test/%d", (int)getpid());
	lay_cable();
	fg_policy_default(&policy);
	policy.ports = 1;
	strcpy(policy.port[0].name, "flow0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
