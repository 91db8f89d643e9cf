// SPDX-License-Identifier: GPL-2.0
/*
 * The hash of a flow table: chains that are read without a lock, and can be resized meanwhile.
 *
 * Why not rhashtable, which this resembles: it cannot be made for a million flows from the
 * beginning (its hint has 16 bits), so that a restore moves all flows from one array to the next
 * time and again; and it takes a lock of each chain besides the table's, which is held when a
 * flow opens or ends anyway, for the slots and the limits. Tried: 200,000 flows that open in one
 * go, table empty, took about 2,400 cycles each with rhashtable, and 580 to 940 with this.
 *
 * Flows are looked up under RCU alone, and a flow's memory may become another flow's at any time
 * (see struct vfw_flow). Whoever follows a chain may so be led into another one; each chain ends
 * with a mark of its own, by which that is noticed, and the search begins again.
 *
 * Resizing: the new array is made known in the old one (@moving_to); from then on flows are added
 * to the new one only. Then flow after flow is linked into the new array first, and taken out of
 * the old one after that; a look-up that searches the old array and then the new one misses none.
 * When the old array is empty, look-ups are told to begin with the new one.
 *
 *	look-up          resize
 *	old chain:       link into the new chain
 *	  not there      (release)
 *	(smp_rmb)        unlink from the old chain
 *	new chain
 */

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "main.h"
#include "flow.h"
#include "flow_hash.h"

#define CHAINS_MIN	256U
#define CHAINS_MAX	0x2000000U
#define FEW_CHAINS	65536U
#define STEP_CHAINS	4	/* chains whose flows whoever adds a flow moves */
#define BATCH_CHAINS	64	/* chains whose flows the worker moves under one hold of the lock */
#define RETRY_FLOWS	256	/* flows after which memory is asked for again */

static size_t buckets_size(u32 chains)
{
	struct vfw_flow_buckets *buckets;

	return struct_size(buckets, chain, chains) + VFW_FLOW_BUCKETS_ALIGN - 1;
}

/* In memory that was allocated for them, all zero, or NULL. */
static struct vfw_flow_buckets *buckets_make(void *memory, u32 chains)
{
	struct vfw_flow_buckets *buckets = PTR_ALIGN(memory, VFW_FLOW_BUCKETS_ALIGN);

	if (!memory)
		return NULL;
	buckets->memory = memory;
	buckets->mask = chains - 1;
	return buckets;
}

static struct vfw_flow_buckets *buckets_alloc(u32 chains)
{
	return buckets_make(kvzalloc(buckets_size(chains), GFP_KERNEL_ACCOUNT | __GFP_NOWARN),
			    chains);
}

static void buckets_free(struct vfw_flow_buckets *buckets)
{
	if (buckets)
		kvfree(buckets->memory);
}

static void buckets_free_work(struct work_struct *work)
{
	buckets_free(container_of(to_rcu_work(work), struct vfw_flow_buckets, free));
}

static void buckets_free_rcu(struct vfw_flow_buckets *buckets)
{
	INIT_RCU_WORK(&buckets->free, buckets_free_work);
	queue_rcu_work(vfw_wq, &buckets->free);
}

/* Three flows to four chains at most when it was made for so many. */
static u32 chains_for(u32 flows)
{
	return clamp((u32)roundup_pow_of_two(flows + flows / 3 + 1), CHAINS_MIN, CHAINS_MAX);
}

/* The arrays, under the lock, or where nobody else knows the table. */
static struct vfw_flow_buckets *first_buckets(const struct vfw_flow_hash *hash)
{
	return vfw_flow_buckets_unmark(rcu_dereference_protected(*hash->buckets, true));
}

static struct vfw_flow_buckets *last_buckets(const struct vfw_flow_hash *hash)
{
	struct vfw_flow_buckets *buckets = first_buckets(hash), *to;

	to = rcu_dereference_protected(buckets->moving_to, true);
	return to ? vfw_flow_buckets_unmark(to) : buckets;
}

static struct vfw_flow **chain_of(struct vfw_flow_buckets *buckets, u32 value)
{
	return &buckets->chain[value & buckets->mask];
}

/* Readers see the flow with its next, and all that was written to it before. */
static void chain_add(struct vfw_flow **chain, struct vfw_flow *flow)
{
	WRITE_ONCE(flow->next, *chain ?: vfw_flow_chain_end(chain));
	/* Pairs with the address dependency of those who follow the chain. */
	smp_store_release(chain, flow);
}

/* The flow keeps its next, for those who are just reading it. */
static bool chain_remove(struct vfw_flow **chain, const struct vfw_flow *flow)
{
	struct vfw_flow **at, *next = flow->next;

	for (at = chain; !vfw_flow_is_end(*at); at = &(*at)->next) {
		if (*at != flow)
			continue;
		if (at == chain && vfw_flow_is_end(next))
			next = NULL;
		WRITE_ONCE(*at, next);
		return true;
	}
	return false;
}

/*
 * The first flow of the chain goes: linked into its new chain, while it can still be reached
 * from the old one, then out of the old one.
 */
static void move_first(const struct vfw_flow_hash *hash, struct vfw_flow **from,
		       struct vfw_flow_buckets *to)
{
	struct vfw_flow *flow = *from, *next = flow->next;

	chain_add(chain_of(to, hash->hash_flow(flow)), flow);
	/* Pairs with the smp_rmb() between the arrays in a look-up: not here means there. */
	smp_store_release(from, vfw_flow_is_end(next) ? NULL : next);
}

static void resize_begin(struct vfw_flow_hash *hash, struct vfw_flow_buckets *to)
{
	hash->moved = 0;
	rcu_assign_pointer(first_buckets(hash)->moving_to, vfw_flow_buckets_mark(to));
}

/* Moves the flows of so many chains, if a resize is under way. Returns whether it still is. */
static bool resize_step(struct vfw_flow_hash *hash, u32 chains)
{
	struct vfw_flow_buckets *from = first_buckets(hash), *to = last_buckets(hash);

	if (to == from)
		return false;
	for (; chains && hash->moved <= from->mask; chains--, hash->moved++)
		while (from->chain[hash->moved])
			move_first(hash, &from->chain[hash->moved], to);
	if (hash->moved <= from->mask)
		return true;
	rcu_assign_pointer(*hash->buckets, vfw_flow_buckets_mark(to));
	buckets_free_rcu(from);
	return false;
}

/*
 * Resizing is asked of a worker. Where flows come so fast that it does not get to run, those who
 * add them do it: a little each, so that none takes long.
 */
static void grow_when_full(struct vfw_flow_hash *hash)
{
	u32 chains = last_buckets(hash)->mask + 1;
	struct vfw_flow_buckets *to;

	if (resize_step(hash, STEP_CHAINS) || hash->count <= chains - chains / 4 ||
	    chains == CHAINS_MAX)
		return;
	queue_work(vfw_wq, &hash->resize);
	if (hash->count < 2 * chains || hash->count % RETRY_FLOWS)
		return;
	chains = min(4 * chains, CHAINS_MAX);
	to = buckets_make(kzalloc(buckets_size(chains), GFP_ATOMIC | __GFP_NOWARN), chains);
	if (to)
		resize_begin(hash, to);
}

/**
 * vfw_flow_hash_add() - let a flow be found
 * @hash: the hash
 * @flow: the flow; the caller knows that no flow of its key is there
 * @value: hash of its key
 *
 * Context: under the table's lock.
 */
void vfw_flow_hash_add(struct vfw_flow_hash *hash, struct vfw_flow *flow, u32 value)
{
	lockdep_assert_held(hash->lock);
	chain_add(chain_of(last_buckets(hash), value), flow);
	hash->count++;
	grow_when_full(hash);
}

/**
 * vfw_flow_hash_remove() - let a flow be found no more
 * @hash: the hash
 * @flow: the flow, which is in it
 * @value: hash of its key
 *
 * Context: under the table's lock.
 */
void vfw_flow_hash_remove(struct vfw_flow_hash *hash, struct vfw_flow *flow, u32 value)
{
	lockdep_assert_held(hash->lock);
	if (!chain_remove(chain_of(last_buckets(hash), value), flow))
		chain_remove(chain_of(first_buckets(hash), value), flow);
	hash->count--;
}

/* Without memory all stays as it is; the next flow that opens asks again. */
static void resize_to(struct vfw_flow_hash *hash, u32 chains)
{
	struct vfw_flow_buckets *to = buckets_alloc(chains);

	spin_lock_bh(hash->lock);
	if (to && last_buckets(hash) == first_buckets(hash)) {
		resize_begin(hash, to);
		to = NULL;
	}
	spin_unlock_bh(hash->lock);
	buckets_free(to);
}

static void resize_finish(struct vfw_flow_hash *hash)
{
	bool more;

	do {
		spin_lock_bh(hash->lock);
		more = resize_step(hash, BATCH_CHAINS);
		spin_unlock_bh(hash->lock);
		cond_resched();
	} while (more);
}

/*
 * Grows to what the flows need, and while they are few to more than that: they may be the
 * beginning of a flood. Shrinks by halves, one at a time, so that a table that fills and empties
 * in turns does not follow each turn.
 */
static void resize_work(struct work_struct *work)
{
	struct vfw_flow_hash *hash = container_of(work, struct vfw_flow_hash, resize);
	u32 count, chains;

	resize_finish(hash);
	spin_lock_bh(hash->lock);
	count = hash->count;
	chains = last_buckets(hash)->mask + 1;
	spin_unlock_bh(hash->lock);
	if (count > chains - chains / 4)
		resize_to(hash, chains_for(count) * (chains < FEW_CHAINS ? 2 : 1));
	else if (count < chains / 8 && chains > CHAINS_MIN)
		resize_to(hash, chains / 2);
	resize_finish(hash);
}

/**
 * vfw_flow_hash_shrink() - let a hash shrink if it is much larger than its flows need
 * @hash: the hash
 *
 * Context: process context.
 */
void vfw_flow_hash_shrink(struct vfw_flow_hash *hash)
{
	u32 chains;

	rcu_read_lock();
	chains = vfw_flow_buckets_unmark(rcu_dereference(*hash->buckets))->mask + 1;
	rcu_read_unlock();
	if (READ_ONCE(hash->count) < chains / 8 && chains > CHAINS_MIN)
		queue_work(vfw_wq, &hash->resize);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_hash_shrink);

/**
 * vfw_flow_hash_reserve() - make room for flows that will come
 * @hash: a hash that nobody else knows yet, without flows
 * @flows: how many; no more than a wish
 *
 * Context: process context; sleeps.
 */
void vfw_flow_hash_reserve(struct vfw_flow_hash *hash, u32 flows)
{
	struct vfw_flow_buckets *old = first_buckets(hash), *buckets;

	if (hash->count || chains_for(flows) <= old->mask + 1)
		return;
	buckets = buckets_alloc(chains_for(flows));
	if (!buckets)
		return;
	RCU_INIT_POINTER(*hash->buckets, vfw_flow_buckets_mark(buckets));
	buckets_free(old);
}

/**
 * vfw_flow_hash_init() - make an empty hash
 * @hash: where
 * @buckets: where its array is noted; NULL as yet
 * @lock: the table's lock
 * @hash_flow: computes the hash of a flow's key
 *
 * Return: 0 or -ENOMEM.
 */
int vfw_flow_hash_init(struct vfw_flow_hash *hash, struct vfw_flow_buckets __rcu **buckets,
		       spinlock_t *lock, u32 (*hash_flow)(const struct vfw_flow *flow))
{
	struct vfw_flow_buckets *first = buckets_alloc(CHAINS_MIN);

	if (!first)
		return -ENOMEM;
	hash->buckets = buckets;
	RCU_INIT_POINTER(*hash->buckets, vfw_flow_buckets_mark(first));
	hash->lock = lock;
	hash->hash_flow = hash_flow;
	hash->count = 0;
	INIT_WORK(&hash->resize, resize_work);
	return 0;
}

/**
 * vfw_flow_hash_destroy() - free a hash that nobody can be reading
 * @hash: the hash; one that was never made, but zeroed, is fine
 *
 * Context: process context; sleeps.
 */
void vfw_flow_hash_destroy(struct vfw_flow_hash *hash)
{
	if (!hash->buckets)
		return;
	cancel_work_sync(&hash->resize);
	if (last_buckets(hash) != first_buckets(hash))
		buckets_free(last_buckets(hash));
	buckets_free(first_buckets(hash));
}
