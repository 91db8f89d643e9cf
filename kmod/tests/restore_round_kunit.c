// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring live streams, made by hand: what comes of rounds, and what is refused.
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
static struct live_flow written(enum vfw_flow_kind kind, u32 i, u32 seed, u32 at)
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

/* However long it took: what was alive in the first round may have expired, and what was dead has. */
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

/* What is refused: the last frame that each of these makes, after the rules. */

static void first_round(struct kunit *test, struct stream *s, u32 flags)
{
	live_round(test, s, 1, flags, 10 * SECOND);
	live_flow_put(test, s, V6, 1, 1, 20);
}

static void stats_first(struct kunit *test, struct stream *s)
{
	live_stats(test, s);
}

static void flows_first(struct kunit *test, struct stream *s)
{
	live_flow_put(test, s, V4, 1, 1, 20);
}

static void gone_first(struct kunit *test, struct stream *s)
{
	u32 place = 1;

	live_gone(test, s, &place, 1);
}

static void counters_early(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_rule_counters(test, s, 1, 2);
}

static void stats_early(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_stats(test, s);
}

static void end_early(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_end(test, s, 0, 1, 0);
}

static void end_without_stats(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_end(test, s, 0, 1, 0);
}

static void counters_after_stats(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_stats(test, s);
	live_rule_counters(test, s, 1, 2);
}

static void flows_after_counters(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_rule_counters(test, s, 1, 2);
	live_flow_put(test, s, V6, 1, 1, 20);
}

static void rules_in_round(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_frame(test, s, VFW_FRAME_TYPE_RULES, 1, 0);
}

static void round_after_last(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_round(test, s, 2, LAST, 10 * SECOND);
}

static void round_after_end(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_finish(test, s, 0, 1, 0);
	live_round(test, s, 2, 0, 10 * SECOND);
}

static void end_twice(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_finish(test, s, 0, 1, 0);
	live_end(test, s, 0, 1, 0);
}

static void gone_after_flows(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	gone_first(test, s);
}

static void kinds_swapped(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_flow_put(test, s, V4, 1, 2, 20);
}

static void round_0(struct kunit *test, struct stream *s)
{
	live_round(test, s, 0, 0, 0);
}

static void round_2(struct kunit *test, struct stream *s)
{
	live_round(test, s, 2, 0, 0);
}

static void round_again(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 1, 0, 10 * SECOND);
}

static void round_left_out(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 3, 0, 10 * SECOND);
}

static void round_flags(struct kunit *test, struct stream *s)
{
	live_round(test, s, 1, LAST | 2, 0);
}

static void two_rounds(struct kunit *test, struct stream *s)
{
	memset(live_records(s), 0, 2 * sizeof(struct vfw_state_round));
	live_frame(test, s, VFW_FRAME_TYPE_ROUND, 2, 2 * sizeof(struct vfw_state_round));
}

static void time_back(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 2, 0, 10 * SECOND - 1);
}

static void time_long(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 2, 0, ELAPSED_MAX + 1ULL);
}

static void time_wraps(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 2, 0, 1ULL << 32 | 11 * SECOND);
}

static void gone_none(struct kunit *test, struct stream *s)
{
	live_round(test, s, 1, 0, 0);
	live_gone(test, s, NULL, 0);
}

static void gone_far(struct kunit *test, struct stream *s)
{
	u32 places[] = { 1, VFW_STATE_PLACES };

	live_round(test, s, 1, 0, 0);
	live_gone(test, s, places, 2);
}

/* One place more than the frame says: not all zero behind the last. */
static void gone_padding(struct kunit *test, struct stream *s)
{
	u32 places[] = { 1, 1 };

	live_round(test, s, 1, 0, 0);
	live_gone(test, s, places, 2);
	stream_frame(s, s->frames - 1)->count = cpu_to_le32(1);
	vfw_snapshot_seal(stream_frame(s, s->frames - 1));
}

static void gone_short(struct kunit *test, struct stream *s)
{
	u32 places[] = { 1, 1 };

	live_round(test, s, 1, 0, 0);
	live_gone(test, s, places, 2);
	stream_frame(s, s->frames - 1)->count = cpu_to_le32(3);
	vfw_snapshot_seal(stream_frame(s, s->frames - 1));
}

static void flow_far(struct kunit *test, struct stream *s)
{
	live_round(test, s, 1, 0, 0);
	live_flow_put(test, s, TAGGED, 1, U32_MAX, 20);
}

static void flow_padding(struct kunit *test, struct stream *s)
{
	u8 *end;

	live_round(test, s, 1, 0, 0);
	live_flow_put(test, s, V4, 1, 1, 20);
	end = s->data + s->start[s->frames];
	end[-1] = 1;
	vfw_snapshot_seal(stream_frame(s, s->frames - 1));
}

static void flow_placeless(struct kunit *test, struct stream *s)
{
	const struct live_flow f = live_flow(V6, 1, 1, 20);

	live_round(test, s, 1, 0, 0);
	live_frame(test, s, VFW_FRAME_TYPE_FLOWS_IPV6, 1, live_put(live_records(s), &f));
}

static void flow_bad(struct kunit *test, struct stream *s)
{
	struct live_flow f[2] = { live_flow(V4, 1, 1, 20), live_flow(V4, 2, 2, 20) };

	first_round(test, s, 0);
	live_round(test, s, 2, 0, 10 * SECOND);
	f[1].flow.state = 0;
	live_flows(test, s, f, 2);
}

static void counters_back(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_rule_counters(test, s, 2, 1);
}

static void counters_twice(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_rule_counters(test, s, 1, 2);
	live_rule_counters(test, s, 2, 2);
}

static void counters_of_none(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_rule_counters(test, s, 0, 2);
}

static void counters_beyond(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_rule_counters(test, s, 2, 3);
}

static void counters_reserved(struct kunit *test, struct stream *s)
{
	struct vfw_state_rule_counters *rec;

	first_round(test, s, LAST);
	rec = live_records(s);
	live_rule_counters(test, s, 1, 2);
	rec[1].reserved = cpu_to_le32(1);
	vfw_snapshot_seal(stream_frame(s, s->frames - 1));
}

static void end_more4(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_finish(test, s, 1, 1, 0);
}

static void end_less6(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_finish(test, s, 0, 0, 0);
}

static void end_most(struct kunit *test, struct stream *s)
{
	first_round(test, s, LAST);
	live_finish(test, s, 0, 1, U32_MAX);
}

/* Records are not what counts. */
static void end_records(struct kunit *test, struct stream *s)
{
	first_round(test, s, 0);
	live_round(test, s, 2, LAST, 10 * SECOND);
	live_flow_put(test, s, V6, 1, 1, 20);
	live_finish(test, s, 0, 2, 0);
}

/**
 * struct refused - a live stream that is refused
 * @what: name of the case
 * @make: makes what follows the rules; the last frame is refused
 * @err: what the restore says
 * @text: is in the reason
 */
struct refused {
	const char *what;
	void (*make)(struct kunit *test, struct stream *s);
	int err;
	const char *text;
};

static const struct refused refusals[] = {
	{ "stats first", stats_first, -EPROTO, "type 6 before the last round" },
	{ "flows first", flows_first, -EPROTO, "type 7 cannot follow type 5" },
	{ "gone first", gone_first, -EPROTO, "type 12 cannot follow type 5" },
	{ "counters early", counters_early, -EPROTO, "type 13 before the last round" },
	{ "stats early", stats_early, -EPROTO, "type 6 before the last round" },
	{ "end early", end_early, -EPROTO, "type 10 before the last round" },
	{ "end without stats", end_without_stats, -EPROTO, "type 10 cannot follow type 8" },
	{ "counters after stats", counters_after_stats, -EPROTO, "type 13 cannot follow type 6" },
	{ "flows after counters", flows_after_counters, -EPROTO, "type 8 cannot follow type 13" },
	{ "rules in a round", rules_in_round, -EPROTO, "type 5 cannot follow type 8" },
	{ "round after the last", round_after_last, -EPROTO, "a round after the last one" },
	{ "round after the end", round_after_end, -EPROTO, "a round after the last one" },
	{ "end twice", end_twice, -EPROTO, "type 10 cannot follow type 10" },
	{ "gone after flows", gone_after_flows, -EPROTO, "type 12 cannot follow type 8" },
	{ "IPv4 after IPv6", kinds_swapped, -EPROTO, "type 7 cannot follow type 8" },
	{ "round 0", round_0, -EBADMSG, "round 0 after round 0" },
	{ "round 2 first", round_2, -EBADMSG, "round 2 after round 0" },
	{ "round again", round_again, -EBADMSG, "round 1 after round 1" },
	{ "round left out", round_left_out, -EBADMSG, "round 3 after round 1" },
	{ "round flags", round_flags, -EINVAL, "unknown flags of the round" },
	{ "two rounds", two_rounds, -EBADMSG, "2 records, not one" },
	{ "time goes back", time_back, -EINVAL, "time goes back, from 10000 ms to 9999" },
	{ "too long", time_long, -ERANGE, "1728000001 ms are too long" },
	{ "time wraps", time_wraps, -ERANGE, "ms are too long for a stream" },
	{ "nothing gone", gone_none, -EBADMSG, "a frame of nothing" },
	{ "gone too far", gone_far, -ERANGE, "record 2: place 536870912 out of range" },
	{ "gone not padded", gone_padding, -EINVAL, "padding is not zero" },
	{ "gone too short", gone_short, -EBADMSG, "3 records do not fill it" },
	{ "flow too far", flow_far, -ERANGE, "record 1: place 4294967295 out of range" },
	{ "flow not padded", flow_padding, -EINVAL, "padding is not zero" },
	{ "flow without a place", flow_placeless, -EBADMSG, "1 records do not fill it" },
	{ "flow without a state", flow_bad, -EINVAL, "record 2: no such state" },
	{ "counters go back", counters_back, -EINVAL, "record 2: rules are not ascending" },
	{ "counters twice", counters_twice, -EINVAL, "record 1: rules are not ascending" },
	{ "counters of no rule", counters_of_none, -EINVAL, "record 1: rules are not ascending" },
	{ "counters beyond", counters_beyond, -EINVAL, "record 2: there is no rule 3" },
	{ "counters reserved", counters_reserved, -EINVAL, "record 2: reserved bytes" },
	{ "one flow too few", end_more4, -EBADMSG, "there are 0 flows of IPv4, not 1" },
	{ "one flow too many", end_less6, -EBADMSG, "there are 1 flows of IPv6, not 0" },
	{ "as many as can be", end_most, -EBADMSG, "there are 0 flows in VLANs, not 4294967295" },
	{ "as many as records", end_records, -EBADMSG, "there are 1 flows of IPv6, not 2" },
};

KUNIT_ARRAY_PARAM_DESC(refused, refusals, what);

static void refused_test(struct kunit *test)
{
	const struct refused *c = test->param_value;
	struct state_test *t = state_test_lock(test);
	const struct vfw_flow_table *table = vm_table(&t->dst);
	struct vfw_restored restored;

	live_begin(test, t);
	c->make(test, &t->stream);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames - 1), 0);
	vfw_restore_drop(&t->dst);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, t->stream.frames), c->err);
	KUNIT_ASSERT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(t->extack._msg, c->text), "\"%s\"",
				  t->extack._msg);
	KUNIT_EXPECT_LT(test, strlen(t->extack._msg), NETLINK_MAX_FMTMSG_LEN - 1);
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), -ECANCELED);
	expect_untouched(test, t, table);
	vfw_restore_abort(&t->dst);
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
	KUNIT_CASE_PARAM(refused_test, refused_gen_params),
	{}
};

static struct kunit_suite restore_round_suite = {
	.name = "vfw_restore_round",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_round_cases,
};

kunit_test_suite(restore_round_suite);
