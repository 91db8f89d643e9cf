/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_HASH_H
#define _VFW_FLOW_HASH_H

#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct vfw_flow;

/**
 * struct vfw_flow_buckets - an array of chains of flows
 * @memory: what was allocated for it
 * @mask: number of chains less one; a power of two less one
 * @moving_to: the array that all flows are being moved to, marked; or NULL
 * @free: to free it after a grace period, in process context
 * @chain: first flow of each chain, or NULL for none; at the end of a chain stands the address
 *	of its first pointer, with the lowest bit set
 */
struct vfw_flow_buckets {
	void *memory;
	u32 mask;
	struct vfw_flow_buckets __rcu *moving_to;
	struct rcu_work free;
	struct vfw_flow *chain[];
};

/*
 * Where a look-up finds an array, its address is marked with the logarithm of the number of its
 * chains, so that the head of the array, which would be a cache line more, need not be read.
 */
#define VFW_FLOW_BUCKETS_ALIGN	64UL

static inline struct vfw_flow_buckets *vfw_flow_buckets_mark(struct vfw_flow_buckets *buckets)
{
	return (void *)((unsigned long)buckets | ilog2(buckets->mask + 1));
}

static __always_inline struct vfw_flow_buckets *
vfw_flow_buckets_unmark(struct vfw_flow_buckets *marked)
{
	return (void *)((unsigned long)marked & ~(VFW_FLOW_BUCKETS_ALIGN - 1));
}

/* The chain for a hash in an array whose address is marked. */
static __always_inline struct vfw_flow **
vfw_flow_buckets_chain(struct vfw_flow_buckets *marked, u32 value)
{
	u32 mask = (1U << ((unsigned long)marked & (VFW_FLOW_BUCKETS_ALIGN - 1))) - 1;

	return &vfw_flow_buckets_unmark(marked)->chain[value & mask];
}

/**
 * struct vfw_flow_hash - the flows of one kind by their keys
 * @buckets: where the array is noted that a look-up begins with, marked: not here, because each
 *	packet reads it, and what is here changes with each flow that opens
 * @lock: the table's lock, under which chains change
 * @hash_flow: the hash of a flow's key
 * @count: flows in it; under @lock
 * @moved: chains of the first array whose flows were moved; under @lock
 * @resize: moves all flows to an array of another size
 */
struct vfw_flow_hash {
	struct vfw_flow_buckets __rcu **buckets;
	spinlock_t *lock; /* chains and count */
	u32 (*hash_flow)(const struct vfw_flow *flow);
	u32 count;
	u32 moved;
	struct work_struct resize;
};

int vfw_flow_hash_init(struct vfw_flow_hash *hash, struct vfw_flow_buckets __rcu **buckets,
		       spinlock_t *lock, u32 (*hash_flow)(const struct vfw_flow *flow));
void vfw_flow_hash_destroy(struct vfw_flow_hash *hash);
void vfw_flow_hash_reserve(struct vfw_flow_hash *hash, u32 flows);
void vfw_flow_hash_add(struct vfw_flow_hash *hash, struct vfw_flow *flow, u32 value);
void vfw_flow_hash_remove(struct vfw_flow_hash *hash, struct vfw_flow *flow, u32 value);
void vfw_flow_hash_shrink(struct vfw_flow_hash *hash);

/* What stands at the end of a chain. */
static inline struct vfw_flow *vfw_flow_chain_end(struct vfw_flow *const *chain)
{
	return (struct vfw_flow *)((unsigned long)chain | 1);
}

static inline bool vfw_flow_is_end(const struct vfw_flow *flow)
{
	return !flow || (unsigned long)flow & 1;
}

#endif /* _VFW_FLOW_HASH_H */
