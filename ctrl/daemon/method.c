/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of callers to methods: Varlink's shape, who may do what, which parameters there are. In: a line. Out: the call of a
 * method, or an error that says what is wrong with the line. Next: the file of the method (op.h has the list).
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/interface.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/op.h"

#define INTERFACE "net.flowgate.v1"
#define SERVICE "org.varlink.service"

static void get_info(struct fg_op *op);
static void get_interface(struct fg_op *op);

/* clang-format off */
const struct fg_method fg_methods[] = {
	{ INTERFACE ".AddRules", FG_ROLE_OPERATOR, "text:s rules:a partial:b dry_run:b verbose:b confirm_within:i count_only:b "
	  "ttl:i owner:s ticket:s part:i parts:i", fg_method_add_rules },
	{ INTERFACE ".DeleteRules", FG_ROLE_OPERATOR, "text:s names:a sequences:a rules:a confirm_within:i part:i parts:i",
	  fg_method_delete_rules },
	{ INTERFACE ".ListRules", FG_ROLE_READ, "name:s source:s", fg_method_list_rules },
	{ INTERFACE ".ListProtected", FG_ROLE_READ, "", fg_method_list_protected },
	{ INTERFACE ".Status", FG_ROLE_READ, "", fg_method_status },
	{ INTERFACE ".Health", FG_ROLE_READ, "", fg_method_health },
	{ INTERFACE ".Limits", FG_ROLE_READ, "", fg_method_limits },
	{ INTERFACE ".Confirm", FG_ROLE_OPERATOR, "", fg_method_confirm },
	{ INTERFACE ".History", FG_ROLE_READ, "limit:i", fg_method_history },
	{ INTERFACE ".Rollback", FG_ROLE_OPERATOR, "generation:i!", fg_method_rollback },
	{ INTERFACE ".Flush", FG_ROLE_OPERATOR, "", fg_method_flush },
	{ INTERFACE ".SetShadow", FG_ROLE_ADMIN, "on:b!", fg_method_set_shadow },
	{ INTERFACE ".Quarantine", FG_ROLE_ADMIN, "nlri:s! family:s! on:b! payload:s", fg_method_quarantine },
	{ INTERFACE ".ListQuarantine", FG_ROLE_READ, "", fg_method_list_quarantine },
	{ INTERFACE ".ListPeers", FG_ROLE_READ, "peer:s", fg_method_list_peers },
	{ INTERFACE ".BgpErrors", FG_ROLE_READ, "peer:s", fg_method_bgp_errors },
	{ INTERFACE ".Watch", FG_ROLE_READ, "peers:b", fg_method_watch },
	{ INTERFACE ".Samples", FG_ROLE_READ, "rule:s", fg_method_samples },
	{ SERVICE ".GetInfo", FG_ROLE_READ, "", get_info },
	{ SERVICE ".GetInterfaceDescription", FG_ROLE_READ, "interface:s!", get_interface },
};
/* clang-format on */

const size_t fg_methods_count = sizeof(fg_methods) / sizeof(fg_methods[0]);

static void get_info(struct fg_op *op)
{
	fg_op_reply(op, json_pack("{s:s,s:s,s:s,s:s,s:[s,s]}", "vendor", "Flowgate", "product", "flowgated", "version",
				  FG_VERSION, "url", "", "interfaces", SERVICE, INTERFACE));
}

static void get_interface(struct fg_op *op)
{
	const char *name = fg_op_string(op, "interface");
	char *text;

	if (strcmp(name, INTERFACE) == 0) {
		text = fg_interface_text();
		fg_op_reply(op, json_pack("{s:s}", "description", text != NULL ? text : ""));
		free(text);
		return;
	}
	fg_client_error(op->client, SERVICE ".InterfaceNotFound", json_pack("{s:s}", "interface", name));
	fg_op_end(op);
}

bool fg_op_is_heard(const struct fg_op *op)
{
	return !op->client->dead;
}

void fg_op_end(struct fg_op *op)
{
	fg_client_done(op->client);
	if (op->free != NULL)
		op->free(op->state);
	json_decref(op->parameters);
	free(op);
}

void fg_op_reply(struct fg_op *op, json_t *parameters)
{
	if (!fg_op_is_heard(op))
		json_decref(parameters);
	else if (!fg_client_reply(op->client, parameters, false))
		fg_client_error(op->client, INTERFACE ".TooLarge", json_pack("{s:i}", "limit", FG_LINE_MAX));
	fg_op_end(op);
}

bool fg_op_continue(struct fg_op *op, json_t *parameters)
{
	if (fg_op_is_heard(op))
		return fg_client_reply(op->client, parameters, true);
	json_decref(parameters);
	return true;
}

void fg_op_error(struct fg_op *op, const char *name, json_t *parameters)
{
	char whole[FG_NAME_MAX + 32] = INTERFACE ".";

	if (!fg_op_is_heard(op)) {
		json_decref(parameters);
	} else {
		strncat(whole, name, FG_NAME_MAX);
		fg_client_error(op->client, whole, parameters);
	}
	fg_op_end(op);
}

void fg_op_unavailable(struct fg_op *op, const char *message)
{
	fg_op_error(op, "Unavailable", json_pack("{s:s}", "message", message));
}

const char *fg_op_string(const struct fg_op *op, const char *name)
{
	return json_string_value(json_object_get(op->parameters, name));
}

const json_t *fg_op_array(const struct fg_op *op, const char *name)
{
	const json_t *v = json_object_get(op->parameters, name);

	return json_is_array(v) ? v : NULL;
}

uint64_t fg_op_number(const struct fg_op *op, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(op->parameters, name));
}

bool fg_op_true(const struct fg_op *op, const char *name)
{
	return json_is_true(json_object_get(op->parameters, name));
}

static bool is_of_type(const json_t *v, char type)
{
	switch (type) {
	case 's':
		return json_is_string(v);
	case 'a':
		return json_is_array(v);
	case 'i':
		return json_is_integer(v) && json_integer_value(v) >= 0;
	default:
		return json_is_boolean(v);
	}
}

/* The parameter in the list of a method, at the colon behind its name; NULL: there is none. */
static const char *parameter_find(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at != NULL && *at != '\0'; at = strchr(at, ' '), at += at != NULL)
		if (strncmp(at, name, len) == 0 && at[len] == ':')
			return at + len;
	return NULL;
}

/* The first parameter that is not known, not of its type, or not there; NULL: all is well. */
static const char *parameters_check(const struct fg_method *m, json_t *parameters, char missing[FG_NAME_MAX + 1])
{
	const char *name, *at;
	json_t *v;

	json_object_foreach(parameters, name, v)
	{
		at = parameter_find(m->parameters, name);
		if (at == NULL || (!json_is_null(v) && !is_of_type(v, at[1])))
			return name;
	}
	for (at = strchr(m->parameters, '!'); at != NULL; at = strchr(at + 1, '!')) {
		const char *begin = at - 2;
		size_t len;

		while (begin > m->parameters && begin[-1] != ' ')
			begin--;
		len = (size_t)(at - 2 - begin);
		memcpy(missing, begin, len);
		missing[len] = '\0';
		v = json_object_get(parameters, missing);
		if (v == NULL || json_is_null(v))
			return missing;
	}
	return NULL;
}

static const struct fg_method *method_find(const char *name)
{
	for (size_t i = 0; i < fg_methods_count; i++)
		if (strcmp(fg_methods[i].name, name) == 0)
			return &fg_methods[i];
	return NULL;
}

static void run(struct fg_ctrl *ctrl, struct fg_client *c, const struct fg_method *m, enum fg_role role,
		json_t *parameters, bool more)
{
	struct fg_op *op = calloc(1, sizeof(*op));

	if (op == NULL) {
		json_decref(parameters);
		c->closing = true;
		return;
	}
	*op = (struct fg_op){
		.ctrl = ctrl, .client = c, .method = m, .parameters = parameters, .more = more, .role = role
	};
	memcpy(op->who, c->who, sizeof(op->who));
	c->op = op;
	m->run(op);
}

/* What is wrong with a call that can be understood; NULL: nothing. Sets the parameters of the error. */
static const char *refuse(const struct fg_method *m, const char *name, enum fg_role role, json_t *parameters,
			  json_t **of_error)
{
	char missing[FG_NAME_MAX + 1];
	const char *wrong;

	if (m == NULL) {
		*of_error = json_pack("{s:s}", "method", name);
		return SERVICE ".MethodNotFound";
	}
	if (role < m->needs) {
		*of_error = json_pack("{s:s,s:s}", "role", fg_role_name(role), "needed", fg_role_name(m->needs));
		return INTERFACE ".PermissionDenied";
	}
	wrong = parameters_check(m, parameters, missing);
	if (wrong == NULL)
		return NULL;
	*of_error = json_pack("{s:s}", "parameter", wrong);
	return SERVICE ".InvalidParameter";
}

static void call(struct fg_ctrl *ctrl, struct fg_client *c, const json_t *object)
{
	json_t *given = json_object_get(object, "parameters"), *of_error = NULL;
	json_t *parameters = json_is_object(given) ? json_incref(given) : json_object();
	const char *name = json_string_value(json_object_get(object, "method"));
	const struct fg_method *m = method_find(name);
	enum fg_role role = fg_conf_role_of(&ctrl->conf, c->uid, c->gid, c->gids);
	const char *error = refuse(m, name, role, parameters, &of_error);

	if (error == NULL) {
		run(ctrl, c, m, role, parameters, json_is_true(json_object_get(object, "more")));
		return;
	}
	if (m != NULL && role < m->needs)
		fg_log(LOG_NOTICE, "%s may not call %s", c->who, name);
	json_decref(parameters);
	fg_client_error(c, error, of_error);
}

/* What is no call at all is answered and ends the connection: what follows it cannot be trusted to be lines. */
void fg_op_begin(struct fg_ctrl *ctrl, struct fg_client *c, const char *line, size_t len)
{
	json_error_t error;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(object) && json_is_string(json_object_get(object, "method"))) {
		call(ctrl, c, object);
	} else {
		fg_client_error(c, INTERFACE ".SyntaxError",
				json_pack("{s:s}", "message",
					  object == NULL ? error.text : "expected an object with 'method'"));
		c->closing = true;
	}
	json_decref(object);
}
