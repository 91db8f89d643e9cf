// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include "frame.h"

struct patch {
	u8 at;
	u8 value;
};

/**
 * struct sample - a packet and what it is to be parsed as
 * @desc: what it is about
 * @build: how it is made
 * @patches: bytes changed after that, up to the first zero
 * @reason: why it is dropped
 * @kind: enum vfw_packet_kind
 * @source: port that is local when the packet goes out (of an error: remote), host order
 * @dest: the other one
 * @announce: it announces
 * @reply: it is an echo reply
 */
struct sample {
	const char *desc;
	void (*build)(struct frame *f);
	struct patch patches[6];
	enum vfw_drop_reason reason;
	enum vfw_packet_kind kind;
	u16 source;
	u16 dest;
	bool announce;
	bool reply;
};

#define R(name)		VFW_DROP_REASON_ ## name
#define PORTS		.source = SOURCE_PORT, .dest = DEST_PORT
#define ECHO		.source = ECHO_ID
#define NEIGHBOUR	.kind = VFW_PACKET_NEIGHBOUR
#define OTHER		.kind = VFW_PACKET_ICMP_OTHER
#define ERROR		.kind = VFW_PACKET_ICMP_ERROR

static const struct sample samples[] = {
	{ "IPv4 TCP", build_tcp4, PORTS },
	{ "IPv4 TCP with IP options", build_tcp4_options, PORTS },
	{ "IPv4 TCP, SYN with options", build_syn4, PORTS },
	{ "IPv4 TCP, SACK", build_sack4, PORTS },
	{ "IPv4 TCP, timestamp", build_timestamp4, PORTS },
	{ "IPv4 UDP", build_udp4, PORTS },
	{ "IPv4 UDP, payload shorter than IP says", build_udp4, { { IP4 + 5, 10 } }, PORTS },
	{ "IPv4 GRE", build_gre4 },
	{ "IPv4 SCTP", build_sctp4, PORTS },
	{ "IPv4 SCTP, INIT", build_init4, PORTS },
	{ "IPv4 DCCP, Request", build_dccp4, PORTS },
	{ "IPv4 DCCP, Reset", build_dccp4, { { IP4 + 8, 0x0f } }, PORTS },
	{ "IPv4 unreachable, quotes INIT", build_error4_sctp, ERROR, PORTS },
	{ "IPv4 unreachable, quotes SCTP with a tag", build_error4_sctp,
	  { { IP4 + 8 + IP4 + 7, 1 } }, ERROR, PORTS },
	{ "IPv4 UDP-Lite", build_udp4, { { 9, IPPROTO_UDPLITE } }, PORTS },
	{ "IPv4 echo request", build_echo4, ECHO },
	{ "IPv4 echo reply", build_echo4, { { IP4, ICMP_ECHOREPLY } }, ECHO, .reply = true },
	{ "IPv4 timestamp request", build_echo4, { { IP4, ICMP_TIMESTAMP } }, OTHER },
	{ "IPv4 redirect", build_error4, { { IP4, ICMP_REDIRECT } }, OTHER },
	{ "IPv4 unreachable", build_error4, ERROR, PORTS },
	{ "IPv4 unreachable, quotes first fragment", build_error4, { { IP4 + 14, 0x20 } }, ERROR,
	  PORTS },
	{ "IPv4 time exceeded, quotes echo", build_error4_echo, ERROR, ECHO },
	{ "IPv6 TCP", build_tcp6, PORTS },
	{ "IPv6 UDP", build_udp6, PORTS },
	{ "IPv6 all extension headers", build_extensions6, PORTS },
	{ "IPv6 eight extension headers", build_eight6, PORTS },
	{ "IPv6 no next header", build_none6 },
	{ "IPv6 echo request", build_echo6, ECHO },
	{ "IPv6 echo reply", build_echo6, { { IP6, ICMPV6_ECHO_REPLY } }, ECHO, .reply = true },
	{ "IPv6 multicast listener report", build_echo6, { { IP6, ICMPV6_MLD2_REPORT } }, OTHER },
	{ "IPv6 multicast listener report of the link", build_echo6,
	  { { IP6, ICMPV6_MLD2_REPORT }, { 7, 1 } }, NEIGHBOUR },
	{ "IPv6 packet too big", build_error6, ERROR, PORTS },
	{ "IPv6 unsolicited advertisement", build_advertisement6, NEIGHBOUR, .announce = true },
	{ "IPv6 solicited advertisement", build_advertisement6, { { IP6 + 4, 0x40 } }, NEIGHBOUR },
	{ "IPv6 solicitation", build_advertisement6, { { IP6, NDISC_NEIGHBOUR_SOLICITATION } },
	  NEIGHBOUR },
	{ "ARP request", build_arp, NEIGHBOUR },
	{ "ARP request, gratuitous", build_arp, { { 24, 192 } }, NEIGHBOUR, .announce = true },
	{ "ARP probe", build_arp, { { 14, 0 }, { 7, ARPOP_REQUEST } }, NEIGHBOUR },
	{ "ARP reply", build_arp, { { 7, ARPOP_REPLY } }, NEIGHBOUR },
	{ "ARP reply, gratuitous", build_arp, { { 7, ARPOP_REPLY }, { 24, 192 } }, NEIGHBOUR,
	  .announce = true },
	{ "RARP", build_rarp, NEIGHBOUR, .announce = true },

	{ "IPv4 protocol ICMPv6", build_echo4, { { 9, IPPROTO_ICMPV6 } }, R(ICMP_TYPE) },
	{ "IPv4 version 5", build_tcp4, { { 0, 0x55 } }, R(IP_HEADER) },
	{ "IPv4 header of 16 bytes", build_tcp4, { { 0, 0x44 } }, R(IP_HEADER) },
	{ "IPv4 header longer than packet", build_tcp4, { { 0, 0x4f } }, R(IP_HEADER) },
	{ "IPv4 longer than frame", build_tcp4, { { 3, 51 } }, R(IP_HEADER) },
	{ "IPv4 shorter than its header", build_tcp4, { { 3, 19 } }, R(IP_HEADER) },
	{ "IPv4 ends inside TCP header", build_tcp4, { { 3, 39 } }, R(L4_HEADER) },
	{ "IPv4 first fragment", build_tcp4, { { 6, 0x20 } }, PORTS },
	{ "IPv4 last fragment", build_tcp4, { { 7, 1 } }, .kind = VFW_PACKET_LATER },
	{ "IPv4 first fragment ends inside TCP header", build_tcp4, { { 6, 0x20 }, { 3, 36 } },
	  R(FRAGMENT) },
	{ "IPv4 first fragment ends inside TCP options", build_syn4, { { 6, 0x20 }, { 3, 44 } },
	  R(FRAGMENT) },
	{ "IPv4 first fragment of longer UDP", build_udp4, { { 6, 0x20 }, { IP4 + 4, 9 } },
	  PORTS },
	{ "IPv4 first fragment ends inside SCTP header", build_sctp4,
	  { { 6, 0x20 }, { 3, IP4 + 8 } }, R(FRAGMENT) },
	{ "IPv4 first fragment ends inside an SCTP chunk", build_sctp4,
	  { { 6, 0x20 }, { IP4 + 31, 200 } }, PORTS },
	{ "IPv4 don't fragment", build_tcp4, { { 6, 0x40 } }, PORTS },
	{ "TCP header of 16 bytes", build_tcp4, { { IP4 + 12, 0x40 } }, R(L4_HEADER) },
	{ "TCP header longer than segment", build_tcp4, { { IP4 + 12, 0x80 } }, R(L4_HEADER) },
	{ "TCP option without size", build_timestamp4,
	  { { IP4 + 31, 3 }, { IP4 + 20, 3 }, { IP4 + 21, 9 },
	  { IP4 + 29, 1 }, { IP4 + 30, 1 } }, R(L4_HEADER) },
	{ "TCP option of no size", build_timestamp4, { { IP4 + 20, 99 }, { IP4 + 21, 1 } },
	  R(L4_HEADER) },
	{ "TCP option beyond header", build_timestamp4, { { IP4 + 20, 99 }, { IP4 + 21, 13 } },
	  R(L4_HEADER) },
	{ "TCP window scale of wrong size", build_syn4, { { IP4 + 38, 4 }, { IP4 + 36, 3 },
	  { IP4 + 37, 4 } }, R(L4_HEADER) },
	{ "TCP SACK permitted of wrong size", build_syn4, { { IP4 + 25, 12 } }, R(L4_HEADER) },
	{ "TCP SACK of wrong size", build_sack4, { { IP4 + 23, 14 } }, R(L4_HEADER) },
	{ "UDP length of 7", build_udp4, { { IP4 + 5, 7 } }, R(L4_HEADER) },
	{ "UDP longer than packet", build_udp4, { { IP4 + 5, 13 } }, R(L4_HEADER) },
	{ "UDP/IPv6 without length", build_udp6, { { IP6 + 4, 0xff }, { IP6 + 5, 0xff } },
	  R(L4_HEADER) },
	{ "SCTP header too short", build_sctp4, { { 3, IP4 + 11 } }, R(L4_HEADER) },
	{ "SCTP without tag", build_sctp4, { { IP4 + 4, 0 }, { IP4 + 5, 0 }, { IP4 + 6, 0 },
	  { IP4 + 7, 0 } }, R(SCTP_TAG) },
	{ "SCTP chunk longer than packet", build_sctp4, { { IP4 + 12 + 16 + 3, 21 } },
	  R(SCTP_CHUNK) },
	{ "SCTP INIT with tag", build_init4, { { IP4 + 7, 1 } }, R(SCTP_TAG) },
	{ "UDP-Lite header too short", build_udp4, { { 9, IPPROTO_UDPLITE }, { 3, IP4 + 7 } },
	  R(L4_HEADER) },
	{ "DCCP header too short", build_dccp4, { { 3, IP4 + 11 } }, R(L4_HEADER) },
	{ "DCCP header longer than packet", build_dccp4, { { IP4 + 4, 6 } }, R(L4_HEADER) },
	{ "DCCP Request of short numbers", build_dccp4, { { IP4 + 8, 0 } }, R(L4_HEADER) },
	{ "DCCP Request without service", build_dccp4, { { IP4 + 4, 4 } }, R(L4_HEADER) },
	{ "IPv4 unreachable, quotes an INIT's beginning", build_error4_sctp,
	  { { 3, IP4 + 8 + IP4 + 19 } }, R(ICMP_ERROR) },
	{ "IPv4 unreachable, quotes another chunk without tag", build_error4_sctp,
	  { { IP4 + 8 + IP4 + 12, 2 } }, R(ICMP_ERROR) },
	{ "ICMP header too short", build_echo4, { { 3, IP4 + 7 } }, R(L4_HEADER) },
	{ "IPv4 unreachable, quotes another's packet", build_error4, { { IP4 + 8 + 15, 99 } },
	  R(ICMP_ERROR) },
	{ "IPv4 unreachable, quotes later fragment", build_error4, { { IP4 + 8 + 7, 1 } },
	  R(ICMP_ERROR) },
	{ "IPv4 unreachable, quotes version 6", build_error4, { { IP4 + 8, 0x65 } },
	  R(ICMP_ERROR) },
	{ "IPv4 unreachable, quotes too little", build_error4, { { 3, IP4 + 8 + IP4 + 7 } },
	  R(ICMP_ERROR) },
	{ "IPv4 time exceeded, quotes error", build_error4_echo, { { IP4 + 8 + IP4, 3 } },
	  R(ICMP_ERROR) },
	{ "IPv6 version 4", build_tcp6, { { 0, 0x40 } }, R(IP_HEADER) },
	{ "IPv6 longer than frame", build_tcp6, { { 5, 31 } }, R(IP_HEADER) },
	{ "IPv6 nine extension headers", build_nine6, .reason = R(IP_EXTENSION) },
	{ "IPv6 extension headers too long", build_eight6, { { IP6 + 1, 30 }, { 4, 1 }, { 5, 0 } },
	  R(IP_HEADER) },
	{ "IPv6 extension longer than packet", build_extensions6, { { IP6 + 9, 9 } },
	  R(IP_EXTENSION) },
	{ "IPv6 last extension longer than packet", build_extensions6, { { IP6 + 33, 6 } },
	  R(IP_EXTENSION) },
	{ "IPv6 hop-by-hop not first", build_extensions6, { { IP6, NEXTHDR_HOP } },
	  R(IP_EXTENSION) },
	{ "IPv6 routing header of type 0", build_extensions6, { { IP6 + 19, 1 } },
	  R(IP_EXTENSION) },
	{ "IPv6 routing header of type 4", build_extensions6, { { IP6 + 18, 4 }, { IP6 + 19, 1 } },
	  PORTS },
	{ "IPv6 first fragment", build_extensions6, { { IP6 + 27, 1 } }, PORTS },
	{ "IPv6 later fragment", build_extensions6, { { IP6 + 27, 8 } },
	  .kind = VFW_PACKET_LATER },
	{ "IPv6 first fragment ends inside headers", build_extensions6,
	  { { IP6 + 27, 1 }, { IP6 + 33, 9 } }, R(FRAGMENT) },
	{ "IPv6 two headers of fragmentation", build_fragmented6, .reason = R(IP_EXTENSION) },
	{ "IPv6 fragment of a fragment", build_fragmented6, { { IP6 + 3, 1 } }, R(IP_EXTENSION) },
	{ "IPv6 discovery in a fragment", build_advertisement6_atomic, { { IP6 + 3, 1 } },
	  R(FRAGMENT) },
	{ "IPv6 discovery in an atomic fragment", build_advertisement6_atomic,
	  .reason = R(FRAGMENT) },
	{ "IPv6 authentication header of 8 bytes", build_long6, { { 6, NEXTHDR_AUTH },
	  { IP6 + 1, 0 } }, R(IP_EXTENSION) },
	{ "IPv6 authentication header", build_long6, { { 6, NEXTHDR_AUTH }, { IP6 + 1, 2 } },
	  PORTS },
	{ "IPv6 mobility header before UDP", build_long6, { { 6, NEXTHDR_MOBILITY } }, PORTS },
	{ "IPv6 host identity before UDP", build_long6, { { 6, 139 } }, PORTS },
	{ "IPv6 shim6 before UDP", build_long6, { { 6, 140 } }, PORTS },
	{ "IPv6 mobility header alone", build_long6, { { 6, NEXTHDR_MOBILITY },
	  { IP6, NEXTHDR_NONE } } },
	{ "IPv6 mobility header longer than packet", build_long6,
	  { { 6, NEXTHDR_MOBILITY }, { IP6 + 1, 9 } }, R(IP_EXTENSION) },
	{ "IPv6 discovery through a router", build_advertisement6, { { 7, 254 } }, R(ICMP_TYPE) },
	{ "IPv6 discovery with code", build_advertisement6, { { IP6 + 1, 1 } }, R(ICMP_TYPE) },
	{ "IPv6 discovery too short", build_advertisement6, { { 5, 23 } }, R(L4_HEADER) },
	{ "IPv6 packet too big, quotes another's packet", build_error6, { { IP6 + 8 + 23, 99 } },
	  R(ICMP_ERROR) },
	{ "ARP of another hardware", build_arp, { { 1, 6 } }, R(ARP) },
	{ "ARP of another protocol", build_arp, { { 2, 0x86 }, { 3, 0xdd } }, R(ARP) },
	{ "ARP hardware address of 8", build_arp, { { 4, 8 } }, R(ARP) },
	{ "ARP protocol address of 16", build_arp, { { 5, 16 } }, R(ARP) },
	{ "ARP operation of RARP", build_arp, { { 7, ARPOP_RREQUEST } }, R(ARP) },
	{ "RARP operation of ARP", build_rarp, { { 7, ARPOP_REQUEST } }, R(ARP) },
};

static void sample_build(const struct sample *s, struct frame *f)
{
	const struct patch *p;

	memset(f, 0, sizeof(*f));
	s->build(f);
	for (p = s->patches; p < s->patches + ARRAY_SIZE(s->patches) && (p->at || p->value); p++)
		f->data[p->at] = p->value;
}

/* What must hold of whatever passes. */
static void expect_consistent(struct kunit *test, const struct frame *f,
			      const struct vfw_packet *pkt)
{
	KUNIT_EXPECT_GE(test, pkt->segments, 1);
	KUNIT_EXPECT_LE(test, pkt->length, f->len);
	KUNIT_EXPECT_LE(test, pkt->l4off, (int)pkt->length);
	KUNIT_EXPECT_LE(test, pkt->kind, VFW_PACKET_LATER);
	KUNIT_EXPECT_LE(test, pkt->tcp.scale, 14);
	if (pkt->kind == VFW_PACKET_FLOW && pkt->key.protocol == IPPROTO_TCP)
		KUNIT_EXPECT_LE(test, pkt->l4off + 20 + pkt->tcp.length, pkt->length);
	if (pkt->kind == VFW_PACKET_ICMP_ERROR)
		KUNIT_EXPECT_NE(test, pkt->quoted_dir, pkt->dir);
}

static void expect_key(struct kunit *test, const struct sample *s, const struct frame *f,
		       const struct vfw_packet *pkt)
{
	/* Whose source is it: of an error, that of the packet that went the other way. */
	bool out = (pkt->dir == VFW_DIRECTION_OUT) != (s->kind == VFW_PACKET_ICMP_ERROR);
	u8 addr = out == (s->kind != VFW_PACKET_ICMP_ERROR) ? 1 : 2;
	u16 local = s->dest && !out ? s->dest : s->source;
	u16 remote = s->dest && !out ? s->source : s->dest;

	KUNIT_EXPECT_EQ(test, ntohs(pkt->key.local_port), local);
	KUNIT_EXPECT_EQ(test, ntohs(pkt->key.remote_port), remote);
	if (f->type == ETH_P_IP) {
		KUNIT_EXPECT_EQ(test, pkt->key.family, VFW_FAMILY_IPV4);
		KUNIT_EXPECT_EQ(test, ntohl(pkt->key.local.v4), addr == 1 ? SOURCE4 : DEST4);
		KUNIT_EXPECT_EQ(test, ntohl(pkt->key.remote.v4), addr == 1 ? DEST4 : SOURCE4);
		KUNIT_EXPECT_EQ(test, pkt->key.local.words[3], 0);
	} else {
		KUNIT_EXPECT_EQ(test, pkt->key.family, VFW_FAMILY_IPV6);
		KUNIT_EXPECT_EQ(test, pkt->key.local.v6.s6_addr[15], addr);
		KUNIT_EXPECT_EQ(test, pkt->key.remote.v6.s6_addr[15], 3 - addr);
	}
}

static void sample_test(struct kunit *test)
{
	const struct sample *s = test->param_value;
	struct vfw_packet pkt;
	struct frame f;
	u8 dir;

	for (dir = VFW_DIRECTION_IN; dir <= VFW_DIRECTION_OUT; dir++) {
		sample_build(s, &f);
		KUNIT_EXPECT_EQ(test, frame_parse(test, &f, dir, &pkt), s->reason);
		KUNIT_EXPECT_EQ(test, pkt.dir, dir);
		if (s->reason)
			continue;
		expect_consistent(test, &f, &pkt);
		KUNIT_EXPECT_EQ(test, pkt.length, f.len);
		KUNIT_EXPECT_EQ(test, pkt.kind, s->kind);
		KUNIT_EXPECT_EQ(test, pkt.announce, s->announce);
		KUNIT_EXPECT_EQ(test, pkt.icmp_reply, s->reply);
		if (f.type == ETH_P_IP || f.type == ETH_P_IPV6)
			expect_key(test, s, &f, &pkt);
	}
}

static void sample_desc(const struct sample *s, char *desc)
{
	strscpy(desc, s->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sample, samples, sample_desc);

/*
 * Ethernet pads to 60 bytes, and what it pads with counts for nothing, neither in good packets
 * nor in bad ones (except that there may be enough of it for what the IP header says).
 */
static void padding_test(struct kunit *test)
{
	const struct sample *s = test->param_value;
	struct vfw_packet bare, padded;
	struct frame f;
	u32 length;

	if (s->reason == VFW_DROP_REASON_IP_HEADER)
		return;
	sample_build(s, &f);
	length = f.len;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_IN, &bare), s->reason);
	memset(frame_put(&f, 46), 0xa5, 46);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_IN, &padded), s->reason);
	if (f.type == ETH_P_ARP || f.type == ETH_P_RARP)
		padded.length = length;
	if (!s->reason)
		KUNIT_EXPECT_EQ(test, memcmp(&bare, &padded, sizeof(bare)), 0);
}

/* Cut at every byte, a packet is dropped, by the length its IP header gives. */
static void cut_test(struct kunit *test)
{
	const struct sample *s = test->param_value;
	struct vfw_packet pkt;
	struct frame f;

	sample_build(s, &f);
	while (f.len) {
		f.len--;
		KUNIT_EXPECT_NE_MSG(test, frame_parse_shapes(test, &f, VFW_DIRECTION_IN, &pkt,
							     FRAME_SHAPES_FEW),
				    VFW_DROP_REASON_NONE, "cut to %u", f.len);
	}
}

/* Cut at every byte, with the IP header telling so: dropped, or something that adds up. */
static void shorten_test(struct kunit *test)
{
	const struct sample *s = test->param_value;
	struct vfw_packet pkt;
	struct frame f;
	u32 least;

	sample_build(s, &f);
	least = f.type == ETH_P_IP ? IP4 : IP6;
	if (f.type != ETH_P_IP && f.type != ETH_P_IPV6)
		return;
	while (f.len > least) {
		f.len--;
		frame_end(&f);
		if (!frame_parse_shapes(test, &f, VFW_DIRECTION_OUT, &pkt, FRAME_SHAPES_FEW))
			expect_consistent(test, &f, &pkt);
	}
}

/* Good packets with a few random bytes changed: dropped, or something that adds up. */
static void random_test(struct kunit *test)
{
	struct rnd_state rnd;
	struct vfw_packet pkt;
	struct frame f;
	int i, n;

	prandom_seed_state(&rnd, 20260101);
	for (i = 0; i < 5000; i++) {
		sample_build(&samples[prandom_u32_state(&rnd) % ARRAY_SIZE(samples)], &f);
		for (n = prandom_u32_state(&rnd) % 4; n >= 0; n--)
			f.data[prandom_u32_state(&rnd) % f.len] = prandom_u32_state(&rnd);
		if (!frame_parse_shapes(test, &f, i & 1, &pkt, FRAME_SHAPES_FEW))
			expect_consistent(test, &f, &pkt);
	}
}

static struct kunit_case packet_cases[] = {
	KUNIT_CASE_PARAM(sample_test, sample_gen_params),
	KUNIT_CASE_PARAM(padding_test, sample_gen_params),
	KUNIT_CASE_PARAM(cut_test, sample_gen_params),
	KUNIT_CASE_PARAM(shorten_test, sample_gen_params),
	KUNIT_CASE(random_test),
	{}
};

static struct kunit_suite packet_suite = {
	.name = "vfw_packet",
	.test_cases = packet_cases,
};

kunit_test_suite(packet_suite);
