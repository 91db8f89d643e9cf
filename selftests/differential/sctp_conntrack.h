/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SCTP_CONNTRACK_H
#define _SCTP_CONNTRACK_H

#include "sctp.h"

/* States of entries, as enum sctp_conntrack numbers them. */
enum {
	CS_NONE, CS_CLOSED, CS_COOKIE_WAIT, CS_COOKIE_ECHOED, CS_ESTABLISHED, CS_SHUTDOWN_SENT,
	CS_SHUTDOWN_RECD, CS_SHUTDOWN_ACK_SENT, CS_HEARTBEAT_SENT, N_CS_STATES,
};

/**
 * enum sctp_cause - why nf_conntrack judges a packet as it does
 * @SC_FITS: its tag is that of the entry, or is not looked at
 * @SC_UNCHECKED: its tag is not looked at, and is another one
 * @SC_INIT: an INIT on an entry
 * @SC_ANSWER: an INIT ACK with the tag of the entry
 * @SC_LEARN: a HEARTBEAT or its answer gives the entry a tag that it did not have
 * @SC_PROBE: a HEARTBEAT with another tag passes, unheeded
 * @SC_PROBED: its answer, whose tag is then the entry's
 * @SC_OPENS: an INIT makes an entry
 * @SC_PATH: a HEARTBEAT does
 * @SC_ODD: another chunk does
 * @SC_UNSOLICITED: there is no entry, and it makes none
 * @SC_TAG: wrong tag
 * @SC_STATE: the table of states says invalid
 * @SC_CHUNKS: order or length of chunks
 * @SC_CRC: checksum
 * @SC_SHORT: header
 */
enum sctp_cause {
	SC_FITS, SC_UNCHECKED, SC_INIT, SC_ANSWER, SC_LEARN, SC_PROBE, SC_PROBED, SC_OPENS, SC_PATH,
	SC_ODD, SC_UNSOLICITED, SC_TAG, SC_STATE, SC_CHUNKS, SC_CRC, SC_SHORT, N_SCTP_CAUSES,
};

extern const char * const sctp_cause_names[N_SCTP_CAUSES];
extern const char * const sctp_entry_names[N_CS_STATES];

enum sctp_cause sctp_ct_apply(struct vfwd_side *entry, const struct sctp_bytes *bytes, u8 dir,
			      bool allowed);

#endif /* _SCTP_CONNTRACK_H */
