/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SNAPSHOT_STAGE_H
#define _VFW_SNAPSHOT_STAGE_H

#include "snapshot.h"

/* Between snapshot.c, snapshot_flow.c and send.c only. */

/**
 * struct vfw_snapshot_room - the part of a frame that is not written yet
 * @at: where the next record goes
 * @left: bytes from there on
 * @count: records so far
 */
struct vfw_snapshot_room {
	void *at;
	size_t left;
	u32 count;
};

/* Room for a record, or NULL. */
static inline void *vfw_snapshot_take(struct vfw_snapshot_room *room, size_t size)
{
	void *rec = room->at;

	if (size > room->left)
		return NULL;
	room->at += size;
	room->left -= size;
	room->count++;
	return rec;
}

/* Writers of frames: 0 when there is no more of the kind, 1 when there may be, or an error. */
int vfw_snapshot_flows4(struct vfw_snapshot *snap, struct vfw_vm *vm,
			struct vfw_snapshot_room *room);
int vfw_snapshot_flows6(struct vfw_snapshot *snap, struct vfw_vm *vm,
			struct vfw_snapshot_room *room);
int vfw_snapshot_flows_tagged(struct vfw_snapshot *snap, struct vfw_vm *vm,
			      struct vfw_snapshot_room *room);

/* The same of a live stream. */
int vfw_send_put_round(struct vfw_snapshot *snap, struct vfw_vm *vm,
		       struct vfw_snapshot_room *room);
int vfw_send_put_gone(struct vfw_snapshot *snap, struct vfw_vm *vm,
		      struct vfw_snapshot_room *room);
int vfw_send_put_counters(struct vfw_snapshot *snap, struct vfw_vm *vm,
			  struct vfw_snapshot_room *room);

#endif /* _VFW_SNAPSHOT_STAGE_H */
