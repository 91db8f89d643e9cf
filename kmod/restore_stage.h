/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RESTORE_STAGE_H
#define _VFW_RESTORE_STAGE_H

#include <linux/netlink.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/vfw_state.h>
#include "flow.h"
#include "vm.h"

/* Between the files of restoring only. */

/**
 * struct vfw_places - which staged flow has which place of a live stream
 * @staged: by place, where the flow is in the staged table (vfw_flow_place())
 * @place: the other way round
 *
 * Each is an xarray of leaves of 64 numbers; see restore_place.c.
 */
struct vfw_places {
	struct xarray staged;
	struct xarray place;
};

#define VFW_PLACE_NONE	U32_MAX

/**
 * struct vfw_restore - state that is arriving, none of it in force; under vfw_net.lock
 * @vm: the VM it is for
 * @portid: netlink socket that began it
 * @type: enum vfw_frame_type of the last frame taken
 * @frozen: the VM was frozen while the stream was written
 * @live: the stream is a live one
 * @last: the last round has begun
 * @failed: a frame was refused, and so is each that follows
 * @frames: frames taken; number of the next one
 * @record: of the present frame, the record that is being read, from 1; 0 for the frame itself
 * @extack: for the reason of a refusal, while a frame is being taken
 * @incarnation: what the VM's will be
 * @digest: CRC-32C of the checksums of the frames taken
 * @bytes: bytes of these frames
 * @round: number of the present round of a live stream, 0 before the first
 * @elapsed: milliseconds of the VM's time from the beginning of the stream to this round
 * @counted: rule whose counters came last, in a live stream
 * @ports: port records taken
 * @rules: rules that the policy is to have
 * @flows: flow records taken, by kind; not in a live stream
 * @epoch: policy epoch that the policy is expected to get, which the flows have already
 * @policy: the policy; NULL before its frame, or when there is none
 * @table: the flows
 * @places: where they are at the source, in a live stream
 * @stats: counters that came
 * @totals: the same of flows that ended
 * @before: what the VM had counted when its hold began
 * @unheld: the hold is over, so that flows count
 * @before_flows: what flows had counted by then, all of which had ended
 * @name: display name
 * @aligned: room for a frame that comes misaligned; NULL until there is one
 * @free: to free it when the state is in force
 */
struct vfw_restore {
	struct vfw_vm *vm;
	u32 portid;
	u32 type;
	bool frozen;
	bool live;
	bool last;
	bool failed;
	u32 frames;
	u32 record;
	struct netlink_ext_ack *extack;
	u64 incarnation;
	u32 digest;
	u64 bytes;
	u32 round;
	u32 elapsed;
	u32 counted;
	u32 ports;
	u32 rules;
	u32 flows[VFW_FLOW_KINDS];
	u32 epoch;
	struct vfw_policy *policy;
	struct vfw_flow_table *table;
	struct vfw_places places;
	struct vfw_stats stats;
	struct vfw_flow_totals totals;
	struct vfw_stats before;
	bool unheld;
	struct vfw_flow_totals before_flows;
	char name[VFW_NAME_MAX + 1];
	void *aligned;
	struct rcu_work free;
};

/* Refuse the present frame: report the reason with the frame's and the record's number. */
int __printf(3, 4) vfw_restore_refuse(struct vfw_restore *r, int err, const char *fmt, ...);

/* A name in a field of fixed size: terminated, and zero from there on. */
static inline bool vfw_restore_padded(const u8 *field, size_t size)
{
	size_t length = strnlen(field, size);

	return length < size && !memchr_inv(field + length, 0, size - length);
}

/* Check and stage a frame. */
int vfw_restore_take(struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size);

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
int vfw_restore_round(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_gone(struct vfw_restore *r, const struct vfw_state_frame *frame);
int vfw_restore_rule_counters(struct vfw_restore *r, const struct vfw_state_frame *frame);

/* Places of a live stream. */
void vfw_restore_vacate(struct vfw_restore *r, u32 place, u32 staged);
void vfw_places_init(struct vfw_places *places);
void vfw_places_free(struct vfw_places *places);
u32 vfw_places_find(const struct vfw_places *places, u32 place);
int vfw_places_set(struct vfw_places *places, u32 place, u32 staged);
void vfw_places_clear(struct vfw_places *places, u32 place);

#endif /* _VFW_RESTORE_STAGE_H */
