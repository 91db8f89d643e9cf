// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of fragments: who floods shuts nobody out, and no work grows with what is there.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include "fragment.h"

#define V4	.family = VFW_FAMILY_IPV4
#define OUT	.dir = VFW_DIRECTION_OUT
#define UDP	.protocol = IPPROTO_UDP, .port = 53
#define PIECE(at, size, is_more) .offset = (at), .length = (size), .more = (is_more)

static struct vfw_policy *policy_of(struct kunit *test)
{
	return vm_policy(&((struct fragment_test *)test->priv)->state.src);
}

static struct list_head *waiting_in(struct kunit *test, u8 dir)
{
	return &fragments_of(test)->sides[dir].lists[VFW_FRAGMENT_WAITING];
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

/*
 * Fragments that wait are dropped without the lock: how many datagrams are there then tells how
 * many were forgotten in one hold of it.
 */
static struct {
	struct vfw_fragments *fragments;
	u32 there;
	u32 freed;
	u32 most;
} slices;

static void note_slice(struct sk_buff *skb)
{
	u32 there = slices.fragments->sides[0].datagrams + slices.fragments->sides[1].datagrams;

	slices.most = max(slices.most, slices.there - there - slices.freed);
	slices.freed++;
}

/* From now on, who is dropped is noted. Each datagram has one fragment. */
static void watch_slices(struct kunit *test)
{
	struct vfw_datagram *d;
	int dir;

	slices.fragments = fragments_of(test);
	slices.there = 0;
	slices.freed = 0;
	slices.most = 0;
	for (dir = 0; dir < 2; dir++) {
		slices.there += slices.fragments->sides[dir].datagrams;
		list_for_each_entry(d, waiting_in(test, dir), list)
			skb_peek(&d->waiting)->destructor = note_slice;
	}
}

#define MANY	1000

static void wait_for_many(struct kunit *test)
{
	u32 i;

	policy_of(test)->max_fragments = MANY;
	policy_of(test)->fragment_bytes = VFW_FRAGMENT_BYTES_MAX;
	for (i = 1; i <= MANY; i++) {
		EXPECT_WAIT(test, V4, UDP, .id = i, PIECE(1000, 1000, true));
		EXPECT_WAIT(test, V4, UDP, OUT, .id = i, PIECE(1000, 1000, true));
	}
	watch_slices(test);
	KUNIT_EXPECT_EQ(test, slices.there, 2 * MANY);
}

static void expect_slices(struct kunit *test, u32 freed)
{
	KUNIT_EXPECT_EQ(test, slices.freed, freed);
	KUNIT_EXPECT_EQ(test, fragments_of(test)->sides[0].datagrams +
			      fragments_of(test)->sides[1].datagrams, 2 * MANY - freed);
	/* Two in price for each: itself, and the fragment. */
	KUNIT_EXPECT_GE(test, slices.most, 1);
	KUNIT_EXPECT_LE(test, slices.most, 128);
}

static void freezing_drops_in_slices(struct kunit *test)
{
	struct fragment_test *t = test->priv;

	wait_for_many(test);
	mutex_lock(&t->state.vn.lock);
	vfw_vm_freeze(&t->state.src);
	mutex_unlock(&t->state.vn.lock);
	expect_slices(test, 2 * MANY);
}

static void expiry_drops_in_slices(struct kunit *test)
{
	struct vfw_datagram *d;
	u32 i;

	wait_for_many(test);
	spin_lock_bh(&fragments_of(test)->lock);
	for (i = 0; i < 2; i++)
		list_for_each_entry(d, waiting_in(test, i), list)
			d->expires = jiffies;
	spin_unlock_bh(&fragments_of(test)->lock);
	for (i = 0; i < 200 && READ_ONCE(slices.freed) < 2 * MANY; i++)
		msleep(50);
	expect_slices(test, 2 * MANY);
}

/* Of every third datagram the fragment came by another port, which stays. */
static void a_port_that_goes_drops_in_slices(struct kunit *test)
{
	struct fragment_test *t = test->priv;
	struct vfw_port other = t->port;
	struct vfw_datagram *d;
	u32 n = 0, last = 0;

	wait_for_many(test);
	list_for_each_entry(d, waiting_in(test, VFW_DIRECTION_IN), list)
		if (n++ % 3 == 2)
			vfw_stolen(skb_peek(&d->waiting))->port = &other;
	t->port.dev = NULL;
	vfw_fragment_port_gone(&t->state.src, &t->port);
	expect_slices(test, 2 * MANY - MANY / 3);
	/* In the order in which they were. */
	list_for_each_entry(d, waiting_in(test, VFW_DIRECTION_IN), list) {
		KUNIT_EXPECT_EQ(test, ntohs((__force __be16)d->key.id), last + 3);
		last += 3;
	}
}

static struct kunit_case fragment_limit_cases[] = {
	KUNIT_CASE(waiting_ones_leave_passing_ones_alone),
	KUNIT_CASE(passing_ones_leave_waiting_ones_alone),
	KUNIT_CASE(freezing_drops_in_slices),
	KUNIT_CASE(expiry_drops_in_slices),
	KUNIT_CASE(a_port_that_goes_drops_in_slices),
	{}
};

static struct kunit_suite fragment_limit_suite = {
	.name = "vfw_fragment_limit",
	.init = fragment_test_init,
	.exit = fragment_test_exit,
	.test_cases = fragment_limit_cases,
};

kunit_test_suite(fragment_limit_suite);
