/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exchanges: what two ends send each other that is no connection, or a very small one of TCP, and
 * the ICMP errors about it.
 */
#ifndef _EXCHANGE_H
#define _EXCHANGE_H

#include "differential.h"

#define PROTO_ICMP	1
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_GRE	47
#define PROTO_ESP	50
#define PROTO_ICMPV6	58
#define PROTO_UDPLITE	136

#define REDIRECT	5	/* of ICMP */
#define ODD_CODE	7	/* of an echo reply, though there is none to have */

enum what {
	DATA,		/* of UDP, UDP-Lite, GRE, ESP */
	REQUEST,	/* echo */
	REPLY,
	SEGMENT,	/* TCP */
	ERROR,		/* ICMP: about one of the others */
};

/* What is wrong with a message; lengths are those that UDP's header says. */
enum wrong {
	NOTHING_WRONG,
	PADDING,	/* the frame is longer than IP says */
	NO_CHECKSUM,
	WRONG_CHECKSUM,
	TRUNCATED,	/* IP says more than there is */
	HALF_HEADER,	/* four bytes of the transport header and no more */
	SAYS_MORE,	/* than there is */
	SAYS_LESS,	/* but a header at least: the rest is nobody's */
	SAYS_TOO_LITTLE, /* less than a header */
	SAYS_ZERO,
	N_WRONGS,
};

/* What is wrong with a quotation. */
enum misquote {
	QUOTED_WELL,
	OTHER_PORT,	/* or identifier */
	OTHER_END,	/* another far end */
	OTHER_PROTOCOL,
	OTHER_KIND,	/* the echo reply that was not sent, or request */
	OTHER_SEQ,	/* a number of TCP that was not sent, maybe */
	ONLY_PORTS,	/* are quoted */
	NO_PORTS,
	HALF_IP,
	OTHER_VERSION,	/* of IP */
	SHORT_LENGTH,	/* says IPv4: less than its header */
	FRAGMENT,	/* of IPv4, one that is not the first */
	TO_ANOTHER,	/* the error goes to somebody else */
	TO_RECEIVER,	/* it goes where the quoted packet went */
	N_MISQUOTES,
};

/**
 * struct quotation - what an ICMP error says, and what it quotes
 * @what: of message it quotes
 * @dir: direction in which that went
 * @misquote: what is wrong with it
 * @type: of the error
 * @code: of the error
 * @router: a router sends it, not the end
 * @bytes: of the transport header that are quoted
 * @seq: number quoted, of TCP
 */
struct quotation {
	enum what what;
	u8 dir;
	enum misquote misquote;
	u8 type, code;
	bool router;
	u8 bytes;
	u32 seq;
};

/**
 * struct message - a packet of an exchange
 * @dir: from which side it comes
 * @origin: who sends it
 * @what: it is
 * @wrong: what is wrong with it
 * @port: ports, or the identifier, REMOTE's and VM's; the exchange's unless forged
 * @code: of an echo
 * @length: bytes of payload
 * @mirrored: it comes from the wrong side: its addresses say the other direction
 * @age: seconds for which nothing was sent before
 * @seg: of TCP
 * @quotation: of an error
 */
struct message {
	u8 dir;
	enum origin origin;
	enum what what;
	enum wrong wrong;
	u16 port[2];
	u8 code;
	u16 length;
	bool mirrored;
	u8 age;
	struct segment seg;
	struct quotation quotation;
};

struct sent {
	u32 when;
	bool judged;	/* behind the firewall */
	struct message message;
};

/**
 * struct exchange - two ends that talk
 * @opener: who begins
 * @left: what each end is still going to send of itself
 * @chat: percentage of messages that are answered
 * @forged: ports that were made up so far
 * @next_seq: of TCP, the next number of each end
 * @step: of TCP: what was sent of the handshake
 * @conntrack: what nf_conntrack knows
 * @vfw: and vfw
 * @mirror: vfw has a flow of what is mirrored, as if the far end's address were the VM's
 * @state_why: why these differ, as long as they do
 * @age_why: why one has known of the exchange for longer than the other
 */
struct exchange {
	u64 number;
	struct rng rng;
	struct tuple tuple;
	u8 protocol, opener;
	u8 left[2], chat, loss, copies, jitter, attack;
	u16 forged;
	u32 next_seq[2], step;
	u32 now, next_send, packets, max_packets;
	struct sent flying[32];
	u32 n_flying;
	struct message past[16];
	u32 n_past;
	struct vfwd_side conntrack, vfw;
	bool mirror;
	u8 state_why, age_why;
};

static inline bool is_echo(const struct exchange *x)
{
	return x->protocol == PROTO_ICMP || x->protocol == PROTO_ICMPV6;
}

static inline bool has_ports(const struct exchange *x)
{
	return x->protocol == PROTO_UDP || x->protocol == PROTO_UDPLITE ||
	       x->protocol == PROTO_TCP;
}

/* exchange.c */
void exchange_init(struct exchange *x, u64 seed, u64 number, u32 subnet);
bool exchange_next(struct exchange *x, struct message *message);
void exchange_judged(struct exchange *x, const struct message *message, bool passed);

/* message.c */
u32 message_frame(u8 *frame, const struct exchange *x, const struct message *m);

/* exchange_compare.c */
bool exchange_compare(struct exchange *x, const struct message *m, const struct vfwd_packet *both,
		      FILE *log);
void exchange_table(FILE *file);

#endif /* _EXCHANGE_H */
