/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TCP_PLAIN_H
#define _VFW_TCP_PLAIN_H

#include "tcp_window.h"

/**
 * vfw_tcp_plain() - the quick way to judge what nearly all segments are
 * @tcp: a connection in VFW_FLOW_STATE_TCP_ESTABLISHED; changed only if true is returned
 * @dir: direction in which the segment goes
 * @seg: the segment, with flags that a valid one can have
 *
 * A plain segment has neither SYN nor FIN nor RST, and numbers that fit. It leaves the connection
 * established, and vfw_tcp_update() would have done the same with it.
 *
 * Context: the flow's lock is held.
 * Return: true when the segment passes; false says nothing, and leaves it to vfw_tcp_update().
 */
static __always_inline bool vfw_tcp_plain(struct vfw_tcp *tcp, enum vfw_direction dir,
					  const struct vfw_segment *seg)
{
	u8 state = VFW_FLOW_STATE_TCP_ESTABLISHED;
	struct vfw_tcp_exchange x = {
		.from = &tcp->peer[dir],
		.to = &tcp->peer[!dir],
		.seg = seg,
		.end = seg->seq + seg->length,
		.dir = dir,
		.state = &state,
	};

	if (seg->flags & (VFW_TCPHDR_SYN | VFW_TCPHDR_FIN | VFW_TCPHDR_RST))
		return false;
	if (vfw_tcp_window_check(&x))
		return false;
	vfw_tcp_window_update(&x);
	return true;
}

#endif /* _VFW_TCP_PLAIN_H */
