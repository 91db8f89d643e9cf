// SPDX-License-Identifier: GPL-2.0
#include "main.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "ip.h"

/* Extension headers that the kernel has no names for (RFC 7401, RFC 5533). */
#define NEXTHDR_HIP		139
#define NEXTHDR_SHIM6		140

/* How far the IPv6 extension headers are followed; honest packets need two or three. */
#define EXTENSIONS_MAX		8
#define EXTENSIONS_BYTES_MAX	256

/**
 * struct ip_bounds - within which bytes a header is looked for
 * @avail: bytes there are from the IP header on
 * @quoted: the packet is one quoted in an ICMP error, and may be cut off after its headers
 */
struct ip_bounds {
	u32 avail;
	bool quoted;
};

/*
 * The length the header gives, checked against the bytes there are, which may be more
 * (Ethernet padding) but, unless the packet is a quotation, never less. GSO packets too long
 * for the field give 0 (BIG TCP).
 */
static bool length_valid(const struct sk_buff *skb, const struct ip_bounds *bounds, u32 header,
			 bool given, u32 *length)
{
	if (!given) {
		if (bounds->quoted || !skb_is_gso(skb))
			return false;
		*length = bounds->avail;
	}
	/* Of a GSO packet there is no padding: all that is there will be sent. */
	if (!bounds->quoted && skb_is_gso(skb) && *length != bounds->avail)
		return false;
	return *length >= header && (bounds->quoted || *length <= bounds->avail);
}

/* What is cut by hardware later is whole now; a fragment of it would be cut twice. */
static bool may_be_fragment(const struct sk_buff *skb)
{
	return !skb_is_gso(skb);
}

/* The fields that both versions have, @offset being a multiple of 8. */
static void set_piece(struct vfw_ip *ip, u16 offset, bool more)
{
	ip->piece.present = true;
	ip->piece.offset = offset;
	ip->piece.more = more;
	ip->piece.length = ip->l4len;
	ip->piece.need = 0;
	ip->piece.protocol = 0;
	ip->cutoff = ip->l4off;
}

static enum vfw_drop_reason ip4_fragment(const struct sk_buff *skb, const struct iphdr *iph,
					 struct vfw_ip *ip)
{
	u16 frag = ntohs(iph->frag_off);

	if (!may_be_fragment(skb))
		return VFW_DROP_REASON_FRAGMENT;
	set_piece(ip, (frag & IP_OFFSET) << 3, frag & IP_MF);
	ip->piece.id = (__force __be32)iph->id;
	ip->piece.head = iph->ihl * 4;
	ip->piece.protocol = iph->protocol;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason ip4_parse(const struct sk_buff *skb, const struct ip_bounds *bounds,
				      struct vfw_ip *ip)
{
	const struct iphdr *iph;
	struct iphdr _iph;
	u32 header;
	u16 frag;

	iph = skb_header_pointer(skb, ip->nhoff, sizeof(_iph), &_iph);
	if (!iph || bounds->avail < sizeof(_iph) || iph->version != 4 || iph->ihl < 5)
		return VFW_DROP_REASON_IP_HEADER;
	header = iph->ihl * 4;
	ip->length = ntohs(iph->tot_len);
	if (header > bounds->avail ||
	    !length_valid(skb, bounds, header, iph->tot_len, &ip->length))
		return VFW_DROP_REASON_IP_HEADER;
	/* A quotation of a first fragment has the ports; any other fragment is of no use. */
	frag = ntohs(iph->frag_off);
	if (bounds->quoted && frag & IP_OFFSET)
		return VFW_DROP_REASON_FRAGMENT;
	ip->l4off = ip->nhoff + header;
	ip->l4len = (bounds->quoted ? bounds->avail : ip->length) - header;
	ip->protocol = iph->protocol;
	ip->hop_limit = iph->ttl;
	ip->src.v4 = iph->saddr;
	ip->dst.v4 = iph->daddr;
	if (unlikely(!bounds->quoted && frag & (IP_OFFSET | IP_MF)))
		return ip4_fragment(skb, iph, ip);
	return VFW_DROP_REASON_NONE;
}

/*
 * At most one (RFC 8200, 4.1). One that does not fragment (RFC 6946) is as good as none. It lies at
 * ip->l4off, with ip->l4len bytes from there on.
 */
static enum vfw_drop_reason fragment_header(const struct sk_buff *skb,
					    const struct ip_bounds *bounds, struct vfw_ip *ip)
{
	const struct frag_hdr *fh;
	struct frag_hdr _fh;
	u16 frag;

	fh = skb_header_pointer(skb, ip->l4off, sizeof(_fh), &_fh);
	if (!fh || ip->atomic || ip->piece.present)
		return VFW_DROP_REASON_IP_EXTENSION;
	frag = ntohs(fh->frag_off);
	ip->atomic = !(frag & (bounds->quoted ? IP6_OFFSET : IP6_OFFSET | IP6_MF));
	if (ip->atomic)
		return VFW_DROP_REASON_NONE;
	if (bounds->quoted || !may_be_fragment(skb))
		return VFW_DROP_REASON_FRAGMENT;
	set_piece(ip, frag & IP6_OFFSET, frag & IP6_MF);
	ip->piece.id = fh->identification;
	ip->piece.head = ip->l4off - ip->nhoff - sizeof(struct ipv6hdr);
	ip->piece.length -= sizeof(*fh);
	ip->cutoff += sizeof(*fh);
	return VFW_DROP_REASON_NONE;
}

/* Type 0 makes a packet wander at the sender's wish; nobody honours it (RFC 5095). */
static bool routing_header_valid(const struct sk_buff *skb, int off)
{
	const struct ipv6_rt_hdr *rh;
	struct ipv6_rt_hdr _rh;

	rh = skb_header_pointer(skb, off, sizeof(_rh), &_rh);
	return rh && (rh->type || !rh->segments_left);
}

/* All that IANA lists as extension headers but ESP, behind which nothing can be read. */
static bool is_extension(u8 protocol)
{
	switch (protocol) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_FRAGMENT:
	case NEXTHDR_AUTH:
	case NEXTHDR_DEST:
	case NEXTHDR_MOBILITY:
	case NEXTHDR_HIP:
	case NEXTHDR_SHIM6:
		return true;
	}
	return false;
}

/*
 * Headers that are messages of their own where nothing follows them, as it mostly is (RFC 6275,
 * 6.1.1; RFC 7401, 5.1; RFC 5533, 5.3): rules know them by their number then.
 */
static bool is_message(u8 protocol, const struct ipv6_opt_hdr *eh)
{
	if (eh->nexthdr != NEXTHDR_NONE)
		return false;
	return protocol == NEXTHDR_MOBILITY || protocol == NEXTHDR_HIP ||
	       protocol == NEXTHDR_SHIM6;
}

/* The first fragment has all headers (RFC 7112): one that ends among them is cut too short. */
static enum vfw_drop_reason ends_early(const struct vfw_ip *ip)
{
	return ip->piece.present ? VFW_DROP_REASON_FRAGMENT : VFW_DROP_REASON_IP_EXTENSION;
}

/* Bytes of an extension header; 0 for a length it cannot have. */
static u32 extension_size(u8 protocol, const struct ipv6_opt_hdr *eh)
{
	switch (protocol) {
	case NEXTHDR_FRAGMENT:
		return sizeof(struct frag_hdr);
	case NEXTHDR_AUTH: /* twelve bytes before what it proves by (RFC 4302, 2) */
		return ipv6_authlen(eh) < 12 ? 0 : ipv6_authlen(eh);
	default:
		return ipv6_optlen(eh);
	}
}

/*
 * Go past one extension header, of type ip->protocol at ip->l4off. Hop-by-hop options come
 * first or not at all (RFC 8200, 4.1). @last: it is what the packet carries, and was not passed.
 */
static enum vfw_drop_reason skip_extension(const struct sk_buff *skb,
					   const struct ip_bounds *bounds, struct vfw_ip *ip,
					   bool *last)
{
	const struct ipv6_opt_hdr *eh;
	enum vfw_drop_reason reason;
	struct ipv6_opt_hdr _eh;
	u32 size;

	eh = skb_header_pointer(skb, ip->l4off, sizeof(_eh), &_eh);
	if (!eh || ip->l4len < sizeof(_eh))
		return ends_early(ip);
	size = extension_size(ip->protocol, eh);
	if (!size)
		return VFW_DROP_REASON_IP_EXTENSION;
	if (size > ip->l4len)
		return ends_early(ip);
	*last = is_message(ip->protocol, eh);
	if (*last)
		return VFW_DROP_REASON_NONE;
	if (ip->protocol == NEXTHDR_FRAGMENT) {
		reason = fragment_header(skb, bounds, ip);
		if (reason)
			return reason;
	}
	if (ip->protocol == NEXTHDR_ROUTING && !routing_header_valid(skb, ip->l4off))
		return VFW_DROP_REASON_IP_EXTENSION;
	ip->protocol = eh->nexthdr;
	ip->l4off += size;
	ip->l4len -= size;
	/* What a later fragment begins with is no header. */
	*last = ip->piece.offset;
	return ip->protocol == NEXTHDR_HOP && !*last ? VFW_DROP_REASON_IP_EXTENSION :
						       VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason skip_extensions(const struct sk_buff *skb,
					    const struct ip_bounds *bounds, struct vfw_ip *ip)
{
	int start = ip->l4off, n = 0;
	enum vfw_drop_reason reason;
	bool last = false;

	while (!last && is_extension(ip->protocol)) {
		if (++n > EXTENSIONS_MAX)
			return VFW_DROP_REASON_IP_EXTENSION;
		reason = skip_extension(skb, bounds, ip, &last);
		if (reason)
			return reason;
		if (ip->l4off - start > EXTENSIONS_BYTES_MAX)
			return VFW_DROP_REASON_IP_EXTENSION;
	}
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason ip6_parse(const struct sk_buff *skb, const struct ip_bounds *bounds,
				      struct vfw_ip *ip)
{
	const u32 header = sizeof(struct ipv6hdr);
	const struct ipv6hdr *ip6h;
	struct ipv6hdr _ip6h;
	bool given;

	ip6h = skb_header_pointer(skb, ip->nhoff, sizeof(_ip6h), &_ip6h);
	if (!ip6h || bounds->avail < header || ip6h->version != 6)
		return VFW_DROP_REASON_IP_HEADER;
	ip->length = header + ntohs(ip6h->payload_len);
	given = ip6h->payload_len || !skb_is_gso(skb) || bounds->quoted;
	if (!length_valid(skb, bounds, header, given, &ip->length))
		return VFW_DROP_REASON_IP_HEADER;
	ip->l4off = ip->nhoff + header;
	ip->l4len = (bounds->quoted ? bounds->avail : ip->length) - header;
	ip->protocol = ip6h->nexthdr;
	ip->hop_limit = ip6h->hop_limit;
	ip->src.v6 = ip6h->saddr;
	ip->dst.v6 = ip6h->daddr;
	return skip_extensions(skb, bounds, ip);
}

static enum vfw_drop_reason parse(const struct sk_buff *skb, const struct ip_bounds *bounds,
				  int nhoff, enum vfw_family family, struct vfw_ip *ip)
{
	ip->nhoff = nhoff;
	ip->family = family;
	ip->atomic = false;
	ip->piece.present = false;
	ip->piece.offset = 0;
	if (family == VFW_FAMILY_IPV4)
		return ip4_parse(skb, bounds, ip);
	return ip6_parse(skb, bounds, ip);
}

/**
 * vfw_ip_parse() - parse the IP header of a packet
 * @skb: the packet; not modified
 * @nhoff: where the IP header begins, from skb->data
 * @family: enum vfw_family, IPv4 or IPv6
 * @ip: filled in; of IPv4 only the first word of the addresses
 *
 * IPv6 extension headers are followed within bounds. What lies behind the length that the
 * header gives is Ethernet padding, and not looked at. Fragments are told, not refused.
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE, or IP_HEADER, IP_EXTENSION or FRAGMENT.
 */
enum vfw_drop_reason vfw_ip_parse(const struct sk_buff *skb, int nhoff, enum vfw_family family,
				  struct vfw_ip *ip)
{
	struct ip_bounds bounds = { .avail = skb->len - nhoff };

	if (unlikely(nhoff < 0 || nhoff > skb->len))
		return VFW_DROP_REASON_IP_HEADER;
	return parse(skb, &bounds, nhoff, family, ip);
}

/**
 * vfw_ip_parse_quoted() - parse the IP header of a packet quoted in an ICMP error
 * @skb: the packet that quotes; not modified
 * @nhoff: where the quoted IP header begins, from skb->data
 * @quoted: bytes of quotation there are, by the quoting packet's IP header
 * @family: enum vfw_family, IPv4 or IPv6
 * @ip: filled in
 *
 * A quotation may end anywhere after the headers; its length field is not held against it.
 * The first of a packet's fragments is accepted.
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE, or IP_HEADER, IP_EXTENSION or FRAGMENT.
 */
enum vfw_drop_reason vfw_ip_parse_quoted(const struct sk_buff *skb, int nhoff, u32 quoted,
					 enum vfw_family family, struct vfw_ip *ip)
{
	struct ip_bounds bounds = { .avail = quoted, .quoted = true };

	return parse(skb, &bounds, nhoff, family, ip);
}

/**
 * vfw_ip_key() - the key of a packet, as far as the IP header tells it
 * @ip: the header, parsed
 * @dir: direction in which the packet goes
 * @key: all zero; addresses, protocol and family are filled in
 *
 * Context: any.
 */
void vfw_ip_key(const struct vfw_ip *ip, enum vfw_direction dir, struct vfw_key *key)
{
	bool out = dir == VFW_DIRECTION_OUT;

	key->family = ip->family;
	key->protocol = ip->protocol;
	if (ip->family == VFW_FAMILY_IPV4) {
		key->local.v4 = out ? ip->src.v4 : ip->dst.v4;
		key->remote.v4 = out ? ip->dst.v4 : ip->src.v4;
	} else {
		key->local.v6 = out ? ip->src.v6 : ip->dst.v6;
		key->remote.v6 = out ? ip->dst.v6 : ip->src.v6;
	}
}
