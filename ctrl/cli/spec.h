/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet in words: 'udp 198.51.100.9:53 > 203.0.113.7:4000 len 1200'. */
#ifndef CTRL_CLI_SPEC_H
#define CTRL_CLI_SPEC_H

#include "flowgate/packet.h"

enum { FG_SPEC_ERROR_MAX = 256 };

/*
 * PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT], then any of: len N, flags syn+ack, type N, code N, dscp N, label N,
 * df, fragment first|middle|last. IPv6 with a port: [2001:db8::1]:53. Made into the headers of a packet and walked
 * like one. 0, or -1 with error[]: "COLUMN: unexpected X, expected Y".
 */
int fg_spec_read(const char *text, struct fg_packet *out, char error[FG_SPEC_ERROR_MAX]);

#endif
