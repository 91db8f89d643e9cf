/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SCTP_H
#define _VFW_SCTP_H

#include <linux/skbuff.h>
#include <linux/types.h>
#include <uapi/linux/vfw.h>
#include <uapi/linux/vfw_state.h>
#include "packet.h"
#include "tcp.h"

/**
 * struct vfw_sctp_peer - the verification tags that one end has offered, in host order
 * @tags: what packets to this end carry; the first is in force, or will be when nothing else comes,
 *	the others are of associations that may come of handshakes under way; 0 for none
 * @flags: VFW_SCTP_* of vfw_state.h
 * @unused: 0
 */
struct vfw_sctp_peer {
	u32 tags[VFW_STATE_SCTP_TAGS];
	u8 flags;
	u8 unused;
} __packed __aligned(2); /* as struct vfw_tcp_peer, whose place it takes */

/**
 * struct vfw_sctp - an SCTP association as the firewall sees it
 * @peer: by the direction in which the end sends: [VFW_DIRECTION_IN] is the far end,
 *	[VFW_DIRECTION_OUT] the VM. Tags of the same index belong together
 */
struct vfw_sctp {
	struct vfw_sctp_peer peer[2];
};

static_assert(sizeof(struct vfw_sctp) == sizeof(struct vfw_tcp));

enum vfw_drop_reason vfw_sctp_parse(const struct sk_buff *skb, int off, u32 len, bool cut,
				    struct vfw_chunks *chunks);
bool vfw_sctp_parse_quoted(const struct sk_buff *skb, int off, u32 len, struct vfw_chunks *chunks);
u32 vfw_sctp_segments(const struct sk_buff *skb);

enum vfw_drop_reason vfw_sctp_open(struct vfw_sctp *sctp, u8 *state, enum vfw_direction dir,
				   const struct vfw_chunks *chunks,
				   const struct vfw_sctp *before);
enum vfw_drop_reason vfw_sctp_update(struct vfw_sctp *sctp, u8 *state, enum vfw_direction dir,
				     enum vfw_direction opened, const struct vfw_chunks *chunks,
				     enum vfw_tcp_effect *effect);
bool vfw_sctp_quoted_known(const struct vfw_sctp *sctp, enum vfw_direction dir,
			   const struct vfw_chunks *chunks);
bool vfw_sctp_state_valid(const struct vfw_sctp *sctp, enum vfw_direction opened, u8 state);

/* Half-open: the handshake is not complete, or a path not confirmed. */
static inline bool vfw_sctp_half_open(u8 state)
{
	return state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
	       state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED ||
	       state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;
}

#endif /* _VFW_SCTP_H */
