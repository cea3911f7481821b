/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may do what: names to numbers, and numbers to roles. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>

#include "ctrl/conf/conf.h"

const char *fg_role_name(enum fg_role role)
{
	static const char *const names[FG_ROLE_COUNT] = { [FG_ROLE_NONE] = "none",
							  [FG_ROLE_READ] = "read",
							  [FG_ROLE_OPERATOR] = "operator",
							  [FG_ROLE_ADMIN] = "admin" };

	return names[role];
}

static bool look_up(struct fg_conf_role *role)
{
	const struct group *group = role->group ? getgrnam(role->name) : NULL;
	const struct passwd *user = role->group ? NULL : getpwnam(role->name);

	if (group == NULL && user == NULL)
		return false;
	role->id = group != NULL ? group->gr_gid : user->pw_uid;
	role->known = true;
	return true;
}

int fg_conf_resolve(struct fg_conf *c, char error[FG_CONF_ERROR_MAX])
{
	int r = 0;

	for (uint32_t i = 0; i < c->control.roles; i++) {
		struct fg_conf_role *role = &c->control.role[i];

		if (role->known || look_up(role) || r != 0)
			continue;
		snprintf(error, FG_CONF_ERROR_MAX, "'%s %s %s': no such %s on this system", fg_role_name(role->role),
			 role->group ? "gid" : "uid", role->name, role->group ? "group" : "user");
		r = -ENOENT;
	}
	return r;
}

static bool is_of(const struct fg_conf_role *role, uint32_t uid, const uint32_t *gids, size_t n)
{
	if (!role->known)
		return false;
	if (!role->group)
		return role->id == uid;
	for (size_t i = 0; i < n; i++)
		if (gids[i] == role->id)
			return true;
	return false;
}

enum fg_role fg_conf_role_of(const struct fg_conf *c, uint32_t uid, const uint32_t *gids, size_t n)
{
	enum fg_role best = uid == 0 ? FG_ROLE_ADMIN : c->control.others;

	for (uint32_t i = 0; i < c->control.roles; i++)
		if (c->control.role[i].role > best && is_of(&c->control.role[i], uid, gids, n))
			best = c->control.role[i].role;
	return best;
}
