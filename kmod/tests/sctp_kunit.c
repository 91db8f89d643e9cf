// SPDX-License-Identifier: GPL-2.0
/*
 * SCTP: what a packet may look like, what opens an association, and what one may look like.
 */

#include <kunit/test.h>
#include "../main.h"
#include "../sctp.h"
#include "frame.h"

#define IN	VFW_DIRECTION_IN
#define OUT	VFW_DIRECTION_OUT
#define S(name)	VFW_FLOW_STATE_SCTP_ ## name
#define K(name)	BIT(VFW_SCTP_ ## name)
#define R(name)	VFW_DROP_REASON_ ## name
#define OK	VFW_DROP_REASON_NONE

#define A	0xaaaa0001u	/* tags of the end that opens */
#define A2	0xaaaa0002u
#define B	0xbbbb0001u	/* of the other */
#define B2	0xbbbb0002u
#define STRAY	0x12345678u

/* Chunks of a packet. */

/**
 * struct layout - a packet and what becomes of it
 * @desc: what it is about
 * @tag: its verification tag
 * @chunks: type and length of each chunk, as it says it is, up to the first length of 0
 * @errors: ERROR chunks that follow these
 * @cut: bytes of the last one that are missing
 * @reason: why it is dropped
 * @kinds: what is in it
 */
struct layout {
	const char *desc;
	u32 tag;
	struct {
		u8 type;
		u16 length;
	} chunks[3];
	u32 errors;
	u32 cut;
	enum vfw_drop_reason reason;
	u16 kinds;
};

static const struct layout layouts[] = {
	{ "INIT", 0, { { 1, 20 } }, .kinds = K(INIT) },
	{ "INIT ACK", 7, { { 2, 96 } }, .kinds = K(INIT_ACK) },
	{ "DATA", 7, { { 0, 17 } }, .kinds = K(OTHER) },
	{ "DATA without its padding", 7, { { 0, 17 } }, .cut = 3, .kinds = K(OTHER) },
	{ "SACK and DATA", 7, { { 3, 16 }, { 0, 20 } }, .kinds = K(OTHER) },
	{ "I-DATA", 7, { { 64, 21 } }, .kinds = K(OTHER) },
	{ "COOKIE ECHO and DATA", 7, { { 10, 100 }, { 0, 17 } },
	  .kinds = K(COOKIE_ECHO) | K(OTHER) },
	{ "AUTH, COOKIE ECHO", 7, { { 15, 28 }, { 10, 60 } }, .kinds = K(COOKIE_ECHO) | K(OTHER) },
	{ "COOKIE ACK, SACK, DATA", 7, { { 11, 4 }, { 3, 16 }, { 0, 17 } },
	  .kinds = K(COOKIE_ACK) | K(OTHER) },
	{ "SHUTDOWN", 7, { { 7, 8 } }, .kinds = K(SHUTDOWN) },
	{ "ERROR and ABORT", 7, { { 9, 8 }, { 6, 4 } }, .kinds = K(OTHER) | K(ABORT) },
	{ "HEARTBEAT", 7, { { 4, 40 } }, .kinds = K(HEARTBEAT) },
	{ "unknown chunk", 7, { { 200, 4 } }, .kinds = K(OTHER) },
	{ "sixteen control chunks", 7, {}, .errors = 16, .kinds = K(OTHER) },
	{ "seventeen control chunks", 7, {}, .errors = 17, .reason = R(SCTP_CHUNK) },
	{ "seventeen chunks with data", 7, { { 0, 17 } }, .errors = 16, .kinds = K(OTHER) },

	{ "no chunk", 7, {}, .reason = R(SCTP_CHUNK) },
	{ "half a chunk header", 7, { { 11, 4 } }, .cut = 1, .reason = R(SCTP_CHUNK) },
	{ "length of 3", 7, { { 9, 3 } }, .reason = R(SCTP_CHUNK) },
	{ "DATA of no data", 7, { { 0, 16 } }, .reason = R(SCTP_CHUNK) },
	{ "DATA longer than packet", 7, { { 0, 20 } }, .cut = 1, .reason = R(SCTP_CHUNK) },
	{ "second chunk longer than packet", 7, { { 3, 16 }, { 0, 20 } }, .cut = 4,
	  .reason = R(SCTP_CHUNK) },
	{ "SHUTDOWN too long", 7, { { 7, 12 } }, .reason = R(SCTP_CHUNK) },
	{ "COOKIE ACK too long", 7, { { 11, 8 } }, .reason = R(SCTP_CHUNK) },
	{ "INIT too short", 0, { { 1, 16 } }, .reason = R(SCTP_CHUNK) },
	{ "INIT and DATA", 0, { { 1, 20 }, { 0, 17 } }, .reason = R(SCTP_CHUNK) },
	{ "DATA and INIT ACK", 7, { { 0, 17 }, { 2, 20 } }, .reason = R(SCTP_CHUNK) },
	{ "SHUTDOWN COMPLETE and more", 7, { { 14, 4 }, { 9, 4 } }, .reason = R(SCTP_CHUNK) },
	{ "DATA before COOKIE ECHO", 7, { { 0, 17 }, { 10, 60 } }, .reason = R(SCTP_CHUNK) },
	{ "ERROR before COOKIE ECHO", 7, { { 9, 4 }, { 10, 60 } }, .reason = R(SCTP_CHUNK) },
	{ "SACK before COOKIE ACK", 7, { { 3, 16 }, { 11, 4 } }, .reason = R(SCTP_CHUNK) },
	{ "DATA and ABORT", 7, { { 0, 17 }, { 6, 4 } }, .reason = R(SCTP_CHUNK) },
	{ "INIT with a tag", 7, { { 1, 20 } }, .reason = R(SCTP_TAG) },
	{ "DATA without a tag", 0, { { 0, 17 } }, .reason = R(SCTP_TAG) },
	{ "ABORT without a tag", 0, { { 6, 4 } }, .reason = R(SCTP_TAG) },
};

KUNIT_ARRAY_PARAM_DESC(layout, layouts, desc);

static void layout_build(const struct layout *l, struct frame *f)
{
	int i;

	memset(f, 0, sizeof(*f));
	frame_ip4(f, IPPROTO_SCTP);
	frame_sctp(f, l->tag);
	for (i = 0; i < ARRAY_SIZE(l->chunks) && l->chunks[i].length; i++) {
		u8 *chunk = frame_chunk(f, l->chunks[i].type, l->chunks[i].length);

		if (l->chunks[i].type == 1 || l->chunks[i].type == 2)
			put_unaligned_be32(0xabcd, chunk + 4);
	}
	for (i = 0; i < l->errors; i++)
		frame_chunk(f, 9, 4);
	f->len -= l->cut;
	frame_end(f);
}

static void layout_test(struct kunit *test)
{
	const struct layout *l = test->param_value;
	struct vfw_packet pkt;
	struct frame f;

	layout_build(l, &f);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, OUT, &pkt), l->reason);
	if (l->reason)
		return;
	KUNIT_EXPECT_EQ(test, pkt.sctp.kinds, l->kinds);
	KUNIT_EXPECT_EQ(test, pkt.sctp.tag, l->tag);
	KUNIT_EXPECT_FALSE(test, pkt.sctp.reflected);
	KUNIT_EXPECT_EQ(test, pkt.sctp.init_tag, l->kinds & (K(INIT) | K(INIT_ACK)) ? 0xabcd : 0);
	KUNIT_EXPECT_EQ(test, pkt.segments, 1);
}

/* The T bit, a tag of 0 that is offered, and how much of an INIT a quotation needs. */
static void tags_test(struct kunit *test)
{
	struct layout abort = { "", 7, { { 6, 4 } } }, init = { "", 0, { { 1, 20 } } };
	struct vfw_chunks chunks = {};
	struct vfw_packet pkt;
	struct sk_buff *skb;
	struct frame f;

	layout_build(&abort, &f);
	f.data[IP4 + 12 + 1] = 1;
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, OUT, &pkt), OK);
	KUNIT_EXPECT_TRUE(test, pkt.sctp.reflected);

	layout_build(&init, &f);
	memset(f.data + IP4 + 16, 0, 4);
	KUNIT_EXPECT_EQ(test, frame_parse(test, &f, OUT, &pkt), R(SCTP_TAG));

	layout_build(&init, &f);
	skb = frame_skb(&f, false, 0);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_FALSE(test, vfw_sctp_parse_quoted(skb, IP4, 19, &chunks));
	KUNIT_EXPECT_TRUE(test, vfw_sctp_parse_quoted(skb, IP4, 20, &chunks));
	KUNIT_EXPECT_EQ(test, chunks.init_tag, 0xabcd);
	kfree_skb(skb);
	layout_build(&abort, &f);
	skb = frame_skb(&f, false, 0);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_TRUE(test, vfw_sctp_parse_quoted(skb, IP4, 8, &chunks));
	KUNIT_EXPECT_FALSE(test, vfw_sctp_parse_quoted(skb, IP4, 7, &chunks));
	KUNIT_EXPECT_EQ(test, chunks.tag, 7);
	kfree_skb(skb);
}

/* As the kernel's SCTP makes it: the header in the head, the chunks of each packet in a list. */
static void gso_test(struct kunit *test)
{
	struct sk_buff *skb, *last = NULL, *part;
	struct vfw_packet pkt;
	struct frame f = {};
	int i;

	frame_ip4(&f, IPPROTO_SCTP);
	frame_sctp(&f, 7);
	skb = frame_skb(&f, false, FRAME_MAX);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	for (i = 0; i < 3; i++) {
		struct frame chunk = {};

		frame_chunk(&chunk, 0, 100);
		part = frame_skb(&chunk, false, FRAME_MAX);
		KUNIT_ASSERT_NOT_NULL(test, part);
		if (last)
			last->next = part;
		else
			skb_shinfo(skb)->frag_list = part;
		last = part;
		skb->len += part->len;
		skb->data_len += part->len;
	}
	((struct iphdr *)skb->data)->tot_len = htons(skb->len);
	skb_shinfo(skb)->gso_size = GSO_BY_FRAGS;
	skb_shinfo(skb)->gso_type = SKB_GSO_SCTP;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), IN, false, &pkt),
			OK);
	KUNIT_EXPECT_EQ(test, pkt.segments, 3);
	KUNIT_EXPECT_EQ(test, pkt.length, IP4 + 12 + 300);
	KUNIT_EXPECT_EQ(test, pkt.sctp.kinds, K(OTHER));
	skb_shinfo(skb)->gso_segs = 2;
	KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(ETH_P_IP), IN, false, &pkt),
			OK);
	KUNIT_EXPECT_EQ(test, pkt.segments, 2);
	kfree_skb(skb);
}

/* Nothing but an INIT, and a HEARTBEAT, opens a flow. */
static void open_test(struct kunit *test)
{
	struct vfw_chunks chunks = { .tag = STRAY };
	struct vfw_sctp sctp, before = {};
	u8 state;

	for (chunks.kinds = 1; chunks.kinds < BIT(VFW_SCTP_KINDS); chunks.kinds++) {
		bool opens = chunks.kinds == K(INIT) || chunks.kinds == K(HEARTBEAT);

		KUNIT_EXPECT_EQ(test, vfw_sctp_open(&sctp, &state, IN, &chunks, &before),
				opens ? OK : R(SCTP_STATE));
	}
}

/* What an INIT has ended stays remembered, for what is left of it. */
static void open_again_test(struct kunit *test)
{
	struct vfw_chunks init = { .kinds = K(INIT), .init_tag = A2 };
	struct vfw_chunks left = { .kinds = K(SHUTDOWN_ACK), .tag = A };
	struct vfw_chunks done = { .kinds = K(SHUTDOWN_COMPLETE), .tag = A, .reflected = true };
	struct vfw_sctp sctp, before = { .peer = { [OUT].tags = { A }, [IN].tags = { B } } };
	enum vfw_tcp_effect effect;
	u8 state;

	KUNIT_ASSERT_EQ(test, vfw_sctp_open(&sctp, &state, OUT, &init, &before), OK);
	KUNIT_EXPECT_EQ(test, sctp.peer[OUT].tags[0], A2);
	KUNIT_EXPECT_EQ(test, sctp.peer[IN].tags[0], 0);
	KUNIT_EXPECT_TRUE(test, vfw_sctp_state_valid(&sctp, OUT, state));
	KUNIT_EXPECT_EQ(test, vfw_sctp_update(&sctp, &state, IN, OUT, &left, &effect), OK);
	KUNIT_EXPECT_EQ(test, vfw_sctp_update(&sctp, &state, OUT, OUT, &done, &effect), OK);
	left.tag = A2;
	KUNIT_EXPECT_EQ(test, vfw_sctp_update(&sctp, &state, IN, OUT, &left, &effect),
			R(SCTP_STATE));
	done.tag = A2;
	KUNIT_EXPECT_EQ(test, vfw_sctp_update(&sctp, &state, OUT, OUT, &done, &effect),
			R(SCTP_STATE));
	KUNIT_EXPECT_EQ(test, state, S(COOKIE_WAIT));
}

/* An error about a packet that went in @dir is of the association when its tag is. */
static void quoted_test(struct kunit *test)
{
	struct vfw_sctp sctp = { .peer = { [IN].tags = { B, B2 }, [OUT].tags = { A } } };

	KUNIT_EXPECT_TRUE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ B }));
	KUNIT_EXPECT_TRUE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ B2 }));
	KUNIT_EXPECT_FALSE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ A }));
	KUNIT_EXPECT_TRUE(test, vfw_sctp_quoted_known(&sctp, IN, &(struct vfw_chunks){ A }));
	KUNIT_EXPECT_TRUE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ 0, A }));
	KUNIT_EXPECT_FALSE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ 0, B }));
	KUNIT_EXPECT_FALSE(test, vfw_sctp_quoted_known(&sctp, OUT, &(struct vfw_chunks){ 0, 0 }));
}

/* What no tracking leads to is refused. */
static void valid_test(struct kunit *test)
{
	static const struct {
		u8 state;
		u32 a[3];	/* of the opener */
		u32 b[3];
		u8 flags;
		bool valid;
	} cases[] = {
		{ S(COOKIE_WAIT), { A }, {}, 0, true },
		{ S(COOKIE_WAIT), {}, { B }, 0, false },
		{ S(COOKIE_WAIT), { A }, { B }, VFW_SCTP_ECHOED, false },
		{ S(COOKIE_ECHOED), { A }, { B }, VFW_SCTP_ECHOED, true },
		{ S(COOKIE_ECHOED), { A }, { B }, 0, false },
		{ S(COOKIE_ECHOED), { A }, {}, VFW_SCTP_ECHOED, false },
		{ S(ESTABLISHED), { A }, { B }, 0, true },
		{ S(ESTABLISHED), { A }, { 0, B }, 0, false },
		{ S(ESTABLISHED), { A, A2 }, { B, B2 }, VFW_SCTP_ECHOED, true },
		{ S(ESTABLISHED), { A, A2 }, { B }, VFW_SCTP_ECHOED, false },
		{ S(ESTABLISHED), { A }, { B }, 2, false },
		{ S(SHUTDOWN_SENT), {}, { B }, 0, false },
		{ S(SHUTDOWN_RECD), { A }, {}, 0, false },
		{ S(SHUTDOWN_ACK_SENT), {}, {}, 0, false },
		{ S(CLOSED), { A }, {}, 0, true },
		{ S(CLOSED), {}, { B }, 0, true },
		{ S(CLOSED), {}, {}, 0, false },
		{ S(CLOSED), { A }, { B }, VFW_SCTP_ECHOED, false },
		{ S(HEARTBEAT_SENT), {}, { B }, 0, true },
		{ S(HEARTBEAT_SENT), { A }, {}, 0, false },
		{ VFW_FLOW_STATE_NEW, { A }, { B }, 0, false },
		{ VFW_FLOW_STATE_TCP_ESTABLISHED, { A }, { B }, 0, false },
		{ 255, { A }, { B }, 0, false },
	};
	int i, opened;

	for (i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct vfw_sctp sctp = {};

		opened = i % 2;
		memcpy(sctp.peer[opened].tags, cases[i / 2].a, sizeof(cases[0].a));
		memcpy(sctp.peer[!opened].tags, cases[i / 2].b, sizeof(cases[0].b));
		sctp.peer[opened].flags = cases[i / 2].flags;
		KUNIT_EXPECT_EQ_MSG(test, vfw_sctp_state_valid(&sctp, opened, cases[i / 2].state),
				    cases[i / 2].valid, "case %d", i / 2);
	}
}

static struct kunit_case sctp_cases[] = {
	KUNIT_CASE_PARAM(layout_test, layout_gen_params),
	KUNIT_CASE(tags_test),
	KUNIT_CASE(gso_test),
	KUNIT_CASE(open_test),
	KUNIT_CASE(open_again_test),
	KUNIT_CASE(quoted_test),
	KUNIT_CASE(valid_test),
	{}
};

static struct kunit_suite sctp_suite = {
	.name = "vfw_sctp",
	.test_cases = sctp_cases,
};

kunit_test_suite(sctp_suite);
