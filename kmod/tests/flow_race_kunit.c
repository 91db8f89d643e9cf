// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table while several tasks use it at once: flows are added, found and removed, arrays
 * grow and shrink, and all of it is walked.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/workqueue.h>

#include "../main.h"
#include "../flow.h"
#include "../policy.h"

#define RACERS		4
#define OWN_KEYS	64	/* of each racer, which knows whether they are there */
#define SHARED_KEYS	64	/* that all add and remove */
#define FIXED_KEYS	200	/* that are there all along */
#define CROWD		6000	/* that make the arrays grow */
#define RACE_TIME	(2 * HZ)

/* Where keys begin. */
#define OWN_AT(racer)	((racer) * OWN_KEYS)
#define SHARED_AT	(RACERS * OWN_KEYS)
#define FIXED_AT	(SHARED_AT + SHARED_KEYS)
#define CROWD_AT	(FIXED_AT + FIXED_KEYS)

struct race {
	struct vfw_flow_table *table;
	struct vfw_policy *policy;
	u8 fixed_seen[FIXED_KEYS];
};

struct racer {
	struct race *race;
	struct task_struct *task;
	u32 number;
	u32 turns;
	u32 errors;
	bool present[OWN_KEYS];
};

/* Even numbers are of IPv4, odd ones of IPv6; every third one is of TCP, and half-open. */
static struct vfw_key race_key(u32 i)
{
	struct vfw_key key = {
		.family = i & 1 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
		.protocol = i % 3 ? IPPROTO_UDP : IPPROTO_TCP,
		.local_port = htons(7),
	};

	key.local.words[0] = htonl(0x0a010001);
	key.remote.words[0] = htonl(0x0b000000 + i);
	return key;
}

static bool race_has(struct race *race, u32 i)
{
	struct vfw_key key = race_key(i), got;
	struct vfw_flow *flow;
	bool same = false;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(race->table, &key);
	if (flow) {
		vfw_flow_key(flow, &got);
		same = !memcmp(&key, &got, sizeof(key));
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return same;
}

static bool race_add(struct race *race, u32 i)
{
	struct vfw_key key = race_key(i);
	struct vfw_opening opening = {
		.key = &key, .hash = vfw_flow_hash(&key), .direction = i / 3 % 2,
		.state = i % 3 ? VFW_FLOW_STATE_NEW : VFW_FLOW_STATE_TCP_SYN_SENT,
	};
	enum vfw_drop_reason reason;
	struct vfw_flow *flow;

	rcu_read_lock();
	flow = vfw_flow_add(race->table, &opening, race->policy, &reason, GFP_ATOMIC);
	if (flow)
		vfw_flow_unlock(flow);
	rcu_read_unlock();
	return flow;
}

static bool race_remove(struct race *race, u32 i)
{
	struct vfw_key key = race_key(i);
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(race->table, &key);
	if (flow) {
		vfw_flow_remove(race->table, flow);
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return flow;
}

/* One's own keys are as one left them, whatever happens around them. */
static void race_turn(struct racer *racer)
{
	struct race *race = racer->race;
	u32 i = get_random_u32() % OWN_KEYS, shared = SHARED_AT + get_random_u32() % SHARED_KEYS;
	bool done;

	racer->errors += race_has(race, OWN_AT(racer->number) + i) != racer->present[i];
	if (racer->present[i])
		done = race_remove(race, OWN_AT(racer->number) + i);
	else
		done = race_add(race, OWN_AT(racer->number) + i);
	racer->errors += !done;
	racer->present[i] = !racer->present[i];
	racer->errors += !race_has(race, FIXED_AT + get_random_u32() % FIXED_KEYS);
	if (get_random_u32() & 1)
		race_add(race, shared);
	else
		race_remove(race, shared);
	racer->turns++;
}

static int racer_run(void *arg)
{
	struct racer *racer = arg;

	while (!kthread_should_stop()) {
		race_turn(racer);
		cond_resched();
	}
	return 0;
}

static int see(struct vfw_flow *flow, void *arg)
{
	struct race *race = arg;
	struct vfw_key key;
	u32 i;

	vfw_flow_key(flow, &key);
	i = ntohl(key.remote.words[0]) - 0x0b000000;
	if (i >= FIXED_AT && i < CROWD_AT)
		race->fixed_seen[i - FIXED_AT]++;
	return 0;
}

/* What is there all along is met once by each walk. */
static int walker_run(void *arg)
{
	struct racer *walker = arg;
	struct race *race = walker->race;
	u32 i;

	while (!kthread_should_stop()) {
		struct vfw_flow_cursor cursor = {};

		memset(race->fixed_seen, 0, sizeof(race->fixed_seen));
		vfw_flow_walk(race->table, &cursor, see, race);
		for (i = 0; i < FIXED_KEYS; i++)
			walker->errors += race->fixed_seen[i] != 1;
		walker->turns++;
		cond_resched();
	}
	return 0;
}

/* Arrays grow under a crowd, and shrink when it is gone. Returns how often adding failed. */
static u32 crowd_comes_and_goes(struct race *race)
{
	u32 i, failed = 0;

	for (i = CROWD_AT; i < CROWD_AT + CROWD; i++) {
		failed += !race_add(race, i);
		cond_resched();
	}
	for (i = CROWD_AT; i < CROWD_AT + CROWD; i++) {
		failed += !race_remove(race, i);
		cond_resched();
	}
	vfw_flow_hash_shrink(&race->table->hash[0]);
	vfw_flow_hash_shrink(&race->table->hash[1]);
	return failed;
}

struct tally {
	u32 flows;
	u32 half_open[2];
};

static int tally_flow(struct vfw_flow *flow, void *arg)
{
	struct tally *tally = arg;

	tally->flows++;
	tally->half_open[vfw_flow_opened(flow)] += flow->state == VFW_FLOW_STATE_TCP_SYN_SENT;
	return 0;
}

static void expect_counts(struct kunit *test, struct vfw_flow_table *table)
{
	struct vfw_flow_cursor cursor = {};
	struct tally tally = {};

	vfw_flow_walk(table, &cursor, tally_flow, &tally);
	KUNIT_EXPECT_EQ(test, table->count, tally.flows);
	KUNIT_EXPECT_EQ(test, table->half_open[0], tally.half_open[0]);
	KUNIT_EXPECT_EQ(test, table->half_open[1], tally.half_open[1]);
	KUNIT_EXPECT_EQ(test, table->hash[0].count + table->hash[1].count, tally.flows);
	KUNIT_EXPECT_EQ(test, table->pool[0].n_flows + table->pool[1].n_flows, tally.flows);
	KUNIT_EXPECT_EQ(test, table->totals.opened - table->totals.ended, tally.flows);
}

static void run_racers(struct kunit *test, struct racer *racers)
{
	unsigned long end = jiffies + RACE_TIME;
	u32 i, rounds = 0, failed = 0;

	for (i = 0; i <= RACERS; i++) {
		racers[i].task = kthread_run(i < RACERS ? racer_run : walker_run, &racers[i],
					     "vfw_racer/%u", i);
		if (IS_ERR(racers[i].task))
			break;
	}
	while (i > RACERS && (time_before(jiffies, end) || rounds < 2)) {
		failed += crowd_comes_and_goes(racers[0].race);
		rounds++;
	}
	KUNIT_EXPECT_GT_MSG(test, i, RACERS, "racers that could be started");
	while (i--) {
		kthread_stop(racers[i].task);
		KUNIT_EXPECT_EQ_MSG(test, racers[i].errors, 0U, "racer %u", i);
		KUNIT_EXPECT_GT_MSG(test, racers[i].turns, 0U, "racer %u", i);
	}
	KUNIT_EXPECT_EQ(test, failed, 0U);
	kunit_info(test, "crowds %u, walks %u, turns of the first racer %u", rounds,
		   racers[RACERS].turns, racers[0].turns);
}

static void flow_race(struct kunit *test)
{
	struct race *race = test->priv;
	struct racer *racers;
	u32 i, lost = 0;

	racers = kunit_kcalloc(test, RACERS + 1, sizeof(*racers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, racers);
	for (i = 0; i <= RACERS; i++) {
		racers[i].race = race;
		racers[i].number = i;
	}
	for (i = FIXED_AT; i < CROWD_AT; i++)
		lost += !race_add(race, i);
	KUNIT_EXPECT_EQ(test, lost, 0U);
	run_racers(test, racers);
	flush_workqueue(vfw_wq);
	expect_counts(test, race->table);
}

static int race_init(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, race);
	test->priv = race;
	race->table = vfw_flow_table_alloc(NULL);
	race->policy = vfw_policy_alloc();
	KUNIT_ASSERT_NOT_NULL(test, race->table);
	KUNIT_ASSERT_NOT_NULL(test, race->policy);
	race->policy->max_half_open = race->policy->max_flows;
	return 0;
}

static void race_exit(struct kunit *test)
{
	struct race *race = test->priv;

	if (!race)
		return;
	if (race->table)
		vfw_flow_table_free(race->table);
	if (race->policy)
		vfw_policy_free(race->policy);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(flow_race),
	{}
};

static struct kunit_suite race_suite = {
	.name = "vfw_flow_race",
	.init = race_init,
	.exit = race_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
