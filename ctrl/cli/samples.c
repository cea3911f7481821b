/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate samples: packets that rules matched, as they come. In: the daemon's samples. Out: a line each, or objects, or a
 * capture with the rule's name as the first comment of each packet and its verdict as the second.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/online.h"
#include "ctrl/cli/pcapng.h"

#define TIME_MAX_S 1.8e10 /* nanoseconds of it fit 64 bits */

struct samples {
	const struct fg_cli *cli;
	struct fg_pcapng capture;
	FILE *file; /* NULL: none is written */
	uint64_t written;
};

static int say(const json_t *sample)
{
	char time[FG_CELL_MAX], length[FG_CELL_MAX];

	printf("%s %s %s %s %s, %s octets\n", fg_cell_time(sample, "time", time), fg_cell_text(sample, "interface"),
	       fg_cell_text(sample, "rule"), fg_cell_text(sample, "verdict"), fg_cell_text(sample, "cause"),
	       fg_cell_number(sample, "length", length));
	return fg_show_end(FG_EXIT_DONE);
}

/* The octets of a sample; FG_EXIT_ENVIRONMENT: it has none that are. */
static int frame_of(const json_t *sample, uint8_t octets[FG_PCAPNG_FRAME_MAX], struct fg_pcapng_frame *f)
{
	const char *hex = fg_cell_text(sample, "data");
	double time_s = json_number_value(json_object_get(sample, "time"));
	json_int_t length = json_integer_value(json_object_get(sample, "length"));
	long captured = hex[0] != '\0' ? fg_hex_read(hex, strlen(hex), octets, FG_PCAPNG_FRAME_MAX) : 0;

	if (captured < 0 || length < 0 || length > UINT32_MAX || !(time_s >= 0 && time_s < TIME_MAX_S))
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "the daemon sent a sample that is none");
	f->interface = fg_cell_text(sample, "interface");
	f->time_ns = (uint64_t)(time_s * 1e6 + 0.5) * 1000; /* a double holds no more */
	f->octets = octets;
	f->captured = (uint32_t)captured;
	f->length = length > captured ? (uint32_t)length : f->captured;
	return FG_EXIT_DONE;
}

static int frame_write(struct samples *s, const json_t *sample)
{
	uint8_t octets[FG_PCAPNG_FRAME_MAX];
	char verdict[2 * FG_CELL_MAX];
	struct fg_pcapng_frame f = { .comment = { fg_cell_text(sample, "rule"), verdict } };
	int r = frame_of(sample, octets, &f);

	if (r != FG_EXIT_DONE)
		return r;
	snprintf(verdict, sizeof(verdict), "%.30s, %.30s", fg_cell_text(sample, "verdict"),
		 fg_cell_text(sample, "cause"));
	r = fg_pcapng_write(&s->capture, &f);
	if (r != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s: %s", s->cli->write, strerror(-r));
	s->written++;
	return FG_EXIT_DONE;
}

static int sample_take(void *ctx, json_t *sample)
{
	struct samples *s = ctx;
	int r = s->file != NULL ? frame_write(s, sample) : FG_EXIT_DONE;

	if (r != FG_EXIT_DONE)
		return r;
	if (s->cli->json)
		return fg_show_end(fg_show_line(json_incref(sample)));
	return s->file == NULL ? say(sample) : FG_EXIT_DONE;
}

static int capture_open(struct samples *s)
{
	s->file = fopen(s->cli->write, "we");
	if (s->file == NULL || fg_pcapng_start(&s->capture, s->file) != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s: %s", s->cli->write, strerror(errno));
	return FG_EXIT_DONE;
}

int fg_cli_samples(struct fg_cli *cli)
{
	struct samples s = { .cli = cli };
	json_t *parameters = json_object();
	int r = fg_online_no_arguments(cli);

	if (cli->rule != NULL)
		json_object_set_new(parameters, "rule", fg_show_string(cli->rule));
	if (r == FG_EXIT_DONE && cli->write != NULL)
		r = capture_open(&s);
	if (r == FG_EXIT_DONE)
		r = fg_online_stream(cli, "Samples", json_incref(parameters), sample_take, &s);
	json_decref(parameters);
	if (s.file != NULL && fclose(s.file) != 0 && r == FG_EXIT_DONE)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "%s: %s", cli->write, strerror(errno));
	if (s.file != NULL && r == FG_EXIT_DONE && !cli->json)
		printf("%" PRIu64 " packets in %s\n", s.written, cli->write);
	return fg_show_end(r);
}
