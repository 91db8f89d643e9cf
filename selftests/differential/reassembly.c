// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a datagram in fragments, on either side: vfw's rules once more, by what the top
 * of kmod/fragment.c says, and a model of nf_conntrack's reassembly.
 */
#include <string.h>

#include "fragments.h"

#define LONGEST		65535
#define LEAST_MTU6	1280
#define TCP_HEADER	20
#define UDP_HEADER	8

static u32 end_of(const struct piece *piece)
{
	return piece->offset + piece->length;
}

static bool meet(const struct piece *a, const struct piece *b)
{
	return a->offset < end_of(b) && b->offset < end_of(a);
}

/**
 * trial_allowed() - do the rules that both firewalls have let the datagram pass?
 */
bool trial_allowed(const struct trial *t)
{
	return t->dir == VM || t->tuple.port[VM] < 30000;
}

static bool header_is_short(const struct trial *t, const struct piece *piece)
{
	return !piece->offset &&
	       piece->length < (t->protocol == 6 ? TCP_HEADER : UDP_HEADER);
}

/* What UDP says of the datagram's length. */
static u32 needed(const struct trial *t)
{
	return t->protocol == 17 ? t->data[4] << 8 | t->data[5] : 0;
}

static bool lengths_fit(const struct vfw_model *d, const struct trial *t,
			const struct piece *piece)
{
	u32 end = end_of(piece), head = t->tuple.ipv6 ? 0 : 20;

	if (!piece->length || (piece->more && piece->length % 8))
		return false;
	if (piece->more && d->total && end >= d->total)
		return false;
	if (!piece->more && (d->total ? end != d->total : end <= d->reach))
		return false;
	if ((d->total || !piece->more) && d->need > (piece->more ? d->total : end))
		return false;
	return head + (end > d->reach ? end : d->reach) <= LONGEST;
}

/* The first fragment says what must be there, which may be more than is. */
static bool need_fits(struct vfw_model *d, const struct trial *t, const struct piece *piece)
{
	u32 total = piece->more ? d->total : end_of(piece);

	return piece->offset || header_is_short(t, piece) || !total || needed(t) <= total;
}

static void die(struct vfw_model *d, enum fate why)
{
	u32 whole = d->whole, bytes = d->bytes;

	*d = (struct vfw_model){ .dead = why, .why = why, .whole = whole, .bytes = bytes };
}

static void begin(struct vfw_model *d)
{
	*d = (struct vfw_model){ .why = d->why, .whole = d->whole, .bytes = d->bytes };
}

static enum fate join(struct vfw_model *d, const struct trial *t, const struct piece *piece,
		      bool *twice)
{
	u32 i;

	if (!lengths_fit(d, t, piece) || !need_fits(d, t, piece))
		return BAD_LENGTHS;
	for (i = 0; i < d->n; i++) {
		/* What is counted is units of eight bytes. */
		*twice = d->spans[i].offset == piece->offset &&
			 (end_of(&d->spans[i]) + 7) / 8 == (end_of(piece) + 7) / 8;
		if (*twice)
			return ALIVE;
		if (meet(&d->spans[i], piece))
			return BAD_OVERLAP;
	}
	d->spans[d->n++] = *piece;
	d->covered += piece->length;
	if (end_of(piece) > d->reach)
		d->reach = end_of(piece);
	if (!piece->more)
		d->total = end_of(piece);
	return ALIVE;
}

/**
 * vfw_take() - a fragment comes to vfw
 * @d: what it knows of the datagram
 * @t: the datagram
 * @piece: the fragment
 */
void vfw_take(struct vfw_model *d, const struct trial *t, const struct piece *piece)
{
	bool twice = false;
	enum fate fate;

	if (d->dead || (d->refused && piece->offset))
		return;
	if (d->refused)
		begin(d);
	fate = join(d, t, piece, &twice);
	if (fate) {
		die(d, fate);
		return;
	}
	if (twice)
		return;
	if (!piece->offset) {
		if (header_is_short(t, piece)) {
			die(d, SHORT_HEADER_FIRST);
			return;
		}
		d->need = needed(t);
		d->refused = !trial_allowed(t);
		d->first = true;
	}
	if (d->refused || !d->first)
		return;
	/* Those that waited for the first go on behind it. */
	d->bytes += piece->offset ? piece->length : d->covered;
	if (!d->total || d->covered != d->total)
		return;
	d->whole++;
	begin(d);
}

static void kill_queue(struct ct_model *q)
{
	q->n = 0;
	q->end = 0;
	q->there = 0;
	q->most = 0;
	q->first = false;
	q->last = false;
}

/* Where it ends, or that it is not taken. IPv6 leaves out a fragment where IPv4 gives all up. */
static bool ct_end(struct ct_model *q, bool ipv6, struct piece *piece, bool *kill)
{
	u32 end = end_of(piece);

	*kill = !ipv6;
	if (ipv6 && end > LONGEST)
		return false;
	if (!piece->more) {
		if (end < q->end || (q->last && end != q->end))
			return false;
		q->last = true;
		q->end = end;
		return true;
	}
	if (end % 8) {
		*kill |= ipv6;
		if (ipv6)
			return false;
		q->rounded = true;
		end &= ~7u;
		piece->length = end - piece->offset;
	}
	if (end > q->end) {
		if (q->last)
			return false;
		q->end = end;
	}
	return true;
}

enum insertion { INSERTED, WAS_THERE, OVERLAPS };

static enum insertion ct_insert(struct ct_model *q, const struct piece *piece)
{
	u32 end = end_of(piece), i;

	if (q->n && end_of(&q->tail) >= end) {
		for (i = 0; i < q->n; i++)
			if (meet(&q->runs[i], piece))
				return piece->offset >= q->runs[i].offset &&
				       end <= end_of(&q->runs[i]) ? WAS_THERE : OVERLAPS;
		q->runs[q->n++] = *piece;
		return INSERTED;
	}
	if (q->n && piece->offset < end_of(&q->tail))
		return OVERLAPS;
	for (i = 0; i < q->n; i++)
		if (piece->offset == end_of(&q->tail) && end_of(&q->runs[i]) == piece->offset) {
			q->runs[i].length += piece->length;
			q->tail = *piece;
			return INSERTED;
		}
	q->runs[q->n++] = *piece;
	q->tail = *piece;
	return INSERTED;
}

/* All of it is there: what conntrack makes of it, and the bridge, which cuts it again. */
static void ct_judge(struct ct_model *q, const struct trial *t)
{
	u32 head = t->tuple.ipv6 ? 0 : 20;

	if (head + q->end > LONGEST || needed(t) > q->end || !trial_allowed(t))
		return;
	if (t->mischief == BAD_SUM) {
		q->bad_sum = true;
		return;
	}
	if (t->tuple.ipv6 && q->most < LEAST_MTU6) {
		q->small = true;
		return;
	}
	q->whole++;
	q->bytes += q->end;
}

/**
 * ct_take() - a fragment comes to nf_conntrack
 * @q: what it knows of the datagram
 * @t: the datagram
 * @piece: the fragment
 */
void ct_take(struct ct_model *q, const struct trial *t, const struct piece *piece)
{
	u32 bytes = piece->length + (t->tuple.ipv6 ? 48 : 20);
	struct piece cut = *piece;
	enum insertion insertion;
	bool kill;

	if (t->tuple.ipv6 && header_is_short(t, piece)) {
		q->left_out = true;
		return;
	}
	if (!ct_end(q, t->tuple.ipv6, &cut, &kill) || !cut.length) {
		q->left_out |= !kill;
		q->killed |= kill;
		if (kill)
			kill_queue(q);
		return;
	}
	insertion = ct_insert(q, &cut);
	if (insertion == WAS_THERE) {
		q->inside = true;
		return;
	}
	if (insertion == OVERLAPS) {
		q->killed = true;
		kill_queue(q);
		return;
	}
	q->there += cut.length;
	q->first |= !cut.offset;
	if (bytes > q->most)
		q->most = bytes;
	if (!q->first || !q->last || q->there != q->end)
		return;
	ct_judge(q, t);
	kill_queue(q);
}
