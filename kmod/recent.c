// SPDX-License-Identifier: GPL-2.0
/*
 * Flows that were opened lately, and of little worth: which of them has to go when there is no
 * room for a new one.
 *
 * A true handshake takes one round trip, one with a forged address is never completed. Of the
 * half-open flows the oldest is therefore the one to be lost with the least harm; the same goes
 * for a flow that nobody has answered. So a table that fills keeps rings in which flows of little
 * worth stand in the order in which they were opened, one ring for each direction and worth. At
 * the limit the oldest of the same direction makes room, if it has had VFW_RECENT_SPARED by then;
 * else the packet is refused, and its sender will try again. What is established is never touched.
 *
 *	head                                    tail
 *	| place, born | place, born | ... | place, born |   ->  newer
 *
 * - A flow has no room for a list's pointers. What stands in a ring is the flow's place in the
 *   table and when it was born, so that a flow that has ended, or another one in its place, is
 *   noticed without a word of those who end flows.
 * - A ring is made when half of a limit is reached, by the work that collects flows, which also
 *   enters those that are there already, as it comes upon them: among these, which one goes is a
 *   matter of chance. It is freed when less than a quarter is in use. In a table that is far from
 *   its limits, a flow that opens does nothing for this.
 * - A ring that is full forgets the oldest; these then end by their lifetimes, which are short by
 *   then (collect.c).
 * - A packet looks at TRIES flows at most; when the oldest in the ring is too young, at none.
 * - What comes from outside never makes a flow go that the VM has opened.
 */

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "main.h"
#include "collect.h"
#include "flow.h"
#include "flow_table.h"
#include "recent.h"
#include "vm.h"

#define RING_MIN	64U
#define RING_MAX	32768U	/* of 8 bytes */
#define TRIES		4

/**
 * struct vfw_recent - a ring of flows, from the oldest to the newest
 * @mask: how many it holds, less one; a power of two less one
 * @head: number of the oldest
 * @tail: number of the next; both only grow, and wrap
 * @fresh: flows that are older than the ring are being entered
 * @flows: where a flow is, and when it was born
 */
struct vfw_recent {
	u32 mask;
	u32 head;
	u32 tail;
	bool fresh;
	struct {
		u32 place;
		u32 born;
	} flows[];
};

static struct vfw_recent **ring_of(struct vfw_flow_table *table, enum vfw_direction opened,
				   bool half_open)
{
	return &table->recent[opened][half_open];
}

/* The ring that a flow belongs into. */
static struct vfw_recent *ring_for(struct vfw_flow_table *table, const struct vfw_flow *flow)
{
	enum vfw_flow_worth worth = vfw_flow_worth(flow->state);

	lockdep_assert_held(&table->lock);
	if (worth == VFW_FLOW_WORTH_KEPT)
		return NULL;
	return *ring_of(table, vfw_flow_opened(flow), worth == VFW_FLOW_WORTH_HALF_OPEN);
}

static void enter(struct vfw_flow_table *table, struct vfw_recent *ring,
		  const struct vfw_flow *flow)
{
	if (ring->tail - ring->head > ring->mask)
		ring->head++;
	ring->flows[ring->tail & ring->mask].place = vfw_flow_place(table, flow);
	ring->flows[ring->tail & ring->mask].born = vfw_flow_origin(flow)->born;
	ring->tail++;
}

/**
 * vfw_recent_note() - a flow was opened
 * @table: its table
 * @flow: the flow
 *
 * Context: under the table's lock.
 */
void vfw_recent_note(struct vfw_flow_table *table, const struct vfw_flow *flow)
{
	struct vfw_recent *ring = ring_for(table, flow);

	if (unlikely(ring))
		enter(table, ring, flow);
}

/**
 * vfw_recent_note_old() - a flow was met that may be older than its ring
 * @table: its table
 * @flow: the flow; entered if vfw_recent_adapt() has just made the ring
 *
 * Context: under the table's lock.
 */
void vfw_recent_note_old(struct vfw_flow_table *table, const struct vfw_flow *flow)
{
	struct vfw_recent *ring = ring_for(table, flow);

	if (ring && ring->fresh)
		enter(table, ring, flow);
}

/* Is more than one part in @parts of a limit in use that has to do with a ring? */
static bool fills(const struct vfw_flow_table *table, const struct vfw_policy *policy,
		  enum vfw_direction opened, bool half_open, u32 parts)
{
	return table->count > policy->max_flows / parts ||
	       (half_open && table->half_open[opened] > policy->max_half_open / parts);
}

static u32 ring_size(const struct vfw_policy *policy, bool half_open)
{
	u32 limit = half_open ? min(policy->max_half_open, policy->max_flows) : policy->max_flows;

	return roundup_pow_of_two(clamp(limit, RING_MIN, RING_MAX));
}

/**
 * vfw_recent_missing() - should there be a ring for a flow, and is none?
 * @table: the table
 * @policy: the policy in force
 * @opening: the flow
 *
 * Context: under the table's lock.
 */
bool vfw_recent_missing(const struct vfw_flow_table *table, const struct vfw_policy *policy,
			const struct vfw_opening *opening)
{
	bool half_open = vfw_state_half_open(opening->state);

	lockdep_assert_held(&table->lock);
	return fills(table, policy, opening->direction, half_open, 2) &&
	       !table->recent[opening->direction][half_open];
}

/* Makes or frees a ring. Returns whether it is a new one. */
static bool ring_adapt(struct vfw_flow_table *table, const struct vfw_policy *policy,
		       enum vfw_direction opened, bool half_open)
{
	u32 size = ring_size(policy, half_open);
	struct vfw_recent *old, *ring = NULL;
	struct vfw_recent **at = ring_of(table, opened, half_open);
	bool wanted;

	spin_lock_bh(&table->lock);
	old = *at;
	wanted = fills(table, policy, opened, half_open, old ? 4 : 2);
	spin_unlock_bh(&table->lock);
	if (wanted && old && old->mask + 1 >= size) {
		old->fresh = false; /* only read where rings are made */
		return false;
	}
	if (wanted) {
		ring = kvmalloc(struct_size(ring, flows, size), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		/* Without memory flows make room by their lifetimes alone. */
		if (!ring)
			return false;
		ring->mask = size - 1;
		ring->head = 0;
		ring->tail = 0;
		ring->fresh = true;
	}
	spin_lock_bh(&table->lock);
	*at = ring;
	spin_unlock_bh(&table->lock);
	kvfree(old);
	return ring;
}

/**
 * vfw_recent_adapt() - make the rings that a table needs as full as it is, free the others
 * @table: the table, of a VM
 *
 * Context: process context, where flows are collected: nobody else makes rings.
 * Return: true when a ring is new: vfw_recent_note_old() is to be called for all flows.
 */
bool vfw_recent_adapt(struct vfw_flow_table *table)
{
	struct vfw_policy limits = {};
	enum vfw_direction opened;
	bool fresh = false;
	int half_open;

	if (!vfw_collect_limits(table, &limits))
		return false;
	for (opened = VFW_DIRECTION_IN; opened <= VFW_DIRECTION_OUT; opened++)
		for (half_open = 0; half_open < 2; half_open++)
			fresh |= ring_adapt(table, &limits, opened, half_open);
	return fresh;
}

/* May this flow go? It is locked; the ring says that it was there once, and when it was born. */
static bool may_go(const struct vfw_policy *policy, const struct vfw_flow *flow, u32 born,
		   enum vfw_direction opened, bool half_open, u32 now)
{
	enum vfw_flow_worth worth = half_open ? VFW_FLOW_WORTH_HALF_OPEN : VFW_FLOW_WORTH_LITTLE;

	return !(flow->flags & VFW_FLOW_DEAD) && vfw_flow_origin(flow)->born == born &&
	       vfw_flow_opened(flow) == opened && vfw_flow_worth(flow->state) == worth &&
	       /* Both ends may still have something to send again. */
	       flow->state != VFW_FLOW_STATE_TCP_LAST_ACK &&
	       vfw_collect_idle(policy, flow, now) >= VFW_RECENT_SPARED;
}

/* Takes the oldest of a ring out of it; false when there is none, or it is too young. */
static bool take_oldest(struct vfw_flow_table *table, struct vfw_recent **at, u32 now, u32 *place,
			u32 *born)
{
	struct vfw_recent *ring;
	bool taken = false;

	spin_lock_bh(&table->lock);
	ring = *at;
	if (ring && ring->head != ring->tail) {
		*place = ring->flows[ring->head & ring->mask].place;
		*born = ring->flows[ring->head & ring->mask].born;
		taken = now - *born >= VFW_RECENT_SPARED;
		ring->head += taken;
	}
	spin_unlock_bh(&table->lock);
	return taken;
}

static bool evict_from(struct vfw_flow_table *table, const struct vfw_policy *policy,
		       enum vfw_direction opened, bool half_open, u32 now, int *tries)
{
	bool gone = false;
	struct vfw_flow *flow;
	u32 place, born;

	while (!gone && *tries &&
	       take_oldest(table, ring_of(table, opened, half_open), now, &place, &born)) {
		(*tries)--;
		flow = vfw_flow_at(table, place);
		if (!flow)
			continue;
		spin_lock(&flow->lock);
		gone = may_go(policy, flow, born, opened, half_open, now);
		if (gone)
			vfw_flow_remove(table, flow);
		spin_unlock(&flow->lock);
	}
	return gone;
}

/**
 * vfw_recent_evict() - make room for a flow at the cost of another
 * @table: the table
 * @policy: the policy in force
 * @opening: the flow that finds no room
 * @limit: VFW_DROP_REASON_HALF_OPEN_LIMIT or _FLOW_LIMIT
 *
 * Context: BH off, RCU read section; no lock is held.
 * Return: true when a flow went.
 */
bool vfw_recent_evict(struct vfw_flow_table *table, const struct vfw_policy *policy,
		      const struct vfw_opening *opening, enum vfw_drop_reason limit)
{
	enum vfw_direction opened = opening->direction;
	struct vfw_vm *vm = READ_ONCE(table->vm);
	u32 now = vfw_flow_now(table);
	int tries = TRIES;
	bool gone;

	if (!vm)
		return false;
	gone = limit != VFW_DROP_REASON_HALF_OPEN_LIMIT &&
	       evict_from(table, policy, opened, false, now, &tries);
	gone = gone || evict_from(table, policy, opened, true, now, &tries);
	if (!gone && limit != VFW_DROP_REASON_HALF_OPEN_LIMIT && opened == VFW_DIRECTION_OUT) {
		tries = TRIES;
		gone = evict_from(table, policy, !opened, false, now, &tries) ||
		       evict_from(table, policy, !opened, true, now, &tries);
	}
	if (gone)
		this_cpu_inc(vm->stats->evicted);
	return gone;
}

/**
 * vfw_recent_free() - free the rings of a table that nobody knows any more
 * @table: the table
 */
void vfw_recent_free(struct vfw_flow_table *table)
{
	int i;

	for (i = 0; i < 4; i++)
		kvfree(table->recent[i / 2][i % 2]);
}
