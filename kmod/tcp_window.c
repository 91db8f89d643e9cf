// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: TCP windows as the firewall sees them
 *
 * A TCP end takes a segment when its numbers fit what the end has and expects. The firewall
 * knows neither, but bounds both from the segments it has seen go by, so that it refuses only
 * what no end would want. The model is van Rooij's [1].
 *
 * For each end X, with Y the other one, struct vfw_tcp_peer has
 *
 *	end		behind the last thing X sent: the greatest seq + length seen of X
 *	max_end		how far Y lets X send: the greatest ack + window seen of Y
 *	max_window	the greatest window seen of X
 *
 * and a segment of X, from seq to seq + length, acknowledging ack, and by SACK up to sack, must
 * satisfy
 *
 *	I	seq <= X.max_end			else TCP_WINDOW: Y has no room for it
 *	II	seq + length >= X.end - backlog(Y)	else TCP_WINDOW: Y had it long ago
 *	III	ack <= Y.end and sack <= Y.end		else TCP_ACK: Y never sent it
 *	IV	ack >= Y.end - backlog(X)		else TCP_ACK: was overtaken long ago
 *
 * I lets through what begins inside the window and ends outside: the end trims it (RFC 9293,
 * 3.10.7.4), and a probe of a closed window is one byte at max_end. An end that has sent such a
 * byte, or a FIN there (which not all wait for room with), goes on with the number behind it: an
 * acknowledgment without data may be at max_end + 1.
 *
 * II: when X retransmits from u, it has not heard of an acknowledgment beyond u, so whatever it
 * sent lies below u plus a window that Y announced: X.end <= u + Y.max_window. IV is the same
 * seen from Y. Networks reorder, so backlog() adds a constant to the window.
 *
 * All comparisons are modulo 2^32. Windows are below 2^30, so no bound is further than half the
 * number space from another; but for the last 33 KB of the very greatest window, which a segment
 * cannot reach in one leap from the window's beginning: half the space lies between it and II.
 * Windows in segments with SYN are never scaled (RFC 7323, 2.2); the scale of an end counts only if
 * both offered one.
 *
 * Until the other end acknowledges a SYN, max_end is the number behind the SYN. So the numbers
 * that acknowledge the SYN are those from max_end to end, be there data with the SYN or not
 * (RFC 7413).
 *
 * Example. The VM (out) opens, window 1000 and no scale, and the far end has window 500:
 *
 *					of the VM:		of the far end:
 *					end  max_end max_window	end, max_end max_window
 *	out SYN seq 99			100  100     1000
 *	in  SYN/ACK seq 6 ack 100	100  600     1000	7    7	     500
 *	out ACK seq 100 ack 7		100  600     1000	7    1007    500
 *	out seq 100 length 400 ack 7	500  600     1000	7    1007    500
 *	in  ACK seq 7 ack 300		500  800     1000	7    1007    500
 *
 * A segment of the VM may now begin anywhere up to 800; the far end's acknowledgment may be
 * anything up to 500.
 *
 * A connection that is picked up in the middle (VFW_TCP_UNKNOWN) begins with the widest bounds
 * there are: its scales were said in SYNs that nobody saw, so the greatest is assumed, and it
 * may be acknowledged up to max_end, for there may be more in flight than was seen.
 *
 * [1] G. van Rooij, Real Stateful TCP Packet Filtering in IP Filter, SANE 2000
 */
#include "main.h"

#include <linux/sizes.h>
#include "tcp_window.h"

/* How far an honest segment can reach beyond the window it begins in: GSO, and some. */
#define OVERSHOOT_MAX	SZ_1M

/**
 * vfw_tcp_window_open() - a SYN begins what is known of its end
 * @peer: the end; that it has opened before is not forgotten
 * @seg: its SYN or SYN/ACK
 *
 * Context: the flow's lock is held, or nobody else knows the flow.
 */
void vfw_tcp_window_open(struct vfw_tcp_peer *peer, const struct vfw_segment *seg)
{
	peer->end = vfw_tcp_segment_end(seg);
	peer->max_end = seg->seq + 1;
	peer->max_window = vfw_tcp_segment_window(seg, 0);
	peer->scale = seg->options & VFW_TCP_WINDOW_SCALE ? seg->scale : 0;
	peer->flags &= VFW_TCP_SYN;
	peer->flags |= seg->options;
	if (!(seg->flags & VFW_TCPHDR_ACK))
		peer->flags |= VFW_TCP_SYN;
}

/**
 * vfw_tcp_window_answer() - a SYN/ACK that answers the other end's SYN
 * @x: the SYN/ACK
 *
 * Context: the flow's lock is held.
 */
void vfw_tcp_window_answer(struct vfw_tcp_exchange *x)
{
	u32 limit = x->seg->ack + vfw_tcp_segment_window(x->seg, 0);
	u32 sent = x->from->end;
	bool crossed = vfw_tcp_is_opener(x->from) && x->seg->seq + 1 == x->from->max_end;

	vfw_tcp_window_open(x->from, x->seg);
	/* Its SYN may have brought data, which are not in the SYN/ACK of the same number. */
	if (crossed && after(sent, x->from->end))
		x->from->end = sent;
	/*
	 * Of the opener's scale it is not known yet: another answer, with other options, may
	 * follow, and be the one that arrives.
	 */
	if (!(x->to->flags & VFW_TCP_WINDOW_SCALE))
		x->from->scale = 0;
	if (after(limit, x->to->max_end))
		x->to->max_end = limit;
}

/**
 * vfw_tcp_window_pick_up() - begin in the middle: bounds as wide as can be
 * @from: the end that sent the first segment seen
 * @to: the other end
 * @seg: the segment, with ACK
 *
 * Context: nobody else knows the flow.
 */
void vfw_tcp_window_pick_up(struct vfw_tcp_peer *from, struct vfw_tcp_peer *to,
			    const struct vfw_segment *seg)
{
	from->end = vfw_tcp_segment_end(seg);
	from->max_end = from->end + VFW_TCP_WINDOW_MAX;
	from->max_window = VFW_TCP_WINDOW_MAX;
	from->scale = TCP_MAX_WSCALE;
	from->flags = VFW_TCP_UNKNOWN;
	if (seg->flags & VFW_TCPHDR_FIN)
		from->flags |= VFW_TCP_FIN;
	to->end = seg->ack;
	to->max_end = to->end + vfw_tcp_segment_window(seg, TCP_MAX_WSCALE);
	to->max_window = VFW_TCP_WINDOW_MAX;
	to->scale = TCP_MAX_WSCALE;
	to->flags = VFW_TCP_UNKNOWN;
}

/**
 * vfw_tcp_window_sent() - is this a number that an end has sent, and not too long ago?
 * @from: the end
 * @to: the other end
 * @seq: the number
 *
 * Context: the flow's lock is held.
 */
bool vfw_tcp_window_sent(const struct vfw_tcp_peer *from, const struct vfw_tcp_peer *to, u32 seq)
{
	return vfw_tcp_between(seq, from->end - vfw_tcp_backlog(to), from->end);
}

/**
 * vfw_tcp_window_valid() - can tracking have led to this?
 * @peer: one end; nothing about it is known to be sane
 *
 * Context: any.
 */
bool vfw_tcp_window_valid(const struct vfw_tcp_peer *peer)
{
	s32 room = peer->max_end - peer->end;

	if (peer->flags & ~VFW_TCP_ALL || peer->scale > TCP_MAX_WSCALE)
		return false;
	if (peer->scale && !(peer->flags & (VFW_TCP_WINDOW_SCALE | VFW_TCP_UNKNOWN)))
		return false;
	if (peer->flags & VFW_TCP_FIN_ACKED && !(peer->flags & VFW_TCP_FIN))
		return false;
	return peer->max_window >= 1 && peer->max_window <= VFW_TCP_WINDOW_MAX &&
	       room >= -OVERSHOOT_MAX && room <= (s32)VFW_TCP_WINDOW_MAX;
}
