// SPDX-License-Identifier: GPL-2.0
/*
 * An exchange: two ends that send each other messages, over a path like that of a connection
 * (connection.c), on which there are routers that send errors, and an attacker. Of TCP it is a
 * handshake and a few segments without a loss, so that there is something to send errors about:
 * all else about TCP is in connection.c.
 */
#include <string.h>

#include <linux/vfw.h>

#include "exchange.h"

#define LEG		10
#define PAUSE		40
#define REORDER		66000	/* what vfw allows beside a window */

static u8 draw_protocol(struct exchange *x)
{
	u32 at = rng_below(&x->rng, 100);

	if (at < 30)
		return PROTO_UDP;
	if (at < 40)
		return PROTO_UDPLITE;
	if (at < 65)
		return x->tuple.ipv6 ? PROTO_ICMPV6 : PROTO_ICMP;
	if (at < 72)
		return PROTO_GRE;
	return at < 78 ? PROTO_ESP : PROTO_TCP;
}

/* The rules let in by ports, and what has none to half of the VM's addresses. */
static void draw_ends(struct exchange *x)
{
	bool let_in = x->opener == VM || rng_chance(&x->rng, 90);
	struct tuple *tuple = &x->tuple;

	tuple->port[VM] = 1 + rng_below(&x->rng, 29999);
	if (!let_in || rng_chance(&x->rng, 20)) {
		tuple->port[VM] += 30000;
		tuple->addr[VM][tuple->ipv6 ? 15 : 3] |= 0x80;
	}
	/* What has no ports has zeros, and an echo one identifier. */
	if (!has_ports(x))
		tuple->port[REMOTE] = 0;
	if (!has_ports(x) && !is_echo(x))
		tuple->port[VM] = 0;
}

/**
 * exchange_init() - an exchange in which nothing was said
 * @x: filled in
 * @seed: of the run
 * @number: of the exchange; both make it what it is
 * @subnet: where it takes place on the wire, for a second time elsewhere
 */
void exchange_init(struct exchange *x, u64 seed, u64 number, u32 subnet)
{
	bool lossy;

	memset(x, 0, sizeof(*x));
	x->number = number;
	rng_seed(&x->rng, seed, number);
	tuple_draw(&x->tuple, &x->rng, number, subnet);
	x->protocol = draw_protocol(x);
	x->opener = rng_chance(&x->rng, 50) ? VM : REMOTE;
	draw_ends(x);
	lossy = x->protocol != PROTO_TCP && rng_chance(&x->rng, 60);
	x->loss = lossy ? rng_below(&x->rng, 25) : 0;
	x->copies = lossy ? rng_below(&x->rng, 15) : 0;
	x->jitter = lossy ? rng_below(&x->rng, 100) : 0;
	x->chat = rng_chance(&x->rng, 80) ? 90 : 0;
	x->attack = rng_chance(&x->rng, 40) ? 0 : rng_chance(&x->rng, 50) ? 15 : 60;
	x->left[x->opener] = 1 + rng_below(&x->rng, 8);
	x->left[!x->opener] = rng_chance(&x->rng, 25) ? 1 + rng_below(&x->rng, 4) : 0;
	x->max_packets = 8 + rng_below(&x->rng, 50);
	x->next_seq[0] = rng_next(&x->rng);
	x->next_seq[1] = rng_chance(&x->rng, 50) ? 0 - rng_below(&x->rng, 3000) :
						   rng_next(&x->rng);
}

static void fly(struct exchange *x, const struct message *message, u32 when, bool judged)
{
	if (x->n_flying < ARRAY_SIZE(x->flying))
		x->flying[x->n_flying++] = (struct sent){ when, judged, *message };
}

/* Over one leg. */
static void travel(struct exchange *x, const struct message *message, bool judged)
{
	u32 when = x->now + LEG + (x->jitter ? rng_below(&x->rng, x->jitter) : 0);
	struct message copy = *message;

	if (rng_chance(&x->rng, x->loss))
		return;
	fly(x, message, when, judged);
	if (!rng_chance(&x->rng, x->copies))
		return;
	if (copy.origin == HONEST)
		copy.origin = COPY;
	copy.age = 0;
	fly(x, &copy, when + rng_below(&x->rng, 50), judged);
}

static struct message new_message(struct exchange *x, u8 dir, enum what what)
{
	return (struct message){
		.dir = dir,
		.what = what,
		.port = { x->tuple.port[0], x->tuple.port[1] },
		.length = rng_below(&x->rng, rng_chance(&x->rng, 20) ? 1400 : 60),
		.age = rng_chance(&x->rng, 10) ? 3 : 0,
	};
}

static void say(struct exchange *x, u8 dir, enum what what)
{
	struct message message = new_message(x, dir, what);

	if (rng_chance(&x->rng, 10))
		message.wrong = PADDING;
	if (x->protocol == PROTO_UDP && rng_chance(&x->rng, 10))
		message.wrong = rng_chance(&x->rng, 50) ? NO_CHECKSUM : SAYS_LESS;
	travel(x, &message, false);
}

/* The next segment: SYN, SYN/ACK, ACK, and then data each way in turn. */
static void say_segment(struct exchange *x)
{
	static const u8 flags[] = { SYN, SYN | ACK, ACK };
	u8 dir = x->step % 2 ? !x->opener : x->opener;
	struct message message = new_message(x, dir, SEGMENT);
	struct segment *seg = &message.seg;

	seg->flags = x->step < 3 ? flags[x->step] : ACK | PSH;
	seg->seq = x->next_seq[dir];
	seg->ack = x->step ? x->next_seq[!dir] : 0;
	seg->window = 1000 + rng_below(&x->rng, 60000);
	seg->scale = NO_SCALE;
	if (x->step < 3)
		message.length = 0;
	seg->length = message.length;
	x->next_seq[dir] = segment_end(seg);
	x->step++;
	travel(x, &message, false);
}

static bool speaks(struct exchange *x)
{
	u32 who = x->left[x->opener] && x->left[!x->opener] ? rng_below(&x->rng, 2) :
		  x->left[VM] ? VM : REMOTE;

	if (!x->left[who])
		return false;
	x->left[who]--;
	if (x->protocol == PROTO_TCP)
		say_segment(x);
	else
		say(x, who, is_echo(x) ? REQUEST : DATA);
	return true;
}

/* What ends and routers send errors of. */
static void draw_error(struct exchange *x, struct quotation *q)
{
	static const u8 errors[][2] = { { 3, 0 }, { 3, 1 }, { 3, 3 }, { 3, 4 }, { 3, 13 },
					{ 4, 0 }, { 11, 0 }, { 11, 1 }, { 12, 0 } };
	static const u8 errors6[][2] = { { 1, 0 }, { 1, 1 }, { 1, 4 }, { 2, 0 }, { 3, 0 },
					 { 3, 1 }, { 4, 0 }, { 4, 1 } };
	const u8 *error = x->tuple.ipv6 ? errors6[rng_below(&x->rng, ARRAY_SIZE(errors6))] :
					  errors[rng_below(&x->rng, ARRAY_SIZE(errors))];

	q->type = error[0];
	q->code = error[1];
	q->router = rng_chance(&x->rng, 60);
	q->bytes = 8 + (rng_chance(&x->rng, 50) ? rng_below(&x->rng, 13) : 0);
}

/* A message that passed did not arrive: somebody on the way says so. */
static void complain(struct exchange *x, const struct message *about)
{
	struct message message = new_message(x, !about->dir, ERROR);
	struct quotation *q = &message.quotation;

	draw_error(x, q);
	q->what = about->what;
	q->dir = about->dir;
	q->seq = about->seg.seq;
	message.wrong = rng_chance(&x->rng, 10) ? PADDING : NOTHING_WRONG;
	travel(x, &message, false);
}

static void arrive(struct exchange *x, const struct message *m)
{
	if (m->what == ERROR || m->origin != HONEST)
		return;
	if (x->protocol == PROTO_TCP) {
		if (x->step < 3)
			say_segment(x);
		return;
	}
	if (m->what == REQUEST && rng_chance(&x->rng, x->chat))
		say(x, !m->dir, REPLY);
	if (m->what == DATA && m->dir == x->opener && rng_chance(&x->rng, x->chat))
		say(x, !m->dir, DATA);
}

static struct sent land(struct exchange *x, u32 i)
{
	struct sent sent = x->flying[i];

	memmove(x->flying + i, x->flying + i + 1, (x->n_flying - i - 1) * sizeof(*x->flying));
	x->n_flying--;
	return sent;
}

/* The flying message that comes next, or -1. */
static int soonest(const struct exchange *x)
{
	int best = -1;
	u32 i;

	for (i = 0; i < x->n_flying; i++)
		if (best < 0 || x->flying[i].when < x->flying[best].when)
			best = i;
	return best;
}

/**
 * exchange_next() - go on until a message is at the firewall
 * @x: the exchange
 * @message: filled in
 *
 * Return: false when the exchange is over.
 */
bool exchange_next(struct exchange *x, struct message *message)
{
	struct sent sent;
	int i;

	while (x->packets < x->max_packets) {
		i = soonest(x);
		/* TCP speaks when nothing is on its way. */
		if (i < 0 || (x->flying[i].when > x->next_send && x->protocol != PROTO_TCP)) {
			x->now = latest(x->now, x->next_send);
			x->next_send = x->now + rng_below(&x->rng, PAUSE);
			if (speaks(x))
				continue;
			if (i < 0)
				return false;
		}
		sent = land(x, i);
		x->now = latest(x->now, sent.when);
		*message = sent.message;
		if (!sent.judged) {
			x->packets++;
			return true;
		}
		arrive(x, message);
	}
	return false;
}

/* A number near where it is decided. */
static u32 forged_seq(struct exchange *x, u8 dir)
{
	const struct vfwd_peer *from = &x->vfw.peer[dir], *to = &x->vfw.peer[!dir];
	u32 near = rng_below(&x->rng, 5) - 2;

	switch (rng_below(&x->rng, 6)) {
	case 0: return from->end + near;
	case 1: return from->end - to->max_window - REORDER + near;
	case 2: return from->end + rng_below(&x->rng, 100000);
	case 3: return rng_next(&x->rng);
	default: return from->end - rng_below(&x->rng, 3000);
	}
}

/* As if of another exchange of the same two ends; none is made up twice. */
static void other_ports(struct exchange *x, struct message *m)
{
	u16 port = 60000 - ++x->forged;

	if (is_echo(x))
		m->port[VM] = port;
	else if (has_ports(x))
		m->port[rng_below(&x->rng, 2)] = port;
}

static void forge_error(struct exchange *x, struct message *m)
{
	struct quotation *q = &m->quotation;

	m->what = ERROR;
	draw_error(x, q);
	if (rng_chance(&x->rng, 10))
		q->type = x->tuple.ipv6 ? 100 : rng_chance(&x->rng, 50) ? REDIRECT : 40;
	q->dir = !m->dir;
	q->what = x->protocol == PROTO_TCP ? SEGMENT : DATA;
	if (is_echo(x))
		q->what = q->dir == x->opener ? REQUEST : REPLY;
	q->seq = x->vfw.peer[q->dir].end;
	m->mirrored = rng_chance(&x->rng, 5);
	if (m->mirrored)
		q->dir = m->dir;
	else if (rng_chance(&x->rng, 70))
		q->misquote = rng_below(&x->rng, N_MISQUOTES);
	/* What IPv6's header has no room for. */
	if (x->tuple.ipv6 && (q->misquote == FRAGMENT || q->misquote == SHORT_LENGTH))
		q->misquote = OTHER_SEQ;
	switch (q->misquote) {
	case OTHER_PORT:
		other_ports(x, m);
		break;
	case OTHER_KIND:
		q->what = q->what == REQUEST ? REPLY : q->what == REPLY ? REQUEST : q->what;
		break;
	case OTHER_SEQ:
		q->seq = forged_seq(x, q->dir);
		break;
	case ONLY_PORTS:
		q->bytes = 4 + rng_below(&x->rng, 4);
		break;
	case NO_PORTS:
		q->bytes = rng_below(&x->rng, 4);
		break;
	case TO_RECEIVER:
		q->dir = m->dir;
		break;
	default:
		break;
	}
}

/* What is made up beside errors: as if of this exchange, or of another one of the same ends. */
static void forge_plain(struct exchange *x, struct message *m)
{
	m->what = DATA;
	if (is_echo(x))
		m->what = rng_chance(&x->rng, 50) ? REQUEST : REPLY;
	if (m->what == REPLY && rng_chance(&x->rng, 20))
		m->code = ODD_CODE;
	if (rng_chance(&x->rng, 30))
		other_ports(x, m);
	else if (m->dir == REMOTE && x->conntrack.known && rng_chance(&x->rng, 15))
		m->mirrored = true;
}

static void draw_wrong(struct exchange *x, struct message *m)
{
	bool lengths = x->protocol == PROTO_UDP && m->what == DATA;

	m->wrong = 1 + rng_below(&x->rng, lengths ? N_WRONGS - 1 : HALF_HEADER);
	if (m->wrong == NO_CHECKSUM && !lengths)
		m->wrong = WRONG_CHECKSUM;
	if (m->wrong == SAYS_LESS && !m->length)
		m->length = 1;
}

static void attack(struct exchange *x)
{
	u32 depth = x->n_past < ARRAY_SIZE(x->past) ? x->n_past : ARRAY_SIZE(x->past);
	struct message m;

	if (!rng_chance(&x->rng, x->attack))
		return;
	if (depth && x->protocol != PROTO_TCP && rng_chance(&x->rng, 20)) {
		m = x->past[rng_below(&x->rng, depth)];
		m.origin = STALE;
		fly(x, &m, x->now, false);
		return;
	}
	m = new_message(x, rng_chance(&x->rng, 15) ? VM : REMOTE, DATA);
	m.origin = FORGED;
	if (x->protocol == PROTO_TCP || rng_chance(&x->rng, 45))
		forge_error(x, &m);
	else
		forge_plain(x, &m);
	if (rng_chance(&x->rng, 20))
		draw_wrong(x, &m);
	fly(x, &m, x->now, false);
}

/**
 * exchange_judged() - the firewalls have judged a message
 * @x: the exchange
 * @message: the message
 * @passed: both passed it
 */
void exchange_judged(struct exchange *x, const struct message *message, bool passed)
{
	bool honest = message->origin == HONEST || message->origin == COPY;

	if (message->origin == HONEST)
		x->past[x->n_past++ % ARRAY_SIZE(x->past)] = *message;
	if (passed && honest && message->what != ERROR && rng_chance(&x->rng, 12))
		complain(x, message);
	if (passed)
		travel(x, message, true);
	/* A handshake that was refused is over. */
	if (!passed && message->what == SEGMENT)
		memset(x->left, 0, sizeof(x->left));
	attack(x);
}
