/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _CONNTRACK_H
#define _CONNTRACK_H

#include "differential.h"

/* States of entries, numbered as ctnetlink has them. */
enum {
	CT_NONE, CT_SYN_SENT, CT_SYN_RECV, CT_ESTABLISHED, CT_FIN_WAIT, CT_CLOSE_WAIT, CT_LAST_ACK,
	CT_TIME_WAIT, CT_CLOSE, CT_SYN_SENT2, N_CT_STATES,
};

enum ct_kind { KIND_SYN, KIND_SYNACK, KIND_FIN, KIND_ACK, KIND_RST, KIND_NONE };

/**
 * enum ct_cause - why nf_conntrack judges a packet as it does
 * @CT_IN_WINDOW: all is well
 * @CT_NEW: it opens an entry
 * @CT_REOPENS: likewise, and an old one is forgotten
 * @CT_UNSOLICITED: there is no entry, and it opens none
 * @CT_BAD_CHECKSUM: transport's
 * @CT_MALFORMED: lengths
 * @CT_BAD_FLAGS: no valid segment has them
 * @CT_WRONG_STATE: the table of states says invalid
 * @CT_UNHEEDED: the table of states says ignore
 * @CT_RESYNC: a SYN/ACK that answers a SYN which was ignored
 * @CT_CHALLENGE: an ACK taken for a challenge
 * @CT_RST_OLD: a RST below what was acknowledged
 * @CT_RST_UNCHECKED: a RST whose numbers are not looked at
 * @CT_OVERSHOT: begins beyond the window, by less than a window: passes unheeded
 * @CT_SEQ_OVER: by more
 * @CT_ACK_OVER: acknowledges what was not sent
 * @CT_SEQ_UNDER: ends before the window: passes unheeded
 * @CT_ACK_UNDER: acknowledges what was acknowledged long ago: passes unheeded
 */
enum ct_cause {
	CT_IN_WINDOW, CT_NEW, CT_REOPENS, CT_UNSOLICITED, CT_BAD_CHECKSUM, CT_MALFORMED,
	CT_BAD_FLAGS, CT_WRONG_STATE, CT_UNHEEDED, CT_RESYNC, CT_CHALLENGE, CT_RST_OLD,
	CT_RST_UNCHECKED, CT_OVERSHOT, CT_SEQ_OVER, CT_ACK_OVER, CT_SEQ_UNDER, CT_ACK_UNDER,
	N_CT_CAUSES,
};

extern const char * const ct_cause_names[N_CT_CAUSES];
extern const char * const ct_state_names[N_CT_STATES];

enum ct_kind ct_kind(u8 flags);
enum ct_cause ct_predict(const struct vfwd_side *entry, const struct packet *packet);
bool ct_passes(enum ct_cause cause);

#endif /* _CONNTRACK_H */
