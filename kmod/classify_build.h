/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_CLASSIFY_BUILD_H
#define _VFW_CLASSIFY_BUILD_H

#include <linux/sched.h>
#include <linux/types.h>
#include "classify_table.h"

/* What a tuple says how many leading bits are known of. */
enum vfw_dim {
	VFW_DIM_LOCAL,
	VFW_DIM_REMOTE,
	VFW_DIM_LOCAL_PORT,
	VFW_DIM_REMOTE_PORT,
	VFW_DIM_WORD,		/* none, protocol, ICMP type, and code */
	VFW_DIMS,
};

#define VFW_SAMPLE	256	/* rules by which tuples are compared */
#define VFW_SAMPLE_SLOTS	(2 * VFW_SAMPLE)
#define VFW_LEAF	10	/* records that are not worth a table */
#define VFW_SHARE	8	/* a table takes at least so large a part of what is left */
#define VFW_BUILD_BATCH	1024	/* rules after which others may run */

/**
 * struct vfw_tuple - how many bits of what a rule fixes, or a table asks for
 * @bits: by enum vfw_dim
 */
struct vfw_tuple {
	u8 bits[VFW_DIMS];
};

/**
 * struct vfw_sample - room for comparing tuples
 * @items: some of a node's rules
 * @live: those of them that the tuple at hand suits
 * @hashes: what stands in each slot
 * @counts: how often; 0 for an empty slot
 */
struct vfw_sample {
	u32 items[VFW_SAMPLE];
	u32 live[VFW_SAMPLE];
	u64 hashes[VFW_SAMPLE_SLOTS];
	u16 counts[VFW_SAMPLE_SLOTS];
};

/**
 * struct vfw_pool - an array that grows
 * @data: the entries
 * @size: of an entry
 * @n: how many there are
 * @room: for how many there is room
 */
struct vfw_pool {
	void *data;
	size_t size;
	u32 n;
	u32 room;
};

/**
 * struct vfw_node - rules that one bucket holds, and that go into tables of their own
 * @start: the first, in vfw_build.order
 * @n: how many
 * @bucket: the bucket; none for all rules of the class
 * @table: the table of that bucket
 * @tables: its own first table
 * @n_tables: how many; 0 when it remained a list
 * @depth: tables above
 */
struct vfw_node {
	u32 start;
	u32 n;
	u32 bucket;
	u32 table;
	u32 tables;
	u32 n_tables;
	u32 depth;
};

/**
 * struct vfw_build - a class in the making
 * @class: what is made
 * @ranges: the lists of port ranges
 * @words: VFW_WORDS4 or VFW_WORDS6
 * @n: rules
 * @n_records: those that are not covered by an earlier one in their bucket
 * @record_size: bytes
 * @records: in the order of the rules
 * @keys: what of a rule is hashed, @words each
 * @known: which leading bits of that the rule fixes
 * @order: the rules, as they will stand in their buckets
 * @scratch: as many
 * @slots: as many
 * @sample: for choosing tuples
 * @tables: the tables, in the form of the look-up
 * @work: of each, the most records and tables that a packet can meet in it
 * @blocks: the blocks
 * @buckets: the buckets
 * @nodes: what is to be put into tables, and has been
 */
struct vfw_build {
	struct vfw_class *class;
	const struct vfw_range *ranges;
	u32 words;
	u32 n;
	u32 n_records;
	size_t record_size;
	void *records;
	u64 *keys;
	struct vfw_tuple *known;
	u32 *order;
	u32 *scratch;
	u32 *slots;
	struct vfw_sample *sample;
	struct vfw_pool tables;
	struct vfw_pool work;
	struct vfw_pool blocks;
	struct vfw_pool buckets;
	struct vfw_pool nodes;
};

/* Others may run, now and then. */
static inline void vfw_build_pause(u32 i)
{
	if (i % VFW_BUILD_BATCH == 0)
		cond_resched();
}

static inline u64 vfw_build_hash(const struct vfw_build *build, u32 item, const u64 *mask)
{
	const u64 *key = build->keys + (size_t)item * build->words;
	u64 seed = build->class->seed;

	return build->words == VFW_WORDS4 ? vfw_hash4(seed, key, mask) :
					    vfw_hash6(seed, key, mask);
}

/* Does a rule fix all that a table with this tuple asks for? */
static inline bool vfw_tuple_suits(const struct vfw_tuple *table, const struct vfw_tuple *rule)
{
	return (table->bits[VFW_DIM_LOCAL] <= rule->bits[VFW_DIM_LOCAL]) &
	       (table->bits[VFW_DIM_REMOTE] <= rule->bits[VFW_DIM_REMOTE]) &
	       (table->bits[VFW_DIM_LOCAL_PORT] <= rule->bits[VFW_DIM_LOCAL_PORT]) &
	       (table->bits[VFW_DIM_REMOTE_PORT] <= rule->bits[VFW_DIM_REMOTE_PORT]) &
	       (table->bits[VFW_DIM_WORD] <= rule->bits[VFW_DIM_WORD]);
}

static inline struct vfw_match *vfw_build_match(const struct vfw_build *build, u32 item)
{
	if (build->words == VFW_WORDS4)
		return &((struct vfw_record4 *)build->records)[item].match;
	return &((struct vfw_record6 *)build->records)[item].match;
}

void vfw_tuple_mask(const struct vfw_tuple *tuple, u32 words, u64 *mask);
bool vfw_tuple_choose(struct vfw_build *build, u32 start, u32 n, struct vfw_tuple *tuple);

bool vfw_record_covers(const struct vfw_build *build, u32 item, u32 later);

int vfw_tree_build(struct vfw_build *build);

#endif /* _VFW_CLASSIFY_BUILD_H */
