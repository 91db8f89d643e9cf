/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The comparison with nf_conntrack: connections between two model ends, over a path that loses,
 * repeats and reorders, with an attacker beside it, through both firewalls at once.
 */
#ifndef _DIFFERENTIAL_H
#define _DIFFERENTIAL_H

#include <stdbool.h>
#include <stdio.h>

#include "kmod/vfw_differential.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef unsigned long long u64;
typedef __s32 s32;

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define PSH	0x08
#define ACK	0x10
#define URG	0x20

#define REMOTE	0	/* the far end, and what comes from it: enum vfw_direction's "in" */
#define VM	1	/* the VM, and what comes from it: "out" */

#define NO_SCALE	0xff
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Numbers modulo 2^32. */
static inline bool before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool after(u32 a, u32 b)
{
	return before(b, a);
}

static inline bool between(u32 n, u32 first, u32 last)
{
	return !before(n, first) && !after(n, last);
}

static inline u32 latest(u32 a, u32 b)
{
	return after(a, b) ? a : b;
}

/* rng.c: xorshift, one a connection, so that each is the same whoever else is there. */
struct rng {
	u64 state;
};

void rng_seed(struct rng *rng, u64 seed, u64 number);
u32 rng_next(struct rng *rng);
u32 rng_below(struct rng *rng, u32 n);
bool rng_chance(struct rng *rng, u32 percent);

/**
 * struct segment - a TCP segment
 * @sack: blocks, each left and right edge
 * @n_sack: how many
 * @scale: window scale option, or NO_SCALE
 * @sack_permitted: the option
 * @timestamps: the option
 */
struct segment {
	u32 seq;
	u32 ack;
	u32 sack[3][2];
	u16 window;
	u16 length;
	u8 flags;
	u8 n_sack;
	u8 scale;
	bool sack_permitted;
	bool timestamps;
};

static inline u32 segment_end(const struct segment *seg)
{
	return seg->seq + seg->length + !!(seg->flags & SYN) + !!(seg->flags & FIN);
}

enum origin {
	HONEST,		/* an end sent it */
	COPY,		/* the path repeats it */
	STALE,		/* the attacker repeats it, much later */
	FORGED,		/* the attacker made it up */
	N_ORIGINS,
};

/* What is wrong with a packet, as nobody's TCP would make it. */
enum flaw {
	NO_FLAW,
	BAD_CHECKSUM,
	SHORT_HEADER,	/* data offset below 5 */
	LONG_HEADER,	/* data offset beyond the packet */
	CUT,		/* IP says more than there is */
	PADDED,		/* the frame is longer than IP says: nothing is wrong with that */
	BAD_OPTION,	/* an option of length 1 */
	N_FLAWS,
};

/**
 * struct packet - a packet of a connection
 * @dir: who sends it, or seems to
 * @origin: where it comes from
 * @flaw: what is wrong with it
 * @seg: the segment
 * @unsure: honest, but the model knows that it may be refused
 */
struct packet {
	u8 dir;
	enum origin origin;
	enum flaw flaw;
	struct segment seg;
	bool unsure;
};

/* What names a connection on the wire. */
struct tuple {
	bool ipv6;
	u8 addr[2][16];		/* REMOTE, VM */
	u16 port[2];
};

/* tuple.c */
void tuple_draw(struct tuple *tuple, struct rng *rng, u64 number, u32 subnet);

/* wire.c */
void put16(u8 *at, u16 value);
void put32(u8 *at, u32 value);
u32 sum(u32 start, const u8 *at, u32 bytes);
u16 fold(u32 sum);
u32 put_headers(u8 *frame, const struct tuple *tuple, u8 dir, u8 protocol, u32 bytes);
u32 wire_frame(u8 *frame, const struct tuple *tuple, const struct packet *packet);
void run_tuple(struct vfwd_packet *run, const struct tuple *tuple);

/* endpoint.c */
enum end_state {
	CLOSED, LISTEN, SYN_SENT, SYN_RCVD, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSING,
	TIME_WAIT, CLOSE_WAIT, LAST_ACK,
};

struct range {
	u32 first, last;
};

/**
 * struct endpoint - one end as RFC 9293 has it; numbers are named as there
 * @snd_max: the greatest snd_nxt there was
 * @ever_sent: the same, with data of a SYN that was not taken
 * @data_end: behind what the program has written so far
 * @to_write: bytes it will still write
 * @closing: the program has written all: FIN when it is sent
 * @rcv_adv: right edge of the window announced
 * @max_window: the greatest window announced
 * @unread: bytes the program has not read
 * @early: what arrived out of order
 * @timer: when to repeat or to probe, 0 never
 * @tfo: data in SYNs is taken (RFC 7413)
 */
struct endpoint {
	enum end_state state;
	u32 iss, irs, ever_sent;
	u32 snd_una, snd_nxt, snd_max, snd_wnd, snd_wl1, snd_wl2;
	u32 data_end, to_write;
	u32 rcv_nxt, rcv_adv, max_window;
	u32 buffer, unread;
	struct range early[3];
	u8 n_early;
	u8 offer_scale, snd_scale, rcv_scale;
	bool offer_sack, offer_timestamps, sack, timestamps;
	bool closing, fin_sent, passive, tfo, must_ack;
	u16 mss;
	u32 timer, timeout;
	u8 tries;
	struct segment out[24];
	u8 n_out;
};

void end_init(struct endpoint *end, struct rng *rng, u32 iss);
void end_open(struct endpoint *end, u32 now);
void end_listen(struct endpoint *end);
void end_receive(struct endpoint *end, const struct segment *seg, u32 now);
void end_output(struct endpoint *end, u32 now);
void end_timeout(struct endpoint *end, u32 now);
void end_close(struct endpoint *end);
void end_abort(struct endpoint *end);
void end_read(struct endpoint *end, u32 bytes);
void end_keepalive(struct endpoint *end, bool garbage);
bool end_synchronised(const struct endpoint *end);

/* connection.c */
struct flying {
	u32 when;
	bool judged;	/* behind the firewall */
	struct packet packet;
};

/**
 * struct compared - what the comparison knows of a connection
 * @conntrack: after the packet before
 * @vfw: likewise
 * @edge_why: why the edges of windows differ, as long as they do, of each end
 * @parted: both see two different connections, and why
 * @since: packets since then
 */
struct compared {
	struct vfwd_side conntrack, vfw;
	u8 edge_why[2];
	u8 parted;
	u32 since;
};

/**
 * struct connection - one tuple's life: a connection, and perhaps another one after it
 * @tainted: the attacker has changed what vfw knows, or an end has: whose fault a drop is cannot
 *	be told
 * @reset: a RST has ended it: nothing has a right to pass any more
 */
struct connection {
	u64 number;
	struct rng rng;
	struct tuple tuple;
	struct endpoint end[2];
	struct flying flying[96];
	u32 n_flying;
	u32 now, deadline, packets, max_packets;
	u8 loss[2][2], copies, jitter, attack, generation, generations;
	u32 abort_at[2], close_at[2], read_every[2], reboot_at, next_read[2];
	struct packet past[32];
	u32 n_past;
	bool tainted, reset;
	struct compared compared;
};

void connection_init(struct connection *c, u64 seed, u64 number, u32 subnet);
bool connection_next(struct connection *c, struct packet *packet);
bool connection_allows(const struct connection *c, u8 dir);
void connection_judged(struct connection *c, const struct packet *packet, bool passed);

/* compare.c */

/**
 * struct totals - of a run
 * @same: packets on which both agree in everything
 * @explained: packets on which they differ as is explained
 * @unexplained: or not; vfw against its rules and against the ends' knowledge is here too
 * @parted: packets of connections that have parted, not compared
 * @honest: packets that an end sent in good faith
 * @honest_refused: that were dropped with good reason
 * @false_drops: that were dropped otherwise
 * @outside: forged packets far out of the ends' windows
 * @false_passes: that passed
 */
struct totals {
	u64 connections, packets, same, explained, unexplained, parted;
	u64 honest, honest_refused, false_drops, outside, false_passes;
};

extern struct totals totals;

bool compare(struct connection *c, const struct packet *packet, const struct vfwd_packet *both,
	     FILE *log);
void compare_table(FILE *file);

/* main.c: this many connections at a time, each in a slot of its kind. */
#define AT_A_TIME	64

/**
 * struct kind - what main.c has to know of connections of a kind
 * @name: for people
 * @share: of a thousand connections
 * @init: begin a connection in this slot; seed and number make it what it is, and subnet says
 *	where it takes place on the wire
 * @next: its next packet, and all of @run that the module reads but where the frame is; false: the
 *	connection is over
 * @judged: both firewalls have judged that packet; written down in @log unless NULL; false:
 *	something is not explained
 * @table: what was found in all
 */
struct kind {
	const char *name;
	u32 share;
	void (*init)(u32 slot, u64 seed, u64 number, u32 subnet);
	bool (*next)(u32 slot, struct vfwd_packet *run, u8 *frame);
	bool (*judged)(u32 slot, const struct vfwd_packet *run, FILE *log);
	void (*table)(FILE *file);
};

extern const struct kind kind_tcp, kind_exchange, kind_fragments, kind_sctp;

#endif /* _DIFFERENTIAL_H */
