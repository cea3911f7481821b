/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts DPDK (eal.h), in huge pages where there are any; devices are made later, by who wants them. */
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "bench/eal.h"
#include "bench/harness.h"

static void start(bool huge)
{
	/* As many huge pages as are asked for, when they are. */
	static const char *const with[] = {
		"flowgate-bench", "--no-pci",      "--in-memory", "--force-max-simd-bitwidth=512",
		"--no-telemetry", "--log-level=4", "-l",          "0"
	};
	static const char *const without[] = { "flowgate-bench",
					       "--no-pci",
					       "--no-huge",
					       "--no-shconf",
					       "-m",
					       "4096",
					       "--force-max-simd-bitwidth=512",
					       "--no-telemetry",
					       "--log-level=4",
					       "-l",
					       "0" };
	char *argv[RTE_DIM(without) + 1] = { NULL };
	int n = huge ? (int)RTE_DIM(with) : (int)RTE_DIM(without);

	for (int i = 0; i < n; i++)
		argv[i] = (char *)(uintptr_t)(huge ? with[i] : without[i]);
	if (rte_eal_init(n, argv) < 0)
		bench_fail("DPDK does not start: %s", rte_strerror(rte_errno));
}

bool bench_eal_start(void)
{
	static bool started, huge;
	struct bench_memory probe;

	if (started)
		return huge;
	bench_memory_get(&probe, 1);
	huge = probe.huge;
	bench_memory_put(&probe);
	start(huge);
	bench_steady_pin();
	started = true;
	return huge;
}
