/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The comparison for SCTP: associations between two model ends (RFC 9260), over a path that loses,
 * repeats and reorders, with an attacker beside it.
 */
#ifndef _SCTP_H
#define _SCTP_H

#include "differential.h"

enum chunk_type {
	CHUNK_DATA, CHUNK_INIT, CHUNK_INIT_ACK, CHUNK_SACK, CHUNK_HEARTBEAT, CHUNK_HEARTBEAT_ACK,
	CHUNK_ABORT, CHUNK_SHUTDOWN, CHUNK_SHUTDOWN_ACK, CHUNK_ERROR, CHUNK_COOKIE_ECHO,
	CHUNK_COOKIE_ACK, CHUNK_SHUTDOWN_COMPLETE = 14, CHUNK_AUTH = 15, CHUNK_I_DATA = 64,
	CHUNK_UNKNOWN = 193,
};

#define REFLECTED	0x01	/* T: the tag is that of the packet answered */
#define STALE_COOKIE	3	/* cause of an ERROR */
#define MOST_CHUNKS	6

/**
 * struct cookie - the state that an end without any gives away (RFC 9260, 5.1.3)
 * @mine: tag of the end that made it
 * @peers: tag of the other
 * @tie_mine: tags of the association that there was
 * @tie_peers: likewise
 * @my_tsn: the first number of the end that made it
 * @peers_tsn: of the other
 * @born: when
 * @secret: of the end that made it, in this life of it
 */
struct cookie {
	u32 mine, peers, tie_mine, tie_peers, my_tsn, peers_tsn, born, secret;
};

/**
 * struct chunk - of a packet
 * @type: enum chunk_type, or any
 * @flags: flags
 * @length: as it says, without padding
 * @tag: of INIT and INIT ACK, the one offered; of HEARTBEAT, what is to be sent back
 * @tsn: of DATA its own, of INIT and INIT ACK the first, of others the last that has arrived
 * @cookie: of INIT ACK and COOKIE ECHO
 */
struct chunk {
	u8 type;
	u8 flags;
	u16 length;
	u32 tag, tsn;
	struct cookie cookie;
};

/* What is wrong with a packet, as nobody's SCTP would make it. */
enum chunk_flaw {
	S_NO_FLAW,
	S_BAD_CRC,
	S_CUT,		/* IP says more than there is */
	S_PADDED,	/* the frame is longer than IP says: nothing is wrong with that */
	S_HALF_HEADER,	/* of the common header 8 bytes */
	S_NO_CHUNK,	/* nothing behind the common header */
	S_LONG_CHUNK,	/* the last chunk says more than there is */
	S_SHORT_CHUNK,	/* it says less than a chunk has */
	S_HALF_CHUNK,	/* it ends early */
	S_CRUMBS,	/* bytes behind it that are no chunk */
	S_MANY,		/* 16 ERRORs behind it */
	S_MANGLED,	/* a byte is another one */
	N_CHUNK_FLAWS,
};

/**
 * struct sctp_packet - a packet of an association
 * @dir: who sends it, or seems to
 * @origin: enum origin
 * @flaw: enum chunk_flaw
 * @n: chunks
 * @tag: verification tag
 * @lie: details of the flaw
 * @chunk: these
 */
struct sctp_packet {
	u8 dir, origin, flaw, n;
	u32 tag, lie;
	struct chunk chunk[MOST_CHUNKS];
};

/**
 * struct sctp_bytes - a packet on the wire
 * @at: its common header
 * @length: bytes by the IP header
 * @crc: its checksum is right
 * @cut: it has less
 */
struct sctp_bytes {
	const u8 *at;
	u32 length;
	bool crc, cut;
};

static inline u32 get16(const u8 *at)
{
	return at[0] << 8 | at[1];
}

static inline u32 get32(const u8 *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* sctp_wire.c */
u32 sctp_frame(u8 *frame, const struct tuple *tuple, const struct sctp_packet *packet,
	       struct sctp_bytes *bytes);

/* sctp_end.c */
enum sctp_state {
	S_CLOSED, S_COOKIE_WAIT, S_COOKIE_ECHOED, S_ESTABLISHED, S_SHUTDOWN_PENDING,
	S_SHUTDOWN_SENT, S_SHUTDOWN_RECEIVED, S_SHUTDOWN_ACK_SENT,
};

/**
 * struct sctp_end - one end as RFC 9260 has it
 * @listening: takes associations
 * @mine: its tag
 * @peers: the other's
 * @cookie: the last one, echoed or to be
 * @secret: of the cookies it makes
 * @cookie_life: how long these are good
 * @next: the next number to send
 * @acked: the last one acknowledged
 * @max: the greatest sent
 * @seen: the last number that has arrived
 * @to_send: chunks of data that the program will still send
 * @closing: the program has sent all
 * @confirmed: this path leads to the other end (RFC 9260, 5.4)
 * @owes: data has come that is not acknowledged
 * @beat: what the last HEARTBEAT carried
 * @next_beat: when the next is due
 * @timer: when to repeat, 0 never
 * @offered: tags it has ever offered, or somebody in its name
 */
struct sctp_end {
	struct rng *rng;
	enum sctp_state state;
	bool listening, closing, confirmed, owes;
	u32 mine, peers;
	struct cookie cookie;
	u32 secret, cookie_life;
	u32 next, acked, max, seen, to_send;
	u32 beat, next_beat;
	u32 timer, timeout;
	u8 tries;
	struct sctp_packet out[12];
	u8 n_out;
	u32 offered[32];
	u32 n_offered;
};

void sctp_end_init(struct sctp_end *end, struct rng *rng);
void sctp_end_open(struct sctp_end *end, u32 now);
void sctp_end_path(struct sctp_end *end, u32 mine, u32 peers, u32 now);
void sctp_end_receive(struct sctp_end *end, const struct sctp_packet *packet, u32 now);
void sctp_end_timeout(struct sctp_end *end, u32 now);
void sctp_end_output(struct sctp_end *end, u32 now);
void sctp_end_beat(struct sctp_end *end, u32 now);
void sctp_end_close(struct sctp_end *end);
void sctp_end_abort(struct sctp_end *end);
void sctp_end_claim(struct sctp_end *end, u32 tag);
bool sctp_end_offered(const struct sctp_end *end, u32 tag);

/* association.c */
struct flying_chunks {
	u32 when;
	bool judged;
	struct sctp_packet packet;
};

/**
 * struct association - one tuple's life: an association, or a path of one, and perhaps others after
 * @path: another path of an association: no INIT was seen here
 * @tainted: the attacker has changed what vfw knows, or an end
 * @answered: the INIT of vfw's flow was
 * @conntrack: what it knows after the packet before
 * @vfw: likewise
 * @why: both see different things, for this reason
 */
struct association {
	u64 number;
	struct rng rng;
	struct tuple tuple;
	struct sctp_end end[2];
	struct flying_chunks flying[64];
	u32 n_flying;
	u32 now, deadline, packets, max_packets;
	u8 loss, copies, jitter, attack, generations;
	u32 abort_at[2], close_at[2], reboot_at, retag_at;
	struct sctp_packet past[16];
	u32 n_past;
	bool path, tainted, answered;
	struct vfwd_side conntrack, vfw;
	u8 why;
};

void association_init(struct association *a, u64 seed, u64 number, u32 subnet);
bool association_next(struct association *a, struct sctp_packet *packet);
bool association_allows(const struct association *a, u8 dir);
void association_judged(struct association *a, const struct sctp_packet *packet, bool passed);

/* sctp_compare.c */
bool sctp_compare(struct association *a, const struct sctp_packet *packet,
		  const struct sctp_bytes *bytes, const struct vfwd_packet *both, FILE *log);
void sctp_compare_table(FILE *file);

#endif /* _SCTP_H */
