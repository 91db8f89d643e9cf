// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring live streams at random: a source as simple as can be, in which flows open, end, change
 * and open again while its rounds are written; the destination has to get what is in it at the end.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "live.h"

#define STREAMS		150
#define FUZZED		400
#define SLOTS		60
#define KEYS		16	/* of each kind */
#define ROUNDS		8
#define BATCH		5	/* flows in a frame, at most */

/**
 * struct slot - where a flow can be at the source
 * @place: its number
 * @used: a flow is there
 * @changed: and it is not in the stream as it is now
 * @gone: one was there that ended, which is not in the stream
 * @kind: of the flow
 * @index: of its key
 * @last: the flow as it was written last
 */
struct slot {
	u32 place;
	bool used;
	bool changed;
	bool gone;
	enum vfw_flow_kind kind;
	u32 index;
	struct live_flow last;
};

/**
 * struct source - a VM whose flows go on while they are sent
 * @rnd: where chance comes from
 * @slots: its flows
 * @elapsed: time of the present round, ms
 * @still: it is frozen
 * @flows: room for a frame of flows; at the end, for all of them
 * @moved: flows that opened again while they still had another place in the stream
 */
struct source {
	struct rnd_state rnd;
	struct slot slots[SLOTS];
	u32 elapsed;
	bool still;
	struct live_flow flows[SLOTS];
	u32 moved;
};

static u32 below(struct source *src, u32 limit)
{
	return prandom_u32_state(&src->rnd) % limit;
}

static struct slot *slot_of(struct source *src, enum vfw_flow_kind kind, u32 index)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		if (src->slots[i].used && src->slots[i].kind == kind &&
		    src->slots[i].index == index)
			return &src->slots[i];
	return NULL;
}

static void end_flow(struct slot *slot)
{
	slot->used = false;
	slot->changed = false;
	slot->gone = true;
}

static void open_flow(struct source *src, enum vfw_flow_kind kind, u32 index)
{
	struct slot *slot = &src->slots[below(src, SLOTS)];

	if (slot->used)
		return;
	slot->used = true;
	slot->changed = true;
	slot->kind = kind;
	slot->index = index;
}

/* Something happens to some flow. */
static void happen(struct source *src)
{
	enum vfw_flow_kind kind = below(src, VFW_FLOW_KINDS);
	u32 index = below(src, KEYS), what = below(src, 4);
	struct slot *slot = slot_of(src, kind, index);

	if (src->still)
		return;
	if (!slot) {
		open_flow(src, kind, index);
	} else if (!what) {
		end_flow(slot);
	} else if (what == 1) {
		end_flow(slot);
		open_flow(src, kind, index);
		src->moved++;
	} else {
		slot->changed = true;
	}
}

/* A place may be said to be gone though a flow is there by now, which follows then. */
static void put_gone(struct kunit *test, struct source *src, struct stream *s)
{
	u32 i, places[SLOTS], n = 0;

	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &src->slots[i];

		if (!slot->gone || (slot->used && below(src, 2)))
			continue;
		if (slot->used)
			slot->changed = true;
		slot->gone = false;
		places[n++] = slot->place;
		if (!below(src, 4)) {
			live_gone(test, s, places, n);
			n = 0;
		}
	}
	if (n)
		live_gone(test, s, places, n);
}

static void write_flow(struct source *src, struct slot *slot)
{
	slot->last = live_flow(slot->kind, slot->index, slot->place, below(src, 1 << 20));
	slot->last.written = src->elapsed;
	slot->changed = false;
	/* Whoever takes the record forgets what was there before. */
	slot->gone = false;
}

/* The flows of a kind that changed, in any order, while others do. */
static void put_kind(struct kunit *test, struct source *src, struct stream *s,
		     enum vfw_flow_kind kind)
{
	u32 i, at = below(src, SLOTS), step = 1 + 2 * below(src, 3), n = 0;

	/* A step that has no factor in common with their number leads to all slots. */
	step = step == 3 || step == 5 ? 7 : step;
	for (i = 0; i < SLOTS; i++, at = (at + step) % SLOTS) {
		struct slot *slot = &src->slots[at];

		if (!below(src, 20))
			happen(src);
		if (!slot->used || slot->kind != kind || (!slot->changed && below(src, 50)))
			continue;
		write_flow(src, slot);
		src->flows[n++] = slot->last;
		if (!below(src, 20)) {
			write_flow(src, slot);
			src->flows[n++] = slot->last;
		}
		if (n >= BATCH || !below(src, 4)) {
			live_flows(test, s, src->flows, n);
			n = 0;
		}
	}
	if (n)
		live_flows(test, s, src->flows, n);
}

static void put_round(struct kunit *test, struct source *src, struct stream *s, u32 number,
		      bool last)
{
	enum vfw_flow_kind kind;

	src->elapsed += below(src, 3) * below(src, 20) * 1000;
	src->still = last;
	live_round(test, s, number, last ? VFW_STATE_ROUND_LAST : 0, src->elapsed);
	put_gone(test, src, s);
	for (kind = 0; kind < VFW_FLOW_KINDS; kind++)
		put_kind(test, src, s, kind);
}

/* Places near each other, and far. */
static void place_slots(struct source *src)
{
	u32 i, far = below(src, 3);

	for (i = 0; i < SLOTS; i++) {
		u32 place = i;

		if (far == 1)
			place = i * 64 + 63 * (i % 2);
		else if (far == 2)
			place = i * (VFW_STATE_PLACES / SLOTS) + below(src, 100);
		src->slots[i].place = place;
	}
}

/* Makes a stream; returns how many flows there are in the end, which are in src->flows. */
static u32 put_stream(struct kunit *test, struct state_test *t, struct source *src)
{
	u32 round, n = 0, i, rounds = 1 + below(src, ROUNDS), kinds[VFW_FLOW_KINDS] = {};

	live_begin(test, t);
	for (round = 1; round <= rounds; round++) {
		/* Now and then nothing happens between two rounds. */
		for (i = below(src, 4) * below(src, 30); i; i--)
			happen(src);
		put_round(test, src, &t->stream, round, round == rounds);
	}
	for (i = 0; i < SLOTS; i++) {
		if (!src->slots[i].used)
			continue;
		kinds[src->slots[i].kind]++;
		src->flows[n++] = src->slots[i].last;
	}
	live_finish(test, &t->stream, kinds[VFW_FLOWS_IPV4], kinds[VFW_FLOWS_IPV6],
		    kinds[VFW_FLOWS_TAGGED]);
	return n;
}

static void random_test(struct kunit *test)
{
	struct source *src = kunit_kzalloc(test, sizeof(*src), GFP_KERNEL);
	struct state_test *t = state_test_lock(test);
	u32 i, n, seed = get_random_u32(), frames = 0, moved = 0;

	KUNIT_ASSERT_NOT_NULL(test, src);
	kunit_info(test, "seed %u\n", seed);
	for (i = 0; i < STREAMS; i++) {
		memset(src, 0, sizeof(*src));
		prandom_seed_state(&src->rnd, (u64)seed + i);
		place_slots(src);
		n = put_stream(test, t, src);
		live_commit(test, t, src->flows, n, src->elapsed);
		frames += t->stream.frames;
		moved += src->moved;
		if (test->status == KUNIT_FAILURE) {
			KUNIT_FAIL(test, "seed %u", seed + i);
			break;
		}
	}
	kunit_info(test, "%u streams, %u frames, %u flows opened again elsewhere", i, frames,
		   moved);
	KUNIT_EXPECT_GT(test, moved, STREAMS);
	state_test_unlock(t);
}

/*
 * A stream that is wrong in one to three places, and otherwise perfect: what it leads to, if
 * any, is a VM's state that can be saved and restored.
 */
static void fuzz_test(struct kunit *test)
{
	struct source *src = kunit_kzalloc(test, sizeof(*src), GFP_KERNEL);
	struct state_test *t = state_test_lock(test);
	u32 i, n, seed = get_random_u32(), taken = 0;
	struct stream *s = &t->stream;
	struct vfw_restored restored;

	KUNIT_ASSERT_NOT_NULL(test, src);
	kunit_info(test, "seed %u\n", seed);
	for (i = 0; i < FUZZED; i++) {
		memset(src, 0, sizeof(*src));
		prandom_seed_state(&src->rnd, (u64)seed + i);
		place_slots(src);
		put_stream(test, t, src);
		for (n = below(src, 3) + 1; n; n--)
			s->data[below(src, s->start[s->frames])] ^=
				below(src, 2) ? 1 << below(src, 8) : below(src, 256);
		stream_reseal(s);
		if (stream_restore(test, t, s->frames)) {
			vfw_restore_drop(&t->dst);
			continue;
		}
		taken++;
		KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
		t->dst.incarnation = DST_INCARNATION;
		stream_save(test, &t->dst, s, VFW_FRAME_MAX);
		KUNIT_EXPECT_EQ_MSG(test, stream_restore(test, t, s->frames), 0, "seed %u: %s",
				    seed + i, t->extack._msg);
		vfw_restore_drop(&t->dst);
	}
	kunit_info(test, "%u of %u streams were accepted", taken, i);
	KUNIT_EXPECT_GT(test, taken, 0);
	KUNIT_EXPECT_LT(test, taken, i);
	state_test_unlock(t);
}

static struct kunit_case restore_random_cases[] = {
	KUNIT_CASE(random_test),
	KUNIT_CASE(fuzz_test),
	{}
};

static struct kunit_suite restore_random_suite = {
	.name = "vfw_restore_random",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_random_cases,
};

kunit_test_suite(restore_random_suite);
