// SPDX-License-Identifier: GPL-2.0
#include "main.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include "icmp.h"
#include "sctp.h"

/* Bytes that all messages begin with; and what a quotation must have of a transport header. */
#define ICMP_HEADER	8

/* A neighbour advertisement that nobody asked for has this flag clear (RFC 4861, 4.4). */
#define NA_SOLICITED	0x40

/**
 * struct icmp_head - the first eight bytes of a message of either version
 * @type: type
 * @code: code
 * @checksum: not looked at
 * @id: of an echo, its identifier
 * @sequence: not looked at
 */
struct icmp_head {
	u8 type;
	u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

static_assert(sizeof(struct icmp_head) == ICMP_HEADER);

static bool is_icmp(const struct vfw_ip *ip)
{
	return ip->protocol == (ip->family == VFW_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool is_echo_request(enum vfw_family family, u8 type)
{
	return type == (family == VFW_FAMILY_IPV4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

static bool is_echo_reply(enum vfw_family family, u8 type)
{
	return type == (family == VFW_FAMILY_IPV4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);
}

/*
 * An ICMPv4 redirect is no error about a flow, although it quotes one: it asks for another
 * route, which rules may allow or not.
 */
static bool is_error(enum vfw_family family, u8 type)
{
	if (family == VFW_FAMILY_IPV6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

static bool is_discovery(enum vfw_family family, u8 type)
{
	return family == VFW_FAMILY_IPV6 && type >= NDISC_ROUTER_SOLICITATION &&
	       type <= NDISC_REDIRECT;
}

/* Bytes of a neighbour discovery message without its options (RFC 4861, 4.1 to 4.5). */
static u32 discovery_size(u8 type)
{
	switch (type) {
	case NDISC_ROUTER_SOLICITATION:
		return 8;
	case NDISC_ROUTER_ADVERTISEMENT:
		return 16;
	case NDISC_REDIRECT:
		return 40;
	default:
		return 24;
	}
}

/* A hop limit of 255 proves that no router forwarded it: it is of this link. */
static enum vfw_drop_reason parse_discovery(const struct icmp_head *head, const struct vfw_ip *ip,
					    struct vfw_packet *pkt)
{
	const u8 *flags = (const u8 *)&head->id;

	if (ip->hop_limit != 255 || head->code)
		return VFW_DROP_REASON_ICMP_TYPE;
	if (ip->l4len < discovery_size(head->type))
		return VFW_DROP_REASON_L4_HEADER;
	pkt->kind = VFW_PACKET_NEIGHBOUR;
	pkt->announce = head->type == NDISC_NEIGHBOUR_ADVERTISEMENT && !(*flags & NA_SOLICITED);
	return VFW_DROP_REASON_NONE;
}

/*
 * Neighbour discovery needs its multicast groups, and a switch that snoops passes them only where
 * it saw a report (RFC 4861, 7.2.1; RFC 3810): what may not leave the link passes with it.
 */
static bool is_membership(const struct icmp_head *head, const struct vfw_ip *ip)
{
	if (ip->family != VFW_FAMILY_IPV6 || ip->hop_limit != 1 || head->code)
		return false;
	return (head->type >= ICMPV6_MGM_QUERY && head->type <= ICMPV6_MGM_REDUCTION) ||
	       head->type == ICMPV6_MLD2_REPORT;
}

static bool addr_equal(enum vfw_family family, const union vfw_addr *a, const union vfw_addr *b)
{
	if (family == VFW_FAMILY_IPV4)
		return a->v4 == b->v4;
	return ipv6_addr_equal(&a->v6, &b->v6);
}

/* The identifier of a quoted echo, and who asked. No other ICMP message has a flow. */
static bool quoted_echo(const struct sk_buff *skb, const struct vfw_ip *inner,
			struct vfw_packet *pkt)
{
	const struct icmp_head *head;
	struct icmp_head _head;

	head = skb_header_pointer(skb, inner->l4off, sizeof(_head), &_head);
	if (!head || inner->l4len < sizeof(_head))
		return false;
	pkt->key.local_port = head->id;
	pkt->icmp_reply = is_echo_reply(inner->family, head->type);
	return pkt->icmp_reply || is_echo_request(inner->family, head->type);
}

/* Routers need not quote more than the eight bytes that hold ports and sequence number. */
static bool quoted_ports(const struct sk_buff *skb, const struct vfw_ip *inner,
			 struct vfw_packet *pkt)
{
	const __be32 *seq;
	__be32 _seq;

	if (inner->l4len < ICMP_HEADER ||
	    vfw_packet_ports(skb, inner->l4off, pkt->quoted_dir, &pkt->key))
		return false;
	if (inner->protocol == IPPROTO_SCTP)
		return vfw_sctp_parse_quoted(skb, inner->l4off, inner->l4len, &pkt->sctp);
	if (inner->protocol != IPPROTO_TCP)
		return true;
	seq = skb_header_pointer(skb, inner->l4off + 4, sizeof(_seq), &_seq);
	if (!seq)
		return false;
	pkt->quoted_seq = ntohl(*seq);
	return true;
}

static bool parse_quoted(const struct sk_buff *skb, const struct vfw_ip *inner,
			 struct vfw_packet *pkt)
{
	if (is_icmp(inner))
		return quoted_echo(skb, inner, pkt);
	return !vfw_packet_has_ports(inner->protocol) || quoted_ports(skb, inner, pkt);
}

/*
 * An error goes back to whoever sent the packet it quotes. One whose quotation was sent by
 * somebody else was not made in answer to it (RFC 5927, 4.1).
 */
static enum vfw_drop_reason parse_error(const struct sk_buff *skb, const struct vfw_ip *ip,
					struct vfw_packet *pkt)
{
	struct vfw_ip inner = {};

	if (vfw_ip_parse_quoted(skb, ip->l4off + ICMP_HEADER, ip->l4len - ICMP_HEADER,
				ip->family, &inner) ||
	    !addr_equal(ip->family, &inner.src, &ip->dst))
		return VFW_DROP_REASON_ICMP_ERROR;
	pkt->kind = VFW_PACKET_ICMP_ERROR;
	pkt->quoted_dir = pkt->dir == VFW_DIRECTION_OUT ? VFW_DIRECTION_IN : VFW_DIRECTION_OUT;
	vfw_ip_key(&inner, pkt->quoted_dir, &pkt->key);
	if (!parse_quoted(skb, &inner, pkt))
		return VFW_DROP_REASON_ICMP_ERROR;
	return VFW_DROP_REASON_NONE;
}

/**
 * vfw_icmp_parse() - parse a message of ICMP or ICMPv6
 * @skb: the packet; not modified
 * @ip: its IP header, parsed; protocol and family belong together
 * @pkt: its key has addresses, protocol and family, and @dir is set; kind, type, code, and what
 *	goes with the kind are filled in
 *
 * Echo messages are keyed by their identifier; errors by the packet they quote (RFC 5927);
 * neighbour discovery and what it needs are told from the rest and checked (RFC 4861).
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE, or L4_HEADER, ICMP_TYPE or ICMP_ERROR.
 */
enum vfw_drop_reason vfw_icmp_parse(const struct sk_buff *skb, const struct vfw_ip *ip,
				    struct vfw_packet *pkt)
{
	const struct icmp_head *head;
	struct icmp_head _head;

	head = skb_header_pointer(skb, ip->l4off, sizeof(_head), &_head);
	if (!head || ip->l4len < sizeof(_head))
		return VFW_DROP_REASON_L4_HEADER;
	pkt->icmp_type = head->type;
	pkt->icmp_code = head->code;
	pkt->icmp_reply = is_echo_reply(ip->family, head->type);
	if (pkt->icmp_reply || is_echo_request(ip->family, head->type)) {
		pkt->key.local_port = head->id;
		return VFW_DROP_REASON_NONE;
	}
	if (is_error(ip->family, head->type))
		return parse_error(skb, ip, pkt);
	if (is_discovery(ip->family, head->type))
		return parse_discovery(head, ip, pkt);
	pkt->kind = is_membership(head, ip) ? VFW_PACKET_NEIGHBOUR : VFW_PACKET_ICMP_OTHER;
	return VFW_DROP_REASON_NONE;
}
