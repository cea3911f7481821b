/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaders for the tests of ctrl/load: text in, judged rules out. A loader lives until the next. */
#ifndef TESTS_UNIT_LOAD_LOADING_H
#define TESTS_UNIT_LOAD_LOADING_H

#include "ctrl/load/load.h"

static struct fg_load *loading;

static inline struct fg_load *loading_new(void)
{
	fg_load_free(loading);
	assert_int_equal(fg_load_new(&loading), 0);
	return loading;
}

/* Adds text and says what the loader answered. */
static inline int loading_add(const char *text, enum fg_load_form form)
{
	return fg_load_text(loading, "test", text, strlen(text), form);
}

/* A new loader with the rules of a text, judged within limits; "" for the defaults. */
static inline struct fg_load *loading_judged(const char *limits, const char *text)
{
	loading_new();
	assert_int_equal(fg_limits_read(&loading->limits, "limits", limits, strlen(limits), loading->error), 0);
	assert_int_equal(loading_add(text, FG_FORM_AUTO), 0);
	assert_int_equal(fg_load_admit(loading), 0);
	return loading;
}

static inline enum fg_reason loading_reason(size_t rule)
{
	return loading->rule[rule]->findings > 0 ? loading->rule[rule]->finding[0].code : FG_OK;
}

static inline int loading_end(void **state)
{
	(void)state;
	fg_load_free(loading);
	loading = NULL;
	return 0;
}

#endif
