/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_H
#define _VFW_FLOW_H

#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "packet.h"
#include "policy.h"
#include "tcp.h"

#define VFW_FLOW_OPENED_OUT	0x01	/* opened by the VM */
#define VFW_FLOW_ECHO_BOTH	0x02	/* both ends send ICMP echo requests */
#define VFW_FLOW_DEAD		0x80	/* not in the table (any more) */

/**
 * struct vfw_flow - one connection of a VM; followed in memory by its key
 * @node: in the table's hash
 * @lock: protects all that follows; taken with BH off
 * @state: enum vfw_flow_state
 * @flags: VFW_FLOW_*
 * @family: enum vfw_family; never changes while the memory is a flow's
 * @next_free: in a free slot, the next one, plus one
 * @expires: when it ends, in the table's time (vfw_flow_now())
 * @rule: number of the rule that admitted it; 0 for the default verdict
 * @epoch: policy epoch in which it was last judged
 * @born: when it was opened, in the table's time
 * @changed: reserved for "changed since"
 * @tcp: windows, of a TCP flow
 * @packets: by direction
 * @bytes: by direction, by the IP header
 *
 * The memory of a flow is reused for other flows of the same VM and family without a grace
 * period (as SLAB_TYPESAFE_BY_RCU does): whoever finds one under RCU takes its lock and looks
 * at VFW_FLOW_DEAD and the key again.
 */
struct vfw_flow {
	struct rhash_head node;
	spinlock_t lock; /* all below */
	u8 state;
	u8 flags;
	u8 family;
	u8 next_free;
	u32 expires;
	u32 rule;
	u32 epoch;
	u32 born;
	u32 changed;
	struct vfw_tcp tcp;
	u64 packets[2];
	u64 bytes[2];
};

/* A key as it is stored and hashed. */
struct vfw_key4 {
	__be32 local;
	__be32 remote;
	__be16 local_port;
	__be16 remote_port;
	u32 protocol;
} __aligned(8);

struct vfw_key6 {
	struct in6_addr local;
	struct in6_addr remote;
	__be16 local_port;
	__be16 remote_port;
	u32 protocol;
};

/**
 * struct vfw_flow_pool - where the flows of one family live
 * @chunks: pages of flows by number; entries change under the table's lock
 * @partial: chunks with room
 * @flow_size: bytes of a flow with its key
 * @per_chunk: flows in a chunk
 * @n_chunks: chunks there are
 */
struct vfw_flow_pool {
	struct xarray chunks;
	struct list_head partial;
	u32 flow_size;
	u32 per_chunk;
	u32 n_chunks;
};

/**
 * struct vfw_flow_totals - what a table has counted
 * @packets: by direction, of flows that ended
 * @bytes: the same
 * @opened: flows opened
 * @ended: flows ended
 */
struct vfw_flow_totals {
	u64 packets[2];
	u64 bytes[2];
	u64 opened;
	u64 ended;
};

/**
 * struct vfw_flow_table - a VM's flows
 * @hash: by key, one for each family (IPv4 first)
 * @lag: jiffies by which the table's time is behind (time in which it was frozen)
 * @frozen_at: jiffies when it was frozen
 * @frozen: the table's time stands still
 * @vm: whose it is; NULL while it is being restored
 * @lock: protects what follows to @totals; inside a flow's lock
 * @pool: one for each family
 * @count: flows there are
 * @half_open: TCP flows whose handshake is not complete
 * @totals: of flows that ended
 * @gc_pause: jiffies to wait at least before the next collection
 * @gc_soon: a collection was asked for, because a limit was reached
 * @gc: removes flows that have expired
 * @free: to free it after a grace period, in process context
 */
struct vfw_flow_table {
	struct rhashtable hash[2];
	u32 lag;
	u32 frozen_at;
	bool frozen;
	struct vfw_vm *vm;

	/* Written when flows open and end: away from what each packet reads. */
	spinlock_t lock ____cacheline_aligned_in_smp; /* slots and counts */
	struct vfw_flow_pool pool[2];
	u32 count;
	u32 half_open;
	struct vfw_flow_totals totals;
	unsigned long gc_pause;
	bool gc_soon;
	struct delayed_work gc;
	struct rcu_work free;
};

/**
 * struct vfw_flow_cursor - where a walk is; holds no pointer, so that it may wait at will
 * @family: index into the pools, 0 IPv4, 1 IPv6, 2 at the end
 * @chunk: number of the chunk
 * @slot: in the chunk
 */
struct vfw_flow_cursor {
	u32 family;
	u32 chunk;
	u32 slot;
};

struct vfw_flow_table *vfw_flow_table_alloc(struct vfw_vm *vm);
void vfw_flow_table_free(struct vfw_flow_table *table);
void vfw_flow_table_free_rcu(struct vfw_flow_table *table);
void vfw_flow_table_start(struct vfw_flow_table *table, struct vfw_vm *vm);
void vfw_flow_table_stop(struct vfw_flow_table *table);
void vfw_flow_table_freeze(struct vfw_flow_table *table);
void vfw_flow_table_thaw(struct vfw_flow_table *table);
void vfw_flow_table_collect(struct vfw_flow_table *table);
void vfw_flow_table_totals(struct vfw_flow_table *table, struct vfw_flow_totals *totals);

u32 vfw_flow_now(const struct vfw_flow_table *table);
bool vfw_flow_expired(const struct vfw_flow *flow, u32 now);
void vfw_flow_key(const struct vfw_flow *flow, struct vfw_key *key);

struct vfw_flow *vfw_flow_find(struct vfw_flow_table *table, const struct vfw_key *key);
struct vfw_flow *vfw_flow_add(struct vfw_flow_table *table, const struct vfw_key *key,
			      const struct vfw_policy *policy, u8 state,
			      enum vfw_drop_reason *reason, gfp_t gfp);
void vfw_flow_set_state(struct vfw_flow_table *table, struct vfw_flow *flow, u8 state);
void vfw_flow_remove(struct vfw_flow_table *table, struct vfw_flow *flow);
void vfw_flow_unlock(struct vfw_flow *flow);

/* Lets go of a flow that vfw_flow_find() returned. */
static inline void vfw_flow_put(struct vfw_flow *flow)
{
	__acquire(&flow->lock); /* for sparse: it was locked by another function */
	spin_unlock(&flow->lock);
}

int vfw_flow_walk(struct vfw_flow_table *table, struct vfw_flow_cursor *cursor,
		  int (*visit)(struct vfw_flow *flow, void *arg), void *arg);

void vfw_flow_init(void);

#endif /* _VFW_FLOW_H */
