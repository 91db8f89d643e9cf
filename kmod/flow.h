/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_H
#define _VFW_FLOW_H

#include <linux/atomic.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "flow_hash.h"
#include "packet.h"
#include "policy.h"
#include "sctp.h"
#include "tcp.h"

struct vfw_recent;
struct vfw_sources;

#define VFW_FLOW_OPENED_OUT	0x01	/* opened by the VM */
#define VFW_FLOW_ECHO_BOTH	0x02	/* both ends send ICMP echo requests */
#define VFW_FLOW_COUNTED	0x04	/* counted for its source, see source.c */
#define VFW_FLOW_TAGGED		0x20	/* its memory is for keys with tags; never changes */
#define VFW_FLOW_WIDE		0x40	/* its memory is as for IPv6; never changes */
#define VFW_FLOW_DEAD		0x80	/* not in the table (any more) */
#define VFW_FLOW_MEMORY		(VFW_FLOW_TAGGED | VFW_FLOW_WIDE)

/**
 * enum vfw_flow_kind - what flows are kept apart by in memory; index of pools and hashes
 * @VFW_FLOWS_IPV4: of IPv4, without a VLAN tag
 * @VFW_FLOWS_IPV6: of IPv6, without a VLAN tag
 * @VFW_FLOWS_TAGGED: of either family, of tagged frames
 * @VFW_FLOW_KINDS: how many there are
 */
enum vfw_flow_kind {
	VFW_FLOWS_IPV4,
	VFW_FLOWS_IPV6,
	VFW_FLOWS_TAGGED,
	VFW_FLOW_KINDS,
};

/* Jiffies that packets have to go both ways for to be a stream, as nf_conntrack has it. */
#define VFW_FLOW_STREAM_AFTER	(2U * HZ)

/**
 * struct vfw_flow - one connection of a VM; followed in memory by its key
 * @next: in its chain of the table's hash, or the end of that (struct vfw_flow_buckets)
 * @lock: protects all that follows, the counters and the origin; taken with BH off
 * @state: enum vfw_flow_state
 * @flags: VFW_FLOW_*
 * @protocol: IP protocol
 * @changed: marked since it was last sent, see mark.c; means nothing while the table is not marked
 * @expires: when it ends, in the table's time (vfw_flow_now())
 * @next_free: in a free slot, the next one, plus one
 * @epoch: policy epoch in which it was last judged
 * @tcp: windows, of a TCP flow
 * @sctp: verification tags, of an SCTP flow
 * @stream_from: of a flow of UDP or UDP-Lite, when it has lasted so long that packets both ways
 *	make it a stream, in the table's time
 *
 * With an IPv4 key this is one cache line, the one that is compared and judged by; a packet
 * that passes writes one more, that of the counters.
 *
 * The memory of a flow is reused for other flows of the same VM and kind without a grace
 * period (as SLAB_TYPESAFE_BY_RCU does): whoever finds one under RCU takes its lock and looks
 * at VFW_FLOW_DEAD and the key again.
 */
struct vfw_flow {
	struct vfw_flow *next;
	spinlock_t lock; /* all below */
	u8 state;
	u8 flags;
	u8 protocol;
	u8 changed;
	union {
		u32 expires;
		u32 next_free;
	};
	u32 epoch;
	union {
		struct vfw_tcp tcp;
		struct vfw_sctp sctp;
		u32 stream_from;
	};
};

/* A key as it is stored behind the flow; the protocol is in the flow. */
struct vfw_key4 {
	__be32 local;
	__be32 remote;
	__be16 local_port;
	__be16 remote_port;
};

struct vfw_key6 {
	struct in6_addr local;
	struct in6_addr remote;
	__be16 local_port;
	__be16 remote_port;
};

/**
 * struct vfw_flow_counters - what a flow counts
 * @packets: by direction
 * @bytes: by direction, by the IP header
 */
struct vfw_flow_counters {
	u64 packets[2];
	u64 bytes[2];
};

/**
 * struct vfw_flow_origin - what is seldom looked at
 * @rule: number of the rule that admitted it; 0 for the default verdict
 * @born: when it was opened, in the table's time
 */
struct vfw_flow_origin {
	u32 rule;
	u32 born;
};

/**
 * struct vfw_flow_tags - what a flow of tagged frames has besides
 * @tags: struct vfw_key.tags
 * @family: enum vfw_family; addresses of IPv4 are stored as the first words of those of IPv6
 */
struct vfw_flow_tags {
	u16 tags[2];
	u32 family;
};

/**
 * struct vfw_flow_chunk - the end of a page of flows of one kind
 * @partial: in the pool's list of its CPU while a slot is free
 * @rcu: to free it
 * @changed: slots that are marked, see mark.c; no chunk is freed while that is in use
 * @number: in the pool
 * @cpu: whose list it is in, or would be
 * @used: slots in use
 * @free: first free slot plus one, 0 for none
 *
 * A chunk is naturally aligned. One of IPv4 has an array of flows, one of counters and one of
 * origins, so that each flow begins a cache line and the counters, half as large as one, share
 * it with one other flow of the chunk only. Of IPv6 flow, counters and origin lie together, in
 * two lines of their own; flows of tagged frames are the same with a third line.
 *
 *	IPv4	| flow 0 | flow 1 | ... | counters 0 | counters 1 | ... | origin 0 | ... | chunk |
 *	IPv6	| flow 0, key, counters, origin | flow 1, key, counters, origin | ...    | chunk |
 *	tagged	| flow 0, key, counters, origin, tags | flow 1, ...               | ...    | chunk |
 */
struct vfw_flow_chunk {
	struct list_head partial;
	union {
		struct rcu_head rcu;
		atomic64_t changed;
	};
	u32 number;
	u16 cpu;
	u8 used;
	u8 free;
};

#define VFW_CHUNK_BYTES		4096UL
#define VFW_CHUNK_ROOM		(VFW_CHUNK_BYTES - sizeof(struct vfw_flow_chunk))
#define VFW_FLOW_KEY_AT		offsetofend(struct vfw_flow, tcp)
#define VFW_FLOW4_BYTES		ALIGN(VFW_FLOW_KEY_AT + sizeof(struct vfw_key4), 64)
#define VFW_FLOW4_SLOTS		(VFW_CHUNK_ROOM / (VFW_FLOW4_BYTES +			\
						   sizeof(struct vfw_flow_counters) +	\
						   sizeof(struct vfw_flow_origin)))
#define VFW_COUNTERS4_AT	(VFW_FLOW4_SLOTS * VFW_FLOW4_BYTES)
#define VFW_ORIGINS4_AT		(VFW_COUNTERS4_AT +					\
				 VFW_FLOW4_SLOTS * sizeof(struct vfw_flow_counters))
#define VFW_COUNTERS6_AT	ALIGN(VFW_FLOW_KEY_AT + sizeof(struct vfw_key6), 8)
#define VFW_ORIGIN6_AT		(VFW_COUNTERS6_AT + sizeof(struct vfw_flow_counters))
#define VFW_FLOW6_BYTES		ALIGN(VFW_ORIGIN6_AT + sizeof(struct vfw_flow_origin), 64)
#define VFW_FLOW6_SLOTS		(VFW_CHUNK_ROOM / VFW_FLOW6_BYTES)
#define VFW_TAGS_AT		(VFW_ORIGIN6_AT + sizeof(struct vfw_flow_origin))
#define VFW_TAGGED_BYTES	ALIGN(VFW_TAGS_AT + sizeof(struct vfw_flow_tags), 64)
#define VFW_TAGGED_SLOTS	(VFW_CHUNK_ROOM / VFW_TAGGED_BYTES)

/* Debugging makes locks larger, and real-time kernels do. */
static_assert(sizeof(spinlock_t) > 4 || (VFW_FLOW4_BYTES == 64 && VFW_FLOW6_BYTES == 128 &&
					 VFW_TAGGED_BYTES == 192));

static inline enum vfw_flow_kind vfw_flow_kind(const struct vfw_flow *flow)
{
	if (flow->flags & VFW_FLOW_TAGGED)
		return VFW_FLOWS_TAGGED;
	return flow->flags & VFW_FLOW_WIDE ? VFW_FLOWS_IPV6 : VFW_FLOWS_IPV4;
}

/* The kind of the flow that a key names. */
static inline enum vfw_flow_kind vfw_key_kind(const struct vfw_key *key)
{
	if (unlikely(vfw_key_tagged(key)))
		return VFW_FLOWS_TAGGED;
	return key->family == VFW_FAMILY_IPV6 ? VFW_FLOWS_IPV6 : VFW_FLOWS_IPV4;
}

/* Where the key of an IPv4 flow is, and of any other. */
static inline struct vfw_key4 *vfw_flow_key4(const struct vfw_flow *flow)
{
	return (void *)flow + VFW_FLOW_KEY_AT;
}

static inline struct vfw_key6 *vfw_flow_key6(const struct vfw_flow *flow)
{
	return (void *)flow + VFW_FLOW_KEY_AT;
}

/* Of a flow of tagged frames. */
static inline struct vfw_flow_tags *vfw_flow_tags(const struct vfw_flow *flow)
{
	return (void *)flow + VFW_TAGS_AT;
}

static inline enum vfw_family vfw_flow_family(const struct vfw_flow *flow)
{
	if (flow->flags & VFW_FLOW_TAGGED)
		return vfw_flow_tags(flow)->family;
	return flow->flags & VFW_FLOW_WIDE ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
}

static inline void *vfw_flow_memory(const struct vfw_flow *flow)
{
	return (void *)((unsigned long)flow & ~(VFW_CHUNK_BYTES - 1));
}

static inline struct vfw_flow_counters *vfw_flow_counters4(const struct vfw_flow *flow)
{
	struct vfw_flow_counters *counters = vfw_flow_memory(flow) + VFW_COUNTERS4_AT;

	return counters + ((unsigned long)flow & (VFW_CHUNK_BYTES - 1)) / VFW_FLOW4_BYTES;
}

static inline struct vfw_flow_counters *vfw_flow_counters(const struct vfw_flow *flow)
{
	if (flow->flags & VFW_FLOW_WIDE)
		return (void *)flow + VFW_COUNTERS6_AT;
	return vfw_flow_counters4(flow);
}

static inline struct vfw_flow_origin *vfw_flow_origin(const struct vfw_flow *flow)
{
	struct vfw_flow_origin *origins = vfw_flow_memory(flow) + VFW_ORIGINS4_AT;

	if (flow->flags & VFW_FLOW_WIDE)
		return (void *)flow + VFW_ORIGIN6_AT;
	return origins + ((unsigned long)flow & (VFW_CHUNK_BYTES - 1)) / VFW_FLOW4_BYTES;
}

static inline enum vfw_direction vfw_flow_opened(const struct vfw_flow *flow)
{
	return flow->flags & VFW_FLOW_OPENED_OUT ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN;
}

/* No state is of two protocols. */
static inline bool vfw_state_half_open(u8 state)
{
	return vfw_tcp_half_open(state) || vfw_sctp_half_open(state);
}

/**
 * enum vfw_flow_worth - what becomes of a flow when there are too many
 * @VFW_FLOW_WORTH_KEPT: established, as far as can be told: it keeps its lifetime, and makes room
 *	for nobody
 * @VFW_FLOW_WORTH_HALF_OPEN: the handshake is not complete
 * @VFW_FLOW_WORTH_LITTLE: nobody has answered yet, or it has ended but for late packets
 */
enum vfw_flow_worth {
	VFW_FLOW_WORTH_KEPT,
	VFW_FLOW_WORTH_HALF_OPEN,
	VFW_FLOW_WORTH_LITTLE,
};

static inline enum vfw_flow_worth vfw_flow_worth(u8 state)
{
	if (vfw_state_half_open(state))
		return VFW_FLOW_WORTH_HALF_OPEN;
	switch (state) {
	case VFW_FLOW_STATE_NEW:
	case VFW_FLOW_STATE_TCP_LAST_ACK:
	case VFW_FLOW_STATE_TCP_TIME_WAIT:
	case VFW_FLOW_STATE_TCP_CLOSE:
	case VFW_FLOW_STATE_SCTP_CLOSED:
		return VFW_FLOW_WORTH_LITTLE;
	default:
		return VFW_FLOW_WORTH_KEPT;
	}
}

static inline bool vfw_flow_is_udp(u8 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/**
 * vfw_flow_set_age() - say how long a flow has been there
 * @flow: the flow, with its protocol
 * @now: the table's time
 * @age: jiffies
 *
 * Context: the flow's lock is held.
 */
static inline void vfw_flow_set_age(struct vfw_flow *flow, u32 now, u32 age)
{
	vfw_flow_origin(flow)->born = now - age;
	if (vfw_flow_is_udp(flow->protocol))
		flow->stream_from = now + VFW_FLOW_STREAM_AFTER -
				    min(age, VFW_FLOW_STREAM_AFTER + 1);
}

/**
 * struct vfw_flow_pool - where the flows of one kind live
 * @chunks: pages of flows by number; entries change under the table's lock
 * @partial: chunks with room, by CPU: flows that are opened by different CPUs share no cache line
 * @empty: a chunk that is kept though no flow is in it, or NULL
 * @flow_bytes: from one flow to the next
 * @per_chunk: flows in a chunk
 * @n_chunks: chunks there are
 * @n_flows: flows there are
 */
struct vfw_flow_pool {
	struct xarray chunks;
	struct list_head *partial;
	struct vfw_flow_chunk *empty;
	u32 flow_bytes;
	u32 per_chunk;
	u32 n_chunks;
	u32 n_flows;
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

/* Flows looked at before a long walk lets others have vfw_net.lock: some milliseconds. */
#define VFW_FLOW_STRIDE		32768
#define VFW_FLOW_STRIDE_OVER	1	/* what ends a stride; not seen by user space */

/**
 * struct vfw_flow_table - a VM's flows
 * @vm: whose it is; NULL while it is being restored
 * @lag: jiffies by which the table's time is behind (time in which it was frozen)
 * @frozen_at: jiffies when it was frozen
 * @frozen: the table's time stands still
 * @marking: flows that change are marked, see mark.c; 0 or 1
 * @buckets: where a look-up begins, marked, one for each kind
 * @lock: protects what follows to @totals; inside a flow's lock
 * @hash: by key, one for each kind
 * @pool: one for each kind
 * @count: flows there are
 * @half_open: flows whose handshake is not complete, by the direction in which they were opened
 * @recent: flows that were opened lately, by direction and worth; see recent.c
 * @sources: flows opened from outside by their source, or NULL when these are not counted; under
 *	vfw_net.lock once the table is a VM's
 * @totals: of flows that ended
 * @gc_pause: jiffies to wait at least before the next collection
 * @gc_soon: a collection was asked for, because a limit was reached
 * @gc_stop: the collection under way is to stop
 * @gc: removes flows that have expired
 * @free: to free it after a grace period, in process context
 */
struct vfw_flow_table {
	struct vfw_vm *vm;
	u32 lag;
	u32 frozen_at;
	bool frozen;
	u8 marking;
	struct vfw_flow_buckets __rcu *buckets[VFW_FLOW_KINDS];

	/* Written when flows open and end: away from what each packet reads. */
	spinlock_t lock ____cacheline_aligned_in_smp; /* slots and counts */
	struct vfw_flow_hash hash[VFW_FLOW_KINDS];
	struct vfw_flow_pool pool[VFW_FLOW_KINDS];
	u32 count;
	u32 half_open[2];
	struct vfw_recent *recent[2][2];
	struct vfw_sources __rcu *sources;
	struct vfw_flow_totals totals;
	unsigned long gc_pause;
	bool gc_soon;
	bool gc_stop;
	struct delayed_work gc;
	struct rcu_work free;
};

/**
 * struct vfw_flow_cursor - where a walk is; holds no pointer, so that it may wait at will
 * @kind: enum vfw_flow_kind; VFW_FLOW_KINDS at the end
 * @chunk: number of the chunk
 * @slot: in the chunk
 */
struct vfw_flow_cursor {
	u32 kind;
	u32 chunk;
	u32 slot;
};

/**
 * struct vfw_opening - a flow that is to be opened
 * @key: its key
 * @hash: vfw_flow_hash() of the key
 * @direction: in which its first packet goes
 * @state: the state it begins in
 */
struct vfw_opening {
	const struct vfw_key *key;
	u32 hash;
	enum vfw_direction direction;
	u8 state;
};

/**
 * struct vfw_flow_sum - what a table has counted, being summed up; all zero at the beginning
 * @totals: so far
 * @cursor: where the walk is
 * @begun: what the table counted of flows that ended is in @totals
 * @left: flows that may yet be looked at in this stride
 */
struct vfw_flow_sum {
	struct vfw_flow_totals totals;
	struct vfw_flow_cursor cursor;
	bool begun;
	u32 left;
};

struct vfw_flow_table *vfw_flow_table_alloc(struct vfw_vm *vm);
void vfw_flow_table_reserve(struct vfw_flow_table *table, const u32 flows[VFW_FLOW_KINDS]);
void vfw_flow_table_free(struct vfw_flow_table *table);
void vfw_flow_table_free_rcu(struct vfw_flow_table *table);
void vfw_flow_table_start(struct vfw_flow_table *table, struct vfw_vm *vm);
void vfw_flow_table_stop(struct vfw_flow_table *table);
void vfw_flow_table_freeze(struct vfw_flow_table *table);
void vfw_flow_table_advance(struct vfw_flow_table *table, u32 by);
void vfw_flow_table_thaw(struct vfw_flow_table *table);
void vfw_flow_table_collect(struct vfw_flow_table *table);
void vfw_flow_table_clear(struct vfw_flow_table *table);
int vfw_flow_table_sum(struct vfw_flow_table *table, struct vfw_flow_sum *sum);
void vfw_flow_totals_add(struct vfw_flow_totals *sum, const struct vfw_flow_totals *more);
void vfw_flow_totals_take(struct vfw_flow_totals *sum, const struct vfw_flow_totals *less);

/**
 * vfw_flow_now() - the table's time
 * @table: the table
 *
 * Stands still while the table is frozen, so that lifetimes go on from where they were.
 *
 * Return: jiffies, less the time in which the table was frozen; wraps as jiffies do.
 */
static inline u32 vfw_flow_now(const struct vfw_flow_table *table)
{
	/* Pairs with the releases in vfw_flow_table_freeze() and _thaw(). */
	if (unlikely(smp_load_acquire(&table->frozen)))
		return READ_ONCE(table->frozen_at) - READ_ONCE(table->lag);
	return (u32)jiffies - READ_ONCE(table->lag);
}

/* How many flows are half-open, by what opened them; read at any time. */
static inline void vfw_flow_half_open(const struct vfw_flow_table *table, u32 half_open[2])
{
	half_open[0] = READ_ONCE(table->half_open[0]);
	half_open[1] = READ_ONCE(table->half_open[1]);
}

/**
 * vfw_flow_expired() - has a flow outlived its lifetime?
 * @flow: the flow, locked
 * @now: the table's time
 *
 * Lifetimes are at most VFW_TIMEOUT_MAX seconds, so that 32 bits of jiffies tell past from
 * future even at 1000 a second.
 */
static inline bool vfw_flow_expired(const struct vfw_flow *flow, u32 now)
{
	return (s32)(flow->expires - now) <= 0;
}

void vfw_flow_key(const struct vfw_flow *flow, struct vfw_key *key);

u32 vfw_flow_hash(const struct vfw_key *key);

struct vfw_flow *vfw_flow_find(struct vfw_flow_table *table, const struct vfw_key *key);
struct vfw_flow *vfw_flow_find_hashed(struct vfw_flow_table *table, const struct vfw_key *key,
				      u32 hash);
struct vfw_flow *vfw_flow_add(struct vfw_flow_table *table, const struct vfw_opening *opening,
			      const struct vfw_policy *policy, enum vfw_drop_reason *reason,
			      gfp_t gfp);
void vfw_flow_set_state(struct vfw_flow_table *table, struct vfw_flow *flow, u8 state);
enum vfw_drop_reason vfw_flow_set_opened(struct vfw_flow_table *table, struct vfw_flow *flow,
					 enum vfw_direction opened);
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
