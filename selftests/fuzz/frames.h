/* SPDX-License-Identifier: GPL-2.0 */
/* Frames on their way through the fuzzer of packets. Used by fuzz_packets.py by ctypes. */
#ifndef VFW_FUZZ_FRAMES_H
#define VFW_FUZZ_FRAMES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define FRAME_ROOM	24576	/* most bytes of a frame */
#define VNET_HEADER	10	/* struct virtio_net_hdr */
#define VMS		5
#define ODD_KEPT	512	/* bytes of a frame that are kept to be shown */

/**
 * struct frame - a frame, as it is sent; in a batch they stand one behind the other
 * @length: bytes of @data
 * @vm: which VM's it is
 * @out: it comes from the VM, else it goes to it
 * @loose: its header asks the kernel for things that may alter it
 * @pad: 0
 * @vnet: header for segmentation and checksums
 * @pad2: 0
 * @data: its bytes; the next frame begins at the next multiple of 4
 */
struct frame {
	__u32 length;
	__u8 vm;
	__u8 out;
	__u8 loose;
	__u8 pad;
	__u8 vnet[VNET_HEADER];
	__u8 pad2[2];
	__u8 data[];
};

static inline size_t frame_size(const struct frame *frame)
{
	return (sizeof(*frame) + frame->length + 3) & ~(size_t)3;
}

/**
 * struct chance - a generator of random numbers (splitmix64)
 * @state: its state
 */
struct chance {
	__u64 state;
};

static inline __u64 draw(struct chance *chance)
{
	__u64 z = chance->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline __u32 below(struct chance *chance, __u32 limit)
{
	return limit ? draw(chance) % limit : 0;
}

static inline bool once_in(struct chance *chance, __u32 times)
{
	return below(chance, times) == 0;
}

/**
 * struct wire - a VM's port
 * @tap: file of the tap
 * @port: packet socket that sends at the port, with VNET headers
 * @far: packet socket at the end of the veth, with VNET headers
 */
struct wire {
	int tap, port, far;
};

/**
 * struct result - what became of a VM's frames; the first of each pair is of those to the VM
 * @tried: frames that the kernel was given
 * @sent: of them, those that it took
 * @unseen: of them, those that no hook sees: tags cut short
 * @arrived: frames that arrived
 * @odd: of them, those that nobody sent
 * @odd_length: bytes of the first one of them
 * @odd_frame: it
 */
struct result {
	__u32 tried[2];
	__u32 sent[2];
	__u32 unseen[2];
	__u32 arrived[2];
	__u32 odd[2];
	__u32 odd_length;
	__u8 odd_frame[ODD_KEPT];
};

/* alter.c */
void frame_alter(struct chance *chance, struct frame *frame);
void frame_offload(struct chance *chance, struct frame *frame);
int frame_split(struct chance *chance, const struct frame *frame, struct frame **parts, int most);

/* frames.c */
int corpus_load(const char *path);
size_t batch_make(__u64 seed, __u32 count, __u32 loose, __u8 *room, size_t size);

/* wire.c */
void wires_reset(void);
void wires_drain(const struct wire *wires, struct result *results);
void wires_send(const struct wire *wires, struct result *results, const __u8 *batch, size_t size);

#endif /* VFW_FUZZ_FRAMES_H */
