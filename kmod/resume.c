// SPDX-License-Identifier: GPL-2.0
/*
 * Resuming: a packet that the hook stole goes on from where it was.
 */

#include <linux/netfilter_netdev.h>
#include <net/dst.h>

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

/**
 * vfw_stolen_own() - make a packet such that it can wait
 * @skb: the packet; another one may take its place
 *
 * It is ours alone then, its route kept, with no memory in it that its sender waits for (a zerocopy
 * backend cannot end while the guest's memory is in use).
 *
 * Context: the hook; BH off.
 * Return: the packet, or NULL when there was no memory and it is gone.
 */
struct sk_buff *vfw_stolen_own(struct sk_buff *skb)
{
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NULL;
	if (skb_orphan_frags_rx(skb, GFP_ATOMIC)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return NULL;
	}
	skb_dst_force(skb);
	return skb;
}

/**
 * vfw_stolen_keep() - a packet begins to wait: its netdev has to stay
 * @skb: the packet, owned
 */
void vfw_stolen_keep(struct sk_buff *skb)
{
	netdev_hold(skb->dev, &vfw_stolen(skb)->tracker, GFP_ATOMIC);
}

/**
 * vfw_stolen_resume() - let a packet that waited, and was passed, go on
 * @skb: the packet, kept; gone afterwards
 *
 * Context: BH off, RCU.
 */
void vfw_stolen_resume(struct sk_buff *skb)
{
	struct vfw_stolen stolen = *vfw_stolen(skb);
	struct net_device *dev = skb->dev;

	memset(skb->cb, 0, sizeof(skb->cb));
	vfw_resume_packet(stolen.port, skb, stolen.egress, stolen.dir);
	netdev_put(dev, &stolen.tracker);
}

/**
 * vfw_stolen_drop() - drop a packet that waited
 * @vm: whose it is
 * @skb: the packet, kept; gone afterwards
 * @reason: why
 */
void vfw_stolen_drop(struct vfw_vm *vm, struct sk_buff *skb, enum vfw_drop_reason reason)
{
	struct vfw_stolen stolen = *vfw_stolen(skb);
	struct net_device *dev = skb->dev;

	vfw_drop(vm, skb, reason, stolen.dir);
	netdev_put(dev, &stolen.tracker);
}
