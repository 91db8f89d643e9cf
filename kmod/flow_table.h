/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_TABLE_H
#define _VFW_FLOW_TABLE_H

#include "flow.h"

/* Between the files of the flow table, and those that know flows by their places. */

/* Of a chunk, in the pool's array: slots of it may be marked. (The array itself uses XA_MARK_0.) */
#define VFW_CHUNK_CHANGED	XA_MARK_1

/* A chunk with its memory. */
struct chunk_page {
	u8 flows[VFW_CHUNK_ROOM];
	struct vfw_flow_chunk chunk;
};

static_assert(sizeof(struct chunk_page) == VFW_CHUNK_BYTES);

static inline struct vfw_flow_chunk *chunk_of(const struct vfw_flow *flow)
{
	struct chunk_page *page = vfw_flow_memory(flow);

	return &page->chunk;
}

static inline void *chunk_memory(struct vfw_flow_chunk *chunk)
{
	return container_of(chunk, struct chunk_page, chunk);
}

static inline struct vfw_flow *chunk_slot(const struct vfw_flow_pool *pool,
					  struct vfw_flow_chunk *chunk, u32 slot)
{
	return chunk_memory(chunk) + slot * pool->flow_bytes;
}

static inline u32 slot_number(const struct vfw_flow_pool *pool, const struct vfw_flow *flow)
{
	return ((void *)flow - vfw_flow_memory(flow)) / pool->flow_bytes;
}

struct vfw_flow *vfw_flow_slot_get(struct vfw_flow_table *table, const struct vfw_opening *opening,
				   const struct vfw_policy *policy, enum vfw_drop_reason *reason,
				   gfp_t gfp);
void vfw_flow_slot_put(struct vfw_flow_table *table, struct vfw_flow *flow, bool half_open);
u32 vfw_flow_place(const struct vfw_flow_table *table, const struct vfw_flow *flow);
struct vfw_flow *vfw_flow_at(struct vfw_flow_table *table, u32 place);
void vfw_flow_chunk_unmark(struct vfw_flow_table *table, struct vfw_flow_pool *pool,
			   struct vfw_flow_chunk *chunk);
int vfw_flow_hashes_init(struct vfw_flow_table *table);

#endif /* _VFW_FLOW_TABLE_H */
