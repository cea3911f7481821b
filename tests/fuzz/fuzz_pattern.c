/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns as operators write them. Comes in: the text, which ends at its first zero octet. What must hold: it is read just where its
 * form, said here once more and in another way, allows it; what is read lies within the text; the same written with slashes and flags
 * reads as the same; and what is refused has a reason and leaves what was there.
 */
#include <string.h>

#include "ctrl/pattern/pattern.h"
#include "tests/fuzz/fuzz.h"

/* Of flags, read from the end of the text: how many there are before a slash; negative where there is none, or one is wrong. */
static int flags_before_slash(const char *text, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		char c = text[len - 1 - n];

		if (c == '/')
			return len - 1 - n > 0 ? (int)n : -1;
		if (strchr("ismx", c) == NULL || memchr(text + len - n, c, n) != NULL)
			return -1;
	}
	return -1;
}

/* How many octets the expression of a text has; 0: the text has not the form of a pattern. */
static size_t expression_octets(const char *text, size_t len)
{
	int flags = text[0] == '/' ? flags_before_slash(text, len) : 0;
	size_t octets = text[0] == '/' ? len - 2 - (size_t)flags : len;

	return flags >= 0 && octets <= FG_PATTERN_OCTETS_MAX ? octets : 0;
}

static void must_read_back(const struct fg_pattern *p)
{
	char text[FG_PATTERN_OCTETS_MAX + 8], flags[5] = "", why[FG_DETAIL_MAX];
	struct fg_pattern again;

	for (size_t i = 0; i < 4; i++)
		if (p->flags >> i & 1)
			strncat(flags, &"ismx"[i], 1);
	snprintf(text, sizeof(text), "/%.*s/%s", (int)p->octets, p->expression, flags);
	MUST_HOLD(fg_pattern_read(text, &again, why) == 0);
	MUST_HOLD(again.octets == p->octets && again.flags == p->flags);
	MUST_HOLD(memcmp(again.expression, p->expression, p->octets) == 0);
}

static void read_pattern(const char *text)
{
	size_t len = strlen(text), octets = expression_octets(text, len);
	struct fg_pattern p = { .octets = 4711, .flags = 4711 };
	char why[FG_DETAIL_MAX] = "";
	int r = fg_pattern_read(text, &p, why);

	MUST_HOLD(r == (octets > 0 ? 0 : FG_UNSUPPORTED));
	if (r != 0) {
		MUST_HOLD(p.expression == NULL && p.octets == 4711 && p.flags == 4711);
		MUST_HOLD(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
		return;
	}
	MUST_HOLD(p.expression == text + (text[0] == '/') && p.octets == octets && p.flags < 16);
	must_read_back(&p);
}

/* The text has an allocation of its own, so that a read behind its end is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST_HOLD(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	read_pattern(text);
	free(text);
	return 0;
}
