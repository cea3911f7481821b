/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an error of the daemon means to its caller. In: its name and parameters, as they came. Out: a result, and a sentence. Errors
 * that are not known here are failures of the other side, said with their name.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/client/client.h"

enum { NAME_SHOWN = 100, VALUE_SHOWN = 300 };

/* `key`: the parameter that belongs into the sentence; NULL: none. */
static const struct known {
	const char *name;
	enum fg_client_result result;
	const char *sentence;
	const char *key;
} known[] = {
	{ "SyntaxError", FG_CLIENT_SYNTAX, "", "message" },
	{ "RuleRefused", FG_CLIENT_REFUSED, "refused, and nothing was changed", NULL },
	{ "RuleNotFound", FG_CLIENT_NOT_FOUND, "no such rule: ", "rule" },
	{ "PeerNotFound", FG_CLIENT_NOT_FOUND, "no such peer: ", "peer" },
	{ "GenerationNotFound", FG_CLIENT_NOT_FOUND, "no such generation: ", "generation" },
	{ "NothingToConfirm", FG_CLIENT_NOT_FOUND, "nothing waits to be confirmed", NULL },
	{ "PermissionDenied", FG_CLIENT_REFUSED, "not permitted: this needs the role ", "needed" },
	{ "TooLarge", FG_CLIENT_REFUSED, "more than the daemon takes, which is ", "limit" },
	{ "BatchBroken", FG_CLIENT_BROKEN, "the daemon lost a part of the batch, and nothing was changed", NULL },
	{ "Unavailable", FG_CLIENT_BROKEN, "not available: ", "message" },
	{ "org.varlink.service.InvalidParameter", FG_CLIENT_SYNTAX, "the daemon does not accept the parameter ",
	  "parameter" },
	{ "org.varlink.service.MethodNotFound", FG_CLIENT_BROKEN, "the daemon does not know the method ", "method" },
	{ "org.varlink.service.MethodNotImplemented", FG_CLIENT_BROKEN, "the daemon does not have the method ",
	  "method" },
	{ "org.varlink.service.InterfaceNotFound", FG_CLIENT_BROKEN, "the daemon does not know the interface ",
	  "interface" },
};

/* A string or number as text; nothing of it can steer a terminal. */
static void value_write(char *out, size_t room, const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		snprintf(out, room, "%lld", (long long)json_integer_value(value));
	else
		snprintf(out, room, "%.*s", VALUE_SHOWN, text != NULL ? text : "?");
	for (; *out != '\0'; out++)
		if ((unsigned char)*out < ' ' || *out == 0x7f)
			*out = '?';
}

enum fg_client_result fg_client_judge(const char *name, const json_t *parameters, char error[FG_CLIENT_ERROR_MAX])
{
	char value[VALUE_SHOWN + 1] = "";
	json_t *shown;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		if (known[i].key != NULL)
			value_write(value, sizeof(value), json_object_get(parameters, known[i].key));
		snprintf(error, FG_CLIENT_ERROR_MAX, "%s%s", known[i].sentence, value);
		return known[i].result;
	}
	shown = json_stringn(name, strnlen(name, NAME_SHOWN));
	value_write(value, sizeof(value), shown);
	json_decref(shown);
	snprintf(error, FG_CLIENT_ERROR_MAX, "the daemon answers with an error that is not known here: %s", value);
	return FG_CLIENT_BROKEN;
}
