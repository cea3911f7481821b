/* SPDX-License-Identifier: BSD-3-Clause */
/* What was measured on (harness.h): processor, kernel, network cards, large pages, mitigations, versions. What a machine does not say is null. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifdef BENCH_HAS_ACL
#include <rte_version.h>
#endif

#include "bench/harness.h"
#include "dataplane/burst.h"

enum { TEXT_MAX = 256 };

/* The first line of a file without its end, or of it the part behind `key` and a colon. */
static bool read_line(const char *path, const char *key, char out[TEXT_MAX])
{
	FILE *f = fopen(path, "re");
	char line[TEXT_MAX];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		const char *from = line;

		if (key != NULL && strncmp(line, key, strlen(key)) != 0)
			continue;
		if (key != NULL && (from = strchr(line, ':')) == NULL)
			continue;
		from += key != NULL;
		from += strspn(from, " \t");
		snprintf(out, TEXT_MAX, "%.*s", (int)strcspn(from, "\n"), from);
		found = true;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static json_t *text_of(const char *path, const char *key)
{
	char text[TEXT_MAX];

	return read_line(path, key, text) ? json_string(text) : json_null();
}

static json_t *number_of(const char *path, const char *key)
{
	char text[TEXT_MAX];

	return read_line(path, key, text) ? json_integer(strtoll(text, NULL, 10)) : json_null();
}

/* One member for each file of a folder, its first line. */
static json_t *folder_of(const char *folder)
{
	json_t *o = json_object();
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[TEXT_MAX * 2];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			json_object_set_new(o, names[i]->d_name, text_of(path, NULL));
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return o;
}

/* Drivers of the network cards that are hardware. */
static json_t *cards(void)
{
	json_t *all = json_array();
	struct dirent **names;
	int n = scandir("/sys/class/net", &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[TEXT_MAX * 2], driver[TEXT_MAX];
		ssize_t len;

		snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", names[i]->d_name);
		len = readlink(path, driver, sizeof(driver) - 1);
		if (len > 0) {
			driver[len] = '\0';
			json_array_append_new(
				all, json_string(strrchr(driver, '/') != NULL ? strrchr(driver, '/') + 1 : driver));
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return all;
}

static json_t *libraries(void)
{
	json_t *o = json_pack("{s:s}", "libbpf", libbpf_version_string());

#ifdef BENCH_HAS_ACL
	json_object_set_new(o, "dpdk", json_string(rte_version()));
#endif
	return o;
}

json_t *bench_machine(void)
{
	struct utsname u;

	uname(&u);
	return json_pack(
		"{s:o,s:I,s:s,s:o,s:{s:o,s:o,s:o},s:o,s:o,s:o,s:s,s:s,s:o}", "cpu",
		text_of("/proc/cpuinfo", "model name"), "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel",
		u.release, "nics", cards(), "hugepages", "total", number_of("/proc/meminfo", "HugePages_Total"), "free",
		number_of("/proc/meminfo", "HugePages_Free"), "kib", number_of("/proc/meminfo", "Hugepagesize"),
		"transparent_hugepages", text_of("/sys/kernel/mm/transparent_hugepage/enabled", NULL), "governor",
		text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL), "mitigations",
		folder_of("/sys/devices/system/cpu/vulnerabilities"), "compiler", __VERSION__, "matcher",
		fg_burst_name(fg_burst_best()), "libraries", libraries());
}
