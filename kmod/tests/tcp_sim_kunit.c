// SPDX-License-Identifier: GPL-2.0
/*
 * Two ends that behave, and a network that does not: segments are lost, doubled and overtaken
 * on both sides of the firewall. Nothing that the ends send may be refused; what a forger
 * without knowledge of the numbers sends, must be.
 *
 *	VM --- queue --> firewall --- queue --> far end, and the same back
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include "../tcp.h"
#include "../tcp_plain.h"

#define QUEUE_MAX	24
#define HOLES_MAX	4
#define CONNECTIONS	300
#define TICKS_MAX	60000

struct queue {
	struct vfw_segment seg[QUEUE_MAX];
	int n;
};

/**
 * struct end - a TCP end, as far as numbers go
 * @iss: its SYN's number
 * @una: oldest number not acknowledged
 * @nxt: next number to send
 * @edge: how far the other end lets it send
 * @left: bytes still to be sent
 * @rcv_nxt: next number expected
 * @right: how far it lets the other end send
 * @buffer: bytes it has room for
 * @unread: bytes in it
 * @fin_at: number of the other end's FIN, if @fin_known
 * @from: left edges of what arrived out of order
 * @to: right edges
 * @n_holes: how many
 * @scale: it offers
 * @scaled: both offered one
 * @client: it opens
 * @syn_known: it has seen the other end's SYN
 * @established: the handshake is complete
 * @fin_sent: it has sent FIN
 * @fin_known: it has seen the other end's FIN, in order or not
 * @fin_taken: in order
 */
struct end {
	u32 iss;
	u32 una;
	u32 nxt;
	u32 edge;
	u32 left;
	u32 rcv_nxt;
	u32 right;
	u32 buffer;
	u32 unread;
	u32 fin_at;
	u32 from[HOLES_MAX];
	u32 to[HOLES_MAX];
	int n_holes;
	u8 scale;
	bool scaled;
	bool client;
	bool syn_known;
	bool established;
	bool fin_sent;
	bool fin_known;
	bool fin_taken;
};

/* Ends and queues by the direction in which the end sends. */
struct world {
	struct rnd_state rnd;
	struct end end[2];
	struct queue before[2];
	struct queue after[2];
	struct vfw_tcp tcp;
	u8 state;
	u32 passed;
	u32 forged;
	u32 quick;
};

static u32 dice(struct world *w, u32 n)
{
	return prandom_u32_state(&w->rnd) % n;
}

static bool is_after(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

static void push(struct queue *q, const struct vfw_segment *seg)
{
	if (q->n < QUEUE_MAX)
		q->seg[q->n++] = *seg;
}

/* Mostly the first; sometimes one behind it, sometimes it stays and comes again, or is lost. */
static bool pull(struct world *w, struct queue *q, struct vfw_segment *seg)
{
	int i = dice(w, 4) ? 0 : dice(w, 6);

	if (!q->n)
		return false;
	i = min(i, q->n - 1);
	*seg = q->seg[i];
	if (!dice(w, 20))
		return true;
	q->n--;
	memmove(&q->seg[i], &q->seg[i + 1], (q->n - i) * sizeof(*seg));
	return dice(w, 20);
}

/* The window may open, but not shrink, by more than the scale cannot express. */
static u16 window(struct end *e, bool syn)
{
	u8 scale = e->scaled && !syn ? e->scale : 0;
	u32 right = e->rcv_nxt + e->buffer - e->unread;

	if (is_after(right, e->right))
		e->right = right;
	return min_t(u32, (e->right - e->rcv_nxt) >> scale, U16_MAX);
}

static void send_syn(struct world *w, u8 dir)
{
	struct end *e = &w->end[dir];
	struct vfw_segment seg = {
		.seq = e->iss,
		.flags = VFW_TCPHDR_SYN,
		.options = VFW_TCP_SACK,
	};

	if (!e->client && !e->syn_known)
		return;
	if (e->scale && (e->client || w->end[!dir].scale)) {
		seg.options |= VFW_TCP_WINDOW_SCALE;
		seg.scale = e->scale;
	}
	if (!e->client) {
		seg.flags |= VFW_TCPHDR_ACK;
		seg.ack = e->rcv_nxt;
		seg.sack = seg.ack;
	}
	seg.window = window(e, true);
	e->nxt = e->iss + 1;
	push(&w->before[dir], &seg);
}

static void send_range(struct world *w, u8 dir, u32 seq, u32 length)
{
	struct end *e = &w->end[dir];
	struct vfw_segment seg = {
		.seq = seq,
		.ack = e->rcv_nxt,
		.sack = e->rcv_nxt,
		.length = length,
		.flags = VFW_TCPHDR_ACK,
	};
	int i;

	if (e->fin_sent && seq + length == e->nxt && length) {
		seg.flags |= VFW_TCPHDR_FIN;
		seg.length--;
	}
	for (i = 0; i < e->n_holes; i++)
		if (is_after(e->to[i], seg.sack))
			seg.sack = e->to[i];
	seg.window = window(e, false);
	push(&w->before[dir], &seg);
}

static void send_new(struct world *w, u8 dir)
{
	struct end *e = &w->end[dir];
	u32 size = dice(w, 10) ? 1460 : 30000;
	u32 room = e->edge - e->nxt, n;

	if (e->fin_sent)
		return;
	/* A probe of a closed window. */
	if (!is_after(e->edge, e->nxt))
		room = e->una == e->nxt;
	n = min3(e->left, size, room);
	if (!e->left && room) {
		e->fin_sent = true;
		n = 1;
	} else {
		e->left -= n;
	}
	e->nxt += n;
	if (n)
		send_range(w, dir, e->nxt - n, n);
}

static void send_again(struct world *w, u8 dir)
{
	struct end *e = &w->end[dir];

	if (e->una != e->nxt)
		send_range(w, dir, e->una, min_t(u32, e->nxt - e->una, 1 + dice(w, 3000)));
}

static void send(struct world *w, u8 dir)
{
	struct end *e = &w->end[dir];

	if (!e->established) {
		if (!dice(w, 10))
			send_syn(w, dir);
		return;
	}
	e->unread -= min(e->unread, dice(w, 3) ? 0 : dice(w, e->buffer));
	switch (dice(w, 8)) {
	case 0:
		send_again(w, dir);
		break;
	case 1:
		send_range(w, dir, e->nxt, 0);
		break;
	case 2:
		/* A keepalive; it makes the other end answer. */
		send_range(w, dir, e->nxt - 1, 0);
		break;
	default:
		send_new(w, dir);
		break;
	}
}

static void take_ack(struct end *e, const struct vfw_segment *seg, u8 scale)
{
	u32 edge = seg->ack + ((u32)seg->window << scale);

	if (is_after(seg->ack, e->una) && !is_after(seg->ack, e->nxt))
		e->una = seg->ack;
	if (is_after(edge, e->edge))
		e->edge = edge;
}

/* Bytes that arrived, in order, or that fill the hole before what came out of order. */
static void advance(struct end *e, u32 to)
{
	int i;

	e->unread += to - e->rcv_nxt;
	e->rcv_nxt = to;
	for (i = 0; i < e->n_holes; i++) {
		if (is_after(e->from[i], e->rcv_nxt))
			continue;
		if (is_after(e->to[i], e->rcv_nxt)) {
			e->unread += e->to[i] - e->rcv_nxt;
			e->rcv_nxt = e->to[i];
		}
		e->n_holes--;
		e->from[i] = e->from[e->n_holes];
		e->to[i] = e->to[e->n_holes];
		i = -1;
	}
	if (e->fin_known && !e->fin_taken && e->rcv_nxt == e->fin_at) {
		e->rcv_nxt++;
		e->fin_taken = true;
	}
}

static void take_data(struct end *e, const struct vfw_segment *seg)
{
	u32 end = seg->seq + seg->length;

	if (seg->flags & VFW_TCPHDR_FIN) {
		e->fin_known = true;
		e->fin_at = end;
	}
	if (is_after(end, e->right))
		end = e->right;
	if (is_after(seg->seq, e->rcv_nxt)) {
		if (!is_after(end, seg->seq) || e->n_holes == HOLES_MAX)
			return;
		e->from[e->n_holes] = seg->seq;
		e->to[e->n_holes++] = end;
		return;
	}
	advance(e, is_after(end, e->rcv_nxt) ? end : e->rcv_nxt);
}

static void take_syn(struct end *e, const struct vfw_segment *seg)
{
	if (!e->syn_known) {
		e->syn_known = true;
		e->rcv_nxt = seg->seq + 1;
		e->right = e->rcv_nxt;
		e->edge = e->iss + 1 + seg->window;
		e->scaled = e->scale && seg->options & VFW_TCP_WINDOW_SCALE;
	}
	if (e->client && !e->established) {
		e->established = true;
		e->una = e->iss + 1;
	}
}

static void take(struct world *w, u8 dir, const struct vfw_segment *seg)
{
	struct end *e = &w->end[!dir];

	if (seg->flags & VFW_TCPHDR_SYN) {
		take_syn(e, seg);
		return;
	}
	if (!e->syn_known)
		return;
	e->established = true;
	take_ack(e, seg, e->scaled ? w->end[dir].scale : 0);
	take_data(e, seg);
	if (seg->length || seg->flags & VFW_TCPHDR_FIN || !dice(w, 4))
		send_range(w, !dir, e->nxt, 0);
}

/* The quick way takes a segment, or leaves it as it was; what it takes, the long way would have. */
static bool pass_plain(struct world *w, u8 dir, const struct vfw_segment *seg, struct vfw_tcp *tcp)
{
	*tcp = w->tcp;
	return w->state == VFW_FLOW_STATE_TCP_ESTABLISHED && vfw_tcp_plain(tcp, dir, seg);
}

/* A segment comes by the firewall. */
static void pass(struct kunit *test, struct world *w, u8 dir, const struct vfw_segment *seg)
{
	struct vfw_tcp before = w->tcp, plain;
	bool quick = pass_plain(w, dir, seg, &plain);
	enum vfw_drop_reason reason;
	enum vfw_tcp_effect effect;

	if (w->state == VFW_FLOW_STATE_NONE) {
		reason = vfw_tcp_open(&w->tcp, &w->state, dir, seg, false);
		KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_NONE);
	} else {
		reason = vfw_tcp_update(&w->tcp, &w->state, dir, seg, &effect);
		KUNIT_EXPECT_NE(test, effect, VFW_TCP_EFFECT_REOPEN);
	}
	KUNIT_EXPECT_EQ(test, memcmp(&plain, quick ? &w->tcp : &before, sizeof(plain)), 0);
	if (quick) {
		KUNIT_EXPECT_EQ(test, w->state, VFW_FLOW_STATE_TCP_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, effect, VFW_TCP_EFFECT_REFRESH);
		w->quick++;
	}
	KUNIT_EXPECT_TRUE(test, vfw_tcp_state_valid(&w->tcp, w->state));
	KUNIT_EXPECT_EQ_MSG(test, reason, VFW_DROP_REASON_NONE,
			    "state %u, dir %u, seq %u+%u of %u to %u, ack %u of %u",
			    w->state, dir, seg->seq, seg->length, w->end[dir].una,
			    w->end[dir].nxt, seg->ack, w->end[!dir].nxt);
	w->passed++;
	push(&w->after[dir], seg);
}

/* One number is far off. Windows here are below 2^24. */
static void forge(struct kunit *test, struct world *w)
{
	static const u8 flags[] = { VFW_TCPHDR_ACK, VFW_TCPHDR_ACK | VFW_TCPHDR_FIN,
				    VFW_TCPHDR_RST };
	u32 off = (1 << 25) + dice(w, 0xf8000000);
	const struct vfw_tcp before = w->tcp;
	struct vfw_tcp plain;
	const u8 state = w->state;
	enum vfw_drop_reason reason;
	struct vfw_segment seg = {};
	enum vfw_tcp_effect effect;
	u8 dir = dice(w, 2);

	seg.flags = flags[dice(w, ARRAY_SIZE(flags))];
	seg.seq = w->end[dir].nxt;
	seg.ack = w->end[!dir].una;
	if (seg.flags == VFW_TCPHDR_RST || dice(w, 2))
		seg.seq += off;
	else
		seg.ack += off;
	seg.sack = seg.ack;
	seg.window = dice(w, 0x10000);
	seg.length = dice(w, 1460);
	KUNIT_EXPECT_FALSE(test, pass_plain(w, dir, &seg, &plain));
	KUNIT_EXPECT_EQ(test, memcmp(&plain, &before, sizeof(plain)), 0);
	reason = vfw_tcp_update(&w->tcp, &w->state, dir, &seg, &effect);
	KUNIT_EXPECT_NE_MSG(test, reason, VFW_DROP_REASON_NONE, "flags %#x, off by %#x", seg.flags,
			    off);
	KUNIT_EXPECT_EQ(test, effect, VFW_TCP_EFFECT_NONE);
	KUNIT_EXPECT_EQ(test, w->state, state);
	KUNIT_EXPECT_EQ(test, memcmp(&w->tcp, &before, sizeof(before)), 0);
	w->forged++;
}

static void tick(struct kunit *test, struct world *w)
{
	struct vfw_segment seg;
	u8 dir = dice(w, 2);

	switch (dice(w, 4)) {
	case 0:
		send(w, dir);
		break;
	case 1:
		if (pull(w, &w->before[dir], &seg))
			pass(test, w, dir, &seg);
		break;
	case 2:
		if (pull(w, &w->after[dir], &seg))
			take(w, dir, &seg);
		break;
	case 3:
		if (w->state >= VFW_FLOW_STATE_TCP_ESTABLISHED && !dice(w, 4))
			forge(test, w);
		break;
	}
}

/* Buffers from tiny to 8 MiB; numbers often about to wrap around. */
static void begin(struct world *w, u32 seed)
{
	u8 dir;

	memset(w, 0, sizeof(*w));
	prandom_seed_state(&w->rnd, seed);
	for (dir = 0; dir < 2; dir++) {
		struct end *e = &w->end[dir];

		e->iss = dice(w, 2) ? prandom_u32_state(&w->rnd) :
				      (dice(w, 2) << 31) - dice(w, 50000);
		e->una = e->iss;
		e->nxt = e->iss;
		e->left = dice(w, 2) ? dice(w, 1000000) : dice(w, 3000);
		e->buffer = 500 << dice(w, 15);
		e->scale = dice(w, 3) ? dice(w, 9) : 0;
	}
	w->end[dice(w, 2)].client = true;
}

static bool done(const struct end *e)
{
	return e->fin_sent && e->fin_taken && e->una == e->nxt;
}

static void connections_test(struct kunit *test)
{
	u32 passed = 0, forged = 0, quick = 0, finished = 0, seed, ticks;
	struct world *w;

	w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w);
	for (seed = 1; seed <= CONNECTIONS; seed++) {
		begin(w, seed);
		for (ticks = 0; ticks < TICKS_MAX && !(done(&w->end[0]) && done(&w->end[1]));
		     ticks++)
			tick(test, w);
		passed += w->passed;
		forged += w->forged;
		quick += w->quick;
		if (ticks == TICKS_MAX)
			continue;
		finished++;
		KUNIT_EXPECT_EQ_MSG(test, w->state, VFW_FLOW_STATE_TCP_TIME_WAIT, "seed %u", seed);
	}
	kunit_info(test, "%u segments passed, %u forgeries dropped, %u connections closed\n",
		   passed, forged, finished);
	KUNIT_EXPECT_GT(test, finished, CONNECTIONS / 2);
	KUNIT_EXPECT_GT(test, passed, 100000);
	KUNIT_EXPECT_GT(test, forged, 10000);
	KUNIT_EXPECT_GT(test, quick, 10000);
}

static struct kunit_case sim_cases[] = {
	KUNIT_CASE(connections_test),
	{}
};

static struct kunit_suite sim_suite = {
	.name = "vfw_tcp_sim",
	.test_cases = sim_cases,
};

kunit_test_suite(sim_suite);
