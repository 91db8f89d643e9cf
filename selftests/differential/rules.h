/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RULES_H
#define _RULES_H

#include <linux/vfw.h>
#include <linux/vfw_state.h>

#include "differential.h"

/**
 * enum rule - by which rule vfw judges a segment
 * @V_PARSE: it is malformed
 * @V_OPENS: a SYN opens a flow
 * @V_REFUSED: a SYN that the policy refuses
 * @V_UNSOLICITED: no flow, and it opens none
 * @V_STATE: wrong in this state
 * @V_TRACKED: fits
 * @V_BEYOND: begins beyond the window
 * @V_BELOW: ends long before it
 * @V_AFTER_FIN: data behind a FIN that was taken
 * @V_NEVER_SENT: acknowledges what was not sent
 * @V_OLD_ACK: acknowledges what was acknowledged long ago
 * @V_HANDSHAKE_ACK: does not acknowledge the SYN/ACK
 * @V_CROSS: both open
 * @V_REPEATED: a SYN once more
 * @V_ANEW: another SYN before the first was answered
 * @V_LATE: a SYN on a connection, passes unheeded
 * @V_VM_SYN: the VM has begun anew
 * @V_OLD_SYN: an old duplicate in TIME_WAIT
 * @V_RENEW: a new connection in TIME_WAIT
 * @V_REOPEN: a new one after CLOSE
 * @V_ANSWER: a SYN/ACK for the SYN
 * @V_UNRELATED: a SYN/ACK for another one, passes unheeded
 * @V_AGAIN: a SYN/ACK once more
 * @V_OTHER_ANSWER: another SYN/ACK for the SYN
 * @V_BAD_ANSWER: a SYN/ACK that is not
 * @V_VM_FORGOT: what shows that the VM has no such connection
 * @V_STALE: a SYN/ACK on a connection, in window, passes unheeded
 * @V_BARE: a challenge for the SYN
 * @V_BARE_DATA: data before the SYN was answered
 * @V_QUIT: the opener gives up
 * @V_NOT_QUIT: a RST of an opener that is about something else
 * @V_DENIED: a RST for the SYN
 * @V_NOT_DENIED: a RST that is not
 * @V_RST: closes
 * @V_RST_UNHEEDED: in window, for the end to challenge
 * @V_RST_OUTSIDE: not in window
 */
enum rule {
	V_PARSE, V_OPENS, V_REFUSED, V_UNSOLICITED, V_STATE, V_TRACKED, V_BEYOND, V_BELOW,
	V_AFTER_FIN, V_NEVER_SENT, V_OLD_ACK, V_HANDSHAKE_ACK, V_CROSS, V_REPEATED, V_ANEW, V_LATE,
	V_VM_SYN, V_OLD_SYN, V_RENEW, V_REOPEN, V_ANSWER, V_UNRELATED, V_AGAIN, V_OTHER_ANSWER,
	V_BAD_ANSWER, V_VM_FORGOT, V_STALE, V_BARE, V_BARE_DATA, V_QUIT, V_NOT_QUIT, V_DENIED,
	V_NOT_DENIED, V_RST, V_RST_UNHEEDED, V_RST_OUTSIDE, N_RULES,
};

extern const char * const rule_names[N_RULES];

enum rule rules_apply(struct vfwd_side *flow, const struct packet *packet, bool allowed);

#endif /* _RULES_H */
