/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Datagrams in fragments. nf_conntrack puts them together and cuts them again, vfw judges each
 * fragment by its datagram and lets it go on: so what is compared is datagrams, how many of which
 * came out whole.
 */
#ifndef _FRAGMENTS_H
#define _FRAGMENTS_H

#include "differential.h"

#define DATAGRAM_MAX	4096
#define PIECES_MAX	32

/* What is done to the fragments of a datagram beside cutting and reordering. */
enum mischief {
	PLAIN,
	DUPLICATE,		/* one comes twice */
	HOLE,			/* one does not come */
	FORGED_DUPLICATE,	/* one comes twice, with other bytes */
	OVERLAP,		/* one more that has bytes of others, perhaps whole ones */
	INSIDE,			/* one more that has some of the bytes of another */
	TWO_ENDS,		/* one more that says that the datagram ends elsewhere */
	BEYOND,			/* one more that ends beyond 65535 bytes */
	UNALIGNED,		/* one more that is not the last, of odd length */
	EMPTY,			/* one more without bytes */
	SAYS_MORE_BYTES,	/* UDP's length */
	SAYS_FEWER_BYTES,
	BAD_SUM,
	SHORT_FIRST,		/* the first has not all of the header of TCP */
	N_MISCHIEFS,
};

struct piece {
	u16 offset, length;
	bool more, forged;
};

/* Why a firewall's datagram does not go on. */
enum fate {
	ALIVE, SHORT_HEADER_FIRST, BAD_LENGTHS, BAD_OVERLAP,
};

/**
 * struct vfw_model - what vfw knows of a datagram (kmod/fragment.c)
 * @spans: fragments there were, as they came
 * @reach: bytes up to the end of the last one
 * @total: of the datagram, or 0
 * @need: that its header asks for
 * @first: the first has passed, so the others do
 * @refused: by the policy; a first may come that is not
 * @dead: nothing passes any more, and why
 * @why: the same, of any time
 * @whole: datagrams that passed whole
 * @bytes: that passed
 */
struct vfw_model {
	struct piece spans[PIECES_MAX];
	u32 n, reach, total, need, covered;
	bool first, refused;
	enum fate dead, why;
	u32 whole, bytes;
};

/**
 * struct ct_model - what nf_conntrack does (ip_fragment.c, nf_conntrack_reasm.c)
 * @runs: fragments that came one behind the other, as one
 * @tail: the furthest fragment
 * @end: of the datagram so far
 * @there: bytes of it
 * @most: bytes of the longest packet among them
 * @first: is there
 * @last: is there
 * @killed: all there was of a datagram was forgotten
 * @inside: a fragment was left out for its bytes were there
 * @rounded: a fragment was cut to a multiple of eight
 * @left_out: a fragment of wrong length was left out
 * @small: IPv6 was not cut again, for it was cut below its least MTU
 * @bad_sum: a datagram had a wrong checksum
 * @whole: datagrams that passed
 * @bytes: of these
 */
struct ct_model {
	struct piece runs[PIECES_MAX], tail;
	u32 n, end, there, most;
	bool first, last;
	bool killed, inside, rounded, left_out, small, bad_sum;
	u32 whole, bytes;
};

/**
 * struct coverage - what has come out of a datagram
 * @seen: of each byte, 0 or what it was: honest or forged
 * @end: of the datagram, or 0
 * @covered: bytes of it
 * @whole: datagrams that came out whole
 * @bytes: that came out in all
 * @mixed: a byte came out twice, and differently
 */
struct coverage {
	u8 seen[DATAGRAM_MAX];
	u32 end, covered, whole, bytes;
	bool mixed;
};

/**
 * struct trial - a datagram that is sent in fragments
 * @data: its bytes
 * @total: how many
 * @sent: of @pieces
 */
struct trial {
	u64 number;
	struct rng rng;
	struct tuple tuple;
	u8 dir, protocol;
	enum mischief mischief;
	u32 id, total;
	u8 data[DATAGRAM_MAX];
	struct piece pieces[PIECES_MAX];
	u32 n, sent;
	struct vfw_model vfw;
	struct ct_model conntrack;
	struct coverage out[2];	/* nf_conntrack's, vfw's */
};

/* reassembly.c */
void vfw_take(struct vfw_model *d, const struct trial *t, const struct piece *piece);
void ct_take(struct ct_model *q, const struct trial *t, const struct piece *piece);
bool trial_allowed(const struct trial *t);

/* fragments_compare.c */
bool fragments_compare(struct trial *t, const struct piece *piece, const struct vfwd_packet *both,
		       FILE *log);
void fragments_table(FILE *file);

#endif /* _FRAGMENTS_H */
