// SPDX-License-Identifier: GPL-2.0
/*
 * Which of its reasons does nf_conntrack have for a verdict, and what does its entry become? It
 * does not say, so this follows its decisions (net/netfilter/nf_conntrack_proto_sctp.c of Linux
 * 7.3). It serves explanations only, and the comparison sees to it that it foresees each entry.
 */
#include <string.h>

#include "sctp_conntrack.h"

#define COMMON_HEADER	12
#define INIT_HEADER	16	/* it wants so much of an INIT, without the chunk's header */
#define PROBE_FAILED	0x01

const char * const sctp_cause_names[N_SCTP_CAUSES] = {
	"fits", "unchecked", "INIT", "answer", "learn", "probe", "probed", "opens", "path", "odd",
	"unsolicited", "wrong tag", "wrong state", "chunks", "crc", "short",
};

const char * const sctp_entry_names[N_CS_STATES] = {
	"-", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT",
	"SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
};

struct view {
	struct vfwd_side *entry;
	const struct sctp_bytes *bytes;
	u32 off, count, map;
	u32 tag;
	u8 dir;
	bool fresh, ignore;
	enum sctp_cause cause;
};

#define BIT_OF(type)	(1U << ((type) & 31))

/* Of the packets that go the way of this one. */
static u32 *expected(struct view *v)
{
	return &v->entry->tags[!v->dir].tag[0];
}

static u32 *others(struct view *v)
{
	return &v->entry->tags[v->dir].tag[0];
}

static bool has(const struct view *v, u8 type)
{
	return v->map & BIT_OF(type);
}

/* The next chunk. NULL at the end. */
static const u8 *next_chunk(struct view *v)
{
	const u8 *at = v->bytes->at + v->off;

	if (v->off + 4 > v->bytes->length)
		return NULL;
	v->off += (get16(at + 2) + 3) & ~3U;
	v->count++;
	return at;
}

static void rewind_chunks(struct view *v)
{
	v->off = COMMON_HEADER;
	v->count = 0;
}

static bool chunks_fit(struct view *v)
{
	bool alone = false;
	const u8 *at;

	rewind_chunks(v);
	while ((at = next_chunk(v))) {
		alone |= at[0] == CHUNK_INIT || at[0] == CHUNK_INIT_ACK ||
			 at[0] == CHUNK_SHUTDOWN_COMPLETE;
		if (((alone || at[0] == CHUNK_COOKIE_ACK || at[0] == CHUNK_COOKIE_ECHO) &&
		     v->count > 1) || !get16(at + 2))
			return false;
		if (at[0] < 16)
			v->map |= BIT_OF(at[0]);
	}
	return v->count;
}

/* Of an INIT or INIT ACK; false if there is too little. */
static bool offer_of(const struct view *v, const u8 *at, u32 *tag)
{
	if (at + 4 + INIT_HEADER > v->bytes->at + v->bytes->length)
		return false;
	*tag = get32(at + 4);
	return true;
}

/* SC_UNSOLICITED if it makes no entry. */
static enum sctp_cause create(struct view *v)
{
	enum sctp_cause cause = SC_ODD;
	const u8 *at;
	u32 tag;

	if (has(v, CHUNK_ABORT) || has(v, CHUNK_SHUTDOWN_COMPLETE) || has(v, CHUNK_COOKIE_ACK))
		return SC_UNSOLICITED;
	rewind_chunks(v);
	while ((at = next_chunk(v))) {
		switch (at[0]) {
		case CHUNK_INIT:
			if (v->tag || !offer_of(v, at, &tag))
				return SC_UNSOLICITED;
			*others(v) = tag;
			cause = SC_OPENS;
			break;
		case CHUNK_HEARTBEAT:
			*expected(v) = v->tag;
			cause = SC_PATH;
			break;
		case CHUNK_SHUTDOWN_ACK:
			*others(v) = v->tag;
			break;
		case CHUNK_INIT_ACK: case CHUNK_SHUTDOWN: case CHUNK_ERROR: case CHUNK_COOKIE_ECHO:
		case CHUNK_HEARTBEAT_ACK:
			break;
		default:
			return SC_UNSOLICITED;
		}
	}
	return cause;
}

static u8 first_state(u8 type)
{
	switch (type) {
	case CHUNK_SHUTDOWN_ACK: return CS_SHUTDOWN_ACK_SENT;
	case CHUNK_HEARTBEAT: return CS_HEARTBEAT_SENT;
	default: return CS_CLOSED;
	}
}

/* On a path that is not confirmed. N_CS_STATES: invalid. */
static u8 path_state(u8 type, bool reply)
{
	if (reply)
		return type == CHUNK_HEARTBEAT ? CS_HEARTBEAT_SENT :
		       type == CHUNK_HEARTBEAT_ACK ? CS_ESTABLISHED : N_CS_STATES;
	switch (type) {
	case CHUNK_INIT: return CS_COOKIE_WAIT;
	case CHUNK_SHUTDOWN_ACK: return CS_SHUTDOWN_ACK_SENT;
	case CHUNK_HEARTBEAT: case CHUNK_HEARTBEAT_ACK: return CS_HEARTBEAT_SENT;
	default: return CS_CLOSED;
	}
}

static bool counts(u8 type)
{
	return (type >= CHUNK_INIT && type <= CHUNK_COOKIE_ACK && type != CHUNK_SACK) ||
	       type == CHUNK_SHUTDOWN_COMPLETE;
}

static u8 next_state(u8 state, u8 type, bool reply)
{
	bool opening = state == CS_COOKIE_WAIT || state == CS_COOKIE_ECHOED;
	bool shut = state == CS_SHUTDOWN_SENT || state == CS_SHUTDOWN_RECD;

	if (!counts(type))
		return state;
	if (state == CS_NONE)
		return reply ? N_CS_STATES : first_state(type);
	if (state == CS_HEARTBEAT_SENT)
		return path_state(type, reply);
	switch (type) {
	case CHUNK_INIT:
		return shut && !reply ? CS_CLOSED : state;
	case CHUNK_INIT_ACK:
		return state == CS_CLOSED && reply ? CS_COOKIE_WAIT : state;
	case CHUNK_ABORT:
		return CS_CLOSED;
	case CHUNK_SHUTDOWN:
		if (state != CS_ESTABLISHED)
			return state;
		return reply ? CS_SHUTDOWN_RECD : CS_SHUTDOWN_SENT;
	case CHUNK_SHUTDOWN_ACK:
		return shut ? CS_SHUTDOWN_ACK_SENT : state;
	case CHUNK_ERROR:
		return state == CS_COOKIE_ECHOED && reply ? CS_CLOSED : state;
	case CHUNK_COOKIE_ECHO:
		return opening ? CS_COOKIE_ECHOED : state;
	case CHUNK_COOKIE_ACK:
		return state == CS_COOKIE_ECHOED ? CS_ESTABLISHED : state;
	case CHUNK_SHUTDOWN_COMPLETE:
		return state == CS_SHUTDOWN_ACK_SENT ? CS_CLOSED : state;
	default:
		return state;
	}
}

/* The first of these that is not SC_FITS is the packet's. */
static void note_cause(struct view *v, enum sctp_cause cause)
{
	if (v->cause == SC_FITS)
		v->cause = cause;
}

enum answer { GO_ON, SKIP, REFUSE };

static enum answer check_reflected(struct view *v, const u8 *at)
{
	return v->tag == (at[1] & REFLECTED ? *others(v) : *expected(v)) ? GO_ON : REFUSE;
}

static enum answer check_beat(struct view *v, const u8 *at)
{
	struct vfwd_side *entry = v->entry;
	bool reply = v->dir != entry->opened;

	if (!*expected(v)) {
		*expected(v) = v->tag;
		note_cause(v, SC_LEARN);
		return GO_ON;
	}
	if (v->tag == *expected(v)) {
		entry->last_flags &= ~PROBE_FAILED;
		return GO_ON;
	}
	if (has(v, CHUNK_DATA) || v->ignore)
		return REFUSE;
	if (at[0] == CHUNK_HEARTBEAT) {
		entry->last_flags |= PROBE_FAILED;
		entry->last_dir = reply;
		v->ignore = true;
		note_cause(v, SC_PROBE);
		return SKIP;
	}
	if (!(entry->last_flags & PROBE_FAILED) || entry->last_dir == reply)
		return REFUSE;
	entry->last_flags &= ~PROBE_FAILED;
	*expected(v) = v->tag;
	*others(v) = 0;
	note_cause(v, SC_PROBED);
	return GO_ON;
}

static enum answer check_tag(struct view *v, const u8 *at)
{
	switch (at[0]) {
	case CHUNK_INIT:
		return v->tag ? REFUSE : GO_ON;
	case CHUNK_ABORT: case CHUNK_SHUTDOWN_COMPLETE:
		return check_reflected(v, at);
	case CHUNK_COOKIE_ECHO:
		return v->tag == *expected(v) ? GO_ON : REFUSE;
	case CHUNK_COOKIE_ACK:
		v->entry->tags[0].flags = 0;
		v->entry->tags[1].flags = 0;
		return GO_ON;
	case CHUNK_HEARTBEAT: case CHUNK_HEARTBEAT_ACK:
		return check_beat(v, at);
	default:
		return GO_ON;
	}
}

/* flags of an end: it has sent an INIT since. */
static bool take_offer(struct view *v, const u8 *at, u8 state)
{
	u8 *from = &v->entry->tags[v->dir].flags, *to = &v->entry->tags[!v->dir].flags;
	u32 tag;

	if (!offer_of(v, at, &tag))
		return false;
	if (at[0] == CHUNK_INIT) {
		if (v->entry->state == CS_NONE || *others(v) != tag) {
			if (*from && *to)
				*to = 0;
			*from = 1;
		}
		if (state == CS_CLOSED && v->entry->state == CS_CLOSED && !v->fresh)
			v->ignore = true;
		note_cause(v, v->fresh ? SC_OPENS : SC_INIT);
	} else {
		if (*others(v) != tag && ((!*to && *others(v)) || (*from && *to)))
			return false;
		note_cause(v, SC_ANSWER);
	}
	*others(v) = tag;
	return true;
}

static enum sctp_cause walk(struct view *v)
{
	bool reply = v->dir != v->entry->opened;
	enum answer answer;
	const u8 *at;
	u8 state;

	rewind_chunks(v);
	while ((at = next_chunk(v))) {
		answer = check_tag(v, at);
		if (answer == REFUSE)
			return SC_TAG;
		if (answer == SKIP)
			continue;
		state = next_state(v->entry->state, at[0], reply);
		if (state == N_CS_STATES)
			return SC_STATE;
		if ((at[0] == CHUNK_INIT || at[0] == CHUNK_INIT_ACK) && !take_offer(v, at, state))
			return SC_TAG;
		v->entry->state = state;
		if (at[0] == CHUNK_SHUTDOWN_ACK && v->tag != *expected(v))
			note_cause(v, SC_UNCHECKED);
	}
	return v->cause;
}

static bool is_exempt(const struct view *v)
{
	return has(v, CHUNK_INIT) || has(v, CHUNK_SHUTDOWN_COMPLETE) || has(v, CHUNK_COOKIE_ECHO) ||
	       has(v, CHUNK_ABORT) || has(v, CHUNK_SHUTDOWN_ACK) || has(v, CHUNK_HEARTBEAT) ||
	       has(v, CHUNK_HEARTBEAT_ACK);
}

/**
 * sctp_ct_apply() - what nf_conntrack makes of a packet
 * @entry: as it was before, all zeros if there was none; it becomes what is expected after
 * @bytes: the packet
 * @dir: who sends it
 * @allowed: the rules let this end open an association
 */
enum sctp_cause sctp_ct_apply(struct vfwd_side *entry, const struct sctp_bytes *bytes, u8 dir,
			      bool allowed)
{
	struct view v = { .entry = entry, .bytes = bytes, .dir = dir, .fresh = !entry->known };
	enum sctp_cause cause, made = SC_FITS;

	entry->passed = 0;
	if (bytes->cut || bytes->length < COMMON_HEADER)
		return SC_SHORT;
	if (!bytes->crc)
		return SC_CRC;
	v.tag = get32(bytes->at + 4);
	if (!chunks_fit(&v))
		return SC_CHUNKS;
	if (v.fresh) {
		entry->opened = dir;
		made = create(&v);
		cause = made;
		if (made == SC_UNSOLICITED)
			goto none;
	}
	cause = !is_exempt(&v) && v.tag != *expected(&v) ? SC_TAG : walk(&v);
	entry->passed = cause < SC_UNSOLICITED && (allowed || !v.fresh);
	if (v.fresh && !entry->passed)
		goto none;
	entry->known = 1;
	return v.fresh ? made : cause;

none:
	memset(entry, 0, sizeof(*entry));
	return cause;
}
