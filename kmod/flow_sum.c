// SPDX-License-Identifier: GPL-2.0
/*
 * What a flow table has counted: of flows that ended, and of those that live.
 */

#include <linux/limits.h>
#include <linux/spinlock.h>

#include "main.h"
#include "flow.h"

static int add_live(struct vfw_flow *flow, void *arg)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	struct vfw_flow_sum *sum = arg;
	int dir;

	if (!sum->left)
		return VFW_FLOW_STRIDE_OVER;
	sum->left--;
	for (dir = 0; dir < 2; dir++) {
		sum->totals.packets[dir] += counters->packets[dir];
		sum->totals.bytes[dir] += counters->bytes[dir];
	}
	return 0;
}

/**
 * vfw_flow_table_sum() - sum up what a table has counted, with the flows that live
 * @table: the table; the same for the whole sum
 * @sum: the sum; stops after @sum->left flows
 *
 * What had ended is read first: a flow that ends meanwhile may be missed this once, which is
 * better than counted twice.
 *
 * Context: process context; sleeps.
 * Return: 0 at the end, or VFW_FLOW_STRIDE_OVER.
 */
int vfw_flow_table_sum(struct vfw_flow_table *table, struct vfw_flow_sum *sum)
{
	if (!sum->begun) {
		spin_lock_bh(&table->lock);
		sum->totals = table->totals;
		spin_unlock_bh(&table->lock);
		sum->begun = true;
	}
	return vfw_flow_walk(table, &sum->cursor, add_live, sum);
}

/**
 * vfw_flow_totals_add() - add to a sum
 * @sum: the sum
 * @more: what to add
 */
void vfw_flow_totals_add(struct vfw_flow_totals *sum, const struct vfw_flow_totals *more)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		sum->packets[dir] += more->packets[dir];
		sum->bytes[dir] += more->bytes[dir];
	}
	sum->opened += more->opened;
	sum->ended += more->ended;
}

/**
 * vfw_flow_totals_take() - take off a sum
 * @sum: the sum; may go below zero, if more is added to it later
 * @less: what to take off
 */
void vfw_flow_totals_take(struct vfw_flow_totals *sum, const struct vfw_flow_totals *less)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		sum->packets[dir] -= less->packets[dir];
		sum->bytes[dir] -= less->bytes[dir];
	}
	sum->opened -= less->opened;
	sum->ended -= less->ended;
}
