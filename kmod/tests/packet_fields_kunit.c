// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <uapi/linux/vfw_state.h>
#include "frame.h"

static void tcp_fields_test(struct kunit *test)
{
	struct vfw_packet pkt;
	struct frame f = {};

	build_tcp4(&f);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_OUT, &pkt), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.tcp.seq, 1000);
	KUNIT_EXPECT_EQ(test, pkt.tcp.ack, 2000);
	KUNIT_EXPECT_EQ(test, pkt.tcp.sack, 2000);
	KUNIT_EXPECT_EQ(test, pkt.tcp.length, 10);
	KUNIT_EXPECT_EQ(test, pkt.tcp.window, 500);
	KUNIT_EXPECT_EQ(test, pkt.tcp.flags, ACK);
	KUNIT_EXPECT_EQ(test, pkt.tcp.options, 0);

	memset(&f, 0, sizeof(f));
	build_syn4(&f);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_OUT, &pkt), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.tcp.scale, 7);
	KUNIT_EXPECT_EQ(test, pkt.tcp.options, VFW_TCP_WINDOW_SCALE | VFW_TCP_SACK);
	/* RFC 7323, 2.3: more than 14 is taken as 14. */
	f.data[f.len - 1] = 15;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_OUT, &pkt), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.tcp.scale, 14);

	memset(&f, 0, sizeof(f));
	build_sack4(&f);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_OUT, &pkt), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.tcp.sack, 4000);
	KUNIT_EXPECT_EQ(test, pkt.tcp.ack, 2000);

	memset(&f, 0, sizeof(f));
	build_error4(&f);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_OUT, &pkt), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.quoted_seq, 1000);
	KUNIT_EXPECT_EQ(test, pkt.quoted_dir, VFW_DIRECTION_IN);
}

/* All 64 combinations against the rule in words. */
static void tcp_flags_test(struct kunit *test)
{
	struct vfw_packet pkt;
	int flags;

	for (flags = 0; flags < 256; flags++) {
		bool syn = flags & VFW_TCPHDR_SYN, fin = flags & VFW_TCPHDR_FIN;
		bool rst = flags & VFW_TCPHDR_RST, ack = flags & VFW_TCPHDR_ACK;
		bool urg = flags & VFW_TCPHDR_URG;
		struct frame f = {};
		bool valid;

		if (syn + fin + rst > 1 || (!ack && !syn && !rst))
			valid = false;
		else
			valid = !urg || (!rst && !(syn && ack));
		build_tcp4(&f);
		f.data[IP4 + 13] = flags;
		KUNIT_EXPECT_EQ_MSG(test, frame_parse(test, &f, VFW_DIRECTION_IN, &pkt),
				    valid ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_TCP_FLAGS,
				    "flags %#x", flags);
	}
}

static void ethertype_test(struct kunit *test)
{
	struct vfw_packet pkt;
	struct frame f = {};
	struct sk_buff *skb;

	build_tcp4(&f);
	f.type = 0x88cc;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_IN, &pkt),
			VFW_DROP_REASON_ETHERTYPE);
	f.type = ETH_P_8021Q;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_IN, &pkt), VFW_DROP_REASON_VLAN);
	f.type = ETH_P_8021AD;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, VFW_DIRECTION_IN, &pkt), VFW_DROP_REASON_VLAN);
	skb = frame_skb(&f, false, FRAME_MAX);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 7);
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_VLAN);
	kfree_skb(skb);
}

/* A header and 68,000 bytes behind it: longer than a length field can say. */
static struct sk_buff *big_skb(struct kunit *test, const struct frame *f)
{
	struct sk_buff *skb = frame_skb(f, false, FRAME_MAX);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	for (i = 0; i < 17; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		KUNIT_ASSERT_NOT_NULL(test, page);
		skb_add_rx_frag(skb, i, page, 0, 4000, PAGE_SIZE);
	}
	return skb;
}

static void big_packet_test(struct kunit *test)
{
	struct vfw_packet pkt;
	struct frame f = {};
	struct sk_buff *skb;

	build_tcp6(&f);
	f.data[4] = 0;
	f.data[5] = 0;
	skb = big_skb(test, &f);
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IPV6), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_L4_HEADER);
	skb_shinfo(skb)->gso_size = 1400;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IPV6), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.length, f.len + 68000);
	KUNIT_EXPECT_EQ(test, pkt.tcp.length, 68010);
	KUNIT_EXPECT_EQ(test, pkt.segments, DIV_ROUND_UP(68010, 1400));
	skb_shinfo(skb)->gso_segs = 3;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IPV6), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.segments, 3);
	kfree_skb(skb);

	memset(&f, 0, sizeof(f));
	build_tcp4(&f);
	f.data[3] = 0;
	skb = big_skb(test, &f);
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_IP_HEADER);
	skb_shinfo(skb)->gso_size = 1400;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), VFW_DIRECTION_IN, false,
					       &pkt),
			VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.tcp.length, 68010);
	kfree_skb(skb);
}

/* What follows a packet is padding, unless it is GSO: then all of it will be sent. */
static void big_liar_test(struct kunit *test)
{
	struct vfw_packet pkt;
	struct frame f = {};
	struct sk_buff *skb;

	build_tcp4(&f);
	skb = big_skb(test, &f);
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), VFW_DIRECTION_OUT, false,
					       &pkt),
			VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, pkt.length, f.len);
	skb_shinfo(skb)->gso_size = 1400;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), VFW_DIRECTION_OUT, false,
					       &pkt),
			VFW_DROP_REASON_IP_HEADER);
	kfree_skb(skb);
}

static struct kunit_case fields_cases[] = {
	KUNIT_CASE(tcp_fields_test),
	KUNIT_CASE(tcp_flags_test),
	KUNIT_CASE(ethertype_test),
	KUNIT_CASE(big_packet_test),
	KUNIT_CASE(big_liar_test),
	{}
};

static struct kunit_suite fields_suite = {
	.name = "vfw_packet_fields",
	.test_cases = fields_cases,
};

kunit_test_suite(fields_suite);
