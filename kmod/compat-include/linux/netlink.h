/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COMPAT_LINUX_NETLINK_H
#define _VFW_COMPAT_LINUX_NETLINK_H

#include_next <linux/netlink.h>

/*
 * Since 6.2 a refusal may have formatted text, and a buffer for it. Before, it is a pointer to
 * text that must stay until the refusal was sent: here a few buffers at each place that makes
 * such text, used in turn.
 */
#ifndef NL_SET_ERR_MSG_FMT_MOD
#define NL_SET_ERR_MSG_FMT_MOD(extack, fmt, args...) do {			\
	static char __text[16][80];						\
	static atomic_t __next;							\
	struct netlink_ext_ack *__extack = (extack);				\
	char *__buf = __text[(unsigned int)atomic_inc_return(&__next) % 16];	\
										\
	if (!__extack)								\
		break;								\
	snprintf(__buf, sizeof(__text[0]), KBUILD_MODNAME ": " fmt, ##args);	\
	__extack->_msg = __buf;							\
} while (0)
#endif

#endif /* _VFW_COMPAT_LINUX_NETLINK_H */
