/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/vfw_differential: packets for both sides at once, and what each side made of them. Shared
 * by the module and the program. All numbers in the machine's order, but addresses and ports.
 */
#ifndef _VFW_DIFFERENTIAL_H
#define _VFW_DIFFERENTIAL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VFWD_FRAME_MAX	2048

/* What one side knows of one end of a TCP connection. */
struct vfwd_peer {
	__u32 end;
	__u32 max_end;
	__u32 max_window;
	__u32 max_ack;		/* conntrack's only */
	__u8 scale;
	__u8 flags;		/* each side's own */
	__u16 unused;
};

#define VFWD_KNOWN	1
#define VFWD_REPLIED	2	/* conntrack */
#define VFWD_ASSURED	4	/* conntrack */

/**
 * struct vfwd_tags - what one side knows of one end of an SCTP association
 * @tag: verification tags of packets to this end; the first is in force. conntrack has no more
 * @flags: vfw: VFW_SCTP_*; conntrack: it sent an INIT that is not answered
 */
struct vfwd_tags {
	__u32 tag[3];
	__u8 flags;
	__u8 unused[3];
};

/**
 * struct vfwd_side - one side after a packet
 * @peer: [0] the far end, [1] the VM, like enum vfw_direction
 * @tags: the same of SCTP
 * @passed: how many times the very packet came out
 * @other: how many other packets came out
 * @reason: vfw: enum vfw_drop_reason; conntrack: 0
 * @known: it has a flow, an entry
 * @state: of it: enum vfw_flow_state, enum tcp_conntrack
 * @opened: direction in which it was opened
 * @replied: conntrack: packets were seen both ways
 * @assured: conntrack: and the handshake was complete
 * @due: UDP, before the packet: it has lasted so long that both having spoken makes it a stream
 * @entry: by direction in which it was opened: VFWD_*. Of an echo there may be one in each; of vfw
 *	the other one says that both may ask
 * @last_index: what follows is conntrack's: kind of the last segment it took note of
 * @last_dir: as enum ip_conntrack_dir
 * @last_flags: IP_CT_EXP_CHALLENGE_ACK, IP_CT_TCP_SIMULTANEOUS_OPEN; of SCTP, whether a HEARTBEAT
 *	had a wrong tag
 * @last_ack: of it
 * @last_end: of it
 * @last_win: of it
 */
struct vfwd_side {
	union {
		struct vfwd_peer peer[2];
		struct vfwd_tags tags[2];
	};
	__u8 passed;
	__u8 other;
	__u8 reason;
	__u8 known;
	__u8 state;
	__u8 opened;
	__u8 replied;
	__u8 last_index;
	__u8 last_dir;
	__u8 last_flags;
	__u8 assured;
	__u8 due;
	__u32 last_ack;
	__u32 last_end;
	__u16 last_win;
	__u8 entry[2];
};

/* A frame that came out: of conntrack's side, 0, or vfw's, 1. */
struct vfwd_out {
	__u16 side;
	__u16 length;
};

/**
 * struct vfwd_packet - a packet, and what became of it
 * @frame: where it lies
 * @length: bytes
 * @dir: enum vfw_direction
 * @ipv6: the connection's family
 * @protocol: the connection's protocol
 * @age: seconds that a flow and an entry of UDP are to be older than they are
 * @local: the connection's addresses, the VM's end
 * @remote: and the far end
 * @local_port: ports, or identifier of an echo
 * @remote_port: likewise
 * @out_bytes: room at @out; then what is there
 * @out: where to put the frames that came out, each behind a struct vfwd_out, or 0
 * @conntrack: filled in
 * @vfw: filled in
 */
struct vfwd_packet {
	__u64 frame;
	__u16 length;
	__u8 dir;
	__u8 ipv6;
	__u8 protocol;
	__u8 age;
	__u8 unused[2];
	__u8 local[16];
	__u8 remote[16];
	__be16 local_port;
	__be16 remote_port;
	__u32 out_bytes;
	__u64 out;
	struct vfwd_side conntrack;
	struct vfwd_side vfw;
};

struct vfwd_run {
	__u64 packets;		/* struct vfwd_packet[count] */
	__u32 count;
	__u32 unused;
};

#define VFWD_RUN	_IOW('V', 0xd0, struct vfwd_run)

#endif /* _VFW_DIFFERENTIAL_H */
