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
 */
struct vfw_judgement {
	enum vfw_drop_reason reason;
	bool reject;
};

struct vfw_judgement vfw_track_packet(struct vfw_vm *vm, const struct vfw_packet *pkt);
void vfw_track_count_lone(struct vfw_vm *vm, const struct vfw_packet *pkt);
bool vfw_track_state_valid(u8 protocol, u8 state);
u32 vfw_track_lifetime(const struct vfw_policy *policy, const struct vfw_flow *flow);

#endif /* _VFW_TRACK_H */
