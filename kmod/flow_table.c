// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a flow table: chunks and slots, and walks over them. The theory is in flow.c.
 */

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <uapi/linux/vfw_state.h>

#include "main.h"
#include "collect.h"
#include "flow.h"
#include "flow_table.h"
#include "recent.h"
#include "source.h"
#include "vm.h"

#define RESERVE_MAX	0x100000U

static void chunk_init(struct vfw_flow_pool *pool, struct vfw_flow_chunk *chunk, u8 flags)
{
	struct vfw_flow *flow;
	u32 slot;

	INIT_LIST_HEAD(&chunk->partial);
	for (slot = 0; slot < pool->per_chunk; slot++) {
		flow = chunk_slot(pool, chunk, slot);
		spin_lock_init(&flow->lock);
		flow->flags = VFW_FLOW_DEAD | flags;
		flow->next_free = slot + 1 < pool->per_chunk ? slot + 2 : 0;
	}
	chunk->free = 1;
}

/* What all flows of a pool have in their flags. */
static u8 pool_flags(const struct vfw_flow_table *table, const struct vfw_flow_pool *pool)
{
	static const u8 flags[] = {
		[VFW_FLOWS_IPV4] = 0,
		[VFW_FLOWS_IPV6] = VFW_FLOW_WIDE,
		[VFW_FLOWS_TAGGED] = VFW_FLOW_WIDE | VFW_FLOW_TAGGED,
	};

	return flags[pool - table->pool];
}

static bool chunk_add(struct vfw_flow_table *table, struct vfw_flow_pool *pool, gfp_t gfp)
{
	struct vfw_flow_chunk *chunk;
	struct chunk_page *page;

	/* kmalloc() of a power of two is aligned to it, which vfw_flow_memory() relies on. */
	page = kzalloc_obj(*page, gfp | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!page)
		return false;
	chunk = &page->chunk;
	chunk_init(pool, chunk, pool_flags(table, pool));
	if (xa_alloc_bh(&pool->chunks, &chunk->number, chunk, xa_limit_31b,
			gfp | __GFP_NOWARN)) {
		kfree(page);
		return false;
	}
	spin_lock_bh(&table->lock);
	chunk->cpu = smp_processor_id();
	list_add(&chunk->partial, &pool->partial[chunk->cpu]);
	pool->n_chunks++;
	spin_unlock_bh(&table->lock);
	return true;
}

/*
 * A flow's place in a table is a number: of its chunk, its kind and its slot. Of a number of a
 * chunk that is too large, beyond a hundred million flows, it would be the place of another flow.
 */
#define PLACE_SLOT	GENMASK(5, 0)
#define PLACE_KIND	GENMASK(7, 6)
#define PLACE_CHUNK	GENMASK(31, 8)

static_assert(VFW_FLOW4_SLOTS <= PLACE_SLOT + 1 && VFW_FLOW6_SLOTS <= PLACE_SLOT + 1);
static_assert(PLACE_SLOT + 1 >= VFW_TAGGED_SLOTS);
static_assert((PLACE_KIND >> 6) + 1 >= VFW_FLOW_KINDS);
/*
 * In a live stream places are below VFW_STATE_PLACES. A chunk is added when no more than an eighth
 * of the slots is free, and a chunk of each CPU (chunk_with_room()), and takes the lowest number.
 */
static_assert((VFW_FLOWS_MAX / VFW_TAGGED_SLOTS + CONFIG_NR_CPUS) / 7 * 8 <
	      VFW_STATE_PLACES >> 8);

/**
 * vfw_flow_place() - where a flow is, as a number that does not keep its memory
 * @table: the table
 * @flow: a flow of it
 */
u32 vfw_flow_place(const struct vfw_flow_table *table, const struct vfw_flow *flow)
{
	enum vfw_flow_kind kind = vfw_flow_kind(flow);

	return FIELD_PREP(PLACE_CHUNK, chunk_of(flow)->number) | FIELD_PREP(PLACE_KIND, kind) |
	       FIELD_PREP(PLACE_SLOT, slot_number(&table->pool[kind], flow));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_place);

/**
 * vfw_flow_at() - what is where a flow was
 * @table: the table
 * @place: what vfw_flow_place() said
 *
 * Context: RCU read section, which keeps its memory.
 * Return: that flow, or another, or a dead one; or NULL.
 */
struct vfw_flow *vfw_flow_at(struct vfw_flow_table *table, u32 place)
{
	struct vfw_flow_pool *pool = &table->pool[FIELD_GET(PLACE_KIND, place)];
	struct vfw_flow_chunk *chunk = xa_load(&pool->chunks, FIELD_GET(PLACE_CHUNK, place));

	return chunk ? chunk_slot(pool, chunk, FIELD_GET(PLACE_SLOT, place)) : NULL;
}

static enum vfw_drop_reason check_limits(struct vfw_flow_table *table,
					 const struct vfw_policy *policy,
					 const struct vfw_opening *opening, bool half_open)
{
	lockdep_assert_held(&table->lock);
	if (table->count >= policy->max_flows)
		return VFW_DROP_REASON_FLOW_LIMIT;
	if (half_open && table->half_open[opening->direction] >= policy->max_half_open)
		return VFW_DROP_REASON_HALF_OPEN_LIMIT;
	return VFW_DROP_REASON_NONE;
}

/*
 * A chunk with room: one of this CPU's; one of another's if so many slots are free there that
 * each CPU could have a chunk of its own and an eighth of all were left. That bounds what flows
 * that come and go on several CPUs can waste.
 */
static struct vfw_flow_chunk *chunk_with_room(struct vfw_flow_pool *pool)
{
	u32 slots = pool->n_chunks * pool->per_chunk;
	u16 cpu, here = smp_processor_id();
	struct vfw_flow_chunk *chunk;

	chunk = list_first_entry_or_null(&pool->partial[here], struct vfw_flow_chunk, partial);
	if (chunk || slots - pool->n_flows <= slots / 8 + nr_cpu_ids * pool->per_chunk)
		return chunk;
	for_each_possible_cpu(cpu) {
		chunk = list_first_entry_or_null(&pool->partial[cpu], struct vfw_flow_chunk,
						 partial);
		if (!chunk)
			continue;
		chunk->cpu = here;
		list_move(&chunk->partial, &pool->partial[here]);
		break;
	}
	return chunk;
}

static struct vfw_flow *slot_take(struct vfw_flow_table *table, struct vfw_flow_pool *pool)
{
	struct vfw_flow_chunk *chunk;
	struct vfw_flow *flow;

	lockdep_assert_held(&table->lock);
	chunk = chunk_with_room(pool);
	if (!chunk)
		return NULL;
	if (chunk == pool->empty)
		pool->empty = NULL;
	flow = chunk_slot(pool, chunk, chunk->free - 1);
	chunk->free = flow->next_free;
	chunk->used++;
	if (!chunk->free)
		list_del_init(&chunk->partial);
	pool->n_flows++;
	table->count++;
	return flow;
}

/*
 * Takes a slot for a flow, if the limits allow it and a chunk has room. @room: whether it is to be
 * seen to that there will be room for others, too.
 */
static struct vfw_flow *slot_try(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
				 const struct vfw_opening *opening,
				 const struct vfw_policy *policy, enum vfw_drop_reason *reason,
				 bool *room)
{
	bool half_open = vfw_state_half_open(opening->state);
	struct vfw_flow *flow = NULL;

	spin_lock_bh(&table->lock);
	*reason = check_limits(table, policy, opening, half_open);
	if (!*reason)
		flow = slot_take(table, pool);
	if (flow)
		table->half_open[opening->direction] += half_open;
	*room = *reason || vfw_recent_missing(table, policy, opening);
	spin_unlock_bh(&table->lock);
	return flow;
}

/**
 * vfw_flow_slot_get() - memory for a new flow, counted
 * @table: the table
 * @opening: the flow
 * @policy: whose limits apply
 * @reason: why there is none when NULL is returned
 * @gfp: may it sleep?
 *
 * At a limit another flow may have to go for it; that is tried once.
 *
 * Return: a flow that is VFW_FLOW_DEAD and in no hash, or NULL.
 */
struct vfw_flow *vfw_flow_slot_get(struct vfw_flow_table *table, const struct vfw_opening *opening,
				   const struct vfw_policy *policy, enum vfw_drop_reason *reason,
				   gfp_t gfp)
{
	struct vfw_flow_pool *pool = &table->pool[vfw_key_kind(opening->key)];
	bool evicted = false, room;
	struct vfw_flow *flow;

	for (;;) {
		flow = slot_try(table, pool, opening, policy, reason, &room);
		if (unlikely(room))
			vfw_collect_soon(table);
		if (flow)
			return flow;
		if (*reason) {
			if (evicted || !vfw_recent_evict(table, policy, opening, *reason))
				return NULL;
			evicted = true;
		} else if (!chunk_add(table, pool, gfp)) {
			*reason = VFW_DROP_REASON_NO_MEMORY;
			return NULL;
		}
	}
}

/*
 * Frees a chunk that no flow uses; but one is kept, so that a lone flow does not thrash, and all
 * are while it is noted in them which flows have ended.
 */
static void chunk_release(const struct vfw_flow_table *table, struct vfw_flow_pool *pool,
			  struct vfw_flow_chunk *chunk)
{
	lockdep_assert_held(&table->lock);
	if (table->marking)
		return;
	if (!pool->empty) {
		pool->empty = chunk;
		return;
	}
	list_del(&chunk->partial);
	pool->n_chunks--;
	__xa_erase(&pool->chunks, chunk->number);
	kfree_rcu(container_of(chunk, struct chunk_page, chunk), chunk.rcu);
}

/**
 * vfw_flow_slot_put() - give back what vfw_flow_slot_get() gave
 * @table: the table
 * @flow: the flow, locked, VFW_FLOW_DEAD and in no hash
 * @half_open: it was counted as half-open
 *
 * Context: BH off, RCU read section: the memory may go when that ends.
 */
void vfw_flow_slot_put(struct vfw_flow_table *table, struct vfw_flow *flow, bool half_open)
{
	struct vfw_flow_pool *pool = &table->pool[vfw_flow_kind(flow)];
	struct vfw_flow_chunk *chunk = chunk_of(flow);
	u32 slot = slot_number(pool, flow);

	spin_lock_bh(&table->lock);
	flow->next_free = chunk->free;
	if (!chunk->free)
		list_add(&chunk->partial, &pool->partial[chunk->cpu]);
	chunk->free = slot + 1;
	chunk->used--;
	pool->n_flows--;
	table->count--;
	table->half_open[vfw_flow_opened(flow)] -= half_open;
	if (!chunk->used) {
		xa_lock_bh(&pool->chunks);
		chunk_release(table, pool, chunk);
		xa_unlock_bh(&pool->chunks);
	}
	spin_unlock_bh(&table->lock);
}

/**
 * vfw_flow_chunk_unmark() - forget what is noted in a chunk; free it if it was kept only for that
 * @table: the table, not marked any more
 * @pool: the chunk's
 * @chunk: the chunk
 *
 * Context: BH off, RCU read section: the memory may go when that ends.
 */
void vfw_flow_chunk_unmark(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
			   struct vfw_flow_chunk *chunk)
{
	spin_lock(&table->lock);
	xa_lock(&pool->chunks);
	/* Another CPU may have released it since it was found; one may be adding it. */
	if (xa_load(&pool->chunks, chunk->number) == chunk) {
		__xa_clear_mark(&pool->chunks, chunk->number, VFW_CHUNK_CHANGED);
		/* After the mark: who finds no slot marked marks the chunk. */
		atomic64_set_release(&chunk->changed, 0);
		if (!chunk->used && chunk != pool->empty && !list_empty(&chunk->partial))
			chunk_release(table, pool, chunk);
	}
	xa_unlock(&pool->chunks);
	spin_unlock(&table->lock);
}

/* Walks. */

static int walk_chunk(struct vfw_flow_pool *pool, struct vfw_flow_chunk *chunk, u32 *slot,
		      int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	struct vfw_flow *flow;
	int err;

	for (; *slot < pool->per_chunk; (*slot)++) {
		flow = chunk_slot(pool, chunk, *slot);
		if (READ_ONCE(flow->flags) & VFW_FLOW_DEAD)
			continue;
		spin_lock(&flow->lock);
		err = flow->flags & VFW_FLOW_DEAD ? 0 : visit(flow, arg);
		spin_unlock(&flow->lock);
		if (err)
			return err;
	}
	return 0;
}

static int walk_next_chunk(struct vfw_flow_pool *pool, struct vfw_flow_cursor *cursor,
			   int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	unsigned long number = cursor->chunk;
	struct vfw_flow_chunk *chunk;
	int err = 0;

	rcu_read_lock();
	local_bh_disable();
	chunk = xa_find(&pool->chunks, &number, ULONG_MAX, XA_PRESENT);
	if (!chunk) {
		err = -ENOENT;
	} else {
		if (number != cursor->chunk)
			cursor->slot = 0;
		cursor->chunk = number;
		err = walk_chunk(pool, chunk, &cursor->slot, visit, arg);
		if (!err) {
			cursor->chunk++;
			cursor->slot = 0;
		}
	}
	local_bh_enable();
	rcu_read_unlock();
	return err;
}

/**
 * vfw_flow_walk() - visit the flows of a table, in the order of memory
 * @table: the table; the caller sees to it that it stays
 * @cursor: where to begin (all zero for the first), and where the walk stopped
 * @visit: is called with each flow, locked, BH off, under RCU. Returns 0 to go on; anything but
 *	0 or -ENOENT to stop before this flow. May remove the flow.
 * @arg: for @visit
 *
 * A flow that is there all along is met exactly once, however often the walk stops.
 *
 * Context: process context; sleeps between chunks when it must.
 * Return: 0 at the end, or what @visit returned.
 */
int vfw_flow_walk(struct vfw_flow_table *table, struct vfw_flow_cursor *cursor,
		  int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	int err;

	for (; cursor->kind < ARRAY_SIZE(table->pool); cursor->kind++) {
		do {
			err = walk_next_chunk(&table->pool[cursor->kind], cursor, visit, arg);
			cond_resched();
		} while (!err);
		if (err != -ENOENT)
			return err;
		cursor->chunk = 0;
		cursor->slot = 0;
	}
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_walk);

/* Tables. */

/**
 * vfw_flow_table_freeze() - let a table's time stand still
 * @table: the table; no packet is using it
 */
void vfw_flow_table_freeze(struct vfw_flow_table *table)
{
	WRITE_ONCE(table->frozen_at, (u32)jiffies);
	/* Pairs with the acquire in vfw_flow_now(): who sees it frozen sees since when. */
	smp_store_release(&table->frozen, true);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_freeze);

/**
 * vfw_flow_table_advance() - let a frozen table's time jump ahead
 * @table: the table; known to its maker alone
 * @by: jiffies
 */
void vfw_flow_table_advance(struct vfw_flow_table *table, u32 by)
{
	WRITE_ONCE(table->frozen_at, table->frozen_at + by);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_advance);

/**
 * vfw_flow_table_thaw() - let a table's time go on from where it stopped
 * @table: the table; no packet is using it
 */
void vfw_flow_table_thaw(struct vfw_flow_table *table)
{
	WRITE_ONCE(table->lag, table->lag + ((u32)jiffies - table->frozen_at));
	/* Pairs with the acquire in vfw_flow_now(): who sees it go on sees how far behind. */
	smp_store_release(&table->frozen, false);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_thaw);

static bool pool_init(struct vfw_flow_pool *pool, u32 flow_bytes, u32 per_chunk)
{
	unsigned int cpu;

	static_assert(VFW_FLOW4_SLOTS < U8_MAX && VFW_FLOW6_SLOTS < U8_MAX &&
		      VFW_TAGGED_SLOTS < U8_MAX);

	xa_init_flags(&pool->chunks, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_BH);
	pool->flow_bytes = flow_bytes;
	pool->per_chunk = per_chunk;
	pool->partial = kmalloc_array(nr_cpu_ids, sizeof(*pool->partial), GFP_KERNEL_ACCOUNT);
	if (!pool->partial)
		return false;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		INIT_LIST_HEAD(&pool->partial[cpu]);
	return true;
}

static void pool_destroy(struct vfw_flow_pool *pool)
{
	unsigned long number;
	struct vfw_flow_chunk *chunk;

	xa_for_each(&pool->chunks, number, chunk) {
		kfree(chunk_memory(chunk));
		cond_resched();
	}
	xa_destroy(&pool->chunks);
	kfree(pool->partial);
}

static void table_destroy(struct vfw_flow_table *table)
{
	int kind;

	for (kind = 0; kind < VFW_FLOW_KINDS; kind++) {
		vfw_flow_hash_destroy(&table->hash[kind]);
		pool_destroy(&table->pool[kind]);
	}
	vfw_sources_free(rcu_dereference_protected(table->sources, true));
	vfw_recent_free(table);
	kfree(table);
}

/**
 * vfw_flow_table_alloc() - make an empty table
 * @vm: whose it is, or NULL while nothing but its maker knows it
 *
 * Return: the table, to be freed by vfw_flow_table_free() or vfw_flow_table_free_rcu(); NULL
 *	without memory.
 */
struct vfw_flow_table *vfw_flow_table_alloc(struct vfw_vm *vm)
{
	struct vfw_flow_table *table;
	bool ready;

	table = kzalloc_obj(*table, GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	spin_lock_init(&table->lock);
	ready = pool_init(&table->pool[VFW_FLOWS_IPV4], VFW_FLOW4_BYTES, VFW_FLOW4_SLOTS);
	ready &= pool_init(&table->pool[VFW_FLOWS_IPV6], VFW_FLOW6_BYTES, VFW_FLOW6_SLOTS);
	ready &= pool_init(&table->pool[VFW_FLOWS_TAGGED], VFW_TAGGED_BYTES, VFW_TAGGED_SLOTS);
	if (!ready || vfw_flow_hashes_init(table)) {
		table_destroy(table);
		return NULL;
	}
	vfw_collect_init(table);
	if (vm)
		vfw_flow_table_start(table, vm);
	return table;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_alloc);

/**
 * vfw_flow_table_reserve() - make room for flows that are about to be restored
 * @table: a table that nobody else knows yet, without flows
 * @flows: how many are expected of each kind; a wish, that of a liar costs 16 MiB a kind at most
 *
 * Context: process context; sleeps.
 */
void vfw_flow_table_reserve(struct vfw_flow_table *table, const u32 flows[VFW_FLOW_KINDS])
{
	int kind;

	for (kind = 0; kind < VFW_FLOW_KINDS; kind++)
		vfw_flow_hash_reserve(&table->hash[kind], min(flows[kind], RESERVE_MAX));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_reserve);

/**
 * vfw_flow_table_start() - give a table to a VM; from now on flows expire
 * @table: the table
 * @vm: the VM
 */
void vfw_flow_table_start(struct vfw_flow_table *table, struct vfw_vm *vm)
{
	WRITE_ONCE(table->vm, vm);
	vfw_collect_start(table);
}

/**
 * vfw_flow_table_stop() - take a table from its VM; from now on it does not look at the VM
 * @table: the table; the hook may still be using it
 *
 * Context: process context, sleeps. The VM must stay for a grace period.
 */
void vfw_flow_table_stop(struct vfw_flow_table *table)
{
	WRITE_ONCE(table->vm, NULL);
	vfw_collect_stop(table);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_stop);

/**
 * vfw_flow_table_free() - free a table that nobody can reach any more
 * @table: the table
 */
void vfw_flow_table_free(struct vfw_flow_table *table)
{
	vfw_flow_table_stop(table);
	table_destroy(table);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_free);

static void flow_table_free_work(struct work_struct *work)
{
	vfw_flow_table_free(container_of(to_rcu_work(work), struct vfw_flow_table, free));
}

/**
 * vfw_flow_table_free_rcu() - free a table when nobody can be using it any more
 * @table: the table, not reachable by new readers
 */
void vfw_flow_table_free_rcu(struct vfw_flow_table *table)
{
	INIT_RCU_WORK(&table->free, flow_table_free_work);
	queue_rcu_work(vfw_wq, &table->free);
}
