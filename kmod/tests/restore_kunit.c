// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring streams that are damaged, out of order or forged: they are refused, and nothing
 * changes. What is wrong field by field is in restore_fields_kunit.c.
 */

#include <kunit/test.h>
#include <linux/prandom.h>

#include "state.h"

static u8 *keep_stream(struct kunit *test, const struct state_test *t)
{
	u8 *copy = kunit_kmalloc(test, t->stream.start[FRAMES], GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	return memcpy(copy, t->stream.data, t->stream.start[FRAMES]);
}

static void back_to(struct state_test *t, const u8 *copy)
{
	memcpy(t->stream.data, copy, t->stream.start[FRAMES]);
}

/* Give the restore a frame in memory of exactly its size, for KASAN to watch. */
static int give_exactly(struct kunit *test, struct state_test *t, u32 n, u32 length, bool reseal)
{
	struct vfw_state_frame *frame = kmalloc(max(length, 1U), GFP_KERNEL);
	u32 frames;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, frame);
	memcpy(frame, stream_frame(&t->stream, n), length);
	if (reseal) {
		frame->length = cpu_to_le32(length);
		vfw_snapshot_seal(frame);
	}
	err = vfw_restore_frame(&t->dst, frame, length, &frames, &t->extack);
	kfree(frame);
	return err;
}

static void truncated_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);
	u32 n, length, whole = sizeof(struct vfw_state_frame);

	make_stream(test, t);
	for (n = 0; n < FRAMES; n++) {
		for (length = 0; length < stream_length(&t->stream, n); length++) {
			KUNIT_ASSERT_EQ(test, stream_restore(test, t, n), 0);
			KUNIT_EXPECT_EQ(test, give_exactly(test, t, n, length, false), -EBADMSG);
			vfw_restore_drop(&t->dst);
			if (length < whole)
				continue;
			KUNIT_ASSERT_EQ(test, stream_restore(test, t, n), 0);
			KUNIT_EXPECT_EQ(test, give_exactly(test, t, n, length, true), -EBADMSG);
			vfw_restore_drop(&t->dst);
		}
	}
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

static void every_byte(struct kunit *test, struct state_test *t, bool reseal)
{
	static const u8 patterns[] = { 0x01, 0xff };
	u32 at, i, n = 0;
	u8 *byte;

	for (at = 0; at < t->stream.start[FRAMES]; at++) {
		n += at == t->stream.start[n + 1];
		byte = t->stream.data + at;
		for (i = 0; i < ARRAY_SIZE(patterns); i++) {
			u8 was = *byte;
			__le32 crc = stream_frame(&t->stream, n)->crc;

			*byte ^= patterns[i];
			if (reseal && le32_to_cpu(stream_frame(&t->stream, n)->length) ==
				      stream_length(&t->stream, n))
				vfw_snapshot_seal(stream_frame(&t->stream, n));
			if (*byte != was)
				KUNIT_EXPECT_NE_MSG(test, stream_restore(test, t, FRAMES), 0,
						    "byte %u", at);
			vfw_restore_drop(&t->dst);
			stream_frame(&t->stream, n)->crc = crc;
			*byte = was;
		}
	}
}

/* The checksum finds any byte that is not as it was. */
static void altered_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);

	make_stream(test, t);
	every_byte(test, t, false);
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

/* And if not the frame's checksum then the digest of the stream, at the latest. */
static void resealed_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);

	make_stream(test, t);
	every_byte(test, t, true);
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

/* What was accepted can be saved, and that be restored again. */
static void accepted(struct kunit *test, struct state_test *t, u32 *taken)
{
	struct vfw_restored restored;

	++*taken;
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	t->dst.incarnation = DST_INCARNATION;
	stream_save(test, &t->dst, &t->stream, VFW_SNAPSHOT_FRAME_MIN);
	KUNIT_EXPECT_EQ_MSG(test, stream_restore(test, t, t->stream.frames), 0, "%s",
			    t->extack._msg);
	vfw_restore_drop(&t->dst);
}

/* A stream that is wrong in one to three places, and otherwise perfect. */
static void fuzz_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	u32 i, n, size, taken = 0, starts[FRAMES + 1];
	struct rnd_state rnd;
	u8 *copy;

	make_stream(test, t);
	copy = keep_stream(test, t);
	memcpy(starts, t->stream.start, sizeof(starts));
	size = starts[FRAMES];
	prandom_seed_state(&rnd, 20120702);
	for (i = 0; i < 1000; i++) {
		memcpy(t->stream.start, starts, sizeof(starts));
		t->stream.frames = FRAMES;
		back_to(t, copy);
		for (n = prandom_u32_state(&rnd) % 3 + 1; n; n--) {
			u32 r = prandom_u32_state(&rnd);

			/* Few of the values are a bit away, most are anything. */
			if (r & 0x80000000)
				t->stream.data[r % size] ^= 1 << prandom_u32_state(&rnd) % 8;
			else
				t->stream.data[r % size] = prandom_u32_state(&rnd);
		}
		stream_reseal(&t->stream);
		if (stream_restore(test, t, FRAMES))
			vfw_restore_drop(&t->dst);
		else
			accepted(test, t, &taken);
	}
	kunit_info(test, "%u of %u streams were accepted", taken, i);
	KUNIT_EXPECT_GT(test, taken, 0);
	KUNIT_EXPECT_LT(test, taken, i);
	state_test_unlock(t);
}

/* Two records of a frame are the same. */
/* The header of the stream says whether its VM was frozen. */
static void say_frozen(struct state_test *t, bool frozen)
{
	struct vfw_state_header *header = stream_records(&t->stream, 0);

	header->flags = cpu_to_le32(frozen ? VFW_STATE_HEADER_FROZEN : 0);
	stream_reseal(&t->stream);
}

static void duplicate_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);
	struct vfw_state_flow4 *rec4;
	struct vfw_state_flow_tagged *tagged;
	struct vfw_state_flow6 *rec6;
	u8 *copy;

	make_stream(test, t);
	copy = keep_stream(test, t);
	rec4 = stream_records(&t->stream, FLOWS4);
	rec4[2] = rec4[0];
	say_frozen(t, true);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), -EEXIST);
	KUNIT_EXPECT_NOT_NULL(test, strstr(t->extack._msg,
					   "frame 6, record 3: the flow is there already"));
	vfw_restore_abort(&t->dst);

	back_to(t, copy);
	tagged = stream_records(&t->stream, FLOWS_TAGGED);
	tagged[1] = tagged[0];
	say_frozen(t, true);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), -EEXIST);
	vfw_restore_abort(&t->dst);

	/* But not with another tag. */
	tagged[1].outer.id = htons(6);
	say_frozen(t, true);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), 0);
	vfw_restore_abort(&t->dst);

	back_to(t, copy);
	rec6 = stream_records(&t->stream, FLOWS6);
	rec6[1] = rec6[0];
	say_frozen(t, true);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), -EEXIST);
	vfw_restore_abort(&t->dst);
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

/* A flow that ended and opened again while a VM that goes on was read: the later record counts. */
static void renewed_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	struct vfw_state_flow4 *rec;
	struct vfw_key key = {};
	struct vfw_flow *flow;

	make_stream(test, t);
	rec = stream_records(&t->stream, FLOWS4);
	rec[2] = rec[0];
	rec[2].flow.in_packets = cpu_to_le64(4711);
	say_frozen(t, false);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, FRAMES), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);

	key.family = VFW_FAMILY_IPV4;
	key.protocol = rec->flow.protocol;
	key.local_port = rec->flow.local_port;
	key.remote_port = rec->flow.remote_port;
	memcpy(&key.local.v4, rec->local, sizeof(rec->local));
	memcpy(&key.remote.v4, rec->remote, sizeof(rec->remote));
	flow = flow_lock(test, &t->dst, &key);
	KUNIT_EXPECT_EQ(test, vfw_flow_counters(flow)->packets[VFW_DIRECTION_IN], 4711ULL);
	flow_unlock(flow);
	KUNIT_EXPECT_EQ(test, vm_table(&t->dst)->count, restored.flows);
	state_test_unlock(t);
}

/* A VM whose limits were lowered keeps the flows it has, and they move with it. */
static void above_limit_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_state_policy *policy;
	enum vfw_drop_reason reason;
	struct vfw_restored restored;
	struct vfw_opening opening;
	struct vfw_key key;

	make_stream(test, t);
	policy = stream_records(&t->stream, POLICY);
	policy->max_flows = cpu_to_le32(1);
	policy->max_half_open = cpu_to_le32(1);
	stream_reseal(&t->stream);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, FRAMES), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vm_table(&t->dst)->count, restored.flows);
	KUNIT_EXPECT_GT(test, restored.flows, 1U);

	key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, 12345);
	opening = opening_make(&key, VFW_FLOW_STATE_NEW, VFW_DIRECTION_IN);
	/* The table is a VM's by now. */
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, vfw_flow_add(vm_table(&t->dst), &opening, vm_policy(&t->dst),
					     &reason, GFP_ATOMIC));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_FLOW_LIMIT);
	state_test_unlock(t);
}

/* Frames in another order, or not all of them. */
static void order_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);
	struct vfw_restored restored;
	u32 n, m, frames;

	make_stream(test, t);
	say_frozen(t, true);
	for (n = 0; n < FRAMES; n++) {
		for (m = 0; m < FRAMES; m++) {
			if (m == n)
				continue;
			KUNIT_ASSERT_EQ(test, stream_restore(test, t, n), 0);
			KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack),
					-ENODATA);
			stream_frame(&t->stream, m)->sequence = cpu_to_le32(n);
			vfw_snapshot_seal(stream_frame(&t->stream, m));
			KUNIT_EXPECT_NE_MSG(test, give_exactly(test, t, m,
							       stream_length(&t->stream, m),
							       false) ||
					    (n >= FLOWS4 && m > n && m < END), 0, "%u at %u", m, n);
			stream_frame(&t->stream, m)->sequence = cpu_to_le32(m);
			vfw_snapshot_seal(stream_frame(&t->stream, m));
			vfw_restore_drop(&t->dst);
		}
	}
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, FRAMES), 0);
	KUNIT_EXPECT_EQ(test, vfw_restore_frame(&t->dst, stream_frame(&t->stream, END),
						stream_length(&t->stream, END), &frames,
						&t->extack), -EBADMSG);
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

/* A committed stream cannot be committed again, nor an older one. */
static void replay_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;

	make_stream(test, t);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), 0);
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), -ENOENT);
	KUNIT_EXPECT_EQ(test, t->dst.incarnation, INCARNATION + 1);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), -ESTALE);
	vfw_restore_abort(&t->dst);
	/* Somebody else was faster. */
	t->dst.incarnation = INCARNATION;
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), 0);
	t->dst.incarnation = INCARNATION + 1;
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), -ESTALE);
	state_test_unlock(t);
}

static void begin_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	u32 frames;

	make_stream(test, t);
	KUNIT_EXPECT_EQ(test, vfw_restore_frame(&t->dst, t->stream.data, 96, &frames,
						&t->extack), -ENOENT);
	KUNIT_EXPECT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), -EBUSY);
	vfw_restore_drop(&t->dst);
	t->dst.state = VFW_VM_STATE_FROZEN;
	KUNIT_EXPECT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, strstr(t->extack._msg, "frozen"));
	t->dst.state = VFW_VM_STATE_ACTIVE;
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), 0);
	t->dst.state = VFW_VM_STATE_FROZEN;
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), -EBUSY);
	t->dst.state = VFW_VM_STATE_ACTIVE;
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	state_test_unlock(t);
}

/* A frame lies in a message at whatever address. */
static void misaligned_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	u32 n, frames, length;
	u8 *buf;

	make_stream(test, t);
	buf = kunit_kmalloc(test, VFW_FRAME_MAX + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), 0);
	for (n = 0; n < FRAMES; n++) {
		length = stream_length(&t->stream, n);
		memcpy(buf + n % 8, stream_frame(&t->stream, n), length);
		KUNIT_EXPECT_EQ(test, vfw_restore_frame(&t->dst, buf + n % 8, length, &frames,
							&t->extack), 0);
	}
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	state_test_unlock(t);
}

/* A policy that is loaded during the restore is replaced; flows belong to the one that came. */
static void epoch_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	struct vfw_key key, old;
	struct vfw_flow *change;
	struct flow_copy copy;
	u32 loads;

	make_stream(test, t);
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 1);
	old = key_make(VFW_FAMILY_IPV6, IPPROTO_GRE, 5);
	change = flow_lock(test, &t->src, &old);
	change->epoch = EPOCH - 1;
	flow_unlock(change);
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	for (loads = 0; loads < 3; loads++) {
		u32 n = loads;

		/* The epoch is about to wrap. */
		t->dst.last_epoch = U32_MAX - 2;
		t->dst.incarnation = 0;
		KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), 0);
		while (n--)
			vm_set_policy(&t->dst, policy_make(test));
		KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
		KUNIT_EXPECT_NE(test, vm_policy(&t->dst)->epoch, 0);
		KUNIT_EXPECT_TRUE(test, flow_get(&t->dst, &key, &copy));
		KUNIT_EXPECT_EQ(test, copy.flow.epoch, vm_policy(&t->dst)->epoch);
		KUNIT_EXPECT_EQ(test, copy.origin.rule, 1);
		KUNIT_EXPECT_TRUE(test, flow_get(&t->dst, &old, &copy));
		KUNIT_EXPECT_EQ(test, copy.flow.epoch, 0);
		KUNIT_EXPECT_EQ(test, copy.origin.rule, 0);
	}
	state_test_unlock(t);
}

/* A VM whose policy went has no epoch; the next policy gets one that none had before. */
static void no_policy_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	u32 epoch, last;

	vm_set_policy(&t->dst, policy_make(test));
	epoch = t->dst.epoch;
	KUNIT_EXPECT_NE(test, epoch, 0);
	vm_set_policy(&t->src, NULL);
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	KUNIT_EXPECT_NULL(test, vm_policy(&t->dst));
	KUNIT_EXPECT_EQ(test, t->dst.epoch, 0);
	last = t->dst.last_epoch;
	KUNIT_EXPECT_GT(test, last, epoch);

	vm_set_policy(&t->src, policy_make(test));
	t->dst.incarnation = 0;
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, t->dst.epoch, vm_policy(&t->dst)->epoch);
	KUNIT_EXPECT_GT(test, t->dst.epoch, last);
	state_test_unlock(t);
}

static struct kunit_case restore_cases[] = {
	KUNIT_CASE(truncated_test),
	KUNIT_CASE(altered_test),
	KUNIT_CASE(resealed_test),
	KUNIT_CASE(fuzz_test),
	KUNIT_CASE(duplicate_test),
	KUNIT_CASE(renewed_test),
	KUNIT_CASE(above_limit_test),
	KUNIT_CASE(order_test),
	KUNIT_CASE(replay_test),
	KUNIT_CASE(begin_test),
	KUNIT_CASE(misaligned_test),
	KUNIT_CASE(epoch_test),
	KUNIT_CASE(no_policy_test),
	{}
};

static struct kunit_suite restore_suite = {
	.name = "vfw_restore",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_cases,
};

kunit_test_suite(restore_suite);
