/* SPDX-License-Identifier: BSD-3-Clause */
/* What is sent, shed and kept where a device has too little room (dataplane/out.h): the device is a fake one that takes what it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/out.h"

enum { CALLS_MAX = 64, PACKETS_MAX = 4096 };

/* A packet is its number. */
static struct device {
	uint32_t room[CALLS_MAX]; /* what it takes by call; then all */
	uint32_t calls, rooms;
	uintptr_t sent[PACKETS_MAX], freed[PACKETS_MAX];
	uint32_t sents, freeds;
} device;

static struct fg_share_port_counters ports[FG_PORTS_MAX];
static struct fg_out out;

static uint32_t send_some(void *ctx, void **packets, uint32_t n)
{
	uint32_t room = device.calls < device.rooms ? device.room[device.calls] : n;

	assert_ptr_equal(ctx, &device);
	device.calls++;
	room = room < n ? room : n;
	for (uint32_t i = 0; i < room; i++)
		device.sent[device.sents++] = (uintptr_t)packets[i];
	return room;
}

static void release(void *ctx, void **packets, uint32_t n)
{
	assert_ptr_equal(ctx, &device);
	for (uint32_t i = 0; i < n; i++)
		device.freed[device.freeds++] = (uintptr_t)packets[i];
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	memset(ports, 0, sizeof(ports));
	memset(&out, 0, sizeof(out));
	out.device = (struct fg_out_device){ &device, send_some, release };
	out.ports = ports;
	return 0;
}

static void device_takes(const uint32_t *rooms, uint32_t n)
{
	memcpy(device.room, rooms, n * sizeof(*rooms));
	device.rooms = n;
}

#define TAKES(...)                                                                                                     \
	device_takes((const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void add(uintptr_t number, enum fg_class class)
{
	static const uint8_t causes[FG_CLASSES] = { FG_CAUSE_PROTECT, FG_CAUSE_ACCEPT, FG_CAUSE_NONE, FG_CAUSE_NONE };
	struct fg_fate fate = { .octets = 100,
				.port = 3,
				.verdict = FG_PASS,
				.cause = causes[class],
				.class = (uint8_t) class };

	fg_out_add(&out, (void *)number, fate);
}

static uint64_t sent_as(enum fg_cause cause)
{
	return ports[3].port.by[FG_PASS][cause].packets;
}

static uint64_t shed(void)
{
	return ports[3].port.by[FG_DROP][FG_CAUSE_OVERLOAD].packets;
}

static void assert_sent(const uintptr_t *numbers, uint32_t n)
{
	assert_int_equal(device.sents, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(device.sent[i], numbers[i]);
}

#define SENT(...)                                                                                                      \
	assert_sent((const uintptr_t[]){ __VA_ARGS__ }, sizeof((const uintptr_t[]){ __VA_ARGS__ }) / sizeof(uintptr_t))

/* With room for all there is one call, and the order is that of arrival whatever the packets are worth. */
static void test_room_for_all(void **state)
{
	(void)state;
	add(1, FG_CLASS_PLAIN);
	add(2, FG_CLASS_COPY);
	add(3, FG_CLASS_PROTECTED);
	add(4, FG_CLASS_RULED);
	fg_out_flush(&out);
	SENT(1, 2, 3, 4);
	assert_int_equal(device.calls, 1);
	assert_int_equal(sent_as(FG_CAUSE_NONE), 1);
	assert_int_equal(sent_as(FG_CAUSE_ACCEPT), 1);
	assert_int_equal(sent_as(FG_CAUSE_PROTECT), 1);
	assert_int_equal(ports[3].port.copied.packets, 1);
	assert_int_equal(ports[3].port.copied.bytes, 100);
	assert_int_equal(ports[3].tx_full, 0);
	assert_false(out.pressed);
}

/* Nothing to send is no call. */
static void test_nothing(void **state)
{
	(void)state;
	fg_out_flush(&out);
	assert_int_equal(device.calls, 0);
}

/* Short once: the rest goes in the order of its worth, and all of it gets out. */
static void test_short_once(void **state)
{
	(void)state;
	TAKES(1);
	add(1, FG_CLASS_PLAIN);
	add(2, FG_CLASS_COPY);
	add(3, FG_CLASS_PLAIN);
	add(4, FG_CLASS_RULED);
	add(5, FG_CLASS_PROTECTED);
	fg_out_flush(&out);
	SENT(1, 5, 4, 3, 2);
	assert_true(out.pressed);
	assert_int_equal(ports[3].tx_full, 4);
	assert_int_equal(shed(), 0);
}

/* What is left is shed from the least worth on: here there is room for a protected packet and one of a rule. */
static void test_shed_by_worth(void **state)
{
	(void)state;
	TAKES(0, 1, 1, 0);
	add(1, FG_CLASS_COPY);
	add(2, FG_CLASS_PLAIN);
	add(3, FG_CLASS_RULED);
	add(4, FG_CLASS_PROTECTED);
	fg_out_flush(&out);
	SENT(4, 3);
	assert_int_equal(device.calls, 1 + FG_OUT_TRIES);
	assert_int_equal(device.freeds, 2);
	assert_int_equal(shed(), 1);
	assert_int_equal(ports[3].port.by[FG_DROP][FG_CAUSE_OVERLOAD].bytes, 100);
	assert_int_equal(ports[3].port.copies_lost, 1);
	assert_int_equal(ports[3].port.copied.packets, 0);
	assert_int_equal(out.n, 0);
}

/* Of each class in turn, the better one is never shed while one that is worth less is sent. */
static void test_each_class_before_the_next(void **state)
{
	(void)state;
	for (uint32_t room = 0; room <= 8; room++) {
		setup(NULL);
		TAKES(0, room, 0, 0);
		for (uintptr_t i = 0; i < 8; i++)
			add(i, (enum fg_class)(3 - i / 2)); /* copies first, protected last */
		fg_out_flush(&out);
		assert_int_equal(device.sents, room);
		for (uint32_t i = 0; i < room; i++)
			assert_int_equal(device.sent[i], (3 - i / 2) * 2 + i % 2);
		assert_int_equal(out.n, room < 2 ? 2 - room : 0);
	}
}

/* Protected packets wait for the next burst, and go first in it; they count when they are out. */
static void test_protected_is_kept(void **state)
{
	(void)state;
	TAKES(0, 0, 0, 0);
	add(1, FG_CLASS_PLAIN);
	add(2, FG_CLASS_PROTECTED);
	add(3, FG_CLASS_PROTECTED);
	fg_out_flush(&out);
	assert_int_equal(device.sents, 0);
	assert_int_equal(out.n, 2);
	assert_int_equal(shed(), 1);
	assert_int_equal(sent_as(FG_CAUSE_PROTECT), 0);
	add(4, FG_CLASS_PLAIN);
	add(5, FG_CLASS_PROTECTED);
	fg_out_flush(&out);
	SENT(2, 3, 5, 4);
	assert_int_equal(sent_as(FG_CAUSE_PROTECT), 3);
	assert_int_equal(sent_as(FG_CAUSE_NONE), 1);
	assert_false(out.pressed);
}

/* No more than FG_OUT_KEPT are kept, and the first of them; there is always room for a burst and its copies behind it. */
static void test_kept_are_bounded(void **state)
{
	uint32_t none[8 * (1 + FG_OUT_TRIES)] = { 0 };
	uintptr_t number = 0;

	(void)state;
	device_takes(none, 8 * (1 + FG_OUT_TRIES));
	for (int burst = 0; burst < 8; burst++) {
		for (uint32_t i = 0; i < FG_BURST; i++)
			add(number++, FG_CLASS_PROTECTED);
		for (uint32_t i = 0; i < FG_BURST; i++)
			add(number++, FG_CLASS_COPY);
		assert_true(out.n <= FG_OUT_MAX);
		fg_out_flush(&out);
		assert_int_equal(out.n, FG_OUT_KEPT);
	}
	assert_int_equal(shed(), 7 * FG_BURST);
	assert_int_equal(ports[3].port.copies_lost, 8 * FG_BURST);
	fg_out_flush(&out);
	for (uintptr_t i = 0; i < FG_OUT_KEPT; i++)
		assert_int_equal(device.sent[i], i);
}

/* While it is pressed, the worth decides before the first call. */
static void test_pressed_sorts_first(void **state)
{
	(void)state;
	TAKES(0, 9, 9, 9, 1, 0, 0, 0);
	add(1, FG_CLASS_PLAIN);
	fg_out_flush(&out);
	assert_true(out.pressed);
	device.calls = 4;
	add(2, FG_CLASS_PLAIN);
	add(3, FG_CLASS_RULED);
	fg_out_flush(&out);
	SENT(1, 3);
	assert_int_equal(shed(), 1);
}

/* At the end nothing is kept. */
static void test_end(void **state)
{
	(void)state;
	TAKES(0, 0, 0, 0);
	add(1, FG_CLASS_PROTECTED);
	fg_out_finish(&out);
	assert_int_equal(out.n, 0);
	assert_int_equal(device.freeds, 1);
	assert_int_equal(shed(), 1);
}

/* Whatever a device takes: each packet is sent or freed once, and counted as one of the two. */
static void test_conservation(void **state)
{
	uint64_t random = 88172645463325252ull, added = 0, copies = 0;

	(void)state;
	for (int turn = 0; turn < 40; turn++) {
		for (uint32_t i = 0; i < CALLS_MAX; i++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			device.room[i] = (uint32_t)(random % 24);
		}
		device.calls = 0;
		device.rooms = CALLS_MAX;
		for (uint32_t i = 0; i < FG_BURST; i++, added++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			add(added, (enum fg_class)(random % FG_CLASSES));
			copies += random % FG_CLASSES == FG_CLASS_COPY;
		}
		fg_out_flush(&out);
	}
	fg_out_finish(&out);
	assert_int_equal(device.sents + device.freeds, added);
	assert_int_equal(ports[3].port.copied.packets + ports[3].port.copies_lost, copies);
	assert_int_equal(sent_as(FG_CAUSE_NONE) + sent_as(FG_CAUSE_ACCEPT) + sent_as(FG_CAUSE_PROTECT) + shed(),
			 added - copies);
	assert_true(shed() > 0 && ports[3].port.copies_lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_room_for_all, setup),
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_short_once, setup),
		cmocka_unit_test_setup(test_shed_by_worth, setup),
		cmocka_unit_test_setup(test_each_class_before_the_next, setup),
		cmocka_unit_test_setup(test_protected_is_kept, setup),
		cmocka_unit_test_setup(test_kept_are_bounded, setup),
		cmocka_unit_test_setup(test_pressed_sorts_first, setup),
		cmocka_unit_test_setup(test_end, setup),
		cmocka_unit_test_setup(test_conservation, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
