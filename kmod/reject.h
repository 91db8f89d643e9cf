/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_REJECT_H
#define _VFW_REJECT_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

struct vfw_packet;

void vfw_reject(struct net_device *dev, struct sk_buff *skb, bool egress,
		const struct vfw_packet *pkt);

#endif /* _VFW_REJECT_H */
