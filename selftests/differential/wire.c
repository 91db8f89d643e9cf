// SPDX-License-Identifier: GPL-2.0
/* Packets as bytes. Payload is zeros, so that checksums are of headers only. */
#include <arpa/inet.h>
#include <string.h>

#include "differential.h"

void put16(u8 *at, u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

void put32(u8 *at, u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/**
 * sum() - add to an Internet checksum
 * @start: the sum so far
 * @at: what to add
 * @bytes: how many of it, of which all but the last time an even number
 */
u32 sum(u32 start, const u8 *at, u32 bytes)
{
	for (; bytes > 1; bytes -= 2, at += 2)
		start += at[0] << 8 | at[1];
	if (bytes)
		start += at[0] << 8;
	return start;
}

/**
 * fold() - the checksum that a sum makes (RFC 1071)
 */
u16 fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static u32 put_options(u8 *at, const struct packet *packet)
{
	const struct segment *seg = &packet->seg;
	u32 n = 0, i;

	if (packet->flaw == BAD_OPTION) {
		memcpy(at, "\x21\x01\x01\x01", 4);
		return 4;
	}
	if (seg->scale != NO_SCALE) {
		at[n++] = 1;
		at[n++] = 3;
		at[n++] = 3;
		at[n++] = seg->scale;
	}
	if (seg->sack_permitted) {
		memcpy(at + n, "\x01\x01\x04\x02", 4);
		n += 4;
	}
	if (seg->timestamps) {
		memcpy(at + n, "\x01\x01\x08\x0a\0\0\x12\x34\0\0\x56\x78", 12);
		n += 12;
	}
	if (!seg->n_sack)
		return n;
	at[n++] = 1;
	at[n++] = 1;
	at[n++] = 5;
	at[n++] = 2 + 8 * seg->n_sack;
	for (i = 0; i < seg->n_sack; i++, n += 8) {
		put32(at + n, seg->sack[i][0]);
		put32(at + n + 4, seg->sack[i][1]);
	}
	return n;
}

/* A TCP segment without its payload; returns its header's length. */
static u32 put_tcp(u8 *at, const struct tuple *tuple, const struct packet *packet)
{
	const struct segment *seg = &packet->seg;
	u32 header;

	memset(at, 0, 20);
	put16(at, tuple->port[packet->dir]);
	put16(at + 2, tuple->port[!packet->dir]);
	put32(at + 4, seg->seq);
	put32(at + 8, seg->ack);
	header = 20 + put_options(at + 20, packet);
	at[12] = header / 4 << 4;
	if (packet->flaw == SHORT_HEADER)
		at[12] = 4 << 4;
	if (packet->flaw == LONG_HEADER)
		at[12] = 15 << 4;
	at[13] = seg->flags;
	put16(at + 14, seg->window);
	return header;
}

static u32 put_ip(u8 *at, const struct tuple *tuple, u8 dir, u8 protocol, u32 bytes)
{
	if (tuple->ipv6) {
		put32(at, 6 << 28);
		put16(at + 4, bytes);
		at[6] = protocol;
		at[7] = 64;
		memcpy(at + 8, tuple->addr[dir], 16);
		memcpy(at + 24, tuple->addr[!dir], 16);
		return 40;
	}
	memset(at, 0, 20);
	at[0] = 0x45;
	put16(at + 2, 20 + bytes);
	put16(at + 6, 0x4000);
	at[8] = 64;
	at[9] = protocol;
	memcpy(at + 12, tuple->addr[dir], 4);
	memcpy(at + 16, tuple->addr[!dir], 4);
	put16(at + 10, fold(sum(0, at, 20)));
	return 20;
}

/**
 * put_headers() - what comes before the transport's header
 * @frame: where to put it
 * @tuple: the connection's
 * @dir: who sends
 * @protocol: the transport
 * @bytes: of the transport, as IP is to say
 *
 * Return: bytes of headers.
 */
u32 put_headers(u8 *frame, const struct tuple *tuple, u8 dir, u8 protocol, u32 bytes)
{
	/* The far end's station is 02:..:01, the VM's 02:..:02. */
	memcpy(frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x01", 12);
	frame[5] = dir == VM ? 1 : 2;
	frame[11] = dir == VM ? 2 : 1;
	put16(frame + 12, tuple->ipv6 ? 0x86dd : 0x0800);
	return 14 + put_ip(frame + 14, tuple, dir, protocol, bytes);
}

/**
 * wire_frame() - a packet as a whole Ethernet frame
 * @frame: room for VFWD_FRAME_MAX bytes
 * @tuple: of its connection
 * @packet: the packet
 *
 * Return: bytes of the frame.
 */
u32 wire_frame(u8 *frame, const struct tuple *tuple, const struct packet *packet)
{
	u32 addresses = tuple->ipv6 ? 16 : 4;
	u8 *l4 = frame + 14 + (tuple->ipv6 ? 40 : 20);
	u32 header, bytes, check;

	header = put_tcp(l4, tuple, packet);
	bytes = header + packet->seg.length;
	memset(l4 + header, 0, packet->seg.length);
	check = sum(6 + bytes, tuple->addr[0], addresses);
	check = fold(sum(sum(check, tuple->addr[1], addresses), l4, header));
	if (packet->flaw == BAD_CHECKSUM)
		check ^= 0x5555;
	put16(l4 + 16, check);
	bytes += put_headers(frame, tuple, packet->dir, 6,
			     packet->flaw == CUT ? bytes + 100 : bytes);
	if (packet->flaw == PADDED) {
		memset(frame + bytes, 0, 40);
		bytes += 40;
	}
	return bytes;
}

/**
 * run_tuple() - what names a connection, for the module to find it by
 * @run: its family, addresses and ports are filled in
 * @tuple: the connection's
 */
void run_tuple(struct vfwd_packet *run, const struct tuple *tuple)
{
	run->ipv6 = tuple->ipv6;
	memcpy(run->local, tuple->addr[VM], 16);
	memcpy(run->remote, tuple->addr[REMOTE], 16);
	run->local_port = htons(tuple->port[VM]);
	run->remote_port = htons(tuple->port[REMOTE]);
}
