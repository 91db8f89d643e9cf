// SPDX-License-Identifier: GPL-2.0
/*
 * An association: two ends, the path between them with the firewall in its middle, and an attacker
 * who can send to the firewall from either side. As in connection.c, what either firewall drops
 * does not arrive.
 */
#include <string.h>

#include <linux/vfw.h>

#include "sctp.h"

#define NEVER		0xffffffff
#define LEG		10
#define LONGEST		12000	/* ticks of one association */

static u32 later(struct association *a, u32 percent, u32 ticks)
{
	return rng_chance(&a->rng, percent) ? a->now + rng_below(&a->rng, ticks) : NEVER;
}

static void draw_program(struct association *a)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		a->end[i].to_send = rng_below(&a->rng, rng_chance(&a->rng, 70) ? 8 : 30);
		a->close_at[i] = later(a, 60, 1500);
		a->abort_at[i] = later(a, 10, 1000);
		a->end[i].next_beat = a->now + rng_below(&a->rng, 600);
	}
	a->retag_at = a->path ? later(a, 20, 1000) : NEVER;
	a->reboot_at = a->retag_at == NEVER ? later(a, 20, 1000) : NEVER;
}

/* The association is there by other paths, and has these tags now. */
static void draw_tags(struct association *a)
{
	u32 tags[2] = { rng_next(&a->rng) | 1, rng_next(&a->rng) | 1 };
	unsigned int i;

	for (i = 0; i < 2; i++)
		sctp_end_path(&a->end[i], tags[i], tags[!i], a->now);
}

static void begin(struct association *a)
{
	bool opener = rng_chance(&a->rng, 50) ? VM : REMOTE;
	unsigned int i;

	for (i = 0; i < 2; i++)
		sctp_end_init(&a->end[i], &a->rng);
	if (a->path)
		draw_tags(a);
	draw_program(a);
	a->deadline = a->now + LONGEST;
	if (a->path) {
		sctp_end_beat(&a->end[opener], a->now);
		return;
	}
	a->end[!opener].listening = rng_chance(&a->rng, 95);
	a->end[opener].listening = rng_chance(&a->rng, 50);
	sctp_end_open(&a->end[opener], a->now);
	if (rng_chance(&a->rng, 12))
		sctp_end_open(&a->end[!opener], a->now);
}

/**
 * association_init() - an association that has not sent anything
 * @a: filled in
 * @seed: of the run
 * @number: of the association; both make it what it is
 * @subnet: where it takes place on the wire, for a second time elsewhere
 */
void association_init(struct association *a, u64 seed, u64 number, u32 subnet)
{
	memset(a, 0, sizeof(*a));
	a->number = number;
	rng_seed(&a->rng, seed, number);
	tuple_draw(&a->tuple, &a->rng, number, subnet);
	/* The rules let associations in to ports below 30000 only. */
	a->tuple.port[VM] = 1 + rng_below(&a->rng, rng_chance(&a->rng, 80) ? 29999 : 65535);
	a->loss = rng_chance(&a->rng, 60) ? rng_below(&a->rng, 25) : 0;
	a->copies = rng_chance(&a->rng, 50) ? rng_below(&a->rng, 15) : 0;
	a->jitter = rng_chance(&a->rng, 60) ? rng_below(&a->rng, 60) : 0;
	a->attack = rng_chance(&a->rng, 50) ? 0 : rng_chance(&a->rng, 50) ? 6 : 40;
	a->generations = rng_chance(&a->rng, 40) ? 1 + rng_below(&a->rng, 3) : 0;
	a->path = rng_chance(&a->rng, 15);
	a->max_packets = 40 + rng_below(&a->rng, 120);
	begin(a);
}

static void fly(struct association *a, const struct sctp_packet *packet, u32 when, bool judged)
{
	if (a->n_flying < ARRAY_SIZE(a->flying))
		a->flying[a->n_flying++] = (struct flying_chunks){ when, judged, *packet };
}

/* The VM's leg is short: order is kept, and what the VM sends arrives. */
static void travel_short(struct association *a, const struct sctp_packet *packet, bool judged)
{
	if (!judged || !rng_chance(&a->rng, a->loss))
		fly(a, packet, a->now + LEG, judged);
}

/* Over one leg: of the VM, or of the far end. */
static void travel(struct association *a, const struct sctp_packet *packet, bool judged)
{
	u32 when = a->now + LEG + (a->jitter ? rng_below(&a->rng, a->jitter) : 0);
	struct sctp_packet copy = *packet;

	/* The VM's is the one before the firewall for what it sends, and the one behind for it. */
	if (packet->dir == (judged ? REMOTE : VM)) {
		travel_short(a, packet, judged);
		return;
	}
	if (rng_chance(&a->rng, a->loss))
		return;
	fly(a, packet, when, judged);
	copy.origin = copy.origin == HONEST ? COPY : copy.origin;
	if (rng_chance(&a->rng, a->copies))
		fly(a, &copy, when + rng_below(&a->rng, 200), judged);
}

static void collect(struct association *a)
{
	unsigned int dir, i;

	for (dir = 0; dir < 2; dir++) {
		for (i = 0; i < a->end[dir].n_out; i++) {
			a->end[dir].out[i].dir = dir;
			travel(a, &a->end[dir].out[i], false);
		}
		a->end[dir].n_out = 0;
	}
}

/* An end forgets everything, and perhaps begins anew (RFC 9260, 5.2). */
static void reboot(struct association *a)
{
	struct sctp_end *end = &a->end[rng_below(&a->rng, 2)];

	a->reboot_at = NEVER;
	sctp_end_init(end, &a->rng);
	end->to_send = rng_below(&a->rng, 8);
	end->listening = rng_chance(&a->rng, 70);
	end->next_beat = a->now + 300;
	if (rng_chance(&a->rng, 80))
		sctp_end_open(end, a->now);
}

/*
 * By another path, an end has begun anew; this one is to be confirmed again. It was quiet, lest
 * HEARTBEATs of before and after are taken for one.
 */
static void retag(struct association *a)
{
	if (a->n_flying) {
		a->retag_at = a->now + 50;
		return;
	}
	a->retag_at = NEVER;
	if (a->end[0].confirmed && a->end[0].state >= S_ESTABLISHED &&
	    a->end[1].confirmed && a->end[1].state >= S_ESTABLISHED)
		draw_tags(a);
}

static u32 next_time(const struct association *a)
{
	u32 when = a->reboot_at < a->retag_at ? a->reboot_at : a->retag_at, i;

	for (i = 0; i < a->n_flying; i++)
		if (a->flying[i].when < when)
			when = a->flying[i].when;
	for (i = 0; i < 2; i++) {
		const struct sctp_end *end = &a->end[i];

		if (end->timer && end->timer < when)
			when = end->timer;
		if (end->state == S_CLOSED)
			continue;
		if (end->state >= S_ESTABLISHED && end->next_beat < when)
			when = end->next_beat;
		if (a->close_at[i] < when)
			when = a->close_at[i];
		if (a->abort_at[i] < when)
			when = a->abort_at[i];
	}
	return when > a->now ? when : a->now;
}

static void run_end(struct association *a, unsigned int i)
{
	struct sctp_end *end = &a->end[i];

	if (end->timer && end->timer <= a->now)
		sctp_end_timeout(end, a->now);
	if (end->state == S_CLOSED)
		return;
	if (a->abort_at[i] <= a->now) {
		a->abort_at[i] = NEVER;
		sctp_end_abort(end);
		return;
	}
	if (a->close_at[i] <= a->now) {
		a->close_at[i] = NEVER;
		sctp_end_close(end);
	}
	if (end->state >= S_ESTABLISHED && end->next_beat <= a->now)
		sctp_end_beat(end, a->now);
	sctp_end_output(end, a->now);
}

static void arrive(struct association *a, const struct sctp_packet *packet)
{
	struct sctp_end *end = &a->end[!packet->dir];

	if (packet->flaw && packet->flaw != S_PADDED)
		return;
	/* He who knows the tag, or whom the end believes, can do anything. */
	if (packet->origin == FORGED && (packet->tag == end->mine || packet->tag == end->peers))
		a->tainted = true;
	sctp_end_receive(end, packet, a->now);
	sctp_end_output(end, a->now);
}

static int due(const struct association *a)
{
	u32 i;

	for (i = 0; i < a->n_flying; i++)
		if (a->flying[i].when <= a->now)
			return i;
	return -1;
}

static struct flying_chunks land(struct association *a, u32 i)
{
	struct flying_chunks flying = a->flying[i];

	a->n_flying--;
	memmove(a->flying + i, a->flying + i + 1, (a->n_flying - i) * sizeof(*a->flying));
	return flying;
}

/* Another association of the same addresses and ports. */
static bool renew(struct association *a)
{
	if (!a->generations || a->end[0].state || a->end[1].state)
		return false;
	/* HEARTBEATs of two associations must not be taken for one, as in retag(). */
	if (a->path && (a->n_flying || a->vfw.state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT))
		return false;
	a->generations--;
	a->now += 5;
	begin(a);
	return true;
}

/**
 * association_next() - go on until a packet is at the firewall
 * @a: the association
 * @packet: filled in
 *
 * Return: false when it is over.
 */
bool association_next(struct association *a, struct sctp_packet *packet)
{
	struct flying_chunks flying;
	u32 when;
	int i;

	while (a->packets < a->max_packets) {
		collect(a);
		i = due(a);
		if (i >= 0) {
			flying = land(a, i);
			*packet = flying.packet;
			if (!flying.judged) {
				a->packets++;
				return true;
			}
			arrive(a, packet);
			continue;
		}
		if (rng_chance(&a->rng, 30) && renew(a))
			continue;
		when = next_time(a);
		if (when == NEVER || when > a->deadline) {
			if (!renew(a))
				return false;
			continue;
		}
		a->now = when;
		if (a->reboot_at <= a->now)
			reboot(a);
		if (a->retag_at <= a->now)
			retag(a);
		run_end(a, REMOTE);
		run_end(a, VM);
	}
	return false;
}

/* Tags that may deceive, and now and then the right one. */
static u32 forged_tag(struct association *a, u8 dir)
{
	const struct sctp_end *from = &a->end[dir], *to = &a->end[!dir];

	switch (rng_below(&a->rng, 12)) {
	case 0: return 0;
	case 1: return to->mine + 1;
	case 2: return to->mine - 1;
	case 3: return to->mine ^ 1U << rng_below(&a->rng, 32);
	case 4: return from->mine;
	case 5: return a->vfw.tags[!dir].tag[rng_below(&a->rng, 3)];
	case 6: return a->conntrack.tags[rng_below(&a->rng, 2)].tag[0];
	case 7: return to->mine;
	case 8: return __builtin_bswap32(to->mine);
	default: return rng_next(&a->rng);
	}
}

static void forge_chunk(struct association *a, struct sctp_packet *packet, u8 type)
{
	static const u8 least[] = { 17, 20, 56, 16, 8, 8, 4, 8, 4, 4, 36, 4, 4, 4, 4, 8 };
	struct chunk *chunk = &packet->chunk[packet->n++];

	*chunk = (struct chunk){ .type = type, .tsn = rng_next(&a->rng) };
	chunk->length = type < ARRAY_SIZE(least) ? least[type] : type == CHUNK_I_DATA ? 21 : 4;
	if (rng_chance(&a->rng, 30))
		chunk->length += rng_below(&a->rng, 30);
	if (rng_chance(&a->rng, 40))
		chunk->flags = rng_below(&a->rng, 4);
	if (type == CHUNK_ERROR && rng_chance(&a->rng, 50))
		chunk->tsn = STALE_COOKIE;
	if (type == CHUNK_INIT || type == CHUNK_INIT_ACK)
		chunk->tag = rng_chance(&a->rng, 10) ? 0 : rng_chance(&a->rng, 20) ?
			     forged_tag(a, !packet->dir) : rng_next(&a->rng);
}

static void forge(struct association *a, struct sctp_packet *packet)
{
	static const u8 types[] = {
		CHUNK_DATA, CHUNK_INIT, CHUNK_INIT, CHUNK_INIT_ACK, CHUNK_SACK, CHUNK_HEARTBEAT,
		CHUNK_HEARTBEAT_ACK, CHUNK_ABORT, CHUNK_ABORT, CHUNK_SHUTDOWN, CHUNK_SHUTDOWN_ACK,
		CHUNK_ERROR, CHUNK_COOKIE_ECHO, CHUNK_COOKIE_ACK, CHUNK_SHUTDOWN_COMPLETE,
		CHUNK_AUTH, CHUNK_I_DATA, CHUNK_UNKNOWN,
	};
	u32 chunks = rng_chance(&a->rng, 70) ? 1 : 1 + rng_below(&a->rng, MOST_CHUNKS);

	/* Mostly from outside: what comes from the VM's side is the VM's, and is believed. */
	*packet = (struct sctp_packet){ .dir = rng_chance(&a->rng, 15) ? VM : REMOTE,
					.origin = FORGED };
	while (packet->n < chunks)
		forge_chunk(a, packet, types[rng_below(&a->rng, ARRAY_SIZE(types))]);
	if (packet->chunk[0].type != CHUNK_INIT || rng_chance(&a->rng, 20))
		packet->tag = forged_tag(a, packet->dir);
}

static void attack(struct association *a)
{
	struct sctp_packet packet;
	u32 depth;

	if (!rng_chance(&a->rng, a->attack))
		return;
	if (a->n_past && rng_chance(&a->rng, 25)) {
		depth = a->n_past < ARRAY_SIZE(a->past) ? a->n_past : ARRAY_SIZE(a->past);
		packet = a->past[rng_below(&a->rng, depth)];
		packet.origin = STALE;
	} else {
		forge(a, &packet);
	}
	if (rng_chance(&a->rng, 15))
		packet.flaw = 1 + rng_below(&a->rng, N_CHUNK_FLAWS - 1);
	packet.lie = rng_next(&a->rng);
	fly(a, &packet, a->now, false);
}

/**
 * association_allows() - may this end open it, by the rules that both firewalls have?
 */
bool association_allows(const struct association *a, u8 dir)
{
	return dir == VM || a->tuple.port[VM] < 30000;
}

/**
 * association_judged() - the firewalls have judged a packet
 * @a: the association
 * @packet: the packet
 * @passed: both passed it
 */
void association_judged(struct association *a, const struct sctp_packet *packet, bool passed)
{
	if (packet->origin == HONEST)
		a->past[a->n_past++ % ARRAY_SIZE(a->past)] = *packet;
	if (passed)
		travel(a, packet, true);
	attack(a);
}
