// SPDX-License-Identifier: GPL-2.0
/*
 * One end of a connection, by RFC 9293 3.10 with RFC 5961's challenges, RFC 7323's scales, RFC
 * 2018's blocks and RFC 7413's data in SYNs. Time is ticks, a way between an end and the firewall
 * takes about ten.
 *
 * It sends by putting segments into end->out.
 */
#include <string.h>

#include "differential.h"

#define REPEAT_AFTER	80
#define MOST_TRIES	7

static const u16 sizes[] = { 88, 536, 536, 1220, 1400, 1400 };

/* A new end, not open. Its abilities are drawn. */
void end_init(struct endpoint *end, struct rng *rng, u32 iss)
{
	static const u32 buffers[] = { 300, 2000, 5840, 16384, 65535, 262144, 4 << 20 };

	memset(end, 0, sizeof(*end));
	end->state = CLOSED;
	end->iss = iss;
	end->ever_sent = iss;
	end->mss = sizes[rng_below(rng, ARRAY_SIZE(sizes))];
	end->buffer = buffers[rng_below(rng, ARRAY_SIZE(buffers))];
	end->offer_scale = rng_chance(rng, 70) ? rng_below(rng, 15) : NO_SCALE;
	end->offer_sack = rng_chance(rng, 70);
	end->offer_timestamps = rng_chance(rng, 50);
	end->tfo = rng_chance(rng, 15);
	end->timeout = REPEAT_AFTER;
}

bool end_synchronised(const struct endpoint *end)
{
	return end->state >= ESTABLISHED;
}

/* What fits, never less than was said before; as it will be understood. */
static u32 window(struct endpoint *end)
{
	u32 room = end->buffer > end->unread ? end->buffer - end->unread : 0;
	u32 raw;

	if (room < end->mss && room < end->buffer / 2)
		room = 0; /* no silly windows */
	if (before(end->rcv_nxt + room, end->rcv_adv))
		room = end->rcv_adv - end->rcv_nxt + (1U << end->rcv_scale) - 1;
	raw = room >> end->rcv_scale;
	return raw < 65535 ? raw : 65535;
}

static struct segment *emit(struct endpoint *end, u8 flags, u32 seq, u32 length)
{
	struct segment *seg = &end->out[end->n_out];
	u32 raw = window(end);

	if (end->n_out == ARRAY_SIZE(end->out))
		return NULL;
	end->n_out++;
	memset(seg, 0, sizeof(*seg));
	seg->flags = flags;
	seg->seq = seq;
	seg->length = length;
	if (!(flags & RST))
		end->ever_sent = latest(end->ever_sent, segment_end(seg));
	seg->scale = NO_SCALE;
	seg->timestamps = end->timestamps;
	if (flags & RST) {
		seg->ack = flags & ACK ? end->rcv_nxt : 0;
		return seg;
	}
	if (flags & SYN) {
		raw = end->buffer > 65535 ? 65535 : end->buffer;
		seg->scale = end->offer_scale;
		seg->sack_permitted = end->offer_sack;
		seg->timestamps = end->offer_timestamps;
	}
	seg->window = raw;
	if (!(flags & ACK))
		return seg;
	seg->ack = end->rcv_nxt;
	raw = flags & SYN ? raw : raw << end->rcv_scale;
	end->rcv_adv = latest(end->rcv_adv, end->rcv_nxt + raw);
	if (raw > end->max_window)
		end->max_window = raw;
	for (; end->sack && !(flags & SYN) && seg->n_sack < end->n_early; seg->n_sack++) {
		seg->sack[seg->n_sack][0] = end->early[seg->n_sack].first;
		seg->sack[seg->n_sack][1] = end->early[seg->n_sack].last;
	}
	return seg;
}

static void send_ack(struct endpoint *end)
{
	emit(end, ACK, end->snd_nxt, 0);
	end->must_ack = false;
}

static void arm(struct endpoint *end, u32 now)
{
	end->timer = now + end->timeout;
}

static void send_syn(struct endpoint *end, u32 now)
{
	u8 flags = end->state == SYN_RCVD ? SYN | ACK : SYN;
	u32 length = 0;

	if (flags == SYN && end->tfo)
		length = end->data_end - end->iss - 1;
	if (length > end->mss)
		length = end->mss;
	emit(end, flags, end->iss, length);
	end->snd_nxt = latest(end->snd_nxt, end->iss + 1 + length);
	end->snd_max = latest(end->snd_max, end->snd_nxt);
	arm(end, now);
}

static void begin(struct endpoint *end)
{
	end->snd_una = end->iss;
	end->snd_nxt = end->iss;
	end->snd_max = end->iss;
	end->data_end = end->iss + 1;
	if (end->tfo && end->to_write) {
		u32 first = end->to_write < end->mss ? end->to_write : end->mss;

		end->data_end += first;
		end->to_write -= first;
	}
}

void end_open(struct endpoint *end, u32 now)
{
	begin(end);
	end->state = SYN_SENT;
	end->max_window = end->buffer > 65535 ? 65535 : end->buffer;
	send_syn(end, now);
}

void end_listen(struct endpoint *end)
{
	begin(end);
	end->passive = true;
	end->state = LISTEN;
}

static void end_end(struct endpoint *end)
{
	end->state = CLOSED;
	end->timer = 0;
}

/* Send what the window and the burst let through, and FIN at the end. */
static void send_data(struct endpoint *end, u32 now)
{
	u32 limit = end->snd_una + end->snd_wnd;
	unsigned int burst = 6;

	while (burst-- && before(end->snd_nxt, end->data_end) && before(end->snd_nxt, limit)) {
		u32 length = end->data_end - end->snd_nxt;

		if (length > end->mss)
			length = end->mss;
		if (length > limit - end->snd_nxt)
			length = limit - end->snd_nxt;
		if (!emit(end, ACK | (length < end->mss ? PSH : 0), end->snd_nxt, length))
			return;
		end->must_ack = false;
		end->snd_nxt += length;
		end->snd_max = latest(end->snd_max, end->snd_nxt);
		arm(end, now);
	}
}

static void send_fin(struct endpoint *end, u32 now)
{
	if (!end->closing || end->to_write || end->snd_nxt != end->data_end ||
	    after(end->snd_nxt, end->snd_una + end->snd_wnd))
		return;
	if (!emit(end, FIN | ACK, end->snd_nxt, 0))
		return;
	end->must_ack = false;
	end->fin_sent = true;
	end->snd_nxt++;
	end->snd_max = latest(end->snd_max, end->snd_nxt);
	if (end->state == ESTABLISHED || end->state == SYN_RCVD)
		end->state = FIN_WAIT_1;
	else if (end->state == CLOSE_WAIT)
		end->state = LAST_ACK;
	arm(end, now);
}

static bool may_send(const struct endpoint *end)
{
	switch (end->state) {
	case SYN_RCVD:
		return end->tfo && end->passive;
	case ESTABLISHED:
	case CLOSE_WAIT:
	case FIN_WAIT_1:
	case CLOSING:
	case LAST_ACK:
		return true;
	default:
		return false;
	}
}

void end_output(struct endpoint *end, u32 now)
{
	if (may_send(end)) {
		/* The program writes while little is in the buffer. */
		while (end->to_write && end->data_end - end->snd_una < 16 * end->mss) {
			u32 more = end->to_write < end->mss ? end->to_write : end->mss;

			end->data_end += more;
			end->to_write -= more;
		}
		send_data(end, now);
		if (end->state != SYN_RCVD)
			send_fin(end, now);
		/* Something to send, and no window: probe later. */
		if (!end->timer && before(end->snd_una, end->data_end))
			arm(end, now);
	}
	if (end->must_ack)
		send_ack(end);
}

void end_timeout(struct endpoint *end, u32 now)
{
	end->timer = 0;
	if (end->state == TIME_WAIT || end->state == CLOSED || end->state == LISTEN)
		return;
	if (++end->tries > MOST_TRIES) {
		end_abort(end);
		return;
	}
	end->timeout = end->timeout < 1000 ? end->timeout * 2 : end->timeout;
	if (end->state == SYN_SENT || end->state == SYN_RCVD) {
		send_syn(end, now);
		return;
	}
	if (!end->snd_wnd && before(end->snd_una, end->data_end)) {
		emit(end, ACK, end->snd_una, 1);
		end->snd_max = latest(end->snd_max, end->snd_una + 1);
		end->snd_nxt = latest(end->snd_nxt, end->snd_una + 1);
		arm(end, now);
		return;
	}
	if (end->snd_una == end->snd_max)
		return;
	end->snd_nxt = end->snd_una;
	end_output(end, now);
}

void end_close(struct endpoint *end)
{
	end->closing = true;
	end->to_write = 0;
}

/* RFC 9293, 3.10.5 */
void end_abort(struct endpoint *end)
{
	if (end->state >= SYN_RCVD && end->state != TIME_WAIT)
		emit(end, RST | (end->iss & 2 ? ACK : 0), end->snd_max, 0);
	end_end(end);
}

void end_read(struct endpoint *end, u32 bytes)
{
	bool closed = end_synchronised(end) && !window(end);

	end->unread -= bytes < end->unread ? bytes : end->unread;
	if (closed && window(end))
		end->must_ack = true;
}

void end_keepalive(struct endpoint *end, bool garbage)
{
	if (end->state == ESTABLISHED && end->snd_una == end->snd_nxt)
		emit(end, ACK, end->snd_nxt - 1, garbage);
}

/* RFC 9293, 3.10.7.1: nothing is known of that connection here. */
static void refuse(struct endpoint *end, const struct segment *seg)
{
	struct segment *answer;

	if (seg->flags & RST)
		return;
	answer = emit(end, RST, 0, 0);
	if (!answer)
		return;
	if (seg->flags & ACK) {
		answer->seq = seg->ack;
	} else {
		answer->flags = RST | ACK;
		answer->ack = segment_end(seg);
	}
}

static void learn_syn(struct endpoint *end, const struct segment *seg)
{
	bool scales = end->offer_scale != NO_SCALE && seg->scale != NO_SCALE;

	end->irs = seg->seq;
	end->rcv_nxt = seg->seq + 1;
	end->rcv_adv = end->rcv_nxt + (end->buffer > 65535 ? 65535 : end->buffer);
	end->snd_wnd = seg->window;
	end->snd_wl1 = seg->seq;
	end->snd_wl2 = seg->ack;
	end->snd_scale = scales ? seg->scale : 0;
	end->rcv_scale = scales ? end->offer_scale : 0;
	end->sack = end->offer_sack && seg->sack_permitted;
	end->timestamps = end->offer_timestamps && seg->timestamps;
	if (seg->length && end->tfo) {
		end->rcv_nxt += seg->length;
		end->unread += seg->length;
	}
}

static void receive_listen(struct endpoint *end, const struct segment *seg, u32 now)
{
	if (seg->flags & RST)
		return;
	if (seg->flags & ACK) {
		refuse(end, seg);
		return;
	}
	if (!(seg->flags & SYN))
		return;
	learn_syn(end, seg);
	end->state = SYN_RCVD;
	send_syn(end, now);
}

static void established(struct endpoint *end)
{
	end->state = ESTABLISHED;
	end->tries = 0;
	end->timeout = REPEAT_AFTER;
}

static void receive_syn_sent(struct endpoint *end, const struct segment *seg, u32 now)
{
	bool acks = seg->flags & ACK && between(seg->ack, end->iss + 1, end->snd_max);

	if (seg->flags & ACK && !acks) {
		refuse(end, seg);
		return;
	}
	if (seg->flags & RST) {
		if (acks)
			end_end(end);
		return;
	}
	if (!(seg->flags & SYN))
		return;
	learn_syn(end, seg);
	if (!acks) {
		end->state = SYN_RCVD;
		send_syn(end, now);
		return;
	}
	end->snd_una = seg->ack;
	end->snd_nxt = seg->ack; /* data of the SYN that was not taken is sent again */
	end->snd_max = seg->ack;
	end->timer = 0;
	established(end);
	end->must_ack = true;
}

static u32 receive_window(const struct endpoint *end)
{
	return after(end->rcv_adv, end->rcv_nxt) ? end->rcv_adv - end->rcv_nxt : 0;
}

/* RFC 9293, 3.10.7.4, the table */
static bool acceptable(const struct endpoint *end, const struct segment *seg)
{
	u32 length = segment_end(seg) - seg->seq, room = receive_window(end);
	u32 last = end->rcv_nxt + room - 1;

	if (!length)
		return room ? between(seg->seq, end->rcv_nxt, last) : seg->seq == end->rcv_nxt;
	if (!room)
		return false;
	return between(seg->seq, end->rcv_nxt, last) ||
	       between(seg->seq + length - 1, end->rcv_nxt, last);
}

/* False: the segment goes no further. */
static bool take_ack(struct endpoint *end, const struct segment *seg, u32 now)
{
	bool advances;

	if (after(seg->ack, end->snd_max)) {
		if (end->state == SYN_RCVD)
			refuse(end, seg);
		else
			send_ack(end);
		return false;
	}
	if (end->state == SYN_RCVD) {
		if (!after(seg->ack, end->snd_una)) {
			refuse(end, seg);
			return false;
		}
		established(end);
		if (!end->passive) { /* data of the SYN that was not taken is sent again */
			end->snd_nxt = seg->ack;
			end->snd_max = seg->ack;
		}
		end->snd_wl1 = seg->seq - 1;
	}
	advances = after(seg->ack, end->snd_una);
	if (advances) {
		end->snd_una = seg->ack;
		end->snd_nxt = latest(end->snd_nxt, seg->ack);
		end->tries = 0;
		end->timeout = REPEAT_AFTER;
		end->timer = 0;
		if (end->snd_una != end->snd_max)
			arm(end, now);
	}
	/* What acknowledges more says what the window is now, be its own data old or new. */
	if (!before(seg->ack, end->snd_una) &&
	    (advances || before(end->snd_wl1, seg->seq) ||
	     (end->snd_wl1 == seg->seq && !after(end->snd_wl2, seg->ack)))) {
		end->snd_wnd = (u32)seg->window << (seg->flags & SYN ? 0 : end->snd_scale);
		end->snd_wl1 = seg->seq;
		end->snd_wl2 = seg->ack;
	}
	if (!end->fin_sent || end->snd_una != end->data_end + 1)
		return true;
	if (end->state == FIN_WAIT_1)
		end->state = FIN_WAIT_2;
	else if (end->state == CLOSING)
		end->state = TIME_WAIT;
	else if (end->state == LAST_ACK)
		end_end(end);
	return end->state != CLOSED;
}

static void keep_early(struct endpoint *end, u32 first, u32 last)
{
	unsigned int i;

	for (i = 0; i < end->n_early; i++)
		if (between(first, end->early[i].first, end->early[i].last) ||
		    between(last, end->early[i].first, end->early[i].last)) {
			if (before(first, end->early[i].first))
				end->early[i].first = first;
			end->early[i].last = latest(end->early[i].last, last);
			return;
		}
	if (end->n_early < ARRAY_SIZE(end->early))
		end->early[end->n_early++] = (struct range){ first, last };
}

static void take_early(struct endpoint *end)
{
	unsigned int i = 0;

	while (i < end->n_early) {
		if (after(end->early[i].first, end->rcv_nxt)) {
			i++;
			continue;
		}
		if (after(end->early[i].last, end->rcv_nxt)) {
			end->unread += end->early[i].last - end->rcv_nxt;
			end->rcv_nxt = end->early[i].last;
		}
		end->early[i] = end->early[--end->n_early];
		i = 0;
	}
}

static void take_data(struct endpoint *end, const struct segment *seg)
{
	u32 first = seg->seq, last = seg->seq + seg->length;

	if (before(first, end->rcv_nxt))
		first = end->rcv_nxt;
	if (after(last, end->rcv_adv))
		last = end->rcv_adv;
	if (!after(last, first))
		return;
	end->must_ack = true;
	if (first != end->rcv_nxt) {
		keep_early(end, first, last);
		return;
	}
	end->unread += last - first;
	end->rcv_nxt = last;
	take_early(end);
}

static void take_fin(struct endpoint *end, const struct segment *seg)
{
	if (end->rcv_nxt != seg->seq + seg->length)
		return;
	end->rcv_nxt++;
	end->rcv_adv = latest(end->rcv_adv, end->rcv_nxt);
	end->must_ack = true;
	if (end->state == ESTABLISHED)
		end->state = CLOSE_WAIT;
	else if (end->state == FIN_WAIT_1)
		end->state = CLOSING;
	else if (end->state == FIN_WAIT_2)
		end->state = TIME_WAIT;
}

static bool takes_fin(const struct endpoint *end)
{
	return end->state == ESTABLISHED || end->state == FIN_WAIT_1 || end->state == FIN_WAIT_2;
}

void end_receive(struct endpoint *end, const struct segment *seg, u32 now)
{
	if (end->state == CLOSED) {
		refuse(end, seg);
		return;
	}
	if (end->state == LISTEN || end->state == SYN_SENT) {
		(end->state == LISTEN ? receive_listen : receive_syn_sent)(end, seg, now);
		return;
	}
	if (end->state == SYN_RCVD && (seg->flags & (SYN | RST)) == SYN &&
	    seg->seq == end->irs) {
		/* It was repeated; or, with ACK, it ends a simultaneous opening. */
		if (!(seg->flags & ACK))
			send_syn(end, now);
		else if (take_ack(end, seg, now))
			end->must_ack = true;
		return;
	}
	if (seg->flags & RST) { /* RFC 5961, 3.2 */
		if (seg->seq == end->rcv_nxt)
			end_end(end);
		else if (between(seg->seq, end->rcv_nxt, end->rcv_nxt + receive_window(end)))
			send_ack(end);
		return;
	}
	if (seg->flags & SYN) { /* RFC 5961, 4.2 */
		send_ack(end);
		return;
	}
	if (!(seg->flags & ACK))
		return;
	if (!acceptable(end, seg)) {
		send_ack(end);
		/* What it acknowledges counts nevertheless when its number is due. */
		if (seg->seq != end->rcv_nxt)
			return;
	}
	if (!take_ack(end, seg, now))
		return;
	if (takes_fin(end))
		take_data(end, seg);
	if (seg->flags & FIN && takes_fin(end))
		take_fin(end, seg);
	else if (seg->flags & FIN)
		end->must_ack = true;
}
