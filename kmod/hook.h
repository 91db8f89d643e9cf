/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_HOOK_H
#define _VFW_HOOK_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>

struct vfw_port;

unsigned int vfw_hook_ingress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int vfw_hook_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int vfw_hook_judge(struct vfw_port *port, struct net_device *dev, struct sk_buff *skb,
			    bool egress);

#endif /* _VFW_HOOK_H */
