/* SPDX-License-Identifier: GPL-2.0 */
/* The bounds of a hold, as keys of commands. */
#ifndef VFW_NL_HOLD_H
#define VFW_NL_HOLD_H

#include "args.h"

struct nl_msg;

/**
 * struct hold_limits - bounds of a hold; those not given are the kernel's to choose
 * @packets: most packets
 * @bytes: most bytes
 * @time: milliseconds
 * @expiry: enum vfw_hold_expiry, -1 when not given
 */
struct hold_limits {
	__u32 packets;
	__u32 bytes;
	__u32 time;
	int expiry;
};

/* How many keys there are for them. */
#define HOLD_KEYS 4

void hold_keys(struct arg keys[HOLD_KEYS], struct hold_limits *limits);
void hold_put(struct nl_msg *request, int attr, const struct hold_limits *limits);

#endif /* VFW_NL_HOLD_H */
