// SPDX-License-Identifier: GPL-2.0
/*
 * Tuples: which bits of packets a table is to hash.
 *
 * A tuple says for each field how many of its leading bits are hashed. A rule can go into a table
 * if it fixes all these bits. More bits spread the rules over more buckets, but suit fewer rules;
 * the rest need another table, which each packet then has to be looked up in.
 *
 * What a tuple costs a packet is estimated from a sample of the rules: the table itself, then
 * what the average rule's bucket costs, and what the rules cost that are left over. From no bits
 * at all, the field and the number of bits that save most are added again and again until none
 * saves anything. Costs are in sixteenths of a nanosecond, as they were measured.
 */

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include "classify_build.h"

#define COST_TABLE	(16 * 16)
#define COST_RECORD	(16 * 3)
#define COST_DOUBLE	16	/* times 16: of twice as many rules, in tables */
#define SPLIT		3	/* two rules of a table share a bucket in one of so many cases */
#define COST_MAX	(~0u)

static const u32 word_masks[] = {
	0,
	VFW_WORD_PROTOCOL(0xff),
	VFW_WORD_PROTOCOL(0xff) | VFW_WORD_DETAIL | VFW_WORD_TYPE(0xff),
	VFW_WORD_PROTOCOL(0xff) | VFW_WORD_DETAIL | VFW_WORD_TYPE(0xff) | VFW_WORD_LOW(0xff),
};

static u32 prefix32(u8 bits)
{
	return bits ? ~0u << (32 - bits) : 0;
}

static u16 prefix16(u8 bits)
{
	return 0xffff0000u >> bits;
}

/**
 * vfw_tuple_mask() - the mask of a tuple
 * @tuple: the tuple
 * @words: VFW_WORDS4 or VFW_WORDS6
 * @mask: set to the mask: so many words
 */
void vfw_tuple_mask(const struct vfw_tuple *tuple, u32 words, u64 *mask)
{
	u8 local = tuple->bits[VFW_DIM_LOCAL], remote = tuple->bits[VFW_DIM_REMOTE];

	if (words == VFW_WORDS4) {
		mask[0] = (u64)prefix32(local) << 32 | prefix32(remote);
	} else {
		mask[0] = vfw_mask_high(local);
		mask[1] = vfw_mask_low(local);
		mask[2] = vfw_mask_high(remote);
		mask[3] = vfw_mask_low(remote);
	}
	mask[words - 1] = vfw_word_pack(prefix16(tuple->bits[VFW_DIM_LOCAL_PORT]),
					prefix16(tuple->bits[VFW_DIM_REMOTE_PORT]),
					word_masks[tuple->bits[VFW_DIM_WORD]]);
}

/* What it costs to find the first match among so many rules: one by one, or in tables. */
static u32 cost_of(u32 rules)
{
	u32 e, log;

	if (rules <= VFW_LEAF)
		return rules * COST_RECORD;
	e = ilog2(rules);
	log = 16 * e + (u32)(((u64)rules << 4 >> e) - 16);
	return min_t(u64, (u64)rules * COST_RECORD,
		     VFW_LEAF * COST_RECORD + COST_DOUBLE * (log - 16 * 3));
}

/* Put a rule's hash into the slots; returns the slot. */
static void sample_put(struct vfw_sample *sample, u32 slots, u64 hash)
{
	u32 slot = hash >> 32 & (slots - 1);

	while (sample->counts[slot] && sample->hashes[slot] != hash)
		slot = (slot + 1) & (slots - 1);
	sample->hashes[slot] = hash;
	sample->counts[slot]++;
}

/*
 * The cost of a tuple, of which @n_live of @n_sample rules are known to be suited by all but its
 * last dimension; the sample stands for @n rules.
 */
static u32 tuple_cost(struct vfw_build *build, const struct vfw_tuple *tuple, u32 n_live,
		      u32 n_sample, u32 n)
{
	u32 slots = roundup_pow_of_two(2 * n_live), i, taken = 0, pairs = 0, size;
	u64 mask[VFW_WORDS6], tables = 0, lists = 0, rest;
	struct vfw_sample *sample = build->sample;

	vfw_tuple_mask(tuple, build->words, mask);
	memset(sample->counts, 0, slots * sizeof(*sample->counts));
	for (i = 0; i < n_live; i++) {
		if (!vfw_tuple_suits(tuple, &build->known[sample->live[i]]))
			continue;
		sample_put(sample, slots, vfw_build_hash(build, sample->live[i], mask));
		taken++;
	}
	if (taken * VFW_SHARE < n_sample)
		return COST_MAX;
	for (i = 0; i < slots; i++) {
		if (!sample->counts[i])
			continue;
		size = 1 + div_u64((u64)(sample->counts[i] - 1) * n, n_sample);
		pairs += sample->counts[i] * sample->counts[i];
		tables += (u64)sample->counts[i] * cost_of(size);
		lists += (u64)sample->counts[i] * size * COST_RECORD;
	}
	/* A table that leaves most rules together is no step towards tables that part them. */
	if (pairs * SPLIT > taken * taken)
		tables = lists;
	rest = cost_of(div_u64((u64)(n_sample - taken) * n, n_sample));
	return min_t(u64, COST_TABLE + div_u64(tables, taken) + rest, COST_MAX - 1);
}

/* Find the number of bits of one dimension, more than the tuple has, that costs least. */
static u32 best_bits(struct vfw_build *build, struct vfw_tuple tuple, enum vfw_dim dim,
		     u32 n_live, u32 n_sample, u32 n, u8 *best)
{
	u32 i, bits, cost, least = COST_MAX, left = n_live, tried = ~0u;
	u16 having[129] = {};

	for (i = 0; i < n_live; i++)
		having[build->known[build->sample->live[i]].bits[dim]]++;
	for (bits = 0; bits < ARRAY_SIZE(having) && left * VFW_SHARE >= n_sample; bits++) {
		if (!having[bits])
			continue;
		/* Few rules less make little difference. */
		if (bits > tuple.bits[dim] && (tried == ~0u || tried - left > n_live / 8)) {
			u8 before = tuple.bits[dim];

			tuple.bits[dim] = bits;
			cost = tuple_cost(build, &tuple, n_live, n_sample, n);
			tuple.bits[dim] = before;
			tried = left;
			if (cost < least) {
				least = cost;
				*best = bits;
			}
		}
		left -= having[bits];
	}
	return least;
}

static u32 take_sample(struct vfw_build *build, u32 start, u32 n)
{
	u32 i, n_sample = min_t(u32, n, VFW_SAMPLE), spread = 0;
	u32 *items = build->sample->items;

	for (i = 0; i < n_sample; i++) {
		/* Rules often repeat a pattern; a fixed step might meet but one part of it. */
		spread = spread * 1664525 + 1013904223;
		items[i] = build->order[start + (u32)div_u64((u64)i * n + (n > n_sample ?
								spread % n : 0), n_sample)];
	}
	memcpy(build->sample->live, items, n_sample * sizeof(*items));
	return n_sample;
}

/* Keep those rules of the sample that the tuple suits. */
static u32 keep_live(struct vfw_build *build, const struct vfw_tuple *tuple, u32 n_live)
{
	u32 i, n = 0, *live = build->sample->live;

	for (i = 0; i < n_live; i++)
		if (vfw_tuple_suits(tuple, &build->known[live[i]]))
			live[n++] = live[i];
	return n;
}

/**
 * vfw_tuple_choose() - choose the tuple of the next table
 * @build: the class
 * @start: the first of the rules that are to be distributed, in vfw_build.order
 * @n: how many
 * @tuple: set to the tuple
 *
 * Return: false when a list serves better.
 */
bool vfw_tuple_choose(struct vfw_build *build, u32 start, u32 n, struct vfw_tuple *tuple)
{
	u32 n_sample = take_sample(build, start, n), n_live = n_sample, least, cost;
	u8 bits = 0, best_of_dim = 0;
	int dim, best;

	*tuple = (struct vfw_tuple){};
	least = min_t(u64, (u64)n * COST_RECORD, COST_MAX - 1);
	do {
		best = -1;
		for (dim = 0; dim < VFW_DIMS; dim++) {
			cost = best_bits(build, *tuple, dim, n_live, n_sample, n, &best_of_dim);
			if (cost < least) {
				least = cost;
				best = dim;
				bits = best_of_dim;
			}
		}
		if (best >= 0) {
			tuple->bits[best] = bits;
			n_live = keep_live(build, tuple, n_live);
		}
	} while (best >= 0);
	return n_live < n_sample || memchr_inv(tuple, 0, sizeof(*tuple));
}
