// SPDX-License-Identifier: GPL-2.0
/*
 * Sends frames to ports, from both sides, and looks at what comes out.
 *
 *	VM's side			host				far side
 *	[tap file] ---------------- [tap = the port] --- bridge --- [veth] --- [packet socket]
 *						\ packet socket, which sends to the VM
 */
#include "frames.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ROUND	32		/* frames between two looks at what arrives */
#define SLOTS	65536

/* How many frames of each hash are on their way. Each hash has a slot of its own, nearly. */
static struct { __u64 hash; __u32 count; } slots[SLOTS];

static __u64 hash_frame(int vm, int out, const __u8 *data, size_t length)
{
	__u64 hash = 0xcbf29ce484222325ULL ^ (vm * 2 + out);
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ data[i]) * 0x100000001b3ULL;
	return hash | 1;
}

static unsigned int slot_of(__u64 hash)
{
	unsigned int slot = (hash >> 32) % SLOTS;

	while (slots[slot].hash && slots[slot].hash != hash)
		slot = (slot + 1) % SLOTS;
	return slot;
}

/**
 * wires_reset() - forget what is on its way
 */
void wires_reset(void)
{
	memset(slots, 0, sizeof(slots));
}

static void note_sent(const struct frame *frame)
{
	__u64 hash = hash_frame(frame->vm, frame->out, frame->data, frame->length);
	unsigned int slot = slot_of(hash);

	slots[slot].hash = hash;
	slots[slot].count++;
}

static void note_arrived(struct result *result, int vm, int out, const __u8 *data,
			 size_t length)
{
	unsigned int slot = slot_of(hash_frame(vm, out, data, length));

	result->arrived[out]++;
	if (slots[slot].count) {
		slots[slot].count--;
		return;
	}
	if (!result->odd[0] && !result->odd[1]) {
		result->odd_length = length;
		memcpy(result->odd_frame, data, length < ODD_KEPT ? length : ODD_KEPT);
	}
	result->odd[out]++;
}

/* The tag, which the kernel has taken out of the frame. */
static size_t put_tag(struct msghdr *message, __u8 *data, size_t length)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg; cmsg = CMSG_NXTHDR(message, cmsg)) {
		struct tpacket_auxdata aux;

		if (cmsg->cmsg_level != SOL_PACKET || cmsg->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		memmove(data + 16, data + 12, length - 12);
		data[12] = aux.tp_vlan_tpid >> 8;
		data[13] = aux.tp_vlan_tpid;
		data[14] = aux.tp_vlan_tci >> 8;
		data[15] = aux.tp_vlan_tci;
		return length + 4;
	}
	return length;
}

static __u8 arrived[VNET_HEADER + (1 << 17)];

static void drain_tap(const struct wire *wire, struct result *result, int vm)
{
	ssize_t length;

	while ((length = read(wire->tap, arrived, sizeof(arrived))) > VNET_HEADER)
		note_arrived(result, vm, 0, arrived + VNET_HEADER, length - VNET_HEADER);
}

static void drain_far(const struct wire *wire, struct result *result, int vm)
{
	__u8 control[256];
	struct iovec part = { arrived, sizeof(arrived) - 4 };

	for (;;) {
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t length = recvmsg(wire->far, &message, MSG_DONTWAIT);

		if (length < VNET_HEADER + 14)
			return;
		length = put_tag(&message, arrived + VNET_HEADER, length - VNET_HEADER);
		note_arrived(result, vm, 1, arrived + VNET_HEADER, length);
	}
}

/**
 * wires_drain() - look at what has arrived
 * @wires: of all VMs
 * @results: of all VMs
 */
void wires_drain(const struct wire *wires, struct result *results)
{
	int vm;

	for (vm = 0; vm < VMS; vm++) {
		drain_tap(&wires[vm], &results[vm], vm);
		drain_far(&wires[vm], &results[vm], vm);
	}
}

/* On ingress the kernel itself drops a frame whose tag is cut short. */
static bool tag_cut(const struct frame *frame)
{
	__u16 type = frame->data[12] << 8 | frame->data[13];

	return frame->out && (type == 0x8100 || type == 0x88a8) && frame->length < 20;
}

static void send_one(const struct wire *wire, struct result *result, const struct frame *frame)
{
	struct iovec parts[] = {
		{ (void *)frame->vnet, VNET_HEADER }, { (void *)frame->data, frame->length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t done;

	result->tried[frame->out]++;
	/* Before it is sent: it may arrive at once. */
	note_sent(frame);
	done = frame->out ? writev(wire->tap, parts, 2) :
			    sendmsg(wire->port, &message, MSG_DONTWAIT);
	if (done < 0)
		return;
	result->sent[frame->out]++;
	if (tag_cut(frame))
		result->unseen[frame->out]++;
}

/**
 * wires_send() - send frames
 * @wires: of all VMs
 * @results: of all VMs; what was before is added to
 * @batch: the frames
 * @size: bytes of them
 */
void wires_send(const struct wire *wires, struct result *results, const __u8 *batch, size_t size)
{
	size_t at = 0, count = 0;

	while (at + sizeof(struct frame) <= size) {
		const struct frame *frame = (const void *)(batch + at);

		if (frame->vm >= VMS || frame_size(frame) > size - at)
			break;
		send_one(&wires[frame->vm], &results[frame->vm], frame);
		at += frame_size(frame);
		if (++count % ROUND == 0)
			wires_drain(wires, results);
	}
	wires_drain(wires, results);
}
