/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-test-share: plays the gate for flowgate-dpdk, without a daemon. For tests by hand and in scripts, and for benches.
 *
 *   make FOLDER RULES WORKERS A:B…   makes the memory, compiles the rules of a file (`-`: none) into it, publishes, names pairs of ports;
 *                                    in the environment, FG_TEST_BEHIND: full bursts after which payloads are not scanned;
 *                                    FG_TEST_PATTERN: flowgate-pattern
 *   counters FOLDER                  prints what was counted, a line a port, and fails where packets are not accounted for
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/dpdk/share.h"
#include "ctrl/load/load.h"
#include "dataplane/payload.h"

enum { STORE_OCTETS = 4096, LINES_MIN = 1024 };

static int fail(const char *what)
{
	fprintf(stderr, "flowgate-test-share: %s\n", what);
	return 1;
}

static uint32_t power_of_two(uint64_t n)
{
	uint32_t p = LINES_MIN;

	while (p < n)
		p *= 2;
	return p;
}

/* ---- make ---- */

static int publish_patterns(const struct fg_load *load, const struct fg_plane_memory *m)
{
	const struct fg_pattern_database *d = &load->patterns;
	const char *behind = getenv("FG_TEST_BEHIND");
	struct fg_share_patterns *p = m->patterns[0];

	for (size_t i = 0; i < load->count; i++)
		m->numbers[0][i] = load->rule[i]->rule.pattern != 0 ? load->rule[i]->rule.pattern - 1 : 0;
	if (d->serialised == NULL)
		return 0;
	if (fg_database_put(p + 1, m->pattern_octets, d->serialised, d->serialised_octets) != 0)
		return fail("the patterns have no room");
	p->octets = (uint32_t)d->octets;
	p->scan_octets = load->limits.scan_octets;
	p->behind_bursts = behind != NULL ? (uint32_t)atoi(behind) : 0;
	p->generation = 1;
	return 0;
}

static int publish(struct fg_load *load, struct fg_share *s)
{
	struct fg_plane_memory m;
	struct fg_load_image image;

	fg_share_memory(s, &m);
	if (fg_load_compile(load, &image) != 0)
		return fail("the rules do not compile");
	memcpy(m.image[0], image.base, image.octets);
	fg_load_image_free(&image);
	for (size_t i = 0; i < load->count; i++) {
		fg_action_make(&load->rule[i]->rule.actions, 0, 0, &m.actions[i]);
		fg_meter_start(&m.meters[i], &m.actions[i]);
	}
	if (publish_patterns(load, &m) != 0)
		return 1;
	__atomic_store_n(&m.control->side, 0, __ATOMIC_RELEASE);
	return 0;
}

static int name_ports(struct fg_share *s, char **pairs, int n)
{
	struct fg_port_config ports[FG_PORTS_MAX] = { 0 };

	for (int i = 0; i < n && 2 * i + 1 < FG_PORTS_MAX; i++) {
		struct fg_port_config *a = &ports[2 * i], *b = a + 1;

		if (sscanf(pairs[i], "%15[^:]:%15s", a->name, a->peer) != 2)
			return fail("expected a pair as A:B");
		memcpy(b->name, a->peer, sizeof(b->name));
		memcpy(b->peer, a->name, sizeof(b->peer));
	}
	fg_share_ports(s, ports, (size_t)n * 2);
	return 0;
}

static int make(const char *folder, const char *rules, uint32_t workers, char **pairs, int n)
{
	struct fg_share_sizes sizes = { .workers = workers };
	char error[FG_SHARE_ERROR_MAX];
	struct fg_load *load;
	struct fg_share s;
	int r = fg_load_new(&load);

	if (r == 0)
		load->payload = true;
	load->pattern_program = getenv("FG_TEST_PATTERN");
	if (r == 0 && strcmp(rules, "-") != 0)
		r = fg_load_file(load, rules, FG_FORM_AUTO);
	if (r == 0)
		r = fg_load_admit(load);
	if (r != 0)
		return fail("the rules cannot be read");
	sizes.image_lines = power_of_two(load->cost.bytes / FG_LINE_OCTETS);
	sizes.slots = (uint32_t)load->count + 1;
	sizes.patterns = (uint32_t)fg_share_up(load->patterns.octets, FG_DATABASE_ALIGN);
	if (fg_share_open(&s, folder, &sizes, STORE_OCTETS, error) != 0)
		return fail(error);
	r = publish(load, &s) != 0 || name_ports(&s, pairs, n) != 0;
	fprintf(stderr, "%zu rules, %zu admitted, %u slots\n", load->count, load->admitted, sizes.slots);
	fg_share_close(&s);
	fg_load_free(load);
	return r;
}

/* ---- counters ---- */

static uint64_t payload_skipped(const struct fg_share *s, uint8_t number)
{
	struct fg_plane_status status;

	fg_share_status(s, &status);
	return status.port[number].payload_skipped;
}

/* Field by field; the sizes are those the files say, which the maker of a test knows. */
static int show_port(const struct fg_share *s, uint8_t number)
{
	struct fg_port_counters c;
	uint64_t verdict[FG_VERDICTS] = { 0 }, all;

	fg_share_port_counters(s, number, &c);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			verdict[v] += c.by[v][cause].packets;
	all = verdict[FG_PASS] + verdict[FG_DROP] + verdict[FG_REDIRECT] + c.aborted.packets;
	printf("%.15s received %lu passed %lu dropped %lu redirected %lu aborted %lu overload %lu copied %lu "
	       "copies_lost %lu payload_skipped %lu\n",
	       s->tables->port[number].name, c.received.packets, verdict[FG_PASS], verdict[FG_DROP],
	       verdict[FG_REDIRECT], c.aborted.packets, c.by[FG_DROP][FG_CAUSE_OVERLOAD].packets, c.copied.packets,
	       c.copies_lost, payload_skipped(s, number));
	return all == c.received.packets ? 0 : fail("packets are not accounted for");
}

static struct fg_share_sizes sizes_of(const char *folder)
{
	struct fg_share_stamp stamp = { 0 };
	char path[FG_SHARE_PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tables", folder);
	f = fopen(path, "r");
	if (f == NULL || fread(&stamp, sizeof(stamp), 1, f) != 1)
		fail(path);
	if (f != NULL)
		fclose(f);
	return stamp.sizes;
}

static int counters(const char *folder)
{
	struct fg_share_sizes sizes = sizes_of(folder);
	char error[FG_SHARE_ERROR_MAX];
	struct fg_share s;
	int r = 0;

	if (fg_share_open(&s, folder, &sizes, STORE_OCTETS, error) != 0)
		return fail(error);
	if (!s.adopted)
		return fail("there was no memory");
	for (uint8_t number = 0; number < FG_PORTS_MAX; number++)
		if (s.tables->port[number].flags & FG_PORT_USED)
			r |= show_port(&s, number);
	fg_share_close(&s);
	return r;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "make") == 0)
		return make(argv[2], argv[3], (uint32_t)atoi(argv[4]), argv + 5, argc - 5);
	if (argc == 3 && strcmp(argv[1], "counters") == 0)
		return counters(argv[2]);
	return fail("make FOLDER RULES WORKERS A:B… | counters FOLDER");
}
