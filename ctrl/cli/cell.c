/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of a daemon's answers as text. In: objects as they came. Out: cells of tables and parts of sentences.
 */
#include "ctrl/cli/cell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Seconds of the year 9999, the last that is four digits. */
#define TIME_MAX 253402300799LL

const char *fg_cell_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

const char *fg_cell_number(const json_t *object, const char *key, char out[FG_CELL_MAX])
{
	const json_t *v = json_object_get(object, key);

	if (json_is_integer(v))
		snprintf(out, FG_CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		strcpy(out, "-");
	return out;
}

const char *fg_cell_inner(const json_t *object, const char *key, const char *inner, char out[FG_CELL_MAX])
{
	return fg_cell_number(json_object_get(object, key), inner, out);
}

const char *fg_cell_time(const json_t *object, const char *key, char out[FG_CELL_MAX])
{
	const json_t *v = json_object_get(object, key);
	double seconds = json_number_value(v);
	struct tm tm;
	time_t t;

	strcpy(out, "-");
	if (!json_is_number(v) || !(seconds > 0 && seconds <= (double)TIME_MAX))
		return out;
	t = (time_t)seconds;
	if (gmtime_r(&t, &tm) != NULL)
		strftime(out, FG_CELL_MAX, "%Y-%m-%d %H:%M:%SZ", &tm);
	return out;
}

static void string_clean(json_t *value)
{
	char *copy = strdup(json_string_value(value));

	for (char *c = copy; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (copy != NULL)
		json_string_set(value, copy);
	free(copy);
}

void fg_cell_clean(json_t *value)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_string(value))
		string_clean(value);
	json_object_foreach(value, key, inner) fg_cell_clean(inner);
	json_array_foreach(value, i, inner) fg_cell_clean(inner);
}
