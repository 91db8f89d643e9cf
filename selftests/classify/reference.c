// SPDX-License-Identifier: GPL-2.0
/*
 * The first rule that matches, by trying one after the other, but quickly: 10^11 trials in a
 * minute or two.
 *
 * Most rules are ruled out by a few comparisons that the compiler makes for many rules at once:
 * some bits of the addresses, the protocol, and the ports from the first to the last that the
 * rule names. Where one is not, vfw_rule_matches() decides. These comparisons only have to be
 * such that no rule is ruled out that matches; reference_check() tries that, with all rules.
 *
 * Shares no code with the classifier.
 */

#include "reference.h"

#define BLOCK	1024	/* rules that are tried on all packets before the next */

/**
 * struct filter - BLOCK rules, field by field
 * @value: two words of the local address, two of the remote one, protocol and family
 * @mask: what of these counts
 * @first: lowest local and remote port
 * @span: distance from it to the highest
 */
struct filter {
	u32 value[5][BLOCK];
	u32 mask[5][BLOCK];
	u16 first[2][BLOCK];
	u16 span[2][BLOCK];
};

struct reference {
	const struct vfw_rule *rules;
	struct filter *filters;
	u32 n;
};

/* The words of an address that differ most: of IPv6 the second and the last. */
static const u8 words_of[3][2] = {
	[VFW_FAMILY_IPV4] = { 0, 0 },
	[VFW_FAMILY_IPV6] = { 1, 3 },
};

static u32 leading(int bits)
{
	return bits <= 0 ? 0 : bits >= 32 ? ~0u : htonl(~0u << (32 - bits));
}

static void set_addr(struct filter *filter, u32 at, u32 field, const union vfw_addr *addr,
		     u8 prefix, u8 family)
{
	u32 i, word;

	for (i = 0; i < 2; i++) {
		word = words_of[family][i];
		filter->value[field + i][at] = addr->words[word];
		filter->mask[field + i][at] = leading(prefix - 32 * (int)word);
	}
}

static void set_ports(struct filter *filter, u32 at, u32 side, const struct vfw_range *ranges, u8 n)
{
	u16 first = n ? 65535 : 0, last = n ? 0 : 65535;
	u8 i;

	for (i = 0; i < n; i++) {
		first = min(first, ranges[i].first);
		last = max(last, ranges[i].last);
	}
	filter->first[side][at] = first;
	filter->span[side][at] = last - first;
}

static void set_rule(struct filter *filter, u32 at, const struct vfw_rule *rule)
{
	set_addr(filter, at, 0, &rule->local, rule->local_prefix, rule->family);
	set_addr(filter, at, 2, &rule->remote, rule->remote_prefix, rule->family);
	filter->value[4][at] = rule->protocol | rule->family << 8;
	filter->mask[4][at] = (rule->flags & VFW_STATE_RULE_PROTOCOL ? 0xff : 0) |
			      (rule->family ? 0xff00 : 0);
	set_ports(filter, at, 0, rule->ranges, rule->local_ranges);
	set_ports(filter, at, 1, rule->ranges + rule->local_ranges, rule->remote_ranges);
}

struct reference *reference_new(const struct vfw_rule *rules, u32 n)
{
	struct reference *reference = malloc(sizeof(*reference));
	u32 i, blocks = (n + BLOCK - 1) / BLOCK;

	reference->rules = rules;
	reference->n = n;
	reference->filters = calloc(blocks, sizeof(struct filter));
	for (i = 0; i < n; i++)
		set_rule(&reference->filters[i / BLOCK], i % BLOCK, &rules[i]);
	return reference;
}

void reference_free(struct reference *reference)
{
	free(reference->filters);
	free(reference);
}

/* Which of the rules may match: 0 or 1 for each. */
static void rule_out(const struct filter *filter, const struct vfw_packet *pkt, u8 *may)
{
	const struct vfw_key *key = &pkt->key;
	const u8 *words = words_of[key->family];
	u32 a = key->local.words[words[0]], b = key->local.words[words[1]];
	u32 c = key->remote.words[words[0]], d = key->remote.words[words[1]];
	u32 e = key->protocol | key->family << 8, i;
	u16 local = ntohs(key->local_port), remote = ntohs(key->remote_port);

	for (i = 0; i < BLOCK; i++) {
		u32 differ = ((a ^ filter->value[0][i]) & filter->mask[0][i]) |
			     ((b ^ filter->value[1][i]) & filter->mask[1][i]) |
			     ((c ^ filter->value[2][i]) & filter->mask[2][i]) |
			     ((d ^ filter->value[3][i]) & filter->mask[3][i]) |
			     ((e ^ filter->value[4][i]) & filter->mask[4][i]);

		may[i] = !differ & ((u16)(local - filter->first[0][i]) <= filter->span[0][i]) &
			 ((u16)(remote - filter->first[1][i]) <= filter->span[1][i]);
	}
}

/* The first rule of a block that matches, from 1; 0 when none does. */
static u32 find_in_block(const struct reference *reference, u32 block, const struct vfw_packet *pkt)
{
	u32 i, n = min(reference->n - block * BLOCK, BLOCK + 0U);
	u8 may[BLOCK];
	u64 eight;

	rule_out(&reference->filters[block], pkt, may);
	for (i = 0; i < n; i++) {
		memcpy(&eight, may + i, sizeof(eight) * (i % 8 == 0));
		if (i % 8 == 0 && !eight) {
			i += 7;
			continue;
		}
		if (may[i] && vfw_rule_matches(&reference->rules[block * BLOCK + i], pkt))
			return block * BLOCK + i + 1;
	}
	return 0;
}

void reference_find(const struct reference *reference, const struct vfw_packet *pkts, u32 n,
		    u32 *numbers)
{
	u32 block, i, blocks = (reference->n + BLOCK - 1) / BLOCK;

	memset(numbers, 0, n * sizeof(*numbers));
	for (block = 0; block < blocks; block++)
		for (i = 0; i < n; i++)
			if (!numbers[i])
				numbers[i] = find_in_block(reference, block, &pkts[i]);
}

/* Some of the packets by vfw_rule_matches() alone: how often does reference_find() differ? */
u64 reference_check(const struct reference *reference, const struct vfw_packet *pkts, u32 n)
{
	u64 differences = 0;
	u32 i, j, number;

	for (i = 0; i < n; i += n / 500 + 1) {
		reference_find(reference, &pkts[i], 1, &number);
		for (j = 0; j < reference->n; j++)
			if (vfw_rule_matches(&reference->rules[j], &pkts[i]))
				break;
		differences += number != (j < reference->n ? j + 1 : 0);
	}
	return differences;
}
