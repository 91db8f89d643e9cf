// SPDX-License-Identifier: GPL-2.0
/*
 * Alters frames: with an eye to what they are made of, and blindly. The Ethernet addresses stay,
 * or the bridge behind the port would have a say.
 */
#include "frames.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <string.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define ETH_ADDRESSES	12
#define IPV4_HEADER	20
#define IPV6_HEADER	40

enum { HOP = 0, ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, AH = 51, ICMP6 = 58,
	DEST = 60, SCTP = 132 };

/**
 * struct layers - where what begins in a frame
 * @type: Ethernet's, after the tags
 * @network: the network header
 * @transport: the transport header; 0 if there is none
 * @protocol: its protocol
 */
struct layers {
	__u16 type;
	size_t network;
	size_t transport;
	__u8 protocol;
};

static __u16 get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static bool is_tag(__u16 type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static void find_ipv6(const struct frame *frame, struct layers *layers)
{
	size_t at = layers->network + IPV6_HEADER;
	__u8 next = frame->data[layers->network + 6];
	int headers;

	for (headers = 0; headers < 16 && at + 8 <= frame->length; headers++) {
		if (next != HOP && next != ROUTING && next != FRAGMENT && next != DEST &&
		    next != AH)
			break;
		at += next == FRAGMENT ? 8 : next == AH ? (frame->data[at + 1] + 2) * 4u :
		      (frame->data[at + 1] + 1) * 8u;
		if (at >= frame->length)
			return;
		next = frame->data[at - 8]; /* right only after headers of 8 bytes: good enough */
	}
	layers->transport = at;
	layers->protocol = next;
}

static struct layers find_layers(const struct frame *frame)
{
	struct layers layers = { .network = ETH_ADDRESSES + 2 };
	const __u8 *data = frame->data;

	layers.type = get16(data + ETH_ADDRESSES);
	while (is_tag(layers.type) && layers.network + 4 <= frame->length) {
		layers.type = get16(data + layers.network + 2);
		layers.network += 4;
	}
	if (layers.type == 0x800 && layers.network + IPV4_HEADER <= frame->length) {
		layers.transport = layers.network + (data[layers.network] & 15) * 4;
		layers.protocol = data[layers.network + 9];
	} else if (layers.type == 0x86dd && layers.network + IPV6_HEADER <= frame->length) {
		find_ipv6(frame, &layers);
	}
	if (layers.transport + 8 > frame->length)
		layers.transport = 0;
	return layers;
}

/* Room in a frame, of zeros. */
static bool insert(struct frame *frame, size_t at, size_t length)
{
	if (at > frame->length || frame->length + length > FRAME_ROOM)
		return false;
	memmove(frame->data + at + length, frame->data + at, frame->length - at);
	memset(frame->data + at, 0, length);
	frame->length += length;
	return true;
}

static void fix_ipv4_checksum(struct frame *frame, const struct layers *layers)
{
	__u8 *ip = frame->data + layers->network;
	size_t length = (ip[0] & 15) * 4, i;
	__u32 sum = 0;

	if (layers->network + length > frame->length || length < IPV4_HEADER)
		return;
	put16(ip + 10, 0);
	for (i = 0; i < length; i += 2)
		sum += get16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~sum);
}

/* What the IP header says of the length, made right for what there is. */
static void fix_length(struct frame *frame, const struct layers *layers)
{
	__u8 *ip = frame->data + layers->network;

	if (layers->type == 0x800 && layers->network + IPV4_HEADER <= frame->length)
		put16(ip + 2, frame->length - layers->network);
	else if (layers->type == 0x86dd && layers->network + IPV6_HEADER <= frame->length)
		put16(ip + 4, frame->length - layers->network - IPV6_HEADER);
}

static __u32 edge(struct chance *chance)
{
	static const __u32 edges[] = {
		0, 1, 2, 4, 5, 7, 8, 15, 16, 19, 20, 21, 39, 40, 41, 60, 127, 128, 255, 256, 0x1fff,
		0x2000, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	};

	return edges[below(chance, ARRAY_SIZE(edges))] + below(chance, 3) - 1;
}

/* A number of 1, 2 or 4 bytes: near what it was, at a bound, or any. */
static void alter_number(struct chance *chance, struct frame *frame, size_t at, size_t size)
{
	__u32 value = 0;
	size_t i;

	if (at + size > frame->length)
		return;
	for (i = 0; i < size; i++)
		value = value << 8 | frame->data[at + i];
	switch (below(chance, 5)) {
	case 0:
		value += below(chance, 3) - 1;
		break;
	case 1:
		value += below(chance, 2048) - 1024;
		break;
	case 2:
		value ^= 1u << below(chance, 8 * size);
		break;
	case 3:
		value = draw(chance);
		break;
	default:
		value = edge(chance);
		break;
	}
	for (i = size; i--; value >>= 8)
		frame->data[at + i] = value;
}

struct field {
	__u8 at, size;
};

static void alter_one_of(struct chance *chance, struct frame *frame, size_t at,
			 const struct field *fields, size_t count)
{
	const struct field *field = fields + below(chance, count);

	alter_number(chance, frame, at + field->at, field->size);
}

static void alter_network(struct chance *chance, struct frame *frame, const struct layers *layers)
{
	static const struct field ipv4[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 2 }, { 2, 2 }, { 4, 2 }, { 6, 2 }, { 6, 2 }, { 8, 1 },
		{ 9, 1 }, { 10, 2 }, { 12, 4 }, { 16, 4 },
	};
	static const struct field ipv6[] = {
		{ 0, 1 }, { 0, 4 }, { 4, 2 }, { 4, 2 }, { 6, 1 }, { 6, 1 }, { 7, 1 }, { 8, 4 },
		{ 20, 4 }, { 24, 4 }, { 36, 4 }, { 40, 1 }, { 41, 1 }, { 42, 2 },
	};
	static const struct field arp[] = {
		{ 0, 2 }, { 2, 2 }, { 4, 1 }, { 5, 1 }, { 6, 2 }, { 6, 2 }, { 8, 4 }, { 14, 4 },
		{ 18, 4 }, { 24, 4 },
	};

	if (layers->type == 0x800)
		alter_one_of(chance, frame, layers->network, ipv4, ARRAY_SIZE(ipv4));
	else if (layers->type == 0x86dd)
		alter_one_of(chance, frame, layers->network, ipv6, ARRAY_SIZE(ipv6));
	else
		alter_one_of(chance, frame, layers->network, arp, ARRAY_SIZE(arp));
}

static void alter_transport(struct chance *chance, struct frame *frame,
			    const struct layers *layers)
{
	static const struct field tcp[] = {
		{ 0, 2 }, { 2, 2 }, { 4, 4 }, { 4, 4 }, { 8, 4 }, { 8, 4 }, { 12, 1 }, { 12, 1 },
		{ 13, 1 }, { 13, 1 }, { 14, 2 }, { 16, 2 }, { 18, 2 }, { 20, 1 }, { 21, 1 },
		{ 22, 4 },
	};
	static const struct field udp[] = { { 0, 2 }, { 2, 2 }, { 4, 2 }, { 4, 2 }, { 6, 2 } };
	static const struct field icmp[] = {
		{ 0, 1 }, { 0, 1 }, { 1, 1 }, { 2, 2 }, { 4, 2 }, { 6, 2 }, { 8, 1 }, { 10, 2 },
		{ 14, 2 }, { 17, 1 }, { 20, 4 }, { 24, 4 }, { 28, 2 }, { 32, 4 },
	};
	static const struct field chunks[] = {
		{ 0, 2 }, { 2, 2 }, { 4, 4 }, { 8, 4 }, { 12, 1 }, { 13, 1 }, { 14, 2 }, { 14, 2 },
		{ 16, 4 }, { 20, 4 }, { 24, 2 }, { 28, 1 }, { 30, 2 }, { 32, 4 },
	};

	if (layers->protocol == TCP)
		alter_one_of(chance, frame, layers->transport, tcp, ARRAY_SIZE(tcp));
	else if (layers->protocol == UDP)
		alter_one_of(chance, frame, layers->transport, udp, ARRAY_SIZE(udp));
	else if (layers->protocol == ICMP || layers->protocol == ICMP6)
		alter_one_of(chance, frame, layers->transport, icmp, ARRAY_SIZE(icmp));
	else
		alter_one_of(chance, frame, layers->transport, chunks, ARRAY_SIZE(chunks));
}

/* Other options, of all kinds and sizes; the header's length fits them, or nearly. */
static void alter_tcp_options(struct chance *chance, struct frame *frame,
			      const struct layers *layers)
{
	static const __u8 kinds[][2] = {
		{ 2, 4 }, { 3, 3 }, { 4, 2 }, { 5, 10 }, { 5, 18 }, { 5, 34 }, { 8, 10 }, { 0, 1 },
		{ 1, 1 }, { 30, 12 }, { 254, 6 }, { 19, 18 },
	};
	__u8 *tcp = frame->data + layers->transport;
	__u8 options[40] = {};
	size_t used = 0, room = 4 * (1 + below(chance, 10));

	if (layers->protocol != TCP || layers->transport + 20 > frame->length ||
	    (tcp[12] >> 4) * 4u < 20 || !insert(frame, layers->transport + 20, room))
		return;
	while (used < room) {
		const __u8 *kind = kinds[below(chance, ARRAY_SIZE(kinds))];
		size_t size = kind[1], i;

		options[used] = kind[0];
		for (i = 2; i < size && used + i < room; i++)
			options[used + i] = draw(chance);
		if (size > 1 && used + 1 < room)
			options[used + 1] = once_in(chance, 8) ? edge(chance) : size;
		used += size;
	}
	memcpy(tcp + 20, options, room);
	tcp[12] = (5 + room / 4) << 4;
	if (once_in(chance, 4))
		alter_number(chance, frame, layers->transport + 12, 1);
	fix_length(frame, layers);
}

static void add_tags(struct chance *chance, struct frame *frame)
{
	static const __u16 types[] = { 0x8100, 0x88a8, 0x9100, 0x8100 };
	int tags = 1 + below(chance, once_in(chance, 8) ? 8 : 2);

	while (tags--) {
		if (!insert(frame, ETH_ADDRESSES, 4))
			return;
		put16(frame->data + ETH_ADDRESSES, types[below(chance, 4)]);
		put16(frame->data + ETH_ADDRESSES + 2, once_in(chance, 2) ? below(chance, 16) :
		      draw(chance));
	}
}

/* Headers between that of IPv6 and what follows. */
static void add_extensions(struct chance *chance, struct frame *frame,
			   const struct layers *layers)
{
	static const __u8 kinds[] = { HOP, DEST, DEST, ROUTING, FRAGMENT, AH, 135, 59 };
	int headers = 1 + below(chance, once_in(chance, 4) ? 12 : 3);
	size_t at = layers->network + IPV6_HEADER;

	if (layers->type != 0x86dd || at > frame->length)
		return;
	while (headers--) {
		__u8 kind = kinds[below(chance, sizeof(kinds))];
		size_t size = 8 * (1 + (once_in(chance, 3) ? below(chance, 4) : 0));
		__u8 *header = frame->data + at, *next = frame->data + layers->network + 6;

		if (kind == FRAGMENT)
			size = 8;
		if (!insert(frame, at, size))
			break;
		header[0] = *next;
		*next = kind;
		header[1] = kind == FRAGMENT ? 0 : kind == AH ? size / 4 - 2 : size / 8 - 1;
		if (once_in(chance, 8))
			header[1] = edge(chance);
		if ((kind == HOP || kind == DEST) && size > 2) {
			header[2] = 1;
			header[3] = size - 4;
		}
		if (kind == FRAGMENT && once_in(chance, 2))
			put16(header + 2, draw(chance));
	}
	fix_length(frame, layers);
}

static void add_ipv4_options(struct chance *chance, struct frame *frame,
			     const struct layers *layers)
{
	__u8 *ip = frame->data + layers->network;
	size_t size = 4 * (1 + below(chance, 10)), i;

	if (layers->type != 0x800 || (ip[0] & 15) != 5 ||
	    !insert(frame, layers->network + IPV4_HEADER, size))
		return;
	for (i = 0; i < size; i++)
		ip[IPV4_HEADER + i] = once_in(chance, 4) ? draw(chance) : 1;
	ip[0] = 0x40 | (5 + size / 4);
	fix_length(frame, layers);
}

/* Shorter or longer than the headers say. */
static void alter_size(struct chance *chance, struct frame *frame, const struct layers *layers)
{
	const size_t places[] = {
		layers->network, layers->network + IPV4_HEADER, layers->network + IPV6_HEADER,
		layers->transport, layers->transport + 8, layers->transport + 20, frame->length,
	};
	size_t to = places[below(chance, 7)] + below(chance, 9) - 4, i;

	if (once_in(chance, 3))
		to = below(chance, frame->length + 64);
	if (to < ETH_ADDRESSES + 2 || to > FRAME_ROOM || to > frame->length + 2000)
		return;
	for (i = frame->length; i < to; i++)
		frame->data[i] = draw(chance);
	frame->length = to;
	if (once_in(chance, 3))
		fix_length(frame, layers);
}

/* The packet quoted in an ICMP error, which comes from the other side. */
static void quote(struct chance *chance, struct frame *frame, const struct layers *layers)
{
	static const __u8 types[2][4] = { { 3, 11, 12, 5 }, { 1, 2, 3, 4 } };
	bool six = layers->type == 0x86dd;
	size_t header = six ? IPV6_HEADER : IPV4_HEADER, at = layers->network;
	__u8 *ip = frame->data + at;

	if ((layers->type != 0x800 && !six) || at + header > frame->length)
		return;
	if (frame->length - at > 600)
		frame->length = at + 28 + below(chance, 500);
	if (!insert(frame, at, header + 8))
		return;
	memcpy(ip, ip + header + 8, header);
	if (six) {
		ip[6] = ICMP6;
		memcpy(ip + 8, ip + header + 8 + 24, 16);
		memcpy(ip + 24, ip + header + 8 + 8, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 6, 0);
		ip[9] = ICMP;
		memcpy(ip + 12, ip + header + 8 + 16, 4);
		memcpy(ip + 16, ip + header + 8 + 12, 4);
	}
	ip[header] = types[six][below(chance, 4)];
	ip[header + 1] = below(chance, 8);
	frame->out = !frame->out;
	fix_length(frame, layers);
}

static void alter_blindly(struct chance *chance, struct frame *frame)
{
	int times = 1 + below(chance, 6);

	while (times--) {
		size_t at = ETH_ADDRESSES + below(chance, frame->length - ETH_ADDRESSES);

		if (once_in(chance, 2) && at > 100)
			at = ETH_ADDRESSES + below(chance, 88);
		if (once_in(chance, 2))
			frame->data[at] ^= 1 << below(chance, 8);
		else
			frame->data[at] = draw(chance);
	}
}

static void alter_once(struct chance *chance, struct frame *frame)
{
	struct layers layers = find_layers(frame);

	switch (below(chance, 20)) {
	case 0:
		add_tags(chance, frame);
		return;
	case 1:
		add_ipv4_options(chance, frame, &layers);
		break;
	case 2:
		add_extensions(chance, frame, &layers);
		break;
	case 3:
		alter_size(chance, frame, &layers);
		break;
	case 4:
		quote(chance, frame, &layers);
		break;
	case 5:
	case 6:
		alter_blindly(chance, frame);
		break;
	case 7:
		alter_number(chance, frame, layers.network - 2, 2);
		break;
	case 8:
	case 9:
		if (layers.transport)
			alter_tcp_options(chance, frame, &layers);
		break;
	case 10:
	case 11:
	case 12:
	case 13:
		alter_network(chance, frame, &layers);
		break;
	default:
		if (layers.transport)
			alter_transport(chance, frame, &layers);
		else
			alter_network(chance, frame, &layers);
		break;
	}
	layers = find_layers(frame);
	if (layers.type == 0x800 && !once_in(chance, 8) &&
	    layers.network + IPV4_HEADER <= frame->length)
		fix_ipv4_checksum(frame, &layers);
}

/**
 * frame_alter() - alter a frame once or a few times
 * @chance: how
 * @frame: the frame, with room for FRAME_ROOM bytes
 */
void frame_alter(struct chance *chance, struct frame *frame)
{
	int times = 1 + below(chance, 1 + below(chance, 4));

	while (times-- && frame->length > ETH_ADDRESSES + 2)
		alter_once(chance, frame);
	if (frame->length < ETH_ADDRESSES + 2)
		frame->length = ETH_ADDRESSES + 2;
}

/* Whether the header for segmentation is as a guest's driver fills it in. */
static void fill_vnet(struct chance *chance, struct frame *frame, const struct layers *layers)
{
	bool six = layers->type == 0x86dd, tcp = layers->protocol == TCP;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = layers->transport,
		.csum_offset = tcp ? 16 : 6,
	};

	if (tcp && frame->length > 1000) {
		header.gso_type = six ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		header.hdr_len = layers->transport + (frame->data[layers->transport + 12] >> 4) * 4;
		header.gso_size = 500 + below(chance, 948);
	} else if (!tcp && frame->length > 1000) {
		header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		header.hdr_len = layers->transport + 8;
		header.gso_size = 500 + below(chance, 948);
	}
	memcpy(frame->vnet, &header, VNET_HEADER);
}

/**
 * frame_offload() - leave segmentation and checksums to the kernel, truly or with lies
 * @chance: how
 * @frame: the frame, with room for FRAME_ROOM bytes
 */
void frame_offload(struct chance *chance, struct frame *frame)
{
	struct layers layers = find_layers(frame);
	size_t more = below(chance, 12000);
	static const struct field fields[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 2 }, { 4, 2 }, { 6, 2 }, { 8, 2 },
	};
	const struct field *field = fields + below(chance, 6);
	__u16 value = edge(chance);

	if (!layers.transport || (layers.protocol != TCP && layers.protocol != UDP) ||
	    layers.transport + 20 > frame->length)
		return;
	frame->loose = 1;
	if (insert(frame, frame->length, more)) {
		fix_length(frame, &layers);
		if (layers.protocol == UDP)
			put16(frame->data + layers.transport + 4, frame->length - layers.transport);
		if (layers.type == 0x800)
			fix_ipv4_checksum(frame, &layers);
	}
	fill_vnet(chance, frame, &layers);
	if (once_in(chance, 2))
		memcpy(frame->vnet + field->at, &value, field->size);
}

static struct frame *put_part(struct frame *at, const struct frame *frame, size_t head,
			      size_t from, size_t length)
{
	memcpy(at, frame, sizeof(*frame) + head);
	memcpy(at->data + head, frame->data + from, length);
	at->length = head + length;
	return at;
}

/**
 * frame_split() - divide an IP packet into fragments
 * @chance: how; they may overlap or leave holes
 * @frame: the frame
 * @parts: room for frames of the same size each
 * @most: how many
 *
 * Return: how many there are; 0 if the frame is nothing to divide.
 */
int frame_split(struct chance *chance, const struct frame *frame, struct frame **parts, int most)
{
	struct layers layers = find_layers(frame);
	bool six = layers.type == 0x86dd;
	size_t head = layers.network + (six ? IPV6_HEADER : IPV4_HEADER), at, step, i;
	__u32 ident = draw(chance);
	int count = 0;

	if (!layers.transport || frame->length < head + 16 ||
	    (!six && (frame->data[layers.network] & 15) != 5))
		return 0;
	step = 8 * (1 + below(chance, (frame->length - head) / 8));
	for (at = head; at < frame->length && count < most; at += step) {
		size_t size = frame->length - at < step ? frame->length - at : step;
		bool more = at + size < frame->length;
		__u16 offset = (at - head) / 8;
		struct frame *part = put_part(parts[count], frame, head, at, size);
		struct layers now = { .type = layers.type, .network = layers.network };

		if (once_in(chance, 16))
			offset += below(chance, 5) - 2;
		if (once_in(chance, 32))
			more = !more;
		if (six) {
			if (!insert(part, head, 8))
				break;
			part->data[head] = part->data[layers.network + 6];
			part->data[layers.network + 6] = FRAGMENT;
			put16(part->data + head + 2, offset << 3 | more);
			for (i = 0; i < 4; i++)
				part->data[head + 4 + i] = ident >> 8 * i;
			fix_length(part, &now);
		} else {
			put16(part->data + layers.network + 4, ident);
			put16(part->data + layers.network + 6, (offset & 0x1fff) | more << 13);
			fix_length(part, &now);
			fix_ipv4_checksum(part, &now);
		}
		if (!once_in(chance, 24)) /* a hole */
			count++;
	}
	return count;
}
