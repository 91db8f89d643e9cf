// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table against a trivial reference: an array that says which keys are there.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/workqueue.h>

#include "../main.h"
#include "../flow.h"
#include "../flow_find.h"
#include "../policy.h"
#include "../vlan.h"

#define KEYS	500
#define SPACES	12	/* two families in each of so many kinds of frames */

struct flow_test {
	struct vfw_flow_table *table;
	struct vfw_policy *policy;
	bool present[SPACES][KEYS];
	u32 seen[SPACES][KEYS];
	u32 count;
	gfp_t gfp;
};

static int flow_test_init(struct kunit *test)
{
	struct flow_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->table = vfw_flow_table_alloc(NULL);
	KUNIT_ASSERT_NOT_NULL(test, t->table);
	t->policy = vfw_policy_alloc();
	KUNIT_ASSERT_NOT_NULL(test, t->policy);
	t->gfp = GFP_KERNEL;
	test->priv = t;
	return 0;
}

static void flow_test_exit(struct kunit *test)
{
	struct flow_test *t = test->priv;

	if (!t)
		return;
	if (t->table)
		vfw_flow_table_free(t->table);
	if (t->policy)
		vfw_policy_free(t->policy);
}

/* Tags of which no two are the same, though nearly. */
static const struct {
	u16 type, id, inner_type, inner_id;
} spaces[SPACES / 2] = {
	{},
	{ ETH_P_8021Q, 5 },
	{ ETH_P_8021AD, 5 },
	{ ETH_P_8021Q, 6 },
	{ ETH_P_8021Q, 5, ETH_P_8021Q, 6 },
	{ ETH_P_8021Q, 6, ETH_P_8021Q, 5 },
};

static u16 space_tag(u16 type, u16 id)
{
	return id ? vfw_vlan_tag(htons(type), id) : 0;
}

/*
 * Key number @i of a family in frames with tags or without (even, odd; by pairs): neighbours differ
 * in one field only.
 */
static struct vfw_key make_key(int space, u32 i)
{
	struct vfw_key key = {
		.family = space & 1 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
		.protocol = i & 1 ? IPPROTO_TCP : IPPROTO_UDP,
		.local_port = htons(1000 + i / 2),
		.remote_port = htons(80),
	};

	key.local.words[0] = htonl(0x0a000001);
	key.remote.words[0] = htonl(0x0a000002);
	key.tags[0] = space_tag(spaces[space / 2].type, spaces[space / 2].id);
	key.tags[1] = space_tag(spaces[space / 2].inner_type, spaces[space / 2].inner_id);
	return key;
}

static int key_space(const struct vfw_key *key)
{
	struct vfw_key other;
	int space;

	for (space = 0; space < SPACES; space++) {
		other = make_key(space, 0);
		if (!memcmp(key->tags, other.tags, sizeof(key->tags)) &&
		    key->family == other.family)
			return space;
	}
	return 0;
}

static u32 key_number(const struct vfw_key *key)
{
	return (ntohs(key->local_port) - 1000) * 2 + (key->protocol == IPPROTO_TCP);
}

static bool table_has(struct flow_test *t, const struct vfw_key *key)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(t->table, key);
	if (flow)
		vfw_flow_put(flow);
	rcu_read_unlock();
	local_bh_enable();
	return flow;
}

static enum vfw_drop_reason add_key(struct flow_test *t, const struct vfw_key *key)
{
	struct vfw_opening opening = {
		.key = key, .hash = vfw_flow_hash(key), .direction = VFW_DIRECTION_IN,
		.state = key->protocol == IPPROTO_TCP ? VFW_FLOW_STATE_TCP_SYN_SENT :
							VFW_FLOW_STATE_NEW,
	};
	enum vfw_drop_reason reason;
	struct vfw_flow *flow;

	flow = vfw_flow_add(t->table, &opening, t->policy, &reason, t->gfp);
	if (!flow)
		return reason ?: U8_MAX;
	vfw_flow_unlock(flow);
	return VFW_DROP_REASON_NONE;
}

static void remove_key(struct flow_test *t, const struct vfw_key *key)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(t->table, key);
	if (flow) {
		vfw_flow_remove(t->table, flow);
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
}

static int count_seen(struct vfw_flow *flow, void *arg)
{
	struct flow_test *t = arg;
	struct vfw_key key;

	vfw_flow_key(flow, &key);
	t->seen[key_space(&key)][key_number(&key)]++;
	return 0;
}

static void expect_walk(struct kunit *test, struct flow_test *t)
{
	struct vfw_flow_cursor cursor = {};
	int space, i;

	memset(t->seen, 0, sizeof(t->seen));
	KUNIT_EXPECT_EQ(test, vfw_flow_walk(t->table, &cursor, count_seen, t), 0);
	for (space = 0; space < SPACES; space++)
		for (i = 0; i < KEYS; i++)
			KUNIT_EXPECT_EQ(test, t->seen[space][i], t->present[space][i]);
}

static void flow_random(struct kunit *test)
{
	struct flow_test *t = test->priv;
	struct vfw_key key;
	int round, space;
	u32 i;

	t->policy->max_half_open = SPACES * KEYS;
	for (round = 0; round < 60000; round++) {
		space = get_random_u32() % SPACES;
		i = get_random_u32() % KEYS;
		key = make_key(space, i);
		KUNIT_EXPECT_EQ(test, table_has(t, &key), t->present[space][i]);
		if (t->present[space][i]) {
			KUNIT_EXPECT_EQ(test, add_key(t, &key), U8_MAX);
			remove_key(t, &key);
			t->count--;
		} else {
			KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_NONE);
			t->count++;
		}
		t->present[space][i] = !t->present[space][i];
		if (round % 2000 == 0)
			expect_walk(test, t);
	}
	expect_walk(test, t);
	KUNIT_EXPECT_EQ(test, t->table->count, t->count);
	KUNIT_EXPECT_EQ(test, t->table->totals.opened - t->table->totals.ended, t->count);
}

static int stop_after_three(struct vfw_flow *flow, void *arg)
{
	struct flow_test *t = arg;

	if (t->count == 3)
		return -EMSGSIZE;
	t->count++;
	return count_seen(flow, arg);
}

/* A walk that stops and goes on meets each flow once, though others come and go meanwhile. */
static void flow_walk_resumes(struct kunit *test)
{
	struct flow_test *t = test->priv;
	struct vfw_flow_cursor cursor = {};
	struct vfw_key key;
	u32 i, extra = 0;
	int err;

	for (i = 0; i < KEYS / 2; i++) {
		key = make_key(i & 1, i);
		KUNIT_ASSERT_EQ(test, add_key(t, &key), VFW_DROP_REASON_NONE);
	}
	do {
		t->count = 0;
		err = vfw_flow_walk(t->table, &cursor, stop_after_three, t);
		key = make_key(extra & 1, KEYS / 2 + extra);
		if (++extra % 3)
			add_key(t, &key);
		else
			remove_key(t, &key);
	} while (err == -EMSGSIZE && extra < KEYS / 2);
	KUNIT_EXPECT_EQ(test, err, 0);
	for (i = 0; i < KEYS / 2; i++)
		KUNIT_EXPECT_EQ(test, t->seen[i & 1][i], 1);
}

static void flow_limits(struct kunit *test)
{
	struct flow_test *t = test->priv;
	struct vfw_key key;
	u32 i;

	t->policy->max_flows = 10;
	t->policy->max_half_open = 3;
	for (i = 0; i < 3; i++) {
		key = make_key(0, 2 * i + 1);
		KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_NONE);
	}
	key = make_key(0, 7);
	KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_HALF_OPEN_LIMIT);
	for (i = 0; i < 7; i++) {
		key = make_key(1, 2 * i);
		KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_NONE);
	}
	key = make_key(1, 2 * i);
	KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_FLOW_LIMIT);
	key = make_key(0, 1);
	remove_key(t, &key);
	KUNIT_EXPECT_EQ(test, t->table->half_open[VFW_DIRECTION_IN], 2U);
	KUNIT_EXPECT_EQ(test, add_key(t, &key), VFW_DROP_REASON_NONE);
	KUNIT_EXPECT_EQ(test, t->table->half_open[VFW_DIRECTION_IN], 3U);
	KUNIT_EXPECT_EQ(test, t->table->count, 10U);
}

static void flow_expiry_wraps(struct kunit *test)
{
	static const struct {
		const char *desc;
		u32 expires, now;
		bool expired;
	} cases[] = {
		{ "in the future", 1000, 999, false },
		{ "now", 1000, 1000, true },
		{ "in the past", 1000, 1001, true },
		{ "in the future across the wrap", 5, U32_MAX - 5, false },
		{ "in the past across the wrap", U32_MAX - 5, 5, true },
		{ "the longest timeout at 1000 Hz", VFW_TIMEOUT_MAX * 1000U, 0, false },
	};
	struct vfw_flow flow;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		flow.expires = cases[i].expires;
		KUNIT_EXPECT_EQ_MSG(test, vfw_flow_expired(&flow, cases[i].now), cases[i].expired,
				    "%s", cases[i].desc);
	}
}

static void flow_time_stands_still(struct kunit *test)
{
	struct flow_test *t = test->priv;
	u32 before, frozen;

	before = vfw_flow_now(t->table);
	vfw_flow_table_freeze(t->table);
	frozen = vfw_flow_now(t->table);
	KUNIT_EXPECT_LE(test, frozen - before, 1U);
	schedule_timeout_uninterruptible(5);
	KUNIT_EXPECT_EQ(test, vfw_flow_now(t->table), frozen);
	vfw_flow_table_thaw(t->table);
	KUNIT_EXPECT_LE(test, vfw_flow_now(t->table) - frozen, 1U);
}

static struct vfw_key many_key(u32 i)
{
	struct vfw_key key = make_key(i & 1, 0);

	key.remote.words[0] = htonl(0x0a000000 + i);
	return key;
}

/* In one go, so that no worker gets to run: whoever adds flows must make the room. */
static void add_many(struct kunit *test, struct flow_test *t, u32 n)
{
	struct vfw_key key;
	u32 i, lost = 0;

	t->gfp = GFP_ATOMIC;
	local_bh_disable();
	for (i = 0; i < n; i++) {
		key = many_key(i);
		lost += add_key(t, &key) != VFW_DROP_REASON_NONE;
		key = many_key(get_random_u32() % (i + 1));
		lost += !table_has(t, &key);
		key = many_key(i + 1);
		lost += table_has(t, &key);
	}
	local_bh_enable();
	t->gfp = GFP_KERNEL;
	KUNIT_EXPECT_EQ(test, lost, 0);
}

static u32 chains(const struct vfw_flow_table *table, int family)
{
	struct vfw_flow_buckets *marked = rcu_dereference_protected(table->buckets[family], true);

	KUNIT_EXPECT_PTR_EQ(current->kunit_test, marked,
			    vfw_flow_buckets_mark(vfw_flow_buckets_unmark(marked)));
	return vfw_flow_buckets_unmark(marked)->mask + 1;
}

static void flow_hash_grows(struct kunit *test)
{
	struct flow_test *t = test->priv;
	const u32 n = 20000;
	struct vfw_key key;
	u32 i, grown, lost = 0;

	t->policy->max_flows = n;
	add_many(test, t, n);
	for (i = 0; i < n; i++) {
		key = many_key(i);
		lost += !table_has(t, &key);
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ(test, t->table->hash[0].count, n / 2);
	flush_workqueue(vfw_wq);
	grown = chains(t->table, 0);
	KUNIT_EXPECT_GE(test, grown, n / 2);
	for (i = 0; i < n; i++) {
		key = many_key(i);
		remove_key(t, &key);
		lost += table_has(t, &key);
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ(test, t->table->hash[1].count, 0U);
	vfw_flow_hash_shrink(&t->table->hash[0]);
	flush_workqueue(vfw_wq);
	KUNIT_EXPECT_EQ(test, chains(t->table, 0), grown / 2);
}

static int reader(void *arg)
{
	struct flow_test *t = arg;
	struct vfw_key key;
	u32 lost = 0;

	while (!kthread_should_stop()) {
		key = many_key(get_random_u32() % KEYS);
		lost += !table_has(t, &key);
		cond_resched();
	}
	return lost;
}

/* What is there all along is found all along, while the hash grows and shrinks. */
static void flow_hash_resizes_under_readers(struct kunit *test)
{
	struct flow_test *t = test->priv;
	struct task_struct *task;
	struct vfw_key key;
	u32 i, round;

	t->policy->max_flows = 10 * KEYS;
	add_many(test, t, KEYS);
	task = kthread_run(reader, t, "vfw_reader");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (round = 0; round < 10; round++) {
		for (i = KEYS; i < 10 * KEYS; i++) {
			key = many_key(i);
			add_key(t, &key);
			cond_resched();
		}
		for (i = KEYS; i < 10 * KEYS; i++) {
			key = many_key(i);
			remove_key(t, &key);
		}
		vfw_flow_hash_shrink(&t->table->hash[0]);
		vfw_flow_hash_shrink(&t->table->hash[1]);
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
}

static void flow_hash_reserves(struct kunit *test)
{
	struct flow_test *t = test->priv;
	const u32 flows[VFW_FLOW_KINDS] = { 50000, U32_MAX, 100000 };

	vfw_flow_table_reserve(t->table, flows);
	KUNIT_EXPECT_EQ(test, chains(t->table, 0), 131072U);
	KUNIT_EXPECT_LE(test, chains(t->table, 1), 1U << 21);
	KUNIT_EXPECT_EQ(test, chains(t->table, 2), 262144U);
	add_many(test, t, KEYS);
	vfw_flow_table_reserve(t->table, flows);
	KUNIT_EXPECT_EQ(test, t->table->hash[0].count, KEYS / 2U);
}

/* The hash is the kernel's hsiphash(), where that is SipHash, with the key that was drawn. */
static void flow_hash_is_siphash(struct kunit *test)
{
	const u64 *state = vfw_flow_secret.state;
	hsiphash_key_t secret = { { state[0] ^ SIPHASH_CONST_0, state[1] ^ SIPHASH_CONST_1 } };
	struct {
		__be32 addrs[8];
		__be16 ports[2];
		u8 protocol;
	} __packed message;
	struct vfw_key key;
	int i, words;

	if (!IS_ENABLED(CONFIG_64BIT) || IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		kunit_skip(test, "hsiphash() is another function here");
	KUNIT_EXPECT_EQ(test, state[2] ^ SIPHASH_CONST_2, state[0] ^ SIPHASH_CONST_0);
	KUNIT_EXPECT_EQ(test, state[3] ^ SIPHASH_CONST_3, state[1] ^ SIPHASH_CONST_1);
	for (i = 0; i < 2000; i++) {
		get_random_bytes(&key, sizeof(key));
		memset(key.tags, 0, sizeof(key.tags));
		key.family = i % 2 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
		words = i % 2 ? 4 : 1;
		/* Addresses, ports and protocol, one after the other, at the end of it. */
		memcpy(&message.addrs[8 - 2 * words], &key.local, 4 * words);
		memcpy(&message.addrs[8 - words], &key.remote, 4 * words);
		message.ports[0] = key.local_port;
		message.ports[1] = key.remote_port;
		message.protocol = key.protocol;
		KUNIT_EXPECT_EQ(test, vfw_flow_hash(&key),
				hsiphash(&message.addrs[8 - 2 * words], 8 * words + 5, &secret));
	}
}

/* So is that of keys with tags, and each bit of them counts. */
static void flow_hash_has_tags(struct kunit *test)
{
	const u64 *state = vfw_flow_secret.state;
	hsiphash_key_t secret = { { state[0] ^ SIPHASH_CONST_0, state[1] ^ SIPHASH_CONST_1 } };
	struct {
		u32 addrs[8];
		u16 tags[2];
		u32 family;
		__be16 ports[2];
		u8 protocol;
	} __packed message;
	struct vfw_key key;
	u32 i, hash, same = 0;

	if (!IS_ENABLED(CONFIG_64BIT) || IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		kunit_skip(test, "hsiphash() is another function here");
	for (i = 0; i < 2000; i++) {
		get_random_bytes(&key, sizeof(key));
		key.tags[0] |= 1 << 12;
		key.family = i % 2 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
		memcpy(&message.addrs[0], &key.local, 16);
		memcpy(&message.addrs[4], &key.remote, 16);
		memcpy(message.tags, key.tags, sizeof(message.tags));
		message.family = key.family;
		message.ports[0] = key.local_port;
		message.ports[1] = key.remote_port;
		message.protocol = key.protocol;
		hash = vfw_flow_hash(&key);
		KUNIT_EXPECT_EQ(test, hash, hsiphash(&message, sizeof(message), &secret));
		key.tags[i & 1] ^= 2 << i % 12;
		same += vfw_flow_hash(&key) == hash;
	}
	KUNIT_EXPECT_LE(test, same, 1);
}

static struct kunit_case flow_cases[] = {
	KUNIT_CASE(flow_hash_is_siphash),
	KUNIT_CASE(flow_hash_has_tags),
	KUNIT_CASE(flow_random),
	KUNIT_CASE(flow_hash_grows),
	KUNIT_CASE(flow_hash_resizes_under_readers),
	KUNIT_CASE(flow_hash_reserves),
	KUNIT_CASE(flow_walk_resumes),
	KUNIT_CASE(flow_limits),
	KUNIT_CASE(flow_expiry_wraps),
	KUNIT_CASE(flow_time_stands_still),
	{}
};

static struct kunit_suite flow_suite = {
	.name = "vfw_flow",
	.init = flow_test_init,
	.exit = flow_test_exit,
	.test_cases = flow_cases,
};

kunit_test_suite(flow_suite);
