// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison of datagrams in fragments: what came out after each fragment, against what was
 * foretold of each side (reassembly.c), and when all were sent, how many datagrams came out whole.
 */
#include <string.h>

#include "fragments.h"

/* Identifiers; Documentation/conntrack-differences.md says of each why vfw is right. */
enum why {
	UNEXPLAINED, E_CHECKSUM, E_FIRST_SHORT, E_INSIDE, E_AGAIN, E_LENGTHS, E_SMALL, N_WHY,
};

static const char * const why_names[N_WHY] = {
	"unexplained", "checksum", "first-short", "fragment-inside", "fragment-again",
	"fragment-lengths", "fragment-small",
};

static const char * const mischief_names[N_MISCHIEFS] = {
	"plain", "duplicate", "hole", "forged duplicate", "overlap", "inside", "two ends",
	"beyond", "unaligned", "empty", "says more", "says fewer", "bad checksum", "short first",
};

static u64 tally[N_WHY];

/* Bytes came out that begin at @offset. */
static void cover(struct coverage *c, const struct trial *t, const u8 *bytes, u32 offset,
		  u32 length, bool more)
{
	u32 i;

	c->bytes += length;
	for (i = offset; i < offset + length && i < DATAGRAM_MAX; i++) {
		u8 honest = i < t->total ? t->data[i] : 0;
		u8 what = bytes[i - offset] == honest ? 1 : 2;

		c->mixed |= c->seen[i] && c->seen[i] != what;
		c->covered += !c->seen[i];
		c->seen[i] = what;
	}
	if (!more)
		c->end = offset + length;
	if (!c->end || c->covered < c->end)
		return;
	c->whole++;
	c->end = 0;
	c->covered = 0;
	memset(c->seen, 0, sizeof(c->seen));
}

static u16 get16(const u8 *at)
{
	return at[0] << 8 | at[1];
}

/* A frame came out: whole datagrams may, too. */
static void note_frame(struct coverage *c, const struct trial *t, const u8 *frame, u32 length)
{
	u32 ip = t->tuple.ipv6 ? 40 : 20;
	const u8 *at = frame + 14 + ip;
	u32 end = 14 + (t->tuple.ipv6 ? 40 + get16(frame + 18) : get16(frame + 16));
	u32 offset = 0;
	bool more = false;

	if (end > length)
		return;
	if (!t->tuple.ipv6) {
		more = get16(frame + 20) & 0x2000;
		offset = (get16(frame + 20) & 0x1fff) * 8;
	} else if (frame[20] == 44) {
		more = at[3] & 1;
		offset = get16(at + 2) & 0xfff8;
		at += 8;
	}
	cover(c, t, at, offset, frame + end - at, more);
}

/* What the module wrote down: a side, a length, and a frame, one after the other. */
static void note_frames(struct trial *t, const struct vfwd_packet *both)
{
	const u8 *out = (const u8 *)(unsigned long)both->out;
	struct vfwd_out head;
	u32 at = 0;

	while (at + sizeof(head) <= both->out_bytes) {
		memcpy(&head, out + at, sizeof(head));
		at += sizeof(head);
		note_frame(&t->out[head.side], t, out + at, head.length);
		at += head.length;
	}
}

/* Why other datagrams came out whole of the one than of the other. */
static enum why explain(const struct trial *t)
{
	const struct ct_model *ct = &t->conntrack;
	const struct vfw_model *vfw = &t->vfw;

	if (vfw->whole > ct->whole) {
		if (ct->bad_sum)
			return E_CHECKSUM;
		return ct->small ? E_SMALL : UNEXPLAINED;
	}
	if (vfw->why == SHORT_HEADER_FIRST)
		return E_FIRST_SHORT;
	if (vfw->why && ct->killed)
		return E_AGAIN;
	if (vfw->why == BAD_OVERLAP && ct->inside)
		return E_INSIDE;
	if (vfw->why == BAD_LENGTHS && (ct->rounded || ct->left_out || ct->inside))
		return E_LENGTHS;
	return UNEXPLAINED;
}

/* What an end sent in good faith comes out whole, unless the policy forbids it. */
static bool false_drop(const struct trial *t)
{
	if (t->mischief != PLAIN && t->mischief != DUPLICATE)
		return false;
	totals.honest++;
	if (t->out[1].whole)
		return false;
	if (!trial_allowed(t)) {
		totals.honest_refused++;
		return false;
	}
	totals.false_drops++;
	return true;
}

static const char *find(const struct trial *t, enum why *why)
{
	*why = UNEXPLAINED;
	if (t->out[1].whole != t->vfw.whole || t->out[1].bytes != t->vfw.bytes)
		return "vfw and its rules";
	if (t->out[0].whole != t->conntrack.whole || t->out[0].bytes != t->conntrack.bytes)
		return "nf_conntrack and its model";
	if (t->out[1].mixed)
		return "bytes came out twice, and not the same";
	if (t->sent < t->n)
		return NULL;
	if (false_drop(t))
		return "an honest datagram did not come out";
	if (t->vfw.whole != t->conntrack.whole) {
		*why = explain(t);
		if (!*why)
			return "datagrams";
	}
	return NULL;
}

static void print_piece(FILE *log, const struct trial *t, const struct piece *piece)
{
	fprintf(log, "%u: %s fragment of %u bytes (%s, %s): %u-%u%s%s\n", t->sent,
		t->dir == VM ? "out" : "in", t->total, t->protocol == 6 ? "TCP" : "UDP",
		mischief_names[t->mischief], piece->offset, piece->offset + piece->length,
		piece->more ? "" : ", last", piece->forged ? ", forged" : "");
	fprintf(log, "    nf_conntrack: %u whole, %u bytes; foretold %u, %u\n", t->out[0].whole,
		t->out[0].bytes, t->conntrack.whole, t->conntrack.bytes);
	fprintf(log, "    vfw: %u whole, %u bytes; foretold %u, %u\n", t->out[1].whole,
		t->out[1].bytes, t->vfw.whole, t->vfw.bytes);
}

/**
 * fragments_compare() - both firewalls have judged a fragment
 * @t: its datagram
 * @piece: the fragment
 * @both: what came out
 * @log: where to write it down, or NULL
 *
 * Return: false when something is not explained.
 */
bool fragments_compare(struct trial *t, const struct piece *piece, const struct vfwd_packet *both,
		       FILE *log)
{
	const char *what;
	enum why why;

	vfw_take(&t->vfw, t, piece);
	ct_take(&t->conntrack, t, piece);
	note_frames(t, both);
	what = find(t, &why);
	if (log)
		print_piece(log, t, piece);
	if (log && (what || why))
		fprintf(log, "    %s%s\n", what ? "UNEXPLAINED: " : "differ: ",
			what ? what : why_names[why]);
	totals.packets++;
	if (what)
		totals.unexplained++;
	else if (why)
		totals.explained++;
	else
		totals.same++;
	tally[why] += !what;
	return !what;
}

/**
 * fragments_table() - what was found in all
 */
void fragments_table(FILE *file)
{
	unsigned int i;

	for (i = 1; i < N_WHY; i++)
		if (tally[i])
			fprintf(file, "%-20s %10llu\n", why_names[i], tally[i]);
}
