/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames for tests, put together header by header: from 192.0.2.1 or 2001:db8::1, port 4321, to
 * 198.51.100.2 or 2001:db8::2, port 80.
 */
#ifndef _VFW_TESTS_FRAME_H
#define _VFW_TESTS_FRAME_H

#include <kunit/test.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include "../packet.h"
#include "../packet_plain.h"

#define FRAME_MAX	256
#define SOURCE4		0xc0000201
#define DEST4		0xc6336402
#define SOURCE_PORT	4321
#define DEST_PORT	80
#define ECHO_ID		0x1234
#define ACK		VFW_TCPHDR_ACK
#define IP4		20
#define IP6		40

/**
 * struct frame - a packet from its network header on
 * @data: its bytes
 * @len: how many
 * @type: ethertype, host order
 */
struct frame {
	u8 data[FRAME_MAX];
	u32 len;
	u16 type;
};

static inline void *frame_put(struct frame *f, u32 size)
{
	void *at = f->data + f->len;

	f->len += size;
	return at;
}

static inline void frame_ip4(struct frame *f, u8 protocol)
{
	struct iphdr *iph = frame_put(f, sizeof(*iph));

	f->type = ETH_P_IP;
	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = 64;
	iph->protocol = protocol;
	iph->saddr = htonl(SOURCE4);
	iph->daddr = htonl(DEST4);
}

static inline void frame_addr6(struct in6_addr *addr, u8 last)
{
	memset(addr, 0, sizeof(*addr));
	addr->s6_addr32[0] = htonl(0x20010db8);
	addr->s6_addr[15] = last;
}

static inline void frame_ip6(struct frame *f, u8 protocol)
{
	struct ipv6hdr *ip6h = frame_put(f, sizeof(*ip6h));

	f->type = ETH_P_IPV6;
	ip6h->version = 6;
	ip6h->nexthdr = protocol;
	ip6h->hop_limit = 255;
	frame_addr6(&ip6h->saddr, 1);
	frame_addr6(&ip6h->daddr, 2);
}

/* The lengths, when all is there; @at is where the IP header begins. */
static inline void frame_end_at(struct frame *f, u32 at)
{
	u16 length = f->len - at;

	if (f->type == ETH_P_IP)
		((struct iphdr *)(f->data + at))->tot_len = htons(length);
	else
		((struct ipv6hdr *)(f->data + at))->payload_len =
			htons(length - sizeof(struct ipv6hdr));
}

static inline void frame_end(struct frame *f)
{
	frame_end_at(f, 0);
}

static inline void frame_tcp(struct frame *f, u8 flags, const void *options, u32 size)
{
	struct tcphdr *th = frame_put(f, sizeof(*th));

	th->source = htons(SOURCE_PORT);
	th->dest = htons(DEST_PORT);
	th->seq = htonl(1000);
	th->ack_seq = htonl(2000);
	th->window = htons(500);
	th->doff = (sizeof(*th) + size) / 4;
	((u8 *)th)[13] = flags;
	memcpy(frame_put(f, size), options, size);
}

static inline void frame_udp(struct frame *f, u32 payload)
{
	struct udphdr *uh = frame_put(f, sizeof(*uh));

	uh->source = htons(SOURCE_PORT);
	uh->dest = htons(DEST_PORT);
	uh->len = htons(sizeof(*uh) + payload);
	frame_put(f, payload);
}

/* A message of ICMP or ICMPv6: type, code, checksum, and four bytes more. */
static inline void frame_icmp(struct frame *f, u8 type, u8 code, u16 id)
{
	u8 *head = frame_put(f, 8);

	head[0] = type;
	head[1] = code;
	head[4] = id >> 8;
	head[5] = id & 0xff;
}

/* An extension header of 8 bytes, empty. */
static inline void frame_extension(struct frame *f, u8 next)
{
	u8 *head = frame_put(f, 8);

	head[0] = next;
}

/* From the Ethernet header on if @ethernet; @linear bytes in the head, the rest in a page. */
static inline struct sk_buff *frame_skb(const struct frame *f, bool ethernet, u32 linear)
{
	u32 header = ethernet ? ETH_HLEN : 0;
	struct sk_buff *skb;
	struct page *page;

	linear = min(linear, f->len);
	skb = alloc_skb(header + linear, GFP_KERNEL);
	if (!skb)
		return NULL;
	memset(skb_put(skb, header), 0xee, header);
	skb_put_data(skb, f->data, linear);
	if (linear == f->len)
		return skb;
	page = alloc_page(GFP_KERNEL);
	if (!page) {
		kfree_skb(skb);
		return NULL;
	}
	/* At the page's end: who reads beyond the packet leaves the page. */
	memcpy(page_address(page) + PAGE_SIZE - (f->len - linear), f->data + linear,
	       f->len - linear);
	skb_add_rx_frag(skb, 0, page, PAGE_SIZE - (f->len - linear), f->len - linear, PAGE_SIZE);
	return skb;
}

#define FRAME_SHAPES		7
#define FRAME_SHAPES_FEW	2

/* What the quick way finds in a packet, if anything, is what the thorough way finds. */
static inline void expect_plain(struct kunit *test, const struct sk_buff *skb, int nhoff, u8 dir,
				enum vfw_drop_reason reason, const struct vfw_packet *pkt)
{
	struct vfw_packet plain;

	memset(&plain, 0xff, sizeof(plain));
	if (!vfw_packet_plain(skb, nhoff, dir, &plain))
		return;
	KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, plain.key.family, VFW_FAMILY_IPV4);
	KUNIT_EXPECT_EQ(test, plain.key.family, pkt->key.family);
	KUNIT_EXPECT_EQ(test, plain.key.local.v4, pkt->key.local.v4);
	KUNIT_EXPECT_EQ(test, plain.key.remote.v4, pkt->key.remote.v4);
	KUNIT_EXPECT_EQ(test, plain.key.local_port, pkt->key.local_port);
	KUNIT_EXPECT_EQ(test, plain.key.remote_port, pkt->key.remote_port);
	KUNIT_EXPECT_EQ(test, plain.key.protocol, pkt->key.protocol);
	KUNIT_EXPECT_EQ(test, plain.kind, pkt->kind);
	KUNIT_EXPECT_EQ(test, plain.dir, pkt->dir);
	KUNIT_EXPECT_EQ(test, plain.announce, pkt->announce);
	KUNIT_EXPECT_EQ(test, plain.icmp_reply, pkt->icmp_reply);
	KUNIT_EXPECT_EQ(test, plain.hashed, pkt->hashed);
	KUNIT_EXPECT_EQ(test, plain.segments, pkt->segments);
	KUNIT_EXPECT_EQ(test, plain.length, pkt->length);
	KUNIT_EXPECT_EQ(test, plain.nhoff, pkt->nhoff);
	KUNIT_EXPECT_EQ(test, plain.l4off, pkt->l4off);
	if (pkt->key.protocol == IPPROTO_TCP)
		KUNIT_EXPECT_EQ(test, memcmp(&plain.tcp, &pkt->tcp,
					     offsetofend(struct vfw_segment, options)), 0);
}

/* Whether the quick way takes a packet is not for it alone to say: of these it does. */
static inline bool frame_is_plain(const struct frame *f)
{
	const struct iphdr *iph = (const struct iphdr *)f->data;

	return f->type == ETH_P_IP && iph->ihl == 5 && !(iph->frag_off & htons(0x3fff)) &&
	       iph->protocol == IPPROTO_UDP;
}

/* Parse, in the first @n of the shapes an skb may have; all must give the same. */
static inline enum vfw_drop_reason frame_parse_shapes(struct kunit *test, const struct frame *f,
						      u8 dir, struct vfw_packet *pkt, int n)
{
	static const struct {
		bool ethernet;
		u32 linear;
	} shapes[FRAME_SHAPES] = { { false, FRAME_MAX }, { true, 0 }, { true, FRAME_MAX },
				   { false, 0 }, { false, 1 }, { true, 21 }, { false, 43 } };
	enum vfw_drop_reason reason, first = 0;
	int i;

	for (i = 0; i < n; i++) {
		struct sk_buff *skb = frame_skb(f, shapes[i].ethernet, shapes[i].linear);
		int nhoff = shapes[i].ethernet ? ETH_HLEN : 0;
		struct vfw_packet again;

		KUNIT_ASSERT_NOT_NULL(test, skb);
		memset(&again, 0xff, sizeof(again));
		reason = vfw_packet_parse(skb, nhoff, htons(f->type), dir, false, &again);
		if (f->type == ETH_P_IP)
			expect_plain(test, skb, nhoff, dir, reason, &again);
		if (!i && !reason && frame_is_plain(f))
			KUNIT_EXPECT_TRUE(test, vfw_packet_plain(skb, nhoff, dir, pkt));
		kfree_skb(skb);
		KUNIT_EXPECT_EQ(test, again.nhoff, nhoff);
		again.nhoff = 0;
		again.l4off -= again.l4off ? nhoff : 0;
		if (again.kind == VFW_PACKET_NEIGHBOUR && f->type != ETH_P_IPV6)
			again.length -= nhoff;
		if (!i) {
			*pkt = again;
			first = reason;
		}
		KUNIT_EXPECT_EQ_MSG(test, reason, first, "shape %d", i);
		if (!reason)
			KUNIT_EXPECT_EQ_MSG(test, memcmp(pkt, &again, sizeof(again)), 0,
					    "shape %d", i);
	}
	return first;
}

static inline enum vfw_drop_reason frame_parse(struct kunit *test, const struct frame *f, u8 dir,
					       struct vfw_packet *pkt)
{
	return frame_parse_shapes(test, f, dir, pkt, FRAME_SHAPES);
}

static inline void build_tcp4(struct frame *f)
{
	frame_ip4(f, IPPROTO_TCP);
	frame_tcp(f, ACK, NULL, 0);
	frame_put(f, 10);
	frame_end(f);
}

static inline void build_tcp4_options(struct frame *f)
{
	struct iphdr *iph = (struct iphdr *)f->data;

	frame_ip4(f, IPPROTO_TCP);
	iph->ihl = 6;
	frame_put(f, 4);
	frame_tcp(f, ACK, NULL, 0);
	frame_end(f);
}

static inline void build_syn4(struct frame *f)
{
	static const u8 options[] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
				      0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };

	frame_ip4(f, IPPROTO_TCP);
	frame_tcp(f, VFW_TCPHDR_SYN, options, sizeof(options));
	frame_end(f);
}

static inline void build_sack4(struct frame *f)
{
	/* Blocks 3000 to 4000 and 2500 to 2600. */
	static const u8 options[] = { 1, 1, 5, 18, 0, 0, 0x0b, 0xb8, 0, 0, 0x0f, 0xa0,
				      0, 0, 0x09, 0xc4, 0, 0, 0x0a, 0x28 };

	frame_ip4(f, IPPROTO_TCP);
	frame_tcp(f, ACK, options, sizeof(options));
	frame_end(f);
}

static inline void build_timestamp4(struct frame *f)
{
	static const u8 options[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0 };

	frame_ip4(f, IPPROTO_TCP);
	frame_tcp(f, ACK, options, sizeof(options));
	frame_end(f);
}

static inline void build_udp4(struct frame *f)
{
	frame_ip4(f, IPPROTO_UDP);
	frame_udp(f, 4);
	frame_end(f);
}

static inline void build_gre4(struct frame *f)
{
	frame_ip4(f, IPPROTO_GRE);
	frame_put(f, 4);
	frame_end(f);
}

static inline void frame_sctp(struct frame *f, u32 tag)
{
	__be16 *ports = frame_put(f, 12);

	ports[0] = htons(SOURCE_PORT);
	ports[1] = htons(DEST_PORT);
	put_unaligned_be32(tag, ports + 2);
}

/* A chunk, padded; returns where it is. */
static inline u8 *frame_chunk(struct frame *f, u8 type, u16 length)
{
	u8 *chunk = frame_put(f, ALIGN(length, 4));

	chunk[0] = type;
	put_unaligned_be16(length, chunk + 2);
	return chunk;
}

static inline void build_init4(struct frame *f)
{
	frame_ip4(f, IPPROTO_SCTP);
	frame_sctp(f, 0);
	frame_chunk(f, 1, 20)[7] = 9;
	frame_end(f);
}

/* A Request with its service code. */
static inline void build_dccp4(struct frame *f)
{
	__be16 *ports;

	frame_ip4(f, IPPROTO_DCCP);
	ports = frame_put(f, 20);
	ports[0] = htons(SOURCE_PORT);
	ports[1] = htons(DEST_PORT);
	((u8 *)ports)[4] = 5;
	((u8 *)ports)[8] = 1;
	frame_end(f);
}

/* About an INIT, with as much of it as is needed to know it. */
static inline void build_error4_sctp(struct frame *f)
{
	struct iphdr *inner;

	frame_ip4(f, IPPROTO_ICMP);
	frame_icmp(f, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	frame_ip4(f, IPPROTO_SCTP);
	frame_sctp(f, 0);
	frame_chunk(f, 1, 20)[7] = 9;
	f->len -= 12;
	inner = (struct iphdr *)(f->data + IP4 + 8);
	inner->tot_len = htons(52);
	swap(inner->saddr, inner->daddr);
	frame_end(f);
}

static inline void build_sctp4(struct frame *f)
{
	u8 *chunk;

	frame_ip4(f, IPPROTO_SCTP);
	frame_sctp(f, 0x12345678);
	chunk = frame_chunk(f, 3, 16);		/* SACK */
	chunk[7] = 1;
	frame_chunk(f, 0, 18);			/* DATA, padded */
	frame_end(f);
}

static inline void build_arp(struct frame *f)
{
	struct arphdr *header = frame_put(f, 28);
	u8 *body = (u8 *)(header + 1);

	f->type = ETH_P_ARP;
	header->ar_hrd = htons(ARPHRD_ETHER);
	header->ar_pro = htons(ETH_P_IP);
	header->ar_hln = ETH_ALEN;
	header->ar_pln = 4;
	header->ar_op = htons(ARPOP_REQUEST);
	body[6] = 192;
	body[16] = 198;
}

static inline void build_rarp(struct frame *f)
{
	build_arp(f);
	f->type = ETH_P_RARP;
	f->data[7] = ARPOP_RREQUEST;
}

static inline void build_echo4(struct frame *f)
{
	frame_ip4(f, IPPROTO_ICMP);
	frame_icmp(f, ICMP_ECHO, 0, ECHO_ID);
	frame_put(f, 8);
	frame_end(f);
}

static inline void build_error4(struct frame *f)
{
	struct iphdr *inner;

	frame_ip4(f, IPPROTO_ICMP);
	frame_icmp(f, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	frame_ip4(f, IPPROTO_TCP);
	frame_tcp(f, ACK, NULL, 0);
	f->len -= 12;
	inner = (struct iphdr *)(f->data + IP4 + 8);
	inner->tot_len = htons(1500);
	swap(inner->saddr, inner->daddr);
	frame_end(f);
}

static inline void build_error4_echo(struct frame *f)
{
	struct iphdr *inner;

	frame_ip4(f, IPPROTO_ICMP);
	frame_icmp(f, ICMP_TIME_EXCEEDED, 0, 0);
	frame_ip4(f, IPPROTO_ICMP);
	frame_icmp(f, ICMP_ECHO, 0, ECHO_ID);
	inner = (struct iphdr *)(f->data + IP4 + 8);
	inner->tot_len = htons(84);
	swap(inner->saddr, inner->daddr);
	frame_end(f);
}

static inline void build_tcp6(struct frame *f)
{
	frame_ip6(f, IPPROTO_TCP);
	frame_tcp(f, ACK, NULL, 0);
	frame_put(f, 10);
	frame_end(f);
}

static inline void build_udp6(struct frame *f)
{
	frame_ip6(f, IPPROTO_UDP);
	frame_udp(f, 4);
	frame_end(f);
}

static inline void build_extensions6(struct frame *f)
{
	frame_ip6(f, NEXTHDR_HOP);
	frame_extension(f, NEXTHDR_DEST);
	frame_extension(f, NEXTHDR_ROUTING);
	frame_extension(f, NEXTHDR_FRAGMENT);
	frame_extension(f, NEXTHDR_AUTH);
	frame_extension(f, IPPROTO_UDP);
	f->data[f->len - 7] = 2;
	frame_put(f, 8);
	frame_udp(f, 4);
	frame_end(f);
}

/* One extension header of 16 bytes, and behind it UDP. */
static inline void build_long6(struct frame *f)
{
	frame_ip6(f, NEXTHDR_DEST);
	frame_extension(f, IPPROTO_UDP);
	f->data[IP6 + 1] = 1;
	frame_put(f, 8);
	frame_udp(f, 4);
	frame_end(f);
}

static inline void build_fragmented6(struct frame *f)
{
	frame_ip6(f, NEXTHDR_FRAGMENT);
	frame_extension(f, NEXTHDR_FRAGMENT);
	frame_extension(f, IPPROTO_UDP);
	frame_udp(f, 4);
	frame_end(f);
}

static inline void build_many6(struct frame *f, int n)
{
	frame_ip6(f, NEXTHDR_DEST);
	while (--n)
		frame_extension(f, NEXTHDR_DEST);
	frame_extension(f, IPPROTO_UDP);
	frame_udp(f, 4);
	frame_end(f);
}

static inline void build_eight6(struct frame *f)
{
	build_many6(f, 8);
}

static inline void build_nine6(struct frame *f)
{
	build_many6(f, 9);
}

static inline void build_none6(struct frame *f)
{
	frame_ip6(f, NEXTHDR_NONE);
	frame_end(f);
}

static inline void build_echo6(struct frame *f)
{
	frame_ip6(f, IPPROTO_ICMPV6);
	frame_icmp(f, ICMPV6_ECHO_REQUEST, 0, ECHO_ID);
	frame_end(f);
}

static inline void build_advertisement6(struct frame *f)
{
	frame_ip6(f, IPPROTO_ICMPV6);
	frame_icmp(f, NDISC_NEIGHBOUR_ADVERTISEMENT, 0, 0);
	frame_put(f, 16);
	frame_end(f);
}

static inline void build_advertisement6_atomic(struct frame *f)
{
	frame_ip6(f, NEXTHDR_FRAGMENT);
	frame_extension(f, IPPROTO_ICMPV6);
	frame_icmp(f, NDISC_NEIGHBOUR_ADVERTISEMENT, 0, 0);
	frame_put(f, 16);
	frame_end(f);
}

static inline void build_error6(struct frame *f)
{
	struct ipv6hdr *inner;

	frame_ip6(f, IPPROTO_ICMPV6);
	frame_icmp(f, ICMPV6_PKT_TOOBIG, 0, 0);
	frame_ip6(f, NEXTHDR_DEST);
	frame_extension(f, IPPROTO_UDP);
	frame_udp(f, 0);
	inner = (struct ipv6hdr *)(f->data + IP6 + 8);
	inner->payload_len = htons(1000);
	swap(inner->saddr, inner->daddr);
	frame_end(f);
}

#endif /* _VFW_TESTS_FRAME_H */
