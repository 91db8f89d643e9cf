/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RESUME_H
#define _VFW_RESUME_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <uapi/linux/vfw.h>

struct vfw_port;
struct vfw_vm;

/**
 * struct vfw_stolen - what is remembered of a packet that waits, in skb->cb
 * @port: where it was met
 * @tracker: of the reference on skb->dev
 * @egress: it was met on egress
 * @dir: enum vfw_direction
 */
struct vfw_stolen {
	struct vfw_port *port;
	netdevice_tracker tracker;
	bool egress;
	u8 dir;
};

static_assert(sizeof(struct vfw_stolen) <= sizeof_field(struct sk_buff, cb));

static inline struct vfw_stolen *vfw_stolen(struct sk_buff *skb)
{
	return (struct vfw_stolen *)skb->cb;
}

struct sk_buff *vfw_stolen_own(struct sk_buff *skb);
void vfw_stolen_keep(struct sk_buff *skb);
void vfw_stolen_resume(struct sk_buff *skb);
void vfw_stolen_drop(struct vfw_vm *vm, struct sk_buff *skb, enum vfw_drop_reason reason);
void vfw_resume_packet(struct vfw_port *port, struct sk_buff *skb, bool egress,
		       enum vfw_direction dir);

#endif /* _VFW_RESUME_H */
