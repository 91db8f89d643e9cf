// SPDX-License-Identifier: GPL-2.0
/*
 * From a frame at the port to what is judged: the flow's key, and what tracking needs.
 *
 * Whatever is read comes from an enemy: every length is checked against the bytes there are
 * and against the length of what encloses it, and what does not add up is dropped with a
 * reason. Nothing is taken from the skb's own header offsets or lengths but how many bytes
 * there are: the frame may carry padding, and on egress may come from a packet socket.
 */
#include "main.h"

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/tcp.h>
#include <uapi/linux/vfw_state.h>
#include "icmp.h"
#include "ip.h"
#include "packet.h"
#include "packet_plain.h"
#include "sctp.h"
#include "vlan.h"

#define TCP_OPTIONS_MAX	(15 * 4 - sizeof(struct tcphdr))

/* A Request and its bytes, with the service code (RFC 4340, 5.1 and 5.2). */
#define DCCP_REQUEST		0
#define DCCP_REQUEST_BYTES	20

/* ARP for IPv4 over Ethernet (RFC 826). */
struct arp_ipv4 {
	struct arphdr header;
	u8 sender_mac[ETH_ALEN];
	__be32 sender_ip;
	u8 target_mac[ETH_ALEN];
	__be32 target_ip;
} __packed;

/*
 * An announcement tells the link where an address is now: sender and target are the same
 * (RFC 5227, 3), or it is a reply to everybody. RARP requests serve hypervisors for it.
 */
static bool is_announcement(const struct arp_ipv4 *arp)
{
	switch (ntohs(arp->header.ar_op)) {
	case ARPOP_REQUEST:
		return arp->sender_ip && arp->sender_ip == arp->target_ip;
	case ARPOP_REPLY:
		return (arp->sender_ip && arp->sender_ip == arp->target_ip) ||
		       is_broadcast_ether_addr(arp->target_mac);
	default:
		return true;
	}
}

static bool arp_op_valid(u16 op, bool reverse)
{
	if (reverse)
		return op == ARPOP_RREQUEST || op == ARPOP_RREPLY;
	return op == ARPOP_REQUEST || op == ARPOP_REPLY;
}

static enum vfw_drop_reason parse_arp(const struct sk_buff *skb, bool reverse,
				      struct vfw_packet *pkt)
{
	const struct arp_ipv4 *arp;
	struct arp_ipv4 _arp;

	arp = skb_header_pointer(skb, pkt->nhoff, sizeof(_arp), &_arp);
	if (!arp || arp->header.ar_hrd != htons(ARPHRD_ETHER) ||
	    arp->header.ar_pro != htons(ETH_P_IP) || arp->header.ar_hln != ETH_ALEN ||
	    arp->header.ar_pln != sizeof(arp->sender_ip) ||
	    !arp_op_valid(ntohs(arp->header.ar_op), reverse))
		return VFW_DROP_REASON_ARP;
	pkt->kind = VFW_PACKET_NEIGHBOUR;
	pkt->announce = is_announcement(arp);
	pkt->length = skb->len;
	return VFW_DROP_REASON_NONE;
}

/**
 * vfw_packet_has_ports() - does a protocol's header begin with two ports?
 * @protocol: IP protocol
 *
 * Context: any.
 */
bool vfw_packet_has_ports(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	}
	return false;
}

/**
 * vfw_packet_ports() - read the two ports that a transport header begins with
 * @skb: the packet; not modified
 * @off: where the transport header begins, from skb->data
 * @dir: direction in which the packet goes
 * @key: its ports are filled in
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE, or L4_HEADER when the packet ends before them.
 */
enum vfw_drop_reason vfw_packet_ports(const struct sk_buff *skb, int off, enum vfw_direction dir,
				      struct vfw_key *key)
{
	const __be16 *ports;
	__be16 _ports[2];

	ports = skb_header_pointer(skb, off, sizeof(_ports), &_ports);
	if (!ports)
		return VFW_DROP_REASON_L4_HEADER;
	vfw_packet_set_ports(key, dir, ports[0], ports[1]);
	return VFW_DROP_REASON_NONE;
}

/* Blocks say what arrived out of order, each by its two edges (RFC 2018, 3). */
static bool sack_option(const u8 *option, u8 size, struct vfw_segment *seg)
{
	u8 at;

	size -= TCPOLEN_SACK_BASE;
	if (!size || size % TCPOLEN_SACK_PERBLOCK)
		return false;
	for (at = TCPOLEN_SACK_BASE; size; size -= TCPOLEN_SACK_PERBLOCK) {
		u32 right = get_unaligned_be32(option + at + 4);

		if ((s32)(right - seg->sack) > 0)
			seg->sack = right;
		at += TCPOLEN_SACK_PERBLOCK;
	}
	return true;
}

/* One option that has a size, all of which is there. False when the size is wrong for it. */
static bool tcp_option(const u8 *option, u8 size, struct vfw_segment *seg)
{
	bool syn = seg->flags & VFW_TCPHDR_SYN;

	switch (option[0]) {
	case TCPOPT_WINDOW:
		if (size != TCPOLEN_WINDOW)
			return false;
		if (syn) {
			seg->scale = min_t(u8, option[2], TCP_MAX_WSCALE);
			seg->options |= VFW_TCP_WINDOW_SCALE;
		}
		return true;
	case TCPOPT_SACK_PERM:
		if (size != TCPOLEN_SACK_PERM)
			return false;
		if (syn)
			seg->options |= VFW_TCP_SACK;
		return true;
	case TCPOPT_SACK:
		return syn || sack_option(option, size, seg);
	default:
		return true;
	}
}

static bool tcp_options(const u8 *option, int left, struct vfw_segment *seg)
{
	while (left > 0) {
		u8 size = 1;

		if (option[0] == TCPOPT_EOL)
			return true;
		if (option[0] != TCPOPT_NOP) {
			if (left < 2 || option[1] < 2 || option[1] > left)
				return false;
			size = option[1];
			if (!tcp_option(option, size, seg))
				return false;
		}
		option += size;
		left -= size;
	}
	return true;
}

static enum vfw_drop_reason parse_tcp(const struct sk_buff *skb, const struct vfw_ip *ip,
				      struct vfw_packet *pkt)
{
	struct vfw_segment *seg = &pkt->tcp;
	u8 _options[TCP_OPTIONS_MAX];
	const struct tcphdr *th;
	const u8 *options;
	struct tcphdr _th;
	u32 header;

	th = skb_header_pointer(skb, ip->l4off, sizeof(_th), &_th);
	if (!th || ip->l4len < sizeof(_th))
		return VFW_DROP_REASON_L4_HEADER;
	header = th->doff * 4;
	if (header < sizeof(_th) || header > ip->l4len)
		return VFW_DROP_REASON_L4_HEADER;
	seg->flags = ((const u8 *)th)[VFW_TCP_FLAGS_BYTE];
	if (!vfw_tcp_flags_valid(seg->flags))
		return VFW_DROP_REASON_TCP_FLAGS;
	vfw_packet_set_ports(&pkt->key, pkt->dir, th->source, th->dest);
	seg->seq = ntohl(th->seq);
	seg->ack = ntohl(th->ack_seq);
	seg->sack = seg->ack;
	seg->window = ntohs(th->window);
	seg->length = ip->l4len - header;
	header -= sizeof(_th);
	if (!header)
		return VFW_DROP_REASON_NONE;
	options = skb_header_pointer(skb, ip->l4off + sizeof(_th), header, _options);
	if (!options)
		return VFW_DROP_REASON_L4_HEADER;
	if (vfw_tcp_only_timestamp(options, header) || tcp_options(options, header, seg))
		return VFW_DROP_REASON_NONE;
	return VFW_DROP_REASON_L4_HEADER;
}

/*
 * The length may be 0 only where it cannot be told: longer than 65535 bytes (RFC 2675, 4). Of a
 * fragment it is that of the datagram, which is held against what comes.
 */
static enum vfw_drop_reason parse_udp(const struct sk_buff *skb, const struct vfw_ip *ip,
				      struct vfw_packet *pkt)
{
	u32 most = ip->piece.present ? U16_MAX : ip->l4len;
	const struct udphdr *uh;
	struct udphdr _uh;
	u16 length;

	uh = skb_header_pointer(skb, ip->l4off, sizeof(_uh), &_uh);
	if (!uh || ip->l4len < sizeof(_uh))
		return VFW_DROP_REASON_L4_HEADER;
	length = ntohs(uh->len);
	if (length > most || (length < sizeof(_uh) && (length || ip->l4len <= U16_MAX)))
		return VFW_DROP_REASON_L4_HEADER;
	vfw_packet_set_ports(&pkt->key, pkt->dir, uh->source, uh->dest);
	if (unlikely(ip->piece.present))
		pkt->piece.need = min(length + (ip->l4off - ip->cutoff), U16_MAX);
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason parse_sctp(const struct sk_buff *skb, const struct vfw_ip *ip,
				       struct vfw_packet *pkt)
{
	return vfw_packet_ports(skb, ip->l4off, pkt->dir, &pkt->key) ?:
	       vfw_sctp_parse(skb, ip->l4off, ip->l4len, ip->piece.present,
			      &pkt->sctp);
}

/* Its header is as long as UDP's (RFC 3828, 3.1); the coverage is the ends' affair. */
static enum vfw_drop_reason parse_udplite(const struct sk_buff *skb, const struct vfw_ip *ip,
					  struct vfw_packet *pkt)
{
	if (ip->l4len < sizeof(struct udphdr))
		return VFW_DROP_REASON_L4_HEADER;
	return vfw_packet_ports(skb, ip->l4off, pkt->dir, &pkt->key);
}

/* Bits 1 to 4 of the ninth byte are the type, bit 0 says that numbers are long (RFC 4340, 5.1). */
static enum vfw_drop_reason parse_dccp(const struct sk_buff *skb, const struct vfw_ip *ip,
				       struct vfw_packet *pkt)
{
	const u8 *head;
	u8 _head[12];
	u32 size;

	head = skb_header_pointer(skb, ip->l4off, sizeof(_head), _head);
	if (!head || ip->l4len < sizeof(_head))
		return VFW_DROP_REASON_L4_HEADER;
	pkt->dccp_request = (head[8] >> 1 & 0xf) == DCCP_REQUEST;
	size = pkt->dccp_request ? DCCP_REQUEST_BYTES : head[8] & 1 ? 16 : 12;
	if (ip->l4len < size || head[4] * 4 < size || head[4] * 4 > ip->l4len ||
	    (pkt->dccp_request && !(head[8] & 1)))
		return VFW_DROP_REASON_L4_HEADER;
	return vfw_packet_ports(skb, ip->l4off, pkt->dir, &pkt->key);
}

static enum vfw_drop_reason parse_transport(const struct sk_buff *skb, const struct vfw_ip *ip,
					    struct vfw_packet *pkt)
{
	switch (ip->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(skb, ip, pkt);
	case IPPROTO_UDP:
		return parse_udp(skb, ip, pkt);
	case IPPROTO_ICMP: /* in the other family it means nothing */
		return ip->family == VFW_FAMILY_IPV4 ? vfw_icmp_parse(skb, ip, pkt) :
						       VFW_DROP_REASON_ICMP_TYPE;
	case IPPROTO_ICMPV6:
		return ip->family == VFW_FAMILY_IPV6 ? vfw_icmp_parse(skb, ip, pkt) :
						       VFW_DROP_REASON_ICMP_TYPE;
	case IPPROTO_SCTP:
		return parse_sctp(skb, ip, pkt);
	case IPPROTO_UDPLITE:
		return parse_udplite(skb, ip, pkt);
	case IPPROTO_DCCP:
		return parse_dccp(skb, ip, pkt);
	default:
		return VFW_DROP_REASON_NONE;
	}
}

/* gso_segs is a guest's affair, and may not be filled in yet. */
static u32 count_segments(const struct sk_buff *skb, const struct vfw_ip *ip,
			  const struct vfw_packet *pkt)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	u32 payload = ip->l4len;

	if (likely(!skb_is_gso(skb)))
		return 1;
	if (info->gso_segs)
		return info->gso_segs;
	if (info->gso_size == GSO_BY_FRAGS)
		return vfw_sctp_segments(skb);
	if (ip->protocol == IPPROTO_TCP)
		payload = pkt->tcp.length;
	else if (ip->protocol == IPPROTO_UDP)
		payload -= sizeof(struct udphdr);
	return max_t(u32, DIV_ROUND_UP(payload, info->gso_size), 1);
}

/*
 * The first fragment is parsed as any packet, and has to have the transport header whole. Neighbour
 * discovery is never cut (RFC 6980, 5).
 */
static enum vfw_drop_reason parse_fragment(const struct sk_buff *skb, const struct vfw_ip *ip,
					   struct vfw_packet *pkt)
{
	enum vfw_drop_reason reason;

	pkt->piece = ip->piece;
	pkt->piece.local = pkt->key.local;
	pkt->piece.remote = pkt->key.remote;
	pkt->kind = VFW_PACKET_LATER;
	if (ip->piece.offset)
		return VFW_DROP_REASON_NONE;
	pkt->kind = VFW_PACKET_FLOW;
	reason = parse_transport(skb, ip, pkt);
	if (reason == VFW_DROP_REASON_L4_HEADER || pkt->kind == VFW_PACKET_NEIGHBOUR)
		return VFW_DROP_REASON_FRAGMENT;
	return reason;
}

static enum vfw_drop_reason parse_ip(const struct sk_buff *skb, enum vfw_family family,
				     struct vfw_packet *pkt)
{
	enum vfw_drop_reason reason;
	struct vfw_ip ip;

	reason = vfw_ip_parse(skb, pkt->nhoff, family, &ip);
	if (unlikely(reason))
		return reason;
	pkt->length = ip.length;
	pkt->l4off = ip.l4off;
	vfw_ip_key(&ip, pkt->dir, &pkt->key);
	if (unlikely(ip.piece.present))
		return parse_fragment(skb, &ip, pkt);
	reason = parse_transport(skb, &ip, pkt);
	if (unlikely(ip.atomic && pkt->kind == VFW_PACKET_NEIGHBOUR))
		return VFW_DROP_REASON_FRAGMENT;
	if (likely(!reason))
		pkt->segments = count_segments(skb, &ip, pkt);
	return reason;
}

/**
 * vfw_packet_parse() - parse a packet met at a port
 * @skb: the packet; not modified, and may be nonlinear
 * @nhoff: where the network header begins, from skb->data
 * @ethertype: of the frame, network order
 * @dir: direction in which the packet goes, in or out
 * @trunk: VLAN tags may be there
 * @pkt: filled in, and zero in all that does not apply
 *
 * Lengths come from the IP headers: what a frame has beyond them is padding, and a frame that
 * has less is dropped. A frame without an IP header is as long as the skb from its own header on.
 *
 * Context: any; reads nothing but @skb.
 * Return: VFW_DROP_REASON_NONE, or why the packet is to be dropped; @pkt then tells @dir,
 * @length where an IP header gave it, @piece where it got that far, and nothing else to rely on.
 */
enum vfw_drop_reason vfw_packet_parse(const struct sk_buff *skb, int nhoff, __be16 ethertype,
				      enum vfw_direction dir, bool trunk, struct vfw_packet *pkt)
{
	memset(pkt, 0, sizeof(*pkt));
	pkt->dir = dir;
	pkt->nhoff = nhoff;
	pkt->segments = 1;
	if (unlikely(skb_vlan_tag_present(skb) || vfw_vlan_type(ethertype))) {
		if (!trunk || vfw_vlan_parse(skb, &ethertype, pkt))
			return VFW_DROP_REASON_VLAN;
	}
	switch (ethertype) {
	case htons(ETH_P_IP):
		return parse_ip(skb, VFW_FAMILY_IPV4, pkt);
	case htons(ETH_P_IPV6):
		return parse_ip(skb, VFW_FAMILY_IPV6, pkt);
	case htons(ETH_P_ARP):
		return parse_arp(skb, false, pkt);
	case htons(ETH_P_RARP):
		return parse_arp(skb, true, pkt);
	default:
		return VFW_DROP_REASON_ETHERTYPE;
	}
}
EXPORT_SYMBOL_VFW_TEST(vfw_packet_parse);
