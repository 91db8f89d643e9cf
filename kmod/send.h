/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SEND_H
#define _VFW_SEND_H

#include <linux/container_of.h>
#include <linux/netlink.h>
#include <linux/types.h>
#include <uapi/linux/vfw.h>
#include "flow.h"
#include "snapshot.h"

struct vfw_snapshot_room;
struct vfw_vm;

/* Flows in a frame. */
#define VFW_SEND_PLACES	(VFW_FRAME_MAX / sizeof(struct vfw_state_flow4))

/**
 * struct vfw_send - a VM's state being sent in rounds; under vfw_net.lock
 * @snap: the stream
 * @portid: netlink socket that began it
 * @round: number of the round that was begun last, from 1
 * @begun: the table's time when it began
 * @now: the same when the round began
 * @over: the last round was begun
 * @places: of the flows in the frame that is being written
 */
struct vfw_send {
	struct vfw_snapshot snap;
	u32 portid;
	u32 round;
	u32 begun;
	u32 now;
	bool over;
	__le32 places[VFW_SEND_PLACES];
};

/* The live stream that a save is of. */
static inline struct vfw_send *vfw_send_of(struct vfw_snapshot *snap)
{
	return container_of(snap, struct vfw_send, snap);
}

/* Bytes of the places of @count flows, with what fills them up. */
static inline size_t vfw_send_places_size(u32 count)
{
	return ALIGN(count * sizeof(__le32), 8);
}

int vfw_send_begin(struct vfw_vm *vm, u32 portid, struct netlink_ext_ack *extack);
int vfw_send_round(struct vfw_vm *vm, struct netlink_ext_ack *extack);
int vfw_send_frame(struct vfw_vm *vm, void *buf, size_t size);
u32 vfw_send_changed(struct vfw_vm *vm);
void vfw_send_end(struct vfw_vm *vm);

/* Between send.c and snapshot_flow.c only. */
void vfw_send_note(struct vfw_send *send, struct vfw_flow_table *table, struct vfw_flow *flow,
		   u32 number);
void vfw_send_put_places(struct vfw_send *send, struct vfw_snapshot_room *room);

#endif /* _VFW_SEND_H */
