/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_HOLD_H
#define _VFW_HOLD_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfw.h>

struct vfw_packet;
struct vfw_port;
struct vfw_stats;
struct vfw_vm;

/**
 * struct vfw_hold_limits - bounds of a hold
 * @packets: most packets
 * @bytes: most bytes, by skb->truesize
 * @time: milliseconds until the deadline
 * @expiry: enum vfw_hold_expiry
 */
struct vfw_hold_limits {
	u32 packets;
	u32 bytes;
	u32 time;
	u32 expiry;
};

#define VFW_HOLD_LIMITS_DEFAULT ((struct vfw_hold_limits) {	\
	.packets = 4096, .bytes = 16 << 20, .time = 30000,	\
	.expiry = VFW_HOLD_EXPIRY_STAY_CLOSED })

int vfw_hold_begin(struct vfw_vm *vm, const struct vfw_hold_limits *limits);
unsigned int vfw_hold_packet(struct vfw_vm *vm, struct vfw_port *port, struct sk_buff *skb,
			     bool egress, enum vfw_direction dir);
u32 vfw_hold_release(struct vfw_vm *vm);
void vfw_hold_drop(struct vfw_vm *vm);
void vfw_hold_port_gone(struct vfw_vm *vm, struct vfw_port *port);
void vfw_hold_show(struct vfw_vm *vm, struct vfw_hold_limits *limits, u32 *packets, u32 *bytes);
void vfw_hold_baseline(struct vfw_vm *vm, struct vfw_stats *stats);

#endif /* _VFW_HOLD_H */
