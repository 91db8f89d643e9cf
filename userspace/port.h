/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_PORT_H
#define VFW_NL_PORT_H

struct vnl_reply;

void port_show_line(const struct vnl_reply *reply);

#endif /* VFW_NL_PORT_H */
