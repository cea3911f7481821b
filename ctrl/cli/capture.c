/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures, by libpcap. In: a file, pcap or pcapng. Out: frames in order, with the time they had; files of frames.
 * Always holds: a link type that is not known is refused, for reading it as another would make every verdict wrong;
 * what a cut capture lacks is told to the header walk, and is not malformed; an output appears whole or not at all.
 */
#include "ctrl/cli/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SNAPLEN = 262144, MAGIC_OCTETS = 4 };

static bool link_known(int link_type)
{
	return link_type == DLT_EN10MB || link_type == DLT_RAW || link_type == DLT_IPV4 || link_type == DLT_IPV6;
}

/* Only a pcap file with microseconds tells no finer time; pcapng may. */
static bool tells_nanoseconds(FILE *file)
{
	static const uint8_t micro[2][MAGIC_OCTETS] = { { 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 } };
	uint8_t magic[MAGIC_OCTETS];
	bool read = fread(magic, 1, sizeof(magic), file) == sizeof(magic);

	rewind(file);
	return read && memcmp(magic, micro[0], sizeof(magic)) != 0 && memcmp(magic, micro[1], sizeof(magic)) != 0;
}

int fg_capture_open(struct fg_capture *c, const char *path, char error[FG_CAPTURE_ERROR_MAX])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	bool standard_input = strcmp(path, "-") == 0;
	FILE *file = standard_input ? stdin : fopen(path, "rbe");
	const char *name;

	*c = (struct fg_capture){ .path = standard_input ? "<stdin>" : path };
	if (file == NULL) {
		snprintf(error, FG_CAPTURE_ERROR_MAX, "%.200s: %s", c->path, strerror(errno));
		return -1;
	}
	c->nanoseconds = standard_input || tells_nanoseconds(file);
	c->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (c->pcap == NULL) {
		snprintf(error, FG_CAPTURE_ERROR_MAX, "%.200s: no capture: %s", c->path, why);
		if (!standard_input)
			fclose(file);
		return -1;
	}
	c->link_type = pcap_datalink(c->pcap);
	if (link_known(c->link_type))
		return 0;
	name = pcap_datalink_val_to_name(c->link_type);
	snprintf(error, FG_CAPTURE_ERROR_MAX,
		 "%.200s: link type %d (%s) is not known here, expected Ethernet or raw IP", c->path, c->link_type,
		 name != NULL ? name : "?");
	fg_capture_close(c);
	return -1;
}

int fg_capture_next(struct fg_capture *c, struct fg_frame *f, char error[FG_CAPTURE_ERROR_MAX])
{
	struct pcap_pkthdr *header;
	const unsigned char *octets;
	int r = pcap_next_ex(c->pcap, &header, &octets);

	if (r == 1) {
		c->number++;
		f->header = header;
		f->octets = octets;
		f->time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
		return 1;
	}
	if (r == PCAP_ERROR_BREAK)
		return 0;
	snprintf(error, FG_CAPTURE_ERROR_MAX, "%.200s: damaged behind packet %llu: %.200s", c->path,
		 (unsigned long long)c->number, pcap_geterr(c->pcap));
	return -1;
}

void fg_capture_parse(const struct fg_capture *c, const struct fg_frame *f, struct fg_packet *out)
{
	const uint8_t *end = f->octets + f->header->caplen;
	uint32_t missing = f->header->len > f->header->caplen ? f->header->len - f->header->caplen : 0;

	if (c->link_type == DLT_EN10MB)
		fg_packet_parse_missing(f->octets, end, missing, out);
	else
		fg_packet_parse_ip_missing(f->octets, end, missing, out);
}

void fg_capture_close(struct fg_capture *c)
{
	if (c->pcap != NULL)
		pcap_close(c->pcap);
	c->pcap = NULL;
}

/* The name beside `path` where it is, or will be, a regular file; NULL otherwise, or no memory. */
static char *name_beside(const char *path)
{
	struct stat st;
	char *name;

	if (strcmp(path, "-") == 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return NULL;
	return asprintf(&name, "%s.%d.part", path, (int)getpid()) < 0 ? NULL : name;
}

int fg_capture_out_open(struct fg_capture_out *o, const struct fg_capture *like, const char *path,
			char error[FG_CAPTURE_ERROR_MAX])
{
	unsigned int precision = like->nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;

	*o = (struct fg_capture_out){ .path = path, .nanoseconds = like->nanoseconds };
	if (path == NULL)
		return 0;
	o->written = name_beside(path);
	o->pcap = pcap_open_dead_with_tstamp_precision(like->link_type, SNAPLEN, precision);
	if (o->pcap != NULL)
		o->dumper = pcap_dump_open(o->pcap, o->written != NULL ? o->written : path);
	if (o->dumper != NULL)
		return 0;
	snprintf(error, FG_CAPTURE_ERROR_MAX, "%.200s: %.200s", path,
		 o->pcap != NULL ? pcap_geterr(o->pcap) : "no memory");
	fg_capture_out_close(o, false, NULL);
	return -1;
}

void fg_capture_out_put(struct fg_capture_out *o, const struct fg_frame *f, const uint8_t *octets)
{
	struct pcap_pkthdr header = *f->header;

	if (o->path == NULL)
		return;
	if (!o->nanoseconds)
		header.ts.tv_usec /= 1000;
	pcap_dump((unsigned char *)o->dumper, &header, octets);
}

int fg_capture_out_close(struct fg_capture_out *o, bool keep, char error[FG_CAPTURE_ERROR_MAX])
{
	int r = 0;

	if (o->dumper != NULL) {
		if (pcap_dump_flush(o->dumper) != 0 || ferror(pcap_dump_file(o->dumper)))
			r = -1;
		pcap_dump_close(o->dumper);
	}
	if (o->pcap != NULL)
		pcap_close(o->pcap);
	if (o->written != NULL && (!keep || r != 0))
		unlink(o->written);
	else if (o->written != NULL && rename(o->written, o->path) != 0)
		r = -1;
	if (r != 0 && keep)
		snprintf(error, FG_CAPTURE_ERROR_MAX, "%.200s: cannot write: %s", o->path, strerror(errno));
	free(o->written);
	*o = (struct fg_capture_out){ 0 };
	return keep ? r : 0;
}
