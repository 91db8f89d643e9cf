// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots, altered: fields at their bounds, lies in the frames' headers, frames and records that
 * are missing, double or out of order. Then, mostly, checksums and totals are made right again, so
 * that somebody looks at what was altered.
 *
 * For libFuzzer (snapshot_fuzz.c), and as a library for the restores of selftests/fuzz.
 */
#include "snapshot_mutate.h"
#include "../crc32c.h"
#include "../vfw-nl.h"

#include <endian.h>
#include <linux/vfw.h>
#include <linux/vfw_state.h>
#include <stdbool.h>
#include <string.h>

#define FRAMES_MOST	64

/**
 * struct draft - a snapshot being altered
 * @data: its bytes
 * @size: how many
 * @room: how many there may be
 * @random: state of the generator of random numbers
 * @frames: where the frames begin, and at the end where the last one ends
 * @count: how many frames
 */
struct draft {
	__u8 *data;
	size_t size;
	size_t room;
	__u64 random;
	size_t frames[FRAMES_MOST + 1];
	unsigned int count;
};

/* splitmix64 */
static __u64 draw(struct draft *draft)
{
	__u64 z = draft->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static size_t below(struct draft *draft, size_t limit)
{
	return limit ? draw(draft) % limit : 0;
}

/* A frame's header; nothing here is aligned once bytes were cut out. */
static struct vfw_state_frame get_frame(const __u8 *at)
{
	struct vfw_state_frame frame;

	memcpy(&frame, at, sizeof(frame));
	return frame;
}

static size_t frame_length(const __u8 *at, size_t left)
{
	struct vfw_state_frame frame;
	size_t length;

	if (left < sizeof(frame))
		return left;
	frame = get_frame(at);
	length = le32toh(frame.length);
	return length < sizeof(frame) || length > left ? left : length;
}

static void find_frames(struct draft *draft)
{
	size_t at = 0;

	for (draft->count = 0; at < draft->size && draft->count < FRAMES_MOST; draft->count++) {
		draft->frames[draft->count] = at;
		at += frame_length(draft->data + at, draft->size - at);
	}
	draft->frames[draft->count] = at;
}

/* Take bytes out, or put zeros in. */
static void cut(struct draft *draft, size_t at, size_t length)
{
	memmove(draft->data + at, draft->data + at + length, draft->size - at - length);
	draft->size -= length;
}

static bool insert(struct draft *draft, size_t at, size_t length)
{
	if (draft->size + length > draft->room)
		return false;
	memmove(draft->data + at + length, draft->data + at, draft->size - at);
	memset(draft->data + at, 0, length);
	draft->size += length;
	return true;
}

/* Numbers that are near a bound of something. */
static __u64 edge(struct draft *draft)
{
	static const __u64 edges[] = {
		0, 1, 2, 3, 7, 8, 12, 13, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256,
		VFW_TIMEOUT_MAX, VFW_RULES_MAX, VFW_FLOWS_MAX, VFW_FRAME_MAX, 0x7fff, 0x8000,
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ULL,
		0x7fffffffffffffffULL, 0x8000000000000000ULL, 0xffffffffffffffffULL,
	};
	__u64 value = edges[below(draft, ARRAY_SIZE(edges))];

	return value + below(draft, 3) - 1;
}

static void put_number(struct draft *draft, size_t at, size_t size)
{
	__u64 value, old = 0;

	if (at + size > draft->size)
		return;
	memcpy(&old, draft->data + at, size);
	switch (below(draft, 4)) {
	case 0:
		value = le64toh(old) + below(draft, 3) - 1;
		break;
	case 1:
		value = draw(draft);
		break;
	case 2:
		value = le64toh(old) ^ 1ULL << below(draft, 8 * size);
		break;
	default:
		value = edge(draft);
		break;
	}
	value = htole64(value);
	memcpy(draft->data + at, &value, size);
}

/* A field of a record, which is aligned by its own size, of 1 to 8 bytes. */
static void alter_field(struct draft *draft, size_t from, size_t to)
{
	size_t size = 1UL << below(draft, 4);

	if (to - from >= size)
		put_number(draft, from + below(draft, (to - from) / size) * size, size);
}

static size_t record_size(const struct draft *draft, unsigned int number)
{
	const __u8 *at = draft->data + draft->frames[number];
	size_t left = draft->frames[number + 1] - draft->frames[number];
	__u16 rule;

	if (left <= sizeof(struct vfw_state_frame))
		return 0;
	switch (le16toh(get_frame(at).type)) {
	case VFW_FRAME_TYPE_PORT:
		return sizeof(struct vfw_state_port);
	case VFW_FRAME_TYPE_RULES:
		memcpy(&rule, at + sizeof(struct vfw_state_frame), sizeof(rule));
		return le16toh(rule);
	case VFW_FRAME_TYPE_STATS:
		return sizeof(struct vfw_state_drop);
	case VFW_FRAME_TYPE_FLOWS_IPV4:
		return sizeof(struct vfw_state_flow4);
	case VFW_FRAME_TYPE_FLOWS_IPV6:
		return sizeof(struct vfw_state_flow6);
	case VFW_FRAME_TYPE_FLOWS_TAGGED:
		return sizeof(struct vfw_state_flow_tagged);
	case VFW_FRAME_TYPE_RULE_COUNTERS:
		return sizeof(struct vfw_state_rule_counters);
	default:
		return left - sizeof(struct vfw_state_frame);
	}
}

static void resize_frame(struct draft *draft, size_t at, long bytes, long records)
{
	struct vfw_state_frame frame = get_frame(draft->data + at);

	frame.length = htole32(le32toh(frame.length) + bytes);
	frame.count = htole32(le32toh(frame.count) + records);
	memcpy(draft->data + at, &frame, sizeof(frame));
}

/* One record more, the same as the last or of zeros, or one less. */
static void alter_records(struct draft *draft, unsigned int number)
{
	size_t size = record_size(draft, number), at = draft->frames[number];
	size_t end = draft->frames[number + 1];
	bool less = below(draft, 3) == 0;

	if (!size || end - at < sizeof(struct vfw_state_frame) + size)
		return;
	if (less) {
		cut(draft, end - size, size);
	} else {
		if (!insert(draft, end, size))
			return;
		if (below(draft, 4))
			memcpy(draft->data + end, draft->data + end - size, size);
		if (below(draft, 2)) /* only nearly the same */
			alter_field(draft, end, end + size);
	}
	resize_frame(draft, at, less ? -(long)size : (long)size, less ? -1 : 1);
}

static void copy_frame(struct draft *draft, unsigned int number)
{
	size_t length = draft->frames[number + 1] - draft->frames[number];
	size_t to = draft->frames[below(draft, draft->count + 1)];
	size_t from = draft->frames[number];

	if (!insert(draft, to, length))
		return;
	if (from >= to)
		from += length;
	memcpy(draft->data + to, draft->data + from, length);
}

static void alter_header(struct draft *draft, unsigned int number)
{
	static const struct { size_t at, size; } fields[] = {
		{ 0, 4 }, { 4, 2 }, { 6, 2 }, { 8, 4 }, { 8, 4 }, { 12, 4 }, { 12, 4 }, { 16, 4 },
	};
	size_t i = below(draft, ARRAY_SIZE(fields));

	put_number(draft, draft->frames[number] + fields[i].at, fields[i].size);
}

/* Fields of a flow, those oftener whose bounds other parts of the snapshot set. */
static void alter_flow(struct draft *draft, unsigned int number)
{
#define AT(field) offsetof(struct vfw_state_flow, field)
	static const struct { size_t at, size; } fields[] = {
		{ AT(in_packets), 8 }, { AT(expires), 4 }, { AT(age), 4 }, { AT(rule), 4 },
		{ AT(rule), 4 }, { AT(rule), 4 }, { AT(local_port), 2 }, { AT(remote_port), 2 },
		{ AT(protocol), 1 }, { AT(protocol), 1 }, { AT(state), 1 }, { AT(state), 1 },
		{ AT(flags), 1 }, { AT(scales), 1 }, { AT(tcp_flags_local), 1 },
		{ AT(tcp_flags_remote), 1 }, { AT(tcp_local.end), 4 },
		{ AT(tcp_local.max_end), 4 }, { AT(tcp_remote.max_window), 4 },
	};
#undef AT
	size_t at = draft->frames[number] + sizeof(struct vfw_state_frame);
	size_t size = record_size(draft, number), field = below(draft, ARRAY_SIZE(fields));

	if (size < sizeof(struct vfw_state_flow) || at + size > draft->frames[number + 1])
		return;
	at += below(draft, (draft->frames[number + 1] - at) / size) * size;
	put_number(draft, at + fields[field].at, fields[field].size);
}

/* A live stream, by its header. */
static bool is_live(const struct draft *draft)
{
	struct vfw_state_header header;

	if (draft->size < sizeof(struct vfw_state_frame) + sizeof(header))
		return false;
	memcpy(&header, draft->data + sizeof(struct vfw_state_frame), sizeof(header));
	return le32toh(header.flags) & VFW_STATE_HEADER_LIVE;
}

/* The place of a flow, in a live stream: any, or that of another flow of the frame. */
static void alter_place(struct draft *draft, unsigned int number)
{
	size_t at = draft->frames[number], size = record_size(draft, number), places;
	__u32 count = le32toh(get_frame(draft->data + at).count);

	places = at + sizeof(struct vfw_state_frame) + (size_t)count * size;
	if (!count || places + (size_t)count * 4 > draft->frames[number + 1])
		return;
	at = places + 4 * below(draft, count);
	if (below(draft, 2))
		put_number(draft, at, 4);
	else
		memcpy(draft->data + at, draft->data + places + 4 * below(draft, count), 4);
}

static bool has_flows(const struct draft *draft, unsigned int number)
{
	size_t left = draft->size - draft->frames[number];
	__u16 type;

	if (left < sizeof(struct vfw_state_frame))
		return false;
	type = le16toh(get_frame(draft->data + draft->frames[number]).type);
	return type == VFW_FRAME_TYPE_FLOWS_IPV4 || type == VFW_FRAME_TYPE_FLOWS_IPV6 ||
	       type == VFW_FRAME_TYPE_FLOWS_TAGGED;
}

static void alter(struct draft *draft)
{
	unsigned int number, tries;
	size_t from, to;

	find_frames(draft);
	if (!draft->count)
		return;
	number = below(draft, draft->count);
	/* Most of a snapshot is flows, if not of these. */
	for (tries = below(draft, 2) * 8; tries && !has_flows(draft, number); tries--)
		number = below(draft, draft->count);
	from = draft->frames[number];
	to = draft->frames[number + 1];
	switch (below(draft, 16)) {
	case 0:
		alter_header(draft, number);
		break;
	case 1:
		copy_frame(draft, number);
		break;
	case 2:
		cut(draft, from, to - from);
		break;
	case 3: /* elsewhere */
		copy_frame(draft, number);
		find_frames(draft);
		if (number < draft->count)
			cut(draft, draft->frames[number],
			    draft->frames[number + 1] - draft->frames[number]);
		break;
	case 4:
		if (below(draft, 4) == 0)
			draft->size = below(draft, draft->size);
		break;
	case 5:
	case 6:
	case 7:
		alter_records(draft, number);
		break;
	case 8:
		draft->data[below(draft, draft->size)] = draw(draft);
		break;
	default:
		if (has_flows(draft, number) && is_live(draft) && !below(draft, 4))
			alter_place(draft, number);
		else if (has_flows(draft, number))
			alter_flow(draft, number);
		else if (to - from > sizeof(struct vfw_state_frame))
			alter_field(draft, from + sizeof(struct vfw_state_frame), to);
		break;
	}
}

static __u32 seal_frame(__u8 *at, size_t length)
{
	struct vfw_state_frame frame = get_frame(at);

	frame.crc = 0;
	memcpy(at, &frame, sizeof(frame));
	frame.crc = htole32(crc32c(0, at, length));
	memcpy(at, &frame, sizeof(frame));
	return frame.crc;
}

/* What END says of the frames before it; in a live stream, not how many flows there are. */
static void put_totals(struct draft *draft, __u8 *at, __u32 digest)
{
	__u32 counts[VFW_FRAME_TYPE_END + 1] = {};
	struct vfw_state_end end;

	for (unsigned int i = 0; i + 1 < draft->count; i++) {
		struct vfw_state_frame frame = get_frame(draft->data + draft->frames[i]);

		if (le16toh(frame.type) <= VFW_FRAME_TYPE_END)
			counts[le16toh(frame.type)] += le32toh(frame.count);
	}
	memcpy(&end, at + sizeof(struct vfw_state_frame), sizeof(end));
	if (is_live(draft)) {
		counts[VFW_FRAME_TYPE_FLOWS_IPV4] = le32toh(end.flows_ipv4);
		counts[VFW_FRAME_TYPE_FLOWS_IPV6] = le32toh(end.flows_ipv6);
		counts[VFW_FRAME_TYPE_FLOWS_TAGGED] = le32toh(end.flows_tagged);
	}
	end = (struct vfw_state_end){
		.frames = htole32(draft->count),
		.ports = htole32(counts[VFW_FRAME_TYPE_PORT]),
		.rules = htole32(counts[VFW_FRAME_TYPE_RULES]),
		.flows_ipv4 = htole32(counts[VFW_FRAME_TYPE_FLOWS_IPV4]),
		.flows_ipv6 = htole32(counts[VFW_FRAME_TYPE_FLOWS_IPV6]),
		.flows_tagged = htole32(counts[VFW_FRAME_TYPE_FLOWS_TAGGED]),
		.digest = htole32(digest),
		.bytes = htole64(at - draft->data),
	};
	memcpy(at + sizeof(struct vfw_state_frame), &end, sizeof(end));
}

static bool is_end(const struct draft *draft, unsigned int i)
{
	return draft->frames[i + 1] - draft->frames[i] ==
	       sizeof(struct vfw_state_frame) + sizeof(struct vfw_state_end) &&
	       le16toh(get_frame(draft->data + draft->frames[i]).type) == VFW_FRAME_TYPE_END;
}

/* How many rules the policy says there are, as far as one would not notice. */
static void put_rules(struct draft *draft)
{
	__u8 *policy = NULL;
	__le32 value;
	__u32 rules = 0;

	for (unsigned int i = 0; i < draft->count; i++) {
		__u8 *at = draft->data + draft->frames[i];

		if (draft->frames[i + 1] - draft->frames[i] < sizeof(struct vfw_state_frame))
			return;
		if (le16toh(get_frame(at).type) == VFW_FRAME_TYPE_RULES)
			rules += le32toh(get_frame(at).count);
		if (le16toh(get_frame(at).type) == VFW_FRAME_TYPE_POLICY &&
		    draft->frames[i + 1] - draft->frames[i] >=
		    sizeof(struct vfw_state_frame) + sizeof(struct vfw_state_policy))
			policy = at + sizeof(struct vfw_state_frame);
	}
	value = htole32(rules);
	if (policy && policy[0])
		memcpy(policy + offsetof(struct vfw_state_policy, rules), &value, sizeof(value));
}

static void seal(struct draft *draft, bool totals)
{
	__u32 digest = 0;

	find_frames(draft);
	if (totals)
		put_rules(draft);
	for (unsigned int i = 0; i < draft->count; i++) {
		size_t length = draft->frames[i + 1] - draft->frames[i];
		__u8 *at = draft->data + draft->frames[i];
		struct vfw_state_frame frame;
		__u32 crc;

		if (length < sizeof(frame))
			return;
		if (totals) {
			frame = get_frame(at);
			frame.sequence = htole32(i);
			memcpy(at, &frame, sizeof(frame));
			if (is_end(draft, i))
				put_totals(draft, at, digest);
		}
		crc = seal_frame(at, length);
		digest = crc32c(digest, &crc, sizeof(crc));
	}
}

/**
 * snapshot_seal() - make the checksums of a snapshot right
 * @data: the snapshot
 * @size: its length
 * @totals: also the frames' numbers, and what is counted in POLICY and END
 */
void snapshot_seal(__u8 *data, size_t size, int totals)
{
	struct draft draft = { .data = data, .size = size, .room = size };

	seal(&draft, totals);
}

/**
 * snapshot_mutate() - alter a snapshot
 * @data: the snapshot
 * @size: its length
 * @room: its greatest length
 * @seed: which alterations
 *
 * Return: its length now; never 0.
 */
size_t snapshot_mutate(__u8 *data, size_t size, size_t room, __u64 seed)
{
	struct draft draft = { .data = data, .size = size, .room = room, .random = seed };
	size_t times = 1 + below(&draft, 1 + below(&draft, 5)), how = below(&draft, 16);

	while (times-- && draft.size)
		alter(&draft);
	if (!draft.size)
		draft.size = 1;
	if (how)
		seal(&draft, how > 2);
	return draft.size;
}
