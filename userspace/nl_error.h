/* SPDX-License-Identifier: GPL-2.0 */
/* What is in the kernel's refusals. */
#ifndef VFW_NL_NL_ERROR_H
#define VFW_NL_NL_ERROR_H

#include "nl.h"

#include <linux/netlink.h>

void vnl_error_parse(struct vnl_error *error, const struct nlmsghdr *header,
		     const struct nlmsghdr *request);

#endif /* VFW_NL_NL_ERROR_H */
