/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_TABLE_H
#define _VFW_FLOW_TABLE_H

#include "flow.h"

/* Between the files of the flow table, and for restoring. */

struct vfw_flow *vfw_flow_slot_get(struct vfw_flow_table *table, const struct vfw_opening *opening,
				   const struct vfw_policy *policy, enum vfw_drop_reason *reason,
				   gfp_t gfp);
void vfw_flow_slot_put(struct vfw_flow_table *table, struct vfw_flow *flow, bool half_open);
u32 vfw_flow_place(const struct vfw_flow_table *table, const struct vfw_flow *flow);
struct vfw_flow *vfw_flow_at(struct vfw_flow_table *table, u32 place);
int vfw_flow_hashes_init(struct vfw_flow_table *table);

#endif /* _VFW_FLOW_TABLE_H */
