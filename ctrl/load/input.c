/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of files: which form a file has, and the list that its rules are put into. In: paths or text. Out:
 * load->rule. Next: load.c, which judges them.
 *
 * Always holds: one file is in memory at a time; rules of a file that fails are taken off the list again; a rule's
 * strings are never NULL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctrl/load/steps.h"
#include "ctrl/rule/nlri.h"

int fg_load_syntax(struct fg_load *load, const char *file, size_t line, size_t column, const char *fmt, ...)
{
	int n = snprintf(load->error, sizeof(load->error), "%.400s:%zu:%zu: ", file, line, column);
	va_list args;

	va_start(args, fmt);
	vsnprintf(load->error + n, sizeof(load->error) - (size_t)n, fmt, args);
	va_end(args);
	return FG_MALFORMED;
}

static int fail(struct fg_load *load, const char *file, int error)
{
	snprintf(load->error, sizeof(load->error), "%.400s: %s", file, strerror(error));
	return -error;
}

static bool list_grow(struct fg_load *load)
{
	size_t room = load->room ? 2 * load->room : 64;
	struct fg_loaded **grown;

	if (load->count < load->room)
		return true;
	grown = realloc(load->rule, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	load->rule = grown;
	load->room = room;
	return true;
}

struct fg_loaded *fg_load_add(struct fg_load *load)
{
	struct fg_loaded *r;

	if (load->count == FG_INPUT_RULES_MAX) {
		snprintf(load->error, sizeof(load->error), "more than %d rules", FG_INPUT_RULES_MAX);
		return NULL;
	}
	r = fg_arena_take(&load->arena, sizeof(*r));
	if (r == NULL || !list_grow(load)) {
		snprintf(load->error, sizeof(load->error), "%s", strerror(ENOMEM));
		return NULL;
	}
	r->owner = r->ticket = r->site = r->source = r->payload = r->file = "";
	load->rule[load->count++] = r;
	r->place = (uint32_t)load->count;
	return r;
}

int fg_load_judge(struct fg_load *load, struct fg_loaded *rule, const struct fg_finding *why)
{
	struct fg_finding *all = fg_arena_take(&load->arena, (rule->findings + 1) * sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	if (rule->findings > 0)
		memcpy(all, rule->finding, rule->findings * sizeof(*all));
	all[rule->findings++] = *why;
	rule->finding = all;
	if (why->code == FG_MALFORMED)
		rule->state = FG_STATE_MALFORMED;
	else if (!fg_reason_is_warning(why->code) && rule->state == FG_STATE_ADMITTED)
		rule->state = FG_STATE_REFUSED;
	return 0;
}

int fg_load_take_nlri(struct fg_load *load, struct fg_loaded *rule, const uint8_t *nlri, size_t len)
{
	struct fg_finding why;

	rule->rule.nlri = fg_arena_copy(&load->arena, nlri, len);
	if (rule->rule.nlri == NULL)
		return -ENOMEM;
	rule->rule.nlri_len = (uint16_t)len;
	rule->framed = true;
	if (fg_nlri_check(&rule->rule, &why) != 0)
		return fg_load_judge(load, rule, &why);
	rule->checked = true;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long fg_hex_read(const char *text, size_t len, uint8_t *out, size_t room)
{
	if (len == 0 || len % 2 != 0 || len / 2 > room)
		return -1;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (long)(len / 2);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The first thing that is neither blank nor a comment says it. */
static enum fg_load_form form_of(const char *text, size_t len)
{
	enum fg_family family;
	size_t i = 0, end;
	bool vpn;

	while (i < len && (is_blank(text[i]) || text[i] == '#')) {
		if (text[i] == '#')
			while (i < len && text[i] != '\n')
				i++;
		else
			i++;
	}
	if (i < len && text[i] == '{')
		return FG_FORM_JSON;
	for (end = i; end < len && !is_blank(text[end]); end++)
		;
	return fg_family_read(text + i, end - i, &family, &vpn) ? FG_FORM_HEX : FG_FORM_TEXT;
}

int fg_load_text(struct fg_load *load, const char *name, const char *text, size_t len, enum fg_load_form form)
{
	size_t before = load->count;
	int r;

	load->error[0] = '\0';
	if (form == FG_FORM_AUTO)
		form = form_of(text, len);
	if (form == FG_FORM_JSON)
		r = fg_load_json(load, name, text, len);
	else if (form == FG_FORM_HEX)
		r = fg_load_hex(load, name, text, len);
	else
		r = fg_load_language(load, name, text, len);
	if (r != 0)
		load->count = before;
	if (r < 0 && load->error[0] == '\0')
		return fail(load, name, -r);
	return r;
}

/* All octets that `fd` has, *text to be freed. 0 or -errno. */
static int read_all(int fd, char **text, size_t *len)
{
	struct stat file;
	size_t room = 0;
	ssize_t n = 1;
	char *grown;

	*text = NULL;
	*len = 0;
	if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > FG_LOAD_FILE_MAX)
		return -EFBIG; /* at once, not after reading all that may be read */
	while (n > 0) {
		if (*len == room) {
			room = room ? 2 * room : 1 << 16;
			grown = room > 2 * (size_t)FG_LOAD_FILE_MAX ? NULL : realloc(*text, room);
			if (grown == NULL)
				return *len >= FG_LOAD_FILE_MAX ? -EFBIG : -ENOMEM;
			*text = grown;
		}
		n = read(fd, *text + *len, room - *len);
		if (n > 0)
			*len += (size_t)n;
	}
	if (n < 0)
		return -errno;
	return *len > FG_LOAD_FILE_MAX ? -EFBIG : 0;
}

/* The text of a file, *text to be freed in any case. */
static int file_text(struct fg_load *load, const char *path, char **text, size_t *len)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), r;

	*text = NULL;
	if (fd < 0)
		return fail(load, path, errno);
	r = read_all(fd, text, len);
	if (!standard_input)
		close(fd);
	return r < 0 ? fail(load, path, -r) : 0;
}

int fg_load_file(struct fg_load *load, const char *path, enum fg_load_form form)
{
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
	char *name = fg_arena_copy(&load->arena, shown, strlen(shown) + 1), *text;
	size_t len;
	int r;

	if (name == NULL)
		return fail(load, path, ENOMEM);
	r = file_text(load, path, &text, &len);
	if (r == 0)
		r = fg_load_text(load, name, text, len, form);
	free(text);
	return r;
}

int fg_load_limits(struct fg_load *load, const char *path)
{
	size_t len;
	char *text;
	int r = file_text(load, path, &text, &len);

	if (r == 0)
		r = fg_limits_read(&load->limits, path, text, len, load->error);
	free(text);
	if (r < 0 && load->error[0] == '\0')
		return fail(load, path, -r);
	return r;
}
