// SPDX-License-Identifier: GPL-2.0
/*
 * Sending in rounds: what the frames say of places, put together as they come, is in the end what
 * is in the table, whatever happened to the flows between any two frames.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/xarray.h>

#include "../flow_table.h"
#include "../mark.h"
#include "../send.h"
#include "state.h"

#define KEYS	300	/* of each kind */
#define RUNS	20
#define SOCKET	77

static struct rnd_state rnd;

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

static void seed_random(struct kunit *test)
{
	u64 seed = get_random_u64();

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
}

static struct vfw_key key_number(u32 n)
{
	u8 family = n % 3 == 1 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
	struct vfw_key key = key_make(family, IPPROTO_UDP, n);

	if (n % 3 == 2)
		key.tags[0] = vfw_vlan_tag(htons(ETH_P_8021Q), 5);
	return key;
}

/* What happens to flows. */

static void open_flow(struct kunit *test, struct vfw_vm *vm, u32 n)
{
	struct vfw_key key = key_number(n);
	struct vfw_flow *flow;

	flow_make(test, vm, &key, VFW_FLOW_STATE_REPLIED, n);
	/* As the hook does. */
	flow = flow_lock(test, vm, &key);
	vfw_flow_counters(flow)->packets[0] = prandom_u32_state(&rnd);
	if (vm_table(vm)->marking)
		vfw_mark_flow(vm_table(vm), flow);
	flow_unlock(flow);
}

static void change_flow(struct kunit *test, struct vfw_vm *vm, u32 n, bool end)
{
	struct vfw_key key = key_number(n);
	struct vfw_flow *flow = flow_lock(test, vm, &key);

	if (end) {
		vfw_flow_remove(vm_table(vm), flow);
	} else {
		vfw_flow_counters(flow)->packets[0]++;
		vfw_mark_changed(vm_table(vm), flow);
	}
	flow_unlock(flow);
}

static void happen(struct kunit *test, struct vfw_vm *vm, u32 times)
{
	struct flow_copy copy;
	struct vfw_key key;
	u32 n;

	while (times--) {
		n = below(3 * KEYS);
		key = key_number(n);
		if (flow_get(vm, &key, &copy))
			change_flow(test, vm, n, !below(3));
		else
			open_flow(test, vm, n);
	}
}

/* The other side: what is known of places. */

struct known {
	struct vfw_state_flow flow;
};

static void learn(struct kunit *test, struct xarray *places, u32 place,
		  const struct vfw_state_flow *rec)
{
	struct known *known = kmalloc_obj(*known, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, known);
	known->flow = *rec;
	kfree(xa_store(places, place, known, GFP_KERNEL));
}

static void take_flows(struct kunit *test, struct xarray *places,
		       const struct vfw_state_frame *frame, size_t size)
{
	u32 i, count = le32_to_cpu(frame->count);
	const void *rec = frame + 1;
	const __le32 *place = rec + count * size;

	KUNIT_ASSERT_EQ(test, le32_to_cpu(frame->length),
			sizeof(*frame) + count * size + ALIGN(4 * count, 8));
	for (i = 0; i < count; i++, rec += size, place++)
		learn(test, places, le32_to_cpu(*place), rec);
	if (count % 2)
		KUNIT_EXPECT_EQ(test, le32_to_cpu(*place), 0);
}

static void take_gone(struct kunit *test, struct xarray *places,
		      const struct vfw_state_frame *frame)
{
	const struct vfw_state_gone *rec = (const void *)(frame + 1);
	u32 i, count = le32_to_cpu(frame->count);

	KUNIT_ASSERT_EQ(test, le32_to_cpu(frame->length), sizeof(*frame) + ALIGN(4 * count, 8));
	for (i = 0; i < count; i++, rec++)
		kfree(xa_erase(places, le32_to_cpu(rec->place)));
}

static void take_frame(struct kunit *test, struct xarray *places,
		       const struct vfw_state_frame *frame)
{
	switch (le16_to_cpu(frame->type)) {
	case VFW_FRAME_TYPE_GONE:
		return take_gone(test, places, frame);
	case VFW_FRAME_TYPE_FLOWS_IPV4:
		return take_flows(test, places, frame, sizeof(struct vfw_state_flow4));
	case VFW_FRAME_TYPE_FLOWS_IPV6:
		return take_flows(test, places, frame, sizeof(struct vfw_state_flow6));
	case VFW_FRAME_TYPE_FLOWS_TAGGED:
		return take_flows(test, places, frame, sizeof(struct vfw_state_flow_tagged));
	}
}

/* A round in frames of at most @size bytes, with things that happen after each. Returns frames. */
static u32 do_round(struct kunit *test, struct state_test *t, struct xarray *places, size_t size,
		    u32 events)
{
	u32 frames = 0, type = VFW_FRAME_TYPE_NONE;
	int length;

	KUNIT_ASSERT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	while ((length = vfw_send_frame(&t->src, t->stream.data, size)) > 0) {
		struct vfw_state_frame *frame = (void *)t->stream.data;

		KUNIT_ASSERT_LE(test, length, size);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(frame->length), length);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(frame->crc), vfw_snapshot_crc(frame));
		type = le16_to_cpu(frame->type);
		take_frame(test, places, frame);
		happen(test, &t->src, below(events + 1));
		frames++;
	}
	KUNIT_EXPECT_EQ(test, length, 0);
	if (t->src.state == VFW_VM_STATE_FROZEN)
		KUNIT_EXPECT_EQ(test, type, VFW_FRAME_TYPE_END);
	return frames;
}

struct comparison {
	struct kunit *test;
	struct vfw_vm *vm;
	struct xarray *places;
	u32 flows;
};

static int compare_flow(struct vfw_flow *flow, void *arg)
{
	struct comparison *c = arg;
	struct vfw_flow_table *table = vm_table(c->vm);
	struct known *known = xa_load(c->places, vfw_flow_place(table, flow));
	struct vfw_state_flow rec;

	c->flows++;
	vfw_snapshot_encode_flow(flow, vfw_flow_now(table), c->vm->epoch, &rec);
	if (!known || memcmp(&known->flow, &rec, sizeof(rec)))
		KUNIT_FAIL(c->test, "a flow is %s", known ? "known as another" : "not known");
	return 0;
}

static void compare(struct kunit *test, struct vfw_vm *vm, struct xarray *places)
{
	struct comparison c = { .test = test, .vm = vm, .places = places };
	struct vfw_flow_cursor cursor = {};
	unsigned long place;
	struct known *known;
	u32 n = 0;

	KUNIT_EXPECT_EQ(test, vfw_flow_walk(vm_table(vm), &cursor, compare_flow, &c), 0);
	KUNIT_EXPECT_EQ(test, c.flows, vm_table(vm)->count);
	xa_for_each(places, place, known)
		n++;
	KUNIT_EXPECT_EQ(test, n, c.flows);
}

static void forget(struct xarray *places)
{
	unsigned long place;
	struct known *known;

	xa_for_each(places, place, known)
		kfree(known);
	xa_destroy(places);
}

/* As often as the VM moves: each move begins with the marks that the one before left behind. */
static void random_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	u32 run, rounds;
	struct xarray places;
	size_t size;

	seed_random(test);
	vm_policy(&t->src)->max_flows = 3 * KEYS + 1;
	vm_policy(&t->src)->max_source_flows = 0;
	/* Time stands still, so that records can be compared. */
	vfw_flow_table_freeze(vm_table(&t->src));
	for (run = 0; run < RUNS; run++) {
		xa_init(&places);
		happen(test, &t->src, below(3000));
		KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
		size = VFW_SNAPSHOT_FRAME_MIN + below(4) * 1001;
		for (rounds = below(6); rounds; rounds--) {
			do_round(test, t, &places, size, 40);
			happen(test, &t->src, below(500));
		}
		WRITE_ONCE(t->src.state, VFW_VM_STATE_FROZEN);
		do_round(test, t, &places, size, 0);
		compare(test, &t->src, &places);
		KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), -ENODATA);
		KUNIT_EXPECT_EQ(test, vfw_mark_count(vm_table(&t->src)), 0);
		vfw_send_end(&t->src);
		WRITE_ONCE(t->src.state, VFW_VM_STATE_ACTIVE);
		forget(&places);
	}
	state_test_unlock(t);
}

/* What is asked for costs what has changed, and is nothing when nothing has. */
static void changed_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct xarray places;
	u32 n;

	xa_init(&places);
	vfw_flow_table_freeze(vm_table(&t->src));
	for (n = 0; n < KEYS; n++)
		open_flow(test, &t->src, n);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), -EBUSY);
	KUNIT_EXPECT_EQ(test, vfw_restore_begin(&t->src, SOCKET, &t->extack), -EBUSY);
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), KEYS);
	do_round(test, t, &places, VFW_FRAME_MAX, 0);
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), 0);
	KUNIT_EXPECT_EQ(test, do_round(test, t, &places, VFW_FRAME_MAX, 0), 1);
	for (n = 0; n < 5; n++) {
		change_flow(test, &t->src, 0, false);
		change_flow(test, &t->src, 1, false);
	}
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), 2);
	change_flow(test, &t->src, 1, true);
	change_flow(test, &t->src, 2, true);
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), 3);
	/* ROUND, GONE, FLOWS_IPV4. */
	KUNIT_EXPECT_EQ(test, do_round(test, t, &places, VFW_FRAME_MAX, 0), 3);
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), 0);
	vfw_send_end(&t->src);
	KUNIT_EXPECT_NULL(test, t->src.send);
	forget(&places);
	state_test_unlock(t);
}

/* Chunks that become empty are kept while their slots may be asked for, and then are not. */
static void memory_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_pool *pool = &vm_table(&t->src)->pool[VFW_FLOWS_IPV4];
	struct xarray places;
	u32 n, chunks;

	xa_init(&places);
	vfw_flow_table_freeze(vm_table(&t->src));
	for (n = 0; n < 3 * KEYS; n += 3)
		open_flow(test, &t->src, n);
	chunks = pool->n_chunks;
	KUNIT_ASSERT_GT(test, chunks, 3);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	do_round(test, t, &places, VFW_FRAME_MAX, 0);
	for (n = 0; n < 3 * KEYS; n += 3)
		change_flow(test, &t->src, n, true);
	KUNIT_EXPECT_EQ(test, pool->n_chunks, chunks);
	KUNIT_EXPECT_EQ(test, vfw_send_changed(&t->src), KEYS);
	do_round(test, t, &places, VFW_FRAME_MAX, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&places));
	vfw_send_end(&t->src);
	KUNIT_EXPECT_EQ(test, pool->n_chunks, 1);
	open_flow(test, &t->src, 0);
	change_flow(test, &t->src, 0, true);
	KUNIT_EXPECT_EQ(test, pool->n_chunks, 1);
	state_test_unlock(t);
}

/* What ends a stream, and what does not. */
static void end_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct xarray places;

	xa_init(&places);
	vfw_flow_table_freeze(vm_table(&t->src));
	happen(test, &t->src, 50);
	WRITE_ONCE(t->src.state, VFW_VM_STATE_HOLDING);
	KUNIT_EXPECT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), -EBUSY);
	WRITE_ONCE(t->src.state, VFW_VM_STATE_ACTIVE);

	/* A round that is not read to its end. */
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	KUNIT_EXPECT_GT(test, vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), -ECANCELED);
	vfw_send_end(&t->src);
	vfw_send_end(&t->src);

	/* Another policy, between rounds and in one. */
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	do_round(test, t, &places, VFW_FRAME_MAX, 0);
	vm_set_policy(&t->src, policy_make(test));
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), -EAGAIN);
	vfw_send_end(&t->src);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	KUNIT_EXPECT_GT(test, vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX), 0);
	vm_set_policy(&t->src, policy_make(test));
	KUNIT_EXPECT_EQ(test, vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX), -EAGAIN);
	vfw_send_end(&t->src);

	/* Frozen in a round, that goes on; thawed in the last one, that does not. */
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	t->src.changes++;
	KUNIT_EXPECT_GT(test, vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX), 0);
	vfw_send_end(&t->src);
	WRITE_ONCE(t->src.state, VFW_VM_STATE_FROZEN);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	t->src.changes++;
	KUNIT_EXPECT_EQ(test, vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX), -EAGAIN);
	KUNIT_EXPECT_EQ(test, vfw_send_round(&t->src, &t->extack), -EAGAIN);
	vfw_send_end(&t->src);
	forget(&places);
	state_test_unlock(t);
}

/* Until it ends, and since it began, in jiffies. */
static void times_of(struct kunit *test, struct vfw_vm *vm, const struct vfw_key *key, u32 *left,
		     u32 *age)
{
	u32 now = vfw_flow_now(vm_table(vm));
	struct flow_copy copy;

	KUNIT_ASSERT_TRUE(test, flow_get(vm, key, &copy));
	*left = copy.flow.expires - now;
	*age = now - copy.origin.born;
}

/* A round that is taken at the other side; time passes when it has begun. */
static void slow_round(struct kunit *test, struct state_test *t, u32 pause)
{
	struct vfw_state_frame *frame = (void *)t->stream.data;
	int length;
	u32 taken;

	KUNIT_ASSERT_EQ(test, vfw_send_round(&t->src, &t->extack), 0);
	while ((length = vfw_send_frame(&t->src, t->stream.data, VFW_FRAME_MAX)) > 0) {
		KUNIT_ASSERT_EQ(test, vfw_restore_frame(&t->dst, frame, length, &taken,
							&t->extack), 0);
		if (le16_to_cpu(frame->type) == VFW_FRAME_TYPE_ROUND)
			vfw_flow_table_advance(vm_table(&t->src), pause);
	}
	KUNIT_ASSERT_EQ(test, length, 0);
}

/* However slowly a round is read, lifetimes and ages are right in the end. */
static void time_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_key key = key_number(30);
	u32 left, age, left_there, age_there;
	struct vfw_restored restored;

	vm_policy(&t->src)->max_source_flows = 0;
	vfw_flow_table_freeze(vm_table(&t->src));
	open_flow(test, &t->src, 30);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), 0);
	slow_round(test, t, 40 * HZ);
	slow_round(test, t, 20 * HZ);
	WRITE_ONCE(t->src.state, VFW_VM_STATE_FROZEN);
	slow_round(test, t, 0);
	times_of(test, &t->src, &key, &left, &age);
	KUNIT_EXPECT_EQ(test, left, (130 - 60) * HZ);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	times_of(test, &t->dst, &key, &left_there, &age_there);
	/* The age is in whole seconds, and it is another table's clock that goes on. */
	KUNIT_EXPECT_LE(test, left - left_there, 2 * HZ);
	KUNIT_EXPECT_LE(test, age_there - age + HZ, 3 * HZ);
	vfw_send_end(&t->src);
	vfw_flow_table_stop(vm_table(&t->dst));
	state_test_unlock(t);
}

/* A VM that was frozen while it was being sent is saved after all: nothing it counted is lost. */
static void saved_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_key key = key_number(0);
	struct vfw_restored restored;
	struct flow_copy copy;
	struct vfw_flow *flow;

	vm_policy(&t->src)->max_source_flows = 0;
	open_flow(test, &t->src, 0);
	flow = flow_lock(test, &t->src, &key);
	flow->expires = vfw_flow_now(vm_table(&t->src)) - 1;
	vfw_flow_counters(flow)->packets[0] = 1000000;
	flow_unlock(flow);
	KUNIT_ASSERT_EQ(test, vfw_send_begin(&t->src, SOCKET, &t->extack), 0);
	vfw_vm_freeze(&t->src);
	vfw_send_end(&t->src);
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	vfw_flow_table_stop(vm_table(&t->dst));
	if (flow_get(&t->dst, &key, &copy))
		KUNIT_EXPECT_EQ(test, copy.counters.packets[0], 1000000);
	else
		KUNIT_EXPECT_EQ(test, vm_table(&t->dst)->totals.packets[0], 1000000);
	vfw_vm_thaw(&t->src);
	vfw_flow_table_stop(vm_table(&t->src));
	state_test_unlock(t);
}

static struct kunit_case send_cases[] = {
	KUNIT_CASE(changed_test),
	KUNIT_CASE(memory_test),
	KUNIT_CASE(end_test),
	KUNIT_CASE(time_test),
	KUNIT_CASE(saved_test),
	KUNIT_CASE(random_test),
	{}
};

static struct kunit_suite send_suite = {
	.name = "vfw_send",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = send_cases,
};

kunit_test_suite(send_suite);
