// SPDX-License-Identifier: GPL-2.0
/*
 * Collecting the flows of a table that have outlived their lifetime; which is the shorter, the
 * fuller the table is.
 *
 * Half-open flows are measured by the limit of half-open flows of their direction, and these and
 * all others that are of little worth (enum vfw_flow_worth) by the limit of flows. Up to 60 % of a
 * limit lifetimes are those of the policy. From there to 100 % they shrink in proportion to what is
 * left, to VFW_COLLECT_FLOOR and no further:
 *
 *	lifetime
 *	  100 % |-----------.
 *	        |             `.
 *	        |                `.
 *	  3 s   |                  `-----
 *	        0          60 %    100 %  of the limit in use
 *
 * This is computed when flows are collected, from the time since a flow's last packet, as pf's
 * adaptive timeouts are: it holds for flows that were opened long before, and costs packets
 * nothing. Other than there, it does not go on to zero, does not begin with a number of flows that
 * somebody has to choose, and leaves alone what is established: that keeps the lifetime it has.
 */

#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include "main.h"
#include "collect.h"
#include "flow.h"
#include "policy.h"
#include "recent.h"
#include "track.h"
#include "vm.h"

#define INTERVAL	(5UL * HZ)
#define WHILE_FULL	(1UL * HZ)	/* interval while lifetimes are short */
#define AFTER_LIMIT	(HZ / 2UL)	/* after a flow was refused */
#define LOOK_AGAIN	256		/* flows after which the limits are looked at again */

/**
 * struct collection - a walk over a table that collects flows
 * @table: the table
 * @met: flows that were met
 * @half_open: scale of lifetimes of half-open flows, by direction
 * @others: that of others of little worth
 * @pressed: some lifetime was short
 * @note: flows are to be entered in new rings
 */
struct collection {
	struct vfw_flow_table *table;
	u32 met;
	u32 half_open[2];
	u32 others;
	bool pressed;
	bool note;
};

/**
 * vfw_collect_scale() - what is left of lifetimes
 * @used: how much of a limit is in use
 * @limit: the limit
 *
 * Return: in parts of VFW_COLLECT_FULL.
 */
u32 vfw_collect_scale(u32 used, u32 limit)
{
	u32 last = max(2 * limit / 5, 1U);

	static_assert((u64)2 * VFW_FLOWS_MAX / 5 * VFW_COLLECT_FULL <= U32_MAX);

	if (used >= limit)
		return 0;
	return used <= limit - last ? VFW_COLLECT_FULL : VFW_COLLECT_FULL * (limit - used) / last;
}
EXPORT_SYMBOL_VFW_TEST(vfw_collect_scale);

/**
 * vfw_collect_idle() - for how long a flow has been of no use
 * @policy: the policy in force
 * @flow: the flow, locked
 * @now: the table's time
 *
 * Of a half-open flow that is since it was opened: sending its SYN again and again shall not keep
 * it. Of others it is since their last packet, as far as can be told when the policy was changed.
 *
 * Return: jiffies.
 */
u32 vfw_collect_idle(const struct vfw_policy *policy, const struct vfw_flow *flow, u32 now)
{
	u32 age = now - vfw_flow_origin(flow)->born, left = flow->expires - now;
	u32 lifetime = vfw_track_lifetime(policy, flow);

	if (vfw_flow_worth(flow->state) == VFW_FLOW_WORTH_HALF_OPEN || left > lifetime)
		return age;
	return min(lifetime - left, age);
}

/**
 * vfw_collect_limits() - the limits that a table is under
 * @table: the table
 * @limits: where to put them; nothing else of it is set
 *
 * Context: process context.
 * Return: false when there are none.
 */
bool vfw_collect_limits(const struct vfw_flow_table *table, struct vfw_policy *limits)
{
	const struct vfw_policy *policy = NULL;
	struct vfw_vm *vm;

	rcu_read_lock();
	/* A table is taken from its VM before that goes, and its collection is waited for. */
	vm = READ_ONCE(table->vm);
	if (vm)
		policy = rcu_dereference(vm->policy);
	if (policy) {
		limits->max_flows = policy->max_flows;
		limits->max_half_open = policy->max_half_open;
	}
	rcu_read_unlock();
	return policy;
}

static void look(struct collection *c, const struct vfw_policy *policy)
{
	const struct vfw_flow_table *table = c->table;
	int dir;

	c->others = vfw_collect_scale(READ_ONCE(table->count), policy->max_flows);
	c->pressed |= c->others < VFW_COLLECT_FULL;
	for (dir = 0; dir < 2; dir++) {
		c->half_open[dir] = min(c->others,
					vfw_collect_scale(READ_ONCE(table->half_open[dir]),
							  policy->max_half_open));
		c->pressed |= c->half_open[dir] < VFW_COLLECT_FULL;
	}
}

/* Is it time for a flow, locked, that has not expired yet? */
static bool outlived(struct collection *c, const struct vfw_policy *policy,
		     const struct vfw_flow *flow, u32 now)
{
	enum vfw_flow_worth worth = vfw_flow_worth(flow->state);
	u32 scale = c->others, lifetime;

	if (worth == VFW_FLOW_WORTH_KEPT)
		return false;
	if (worth == VFW_FLOW_WORTH_HALF_OPEN)
		scale = c->half_open[vfw_flow_opened(flow)];
	if (scale == VFW_COLLECT_FULL)
		return false;
	lifetime = vfw_track_lifetime(policy, flow);
	lifetime = max_t(u32, (u64)lifetime * scale / VFW_COLLECT_FULL,
			 min(lifetime, VFW_COLLECT_FLOOR));
	return vfw_collect_idle(policy, flow, now) >= lifetime;
}

#define STOP 1

static int collect_flow(struct vfw_flow *flow, void *arg)
{
	struct collection *c = arg;
	struct vfw_flow_table *table = c->table;
	struct vfw_vm *vm = READ_ONCE(table->vm);
	u32 now = vfw_flow_now(table);
	const struct vfw_policy *policy;

	/* But a new ring gets its old flows now or never. */
	if (READ_ONCE(table->gc_stop) && !c->note)
		return STOP;
	policy = vm ? rcu_dereference_check(vm->policy, rcu_read_lock_bh_held()) : NULL;
	if (policy && !(c->met++ % LOOK_AGAIN))
		look(c, policy);
	if (vfw_flow_expired(flow, now) || (policy && outlived(c, policy, flow, now))) {
		vfw_flow_remove(table, flow);
	} else if (unlikely(c->note)) {
		spin_lock(&table->lock);
		vfw_recent_note_old(table, flow);
		spin_unlock(&table->lock);
	}
	return 0;
}

static bool collect(struct vfw_flow_table *table, bool note)
{
	struct collection c = { .table = table, .note = note };
	struct vfw_flow_cursor cursor = {};

	vfw_flow_walk(table, &cursor, collect_flow, &c);
	return c.pressed;
}

/**
 * vfw_flow_table_collect() - remove all flows that have outlived their lifetime
 * @table: the table
 *
 * Context: process context; sleeps.
 */
void vfw_flow_table_collect(struct vfw_flow_table *table)
{
	collect(table, false);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_collect);

static int end_flow(struct vfw_flow *flow, void *arg)
{
	vfw_flow_remove(arg, flow);
	return 0;
}

/**
 * vfw_flow_table_clear() - end all flows; what they counted goes to their rules and the totals
 * @table: the table; no packet is using it
 *
 * Context: process context; sleeps.
 */
void vfw_flow_table_clear(struct vfw_flow_table *table)
{
	struct vfw_flow_cursor cursor = {};

	/* A flow that is just being collected is met no more, and not in the totals yet. */
	vfw_collect_stop(table);
	vfw_flow_walk(table, &cursor, end_flow, table);
	if (READ_ONCE(table->vm))
		vfw_collect_start(table);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_table_clear);

/**
 * vfw_collect_now() - collect, and see to it that there are the rings that a table needs
 * @table: the table
 *
 * Context: process context; sleeps.
 * Return: true when lifetimes were short.
 */
bool vfw_collect_now(struct vfw_flow_table *table)
{
	return collect(table, vfw_recent_adapt(table));
}
EXPORT_SYMBOL_VFW_TEST(vfw_collect_now);

static void collect_work(struct work_struct *work)
{
	struct vfw_flow_table *table = container_of(to_delayed_work(work), struct vfw_flow_table,
						    gc);
	unsigned long begin = jiffies, pause;
	bool pressed;
	int kind;

	pressed = vfw_collect_now(table);
	for (kind = 0; kind < VFW_FLOW_KINDS; kind++)
		vfw_flow_hash_shrink(&table->hash[kind]);
	/* A large table is walked less often: a tenth of the time at most when it is full. */
	pause = 10 * (jiffies - begin);
	WRITE_ONCE(table->gc_pause, pause);
	WRITE_ONCE(table->gc_soon, false);
	pause = pressed ? max(WHILE_FULL, pause) : max(INTERVAL, 5 * pause);
	queue_delayed_work(vfw_wq, &table->gc, round_jiffies_relative(pause));
}

/**
 * vfw_collect_soon() - do not wait for the next collection: the table is filling, or full
 * @table: the table
 *
 * Context: any.
 */
void vfw_collect_soon(struct vfw_flow_table *table)
{
	if (READ_ONCE(table->gc_soon) || !READ_ONCE(table->vm))
		return;
	WRITE_ONCE(table->gc_soon, true);
	mod_delayed_work(vfw_wq, &table->gc, max(AFTER_LIMIT, READ_ONCE(table->gc_pause)));
}

/**
 * vfw_collect_start() - from now on the flows of a table are collected
 * @table: the table
 */
void vfw_collect_start(struct vfw_flow_table *table)
{
	WRITE_ONCE(table->gc_soon, false);
	queue_delayed_work(vfw_wq, &table->gc, INTERVAL);
}

/**
 * vfw_collect_stop() - wait until the flows of a table are not being collected
 * @table: the table; unless packets use it, none of its flows is collected any more
 *
 * Context: process context; sleeps.
 */
void vfw_collect_stop(struct vfw_flow_table *table)
{
	/* A walk may take long, and what waits for this may be a VM that is moving. */
	WRITE_ONCE(table->gc_stop, true);
	cancel_delayed_work_sync(&table->gc);
	WRITE_ONCE(table->gc_stop, false);
}

/**
 * vfw_collect_init() - prepare a new table for this
 * @table: the table
 */
void vfw_collect_init(struct vfw_flow_table *table)
{
	INIT_DELAYED_WORK(&table->gc, collect_work);
}
