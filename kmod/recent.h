/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RECENT_H
#define _VFW_RECENT_H

#include "flow.h"

/* Between the files of the flow table, and for tests. */

/* Jiffies that a flow has had at least before it has to go for another. */
#define VFW_RECENT_SPARED	(HZ / 2U)

void vfw_recent_note(struct vfw_flow_table *table, const struct vfw_flow *flow);
void vfw_recent_note_old(struct vfw_flow_table *table, const struct vfw_flow *flow);
bool vfw_recent_missing(const struct vfw_flow_table *table, const struct vfw_policy *policy,
			const struct vfw_opening *opening);
bool vfw_recent_adapt(struct vfw_flow_table *table);
bool vfw_recent_evict(struct vfw_flow_table *table, const struct vfw_policy *policy,
		      const struct vfw_opening *opening, enum vfw_drop_reason limit);
void vfw_recent_free(struct vfw_flow_table *table);

#endif /* _VFW_RECENT_H */
