// SPDX-License-Identifier: GPL-2.0
/*
 * SCTP: what a packet may look like, and what it makes of an association, step by step.
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

/* States. */

#define A	0xaaaa0001u	/* tags of the end that opens */
#define A2	0xaaaa0002u
#define B	0xbbbb0001u	/* of the other */
#define B2	0xbbbb0002u
#define B3	0xbbbb0003u
#define B4	0xbbbb0004u
#define STRAY	0x12345678u
#define T	0x80		/* in @from: reflected */
#define ESTABLISH	1

/**
 * struct step - a packet of a script
 * @from: 'a' the end that opened, 'b' the other; with T. ESTABLISH: the steps of @handshake
 * @kinds: what it is
 * @tag: its verification tag
 * @init_tag: the tag it offers
 * @reason: why it is dropped; then nothing changes
 * @state: state afterwards
 * @effect: enum vfw_tcp_effect
 */
struct step {
	u8 from;
	u16 kinds;
	u32 tag;
	u32 init_tag;
	enum vfw_drop_reason reason;
	u8 state;
	u8 effect;
};

#define DROPPED(why, where)	.reason = R(SCTP_ ## why), .state = S(where)
#define PASSED(where)		.state = S(where)
#define LIVES(where)		.state = S(where), .effect = VFW_TCP_EFFECT_REFRESH
#define OFFERS(offer, where)	.init_tag = offer, .state = S(where)
#define OFFERED(offer, where)	.init_tag = offer, LIVES(where)
#define REOPENS(offer, where)								\
	.init_tag = offer, .state = S(where), .effect = VFW_TCP_EFFECT_REOPEN

/**
 * struct script - packets one after the other
 * @desc: what it is about
 * @only: 1 + direction in which the flow is to be opened; 0 for either
 * @steps: the first opens the flow, up to the first without kinds
 * @tags: those in force in the end: of the opener, of the other
 */
struct script {
	const char *desc;
	u8 only;
	struct step steps[24];
	u32 tags[2];
};

#define BY_VM	(1 + OUT)
#define BY_FAR	(1 + IN)

static const struct step handshake[] = {
	{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
	{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
	{ 'a', K(COOKIE_ECHO) | K(OTHER), B, LIVES(COOKIE_ECHOED) },
	{ 'b', K(COOKIE_ACK) | K(OTHER), A, LIVES(ESTABLISHED) },
};

static const struct script scripts[] = {
	{ "from beginning to end", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'a', K(HEARTBEAT_ACK), B, LIVES(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(OTHER), A, LIVES(SHUTDOWN_SENT) },
		{ 'a', K(SHUTDOWN) | K(OTHER), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(SHUTDOWN_ACK), A, PASSED(CLOSED) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), A, PASSED(CLOSED) },
		{ 'a', K(INIT), 0, REOPENS(A2, CLOSED) },
	}, { A, B } },
	{ "ended by the other", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(SHUTDOWN), A, LIVES(SHUTDOWN_RECD) },
		{ 'a', K(OTHER), B, LIVES(SHUTDOWN_RECD) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b' | T, K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(INIT), 0, REOPENS(B2, CLOSED) },
	}, { A, B } },
	{ "ended by both at once", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN), A, LIVES(SHUTDOWN_SENT) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, PASSED(CLOSED) },
	}, { A, B } },
	{ "COOKIE ACK and SHUTDOWN in one", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK) | K(SHUTDOWN), A, LIVES(SHUTDOWN_RECD) },
	}, { A, B } },
	{ "refused", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(ABORT), STRAY, DROPPED(TAG, COOKIE_WAIT) },
		{ 'b', K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(INIT), 0, REOPENS(A2, CLOSED) },
	}, { A, 0 } },
	{ "aborted", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(OTHER) | K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(OTHER), B, PASSED(CLOSED) },
		{ 'b' | T, K(ABORT), B, PASSED(CLOSED) },
	}, { A, B } },
	{ "aborted by an end that has lost it", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b' | T, K(ABORT), B, LIVES(CLOSED) },
	}, { A, B } },
	{ "everything sent twice", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(INIT), 0, OFFERS(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO), B, PASSED(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A, PASSED(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(COOKIE_ACK), A, PASSED(SHUTDOWN_SENT) },
	}, { A, B } },
	{ "INIT ACKs with other tags each, the last but one taken", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B2, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B3, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B4, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B2, DROPPED(TAG, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B3, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(OTHER), B2, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B4, PASSED(ESTABLISHED) },
	}, { A, B3 } },
	{ "stale cookie", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(OTHER), A, PASSED(COOKIE_ECHOED) },
		{ 'a', K(INIT), 0, OFFERS(A, COOKIE_ECHOED) },
		{ 'b', K(INIT_ACK), A, OFFERS(B2, COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B2 } },
	{ "both open at once", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT), 0, OFFERS(B, COOKIE_WAIT) },
		{ 'a', K(INIT_ACK), B, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ECHO), A, LIVES(COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ACK), B, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "the opener begins anew", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(INIT), 0, OFFERS(A2, ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'b', K(INIT_ACK), A2, OFFERS(B2, ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO) | K(OTHER), B2, PASSED(ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A2, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), A, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(OTHER), B, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(OTHER), B2, LIVES(ESTABLISHED) },
	}, { A2, B2 } },
	{ "the other end begins anew while it is shut down", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(INIT), 0, OFFERS(B2, SHUTDOWN_SENT) },
		{ 'a', K(INIT_ACK), B2, OFFERS(A2, SHUTDOWN_SENT) },
		{ 'b', K(COOKIE_ECHO), A2, PASSED(SHUTDOWN_SENT) },
		{ 'a', K(COOKIE_ACK), B2, LIVES(ESTABLISHED) },
	}, { A2, B2 } },
	{ "another handshake that comes to nothing", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(INIT), 0, OFFERS(A2, ESTABLISHED) },
		{ 'b', K(INIT_ACK), A2, OFFERS(B2, ESTABLISHED) },
		{ 'b', K(ABORT), A2, PASSED(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B2, PASSED(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A2, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "INITs that are made up leave no trace", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT), 0, OFFERS(STRAY, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(INIT), 0, OFFERS(STRAY, ESTABLISHED) },
		{ 'a', K(ABORT), STRAY, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
	}, { A, B } },
	{ "an INIT ACK nobody asked for", BY_VM, {
		{ .from = ESTABLISH },
		{ 'b', K(INIT_ACK), STRAY, DROPPED(TAG, ESTABLISHED) },
	}, { A, B } },
	{ "wrong tags", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), STRAY, DROPPED(TAG, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), A, DROPPED(TAG, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), B, DROPPED(TAG, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(OTHER), A, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(ABORT), B, DROPPED(TAG, ESTABLISHED) },
		{ 'b' | T, K(ABORT), A, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(SHUTDOWN), STRAY, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), A, DROPPED(TAG, SHUTDOWN_ACK_SENT) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), B, DROPPED(TAG, SHUTDOWN_ACK_SENT) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), A, LIVES(CLOSED) },
	}, { A, B } },
	{ "chunks that are wrong in a state", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(OTHER), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ACK), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(HEARTBEAT), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN_ACK), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ECHO), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, ESTABLISHED) },
		/* What is good in the packet does not count either. */
		{ 'b', K(SHUTDOWN) | K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, ESTABLISHED) },
	}, { A, B } },
	{ "a cookie that was aborted", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "another path", 0, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'a', K(HEARTBEAT), B, PASSED(HEARTBEAT_SENT) },
		{ 'a', K(OTHER), B, DROPPED(STATE, HEARTBEAT_SENT) },
		{ 'b', K(OTHER), A, DROPPED(TAG, HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
		/* The SHUTDOWN took the first path, its repetition takes this one. */
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, LIVES(CLOSED) },
	}, { A, B } },
	{ "both ends try the path", 0, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(HEARTBEAT_ACK), B, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "a path of no association", 0, {
		{ 'a', K(HEARTBEAT), STRAY, LIVES(HEARTBEAT_SENT) },
		{ 'b' | T, K(ABORT), STRAY, LIVES(CLOSED) },
		{ 'a', K(HEARTBEAT), B, REOPENS(0, CLOSED) },
	}, { 0, STRAY } },
	{ "the association began anew on the first path", BY_VM, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A2, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(HEARTBEAT), B2, REOPENS(0, ESTABLISHED) },
	}, { A, B } },
	{ "an INIT on a path that was tried", 0, {
		{ 'a', K(HEARTBEAT), STRAY, LIVES(HEARTBEAT_SENT) },
		{ 'a', K(INIT), 0, OFFERS(A, HEARTBEAT_SENT) },
		{ 'b', K(INIT_ACK), A, OFFERS(B, HEARTBEAT_SENT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B } },
};

KUNIT_ARRAY_PARAM_DESC(script, scripts, desc);

static struct vfw_chunks step_chunks(const struct step *s)
{
	return (struct vfw_chunks){
		.tag = s->tag, .init_tag = s->init_tag, .kinds = s->kinds,
		.reflected = s->from & T,
	};
}

/**
 * struct run - a script that is being played
 * @sctp: the association
 * @state: of the flow
 * @opened: direction in which it was opened
 */
struct run {
	struct vfw_sctp sctp;
	u8 state;
	u8 opened;
};

static void step_run(struct kunit *test, struct run *run, const struct step *s, int n)
{
	u8 dir = (s->from & ~T) == 'a' ? run->opened : !run->opened;
	struct vfw_chunks chunks = step_chunks(s);
	struct run before = *run;
	enum vfw_tcp_effect effect;
	enum vfw_drop_reason reason;

	reason = vfw_sctp_update(&run->sctp, &run->state, dir, run->opened, &chunks, &effect);
	KUNIT_EXPECT_EQ_MSG(test, reason, s->reason, "step %d, opened %d", n, run->opened);
	KUNIT_EXPECT_EQ_MSG(test, run->state, s->state, "step %d, opened %d", n, run->opened);
	KUNIT_EXPECT_EQ_MSG(test, (u8)effect, s->effect, "step %d, opened %d", n, run->opened);
	if (reason || effect == VFW_TCP_EFFECT_REOPEN || (s->kinds == K(INIT) && dir == IN))
		KUNIT_EXPECT_MEMEQ(test, run, &before, sizeof(before));
	KUNIT_EXPECT_TRUE_MSG(test, vfw_sctp_state_valid(&run->sctp, run->opened, run->state),
			      "step %d, opened %d", n, run->opened);
}

static void script_run(struct kunit *test, const struct script *sc, u8 opened)
{
	bool established = sc->steps[0].from == ESTABLISH;
	const struct step *first = established ? handshake : sc->steps;
	struct vfw_chunks chunks = step_chunks(first);
	struct run run = { .opened = opened };
	int n;

	KUNIT_ASSERT_EQ(test, vfw_sctp_open(&run.sctp, &run.state, opened, &chunks), OK);
	KUNIT_ASSERT_EQ(test, run.state, first->state);
	for (n = 1; established && n < ARRAY_SIZE(handshake); n++)
		step_run(test, &run, &handshake[n], n);
	for (n = 1; n < ARRAY_SIZE(sc->steps) && sc->steps[n].kinds; n++)
		step_run(test, &run, &sc->steps[n], n);
	KUNIT_EXPECT_EQ(test, run.sctp.peer[opened].tags[0], sc->tags[0]);
	KUNIT_EXPECT_EQ(test, run.sctp.peer[!opened].tags[0], sc->tags[1]);
}

static void script_test(struct kunit *test)
{
	const struct script *sc = test->param_value;

	if (sc->only != BY_VM)
		script_run(test, sc, IN);
	if (sc->only != BY_FAR)
		script_run(test, sc, OUT);
}

/* Nothing but an INIT, and a HEARTBEAT, opens a flow. */
static void open_test(struct kunit *test)
{
	struct vfw_chunks chunks = { .tag = STRAY };
	struct vfw_sctp sctp;
	u8 state;

	for (chunks.kinds = 1; chunks.kinds < BIT(VFW_SCTP_KINDS); chunks.kinds++) {
		bool opens = chunks.kinds == K(INIT) || chunks.kinds == K(HEARTBEAT);

		KUNIT_EXPECT_EQ(test, vfw_sctp_open(&sctp, &state, IN, &chunks),
				opens ? OK : R(SCTP_STATE));
	}
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
	KUNIT_CASE_PARAM(script_test, script_gen_params),
	KUNIT_CASE(open_test),
	KUNIT_CASE(quoted_test),
	KUNIT_CASE(valid_test),
	{}
};

static struct kunit_suite sctp_suite = {
	.name = "vfw_sctp",
	.test_cases = sctp_cases,
};

kunit_test_suite(sctp_suite);
