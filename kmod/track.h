/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TRACK_H
#define _VFW_TRACK_H

#include "packet.h"

struct vfw_flow;
struct vfw_policy;
struct vfw_vm;

/**
 * struct vfw_judgement - what becomes of a packet
 * @reason: VFW_DROP_REASON_NONE lets it pass
 * @reject: it is to be answered
 * @lone: it passed without a flow
 */
struct vfw_judgement {
	enum vfw_drop_reason reason;
	bool reject;
	bool lone;
};

/**
 * struct vfw_later - a fragment whose datagram's first one passed
 * @key: of the flow that it passed by, if not @lone
 * @epoch: policy epoch in which it passed
 * @length: bytes of the fragment by its IP header
 * @seq: of TCP, sequence number behind what the first one had
 * @end: of TCP, the same behind this fragment
 * @flags: of TCP, the segment's
 * @dir: enum vfw_direction
 * @lone: the first one passed without a flow
 */
struct vfw_later {
	const struct vfw_key *key;
	u32 epoch;
	u32 length;
	u32 seq;
	u32 end;
	u8 flags;
	u8 dir;
	bool lone;
};

struct vfw_judgement vfw_track_packet(struct vfw_vm *vm, const struct vfw_packet *pkt);
void vfw_track_count_lone(struct vfw_vm *vm, const struct vfw_packet *pkt);
enum vfw_drop_reason vfw_track_later(struct vfw_vm *vm, const struct vfw_later *later);
bool vfw_track_state_valid(u8 protocol, u8 state);
u32 vfw_track_lifetime(const struct vfw_policy *policy, const struct vfw_flow *flow);

#endif /* _VFW_TRACK_H */
