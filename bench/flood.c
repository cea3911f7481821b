/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench-flood: live frames onto an interface of the namespace it runs in, as fast as one core makes them; or an empty program on an
 * interface, to measure beside. flood OBJECT send INTERFACE SECONDS ADDRESSES DESTINATION|- ; flood OBJECT pass_all|drop_all INTERFACE, until it is
 * killed. bench/live.py runs it. Prints how many frames were made.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REPEAT = 1 << 16, BATCH = 64, FRAME_OCTETS = 64, IP_AT = 14, SECONDS_NS = 1000000000 };

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / SECONDS_NS;
}

/* UDP to port 53, to a host that nobody here is. */
static void frame_make(uint8_t frame[FRAME_OCTETS], const char *destination)
{
	static const uint8_t head[] = { 2,  0,   0, 0, 0,  0x99, 2, 0, 0,
					0,  0,   1, 8, 0,  0x45, 0, 0, FRAME_OCTETS - IP_AT,
					0,  0,   0, 0, 64, 17,   0, 0, 198,
					51, 100, 9 };
	uint32_t sum = 0;

	memset(frame, 0, FRAME_OCTETS);
	memcpy(frame, head, sizeof(head));
	if (inet_pton(AF_INET, destination, frame + 30) != 1)
		fail(destination);
	for (int i = IP_AT; i < IP_AT + 20; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
	frame[37] = 53;
	frame[39] = FRAME_OCTETS - 34;
}

static void send_all(int program, int ifindex, double seconds, const char *destination)
{
	struct xdp_md md = { .data_end = FRAME_OCTETS, .ingress_ifindex = (uint32_t)ifindex };
	uint8_t frame[FRAME_OCTETS];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = REPEAT, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BATCH);
	double end = now_s() + seconds;
	uint64_t made = 0;

	frame_make(frame, destination);
	while (now_s() < end) {
		if (bpf_prog_test_run_opts(program, &opts) != 0 && errno != EAGAIN && errno != EINTR)
			fail("live frames");
		made += REPEAT;
	}
	printf("%llu\n", (unsigned long long)made);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_map *constants;
	struct bpf_program *program;
	uint32_t addresses;
	int ifindex;

	if (argc != 4 && argc != 7) {
		fprintf(stderr, "usage: %s OBJECT send INTERFACE SECONDS ADDRESSES DESTINATION\n", argv[0]);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (object == NULL)
		fail(argv[1]);
	addresses = argc == 7 ? (uint32_t)strtoul(argv[5], NULL, 10) : 1;
	constants = bpf_object__find_map_by_name(object, ".rodata");
	if (constants == NULL || bpf_map__set_initial_value(constants, &addresses, sizeof(addresses)) != 0 ||
	    bpf_object__load(object) != 0)
		fail(argv[1]);
	ifindex = (int)if_nametoindex(argv[3]);
	if (ifindex == 0)
		fail(argv[3]);
	program = bpf_object__find_program_by_name(object, argc == 7 ? "flood" : argv[2]);
	if (program == NULL)
		fail(argv[2]);
	if (argc == 7) {
		send_all(bpf_program__fd(program), ifindex, strtod(argv[4], NULL), argv[6]);
		return 0;
	}
	if (bpf_program__attach_xdp(program, ifindex) == NULL)
		fail(argv[3]);
	puts("attached");
	fflush(stdout);
	return pause();
}
