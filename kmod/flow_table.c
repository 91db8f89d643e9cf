// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a flow table: chunks and slots, walks over them, and what collects flows that
 * have expired. The theory is in flow.c.
 */

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "vm.h"

#define CHUNK_BYTES	4096U
#define GC_INTERVAL	(5UL * HZ)
#define GC_AFTER_LIMIT	(HZ / 2UL)

/**
 * struct chunk - flows of one family, in one naturally aligned piece of memory
 * @partial: in the pool's list while a slot is free
 * @rcu: to free it
 * @number: in the pool
 * @used: slots in use
 * @free: first free slot plus one, 0 for none
 */
struct chunk {
	struct list_head partial;
	struct rcu_head rcu;
	u32 number;
	u16 used;
	u8 free;
};

#define CHUNK_HEAD ALIGN(sizeof(struct chunk), 64)

static struct chunk *chunk_of(const struct vfw_flow *flow)
{
	return (struct chunk *)((unsigned long)flow & ~((unsigned long)CHUNK_BYTES - 1));
}

static struct vfw_flow *chunk_slot(const struct vfw_flow_pool *pool, struct chunk *chunk, u32 slot)
{
	return (void *)chunk + CHUNK_HEAD + slot * pool->flow_size;
}

static void chunk_init(struct vfw_flow_pool *pool, struct chunk *chunk, u8 family)
{
	struct vfw_flow *flow;
	u32 slot;

	INIT_LIST_HEAD(&chunk->partial);
	for (slot = 0; slot < pool->per_chunk; slot++) {
		flow = chunk_slot(pool, chunk, slot);
		spin_lock_init(&flow->lock);
		flow->family = family;
		flow->flags = VFW_FLOW_DEAD;
		flow->next_free = slot + 1 < pool->per_chunk ? slot + 2 : 0;
	}
	chunk->free = 1;
}

static bool chunk_add(struct vfw_flow_table *table, struct vfw_flow_pool *pool, gfp_t gfp)
{
	u8 family = pool == &table->pool[0] ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;
	struct chunk *chunk;

	/* kmalloc() of a power of two is aligned to it, which chunk_of() relies on. */
	chunk = kzalloc(CHUNK_BYTES, gfp | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!chunk)
		return false;
	chunk_init(pool, chunk, family);
	if (xa_alloc_bh(&pool->chunks, &chunk->number, chunk, xa_limit_31b,
			gfp | __GFP_NOWARN)) {
		kfree(chunk);
		return false;
	}
	spin_lock_bh(&table->lock);
	list_add(&chunk->partial, &pool->partial);
	pool->n_chunks++;
	spin_unlock_bh(&table->lock);
	return true;
}

static enum vfw_drop_reason check_limits(struct vfw_flow_table *table,
					 const struct vfw_policy *policy, bool half_open)
{
	lockdep_assert_held(&table->lock);
	if (table->count >= policy->max_flows)
		return VFW_DROP_REASON_FLOW_LIMIT;
	if (half_open && table->half_open >= policy->max_half_open)
		return VFW_DROP_REASON_HALF_OPEN_LIMIT;
	return VFW_DROP_REASON_NONE;
}

static struct vfw_flow *slot_take(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
				  bool half_open)
{
	struct chunk *chunk;
	struct vfw_flow *flow;

	lockdep_assert_held(&table->lock);
	chunk = list_first_entry_or_null(&pool->partial, struct chunk, partial);
	if (!chunk)
		return NULL;
	flow = chunk_slot(pool, chunk, chunk->free - 1);
	chunk->free = flow->next_free;
	chunk->used++;
	if (!chunk->free)
		list_del_init(&chunk->partial);
	table->count++;
	table->half_open += half_open;
	return flow;
}

/* Flows that have expired may still fill the table: do not wait for the next collection. */
static void gc_soon(struct vfw_flow_table *table)
{
	if (READ_ONCE(table->gc_soon) || !READ_ONCE(table->vm))
		return;
	WRITE_ONCE(table->gc_soon, true);
	mod_delayed_work(vfw_wq, &table->gc, max(GC_AFTER_LIMIT, READ_ONCE(table->gc_pause)));
}

/**
 * vfw_flow_slot_get() - memory for a new flow, counted
 * @table: the table
 * @pool: the pool of its family
 * @policy: whose limits apply
 * @half_open: the flow begins half-open
 * @reason: why there is none when NULL is returned
 * @gfp: may it sleep?
 *
 * Return: a flow that is VFW_FLOW_DEAD and in no hash, or NULL.
 */
struct vfw_flow *vfw_flow_slot_get(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
				   const struct vfw_policy *policy, bool half_open,
				   enum vfw_drop_reason *reason, gfp_t gfp)
{
	struct vfw_flow *flow = NULL;

	for (;;) {
		spin_lock_bh(&table->lock);
		*reason = check_limits(table, policy, half_open);
		if (!*reason)
			flow = slot_take(table, pool, half_open);
		spin_unlock_bh(&table->lock);
		if (flow)
			return flow;
		if (*reason) {
			gc_soon(table);
			return NULL;
		}
		if (!chunk_add(table, pool, gfp)) {
			*reason = VFW_DROP_REASON_NO_MEMORY;
			return NULL;
		}
	}
}

/* Frees a chunk that nothing uses, but keeps one, so that a lone flow does not thrash. */
static void chunk_release(struct vfw_flow_pool *pool, struct chunk *chunk)
{
	if (chunk->used || list_is_singular(&pool->partial))
		return;
	list_del(&chunk->partial);
	pool->n_chunks--;
	__xa_erase(&pool->chunks, chunk->number);
	kfree_rcu(chunk, rcu);
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
	struct vfw_flow_pool *pool = &table->pool[flow->family == VFW_FAMILY_IPV6];
	struct chunk *chunk = chunk_of(flow);
	u32 slot = ((void *)flow - (void *)chunk - CHUNK_HEAD) / pool->flow_size;

	spin_lock_bh(&table->lock);
	flow->next_free = chunk->free;
	if (!chunk->free)
		list_add(&chunk->partial, &pool->partial);
	chunk->free = slot + 1;
	chunk->used--;
	table->count--;
	table->half_open -= half_open;
	if (!chunk->used) {
		xa_lock_bh(&pool->chunks);
		chunk_release(pool, chunk);
		xa_unlock_bh(&pool->chunks);
	}
	spin_unlock_bh(&table->lock);
}

/* Walks. */

static int walk_chunk(struct vfw_flow_pool *pool, struct chunk *chunk, u32 *slot,
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
	struct chunk *chunk;
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

	for (; cursor->family < ARRAY_SIZE(table->pool); cursor->family++) {
		do {
			err = walk_next_chunk(&table->pool[cursor->family], cursor, visit, arg);
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

static int add_live(struct vfw_flow *flow, void *arg)
{
	struct vfw_flow_totals *totals = arg;
	int dir;

	for (dir = 0; dir < 2; dir++) {
		totals->packets[dir] += flow->packets[dir];
		totals->bytes[dir] += flow->bytes[dir];
	}
	return 0;
}

/**
 * vfw_flow_table_totals() - what a table has counted, with the flows that live
 * @table: the table
 * @totals: where to put it
 *
 * Context: process context; walks all flows.
 */
void vfw_flow_table_totals(struct vfw_flow_table *table, struct vfw_flow_totals *totals)
{
	struct vfw_flow_cursor cursor = {};

	spin_lock_bh(&table->lock);
	*totals = table->totals;
	spin_unlock_bh(&table->lock);
	vfw_flow_walk(table, &cursor, add_live, totals);
}

static int remove_expired(struct vfw_flow *flow, void *arg)
{
	struct vfw_flow_table *table = arg;

	if (vfw_flow_expired(flow, vfw_flow_now(table)))
		vfw_flow_remove(table, flow);
	return 0;
}

/**
 * vfw_flow_table_collect() - remove all flows that have expired
 * @table: the table
 *
 * Context: process context; sleeps.
 */
void vfw_flow_table_collect(struct vfw_flow_table *table)
{
	struct vfw_flow_cursor cursor = {};

	vfw_flow_walk(table, &cursor, remove_expired, table);
}

static void flow_gc(struct work_struct *work)
{
	struct vfw_flow_table *table = container_of(to_delayed_work(work), struct vfw_flow_table,
						    gc);
	unsigned long begin = jiffies;

	vfw_flow_table_collect(table);
	/* A large table is walked less often: a tenth of the time at most when it is full. */
	WRITE_ONCE(table->gc_pause, 10 * (jiffies - begin));
	WRITE_ONCE(table->gc_soon, false);
	queue_delayed_work(vfw_wq, &table->gc,
			   round_jiffies_relative(max(GC_INTERVAL, 5 * table->gc_pause)));
}

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

static void pool_init(struct vfw_flow_pool *pool, size_t key_size)
{
	xa_init_flags(&pool->chunks, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_BH);
	INIT_LIST_HEAD(&pool->partial);
	pool->flow_size = ALIGN(sizeof(struct vfw_flow) + key_size, 64);
	pool->per_chunk = min((CHUNK_BYTES - CHUNK_HEAD) / pool->flow_size, 254UL);
}

static void pool_destroy(struct vfw_flow_pool *pool)
{
	unsigned long number;
	struct chunk *chunk;

	xa_for_each(&pool->chunks, number, chunk) {
		kfree(chunk);
		cond_resched();
	}
	xa_destroy(&pool->chunks);
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

	table = kzalloc_obj(*table, GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	if (vfw_flow_hash_init(table->hash)) {
		kfree(table);
		return NULL;
	}
	spin_lock_init(&table->lock);
	pool_init(&table->pool[0], sizeof(struct vfw_key4));
	pool_init(&table->pool[1], sizeof(struct vfw_key6));
	INIT_DELAYED_WORK(&table->gc, flow_gc);
	if (vm)
		vfw_flow_table_start(table, vm);
	return table;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_alloc);

/**
 * vfw_flow_table_start() - give a table to a VM; from now on flows expire
 * @table: the table
 * @vm: the VM
 */
void vfw_flow_table_start(struct vfw_flow_table *table, struct vfw_vm *vm)
{
	WRITE_ONCE(table->vm, vm);
	queue_delayed_work(vfw_wq, &table->gc, GC_INTERVAL);
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
	cancel_delayed_work_sync(&table->gc);
}

/**
 * vfw_flow_table_free() - free a table that nobody can reach any more
 * @table: the table
 */
void vfw_flow_table_free(struct vfw_flow_table *table)
{
	vfw_flow_table_stop(table);
	rhashtable_destroy(&table->hash[0]);
	rhashtable_destroy(&table->hash[1]);
	pool_destroy(&table->pool[0]);
	pool_destroy(&table->pool[1]);
	kfree(table);
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
