// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/prandom.h>
#include "../tcp.h"

#define F	VFW_TCPHDR_FIN
#define S	VFW_TCPHDR_SYN
#define R	VFW_TCPHDR_RST
#define A	VFW_TCPHDR_ACK
#define OUT	VFW_DIRECTION_OUT
#define IN	VFW_DIRECTION_IN

/* Far from what any segment of a connection that begins at ISN may have. */
#define ISN	1000000
#define ALIEN	0x10000000

static const u8 states[] = {
	VFW_FLOW_STATE_TCP_SYN_SENT,
	VFW_FLOW_STATE_TCP_SYN_SENT2,
	VFW_FLOW_STATE_TCP_SYN_RECV,
	VFW_FLOW_STATE_TCP_ESTABLISHED,
	VFW_FLOW_STATE_TCP_FIN_WAIT,
	VFW_FLOW_STATE_TCP_CLOSE_WAIT,
	VFW_FLOW_STATE_TCP_LAST_ACK,
	VFW_FLOW_STATE_TCP_TIME_WAIT,
	VFW_FLOW_STATE_TCP_CLOSE,
};

/* How to come to each of the states: from whom (X opens, Y is the other), flags. */
static const struct {
	u8 last;
	bool other;
	u8 flags;
} ways[] = {
	{ VFW_FLOW_STATE_TCP_SYN_SENT2, true, S },
	{ VFW_FLOW_STATE_TCP_SYN_RECV, true, S | A },
	{ VFW_FLOW_STATE_TCP_ESTABLISHED, false, A },
	{ VFW_FLOW_STATE_TCP_FIN_WAIT, false, F | A },
	{ VFW_FLOW_STATE_TCP_CLOSE_WAIT, true, A },
	{ VFW_FLOW_STATE_TCP_LAST_ACK, true, F | A },
	{ VFW_FLOW_STATE_TCP_TIME_WAIT, false, A },
	{ VFW_FLOW_STATE_TCP_CLOSE, false, R },
};

static bool on_the_way(u8 step, u8 state)
{
	if (step == VFW_FLOW_STATE_TCP_SYN_SENT2)
		return state == step;
	if (state == VFW_FLOW_STATE_TCP_SYN_SENT2)
		return false;
	if (state == VFW_FLOW_STATE_TCP_CLOSE)
		return step <= VFW_FLOW_STATE_TCP_ESTABLISHED || step == state;
	return step <= state;
}

/* A segment that fits: next of what its end has to send, acknowledging all. */
static struct vfw_segment fitting(const struct vfw_tcp *tcp, u8 dir, u8 flags)
{
	const struct vfw_tcp_peer *from = &tcp->peer[dir], *to = &tcp->peer[!dir];
	struct vfw_segment seg = { .flags = flags, .window = 1000 };

	seg.seq = flags & S ? ISN : from->end;
	seg.ack = flags & A ? to->end : 0;
	seg.sack = seg.ack;
	return seg;
}

static void reach(struct kunit *test, struct vfw_tcp *tcp, u8 opener, u8 state)
{
	struct vfw_segment seg = { .flags = S, .seq = ISN, .window = 1000 };
	enum vfw_tcp_effect effect;
	u8 got;
	int i;

	vfw_tcp_open(tcp, &got, opener, &seg, false);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		u8 dir = ways[i].other ? !opener : opener;

		if (!on_the_way(ways[i].last, state))
			continue;
		seg = fitting(tcp, dir, ways[i].flags);
		KUNIT_EXPECT_EQ(test, vfw_tcp_update(tcp, &got, dir, &seg, &effect), 0);
		KUNIT_EXPECT_EQ(test, effect, VFW_TCP_EFFECT_REFRESH);
		KUNIT_EXPECT_EQ(test, got, ways[i].last);
	}
	KUNIT_EXPECT_EQ(test, got, state);
}

/**
 * struct row - what becomes of one kind of segment, state by state
 * @desc: the segment
 * @flags: its flags
 * @seq: added to the number that is due
 * @zero: number 0 instead
 * @alien: it acknowledges what is far from anything
 * @x: from the opener; a letter for each of the states above:
 *	'-' dropped, '.' passes unheeded, '=' refreshes, '*' the flow is forgotten, else the
 *	state it leads to: 2 SYN_SENT2, R SYN_RECV, E ESTABLISHED, F FIN_WAIT, W CLOSE_WAIT,
 *	L LAST_ACK, T TIME_WAIT, X CLOSE
 * @y: from the other end
 */
struct row {
	const char *desc;
	u8 flags;
	u32 seq;
	bool zero;
	bool alien;
	const char *x;
	const char *y;
};

static const char letters[] = "S2REFWLTX";

/* The VM opens: X is the VM. */
static const struct row rows_out[] = {
	{ "SYN, the same",	S,	0,	0, 0,	".......**",	"2.=.....*" },
	{ "SYN, another",	S,	ISN,	0, 0,	"*********",	"2*.....**" },
	{ "SYN/ACK, fits",	S | A,	0,	0, 0,	"-R-......",	"RR......." },
	{ "SYN/ACK, alien",	S | A,	ALIEN,	0, 1,	"-.-******",	"..-------" },
	{ "RST, exact",		R,	0,	0, 0,	"XXXXXXXX.",	"-XXXXXXX." },
	{ "RST, in window",	R,	100,	0, 0,	".-XXXXXX.",	"--......." },
	{ "RST, outside",	R,	ALIEN,	0, 0,	".--------",	"---------" },
	{ "RST to a SYN",	R | A,	0,	1, 0,	".X*******",	"XX-------" },
	{ "ACK",		A,	0,	0, 0,	"-.E===T==",	"..==W====" },
	{ "FIN",		F | A,	0,	0, 0,	"--FF=---=",	"--=FLL=-=" },
	{ "ACK, alien",		A,	ALIEN,	0, 1,	"-.-------",	"..-------" },
};

/* The far end opens: X is the far end. */
static const struct row rows_in[] = {
	{ "SYN, the same",	S,	0,	0, 0,	"........*",	"2.=....**" },
	{ "SYN, another",	S,	ISN,	0, 0,	"**.....**",	"2********" },
	{ "SYN/ACK, fits",	S | A,	0,	0, 0,	"-R-......",	"RR......." },
	{ "SYN/ACK, alien",	S | A,	ALIEN,	0, 1,	"-.-------",	"..*******" },
	{ "RST, exact",		R,	0,	0, 0,	"XXXXXXXX.",	"-XXXXXXX." },
	{ "RST, in window",	R,	100,	0, 0,	".-.......",	"--XXXXXX." },
	{ "RST, outside",	R,	ALIEN,	0, 0,	".--------",	"---------" },
	{ "RST to a SYN",	R | A,	0,	1, 0,	".X-------",	"XX*******" },
	{ "ACK",		A,	0,	0, 0,	"-.E===T==",	"..==W====" },
	{ "FIN",		F | A,	0,	0, 0,	"--FF=---=",	"--=FLL=-=" },
	{ "ACK, alien",		A,	ALIEN,	0, 1,	"-.-------",	"..-------" },
};

/* Judge a segment; the letter says what became of it. */
static char outcome(struct kunit *test, struct vfw_tcp *tcp, u8 *state, u8 dir,
		    const struct vfw_segment *seg)
{
	const struct vfw_tcp before = *tcp;
	enum vfw_drop_reason reason;
	enum vfw_tcp_effect effect;
	const u8 was = *state;

	reason = vfw_tcp_update(tcp, state, dir, seg, &effect);
	KUNIT_EXPECT_TRUE_MSG(test, vfw_tcp_state_valid(tcp, *state), "state %u to %u, flags %#x",
			      was, *state, seg->flags);
	if (effect == VFW_TCP_EFFECT_REFRESH) {
		KUNIT_EXPECT_EQ(test, reason, VFW_DROP_REASON_NONE);
		return *state == was ? '=' : letters[*state - VFW_FLOW_STATE_TCP_SYN_SENT];
	}
	KUNIT_EXPECT_EQ(test, *state, was);
	KUNIT_EXPECT_EQ(test, memcmp(tcp, &before, sizeof(before)), 0);
	if (reason) {
		KUNIT_EXPECT_EQ(test, effect, VFW_TCP_EFFECT_NONE);
		return '-';
	}
	return effect == VFW_TCP_EFFECT_REOPEN ? '*' : '.';
}

static void try_row(struct kunit *test, const struct row *row, u8 opener, bool other)
{
	const char *expected = other ? row->y : row->x;
	u8 dir = other ? !opener : opener;
	int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct vfw_segment seg;
		struct vfw_tcp tcp;
		u8 state;

		state = states[i];
		reach(test, &tcp, opener, state);
		seg = fitting(&tcp, dir, row->flags);
		if ((row->flags & (S | A)) == (S | A) && state > VFW_FLOW_STATE_TCP_SYN_RECV)
			seg.ack = ISN + 1;
		seg.seq = row->zero ? 0 : seg.seq + row->seq;
		seg.ack += row->alien ? ALIEN : 0;
		seg.sack = seg.ack;
		KUNIT_EXPECT_EQ_MSG(test, outcome(test, &tcp, &state, dir, &seg), expected[i],
				    "%s from %s in state %c", row->desc,
				    other ? "the other" : "the opener", letters[i]);
	}
}

static void rows_out_test(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows_out); i++) {
		try_row(test, &rows_out[i], OUT, false);
		try_row(test, &rows_out[i], OUT, true);
	}
}

static void rows_in_test(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows_in); i++) {
		try_row(test, &rows_in[i], IN, false);
		try_row(test, &rows_in[i], IN, true);
	}
}

static u32 near(struct rnd_state *rnd, u32 number)
{
	static const u32 spans[] = { 4, 2000, 200000, 0xffffffff };
	u32 span = spans[prandom_u32_state(rnd) % ARRAY_SIZE(spans)];

	return number + prandom_u32_state(rnd) % span - span / 2;
}

static struct vfw_segment random_segment(struct rnd_state *rnd, const struct vfw_tcp *tcp, u8 dir)
{
	static const u8 flags[] = { S, S | A, R, R | A, A, A, A, A, F | A };
	struct vfw_segment seg = {};

	seg.flags = flags[prandom_u32_state(rnd) % ARRAY_SIZE(flags)];
	seg.seq = near(rnd, tcp->peer[dir].end);
	seg.ack = near(rnd, tcp->peer[!dir].end);
	seg.sack = prandom_u32_state(rnd) & 1 ? seg.ack : near(rnd, tcp->peer[!dir].end);
	if ((s32)(seg.sack - seg.ack) < 0)
		seg.sack = seg.ack;
	seg.window = prandom_u32_state(rnd);
	seg.length = prandom_u32_state(rnd) % 3 ? 0 : prandom_u32_state(rnd) & 0xffff;
	if (seg.flags & S) {
		seg.options = prandom_u32_state(rnd) & (VFW_TCP_WINDOW_SCALE | VFW_TCP_SACK);
		seg.scale = seg.options & VFW_TCP_WINDOW_SCALE ? prandom_u32_state(rnd) % 15 : 0;
	}
	return seg;
}

/* Whatever comes, what is dropped changes nothing, and a sane state stays sane. */
static void random_segments_test(struct kunit *test)
{
	struct rnd_state rnd;
	struct vfw_tcp tcp;
	int i, moves = 0;
	u8 state, dir;

	prandom_seed_state(&rnd, 20260102);
	state = VFW_FLOW_STATE_NONE;
	for (i = 0; i < 400000; i++) {
		struct vfw_segment seg;
		char got;

		dir = prandom_u32_state(&rnd) & 1;
		if (state == VFW_FLOW_STATE_NONE) {
			memset(&tcp, 0, sizeof(tcp));
			seg = random_segment(&rnd, &tcp, dir);
			if (vfw_tcp_open(&tcp, &state, dir, &seg, prandom_u32_state(&rnd) & 1))
				state = VFW_FLOW_STATE_NONE;
			else
				KUNIT_EXPECT_TRUE(test, vfw_tcp_state_valid(&tcp, state));
			continue;
		}
		seg = random_segment(&rnd, &tcp, dir);
		got = outcome(test, &tcp, &state, dir, &seg);
		moves += strchr("-.=", got) ? 0 : 1;
		if (got == '*' || !(prandom_u32_state(&rnd) % 500))
			state = VFW_FLOW_STATE_NONE;
	}
	KUNIT_EXPECT_GT(test, moves, 1000);
}

/* Any state that is let in from a snapshot, however odd, stays sane too. */
static void random_states_test(struct kunit *test)
{
	struct rnd_state rnd;
	int i, n, taken = 0;

	prandom_seed_state(&rnd, 20260103);
	for (i = 0; i < 200000; i++) {
		struct vfw_tcp tcp = {};
		struct vfw_segment seg;
		u8 state, dir;

		for (dir = IN; dir <= OUT; dir++) {
			struct vfw_tcp_peer *peer = &tcp.peer[dir];

			peer->end = prandom_u32_state(&rnd);
			peer->max_end = near(&rnd, peer->end);
			peer->max_window = prandom_u32_state(&rnd) >>
					   (prandom_u32_state(&rnd) & 31);
			peer->scale = prandom_u32_state(&rnd) & 15;
			peer->flags = prandom_u32_state(&rnd);
		}
		state = prandom_u32_state(&rnd) & 15;
		if (!vfw_tcp_state_valid(&tcp, state))
			continue;
		taken++;
		for (n = 0; n < 20; n++) {
			dir = prandom_u32_state(&rnd) & 1;
			seg = random_segment(&rnd, &tcp, dir);
			if (outcome(test, &tcp, &state, dir, &seg) == '*')
				break;
		}
	}
	KUNIT_EXPECT_GT(test, taken, 100);
}

/**
 * struct broken - what no tracking leads to
 * @desc: what is wrong
 * @state: in which state
 * @local: changes to the VM's end of an established connection
 * @flags_remote: flags of the far end
 */
struct broken {
	const char *desc;
	u8 state;
	struct vfw_tcp_peer local;
	u8 flags_remote;
};

static const struct broken broken[] = {
	{ "no TCP state", VFW_FLOW_STATE_REPLIED, { 1, 1, 1 } },
	{ "no state at all", 99, { 1, 1, 1 } },
	{ "unknown flag", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1, 1, 0, 0x80 } },
	{ "scale of 15", VFW_FLOW_STATE_TCP_ESTABLISHED,
	  { 1, 1, 1, 15, VFW_TCP_WINDOW_SCALE }, VFW_TCP_WINDOW_SCALE },
	{ "scale not offered", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1, 1, 7 } },
	{ "scale offered by one", VFW_FLOW_STATE_TCP_ESTABLISHED,
	  { 1, 1, 1, 7, VFW_TCP_WINDOW_SCALE } },
	{ "no window", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1, 0 } },
	{ "window too large", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1, 1 << 30 } },
	{ "room too large", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1 + (1 << 30), 1 } },
	{ "far beyond the window", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1 << 24, 1, 1 } },
	{ "FIN in ESTABLISHED", VFW_FLOW_STATE_TCP_ESTABLISHED, { 1, 1, 1, 0, VFW_TCP_FIN } },
	{ "no FIN in FIN_WAIT", VFW_FLOW_STATE_TCP_FIN_WAIT, { 1, 1, 1 } },
	{ "acknowledged without FIN", VFW_FLOW_STATE_TCP_CLOSE_WAIT,
	  { 1, 1, 1, 0, VFW_TCP_FIN_ACKED } },
	{ "one FIN in TIME_WAIT", VFW_FLOW_STATE_TCP_TIME_WAIT,
	  { 1, 1, 1, 0, VFW_TCP_FIN | VFW_TCP_FIN_ACKED } },
	{ "no SYN in SYN_SENT", VFW_FLOW_STATE_TCP_SYN_SENT, { 1, 1, 1 } },
	{ "one SYN in SYN_SENT2", VFW_FLOW_STATE_TCP_SYN_SENT2, { 1, 1, 1, 0, VFW_TCP_SYN } },
	{ "two SYNs in SYN_SENT", VFW_FLOW_STATE_TCP_SYN_SENT, { 1, 1, 1, 0, VFW_TCP_SYN },
	  VFW_TCP_SYN },
	{ "picked up in SYN_RECV", VFW_FLOW_STATE_TCP_SYN_RECV,
	  { 1, 1, 1, 0, VFW_TCP_SYN | VFW_TCP_UNKNOWN } },
	{ "scaled window in SYN_SENT", VFW_FLOW_STATE_TCP_SYN_SENT,
	  { 1, 1, 65536, 0, VFW_TCP_SYN } },
};

static void broken_test(struct kunit *test)
{
	const struct broken *b = test->param_value;
	struct vfw_tcp tcp = { .peer[IN] = { 1, 1, 1 } };

	tcp.peer[OUT] = b->local;
	tcp.peer[IN].flags = b->flags_remote;
	KUNIT_EXPECT_FALSE(test, vfw_tcp_state_valid(&tcp, b->state));
	swap(tcp.peer[IN], tcp.peer[OUT]);
	KUNIT_EXPECT_FALSE(test, vfw_tcp_state_valid(&tcp, b->state));
}

static void broken_desc(const struct broken *b, char *desc)
{
	strscpy(desc, b->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(broken, broken, broken_desc);

static struct kunit_case tcp_cases[] = {
	KUNIT_CASE(rows_out_test),
	KUNIT_CASE(rows_in_test),
	KUNIT_CASE(random_segments_test),
	KUNIT_CASE(random_states_test),
	KUNIT_CASE_PARAM(broken_test, broken_gen_params),
	{}
};

static struct kunit_suite tcp_suite = {
	.name = "vfw_tcp",
	.test_cases = tcp_cases,
};

kunit_test_suite(tcp_suite);
