/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COMPAT_NET_GENETLINK_H
#define _VFW_COMPAT_NET_GENETLINK_H

#include <linux/version.h>
#include_next <net/genetlink.h>

#if LINUX_VERSION_MAJOR == 6 && LINUX_VERSION_PATCHLEVEL < 6
/* Since 6.6 a struct genl_info; of that, only attrs is here. */
#define genl_info_dump(cb) genl_dumpit_info(cb)
#endif

/* A group for who has CAP_NET_ADMIN in the namespace. Kernels before 6.1.68 let anybody listen. */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define GENL_GROUP_ADMIN(group) { .name = (group), .flags = GENL_MCAST_CAP_NET_ADMIN }
#else
#define GENL_GROUP_ADMIN(group) { .name = (group) }
#endif

#endif /* _VFW_COMPAT_NET_GENETLINK_H */
