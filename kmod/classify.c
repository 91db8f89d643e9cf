// SPDX-License-Identifier: GPL-2.0
/*
 * The classifier: finds the first rule that matches a packet.
 *
 * Theory of operation
 *
 * The rules are compiled into four lists, one for each direction and family, and each list is
 * searched from its beginning. A rule for both directions, or any family, stands in several. A
 * record holds no more than what is compared, so that the search reads memory in one sequence:
 *
 * - the addresses, with masks made from the prefixes;
 * - all other fields of fixed width in one word, with a mask. A packet has such a word, too:
 *
 *	31      24 23   17  16  15       8 7        0
 *	+---------+--------+---+----------+----------+
 *	| protocol|   0    | D | ICMP type| ICMP code|	ICMP and ICMPv6
 *	| protocol|   0    | D |     0    | TCP flags|	TCP
 *	+---------+--------+---+----------+----------+
 *
 *   D tells that the packet has what is right of it, which the packet quoted in an ICMP error
 *   has not. A rule sets in its mask what it asks for.
 * - where the rule's port ranges are, in one array for all lists.
 *
 * The number of a rule is its place in the policy, from 1; records of a list are in the order of
 * their numbers, so that the first match is the lowest number.
 *
 * Example: rule 7, "in ipv4 tcp, remote 192.0.2.0/24, local ports 80 and 443", is one record in
 * the list of IPv4 inwards: remote 192.0.2.0 under 255.255.255.0, local 0 under 0, word 6 << 24
 * under 0xff << 24, two ranges for the local port, none for the remote one.
 */

#include <linux/err.h>
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "classify.h"
#include "main.h"
#include "packet.h"
#include "policy.h"

#define VFW_CLASSIFY_BATCH	1024	/* rules after which others may run */

#define WORD_PROTOCOL(protocol)	((u32)(protocol) << 24)
#define WORD_DETAIL		0x10000u
#define WORD_TYPE(type)		((u32)(type) << 8)
#define WORD_LOW(code_or_flags)	((u32)(code_or_flags))

/**
 * struct record - what records of both families share
 * @word: of the rule, as above
 * @mask: which bits of it are compared
 * @number: of the rule
 * @ranges: index of its first range
 * @local_ranges: how many ranges of the local port; 0 for any port
 * @remote_ranges: the same of the remote port; they follow
 */
struct record {
	u32 word;
	u32 mask;
	u32 number;
	u32 ranges;
	u8 local_ranges;
	u8 remote_ranges;
};

struct record4 {
	u32 local;
	u32 local_mask;
	u32 remote;
	u32 remote_mask;
	struct record record;
};

struct record6 {
	union vfw_addr local;
	union vfw_addr local_mask;
	union vfw_addr remote;
	union vfw_addr remote_mask;
	struct record record;
};

static_assert(sizeof(struct record4) <= 48);
static_assert(sizeof(struct record6) <= 96);

/**
 * struct vfw_classifier - the compiled rules of a policy
 * @v4: the lists of IPv4, by direction
 * @v6: the lists of IPv6
 * @n_v4: records in them
 * @n_v6: the same
 * @ranges: the port ranges of all rules
 * @n_ranges: how many
 */
struct vfw_classifier {
	struct record4 *v4[2];
	struct record6 *v6[2];
	u32 n_v4[2];
	u32 n_v6[2];
	struct vfw_range *ranges;
	u32 n_ranges;
};

/**
 * vfw_prefix_mask() - the mask of a prefix
 * @prefix: its length in bits, at most 128; of IPv4 at most 32
 *
 * Return: the mask; network order, as an address.
 */
union vfw_addr vfw_prefix_mask(u8 prefix)
{
	union vfw_addr mask = {};
	int i, bits;

	for (i = 0; i < ARRAY_SIZE(mask.words); i++) {
		bits = clamp(prefix - 32 * i, 0, 32);
		if (bits)
			mask.words[i] = (__force u32)htonl(~0u << (32 - bits));
	}
	return mask;
}
EXPORT_SYMBOL_VFW_TEST(vfw_prefix_mask);

/* ICMP is of IPv4 and ICMPv6 of IPv6, also where the rule does not say so. */
static bool takes_family(const struct vfw_rule *rule, u8 family)
{
	if (rule->family != VFW_FAMILY_ANY)
		return rule->family == family;
	if (!(rule->flags & VFW_STATE_RULE_PROTOCOL))
		return true;
	if (rule->protocol == IPPROTO_ICMP)
		return family == VFW_FAMILY_IPV4;
	if (rule->protocol == IPPROTO_ICMPV6)
		return family == VFW_FAMILY_IPV6;
	return true;
}

static bool takes_direction(const struct vfw_rule *rule, u8 dir)
{
	return rule->direction == VFW_DIRECTION_BOTH || rule->direction == dir;
}

static void compile(struct record *record, const struct vfw_rule *rule, u32 number, u32 ranges)
{
	record->number = number;
	record->ranges = ranges;
	record->local_ranges = rule->local_ranges;
	record->remote_ranges = rule->remote_ranges;
	record->word = 0;
	record->mask = 0;
	if (rule->flags & VFW_STATE_RULE_PROTOCOL) {
		record->word |= WORD_PROTOCOL(rule->protocol);
		record->mask |= WORD_PROTOCOL(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE) {
		record->word |= WORD_DETAIL | WORD_TYPE(rule->icmp_type);
		record->mask |= WORD_DETAIL | WORD_TYPE(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE) {
		record->word |= WORD_DETAIL | WORD_LOW(rule->icmp_code);
		record->mask |= WORD_DETAIL | WORD_LOW(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_TCP_FLAGS) {
		record->word |= WORD_DETAIL | WORD_LOW(rule->tcp_flags);
		record->mask |= WORD_DETAIL | WORD_LOW(rule->tcp_flags_mask);
	}
}

static void compile4(struct record4 *record, const struct vfw_rule *rule, u32 number, u32 ranges)
{
	record->local = rule->local.words[0];
	record->local_mask = vfw_prefix_mask(rule->local_prefix).words[0];
	record->remote = rule->remote.words[0];
	record->remote_mask = vfw_prefix_mask(rule->remote_prefix).words[0];
	compile(&record->record, rule, number, ranges);
}

static void compile6(struct record6 *record, const struct vfw_rule *rule, u32 number, u32 ranges)
{
	record->local = rule->local;
	record->local_mask = vfw_prefix_mask(rule->local_prefix);
	record->remote = rule->remote;
	record->remote_mask = vfw_prefix_mask(rule->remote_prefix);
	compile(&record->record, rule, number, ranges);
}

static void count_rule(struct vfw_classifier *classifier, const struct vfw_rule *rule)
{
	int dir;

	classifier->n_ranges += rule->local_ranges + rule->remote_ranges;
	for (dir = 0; dir < 2; dir++) {
		if (!takes_direction(rule, dir))
			continue;
		classifier->n_v4[dir] += takes_family(rule, VFW_FAMILY_IPV4);
		classifier->n_v6[dir] += takes_family(rule, VFW_FAMILY_IPV6);
	}
}

static int alloc_lists(struct vfw_classifier *classifier)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		classifier->v4[dir] = kvmalloc_array(classifier->n_v4[dir],
						     sizeof(struct record4), GFP_KERNEL_ACCOUNT);
		classifier->v6[dir] = kvmalloc_array(classifier->n_v6[dir],
						     sizeof(struct record6), GFP_KERNEL_ACCOUNT);
		if (!classifier->v4[dir] || !classifier->v6[dir])
			return -ENOMEM;
	}
	classifier->ranges = kvmalloc_array(classifier->n_ranges, sizeof(struct vfw_range),
					    GFP_KERNEL_ACCOUNT);
	return classifier->ranges ? 0 : -ENOMEM;
}

/* Counts anew while it fills, up to what was counted. */
static void fill_rule(struct vfw_classifier *classifier, const struct vfw_rule *rule, u32 number)
{
	u32 ranges = classifier->n_ranges;
	int dir;

	classifier->n_ranges += rule->local_ranges + rule->remote_ranges;
	if (classifier->n_ranges != ranges)
		memcpy(classifier->ranges + ranges, rule->ranges,
		       (classifier->n_ranges - ranges) * sizeof(*rule->ranges));
	for (dir = 0; dir < 2; dir++) {
		if (!takes_direction(rule, dir))
			continue;
		if (takes_family(rule, VFW_FAMILY_IPV4))
			compile4(&classifier->v4[dir][classifier->n_v4[dir]++], rule, number,
				 ranges);
		if (takes_family(rule, VFW_FAMILY_IPV6))
			compile6(&classifier->v6[dir][classifier->n_v6[dir]++], rule, number,
				 ranges);
	}
}

/**
 * vfw_classifier_build() - compile rules
 * @rules: rules that vfw_rule_check() found nothing wrong with; not needed afterwards
 * @n_rules: how many
 *
 * Context: process; may sleep.
 * Return: the classifier, to be freed by vfw_classifier_free(), or an error pointer.
 */
struct vfw_classifier *vfw_classifier_build(const struct vfw_rule *rules, u32 n_rules)
{
	struct vfw_classifier *classifier;
	u32 i;

	classifier = kzalloc_obj(*classifier, GFP_KERNEL_ACCOUNT);
	if (!classifier)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < n_rules; i++) {
		count_rule(classifier, &rules[i]);
		if (i % VFW_CLASSIFY_BATCH == 0)
			cond_resched();
	}
	if (alloc_lists(classifier)) {
		vfw_classifier_free(classifier);
		return ERR_PTR(-ENOMEM);
	}
	memset(classifier->n_v4, 0, sizeof(classifier->n_v4));
	memset(classifier->n_v6, 0, sizeof(classifier->n_v6));
	classifier->n_ranges = 0;
	for (i = 0; i < n_rules; i++) {
		fill_rule(classifier, &rules[i], i + 1);
		if (i % VFW_CLASSIFY_BATCH == 0)
			cond_resched();
	}
	return classifier;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_build);

/**
 * vfw_classifier_free() - free a classifier that nobody can be reading
 * @classifier: the classifier
 *
 * Context: process; may sleep.
 */
void vfw_classifier_free(struct vfw_classifier *classifier)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		kvfree(classifier->v4[dir]);
		kvfree(classifier->v6[dir]);
	}
	kvfree(classifier->ranges);
	kfree(classifier);
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_free);

/**
 * vfw_classifier_memory() - how much memory a classifier takes
 * @classifier: the classifier
 *
 * Return: bytes.
 */
size_t vfw_classifier_memory(const struct vfw_classifier *classifier)
{
	size_t bytes = sizeof(*classifier) + classifier->n_ranges * sizeof(struct vfw_range);
	int dir;

	for (dir = 0; dir < 2; dir++)
		bytes += classifier->n_v4[dir] * sizeof(struct record4) +
			 classifier->n_v6[dir] * sizeof(struct record6);
	return bytes;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_memory);

static u32 packet_word(const struct vfw_packet *pkt)
{
	u32 word = WORD_PROTOCOL(pkt->key.protocol);

	if (pkt->kind == VFW_PACKET_ICMP_ERROR)
		return word;
	switch (pkt->key.protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return word | WORD_DETAIL | WORD_TYPE(pkt->icmp_type) | WORD_LOW(pkt->icmp_code);
	case IPPROTO_TCP:
		return word | WORD_DETAIL | WORD_LOW(pkt->tcp.flags);
	default:
		return word;
	}
}

static bool in_ranges(const struct vfw_range *ranges, u8 n, u16 port)
{
	u8 i;

	for (i = 0; i < n; i++)
		if (port >= ranges[i].first && port <= ranges[i].last)
			return true;
	return !n;
}

static bool ports_match(const struct vfw_classifier *classifier, const struct record *record,
			const struct vfw_key *key)
{
	const struct vfw_range *ranges = classifier->ranges + record->ranges;

	return in_ranges(ranges, record->local_ranges, ntohs(key->local_port)) &&
	       in_ranges(ranges + record->local_ranges, record->remote_ranges,
			 ntohs(key->remote_port));
}

static u32 find4(const struct vfw_classifier *classifier, const struct vfw_key *key, u8 dir,
		 u32 word)
{
	const struct record4 *at = classifier->v4[dir], *end = at + classifier->n_v4[dir];
	u32 local = key->local.words[0], remote = key->remote.words[0];

	for (; at < end; at++) {
		if (((local ^ at->local) & at->local_mask) |
		    ((remote ^ at->remote) & at->remote_mask) |
		    ((word ^ at->record.word) & at->record.mask))
			continue;
		if (ports_match(classifier, &at->record, key))
			return at->record.number;
	}
	return 0;
}

static u32 differ6(const union vfw_addr *a, const union vfw_addr *b, const union vfw_addr *mask)
{
	return ((a->words[0] ^ b->words[0]) & mask->words[0]) |
	       ((a->words[1] ^ b->words[1]) & mask->words[1]) |
	       ((a->words[2] ^ b->words[2]) & mask->words[2]) |
	       ((a->words[3] ^ b->words[3]) & mask->words[3]);
}

static u32 find6(const struct vfw_classifier *classifier, const struct vfw_key *key, u8 dir,
		 u32 word)
{
	const struct record6 *at = classifier->v6[dir], *end = at + classifier->n_v6[dir];

	for (; at < end; at++) {
		if (((word ^ at->record.word) & at->record.mask) |
		    differ6(&key->local, &at->local, &at->local_mask) |
		    differ6(&key->remote, &at->remote, &at->remote_mask))
			continue;
		if (ports_match(classifier, &at->record, key))
			return at->record.number;
	}
	return 0;
}

/**
 * vfw_classifier_find() - find the first rule that matches a packet
 * @classifier: the rules, compiled
 * @pkt: the packet, parsed
 *
 * Context: any, under what keeps @classifier.
 * Return: the number of the rule, from 1; 0 when none matches.
 */
u32 vfw_classifier_find(const struct vfw_classifier *classifier, const struct vfw_packet *pkt)
{
	u32 word = packet_word(pkt);

	if (pkt->key.family == VFW_FAMILY_IPV4)
		return find4(classifier, &pkt->key, pkt->dir, word);
	if (pkt->key.family == VFW_FAMILY_IPV6)
		return find6(classifier, &pkt->key, pkt->dir, word);
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_find);
