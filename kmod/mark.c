// SPDX-License-Identifier: GPL-2.0
/*
 * Marks: which flows of a table have changed, or ended, since they were last sent.
 *
 * While a VM's state is being sent in rounds, a flow is marked by the first packet that changes it
 * after it was sent: in the flow itself, so that the next packets see that it is done, and by the
 * bit of its slot in its chunk. A chunk with a bit set is marked in the array of chunks, which
 * finds marked ones without a look at the others. So a round costs what has changed, a flow's
 * further packets cost nothing, and no memory is needed that might not be there.
 *
 * A flow that ends leaves its bit behind. The slot is what the other side knows the flow by: what
 * is found there when the round comes is another flow, or none. For this, chunks that become empty
 * are kept until it is over.
 *
 *	flow->changed	slot's bit
 *	0		0		as it was sent
 *	1		1		has changed since, or was opened
 *	any		1		has ended (the flow is dead), or is not sent yet
 *	1		0		not sent yet, left over from an earlier time: is sent anyway
 */

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "mark.h"

static_assert(VFW_FLOW4_SLOTS <= 64 && VFW_FLOW6_SLOTS <= 64 && VFW_TAGGED_SLOTS <= 64);

/*
 * Whoever clears bits clears the chunk's mark first: none is left with bits but without it, or only
 * until the CPU that set the first bit has set the mark, too.
 */
static void mark_slots(struct vfw_flow_pool *pool, struct vfw_flow_chunk *chunk, u64 slots)
{
	if (!atomic64_fetch_or(slots, &chunk->changed))
		xa_set_mark(&pool->chunks, chunk->number, VFW_CHUNK_CHANGED);
}

static u64 slot_bit(const struct vfw_flow_pool *pool, const struct vfw_flow *flow)
{
	return BIT_ULL(slot_number(pool, flow));
}

/**
 * vfw_mark_flow() - mark a flow; see vfw_mark_changed()
 * @table: its table
 * @flow: the flow, locked; or dead, but its slot is not used again yet
 *
 * Context: BH off, RCU read section.
 */
void vfw_mark_flow(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	struct vfw_flow_pool *pool = &table->pool[vfw_flow_kind(flow)];

	lockdep_assert_held(&flow->lock);
	flow->changed = 1;
	mark_slots(pool, chunk_of(flow), slot_bit(pool, flow));
}
EXPORT_SYMBOL_VFW_TEST(vfw_mark_flow);

/**
 * vfw_mark_clear() - a flow is sent as it is now
 * @table: its table
 * @flow: the flow, locked
 */
void vfw_mark_clear(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	struct vfw_flow_pool *pool = &table->pool[vfw_flow_kind(flow)];
	struct vfw_flow_chunk *chunk = chunk_of(flow);
	u64 bit = slot_bit(pool, flow);

	lockdep_assert_held(&flow->lock);
	flow->changed = 0;
	if (atomic64_read(&chunk->changed) & bit)
		atomic64_andnot(bit, &chunk->changed);
}

/**
 * vfw_mark_begin() - mark flows from now on
 * @table: the table, not marked yet
 *
 * No flow counts as sent yet. What changes after this is marked.
 *
 * Context: process context; waits until packets under way are done.
 */
void vfw_mark_begin(struct vfw_flow_table *table)
{
	spin_lock_bh(&table->lock);
	WRITE_ONCE(table->marking, 1);
	spin_unlock_bh(&table->lock);
	/* Packets that saw it unmarked are in RCU sections that end here. */
	synchronize_net();
}
EXPORT_SYMBOL_VFW_TEST(vfw_mark_begin);

/* The next chunk of a pool from a number on, or NULL. BH off, RCU. */
static struct vfw_flow_chunk *next_chunk(struct vfw_flow_pool *pool, unsigned long *number,
					 xa_mark_t mark)
{
	return xa_find(&pool->chunks, number, ULONG_MAX, mark);
}

static bool unmark_next(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
			unsigned long *number)
{
	struct vfw_flow_chunk *chunk;

	rcu_read_lock();
	local_bh_disable();
	chunk = next_chunk(pool, number, XA_PRESENT);
	if (chunk)
		vfw_flow_chunk_unmark(table, pool, chunk);
	local_bh_enable();
	rcu_read_unlock();
	++*number;
	return chunk;
}

/**
 * vfw_mark_end() - mark no flows any more, and forget which are marked
 * @table: the table
 *
 * Context: process context; sleeps.
 */
void vfw_mark_end(struct vfw_flow_table *table)
{
	unsigned long number;
	int kind;

	spin_lock_bh(&table->lock);
	WRITE_ONCE(table->marking, 0);
	spin_unlock_bh(&table->lock);
	for (kind = 0; kind < VFW_FLOW_KINDS; kind++) {
		number = 0;
		while (unmark_next(table, &table->pool[kind], &number))
			cond_resched();
	}
}
EXPORT_SYMBOL_VFW_TEST(vfw_mark_end);

static u32 count_pool(struct vfw_flow_pool *pool)
{
	struct vfw_flow_chunk *chunk;
	unsigned long number = 0;
	u32 n = 0;

	do {
		rcu_read_lock();
		chunk = next_chunk(pool, &number, VFW_CHUNK_CHANGED);
		if (chunk)
			n += hweight64(atomic64_read(&chunk->changed));
		rcu_read_unlock();
		number++;
		cond_resched();
	} while (chunk);
	return n;
}

/**
 * vfw_mark_count() - how many flows are marked, those that ended included
 * @table: the table, marked
 *
 * Context: process context; sleeps.
 */
u32 vfw_mark_count(struct vfw_flow_table *table)
{
	u32 n = 0;
	int kind;

	for (kind = 0; kind < VFW_FLOW_KINDS; kind++)
		n += count_pool(&table->pool[kind]);
	return n;
}
EXPORT_SYMBOL_VFW_TEST(vfw_mark_count);

/* A slot that is marked. 0, or what @visit returned; @left keeps its bit if it stays marked. */
static int walk_slot(struct vfw_flow *flow, bool ended, u64 bit, u64 *left,
		     int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	int err = 0;

	spin_lock(&flow->lock);
	if (!(flow->flags & VFW_FLOW_DEAD) == !ended) {
		err = visit(flow, arg);
		if (!err) {
			flow->changed = 0;
			*left &= ~bit;
		}
	}
	spin_unlock(&flow->lock);
	return err;
}

static int walk_chunk(struct vfw_flow_pool *pool, struct vfw_flow_chunk *chunk, bool ended,
		      int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	u64 slots, left;
	int err = 0;
	u32 slot;

	xa_clear_mark(&pool->chunks, chunk->number, VFW_CHUNK_CHANGED);
	slots = atomic64_xchg(&chunk->changed, 0);
	left = slots;
	while (slots && !err) {
		slot = __ffs64(slots);
		slots &= slots - 1;
		err = walk_slot(chunk_slot(pool, chunk, slot), ended, BIT_ULL(slot), &left, visit,
				arg);
	}
	if (!left)
		return err;
	/* Also if another CPU is about to do it: the walk comes back to this chunk. */
	atomic64_or(left, &chunk->changed);
	xa_set_mark(&pool->chunks, chunk->number, VFW_CHUNK_CHANGED);
	return err;
}

static int walk_next_chunk(struct vfw_flow_pool *pool, struct vfw_flow_cursor *cursor, bool ended,
			   int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	unsigned long number = cursor->chunk;
	struct vfw_flow_chunk *chunk;
	int err = -ENOENT;

	rcu_read_lock();
	local_bh_disable();
	chunk = next_chunk(pool, &number, VFW_CHUNK_CHANGED);
	if (chunk) {
		cursor->chunk = number;
		err = walk_chunk(pool, chunk, ended, visit, arg);
		cursor->chunk += !err;
	}
	local_bh_enable();
	rcu_read_unlock();
	return err;
}

/**
 * vfw_mark_walk() - visit the flows that are marked, in the order of memory, and unmark them
 * @table: the table, marked; the caller sees to it that it stays
 * @cursor: where to begin (all zero for the first), and where the walk stopped; slots do not count
 * @ended: visit the slots of flows that ended, instead of flows
 * @visit: is called with each flow or slot, locked, BH off, under RCU. Returns 0 when it is sent;
 *	anything but 0 or -ENOENT to stop before it, which leaves it marked
 * @arg: for @visit
 *
 * A flow that changes behind the cursor, or ends, or begins there, is marked for the next walk.
 *
 * Context: process context; sleeps between chunks when it must.
 * Return: 0 at the end, or what @visit returned.
 */
int vfw_mark_walk(struct vfw_flow_table *table, struct vfw_flow_cursor *cursor, bool ended,
		  int (*visit)(struct vfw_flow *flow, void *arg), void *arg)
{
	int err;

	for (; cursor->kind < VFW_FLOW_KINDS; cursor->kind++) {
		do {
			err = walk_next_chunk(&table->pool[cursor->kind], cursor, ended, visit,
					      arg);
			cond_resched();
		} while (!err);
		if (err != -ENOENT)
			return err;
		cursor->chunk = 0;
	}
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_mark_walk);
