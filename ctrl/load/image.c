/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image of the admitted rules, in memory of its own. In: rules in evaluation order and their cost. Out: lines
 * as table.h says. Always holds: the image takes exactly the octets that were predicted.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "ctrl/load/load.h"
#include "ctrl/load/steps.h"

int fg_load_compile(struct fg_load *load, struct fg_load_image *image)
{
	/* Pages come zeroed, and those of the destination table that no rule writes to take no memory. */
	size_t octets = (size_t)load->cost.bytes;
	void *base = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t used;

	if (base == MAP_FAILED)
		return -errno;
	if (fg_table_compile(base, (uint32_t)(octets / FG_LINE_OCTETS),
			     (const struct fg_table_rule *const *)load->sorted, load->n, &load->work->scratch,
			     &used) != 0 ||
	    used != octets / FG_LINE_OCTETS) {
		munmap(base, octets);
		return FG_OVER_BUDGET;
	}
	*image = (struct fg_load_image){ base, octets };
	return 0;
}

void fg_load_image_free(struct fg_load_image *image)
{
	if (image->base != NULL)
		munmap(image->base, image->octets);
	*image = (struct fg_load_image){ 0 };
}
