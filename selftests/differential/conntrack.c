// SPDX-License-Identifier: GPL-2.0
/*
 * Which of its reasons does nf_conntrack have for a verdict? It does not say, so this follows its
 * decisions (net/netfilter/nf_conntrack_proto_tcp.c of Linux 7.3) from the entry as it was before
 * the packet. It serves explanations only: the verdict is what came out of the bridge, and one
 * that this does not foresee leaves a difference unexplained.
 */
#include "conntrack.h"

#define CLOSE_INIT	0x04
#define MAXACK_SET	0x20
#define SACK_PERM	0x02
#define EXPECT_CHALLENGE 0x40
#define ACK_WINDOW	66000U

const char * const ct_cause_names[N_CT_CAUSES] = {
	"in window", "new", "reopens", "unsolicited", "bad checksum", "malformed", "bad flags",
	"wrong state", "unheeded", "resync", "challenge", "rst old", "rst unchecked", "overshot",
	"seq over", "ack over", "seq under", "ack under",
};

const char * const ct_state_names[N_CT_STATES] = {
	"-", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK",
	"TIME_WAIT", "CLOSE", "SYN_SENT2",
};

enum ct_kind ct_kind(u8 flags)
{
	if (flags & RST)
		return KIND_RST;
	if (flags & SYN)
		return flags & ACK ? KIND_SYNACK : KIND_SYN;
	if (flags & FIN)
		return KIND_FIN;
	return flags & ACK ? KIND_ACK : KIND_NONE;
}

bool ct_passes(enum ct_cause cause)
{
	switch (cause) {
	case CT_UNSOLICITED: case CT_BAD_CHECKSUM: case CT_MALFORMED: case CT_BAD_FLAGS:
	case CT_WRONG_STATE: case CT_RST_OLD: case CT_SEQ_OVER: case CT_ACK_OVER:
		return false;
	default:
		return true;
	}
}

static bool flags_valid(u8 flags)
{
	flags &= FIN | SYN | RST | ACK | URG;
	if (flags & RST)
		return !(flags & ~(RST | ACK));
	if (flags & SYN)
		return flags == SYN || flags == (SYN | URG) || flags == (SYN | ACK);
	return flags & ACK;
}

enum answer { INVALID, IGNORE, REOPEN, CHECK };

/* The table of states: by who opened, kind of segment and state. */
static enum answer table(bool reply, enum ct_kind kind, u8 state)
{
	bool opening = state == CT_SYN_SENT || state == CT_SYN_SENT2;

	switch (kind) {
	case KIND_SYN:
		if (state == CT_TIME_WAIT || (state == CT_CLOSE && !reply))
			return REOPEN;
		if (opening)
			return CHECK;
		return reply ? INVALID : IGNORE;
	case KIND_SYNACK:
		if (reply)
			return opening ? CHECK : IGNORE;
		return state == CT_SYN_RECV || state == CT_SYN_SENT2 ? CHECK : INVALID;
	case KIND_FIN:
		return opening ? INVALID : CHECK;
	case KIND_ACK:
		if (opening)
			return reply ? IGNORE : INVALID;
		return CHECK;
	case KIND_RST:
		return CHECK;
	default:
		return INVALID;
	}
}

static u32 highest_sack(const struct packet *packet)
{
	u32 sack = packet->seg.ack, i;

	for (i = 0; i < packet->seg.n_sack; i++)
		sack = latest(sack, packet->seg.sack[i][1]);
	return sack;
}

static u32 at_least_1(u32 n)
{
	return n ? n : 1;
}

static void init_sender(struct vfwd_peer *from, const struct segment *seg)
{
	from->end = segment_end(seg);
	from->max_end = from->end;
	from->max_window = at_least_1(seg->window);
}

static enum ct_cause window(const struct vfwd_side *entry, const struct packet *packet,
			    struct vfwd_peer from, struct vfwd_peer to)
{
	const struct segment *seg = &packet->seg;
	u32 seq = seg->seq, end = segment_end(seg), ack = seg->ack, sack = ack, most, window;
	bool reply = packet->dir != entry->opened;

	window = (u32)seg->window << from.scale;
	if (to.flags & SACK_PERM)
		sack = highest_sack(packet);
	if (!from.max_window) {
		if (seg->flags & SYN) {
			init_sender(&from, seg);
			if (!(seg->flags & ACK))
				return CT_IN_WINDOW;
		} else {
			from.end = end;
			from.max_window = at_least_1(window);
			from.max_end = end + from.max_window;
			if (!to.max_window) {
				to.end = sack;
				to.max_end = sack;
			} else if (sack == to.end + 1) {
				to.end++;
			}
		}
	} else if (seg->flags & SYN && after(end, from.end) &&
		   (entry->state == CT_SYN_SENT || entry->state == CT_SYN_RECV)) {
		init_sender(&from, seg);
		if (reply && !(seg->flags & ACK))
			return CT_IN_WINDOW;
	}
	if (!(seg->flags & ACK) || (seg->flags & RST && !ack))
		sack = to.end;
	if (seg->flags & RST && !seq && entry->state == CT_SYN_SENT) {
		seq = from.end;
		end = seq;
	}
	most = from.max_window > ACK_WINDOW ? from.max_window : ACK_WINDOW;
	if (after(seq, from.max_end)) {
		bool fits = to.max_window && after(end, from.end - to.max_window - 1) &&
			    after(sack, to.end - most - 1) &&
			    end - from.max_end + 1 <= to.max_window && !after(sack, to.end);

		return fits ? CT_OVERSHOT : CT_SEQ_OVER;
	}
	if (after(sack, to.end))
		return CT_ACK_OVER;
	if (to.max_window && !after(end, from.end - to.max_window - 1))
		return CT_SEQ_UNDER;
	return after(sack, to.end - most - 1) ? CT_IN_WINDOW : CT_ACK_UNDER;
}

static enum ct_cause reset(const struct vfwd_side *entry, const struct packet *packet)
{
	const struct vfwd_peer *from = &entry->peer[packet->dir], *to = &entry->peer[!packet->dir];
	bool established = entry->state == CT_ESTABLISHED && entry->assured;
	const struct segment *seg = &packet->seg;
	bool reply = packet->dir != entry->opened;

	if (entry->state >= CT_FIN_WAIT && entry->state <= CT_CLOSE)
		return CT_RST_UNCHECKED;
	if (to->flags & MAXACK_SET && entry->last_index != KIND_SYN) {
		if (!seg->seq && !established)
			return window(entry, packet, *from, *to);
		if (before(seg->seq, to->max_ack))
			return CT_RST_OLD;
		if (!established || seg->seq == to->max_ack)
			return window(entry, packet, *from, *to);
		if (entry->last_index == KIND_ACK && entry->last_dir == reply &&
		    seg->seq == entry->last_end)
			return window(entry, packet, *from, *to);
	}
	if (((entry->replied && entry->last_index == KIND_SYN && entry->last_dir != reply) ||
	     (!entry->assured && entry->last_index == KIND_ACK)) &&
	    seg->ack == entry->last_end)
		return CT_RST_UNCHECKED;
	if (entry->state == CT_SYN_SENT && entry->last_index == KIND_ACK && entry->last_dir &&
	    seg->seq == entry->last_ack)
		return CT_RST_UNCHECKED;
	return window(entry, packet, *from, *to);
}

static enum ct_cause ignored(const struct vfwd_side *entry, const struct packet *packet)
{
	struct vfwd_peer from = entry->peer[packet->dir], to = entry->peer[!packet->dir];
	bool reply = packet->dir != entry->opened;
	const struct segment *seg = &packet->seg;
	enum ct_cause cause;

	if (ct_kind(seg->flags) != KIND_SYNACK || entry->last_index != KIND_SYN ||
	    entry->last_dir == reply || seg->ack != entry->last_end)
		return CT_UNHEEDED;
	to.end = entry->last_end;
	to.max_end = entry->last_end;
	to.max_window = at_least_1(entry->last_win);
	from = (struct vfwd_peer){};
	cause = window(entry, packet, from, to);
	return cause == CT_IN_WINDOW ? CT_RESYNC : cause;
}

/**
 * ct_predict() - what nf_conntrack makes of a packet, strict and without picking up
 * @entry: as it was before; all zeros if there was none
 * @packet: a TCP segment
 */
enum ct_cause ct_predict(const struct vfwd_side *entry, const struct packet *packet)
{
	bool reply = packet->dir != entry->opened;
	const struct segment *seg = &packet->seg;
	enum ct_kind kind = ct_kind(seg->flags);

	if (packet->flaw == SHORT_HEADER || packet->flaw == LONG_HEADER || packet->flaw == CUT)
		return CT_MALFORMED;
	if (packet->flaw == BAD_CHECKSUM)
		return CT_BAD_CHECKSUM;
	if (!flags_valid(seg->flags))
		return CT_BAD_FLAGS;
	if (!entry->known)
		return kind == KIND_SYN ? CT_NEW : CT_UNSOLICITED;
	switch (table(reply, kind, entry->state)) {
	case INVALID:
		return CT_WRONG_STATE;
	case REOPEN:
		if ((entry->peer[0].flags | entry->peer[1].flags) & CLOSE_INIT ||
		    (entry->last_dir == reply && entry->last_index == KIND_RST))
			return CT_REOPENS;
		return ignored(entry, packet);
	case IGNORE:
		return ignored(entry, packet);
	default:
		break;
	}
	if (kind == KIND_RST)
		return reset(entry, packet);
	if (kind == KIND_ACK && entry->state == CT_LAST_ACK && entry->last_dir != reply &&
	    entry->last_index == KIND_SYN && entry->last_flags & EXPECT_CHALLENGE)
		return CT_CHALLENGE;
	return window(entry, packet, entry->peer[packet->dir], entry->peer[!packet->dir]);
}
