/* SPDX-License-Identifier: BSD-3-Clause */
/* Places (places.h). In: the configuration that runs and one that was read. Out: the latter, as far as it can be had now. */
#include "ctrl/daemon/places.h"

#include <stdio.h>
#include <string.h>

/* A field, named where it differs, and kept. */
static void keep(char later[FG_CONF_LATER_MAX], const char *name, const void *running, void *next, size_t octets)
{
	size_t len = strlen(later);

	if (memcmp(running, next, octets) == 0)
		return;
	snprintf(later + len, FG_CONF_LATER_MAX - len, "%s%s", len > 0 ? ", " : "", name);
	memcpy(next, running, octets);
}

void fg_places_keep(const struct fg_conf *running, struct fg_conf *next, bool http_moves)
{
	next->later[0] = '\0';
#define KEEP(name, field) keep(next->later, name, &running->field, &next->field, sizeof(next->field))
	KEEP("control socket", control.socket);
	KEEP("control group", control.group);
	KEEP("control user", control.user);
	if (!http_moves)
		KEEP("http listen", http);
	KEEP("store path", store.folder);
	KEEP("store pins", store.pins);
	KEEP("store image", store.image_octets);
	KEEP("store slots", store.slots);
	KEEP("store lock-memory", store.lock_memory);
	KEEP("dpdk", dpdk);
#undef KEEP
}
