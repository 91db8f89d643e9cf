// SPDX-License-Identifier: GPL-2.0
/*
 * What vfw is to do with an SCTP packet, written down once more, from the rules that
 * Documentation/conntrack-differences.md and the top of kmod/sctp.c give in words. See rules.c.
 */
#include <string.h>

#include "sctp_rules.h"

#define COMMON_HEADER	12
#define MOST_LOOKED_AT	16

const char * const sctp_rule_names[N_SCTP_RULES] = {
	"passes", "other tag", "INIT passes", "INIT noted", "INIT ACK noted", "echo", "echo again",
	"take", "retake", "learn", "shut", "ends", "VM's ABORT", "opens", "path", "reopens",
	"path anew", "refused", "unsolicited", "wrong state", "wrong tag", "tag 0", "chunks",
	"header",
};

static enum sctp_kind kind_of(u8 type)
{
	switch (type) {
	case CHUNK_INIT: return K_INIT;
	case CHUNK_INIT_ACK: return K_INIT_ACK;
	case CHUNK_HEARTBEAT: return K_HEARTBEAT;
	case CHUNK_HEARTBEAT_ACK: return K_HEARTBEAT_ACK;
	case CHUNK_ABORT: return K_ABORT;
	case CHUNK_SHUTDOWN: return K_SHUTDOWN;
	case CHUNK_SHUTDOWN_ACK: return K_SHUTDOWN_ACK;
	case CHUNK_COOKIE_ECHO: return K_COOKIE_ECHO;
	case CHUNK_COOKIE_ACK: return K_COOKIE_ACK;
	case CHUNK_SHUTDOWN_COMPLETE: return K_SHUTDOWN_COMPLETE;
	default: return K_OTHER;
	}
}

/* RFC 9260, 3.3; of I-DATA, RFC 8260, 2.1 */
static bool length_fits(u8 type, u32 length)
{
	switch (type) {
	case CHUNK_SHUTDOWN_ACK: case CHUNK_COOKIE_ACK: case CHUNK_SHUTDOWN_COMPLETE:
		return length == 4;
	case CHUNK_SHUTDOWN:
		return length == 8;
	case CHUNK_COOKIE_ECHO:
		return length > 4;
	case CHUNK_HEARTBEAT: case CHUNK_HEARTBEAT_ACK:
		return length >= 8;
	case CHUNK_SACK:
		return length >= 16;
	case CHUNK_DATA:
		return length > 16;
	case CHUNK_INIT: case CHUNK_INIT_ACK:
		return length >= 20;
	case CHUNK_I_DATA:
		return length > 20;
	default:
		return length >= 4;
	}
}

struct count {
	u32 all, but_auth, data, sack;
};

static bool order_fits(u8 type, const struct count *before, bool last)
{
	switch (type) {
	case CHUNK_INIT: case CHUNK_INIT_ACK: case CHUNK_SHUTDOWN_COMPLETE:
		return !before->all && last;
	case CHUNK_COOKIE_ECHO:
		return !before->but_auth;
	case CHUNK_COOKIE_ACK:
		return !before->data && !before->sack;
	default:
		return true;
	}
}

static bool read_chunks(struct sctp_read *read, const u8 *at, u32 left)
{
	struct count count = {};
	u32 length, padded;

	do {
		if (count.all == MOST_LOOKED_AT)
			return count.data;
		if (left < 4)
			return false;
		length = get16(at + 2);
		padded = (length + 3) & ~3U;
		if (!length_fits(at[0], length) || length > left ||
		    !order_fits(at[0], &count, padded >= left))
			return false;
		if (at[0] == CHUNK_ABORT || at[0] == CHUNK_SHUTDOWN_COMPLETE)
			read->reflected = at[1] & REFLECTED;
		read->aborts += at[0] == CHUNK_ABORT;
		read->kinds |= 1U << kind_of(at[0]);
		count.all++;
		count.but_auth += at[0] != CHUNK_AUTH;
		count.data += at[0] == CHUNK_DATA || at[0] == CHUNK_I_DATA;
		count.sack += at[0] == CHUNK_SACK;
		if (padded >= left)
			break;
		at += padded;
		left -= padded;
	} while (true);
	return !(count.data && read->kinds & K(ABORT));
}

/**
 * sctp_read() - read a packet
 * @read: filled in
 * @bytes: the packet
 *
 * Return: R_PASSES, or why it is malformed.
 */
enum sctp_rule sctp_read(struct sctp_read *read, const struct sctp_bytes *bytes)
{
	*read = (struct sctp_read){};
	if (bytes->cut || bytes->length < COMMON_HEADER)
		return R_HEADER;
	read->tag = get32(bytes->at + 4);
	if (!read_chunks(read, bytes->at + COMMON_HEADER, bytes->length - COMMON_HEADER))
		return R_CHUNKS;
	if (read->kinds & (K(INIT) | K(INIT_ACK)))
		read->offer = get32(bytes->at + COMMON_HEADER + 4);
	if (read->kinds & (K(INIT) | K(INIT_ACK)) && !read->offer)
		return R_TAG_ZERO;
	return !read->tag == !!(read->kinds & K(INIT)) ? R_PASSES : R_TAG_ZERO;
}

/* A packet, the flow it is of, and both ends of that. */
struct view {
	struct vfwd_side *flow;
	struct vfwd_tags *from, *to;
	const struct sctp_read *read;
	u8 dir;
	bool allowed, opener, force;	/* force: the tag is the one in force */
	enum sctp_rule rule;
};

static enum sctp_rule drop(struct view *v, u8 reason, enum sctp_rule rule)
{
	v->flow->passed = 0;
	v->flow->reason = reason;
	return rule;
}

/* There is no flow, or none any more. */
static enum sctp_rule open(struct view *v)
{
	bool init = v->read->kinds == K(INIT), again = v->flow->known;
	struct vfwd_tags last[2] = { *v->from, *v->to };

	if (!init && v->read->kinds != K(HEARTBEAT))
		return drop(v, VFW_DROP_REASON_SCTP_STATE, R_UNSOLICITED);
	if (!v->allowed)
		return drop(v, VFW_DROP_REASON_DEFAULT, R_REFUSED);
	memset(v->flow->tags, 0, sizeof(v->flow->tags));
	v->flow->known = 1;
	v->flow->opened = v->dir;
	if (init) {
		/* What is left of the last association may still come. */
		memcpy(&v->from->tag[1], last[0].tag, 2 * sizeof(u32));
		memcpy(&v->to->tag[1], last[1].tag, 2 * sizeof(u32));
		v->flow->state = VFW_FLOW_STATE_SCTP_COOKIE_WAIT;
		v->from->tag[0] = v->read->offer;
		return again ? R_REOPENS : R_OPENS;
	}
	v->flow->state = VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;
	v->to->tag[0] = v->read->tag;
	return again ? R_REPATH : R_PATH;
}

static void swap(struct view *v, u32 a, u32 b)
{
	u32 from = v->from->tag[a], to = v->to->tag[a];

	v->from->tag[a] = v->from->tag[b];
	v->to->tag[a] = v->to->tag[b];
	v->from->tag[b] = from;
	v->to->tag[b] = to;
}

static bool contradict(u32 a, u32 b)
{
	return a && b && a != b;
}

static bool echoed(const struct vfwd_tags *end)
{
	return end->flags & VFW_SCTP_ECHOED;
}

static bool half_open(const struct view *v)
{
	u8 state = v->flow->state;

	return state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
	       state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED ||
	       state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;
}

/* The first pair stays, and on an association the second once its cookie was echoed. */
static void note(struct view *v, u32 from, u32 to)
{
	bool pinned = !half_open(v) && (echoed(v->from) || echoed(v->to));
	u32 i;

	for (i = 0; i < 3; i++) {
		u32 a = v->from->tag[i], b = v->to->tag[i];

		if ((a || b) && !contradict(a, from) && !contradict(b, to))
			break;
	}
	if (i == 3) {
		i = pinned ? 2 : 1;
		if (!pinned)
			swap(v, 1, 2);
		v->to->tag[i] = 0;
	}
	v->from->tag[i] = from;
	if (to)
		v->to->tag[i] = to;
}

static enum sctp_rule answer(struct view *v)
{
	note(v, v->read->offer, v->read->tag);
	return R_ANSWER;
}

static void clear_flags(struct view *v)
{
	v->from->flags = 0;
	v->to->flags = 0;
}

/* Which pair has this tag of the end that the packet goes to? -1 if none. */
static int pair_of(const struct vfwd_tags *end, u32 tag, int first)
{
	int i;

	for (i = first; i < 3; i++)
		if (end->tag[i] == tag)
			return i;
	return -1;
}

static enum sctp_rule echo(struct view *v)
{
	int i = pair_of(v->to, v->read->tag, 0);

	if (!v->from->tag[i])
		return drop(v, VFW_DROP_REASON_SCTP_STATE, R_STATE);
	swap(v, 0, i);
	v->force = true;
	v->from->flags |= VFW_SCTP_ECHOED;
	v->flow->state = VFW_FLOW_STATE_SCTP_COOKIE_ECHOED;
	return R_ECHO;
}

static enum sctp_rule echo_again(struct view *v)
{
	int i = pair_of(v->to, v->read->tag, 1);

	/* Who begins anew has a new tag. */
	if (i < 0 || !v->from->tag[i] || v->from->tag[i] == v->from->tag[0])
		return R_PASSES;
	swap(v, 1, i);
	v->from->flags |= VFW_SCTP_ECHOED;
	return R_AGAIN;
}

static enum sctp_rule establish(struct view *v, int i, enum sctp_rule rule)
{
	swap(v, 0, i);
	clear_flags(v);
	v->force = true;
	v->flow->state = VFW_FLOW_STATE_SCTP_ESTABLISHED;
	return rule;
}

/* The first pair that has the tag, and is complete, if the other end has echoed a cookie. */
static enum sctp_rule take(struct view *v)
{
	int i = pair_of(v->to, v->read->tag, 0);

	return echoed(v->to) && v->from->tag[i] ? establish(v, i, R_TAKE) : R_PASSES;
}

/* It must have both tags of the second pair, and be another than the first. */
static enum sctp_rule retake(struct view *v)
{
	u32 tag = v->from->tag[1];
	int i;

	for (i = 0; echoed(v->to) && i < 3; i++) {
		if (v->from->tag[i] != tag || v->to->tag[i] != v->read->tag)
			continue;
		if (!i)
			break;
		establish(v, i, R_RETAKE);
		v->from->tag[i] = 0;
		v->to->tag[i] = 0;
		return R_RETAKE;
	}
	return R_PASSES;
}

static enum sctp_rule learn(struct view *v)
{
	if (v->opener)
		return R_PASSES;
	v->to->tag[0] = v->read->tag;
	v->force = true;
	v->flow->state = VFW_FLOW_STATE_SCTP_ESTABLISHED;
	return R_LEARN;
}

static enum sctp_rule shut(struct view *v, u8 state)
{
	if (!v->force)
		return R_OTHER_TAG;
	v->flow->state = state;
	return R_SHUT;
}

static enum sctp_rule end(struct view *v)
{
	if (!v->force)
		return R_OTHER_TAG;
	clear_flags(v);
	v->flow->state = VFW_FLOW_STATE_SCTP_CLOSED;
	return R_ENDS;
}

static enum sctp_rule offer(struct view *v)
{
	if (v->dir != VM)
		return R_OFFER;
	note(v, v->read->offer, 0);
	return R_NOTED;
}

/* Of the association before, perhaps. */
static enum sctp_rule left(struct view *v)
{
	return v->force ? drop(v, VFW_DROP_REASON_SCTP_STATE, R_STATE) : R_OTHER_TAG;
}

/* Before the cookie is echoed, or on a path that is not confirmed. */
static enum sctp_rule judge_early(struct view *v, enum sctp_kind kind)
{
	bool path = v->flow->state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;

	if (kind == K_COOKIE_ECHO)
		return echo(v);
	if (kind == K_ABORT)
		return end(v);
	if (path && (kind == K_HEARTBEAT || (kind == K_HEARTBEAT_ACK && !v->opener)))
		return learn(v);
	if (!path && (kind == K_SHUTDOWN_ACK || kind == K_SHUTDOWN_COMPLETE))
		return left(v);
	return drop(v, VFW_DROP_REASON_SCTP_STATE, R_STATE);
}

static enum sctp_rule judge_echoed(struct view *v, enum sctp_kind kind)
{
	switch (kind) {
	case K_COOKIE_ECHO: return echo(v);
	case K_COOKIE_ACK: return take(v);
	case K_ABORT: return end(v);
	case K_SHUTDOWN_COMPLETE: return left(v);
	default: return R_PASSES;
	}
}

/* Established, or on the way to the end. */
static enum sctp_rule judge_open(struct view *v, enum sctp_kind kind)
{
	bool acked = v->flow->state == VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT;

	switch (kind) {
	case K_COOKIE_ECHO:
		return echo_again(v);
	case K_COOKIE_ACK:
		return retake(v);
	case K_SHUTDOWN:
		if (v->flow->state != VFW_FLOW_STATE_SCTP_ESTABLISHED)
			break;
		return shut(v, v->opener ? VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT :
					   VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD);
	case K_SHUTDOWN_ACK:
		return acked ? R_PASSES : shut(v, VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT);
	case K_SHUTDOWN_COMPLETE:
		return acked ? end(v) : drop(v, VFW_DROP_REASON_SCTP_STATE, R_STATE);
	case K_ABORT:
		return end(v);
	default:
		break;
	}
	return v->force ? R_PASSES : R_OTHER_TAG;
}

static enum sctp_rule judge_kind(struct view *v, enum sctp_kind kind)
{
	bool closed = v->flow->state == VFW_FLOW_STATE_SCTP_CLOSED;

	if (kind == K_INIT)
		return closed ? open(v) : offer(v);
	if (kind == K_INIT_ACK)
		return answer(v);
	switch (v->flow->state) {
	case VFW_FLOW_STATE_SCTP_COOKIE_WAIT:
	case VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT:
		return judge_early(v, kind);
	case VFW_FLOW_STATE_SCTP_COOKIE_ECHOED:
		return judge_echoed(v, kind);
	case VFW_FLOW_STATE_SCTP_CLOSED:
		return kind == K_COOKIE_ECHO ? echo(v) : R_PASSES;
	default:
		return judge_open(v, kind);
	}
}

static bool answers_path(const struct view *v)
{
	return v->flow->state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT && !v->opener &&
	       !v->to->tag[0] && !(v->read->kinds & ~(K(HEARTBEAT) | K(HEARTBEAT_ACK)));
}

static bool in_handshake(const struct view *v)
{
	return v->flow->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
	       v->flow->state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED;
}

static enum sctp_rule unknown_tag(struct view *v)
{
	bool vm = v->dir == VM;

	if (vm && v->read->kinds == K(INIT_ACK))
		return answer(v);
	if (vm && v->read->kinds & K(ABORT) && !v->read->reflected)
		return R_VM_ABORT;
	if (vm && v->read->kinds == K(HEARTBEAT) && in_handshake(v))
		return R_PASSES;
	if (v->read->kinds == K(HEARTBEAT) &&
	    (vm || v->flow->state == VFW_FLOW_STATE_SCTP_CLOSED))
		return open(v);
	return drop(v, VFW_DROP_REASON_SCTP_TAG, R_TAG);
}

/* The VM says which tag it has taken up, if there were more than three. */
static int believe(struct view *v)
{
	if (v->dir != VM || !(v->read->kinds & K(COOKIE_ECHO)) || !in_handshake(v) ||
	    !v->from->tag[0] || !v->to->tag[2])
		return -1;
	note(v, v->from->tag[0], v->read->tag);
	return pair_of(v->to, v->read->tag, 0);
}

static enum sctp_rule judge(struct view *v)
{
	struct vfwd_side before = *v->flow;
	enum sctp_rule rule = R_PASSES, one;
	unsigned int kind;
	int i;

	v->opener = v->dir == v->flow->opened;
	if (v->read->reflected && v->read->kinds & ~(K(ABORT) | K(OTHER) | K(SHUTDOWN_COMPLETE)))
		return drop(v, VFW_DROP_REASON_SCTP_TAG, R_TAG);
	i = pair_of(v->read->reflected ? v->from : v->to, v->read->tag, 0);
	if (i < 0)
		i = believe(v);
	v->force = !i;
	if (i < 0 && !(v->read->kinds & K(INIT)) && !answers_path(v))
		return unknown_tag(v);
	if (i > 0)
		rule = R_OTHER_TAG;
	for (kind = 0; kind < N_KINDS; kind++) {
		if (!(v->read->kinds >> kind & 1))
			continue;
		/* What comes with an ABORT means nothing any more. */
		if (kind == K_OTHER && v->read->kinds & K(ABORT))
			continue;
		one = judge_kind(v, kind);
		rule = one > rule ? one : rule;
		if (v->flow->passed)
			continue;
		/* All of a packet counts, or nothing. */
		before.passed = 0;
		before.reason = v->flow->reason;
		*v->flow = before;
		break;
	}
	return rule;
}

/**
 * sctp_rules_apply() - what vfw makes of a packet
 * @flow: the flow before, all zeros if there is none; it becomes what is expected after
 * @bytes: the packet
 * @dir: who sends it
 * @allowed: the policy lets this end open an association
 * @read: filled in: what was read
 */
enum sctp_rule sctp_rules_apply(struct vfwd_side *flow, const struct sctp_bytes *bytes, u8 dir,
				bool allowed, struct sctp_read *read)
{
	static const u8 reasons[N_SCTP_RULES] = {
		[R_TAG_ZERO] = VFW_DROP_REASON_SCTP_TAG,
		[R_CHUNKS] = VFW_DROP_REASON_SCTP_CHUNK,
		[R_HEADER] = VFW_DROP_REASON_L4_HEADER,
	};
	struct view v = {
		.flow = flow, .from = &flow->tags[dir], .to = &flow->tags[!dir],
		.read = read, .dir = dir, .allowed = allowed,
	};
	enum sctp_rule rule = sctp_read(read, bytes);

	flow->passed = 1;
	flow->reason = VFW_DROP_REASON_NONE;
	if (rule)
		return drop(&v, bytes->cut ? VFW_DROP_REASON_IP_HEADER : reasons[rule], rule);
	return flow->known ? judge(&v) : open(&v);
}
