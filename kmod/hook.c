// SPDX-License-Identifier: GPL-2.0
/*
 * The netfilter hooks of a port: a packet's way through the engine.
 */

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/prefetch.h>

#include "main.h"
#include "drop.h"
#include "fragment.h"
#include "hold.h"
#include "hook.h"
#include "packet.h"
#include "packet_plain.h"
#include "port.h"
#include "reject.h"
#include "resume.h"
#include "track.h"
#include "track_plain.h"
#include "vm.h"

/* A host-side port receives what the VM sends; a mirrored one sends it. */
static enum vfw_direction port_direction(const struct vfw_port *port, bool egress)
{
	bool to_vm = egress == (port->type == VFW_PORT_TYPE_HOST);

	return to_vm ? VFW_DIRECTION_IN : VFW_DIRECTION_OUT;
}

static inline int network_header(bool egress)
{
	return egress ? ETH_HLEN : 0;
}

/*
 * On ingress the Ethernet header was pulled and skb->protocol comes from it. On egress
 * skb->data is at the Ethernet header, and nothing else is to be trusted: the frame may come
 * from a packet socket. 0 if there is no whole Ethernet header.
 */
static __always_inline __be16 ethertype(const struct sk_buff *skb, bool egress)
{
	const __be16 *type;
	__be16 _type;

	if (!egress)
		return skb->protocol;
	if (likely(skb_headlen(skb) >= ETH_HLEN))
		return ((const struct ethhdr *)skb->data)->h_proto;
	type = skb_header_pointer(skb, offsetof(struct ethhdr, h_proto), sizeof(_type), &_type);
	return type ? *type : 0;
}

/*
 * Headers may lie in memory that the sender can still write to (vhost-net's experimental_zcopytx),
 * and be others once they have been judged: such packets are copied, as a tap does with what it is
 * given to send. What the quick way reads was copied already.
 */
static enum vfw_drop_reason parse(const struct vfw_port *port, struct sk_buff *skb, bool egress,
				  struct vfw_packet *pkt)
{
	if (unlikely(skb_orphan_frags_rx(skb, GFP_ATOMIC))) {
		memset(pkt, 0, sizeof(*pkt));
		return VFW_DROP_REASON_NO_MEMORY;
	}
	return vfw_packet_parse(skb, network_header(egress), ethertype(skb, egress),
				port_direction(port, egress), READ_ONCE(port->trunk), pkt);
}

/* What the quick way leaves alone: it takes no packet with a tag. */
static void plain_untagged(struct vfw_packet *pkt)
{
	memset(pkt->key.tags, 0, sizeof(pkt->key.tags));
	pkt->n_vlans = 0;
}

/* The first fragment, for which others have waited: it goes on before them. */
static unsigned int lead(struct vfw_port *port, struct sk_buff *skb, bool egress,
			 enum vfw_direction dir)
{
	skb = vfw_stolen_own(skb);
	if (!skb) {
		vfw_vm_count_drop(port->vm, VFW_DROP_REASON_NO_MEMORY, dir);
		return NF_STOLEN;
	}
	memset(skb->cb, 0, sizeof(skb->cb));
	vfw_resume_packet(port, skb, egress, dir);
	return NF_STOLEN;
}

/* @reason: why the fragment cannot be read, if so. */
static noinline unsigned int judge_fragment(struct vfw_port *port, struct net_device *dev,
					    struct sk_buff *skb, bool egress,
					    const struct vfw_packet *pkt,
					    enum vfw_drop_reason reason)
{
	struct vfw_fragment_outcome outcome;
	unsigned int verdict;

	vfw_fragment_judge(port, skb, egress, pkt, reason, &outcome);
	if (outcome.waits) {
		verdict = NF_STOLEN;
	} else if (outcome.judgement.reason) {
		if (outcome.judgement.reject)
			vfw_reject(dev, skb, egress, pkt);
		verdict = vfw_drop(port->vm, skb, outcome.judgement.reason, pkt->dir);
	} else {
		verdict = skb_queue_empty(&outcome.follow) ? NF_ACCEPT :
							     lead(port, skb, egress, pkt->dir);
	}
	vfw_fragment_finish(port->vm, &outcome);
	return verdict;
}

/* The long way. @parsed: @pkt is filled in. */
static noinline unsigned int judge(struct vfw_port *port, struct net_device *dev,
				   struct sk_buff *skb, bool egress, struct vfw_packet *pkt,
				   bool parsed)
{
	enum vfw_direction dir = port_direction(port, egress);
	struct vfw_judgement judgement = {};

	if (parsed) {
		plain_untagged(pkt);
	} else {
		judgement.reason = parse(port, skb, egress, pkt);
		if (unlikely(pkt->piece.present))
			return judge_fragment(port, dev, skb, egress, pkt, judgement.reason);
	}
	if (likely(!judgement.reason))
		judgement = vfw_track_packet(port->vm, pkt);
	if (likely(!judgement.reason))
		return NF_ACCEPT;
	if (judgement.reject)
		vfw_reject(dev, skb, egress, pkt);
	return vfw_drop(port->vm, skb, judgement.reason, dir);
}

/* The quick way, and the long one for what that does not take. */
static __always_inline unsigned int judge_quick(struct vfw_port *port, struct net_device *dev,
						struct sk_buff *skb, bool egress)
{
	enum vfw_direction dir = port_direction(port, egress);
	struct vfw_packet pkt __uninitialized;
	bool plain;

	plain = likely(ethertype(skb, egress) == htons(ETH_P_IP)) &&
		vfw_packet_plain(skb, network_header(egress), dir, &pkt);
	if (likely(plain) && likely(vfw_track_plain(port->vm, &pkt)))
		return NF_ACCEPT;
	return judge(port, dev, skb, egress, &pkt, plain);
}

/**
 * vfw_hook_judge() - judge a packet by the state the VM has, whatever hold there is
 * @port: the port it was met at
 * @dev: the port's netdev
 * @skb: the packet, as the hook got it
 * @egress: it was met on egress, else on ingress
 *
 * Context: BH off, RCU.
 * Return: NF_ACCEPT, or NF_STOLEN when the packet is gone: dropped (and counted), or a fragment
 * that waits, or that went on before others.
 */
unsigned int vfw_hook_judge(struct vfw_port *port, struct net_device *dev, struct sk_buff *skb,
			    bool egress)
{
	struct vfw_packet pkt __uninitialized;

	return judge(port, dev, skb, egress, &pkt, false);
}

/* A VM that is not active: frozen, or waiting for its state. */
static unsigned int judge_inactive(struct vfw_port *port, struct sk_buff *skb, bool egress,
				   u8 state)
{
	enum vfw_direction dir = port_direction(port, egress);
	struct vfw_packet pkt;

	if (state == VFW_VM_STATE_FROZEN)
		return vfw_drop(port->vm, skb, VFW_DROP_REASON_FROZEN, dir);
	/* QEMU tells the network where the VM is now before it lets it run. */
	if (dir == VFW_DIRECTION_OUT && !parse(port, skb, egress, &pkt) && pkt.announce) {
		vfw_track_count_lone(port->vm, &pkt);
		return NF_ACCEPT;
	}
	return vfw_hold_packet(port->vm, port, skb, egress, dir);
}

/* BH off, RCU. */
static __always_inline unsigned int hook(struct vfw_port *port, struct sk_buff *skb, bool egress)
{
	/* Pairs with the release in vfw_vm_thaw() and vfw_hold_release(). */
	u8 state = smp_load_acquire(&port->vm->state);

	/* Of a VM that was quiet for a while they come from afar; the packet is read meanwhile. */
	prefetch(rcu_access_pointer(port->vm->policy));
	prefetch(rcu_access_pointer(port->vm->flows));
	if (unlikely(state != VFW_VM_STATE_ACTIVE))
		return judge_inactive(port, skb, egress, state);
	return judge_quick(port, skb->dev, skb, egress);
}

/**
 * vfw_hook_ingress() - the netfilter hook for what a port receives
 * @priv: struct vfw_port
 * @skb: the packet; skb->data is at the network header
 * @state: hook state
 *
 * Context: softirq, RCU.
 */
unsigned int vfw_hook_ingress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return hook(priv, skb, false);
}

/**
 * vfw_hook_egress() - the netfilter hook for what a port sends
 * @priv: struct vfw_port
 * @skb: the packet; skb->data is at the Ethernet header
 * @state: hook state
 *
 * Context: RCU. BH is off but for packet sockets that bypass the queueing discipline
 * (PACKET_QDISC_BYPASS), and must be for the locks of flows.
 */
unsigned int vfw_hook_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	bool bh_on = unlikely(!softirq_count());
	unsigned int verdict;

	if (bh_on)
		local_bh_disable();
	verdict = hook(priv, skb, true);
	if (bh_on)
		local_bh_enable();
	return verdict;
}
