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

/* What each segment of a connection runs through, inline. The theory is in tcp_window.c. */

/* At least 1: an end with a closed window takes a probe. */
static inline u32 vfw_tcp_segment_window(const struct vfw_segment *seg, u8 scale)
{
	if (seg->flags & VFW_TCPHDR_SYN)
		scale = 0;
	return max_t(u32, (u32)seg->window << scale, 1);
}

/**
 * vfw_tcp_window_limit() - how far an end may send
 * @x: a segment it sent
 *
 * An end whose SYN/ACK is not acknowledged yet may send into the window of the SYN it answered
 * (RFC 7413).
 *
 * Context: the flow's lock is held.
 * Return: the greatest sequence number a segment may begin with.
 */
static inline u32 vfw_tcp_window_limit(const struct vfw_tcp_exchange *x)
{
	if (*x->state == VFW_FLOW_STATE_TCP_SYN_RECV && !vfw_tcp_is_opener(x->from))
		return x->from->max_end + x->to->max_window;
	return x->from->max_end;
}

/* Of a segment behind the limit: is it too far? */
static inline bool vfw_tcp_beyond_window(const struct vfw_tcp_exchange *x)
{
	return x->end != x->seg->seq || x->end != vfw_tcp_window_limit(x) + 1;
}

static inline bool vfw_tcp_completes_handshake(const struct vfw_tcp_exchange *x)
{
	return *x->state == VFW_FLOW_STATE_TCP_SYN_RECV && vfw_tcp_is_opener(x->from);
}

/* III and IV of the theory. The ACK that completes a handshake has less room. */
static inline bool vfw_tcp_ack_valid(const struct vfw_tcp_exchange *x)
{
	const struct vfw_tcp_peer *to = x->to;
	u32 last = to->flags & VFW_TCP_UNKNOWN ? to->max_end : to->end;

	/* Both, for half the number space may lie between them. */
	if (after(x->seg->ack, last) || after(x->seg->sack, last))
		return false;
	if (vfw_tcp_completes_handshake(x))
		return !before(x->seg->ack, to->max_end);
	return !before(x->seg->ack, to->end - vfw_tcp_backlog(x->from));
}

/**
 * vfw_tcp_window_check() - do a segment's numbers fit the connection?
 * @x: the segment, with ACK
 *
 * Context: the flow's lock is held.
 * Return: VFW_DROP_REASON_NONE, TCP_WINDOW or TCP_ACK.
 */
static __always_inline enum vfw_drop_reason
vfw_tcp_window_check(const struct vfw_tcp_exchange *x)
{
	const struct vfw_tcp_peer *from = x->from;

	if (after(x->seg->seq, vfw_tcp_window_limit(x)) && vfw_tcp_beyond_window(x))
		return VFW_DROP_REASON_TCP_WINDOW;
	if (before(x->end, from->end - vfw_tcp_backlog(x->to)))
		return VFW_DROP_REASON_TCP_WINDOW;
	/* Nothing follows a FIN that the other end has taken. */
	if (from->flags & VFW_TCP_FIN_ACKED && after(x->end, from->end))
		return VFW_DROP_REASON_TCP_WINDOW;
	return vfw_tcp_ack_valid(x) ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_TCP_ACK;
}

/* A FIN that more data follows was none of this connection. */
static inline void vfw_tcp_update_sender(struct vfw_tcp_exchange *x, u32 window)
{
	struct vfw_tcp_peer *from = x->from;

	from->max_window = max(from->max_window, window);
	if (after(x->end, from->end)) {
		from->end = x->end;
		from->flags &= ~VFW_TCP_FIN;
	}
	if (x->seg->flags & VFW_TCPHDR_FIN && x->end == from->end)
		from->flags |= VFW_TCP_FIN;
}

static inline void vfw_tcp_update_receiver(struct vfw_tcp_exchange *x, u32 window)
{
	const struct vfw_segment *seg = x->seg;
	struct vfw_tcp_peer *to = x->to;

	/* Only of an end picked up, see vfw_tcp_ack_valid(). */
	if (unlikely(after(seg->sack, to->end)))
		to->end = seg->sack;
	if (after(seg->ack + window, to->max_end))
		to->max_end = seg->ack + window;
	if (to->flags & VFW_TCP_FIN && seg->ack == to->end)
		to->flags |= VFW_TCP_FIN_ACKED;
}

/* Both ends have heard each other: scales count if both offered one (RFC 7323, 2.2). */
static inline void vfw_tcp_settle_scales(struct vfw_tcp_exchange *x)
{
	if (x->from->flags & x->to->flags & VFW_TCP_WINDOW_SCALE)
		return;
	x->from->scale = 0;
	x->to->scale = 0;
}

/**
 * vfw_tcp_window_update() - take note of a segment that fits
 * @x: the segment, with ACK
 *
 * Context: the flow's lock is held.
 */
static __always_inline void vfw_tcp_window_update(struct vfw_tcp_exchange *x)
{
	u32 window;

	if (unlikely(vfw_tcp_completes_handshake(x))) {
		vfw_tcp_settle_scales(x);
		/* The window of the SYN may be the greater one: scaled ones are rounded down. */
		x->to->max_end += x->from->max_window;
	}
	window = vfw_tcp_segment_window(x->seg, x->from->scale);
	vfw_tcp_update_sender(x, window);
	vfw_tcp_update_receiver(x, window);
}

void vfw_tcp_window_open(struct vfw_tcp_peer *peer, const struct vfw_segment *seg);
void vfw_tcp_window_answer(struct vfw_tcp_exchange *x);
void vfw_tcp_window_pick_up(struct vfw_tcp_peer *from, struct vfw_tcp_peer *to,
			    const struct vfw_segment *seg);
bool vfw_tcp_window_sent(const struct vfw_tcp_peer *from, const struct vfw_tcp_peer *to, u32 seq);
bool vfw_tcp_window_valid(const struct vfw_tcp_peer *peer);

#endif /* _VFW_TCP_WINDOW_H */
