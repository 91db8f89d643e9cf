/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bench's injector and its Python wrapper (injector.py) say to each other, by ioctl on
 * /dev/vfw_bench. Numbers in the host's byte order unless said otherwise.
 */
#ifndef _VFW_BENCH_H
#define _VFW_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct vfwb_template - a frame that records refer to; its bytes follow
 * @len: bytes of the frame
 * @tcp_times: offset of the TCP timestamps option's TSval in the frame, 0: none
 */
struct vfwb_template {
	__u16 len;
	__u16 tcp_times;
};

/**
 * struct vfwb_record - one packet: a template, where it comes in, and what is put into it
 * @template: its number
 * @dev: dev_port of the netdev that receives it
 * @saddr: IPv4 source, network order; 0: as in the template
 * @daddr: IPv4 destination, network order; 0: as in the template
 * @sport: TCP or UDP source port, network order; 0: as in the template
 * @dport: TCP or UDP destination port, network order; 0: as in the template
 * @seq: TCP sequence number in pass 0
 * @ack: TCP acknowledgment number in pass 0
 * @seq_step: what a pass adds to @seq
 * @ack_step: what a pass adds to @ack
 * @reserved: 0
 */
struct vfwb_record {
	__u16 template;
	__u16 dev;
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u32 seq;
	__u32 ack;
	__u16 seq_step;
	__u16 ack_step;
	__u32 reserved;
};

/**
 * struct vfwb_load - templates (packed, each aligned to 4) or records
 * @ptr: where they are
 * @bytes: how long they are
 * @count: how many there are
 */
struct vfwb_load {
	__u64 ptr;
	__u32 bytes;
	__u32 count;
};

/* Time each packet by itself: @max_ns and @times are of packets, and the reading costs. */
#define VFWB_TIME_EACH	1

/**
 * struct vfwb_run - inject records, in their order, pass after pass
 * @first: first record of each pass
 * @count: records of each pass
 * @pass: number of the first pass
 * @passes: how many
 * @flags: VFWB_TIME_EACH
 * @times_room: room for so many times, 0: not wanted
 * @times: pointer to __u32, filled with the ns of each batch (of each packet with
 *	VFWB_TIME_EACH); as many as fit
 * @gauges: pointer to __u32, filled with the ns that a fixed piece of arithmetic took right before
 *	each batch, as many as @times; it is slow when the CPU's other thread is busy, or the CPU is
 * @ns: result: time in which packets were on their way
 * @packets: result: packets injected
 * @max_ns: result: the longest batch or packet
 * @sent_packets: result: packets that the netdevs were given to send meanwhile
 * @sent_bytes: result: their bytes
 */
struct vfwb_run {
	__u32 first;
	__u32 count;
	__u32 pass;
	__u32 passes;
	__u32 flags;
	__u32 times_room;
	__u64 times;
	__u64 gauges;
	__u64 ns;
	__u64 packets;
	__u64 max_ns;
	__u64 sent_packets;
	__u64 sent_bytes;
};

/**
 * struct vfwb_paced - inject a packet every so often, from a timer, as an interrupt would
 * @first: first record
 * @count: records; they are repeated
 * @interval: ns between two packets
 * @packets: result of VFWB_PACED_STOP: packets injected
 * @max_ns: result: the longest delay, from when a packet was due until it was through
 * @sum_ns: result: all delays
 * @sent_packets: result: packets that the netdevs were given to send meanwhile
 */
struct vfwb_paced {
	__u32 first;
	__u32 count;
	__u64 interval;
	__u64 packets;
	__u64 max_ns;
	__u64 sum_ns;
	__u64 sent_packets;
};

#define VFWB_TEMPLATES		_IOW('v', 1, struct vfwb_load)
#define VFWB_RECORDS		_IOW('v', 2, struct vfwb_load)
#define VFWB_RUN		_IOWR('v', 3, struct vfwb_run)
#define VFWB_PACED_START	_IOW('v', 4, struct vfwb_paced)
#define VFWB_PACED_STOP		_IOR('v', 5, struct vfwb_paced)

#define VFWB_BATCH	64	/* packets that are timed together */
#define VFWB_DEVS	1100	/* more than a bridge takes */

#endif
