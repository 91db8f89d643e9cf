// SPDX-License-Identifier: GPL-2.0
/*
 * The classifier with policies large enough for tables, and tables of tables, against the first
 * rule of which vfw_rule_matches() says that it matches; and what it refuses.
 *
 * selftests/classify/run.sh tries the same files as a program, with far more of both.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/netlink.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../main.h"
#include "../classify.h"
#include "../packet.h"
#include "../policy.h"

#define RULES	3000	/* of one policy, at most */
#define RANGES	4	/* of one end of a rule */
#define PACKETS	1500

/**
 * struct shape - what the rules of a policy are like
 * @desc: in words
 * @local: prefix lengths of IPv4 that are drawn from; of IPv6 they are four times as long
 * @remote: the same
 * @bits: of an address that are drawn, at its beginning and at its end
 * @ports: of which ports rules are: none, one, one or a range, up to RANGES ranges
 * @spread: how many different ports there are
 * @any: one rule in so many leaves out each of direction, family and protocol
 */
struct shape {
	const char *desc;
	u8 local[4];
	u8 remote[4];
	u8 bits;
	enum { PORTS_NONE, PORTS_ONE, PORTS_RANGE, PORTS_MANY } ports;
	u32 spread;
	u32 any;
};

static const struct shape shapes[] = {
	{ "all of the same mask", { 32, 32, 32, 32 }, { 24, 24, 24, 24 }, 6, PORTS_ONE, 4, 1000 },
	{ "exact", { 32, 32, 32, 32 }, { 32, 32, 32, 32 }, 5, PORTS_ONE, 50, 100 },
	{ "prefixes that nest", { 8, 16, 24, 32 }, { 4, 12, 20, 32 }, 8, PORTS_ONE, 10, 10 },
	{ "wildcards", { 0, 0, 0, 32 }, { 0, 0, 16, 24 }, 8, PORTS_RANGE, 2000, 5 },
	{ "many ranges", { 0, 24, 32, 32 }, { 0, 0, 16, 32 }, 8, PORTS_MANY, 60000, 20 },
	{ "ports only", { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, 1, PORTS_MANY, 60000, 50 },
	{ "few values", { 0, 1, 31, 32 }, { 0, 1, 31, 32 }, 2, PORTS_RANGE, 8, 4 },
	{ "one address, all ports", { 32, 32, 32, 32 }, { 0, 0, 0, 0 }, 0, PORTS_ONE, 60000, 1000 },
	{ "no ports", { 0, 8, 16, 31 }, { 0, 9, 17, 30 }, 10, PORTS_NONE, 1, 3 },
};

/* The masks of the last shape are all there can be. */
static const struct shape all_masks = {
	"masks all different", { 0 }, { 0 }, 8, PORTS_RANGE, 3000, 10
};

struct room {
	struct vfw_rule rules[RULES];
	struct vfw_range ranges[RULES][2 * RANGES];
	u32 n;
	u32 hits, late, packets;	/* what the packets so far met */
	u8 family;
	const struct shape *shape;
};

static struct rnd_state rnd;

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

static bool one_in(u32 n)
{
	return below(n) == 0;
}

/* Some bits at the beginning of an address, and some at its end. */
static union vfw_addr random_addr(const struct room *room)
{
	u32 last = room->family == VFW_FAMILY_IPV4 ? 0 : 3, bits = room->shape->bits;
	union vfw_addr addr = {};

	addr.words[0] = (__force u32)htonl(0x20000000 | below(1 << bits) << (29 - bits));
	addr.words[last] |= (__force u32)htonl(below(1 << bits));
	return addr;
}

static u8 random_prefix(const struct room *room, const u8 *lengths)
{
	u8 scale = room->family == VFW_FAMILY_IPV4 ? 1 : 4;

	if (room->shape == &all_masks)
		return below(32 * scale + 1);
	return lengths[below(4)] * scale;
}

static void keep_bits(union vfw_addr *addr, u8 prefix)
{
	union vfw_addr mask = vfw_prefix_mask(prefix);
	int i;

	for (i = 0; i < ARRAY_SIZE(mask.words); i++)
		addr->words[i] &= mask.words[i];
}

static u16 random_port(const struct shape *shape)
{
	return below(shape->spread) * (65536 / shape->spread);
}

static u8 random_ranges(const struct shape *shape, struct vfw_range *ranges)
{
	u8 i, n = shape->ports == PORTS_MANY ? below(RANGES + 1) : shape->ports != PORTS_NONE;
	u16 a, b;

	for (i = 0; i < n; i++) {
		a = random_port(shape);
		b = shape->ports == PORTS_ONE || one_in(2) ? a : random_port(shape);
		ranges[i] = (struct vfw_range){ min(a, b), max(a, b) };
	}
	return n;
}

static void random_details(struct vfw_rule *rule, const struct room *room)
{
	rule->flags |= VFW_STATE_RULE_PROTOCOL;
	if (one_in(10)) {
		rule->protocol = room->family == VFW_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		rule->flags |= VFW_STATE_RULE_ICMP_TYPE | VFW_STATE_RULE_ICMP_CODE;
		rule->icmp_type = below(30);
		rule->icmp_code = below(4);
		return;
	}
	rule->protocol = one_in(3) ? IPPROTO_UDP : IPPROTO_TCP;
	if (rule->protocol == IPPROTO_TCP && one_in(50)) {
		rule->flags |= VFW_STATE_RULE_STATELESS | VFW_STATE_RULE_TCP_FLAGS;
		rule->tcp_flags_mask = 1 + below(255);
		rule->tcp_flags = below(256) & rule->tcp_flags_mask;
	}
	rule->local_ranges = random_ranges(room->shape, rule->ranges);
	if (room->shape->ports != PORTS_ONE)
		rule->remote_ranges = random_ranges(room->shape,
						    rule->ranges + rule->local_ranges);
}

/* It would leave nothing to those after it. */
static bool too_wide(const struct room *room, const struct vfw_rule *rule)
{
	u8 scale = room->family == VFW_FAMILY_IPV4 ? 1 : 4;

	return rule->local_prefix < 8 * scale && rule->remote_prefix < 8 * scale &&
	       !rule->local_ranges && !(rule->flags & VFW_STATE_RULE_ICMP_TYPE);
}

static void draw_rule(struct room *room, u32 i)
{
	const struct shape *shape = room->shape;
	struct vfw_rule *rule = &room->rules[i];

	*rule = (struct vfw_rule){
		.direction = one_in(shape->any) ? VFW_DIRECTION_BOTH : VFW_DIRECTION_IN,
		.family = room->family,
		.ranges = room->ranges[i],
	};
	rule->local_prefix = random_prefix(room, shape->local);
	rule->remote_prefix = random_prefix(room, shape->remote);
	if (rule->local_prefix) {
		rule->flags |= VFW_STATE_RULE_LOCAL;
		rule->local = random_addr(room);
		keep_bits(&rule->local, rule->local_prefix);
	}
	if (rule->remote_prefix) {
		rule->flags |= VFW_STATE_RULE_REMOTE;
		rule->remote = random_addr(room);
		keep_bits(&rule->remote, rule->remote_prefix);
	}
	if (!one_in(shape->any))
		random_details(rule, room);
	if (!rule->local_prefix && !rule->remote_prefix && one_in(shape->any))
		rule->family = VFW_FAMILY_ANY;
}

static void random_rule(struct room *room, u32 i)
{
	do
		draw_rule(room, i);
	while (too_wide(room, &room->rules[i]));
}

/* Often one that some rule matches, but for one or two fields. */
static void random_packet(const struct room *room, struct vfw_packet *pkt)
{
	const struct vfw_rule *rule = &room->rules[below(room->n)];

	*pkt = (struct vfw_packet){
		.key = {
			.family = room->family,
			.local = random_addr(room),
			.remote = random_addr(room),
			.protocol = one_in(8) ? IPPROTO_GRE : rule->protocol,
			.local_port = cpu_to_be16(random_port(room->shape)),
			.remote_port = cpu_to_be16(random_port(room->shape)),
		},
		.kind = one_in(8) ? VFW_PACKET_ICMP_ERROR : VFW_PACKET_FLOW,
		.dir = one_in(4),
		.icmp_type = rule->icmp_type,
		.icmp_code = below(4),
		.tcp.flags = below(256),
	};
	if (rule->local_prefix && !one_in(4))
		pkt->key.local = rule->local;
	if (rule->remote_prefix && !one_in(4))
		pkt->key.remote = rule->remote;
	if (rule->local_ranges && !one_in(4))
		pkt->key.local_port = cpu_to_be16(rule->ranges[0].last);
}

static u32 plain_find(const struct room *room, const struct vfw_packet *pkt)
{
	u32 i;

	for (i = 0; i < room->n; i++)
		if (vfw_rule_matches(&room->rules[i], pkt))
			return i + 1;
	return 0;
}

/* What vfw_policy_judge() and vfw_policy_judge_stateless() say of one packet. */
static u32 judge_wrong(const struct room *room, const struct vfw_policy *policy,
		       const struct vfw_packet *pkt, u32 expected)
{
	bool stateless = expected &&
			 room->rules[expected - 1].flags & VFW_STATE_RULE_STATELESS;
	struct vfw_verdict verdict = vfw_policy_judge(policy, pkt), second = {};
	u32 wrong = verdict.rule != expected || verdict.stateless != stateless;

	wrong += vfw_policy_judge_stateless(policy, pkt, &second) != stateless;
	return wrong + (stateless && second.rule != expected);
}

static void try_room(struct kunit *test, struct room *room)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	u32 i, expected, wrong = 0;
	struct vfw_packet pkt;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	for (i = 0; i < room->n; i++) {
		random_rule(room, i);
		KUNIT_ASSERT_EQ(test, vfw_policy_add_rule(policy, &room->rules[i]), 0);
	}
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	KUNIT_EXPECT_LE(test, vfw_classifier_work(policy->classifier), room->n);
	for (i = 0; i < PACKETS; i++) {
		random_packet(room, &pkt);
		expected = plain_find(room, &pkt);
		wrong += judge_wrong(room, policy, &pkt, expected);
		room->hits += expected > 0;
		room->late += expected > 20;
		room->packets++;
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	vfw_policy_free(policy);
}

static struct room *room_new(struct kunit *test)
{
	struct room *room = vzalloc(sizeof(*room));
	u64 seed = get_random_u64();

	KUNIT_ASSERT_NOT_NULL(test, room);
	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
	return room;
}

static void shape_to_desc(const struct shape *shape, char *desc)
{
	strscpy(desc, shape->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shape, shapes, shape_to_desc);

static void try_shape(struct kunit *test, const struct shape *shape)
{
	struct room *room = room_new(test);
	u32 i;

	room->shape = shape;
	for (i = 0; i < 6; i++) {
		room->family = i % 2 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
		room->n = i < 2 ? RULES : 1 + below(i < 4 ? 300 : 60);
		try_room(test, room);
	}
	/* The test is worth something: packets matched, missed, and matched far down. */
	KUNIT_EXPECT_LT(test, room->hits, room->packets);
	KUNIT_EXPECT_GT(test, room->late, room->packets / 20);
	kunit_info(test, "%s: %u of %u packets match, %u of them beyond rule 20\n", shape->desc,
		   room->hits, room->packets, room->late);
	vfree(room);
}

static void test_shape(struct kunit *test)
{
	try_shape(test, test->param_value);
}

static void test_all_masks(struct kunit *test)
{
	try_shape(test, &all_masks);
}

/* Rules that no table can part, and of which none covers another: ports i to 32768 + i. */
static struct vfw_policy *overlapping(struct kunit *test, u32 n)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	struct vfw_range range;
	struct vfw_rule rule = {
		.flags = VFW_STATE_RULE_PROTOCOL, .protocol = IPPROTO_TCP,
		.local_ranges = 1, .ranges = &range,
	};
	u32 i, failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	for (i = 0; i < n; i++) {
		range = (struct vfw_range){ i, 32768 + i };
		failed += !!vfw_policy_add_rule(policy, &rule);
	}
	KUNIT_ASSERT_EQ(test, failed, 0);
	return policy;
}

static void test_worst(struct kunit *test)
{
	struct vfw_policy *policy = overlapping(test, VFW_WORK_MAX);
	struct vfw_packet pkt = {
		.key = { .family = VFW_FAMILY_IPV4, .protocol = IPPROTO_TCP },
	};

	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	KUNIT_EXPECT_EQ(test, vfw_classifier_work(policy->classifier), VFW_WORK_MAX);
	pkt.key.local_port = cpu_to_be16(32768 + VFW_WORK_MAX - 1);
	KUNIT_EXPECT_EQ(test, vfw_policy_judge(policy, &pkt).rule, VFW_WORK_MAX);
	pkt.key.local_port = cpu_to_be16(32768 + VFW_WORK_MAX);
	KUNIT_EXPECT_EQ(test, vfw_policy_judge(policy, &pkt).rule, 0);
	vfw_policy_free(policy);
}

static void test_refusal(struct kunit *test)
{
	struct vfw_policy *policy = overlapping(test, VFW_WORK_MAX + 1);
	struct netlink_ext_ack extack = {};

	KUNIT_EXPECT_EQ(test, vfw_policy_seal(policy, &extack), -E2BIG);
	KUNIT_EXPECT_NULL(test, policy->classifier);
	KUNIT_ASSERT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_NOT_NULL(test, strstr(extack._msg, "narrow their addresses or ports"));
	/* It is as it was: with one rule less it is taken. */
	vfw_policy_truncate(policy, VFW_WORK_MAX);
	KUNIT_EXPECT_EQ(test, vfw_policy_seal(policy, &extack), 0);
	vfw_policy_free(policy);
}

/* Rules of which all but the first decide nothing cost nothing either. */
static void test_covered(struct kunit *test)
{
	const struct vfw_rule rule = { .direction = VFW_DIRECTION_BOTH };
	const struct vfw_packet pkt = { .key.family = VFW_FAMILY_IPV6 };
	struct vfw_policy *policy = vfw_policy_alloc();
	u32 i, failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	for (i = 0; i < 100000; i++)
		failed += !!vfw_policy_add_rule(policy, &rule);
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	KUNIT_EXPECT_EQ(test, vfw_classifier_work(policy->classifier), 1);
	KUNIT_EXPECT_EQ(test, vfw_policy_judge(policy, &pkt).rule, 1);
	vfw_policy_free(policy);
}

/* The same rules make the same tables, here and where the VM moves to. */
static void test_same(struct kunit *test)
{
	struct vfw_classifier *one, *other;
	struct room *room = room_new(test);
	u32 i;

	room->shape = &all_masks;
	room->family = VFW_FAMILY_IPV4;
	for (i = 0; i < RULES; i++)
		random_rule(room, i);
	one = vfw_classifier_build(room->rules, RULES);
	other = vfw_classifier_build(room->rules, RULES);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, vfw_classifier_memory(one), vfw_classifier_memory(other));
	KUNIT_EXPECT_EQ(test, vfw_classifier_work(one), vfw_classifier_work(other));
	vfw_classifier_free(one);
	vfw_classifier_free(other);
	vfree(room);
}

static struct kunit_case classify_table_cases[] = {
	KUNIT_CASE_PARAM(test_shape, shape_gen_params),
	KUNIT_CASE(test_all_masks),
	KUNIT_CASE(test_worst),
	KUNIT_CASE(test_refusal),
	KUNIT_CASE(test_covered),
	KUNIT_CASE(test_same),
	{}
};

static struct kunit_suite classify_table_suite = {
	.name = "vfw_classify_table",
	.test_cases = classify_table_cases,
};

kunit_test_suite(classify_table_suite);
