/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RESTORE_STAGE_H
#define _VFW_RESTORE_STAGE_H

#include <linux/netlink.h>
#include <linux/types.h>
#include <uapi/linux/vfw_state.h>
#include "flow.h"
#include "vm.h"

/* Between restore.c, restore_policy.c and restore_flow.c only. */

/**
 * struct vfw_restore - state that is arriving, none of it in force; under vfw_net.lock
 * @vm: the VM it is for
 * @portid: netlink socket that began it
 * @type: enum vfw_frame_type of the last frame taken
 * @frozen: the VM was frozen while the stream was written
 * @failed: a frame was refused, and so is each that follows
 * @frames: frames taken; number of the next one
 * @record: of the present frame, the record that is being read, from 1; 0 for the frame itself
 * @extack: for the reason of a refusal, while a frame is being taken
 * @incarnation: what the VM's will be
 * @digest: CRC-32C of the checksums of the frames taken
 * @bytes: bytes of these frames
 * @ports: port records taken
 * @rules: rules that the policy is to have
 * @flows: flow records taken, by kind
 * @epoch: policy epoch that the policy is expected to get, which the flows have already
 * @policy: the policy; NULL before its frame, or when there is none
 * @table: the flows
 * @stats: counters that came
 * @totals: the same of flows that ended
 * @before: what the VM had counted when its hold began
 * @unheld: the hold is over, so that flows count
 * @before_flows: what flows had counted by then, all of which had ended
 * @name: display name
 * @aligned: room for a frame that comes misaligned; NULL until there is one
 */
struct vfw_restore {
	struct vfw_vm *vm;
	u32 portid;
	u32 type;
	bool frozen;
	bool failed;
	u32 frames;
	u32 record;
	struct netlink_ext_ack *extack;
	u64 incarnation;
	u32 digest;
	u64 bytes;
	u32 ports;
	u32 rules;
	u32 flows[VFW_FLOW_KINDS];
	u32 epoch;
	struct vfw_policy *policy;
	struct vfw_flow_table *table;
	struct vfw_stats stats;
	struct vfw_flow_totals totals;
	struct vfw_stats before;
	bool unheld;
	struct vfw_flow_totals before_flows;
	char name[VFW_NAME_MAX + 1];
	void *aligned;
};

/* Refuse the present frame: report the reason with the frame's and the record's number. */
int __printf(3, 4) vfw_restore_refuse(struct vfw_restore *r, int err, const char *fmt, ...);

/* A name in a field of fixed size: terminated, and zero from there on. */
static inline bool vfw_restore_padded(const u8 *field, size_t size)
{
	size_t length = strnlen(field, size);

	return length < size && !memchr_inv(field + length, 0, size - length);
}

/*
 * Takers of frames. The frame is whole, its checksum is right, it is in its place, and if its
 * records are of fixed size, there are frame->count of them, at least one in a list.
 */
int vfw_restore_policy(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_rules(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_rules_end(struct vfw_restore *r);
int vfw_restore_stats(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_flows4(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_flows6(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_flows_tagged(struct vfw_restore *r, const struct vfw_state_frame *frame);

#endif /* _VFW_RESTORE_STAGE_H */
