// SPDX-License-Identifier: GPL-2.0
/*
 * Batches of frames: conversations that were captured, taken up side by side, in which some frames
 * are altered, divided, doubled, or come at another time.
 */
#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVERSATIONS	64
#define FRAMES_MOST	4096
#define TOLD_MOST	12	/* conversations under way */
#define PARTS_MOST	8

/* What was captured: frames of one conversation are next to each other. */
static struct frame *captured[FRAMES_MOST];
static int n_captured;
static struct { int from, to; } conversations[CONVERSATIONS];
static int n_conversations;

struct pcap_header {
	__u32 magic;
	__u16 major, minor;
	__u32 zone, figures, snaplen, link;
};

struct pcap_record {
	__u32 seconds, fraction, length, wire_length;
};

/**
 * corpus_load() - read a capture; its frames are one conversation
 * @path: a pcap file, little-endian, of Ethernet
 *
 * Return: how many frames, or -1.
 */
int corpus_load(const char *path)
{
	static const __u8 vm_mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct pcap_header header;
	struct pcap_record record;
	FILE *file = fopen(path, "rb");
	int from = n_captured;

	if (!file || fread(&header, sizeof(header), 1, file) != 1 ||
	    header.magic != 0xa1b2c3d4 || header.link != 1 || n_conversations == CONVERSATIONS)
		return -1;
	while (n_captured < FRAMES_MOST && fread(&record, sizeof(record), 1, file) == 1) {
		struct frame *frame = calloc(1, sizeof(*frame) + FRAME_ROOM);

		if (!frame || record.length > FRAME_ROOM || record.length < 14 ||
		    fread(frame->data, record.length, 1, file) != 1)
			return -1;
		frame->length = record.length;
		frame->out = !memcmp(frame->data + 6, vm_mac, 6);
		captured[n_captured++] = frame;
	}
	fclose(file);
	conversations[n_conversations].from = from;
	conversations[n_conversations++].to = n_captured;
	return n_captured - from;
}

/**
 * struct told - a conversation that is under way
 * @next: the next frame
 * @end: where it ends
 * @vm: whose it is
 * @variant: what makes the far end another one
 */
struct told {
	int next, end;
	__u8 vm, variant;
};

static void tell(struct chance *chance, struct told *told)
{
	int which = below(chance, n_conversations);

	told->next = conversations[which].from;
	told->end = conversations[which].to;
	told->vm = below(chance, VMS);
	told->variant = below(chance, 200);
	/* Sometimes from the middle. */
	if (once_in(chance, 8))
		told->next += below(chance, told->end - told->next);
}

/* The far end 10.0.0.1 becomes 10.0.VARIANT.1, fd00::1 fd00::VARIANT:1, wherever it stands. */
static void vary(struct frame *frame, __u8 variant)
{
	static const __u8 far4[] = { 10, 0, 0, 1 };
	static const __u8 far6[] = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	__u8 *at = frame->data + 14, *end = frame->data + frame->length;

	for (; at + 4 <= end; at++) {
		if (!memcmp(at, far4, 4))
			at[2] = variant;
		if (at + 16 <= end && !memcmp(at, far6, 16))
			at[13] = variant;
	}
}

/* Addresses that the bridge floods, and that it does not take for its own. */
static void address(struct frame *frame)
{
	static const __u8 vm[6] = { 2, 0, 0, 0, 0, 2 }, far[6] = { 2, 0, 0, 0, 0, 1 };

	if (!(frame->data[0] & 1))
		memcpy(frame->data, frame->out ? far : vm, 6);
	memcpy(frame->data + 6, frame->out ? vm : far, 6);
}

/**
 * struct batch - frames being put together
 * @chance: how
 * @at: where the next one goes
 * @left: room for how many bytes
 * @count: how many more
 */
struct batch {
	struct chance chance;
	__u8 *at;
	size_t left;
	__u32 count;
};

static void put(struct batch *batch, struct frame *frame)
{
	size_t size = frame_size(frame);

	if (size > batch->left || !batch->count)
		return;
	address(frame);
	memset(batch->at, 0, size);
	memcpy(batch->at, frame, sizeof(*frame) + frame->length);
	batch->at += size;
	batch->left -= size;
	batch->count--;
}

static struct frame *new_frame(void)
{
	struct frame *frame = calloc(1, sizeof(*frame) + FRAME_ROOM + 64);

	if (!frame)
		abort();
	return frame;
}

static void put_split(struct batch *batch, struct frame *frame)
{
	static struct frame *parts[PARTS_MOST];
	struct chance *chance = &batch->chance;
	int count, i;

	for (i = 0; i < PARTS_MOST; i++)
		if (!parts[i])
			parts[i] = new_frame();
	count = frame_split(chance, frame, parts, PARTS_MOST);
	for (i = 0; i < count; i++) {
		int other = once_in(chance, 4) ? (int)below(chance, count) : i;
		struct frame *part = parts[i];

		parts[i] = parts[other];
		parts[other] = part;
	}
	for (i = 0; i < count; i++) {
		if (once_in(chance, 8))
			frame_alter(chance, parts[i]);
		put(batch, parts[i]);
		if (once_in(chance, 16))
			put(batch, parts[i]);
	}
}

static void put_one(struct batch *batch, struct frame *frame, bool loose)
{
	struct chance *chance = &batch->chance;

	switch (below(chance, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		frame_alter(chance, frame);
		put(batch, frame);
		break;
	case 6:
		put_split(batch, frame);
		break;
	case 7:
		put(batch, frame);
		if (once_in(chance, 2))
			frame_alter(chance, frame);
		put(batch, frame);
		break;
	case 8:
	case 9:
	case 10:
		if (loose)
			frame_offload(chance, frame);
		put(batch, frame);
		break;
	case 11: /* lost */
		break;
	default:
		put(batch, frame);
		break;
	}
}

/**
 * batch_make() - put a batch together
 * @seed: which one
 * @count: how many frames
 * @loose: some leave segmentation and checksums to the kernel
 * @room: where they go
 * @size: bytes of room
 *
 * Return: bytes used.
 */
size_t batch_make(__u64 seed, __u32 count, __u32 loose, __u8 *room, size_t size)
{
	struct batch batch = { { seed }, room, size, count };
	struct told told[TOLD_MOST] = {};
	static struct frame *frame;
	int tries = 20 * count;

	if (!frame)
		frame = new_frame();
	while (n_conversations && batch.count && batch.left > 4 * FRAME_ROOM && tries--) {
		struct told *now = &told[below(&batch.chance, TOLD_MOST)];
		const struct frame *next;

		if (now->next >= now->end)
			tell(&batch.chance, now);
		next = captured[now->next++];
		if (next->length > FRAME_ROOM / 2)
			continue;
		memcpy(frame, next, sizeof(*next) + next->length);
		frame->vm = now->vm;
		vary(frame, now->variant);
		put_one(&batch, frame, loose);
	}
	return batch.at - room;
}
