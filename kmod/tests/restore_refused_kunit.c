// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring live streams that are refused, and nothing changes. Each function makes the frames that
 * follow the rules; it is the last of them that is refused.
 */

#include <kunit/test.h>

#include "live.h"

#define SECOND		1000
#define ELAPSED_MAX	(VFW_TIMEOUT_MAX * SECOND)
#define LAST		VFW_STATE_ROUND_LAST
#define V4		VFW_FLOWS_IPV4
#define V6		VFW_FLOWS_IPV6
#define TAGGED		VFW_FLOWS_TAGGED

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

static struct kunit_case restore_refused_cases[] = {
	KUNIT_CASE_PARAM(refused_test, refused_gen_params),
	{}
};

static struct kunit_suite restore_refused_suite = {
	.name = "vfw_restore_refused",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_refused_cases,
};

kunit_test_suite(restore_refused_suite);
