/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_DROP_H
#define _VFW_DROP_H

#include <linux/skbuff.h>
#include <uapi/linux/vfw.h>

struct vfw_vm;

unsigned int vfw_drop(struct vfw_vm *vm, struct sk_buff *skb, enum vfw_drop_reason reason,
		      enum vfw_direction dir);

#endif /* _VFW_DROP_H */
