/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine as flowgated needs it: kernel, BPF, memory, processors. In: system calls and /proc. Out: findings. What flowgated does without
 * is advice; what flowgate-dpdk alone needs is said to be.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ctrl/cli/doctor.h"

enum {
	KERNEL_LEAST = 5018,      /* 5.18: XDP programs that take frames in several pieces */
	KERNEL_NO_MEMLOCK = 5011, /* from here on BPF memory is not charged to RLIMIT_MEMLOCK */
	BPF_FS = 0xcafe4a11,
	MAP_OCTETS = 4096,
};

#define BPF_FOLDER "/sys/fs/bpf"

/* 6.18.44 is 6018. */
static unsigned int kernel_version(const struct utsname *u)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(u->release, "%u.%u", &major, &minor) != 2 || minor > 999)
		return 0;
	return major * 1000 + minor;
}

static void look_at_version(struct fg_doctor *d, const struct utsname *u)
{
	if (kernel_version(u) >= KERNEL_LEAST)
		fg_doctor_say(d, FG_DOCTOR_OK, "kernel", "version", u->release, NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_MEND, "kernel", "version, 5.18 at least", u->release,
			      "apt-get install linux-image-amd64 && reboot");
}

/* A map that can be mapped, which is what an image is. */
static void look_at_bpf(struct fg_doctor *d)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
				.key_size = 4,
				.value_size = MAP_OCTETS,
				.max_entries = 1,
				.map_flags = BPF_F_MMAPABLE };
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd >= 0) {
		close((int)fd);
		fg_doctor_say(d, FG_DOCTOR_OK, "kernel", "BPF", "maps can be made and mapped", NULL);
	} else if (errno == EPERM && geteuid() != 0) {
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "kernel", "BPF", "not tried: this needs root",
			      "sudo flowgate doctor");
	} else {
		fg_doctor_say(d, FG_DOCTOR_MEND, "kernel", "BPF", strerror(errno),
			      "grep BPF /boot/config-$(uname -r) # needs CONFIG_BPF_SYSCALL=y, and root with CAP_BPF");
	}
}

static void look_at_jit(struct fg_doctor *d)
{
	char is[FG_DOCTOR_TEXT_MAX];

	fg_doctor_line("/proc/sys/net/core/bpf_jit_enable", is);
	if (strcmp(is, "0") == 0)
		fg_doctor_say(d, FG_DOCTOR_MEND, "kernel", "BPF compiler", "off: every packet is interpreted",
			      "sysctl -w net.core.bpf_jit_enable=1");
	else
		fg_doctor_say(d, FG_DOCTOR_OK, "kernel", "BPF compiler", is[0] != '\0' ? "on" : "always on", NULL);
}

static void look_at_bpffs(struct fg_doctor *d)
{
	struct statfs s;

	if (statfs(BPF_FOLDER, &s) == 0 && s.f_type == BPF_FS)
		fg_doctor_say(d, FG_DOCTOR_OK, "kernel", "bpffs", "mounted at " BPF_FOLDER, NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_MEND, "kernel", "bpffs", "not mounted: nothing can be pinned",
			      "mount -t bpf bpf " BPF_FOLDER);
}

/* How the gate waits for packets in flight: without it by a slower way. */
static void look_at_membarrier(struct fg_doctor *d)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (commands >= 0 && (commands & MEMBARRIER_CMD_GLOBAL) != 0)
		fg_doctor_say(d, FG_DOCTOR_OK, "kernel", "membarrier",
			      "global: changes are enforced within milliseconds", NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "kernel", "membarrier", "not global: changes take longer",
			      "sed -i 's/ nohz_full=[^ \"]*//' /etc/default/grub && update-grub && reboot");
}

static void look_at_memlock(struct fg_doctor *d, unsigned int version)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "lock limit", "none", NULL);
	else if (version >= KERNEL_NO_MEMLOCK)
		fg_doctor_say(d, FG_DOCTOR_OK, "memory", "lock limit", "there is one, and BPF is not under it", NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_MEND, "memory", "lock limit", "too small for tables", "ulimit -l unlimited");
}

static void look_at_processors(struct fg_doctor *d)
{
	char is[FG_DOCTOR_TEXT_MAX];
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	fg_doctor_line("/sys/devices/system/cpu/isolated", is);
	if (is[0] != '\0' || n < 4)
		fg_doctor_say(d, FG_DOCTOR_OK, "processors", "isolated", is[0] != '\0' ? is : "none, of few", NULL);
	else
		fg_doctor_say(d, FG_DOCTOR_ADVICE, "processors", "isolated", "none; flowgate-dpdk's workers want some",
			      "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&isolcpus=2-%ld /' /etc/default/grub && update-grub && "
			      "reboot",
			      n - 1);
}

void fg_doctor_kernel(struct fg_doctor *d)
{
	struct utsname u = { 0 };

	uname(&u);
	look_at_version(d, &u);
	look_at_bpf(d);
	look_at_jit(d);
	look_at_bpffs(d);
	look_at_membarrier(d);
	look_at_memlock(d, kernel_version(&u));
	look_at_processors(d);
}
