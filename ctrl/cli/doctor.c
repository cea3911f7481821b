/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate doctor: is this machine fit for flowgated, and what mends it? In: the kernel's own word, of interfaces named,
 * or of all that are up. Out: findings, each that is not well with the command that mends it. Needs no daemon; without root it says
 * what could not be tried. FG_EXIT_REFUSED where something is to be mended; advice alone is no reason.
 */
#include "ctrl/cli/doctor.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/cli/columns.h"

static const char *const levels[] = { "ok", "advice", "MEND" };
static const char *const level_names[] = { "ok", "advice", "mend" };

const char *fg_doctor_line(const char *path, char out[FG_DOCTOR_TEXT_MAX])
{
	FILE *f = fopen(path, "re");

	out[0] = '\0';
	if (f == NULL)
		return out;
	if (fgets(out, FG_DOCTOR_TEXT_MAX, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return out;
}

void fg_doctor_say(struct fg_doctor *d, enum fg_doctor_level level, const char *where, const char *what, const char *is,
		   const char *fix, ...)
{
	char mends[FG_DOCTOR_TEXT_MAX] = "";
	va_list args;

	va_start(args, fix);
	if (fix != NULL)
		vsnprintf(mends, sizeof(mends), fix, args);
	va_end(args);
	d->mend += level == FG_DOCTOR_MEND;
	d->advice += level == FG_DOCTOR_ADVICE;
	if (!d->cli->json)
		fg_columns_row(d->table, (const char *const[]){ levels[level], where, what, is, mends });
	else if (d->failed == FG_EXIT_DONE)
		d->failed = fg_show_line(json_pack("{s:s,s:s,s:s,s:s,s:s?}", "level", level_names[level], "where",
						   where, "what", what, "is", is, "fix", fix != NULL ? mends : NULL));
}

/* What a box has and does not use says nothing. */
static int ports_all(struct fg_doctor *d)
{
	struct if_nameindex *all = if_nameindex();
	int r = FG_EXIT_DONE;

	if (all == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "cannot list interfaces: %s", strerror(errno));
	for (struct if_nameindex *i = all; i->if_index != 0 && r == FG_EXIT_DONE; i++)
		if (fg_doctor_port_is_used(i->if_name))
			r = fg_doctor_port(d, i->if_name);
	if_freenameindex(all);
	return r;
}

static int show_end(struct fg_doctor *d, int r)
{
	fg_columns_print(d->table);
	if (r == FG_EXIT_DONE)
		r = d->failed;
	if (r == FG_EXIT_DONE && d->cli->json)
		r = fg_show_line(json_pack("{s:{s:I,s:I}}", "summary", "mend", (json_int_t)d->mend, "advice",
					   (json_int_t)d->advice));
	else if (r == FG_EXIT_DONE)
		printf("%zu to mend, %zu advised.\n", d->mend, d->advice);
	return fg_show_end(r == FG_EXIT_DONE && d->mend > 0 ? FG_EXIT_REFUSED : r);
}

int fg_cli_doctor(struct fg_cli *cli)
{
	static const char *const names[] = { "", "WHERE", "WHAT", "IS", "MENDED BY", NULL };
	struct fg_doctor d = { .cli = cli };
	int r = FG_EXIT_DONE;

	d.table = cli->json ? NULL : fg_columns_new(names);
	fg_doctor_kernel(&d);
	fg_doctor_dpdk(&d);
	for (size_t i = 0; i < cli->argument.n && r == FG_EXIT_DONE; i++)
		r = fg_doctor_port(&d, cli->argument.at[i]);
	if (cli->argument.n == 0)
		r = ports_all(&d);
	return show_end(&d, r);
}
