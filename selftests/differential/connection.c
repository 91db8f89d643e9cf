// SPDX-License-Identifier: GPL-2.0
/*
 * A connection: two ends, the path between them with the firewall in its middle, and an attacker
 * who can send to the firewall from either side.
 *
 *	end --- leg before --- firewall --- leg behind --- end
 *
 * Both legs lose, repeat and delay. What either firewall drops does not arrive: a packet that one
 * of them passed and the other dropped is, to the one that passed it, lost behind it, so that both
 * have seen the same and neither is led astray by what the other one did.
 */
#include <arpa/inet.h>
#include <string.h>

#include <linux/vfw.h>

#include "differential.h"

#define NEVER		0xffffffff
#define LEG		10
#define AFTER_PARTING	6	/* packets */
#define LONGEST		20000	/* ticks of one connection */

static u32 draw_iss(struct connection *c)
{
	switch (rng_below(&c->rng, 6)) {
	case 0:
		return 0 - rng_below(&c->rng, 5000);
	case 1:
		return 0x80000000 - rng_below(&c->rng, 5000);
	case 2:
		return rng_below(&c->rng, 3);
	default:
		return rng_next(&c->rng);
	}
}

static u32 draw_bytes(struct connection *c)
{
	switch (rng_below(&c->rng, 5)) {
	case 0: return 0;
	case 1: return 1 + rng_below(&c->rng, 50);
	case 2: return rng_below(&c->rng, 3000);
	case 3: return rng_below(&c->rng, 12000);
	default: return rng_below(&c->rng, 30000);
	}
}

static u32 later(struct connection *c, u32 percent, u32 ticks)
{
	return rng_chance(&c->rng, percent) ? c->now + rng_below(&c->rng, ticks) : NEVER;
}

/* What both ends are going to do. */
static void draw_program(struct connection *c)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		c->end[i].to_write = draw_bytes(c);
		c->end[i].closing = rng_chance(&c->rng, 60);
		c->close_at[i] = later(c, 80, 1500);
		c->abort_at[i] = later(c, 8, 600);
		c->read_every[i] = rng_chance(&c->rng, 25) ? 20 + rng_below(&c->rng, 300) : 5;
		c->next_read[i] = c->now + c->read_every[i];
	}
	c->reboot_at = later(c, 5, 400);
}

static void draw_path(struct connection *c)
{
	bool lossy = rng_chance(&c->rng, 60);
	unsigned int i;

	for (i = 0; i < 4; i++)
		c->loss[i / 2][i % 2] = lossy ? rng_below(&c->rng, 20) : 0;
	c->copies = rng_chance(&c->rng, 50) ? rng_below(&c->rng, 10) : 0;
	c->jitter = rng_chance(&c->rng, 60) ? rng_below(&c->rng, 60) : 0;
	c->attack = rng_chance(&c->rng, 50) ? 0 : rng_chance(&c->rng, 50) ? 6 : 40;
}

/* Numbers of the next connection are beyond those of the last one, if somebody remembers it. */
static u32 next_iss(struct connection *c, const struct endpoint *old, const struct endpoint *other)
{
	if (other->state != TIME_WAIT && old->state != TIME_WAIT && rng_chance(&c->rng, 50))
		return draw_iss(c);
	return old->snd_max + 1 + rng_below(&c->rng, rng_chance(&c->rng, 50) ? 100 : 1000000);
}

static void begin(struct connection *c, bool opener)
{
	u32 iss[2] = { draw_iss(c), draw_iss(c) };
	unsigned int i;

	for (i = 0; i < 2 && c->generation; i++)
		iss[i] = next_iss(c, &c->end[i], &c->end[!i]);
	for (i = 0; i < 2; i++)
		end_init(&c->end[i], &c->rng, iss[i]);
	draw_program(c);
	c->deadline = c->now + LONGEST;
	end_open(&c->end[opener], c->now);
	if (rng_chance(&c->rng, 4))
		end_open(&c->end[!opener], c->now);
	else
		end_listen(&c->end[!opener]);
}

/**
 * connection_init() - a connection that has not sent anything
 * @c: filled in
 * @seed: of the run
 * @number: of the connection; both make it what it is
 * @subnet: where it takes place on the wire, for a second time elsewhere
 */
void connection_init(struct connection *c, u64 seed, u64 number, u32 subnet)
{
	bool opener;

	memset(c, 0, sizeof(*c));
	c->number = number;
	rng_seed(&c->rng, seed, number);
	opener = rng_chance(&c->rng, 50) ? VM : REMOTE;
	tuple_draw(&c->tuple, &c->rng, number, subnet);
	/* The rules let connections in to ports below 30000 only. */
	c->tuple.port[VM] = 1 + rng_below(&c->rng, opener == REMOTE && rng_chance(&c->rng, 95) ?
						   29999 : 65535);
	draw_path(c);
	c->generations = rng_chance(&c->rng, 25) ? 1 + rng_below(&c->rng, 3) : 0;
	c->max_packets = 40 + rng_below(&c->rng, 120);
	begin(c, opener);
}

static void fly(struct connection *c, const struct packet *packet, u32 when, bool judged)
{
	struct flying *flying = &c->flying[c->n_flying];

	if (c->n_flying == ARRAY_SIZE(c->flying))
		return; /* one more that is lost */
	c->n_flying++;
	flying->when = when;
	flying->judged = judged;
	flying->packet = *packet;
}

/* Over one leg. */
static void travel(struct connection *c, const struct packet *packet, bool judged)
{
	u32 when = c->now + LEG + (c->jitter ? rng_below(&c->rng, c->jitter) : 0);
	struct packet copy = *packet;

	if (rng_chance(&c->rng, c->loss[packet->dir][judged]))
		return;
	fly(c, packet, when, judged);
	if (!rng_chance(&c->rng, c->copies))
		return;
	if (copy.origin == HONEST)
		copy.origin = COPY;
	fly(c, &copy, when + rng_below(&c->rng, 50), judged);
}

/* @provoked: by the attacker, and so without the right to pass. */
static void collect(struct connection *c, bool provoked)
{
	struct packet packet = { .unsure = provoked || c->tainted || c->reset };
	unsigned int dir, i;

	for (dir = 0; dir < 2; dir++) {
		for (i = 0; i < c->end[dir].n_out; i++) {
			packet.dir = dir;
			packet.seg = c->end[dir].out[i];
			travel(c, &packet, false);
		}
		c->end[dir].n_out = 0;
	}
}

static bool over(const struct endpoint *end)
{
	return end->state == CLOSED || end->state == TIME_WAIT;
}

/* An end forgets everything, and perhaps begins anew. What is honest now is a matter of opinion. */
static void reboot(struct connection *c)
{
	u32 who = rng_below(&c->rng, 2);
	struct endpoint *end = &c->end[who];

	c->reboot_at = NEVER;
	c->tainted = true;
	end_init(end, &c->rng, draw_iss(c));
	end->to_write = draw_bytes(c);
	end->closing = true;
	switch (rng_below(&c->rng, 3)) {
	case 0:
		end_open(end, c->now);
		break;
	case 1:
		end_listen(end);
		break;
	}
}

static u32 next_time(const struct connection *c)
{
	u32 when = c->reboot_at, i;

	for (i = 0; i < c->n_flying; i++)
		if (c->flying[i].when < when)
			when = c->flying[i].when;
	for (i = 0; i < 2; i++) {
		const struct endpoint *end = &c->end[i];

		if (end->timer && end->timer < when)
			when = end->timer;
		if (over(end))
			continue;
		if (c->close_at[i] < when)
			when = c->close_at[i];
		if (c->abort_at[i] < when)
			when = c->abort_at[i];
		if (end->unread && c->next_read[i] < when)
			when = c->next_read[i];
	}
	return when > c->now ? when : c->now;
}

static void run_end(struct connection *c, unsigned int i)
{
	struct endpoint *end = &c->end[i];

	if (end->timer && end->timer <= c->now)
		end_timeout(end, c->now);
	if (over(end))
		return;
	if (c->abort_at[i] <= c->now) {
		c->abort_at[i] = NEVER;
		end_abort(end);
		return;
	}
	if (c->close_at[i] <= c->now) {
		c->close_at[i] = NEVER;
		end_close(end);
	}
	if (c->next_read[i] <= c->now) {
		c->next_read[i] = c->now + c->read_every[i];
		end_read(end, 1 + rng_below(&c->rng, c->read_every[i] > 5 ? 3000 : 1 << 24));
		if (rng_chance(&c->rng, 2))
			end_keepalive(end, rng_chance(&c->rng, 50));
	}
	end_output(end, c->now);
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->state == b->state && a->snd_una == b->snd_una && a->snd_max == b->snd_max &&
	       a->snd_wnd == b->snd_wnd && a->rcv_nxt == b->rcv_nxt && a->rcv_adv == b->rcv_adv &&
	       a->n_early == b->n_early;
}

static void arrive(struct connection *c, const struct packet *packet)
{
	struct endpoint *end = &c->end[!packet->dir], old = *end;

	if (packet->flaw && packet->flaw != PADDED)
		return;
	end_receive(end, &packet->seg, c->now);
	if ((packet->origin == FORGED || packet->origin == STALE) && !same_end(&old, end))
		c->tainted = true;
	collect(c, packet->origin == FORGED || packet->origin == STALE);
	end_output(end, c->now);
}

/* The next flying packet of this time. -1 if there is none. */
static int due(const struct connection *c)
{
	u32 i;

	for (i = 0; i < c->n_flying; i++)
		if (c->flying[i].when <= c->now)
			return i;
	return -1;
}

static struct flying land(struct connection *c, u32 i)
{
	struct flying flying = c->flying[i];

	/* In order: packets of one time do not overtake each other. */
	memmove(c->flying + i, c->flying + i + 1, (c->n_flying - i - 1) * sizeof(*c->flying));
	c->n_flying--;
	return flying;
}

/* Another connection of the same tuple. What is still on its way is of the last one. */
static bool renew(struct connection *c)
{
	bool quiet = !c->end[0].n_out && !c->end[1].n_out;
	u32 i;

	if (c->generation >= c->generations || !over(&c->end[0]) || !over(&c->end[1]) || !quiet)
		return false;
	c->generation++;
	for (i = 0; i < c->n_flying; i++)
		c->flying[i].packet.origin = STALE;
	c->now += 5;
	c->reset = false;
	/* A firewall that has not noticed the end of the last one is in the way of the next one. */
	if (c->compared.vfw.known && c->compared.vfw.state < VFW_FLOW_STATE_TCP_TIME_WAIT)
		c->tainted = true;
	begin(c, rng_below(&c->rng, 2));
	return true;
}

/* When the firewalls see two different connections, there is little more to compare. */
static bool connection_parted(const struct connection *c)
{
	return c->compared.parted && c->compared.since >= AFTER_PARTING;
}

/**
 * connection_next() - go on until a packet is at the firewall
 * @c: the connection
 * @packet: filled in
 *
 * Return: false when the connection is over.
 */
bool connection_next(struct connection *c, struct packet *packet)
{
	struct flying flying;
	u32 when;
	int i;

	while (c->packets < c->max_packets && !connection_parted(c)) {
		collect(c, false);
		i = due(c);
		if (i >= 0) {
			flying = land(c, i);
			*packet = flying.packet;
			if (!flying.judged) {
				c->packets++;
				return true;
			}
			arrive(c, packet);
			continue;
		}
		if (rng_chance(&c->rng, 30) && renew(c))
			continue;
		when = next_time(c);
		if (when == NEVER || when > c->deadline) {
			if (!renew(c))
				return false;
			continue;
		}
		c->now = when;
		if (c->reboot_at <= c->now)
			reboot(c);
		run_end(c, REMOTE);
		run_end(c, VM);
	}
	return false;
}

/* A number near where decisions are made. */
static u32 near(struct connection *c, u32 number)
{
	switch (rng_below(&c->rng, 4)) {
	case 0: return number;
	case 1: return number - 2 + rng_below(&c->rng, 5);
	case 2: return number - 100 + rng_below(&c->rng, 200);
	default: return number - 3000 + rng_below(&c->rng, 6000);
	}
}

static u32 forged_seq(struct connection *c, u8 dir)
{
	const struct endpoint *to = &c->end[!dir];
	const struct compared *known = &c->compared;

	switch (rng_below(&c->rng, 10)) {
	case 0: return near(c, known->vfw.peer[dir].max_end);
	case 1: return near(c, known->vfw.peer[dir].end);
	case 2: return near(c, known->vfw.peer[dir].end - known->vfw.peer[!dir].max_window - 66000);
	case 3: return near(c, known->vfw.peer[dir].end - known->vfw.peer[!dir].max_window);
	case 4: return near(c, known->conntrack.peer[dir].max_end);
	case 5: return near(c, known->conntrack.peer[dir].max_end +
				       known->conntrack.peer[!dir].max_window);
	case 6: return rng_next(&c->rng);
	case 7: return known->conntrack.peer[!dir].max_ack * rng_below(&c->rng, 2);
	default: return near(c, to->rcv_nxt);
	}
}

static u32 forged_ack(struct connection *c, u8 dir)
{
	const struct endpoint *to = &c->end[!dir];
	const struct compared *known = &c->compared;

	switch (rng_below(&c->rng, 9)) {
	case 0: return near(c, known->vfw.peer[!dir].end);
	case 1: return near(c, known->vfw.peer[!dir].end - known->vfw.peer[dir].max_window - 66000);
	case 2: return near(c, known->vfw.peer[!dir].end - known->vfw.peer[dir].max_window);
	case 3: return rng_next(&c->rng);
	case 4: return 0;
	case 5: return near(c, known->conntrack.peer[!dir].end - 66000);
	case 6: return near(c, to->snd_una);
	default: return to->snd_max;
	}
}

static void forge(struct connection *c, struct packet *packet)
{
	static const u8 kinds[] = { SYN, SYN | ACK, RST, RST, RST | ACK, ACK, ACK, ACK, ACK | PSH,
				    ACK | FIN, ACK | URG };
	struct segment *seg = &packet->seg;

	/* Mostly from outside: what comes from the VM's side is the VM's, and is believed. */
	*packet = (struct packet){ .dir = rng_chance(&c->rng, 15) ? VM : REMOTE, .origin = FORGED };
	seg->flags = rng_chance(&c->rng, 97) ? kinds[rng_below(&c->rng, ARRAY_SIZE(kinds))] :
					       rng_below(&c->rng, 256);
	seg->seq = forged_seq(c, packet->dir);
	seg->ack = seg->flags & ACK ? forged_ack(c, packet->dir) : 0;
	seg->window = rng_below(&c->rng, rng_chance(&c->rng, 50) ? 65536 : 500);
	seg->scale = NO_SCALE;
	if (seg->flags & SYN && rng_chance(&c->rng, 50))
		seg->scale = rng_below(&c->rng, 20);
	seg->sack_permitted = seg->flags & SYN && rng_chance(&c->rng, 50);
	if (!(seg->flags & RST) && rng_chance(&c->rng, 40))
		seg->length = rng_below(&c->rng, 1400);
	if (seg->flags == ACK && rng_chance(&c->rng, 15)) {
		seg->n_sack = 1;
		seg->sack[0][0] = near(c, seg->ack);
		seg->sack[0][1] = seg->sack[0][0] + rng_below(&c->rng, 3000);
	}
}

static void attack(struct connection *c)
{
	struct packet packet;

	if (!rng_chance(&c->rng, c->attack))
		return;
	if (c->n_past && rng_chance(&c->rng, 25)) {
		u32 depth = c->n_past < ARRAY_SIZE(c->past) ? c->n_past : ARRAY_SIZE(c->past);

		packet = c->past[rng_below(&c->rng, depth)];
		packet.origin = STALE;
	} else {
		forge(c, &packet);
	}
	if (rng_chance(&c->rng, 8))
		packet.flaw = 1 + rng_below(&c->rng, N_FLAWS - 1);
	if (packet.flaw == LONG_HEADER)
		packet.seg.length = 0;
	if (packet.flaw == LONG_HEADER || packet.flaw == BAD_OPTION)
		packet.seg.n_sack = 0; /* no room; no option but the bad one */
	fly(c, &packet, c->now, false);
}

/**
 * connection_allows() - may this end open the connection, by the rules that both firewalls have?
 */
bool connection_allows(const struct connection *c, u8 dir)
{
	return dir == VM || c->tuple.port[VM] < 30000;
}

/**
 * connection_judged() - the firewalls have judged a packet
 * @c: the connection
 * @packet: the packet
 * @passed: both passed it
 */
void connection_judged(struct connection *c, const struct packet *packet, bool passed)
{
	if (packet->origin == HONEST)
		c->past[c->n_past++ % ARRAY_SIZE(c->past)] = *packet;
	if (passed)
		travel(c, packet, true);
	c->reset |= packet->origin == HONEST && packet->seg.flags & RST;
	attack(c);
}
