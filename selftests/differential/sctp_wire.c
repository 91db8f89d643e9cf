// SPDX-License-Identifier: GPL-2.0
/* SCTP packets as bytes, with their flaws. What the chunks carry is zeros, but for tags. */
#include <string.h>

#include "sctp.h"

#define COMMON_HEADER	12

/* RFC 9260, appendix A: the polynomial 0x1edc6f41, bits in reverse. */
static u32 shift_out(u32 rest)
{
	u32 bit;

	for (bit = 0; bit < 8; bit++)
		rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78 : 0);
	return rest;
}

static u32 crc32c(const u8 *at, u32 bytes)
{
	static u32 table[256];
	u32 crc = ~0U, i;

	for (i = 0; !table[255] && i < 256; i++)
		table[i] = shift_out(i);
	while (bytes--)
		crc = crc >> 8 ^ table[(crc ^ *at++) & 0xff];
	return ~crc;
}

/* Returns bytes up to the next chunk. */
static u32 put_chunk(u8 *at, const struct chunk *chunk)
{
	u32 bytes = (chunk->length + 3U) & ~3U;

	memset(at, 0, bytes);
	at[0] = chunk->type;
	at[1] = chunk->flags;
	put16(at + 2, chunk->length);
	if (chunk->type == CHUNK_INIT || chunk->type == CHUNK_INIT_ACK ||
	    chunk->type == CHUNK_HEARTBEAT || chunk->type == CHUNK_HEARTBEAT_ACK)
		put32(at + 4, chunk->tag);
	if (chunk->type == CHUNK_ERROR && chunk->length >= 8)
		put16(at + 4, chunk->tsn);
	return bytes;
}

static u32 put_errors(u8 *at, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		memcpy(at + 4 * i, "\x09\0\0\4", 4);
	return 4 * n;
}

/* @last: the last chunk. Returns how long the packet is now. */
static u32 spoil(u8 *at, u8 *last, u32 bytes, const struct sctp_packet *packet)
{
	switch (packet->flaw) {
	case S_HALF_HEADER:
		return 8;
	case S_NO_CHUNK:
		return COMMON_HEADER;
	case S_LONG_CHUNK:
		put16(last + 2, get16(last + 2) + 1 + packet->lie % 2000);
		break;
	case S_SHORT_CHUNK:
		put16(last + 2, packet->lie % get16(last + 2));
		break;
	case S_HALF_CHUNK:
		return bytes - 1 - packet->lie % (bytes - (last - at));
	case S_CRUMBS:
		memset(at + bytes, 0, 4);
		at[bytes] = packet->lie;
		return bytes + 1 + packet->lie % 4;
	case S_MANY:
		return bytes + put_errors(at + bytes, 16);
	case S_MANGLED:
		at += COMMON_HEADER + packet->lie % (bytes - COMMON_HEADER);
		*at ^= 1 << (packet->lie >> 29);
		break;
	}
	return bytes;
}

/**
 * sctp_frame() - a packet as a whole Ethernet frame
 * @frame: room for VFWD_FRAME_MAX bytes
 * @tuple: of its association
 * @packet: the packet
 * @bytes: filled in: what there is of it behind the IP header
 *
 * Return: bytes of the frame.
 */
u32 sctp_frame(u8 *frame, const struct tuple *tuple, const struct sctp_packet *packet,
	       struct sctp_bytes *bytes)
{
	u8 *at = frame + 14 + (tuple->ipv6 ? 40 : 20), *last = at;
	u32 length = COMMON_HEADER, crc, i;

	put16(at, tuple->port[packet->dir]);
	put16(at + 2, tuple->port[!packet->dir]);
	put32(at + 4, packet->tag);
	put32(at + 8, 0);
	for (i = 0; i < packet->n; i++) {
		last = at + length;
		length += put_chunk(last, &packet->chunk[i]);
	}
	length = spoil(at, last, length, packet);
	crc = __builtin_bswap32(crc32c(at, length));
	if (packet->flaw == S_BAD_CRC)
		crc ^= 1 << packet->lie % 32;
	if (length >= COMMON_HEADER)
		put32(at + 8, crc);
	*bytes = (struct sctp_bytes){
		.at = at, .length = length, .crc = packet->flaw != S_BAD_CRC,
		.cut = packet->flaw == S_CUT,
	};
	length += put_headers(frame, tuple, packet->dir, 132,
			      packet->flaw == S_CUT ? length + 100 : length);
	if (packet->flaw == S_PADDED) {
		memset(frame + length, 0, 40);
		length += 40;
	}
	return length;
}
