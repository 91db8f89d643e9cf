/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_STATS_SHOW_H
#define VFW_NL_STATS_SHOW_H

#include <netlink/attr.h>

void stats_show(const struct nlattr *head, int length);

#endif /* VFW_NL_STATS_SHOW_H */
