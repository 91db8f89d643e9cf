// SPDX-License-Identifier: GPL-2.0
/*
 * What a VM has counted, when its flows end all at once: at the deadline of a hold, and when a
 * state is restored after that.
 */

#include <kunit/test.h>

#include "state.h"

static void get_stats(struct kunit *test, struct state_test *t, struct vfw_vm *vm,
		      struct vfw_state_stats *stats)
{
	stream_save(test, vm, &t->stream, VFW_FRAME_MAX);
	memcpy(stats, stream_records(&t->stream, STATS), sizeof(*stats));
}

static void commit(struct kunit *test, struct state_test *t)
{
	struct vfw_restored restored;

	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
}

/* A flow of UDP that counts as flow_make() has it. */
static struct vfw_key open_here(struct kunit *test, struct state_test *t, u32 i)
{
	struct vfw_key key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, i);

	flow_make(test, &t->dst, &key, VFW_FLOW_STATE_NEW, i);
	return key;
}

/* A VM that started empty at the deadline counts; its state comes after all. */
static void unheld_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_state_stats came, shown;
	struct vfw_restored restored;
	struct vfw_flow *flow;
	struct vfw_key key;

	make_stream(test, t);
	memcpy(&came, stream_records(&t->stream, STATS), sizeof(came));
	vm_set_policy(&t->dst, policy_make(test));
	t->dst.base_totals.packets[VFW_DIRECTION_IN] = 1000000;
	open_here(test, t, 50);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);

	vfw_flow_table_clear(vm_table(&t->dst));
	vfw_restore_unheld(&t->dst);
	key = open_here(test, t, 20);
	flow = flow_lock(test, &t->dst, &key);
	vfw_flow_remove(vm_table(&t->dst), flow);
	flow_unlock(flow);
	open_here(test, t, 21);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);

	get_stats(test, t, &t->dst, &shown);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.in_packets),
			le64_to_cpu(came.in_packets) + 201 + 211);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.out_packets),
			le64_to_cpu(came.out_packets) + 202 + 212);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.in_bytes),
			le64_to_cpu(came.in_bytes) + (1ULL << 34) + 20 + 21);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.out_bytes),
			le64_to_cpu(came.out_bytes) + (1ULL << 35) + 20 + 21);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.opened), le64_to_cpu(came.opened) + 2);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.ended), le64_to_cpu(came.ended) + 2);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(shown.opened) - le64_to_cpu(shown.ended),
			vm_table(&t->dst)->count);
	state_test_unlock(t);
}

/* While a VM is held its flows count nothing: what they had counted is of its past. */
static void held_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_state_stats came, shown;

	make_stream(test, t);
	memcpy(&came, stream_records(&t->stream, STATS), sizeof(came));
	vm_set_policy(&t->dst, policy_make(test));
	t->dst.base_totals.packets[VFW_DIRECTION_IN] = 1000000;
	open_here(test, t, 50);
	commit(test, t);
	get_stats(test, t, &t->dst, &shown);
	KUNIT_EXPECT_MEMEQ(test, &shown, &came, sizeof(came));
	state_test_unlock(t);
}

/* What flows counted is not lost to their rules when all end. */
static void clear_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_state_stats before, after;
	const struct vfw_rule *rules;
	struct vfw_flow_table *table;
	struct vfw_flow *flow;
	struct vfw_key key;

	make_stream(test, t);
	commit(test, t);
	table = vm_table(&t->dst);
	rules = vm_policy(&t->dst)->rules;
	/* Of flow number 2, judged by a policy that is gone, no rule is told. */
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, 2);
	flow = flow_lock(test, &t->dst, &key);
	flow->epoch = 0;
	flow_unlock(flow);
	get_stats(test, t, &t->dst, &before);
	vfw_flow_table_clear(table);
	get_stats(test, t, &t->dst, &after);

	KUNIT_EXPECT_EQ(test, table->count, 0);
	KUNIT_EXPECT_EQ(test, table->half_open[0] + table->half_open[1], 0);
	/* Rule 1 admitted 1, 4 and 7, rule 2 admitted 2 and 5. */
	KUNIT_EXPECT_EQ(test, atomic64_read(&rules[0].packets), 1000 + 23 + 83 + 143);
	KUNIT_EXPECT_EQ(test, atomic64_read(&rules[0].bytes),
			64000 + 3 * (3LL << 33) + 2 * (1 + 4 + 7));
	KUNIT_EXPECT_EQ(test, atomic64_read(&rules[1].packets), 103);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(after.in_packets) - le64_to_cpu(before.in_packets),
			10 * 28 + 7);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(after.opened), le64_to_cpu(before.opened));
	KUNIT_EXPECT_EQ(test, le64_to_cpu(after.ended), le64_to_cpu(before.ended) + 7);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&table->gc));
	state_test_unlock(t);
}

/* Nothing collects the flows of a frozen VM: not even what had begun before. */
static void collect_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table;

	make_stream(test, t);
	commit(test, t);
	table = vm_table(&t->dst);
	table->gc_soon = true;
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&table->gc));
	vfw_vm_freeze(&t->dst);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&table->gc));
	vfw_vm_thaw(&t->dst);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&table->gc));
	/* So that it can be called for, whatever was going to happen before. */
	KUNIT_EXPECT_FALSE(test, table->gc_soon);
	state_test_unlock(t);
}

static struct kunit_case counters_cases[] = {
	KUNIT_CASE(unheld_test),
	KUNIT_CASE(held_test),
	KUNIT_CASE(clear_test),
	KUNIT_CASE(collect_test),
	{}
};

static struct kunit_suite counters_suite = {
	.name = "vfw_counters",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = counters_cases,
};

kunit_test_suite(counters_suite);
