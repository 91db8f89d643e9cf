/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SCTP_EXPLAIN_H
#define _SCTP_EXPLAIN_H

#include "sctp_conntrack.h"
#include "sctp_rules.h"

/* Identifiers; Documentation/conntrack-differences.md says of each why vfw is right. */
enum sctp_why {
	SX_NOTHING,
	SX_CRC, SX_CHUNKS, SX_HALF, SX_TAG_ZERO,
	SX_INIT_TAGS, SX_INIT_ANEW, SX_INIT_REFUSED, SX_INIT_CLOSES, SX_INIT_ACK, SX_REMEMBERED,
	SX_CLOSED, SX_CROSSED,
	SX_COOKIE_ACK, SX_ERROR, SX_EARLY,
	SX_SHUTDOWN_ACK, SX_SHUTDOWN_LATE, SX_COMPLETE, SX_ABORT,
	SX_BEAT_TAG, SX_BEAT_LEARNT, SX_PATH, SX_OUT_OF_BLUE,
	N_SCTP_WHYS,
};

/* In what the two may differ; one bit each. */
enum sctp_aspect {
	S_VERDICT = 1, S_STATE = 2, S_TAGS = 4,
};

extern const char * const sctp_why_names[N_SCTP_WHYS];

/**
 * struct sctp_case - a packet on which the firewalls differ
 * @read: the packet
 * @dir: who sends it
 * @cause: nf_conntrack's reason
 * @rule: vfw's
 * @answered: vfw's flow in COOKIE_WAIT: the end that did not open has sent its INIT ACK
 * @ct: its entry before
 * @vfw: vfw's flow before
 * @ct_now: after
 * @vfw_now: after
 */
struct sctp_case {
	struct sctp_read read;
	u8 dir;
	enum sctp_cause cause;
	enum sctp_rule rule;
	bool answered;
	const struct vfwd_side *ct, *vfw, *ct_now, *vfw_now;
};

enum sctp_why sctp_explain(const struct sctp_case *x, enum sctp_aspect aspect);

#endif /* _SCTP_EXPLAIN_H */
