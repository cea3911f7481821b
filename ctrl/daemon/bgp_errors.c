/* SPDX-License-Identifier: BSD-3-Clause */
/* UPDATEs that something was wrong with, the latest of each peer: what an operator shows to whoever runs the peer. Bounded in number and octets. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/log.h"

void fg_bgp_keep_bad(struct fg_bgp_peer *p, const uint8_t *octets, size_t len, const char *done, const char *fmt, ...)
{
	struct fg_bgp_bad **at = &p->bad[p->bads % FG_BGP_ERRORS_MAX];
	va_list args;

	if (*at == NULL)
		*at = malloc(sizeof(**at));
	p->bads++;
	if (*at == NULL)
		return;
	(*at)->number = p->bads;
	(*at)->time_s = fg_now_s();
	va_start(args, fmt);
	vsnprintf((*at)->what, sizeof((*at)->what), fmt, args);
	va_end(args);
	snprintf((*at)->done, sizeof((*at)->done), "%s", done);
	(*at)->len = len;
	(*at)->kept = len < FG_BGP_ERROR_OCTETS_MAX ? len : FG_BGP_ERROR_OCTETS_MAX;
	memcpy((*at)->octets, octets, (*at)->kept);
	/* The first, then ever fewer: the log is not the peer's to fill. */
	if ((p->bads & (p->bads - 1)) == 0)
		fg_log(LOG_WARNING, "bgp %s: bad UPDATE %llu: %s: %s", p->config.name, (unsigned long long)p->bads,
		       (*at)->what, done);
}

void fg_bgp_forget_bad(struct fg_bgp_peer *p)
{
	for (size_t i = 0; i < FG_BGP_ERRORS_MAX; i++) {
		free(p->bad[i]);
		p->bad[i] = NULL;
	}
}
