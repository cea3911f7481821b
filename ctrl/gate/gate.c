/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate as a process (gate.h): opens the dataplane, gives up what it does not need any more, and goes into its loop (loop.c). */
#include "ctrl/gate/gate.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ctrl/gate/loop.h"
#include "ctrl/gate/store.h"

_Static_assert(FG_GATE_STORE_OCTETS(1) == FG_CELL_OCTETS, "a cell a slot");

static int drop_rights(unsigned first, unsigned second, unsigned third)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), first, second, third, -1) != 0)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_BOTH) == 0 ? 0 : -EPERM;
}

static int drop_rights_xdp(void)
{
	return drop_rights(CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON);
}

/* NET_ADMIN is for socket buffers alone. */
static int drop_rights_dpdk(void)
{
	return drop_rights(CAP_KILL, CAP_NET_ADMIN, (unsigned)-1);
}

static int run_xdp(const struct fg_gate_config *config, int supervisor)
{
	char error[FG_XDP_ERROR_MAX] = "";
	struct fg_dataplane dataplane;
	struct fg_xdp *x;
	int r = fg_xdp_open(&x, config->pin_folder, &config->sizes, error);

	if (r != 0) {
		fprintf(stderr, "flowgate gate: %s\n", error);
		return r;
	}
	fg_dataplane_xdp(&dataplane, x);
	r = fg_loop_run(&dataplane, &config->sizes, config->mlock, supervisor, drop_rights_xdp);
	fg_xdp_close(x);
	return r == FG_LOOP_REMOVE ? fg_xdp_remove(config->pin_folder) : r;
}

static int run_dpdk(const struct fg_gate_config *config, int supervisor)
{
	const struct fg_share_sizes sizes = { .image_lines = config->sizes.image_lines,
					      .slots = config->sizes.slots,
					      .workers = config->workers,
					      .patterns = config->patterns };
	static struct fg_share share; /* its targets alone are kilobytes */
	char error[FG_SHARE_ERROR_MAX] = "";
	struct fg_dataplane dataplane;
	int r = fg_share_open(&share, config->share_folder, &sizes, config->sizes.store_octets, error);

	if (r != 0) {
		fprintf(stderr, "flowgate gate: %s\n", error);
		return r;
	}
	fg_dataplane_share(&dataplane, &share);
	r = fg_loop_run(&dataplane, &config->sizes, config->mlock, supervisor, drop_rights_dpdk);
	fg_share_close(&share);
	return r == FG_LOOP_REMOVE ? fg_share_remove(config->share_folder) : r;
}

int fg_gate_run(const struct fg_gate_config *config, int supervisor)
{
	return config->share_folder != NULL ? run_dpdk(config, supervisor) : run_xdp(config, supervisor);
}
