// SPDX-License-Identifier: GPL-2.0
/* Datagrams that are sent in fragments: drawn, cut, and made worse. */
#include <arpa/inet.h>
#include <string.h>

#include "fragments.h"

#define HEADERS		24	/* bytes that a forger leaves as they are */
#define OUT_MAX		65536

static struct trial trials[AT_A_TIME];
static u8 outs[AT_A_TIME][OUT_MAX];

static void draw_data(struct trial *t)
{
	u32 addresses = t->tuple.ipv6 ? 16 : 4, check, i, said = t->total;

	for (i = 0; i < t->total; i++)
		t->data[i] = i + (i >> 8);
	put16(t->data, t->tuple.port[t->dir]);
	put16(t->data + 2, t->tuple.port[!t->dir]);
	if (t->mischief == SAYS_MORE_BYTES)
		said += 1 + rng_below(&t->rng, 500);
	if (t->mischief == SAYS_FEWER_BYTES)
		said -= rng_below(&t->rng, t->total - 8);
	if (t->protocol == 17) {
		put16(t->data + 4, said);
		put16(t->data + 6, t->mischief == BAD_SUM ? 0x5555 : 0);
		return;
	}
	memset(t->data + 8, 0, 12);
	t->data[12] = 5 << 4;
	t->data[13] = SYN;
	put16(t->data + 14, 1000);
	check = sum(6 + t->total, t->tuple.addr[0], addresses);
	check = sum(check, t->tuple.addr[1], addresses);
	put16(t->data + 16, fold(sum(check, t->data, t->total)));
}

static void cut(struct trial *t)
{
	u32 most = rng_chance(&t->rng, 60) ? 1400 : 8 + rng_below(&t->rng, 600), offset = 0, length;

	/* Not more pieces than there is room for, twice and one more. */
	if (most < t->total / 10 + 8)
		most = t->total / 10 + 8;
	while (offset < t->total) {
		length = 8 + rng_below(&t->rng, most) / 8 * 8;
		if (rng_chance(&t->rng, 70))
			length = most / 8 * 8;
		if (!offset && t->protocol == 6)
			length = t->mischief == SHORT_FIRST ? 8 + 8 * rng_below(&t->rng, 2) :
				 length < HEADERS ? HEADERS : length;
		if (!offset && length >= t->total)
			length = t->total / 16 * 8;
		if (t->n == 11 || offset + length >= t->total)
			length = t->total - offset;
		t->pieces[t->n++] = (struct piece){
			.offset = offset, .length = length, .more = offset + length < t->total,
		};
		offset += length;
	}
}

static void shuffle(struct trial *t)
{
	u32 order = rng_below(&t->rng, 100), i, j;
	struct piece kept;

	for (i = 0; order < 50 && i < t->n; i++) {
		j = order < 20 ? t->n - 1 - i : rng_below(&t->rng, t->n);
		if (order < 20 && i >= j)
			break;
		kept = t->pieces[i];
		t->pieces[i] = t->pieces[j];
		t->pieces[j] = kept;
	}
}

static void insert(struct trial *t, struct piece piece)
{
	u32 at = rng_below(&t->rng, t->n + 1);

	memmove(t->pieces + at + 1, t->pieces + at, (t->n - at) * sizeof(piece));
	t->pieces[at] = piece;
	t->n++;
}

static u32 units(struct trial *t, u32 most)
{
	return 8 * rng_below(&t->rng, most / 8 + 1);
}

static void make_worse(struct trial *t)
{
	u32 at = rng_below(&t->rng, t->n);
	struct piece extra = t->pieces[at];

	extra.forged = true;
	switch (t->mischief) {
	case DUPLICATE:
		extra.forged = false;
		break;
	case HOLE:
		memmove(t->pieces + at, t->pieces + at + 1, (--t->n - at) * sizeof(extra));
		return;
	case FORGED_DUPLICATE:
		break;
	case OVERLAP:
		extra.offset = units(t, t->total);
		extra.length = 8 + units(t, 1000);
		/* What is all of a datagram is no fragment. */
		extra.more = !extra.offset || rng_chance(&t->rng, 90);
		break;
	case INSIDE:
		extra.offset += units(t, extra.length / 2);
		extra.length = 8 + units(t, extra.length / 3);
		extra.more = true;
		break;
	case TWO_ENDS:
		extra.offset = t->total / 8 * 8;
		extra.length = 1 + rng_below(&t->rng, 100);
		extra.more = false;
		break;
	case BEYOND:
		extra.offset = 65528 - units(t, 16);
		extra.length = 8 + units(t, 32);
		extra.more = rng_chance(&t->rng, 50);
		break;
	case UNALIGNED:
		extra.offset += units(t, 16);
		extra.length = units(t, 64) + 1 + rng_below(&t->rng, 7);
		extra.more = true;
		break;
	case EMPTY:
		extra.length = 0;
		break;
	default:
		return;
	}
	insert(t, extra);
}

static void init(u32 slot, u64 seed, u64 number, u32 subnet)
{
	struct piece again[PIECES_MAX / 2];
	struct trial *t = &trials[slot];
	u32 n;

	memset(t, 0, sizeof(*t));
	t->number = number;
	rng_seed(&t->rng, seed, number);
	tuple_draw(&t->tuple, &t->rng, number, subnet);
	t->dir = rng_below(&t->rng, 2);
	t->tuple.port[VM] = 1 + rng_below(&t->rng, rng_chance(&t->rng, 90) ? 29999 : 65535);
	t->mischief = rng_chance(&t->rng, 25) ? PLAIN : rng_below(&t->rng, N_MISCHIEFS);
	t->protocol = t->mischief == SHORT_FIRST ||
		      (t->mischief <= HOLE && rng_chance(&t->rng, 30)) ? 6 : 17;
	t->id = rng_next(&t->rng);
	t->total = 64 + rng_below(&t->rng, rng_chance(&t->rng, 60) ? 3900 : 300);
	draw_data(t);
	cut(t);
	n = t->n;
	memcpy(again, t->pieces, n * sizeof(*again));
	shuffle(t);
	make_worse(t);
	if (rng_chance(&t->rng, 25)) {
		memcpy(t->pieces + t->n, again, n * sizeof(*again));
		t->n += n;
	}
}

/* One fragment, as a whole Ethernet frame. Returns its bytes. */
static u32 put_fragment(u8 *frame, const struct trial *t, const struct piece *piece)
{
	u32 ip = t->tuple.ipv6 ? 40 : 20, extra = t->tuple.ipv6 ? 8 : 0, i;
	u8 *at = frame + 14 + ip;

	put_headers(frame, &t->tuple, t->dir, t->tuple.ipv6 ? 44 : t->protocol,
		    piece->length + extra);
	if (t->tuple.ipv6) {
		at[0] = t->protocol;
		at[1] = 0;
		put16(at + 2, piece->offset | piece->more);
		put32(at + 4, t->id);
		at += extra;
	} else {
		put16(frame + 18, t->id);
		put16(frame + 20, piece->offset / 8 | (piece->more ? 0x2000 : 0));
		put16(frame + 24, 0);
		put16(frame + 24, fold(sum(0, frame + 14, 20)));
	}
	for (i = 0; i < piece->length; i++) {
		u32 byte = piece->offset + i;

		at[i] = byte < t->total ? t->data[byte] : 0;
		if (piece->forged && byte >= HEADERS)
			at[i] ^= 0xff;
	}
	return 14 + ip + extra + piece->length;
}

static bool next(u32 slot, struct vfwd_packet *run, u8 *frame)
{
	struct trial *t = &trials[slot];

	if (t->sent == t->n)
		return false;
	run->length = put_fragment(frame, t, &t->pieces[t->sent++]);
	run->dir = t->dir;
	run->protocol = t->protocol;
	run->out = (unsigned long)outs[slot];
	run->out_bytes = OUT_MAX;
	run_tuple(run, &t->tuple);
	return true;
}

static bool judged(u32 slot, const struct vfwd_packet *run, FILE *log)
{
	struct trial *t = &trials[slot];

	return fragments_compare(t, &t->pieces[t->sent - 1], run, log);
}

const struct kind kind_fragments = {
	.name	= "fragments",
	.share	= 30,
	.init	= init,
	.next	= next,
	.judged	= judged,
	.table	= fragments_table,
};
