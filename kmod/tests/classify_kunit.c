// SPDX-License-Identifier: GPL-2.0
/*
 * The classifier against a trivial reference: the first rule of which vfw_rule_matches() says
 * that it matches. What that says is itself tested by cases.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/string.h>

#include "../main.h"
#include "../classify.h"
#include "../packet.h"
#include "../policy.h"

#define POLICIES	300
#define PACKETS		2000
#define RULES		80	/* of one policy, at most */

#define PROTO(p, more)	.flags = VFW_STATE_RULE_PROTOCOL | (more), .protocol = (p)
#define BOTH		.direction = VFW_DIRECTION_BOTH
#define RANGES(...)	.ranges = (struct vfw_range[]) { __VA_ARGS__ }
#define V4(a, b, c, d)	{ .v4 = cpu_to_be32((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d)) }
#define V6(first, last)	{ .v6.in6_u.u6_addr8 = { [0] = (first), [15] = (last) } }

struct match_case {
	const char *desc;
	struct vfw_rule rule;
	struct vfw_packet pkt;
	bool matches;
};

#define TCP4							\
	.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_TCP,	\
	.local = V4(192, 0, 2, 1), .remote = V4(198, 51, 100, 7),	\
	.local_port = cpu_to_be16(80), .remote_port = cpu_to_be16(40000)
#define UDP6							\
	.family = VFW_FAMILY_IPV6, .protocol = IPPROTO_UDP,	\
	.local = V6(0x20, 1), .remote = V6(0x20, 2),		\
	.local_port = cpu_to_be16(53), .remote_port = cpu_to_be16(5353)
#define PING4							\
	.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_ICMP, .local_port = cpu_to_be16(80)

static const struct match_case match_cases[] = {
	{ "anything", { BOTH }, { { TCP4 } }, true },
	{ "direction in", { .direction = VFW_DIRECTION_IN }, { { TCP4 } }, true },
	{ "direction out", { .direction = VFW_DIRECTION_OUT }, { { TCP4 } }, false },
	{ "family", { BOTH, .family = VFW_FAMILY_IPV6 }, { { UDP6 } }, true },
	{ "other family", { BOTH, .family = VFW_FAMILY_IPV4 }, { { UDP6 } }, false },
	{ "protocol", { BOTH, PROTO(IPPROTO_UDP, 0) }, { { UDP6 } }, true },
	{ "other protocol", { BOTH, PROTO(IPPROTO_TCP, 0) }, { { UDP6 } }, false },
	{ "protocol 0 is not any", { BOTH, PROTO(0, 0) }, { { UDP6 } }, false },

	{ "prefix that ends in a byte", { BOTH, .family = VFW_FAMILY_IPV4,
		.flags = VFW_STATE_RULE_REMOTE, .remote = V4(198, 51, 96, 0),
		.remote_prefix = 21 }, { { TCP4 } }, true },
	{ "one bit longer", { BOTH, .family = VFW_FAMILY_IPV4,
		.flags = VFW_STATE_RULE_REMOTE, .remote = V4(198, 51, 96, 0),
		.remote_prefix = 22 }, { { TCP4 } }, false },
	{ "ends are not confused", { BOTH, .family = VFW_FAMILY_IPV4,
		.flags = VFW_STATE_RULE_LOCAL, .local = V4(198, 51, 100, 7),
		.local_prefix = 32 }, { { TCP4 } }, false },
	{ "last bit of IPv6", { BOTH, .family = VFW_FAMILY_IPV6,
		.flags = VFW_STATE_RULE_LOCAL, .local = V6(0x20, 0),
		.local_prefix = 128 }, { { UDP6 } }, false },
	{ "but the last bit", { BOTH, .family = VFW_FAMILY_IPV6,
		.flags = VFW_STATE_RULE_LOCAL, .local = V6(0x20, 0),
		.local_prefix = 127 }, { { UDP6 } }, true },
	{ "prefix of no bits is of its family", { BOTH, .family = VFW_FAMILY_IPV4,
		.flags = VFW_STATE_RULE_LOCAL }, { { UDP6 } }, false },

	{ "port at the end of a range", { BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 2,
		RANGES({ 22, 22 }, { 79, 80 }) }, { { TCP4 } }, true },
	{ "port beside a range", { BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 2,
		RANGES({ 78, 79 }, { 81, 82 }) }, { { TCP4 } }, false },
	{ "both ports", { BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 1, .remote_ranges = 1,
		RANGES({ 80, 80 }, { 40000, 50000 }) }, { { TCP4 } }, true },
	{ "one of both ports", { BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 1,
		.remote_ranges = 1, RANGES({ 80, 80 }, { 40001, 50000 }) }, { { TCP4 } }, false },
	{ "port of another protocol", { BOTH, PROTO(IPPROTO_UDP, 0), .local_ranges = 1,
		RANGES({ 80, 80 }) }, { { TCP4 } }, false },

	{ "ICMP of any type", { BOTH, PROTO(IPPROTO_ICMP, 0) },
	  { { PING4 }, .icmp_type = 8 }, true },
	{ "ICMP type", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE), .icmp_type = 8 },
	  { { PING4 }, .icmp_type = 8, .icmp_code = 9 }, true },
	{ "other ICMP type", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE) },
	  { { PING4 }, .icmp_type = 8 }, false },
	{ "ICMP code", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE |
		VFW_STATE_RULE_ICMP_CODE), .icmp_type = 8 },
	  { { PING4 }, .icmp_type = 8 }, true },
	{ "other ICMP code", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE |
		VFW_STATE_RULE_ICMP_CODE), .icmp_type = 8 },
	  { { PING4 }, .icmp_type = 8, .icmp_code = 9 }, false },
	{ "message that opens no flow", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE),
		.icmp_type = 13 },
	  { { PING4 }, .kind = VFW_PACKET_ICMP_OTHER, .icmp_type = 13 }, true },
	{ "error has no type of its own", { BOTH, PROTO(IPPROTO_ICMP, VFW_STATE_RULE_ICMP_TYPE),
		.icmp_type = 3 },
	  { { PING4 }, .kind = VFW_PACKET_ICMP_ERROR, .icmp_type = 3 }, false },
	{ "error goes by what it quotes", { BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 1,
		RANGES({ 80, 80 }) }, { { TCP4 }, .kind = VFW_PACKET_ICMP_ERROR }, true },
	{ "ICMP is not of IPv6", { BOTH, PROTO(IPPROTO_ICMP, 0) },
	  { { .family = VFW_FAMILY_IPV6, .protocol = IPPROTO_ICMP } }, false },
	{ "ICMPv6 is not of IPv4", { BOTH, PROTO(IPPROTO_ICMPV6, 0) },
	  { { .family = VFW_FAMILY_IPV4, .protocol = IPPROTO_ICMPV6 } }, false },

	{ "TCP flags under the mask", { BOTH, PROTO(IPPROTO_TCP, VFW_STATE_RULE_TCP_FLAGS |
		VFW_STATE_RULE_STATELESS), .tcp_flags = 2, .tcp_flags_mask = 0x12 },
	  { { TCP4 }, .tcp.flags = 0xc2 }, true },
	{ "TCP flag that must not be set", { BOTH, PROTO(IPPROTO_TCP, VFW_STATE_RULE_TCP_FLAGS |
		VFW_STATE_RULE_STATELESS), .tcp_flags = 2, .tcp_flags_mask = 0x12 },
	  { { TCP4 }, .tcp.flags = 0x12 }, false },
	{ "TCP flags of what an error quotes", { BOTH, PROTO(IPPROTO_TCP,
		VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS), .tcp_flags_mask = 0x12 },
	  { { TCP4 }, .kind = VFW_PACKET_ICMP_ERROR }, false },
};

static void match_to_desc(const struct match_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(match, match_cases, match_to_desc);

static void test_match(struct kunit *test)
{
	const struct match_case *c = test->param_value;
	struct vfw_classifier *classifier;
	int attr;

	KUNIT_EXPECT_NULL(test, vfw_rule_check(&c->rule, &attr));
	KUNIT_EXPECT_EQ(test, vfw_rule_matches(&c->rule, &c->pkt), c->matches);
	classifier = vfw_classifier_build(&c->rule, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, classifier);
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &c->pkt), c->matches);
	vfw_classifier_free(classifier);
}

static void test_empty(struct kunit *test)
{
	const struct vfw_packet pkt = { .key.family = VFW_FAMILY_IPV4 };
	struct vfw_classifier *classifier = vfw_classifier_build(NULL, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, classifier);
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 0);
	vfw_classifier_free(classifier);
}

static void test_first(struct kunit *test)
{
	const struct vfw_rule rules[] = {
		{ .direction = VFW_DIRECTION_OUT },
		{ BOTH, .family = VFW_FAMILY_IPV6 },
		{ BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 1, RANGES({ 443, 443 }) },
		{ BOTH, PROTO(IPPROTO_TCP, 0) },
		{ BOTH },
		{ BOTH, PROTO(IPPROTO_TCP, 0), .local_ranges = 1, RANGES({ 80, 80 }) },
	};
	struct vfw_packet pkt = { { TCP4 } };
	struct vfw_classifier *classifier;

	classifier = vfw_classifier_build(rules, ARRAY_SIZE(rules));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, classifier);
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 4);
	pkt.key.local_port = cpu_to_be16(443);
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 3);
	pkt.key.protocol = IPPROTO_UDP;
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 5);
	pkt.key.family = VFW_FAMILY_IPV6;
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 2);
	pkt.dir = VFW_DIRECTION_OUT;
	KUNIT_EXPECT_EQ(test, vfw_classifier_find(classifier, &pkt), 1);
	vfw_classifier_free(classifier);
}

/* Random rules and packets, from values few enough for them to meet. */

static struct rnd_state rnd;

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

static bool one_in(u32 n)
{
	return below(n) == 0;
}

/* One of a few addresses, often with one bit turned. */
static union vfw_addr random_addr(u8 family)
{
	u8 bits = family == VFW_FAMILY_IPV4 ? 32 : 128;
	union vfw_addr addr = {};
	u8 *bytes = (u8 *)&addr, bit;

	bytes[0] = 10 + below(2);
	bytes[bits / 8 - 1] = 1 + below(3);
	bytes[bits / 16] = below(2);
	if (one_in(2)) {
		bit = below(bits);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	return addr;
}

static u8 random_prefix(u8 family, union vfw_addr *addr)
{
	static const u8 steps[] = { 0, 1, 7, 8, 15, 16, 24, 31, 32, 33, 63, 64, 65, 96, 127, 128 };
	u8 bits = family == VFW_FAMILY_IPV4 ? 32 : 128;
	union vfw_addr mask;
	u8 prefix;
	int i;

	do {
		prefix = steps[below(ARRAY_SIZE(steps))];
	} while (prefix > bits);
	mask = vfw_prefix_mask(prefix);
	for (i = 0; i < ARRAY_SIZE(mask.words); i++)
		addr->words[i] &= mask.words[i];
	return prefix;
}

static u8 random_protocol(void)
{
	static const u8 protocols[] = {
		IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP,
		IPPROTO_ESP, 0, 255
	};

	return protocols[below(ARRAY_SIZE(protocols))];
}

static u16 random_port(void)
{
	static const u16 ports[] = { 0, 1, 22, 53, 80, 81, 443, 1024, 40000, 65534, 65535 };

	return ports[below(ARRAY_SIZE(ports))];
}

static u8 random_ranges(struct vfw_range *ranges)
{
	u8 i, n = one_in(3) ? below(VFW_RANGES_MAX + 1) : below(3);
	u16 a, b;

	for (i = 0; i < n; i++) {
		a = random_port();
		b = one_in(2) ? a : random_port();
		ranges[i] = (struct vfw_range) { min(a, b), max(a, b) };
	}
	return n;
}

static void random_details(struct vfw_rule *rule)
{
	switch (rule->protocol) {
	case IPPROTO_TCP:
		if (one_in(3)) {
			rule->flags |= VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS;
			rule->tcp_flags_mask = 1 << below(5) | 1 << below(5);
			rule->tcp_flags = below(256) & rule->tcp_flags_mask;
		}
		fallthrough;
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		rule->local_ranges = random_ranges(rule->ranges);
		rule->remote_ranges = random_ranges(rule->ranges + rule->local_ranges);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (one_in(2)) {
			rule->flags |= VFW_STATE_RULE_ICMP_TYPE;
			rule->icmp_type = below(4);
		}
		if (rule->flags & VFW_STATE_RULE_ICMP_TYPE && one_in(2)) {
			rule->flags |= VFW_STATE_RULE_ICMP_CODE;
			rule->icmp_code = below(2);
		}
	}
}

/* @ranges has room for those of both ends. */
static void random_rule(struct vfw_rule *rule, struct vfw_range *ranges)
{
	int attr;

	do {
		*rule = (struct vfw_rule) {
			.direction = below(3),
			.family = below(3),
			.action = below(3),
			.ranges = ranges,
		};
		if (!one_in(4)) {
			rule->flags |= VFW_STATE_RULE_PROTOCOL;
			rule->protocol = random_protocol();
			random_details(rule);
		}
		if (rule->family && one_in(2)) {
			rule->flags |= VFW_STATE_RULE_LOCAL;
			rule->local = random_addr(rule->family);
			rule->local_prefix = random_prefix(rule->family, &rule->local);
		}
		if (rule->family && one_in(2)) {
			rule->flags |= VFW_STATE_RULE_REMOTE;
			rule->remote = random_addr(rule->family);
			rule->remote_prefix = random_prefix(rule->family, &rule->remote);
		}
	} while (vfw_rule_check(rule, &attr));
}

static void random_packet(struct vfw_packet *pkt)
{
	u8 family = one_in(2) ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;

	*pkt = (struct vfw_packet) {
		.key = {
			.local = random_addr(family),
			.remote = random_addr(family),
			.local_port = cpu_to_be16(random_port()),
			.remote_port = cpu_to_be16(random_port()),
			.protocol = random_protocol(),
			.family = family,
		},
		.kind = below(VFW_PACKET_NEIGHBOUR),
		.dir = below(2),
		.icmp_type = below(4),
		.icmp_code = below(2),
		.tcp.flags = below(256),
	};
}

static u32 plain_find(const struct vfw_rule *rules, u32 n_rules, const struct vfw_packet *pkt)
{
	u32 i;

	for (i = 0; i < n_rules; i++)
		if (vfw_rule_matches(&rules[i], pkt))
			return i + 1;
	return 0;
}

struct random_test {
	struct vfw_rule rules[RULES];
	struct vfw_range ranges[RULES][2 * VFW_RANGES_MAX];
};

/* Adds to the policy what it keeps as given: the reference sees ranges unsorted and unmerged. */
static struct vfw_policy *random_policy(struct kunit *test, struct random_test *t, u32 n_rules)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	for (i = 0; i < n_rules; i++) {
		random_rule(&t->rules[i], t->ranges[i]);
		KUNIT_ASSERT_EQ(test, vfw_policy_add_rule(policy, &t->rules[i]), 0);
	}
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	return policy;
}

static void test_random(struct kunit *test)
{
	struct random_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i, j, n_rules, found, expected, hits = 0, later = 0, wrong = 0;
	u64 seed = get_random_u64();
	struct vfw_policy *policy;
	struct vfw_packet pkt;

	KUNIT_ASSERT_NOT_NULL(test, t);
	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < POLICIES; i++) {
		n_rules = below(RULES + 1);
		policy = random_policy(test, t, n_rules);
		for (j = 0; j < PACKETS; j++) {
			random_packet(&pkt);
			expected = plain_find(t->rules, n_rules, &pkt);
			found = vfw_classifier_find(policy->classifier, &pkt);
			wrong += found != expected;
			hits += expected > 0;
			later += expected > 5;
		}
		vfw_policy_free(policy);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	/* The test is worth something: packets matched, missed, and matched far down the list. */
	KUNIT_EXPECT_GT(test, hits, POLICIES * PACKETS / 4);
	KUNIT_EXPECT_LT(test, hits, POLICIES * PACKETS / 20 * 19);
	KUNIT_EXPECT_GT(test, later, POLICIES * PACKETS / 8);
	kunit_info(test, "%u of %u packets matched, %u beyond rule 5\n", hits,
		   POLICIES * PACKETS, later);
}

static struct kunit_case classify_cases[] = {
	KUNIT_CASE_PARAM(test_match, match_gen_params),
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_first),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite classify_suite = {
	.name = "vfw_classify",
	.test_cases = classify_cases,
};

kunit_test_suite(classify_suite);
