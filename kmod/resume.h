/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RESUME_H
#define _VFW_RESUME_H

#include <linux/skbuff.h>
#include <uapi/linux/vfw.h>

struct vfw_port;

void vfw_resume_packet(struct vfw_port *port, struct sk_buff *skb, bool egress,
		       enum vfw_direction dir);

#endif /* _VFW_RESUME_H */
