/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COLLECT_H
#define _VFW_COLLECT_H

#include "flow.h"

/* Between the files of the flow table, and for tests. */

#define VFW_COLLECT_FULL	256U		/* lifetimes as the policy has them */
#define VFW_COLLECT_FLOOR	(3U * HZ)	/* the shortest that they become, in jiffies */

u32 vfw_collect_scale(u32 used, u32 limit);
u32 vfw_collect_idle(const struct vfw_policy *policy, const struct vfw_flow *flow, u32 now);
bool vfw_collect_limits(const struct vfw_flow_table *table, struct vfw_policy *limits);
bool vfw_collect_now(struct vfw_flow_table *table);
void vfw_collect_soon(struct vfw_flow_table *table);
void vfw_collect_start(struct vfw_flow_table *table);
void vfw_collect_stop(struct vfw_flow_table *table);
void vfw_collect_init(struct vfw_flow_table *table);

#endif /* _VFW_COLLECT_H */
