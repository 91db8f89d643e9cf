// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/delay.h>
#include "../tcp_window.h"
#include "fragment.h"

#define V4	.family = VFW_FAMILY_IPV4
#define V6	.family = VFW_FAMILY_IPV6
#define OUT	.dir = VFW_DIRECTION_OUT
#define UDP	.protocol = IPPROTO_UDP, .port = 53
#define CLOSED	.protocol = IPPROTO_UDP, .port = CLOSED_PORT
#define TCP	.protocol = IPPROTO_TCP, .port = 80
#define PIECE(at, size, is_more) .offset = (at), .length = (size), .more = (is_more)
#define FIRST(size)	PIECE(0, size, true), .total = 3000

static const struct vfw_fragment_side *side(struct kunit *test, u8 dir)
{
	return &fragments_of(test)->sides[dir];
}

static void fragments_in_order(struct kunit *test)
{
	u8 family;

	for (family = VFW_FAMILY_IPV4; family <= VFW_FAMILY_IPV6; family++) {
		EXPECT_PASS(test, .family = family, UDP, FIRST(1000));
		EXPECT_PASS(test, .family = family, UDP, PIECE(1000, 1000, true));
		KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 1);
		EXPECT_PASS(test, .family = family, UDP, PIECE(2000, 1000, false));
		KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 0);
	}
}

static void fragments_count_in_the_flow(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct vfw_key key = {
		.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_UDP,
		.local.v4 = htonl(SOURCE4), .remote.v4 = htonl(DEST4),
		.local_port = htons(53), .remote_port = htons(9999),
	};
	struct flow_copy copy;

	EXPECT_WAIT(test, V4, UDP, PIECE(2000, 1000, false));
	KUNIT_EXPECT_FALSE(test, flow_get(&t->state.src, &key, &copy));
	EXPECT_PASS(test, V4, UDP, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, PIECE(1000, 1000, true));
	KUNIT_ASSERT_TRUE(test, flow_get(&t->state.src, &key, &copy));
	KUNIT_EXPECT_EQ(test, copy.counters.packets[VFW_DIRECTION_IN], 3);
	KUNIT_EXPECT_EQ(test, copy.counters.bytes[VFW_DIRECTION_IN], 3060);
}

/* All orders of four fragments. */
static void fragments_in_all_orders(struct kunit *test)
{
	u32 order, id = 0, i, at, n, held;
	struct sent sent;
	u8 family;

	for (family = VFW_FAMILY_IPV4; family <= VFW_FAMILY_IPV6; family++) {
		for (order = 0; order < 256; order++) {
			for (n = 0, i = 0; i < 4; i++)
				n |= 1 << (order >> 2 * i) % 4;
			if (n != 15)
				continue;
			id++;
			for (held = 0, n = 0, i = 0; i < 4; i++) {
				at = (order >> 2 * i) % 4;
				sent = send(test, &(struct cut){ .family = family, UDP, .id = id,
					    PIECE(at * 800, at == 3 ? 600 : 800, at != 3),
					    .total = 3000 });
				n |= 1 << at;
				held += !(n & 1);
				KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_NONE);
				KUNIT_EXPECT_EQ(test, sent.waits, !(n & 1));
				KUNIT_EXPECT_EQ(test, sent.n_follow, at ? 0 : held);
				KUNIT_EXPECT_EQ(test, sent.n_gone, 0);
			}
			KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 0);
			KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
		}
	}
	KUNIT_EXPECT_EQ(test, id, 48);
}

static void fragments_follow_in_order(struct kunit *test)
{
	struct sent sent;

	EXPECT_WAIT(test, V6, UDP, PIECE(2000, 1000, false));
	EXPECT_WAIT(test, V6, UDP, PIECE(1000, 504, true));
	EXPECT_WAIT(test, V6, UDP, PIECE(1504, 496, true));
	sent = send(test, &(struct cut){ V6, UDP, FIRST(1000) });
	KUNIT_ASSERT_EQ(test, sent.n_follow, 3);
	KUNIT_EXPECT_EQ(test, sent.follow[0], 2000);
	KUNIT_EXPECT_EQ(test, sent.follow[1], 1000);
	KUNIT_EXPECT_EQ(test, sent.follow[2], 1504);
}

/* What the rules say of the first is true of all, before and after it; another try is judged. */
static void fragments_of_a_refused_first(struct kunit *test)
{
	struct sent sent;

	EXPECT_WAIT(test, V4, CLOSED, PIECE(1000, 1000, true));
	sent = send(test, &(struct cut){ V4, CLOSED, FIRST(1000) });
	KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_RULE);
	KUNIT_EXPECT_EQ(test, sent.n_gone, 1);
	KUNIT_EXPECT_EQ(test, sent.gone, VFW_DROP_REASON_RULE);
	EXPECT_DROP(test, RULE, V4, CLOSED, PIECE(2000, 1000, false));
	EXPECT_DROP(test, RULE, V4, CLOSED, PIECE(2000, 1000, false));
	EXPECT_PASS(test, V4, UDP, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, PIECE(1000, 2000, false));
}

/* Each is a datagram of its own: no two of these are put together. */
static void fragments_are_told_apart(struct kunit *test)
{
	EXPECT_PASS(test, V4, UDP, .id = 1, FIRST(1000));
	EXPECT_WAIT(test, V4, UDP, .id = 2, PIECE(1000, 2000, false));
	EXPECT_WAIT(test, V6, UDP, .id = 1, PIECE(1000, 2000, false));
	EXPECT_WAIT(test, V4, TCP, .id = 1, PIECE(1000, 2000, false));
	EXPECT_WAIT(test, V4, UDP, OUT, .id = 1, PIECE(1000, 2000, false));
	EXPECT_WAIT(test, V4, UDP, .vlan = 5, .id = 1, PIECE(1000, 2000, false));
	EXPECT_WAIT(test, V4, UDP, .vlan = 6, .id = 1, PIECE(1000, 2000, false));
	EXPECT_PASS(test, V4, UDP, .vlan = 5, .id = 1, FIRST(1000));
	/* The first fragment of IPv6 alone tells the protocol (RFC 8200, 4.5). */
	EXPECT_PASS(test, V6, TCP, .id = 7, FIRST(1000));
	EXPECT_PASS(test, V6, UDP, .id = 7, PIECE(1000, 2000, false));
}

static void fragments_that_overlap(struct kunit *test)
{
	static const struct {
		u32 at, length;
		bool more;
	} bad[] = {
		{ 1992, 1008, true }, { 1000, 992, true }, { 1008, 992, true },
		{ 24, 8, true }, { 0, 1008, true }, { 0, 992, true }, { 1504, 1000, true },
		{ 992, 16, true }, { 0, 2000, true }, { 992, 1000, false },
	};
	u8 family;
	u32 i;

	for (family = VFW_FAMILY_IPV4; family <= VFW_FAMILY_IPV6; family++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			struct cut cut = { .family = family, UDP, .id = i, .total = 3000,
					   PIECE(bad[i].at, bad[i].length, bad[i].more) };

			EXPECT_PASS(test, .family = family, UDP, .id = i, FIRST(1000));
			EXPECT_PASS(test, .family = family, UDP, .id = i, PIECE(1000, 1000, true));
			KUNIT_EXPECT_NE(test, send(test, &cut).reason, VFW_DROP_REASON_NONE);
			/* Nothing more of it passes, not even a new first one. */
			cut = (struct cut){ .family = family, UDP, .id = i,
					    PIECE(2000, 1000, false) };
			KUNIT_EXPECT_NE(test, send(test, &cut).reason, VFW_DROP_REASON_NONE);
			cut = (struct cut){ .family = family, UDP, .id = i, FIRST(1000) };
			KUNIT_EXPECT_NE(test, send(test, &cut).reason, VFW_DROP_REASON_NONE);
		}
	}
}

/* The first of all attacks, 36 bytes and then 4 inside of them: by its real numbers. */
static void fragments_teardrop(struct kunit *test)
{
	struct sent sent;

	EXPECT_PASS(test, V4, UDP, PIECE(0, 32, true), .total = 32);
	EXPECT_DROP(test, FRAGMENT, V4, UDP, PIECE(24, 4, false));
	/* The other way round nothing passes at all. */
	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(24, 4, false));
	sent = send(test, &(struct cut){ V4, UDP, .id = 1, PIECE(0, 32, true), .total = 32 });
	KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_FRAGMENT);
	KUNIT_EXPECT_EQ(test, sent.n_gone, 1);
	EXPECT_PASS(test, V4, UDP, .id = 2, PIECE(0, 32, true), .total = 64);
	EXPECT_DROP(test, FRAGMENT_OVERLAP, V4, UDP, .id = 2, PIECE(24, 8, true));
}

static void fragments_that_come_twice(struct kunit *test)
{
	EXPECT_WAIT(test, V4, UDP, PIECE(2000, 1000, false));
	EXPECT_DROP(test, FRAGMENT_OVERLAP, V4, UDP, PIECE(2000, 1000, false));
	EXPECT_PASS(test, V4, UDP, FIRST(1000));
	EXPECT_DROP(test, FRAGMENT_OVERLAP, V4, UDP, FIRST(1000));
	EXPECT_DROP(test, FRAGMENT_OVERLAP, V4, UDP, PIECE(2000, 1000, false));
	EXPECT_PASS(test, V4, UDP, PIECE(1000, 1000, true));
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 0);
}

/* Too short for what the first one must have (RFC 7112; RFC 1858). */
static void fragments_that_are_tiny(struct kunit *test)
{
	EXPECT_DROP(test, FRAGMENT, V4, TCP, .id = 1, PIECE(0, 8, true));
	EXPECT_DROP(test, FRAGMENT, V4, TCP, .id = 1, PIECE(8, 1000, false));
	EXPECT_DROP(test, FRAGMENT, V4, TCP, .id = 1, FIRST(1000));
	EXPECT_DROP(test, FRAGMENT, V6, TCP, .id = 2, PIECE(0, 16, true));
	EXPECT_DROP(test, FRAGMENT, V6, UDP, .id = 3, PIECE(0, 0, true));
	EXPECT_PASS(test, V6, TCP, .id = 4, PIECE(0, 24, true));
	EXPECT_PASS(test, V6, UDP, .id = 5, PIECE(0, 8, true), .total = 3000);
}

static void fragments_of_bad_length(struct kunit *test)
{
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 1, PIECE(0, 1001, true), .total = 3000);
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 2, PIECE(1000, 0, true));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 2, FIRST(1000));
	EXPECT_DROP(test, FRAGMENT, V6, UDP, .id = 2, PIECE(1000, 0, false));
	/* 65535 bytes with the header of IPv4, without that of IPv6. */
	EXPECT_WAIT(test, V4, UDP, .id = 3, PIECE(65504, 11, false));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 4, PIECE(65504, 12, false));
	EXPECT_WAIT(test, V6, UDP, .id = 3, PIECE(65528, 7, false));
	EXPECT_DROP(test, FRAGMENT, V6, UDP, .id = 4, PIECE(65528, 8, true));
	/* Two ends; an end before what there is; more where it ended. */
	EXPECT_WAIT(test, V4, UDP, .id = 5, PIECE(2000, 1000, false));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 5, PIECE(4000, 1000, false));
	EXPECT_WAIT(test, V4, UDP, .id = 6, PIECE(2000, 1000, true));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 6, PIECE(1000, 500, false));
	EXPECT_WAIT(test, V4, UDP, .id = 7, PIECE(2000, 1000, false));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 7, PIECE(3000, 1000, true));
	/* The UDP header tells of more than there is. */
	EXPECT_PASS(test, V4, UDP, .id = 8, FIRST(1000));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 8, PIECE(1000, 1999, false));
	EXPECT_WAIT(test, V4, UDP, .id = 9, PIECE(1000, 1999, false));
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 9, FIRST(1000));
}

static void fragments_of_more_datagrams_than_may_be(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct sent sent;
	u32 i;

	vm_policy(&t->state.src)->max_fragments = 4;
	EXPECT_DROP(test, RULE, V4, CLOSED, .id = 1, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, .id = 2, FIRST(1000));
	EXPECT_WAIT(test, V4, UDP, .id = 3, PIECE(1000, 1000, true));
	EXPECT_WAIT(test, V4, UDP, .id = 4, PIECE(1000, 1000, true));
	/* The one that is refused goes first, then the oldest that waits, those that pass last. */
	EXPECT_WAIT(test, V4, UDP, .id = 5, PIECE(1000, 1000, true));
	sent = send(test, &(struct cut){ V4, UDP, .id = 6, PIECE(1000, 1000, true) });
	KUNIT_EXPECT_TRUE(test, sent.waits);
	KUNIT_EXPECT_EQ(test, sent.n_gone, 1);
	KUNIT_EXPECT_EQ(test, sent.gone, VFW_DROP_REASON_FRAGMENT_LIMIT);
	sent = send(test, &(struct cut){ V4, UDP, .id = 4, FIRST(1000) });
	KUNIT_EXPECT_EQ(test, sent.n_follow, 1);
	EXPECT_PASS(test, V4, UDP, .id = 2, PIECE(1000, 1000, true));
	/* A flood of those that wait leaves those that pass alone, and the other direction. */
	EXPECT_PASS(test, V4, UDP, OUT, .id = 1, FIRST(1000));
	for (i = 0; i < 100; i++)
		EXPECT_WAIT(test, V4, UDP, .id = 100 + i, PIECE(1000, 1000, true));
	EXPECT_PASS(test, V4, UDP, .id = 2, PIECE(2000, 1000, false));
	EXPECT_PASS(test, V4, UDP, .id = 4, PIECE(2000, 1000, false));
	EXPECT_PASS(test, V4, UDP, OUT, .id = 1, PIECE(1000, 2000, false));
	/* And one of first fragments does not keep out who comes after it. */
	for (i = 0; i < 100; i++)
		EXPECT_PASS(test, V4, UDP, .id = 300 + i, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, .id = 500, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, .id = 500, PIECE(1000, 2000, false));
	KUNIT_EXPECT_LE(test, side(test, VFW_DIRECTION_IN)->datagrams, 4);
}

/* A limit that has fallen is reached by and by: no fragment pays for all the others. */
static void fragments_beyond_a_lower_limit(struct kunit *test)
{
	struct vfw_policy *policy = vm_policy(&((struct fragment_test *)test->priv)->state.src);
	struct sent sent;
	u32 i;

	for (i = 1; i <= 400; i++)
		EXPECT_WAIT(test, V4, UDP, .id = i, PIECE(1000, 1000, true));
	policy->max_fragments = 4;
	for (i = 401; i <= 404; i++) {
		sent = send(test, &(struct cut){ V4, UDP, .id = i, PIECE(1000, 1000, true) });
		KUNIT_EXPECT_TRUE(test, sent.waits);
		KUNIT_EXPECT_GE(test, sent.n_gone, 1);
		KUNIT_EXPECT_LE(test, sent.n_gone, 128);
	}
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 4);
	policy->max_fragments = 1000;
	for (i = 405; i <= 700; i++)
		EXPECT_WAIT(test, V4, UDP, OUT, .id = i, PIECE(1000, 1000, true));
	policy->fragment_bytes = 1;
	for (i = 701; i <= 703; i++) {
		sent = send(test, &(struct cut){ V4, UDP, OUT, .id = i, PIECE(1000, 1000, true) });
		KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_FRAGMENT_LIMIT);
		KUNIT_EXPECT_GE(test, sent.n_gone, 1);
		KUNIT_EXPECT_LE(test, sent.n_gone, 128);
	}
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_OUT)->bytes, 0);
}

static void fragments_of_more_bytes_than_may_wait(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct vfw_policy *policy = vm_policy(&t->state.src);
	struct sent sent;
	u32 one;

	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(1000, 1000, true));
	one = side(test, VFW_DIRECTION_IN)->bytes;
	KUNIT_EXPECT_GE(test, one, 1000);
	policy->fragment_bytes = 2 * one;
	EXPECT_WAIT(test, V4, UDP, .id = 2, PIECE(1000, 1000, true));
	sent = send(test, &(struct cut){ V4, UDP, .id = 2, PIECE(2000, 1000, true) });
	KUNIT_EXPECT_TRUE(test, sent.waits);
	KUNIT_EXPECT_EQ(test, sent.gone, VFW_DROP_REASON_FRAGMENT_LIMIT);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 2 * one);
	/* Its own do not go for it; without all of them the rest is of no use. */
	sent = send(test, &(struct cut){ V4, UDP, .id = 2, PIECE(3000, 1000, true) });
	KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_FRAGMENT_LIMIT);
	KUNIT_EXPECT_EQ(test, sent.n_gone, 2);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
	policy->fragment_bytes = 0;
	EXPECT_DROP(test, FRAGMENT_LIMIT, V4, UDP, .id = 3, PIECE(1000, 1000, true));
	/* What need not wait passes. */
	EXPECT_PASS(test, V4, UDP, .id = 4, FIRST(1000));
	EXPECT_PASS(test, V4, UDP, .id = 4, PIECE(1000, 2000, false));
}

/* One that is cut smaller than can be followed, and one that almost is. */
static void fragments_that_are_many(struct kunit *test)
{
	u32 i, n = VFW_SPANS_MAX;

	EXPECT_PASS(test, V4, UDP, .id = 1, PIECE(0, 8, true), .total = 8 * n);
	for (i = 1; i < n; i++)
		EXPECT_PASS(test, V4, UDP, .id = 1, PIECE(8 * i, 8, i < n - 1));
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 0);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
	EXPECT_PASS(test, V4, UDP, .id = 1, PIECE(0, 8, true), .total = 8 * n);
	for (i = 1; i < n; i++)
		EXPECT_PASS(test, V4, UDP, .id = 1, PIECE(8 * i, 8, true));
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
	EXPECT_DROP(test, FRAGMENT_LIMIT, V4, UDP, .id = 1, PIECE(8 * i, 8, false));
	for (i = 1; i <= VFW_FRAGMENT_WAITING_MAX; i++)
		EXPECT_WAIT(test, V4, UDP, .id = 2, PIECE(8 * i, 8, true));
	EXPECT_DROP(test, FRAGMENT_LIMIT, V4, UDP, .id = 2, PIECE(8 * i, 8, true));
}

static void fragments_that_wait_in_vain(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	int i;

	KUNIT_EXPECT_EQ(test, vfw_policy_set_timeout(vm_policy(&t->state.src),
						     VFW_TIMEOUT_FRAGMENT, 1), 0);
	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(1000, 1000, true));
	EXPECT_PASS(test, V6, UDP, OUT, .id = 1, FIRST(1000));
	EXPECT_DROP(test, RULE, V6, CLOSED, .id = 1, FIRST(1000));
	msleep(500);
	KUNIT_EXPECT_EQ(test, drops_of(test, VFW_DROP_REASON_FRAGMENT_TIMEOUT), 0);
	for (i = 0; i < 100 && (side(test, VFW_DIRECTION_IN)->datagrams ||
				side(test, VFW_DIRECTION_OUT)->datagrams); i++)
		msleep(50);
	KUNIT_EXPECT_EQ(test, drops_of(test, VFW_DROP_REASON_FRAGMENT_TIMEOUT), 1);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->datagrams, 0);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_OUT)->datagrams, 0);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
	/* Nothing is left that the old first one would let pass. */
	EXPECT_WAIT(test, V6, UDP, OUT, .id = 1, PIECE(1000, 1000, true));
}

static void fragments_of_a_port_that_goes(struct kunit *test)
{
	struct fragment_test *t = test->priv;

	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(1000, 1000, true));
	EXPECT_WAIT(test, V6, UDP, .id = 1, PIECE(1000, 1000, true));
	t->port.dev = NULL;
	vfw_fragment_port_gone(&t->state.src, &t->port);
	KUNIT_EXPECT_EQ(test, drops_of(test, VFW_DROP_REASON_PORT_GONE), 2);
	KUNIT_EXPECT_EQ(test, side(test, VFW_DIRECTION_IN)->bytes, 0);
	EXPECT_DROP(test, PORT_GONE, V4, UDP, .id = 2, PIECE(1000, 1000, true));
}

static void fragments_when_the_vm_freezes(struct kunit *test)
{
	struct fragment_test *t = test->priv;

	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(1000, 1000, true));
	EXPECT_PASS(test, V4, UDP, .id = 2, FIRST(1000));
	mutex_lock(&t->state.vn.lock);
	vfw_vm_freeze(&t->state.src);
	KUNIT_EXPECT_EQ(test, drops_of(test, VFW_DROP_REASON_FROZEN), 1);
	vfw_vm_thaw(&t->state.src);
	mutex_unlock(&t->state.vn.lock);
	EXPECT_PASS(test, V4, UDP, .id = 2, PIECE(1000, 2000, false));
}

/* A new policy judges the flow anew, and what passed without one no more. */
static void fragments_when_the_policy_changes(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct vfw_policy *strict = vfw_policy_alloc();

	EXPECT_PASS(test, V4, UDP, .id = 1, FIRST(1000));
	vm_set_policy(&t->state.src, fragment_policy(test));
	EXPECT_PASS(test, V4, UDP, .id = 1, PIECE(1000, 1000, true));
	KUNIT_ASSERT_NOT_NULL(test, strict);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(strict, NULL), 0);
	vm_set_policy(&t->state.src, strict);
	EXPECT_DROP(test, POLICY_CHANGE, V4, UDP, .id = 1, PIECE(2000, 504, true));
	/* The flow is gone. */
	EXPECT_DROP(test, FRAGMENT, V4, UDP, .id = 1, PIECE(2504, 496, false));
	vm_set_policy(&t->state.src, NULL);
	EXPECT_DROP(test, NO_POLICY, V4, UDP, .id = 2, FIRST(1000));
}

static void fragments_of_a_segment(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct vfw_key key = {
		.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_TCP,
		.local.v4 = htonl(SOURCE4), .remote.v4 = htonl(DEST4),
		.local_port = htons(80), .remote_port = htons(9999),
	};
	struct flow_copy copy;

	EXPECT_PASS(test, V4, TCP, .id = 1, FIRST(520));
	KUNIT_ASSERT_TRUE(test, flow_get(&t->state.src, &key, &copy));
	KUNIT_EXPECT_EQ(test, copy.flow.tcp.peer[VFW_DIRECTION_IN].end, 1500);
	EXPECT_PASS(test, V4, TCP, .id = 1, PIECE(1520, 1000, false));
	flow_get(&t->state.src, &key, &copy);
	KUNIT_EXPECT_EQ(test, copy.flow.tcp.peer[VFW_DIRECTION_IN].end, 3500);
	EXPECT_PASS(test, V4, TCP, .id = 1, PIECE(520, 1000, true));
	flow_get(&t->state.src, &key, &copy);
	KUNIT_EXPECT_EQ(test, copy.flow.tcp.peer[VFW_DIRECTION_IN].end, 3500);
}

static void segments_are_extended(struct kunit *test)
{
	struct vfw_tcp tcp, was;

	memset(&tcp, 0, sizeof(tcp));
	tcp.peer[0] = (struct vfw_tcp_peer){ .end = 1000, .max_end = 9000, .max_window = 500 };
	tcp.peer[1] = (struct vfw_tcp_peer){ .end = 7000, .max_end = 9000, .max_window = 500 };
	was = tcp;
	/* Not by a RST, nor beyond a number that was not sent, or long ago. */
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_RST | VFW_TCPHDR_ACK, 1000, 2000);
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK, 1001, 2000);
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK, 1000 - 500 - VFW_TCP_REORDER - 1, 2000);
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_SYN, 999, 2000);
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK, 900, 1000);
	tcp.peer[0].flags = VFW_TCP_FIN;
	was.peer[0].flags = VFW_TCP_FIN;
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK, 1000, 2000);
	KUNIT_EXPECT_EQ(test, memcmp(&tcp, &was, sizeof(tcp)), 0);
	/* By one's own FIN, and by what was sent a while ago. */
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK | VFW_TCPHDR_FIN, 1000, 2000);
	KUNIT_EXPECT_EQ(test, tcp.peer[0].end, 2000);
	tcp.peer[0].flags = 0;
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_ACK, 1900, 2100);
	KUNIT_EXPECT_EQ(test, tcp.peer[0].end, 2100);
	vfw_tcp_extend(&tcp, 0, VFW_TCPHDR_SYN, 2100, 2200);
	KUNIT_EXPECT_EQ(test, tcp.peer[0].end, 2200);
	KUNIT_EXPECT_EQ(test, tcp.peer[1].end, 7000);
}

static struct kunit_case fragment_cases[] = {
	KUNIT_CASE(fragments_in_order),
	KUNIT_CASE(fragments_count_in_the_flow),
	KUNIT_CASE(fragments_in_all_orders),
	KUNIT_CASE(fragments_follow_in_order),
	KUNIT_CASE(fragments_of_a_refused_first),
	KUNIT_CASE(fragments_are_told_apart),
	KUNIT_CASE(fragments_that_overlap),
	KUNIT_CASE(fragments_teardrop),
	KUNIT_CASE(fragments_that_come_twice),
	KUNIT_CASE(fragments_that_are_tiny),
	KUNIT_CASE(fragments_of_bad_length),
	KUNIT_CASE(fragments_of_more_datagrams_than_may_be),
	KUNIT_CASE(fragments_beyond_a_lower_limit),
	KUNIT_CASE(fragments_of_more_bytes_than_may_wait),
	KUNIT_CASE(fragments_that_are_many),
	KUNIT_CASE(fragments_that_wait_in_vain),
	KUNIT_CASE(fragments_of_a_port_that_goes),
	KUNIT_CASE(fragments_when_the_vm_freezes),
	KUNIT_CASE(fragments_when_the_policy_changes),
	KUNIT_CASE(fragments_of_a_segment),
	KUNIT_CASE(segments_are_extended),
	{}
};

static struct kunit_suite fragment_suite = {
	.name = "vfw_fragment",
	.init = fragment_test_init,
	.exit = fragment_test_exit,
	.test_cases = fragment_cases,
};

kunit_test_suite(fragment_suite);
