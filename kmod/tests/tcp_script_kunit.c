// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include "../tcp.h"

#define OUT	VFW_DIRECTION_OUT
#define IN	VFW_DIRECTION_IN
#define F	VFW_TCPHDR_FIN
#define S	VFW_TCPHDR_SYN
#define R	VFW_TCPHDR_RST
#define A	VFW_TCPHDR_ACK

/* States, shorter. */
enum {
	NONE = VFW_FLOW_STATE_NONE,
	SENT = VFW_FLOW_STATE_TCP_SYN_SENT,
	SENT2 = VFW_FLOW_STATE_TCP_SYN_SENT2,
	RECV = VFW_FLOW_STATE_TCP_SYN_RECV,
	ESTB = VFW_FLOW_STATE_TCP_ESTABLISHED,
	FINW = VFW_FLOW_STATE_TCP_FIN_WAIT,
	CLOW = VFW_FLOW_STATE_TCP_CLOSE_WAIT,
	LAST = VFW_FLOW_STATE_TCP_LAST_ACK,
	TIMW = VFW_FLOW_STATE_TCP_TIME_WAIT,
	DEAD = VFW_FLOW_STATE_TCP_CLOSE,
};

/* What is expected, besides a reason to drop. */
#define REFRESHES	0
#define UNHEEDED	1000
#define REOPENS		1001
#define FORGOTTEN	1002	/* REOPENS, and this segment opens nothing */
#define WINDOW		VFW_DROP_REASON_TCP_WINDOW
#define ACK		VFW_DROP_REASON_TCP_ACK
#define RST		VFW_DROP_REASON_TCP_RST
#define STATE		VFW_DROP_REASON_TCP_STATE
#define NOT_SYN		VFW_DROP_REASON_TCP_NOT_SYN

/**
 * struct step - a segment, and what becomes of it
 * @dir: direction
 * @flags: VFW_TCPHDR_*
 * @seq: sequence number, from that of its end's first SYN
 * @ack: acknowledgment, from that of the other end's first SYN
 * @length: payload
 * @window: as in the header
 * @expected: see above
 * @state: of the flow after it; NONE when there is no flow
 * @sack: right edge of a SACK block, from where @ack counts; 0 for none
 * @scale: window scale option, plus one
 */
struct step {
	u8 dir;
	u8 flags;
	u32 seq;
	u32 ack;
	u32 length;
	u16 window;
	u16 expected;
	u8 state;
	u32 sack;
	u8 scale;
};

#define STEPS_MAX 16

/**
 * struct script - a connection
 * @desc: what it shows
 * @pick_up: connections may be picked up
 * @prelude: what happened before, or NULL
 * @steps: what happens
 */
struct script {
	const char *desc;
	bool pick_up;
	const struct step *prelude;
	struct step steps[STEPS_MAX];
};

/* What may come before: the VM opens, the far end opens, the VM opens and closes first. */
#define OPENED_OUT	.prelude = opened_out
#define OPENED_IN	.prelude = opened_in
#define CLOSED_OUT	.prelude = closed_out

static const struct step opened_out[] = {
	{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
	{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
	{ OUT, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	{}
};

static const struct step opened_in[] = {
	{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
	{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
	{ IN, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	{}
};

static const struct step closed_out[] = {
	{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
	{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
	{ OUT, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	{ OUT, F | A, 1, 1, 0, 1000, REFRESHES, FINW },
	{ IN, F | A, 1, 2, 0, 1000, REFRESHES, LAST },
	{ OUT, A, 2, 2, 0, 1000, REFRESHES, TIMW },
	{}
};

static const struct script scripts[] = {
	{ "close by the VM", OPENED_OUT, .steps = {
		{ OUT, F | A, 1, 1, 0, 1000, REFRESHES, FINW },
		{ IN, A, 1, 2, 0, 1000, REFRESHES, CLOW },
		{ IN, F | A, 1, 2, 0, 1000, REFRESHES, LAST },
		{ OUT, A, 2, 2, 0, 1000, REFRESHES, TIMW },
	} },
	{ "close by the far end, FIN with data", OPENED_OUT, .steps = {
		{ IN, F | A, 1, 1, 100, 1000, REFRESHES, FINW },
		{ OUT, A, 1, 102, 0, 1000, REFRESHES, CLOW },
		{ OUT, A, 1, 102, 300, 1000, REFRESHES, CLOW },
		{ IN, A, 102, 301, 0, 1000, REFRESHES, CLOW },
		{ OUT, F | A, 301, 102, 0, 1000, REFRESHES, LAST },
		{ IN, A, 102, 302, 0, 1000, REFRESHES, TIMW },
	} },
	{ "both close at once", OPENED_OUT, .steps = {
		{ OUT, F | A, 1, 1, 0, 1000, REFRESHES, FINW },
		{ IN, F | A, 1, 1, 0, 1000, REFRESHES, LAST },
		{ OUT, A, 2, 2, 0, 1000, REFRESHES, LAST },
		{ IN, A, 2, 2, 0, 1000, REFRESHES, TIMW },
	} },
	{ "FINs retransmitted", CLOSED_OUT, .steps = {
		{ IN, F | A, 1, 2, 0, 1000, REFRESHES, TIMW },
		{ OUT, A, 2, 2, 0, 1000, REFRESHES, TIMW },
		{ OUT, F | A, 1, 1, 0, 1000, REFRESHES, TIMW },
	} },
	{ "FIN acknowledged only in part", OPENED_OUT, .steps = {
		{ OUT, F | A, 1, 1, 100, 1000, REFRESHES, FINW },
		{ IN, A, 1, 101, 0, 1000, REFRESHES, FINW },
		{ IN, A, 1, 102, 0, 1000, REFRESHES, CLOW },
	} },
	{ "nothing follows a FIN that was acknowledged", OPENED_OUT, .steps = {
		{ OUT, F | A, 1, 1, 0, 1000, REFRESHES, FINW },
		{ IN, A, 1, 2, 0, 1000, REFRESHES, CLOW },
		{ OUT, A, 2, 1, 10, 1000, WINDOW, CLOW },
		{ OUT, A, 2, 1, 0, 1000, REFRESHES, CLOW },
	} },
	{ "a FIN that was none", OPENED_OUT, .steps = {
		{ IN, F | A, 101, 1, 0, 1000, REFRESHES, FINW },
		{ IN, A, 1, 1, 100, 1000, REFRESHES, FINW },
		{ IN, A, 101, 1, 100, 1000, REFRESHES, ESTB },
	} },
	{ "simultaneous open", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT2 },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ IN, S | A, 0, 1, 0, 1000, REFRESHES, ESTB },
		{ OUT, A, 1, 1, 100, 1000, REFRESHES, ESTB },
	} },
	{ "simultaneous open, with repetitions", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT2 },
		{ IN, S, 0, 0, 0, 1000, UNHEEDED, SENT2 },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, SENT2 },
		{ OUT, S | A, 0, 5, 0, 1000, UNHEEDED, SENT2 },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S | A, 0, 1, 0, 1000, UNHEEDED, RECV },
		{ IN, S, 0, 0, 0, 1000, UNHEEDED, RECV },
		{ IN, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	} },
	{ "simultaneous open, data in both SYNs", .steps = {
		{ OUT, S, 0, 0, 100, 1000, REFRESHES, SENT },
		{ IN, S, 0, 0, 50, 1000, REFRESHES, SENT2 },
		{ OUT, S | A, 0, 51, 0, 1000, REFRESHES, RECV },
		{ OUT, S | A, 0, 51, 0, 1000, UNHEEDED, RECV },
		{ IN, S | A, 0, 101, 0, 1000, REFRESHES, ESTB },
		{ IN, S | A, 0, 102, 0, 1000, ACK, ESTB },
	} },
	{ "a SYN with data comes after the SYN/ACK of its end", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S, 0, 0, 100, 1000, REFRESHES, RECV },
		{ OUT, S, 0, 0, 100, 1000, UNHEEDED, RECV },
		{ IN, S | A, 0, 101, 0, 1000, REFRESHES, ESTB },
		{ OUT, S, 0, 0, 100, 1000, UNHEEDED, ESTB },
	} },
	{ "a SYN comes after the SYN/ACK of its end, and only that is answered", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, RECV },
		{ IN, A, 1, 1, 0, 1000, REFRESHES, ESTB },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, ESTB },
	} },
	{ "FIN where the window ends", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 1000, 1000, REFRESHES, ESTB },
		{ OUT, F | A, 1001, 1, 0, 1000, REFRESHES, FINW },
		{ OUT, A, 1002, 1, 0, 1000, REFRESHES, FINW },
		{ OUT, A, 1002, 1, 1, 1000, WINDOW, FINW },
		{ OUT, A, 1003, 1, 0, 1000, WINDOW, FINW },
		{ IN, A, 1, 1001, 0, 0, REFRESHES, FINW },
		{ OUT, F | A, 1001, 1, 0, 1000, REFRESHES, FINW },
	} },
	{ "FIN where the window ends, lost", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 1000, 1000, REFRESHES, ESTB },
		{ OUT, A, 1003, 1, 0, 1000, WINDOW, ESTB },
		{ OUT, A, 1002, 1, 0, 1000, REFRESHES, ESTB },
		{ OUT, F | A, 1001, 1, 0, 1000, REFRESHES, FINW },
	} },
	{ "handshake with everything repeated", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, SENT },
		{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, RECV },
		{ IN, S | A, 0, 1, 0, 1000, UNHEEDED, RECV },
		{ OUT, A, 1, 1, 0, 1000, REFRESHES, ESTB },
		{ IN, S | A, 0, 1, 0, 1000, UNHEEDED, ESTB },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	} },
	{ "handshake completed by data, or by FIN", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ IN, F | A, 1, 1, 200, 1000, REFRESHES, FINW },
	} },
	{ "handshake completed by a wrong number", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ IN, A, 1, 0, 0, 1000, ACK, RECV },
		{ IN, A, 1, 2, 0, 1000, ACK, RECV },
		{ IN, A, 5000, 1, 0, 1000, WINDOW, RECV },
		{ IN, A, 1, 1, 0, 1000, REFRESHES, ESTB },
	} },
	{ "SYN/ACK with another number (SYN cookies)", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S | A, 7000000, 1, 0, 1000, REFRESHES, RECV },
		{ IN, A, 1, 7000001, 0, 1000, REFRESHES, ESTB },
	} },
	{ "fast open, data taken", .steps = {
		{ OUT, S, 0, 0, 500, 1000, REFRESHES, SENT },
		{ IN, S | A, 0, 501, 0, 2000, REFRESHES, RECV },
		{ IN, A, 1, 501, 600, 2000, REFRESHES, RECV },
		{ IN, A, 601, 501, 400, 2000, REFRESHES, RECV },
		{ IN, A, 1002, 501, 400, 2000, WINDOW, RECV },
		{ OUT, A, 501, 1001, 0, 1000, REFRESHES, ESTB },
	} },
	{ "fast open, data refused", .steps = {
		{ OUT, S, 0, 0, 500, 1000, REFRESHES, SENT },
		{ IN, S | A, 0, 1, 0, 2000, REFRESHES, RECV },
		{ OUT, A, 1, 1, 500, 1000, REFRESHES, ESTB },
		{ IN, A, 1, 501, 0, 2000, REFRESHES, ESTB },
	} },
	{ "refused", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, R, 0, 0, 0, 0, RST, SENT },
		{ IN, R | A, 0, 2, 0, 0, RST, SENT },
		{ IN, R | A, 0, 1, 0, 0, REFRESHES, DEAD },
		{ OUT, S, 0, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "challenge by an old connection's end", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, A, 145824453, 643160523, 0, 240, UNHEEDED, SENT },
		{ IN, A, 145824453, 643160523, 1, 240, STATE, SENT },
		{ OUT, R, 643160523, 0, 0, 0, UNHEEDED, SENT },
		{ OUT, S, 0, 0, 0, 1000, UNHEEDED, SENT },
		{ IN, S | A, 0, 1, 0, 250, REFRESHES, RECV },
		{ OUT, A, 1, 1, 0, 256, REFRESHES, ESTB },
	} },
	{ "SYN/ACK of an old connection", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, S | A, 145824453, 643160523, 0, 240, UNHEEDED, SENT },
		{ OUT, R, 643160523, 0, 0, 0, UNHEEDED, SENT },
		{ IN, S | A, 0, 1, 0, 250, REFRESHES, RECV },
		{ OUT, A, 1, 1, 0, 256, REFRESHES, ESTB },
	} },
	{ "the opener gives up", .steps = {
		{ IN, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ IN, R, 1, 0, 0, 0, REFRESHES, DEAD },
		{ OUT, S | A, 0x20000000, 1, 0, 1000, UNHEEDED, DEAD },
		{ OUT, S | A, 0x20000000, 2, 0, 1000, FORGOTTEN, NONE },
	} },
	{ "no data before the handshake", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, A, 1, 1, 10, 1000, STATE, SENT },
		{ OUT, S | A, 0, 1, 0, 1000, STATE, SENT },
		{ IN, F | A, 0, 1, 0, 1000, STATE, SENT },
		{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, S | A, 0, 1, 0, 1000, STATE, RECV },
	} },
	{ "windows and bounds", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 1000, 1000, REFRESHES, ESTB },
		{ OUT, A, 1002, 1, 1, 1000, WINDOW, ESTB },
		{ IN, A, 1, 1002, 0, 1000, ACK, ESTB },
		{ IN, A, 1, 1001, 0, 500, REFRESHES, ESTB },
		{ OUT, A, 1501, 1, 1, 1000, REFRESHES, ESTB },
		{ OUT, A, 1503, 1, 1, 1000, WINDOW, ESTB },
		{ IN, A, 1003, 1, 0, 1000, WINDOW, ESTB },
		{ IN, A, 1001, 1, 10, 1000, REFRESHES, ESTB },
	} },
	{ "data and acknowledgments too old", .steps = {
		{ OUT, S, 0, 0, 0, 50000, REFRESHES, SENT, 0, 3 },
		{ IN, S | A, 0, 1, 0, 50000, REFRESHES, RECV, 0, 3 },
		{ OUT, A, 1, 1, 0, 50000, REFRESHES, ESTB },
		{ IN, A, 1, 1, 0, 50000, REFRESHES, ESTB },
		{ OUT, A, 200001, 1, 0, 50000, REFRESHES, ESTB },
		{ IN, A, 1, 200001, 0, 50000, REFRESHES, ESTB },
		{ OUT, A, 400001, 1, 0, 50000, REFRESHES, ESTB },
		{ OUT, A, 134001, 1, 0, 50000, REFRESHES, ESTB },
		{ OUT, A, 134000, 1, 0, 50000, WINDOW, ESTB },
		{ OUT, A, 133000, 1, 1001, 50000, REFRESHES, ESTB },
		{ IN, A, 1, 134001, 0, 50000, REFRESHES, ESTB },
		{ IN, A, 1, 134000, 0, 50000, ACK, ESTB },
	} },
	{ "acknowledgments lost, all sent again", OPENED_IN, .steps = {
		{ OUT, A, 1, 1, 0, 65535, REFRESHES, ESTB },
		{ IN, A, 1, 1, 65535, 257, REFRESHES, ESTB },
		{ OUT, A, 1, 65536, 0, 65535, REFRESHES, ESTB },
		{ IN, A, 1, 1, 1460, 257, REFRESHES, ESTB },
		{ OUT, A, 1, 65536, 0, 65535, REFRESHES, ESTB },
	} },
	{ "scales offered by both", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT, 0, 1 + 2 },
		{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV, 0, 1 + 3 },
		{ OUT, A, 1001, 1, 100, 1000, REFRESHES, ESTB },
		{ OUT, A, 1003, 1, 0, 1000, WINDOW, ESTB },
		{ IN, A, 4001, 1, 0, 1000, REFRESHES, ESTB },
		{ IN, A, 4003, 1, 0, 1000, WINDOW, ESTB },
		{ OUT, A, 8001, 1, 0, 1000, REFRESHES, ESTB },
		{ OUT, A, 8003, 1, 0, 1000, WINDOW, ESTB },
	} },
	{ "scale offered by one", .steps = {
		{ OUT, S, 0, 0, 0, 1000, REFRESHES, SENT, 0, 1 + 2 },
		{ IN, S | A, 0, 1, 0, 1000, REFRESHES, RECV },
		{ OUT, A, 1, 1, 0, 1000, REFRESHES, ESTB },
		{ IN, A, 1003, 1, 0, 1000, WINDOW, ESTB },
		{ IN, A, 1001, 1, 0, 1000, REFRESHES, ESTB },
	} },
	{ "SACK beyond what was sent", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 500, 1000, REFRESHES, ESTB },
		{ IN, A, 1, 1, 0, 1000, ACK, ESTB, 502 },
		{ IN, A, 1, 1, 0, 1000, ACK, ESTB, 0x80000010 },
		{ IN, A, 1, 1, 0, 1000, REFRESHES, ESTB, 501 },
	} },
	{ "closed window, probes, keepalives", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 1000, 1000, REFRESHES, ESTB },
		{ IN, A, 1, 1001, 0, 0, REFRESHES, ESTB },
		{ OUT, A, 1001, 1, 1, 1000, REFRESHES, ESTB },
		{ IN, A, 1, 1001, 0, 0, REFRESHES, ESTB },
		{ OUT, A, 1000, 1, 0, 1000, REFRESHES, ESTB },
		{ OUT, A, 1000, 1, 1, 1000, REFRESHES, ESTB },
		{ OUT, A, 1003, 1, 1, 1000, WINDOW, ESTB },
		{ IN, A, 1, 1002, 0, 1000, REFRESHES, ESTB },
		{ OUT, A, 2002, 1, 0, 1000, REFRESHES, ESTB },
	} },
	{ "RST from the far end, by number", OPENED_OUT, .steps = {
		{ IN, A, 1, 1, 100, 1000, REFRESHES, ESTB },
		{ IN, R, 0x10000000, 0, 0, 0, RST, ESTB },
		{ IN, R, 1102, 0, 0, 0, RST, ESTB },
		{ IN, R, 200, 0, 0, 0, UNHEEDED, ESTB },
		{ OUT, A, 1, 101, 0, 1000, REFRESHES, ESTB },
		{ IN, R, 101, 0, 0, 0, REFRESHES, DEAD },
		{ OUT, A, 1, 101, 20, 1000, REFRESHES, DEAD },
		{ IN, R, 101, 0, 0, 0, UNHEEDED, DEAD },
		{ OUT, S, 500, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "RST of the VM, by number", OPENED_OUT, .steps = {
		{ OUT, A, 1, 1, 100, 1000, REFRESHES, ESTB },
		{ OUT, R, 0x10000000, 0, 0, 0, RST, ESTB },
		{ OUT, R, 1, 0, 0, 0, REFRESHES, DEAD },
	} },
	{ "RST after FINs, with what was last acknowledged", OPENED_OUT, .steps = {
		{ IN, A, 1, 1, 3000, 1000, REFRESHES, ESTB },
		{ OUT, A, 1, 3001, 1000, 1000, REFRESHES, ESTB },
		{ IN, F | A, 3001, 1001, 0, 1000, REFRESHES, FINW },
		{ OUT, A, 1001, 3002, 0, 1000, REFRESHES, CLOW },
		{ OUT, R | A, 1001, 3002, 0, 1000, REFRESHES, DEAD },
		{ IN, R, 2001, 0, 0, 0, UNHEEDED, DEAD },
	} },
	{ "SYN on a connection the VM has", OPENED_IN, .steps = {
		{ IN, A, 1, 1, 100, 257, REFRESHES, ESTB },
		{ OUT, A, 1, 101, 0, 256, REFRESHES, ESTB },
		{ IN, S, 2000000, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, A, 1, 101, 0, 256, REFRESHES, ESTB },
		{ IN, R | A, 101, 1, 0, 257, REFRESHES, DEAD },
		{ IN, S, 2000000, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "SYN on a connection the VM has no more", OPENED_IN, .steps = {
		{ IN, S, 2000000, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, S | A, 9000000, 2000001, 0, 256, FORGOTTEN, NONE },
		{ IN, S, 2000000, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 9000000, 2000001, 0, 256, REFRESHES, RECV },
	} },
	{ "SYN on a connection the VM refuses now", OPENED_IN, .steps = {
		{ IN, S, 2000000, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, R | A, -3000000, 2000001, 0, 0, RST, ESTB },
	} },
	{ "SYN of the VM on a connection it has no more", OPENED_OUT, .steps = {
		{ OUT, S, 2000000, 0, 0, 1000, REOPENS, SENT },
		{ IN, A, 1, 1, 0, 1000, UNHEEDED, SENT },
		{ OUT, R, 1, 0, 0, 0, UNHEEDED, SENT },
		{ OUT, S, 2000000, 0, 0, 1000, UNHEEDED, SENT },
		{ IN, S | A, 3000000, 2000001, 0, 1000, REFRESHES, RECV },
	} },
	{ "SYN/ACK from outside on a connection", OPENED_OUT, .steps = {
		{ IN, S | A, 9000000, 2000001, 0, 256, WINDOW, ESTB },
		{ IN, S | A, 500, 2000001, 0, 256, ACK, ESTB },
	} },
	{ "TIME_WAIT, SYN with a higher number", CLOSED_OUT, .steps = {
		{ OUT, S, 2, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "TIME_WAIT, SYN with a much lower number", CLOSED_OUT, .steps = {
		{ IN, S, -1000000, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "TIME_WAIT, old SYN from outside", CLOSED_OUT, .steps = {
		{ IN, S, 0, 0, 0, 1000, UNHEEDED, TIMW },
		{ OUT, A, 2, 2, 0, 1000, REFRESHES, TIMW },
	} },
	{ "TIME_WAIT, the VM's SYN with an old number", CLOSED_OUT, .steps = {
		{ OUT, S, 0, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "the VM's SYN within a wide window", OPENED_OUT, .steps = {
		{ IN, A, 1, 1, 0, 65535, REFRESHES, ESTB },
		{ OUT, A, 60000, 1, 20000, 1000, REFRESHES, ESTB },
		{ OUT, S, 14000, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, S, 13998, 0, 0, 1000, REOPENS, SENT },
	} },
	{ "TIME_WAIT, the other end opens", CLOSED_OUT, .steps = {
		{ IN, S, 5000000, 0, 0, 1000, REOPENS, SENT },
		{ OUT, S | A, 0, 5000001, 0, 1000, REFRESHES, RECV },
	} },
	{ "no SYN, no pick-up", .steps = {
		{ OUT, A, 1000, 1000, 10, 1000, NOT_SYN, NONE },
		{ OUT, S | A, 0, 1, 0, 1000, NOT_SYN, NONE },
		{ OUT, R, 0, 1, 0, 1000, NOT_SYN, NONE },
	} },
	{ "pick-up", .pick_up = true, .steps = {
		{ OUT, R | A, 1000, 1000, 0, 1000, NOT_SYN, NONE },
		{ OUT, S | A, 1000, 1000, 0, 1000, NOT_SYN, NONE },
		{ OUT, A, 1000, 5000, 10, 1000, REFRESHES, ESTB },
		{ IN, A, 9000, 1010, 700, 500, REFRESHES, ESTB },
		{ IN, A, 5000, 20000, 700, 500, REFRESHES, ESTB },
		{ OUT, A, 20000, 9700, 10, 1000, REFRESHES, ESTB },
		{ OUT, A, 0x60000000, 9700, 10, 1000, WINDOW, ESTB },
		{ IN, A, 9700, 0x60000000, 10, 1000, ACK, ESTB },
		{ OUT, F | A, 20010, 9700, 0, 1000, REFRESHES, FINW },
		{ IN, F | A, 9700, 20011, 0, 1000, REFRESHES, LAST },
		{ OUT, A, 20011, 9701, 0, 1000, REFRESHES, TIMW },
	} },
	{ "pick-up by FIN", .pick_up = true, .steps = {
		{ IN, F | A, 1000, 5000, 10, 1000, REFRESHES, FINW },
		{ OUT, A, 5000, 1011, 10, 1000, REFRESHES, CLOW },
	} },
};

/* Where the numbers begin: of the VM, of the far end. */
static const struct {
	const char *desc;
	u32 isn[2];
} starts[] = {
	{ "from 0", { 0, 0 } },
	{ "across 2^31", { 0x80000000 - 50, 0x7ffffc00 } },
	{ "across 2^32", { 0xffffffff, 0xfffffe00 } },
	{ "the VM's across 2^31, the far end's across 2^32", { 0xfffff000, 0x7fffffff } },
};

static struct vfw_segment step_segment(const struct step *step, const u32 *isn)
{
	struct vfw_segment seg = {
		.seq = isn[step->dir] + step->seq,
		.ack = isn[!step->dir] + step->ack,
		.length = step->length,
		.window = step->window,
		.flags = step->flags,
	};

	seg.sack = step->sack ? isn[!step->dir] + step->sack : seg.ack;
	if (step->scale) {
		seg.scale = step->scale - 1;
		seg.options = VFW_TCP_WINDOW_SCALE;
	}
	return seg;
}

/* As the caller in the hook path does. Returns what struct step expects. */
static u16 play(struct vfw_tcp *tcp, u8 *state, const struct step *step,
		const struct vfw_segment *seg, bool pick_up)
{
	enum vfw_tcp_effect effect;
	u16 reason;

	if (*state != VFW_FLOW_STATE_NONE) {
		reason = vfw_tcp_update(tcp, state, step->dir, seg, &effect);
		if (effect == VFW_TCP_EFFECT_REFRESH)
			return REFRESHES;
		if (effect == VFW_TCP_EFFECT_NONE)
			return reason ?: UNHEEDED;
		*state = VFW_FLOW_STATE_NONE;
		reason = vfw_tcp_open(tcp, state, step->dir, seg, pick_up);
		return reason ? FORGOTTEN : REOPENS;
	}
	return vfw_tcp_open(tcp, state, step->dir, seg, pick_up);
}

struct stage {
	struct vfw_tcp tcp;
	u8 state;
	bool pick_up;
	const u32 *isn;
	const char *start;
};

static void play_steps(struct kunit *test, struct stage *stage, const struct step *steps)
{
	const struct step *step;

	for (step = steps; step->flags; step++) {
		struct vfw_segment seg = step_segment(step, stage->isn);
		const struct vfw_tcp before = stage->tcp;
		u16 got;

		got = play(&stage->tcp, &stage->state, step, &seg, stage->pick_up);
		KUNIT_EXPECT_EQ_MSG(test, got, step->expected, "step %d, %s",
				    (int)(step - steps) + 1, stage->start);
		KUNIT_EXPECT_EQ_MSG(test, stage->state, step->state, "step %d, %s",
				    (int)(step - steps) + 1, stage->start);
		if (stage->state == VFW_FLOW_STATE_NONE)
			continue;
		KUNIT_EXPECT_TRUE(test, vfw_tcp_state_valid(&stage->tcp, stage->state));
		if (got != REFRESHES && got != REOPENS)
			KUNIT_EXPECT_EQ(test, memcmp(&stage->tcp, &before, sizeof(before)), 0);
	}
}

static void script_test(struct kunit *test)
{
	const struct script *script = test->param_value;
	int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct stage stage = {
			.pick_up = script->pick_up,
			.isn = starts[i].isn,
			.start = starts[i].desc,
		};

		if (script->prelude)
			play_steps(test, &stage, script->prelude);
		play_steps(test, &stage, script->steps);
	}
}

static void script_desc(const struct script *script, char *desc)
{
	strscpy(desc, script->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(script, scripts, script_desc);

/* A RST that answers a SYN has number 0, wherever the connection's numbers are. */
static void refused_now_test(struct kunit *test)
{
	static const struct step steps[] = {
		{ IN, S, 1000000, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, S | A, 5000000, 1000001, 0, 1000, REFRESHES, RECV },
		{ IN, A, 1000001, 5000001, 0, 1000, REFRESHES, ESTB },
		{ IN, S, 2000000, 0, 0, 1000, UNHEEDED, ESTB },
		{ OUT, R | A, 0, 2000001, 0, 0, FORGOTTEN, NONE },
		{ IN, S, 2000000, 0, 0, 1000, REFRESHES, SENT },
		{ OUT, R | A, 0, 2000001, 0, 0, REFRESHES, DEAD },
		{}
	};
	struct stage stage = { .isn = starts[0].isn, .start = starts[0].desc };

	play_steps(test, &stage, steps);
}

/* What an ICMP error may quote: sent, and not long ago. */
static void quoted_test(struct kunit *test)
{
	struct vfw_tcp tcp = {
		.peer[OUT] = { .end = 100, .max_end = 1100, .max_window = 1000 },
		.peer[IN] = { .end = 500, .max_end = 700, .max_window = 2000 },
	};

	KUNIT_EXPECT_TRUE(test, vfw_tcp_quoted_in_window(&tcp, OUT, 100));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, OUT, 101));
	KUNIT_EXPECT_TRUE(test, vfw_tcp_quoted_in_window(&tcp, OUT, 100 - 68000));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, OUT, 99 - 68000));
	KUNIT_EXPECT_TRUE(test, vfw_tcp_quoted_in_window(&tcp, IN, 500));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, 501));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, 499 - 67000));
}

/* Of an end that has not said anything, nothing. */
static void quoted_of_silent_test(struct kunit *test)
{
	struct vfw_segment syn = { .seq = 100, .window = 1000, .flags = VFW_TCPHDR_SYN };
	struct vfw_segment rst = { .ack = 101, .flags = VFW_TCPHDR_RST | VFW_TCPHDR_ACK };
	enum vfw_tcp_effect effect;
	struct vfw_tcp tcp;
	u8 state;

	vfw_tcp_open(&tcp, &state, OUT, &syn, false);
	KUNIT_EXPECT_TRUE(test, vfw_tcp_quoted_in_window(&tcp, OUT, 100));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, 0));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, -1000));
	KUNIT_EXPECT_EQ(test, vfw_tcp_update(&tcp, &state, IN, &rst, &effect), 0);
	KUNIT_EXPECT_EQ(test, state, VFW_FLOW_STATE_TCP_CLOSE);
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, 0));
	/* The number after a SYN may be 0. */
	syn.seq = -1;
	vfw_tcp_open(&tcp, &state, OUT, &syn, false);
	KUNIT_EXPECT_TRUE(test, vfw_tcp_quoted_in_window(&tcp, OUT, -1));
	KUNIT_EXPECT_FALSE(test, vfw_tcp_quoted_in_window(&tcp, IN, 0));
}

static struct kunit_case script_cases[] = {
	KUNIT_CASE_PARAM(script_test, script_gen_params),
	KUNIT_CASE(refused_now_test),
	KUNIT_CASE(quoted_test),
	KUNIT_CASE(quoted_of_silent_test),
	{}
};

static struct kunit_suite script_suite = {
	.name = "vfw_tcp_script",
	.test_cases = script_cases,
};

kunit_test_suite(script_suite);
