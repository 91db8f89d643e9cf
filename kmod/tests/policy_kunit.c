// SPDX-License-Identifier: GPL-2.0
/*
 * Policies: the checks of a rule, ranges, order, verdicts, limits, and what is taken back.
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/string.h>

#include "../main.h"
#include "../classify.h"
#include "../packet.h"
#include "../policy.h"

#define REFUSAL_MAX	60	/* what is left of netlink's 80 bytes */

#define TCP		.flags = VFW_STATE_RULE_PROTOCOL, .protocol = IPPROTO_TCP
#define PROTO(p, more)	.flags = VFW_STATE_RULE_PROTOCOL | (more), .protocol = (p)
#define ICMP_TYPE	VFW_STATE_RULE_ICMP_TYPE
#define ICMP_CODE	VFW_STATE_RULE_ICMP_CODE
#define TCP_FLAGS	(VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS)
#define RANGES(...)	.ranges = (struct vfw_range[]) { __VA_ARGS__ }
#define V4(a, b, c, d)	{ .v4 = cpu_to_be32((a) << 24 | (b) << 16 | (c) << 8 | (d)) }
#define V6(first, last)	{ .v6.in6_u.u6_addr8 = { [0] = (first), [15] = (last) } }

static char longest_comment[VFW_COMMENT_MAX + 1] = { [0 ... VFW_COMMENT_MAX - 1] = 'x' };
static char longer_comment[VFW_COMMENT_MAX + 2] = { [0 ... VFW_COMMENT_MAX] = 'x' };

struct check_case {
	const char *desc;
	struct vfw_rule rule;
	int attr;	/* 0: nothing is wrong */
};

static const struct check_case check_cases[] = {
	{ "empty", {} },
	{ "direction at its last", { .direction = VFW_DIRECTION_BOTH } },
	{ "direction beyond", { .direction = 3 }, VFW_A_RULE_DIRECTION },
	{ "family beyond", { .family = 3 }, VFW_A_RULE_FAMILY },
	{ "action at its last", { .action = VFW_ACTION_REJECT } },
	{ "action beyond", { .action = 3 }, VFW_A_RULE_ACTION },

	{ "local of IPv4", { .flags = VFW_STATE_RULE_LOCAL, .family = VFW_FAMILY_IPV4,
		.local = V4(192, 0, 2, 1), .local_prefix = 32 } },
	{ "local of IPv6", { .flags = VFW_STATE_RULE_LOCAL, .family = VFW_FAMILY_IPV6,
		.local = V6(0x20, 1), .local_prefix = 128 } },
	{ "prefix of no bits", { .flags = VFW_STATE_RULE_REMOTE, .family = VFW_FAMILY_IPV4 } },
	{ "address without a family", { .flags = VFW_STATE_RULE_LOCAL,
		.local = V4(192, 0, 2, 1), .local_prefix = 32 }, VFW_A_RULE_LOCAL },
	{ "prefix longer than IPv4", { .flags = VFW_STATE_RULE_LOCAL, .family = VFW_FAMILY_IPV4,
		.local = V4(192, 0, 2, 1), .local_prefix = 33 }, VFW_A_RULE_LOCAL },
	{ "prefix longer than IPv6", { .flags = VFW_STATE_RULE_REMOTE, .family = VFW_FAMILY_IPV6,
		.remote_prefix = 129 }, VFW_A_RULE_REMOTE },
	{ "last host bit of IPv4", { .flags = VFW_STATE_RULE_REMOTE, .family = VFW_FAMILY_IPV4,
		.remote = V4(192, 0, 2, 1), .remote_prefix = 31 }, VFW_A_RULE_REMOTE },
	{ "first host bit of IPv4", { .flags = VFW_STATE_RULE_REMOTE, .family = VFW_FAMILY_IPV4,
		.remote = V4(128, 0, 0, 0) }, VFW_A_RULE_REMOTE },
	{ "last host bit of IPv6", { .flags = VFW_STATE_RULE_REMOTE, .family = VFW_FAMILY_IPV6,
		.remote = V6(0x20, 1), .remote_prefix = 127 }, VFW_A_RULE_REMOTE },
	{ "bits beyond IPv4", { .flags = VFW_STATE_RULE_LOCAL, .family = VFW_FAMILY_IPV4,
		.local = V6(192, 1), .local_prefix = 32 }, VFW_A_RULE_LOCAL },
	{ "prefix without an address", { .family = VFW_FAMILY_IPV4, .local_prefix = 8 },
	  VFW_A_RULE_LOCAL },
	{ "address that is not said to be there", { .remote = V4(192, 0, 2, 1) },
	  VFW_A_RULE_REMOTE },

	{ "protocol 0", { PROTO(0, 0) } },
	{ "protocol 255", { PROTO(255, 0) } },
	{ "protocol that is not said to be there", { .protocol = 6 }, VFW_A_RULE_PROTOCOL },
	{ "ICMP of IPv4", { PROTO(IPPROTO_ICMP, 0), .family = VFW_FAMILY_IPV4 } },
	{ "ICMP of IPv6", { PROTO(IPPROTO_ICMP, 0), .family = VFW_FAMILY_IPV6 },
	  VFW_A_RULE_PROTOCOL },
	{ "ICMPv6 of IPv6", { PROTO(IPPROTO_ICMPV6, 0), .family = VFW_FAMILY_IPV6 } },
	{ "ICMPv6 of IPv4", { PROTO(IPPROTO_ICMPV6, 0), .family = VFW_FAMILY_IPV4 },
	  VFW_A_RULE_PROTOCOL },

	{ "port 0", { TCP, .local_ranges = 1, RANGES({ 0, 0 }) } },
	{ "all ports", { TCP, .remote_ranges = 1, RANGES({ 0, 65535 }) } },
	{ "ports of UDP", { PROTO(IPPROTO_UDP, 0), .local_ranges = 1, RANGES({ 53, 53 }) } },
	{ "ports of UDP-Lite", { PROTO(IPPROTO_UDPLITE, 0), .local_ranges = 1, RANGES({}) } },
	{ "ports of SCTP", { PROTO(IPPROTO_SCTP, 0), .local_ranges = 1, RANGES({}) } },
	{ "ports of DCCP", { PROTO(IPPROTO_DCCP, 0), .local_ranges = 1, RANGES({}) } },
	{ "ports of any protocol", { .local_ranges = 1, RANGES({}) }, VFW_A_RULE_LOCAL_PORTS },
	{ "ports of ICMP", { PROTO(IPPROTO_ICMP, 0), .remote_ranges = 1, RANGES({}) },
	  VFW_A_RULE_REMOTE_PORTS },
	{ "ports of ESP", { PROTO(IPPROTO_ESP, 0), .local_ranges = 1, RANGES({}) },
	  VFW_A_RULE_LOCAL_PORTS },
	{ "range the wrong way round", { TCP, .local_ranges = 1, RANGES({ 2, 1 }) },
	  VFW_A_RULE_LOCAL_PORTS },
	{ "remote range the wrong way round", { TCP, .local_ranges = 1, .remote_ranges = 1,
		RANGES({ 1, 2 }, { 2, 1 }) }, VFW_A_RULE_REMOTE_PORTS },
	{ "as many ranges as may be", { TCP, .local_ranges = VFW_RANGES_MAX,
		RANGES([VFW_RANGES_MAX - 1] = { 1, 2 }) } },
	{ "one more", { TCP, .remote_ranges = VFW_RANGES_MAX + 1,
		RANGES([VFW_RANGES_MAX] = { 1, 2 }) }, VFW_A_RULE_REMOTE_PORTS },

	{ "type of ICMP", { PROTO(IPPROTO_ICMP, ICMP_TYPE), .icmp_type = 8 } },
	{ "type of ICMPv6", { PROTO(IPPROTO_ICMPV6, ICMP_TYPE), .icmp_type = 128 } },
	{ "type of TCP", { PROTO(IPPROTO_TCP, ICMP_TYPE) }, VFW_A_RULE_ICMP_TYPE },
	{ "type of any protocol", { .flags = ICMP_TYPE }, VFW_A_RULE_ICMP_TYPE },
	{ "type that is not said to be there", { PROTO(IPPROTO_ICMP, 0), .icmp_type = 8 },
	  VFW_A_RULE_ICMP_TYPE },
	{ "code with its type", { PROTO(IPPROTO_ICMP, ICMP_TYPE | ICMP_CODE), .icmp_code = 4 } },
	{ "code without a type", { PROTO(IPPROTO_ICMP, ICMP_CODE) }, VFW_A_RULE_ICMP_CODE },
	{ "code that is not said to be there", { PROTO(IPPROTO_ICMP, ICMP_TYPE), .icmp_code = 4 },
	  VFW_A_RULE_ICMP_CODE },

	{ "TCP flags", { PROTO(IPPROTO_TCP, TCP_FLAGS), .tcp_flags = 2, .tcp_flags_mask = 18 } },
	{ "no TCP flag set", { PROTO(IPPROTO_TCP, TCP_FLAGS), .tcp_flags_mask = 255 } },
	{ "TCP flags of UDP", { PROTO(IPPROTO_UDP, TCP_FLAGS), .tcp_flags_mask = 2 },
	  VFW_A_RULE_TCP_FLAGS },
	{ "TCP flags of a rule that opens flows", { PROTO(IPPROTO_TCP, VFW_STATE_RULE_TCP_FLAGS),
		.tcp_flags_mask = 2 }, VFW_A_RULE_TCP_FLAGS },
	{ "TCP flags under no mask", { PROTO(IPPROTO_TCP, TCP_FLAGS) },
	  VFW_A_RULE_TCP_FLAGS_MASK },
	{ "TCP flags beside the mask", { PROTO(IPPROTO_TCP, TCP_FLAGS), .tcp_flags = 3,
		.tcp_flags_mask = 2 }, VFW_A_RULE_TCP_FLAGS_MASK },
	{ "TCP flags that are not said to be there", { TCP, .tcp_flags_mask = 2 },
	  VFW_A_RULE_TCP_FLAGS },

	{ "comment in UTF-8", { .comment = "a\xc3\xa4" } },
	{ "longest comment", { .comment = longest_comment } },
	{ "one byte more", { .comment = longer_comment }, VFW_A_RULE_COMMENT },
	{ "highest character", { .comment = "\xf4\x8f\xbf\xbf" } },
	{ "character beyond Unicode", { .comment = "\xf4\x90\x80\x80" }, VFW_A_RULE_COMMENT },
	{ "overlong slash", { .comment = "\xc0\xaf" }, VFW_A_RULE_COMMENT },
	{ "overlong of three bytes", { .comment = "\xe0\x9f\xbf" }, VFW_A_RULE_COMMENT },
	{ "surrogate", { .comment = "\xed\xa0\x80" }, VFW_A_RULE_COMMENT },
	{ "character cut off", { .comment = "a\xe2\x82" }, VFW_A_RULE_COMMENT },
	{ "stray continuation", { .comment = "\x80" }, VFW_A_RULE_COMMENT },
	{ "comment with a C1 escape", { .comment = "\xc2\x9b;" }, VFW_A_RULE_COMMENT },
	{ "comment with an escape", { .comment = "\x1b[2J" }, VFW_A_RULE_COMMENT },
	{ "comment of two lines", { .comment = "one\ntwo" }, VFW_A_RULE_COMMENT },
};

static void check_to_desc(const struct check_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(check, check_cases, check_to_desc);

static void test_check(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	const char *why;
	int attr = -1;

	why = vfw_rule_check(&c->rule, &attr);
	if (!c->attr) {
		KUNIT_EXPECT_STREQ(test, why ? why : "", "");
		return;
	}
	KUNIT_ASSERT_NOT_NULL(test, why);
	KUNIT_EXPECT_EQ(test, attr, c->attr);
	KUNIT_EXPECT_LE(test, strlen(why), REFUSAL_MAX);
}

static void test_check_flags(struct kunit *test)
{
	const struct vfw_rule rule = { .flags = 0x80 };
	int attr = -1;

	KUNIT_EXPECT_NOT_NULL(test, vfw_rule_check(&rule, &attr));
	KUNIT_EXPECT_EQ(test, attr, 0);
}

struct ranges_case {
	const char *desc;
	struct vfw_range in[5];
	struct vfw_range out[5];
	u8 n_in;
	u8 n_out;
};

static const struct ranges_case ranges_cases[] = {
	{ "one", { { 80, 80 } }, { { 80, 80 } }, 1, 1 },
	{ "apart", { { 1, 2 }, { 4, 5 } }, { { 1, 2 }, { 4, 5 } }, 2, 2 },
	{ "out of order", { { 443, 443 }, { 22, 22 }, { 80, 80 } },
	  { { 22, 22 }, { 80, 80 }, { 443, 443 } }, 3, 3 },
	{ "adjoining", { { 1, 2 }, { 3, 4 } }, { { 1, 4 } }, 2, 1 },
	{ "overlapping", { { 5, 9 }, { 1, 6 } }, { { 1, 9 } }, 2, 1 },
	{ "one in another", { { 1, 9 }, { 3, 4 }, { 9, 9 } }, { { 1, 9 } }, 3, 1 },
	{ "the same twice", { { 7, 7 }, { 7, 7 } }, { { 7, 7 } }, 2, 1 },
	{ "a chain", { { 3, 4 }, { 1, 2 }, { 7, 8 }, { 5, 6 }, { 10, 10 } },
	  { { 1, 8 }, { 10, 10 } }, 5, 2 },
	{ "at the highest port", { { 65535, 65535 }, { 0, 65534 } }, { { 0, 65535 } }, 2, 1 },
	{ "beyond the highest port", { { 0, 0 }, { 1, 65535 }, { 65535, 65535 } },
	  { { 0, 65535 } }, 3, 1 },
};

static void ranges_to_desc(const struct ranges_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ranges, ranges_cases, ranges_to_desc);

/* Once as local ports with others of the far end behind them, once the other way round. */
static void test_ranges(struct kunit *test)
{
	const struct ranges_case *c = test->param_value;
	struct vfw_policy *policy = vfw_policy_alloc();
	struct vfw_range ranges[6] = {};
	struct vfw_rule rule = { TCP, .ranges = ranges, .comment = "both" };
	const struct vfw_rule *got;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	memcpy(ranges, c->in, c->n_in * sizeof(*ranges));
	rule.local_ranges = c->n_in;
	rule.remote_ranges = 1;
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rule), 0);
	ranges[0] = (struct vfw_range) {};
	memcpy(ranges + 1, c->in, c->n_in * sizeof(*ranges));
	rule.local_ranges = 1;
	rule.remote_ranges = c->n_in;
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rule), 0);
	KUNIT_ASSERT_EQ(test, policy->n_rules, 2);

	got = &policy->rules[0];
	KUNIT_EXPECT_EQ(test, got->local_ranges, c->n_out);
	KUNIT_EXPECT_EQ(test, got->remote_ranges, 1);
	KUNIT_EXPECT_EQ(test, memcmp(got->ranges, c->out, c->n_out * sizeof(*ranges)), 0);
	KUNIT_EXPECT_EQ(test, got->ranges[c->n_out].last, 0);
	got = &policy->rules[1];
	KUNIT_EXPECT_EQ(test, got->local_ranges, 1);
	KUNIT_EXPECT_EQ(test, got->remote_ranges, c->n_out);
	KUNIT_EXPECT_EQ(test, memcmp(got->ranges + 1, c->out, c->n_out * sizeof(*ranges)), 0);
	KUNIT_EXPECT_STREQ(test, got->comment, "both");
	vfw_policy_free(policy);
}

static void test_defaults(struct kunit *test)
{
	static const u32 seconds[VFW_TIMEOUTS] = {
		120, 60, 7440, 240, 7440, 240, 240, 10, 120, 300, 60, 600, 120, 7440, 120,
		30
	};
	struct vfw_policy *policy = vfw_policy_alloc();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_EXPECT_EQ(test, policy->max_flows, 65536);
	KUNIT_EXPECT_EQ(test, policy->max_half_open, 16384);
	KUNIT_EXPECT_EQ(test, policy->max_fragments, 1024);
	KUNIT_EXPECT_EQ(test, policy->fragment_bytes, 1048576);
	KUNIT_EXPECT_FALSE(test, policy->pick_up);
	for (i = 0; i < VFW_TIMEOUTS; i++) {
		KUNIT_EXPECT_EQ(test, policy->seconds[i], seconds[i]);
		KUNIT_EXPECT_EQ(test, policy->timeouts[i], seconds[i] * HZ);
	}
	vfw_policy_free(policy);
}

struct verdict_case {
	const char *desc;
	u8 action;	/* of rule 2, and of the default */
	u8 flags;
	bool hit;
	struct vfw_verdict verdict;
};

static const struct verdict_case verdict_cases[] = {
	{ "pass by rule", VFW_ACTION_PASS, 0, true, { VFW_ACTION_PASS, 0, false, 2 } },
	{ "pass by stateless rule", VFW_ACTION_PASS, VFW_STATE_RULE_STATELESS, true,
	  { VFW_ACTION_PASS, 0, true, 2 } },
	{ "drop by rule", VFW_ACTION_DROP, 0, true,
	  { VFW_ACTION_DROP, VFW_DROP_REASON_RULE, false, 2 } },
	{ "reject by rule", VFW_ACTION_REJECT, 0, true,
	  { VFW_ACTION_REJECT, VFW_DROP_REASON_RULE_REJECT, false, 2 } },
	{ "pass by default", VFW_ACTION_PASS, VFW_STATE_RULE_STATELESS, false,
	  { VFW_ACTION_PASS, 0, false, 0 } },
	{ "drop by default", VFW_ACTION_DROP, 0, false,
	  { VFW_ACTION_DROP, VFW_DROP_REASON_DEFAULT, false, 0 } },
	{ "reject by default", VFW_ACTION_REJECT, 0, false,
	  { VFW_ACTION_REJECT, VFW_DROP_REASON_DEFAULT, false, 0 } },
};

static void verdict_to_desc(const struct verdict_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(verdict, verdict_cases, verdict_to_desc);

/* Rule 1 is for UDP, rule 2 is the case's, rule 3 would say the opposite of it. */
static void test_verdict(struct kunit *test)
{
	const struct verdict_case *c = test->param_value;
	const struct vfw_rule rules[] = {
		{ PROTO(IPPROTO_UDP, 0), .direction = VFW_DIRECTION_BOTH },
		{ .flags = c->flags, .action = c->action,
		  .direction = c->hit ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN },
		{ .action = c->action == VFW_ACTION_PASS ? VFW_ACTION_DROP : VFW_ACTION_PASS,
		  .direction = c->hit ? VFW_DIRECTION_BOTH : VFW_DIRECTION_IN },
	};
	const struct vfw_packet pkt = {
		.dir = VFW_DIRECTION_OUT,
		.key = { .family = VFW_FAMILY_IPV6, .protocol = IPPROTO_TCP },
	};
	struct vfw_policy *policy = vfw_policy_alloc();
	struct vfw_verdict got;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	policy->defaults[VFW_DIRECTION_OUT] = c->action;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rules[i]), 0);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	KUNIT_EXPECT_EQ(test, policy->stateless, !!c->flags);

	got = vfw_policy_judge(policy, &pkt);
	KUNIT_EXPECT_EQ(test, got.action, c->verdict.action);
	KUNIT_EXPECT_EQ(test, got.reason, c->verdict.reason);
	KUNIT_EXPECT_EQ(test, got.stateless, c->verdict.stateless);
	KUNIT_EXPECT_EQ(test, got.rule, c->verdict.rule);
	vfw_policy_free(policy);
}

static void test_count(struct kunit *test)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	const struct vfw_rule rule = {
		.packets = ATOMIC64_INIT(5),
		.bytes = ATOMIC64_INIT(500),
	};

	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rule), 0);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	vfw_policy_count(policy, 0, 100, 100);
	vfw_policy_count(policy, 1, 2, 1ULL << 40);
	vfw_policy_count(policy, 2, 100, 100);
	vfw_policy_count(policy, U32_MAX, 100, 100);
	KUNIT_EXPECT_EQ(test, atomic64_read(&policy->rules[0].packets), 7);
	KUNIT_EXPECT_EQ(test, atomic64_read(&policy->rules[0].bytes), 500 + (1LL << 40));
	vfw_policy_free(policy);
}

static void test_limits(struct kunit *test)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	const struct vfw_rule rule = {};
	u32 seconds = VFW_TIMEOUT_MAX;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_EXPECT_EQ(test, vfw_policy_reserve(policy, VFW_RULES_MAX + 1), -E2BIG);
	KUNIT_EXPECT_EQ(test, vfw_policy_reserve(policy, U32_MAX), -E2BIG);
	policy->n_rules = VFW_RULES_MAX;
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rule), -E2BIG);
	policy->n_rules = 0;
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &rule), 0);

	KUNIT_EXPECT_EQ(test, vfw_policy_set_timeout(policy, VFW_TIMEOUT_ICMP, seconds), 0);
	KUNIT_EXPECT_EQ(test, policy->timeouts[VFW_TIMEOUT_ICMP], seconds * HZ);
	KUNIT_EXPECT_EQ(test, vfw_policy_set_timeout(policy, VFW_TIMEOUT_ICMP, 0), -ERANGE);
	KUNIT_EXPECT_EQ(test, vfw_policy_set_timeout(policy, VFW_TIMEOUT_ICMP, seconds + 1),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, policy->seconds[VFW_TIMEOUT_ICMP], seconds);
	vfw_policy_free(policy);
}

/* A rule that can be told from its neighbours, with more or less in its ranges and comment. */
static int add_numbered(struct vfw_policy *policy, u32 i)
{
	struct vfw_range ranges[VFW_RANGES_MAX];
	char comment[VFW_COMMENT_MAX + 1];
	struct vfw_rule rule = {
		TCP,
		.icmp_type = i,	/* which nobody looks at here */
		.local_ranges = i % 5,
		.remote_ranges = i % 7 == 0 ? VFW_RANGES_MAX - 5 : 0,
		.ranges = ranges,
	};
	int j;

	for (j = 0; j < VFW_RANGES_MAX; j++)
		ranges[j] = (struct vfw_range) { i % 1000 + 2 * j, i % 1000 + 2 * j };
	if (i % 3) {
		snprintf(comment, sizeof(comment), "%u%*s", i, i % 100, "x");
		rule.comment = comment;
	}
	return vfw_policy_add_rule(policy, &rule);
}

static bool is_numbered(const struct vfw_rule *rule, u32 i)
{
	char comment[VFW_COMMENT_MAX + 1];
	int j;

	if (rule->icmp_type != (u8)i || rule->local_ranges != i % 5)
		return false;
	if (rule->remote_ranges != (i % 7 == 0 ? VFW_RANGES_MAX - 5 : 0))
		return false;
	for (j = 0; j < rule->local_ranges + rule->remote_ranges; j++)
		if (rule->ranges[j].first != i % 1000 + 2 * j)
			return false;
	snprintf(comment, sizeof(comment), "%u%*s", i, i % 100, "x");
	return i % 3 ? rule->comment && !strcmp(rule->comment, comment) : !rule->comment;
}

static void expect_numbered(struct kunit *test, const struct vfw_policy *policy, u32 n)
{
	u32 i, wrong = 0;

	KUNIT_ASSERT_EQ(test, policy->n_rules, n);
	for (i = 0; i < n; i++)
		wrong += !is_numbered(&policy->rules[i], i);
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

#define MANY	10000

/* Every rule is still itself after the growth, and a sealed policy has no room to spare. */
static void test_many(struct kunit *test)
{
	struct vfw_policy *policy = vfw_policy_alloc();
	u32 i, failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, policy);
	for (i = 0; i < MANY; i++)
		failed += !!add_numbered(policy, i);
	KUNIT_EXPECT_EQ(test, failed, 0);
	expect_numbered(test, policy, MANY);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	expect_numbered(test, policy, MANY);
	KUNIT_EXPECT_EQ(test, policy->room, MANY);
	KUNIT_EXPECT_GT(test, policy->memory, MANY * sizeof(struct vfw_rule));
	vfw_policy_free(policy);
}

/* What was taken back leaves no trace, neither in the rules nor in memory. */
static void test_truncate(struct kunit *test)
{
	struct vfw_policy *plain = vfw_policy_alloc(), *policy = vfw_policy_alloc();
	u32 i, j, failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_EXPECT_EQ(test, vfw_policy_reserve(plain, 1000), 0);
	KUNIT_EXPECT_EQ(test, vfw_policy_reserve(policy, 1000), 0);
	for (i = 0; i < 600; i++) {
		failed += !!add_numbered(plain, i);
		for (j = 0; j < i % 300; j++)
			failed += !!add_numbered(policy, 7 * j);
		vfw_policy_truncate(policy, i);
		vfw_policy_truncate(policy, i + 1);
		failed += !!add_numbered(policy, i);
	}
	KUNIT_EXPECT_EQ(test, failed, 0);
	expect_numbered(test, policy, 600);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(plain, NULL), 0);
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	KUNIT_EXPECT_EQ(test, policy->memory, plain->memory);
	vfw_policy_free(plain);

	policy->classifier = (vfw_classifier_free(policy->classifier), NULL);
	vfw_policy_truncate(policy, 0);
	KUNIT_EXPECT_EQ(test, policy->n_rules, 0);
	vfw_policy_free(policy);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE_PARAM(test_check, check_gen_params),
	KUNIT_CASE(test_check_flags),
	KUNIT_CASE_PARAM(test_ranges, ranges_gen_params),
	KUNIT_CASE(test_defaults),
	KUNIT_CASE_PARAM(test_verdict, verdict_gen_params),
	KUNIT_CASE(test_count),
	KUNIT_CASE(test_limits),
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_truncate),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "vfw_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
