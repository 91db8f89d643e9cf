// SPDX-License-Identifier: GPL-2.0
/*
 * A VM's policy: its rules, default verdicts and limits.
 *
 * A policy is built by one owner (rules added, then sealed), published by RCU, and from then on
 * immutable but for the counters of its rules. The rules are one array. Their port ranges and
 * comments lie in chunks that are filled from one end, so that a policy of 100,000 rules costs
 * some hundred allocations, and freeing it is as quick.
 */

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "classify.h"
#include "main.h"
#include "policy.h"

#define VFW_POLICY_FLOWS	65536
#define VFW_POLICY_FRAGMENTS	1024
#define VFW_POLICY_FRAGMENT_BYTES	1048576
#define VFW_POLICY_ROOM		16	/* rules there is room for at least */
#define VFW_POLICY_BATCH	1024	/* rules after which others may run */

static_assert(VFW_WORK_MAX == 4096);
#define VFW_WORK_REFUSAL						\
	"over 4096 rules may have to be tried on one packet: narrow their addresses or ports"

#define VFW_CHUNK_MIN		512	/* bytes, the chunk's own fields included */
#define VFW_CHUNK_MAX		16384

/**
 * struct vfw_policy_chunk - ranges and comments of rules, one after the other
 * @older: the chunk filled before
 * @size: bytes of @data
 * @used: of these
 * @data: of a rule first its ranges, then its comment
 */
struct vfw_policy_chunk {
	struct vfw_policy_chunk *older;
	u32 size;
	u32 used;
	u8 data[] __aligned(__alignof__(struct vfw_range));
};

static_assert(sizeof(struct vfw_policy_chunk) +
	      2 * VFW_RANGES_MAX * sizeof(struct vfw_range) + VFW_COMMENT_MAX + 1 <= VFW_CHUNK_MIN,
	      "any rule fits into the smallest chunk");

/* The list of a snapshot and that of netlink are the same. */
static_assert((int)VFW_TIMEOUTS == VFW_STATE_TIMEOUTS && (int)VFW_TIMEOUTS == VFW_A_TIMEOUTS_MAX);

/* In seconds; the documentation of the netlink attributes says where they come from. */
static const u32 default_timeouts[VFW_TIMEOUTS] = {
	[VFW_TIMEOUT_TCP_SYN_SENT]	= 120,
	[VFW_TIMEOUT_TCP_SYN_RECV]	= 60,
	[VFW_TIMEOUT_TCP_ESTABLISHED]	= 7440,
	[VFW_TIMEOUT_TCP_FIN_WAIT]	= 240,
	[VFW_TIMEOUT_TCP_CLOSE_WAIT]	= 7440,
	[VFW_TIMEOUT_TCP_LAST_ACK]	= 240,
	[VFW_TIMEOUT_TCP_TIME_WAIT]	= 240,
	[VFW_TIMEOUT_TCP_CLOSE]		= 10,
	[VFW_TIMEOUT_UDP_NEW]		= 120,
	[VFW_TIMEOUT_UDP_STREAM]	= 300,
	[VFW_TIMEOUT_ICMP]		= 60,
	[VFW_TIMEOUT_OTHER]		= 600,
	[VFW_TIMEOUT_SCTP_OPENING]	= 120,
	[VFW_TIMEOUT_SCTP_ESTABLISHED]	= 7440,
	[VFW_TIMEOUT_SCTP_CLOSING]	= 120,
	[VFW_TIMEOUT_FRAGMENT]		= 30,
};

/**
 * vfw_policy_alloc() - an empty policy with the defaults: drop everything
 *
 * Context: process; may sleep.
 * Return: the policy, owned by the caller until it is published, or NULL.
 */
struct vfw_policy *vfw_policy_alloc(void)
{
	struct vfw_policy *policy;
	int i;

	policy = kzalloc_obj(*policy, GFP_KERNEL_ACCOUNT);
	if (!policy)
		return NULL;

	policy->max_flows = VFW_POLICY_FLOWS;
	policy->max_half_open = VFW_POLICY_FLOWS / 4;
	policy->max_fragments = VFW_POLICY_FRAGMENTS;
	policy->fragment_bytes = VFW_POLICY_FRAGMENT_BYTES;
	policy->defaults[VFW_DIRECTION_IN] = VFW_ACTION_DROP;
	policy->defaults[VFW_DIRECTION_OUT] = VFW_ACTION_DROP;
	for (i = 0; i < VFW_TIMEOUTS; i++)
		vfw_policy_set_timeout(policy, i, default_timeouts[i]);
	return policy;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_alloc);

/**
 * vfw_policy_set_timeout() - set how long flows in some state live
 * @policy: not published yet
 * @which: which states
 * @seconds: 1 to VFW_TIMEOUT_MAX
 *
 * Return: 0, or -ERANGE.
 */
int vfw_policy_set_timeout(struct vfw_policy *policy, enum vfw_timeout which, u32 seconds)
{
	if (seconds < 1 || seconds > VFW_TIMEOUT_MAX)
		return -ERANGE;

	policy->seconds[which] = seconds;
	policy->timeouts[which] = seconds * HZ;
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_set_timeout);

/* A deadline is compared with the time as a signed difference of 32 bits. */
static_assert((u64)VFW_TIMEOUT_MAX * HZ <= S32_MAX);

static int resize(struct vfw_policy *policy, u32 room)
{
	struct vfw_rule *rules = NULL;
	u32 i, n;

	if (room) {
		rules = kvmalloc_array(room, sizeof(*rules), GFP_KERNEL_ACCOUNT);
		if (!rules)
			return -ENOMEM;
	}
	for (i = 0; i < policy->n_rules; i += n) {
		n = min_t(u32, policy->n_rules - i, VFW_POLICY_BATCH);
		memcpy(rules + i, policy->rules + i, n * sizeof(*rules));
		cond_resched();
	}

	kvfree(policy->rules);
	policy->rules = rules;
	policy->room = room;
	return 0;
}

/**
 * vfw_policy_reserve() - make room for rules whose number is known beforehand
 * @policy: not sealed yet
 * @rules: how many there will be; more, and fewer, may still come
 *
 * Context: process; may sleep.
 * Return: 0, -E2BIG when no policy may have so many, or -ENOMEM.
 */
int vfw_policy_reserve(struct vfw_policy *policy, u32 rules)
{
	if (rules > VFW_RULES_MAX)
		return -E2BIG;
	if (rules <= policy->room)
		return 0;
	return resize(policy, rules);
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_reserve);

static void *chunk_alloc(struct vfw_policy *policy, u32 bytes)
{
	struct vfw_policy_chunk *chunk = policy->chunks;
	u32 size = VFW_CHUNK_MIN;

	bytes = ALIGN(bytes, __alignof__(struct vfw_range));
	if (!chunk || bytes > chunk->size - chunk->used) {
		if (chunk)
			size = min_t(u32, 2 * (chunk->size + sizeof(*chunk)), VFW_CHUNK_MAX);
		chunk = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return NULL;
		chunk->older = policy->chunks;
		chunk->size = size - sizeof(*chunk);
		chunk->used = 0;
		policy->chunks = chunk;
	}
	chunk->used += bytes;
	return chunk->data + chunk->used - bytes;
}

/* Gives back @start, which chunk_alloc() returned, and all that was allocated since. */
static void chunk_rewind(struct vfw_policy *policy, const void *start)
{
	struct vfw_policy_chunk *chunk;
	const u8 *at = start;

	while ((chunk = policy->chunks)) {
		if (at >= chunk->data && at < chunk->data + chunk->used) {
			chunk->used = at - chunk->data;
			return;
		}
		policy->chunks = chunk->older;
		kfree(chunk);
	}
}

/* Sorted, and those that overlap or adjoin made one; returns how many are left. */
static u8 copy_ranges(struct vfw_range *to, const struct vfw_range *from, u8 n)
{
	u8 merged = 0;
	int i, j;

	for (i = 0; i < n; i++) {
		for (j = i; j > 0 && to[j - 1].first > from[i].first; j--)
			to[j] = to[j - 1];
		to[j] = from[i];
	}
	for (i = 0; i < n; i++) {
		if (merged && to[i].first <= to[merged - 1].last + 1)
			to[merged - 1].last = max(to[merged - 1].last, to[i].last);
		else
			to[merged++] = to[i];
	}
	return merged;
}

/* Gives @to, a copy of @from, ranges and a comment of its own. */
static int copy_rest(struct vfw_policy *policy, struct vfw_rule *to, const struct vfw_rule *from)
{
	size_t n_comment = from->comment ? strlen(from->comment) + 1 : 0;
	struct vfw_range ranges[2 * VFW_RANGES_MAX];
	size_t n_ranges;
	void *data;

	to->local_ranges = copy_ranges(ranges, from->ranges, from->local_ranges);
	to->remote_ranges = copy_ranges(ranges + to->local_ranges,
					from->ranges + from->local_ranges, from->remote_ranges);
	n_ranges = (to->local_ranges + to->remote_ranges) * sizeof(*ranges);
	to->ranges = NULL;
	to->comment = NULL;
	if (!n_ranges && !n_comment)
		return 0;

	data = chunk_alloc(policy, n_ranges + n_comment);
	if (!data)
		return -ENOMEM;
	if (n_ranges)
		to->ranges = memcpy(data, ranges, n_ranges);
	if (n_comment)
		to->comment = memcpy(data + n_ranges, from->comment, n_comment);
	return 0;
}

/**
 * vfw_policy_add_rule() - add a rule at the end of a policy
 * @policy: not sealed yet
 * @rule: a rule that vfw_rule_check() found nothing wrong with; copied with its counters, its
 *	ranges sorted and those that overlap or adjoin made one
 *
 * Context: process; may sleep.
 * Return: 0, -E2BIG when the policy has VFW_RULES_MAX rules, or -ENOMEM.
 */
int vfw_policy_add_rule(struct vfw_policy *policy, const struct vfw_rule *rule)
{
	struct vfw_rule *to;
	int err;

	if (WARN_ON_ONCE(rule->local_ranges > VFW_RANGES_MAX ||
			 rule->remote_ranges > VFW_RANGES_MAX || policy->classifier))
		return -EINVAL;
	if (policy->n_rules >= VFW_RULES_MAX)
		return -E2BIG;
	if (policy->n_rules == policy->room) {
		err = resize(policy, clamp_t(u32, 2 * policy->room, VFW_POLICY_ROOM,
					     VFW_RULES_MAX));
		if (err)
			return err;
	}

	to = &policy->rules[policy->n_rules];
	*to = *rule;
	err = copy_rest(policy, to, rule);
	if (err)
		return err;
	policy->n_rules++;
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_add_rule);

/**
 * vfw_policy_truncate() - take back the rules that were added last
 * @policy: not sealed yet
 * @rules: how many to keep
 */
void vfw_policy_truncate(struct vfw_policy *policy, u32 rules)
{
	const struct vfw_rule *rule;
	u32 i;

	for (i = rules; i < policy->n_rules; i++) {
		rule = &policy->rules[i];
		if (rule->ranges || rule->comment) {
			chunk_rewind(policy, rule->ranges ? (void *)rule->ranges : rule->comment);
			break;
		}
	}
	policy->n_rules = min(policy->n_rules, rules);
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_truncate);

static void policy_account(struct vfw_policy *policy)
{
	const struct vfw_policy_chunk *chunk;

	policy->memory = sizeof(*policy) + policy->room * sizeof(*policy->rules) +
			 vfw_classifier_memory(policy->classifier);
	for (chunk = policy->chunks; chunk; chunk = chunk->older)
		policy->memory += sizeof(*chunk) + chunk->size;
}

/**
 * vfw_policy_seal() - make a policy that is complete ready to judge
 * @policy: not published yet; no rules can be added from now on
 * @extack: for the reason of a refusal, or NULL
 *
 * Context: process; may sleep, and takes its time when there are many rules.
 * Return: 0, or a negative error; then the policy is as it was.
 */
int vfw_policy_seal(struct vfw_policy *policy, struct netlink_ext_ack *extack)
{
	struct vfw_classifier *classifier;
	u32 i;

	if (WARN_ON_ONCE(policy->classifier))
		return -EINVAL;
	classifier = vfw_classifier_build(policy->rules, policy->n_rules);
	if (IS_ERR(classifier)) {
		if (PTR_ERR(classifier) == -E2BIG)
			NL_SET_ERR_MSG_MOD(extack, VFW_WORK_REFUSAL);
		else
			NL_SET_ERR_MSG_MOD(extack, "no memory to compile the rules");
		return PTR_ERR(classifier);
	}
	policy->classifier = classifier;

	policy->stateless = false;
	for (i = 0; i < policy->n_rules && !policy->stateless; i++)
		policy->stateless = policy->rules[i].flags & VFW_STATE_RULE_STATELESS;
	/* When this fails, nothing is lost but some memory. */
	if (policy->room > policy->n_rules + policy->n_rules / 8)
		resize(policy, policy->n_rules);
	policy_account(policy);
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_seal);

/**
 * vfw_policy_free() - free a policy that nobody can be reading
 * @policy: sealed or not
 *
 * Context: process; may sleep.
 */
void vfw_policy_free(struct vfw_policy *policy)
{
	struct vfw_policy_chunk *chunk;

	if (policy->classifier)
		vfw_classifier_free(policy->classifier);
	while ((chunk = policy->chunks)) {
		policy->chunks = chunk->older;
		kfree(chunk);
		cond_resched();
	}
	kvfree(policy->rules);
	kfree(policy);
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_free);

static void free_work(struct work_struct *work)
{
	vfw_policy_free(container_of(to_rcu_work(work), struct vfw_policy, free));
}

/**
 * vfw_policy_free_rcu() - free a policy when the packets that may be reading it are through
 * @policy: no longer to be found
 *
 * Context: any.
 */
void vfw_policy_free_rcu(struct vfw_policy *policy)
{
	INIT_RCU_WORK(&policy->free, free_work);
	queue_rcu_work(vfw_wq, &policy->free);
}

static struct vfw_verdict verdict_of(const struct vfw_policy *policy, u32 number)
{
	const struct vfw_rule *rule = &policy->rules[number - 1];
	struct vfw_verdict verdict = {
		.rule = number,
		.action = rule->action,
		.stateless = rule->flags & VFW_STATE_RULE_STATELESS,
	};

	if (verdict.action == VFW_ACTION_DROP)
		verdict.reason = VFW_DROP_REASON_RULE;
	else if (verdict.action == VFW_ACTION_REJECT)
		verdict.reason = VFW_DROP_REASON_RULE_REJECT;
	return verdict;
}

/**
 * vfw_policy_judge() - what a policy says of a packet
 * @policy: sealed
 * @pkt: parsed; IPv4 or IPv6
 *
 * The first rule that matches decides, else the default verdict of the packet's direction. Pure:
 * nothing is counted.
 *
 * Context: any, under what keeps @policy (RCU in the hook).
 * Return: the verdict, with the reason of a drop.
 */
struct vfw_verdict vfw_policy_judge(const struct vfw_policy *policy, const struct vfw_packet *pkt)
{
	u32 rule = vfw_classifier_find(policy->classifier, pkt);
	struct vfw_verdict verdict = {};

	if (rule)
		return verdict_of(policy, rule);
	verdict.action = policy->defaults[pkt->dir];
	if (verdict.action != VFW_ACTION_PASS)
		verdict.reason = VFW_DROP_REASON_DEFAULT;
	return verdict;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_judge);

/**
 * vfw_policy_judge_stateless() - does a stateless rule decide on a packet?
 * @policy: sealed
 * @pkt: parsed; IPv4 or IPv6
 * @verdict: set to what the rule says, if one does
 *
 * It does when it is the first rule that matches. Costs less than vfw_policy_judge(), because
 * only rules up to the last stateless one are looked at. Pure: nothing is counted.
 *
 * Context: any, under what keeps @policy (RCU in the hook).
 * Return: true if one does.
 */
bool vfw_policy_judge_stateless(const struct vfw_policy *policy, const struct vfw_packet *pkt,
				struct vfw_verdict *verdict)
{
	u32 rule = vfw_classifier_find_stateless(policy->classifier, pkt);

	if (!rule || !(policy->rules[rule - 1].flags & VFW_STATE_RULE_STATELESS))
		return false;
	*verdict = verdict_of(policy, rule);
	return true;
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_judge_stateless);

/**
 * vfw_policy_count() - count packets under the rule that decided on them
 * @policy: the policy of that rule
 * @rule: its number; 0, the default verdict, is not counted
 * @packets: how many
 * @bytes: bytes of them, by the IP header
 *
 * Context: any.
 */
void vfw_policy_count(const struct vfw_policy *policy, u32 rule, u64 packets, u64 bytes)
{
	if (!rule || rule > policy->n_rules)
		return;
	atomic64_add(packets, &policy->rules[rule - 1].packets);
	atomic64_add(bytes, &policy->rules[rule - 1].bytes);
}
EXPORT_SYMBOL_VFW_TEST(vfw_policy_count);
