// SPDX-License-Identifier: GPL-2.0
/* Messages as bytes. Payload is zeros. */
#include <string.h>

#include "exchange.h"

#define ICMP_HEADER	8

static u8 echo_type(const struct exchange *x, bool reply)
{
	if (x->protocol == PROTO_ICMP)
		return reply ? 0 : 8;
	return reply ? 129 : 128;
}

static bool has_pseudo_header(u8 protocol)
{
	return protocol != PROTO_ICMP;
}

/* Where the checksum is; 0 if there is none. */
static u32 checksum_at(u8 protocol)
{
	switch (protocol) {
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return 2;
	case PROTO_UDP:
	case PROTO_UDPLITE:
		return 6;
	case PROTO_TCP:
		return 16;
	default:
		return 0;
	}
}

/* UDP's own length tells what it is of, where it can be that. */
static u32 covered(const struct message *m, u32 bytes)
{
	return m->wrong == SAYS_LESS ? bytes - m->length : bytes;
}

static void put_checksum(u8 *at, const struct tuple *tuple, const struct message *m, u8 protocol,
			 u32 bytes)
{
	u32 addresses = tuple->ipv6 ? 16 : 4, check = 0, where = checksum_at(protocol);
	u16 value;

	if (!where)
		return;
	put16(at + where, 0);
	if (m->wrong == NO_CHECKSUM)
		return;
	bytes = covered(m, bytes);
	if (has_pseudo_header(protocol)) {
		check = sum(protocol + bytes, tuple->addr[0], addresses);
		check = sum(check, tuple->addr[1], addresses);
	}
	value = fold(sum(check, at, bytes));
	if (m->wrong == WRONG_CHECKSUM)
		value ^= 0x5555;
	put16(at + where, value ? value : 0xffff);
}

static u16 udp_length(const struct message *m, u32 bytes)
{
	switch (m->wrong) {
	case SAYS_MORE:
		return bytes + 1 + m->length;
	case SAYS_LESS:
		return covered(m, bytes);
	case SAYS_TOO_LITTLE:
		return 7;
	case SAYS_ZERO:
		return 0;
	default:
		return bytes;
	}
}

/* A transport header in one direction, with all zeros behind it. Returns its bytes. */
static u32 put_transport(u8 *at, const struct exchange *x, const struct message *m, u8 dir,
			 u8 protocol)
{
	u32 header = protocol == PROTO_TCP ? 20 : 8;

	memset(at, 0, header + m->length);
	switch (protocol) {
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		at[0] = echo_type(x, m->what == REPLY);
		at[1] = m->code;
		put16(at + 4, m->port[VM]);
		return header;
	case PROTO_GRE:
		put16(at + 2, 0x0800);
		return header;
	case PROTO_ESP:
		put32(at, 0x1234);
		return header;
	}
	put16(at, m->port[dir]);
	put16(at + 2, m->port[!dir]);
	if (protocol == PROTO_UDP)
		put16(at + 4, udp_length(m, header + m->length));
	if (protocol == PROTO_TCP) {
		put32(at + 4, m->seg.seq);
		put32(at + 8, m->seg.ack);
		at[12] = 5 << 4;
		at[13] = m->seg.flags;
		put16(at + 14, m->seg.window);
	}
	return header;
}

static u8 quoted_protocol(const struct exchange *x, enum misquote misquote)
{
	if (misquote != OTHER_PROTOCOL)
		return x->protocol;
	return x->protocol == PROTO_GRE ? PROTO_ESP : PROTO_GRE;
}

/* What an error has behind its header. */
static u32 put_quotation(u8 *at, const struct exchange *x, const struct message *m)
{
	struct message quoted = { .what = m->quotation.what, .length = 12,
				  .port = { m->port[0], m->port[1] },
				  .seg = { .seq = m->quotation.seq, .flags = ACK } };
	const struct quotation *q = &m->quotation;
	u8 protocol = quoted_protocol(x, q->misquote), frame[14 + 40 + 64] = { 0 };
	struct tuple tuple = x->tuple;
	u32 ip = tuple.ipv6 ? 40 : 20;
	u8 *l4 = frame + 14 + ip;

	if (q->misquote == OTHER_END)
		tuple.addr[REMOTE][tuple.ipv6 ? 12 : 0] ^= 1;
	put_headers(frame, &tuple, q->dir, protocol,
		    put_transport(l4, x, &quoted, q->dir, protocol) + quoted.length);
	put_checksum(l4, &tuple, &quoted, protocol, 8 + quoted.length);
	if (q->misquote == OTHER_VERSION)
		frame[14] ^= 0x70;
	if (q->misquote == SHORT_LENGTH)
		put16(frame + 16, 10);
	if (q->misquote == FRAGMENT)
		put16(frame + 20, 3);
	memcpy(at, frame + 14, ip + q->bytes);
	return q->misquote == HALF_IP ? ip / 2 : ip + q->bytes;
}

static u32 put_error(u8 *at, const struct exchange *x, const struct message *m)
{
	u32 bytes;

	memset(at, 0, ICMP_HEADER);
	at[0] = m->quotation.type;
	at[1] = m->quotation.code;
	/* Both versions say an MTU where others have zeros. */
	put16(at + 6, 1280);
	bytes = ICMP_HEADER + put_quotation(at + ICMP_HEADER, x, m);
	return bytes;
}

/* Between whom the message goes, as its IP header has it. */
static struct tuple outer(const struct exchange *x, const struct message *m)
{
	struct tuple tuple = x->tuple;
	u32 first = tuple.ipv6 ? 12 : 0;

	if (m->mirrored) {
		memcpy(tuple.addr[m->dir], x->tuple.addr[!m->dir], 16);
		memcpy(tuple.addr[!m->dir], x->tuple.addr[m->dir], 16);
	}
	if (m->what != ERROR)
		return tuple;
	if (m->quotation.router)
		tuple.addr[m->dir][first] ^= 0x80;
	if (m->quotation.misquote == TO_ANOTHER)
		tuple.addr[!m->dir][first] ^= 0x40;
	return tuple;
}

/**
 * message_frame() - a message as a whole Ethernet frame
 * @frame: room for VFWD_FRAME_MAX bytes
 * @x: its exchange
 * @m: the message
 *
 * Return: bytes of the frame.
 */
u32 message_frame(u8 *frame, const struct exchange *x, const struct message *m)
{
	u8 protocol = x->protocol, dir = m->mirrored ? !m->dir : m->dir;
	struct tuple tuple = outer(x, m);
	u8 *l4 = frame + 14 + (tuple.ipv6 ? 40 : 20);
	u32 bytes;

	if (m->what == ERROR) {
		protocol = tuple.ipv6 ? PROTO_ICMPV6 : PROTO_ICMP;
		bytes = put_error(l4, x, m);
	} else {
		bytes = put_transport(l4, x, m, dir, protocol) + m->length;
	}
	put_checksum(l4, &tuple, m, protocol, bytes);
	if (m->wrong == HALF_HEADER)
		bytes = 4;
	bytes += put_headers(frame, &tuple, m->dir, protocol,
			     m->wrong == TRUNCATED ? bytes + 100 : bytes);
	if (m->wrong == PADDING) {
		memset(frame + bytes, 0, 40);
		bytes += 40;
	}
	return bytes;
}
