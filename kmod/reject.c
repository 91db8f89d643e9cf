// SPDX-License-Identifier: GPL-2.0
/*
 * Answers to packets that a rule rejects: TCP RST, ICMP or ICMPv6 unreachable.
 *
 * The kernel builds them (nf_reject), as it does for nftables. They go back the way the packet
 * came: a packet met on ingress is answered by sending on the port, a packet met on egress by
 * receiving on the port, so that the answer takes the road a packet of the VM would take.
 */

#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>

#include "main.h"
#include "packet.h"
#include "reject.h"
#include "vlan.h"

static struct sk_buff *build_answer(struct net_device *dev, struct sk_buff *skb,
				    const struct vfw_packet *pkt)
{
	bool tcp = pkt->key.protocol == IPPROTO_TCP && pkt->kind == VFW_PACKET_FLOW;
	struct net *net = dev_net(dev);

	/* The hook number only says whether a checksum is to be verified: as on ingress, it is. */
	if (pkt->key.family == VFW_FAMILY_IPV4)
		return tcp ? nf_reject_skb_v4_tcp_reset(net, skb, dev, NF_NETDEV_INGRESS) :
			     nf_reject_skb_v4_unreach(net, skb, dev, NF_NETDEV_INGRESS,
						      ICMP_PKT_FILTERED);
	return tcp ? nf_reject_skb_v6_tcp_reset(net, skb, dev, NF_NETDEV_INGRESS) :
		     nf_reject_skb_v6_unreach(net, skb, dev, NF_NETDEV_INGRESS,
					      ICMPV6_ADM_PROHIBITED);
}

/*
 * With the tags of what it answers; all inline, whatever the netdev may take besides the frame. The
 * stack sorts that out on both ways.
 */
static bool put_header(struct net_device *dev, struct sk_buff *answer, const struct ethhdr *eth,
		       const struct vfw_packet *pkt)
{
	__be16 type = pkt->key.family == VFW_FAMILY_IPV4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);

	if (skb_cow_head(answer, LL_RESERVED_SPACE(dev) + pkt->n_vlans * VLAN_HLEN))
		return false;
	type = vfw_vlan_push(answer, pkt, type);
	answer->protocol = type;
	return dev_hard_header(answer, dev, ntohs(type), eth->h_source, eth->h_dest,
			       answer->len) >= 0;
}

/* The answer is the firewall's own, and is not judged: it must not meet our hook again. */
static void send_answer(struct net_device *dev, struct sk_buff *answer, bool egress)
{
	if (egress) {
		answer->tc_skip_classify = 1;
		answer->protocol = eth_type_trans(answer, dev);
		netif_rx(answer);
	} else {
		answer->nf_skip_egress = 1;
		dev_queue_xmit(answer);
	}
}

/**
 * vfw_reject() - answer a packet that is rejected
 * @dev: the port's netdev
 * @skb: the packet, as the hook got it; stays the caller's
 * @egress: it was met on egress, else on ingress
 * @pkt: the packet, parsed
 *
 * No answer goes to a group of receivers, nor to an ICMP error. Without memory there is no answer.
 *
 * Context: the hook; BH off.
 */
void vfw_reject(struct net_device *dev, struct sk_buff *skb, bool egress,
		const struct vfw_packet *pkt)
{
	const struct ethhdr *eth = eth_hdr(skb);
	struct sk_buff *copy, *answer;

	if (!skb_mac_header_was_set(skb) || is_multicast_ether_addr(eth->h_dest) ||
	    pkt->kind == VFW_PACKET_ICMP_ERROR || pkt->kind == VFW_PACKET_NEIGHBOUR)
		return;
	/* What is answered ends where its IP header says, or the numbers of a RST are wrong. */
	copy = skb_clone(skb, GFP_ATOMIC);
	if (!copy)
		return;
	if (!pskb_may_pull(copy, pkt->nhoff))
		goto out;
	skb_pull_rcsum(copy, pkt->nhoff);
	if (pskb_trim_rcsum(copy, pkt->length))
		goto out;
	skb_reset_network_header(copy);
	answer = build_answer(dev, copy, pkt);
	if (answer && put_header(dev, answer, eth, pkt))
		send_answer(dev, answer, egress);
	else
		kfree_skb(answer);
out:
	consume_skb(copy);
}
