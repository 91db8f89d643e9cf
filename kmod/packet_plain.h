/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_PACKET_PLAIN_H
#define _VFW_PACKET_PLAIN_H

#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/tcp.h>
#include "packet.h"

#define VFW_TCP_FLAGS_BYTE	13

static inline void vfw_packet_set_ports(struct vfw_key *key, enum vfw_direction dir,
					__be16 source, __be16 dest)
{
	key->local_port = dir == VFW_DIRECTION_OUT ? source : dest;
	key->remote_port = dir == VFW_DIRECTION_OUT ? dest : source;
}

/*
 * The combinations of flags that a segment may have, one bit each: what RFC 9293 knows. PSH
 * and the two of ECN go with any of them.
 */
#define VFW_TCP_FLAGS_LOOKED_AT	(VFW_TCPHDR_FIN | VFW_TCPHDR_SYN | VFW_TCPHDR_RST | \
				 VFW_TCPHDR_ACK | VFW_TCPHDR_URG)

static inline bool vfw_tcp_flags_valid(u8 flags)
{
	const u64 valid = BIT_ULL(VFW_TCPHDR_ACK) |
			  BIT_ULL(VFW_TCPHDR_ACK | VFW_TCPHDR_URG) |
			  BIT_ULL(VFW_TCPHDR_ACK | VFW_TCPHDR_FIN) |
			  BIT_ULL(VFW_TCPHDR_ACK | VFW_TCPHDR_FIN | VFW_TCPHDR_URG) |
			  BIT_ULL(VFW_TCPHDR_SYN) |
			  BIT_ULL(VFW_TCPHDR_SYN | VFW_TCPHDR_URG) |
			  BIT_ULL(VFW_TCPHDR_SYN | VFW_TCPHDR_ACK) |
			  BIT_ULL(VFW_TCPHDR_RST) |
			  BIT_ULL(VFW_TCPHDR_RST | VFW_TCPHDR_ACK);

	return valid & BIT_ULL(flags & VFW_TCP_FLAGS_LOOKED_AT);
}

/* A timestamp and nothing else, laid out as everybody does (RFC 7323, appendix A). */
static inline bool vfw_tcp_only_timestamp(const u8 *options, int size)
{
	const u32 head = TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 |
			 TCPOLEN_TIMESTAMP;

	return size == TCPOLEN_TSTAMP_ALIGNED && get_unaligned_be32(options) == head;
}

/* What the IPv4 header says of a plain packet. */
static __always_inline void vfw_plain_ip(struct vfw_packet *pkt, const struct iphdr *iph)
{
	const bool out = pkt->dir == VFW_DIRECTION_OUT;

	pkt->key.local.v4 = out ? iph->saddr : iph->daddr;
	pkt->key.remote.v4 = out ? iph->daddr : iph->saddr;
	pkt->key.protocol = iph->protocol;
	pkt->key.family = VFW_FAMILY_IPV4;
	pkt->length = ntohs(iph->tot_len);
	pkt->l4off = pkt->nhoff + sizeof(*iph);
}

static __always_inline bool vfw_plain_udp(const struct udphdr *uh, u32 l4len,
					  struct vfw_packet *pkt)
{
	u16 length = ntohs(uh->len);

	if (length < sizeof(*uh) || length > l4len)
		return false;
	vfw_packet_set_ports(&pkt->key, pkt->dir, uh->source, uh->dest);
	return true;
}

static __always_inline bool vfw_plain_tcp(const struct tcphdr *th, u32 l4len, u32 linear,
					  struct vfw_packet *pkt)
{
	u32 header = th->doff * 4;

	if (header > min(l4len, linear))
		return false;
	if (header != sizeof(*th) &&
	    (header < sizeof(*th) ||
	     !vfw_tcp_only_timestamp((const u8 *)(th + 1), header - sizeof(*th))))
		return false;
	pkt->tcp.flags = ((const u8 *)th)[VFW_TCP_FLAGS_BYTE];
	if (!vfw_tcp_flags_valid(pkt->tcp.flags))
		return false;
	vfw_packet_set_ports(&pkt->key, pkt->dir, th->source, th->dest);
	pkt->tcp.seq = ntohl(th->seq);
	pkt->tcp.ack = ntohl(th->ack_seq);
	pkt->tcp.sack = pkt->tcp.ack;
	pkt->tcp.window = ntohs(th->window);
	pkt->tcp.length = l4len - header;
	pkt->tcp.scale = 0;
	pkt->tcp.options = 0;
	return true;
}

/**
 * vfw_packet_plain() - the quick way to parse what nearly all packets are
 * @skb: the packet, of IPv4 by its ethertype; not modified
 * @nhoff: where the IP header begins, from skb->data
 * @dir: direction in which the packet goes, in or out
 * @pkt: filled in where true is returned, with what vfw_packet_parse() would have found; but of
 *	the addresses only the first words, @tcp only of TCP, and nothing of what is ICMP's, waits
 *	for the hash, or tells of VLAN tags: it has none
 *
 * A plain packet is IPv4 without options and VLAN tag, not fragmented, not GSO, its header of TCP
 * or UDP lies in one piece with that of IP, and of TCP's options it has no other than a
 * timestamp. Nothing is said of any other packet: false leaves it to vfw_packet_parse(), which
 * finds in a plain one just the same.
 *
 * Context: any; reads nothing but @skb.
 */
static __always_inline bool vfw_packet_plain(const struct sk_buff *skb, int nhoff,
					     enum vfw_direction dir, struct vfw_packet *pkt)
{
	const struct iphdr *iph = (const void *)skb->data + nhoff;
	int linear = (int)skb_headlen(skb) - nhoff - (int)sizeof(*iph);
	u32 length;

	if (linear < (int)sizeof(struct udphdr) || skb_is_gso(skb) ||
	    skb_vlan_tag_present(skb))
		return false;
	if (*(const u8 *)iph != 0x45 || iph->frag_off & htons(IP_OFFSET | IP_MF))
		return false;
	length = ntohs(iph->tot_len);
	if (length < sizeof(*iph) + sizeof(struct udphdr) || length > skb->len - nhoff)
		return false;
	pkt->kind = VFW_PACKET_FLOW;
	pkt->dir = dir;
	pkt->announce = false;
	pkt->icmp_reply = false;
	pkt->hashed = false;
	pkt->segments = 1;
	pkt->nhoff = nhoff;
	vfw_plain_ip(pkt, iph);
	length -= sizeof(*iph);
	if (iph->protocol == IPPROTO_UDP)
		return vfw_plain_udp((const void *)(iph + 1), length, pkt);
	return iph->protocol == IPPROTO_TCP && linear >= (int)sizeof(struct tcphdr) &&
	       vfw_plain_tcp((const void *)(iph + 1), length, linear, pkt);
}

#endif /* _VFW_PACKET_PLAIN_H */
