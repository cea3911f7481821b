/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which form of the burst matcher runs (burst.h). Comes in: what the processor says of itself. Goes out: a call of
 * one of the forms that burst_form.c was compiled into. What always holds: a form runs only where all it was
 * compiled for is there.
 */
#include "dataplane/burst.h"

typedef void match_burst(const struct fg_view *, const struct fg_key *const[], uint32_t, struct fg_matched[]);

match_burst fg_burst_match_scalar;
#ifdef __x86_64__
match_burst fg_burst_match_avx2, fg_burst_match_avx512;
#endif

const char *fg_burst_name(enum fg_burst_form form)
{
	static const char *const names[FG_BURST_FORMS] = { "scalar", "avx2", "avx512" };

	return names[form];
}

#ifdef __x86_64__
static match_burst *const forms[FG_BURST_FORMS] = { fg_burst_match_scalar, fg_burst_match_avx2, fg_burst_match_avx512 };

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

bool fg_burst_supported(enum fg_burst_form form)
{
	switch (form) {
	case FG_BURST_SCALAR:
		return true;
	case FG_BURST_AVX2:
		return has_avx2();
	case FG_BURST_AVX512:
		return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	default:
		return false;
	}
}
#else
static match_burst *const forms[FG_BURST_FORMS] = { fg_burst_match_scalar };

bool fg_burst_supported(enum fg_burst_form form)
{
	return form == FG_BURST_SCALAR;
}
#endif

enum fg_burst_form fg_burst_best(void)
{
	if (fg_burst_supported(FG_BURST_AVX512))
		return FG_BURST_AVX512;
	return fg_burst_supported(FG_BURST_AVX2) ? FG_BURST_AVX2 : FG_BURST_SCALAR;
}

void fg_match_burst_by(enum fg_burst_form form, const struct fg_view *view, const struct fg_key *const keys[],
		       uint32_t n, struct fg_matched matched[])
{
	forms[form](view, keys, n, matched);
}

void fg_match_burst(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[])
{
	fg_match_burst_by(fg_burst_best(), view, keys, n, matched);
}

void fg_burst_fetch(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n)
{
	const struct fg_image *image = (const struct fg_image *)fg_line(view, 0);
	const struct fg_root_line *root = (const struct fg_root_line *)fg_line(view, image->entry[FG_IPV4]);
	const uint32_t *upper, *filled;

	if (root->kind != FG_STEP_ROOT)
		return;
	upper = (const uint32_t *)fg_line(view, root->upper);
	filled = (const uint32_t *)fg_line(view, root->filled);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t entry = fg_load_be32(keys[i]->dst) >> (32 - FG_UPPER_BITS), l = entry / 16;

		__builtin_prefetch(upper + (entry & (0 - (filled[l / 32] >> (l % 32) & 1))), 0, 2);
	}
}
