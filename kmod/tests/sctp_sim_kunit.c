// SPDX-License-Identifier: GPL-2.0
/*
 * Random walks of two ends of SCTP, as RFC 9260 has them, with the firewall at the port of one.
 *
 * The VM's end is next to the firewall; between that and the far end packets take their time, and
 * some are lost. Both ends open, answer, send, shut down, abort, and lose their memory. What the VM
 * sends always passes; of what comes, only what the VM would ignore may be dropped; and whenever
 * nothing is under way and both ends are established, the flow is, by their tags. Forged packets,
 * whose tags are wrong, are always dropped (but INITs) and leave no trace.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include "../main.h"
#include "../sctp.h"

#define WALKS	400
#define STEPS	400
#define QUEUE	6

#define IN	VFW_DIRECTION_IN
#define OUT	VFW_DIRECTION_OUT
#define K(name)	BIT(VFW_SCTP_ ## name)

enum end_state {
	CLOSED,
	COOKIE_WAIT,
	COOKIE_ECHOED,
	ESTABLISHED,
	SHUTDOWN_SENT,
	SHUTDOWN_RECEIVED,
	SHUTDOWN_ACK_SENT,
};

/* What a state cookie has: the tags of the association to be, and of the one there was. */
struct cookie {
	u32 mine, peers;
	u32 tie_mine, tie_peers;
};

struct msg {
	struct vfw_chunks chunks;
	struct cookie cookie;
};

struct end {
	enum end_state state;
	u32 mine, peers;
	struct cookie cookie;
};

struct queue {
	struct msg msgs[QUEUE];
	int n;
};

/**
 * struct sim - two ends and a flow
 * @rnd: random numbers, the same in each run
 * @end: by the direction in which it sends
 * @out: what each end has sent and nobody has looked at yet
 * @way: what is between the firewall and the far end, by direction
 * @open: there is a flow
 * @opened: direction in which it was opened
 * @state: its state
 * @sctp: the association, as the firewall has it
 * @passed: packets that passed
 * @ignored: packets that were dropped, and would have been ignored
 * @forged: forged packets
 * @settled: times the flow was found to be as the ends are
 */
struct sim {
	struct rnd_state rnd;
	struct end end[2];
	struct queue out[2];
	struct queue way[2];
	bool open;
	u8 opened;
	u8 state;
	struct vfw_sctp sctp;
	u32 passed, ignored, forged, settled;
};

static u32 below(struct sim *s, u32 n)
{
	return prandom_u32_state(&s->rnd) % n;
}

static u32 fresh_tag(struct sim *s)
{
	return prandom_u32_state(&s->rnd) ?: 1;
}

static void put(struct queue *q, const struct msg *m)
{
	if (q->n < QUEUE)
		q->msgs[q->n++] = *m;
}

static struct msg take(struct queue *q, int i)
{
	struct msg m = q->msgs[i];

	q->n--;
	memmove(&q->msgs[i], &q->msgs[i + 1], (q->n - i) * sizeof(m));
	return m;
}

static void send(struct sim *s, int dir, u16 kinds, u32 tag)
{
	put(&s->out[dir], &(struct msg){ .chunks = { .kinds = kinds, .tag = tag } });
}

static void send_reflected(struct sim *s, int dir, u16 kinds, u32 tag)
{
	put(&s->out[dir], &(struct msg){
		.chunks = { .kinds = kinds, .tag = tag, .reflected = true } });
}

static void send_init(struct sim *s, int dir)
{
	put(&s->out[dir], &(struct msg){
		.chunks = { .kinds = K(INIT), .init_tag = s->end[dir].mine } });
}

static void send_echo(struct sim *s, int dir)
{
	struct end *e = &s->end[dir];

	put(&s->out[dir], &(struct msg){
		.chunks = { .kinds = K(COOKIE_ECHO) | (below(s, 2) ? K(OTHER) : 0),
			    .tag = e->peers },
		.cookie = e->cookie });
}

/* RFC 9260, 5.1, 5.2.1 and 5.2.2 */
static bool take_init(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];
	struct cookie cookie = { fresh_tag(s), m->chunks.init_tag };

	if (e->state == SHUTDOWN_ACK_SENT) {
		send(s, dir, K(SHUTDOWN_ACK), e->peers);
		return true;
	}
	if (e->state == COOKIE_WAIT || e->state == COOKIE_ECHOED)
		cookie.mine = e->mine;
	if (e->state >= COOKIE_ECHOED) {
		cookie.tie_mine = e->mine;
		cookie.tie_peers = e->peers;
	}
	put(&s->out[dir], &(struct msg){
		.chunks = { .kinds = K(INIT_ACK), .tag = m->chunks.init_tag,
			    .init_tag = cookie.mine },
		.cookie = cookie });
	return true;
}

static bool take_init_ack(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];

	if (e->state != COOKIE_WAIT || m->chunks.tag != e->mine)
		return false;
	e->peers = m->chunks.init_tag;
	e->cookie = m->cookie;
	e->state = COOKIE_ECHOED;
	send_echo(s, dir);
	return true;
}

/* RFC 9260, 5.2.4 */
static bool take_echo(struct sim *s, int dir, const struct msg *m)
{
	const struct cookie *c = &m->cookie;
	struct end *e = &s->end[dir];
	bool mine = c->mine == e->mine, peers = c->peers == e->peers;

	if (m->chunks.tag != c->mine)
		return false;
	if (e->state == CLOSED) {
		*e = (struct end){ ESTABLISHED, c->mine, c->peers };
	} else if (!mine && !peers && c->tie_mine == e->mine && c->tie_peers == e->peers) {
		if (e->state == SHUTDOWN_ACK_SENT) {
			send(s, dir, K(SHUTDOWN_ACK) | K(OTHER), e->peers);
			return true;
		}
		*e = (struct end){ ESTABLISHED, c->mine, c->peers };
	} else if (mine && !peers) {
		*e = (struct end){ ESTABLISHED, c->mine, c->peers };
	} else if (mine && peers) {
		if (e->state == COOKIE_ECHOED)
			e->state = ESTABLISHED;
	} else {
		return false;
	}
	send(s, dir, K(COOKIE_ACK) | (below(s, 2) ? K(OTHER) : 0), e->peers);
	return true;
}

/* Those whose tag is judged by the T bit. */
static bool take_end(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];
	u32 tag = m->chunks.reflected ? e->peers : e->mine;

	if (e->state == CLOSED || m->chunks.tag != tag)
		return false;
	if (m->chunks.kinds & K(SHUTDOWN_COMPLETE) && e->state != SHUTDOWN_ACK_SENT)
		return false;
	*e = (struct end){};
	return true;
}

static bool take_shutdown(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];

	switch (e->state) {
	case ESTABLISHED:
		e->state = SHUTDOWN_RECEIVED;
		return true;
	case SHUTDOWN_SENT:
		e->state = SHUTDOWN_ACK_SENT;
		send(s, dir, K(SHUTDOWN_ACK), e->peers);
		return true;
	default:
		return e->state == SHUTDOWN_RECEIVED;
	}
}

static bool take_known(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];
	u16 kinds = m->chunks.kinds;

	if (e->state == COOKIE_WAIT)
		return false;
	if (kinds & K(COOKIE_ACK)) {
		if (e->state != COOKIE_ECHOED)
			return false;
		e->state = ESTABLISHED;
	}
	if (kinds & K(HEARTBEAT) && e->state >= ESTABLISHED)
		send(s, dir, K(HEARTBEAT_ACK), e->peers);
	if (kinds & K(SHUTDOWN))
		return take_shutdown(s, dir, m);
	if (kinds & K(SHUTDOWN_ACK)) {
		if (e->state != SHUTDOWN_SENT && e->state != SHUTDOWN_ACK_SENT)
			return false;
		send(s, dir, K(SHUTDOWN_COMPLETE), e->peers);
		*e = (struct end){};
		return true;
	}
	return e->state >= ESTABLISHED;
}

/* A packet arrives at the end that sends in @dir. False if it means nothing to that. */
static bool arrive(struct sim *s, int dir, const struct msg *m)
{
	struct end *e = &s->end[dir];
	u16 kinds = m->chunks.kinds;

	if (kinds & K(INIT))
		return take_init(s, dir, m);
	if (kinds & K(INIT_ACK))
		return take_init_ack(s, dir, m);
	if (kinds & K(COOKIE_ECHO))
		return take_echo(s, dir, m);
	if (kinds & (K(ABORT) | K(SHUTDOWN_COMPLETE)))
		return take_end(s, dir, m);
	if (kinds & K(SHUTDOWN_ACK) && e->state < ESTABLISHED) {
		send_reflected(s, dir, K(SHUTDOWN_COMPLETE), m->chunks.tag);
		return false;
	}
	if (e->state == CLOSED) {
		if (!(kinds & K(COOKIE_ACK)))
			send_reflected(s, dir, K(ABORT), m->chunks.tag);
		return false;
	}
	return m->chunks.tag == e->mine && take_known(s, dir, m);
}

/* What an end does by itself. It tries again only when its packets must have been lost. */
static void act(struct sim *s, int dir)
{
	bool quiet = !s->way[IN].n && !s->way[OUT].n && !s->out[IN].n && !s->out[OUT].n;
	struct end *e = &s->end[dir];
	u32 what = below(s, 100);

	if (what < 2) {
		*e = (struct end){};
		return;
	}
	if (what < 4 && e->state >= ESTABLISHED) {
		send(s, dir, K(ABORT), e->peers);
		*e = (struct end){};
		return;
	}
	switch (e->state) {
	case CLOSED:
		if (what < 30) {
			*e = (struct end){ COOKIE_WAIT, fresh_tag(s) };
			send_init(s, dir);
		}
		break;
	case COOKIE_WAIT:
		if (quiet)
			send_init(s, dir);
		break;
	case COOKIE_ECHOED:
		if (quiet)
			send_echo(s, dir);
		break;
	case ESTABLISHED:
		send(s, dir, what < 20 ? K(HEARTBEAT) : what < 92 ? K(OTHER) : K(SHUTDOWN),
		     e->peers);
		if (what >= 92)
			e->state = SHUTDOWN_SENT;
		break;
	case SHUTDOWN_SENT:
		if (quiet)
			send(s, dir, K(SHUTDOWN) | K(OTHER), e->peers);
		break;
	case SHUTDOWN_RECEIVED:
		if (what < 40) {
			send(s, dir, K(OTHER), e->peers);
			break;
		}
		e->state = SHUTDOWN_ACK_SENT;
		fallthrough;
	case SHUTDOWN_ACK_SENT:
		if (quiet || what >= 40)
			send(s, dir, K(SHUTDOWN_ACK), e->peers);
		break;
	}
}

/* The rules let everything in that may open a flow. */
static enum vfw_drop_reason filter(struct sim *s, int dir, const struct vfw_chunks *chunks)
{
	struct vfw_sctp before = {};
	enum vfw_tcp_effect effect;
	enum vfw_drop_reason reason;

	if (s->open) {
		reason = vfw_sctp_update(&s->sctp, &s->state, dir, s->opened, chunks, &effect);
		if (reason || effect != VFW_TCP_EFFECT_REOPEN)
			return reason;
		before = s->sctp;
		s->open = false;
	}
	reason = vfw_sctp_open(&s->sctp, &s->state, dir, chunks, &before);
	s->open = !reason;
	s->opened = dir;
	return reason;
}

static void explain(struct kunit *test, const struct sim *s, int dir, const struct msg *m,
		    enum vfw_drop_reason reason)
{
	KUNIT_FAIL(test, "%s dropped, reason %d: kinds %#x tag %#x init %#x; state %d (%d), VM %d",
		   dir == IN ? "in" : "out", reason, m->chunks.kinds, m->chunks.tag,
		   m->chunks.init_tag, s->state, s->open, s->end[OUT].state);
	kunit_info(test, "VM %#x %#x, far %#x %#x (%d); flow VM %#x %#x %#x, far %#x %#x %#x\n",
		   s->end[OUT].mine, s->end[OUT].peers, s->end[IN].mine, s->end[IN].peers,
		   s->end[IN].state, s->sctp.peer[OUT].tags[0], s->sctp.peer[OUT].tags[1],
		   s->sctp.peer[OUT].tags[2], s->sctp.peer[IN].tags[0], s->sctp.peer[IN].tags[1],
		   s->sctp.peer[IN].tags[2]);
}

/* From the VM: all of it passes, at once. */
static void from_vm(struct kunit *test, struct sim *s)
{
	enum vfw_drop_reason reason;
	struct msg m;

	while (s->out[OUT].n) {
		m = take(&s->out[OUT], 0);
		/* Of a connection without a flow, only an INIT opens one. */
		if (!s->open && !(m.chunks.kinds & (K(INIT) | K(HEARTBEAT))))
			continue;
		reason = filter(s, OUT, &m.chunks);
		if (reason)
			explain(test, s, OUT, &m, reason);
		else
			s->passed++;
		if (!reason && below(s, 10))
			put(&s->way[OUT], &m);
	}
}

/* To the VM: what it would heed passes. */
static void to_vm(struct kunit *test, struct sim *s, const struct msg *m)
{
	enum vfw_drop_reason reason = filter(s, IN, &m->chunks);
	struct queue unsent = s->out[OUT];

	if (!reason) {
		s->passed++;
		arrive(s, OUT, m);
		from_vm(test, s);
		return;
	}
	s->ignored++;
	if (arrive(s, OUT, m))
		explain(test, s, IN, m, reason);
	s->out[OUT] = unsent;
}

static bool is_tag(const struct sim *s, u32 tag)
{
	int i, end;

	for (end = 0; end < 2; end++)
		for (i = 0; i < VFW_STATE_SCTP_TAGS; i++)
			if (s->sctp.peer[end].tags[i] == tag)
				return true;
	return false;
}

/* By somebody who knows addresses and ports, and no tag. */
static void forge(struct kunit *test, struct sim *s)
{
	struct vfw_chunks chunks = { .kinds = BIT(below(s, VFW_SCTP_KINDS)) };
	struct vfw_sctp before = s->sctp;
	enum vfw_drop_reason reason;
	enum vfw_tcp_effect effect;
	u8 state = s->state;
	bool over = state == VFW_FLOW_STATE_SCTP_CLOSED;

	if (!s->open)
		return;
	if (chunks.kinds & ~K(INIT))
		chunks.tag = fresh_tag(s);
	if (chunks.kinds & (K(INIT) | K(INIT_ACK)))
		chunks.init_tag = fresh_tag(s);
	chunks.reflected = chunks.kinds & (K(ABORT) | K(SHUTDOWN_COMPLETE)) && below(s, 2);
	/* An association that is over may be followed by another, where the rules let it. */
	if (is_tag(s, chunks.tag) || (over && chunks.kinds & (K(INIT) | K(HEARTBEAT))))
		return;
	reason = vfw_sctp_update(&s->sctp, &state, IN, s->opened, &chunks, &effect);
	KUNIT_EXPECT_EQ(test, reason, chunks.kinds == K(INIT) ? VFW_DROP_REASON_NONE :
								 VFW_DROP_REASON_SCTP_TAG);
	KUNIT_EXPECT_EQ(test, state, s->state);
	KUNIT_EXPECT_EQ(test, (int)effect, VFW_TCP_EFFECT_NONE);
	KUNIT_EXPECT_MEMEQ(test, &before, &s->sctp, sizeof(before));
	s->forged++;
}

static void expect_settled(struct kunit *test, struct sim *s)
{
	const struct end *vm = &s->end[OUT], *far = &s->end[IN];

	if (vm->state != ESTABLISHED || far->state != ESTABLISHED || vm->mine != far->peers ||
	    vm->peers != far->mine || s->way[IN].n || s->way[OUT].n || s->out[IN].n ||
	    s->out[OUT].n)
		return;
	KUNIT_EXPECT_TRUE(test, s->open);
	KUNIT_EXPECT_EQ(test, s->state, VFW_FLOW_STATE_SCTP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, s->sctp.peer[OUT].tags[0], vm->mine);
	KUNIT_EXPECT_EQ(test, s->sctp.peer[IN].tags[0], far->mine);
	s->settled++;
}

static void step(struct kunit *test, struct sim *s)
{
	struct msg m;

	switch (below(s, 6)) {
	case 0:
		act(s, OUT);
		from_vm(test, s);
		break;
	case 1:
		act(s, IN);
		break;
	case 2: /* on its way, or lost */
		if (s->out[IN].n) {
			m = take(&s->out[IN], 0);
			if (below(s, 10))
				put(&s->way[IN], &m);
		}
		break;
	case 3: /* to the VM, seldom out of order */
		if (s->way[IN].n) {
			m = take(&s->way[IN], below(s, 8) ? 0 : below(s, s->way[IN].n));
			to_vm(test, s, &m);
		}
		break;
	case 4:
		if (s->way[OUT].n) {
			m = take(&s->way[OUT], below(s, 8) ? 0 : below(s, s->way[OUT].n));
			arrive(s, IN, &m);
		}
		break;
	default:
		forge(test, s);
	}
	KUNIT_EXPECT_TRUE(test, !s->open || vfw_sctp_state_valid(&s->sctp, s->opened, s->state));
	expect_settled(test, s);
}

static void walk_test(struct kunit *test)
{
	struct sim *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	u32 passed = 0, ignored = 0, forged = 0, settled = 0;
	int walk, i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (walk = 0; walk < WALKS && test->status != KUNIT_FAILURE; walk++) {
		memset(s, 0, sizeof(*s));
		prandom_seed_state(&s->rnd, 9260 + walk);
		for (i = 0; i < STEPS && test->status != KUNIT_FAILURE; i++)
			step(test, s);
		if (test->status == KUNIT_FAILURE)
			kunit_info(test, "walk %d, step %d\n", walk, i);
		passed += s->passed;
		ignored += s->ignored;
		forged += s->forged;
		settled += s->settled;
		cond_resched();
	}
	kunit_info(test, "%u passed, %u dropped that meant nothing, %u forged, settled %u times\n",
		   passed, ignored, forged, settled);
	KUNIT_EXPECT_GT(test, settled, WALKS);
	KUNIT_EXPECT_GT(test, forged, WALKS * 10);
	KUNIT_EXPECT_LT(test, ignored, passed / 10);
}

static struct kunit_case sctp_sim_cases[] = {
	KUNIT_CASE(walk_test),
	{}
};

static struct kunit_suite sctp_sim_suite = {
	.name = "vfw_sctp_sim",
	.test_cases = sctp_sim_cases,
};

kunit_test_suite(sctp_sim_suite);
