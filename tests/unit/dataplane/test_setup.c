/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and targets as a worker sees them (dataplane/setup.h): numbers into devices, nothing out of bounds, nothing half written. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/setup.h"

static const struct fg_names names = { .name = { "left", "right", "out" }, .count = 3 };
static struct fg_share_tables *tables;
static struct fg_target *targets;
static struct fg_shared shared;
static struct fg_setup seen;

static void port(uint8_t number, const char *name, uint8_t peer, uint8_t flags)
{
	struct fg_share_port *p = &tables->port[number];

	*p = (struct fg_share_port){ .flags = FG_PORT_USED | FG_PORT_PAIR | flags, .peer = peer };
	snprintf(p->name, sizeof(p->name), "%s", name);
}

static int setup(void **state)
{
	(void)state;
	shared.sizes = (struct fg_share_sizes){ .image_lines = 1024, .slots = 1, .workers = 1 };
	shared.layout = fg_share_layout(&shared.sizes);
	tables = calloc(1, shared.layout.image[0]);
	assert_non_null(tables);
	shared.tables = tables;
	targets = (struct fg_target *)(void *)((uint8_t *)tables + shared.layout.targets);
	fg_setup_start(&seen);
	/* Numbers are not the places of devices. */
	port(4, "right", 7, FG_PORT_CLOSED);
	port(7, "left", 4, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(tables);
	return 0;
}

static void follow(void)
{
	tables->ports_version += 2;
	assert_true(fg_setup_is_old(&seen, tables));
	fg_setup_follow(&seen, &shared, &names);
	assert_false(fg_setup_is_old(&seen, tables));
}

static void test_ports(void **state)
{
	(void)state;
	assert_true(fg_setup_is_old(&seen, tables));
	follow();
	assert_true(seen.device[0].forwards && seen.device[1].forwards);
	assert_int_equal(seen.device[0].number, 7);
	assert_int_equal(seen.device[1].number, 4);
	assert_int_equal(seen.device[0].peer, 1);
	assert_int_equal(seen.device[1].peer, 0);
	assert_true(seen.device[1].flags & FG_PORT_CLOSED);
	assert_false(seen.device[2].used);
	assert_false(seen.device[2].forwards);
}

/* A port whose peer has no device, and one whose peer is no number, forward nothing. */
static void test_no_peer(void **state)
{
	(void)state;
	port(7, "left", 200, 0);
	port(9, "nowhere", 4, 0);
	port(4, "right", 9, 0);
	follow();
	assert_true(seen.device[0].used && seen.device[1].used);
	assert_false(seen.device[0].forwards || seen.device[1].forwards);
}

static void test_unused_port(void **state)
{
	(void)state;
	tables->port[4].flags = 0;
	follow();
	assert_false(seen.device[1].used);
	assert_false(seen.device[0].forwards);
}

/* A name that fills its place, without an end. */
static void test_long_name(void **state)
{
	(void)state;
	memset(tables->port[4].name, 'x', FG_DEVICE_NAME_OCTETS);
	follow();
	assert_false(seen.device[1].used);
}

static void test_targets(void **state)
{
	(void)state;
	port(2, "out", 7, 0);
	targets[1] = (struct fg_target){ .kind = FG_TARGET_INTERFACE, .ifindex = 2 };
	targets[2] = (struct fg_target){ .kind = FG_TARGET_ROUTED, .ifindex = 2, .mac_dst = { 1 }, .mac_src = { 2 } };
	targets[3] = (struct fg_target){ .kind = FG_TARGET_ROUTED, .ifindex = 2 };        /* no neighbour */
	targets[4] = (struct fg_target){ .kind = FG_TARGET_INTERFACE, .ifindex = 5 };     /* no such port */
	targets[5] = (struct fg_target){ .kind = FG_TARGET_INTERFACE, .ifindex = 70000 }; /* no number */
	targets[6] = (struct fg_target){ .kind = 99, .ifindex = 2 };
	targets[FG_TARGETS_ALL - 1] = targets[1];
	follow();
	assert_int_equal(seen.target[1].kind, FG_TARGET_INTERFACE);
	assert_int_equal(seen.target[1].device, 2);
	assert_false(seen.target[1].addressed);
	assert_int_equal(seen.target[2].kind, FG_TARGET_ROUTED);
	assert_true(seen.target[2].addressed);
	assert_int_equal(seen.target[2].mac_dst[0], 1);
	assert_int_equal(seen.target[2].mac_src[0], 2);
	for (int i = 3; i <= 6; i++)
		assert_int_equal(seen.target[i].kind, FG_TARGET_NONE);
	assert_int_equal(seen.target[FG_TARGETS_ALL - 1].kind, FG_TARGET_INTERFACE);
	assert_int_equal(seen.target[0].kind, FG_TARGET_NONE);
}

/* While the gate writes, what was known stays; and a gate that died while it wrote holds nobody up. */
static void test_while_written(void **state)
{
	(void)state;
	follow();
	tables->ports_version++;
	memset(tables->port, 0xff, sizeof(tables->port));
	fg_setup_follow(&seen, &shared, &names);
	assert_true(seen.device[0].forwards);
	assert_true(fg_setup_is_old(&seen, tables));
}

/* Two states of which only whole ones may be seen: in each, both ports have the same flags and all targets the same address. */
static void *write_states(void *stop)
{
	for (uint8_t i = 0; !__atomic_load_n((int *)stop, __ATOMIC_RELAXED); i++) {
		__atomic_store_n(&tables->ports_version, tables->ports_version + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		port(4, "right", 7, i & 1 ? FG_PORT_CLOSED : 0);
		port(7, "left", 4, i & 1 ? FG_PORT_CLOSED : 0);
		for (int t = 1; t < FG_TARGETS_ALL; t++)
			targets[t] = (struct fg_target){ .kind = FG_TARGET_INTERFACE,
							 .ifindex = 4,
							 .mac_dst = { (uint8_t)(i | 1) } };
		__atomic_store_n(&tables->ports_version, tables->ports_version + 1, __ATOMIC_RELEASE);
		for (volatile int pause = 0; pause < 3000; pause++)
			;
	}
	return NULL;
}

static void test_not_torn(void **state)
{
	pthread_t thread;
	uint32_t taken = 0;
	int stop = 0;

	(void)state;
	port(4, "right", 7, 0);
	follow();
	assert_int_equal(pthread_create(&thread, NULL, write_states, &stop), 0);
	for (int i = 0; i < 2000000 && taken < 2000; i++) {
		uint32_t version = seen.version;

		fg_setup_follow(&seen, &shared, &names);
		taken += seen.version != version;
		assert_int_equal(seen.device[0].flags, seen.device[1].flags);
		for (int t = 2; t < FG_TARGETS_ALL; t++)
			assert_int_equal(seen.target[t].mac_dst[0], seen.target[1].mac_dst[0]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(taken > 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ports),   TEST(test_no_peer),       TEST(test_unused_port), TEST(test_long_name),
		TEST(test_targets), TEST(test_while_written), TEST(test_not_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
