/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TCP_H
#define _VFW_TCP_H

#include <linux/types.h>
#include <uapi/linux/vfw.h>
#include <uapi/linux/vfw_state.h>
#include "packet.h"

/**
 * struct vfw_tcp_peer - what one end may send, in host order
 * @end: highest sequence number sent, plus one (SYN and FIN count one each)
 * @max_end: highest sequence number the other end's acknowledgments and windows let it send
 * @max_window: largest window it announced, scaled; at least 1
 * @scale: window scale in force for what it announces; 0 unless both ends offered the option
 * @flags: VFW_TCP_* of vfw_state.h
 */
struct vfw_tcp_peer {
	u32 end;
	u32 max_end;
	u32 max_window;
	u8 scale;
	u8 flags;
} __packed __aligned(2); /* two of them and an IPv4 key fill a flow's cache line */

/**
 * struct vfw_tcp - a TCP connection as the firewall sees it
 * @peer: by the direction in which the end sends: [VFW_DIRECTION_IN] is the far end,
 *	[VFW_DIRECTION_OUT] the VM
 */
struct vfw_tcp {
	struct vfw_tcp_peer peer[2];
};

/**
 * enum vfw_tcp_effect - what became of a segment's flow
 * @VFW_TCP_EFFECT_NONE: the segment is dropped, or changes nothing (and does not refresh)
 * @VFW_TCP_EFFECT_REFRESH: the flow's lifetime begins anew, by its (maybe new) state
 * @VFW_TCP_EFFECT_REOPEN: a valid SYN on a closed flow: the caller forgets the flow and judges
 *	the segment as one that opens a flow
 */
enum vfw_tcp_effect {
	VFW_TCP_EFFECT_NONE,
	VFW_TCP_EFFECT_REFRESH,
	VFW_TCP_EFFECT_REOPEN,
};

enum vfw_drop_reason vfw_tcp_open(struct vfw_tcp *tcp, u8 *state, enum vfw_direction dir,
				  const struct vfw_segment *seg, bool pick_up);
enum vfw_drop_reason vfw_tcp_update(struct vfw_tcp *tcp, u8 *state, enum vfw_direction dir,
				    const struct vfw_segment *seg, enum vfw_tcp_effect *effect);
void vfw_tcp_extend(struct vfw_tcp *tcp, enum vfw_direction dir, u8 flags, u32 from, u32 to);
bool vfw_tcp_quoted_in_window(const struct vfw_tcp *tcp, enum vfw_direction dir, u32 seq);
bool vfw_tcp_state_valid(const struct vfw_tcp *tcp, u8 state);

/* Half-open: the handshake is not complete. */
static inline bool vfw_tcp_half_open(u8 state)
{
	return state == VFW_FLOW_STATE_TCP_SYN_SENT ||
	       state == VFW_FLOW_STATE_TCP_SYN_SENT2 ||
	       state == VFW_FLOW_STATE_TCP_SYN_RECV;
}

#endif /* _VFW_TCP_H */
