/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports of the XDP dataplane, live: two cables, packets by sockets at their outer ends. Both ways of forwarding in both modes of
 * the kernel, what a preflight refuses and mends, and who owns what after its owner was killed.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowgate/wire.h"
#include "tests/e2e/dataplane.h"
#include "tests/e2e/wire.h"

enum { SOON_MS = 500, NEVER_MS = 60, SLOTS = 16 };

static const uint8_t victim[4] = { 192, 0, 2, 1 }, marked[4] = { 192, 0, 2, 2 }, other[4] = { 192, 0, 2, 3 };

static const struct dataplane_rule rules[] = {
	{ .dst = { 192, 0, 2, 1 }, .bits = 32, .asked = { .set = FG_ACT_DISCARD } },
	{ .dst = { 192, 0, 2, 2 }, .bits = 32, .asked = { .set = FG_ACT_MARK, .dscp = 46 } },
	{ .host = 1, .asked = { .set = FG_ACT_DISCARD } },
};

static struct dataplane plane;

static struct fg_port_status attach(const char *name, const char *peer, enum fg_xdp_mode mode, uint8_t number)
{
	struct fg_port_config config = { .mode = (uint8_t)mode };
	struct fg_port_status status;

	snprintf(config.name, sizeof(config.name), "%s", name);
	snprintf(config.peer, sizeof(config.peer), "%s", peer);
	assert_int_equal(fg_xdp_attach(plane.x, &config, number, &status), 0);
	return status;
}

static void attach_well(const char *name, const char *peer, enum fg_xdp_mode mode, uint8_t number)
{
	struct fg_port_status status = attach(name, peer, mode, number);

	if (status.reason != FG_PORT_OK)
		print_error("%s: %s\n", fg_port_reason_name(status.reason), status.detail);
	assert_int_equal(status.reason, FG_PORT_OK);
	assert_int_equal(status.mode, mode);
	assert_int_equal(status.degraded, mode == FG_XDP_GENERIC);
}

/* Sends a frame; what arrives of it within reason, or nothing. */
static bool crosses(int from, int to, const struct wire_frame *frame, struct wire_frame *got)
{
	wire_send(from, frame);
	return wire_receive(to, got, got != NULL ? SOON_MS : NEVER_MS);
}

static void assert_crosses(int from, int to, const struct wire_frame *frame)
{
	struct wire_frame got;

	assert_true(crosses(from, to, frame, &got));
	assert_int_equal(got.len, frame->len);
	assert_memory_equal(got.octets, frame->octets, frame->len);
}

static void assert_stops(int from, int to, const struct wire_frame *frame)
{
	struct wire_frame got;

	wire_send(from, frame);
	assert_false(wire_receive(to, &got, NEVER_MS));
}

/* Passed, dropped and marked, of both families, tagged or not; and what is no IP. */
static void assert_enforced(int from, int to)
{
	struct wire_frame frame, got;

	wire_udp(&frame, other, 53, 100);
	assert_crosses(from, to, &frame);
	wire_tag(&frame, 5);
	assert_crosses(from, to, &frame);
	wire_udp(&frame, victim, 53, 100);
	assert_stops(from, to, &frame);
	wire_tag(&frame, 5);
	assert_stops(from, to, &frame);
	wire_udp6(&frame, 1, 53, 100);
	assert_stops(from, to, &frame);
	wire_udp6(&frame, 2, 53, 100);
	assert_crosses(from, to, &frame);
	wire_udp(&frame, marked, 53, 100);
	assert_true(crosses(from, to, &frame, &got));
	assert_int_equal(wire_ipv4(&got)[1], 46 << 2);
	fg_store_be16(frame.octets + 12, 0x88b5); /* for local experiments */
	assert_crosses(from, to, &frame);
}

static struct fg_port_counters port_counters(uint8_t number)
{
	struct fg_port_counters c;
	uint64_t all = 0;

	assert_int_equal(fg_xdp_port_counters(plane.x, number, &c), 0);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			all += c.by[v][cause].packets;
	assert_int_equal(all, c.received.packets);
	assert_int_equal(c.aborted.packets, 0);
	return c;
}

/* The kernel gets what passes: seen by a socket on the port itself. */
static void host(enum fg_xdp_mode mode)
{
	int left = wire_open("left"), port0 = wire_open("port0");
	struct fg_port_counters c;

	attach_well("port0", "", mode, 0);
	assert_enforced(left, port0);
	c = port_counters(0);
	assert_int_equal(c.by[FG_DROP][FG_CAUSE_DISCARD].packets, 3);
	assert_int_equal(c.received.packets, 8);
	close(left);
	close(port0);
}

static void test_host_native(void **state)
{
	(void)state;
	host(FG_XDP_NATIVE);
}

static void test_host_generic(void **state)
{
	(void)state;
	host(FG_XDP_GENERIC);
}

/* A bump in the wire: what comes in by one port leaves by the other, and nothing gets to the kernel. */
static void pair(enum fg_xdp_mode mode)
{
	int left = wire_open("left"), right = wire_open("right");

	attach_well("port0", "port1", mode, 0);
	attach_well("port1", "port0", mode, 1);
	assert_enforced(left, right);
	assert_enforced(right, left);
	assert_int_equal(port_counters(0).received.packets, 8);
	assert_int_equal(port_counters(1).received.packets, 8);
	close(left);
	close(right);
}

static void test_pair_native(void **state)
{
	(void)state;
	pair(FG_XDP_NATIVE);
}

static void test_pair_generic(void **state)
{
	(void)state;
	pair(FG_XDP_GENERIC);
}

/* Each reason by name, and the port is not left half attached. */
static void test_refused(void **state)
{
	struct fg_port_status status = attach("nowhere", "", FG_XDP_AUTO, 0);

	(void)state;
	assert_int_equal(status.reason, FG_PORT_ABSENT);
	status = attach("port0", "nowhere", FG_XDP_AUTO, 0);
	assert_int_equal(status.reason, FG_PORT_ABSENT);
	status = attach("lo", "", FG_XDP_NATIVE, 0);
	assert_int_equal(status.reason, FG_PORT_NO_NATIVE);
	shell("ethtool -K right gro off");
	status = attach("port0", "port1", FG_XDP_NATIVE, 0);
	assert_int_equal(status.reason, FG_PORT_PEER_NO_XMIT);
	assert_non_null(strstr(status.detail, "port1"));
	shell("ethtool -K right gro on");
	assert_int_equal(fg_xdp_detach(plane.x, "port0"), -ENOENT);
	assert_int_equal(fg_xdp_detach(plane.x, "port1"), -ENOENT);
}

static void test_taken(void **state)
{
	char folder[80];
	struct dataplane mine = plane;
	struct fg_port_status status;

	(void)state;
	attach_well("port0", "", FG_XDP_NATIVE, 0);
	snprintf(folder, sizeof(folder), "%s-2", plane.folder);
	assert_int_equal(fg_xdp_open(&plane.x, folder, &mine.x->sizes, (char[FG_XDP_ERROR_MAX]){ 0 }), 0);
	status = attach("port0", "", FG_XDP_NATIVE, 0);
	assert_int_equal(status.reason, FG_PORT_TAKEN);
	fg_xdp_close(plane.x);
	assert_int_equal(fg_xdp_remove(folder), 0);
	plane = mine;
}

/* What would hide lengths or tags is turned off, and said. */
static void test_mended(void **state)
{
	struct fg_port_status status;

	(void)state;
	shell("ethtool -K port0 rxvlan on gro on >/dev/null");
	status = attach("port0", "", FG_XDP_GENERIC, 0);
	assert_int_equal(status.reason, FG_PORT_OK);
	assert_string_equal(status.detail, "turned off receive VLAN offload; turned off GRO");
	shell("ethtool -k port0 | grep -q '^generic-receive-offload: off'");
	shell("ethtool -k port0 | grep -q '^rx-vlan-offload: off'");
}

static void test_keep_only(void **state)
{
	const struct fg_port_config keep = { .name = "port1" };

	(void)state;
	attach_well("port0", "", FG_XDP_NATIVE, 0);
	attach_well("port1", "", FG_XDP_NATIVE, 1);
	assert_int_equal(fg_xdp_keep_only(plane.x, &keep, 1), 0);
	assert_int_equal(fg_xdp_detach(plane.x, "port0"), -ENOENT);
	assert_int_equal(plane.x->ports[if_nametoindex("port0")].flags, 0);
	assert_int_equal(fg_xdp_detach(plane.x, "port1"), 0);
}

/* An owner that attaches, and is killed while frames flow. */
static pid_t owner(void)
{
	int ready[2];
	char octet;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char error[FG_XDP_ERROR_MAX];
		struct fg_plane_sizes sizes = plane.x->sizes;
		struct fg_port_config config = { .name = "port0", .mode = FG_XDP_NATIVE };
		struct fg_port_status status;
		struct fg_xdp *x;

		if (fg_xdp_open(&x, plane.folder, &sizes, error) == 0 && fg_xdp_attach(x, &config, 0, &status) == 0 &&
		    status.reason == FG_PORT_OK)
			(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* Nothing but kills between two frames that are stopped: the next owner finds all as it was. */
static void test_killed(void **state)
{
	int left, port0 = wire_open("port0");
	struct fg_port_status status;
	struct wire_frame frame;
	pid_t pid;

	(void)state;
	left = wire_open("left");
	wire_udp(&frame, victim, 53, 100);
	for (int i = 0; i < 5; i++) {
		pid = owner();
		dataplane_leave(&plane);
		for (int k = 0; k < 200; k++) {
			wire_send(left, &frame);
			if (k == 100) {
				assert_int_equal(kill(pid, SIGKILL), 0);
				assert_int_equal(waitpid(pid, NULL, 0), pid);
			}
		}
		assert_false(wire_receive(port0, &frame, NEVER_MS));
		dataplane_open(&plane, SLOTS, 0);
		assert_true(plane.m->adopted);
		assert_int_equal(plane.m->control->side, 0);
	}
	status = attach("port0", "", FG_XDP_AUTO, 0);
	assert_int_equal(status.reason, FG_PORT_OK);
	assert_true(status.adopted);
	assert_int_equal(port_counters(0).by[FG_DROP][FG_CAUSE_DISCARD].packets, 1000);
	assert_int_equal(fg_xdp_detach(plane.x, "port0"), 0);
	assert_crosses(left, port0, &frame);
	close(left);
	close(port0);
}

/* Of another size: loaded anew, and the port goes on with what it had until it is attached again. */
static void test_other_size(void **state)
{
	struct fg_plane_sizes sizes = plane.x->sizes;
	int left = wire_open("left"), port0 = wire_open("port0");
	char error[FG_XDP_ERROR_MAX];
	struct wire_frame frame;
	struct fg_port_status status;

	(void)state;
	attach_well("port0", "", FG_XDP_NATIVE, 0);
	wire_udp(&frame, victim, 53, 100);
	dataplane_leave(&plane);
	sizes.slots++;
	assert_int_equal(fg_xdp_open(&plane.x, plane.folder, &sizes, error), 0);
	plane.m = fg_xdp_memory(plane.x);
	assert_false(plane.m->adopted);
	assert_int_equal(plane.m->control->side, FG_SIDE_NONE);
	assert_stops(left, port0, &frame);
	status = attach("port0", "", FG_XDP_AUTO, 0);
	assert_int_equal(status.reason, FG_PORT_OK);
	assert_true(status.adopted);
	assert_crosses(left, port0, &frame);
	assert_int_equal(port_counters(0).received.packets, 1);
	close(left);
	close(port0);
}

static void test_bad_sizes(void **state)
{
	const struct fg_plane_sizes small = { 1 << 20, 1, 1 }, odd = { (1 << 21) + 1, 1, 1 }, none = { 1 << 21, 0, 1 };
	const struct fg_plane_sizes good = { 1 << 21, 1, 1 };
	char error[FG_XDP_ERROR_MAX];
	struct fg_xdp *x;

	(void)state;
	assert_int_equal(fg_xdp_open(&x, plane.folder, &small, error), -EINVAL);
	assert_int_equal(fg_xdp_open(&x, plane.folder, &odd, error), -EINVAL);
	assert_int_equal(fg_xdp_open(&x, plane.folder, &none, error), -EINVAL);
	assert_int_equal(fg_xdp_open(&x, "here", &good, error), -EINVAL);
	assert_int_not_equal(error[0], 0);
	assert_int_equal(fg_xdp_open(&x, "/proc/flowgate", &good, error), -ENOENT);
	assert_int_equal(fg_xdp_remove("/tmp"), -EINVAL);
}

/* The verifier takes the program with the largest image too; the memory is there only where it can be had. */
static void test_largest_image(void **state)
{
	const struct fg_plane_sizes sizes = { .image_lines = 4 * FG_PAGE_LINES, .slots = SLOTS, .store_octets = 64 };
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	char error[FG_XDP_ERROR_MAX];
	struct fg_xdp *x;
	int r = fg_xdp_open(&x, "/sys/fs/bpf/flowgate-test/largest", &sizes, error);

	(void)state;
	if (r == -ENOMEM) {
		print_message("# no memory for two images of 1 GiB\n");
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(bpf_obj_get_info_by_fd(x->program, &info, &len), 0);
	printf("# verified instructions: %u\n", info.verified_insns);
	fg_xdp_close(x);
	assert_int_equal(fg_xdp_remove("/sys/fs/bpf/flowgate-test/largest"), 0);
}

static int setup(void **state)
{
	(void)state;
	dataplane_open(&plane, SLOTS, 0);
	dataplane_rules(&plane, 0, rules, sizeof(rules) / sizeof(rules[0]));
	plane.m->control->side = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dataplane_close(&plane);
	return 0;
}

static int lay_cables(void **state)
{
	(void)state;
	wire_cables();
	return 0;
}

static int cut_cables(void **state)
{
	(void)state;
	wire_cut();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_host_native, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_generic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair_native, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair_generic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_sizes, setup, teardown),
		cmocka_unit_test(test_largest_image),
	};

	dataplane_need();
	return cmocka_run_group_tests(tests, lay_cables, cut_cables);
}
