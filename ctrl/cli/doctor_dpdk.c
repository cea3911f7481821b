/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine as flowgate-dpdk wants it: large pages, nodes of memory, the IOMMU, devices that are bound to vfio. In: /proc and /sys. Out: findings,
 * none of which is more than advice: it works without, and XDP needs nothing of it.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/cli/doctor.h"

#define DRIVERS "/sys/bus/pci/drivers/"

/* Folders and links of a folder, but for those that begin with '.'; -1: it is not there. */
static int entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* ---- Large pages ---- */

static unsigned long number_of(const char *line, const char *name)
{
	return strncmp(line, name, strlen(name)) == 0 ? strtoul(line + strlen(name), NULL, 10) : ULONG_MAX;
}

static bool read_pages(unsigned long *total, unsigned long *unused, unsigned long *kib)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[FG_DOCTOR_TEXT_MAX];
	unsigned long v;

	*total = *unused = *kib = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if ((v = number_of(line, "HugePages_Total:")) != ULONG_MAX)
			*total = v;
		else if ((v = number_of(line, "HugePages_Free:")) != ULONG_MAX)
			*unused = v;
		else if ((v = number_of(line, "Hugepagesize:")) != ULONG_MAX)
			*kib = v;
	}
	if (f != NULL)
		fclose(f);
	return f != NULL && *kib != 0;
}

static void look_at_pages(struct fg_doctor *d)
{
	unsigned long total, unused, kib;
	char is[FG_DOCTOR_TEXT_MAX];

	if (!read_pages(&total, &unused, &kib)) {
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "memory", "hugepages",
			      "this kernel has none; flowgate-dpdk is faster with them",
			      "apt-get install linux-image-amd64 && reboot");
		return;
	}
	snprintf(is, sizeof(is), "%lu of %lu MiB, %lu free", total, kib >> 10, unused);
	if (total > 0)
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "hugepages", is, NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "memory", "hugepages", "none; flowgate-dpdk is faster with them",
			      "sysctl -w vm.nr_hugepages=1024");
}

static bool is_mounted(const char *kind, char where[FG_DOCTOR_TEXT_MAX])
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], type[64];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%*s %255s %63s", where, type) == 2 && strcmp(type, kind) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

static void look_at_hugetlbfs(struct fg_doctor *d)
{
	char where[FG_DOCTOR_TEXT_MAX], is[FG_DOCTOR_TEXT_MAX + 16];

	if (is_mounted("hugetlbfs", where)) {
		snprintf(is, sizeof(is), "mounted at %s", where);
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "hugetlbfs", is, NULL);
	} else {
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "memory", "hugetlbfs",
			      "not mounted; tables of flowgate-dpdk lie on small pages",
			      "mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages # memory "
			      "/dev/hugepages/flowgate");
	}
}

/* ---- IOMMU and devices ---- */

static void look_at_iommu(struct fg_doctor *d)
{
	int groups = entries("/sys/kernel/iommu_groups");
	char is[FG_DOCTOR_TEXT_MAX];

	snprintf(is, sizeof(is), "%d groups", groups);
	if (groups > 0)
		fg_doctor_say(d, FG_DOCTOR_OK, "devices", "IOMMU", is, NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "devices", "IOMMU",
			      "off; a device of vfio is not held to its memory",
			      "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on iommu=pt /' /etc/default/grub && "
			      "update-grub && "
			      "reboot");
}

/* The node of memory that a device is near to; -1: the machine has one, or does not say. */
static int node_of(const char *driver, const char *device)
{
	char path[PATH_MAX], is[FG_DOCTOR_TEXT_MAX];

	snprintf(path, sizeof(path), DRIVERS "%.64s/%.64s/numa_node", driver, device);
	return fg_doctor_line(path, is)[0] != '\0' ? atoi(is) : -1;
}

static bool is_address(const char *name)
{
	return strlen(name) == 12 && name[4] == ':' && name[7] == ':' && name[10] == '.';
}

static void say_device(struct fg_doctor *d, const char *driver, const char *device)
{
	int node = node_of(driver, device);
	char is[FG_DOCTOR_TEXT_MAX], path[64], cpus[FG_DOCTOR_TEXT_MAX] = "";

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	if (node >= 0)
		fg_doctor_line(path, cpus);
	if (cpus[0] != '\0')
		snprintf(is, sizeof(is), "%.32s, node %d: cores %.128s", driver, node, cpus);
	else
		snprintf(is, sizeof(is), "%.32s", driver);
	fg_doctor_say(d, FG_DOCTOR_OK, device, "bound to", is, NULL);
}

/* Devices that a driver for programs has, which are therefore no interfaces. */
static void look_at_bound(struct fg_doctor *d, const char *driver)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), DRIVERS "%s", driver);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_address(entry->d_name))
			say_device(d, driver, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

static void look_at_vfio(struct fg_doctor *d)
{
	if (access(DRIVERS "vfio-pci", F_OK) == 0)
		fg_doctor_say(d, FG_DOCTOR_OK, "devices", "vfio-pci", "loaded", NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "devices", "vfio-pci",
			      "not loaded; flowgate-dpdk cannot have cards of its own", "modprobe vfio-pci");
}

/* ---- Nodes ---- */

static void look_at_nodes(struct fg_doctor *d)
{
	char is[FG_DOCTOR_TEXT_MAX];

	fg_doctor_line("/sys/devices/system/node/online", is);
	if (is[0] != '\0' && strcmp(is, "0") != 0)
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "nodes", is, NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "nodes", "one", NULL);
}

void fg_doctor_dpdk(struct fg_doctor *d)
{
	look_at_pages(d);
	look_at_hugetlbfs(d);
	look_at_nodes(d);
	look_at_iommu(d);
	look_at_vfio(d);
	look_at_bound(d, "vfio-pci");
	look_at_bound(d, "uio_pci_generic");
}
