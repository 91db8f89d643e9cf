/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _EXPLAIN_H
#define _EXPLAIN_H

#include "conntrack.h"
#include "rules.h"

/* Identifiers; Documentation/conntrack-differences.md says of each why vfw is right. */
enum explanation {
	UNEXPLAINED,
	E_CHECKSUM, E_OPTION,
	E_BELOW_WINDOW, E_BEYOND_WINDOW, E_EDGE_ACK, E_OLD_ACK, E_AFTER_FIN,
	E_SACK_NOT_AGREED, E_SACK_WRAPS,
	E_HANDSHAKE_ACK, E_HANDSHAKE_WINDOW, E_EARLY_DATA,
	E_SACK_EDGE, E_REORDER_ROOM, E_UNHEEDED_END, E_CHALLENGE,
	E_SYN_FROM_RESPONDER, E_SYN_LATE, E_SYN_REOPENS, E_SYN_REPEATED, E_SYN_REFUSED,
	E_SYN_ANEW, E_VM_BELIEVED,
	E_SYNACK_FROM_OPENER, E_SYNACK_UNRELATED, E_SYNACK_UNHEEDED, E_SYNACK_AGAIN,
	E_SYNACK_OVERTAKEN, E_SIMULTANEOUS,
	E_RST_OLD, E_RST_UNCHECKED, E_RST_BLIND, E_RST_DUE, E_RST_ACK, E_RST_MOVES_END,
	E_RST_OF_OPENER, E_RST_DELETES,
	E_CLOSING, E_FIN_EARLY, E_NEVER_ANSWERED,
	N_EXPLANATIONS,
};

/* In what the two may differ; one bit each. */
enum aspect {
	VERDICT = 1, STATE = 2, END = 4, MAX_END = 8, SCALE = 16,
};

extern const char * const explanation_names[N_EXPLANATIONS];

/**
 * struct case_of - a packet on which the firewalls differ
 * @packet: the packet
 * @cause: nf_conntrack's reason
 * @rule: vfw's
 * @kind: of segment
 * @reply: it goes against the direction in which nf_conntrack's entry was opened
 * @ct: its entry before
 * @vfw: vfw's flow before
 * @ct_now: after
 * @vfw_now: after
 * @ct_passed: it came out of the bridge
 * @vfw_passed: likewise
 * @which: END, MAX_END, SCALE: the end whose numbers differ
 * @edge_why: explanation of the difference there was before in max_end of each end
 */
struct case_of {
	const struct packet *packet;
	enum ct_cause cause;
	enum rule rule;
	enum ct_kind kind;
	bool reply;
	const struct vfwd_side *ct, *vfw, *ct_now, *vfw_now;
	bool ct_passed, vfw_passed;
	unsigned int which;
	enum explanation edge_why[2];
};

enum explanation explain(const struct case_of *x, enum aspect aspect);

#endif /* _EXPLAIN_H */
