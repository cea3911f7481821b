/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the interface as a string. */
#include "ctrl/daemon/interface.h"

#include <stdlib.h>
#include <string.h>

#include "interface_text.h"

char *fg_interface_text(void)
{
	return strndup((const char *)interface_text, sizeof(interface_text));
}
