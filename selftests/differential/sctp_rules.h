/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SCTP_RULES_H
#define _SCTP_RULES_H

#include <linux/vfw.h>
#include <linux/vfw_state.h>

#include "sctp.h"

/* Chunks as vfw tells them apart, in the order in which those of a packet count. */
enum sctp_kind {
	K_INIT, K_INIT_ACK, K_COOKIE_ECHO, K_COOKIE_ACK, K_HEARTBEAT, K_HEARTBEAT_ACK, K_OTHER,
	K_SHUTDOWN, K_SHUTDOWN_ACK, K_SHUTDOWN_COMPLETE, K_ABORT, N_KINDS,
};

#define K(kind)	(1U << K_##kind)

/**
 * enum sctp_rule - by which rule vfw judges a packet; of several chunks, the last one here
 * @R_PASSES: passes, and changes nothing
 * @R_OTHER_TAG: a tag that is remembered, but not in force: likewise
 * @R_OFFER: an INIT on an association passes
 * @R_NOTED: likewise, of the VM: its tag is noted
 * @R_ANSWER: an INIT ACK passes, its tags are noted
 * @R_ECHO: a COOKIE ECHO of a handshake
 * @R_AGAIN: one on an association
 * @R_TAKE: a COOKIE ACK completes a handshake
 * @R_RETAKE: that of a new one
 * @R_LEARN: the first answer on a path
 * @R_SHUT: SHUTDOWN or SHUTDOWN ACK counts
 * @R_ENDS: the association is over
 * @R_VM_ABORT: the VM's ABORT with a tag that is not known
 * @R_OPENS: an INIT opens a flow
 * @R_PATH: a HEARTBEAT opens one
 * @R_REOPENS: an INIT opens another one
 * @R_REPATH: a HEARTBEAT does
 * @R_REFUSED: by the policy
 * @R_UNSOLICITED: opens nothing
 * @R_STATE: wrong in this state
 * @R_TAG: a tag that is not known
 * @R_TAG_ZERO: no tag where there must be one, or one where there must be none, or 0 is offered
 * @R_CHUNKS: the chunks do not add up
 * @R_HEADER: nor does the header
 */
enum sctp_rule {
	R_PASSES, R_OTHER_TAG, R_OFFER, R_NOTED, R_ANSWER, R_ECHO, R_AGAIN, R_TAKE, R_RETAKE,
	R_LEARN, R_SHUT, R_ENDS, R_VM_ABORT, R_OPENS, R_PATH, R_REOPENS, R_REPATH, R_REFUSED,
	R_UNSOLICITED, R_STATE, R_TAG, R_TAG_ZERO, R_CHUNKS, R_HEADER, N_SCTP_RULES,
};

extern const char * const sctp_rule_names[N_SCTP_RULES];

/**
 * struct sctp_read - a packet as the rules read it
 * @kinds: bits by enum sctp_kind
 * @tag: verification tag
 * @offer: tag offered by INIT or INIT ACK
 * @aborts: how many it has
 * @reflected: T of the last ABORT or SHUTDOWN COMPLETE
 */
struct sctp_read {
	u32 kinds, tag, offer, aborts;
	bool reflected;
};

enum sctp_rule sctp_read(struct sctp_read *read, const struct sctp_bytes *bytes);
enum sctp_rule sctp_rules_apply(struct vfwd_side *flow, const struct sctp_bytes *bytes, u8 dir,
				bool allowed, struct sctp_read *read);

#endif /* _SCTP_RULES_H */
