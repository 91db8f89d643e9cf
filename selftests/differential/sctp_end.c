// SPDX-License-Identifier: GPL-2.0
/*
 * One end of an association, as RFC 9260 has it: state machine, tags, cookies, collision and
 * restart; data in order only, and no congestion control.
 */
#include <string.h>

#include "sctp.h"

#define TIMEOUT		300	/* ticks */
#define MOST_TRIES	5
#define WINDOW		4	/* chunks of data in flight */

static u32 fresh(struct sctp_end *end)
{
	u32 n = rng_next(end->rng);

	return n ? n : 1;
}

/**
 * sctp_end_offered() - has this end ever offered that tag, or somebody in its name?
 */
bool sctp_end_offered(const struct sctp_end *end, u32 tag)
{
	u32 i;

	for (i = 0; i < end->n_offered && i < ARRAY_SIZE(end->offered); i++)
		if (end->offered[i] == tag)
			return true;
	return false;
}

/**
 * sctp_end_claim() - a tag is offered in the name of this end
 */
void sctp_end_claim(struct sctp_end *end, u32 tag)
{
	if (!sctp_end_offered(end, tag))
		end->offered[end->n_offered++ % ARRAY_SIZE(end->offered)] = tag;
}

static u32 offer(struct sctp_end *end, u32 tag)
{
	sctp_end_claim(end, tag);
	return tag;
}

/* A packet with one chunk. */
static struct chunk *emit(struct sctp_end *end, u8 type, u16 length, u32 tag)
{
	struct sctp_packet *packet;

	if (end->n_out == ARRAY_SIZE(end->out))
		end->n_out--; /* one more that is lost */
	packet = &end->out[end->n_out++];
	*packet = (struct sctp_packet){ .tag = tag, .n = 1 };
	packet->chunk[0].type = type;
	packet->chunk[0].length = length;
	return &packet->chunk[0];
}

/* One more in the last packet. */
static struct chunk *bundle(struct sctp_end *end, u8 type, u16 length)
{
	struct sctp_packet *packet = &end->out[end->n_out - 1];
	struct chunk *chunk = &packet->chunk[packet->n++];

	chunk->type = type;
	chunk->length = length;
	return chunk;
}

static void start(struct sctp_end *end, u32 now)
{
	end->timeout = TIMEOUT;
	end->timer = now + TIMEOUT;
	end->tries = 0;
}

static void enter(struct sctp_end *end, enum sctp_state state)
{
	end->state = state;
	end->timer = 0;
	end->tries = 0;
	if (state == S_CLOSED)
		end->owes = false;
}

static void emit_init(struct sctp_end *end)
{
	struct chunk *chunk = emit(end, CHUNK_INIT, 20 + 4 * rng_below(end->rng, 4), 0);

	chunk->tag = offer(end, end->mine);
	chunk->tsn = end->next;
}

static void put_data(struct sctp_end *end, struct chunk *chunk)
{
	chunk->length = 17 + rng_below(end->rng, 60);
	chunk->tsn = end->next++;
	if (after(chunk->tsn, end->max))
		end->max = chunk->tsn;
}

/* What the program writes gets a number when it is sent for the first time. */
static bool has_data(const struct sctp_end *end)
{
	return !after(end->next, end->max) || end->to_send;
}

static void take_data(struct sctp_end *end)
{
	if (after(end->next, end->max) && end->to_send)
		end->to_send--;
}

static void emit_echo(struct sctp_end *end)
{
	emit(end, CHUNK_COOKIE_ECHO, 4 + 32, end->peers)->cookie = end->cookie;
	end->next = end->acked + 1;
	if (has_data(end) && rng_chance(end->rng, 50)) {
		take_data(end);
		put_data(end, bundle(end, CHUNK_DATA, 0));
	}
}

/**
 * sctp_end_init() - an end without an association
 * @end: filled in
 * @rng: where it has its numbers from
 */
void sctp_end_init(struct sctp_end *end, struct rng *rng)
{
	u32 n = end->n_offered, offered[ARRAY_SIZE(end->offered)];

	memcpy(offered, end->offered, sizeof(offered));
	memset(end, 0, sizeof(*end));
	memcpy(end->offered, offered, sizeof(offered));
	end->n_offered = n;
	end->rng = rng;
	end->secret = fresh(end);
	end->cookie_life = rng_chance(rng, 30) ? 40 + rng_below(rng, 150) : 5000;
	end->confirmed = true;
}

static void begin(struct sctp_end *end, u32 tsn)
{
	end->next = tsn;
	end->acked = tsn - 1;
	end->max = tsn - 1;
}

/**
 * sctp_end_open() - the program wants an association
 */
void sctp_end_open(struct sctp_end *end, u32 now)
{
	end->mine = fresh(end);
	end->peers = 0;
	begin(end, fresh(end));
	enter(end, S_COOKIE_WAIT);
	start(end, now);
	emit_init(end);
}

/**
 * sctp_end_path() - an association is there by other paths, with these tags, and may use this one
 */
void sctp_end_path(struct sctp_end *end, u32 mine, u32 peers, u32 now)
{
	end->mine = offer(end, mine);
	end->peers = peers;
	end->confirmed = false;
	begin(end, 1000);
	end->seen = 999;
	enter(end, S_ESTABLISHED);
	end->next_beat = now + rng_below(end->rng, 200);
}

/* RFC 9260, 8.4: a packet of no association. */
static void out_of_the_blue(struct sctp_end *end, const struct sctp_packet *packet)
{
	u32 i;

	for (i = 0; i < packet->n; i++) {
		u8 type = packet->chunk[i].type;

		if (type == CHUNK_ABORT || type == CHUNK_SHUTDOWN_COMPLETE ||
		    type == CHUNK_COOKIE_ACK || type == CHUNK_ERROR)
			return;
	}
	if (packet->chunk[0].type == CHUNK_SHUTDOWN_ACK)
		emit(end, CHUNK_SHUTDOWN_COMPLETE, 4, packet->tag)->flags = REFLECTED;
	else if (packet->tag)
		emit(end, CHUNK_ABORT, 4, packet->tag)->flags = REFLECTED;
}

/* RFC 9260, 5.1, 5.2.1 and 5.2.2 */
static void take_init(struct sctp_end *end, const struct chunk *chunk, u32 now)
{
	struct cookie cookie = {
		.mine = fresh(end), .peers = chunk->tag, .my_tsn = fresh(end),
		.peers_tsn = chunk->tsn, .born = now, .secret = end->secret,
	};
	struct chunk *answer;

	if (end->state == S_SHUTDOWN_ACK_SENT) {
		emit(end, CHUNK_SHUTDOWN_ACK, 4, end->peers);
		return;
	}
	if (end->state == S_CLOSED && !end->listening) {
		emit(end, CHUNK_ABORT, 4, chunk->tag);
		return;
	}
	if (end->state == S_COOKIE_WAIT || end->state == S_COOKIE_ECHOED) {
		cookie.mine = end->mine;
		cookie.my_tsn = end->acked + 1;
	}
	if (end->state >= S_COOKIE_ECHOED) {
		cookie.tie_mine = end->mine;
		cookie.tie_peers = end->peers;
	}
	answer = emit(end, CHUNK_INIT_ACK, 20 + 36, chunk->tag);
	answer->tag = offer(end, cookie.mine);
	answer->tsn = cookie.my_tsn;
	answer->cookie = cookie;
}

static void take_init_ack(struct sctp_end *end, const struct chunk *chunk, u32 now)
{
	if (end->state != S_COOKIE_WAIT)
		return;
	end->peers = chunk->tag;
	end->seen = chunk->tsn - 1;
	end->cookie = chunk->cookie;
	enter(end, S_COOKIE_ECHOED);
	start(end, now);
	emit_echo(end);
}

static void establish(struct sctp_end *end, const struct cookie *cookie)
{
	end->mine = cookie->mine;
	end->peers = cookie->peers;
	begin(end, cookie->my_tsn);
	end->seen = cookie->peers_tsn - 1;
	end->confirmed = true;
	enter(end, S_ESTABLISHED);
}

/* RFC 9260, 5.1.5 and 5.2.4: does it make, or leave, an association? */
static bool take_cookie(struct sctp_end *end, const struct sctp_packet *packet, u32 now)
{
	const struct cookie *cookie = &packet->chunk[0].cookie;
	bool mine = cookie->mine == end->mine, peers = cookie->peers == end->peers;
	bool tied = cookie->tie_mine == end->mine && cookie->tie_peers == end->peers;
	bool known = end->state != S_CLOSED;

	if (cookie->secret != end->secret || cookie->mine != packet->tag)
		return false;
	if (!(known && mine && peers) && now - cookie->born > end->cookie_life) {
		emit(end, CHUNK_ERROR, 12, cookie->peers)->flags = 0;
		end->out[end->n_out - 1].chunk[0].tsn = STALE_COOKIE;
		return false;
	}
	if (!known) {
		establish(end, cookie);
	} else if (!mine && !peers && tied) {		/* A */
		if (end->state == S_SHUTDOWN_ACK_SENT) {
			emit(end, CHUNK_SHUTDOWN_ACK, 4, end->peers);
			return false;
		}
		establish(end, cookie);
	} else if (mine && !peers) {			/* B */
		establish(end, cookie);
	} else if (mine && peers) {			/* D */
		if (end->state == S_COOKIE_ECHOED)
			establish(end, cookie);
	} else {
		return false;				/* C, and others */
	}
	emit(end, CHUNK_COOKIE_ACK, 4, end->peers);
	return true;
}

static void take_tsn(struct sctp_end *end, const struct chunk *chunk)
{
	if (end->state < S_ESTABLISHED || end->state > S_SHUTDOWN_SENT)
		return;
	if (chunk->tsn == end->seen + 1)
		end->seen++;
	end->owes = true;
}

static void take_sack(struct sctp_end *end, u32 tsn, u32 now)
{
	if (end->state < S_ESTABLISHED || !after(tsn, end->acked) || after(tsn, end->max))
		return;
	end->acked = tsn;
	end->next = latest(end->next, tsn + 1);
	if (end->state < S_SHUTDOWN_SENT || end->state == S_SHUTDOWN_RECEIVED) {
		end->timer = 0;
		end->tries = 0;
		if (end->acked != end->max)
			start(end, now);
	}
}

static void take_beat_ack(struct sctp_end *end, const struct chunk *chunk)
{
	if (end->beat && chunk->tag == end->beat) {
		end->confirmed = true;
		end->beat = 0;
	}
}

/* RFC 9260, 9.2 */
static void take_shutdown(struct sctp_end *end, const struct chunk *chunk, u32 now)
{
	if (end->state == S_SHUTDOWN_SENT) {
		emit(end, CHUNK_SHUTDOWN_ACK, 4, end->peers);
		enter(end, S_SHUTDOWN_ACK_SENT);
		start(end, now);
	}
	if (end->state != S_ESTABLISHED && end->state != S_SHUTDOWN_PENDING &&
	    end->state != S_SHUTDOWN_RECEIVED)
		return;
	take_sack(end, chunk->tsn, now);
	end->state = S_SHUTDOWN_RECEIVED;
	end->to_send = 0;
}

static void take_shutdown_ack(struct sctp_end *end, const struct sctp_packet *packet)
{
	if (end->state == S_COOKIE_WAIT || end->state == S_COOKIE_ECHOED) {
		out_of_the_blue(end, packet);
	} else if (end->state == S_SHUTDOWN_SENT || end->state == S_SHUTDOWN_ACK_SENT) {
		emit(end, CHUNK_SHUTDOWN_COMPLETE, 4, end->peers);
		enter(end, S_CLOSED);
	}
}

/* RFC 9260, 5.2.6 */
static void take_error(struct sctp_end *end, const struct chunk *chunk, u32 now)
{
	if (end->state != S_COOKIE_ECHOED || chunk->tsn != STALE_COOKIE)
		return;
	end->peers = 0;
	enter(end, S_COOKIE_WAIT);
	start(end, now);
	emit_init(end);
}

/* RFC 9260, 8.5 and 8.5.1 */
static bool tag_fits(const struct sctp_end *end, const struct sctp_packet *packet)
{
	const struct chunk *last = &packet->chunk[packet->n - 1];

	if ((last->type == CHUNK_ABORT || last->type == CHUNK_SHUTDOWN_COMPLETE) &&
	    last->flags & REFLECTED)
		return end->peers && packet->tag == end->peers;
	return packet->tag == end->mine;
}

static void take_chunk(struct sctp_end *end, const struct sctp_packet *packet,
		       const struct chunk *chunk, u32 now)
{
	switch (chunk->type) {
	case CHUNK_DATA:
		take_tsn(end, chunk);
		break;
	case CHUNK_INIT_ACK:
		take_init_ack(end, chunk, now);
		break;
	case CHUNK_SACK:
		take_sack(end, chunk->tsn, now);
		break;
	case CHUNK_HEARTBEAT:
		if (end->state >= S_COOKIE_ECHOED)
			emit(end, CHUNK_HEARTBEAT_ACK, chunk->length, end->peers)->tag = chunk->tag;
		break;
	case CHUNK_HEARTBEAT_ACK:
		take_beat_ack(end, chunk);
		break;
	case CHUNK_ABORT:
		enter(end, S_CLOSED);
		break;
	case CHUNK_SHUTDOWN:
		take_shutdown(end, chunk, now);
		break;
	case CHUNK_SHUTDOWN_ACK:
		take_shutdown_ack(end, packet);
		break;
	case CHUNK_ERROR:
		take_error(end, chunk, now);
		break;
	case CHUNK_COOKIE_ACK:
		if (end->state == S_COOKIE_ECHOED)
			enter(end, S_ESTABLISHED);
		break;
	case CHUNK_SHUTDOWN_COMPLETE:
		if (end->state == S_SHUTDOWN_ACK_SENT)
			enter(end, S_CLOSED);
		break;
	}
}

/**
 * sctp_end_receive() - a packet has arrived, and is well formed
 */
void sctp_end_receive(struct sctp_end *end, const struct sctp_packet *packet, u32 now)
{
	u32 first = 0, i;

	if (packet->chunk[0].type == CHUNK_INIT) {
		if (!packet->tag && packet->chunk[0].tag && packet->n == 1)
			take_init(end, &packet->chunk[0], now);
		return;
	}
	if (packet->chunk[0].type == CHUNK_COOKIE_ECHO) {
		if (!take_cookie(end, packet, now))
			return;
		first = 1;
	} else if (packet->chunk[0].type == CHUNK_SHUTDOWN_ACK &&
		   (end->state == S_COOKIE_WAIT || end->state == S_COOKIE_ECHOED)) {
		out_of_the_blue(end, packet);
		return;
	} else if (end->state == S_CLOSED) {
		out_of_the_blue(end, packet);
		return;
	} else if (!tag_fits(end, packet)) {
		return;
	}
	for (i = first; i < packet->n && end->state != S_CLOSED; i++)
		take_chunk(end, packet, &packet->chunk[i], now);
}

/**
 * sctp_end_timeout() - nothing has come of what was sent
 */
void sctp_end_timeout(struct sctp_end *end, u32 now)
{
	if (++end->tries > MOST_TRIES) {
		if (end->state >= S_ESTABLISHED && end->confirmed && rng_chance(end->rng, 50))
			emit(end, CHUNK_ABORT, 4, end->peers);
		enter(end, S_CLOSED);
		return;
	}
	end->timeout *= 2;
	end->timer = now + end->timeout;
	switch (end->state) {
	case S_COOKIE_WAIT:
		emit_init(end);
		break;
	case S_COOKIE_ECHOED:
		emit_echo(end);
		break;
	case S_SHUTDOWN_SENT:
		emit(end, CHUNK_SHUTDOWN, 8, end->peers)->tsn = end->seen;
		break;
	case S_SHUTDOWN_ACK_SENT:
		emit(end, CHUNK_SHUTDOWN_ACK, 4, end->peers);
		break;
	default:
		end->next = end->acked + 1;
	}
}

/* RFC 9260, 9.2: all is sent, and acknowledged. */
static void finish(struct sctp_end *end, u32 now)
{
	if (end->acked != end->max || end->to_send)
		return;
	if (end->state == S_ESTABLISHED && end->closing)
		end->state = S_SHUTDOWN_PENDING;
	if (end->state == S_SHUTDOWN_PENDING) {
		emit(end, CHUNK_SHUTDOWN, 8, end->peers)->tsn = end->seen;
		enter(end, S_SHUTDOWN_SENT);
		start(end, now);
	} else if (end->state == S_SHUTDOWN_RECEIVED) {
		emit(end, CHUNK_SHUTDOWN_ACK, 4, end->peers);
		enter(end, S_SHUTDOWN_ACK_SENT);
		start(end, now);
	}
}

/* Acknowledgments come first, data last (RFC 9260, 6.10); once it is shut down, with SHUTDOWN. */
static bool emit_sack(struct sctp_end *end)
{
	if (!end->owes)
		return false;
	end->owes = false;
	if (end->state == S_SHUTDOWN_SENT) {
		emit(end, CHUNK_SHUTDOWN, 8, end->peers)->tsn = end->seen;
		if (rng_chance(end->rng, 50))
			bundle(end, CHUNK_SACK, 16)->tsn = end->seen;
	} else {
		emit(end, CHUNK_SACK, 16, end->peers)->tsn = end->seen;
	}
	return true;
}

/**
 * sctp_end_output() - send what may be sent
 */
void sctp_end_output(struct sctp_end *end, u32 now)
{
	bool sends = end->state == S_ESTABLISHED || end->state == S_SHUTDOWN_PENDING ||
		     end->state == S_SHUTDOWN_RECEIVED;
	bool open;

	if (end->state < S_ESTABLISHED || !end->confirmed)
		return;
	open = emit_sack(end) && sends;
	while (sends && has_data(end) && end->next - end->acked <= WINDOW) {
		take_data(end);
		if (open && end->out[end->n_out - 1].n < 3)
			put_data(end, bundle(end, CHUNK_DATA, 0));
		else
			put_data(end, emit(end, CHUNK_DATA, 0, end->peers));
		open = rng_chance(end->rng, 50);
		if (!end->timer)
			start(end, now);
	}
	finish(end, now);
}

/**
 * sctp_end_beat() - is the other end there, by this path? (RFC 9260, 5.4 and 8.3)
 */
void sctp_end_beat(struct sctp_end *end, u32 now)
{
	end->next_beat = now + (end->confirmed ? 300 : 150) + rng_below(end->rng, 200);
	if (end->state < S_ESTABLISHED)
		return;
	end->beat = fresh(end);
	emit(end, CHUNK_HEARTBEAT, 4 + 8 + 4 * rng_below(end->rng, 4), end->peers)->tag = end->beat;
}

/**
 * sctp_end_close() - the program has sent all
 */
void sctp_end_close(struct sctp_end *end)
{
	end->closing = true;
}

/**
 * sctp_end_abort() - the program wants no more of it (RFC 9260, 9.1)
 */
void sctp_end_abort(struct sctp_end *end)
{
	/* By a path that is not confirmed nothing but HEARTBEATs goes (RFC 9260, 5.4). */
	if (end->state >= S_COOKIE_ECHOED && end->confirmed) {
		if (rng_chance(end->rng, 30)) {
			emit(end, CHUNK_ERROR, 8, end->peers);
			bundle(end, CHUNK_ABORT, 4 + 4 * rng_below(end->rng, 3));
		} else {
			emit(end, CHUNK_ABORT, 4 + 4 * rng_below(end->rng, 3), end->peers);
		}
	}
	enter(end, S_CLOSED);
}
