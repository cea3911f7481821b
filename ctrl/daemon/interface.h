/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the interface, net.flowgate.v1.varlink, put into the program when it is built. */
#ifndef CTRL_DAEMON_INTERFACE_H
#define CTRL_DAEMON_INTERFACE_H

/* To be freed. NULL: no memory. */
char *fg_interface_text(void);

#endif
