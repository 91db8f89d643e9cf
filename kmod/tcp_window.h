/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TCP_WINDOW_H
#define _VFW_TCP_WINDOW_H

#include <net/tcp.h>
#include "tcp.h"

/* The greatest window there is (RFC 7323, 2.3). */
#define VFW_TCP_WINDOW_MAX	((u32)U16_MAX << TCP_MAX_WSCALE)

/* By how much data a segment may be overtaken, beyond what is in flight: 64 KiB and a frame. */
#define VFW_TCP_REORDER		66000

/**
 * struct vfw_tcp_exchange - a segment and the connection it is of
 * @from: the end that sent it
 * @to: the other end
 * @seg: the segment
 * @end: sequence number behind it, with SYN and FIN counted
 * @dir: in which it goes
 * @state: of the flow
 * @effect: what becomes of the flow
 */
struct vfw_tcp_exchange {
	struct vfw_tcp_peer *from;
	struct vfw_tcp_peer *to;
	const struct vfw_segment *seg;
	u32 end;
	enum vfw_direction dir;
	u8 *state;
	enum vfw_tcp_effect *effect;
};

/* Modulo 2^32, like all comparisons of sequence numbers. */
static inline bool vfw_tcp_between(u32 number, u32 first, u32 last)
{
	return !before(number, first) && !after(number, last);
}

static inline u32 vfw_tcp_segment_end(const struct vfw_segment *seg)
{
	return seg->seq + seg->length + !!(seg->flags & VFW_TCPHDR_SYN) +
	       !!(seg->flags & VFW_TCPHDR_FIN);
}

/* How old data and acknowledgments sent to this end may be. */
static inline u32 vfw_tcp_backlog(const struct vfw_tcp_peer *receiver)
{
	return receiver->max_window + VFW_TCP_REORDER;
}

static inline bool vfw_tcp_is_opener(const struct vfw_tcp_peer *peer)
{
	return peer->flags & VFW_TCP_SYN;
}

void vfw_tcp_window_open(struct vfw_tcp_peer *peer, const struct vfw_segment *seg);
void vfw_tcp_window_answer(struct vfw_tcp_exchange *x);
void vfw_tcp_window_settle(struct vfw_tcp_exchange *x);
void vfw_tcp_window_pick_up(struct vfw_tcp_peer *from, struct vfw_tcp_peer *to,
			    const struct vfw_segment *seg);
u32 vfw_tcp_window_limit(const struct vfw_tcp_exchange *x);
bool vfw_tcp_window_sent(const struct vfw_tcp_peer *from, const struct vfw_tcp_peer *to, u32 seq);
enum vfw_drop_reason vfw_tcp_window_check(const struct vfw_tcp_exchange *x);
void vfw_tcp_window_update(struct vfw_tcp_exchange *x);
bool vfw_tcp_window_valid(const struct vfw_tcp_peer *peer);

#endif /* _VFW_TCP_WINDOW_H */
