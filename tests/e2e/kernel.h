/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests need of the kernel: to load BPF objects, run their programs on frames and read their maps. A failure fails the test. */
#ifndef TESTS_E2E_KERNEL_H
#define TESTS_E2E_KERNEL_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* Exits 77 and says why where the smallest program cannot be loaded: then ours would say nothing about the verifier. */
void kernel_need_bpf(void);
/* Binds to the CPU it is on: a per-CPU map is read where the program ran. 0, or -1 with errno. */
int kernel_stay(void);
/* Loads all programs of an object, prints what each cost the verifier, and stays on this CPU. NULL where any is refused. */
struct bpf_object *kernel_load(const char *path);
int kernel_map_fd(struct bpf_object *object, const char *map);
/* Runs a program once on a frame of `len` octets; the frame as it left it is in `after`. Its return code. */
uint32_t kernel_run(struct bpf_object *object, const char *program, const uint8_t *frame, uint32_t len, uint8_t *after,
		    uint32_t room);
/* Reads this CPU's value of element 0 of a per-CPU map. `size` is a multiple of 8. */
void kernel_percpu_read(struct bpf_object *object, const char *map, void *out, size_t size);

#endif
