// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring live streams, made by hand: what comes of rounds. What is refused is in
 * restore_refused_kunit.c.
 */

#include <kunit/test.h>

#include "live.h"

#define SECOND		1000
#define ELAPSED_MAX	(VFW_TIMEOUT_MAX * SECOND)
#define LAST		VFW_STATE_ROUND_LAST
#define V4		VFW_FLOWS_IPV4
#define V6		VFW_FLOWS_IPV6
#define TAGGED		VFW_FLOWS_TAGGED

/* What is expected: a flow as it was written at a time. */
static noinline_for_stack struct live_flow written(enum vfw_flow_kind kind, u32 i, u32 seed, u32 at)
{
	struct live_flow f = live_flow(kind, i, 0, seed);

	f.written = at;
	return f;
}

/* A flow of each kind, some of which change, one that goes, and one in its place. */
static void rounds_test(struct kunit *test)
{
	const struct live_flow expected[] = {
		written(V4, 1, 1020, 5 * SECOND), written(V6, 2, 77, 0),
		written(TAGGED, 3, 901, 5 * SECOND), written(V4, 6, 33, 5 * SECOND),
		written(TAGGED, 4, 150, 8 * SECOND),
	};
	struct state_test *t = state_test_lock(test);
	struct stream *s = &t->stream;
	struct live_flow two[2];
	u32 gone[] = { 2 };

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	two[0] = live_flow(V4, 1, 1, 20);
	two[1] = live_flow(V4, 5, 2, 30);
	live_flows(test, s, two, 2);
	live_flow_put(test, s, V6, 2, 0x40, 77);
	live_flow_put(test, s, TAGGED, 3, 0x80, 900);
	live_round(test, s, 2, 0, 5 * SECOND);
	live_gone(test, s, gone, 1);
	live_flow_put(test, s, V4, 1, 1, 1020);
	live_flow_put(test, s, V4, 6, 2, 33);
	live_flow_put(test, s, TAGGED, 3, 0x80, 901);
	/* Time may stand still. */
	live_round(test, s, 3, 0, 5 * SECOND);
	live_round(test, s, 4, LAST, 8 * SECOND);
	live_flow_put(test, s, TAGGED, 4, 0x1081, 150);
	live_finish(test, s, 2, 1, 2);
	live_commit(test, t, expected, ARRAY_SIZE(expected), 8 * SECOND);
	state_test_unlock(t);
}

/* A stream of one round; and one of nothing. */
static void one_round_test(struct kunit *test)
{
	const struct live_flow expected[] = { written(V4, 1, 20, 3 * SECOND) };
	struct state_test *t = state_test_lock(test);

	live_begin(test, t);
	live_round(test, &t->stream, 1, LAST, 3 * SECOND);
	live_flow_put(test, &t->stream, V4, 1, 1, 20);
	live_finish(test, &t->stream, 1, 0, 0);
	live_commit(test, t, expected, 1, 3 * SECOND);

	live_begin(test, t);
	t->dst.incarnation = DST_INCARNATION;
	live_round(test, &t->stream, 1, LAST, 0);
	live_finish(test, &t->stream, 0, 0, 0);
	live_commit(test, t, expected, 0, 0);
	state_test_unlock(t);
}

/* A flow ends and opens again at another place: its old place is given up before that, or after. */
static void reopened_test(struct kunit *test)
{
	const struct live_flow expected[] = {
		written(V4, 1, 21, SECOND), written(V4, 2, 31, SECOND), written(V6, 3, 42, SECOND),
	};
	struct state_test *t = state_test_lock(test);
	struct stream *s = &t->stream;
	u32 before[] = { 10, 12 }, after[] = { 11 };
	struct live_flow moved[2];

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	live_flow_put(test, s, V4, 1, 10, 20);
	live_flow_put(test, s, V4, 2, 11, 30);
	live_flow_put(test, s, V6, 3, 12, 40);
	live_round(test, s, 2, 0, SECOND);
	live_gone(test, s, before, 2);
	moved[0] = live_flow(V4, 1, 13, 21);
	moved[1] = live_flow(V4, 2, 14, 31);
	live_flows(test, s, moved, 2);
	/* Twice, and back where it was. */
	live_flow_put(test, s, V6, 3, 15, 41);
	live_flow_put(test, s, V6, 3, 12, 42);
	live_round(test, s, 3, LAST, SECOND);
	live_gone(test, s, after, 1);
	before[0] = 15;
	live_gone(test, s, before, 1);
	live_finish(test, s, 2, 1, 0);
	live_commit(test, t, expected, 3, SECOND);
	state_test_unlock(t);
}

/* Places change hands: each flow is at the place of the next one, before that is heard of. */
static void hands_test(struct kunit *test)
{
	const struct live_flow expected[] = {
		written(V4, 1, 21, SECOND), written(V4, 4, 23, SECOND), written(V4, 3, 22, SECOND),
	};
	struct state_test *t = state_test_lock(test);
	struct stream *s = &t->stream;
	struct live_flow flows[3];

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	flows[0] = live_flow(V4, 1, 10, 20);
	flows[1] = live_flow(V4, 2, 11, 20);
	flows[2] = live_flow(V4, 3, 12, 20);
	live_flows(test, s, flows, 3);
	live_round(test, s, 2, LAST, SECOND);
	/* The second one ends, whose place the first one has now. */
	flows[0] = live_flow(V4, 1, 11, 21);
	flows[1] = live_flow(V4, 3, 10, 22);
	flows[2] = live_flow(V4, 4, 12, 23);
	live_flows(test, s, flows, 3);
	live_finish(test, s, 3, 0, 0);
	live_commit(test, t, expected, 3, SECOND);
	state_test_unlock(t);
}

/* A flow that was at so many places that whoever counts in a byte has lost count. */
static void many_places_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct stream *s = &t->stream;
	u32 i, places[256];
	struct live_flow f;

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	for (i = 0; i < 257; i++)
		live_flow_put(test, s, V4, 1, 1000 * i, i);
	live_round(test, s, 2, LAST, SECOND);
	for (i = 0; i < 256; i++)
		places[i] = 1000 * i;
	live_gone(test, s, places, 256);
	live_finish(test, s, 1, 0, 0);
	f = written(V4, 1, 256, 0);
	live_commit(test, t, &f, 1, SECOND);
	state_test_unlock(t);
}

/* The same place and flow again and again in a round; the last place; and ones never heard of. */
static void places_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	u32 gone[] = { 0, 1, VFW_STATE_PLACES - 2, 4711, 4711 };
	struct stream *s = &t->stream;
	struct live_flow f;

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	live_gone(test, s, gone, ARRAY_SIZE(gone));
	live_flow_put(test, s, V4, 1, VFW_STATE_PLACES - 1, 20);
	live_flow_put(test, s, V4, 2, 4711, 20);
	live_round(test, s, 2, LAST, SECOND);
	live_gone(test, s, gone, ARRAY_SIZE(gone));
	live_flow_put(test, s, V4, 1, VFW_STATE_PLACES - 1, 21);
	live_flow_put(test, s, V4, 1, VFW_STATE_PLACES - 1, 22);
	live_finish(test, s, 1, 0, 0);
	f = written(V4, 1, 22, SECOND);
	live_commit(test, t, &f, 1, SECOND);
	state_test_unlock(t);
}

static bool expired(struct kunit *test, const struct state_test *t, u32 i)
{
	const struct vfw_key key = live_key(V4, i);
	struct vfw_flow_table *table = vm_table(&t->dst);
	struct vfw_flow *flow = live_lock(table, &key);
	bool is;

	KUNIT_ASSERT_NOT_NULL(test, flow);
	is = vfw_flow_expired(flow, vfw_flow_now(table));
	flow_unlock(flow);
	return is;
}

/* However long it took: what was alive may have expired by then, and what was dead has. */
static void time_test(struct kunit *test)
{
	static const struct {
		u32 expires;
		u32 elapsed;
		bool expired;
	} cases[] = {
		{ 0, 0, true }, { 0, ELAPSED_MAX, true },
		{ 60 * SECOND, 50 * SECOND, false }, { 60 * SECOND, 60 * SECOND, true },
		{ 60 * SECOND, ELAPSED_MAX, true },
		{ ELAPSED_MAX, ELAPSED_MAX, true }, { ELAPSED_MAX, ELAPSED_MAX - 60000, false },
		{ ELAPSED_MAX, 0, false },
	};
	struct state_test *t = state_test_lock(test);
	struct stream *s = &t->stream;
	struct vfw_restored restored;
	struct live_flow f;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		live_begin(test, t);
		live_round(test, s, 1, 0, 0);
		f = live_flow(V4, 1, 1, 20);
		f.flow.expires = cpu_to_le32(cases[i].expires);
		live_flows(test, s, &f, 1);
		live_round(test, s, 2, LAST, cases[i].elapsed);
		f = live_flow(V4, 2, 2, 20);
		f.flow.expires = cpu_to_le32(60 * SECOND);
		live_flows(test, s, &f, 1);
		live_finish(test, s, 2, 0, 0);
		KUNIT_ASSERT_EQ(test, stream_restore(test, t, s->frames), 0);
		KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
		KUNIT_EXPECT_EQ_MSG(test, expired(test, t, 1), cases[i].expired, "%d", i);
		KUNIT_EXPECT_FALSE(test, expired(test, t, 2));
	}
	state_test_unlock(t);
}

/* A restore that is given up in the middle leaves nothing behind, nor one that was complete. */
static void given_up_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	const struct vfw_flow_table *table = vm_table(&t->dst);
	struct stream *s = &t->stream;
	u32 i;

	live_begin(test, t);
	live_round(test, s, 1, 0, 0);
	for (i = 0; i < 24; i++)
		live_flow_put(test, s, i / 8, i, i << 24, i);
	live_round(test, s, 2, LAST, SECOND);
	live_finish(test, s, 8, 8, 8);
	for (i = 0; i <= s->frames; i++) {
		KUNIT_ASSERT_EQ(test, stream_restore(test, t, i), 0);
		if (i % 2)
			vfw_restore_drop(&t->dst);
		else
			vfw_restore_abort(&t->dst);
	}
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

static struct kunit_case restore_round_cases[] = {
	KUNIT_CASE(rounds_test),
	KUNIT_CASE(one_round_test),
	KUNIT_CASE(reopened_test),
	KUNIT_CASE(hands_test),
	KUNIT_CASE(many_places_test),
	KUNIT_CASE(places_test),
	KUNIT_CASE(time_test),
	KUNIT_CASE(given_up_test),
	{}
};

static struct kunit_suite restore_round_suite = {
	.name = "vfw_restore_round",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_round_cases,
};

kunit_test_suite(restore_round_suite);
