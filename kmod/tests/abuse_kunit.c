// SPDX-License-Identifier: GPL-2.0
/*
 * Abuse: what is counted of flows against a reference, lifetimes in a table that fills, and which
 * flow makes room for which.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/random.h>
#include "../main.h"
#include "../collect.h"
#include "../recent.h"
#include "../source.h"
#include "state.h"

#define KEYS	256
#define SOURCES	8
#define ROUNDS	20000

/* A key that is named by its number: family, protocol, remote address and port. */
static struct vfw_key numbered_key(u32 i)
{
	u8 family = i % 2 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4, source = i / 4 % SOURCES;
	struct vfw_key key = key_make(family, i / 2 % 2 ? IPPROTO_UDP : IPPROTO_TCP, 0);

	key.remote_port = htons(1000 + i);
	if (family == VFW_FAMILY_IPV4)
		key.remote.v4 = htonl(0x0a000000 + source);
	else
		key.remote.words[1] = htonl(source);
	/* Of one /64, which is one source. */
	if (family == VFW_FAMILY_IPV6)
		key.remote.words[3] = htonl(i);
	return key;
}

/**
 * struct abuse_test - what each test has
 * @state: its source VM is the one that is tested
 * @opened: by number of the key: 0 when it is not there, else its direction plus one
 * @half_open: by number of the key
 */
struct abuse_test {
	struct state_test state;
	u8 opened[KEYS];
	bool half_open[KEYS];
};

static struct vfw_vm *vm_of(struct abuse_test *t)
{
	return &t->state.src;
}

static struct vfw_flow_table *table_of(struct abuse_test *t)
{
	return vm_table(vm_of(t));
}

static void pass_time(struct abuse_test *t, u32 jiffies_)
{
	table_of(t)->lag -= jiffies_;
}

static enum vfw_drop_reason open_flow(struct abuse_test *t, const struct vfw_key *key, u8 state,
				      enum vfw_direction direction)
{
	struct vfw_opening opening = opening_make(key, state, direction);
	struct vfw_flow_table *table = table_of(t);
	enum vfw_drop_reason reason;
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_add(table, &opening, vm_policy(vm_of(t)), &reason, GFP_ATOMIC);
	if (flow) {
		flow->expires = vfw_flow_now(table) + 60 * HZ;
		vfw_flow_unlock(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return flow ? VFW_DROP_REASON_NONE : reason;
}

/* Ends a flow, or changes its state when @state is one. Returns false when it is not there. */
static bool change_flow(struct abuse_test *t, const struct vfw_key *key, u8 state)
{
	struct vfw_flow_table *table = table_of(t);
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(table, key);
	if (flow) {
		if (state)
			vfw_flow_set_state(table, flow, state);
		else
			vfw_flow_remove(table, flow);
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return flow;
}

static bool has_flow(struct abuse_test *t, const struct vfw_key *key)
{
	struct flow_copy copy;

	return flow_get(vm_of(t), key, &copy);
}

/* How many flows from outside each source should have, and how many are half-open. */
static void expect_counts(struct kunit *test, struct abuse_test *t)
{
	struct vfw_sources *sources = rcu_dereference_protected(table_of(t)->sources, true);
	u32 flows[2 * SOURCES] = {}, half_open[2] = {}, count = 0, i;
	struct vfw_key key;

	for (i = 0; i < KEYS; i++) {
		if (!t->opened[i])
			continue;
		count++;
		half_open[t->opened[i] - 1] += t->half_open[i];
		flows[i / 4 % SOURCES * 2 + i % 2] += t->opened[i] - 1 == VFW_DIRECTION_IN;
	}
	KUNIT_EXPECT_EQ(test, table_of(t)->count, count);
	KUNIT_EXPECT_EQ(test, table_of(t)->half_open[0], half_open[0]);
	KUNIT_EXPECT_EQ(test, table_of(t)->half_open[1], half_open[1]);
	for (i = 0; sources && i < 2 * SOURCES; i++) {
		key = numbered_key(i / 2 * 4 + i % 2);
		KUNIT_EXPECT_EQ(test, vfw_source_flows(sources, &key), flows[i]);
	}
}

static u32 flows_of_source(const struct abuse_test *t, u32 i)
{
	u32 n = 0, j;

	for (j = 0; j < KEYS; j++)
		n += t->opened[j] == VFW_DIRECTION_IN + 1 && j % 2 == i % 2 &&
		     j / 4 % SOURCES == i / 4 % SOURCES;
	return n;
}

static void random_open(struct kunit *test, struct abuse_test *t, u32 i)
{
	enum vfw_direction direction = get_random_u32_below(2);
	u32 limit = vm_policy(vm_of(t))->max_source_flows;
	struct vfw_key key = numbered_key(i);
	bool tcp = key.protocol == IPPROTO_TCP;
	enum vfw_drop_reason reason;

	reason = open_flow(t, &key, tcp ? VFW_FLOW_STATE_TCP_SYN_SENT : VFW_FLOW_STATE_NEW,
			   direction);
	if (limit && direction == VFW_DIRECTION_IN && flows_of_source(t, i) >= limit) {
		KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_SOURCE_LIMIT);
		return;
	}
	KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_NONE);
	t->opened[i] = direction + 1;
	t->half_open[i] = tcp;
}

/* The limit of a source comes, changes and goes, as a commit does it. */
static void random_limit(struct kunit *test, struct abuse_test *t)
{
	static const u32 limits[] = { 0, 0, 1, 5, 1000 };
	struct vfw_policy *policy = policy_make(test);

	policy->max_source_flows = limits[get_random_u32_below(ARRAY_SIZE(limits))];
	KUNIT_EXPECT_EQ(test, vfw_vm_count_sources(vm_of(t), policy), 0);
	vm_set_policy(vm_of(t), policy);
	KUNIT_EXPECT_EQ(test, !!policy->max_source_flows,
			!!rcu_access_pointer(table_of(t)->sources));
	expect_counts(test, t);
}

/* Whatever happens to flows and limits, what is counted is what there is. */
static void counts_test(struct kunit *test)
{
	struct abuse_test *t = test->priv;
	struct vfw_key key;
	u32 round, i;

	mutex_lock(&t->state.vn.lock);
	for (round = 0; round < ROUNDS; round++) {
		i = get_random_u32_below(KEYS);
		key = numbered_key(i);
		if (!t->opened[i]) {
			random_open(test, t, i);
		} else if (get_random_u32_below(3)) {
			KUNIT_EXPECT_TRUE(test, change_flow(t, &key, VFW_FLOW_STATE_NONE));
			t->opened[i] = 0;
		} else if (key.protocol == IPPROTO_TCP) {
			t->half_open[i] = get_random_u32_below(2);
			change_flow(t, &key, t->half_open[i] ? VFW_FLOW_STATE_TCP_SYN_RECV :
							       VFW_FLOW_STATE_TCP_ESTABLISHED);
		}
		if (round % 200 == 0)
			random_limit(test, t);
	}
	expect_counts(test, t);
	mutex_unlock(&t->state.vn.lock);
}

/* A flow that is restored again may have been opened by the other end. */
static void set_opened_test(struct kunit *test)
{
	struct abuse_test *t = test->priv;
	struct vfw_key key = numbered_key(0);
	struct vfw_flow *flow;
	int i;

	mutex_lock(&t->state.vn.lock);
	KUNIT_ASSERT_EQ(test, vfw_sources_start(table_of(t)), 0);
	random_open(test, t, 0);
	for (i = 0; i < 6; i++) {
		local_bh_disable();
		rcu_read_lock();
		flow = vfw_flow_find(table_of(t), &key);
		vfw_flow_set_opened(table_of(t), flow, i % 2);
		vfw_flow_put(flow);
		rcu_read_unlock();
		local_bh_enable();
		t->opened[0] = i % 2 + 1;
		expect_counts(test, t);
	}
	KUNIT_EXPECT_TRUE(test, change_flow(t, &key, VFW_FLOW_STATE_NONE));
	t->opened[0] = 0;
	expect_counts(test, t);
	mutex_unlock(&t->state.vn.lock);
}

static void scale_test(struct kunit *test)
{
	static const struct {
		const char *desc;
		u32 used, limit, scale;
	} cases[] = {
		{ "empty", 0, 100, 256 },
		{ "60 %", 60, 100, 256 },
		{ "80 %", 80, 100, 128 },
		{ "90 %", 90, 100, 64 },
		{ "99 %", 99, 100, 6 },
		{ "full", 100, 100, 0 },
		{ "more than full, when the limit was lowered", 5000, 100, 0 },
		{ "limit of one, unused", 0, 1, 256 },
		{ "limit of one, used", 1, 1, 0 },
		{ "limit of two, half", 1, 2, 256 },
		{ "the highest limit, 80 %", VFW_FLOWS_MAX / 5 * 4, VFW_FLOWS_MAX, 128 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vfw_collect_scale(cases[i].used, cases[i].limit),
				    cases[i].scale, "%s", cases[i].desc);
}

/* The first @n flows of a kind: numbers of keys are four apart. */
static void open_flows(struct kunit *test, struct abuse_test *t, u32 first, u32 n, u8 state,
		       enum vfw_direction direction)
{
	struct vfw_key key;
	u32 i;

	for (i = 0; i < n; i++) {
		key = key_make(VFW_FAMILY_IPV4, state == VFW_FLOW_STATE_NEW ? IPPROTO_UDP :
									     IPPROTO_TCP,
			       first + i);
		KUNIT_ASSERT_EQ(test, open_flow(t, &key, state, direction), VFW_DROP_REASON_NONE);
	}
}

static void set_limits(struct abuse_test *t, u32 flows, u32 half_open)
{
	vm_policy(vm_of(t))->max_flows = flows;
	vm_policy(vm_of(t))->max_half_open = half_open;
	vm_policy(vm_of(t))->max_source_flows = 0;
	vfw_policy_set_timeout(vm_policy(vm_of(t)), VFW_TIMEOUT_TCP_SYN_SENT, 60);
	vfw_policy_set_timeout(vm_policy(vm_of(t)), VFW_TIMEOUT_UDP_NEW, 60);
}

static u32 left_after(struct abuse_test *t, u32 jiffies_)
{
	pass_time(t, jiffies_);
	vfw_flow_table_collect(table_of(t));
	return table_of(t)->count;
}

/* Lifetimes of 60 s, in a table that is more and more full. */
static void lifetimes_test(struct kunit *test)
{
	static const struct {
		const char *desc;
		u8 state;
		u32 flows, half_open, n, lives;
	} cases[] = {
		{ "half-open, few", VFW_FLOW_STATE_TCP_SYN_SENT, 1000, 100, 60, 60 * HZ },
		{ "half-open, 80 %", VFW_FLOW_STATE_TCP_SYN_SENT, 1000, 100, 80, 30 * HZ },
		{ "half-open, full", VFW_FLOW_STATE_TCP_SYN_SENT, 1000, 100, 100, 3 * HZ },
		{ "half-open, table full", VFW_FLOW_STATE_TCP_SYN_SENT, 100, 1000, 100, 3 * HZ },
		{ "not answered, few", VFW_FLOW_STATE_NEW, 100, 10, 60, 60 * HZ },
		{ "not answered, 80 %", VFW_FLOW_STATE_NEW, 100, 10, 80, 30 * HZ },
		{ "not answered, full", VFW_FLOW_STATE_NEW, 100, 10, 100, 3 * HZ },
		{ "closed, full", VFW_FLOW_STATE_TCP_TIME_WAIT, 100, 10, 100, 3 * HZ },
		{ "established, full", VFW_FLOW_STATE_TCP_ESTABLISHED, 100, 10, 100, 60 * HZ },
		{ "half-closed, full", VFW_FLOW_STATE_TCP_CLOSE_WAIT, 100, 10, 100, 60 * HZ },
		{ "answered, full", VFW_FLOW_STATE_REPLIED, 100, 10, 100, 60 * HZ },
	};
	struct abuse_test *t = test->priv;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		set_limits(t, cases[i].flows, cases[i].half_open);
		vfw_policy_set_timeout(vm_policy(vm_of(t)), VFW_TIMEOUT_TCP_TIME_WAIT, 60);
		open_flows(test, t, 0, cases[i].n, cases[i].state, VFW_DIRECTION_IN);
		/* A jiffy or two may pass by themselves. */
		KUNIT_EXPECT_EQ_MSG(test, left_after(t, cases[i].lives - HZ), cases[i].n, "%s",
				    cases[i].desc);
		KUNIT_EXPECT_EQ_MSG(test, left_after(t, HZ), 0, "%s", cases[i].desc);
	}
}

/* The flood of one direction shortens nothing in the other. */
static void directions_test(struct kunit *test)
{
	struct abuse_test *t = test->priv;
	struct vfw_key key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 5000);

	set_limits(t, 1000, 50);
	open_flows(test, t, 0, 50, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN);
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN),
			VFW_DROP_REASON_HALF_OPEN_LIMIT);
	open_flows(test, t, 100, 20, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_OUT);
	KUNIT_EXPECT_EQ(test, left_after(t, 10 * HZ), 20);
	KUNIT_EXPECT_EQ(test, table_of(t)->half_open[VFW_DIRECTION_IN], 0);
	KUNIT_EXPECT_EQ(test, table_of(t)->half_open[VFW_DIRECTION_OUT], 20);
}

static u64 evicted(struct abuse_test *t)
{
	struct vfw_stats stats;

	mutex_lock(&t->state.vn.lock);
	vfw_vm_stats(vm_of(t), &stats);
	mutex_unlock(&t->state.vn.lock);
	return stats.evicted;
}

/* At the cap the oldest half-open flow goes, when it had its time; what is established does not. */
static void half_open_test(struct kunit *test)
{
	struct vfw_key key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 5000);
	struct abuse_test *t = test->priv;
	struct vfw_key old;
	u32 i;

	set_limits(t, 1000, 40);
	open_flows(test, t, 0, 30, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN);
	/* These are entered by the walk, those that follow when they open. */
	vfw_collect_now(table_of(t));
	open_flows(test, t, 30, 10, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN);
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN),
			VFW_DROP_REASON_HALF_OPEN_LIMIT);
	pass_time(t, VFW_RECENT_SPARED);
	/* Five complete their handshake: they are passed over, and make room as such. */
	for (i = 0; i < 5; i++) {
		old = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 2 * i);
		KUNIT_EXPECT_TRUE(test, change_flow(t, &old, VFW_FLOW_STATE_TCP_ESTABLISHED));
	}
	open_flows(test, t, 100, 5, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN);
	KUNIT_EXPECT_EQ(test, evicted(t), 0);
	open_flows(test, t, 200, 35, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN);
	KUNIT_EXPECT_EQ(test, evicted(t), 35);
	KUNIT_EXPECT_EQ(test, table_of(t)->half_open[VFW_DIRECTION_IN], 40);
	for (i = 0; i < 40; i++) {
		old = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, i);
		KUNIT_EXPECT_EQ(test, has_flow(t, &old), i < 10 && i % 2 == 0);
	}
	/* All that are left are young. */
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_TCP_SYN_SENT, VFW_DIRECTION_IN),
			VFW_DROP_REASON_HALF_OPEN_LIMIT);
}

/* In a full table what is not answered goes; of what the VM opened, only for what it opens. */
static void full_test(struct kunit *test)
{
	struct vfw_key key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, 5000);
	struct abuse_test *t = test->priv;

	set_limits(t, 60, 60);
	open_flows(test, t, 0, 20, VFW_FLOW_STATE_REPLIED, VFW_DIRECTION_IN);
	open_flows(test, t, 100, 20, VFW_FLOW_STATE_NEW, VFW_DIRECTION_OUT);
	open_flows(test, t, 200, 20, VFW_FLOW_STATE_NEW, VFW_DIRECTION_IN);
	vfw_collect_now(table_of(t));
	pass_time(t, VFW_RECENT_SPARED);
	open_flows(test, t, 300, 20, VFW_FLOW_STATE_NEW, VFW_DIRECTION_IN);
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_NEW, VFW_DIRECTION_IN),
			VFW_DROP_REASON_FLOW_LIMIT);
	open_flows(test, t, 400, 20, VFW_FLOW_STATE_NEW, VFW_DIRECTION_OUT);
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_NEW, VFW_DIRECTION_OUT),
			VFW_DROP_REASON_FLOW_LIMIT);
	pass_time(t, VFW_RECENT_SPARED);
	/* Its own first, then those from outside. */
	open_flows(test, t, 500, 40, VFW_FLOW_STATE_NEW, VFW_DIRECTION_OUT);
	pass_time(t, VFW_RECENT_SPARED);
	KUNIT_EXPECT_EQ(test, open_flow(t, &key, VFW_FLOW_STATE_NEW, VFW_DIRECTION_IN),
			VFW_DROP_REASON_FLOW_LIMIT);
	KUNIT_EXPECT_EQ(test, evicted(t), 80);
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 7);
	KUNIT_EXPECT_TRUE(test, has_flow(t, &key));
	/* The limit is raised: rings go, and nothing is forgotten of what is there. */
	set_limits(t, 1000, 100);
	vfw_collect_now(table_of(t));
	KUNIT_EXPECT_PTR_EQ(test, table_of(t)->recent[0][0], NULL);
	KUNIT_EXPECT_PTR_EQ(test, table_of(t)->recent[1][0], NULL);
	KUNIT_EXPECT_EQ(test, table_of(t)->count, 60);
}

static int abuse_init(struct kunit *test)
{
	struct abuse_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	mutex_init(&t->state.vn.lock);
	vm_make(test, &t->state, vm_of(t), "flooded");
	vm_set_policy(vm_of(t), policy_make(test));
	/* The VM's, but collected by the tests alone. */
	table_of(t)->vm = vm_of(t);
	table_of(t)->gc_soon = true;
	return 0;
}

static void abuse_exit(struct kunit *test)
{
	struct abuse_test *t = test->priv;

	if (t)
		vm_free(vm_of(t));
}

static struct kunit_case abuse_cases[] = {
	KUNIT_CASE(counts_test),
	KUNIT_CASE(set_opened_test),
	KUNIT_CASE(scale_test),
	KUNIT_CASE(lifetimes_test),
	KUNIT_CASE(directions_test),
	KUNIT_CASE(half_open_test),
	KUNIT_CASE(full_test),
	{}
};

static struct kunit_suite abuse_suite = {
	.name = "vfw_abuse",
	.init = abuse_init,
	.exit = abuse_exit,
	.test_cases = abuse_cases,
};

kunit_test_suite(abuse_suite);
