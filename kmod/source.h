/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SOURCE_H
#define _VFW_SOURCE_H

#include <uapi/linux/vfw.h>

struct vfw_flow_table;
struct vfw_key;
struct vfw_sources;

enum vfw_drop_reason vfw_source_get(struct vfw_sources *sources, const struct vfw_key *key,
				    u32 limit);
void vfw_source_put(struct vfw_sources *sources, const struct vfw_key *key);
u32 vfw_source_flows(struct vfw_sources *sources, const struct vfw_key *key);

int vfw_sources_start(struct vfw_flow_table *table);
void vfw_sources_stop(struct vfw_flow_table *table);
void vfw_sources_free(struct vfw_sources *sources);

#endif /* _VFW_SOURCE_H */
