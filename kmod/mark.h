/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_MARK_H
#define _VFW_MARK_H

#include <linux/compiler.h>
#include "flow.h"

void vfw_mark_begin(struct vfw_flow_table *table);
void vfw_mark_end(struct vfw_flow_table *table);
void vfw_mark_flow(struct vfw_flow_table *table, struct vfw_flow *flow);
void vfw_mark_clear(struct vfw_flow_table *table, struct vfw_flow *flow);
u32 vfw_mark_count(struct vfw_flow_table *table);
int vfw_mark_walk(struct vfw_flow_table *table, struct vfw_flow_cursor *cursor, bool ended,
		  int (*visit)(struct vfw_flow *flow, void *arg), void *arg);

/**
 * vfw_mark_changed() - a flow is not any more what it was when it was last sent
 * @table: its table
 * @flow: the flow, locked
 *
 * Costs a comparison while nobody wants to know, and from a flow's second change on.
 *
 * Context: BH off, RCU read section.
 */
static __always_inline void vfw_mark_changed(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	if (unlikely(READ_ONCE(table->marking) > flow->changed))
		vfw_mark_flow(table, flow);
}

#endif /* _VFW_MARK_H */
