// SPDX-License-Identifier: GPL-2.0
/*
 * Resuming: a packet that the hook stole goes on from where it was.
 */

#include <linux/netfilter_netdev.h>

#include "main.h"
#include "drop.h"
#include "hook.h"
#include "port.h"
#include "resume.h"

/**
 * DOC: how a stolen packet goes on
 *
 * It is not sent through the hook again. netif_receive_skb() may put it into another CPU's
 * backlog (RPS) or replace the skb, so that the hook could not know it from a packet that has to
 * queue up behind it; and packet sockets and tc would see it twice. Instead its judge calls
 * vfw_hook_judge(), the netfilter hooks behind ours are run from here, and then the stack gets it
 * with the mark by which it knows to leave out what has been done: skb->tc_skip_classify on
 * ingress, which travels with the skb through a backlog, skb->nf_skip_egress on egress.
 *
 * What is done twice on ingress is a generic XDP program on the port.
 */

#if !IS_ENABLED(CONFIG_NET_CLS_ACT) || !IS_ENABLED(CONFIG_NETFILTER_SKIP_EGRESS)
#error "without the marks a packet would meet the hook again"
#endif

static const struct nf_hook_entries *port_hooks(const struct net_device *dev, bool egress)
{
	return egress ? rcu_dereference(dev->nf_hooks_egress) :
			rcu_dereference(dev->nf_hooks_ingress);
}

/* Which hook comes after the port's own, or -1 when that is not there any more. */
static int hook_after(const struct nf_hook_entries *hooks, const struct vfw_port *port,
		      bool egress)
{
	nf_hookfn *own = egress ? vfw_hook_egress : vfw_hook_ingress;
	int i;

	for (i = 0; hooks && i < hooks->num_hook_entries; i++)
		if (hooks->hooks[i].hook == own && hooks->hooks[i].priv == port)
			return i + 1;
	return -1;
}

/* Hand a packet to the stack behind the netfilter hooks. */
static void send_on(struct sk_buff *skb, bool egress)
{
	if (egress) {
		nf_skip_egress(skb, true);
		dev_queue_xmit(skb);
	} else {
		skb->tc_skip_classify = 1;
		netif_receive_skb(skb);
	}
}

/**
 * vfw_resume_packet() - let a packet that the hook stole, and that was passed, go on
 * @port: where it was met
 * @skb: the packet, as the hook got it, its cb cleared; gone afterwards
 * @egress: it was met on egress
 * @dir: its direction
 *
 * It is dropped if the port is not hooked any more.
 *
 * Context: BH off, RCU; the caller sees to it that port and netdev stay.
 */
void vfw_resume_packet(struct vfw_port *port, struct sk_buff *skb, bool egress,
		       enum vfw_direction dir)
{
	struct net_device *dev = skb->dev;
	const struct nf_hook_entries *hooks = port_hooks(dev, egress);
	int next = hook_after(hooks, port, egress);
	struct nf_hook_state state;

	if (next < 0) {
		vfw_drop(port->vm, skb, VFW_DROP_REASON_PORT_GONE, dir);
		return;
	}
	nf_hook_state_init(&state, egress ? NF_NETDEV_EGRESS : NF_NETDEV_INGRESS, NFPROTO_NETDEV,
			   egress ? NULL : dev, egress ? dev : NULL, NULL, dev_net(dev), NULL);
	if (nf_hook_slow(skb, &state, hooks, next) == 1)
		send_on(skb, egress);
}
