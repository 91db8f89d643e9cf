/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SNAPSHOT_H
#define _VFW_SNAPSHOT_H

#include <linux/types.h>
#include <uapi/linux/vfw_state.h>
#include "flow.h"

struct vfw_vm;

/**
 * enum vfw_snapshot_way - what kind of stream is written
 * @VFW_SNAPSHOT_WHOLE: a snapshot, from beginning to end
 * @VFW_SNAPSHOT_ROUND: a live stream, a round that is not the last
 * @VFW_SNAPSHOT_LAST_ROUND: a live stream, the last round
 */
enum vfw_snapshot_way {
	VFW_SNAPSHOT_WHOLE,
	VFW_SNAPSHOT_ROUND,
	VFW_SNAPSHOT_LAST_ROUND,
};

/**
 * struct vfw_snapshot - a save under way: which frame is next; holds no pointer
 * @way: enum vfw_snapshot_way; of a live stream this is a part of struct vfw_send
 * @type: enum vfw_frame_type of the next frame, VFW_FRAME_TYPE_NONE when the stream is complete, or
 *	the round
 * @sequence: its number
 * @rule: next rule
 * @epoch: policy epoch when the save began; another one later ends it with -EAGAIN
 * @changes: of the VM when the save began; another number later ends it with -EAGAIN
 * @cursor: next flow
 * @digest: CRC-32C of the checksums of the frames so far
 * @bytes: bytes of these frames
 * @ports: records so far
 * @rules: records so far
 * @flows: records so far, by kind
 */
struct vfw_snapshot {
	u8 way;
	u32 type;
	u32 sequence;
	u32 rule;
	u32 epoch;
	u32 changes;
	struct vfw_flow_cursor cursor;
	u32 digest;
	u64 bytes;
	u32 ports;
	u32 rules;
	u32 flows[VFW_FLOW_KINDS];
};

/* What a buffer must have so that any frame finds room in it for one record. */
#define VFW_SNAPSHOT_FRAME_MIN	2048

void vfw_snapshot_begin(struct vfw_snapshot *snap, struct vfw_vm *vm);
int vfw_snapshot_frame(struct vfw_snapshot *snap, struct vfw_vm *vm, void *buf, size_t size);

/* Pure; also what restore.c undoes. */
void vfw_snapshot_encode_flow(const struct vfw_flow *flow, u32 now, u32 epoch,
			      struct vfw_state_flow *rec);
u32 vfw_snapshot_crc(const struct vfw_state_frame *frame);
u32 vfw_snapshot_digest(u32 digest, const struct vfw_state_frame *frame);
void vfw_snapshot_seal(struct vfw_state_frame *frame);

#endif /* _VFW_SNAPSHOT_H */
