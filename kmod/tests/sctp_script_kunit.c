// SPDX-License-Identifier: GPL-2.0
/*
 * SCTP: what packets make of an association, step by step.
 */

#include <kunit/test.h>
#include "../main.h"
#include "../sctp.h"

#define IN	VFW_DIRECTION_IN
#define OUT	VFW_DIRECTION_OUT
#define S(name)	VFW_FLOW_STATE_SCTP_ ## name
#define K(name)	BIT(VFW_SCTP_ ## name)
#define R(name)	VFW_DROP_REASON_ ## name
#define OK	VFW_DROP_REASON_NONE

#define A	0xaaaa0001u	/* tags of the end that opens */
#define A2	0xaaaa0002u
#define B	0xbbbb0001u	/* of the other */
#define B2	0xbbbb0002u
#define B3	0xbbbb0003u
#define B4	0xbbbb0004u
#define STRAY	0x12345678u
#define T	0x80		/* in @from: reflected */
#define ESTABLISH	1

/**
 * struct step - a packet of a script
 * @from: 'a' the end that opened, 'b' the other; with T. ESTABLISH: the steps of @handshake
 * @kinds: what it is
 * @tag: its verification tag
 * @init_tag: the tag it offers
 * @reason: why it is dropped; then nothing changes
 * @state: state afterwards
 * @effect: enum vfw_tcp_effect
 */
struct step {
	u8 from;
	u16 kinds;
	u32 tag;
	u32 init_tag;
	enum vfw_drop_reason reason;
	u8 state;
	u8 effect;
};

#define DROPPED(why, where)	.reason = R(SCTP_ ## why), .state = S(where)
#define PASSED(where)		.state = S(where)
#define LIVES(where)		.state = S(where), .effect = VFW_TCP_EFFECT_REFRESH
#define OFFERS(offer, where)	.init_tag = offer, .state = S(where)
#define OFFERED(offer, where)	.init_tag = offer, LIVES(where)
#define REOPENS(offer, where)								\
	.init_tag = offer, .state = S(where), .effect = VFW_TCP_EFFECT_REOPEN

/**
 * struct script - packets one after the other
 * @desc: what it is about
 * @only: 1 + direction in which the flow is to be opened; 0 for either
 * @steps: the first opens the flow, up to the first without kinds
 * @tags: those in force in the end: of the opener, of the other
 */
struct script {
	const char *desc;
	u8 only;
	struct step steps[24];
	u32 tags[2];
};

#define BY_VM	(1 + OUT)
#define BY_FAR	(1 + IN)

static const struct step handshake[] = {
	{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
	{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
	{ 'a', K(COOKIE_ECHO) | K(OTHER), B, LIVES(COOKIE_ECHOED) },
	{ 'b', K(COOKIE_ACK) | K(OTHER), A, LIVES(ESTABLISHED) },
};

static const struct script scripts[] = {
	{ "from beginning to end", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'a', K(HEARTBEAT_ACK), B, LIVES(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(OTHER), A, LIVES(SHUTDOWN_SENT) },
		{ 'a', K(SHUTDOWN) | K(OTHER), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(SHUTDOWN_ACK), A, PASSED(CLOSED) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), A, PASSED(CLOSED) },
		{ 'a', K(INIT), 0, REOPENS(A2, CLOSED) },
	}, { A, B } },
	{ "ended by the other", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(SHUTDOWN), A, LIVES(SHUTDOWN_RECD) },
		{ 'a', K(OTHER), B, LIVES(SHUTDOWN_RECD) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b' | T, K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(INIT), 0, REOPENS(B2, CLOSED) },
	}, { A, B } },
	{ "ended by both at once", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN), A, LIVES(SHUTDOWN_SENT) },
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), B, LIVES(CLOSED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, PASSED(CLOSED) },
	}, { A, B } },
	{ "COOKIE ACK and SHUTDOWN in one", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK) | K(SHUTDOWN), A, LIVES(SHUTDOWN_RECD) },
	}, { A, B } },
	{ "refused", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(ABORT), STRAY, DROPPED(TAG, COOKIE_WAIT) },
		{ 'b', K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(INIT), 0, REOPENS(A2, CLOSED) },
	}, { A, 0 } },
	{ "aborted", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(OTHER) | K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(OTHER), B, PASSED(CLOSED) },
		{ 'b' | T, K(ABORT), B, PASSED(CLOSED) },
	}, { A, B } },
	{ "aborted by an end that has lost it", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b' | T, K(ABORT), B, LIVES(CLOSED) },
	}, { A, B } },
	{ "everything sent twice", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(INIT), 0, OFFERS(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO), B, PASSED(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A, PASSED(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(COOKIE_ACK), A, PASSED(SHUTDOWN_SENT) },
	}, { A, B } },
	{ "INIT ACKs with other tags each, the last but one taken", BY_FAR, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B2, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B3, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B4, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B2, DROPPED(TAG, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B3, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(OTHER), B2, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B4, PASSED(ESTABLISHED) },
	}, { A, B3 } },
	{ "INIT ACKs with other tags each, the VM takes one that is forgotten", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B2, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B3, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B4, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(OTHER), B2, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO), STRAY, DROPPED(TAG, ESTABLISHED) },
	}, { A, B2 } },
	{ "stale cookie, and two more", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(INIT_ACK), A, OFFERS(B2, COOKIE_ECHOED) },
		{ 'b', K(INIT_ACK), A, OFFERS(B3, COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B2 } },
	{ "an old cookie comes when another one was taken", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B2, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO), B, PASSED(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), B2, LIVES(ESTABLISHED) },
	}, { A, B2 } },
	{ "the opener begins anew, and a cookie of before comes late", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'a', K(INIT), 0, OFFERS(A2, COOKIE_ECHOED) },
		{ 'b', K(INIT_ACK), A2, OFFERS(B2, COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A2, LIVES(ESTABLISHED) },
	}, { A2, B2 } },
	{ "ABORTs in a handshake", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(INIT_ACK), STRAY, OFFERED(A2, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		/* Of another handshake; with company that it must not have; and with an ERROR. */
		{ 'b', K(ABORT), A2, PASSED(COOKIE_WAIT) },
		{ 'b' | T, K(ABORT) | K(HEARTBEAT), B, DROPPED(TAG, COOKIE_WAIT) },
		{ 'b', K(OTHER) | K(ABORT), A, LIVES(CLOSED) },
	}, { A, B } },
	{ "a HEARTBEAT of the VM by a path that begins anew", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(HEARTBEAT), STRAY, PASSED(COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'a', K(HEARTBEAT), STRAY, PASSED(COOKIE_ECHOED) },
		{ 'b', K(HEARTBEAT), STRAY, DROPPED(TAG, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "stale cookie", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(OTHER), A, PASSED(COOKIE_ECHOED) },
		{ 'a', K(INIT), 0, OFFERS(A, COOKIE_ECHOED) },
		{ 'b', K(INIT_ACK), A, OFFERS(B2, COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B2, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B2 } },
	{ "both open at once", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT), 0, OFFERS(B, COOKIE_WAIT) },
		{ 'a', K(INIT_ACK), B, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ECHO), A, LIVES(COOKIE_ECHOED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ACK), B, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "the opener begins anew", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(INIT), 0, OFFERS(A2, ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'b', K(INIT_ACK), A2, OFFERS(B2, ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'a', K(COOKIE_ECHO) | K(OTHER), B2, PASSED(ESTABLISHED) },
		{ 'b', K(OTHER), A, LIVES(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A2, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), A, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(OTHER), B, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(OTHER), B2, LIVES(ESTABLISHED) },
	}, { A2, B2 } },
	{ "the other end begins anew while it is shut down", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(INIT), 0, OFFERS(B2, SHUTDOWN_SENT) },
		{ 'a', K(INIT_ACK), B2, OFFERS(A2, SHUTDOWN_SENT) },
		{ 'b', K(COOKIE_ECHO), A2, PASSED(SHUTDOWN_SENT) },
		{ 'a', K(COOKIE_ACK), B2, LIVES(ESTABLISHED) },
	}, { A2, B2 } },
	{ "another handshake that comes to nothing", 0, {
		{ .from = ESTABLISH },
		{ 'a', K(INIT), 0, OFFERS(A2, ESTABLISHED) },
		{ 'b', K(INIT_ACK), A2, OFFERS(B2, ESTABLISHED) },
		{ 'b', K(ABORT), A2, PASSED(ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B2, PASSED(ESTABLISHED) },
		{ 'b', K(COOKIE_ACK), A2, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), B, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "INITs that are made up leave no trace", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(INIT), 0, OFFERS(STRAY, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(INIT), 0, OFFERS(STRAY, ESTABLISHED) },
		{ 'a', K(ABORT), STRAY, PASSED(ESTABLISHED) },
		{ 'a', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
	}, { A, B } },
	{ "an INIT ACK nobody asked for", BY_VM, {
		{ .from = ESTABLISH },
		{ 'b', K(INIT_ACK), STRAY, DROPPED(TAG, ESTABLISHED) },
	}, { A, B } },
	{ "wrong tags", BY_VM, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), STRAY, DROPPED(TAG, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), A, DROPPED(TAG, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), B, DROPPED(TAG, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(OTHER), A, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(ABORT), B, DROPPED(TAG, ESTABLISHED) },
		{ 'b' | T, K(ABORT), A, DROPPED(TAG, ESTABLISHED) },
		{ 'b', K(SHUTDOWN), STRAY, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(SHUTDOWN), B, LIVES(SHUTDOWN_SENT) },
		{ 'b', K(SHUTDOWN_ACK), A, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'a', K(SHUTDOWN_COMPLETE), A, DROPPED(TAG, SHUTDOWN_ACK_SENT) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), B, DROPPED(TAG, SHUTDOWN_ACK_SENT) },
		{ 'a' | T, K(SHUTDOWN_COMPLETE), A, LIVES(CLOSED) },
	}, { A, B } },
	{ "chunks that are wrong in a state", 0, {
		{ 'a', K(INIT), 0, OFFERED(A, COOKIE_WAIT) },
		{ 'b', K(OTHER), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ACK), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(HEARTBEAT), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN_ACK), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(COOKIE_ECHO), A, DROPPED(STATE, COOKIE_WAIT) },
		{ 'b', K(INIT_ACK), A, OFFERED(B, COOKIE_WAIT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, ESTABLISHED) },
		/* What is good in the packet does not count either. */
		{ 'b', K(SHUTDOWN) | K(SHUTDOWN_COMPLETE), A, DROPPED(STATE, ESTABLISHED) },
	}, { A, B } },
	{ "a cookie that was aborted", 0, {
		{ .from = ESTABLISH },
		{ 'b', K(ABORT), A, LIVES(CLOSED) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "another path", 0, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'a', K(HEARTBEAT), B, PASSED(HEARTBEAT_SENT) },
		{ 'a', K(OTHER), B, DROPPED(STATE, HEARTBEAT_SENT) },
		{ 'b', K(OTHER), A, DROPPED(TAG, HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'b', K(OTHER), STRAY, DROPPED(TAG, ESTABLISHED) },
		/* The SHUTDOWN took the first path, its repetition takes this one. */
		{ 'a', K(SHUTDOWN_ACK), B, LIVES(SHUTDOWN_ACK_SENT) },
		{ 'b', K(SHUTDOWN_COMPLETE), A, LIVES(CLOSED) },
	}, { A, B } },
	{ "both ends try the path", 0, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'a', K(HEARTBEAT_ACK), B, LIVES(ESTABLISHED) },
	}, { A, B } },
	{ "a path of no association", 0, {
		{ 'a', K(HEARTBEAT), STRAY, LIVES(HEARTBEAT_SENT) },
		{ 'b' | T, K(ABORT), STRAY, LIVES(CLOSED) },
		{ 'a', K(HEARTBEAT), B, REOPENS(0, CLOSED) },
	}, { 0, STRAY } },
	{ "the association began anew on the first path", BY_VM, {
		{ 'a', K(HEARTBEAT), B, LIVES(HEARTBEAT_SENT) },
		{ 'b', K(HEARTBEAT_ACK), A, LIVES(ESTABLISHED) },
		{ 'b', K(HEARTBEAT), A2, DROPPED(TAG, ESTABLISHED) },
		{ 'a', K(HEARTBEAT), B2, REOPENS(0, ESTABLISHED) },
	}, { A, B } },
	{ "an INIT on a path that was tried", 0, {
		{ 'a', K(HEARTBEAT), STRAY, LIVES(HEARTBEAT_SENT) },
		{ 'a', K(INIT), 0, OFFERS(A, HEARTBEAT_SENT) },
		{ 'b', K(INIT_ACK), A, OFFERS(B, HEARTBEAT_SENT) },
		{ 'a', K(COOKIE_ECHO), B, LIVES(COOKIE_ECHOED) },
		{ 'b', K(COOKIE_ACK), A, LIVES(ESTABLISHED) },
	}, { A, B } },
};

KUNIT_ARRAY_PARAM_DESC(script, scripts, desc);

static struct vfw_chunks step_chunks(const struct step *s)
{
	return (struct vfw_chunks){
		.tag = s->tag, .init_tag = s->init_tag, .kinds = s->kinds,
		.reflected = s->from & T,
	};
}

/**
 * struct run - a script that is being played
 * @sctp: the association
 * @state: of the flow
 * @opened: direction in which it was opened
 */
struct run {
	struct vfw_sctp sctp;
	u8 state;
	u8 opened;
};

static void step_run(struct kunit *test, struct run *run, const struct step *s, int n)
{
	u8 dir = (s->from & ~T) == 'a' ? run->opened : !run->opened;
	struct vfw_chunks chunks = step_chunks(s);
	struct run before = *run;
	enum vfw_tcp_effect effect;
	enum vfw_drop_reason reason;

	reason = vfw_sctp_update(&run->sctp, &run->state, dir, run->opened, &chunks, &effect);
	KUNIT_EXPECT_EQ_MSG(test, reason, s->reason, "step %d, opened %d", n, run->opened);
	KUNIT_EXPECT_EQ_MSG(test, run->state, s->state, "step %d, opened %d", n, run->opened);
	KUNIT_EXPECT_EQ_MSG(test, (u8)effect, s->effect, "step %d, opened %d", n, run->opened);
	if (reason || effect == VFW_TCP_EFFECT_REOPEN || (s->kinds == K(INIT) && dir == IN))
		KUNIT_EXPECT_MEMEQ(test, run, &before, sizeof(before));
	KUNIT_EXPECT_TRUE_MSG(test, vfw_sctp_state_valid(&run->sctp, run->opened, run->state),
			      "step %d, opened %d", n, run->opened);
}

static void script_run(struct kunit *test, const struct script *sc, u8 opened)
{
	bool established = sc->steps[0].from == ESTABLISH;
	const struct step *first = established ? handshake : sc->steps;
	struct vfw_chunks chunks = step_chunks(first);
	struct run run = { .opened = opened };
	int n;

	KUNIT_ASSERT_EQ(test, vfw_sctp_open(&run.sctp, &run.state, opened, &chunks,
					    &(struct vfw_sctp){}), OK);
	KUNIT_ASSERT_EQ(test, run.state, first->state);
	for (n = 1; established && n < ARRAY_SIZE(handshake); n++)
		step_run(test, &run, &handshake[n], n);
	for (n = 1; n < ARRAY_SIZE(sc->steps) && sc->steps[n].kinds; n++)
		step_run(test, &run, &sc->steps[n], n);
	KUNIT_EXPECT_EQ(test, run.sctp.peer[opened].tags[0], sc->tags[0]);
	KUNIT_EXPECT_EQ(test, run.sctp.peer[!opened].tags[0], sc->tags[1]);
}

static void script_test(struct kunit *test)
{
	const struct script *sc = test->param_value;

	if (sc->only != BY_VM)
		script_run(test, sc, IN);
	if (sc->only != BY_FAR)
		script_run(test, sc, OUT);
}

static struct kunit_case sctp_script_cases[] = {
	KUNIT_CASE_PARAM(script_test, script_gen_params),
	{}
};

static struct kunit_suite sctp_script_suite = {
	.name = "vfw_sctp_script",
	.test_cases = sctp_script_cases,
};

kunit_test_suite(sctp_script_suite);
