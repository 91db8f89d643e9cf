// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: SCTP associations as the firewall sees them
 *
 * What makes SCTP easy to guard are its verification tags (RFC 9260, 8.5): each end draws a random
 * number of 32 bits and offers it in its INIT or INIT ACK, and every packet to it carries that
 * number. Whoever knows the tag is the far end, or sits between; nobody else gets a packet past the
 * firewall, and so what a chunk says about the state can be believed:
 *
 *	A                                B	tags
 *	INIT, tag 0, offers Ta       ->		A: Ta
 *	     <- INIT ACK, tag Ta, offers Tb	A: Ta	B: Tb
 *	COOKIE ECHO, tag Tb          ->
 *	     <- COOKIE ACK, tag Ta		established
 *
 * Until B has the cookie back it keeps no state, and offers another tag each time an INIT arrives;
 * which one A takes up shows in its COOKIE ECHO. So the flow remembers a few pairs of tags, and the
 * COOKIE ECHO chooses. It is the same when an end that has lost its state begins anew (RFC 9260,
 * 5.2), and when both begin at once: on an association INIT and INIT ACK pass, another pair is
 * remembered, and nothing else happens until one end echoes a cookie and the other takes it. That
 * pair is then the one in force (the first), and the one that was is forgotten.
 *
 * Who may make the flow remember something is what matters. An INIT has no tag, and anybody can
 * forge one: what comes in on a known flow passes, for the VM to answer, and leaves no trace. What
 * the VM sends is true of its end: the tags it offers are noted, and an INIT ACK from it has both.
 * An INIT ACK that comes in must carry a tag the VM offered, which nobody can guess. A tag that is
 * remembered, but not in force, lets a packet pass, and closes nothing. When there are more than
 * can be remembered, the VM's COOKIE ECHO says which one it took up.
 *
 * On an association that is over an INIT opens another one; what is left of the old one is its
 * SHUTDOWN ACK, which the end that has sent the INIT answers all the same (RFC 9260, 8.5.1 E), and
 * so its tags stay remembered for a while.
 *
 * An association may have several addresses at either end (multihoming), and so several paths, each
 * a flow. No INIT is seen on the others. An end confirms a path by a HEARTBEAT before it uses it
 * (RFC 9260, 5.4), so that a HEARTBEAT may open a flow where the rules let it: its tag is the one
 * packets this way have, and the first answer tells the other. Both ends know the association, or
 * would not answer; what was made up is closed by the ABORT it gets, or soon forgotten, for such
 * flows count as half-open. When an association restarts, the VM's HEARTBEAT with a new tag opens
 * the flow of such a path anew. Other first packets open nothing.
 *
 * The states are those of nf_conntrack, which are of the association, not of an end. A packet may
 * have several chunks; they are looked at in the order of enum vfw_sctp_kind, on a copy: all of the
 * packet passes and counts, or nothing of it.
 */
#include "main.h"

#include "sctp.h"

/**
 * enum action - what is done with a chunk, whose tag is known
 * @DROP: wrong in this state
 * @PASS: passes and changes nothing, also not the lifetime
 * @LEFT: passes if it is of the association before
 * @LIVE: passes, and the flow's lifetime begins anew
 * @OFFER: an INIT
 * @ANSWER: an INIT ACK
 * @ECHO: a COOKIE ECHO of a handshake
 * @AGAIN: one on an association: sent before, or a new handshake
 * @TAKE: a COOKIE ACK that completes a handshake
 * @RETAKE: one on an association
 * @LEARN: the answer on a path that a HEARTBEAT opened
 * @SENT: the opener's SHUTDOWN
 * @RECD: the other end's SHUTDOWN
 * @ACKED: SHUTDOWN ACK
 * @END: of the association
 * @ANEW: on one that is over, opens a new flow
 */
enum action {
	DROP,
	PASS,
	LEFT,
	LIVE,
	OFFER,
	ANSWER,
	ECHO,
	AGAIN,
	TAKE,
	RETAKE,
	LEARN,
	SENT,
	RECD,
	ACKED,
	END,
	ANEW,
};

#define FIRST_STATE	VFW_FLOW_STATE_SCTP_COOKIE_WAIT
#define N_STATES	(VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT - FIRST_STATE + 1)

/*
 * By kind of chunk, by whether the end that sent it opened the flow, and by state:
 *
 *	CW COOKIE_WAIT	SS SHUTDOWN_SENT (by the opener)	CL CLOSED
 *	CE COOKIE_ECHOED	SR SHUTDOWN_RECD (by the opener)	HS HEARTBEAT_SENT
 *	ES ESTABLISHED	SA SHUTDOWN_ACK_SENT (by either)
 */
static const u8 actions[VFW_SCTP_KINDS][2][N_STATES] = {
	[VFW_SCTP_INIT] = {
		/* Anybody's, see above. Over is over: the rules judge what comes after. */
		/* CW	  CE	  ES	  SS	  SR	  SA	  CL	  HS */
		{ OFFER,  OFFER,  OFFER,  OFFER,  OFFER,  OFFER,  ANEW,	  OFFER },
		{ OFFER,  OFFER,  OFFER,  OFFER,  OFFER,  OFFER,  ANEW,	  OFFER },
	},
	[VFW_SCTP_INIT_ACK] = {
		/*
		 * Of the opener when both opened, or the other end begins anew (RFC 9260, 5.2).
		 * CL: its INIT came before the old association's ABORT
		 */
		{ ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER },
		{ ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER, ANSWER },
	},
	[VFW_SCTP_COOKIE_ECHO] = {
		/* CL: the ABORT was lost; a cookie that is still good brings it back to life */
		{ ECHO,	  ECHO,	  AGAIN,  AGAIN,  AGAIN,  AGAIN,  ECHO,	  ECHO },
		{ ECHO,	  ECHO,	  AGAIN,  AGAIN,  AGAIN,  AGAIN,  ECHO,	  ECHO },
	},
	[VFW_SCTP_COOKIE_ACK] = {
		{ DROP,	  TAKE,	  RETAKE, RETAKE, RETAKE, RETAKE, PASS,	  DROP },
		{ DROP,	  TAKE,	  RETAKE, RETAKE, RETAKE, RETAKE, PASS,	  DROP },
	},
	[VFW_SCTP_HEARTBEAT] = {
		/*
		 * CE: the COOKIE ACK was lost, or is behind
		 * CL: what was in flight; the other end answers with ABORT
		 * HS: from the other end: it tries the path as well
		 */
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  LEARN },
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  PASS },
	},
	[VFW_SCTP_HEARTBEAT_ACK] = {
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  LEARN },
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  DROP },
	},
	[VFW_SCTP_OTHER] = {
		/*
		 * CW: nobody can send data yet
		 * CE: bundled with the COOKIE ECHO; or as above
		 * SS, SR: what is left is sent first (RFC 9260, 9.2)
		 */
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  PASS,	  DROP },
		{ DROP,	  PASS,	  LIVE,	  LIVE,	  LIVE,	  PASS,	  PASS,	  DROP },
	},
	[VFW_SCTP_SHUTDOWN] = {
		/* SS, SR: again, with what has arrived since; or both ends' at once */
		{ DROP,	  PASS,	  RECD,	  LIVE,	  LIVE,	  PASS,	  PASS,	  DROP },
		{ DROP,	  PASS,	  SENT,	  LIVE,	  LIVE,	  PASS,	  PASS,	  DROP },
	},
	[VFW_SCTP_SHUTDOWN_ACK] = {
		/* ES: the SHUTDOWN took another path */
		{ LEFT,	  PASS,	  ACKED,  ACKED,  ACKED,  LIVE,	  PASS,	  DROP },
		{ LEFT,	  PASS,	  ACKED,  ACKED,  ACKED,  LIVE,	  PASS,	  DROP },
	},
	[VFW_SCTP_SHUTDOWN_COMPLETE] = {
		/* Answers a SHUTDOWN ACK, and goes where that came from. */
		{ LEFT,	  LEFT,	  DROP,	  DROP,	  DROP,	  END,	  PASS,	  DROP },
		{ LEFT,	  LEFT,	  DROP,	  DROP,	  DROP,	  END,	  PASS,	  DROP },
	},
	[VFW_SCTP_ABORT] = {
		{ END,	  END,	  END,	  END,	  END,	  END,	  PASS,	  END },
		{ END,	  END,	  END,	  END,	  END,	  END,	  PASS,	  END },
	},
};

/**
 * struct exchange - a packet on an association
 * @from: the end that sent it
 * @to: the other
 * @chunks: the packet
 * @dir: its direction
 * @opener: @from opened the flow
 * @slot: index of the packet's tag among those that count for it; -1 for unknown
 * @state: state of the flow
 * @effect: what becomes of the flow
 */
struct exchange {
	struct vfw_sctp_peer *from;
	struct vfw_sctp_peer *to;
	const struct vfw_chunks *chunks;
	enum vfw_direction dir;
	bool opener;
	int slot;
	u8 state;
	enum vfw_tcp_effect effect;
};

static int find_tag_from(const struct vfw_sctp_peer *peer, u32 tag, int i)
{
	for (; tag && i < VFW_STATE_SCTP_TAGS; i++)
		if (peer->tags[i] == tag)
			return i;
	return -1;
}

static int find_tag(const struct vfw_sctp_peer *peer, u32 tag)
{
	return find_tag_from(peer, tag, 0);
}

static bool is_complete(const struct exchange *x, int slot)
{
	return x->from->tags[slot] && x->to->tags[slot];
}

static void set_pair(struct exchange *x, int slot, u32 from, u32 to)
{
	x->from->tags[slot] = from;
	x->to->tags[slot] = to;
}

static void swap_pairs(struct exchange *x, int a, int b)
{
	u32 from = x->from->tags[a], to = x->to->tags[a];

	set_pair(x, a, x->from->tags[b], x->to->tags[b]);
	set_pair(x, b, from, to);
}

/* 0 is a tag that is not known yet. */
static bool fits(u32 there, u32 tag)
{
	return !there || !tag || there == tag;
}

static bool is_empty(const struct exchange *x, int slot)
{
	return !x->from->tags[slot] && !x->to->tags[slot];
}

/*
 * Remember two tags that belong together, @to perhaps not known yet. The first pair stays, as the
 * one that is most likely to be taken up, or in force; so does the second when its cookie was
 * echoed on an association. The rest are the latest ones.
 */
static void note_pair(struct exchange *x, u32 from, u32 to)
{
	bool echoed = (x->from->flags | x->to->flags) & VFW_SCTP_ECHOED &&
		      !vfw_sctp_half_open(x->state);
	int i;

	for (i = 0; i < VFW_STATE_SCTP_TAGS; i++) {
		if (is_empty(x, i) || !fits(x->from->tags[i], from) || !fits(x->to->tags[i], to))
			continue;
		set_pair(x, i, from, to ?: x->to->tags[i]);
		return;
	}
	if (!echoed)
		swap_pairs(x, 1, 2);
	set_pair(x, echoed ? 2 : 1, from, to);
}

static enum vfw_drop_reason refresh(struct exchange *x, u8 state)
{
	x->state = state;
	x->effect = VFW_TCP_EFFECT_REFRESH;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason reopen(struct exchange *x)
{
	x->effect = VFW_TCP_EFFECT_REOPEN;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason offer(struct exchange *x)
{
	if (x->dir == VFW_DIRECTION_OUT)
		note_pair(x, x->chunks->init_tag, 0);
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason answer(struct exchange *x)
{
	note_pair(x, x->chunks->init_tag, x->chunks->tag);
	if (x->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT)
		return refresh(x, x->state);
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason echo(struct exchange *x)
{
	if (!is_complete(x, x->slot))
		return VFW_DROP_REASON_SCTP_STATE;
	swap_pairs(x, 0, x->slot);
	x->slot = 0;
	x->from->flags |= VFW_SCTP_ECHOED;
	return refresh(x, VFW_FLOW_STATE_SCTP_COOKIE_ECHOED);
}

/*
 * An end in the middle of a handshake offers the same tag to another's INIT (RFC 9260, 5.2.1). But
 * one that begins anew has a new tag itself: a cookie with the one in force is an old one.
 */
static enum vfw_drop_reason again(struct exchange *x)
{
	int slot = find_tag_from(x->to, x->chunks->tag, 1);

	if (slot < 0 || !is_complete(x, slot) || x->from->tags[slot] == x->from->tags[0])
		return VFW_DROP_REASON_NONE;
	swap_pairs(x, 1, slot);
	x->slot = x->slot ? 1 : 0;
	x->from->flags |= VFW_SCTP_ECHOED;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason establish(struct exchange *x, int slot)
{
	swap_pairs(x, 0, slot);
	x->from->flags = 0;
	x->to->flags = 0;
	x->slot = 0;
	return refresh(x, VFW_FLOW_STATE_SCTP_ESTABLISHED);
}

/*
 * The pair whose cookie was echoed is the first one, if it has that tag; another one's may have
 * been, and the ECHO of this one came late.
 */
static enum vfw_drop_reason take(struct exchange *x)
{
	if (!(x->to->flags & VFW_SCTP_ECHOED) || !is_complete(x, x->slot))
		return VFW_DROP_REASON_NONE;
	return establish(x, x->slot);
}

/* On an association it is the second one; a pair is known by both its tags only, see above. */
static enum vfw_drop_reason retake(struct exchange *x)
{
	u32 tag = x->from->tags[1];
	int i;

	if (!(x->to->flags & VFW_SCTP_ECHOED))
		return VFW_DROP_REASON_NONE;
	for (i = 0; i < VFW_STATE_SCTP_TAGS; i++)
		if (x->from->tags[i] == tag && x->to->tags[i] == x->chunks->tag)
			break;
	if (!i || i == VFW_STATE_SCTP_TAGS)
		return VFW_DROP_REASON_NONE;
	establish(x, i);
	set_pair(x, i, 0, 0);
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason learn(struct exchange *x)
{
	x->to->tags[0] = x->chunks->tag;
	x->slot = 0;
	return refresh(x, VFW_FLOW_STATE_SCTP_ESTABLISHED);
}

static enum vfw_drop_reason end(struct exchange *x)
{
	if (x->slot)
		return VFW_DROP_REASON_NONE;
	x->from->flags = 0;
	x->to->flags = 0;
	return refresh(x, VFW_FLOW_STATE_SCTP_CLOSED);
}

static enum vfw_drop_reason advance(struct exchange *x, u8 state)
{
	return x->slot ? VFW_DROP_REASON_NONE : refresh(x, state);
}

static enum vfw_drop_reason act(struct exchange *x, enum action action)
{
	switch (action) {
	case PASS:
		return VFW_DROP_REASON_NONE;
	case LEFT:
		return x->slot ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_SCTP_STATE;
	case LIVE:
		return advance(x, x->state);
	case OFFER:
		return offer(x);
	case ANSWER:
		return answer(x);
	case ECHO:
		return echo(x);
	case AGAIN:
		return again(x);
	case TAKE:
		return take(x);
	case RETAKE:
		return retake(x);
	case LEARN:
		return learn(x);
	case SENT:
		return advance(x, VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT);
	case RECD:
		return advance(x, VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD);
	case ACKED:
		return advance(x, VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT);
	case END:
		return end(x);
	case ANEW:
		return reopen(x);
	case DROP:
		break;
	}
	return VFW_DROP_REASON_SCTP_STATE;
}

static bool in_handshake(const struct exchange *x)
{
	return x->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
	       x->state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED;
}

/*
 * A packet whose tag nobody offered, as far as is known. The VM answers INITs that left no trace;
 * and of its HEARTBEATs it knows that the association has another tag now. But a handshake that is
 * under way goes on.
 */
static enum vfw_drop_reason unknown_tag(struct exchange *x)
{
	u32 kinds = x->chunks->kinds;
	bool over = x->state == VFW_FLOW_STATE_SCTP_CLOSED;

	if (x->dir == VFW_DIRECTION_OUT) {
		if (kinds == BIT(VFW_SCTP_INIT_ACK))
			return answer(x);
		if (kinds & BIT(VFW_SCTP_ABORT) && !x->chunks->reflected)
			return VFW_DROP_REASON_NONE;
		if (kinds == BIT(VFW_SCTP_HEARTBEAT) && in_handshake(x))
			return VFW_DROP_REASON_NONE;
	}
	if (kinds == BIT(VFW_SCTP_HEARTBEAT) && (over || x->dir == VFW_DIRECTION_OUT))
		return reopen(x);
	return VFW_DROP_REASON_SCTP_TAG;
}

/* Does the packet answer, for the first time, on a path that a HEARTBEAT opened? */
static bool may_teach(const struct exchange *x)
{
	return x->state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT && !x->opener && !x->to->tags[0] &&
	       !(x->chunks->kinds & ~(BIT(VFW_SCTP_HEARTBEAT) | BIT(VFW_SCTP_HEARTBEAT_ACK)));
}

/*
 * When more tags were offered than can be remembered, the one that the VM has taken up may have
 * been forgotten. Returns the index of its pair, or -1.
 */
static int believe_echo(struct exchange *x)
{
	if (x->dir != VFW_DIRECTION_OUT || !in_handshake(x) || !x->from->tags[0] ||
	    !x->to->tags[VFW_STATE_SCTP_TAGS - 1] ||
	    !(x->chunks->kinds & BIT(VFW_SCTP_COOKIE_ECHO)))
		return -1;
	note_pair(x, x->from->tags[0], x->chunks->tag);
	return find_tag(x->to, x->chunks->tag);
}

static enum vfw_drop_reason judge(struct exchange *x)
{
	const struct vfw_chunks *chunks = x->chunks;
	enum vfw_drop_reason reason;
	u32 kinds = chunks->kinds;
	int kind;

	/* RFC 9260, 8.5.1 B and C: other chunks are never sent with such a tag. */
	if (chunks->reflected && kinds & ~(BIT(VFW_SCTP_ABORT) | BIT(VFW_SCTP_OTHER) |
					   BIT(VFW_SCTP_SHUTDOWN_COMPLETE)))
		return VFW_DROP_REASON_SCTP_TAG;
	/* An ERROR may come before an ABORT, in any state. */
	if (kinds & BIT(VFW_SCTP_ABORT))
		kinds &= ~BIT(VFW_SCTP_OTHER);
	/* An end without the association has no tag but the one that it was sent. */
	x->slot = find_tag(chunks->reflected ? x->from : x->to, chunks->tag);
	if (x->slot < 0)
		x->slot = believe_echo(x);
	if (x->slot < 0 && !(chunks->kinds & BIT(VFW_SCTP_INIT)) && !may_teach(x))
		return unknown_tag(x);
	for (kind = 0; kind < VFW_SCTP_KINDS; kind++) {
		if (!(kinds & BIT(kind)))
			continue;
		reason = act(x, actions[kind][x->opener][x->state - FIRST_STATE]);
		if (reason || x->effect == VFW_TCP_EFFECT_REOPEN)
			return reason;
	}
	return VFW_DROP_REASON_NONE;
}

/**
 * vfw_sctp_update() - judge a packet of a known association, and take note of it
 * @sctp: the association; changed only if the packet passes and means something
 * @state: state of its flow, one of SCTP's; likewise
 * @dir: direction in which the packet goes
 * @opened: direction of the packet that opened the flow
 * @chunks: the packet, as vfw_sctp_parse() gave it
 * @effect: what becomes of the flow
 *
 * RFC 9260, 5 (handshake), 8.5 (tags) and 9 (end); the model is explained at the top of this file.
 *
 * Context: the flow's lock is held.
 * Return: VFW_DROP_REASON_NONE, or SCTP_TAG or SCTP_STATE.
 */
enum vfw_drop_reason vfw_sctp_update(struct vfw_sctp *sctp, u8 *state, enum vfw_direction dir,
				     enum vfw_direction opened, const struct vfw_chunks *chunks,
				     enum vfw_tcp_effect *effect)
{
	struct vfw_sctp after = *sctp;
	struct exchange x = {
		.from = &after.peer[dir],
		.to = &after.peer[!dir],
		.chunks = chunks,
		.dir = dir,
		.opener = dir == opened,
		.state = *state,
		.effect = VFW_TCP_EFFECT_NONE,
	};
	enum vfw_drop_reason reason;

	*effect = VFW_TCP_EFFECT_NONE;
	if (unlikely(*state < FIRST_STATE || *state >= FIRST_STATE + N_STATES))
		return VFW_DROP_REASON_SCTP_STATE;
	reason = judge(&x);
	if (reason)
		return reason;
	*effect = x.effect;
	if (x.effect != VFW_TCP_EFFECT_REOPEN) {
		*sctp = after;
		*state = x.state;
	}
	return VFW_DROP_REASON_NONE;
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_update);

/**
 * vfw_sctp_open() - begin to track an association, or a path of one, with the first packet seen
 * @sctp: filled in
 * @state: filled in with the state the flow begins in
 * @dir: direction in which the packet goes
 * @chunks: the packet, as vfw_sctp_parse() gave it
 * @before: the association that it has ended, or zeros
 *
 * Context: any; nobody else knows @sctp yet.
 * Return: VFW_DROP_REASON_NONE, or SCTP_STATE when this packet opens nothing.
 */
enum vfw_drop_reason vfw_sctp_open(struct vfw_sctp *sctp, u8 *state, enum vfw_direction dir,
				   const struct vfw_chunks *chunks,
				   const struct vfw_sctp *before)
{
	int i;

	memset(sctp, 0, sizeof(*sctp));
	if (chunks->kinds == BIT(VFW_SCTP_INIT)) {
		sctp->peer[dir].tags[0] = chunks->init_tag;
		for (i = 1; i < VFW_STATE_SCTP_TAGS; i++) {
			sctp->peer[dir].tags[i] = before->peer[dir].tags[i - 1];
			sctp->peer[!dir].tags[i] = before->peer[!dir].tags[i - 1];
		}
		*state = VFW_FLOW_STATE_SCTP_COOKIE_WAIT;
		return VFW_DROP_REASON_NONE;
	}
	if (chunks->kinds == BIT(VFW_SCTP_HEARTBEAT)) {
		sctp->peer[!dir].tags[0] = chunks->tag;
		*state = VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;
		return VFW_DROP_REASON_NONE;
	}
	return VFW_DROP_REASON_SCTP_STATE;
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_open);

/**
 * vfw_sctp_quoted_known() - was a packet that an ICMP error quotes one of the association?
 * @sctp: the association
 * @dir: direction in which the quoted packet went
 * @chunks: its tags, as vfw_sctp_parse_quoted() gave them
 *
 * RFC 9260, 10, ICMP6.
 *
 * Context: the flow's lock is held.
 */
bool vfw_sctp_quoted_known(const struct vfw_sctp *sctp, enum vfw_direction dir,
			   const struct vfw_chunks *chunks)
{
	if (chunks->tag)
		return find_tag(&sctp->peer[!dir], chunks->tag) >= 0;
	return find_tag(&sctp->peer[dir], chunks->init_tag) >= 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_quoted_known);

/**
 * vfw_sctp_state_valid() - can tracking have led to this?
 * @sctp: an association from wherever; nothing about it is known to be sane
 * @opened: direction of the packet that opened its flow
 * @state: state the flow is said to have, any number
 *
 * Context: any.
 */
bool vfw_sctp_state_valid(const struct vfw_sctp *sctp, enum vfw_direction opened, u8 state)
{
	const struct vfw_sctp_peer *opener = &sctp->peer[opened], *other = &sctp->peer[!opened];
	u8 flags = opener->flags | other->flags;

	if (flags & ~VFW_SCTP_ECHOED || opener->unused || other->unused)
		return false;
	switch (state) {
	case VFW_FLOW_STATE_SCTP_COOKIE_WAIT:
		return !flags && opener->tags[0];
	case VFW_FLOW_STATE_SCTP_COOKIE_ECHOED:
		return flags && opener->tags[0] && other->tags[0];
	case VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT:
		return !flags && other->tags[0];
	case VFW_FLOW_STATE_SCTP_CLOSED:
		return !flags && (opener->tags[0] || other->tags[0]);
	case VFW_FLOW_STATE_SCTP_ESTABLISHED:
	case VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT:
	case VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD:
	case VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT:
		return opener->tags[0] && other->tags[0] &&
		       (!flags || (opener->tags[1] && other->tags[1]));
	default:
		return false;
	}
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_state_valid);
