// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of tables: puts the rules of a class into tables, their buckets, and where a bucket is
 * long, into tables again.
 *
 * The rules are one array of indices, vfw_build.order. A node is a part of it, at first all. Its
 * rules that suit a table are brought to its front and there sorted by bucket, so that each
 * bucket is a part again; then the same with the rest, until what is left is a short list. In
 * each part rules stay in the order of their numbers. Long buckets become nodes and wait in a
 * queue, so that there is no recursion.
 *
 * What that can cost is bounded whatever the rules are: each table takes at least a VFW_SHARE'th
 * of what is left of its node, so that on each of VFW_DEPTH levels a rule is touched VFW_SHARE
 * times on average.
 */

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "classify_build.h"

#define TABLES_MAX	64	/* of a node */
#define SPARE_SHIFT	3	/* slots for each rule, as a power of two */
#define SHIFT_MIN	38	/* at most 2^26 slots */
#define COVER_TRIES	64	/* earlier rules by which one may be covered */
#define COVERED		(~0u)

/**
 * struct node_tables - the tables of one node while they are made
 * @tables: in the form of the look-up
 * @work: of each
 * @nodes: the first node below each
 * @nodes_end: after the last
 * @n: how many
 */
struct node_tables {
	u64 tables[TABLES_MAX][VFW_TABLE_SIZE(VFW_WORDS6) / sizeof(u64)];
	u32 work[TABLES_MAX];
	u32 nodes[TABLES_MAX];
	u32 nodes_end[TABLES_MAX];
	u32 n;
};

static struct vfw_table *made_table(struct node_tables *made, u32 i)
{
	return (struct vfw_table *)made->tables[i];
}

/* Room for @n more entries; returns the first of them, or NULL. */
static void *pool_add(struct vfw_pool *pool, u32 n)
{
	u32 room = max3(pool->room + pool->room / 2, pool->n + n, 16u);
	void *data;

	if (pool->n + n > pool->room) {
		data = kvmalloc_array(room, pool->size, GFP_KERNEL_ACCOUNT);
		if (!data)
			return NULL;
		if (pool->n)
			memcpy(data, pool->data, pool->n * pool->size);
		kvfree(pool->data);
		pool->data = data;
		pool->room = room;
	}
	pool->n += n;
	return pool->data + (pool->n - n) * pool->size;
}

/* Leave out what an earlier rule of the list covers; mark the last. Returns how many stay. */
static u32 close_list(struct vfw_build *build, u32 start, u32 n)
{
	u32 *list = build->order + start, i, j, kept = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < min_t(u32, kept, COVER_TRIES); j++)
			if (vfw_record_covers(build, list[j], list[i]))
				break;
		if (j == min_t(u32, kept, COVER_TRIES))
			list[kept++] = list[i];
		vfw_build_pause(i);
	}
	for (i = kept; i < n; i++)
		list[i] = COVERED;
	vfw_build_match(build, list[kept - 1])->flags |= VFW_RECORD_LAST;
	build->n_records += kept;
	return kept;
}

/* Bring the rules that suit a tuple to the front; returns how many. */
static u32 gather_suited(struct vfw_build *build, const struct vfw_tuple *tuple, u32 start, u32 n)
{
	u32 *order = build->order + start, i, suited = 0, others = 0;

	for (i = 0; i < n; i++) {
		if (vfw_tuple_suits(tuple, &build->known[order[i]]))
			order[suited++] = order[i];
		else
			build->scratch[others++] = order[i];
		vfw_build_pause(i);
	}
	memcpy(order + suited, build->scratch, others * sizeof(*order));
	return suited;
}

/* Mark the slots of @n rules in the blocks of a table; returns how many buckets that makes. */
static int fill_blocks(struct vfw_build *build, struct vfw_table *table, const u32 *order, u32 n)
{
	u32 i, n_blocks = 1U << (64 - table->shift - 6), base = build->buckets.n;
	struct vfw_block *blocks;

	table->first = build->blocks.n;
	blocks = pool_add(&build->blocks, n_blocks);
	if (!blocks)
		return -ENOMEM;
	memset(blocks, 0, n_blocks * sizeof(*blocks));
	for (i = 0; i < n; i++) {
		build->slots[i] = vfw_build_hash(build, order[i], table->mask) >> table->shift;
		blocks[build->slots[i] / 64].bits |= 1ULL << build->slots[i] % 64;
		vfw_build_pause(i);
	}
	for (i = 0; i < n_blocks; i++) {
		blocks[i].base = base;
		base += hweight64(blocks[i].bits);
		vfw_build_pause(i);
	}
	return base - build->buckets.n;
}

/* The bucket of a slot that has one, from the first of the table. */
static u32 bucket_of(const struct vfw_block *blocks, u32 slot)
{
	const struct vfw_block *block = &blocks[slot / 64];
	u64 below = block->bits & ((1ULL << slot % 64) - 1);

	return block->base - blocks->base + hweight64(below);
}

/* Sort the rules by bucket; rules of one keep their order. Sets where buckets begin. */
static void sort_buckets(struct vfw_build *build, struct vfw_bucket *buckets, u32 n_buckets,
			 const struct vfw_block *blocks, u32 start, u32 n)
{
	u32 i, at, next = start, *order = build->order + start;

	memset(buckets, 0, n_buckets * sizeof(*buckets));
	for (i = 0; i < n; i++) {
		build->slots[i] = bucket_of(blocks, build->slots[i]);
		buckets[build->slots[i]].first++;
		vfw_build_pause(i);
	}
	for (i = 0; i < n_buckets; i++) {
		at = next;
		next += buckets[i].first;
		buckets[i].first = at;
		vfw_build_pause(i);
	}
	/* Each bucket's beginning moves to its end, and back. */
	memcpy(build->scratch, order, n * sizeof(*order));
	for (i = 0; i < n; i++) {
		build->order[buckets[build->slots[i]].first++] = build->scratch[i];
		vfw_build_pause(i);
	}
	for (i = n_buckets; i-- > 1;)
		buckets[i].first = buckets[i - 1].first;
	buckets[0].first = start;
}

/* Close the short buckets of a table, and queue the long ones. Returns the longest, or error. */
static int close_buckets(struct vfw_build *build, u32 bucket, u32 n_buckets, u32 end, u32 depth)
{
	u32 i, next, n, longest = 1;
	struct vfw_bucket *at;
	struct vfw_node *node;

	for (i = 0; i < n_buckets; i++) {
		at = (struct vfw_bucket *)build->buckets.data + bucket + i;
		next = i + 1 < n_buckets ? at[1].first : end;
		at->best = vfw_build_match(build, build->order[at->first])->number;
		n = next - at->first;
		if (n <= VFW_LEAF) {
			longest = max(longest, close_list(build, at->first, n));
			continue;
		}
		node = pool_add(&build->nodes, 1);
		if (!node)
			return -ENOMEM;
		*node = (struct vfw_node){
			.start = at->first, .n = n, .bucket = bucket + i, .depth = depth + 1,
		};
		vfw_build_pause(i);
	}
	return longest;
}

static void add_list(struct vfw_build *build, struct node_tables *made, u32 start, u32 n)
{
	struct vfw_table *table = made_table(made, made->n);

	*table = (struct vfw_table){
		.best = vfw_build_match(build, build->order[start])->number,
		.first = start,
	};
	made->nodes[made->n] = build->nodes.n;
	made->nodes_end[made->n] = build->nodes.n;
	made->work[made->n++] = close_list(build, start, n);
}

/* Make a table of the first @n rules from @start, all of which suit its mask. */
static int fill_table(struct vfw_build *build, struct node_tables *made, u32 start, u32 n,
		      u32 depth)
{
	struct vfw_table *table = made_table(made, made->n);
	u32 bucket = build->buckets.n;
	struct vfw_bucket *buckets;
	struct vfw_block *blocks;
	int n_buckets, work;

	table->best = vfw_build_match(build, build->order[start])->number;
	table->shift = clamp(64 - (ilog2(n) + 1 + SPARE_SHIFT), SHIFT_MIN, 64 - 6);
	n_buckets = fill_blocks(build, table, build->order + start, n);
	if (n_buckets < 0)
		return n_buckets;
	if (n_buckets == 1) {
		build->blocks.n = table->first;
		add_list(build, made, start, n);
		return 0;
	}
	buckets = pool_add(&build->buckets, n_buckets);
	if (!buckets)
		return -ENOMEM;
	blocks = (struct vfw_block *)build->blocks.data + table->first;
	sort_buckets(build, buckets, n_buckets, blocks, start, n);

	made->nodes[made->n] = build->nodes.n;
	work = close_buckets(build, bucket, n_buckets, start + n, depth);
	if (work < 0)
		return work;
	made->nodes_end[made->n] = build->nodes.n;
	made->work[made->n++] = work;
	return 0;
}

/* Distribute the rules of a node. */
static int make_tables(struct vfw_build *build, struct node_tables *made,
		       const struct vfw_node *node)
{
	u32 start = node->start, left = node->n, suited;
	struct vfw_tuple tuple;
	int err;

	made->n = 0;
	while (left) {
		if (left <= VFW_LEAF || made->n == TABLES_MAX - 1 || node->depth >= VFW_DEPTH ||
		    !vfw_tuple_choose(build, start, left, &tuple)) {
			add_list(build, made, start, left);
			return 0;
		}
		suited = gather_suited(build, &tuple, start, left);
		memset(made->tables[made->n], 0, sizeof(made->tables[0]));
		vfw_tuple_mask(&tuple, build->words, made_table(made, made->n)->mask);
		err = fill_table(build, made, start, suited, node->depth);
		if (err)
			return err;
		start += suited;
		left -= suited;
		cond_resched();
	}
	return 0;
}

/* The indices of the tables, by the lowest number in them. */
static void sort_tables(struct node_tables *made, u8 *sorted)
{
	u32 i, j;

	for (i = 0; i < made->n; i++) {
		for (j = i; j > 0 && made_table(made, sorted[j - 1])->best >
				     made_table(made, i)->best; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = i;
	}
}

/* Append the tables of a node to those of the class, and lead to them. */
static int append_tables(struct vfw_build *build, struct node_tables *made, u32 number)
{
	struct vfw_node *nodes = build->nodes.data, *node = &nodes[number];
	size_t size = build->tables.size;
	u8 sorted[TABLES_MAX];
	void *tables;
	u32 i, j, *work;

	node->tables = build->tables.n;
	node->n_tables = made->n;
	tables = pool_add(&build->tables, made->n);
	work = pool_add(&build->work, made->n);
	if (!tables || !work)
		return -ENOMEM;
	sort_tables(made, sorted);
	for (i = 0; i < made->n; i++) {
		memcpy(tables + i * size, made->tables[sorted[i]], size);
		((struct vfw_table *)(tables + i * size))->last = i == made->n - 1;
		work[i] = made->work[sorted[i]];
		for (j = made->nodes[sorted[i]]; j < made->nodes_end[sorted[i]]; j++)
			nodes[j].table = node->tables + i;
	}
	if (number)
		((struct vfw_bucket *)build->buckets.data)[node->bucket].first =
			VFW_BUCKET_TABLES | node->tables;
	return 0;
}

static int make_node(struct vfw_build *build, struct node_tables *made, u32 number)
{
	struct vfw_node node = ((struct vfw_node *)build->nodes.data)[number];
	int err;

	err = make_tables(build, made, &node);
	if (err)
		return err;
	/* A bucket that no table could part is what it was: a list, but longer than others. */
	if (number && made->n == 1 && !made_table(made, 0)->shift) {
		u32 *work = (u32 *)build->work.data + node.table;

		*work = max(*work, made->work[0]);
		return 0;
	}
	return append_tables(build, made, number);
}

/* From the last node to the first: what a packet meets at most below each table. */
static void add_up_work(struct vfw_build *build)
{
	u32 *work = build->work.data, i, j, sum = 0;
	const struct vfw_table *table;
	const struct vfw_node *node;

	for (i = build->nodes.n; i-- > 0;) {
		node = (struct vfw_node *)build->nodes.data + i;
		if (!node->n_tables)
			continue;
		sum = 0;
		for (j = node->tables; j < node->tables + node->n_tables; j++) {
			table = build->tables.data + j * build->tables.size;
			sum += !!table->shift + work[j];
		}
		if (i)
			work[node->table] = max(work[node->table], sum);
		vfw_build_pause(i);
	}
	build->class->work = sum;
}

static void move_record(struct vfw_build *build, u32 to, u32 item)
{
	memcpy(build->class->records + to * build->record_size,
	       build->records + item * build->record_size, build->record_size);
}

/* Copy the records as they will stand, and note where each place of the order went. */
static int place_records(struct vfw_build *build)
{
	u32 i, to = 0;

	build->class->records = kvmalloc_array(build->n_records, build->record_size,
					       GFP_KERNEL_ACCOUNT);
	if (!build->class->records)
		return -ENOMEM;
	build->class->n_records = build->n_records;
	for (i = 0; i < build->n; i++) {
		build->scratch[i] = to;
		if (build->order[i] != COVERED)
			move_record(build, to++, build->order[i]);
		vfw_build_pause(i);
	}
	return 0;
}

static void lead_to_records(struct vfw_build *build)
{
	struct vfw_bucket *bucket = build->buckets.data;
	struct vfw_table *table;
	u32 i;

	for (i = 0; i < build->buckets.n; i++) {
		if (!(bucket[i].first & VFW_BUCKET_TABLES))
			bucket[i].first = build->scratch[bucket[i].first];
		vfw_build_pause(i);
	}
	for (i = 0; i < build->tables.n; i++) {
		table = build->tables.data + i * build->tables.size;
		if (!table->shift)
			table->first = build->scratch[table->first];
	}
}

/* Give what a pool holds to the class, without room to spare. */
static int pool_give(struct vfw_pool *pool, void *where, u32 *n)
{
	void *data = kvmalloc_array(pool->n, pool->size, GFP_KERNEL_ACCOUNT);

	if (!data)
		return -ENOMEM;
	if (pool->n)
		memcpy(data, pool->data, pool->n * pool->size);
	*(void **)where = data;
	*n = pool->n;
	return 0;
}

static int give_all(struct vfw_build *build)
{
	struct vfw_class *class = build->class;

	if (place_records(build))
		return -ENOMEM;
	lead_to_records(build);
	if (pool_give(&build->tables, &class->tables, &class->n_tables) ||
	    pool_give(&build->blocks, &class->blocks, &class->n_blocks) ||
	    pool_give(&build->buckets, &class->buckets, &class->n_buckets))
		return -ENOMEM;
	return 0;
}

/**
 * vfw_tree_build() - make the tables of a class
 * @build: with records, keys and tuples of at least one rule, and the arrays
 *
 * Context: process; may sleep.
 * Return: 0, or -ENOMEM; what the class has got so far is to be freed by the caller then.
 */
int vfw_tree_build(struct vfw_build *build)
{
	struct node_tables *made;
	struct vfw_node *root;
	int err = -ENOMEM;
	u32 i;

	made = kvmalloc_array(1, sizeof(*made), GFP_KERNEL_ACCOUNT);
	root = pool_add(&build->nodes, 1);
	if (!made || !root)
		goto out;
	*root = (struct vfw_node){ .n = build->n };
	for (i = 0; i < build->nodes.n; i++) {
		err = make_node(build, made, i);
		if (err)
			goto out;
		cond_resched();
	}
	add_up_work(build);
	err = give_all(build);
out:
	kvfree(made);
	return err;
}
