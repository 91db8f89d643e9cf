// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of fragments: who floods shuts nobody out, and no work grows with what is there.
 */

#include <kunit/test.h>
#include "fragment.h"

#define V4	.family = VFW_FAMILY_IPV4
#define OUT	.dir = VFW_DIRECTION_OUT
#define UDP	.protocol = IPPROTO_UDP, .port = 53
#define PIECE(at, size, is_more) .offset = (at), .length = (size), .more = (is_more)

static struct vfw_policy *policy_of(struct kunit *test)
{
	return vm_policy(&((struct fragment_test *)test->priv)->state.src);
}

/* A datagram of @n fragments of @size bytes, in order, of which the last @missing do not come. */
static void expect_in_order(struct kunit *test, u32 id, u32 size, u32 n, u32 missing)
{
	u32 i;

	EXPECT_PASS(test, V4, UDP, .id = id, PIECE(0, size, true), .total = n * size);
	for (i = 1; i < n - missing; i++)
		EXPECT_PASS(test, V4, UDP, .id = id, PIECE(i * size, size, i < n - 1));
}

/*
 * Fragments whose first one never comes, as anybody can send them, take nothing from what need not
 * wait: a datagram of 64 KiB, in order, whose spans have to grow three times.
 */
static void waiting_ones_leave_passing_ones_alone(struct kunit *test)
{
	struct vfw_fragment_side *side = &fragments_of(test)->sides[VFW_DIRECTION_IN];
	u32 i;

	for (i = 0; i < 64; i++)
		EXPECT_WAIT(test, V4, UDP, .id = 1000 + i, PIECE(1000, 1000, true));
	policy_of(test)->fragment_bytes = side->bytes;
	expect_in_order(test, 1, 1448, 45, 0);
	KUNIT_EXPECT_EQ(test, side->bytes, policy_of(test)->fragment_bytes);
	KUNIT_EXPECT_EQ(test, side->datagrams, 64);
}

/* And those that pass, in as many pieces as there may be, take nothing from those that wait. */
static void passing_ones_leave_waiting_ones_alone(struct kunit *test)
{
	struct vfw_fragment_side *side = &fragments_of(test)->sides[VFW_DIRECTION_IN];
	struct sent sent;
	u32 i;

	policy_of(test)->fragment_bytes = 2 * VFW_SPANS_MAX * sizeof(struct vfw_span);
	for (i = 0; i < 4; i++)
		expect_in_order(test, 1000 + i, 8, VFW_SPANS_MAX, 100);
	KUNIT_EXPECT_EQ(test, side->bytes, 0);
	EXPECT_WAIT(test, V4, UDP, .id = 1, PIECE(1000, 2000, false));
	sent = send(test, &(struct cut){ V4, UDP, .id = 1, PIECE(0, 1000, true), .total = 3000 });
	KUNIT_EXPECT_EQ(test, sent.reason, VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, sent.n_follow, 1);
	KUNIT_EXPECT_EQ(test, side->datagrams, 4);
}

static struct kunit_case fragment_limit_cases[] = {
	KUNIT_CASE(waiting_ones_leave_passing_ones_alone),
	KUNIT_CASE(passing_ones_leave_waiting_ones_alone),
	{}
};

static struct kunit_suite fragment_limit_suite = {
	.name = "vfw_fragment_limit",
	.init = fragment_test_init,
	.exit = fragment_test_exit,
	.test_cases = fragment_limit_cases,
};

kunit_test_suite(fragment_limit_suite);
