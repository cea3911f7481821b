/* SPDX-License-Identifier: BSD-3-Clause */
/* flowgate-dpdk in tests (bump.h). */
#include "tests/e2e/bump.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowgate/packet.h"

enum { STORE_OCTETS = 4096, WAIT_MS = 60000, STEP_MS = 5, NAME_MAX_OCTETS = 128 };

static const char *program;

void bump_need(const char *path)
{
	if (path == NULL || access(path, X_OK) != 0) {
		fprintf(stderr, "skipped: there is no flowgate-dpdk\n");
		exit(77);
	}
	program = path;
}

static void step(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000 }, NULL);
}

/* ---- Memory ---- */

static void name_ports(struct bump *b, const char *const *pairs, uint32_t n, uint8_t flags)
{
	struct fg_port_config ports[FG_PORTS_MAX] = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		struct fg_port_config *one = &ports[2 * i], *two = one + 1;

		assert_int_equal(sscanf(pairs[i], "%15[^:]:%15s", one->name, one->peer), 2);
		memcpy(two->name, one->peer, sizeof(two->name));
		memcpy(two->peer, one->name, sizeof(two->peer));
		one->drop_malformed = two->drop_malformed = flags & FG_PORT_DROP_MALFORMED;
		one->drop_no_neighbour = two->drop_no_neighbour = flags & FG_PORT_DROP_NO_NEIGHBOUR;
		one->on_failure = two->on_failure = flags & FG_PORT_CLOSED ? FG_FAIL_CLOSED : FG_FAIL_OPEN;
	}
	fg_share_ports(&b->share, ports, 2 * n);
}

void bump_open(struct bump *b, uint32_t slots, uint32_t workers, const char *const *pairs, uint32_t n, uint8_t flags)
{
	const struct fg_share_sizes sizes = { .image_lines = BUMP_LINES, .slots = slots, .workers = workers };
	char error[FG_SHARE_ERROR_MAX];
	pid_t pid;
	int r;

	if (b->share.tables != NULL)
		bump_close(b); /* what a test that failed has left */
	pid = b->pid;
	memset(b, 0, sizeof(*b));
	b->pid = pid;
	snprintf(b->folder, sizeof(b->folder), "/dev/shm/flowgate-test-%d", (int)getpid());
	r = fg_share_open(&b->share, b->folder, &sizes, STORE_OCTETS, error);
	if (r != 0)
		print_error("%s\n", error);
	assert_int_equal(r, 0);
	fg_share_memory(&b->share, &b->m);
	name_ports(b, pairs, n, flags);
}

void bump_close(struct bump *b)
{
	char command[NAME_MAX_OCTETS];

	if (b->pid != 0)
		bump_end(b, SIGKILL);
	fg_share_close(&b->share);
	snprintf(command, sizeof(command), "rm -rf %s", b->folder);
	assert_int_equal(system(command), 0);
	memset(b, 0, sizeof(*b));
}

void bump_target(struct bump *b, uint32_t number, enum fg_target_kind kind, uint8_t port, const uint8_t mac[12])
{
	struct fg_target t = { .kind = (uint8_t)kind, .ifindex = port };

	if (mac != NULL) {
		memcpy(t.mac_dst, mac, 6);
		memcpy(t.mac_src, mac + 6, 6);
	}
	b->share.tables->ports_version++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	b->m.targets[number] = t;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	b->share.tables->ports_version++;
}

/* ---- Rules and frames ---- */

/* Workers may read the slot by the other image: like the gate, it writes none that stays as it is. */
static void put_action(struct bump *b, size_t slot, const struct bump_rule *r)
{
	struct fg_action action;

	fg_action_make(&r->asked, r->redirect, r->copy, &action);
	if (memcmp(&b->m.actions[slot], &action, sizeof(action)) == 0)
		return;
	b->m.actions[slot] = action;
	fg_meter_start(&b->m.meters[slot], &action);
}

void bump_rules(struct bump *b, uint32_t side, const struct bump_rule *rules, size_t n)
{
	static struct fg_compile_scratch scratch;
	static uint8_t nlri[BUMP_RULES_MAX][6];
	static struct fg_rule rule[BUMP_RULES_MAX];
	struct fg_table_rule sorted[BUMP_RULES_MAX];
	const struct fg_table_rule *const all[] = { sorted, NULL };
	const size_t count[FG_FAMILY_COUNT] = { n, 0 };
	uint32_t *used = &b->used[side];

	assert_true(n <= BUMP_RULES_MAX);
	for (size_t i = 0; i < n; i++) {
		memcpy(nlri[i], (const uint8_t[]){ FG_DST, 32, 192, 0, 2, rules[i].host }, 6);
		rule[i] = (struct fg_rule){ .family = FG_IPV4, .nlri_len = 6, .nlri = nlri[i] };
		sorted[i] = (struct fg_table_rule){ &rule[i], (uint32_t)i };
		put_action(b, i, &rules[i]);
	}
	memset(b->m.image[side], 0, (size_t)*used * FG_LINE_OCTETS);
	assert_int_equal(fg_table_compile(b->m.image[side], BUMP_LINES, all, count, &scratch, used), 0);
}

static void put_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += fg_load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	fg_store_be16(ip + 10, (uint16_t) ~(sum + (sum >> 16)));
}

uint32_t bump_udp(uint8_t *frame, uint8_t host, uint32_t tags, uint32_t payload)
{
	uint32_t l3 = 14 + 4 * tags;
	uint8_t *ip = frame + l3;

	memcpy(frame, (const uint8_t[]){ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 }, 12);
	for (uint32_t i = 0; i < tags; i++)
		memcpy(frame + 12 + 4 * i, (const uint8_t[]){ 0x81, 0x00, 0x00, 7 }, 4);
	fg_store_be16(frame + l3 - 2, FG_ETHERTYPE_IPV4);
	memset(ip, 0, 28);
	ip[0] = 0x45;
	fg_store_be16(ip + 2, (uint16_t)(28 + payload));
	ip[8] = 64;
	ip[9] = FG_PROTO_UDP;
	memcpy(ip + 12, (const uint8_t[]){ 198, 51, 100, 9, 192, 0, 2, host }, 8);
	put_checksum(ip);
	fg_store_be16(ip + 20, 1000);
	fg_store_be16(ip + 22, 53);
	fg_store_be16(ip + 24, (uint16_t)(8 + payload));
	for (uint32_t i = 0; i < payload; i++)
		ip[28 + i] = (uint8_t)i;
	return l3 + 28 + payload;
}

/* ---- The process ---- */

/* The argument, with the folder in the place of each %F. */
static char *expand(const struct bump *b, const char *text)
{
	char out[BUMP_TEXT_MAX];
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (text[0] == '%' && text[1] == 'F') {
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s", b->folder);
			text++;
		} else {
			out[n++] = *text;
		}
		assert_true(n < sizeof(out));
	}
	out[n] = '\0';
	return strdup(out);
}

static void run(const struct bump *b, const char *const *arguments)
{
	char *argv[BUMP_ARGUMENTS_MAX + 4] = { strdup("flowgate-dpdk"), strdup("--share"), strdup(b->folder) };

	for (int i = 0; i < BUMP_ARGUMENTS_MAX && arguments[i] != NULL; i++)
		argv[i + 3] = expand(b, arguments[i]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(program, argv);
	_exit(127);
}

/* An instance of this process that is ready. */
static bool is_ready(const struct bump *b)
{
	for (int i = 0; i < FG_INSTANCES_MAX; i++) {
		const struct fg_share_instance *instance = &b->share.live->instance[i];

		if (__atomic_load_n(&instance->pid, __ATOMIC_ACQUIRE) == (uint32_t)b->pid &&
		    __atomic_load_n(&instance->ready, __ATOMIC_ACQUIRE) != 0)
			return true;
	}
	return false;
}

void bump_launch(struct bump *b, const char *const *arguments)
{
	snprintf(b->folder, sizeof(b->folder), "/dev/shm/flowgate-test-%d", (int)getpid());
	b->pid = fork();
	assert_true(b->pid >= 0);
	if (b->pid == 0)
		run(b, arguments);
}

void bump_start(struct bump *b, const char *const *arguments)
{
	bump_launch(b, arguments);
	bump_ready(b);
}

void bump_ready(struct bump *b)
{
	int status;

	for (int ms = 0; !is_ready(b); ms += STEP_MS) {
		if (waitpid(b->pid, &status, WNOHANG) == b->pid) {
			b->pid = 0;
			fail_msg("flowgate-dpdk ended: %x", status);
		}
		assert_true(ms < WAIT_MS);
		step();
	}
}

int bump_end(struct bump *b, int signal)
{
	int status = 0;

	kill(b->pid, signal);
	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	b->pid = 0;
	return status;
}

/* ---- What it counted ---- */

void bump_wait(const struct bump *b, uint8_t number, uint64_t n)
{
	struct fg_port_counters c = { 0 };

	for (int ms = 0; ms < WAIT_MS; ms += STEP_MS) {
		fg_share_port_counters(&b->share, number, &c);
		if (c.received.packets >= n)
			return;
		step();
	}
	fail_msg("port %u received %lu of %lu", number, c.received.packets, n);
}

struct fg_port_counters bump_counters(const struct bump *b, uint8_t number)
{
	struct fg_count all = { 0 };
	struct fg_port_counters c;

	fg_share_port_counters(&b->share, number, &c);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++) {
			all.packets += c.by[v][cause].packets;
			all.bytes += c.by[v][cause].bytes;
		}
	assert_int_equal(c.aborted.packets, 0);
	assert_int_equal(all.packets, c.received.packets);
	assert_int_equal(all.bytes, c.received.bytes);
	return c;
}

struct fg_share_port_counters bump_more(const struct bump *b, uint8_t number)
{
	struct fg_share_port_counters all = { 0 };

	for (uint32_t w = 0; w < b->share.sizes.workers; w++) {
		const uint8_t *at = (const uint8_t *)b->share.live + b->share.layout.workers;
		const struct fg_share_port_counters *c = (const void *)(at + w * b->share.layout.worker_octets);

		all.tx_full += c[number].tx_full;
		all.no_mbuf += c[number].no_mbuf;
	}
	return all;
}

/* ---- Files of packets (pcap, native byte order, Ethernet) ---- */

struct capture_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, precision, snap, link;
};

struct frame_head {
	uint32_t s, us, captured, len;
};

static FILE *capture(const struct bump *b, const char *name, const char *mode)
{
	char path[NAME_MAX_OCTETS];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	f = fopen(path, mode);
	assert_non_null(f);
	return f;
}

FILE *bump_capture_new(const struct bump *b, const char *name)
{
	const struct capture_head head = { 0xa1b2c3d4, 2, 4, 0, 0, BUMP_FRAME_MAX, 1 };
	FILE *f = capture(b, name, "w");

	assert_int_equal(fwrite(&head, sizeof(head), 1, f), 1);
	return f;
}

void bump_capture_put(FILE *f, const uint8_t *frame, uint32_t len)
{
	const struct frame_head head = { 0, 0, len, len };

	assert_int_equal(fwrite(&head, sizeof(head), 1, f), 1);
	assert_int_equal(fwrite(frame, 1, len, f), len);
}

FILE *bump_capture_open(const struct bump *b, const char *name)
{
	struct capture_head head;
	FILE *f = capture(b, name, "r");

	assert_int_equal(fread(&head, sizeof(head), 1, f), 1);
	return f;
}

bool bump_capture_next(FILE *f, uint8_t frame[BUMP_FRAME_MAX], uint32_t *len)
{
	struct frame_head head;

	if (fread(&head, sizeof(head), 1, f) != 1)
		return false;
	assert_true(head.captured <= BUMP_FRAME_MAX && head.captured == head.len);
	*len = head.captured;
	return fread(frame, 1, head.captured, f) == head.captured;
}
