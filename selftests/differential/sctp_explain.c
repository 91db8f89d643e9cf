// SPDX-License-Identifier: GPL-2.0
/*
 * Why the two differ on a packet of an association: as explain.c, rows of what nf_conntrack decided
 * and what vfw decided, and what else must hold.
 */
#include <stddef.h>

#include "sctp_explain.h"

const char * const sctp_why_names[N_SCTP_WHYS] = {
	[SX_NOTHING] = "unexplained",
	[SX_CRC] = "crc32c",
	[SX_CHUNKS] = "chunks",
	[SX_HALF] = "half-taken",
	[SX_TAG_ZERO] = "tag-zero",
	[SX_INIT_TAGS] = "init-tags",
	[SX_INIT_ANEW] = "init-anew",
	[SX_INIT_REFUSED] = "init-refused",
	[SX_INIT_CLOSES] = "init-closes",
	[SX_INIT_ACK] = "init-ack",
	[SX_REMEMBERED] = "tag-remembered",
	[SX_CLOSED] = "cookie-revives",
	[SX_CROSSED] = "both-open",
	[SX_COOKIE_ACK] = "cookie-ack",
	[SX_ERROR] = "error",
	[SX_EARLY] = "early",
	[SX_SHUTDOWN_ACK] = "shutdown-ack",
	[SX_SHUTDOWN_LATE] = "shutdown-late",
	[SX_COMPLETE] = "complete",
	[SX_ABORT] = "abort",
	[SX_BEAT_TAG] = "heartbeat-tag",
	[SX_BEAT_LEARNT] = "heartbeat-learnt",
	[SX_PATH] = "path",
	[SX_OUT_OF_BLUE] = "out-of-the-blue",
};

static bool flow_in(const struct sctp_case *x, u8 state)
{
	return x->vfw->known && x->vfw->state == state;
}

static bool flow_closed(const struct sctp_case *x)
{
	return flow_in(x, VFW_FLOW_STATE_SCTP_CLOSED);
}

static bool on_path(const struct sctp_case *x)
{
	return flow_in(x, VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT);
}

static bool waits_for_cookie(const struct sctp_case *x)
{
	return flow_in(x, VFW_FLOW_STATE_SCTP_COOKIE_WAIT);
}

/* Without an INIT ACK of the end that did not open, nf_conntrack's entry is CLOSED still. */
static bool both_open(const struct sctp_case *x)
{
	return waits_for_cookie(x) && x->ct->state == CS_CLOSED;
}

static bool entry_closed(const struct sctp_case *x)
{
	return x->ct->state == CS_CLOSED;
}

static bool echo_when_closed(const struct sctp_case *x)
{
	return x->read.kinds & K(COOKIE_ECHO) && flow_closed(x);
}

static bool entry_unchanged(const struct sctp_case *x)
{
	return x->ct->tags[0].tag[0] == x->ct_now->tags[0].tag[0] &&
	       x->ct->tags[1].tag[0] == x->ct_now->tags[1].tag[0];
}

/* Each ABORT has a T bit of its own, and other chunks beside it have none. */
static bool abort_in_company(const struct sctp_case *x)
{
	return x->read.aborts && (x->read.kinds != K(ABORT) || x->read.aborts > 1);
}

static bool opener_changes(const struct sctp_case *x)
{
	return x->ct_now->opened != x->vfw_now->opened;
}

/* The entry has no tag for this way. */
static bool entry_has_no_tag(const struct sctp_case *x)
{
	return !x->ct->tags[!x->dir].tag[0];
}

static bool has_error(const struct sctp_case *x)
{
	return x->read.kinds & K(OTHER) && x->ct_now->state == CS_CLOSED;
}

static bool has_cookie_ack(const struct sctp_case *x)
{
	return x->read.kinds & K(COOKIE_ACK);
}

static bool has_abort(const struct sctp_case *x)
{
	return x->read.kinds & K(ABORT);
}

static bool has_complete(const struct sctp_case *x)
{
	return x->read.kinds & K(SHUTDOWN_COMPLETE);
}

static bool has_init_ack(const struct sctp_case *x)
{
	return x->read.kinds == K(INIT_ACK);
}

/* The tag is one that the end has offered, and not the one that nf_conntrack has seen last. */
static bool tag_remembered(const struct sctp_case *x)
{
	const struct vfwd_tags *owner = &x->vfw->tags[x->read.reflected ? x->dir : !x->dir];
	u32 i;

	for (i = 0; i < 3; i++)
		if (x->read.tag && owner->tag[i] == x->read.tag)
			return x->read.tag != x->ct->tags[x->read.reflected ? x->dir :
							  !x->dir].tag[0];
	return false;
}

static bool of_vm(const struct sctp_case *x)
{
	return x->dir == VM;
}

static bool shutdown_acked(const struct sctp_case *x)
{
	return x->read.kinds & K(SHUTDOWN_ACK);
}

#define C(cause)	(1U << SC_##cause)
#define V(rule)		(1U << R_##rule)

#define C_PASSES	((1U << SC_UNSOLICITED) - 1)
#define V_PASSES	((1U << R_REFUSED) - 1)
#define ANY		~0U
#define ALL		(S_VERDICT | S_STATE | S_TAGS)

static const struct row {
	enum sctp_why why;
	unsigned int aspects;
	u32 causes, rules;
	bool (*also)(const struct sctp_case *x);
} rows[] = {
	{ SX_CRC, ALL, C(CRC), V_PASSES, NULL },
	{ SX_CHUNKS, S_VERDICT, C_PASSES, V(CHUNKS), NULL },
	{ SX_CHUNKS, S_VERDICT, C(CHUNKS), V_PASSES, NULL },
	{ SX_HALF, S_STATE | S_TAGS, C(TAG) | C(STATE), V(CHUNKS) | V(TAG) | V(STATE) |
	  V(TAG_ZERO), NULL },
	{ SX_TAG_ZERO, S_VERDICT, C_PASSES, V(TAG_ZERO), NULL },
	{ SX_OUT_OF_BLUE, S_VERDICT, C(ODD) | C(PATH), V(UNSOLICITED), NULL },

	/* Tags of handshakes */
	{ SX_INIT_TAGS, S_TAGS, C(INIT), V(OFFER) | V(NOTED), NULL },
	{ SX_INIT_ANEW, S_STATE, C(INIT), V(REOPENS), opener_changes },
	{ SX_INIT_REFUSED, S_VERDICT, C(INIT), V(REFUSED), flow_closed },
	{ SX_INIT_CLOSES, S_STATE, C(INIT), V(OFFER) | V(NOTED), NULL },
	{ SX_CLOSED, S_STATE, C(ANSWER), V(ANSWER), flow_closed },
	{ SX_CLOSED, S_STATE, C(FITS), V(ECHO), flow_closed },
	{ SX_INIT_ACK, S_TAGS, C(ANSWER), V(ANSWER), NULL },
	{ SX_INIT_ACK, S_VERDICT, C(TAG), V(ANSWER), has_init_ack },
	{ SX_INIT_ACK, S_VERDICT, C(TAG), V(ECHO), tag_remembered },
	{ SX_INIT_ACK, S_VERDICT, C(TAG), V(ECHO), of_vm },
	{ SX_INIT_TAGS, S_TAGS, C(FITS), V(ECHO) | V(RETAKE), entry_unchanged },
	{ SX_REMEMBERED, S_VERDICT, C(TAG),
	  V(OTHER_TAG) | V(AGAIN) | V(TAKE) | V(RETAKE) | V(ENDS) | V(PASSES), tag_remembered },
	{ SX_REMEMBERED, S_STATE, C(FITS), V(RETAKE), NULL },
	{ SX_INIT_ANEW, S_VERDICT, C(FITS) | C(ANSWER), V(TAG), entry_closed },
	{ SX_CROSSED, S_STATE, C(FITS), V(ECHO), both_open },

	/* Before the association is established */
	{ SX_ERROR, S_STATE, C(FITS), V(PASSES) | V(ECHO), has_error },
	{ SX_COOKIE_ACK, S_STATE, C(FITS), V(PASSES), has_cookie_ack },
	{ SX_COMPLETE, S_VERDICT, C(FITS), V(STATE), has_complete },
	{ SX_EARLY, S_VERDICT, C(FITS), V(STATE), waits_for_cookie },
	{ SX_EARLY, S_VERDICT, C(FITS), V(STATE), echo_when_closed },

	/* The end */
	{ SX_ABORT, S_VERDICT, C(FITS), V(TAG), abort_in_company },
	{ SX_SHUTDOWN_ACK, S_VERDICT, C(UNCHECKED), V(TAG) | V(STATE), NULL },
	{ SX_SHUTDOWN_ACK, S_STATE, C(UNCHECKED), V(OTHER_TAG), NULL },
	{ SX_SHUTDOWN_LATE, S_STATE, C(FITS), V(SHUT), shutdown_acked },
	{ SX_ABORT, S_VERDICT, C(TAG), V(VM_ABORT), of_vm },
	{ SX_ABORT, S_STATE, C(FITS), V(OTHER_TAG) | V(VM_ABORT), has_abort },
	{ SX_ABORT, S_VERDICT, C(TAG), V(ENDS) | V(PASSES) | V(OTHER_TAG),
	  abort_in_company },

	/* Paths */
	{ SX_BEAT_TAG, S_VERDICT, C(PROBE) | C(PROBED), V(TAG) | V(STATE) | V(REFUSED), NULL },
	{ SX_BEAT_TAG, S_STATE | S_TAGS, C(PROBE) | C(FITS), V(REPATH), NULL },
	{ SX_BEAT_TAG, S_VERDICT, C(TAG), V(REPATH), NULL },
	{ SX_BEAT_TAG, S_STATE, C(PROBE), V(OTHER_TAG) | V(PASSES), NULL },
	{ SX_BEAT_TAG, S_TAGS, C(PROBED), V(PASSES) | V(OTHER_TAG), NULL },
	{ SX_BEAT_TAG, S_STATE | S_TAGS, C(PROBED), V(VM_ABORT), NULL },
	{ SX_BEAT_LEARNT, S_VERDICT, C(LEARN), V(TAG) | V(STATE), entry_has_no_tag },
	{ SX_BEAT_LEARNT, S_VERDICT, C(TAG), V(LEARN), NULL },
	{ SX_BEAT_LEARNT, S_STATE, C(LEARN), V(REPATH), entry_has_no_tag },
	{ SX_PATH, S_STATE, C(LEARN) | C(PROBE), V(LEARN), on_path },
	{ SX_PATH, S_VERDICT, C(STATE), V(OFFER) | V(NOTED) | V(ENDS) | V(ANSWER), on_path },
	{ SX_PATH, S_VERDICT, C(FITS), V(STATE) | V(TAG), on_path },
	{ SX_PATH, S_STATE, C(INIT) | C(FITS) | C(ANSWER), V(OFFER) | V(NOTED) | V(ANSWER),
	  on_path },
};

/**
 * sctp_explain() - why do they differ?
 * @x: the packet
 * @aspect: in what they differ
 *
 * Return: SX_NOTHING if no explanation fits.
 */
enum sctp_why sctp_explain(const struct sctp_case *x, enum sctp_aspect aspect)
{
	const struct row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (row->aspects & aspect && row->causes >> x->cause & 1 &&
		    row->rules >> x->rule & 1 && (!row->also || row->also(x)))
			return row->why;
	return SX_NOTHING;
}
