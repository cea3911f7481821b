/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures, pcap and pcapng, one packet at a time; and captures written of some of their packets. */
#ifndef CTRL_CLI_CAPTURE_H
#define CTRL_CLI_CAPTURE_H

#include <pcap/pcap.h>

#include "flowgate/packet.h"

enum { FG_CAPTURE_ERROR_MAX = 512 };

struct fg_capture {
	pcap_t *pcap;
	const char *path;
	int link_type;
	bool nanoseconds; /* the file tells time finer than microseconds */
	uint64_t number;  /* of the last packet read, from 1 */
};

struct fg_frame {
	const struct pcap_pkthdr *header;
	const uint8_t *octets; /* until the next is read */
	uint64_t time_ns;
};

/* Opens "-" or a file. 0, or -1 with error[]: no capture, or of a link type that is not known here. */
int fg_capture_open(struct fg_capture *c, const char *path, char error[FG_CAPTURE_ERROR_MAX]);
/* 1: *f is the next packet. 0: the end. -1 with error[]: the capture is cut or damaged. */
int fg_capture_next(struct fg_capture *c, struct fg_frame *f, char error[FG_CAPTURE_ERROR_MAX]);
/* The key of a frame. */
void fg_capture_parse(const struct fg_capture *c, const struct fg_frame *f, struct fg_packet *out);
void fg_capture_close(struct fg_capture *c);

/* A capture being written: beside its place until it is complete, so that a failure leaves nothing. */
struct fg_capture_out {
	const char *path; /* NULL: none is wanted */
	char *written;    /* the file beside it; NULL: written in place (no regular file) */
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	bool nanoseconds;
};

/* 0, or -1 with error[]. */
int fg_capture_out_open(struct fg_capture_out *o, const struct fg_capture *like, const char *path,
			char error[FG_CAPTURE_ERROR_MAX]);
/* Writes a packet with the octets given. */
void fg_capture_out_put(struct fg_capture_out *o, const struct fg_frame *f, const uint8_t *octets);
/* Puts it into its place if `keep`, removes it otherwise. 0, or -1 with error[]. */
int fg_capture_out_close(struct fg_capture_out *o, bool keep, char error[FG_CAPTURE_ERROR_MAX]);

#endif
