/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The snapshot of a VM's firewall state: a stream of frames, described byte by byte in
 * Documentation/snapshot-format.md.
 *
 * All numbers are little-endian, addresses and ports are in network order, all padding and
 * all fields named reserved are zero and are checked to be. A stream is
 *
 *	HEADER VM PORT POLICY RULES* STATS FLOWS_IPV4* FLOWS_IPV6* FLOWS_TAGGED* END
 *
 * Each frame stands alone: it has its own length, sequence number and checksum. RULES and FLOWS
 * frames appear as often as it takes, and not at all when there is nothing to put in them; each
 * other frame appears once. CRC-32C is that of RFC 9260, appendix A.
 *
 * A live stream is written while packets go on, and says so in its header. Its flows come in
 * rounds:
 *
 *	HEADER VM PORT POLICY RULES* round* last-round
 *	round		ROUND GONE* FLOWS_IPV4* FLOWS_IPV6* FLOWS_TAGGED*
 *	last-round	ROUND GONE* FLOWS_IPV4* FLOWS_IPV6* FLOWS_TAGGED* RULE_COUNTERS* STATS END
 *
 * The first round has all flows, each further one those that changed or ended since they were
 * written. In a live stream each flow has a place, a number that no other flow has while it lives:
 * a record replaces whatever was known of its place, and of its key. The places of the records of
 * a FLOWS frame follow behind all of them, 32 bits each, with zeros up to a multiple of 8.
 */
#ifndef _UAPI_LINUX_VFW_STATE_H
#define _UAPI_LINUX_VFW_STATE_H

#include <linux/types.h>

#define VFW_STATE_MAGIC		0x53574656	/* "VFWS" as it stands in the stream */
#define VFW_STATE_VERSION	2

/**
 * struct vfw_state_frame - what each frame begins with
 * @magic: VFW_STATE_MAGIC
 * @type: enum vfw_frame_type
 * @version: VFW_STATE_VERSION, the same in all frames of a stream
 * @length: bytes of the whole frame with this header; a multiple of 8, at most VFW_FRAME_MAX
 * @count: records that follow
 * @sequence: number of the frame in the stream, from 0
 * @crc: CRC-32C of the whole frame, taken with this field zero
 */
struct vfw_state_frame {
	__le32 magic;
	__le16 type;
	__le16 version;
	__le32 length;
	__le32 count;
	__le32 sequence;
	__le32 crc;
};

#define VFW_STATE_HEADER_FROZEN	1	/* the VM was frozen: nothing changed while it was read */
#define VFW_STATE_HEADER_LIVE	2	/* a live stream: its flows come in rounds */

/**
 * struct vfw_state_header - the one record of a HEADER frame
 * @uuid: the VM's UUID, bytes in the order in which it is written
 * @incarnation: what the VM's incarnation is after this state is committed
 * @time: when it was saved, nanoseconds since 1970 by the saver's clock; information only
 * @flags: VFW_STATE_HEADER_*
 * @flows_ipv4: flows of IPv4 outside VLANs there were when it was begun, about; 0 for not known.
 *	For making room, no more: what counts is in the END frame
 * @creator: name and version of the software that wrote it, zero-padded; information only
 * @flows_tagged: the same of flows of either family in VLANs
 * @flows_ipv6: the same of IPv6 outside
 */
struct vfw_state_header {
	__u8 uuid[16];
	__le64 incarnation;
	__le64 time;
	__le32 flags;
	__le32 flows_ipv4;
	__u8 creator[24];
	__le32 flows_tagged;
	__le32 flows_ipv6;
};

/**
 * struct vfw_state_vm - the one record of a VM frame
 * @name: display name, zero-padded; the last byte is 0
 */
struct vfw_state_vm {
	__u8 name[64];
};

#define VFW_STATE_PORT_TRUNK	1	/* frames with VLAN tags may pass */

/**
 * struct vfw_state_port - a record of a PORT frame
 * @name: name of the netdev at the source, zero-padded; the last byte is 0
 * @type: enum vfw_port_type
 * @flags: VFW_STATE_PORT_*
 * @reserved: 0
 */
struct vfw_state_port {
	__u8 name[16];
	__u8 type;
	__u8 flags;
	__u8 reserved[6];
};

#define VFW_STATE_POLICY_LOADED	1	/* else there was no policy, and the rest is 0 */
#define VFW_STATE_POLICY_PICKUP	2	/* a TCP segment that is no SYN may open a flow */

#define VFW_STATE_TIMEOUTS	16

/**
 * struct vfw_state_policy - the one record of a POLICY frame
 * @flags: VFW_STATE_POLICY_*
 * @default_in: enum vfw_action
 * @default_out: enum vfw_action
 * @reserved: 0
 * @rules: how many rule records follow in RULES frames
 * @max_flows: cap on flows
 * @max_half_open: cap on half-open flows, for each direction in which they are opened
 * @max_source_flows: cap on flows opened from outside by one source, 0 for none
 * @max_fragments: cap on datagrams in fragments, for each direction
 * @fragment_bytes: cap on bytes of fragments that wait, for each direction
 * @timeouts: seconds, in the order of the netlink attributes (VFW_A_TIMEOUTS_TCP_SYN_SENT first)
 * @reserved2: 0
 */
struct vfw_state_policy {
	__u8 flags;
	__u8 default_in;
	__u8 default_out;
	__u8 reserved;
	__le32 rules;
	__le32 max_flows;
	__le32 max_half_open;
	__le32 max_source_flows;
	__le32 max_fragments;
	__le32 fragment_bytes;
	__le32 timeouts[VFW_STATE_TIMEOUTS];
	__le32 reserved2;
};

#define VFW_STATE_RULE_STATELESS	0x01
#define VFW_STATE_RULE_PROTOCOL		0x02	/* protocol is set */
#define VFW_STATE_RULE_ICMP_TYPE	0x04	/* icmp_type is set */
#define VFW_STATE_RULE_ICMP_CODE	0x08	/* icmp_code is set */
#define VFW_STATE_RULE_TCP_FLAGS	0x10	/* tcp_flags and tcp_flags_mask are set */
#define VFW_STATE_RULE_LOCAL		0x20	/* local and local_prefix are set */
#define VFW_STATE_RULE_REMOTE		0x40	/* remote and remote_prefix are set */

/**
 * struct vfw_state_range - a range of ports, both ends included (little-endian, not network order)
 */
struct vfw_state_range {
	__le16 first;
	__le16 last;
};

/**
 * struct vfw_state_rule - a record of a RULES frame
 * @length: bytes of this record with what follows it; a multiple of 8
 * @flags: VFW_STATE_RULE_*
 * @action: enum vfw_action
 * @direction: enum vfw_direction
 * @family: enum vfw_family
 * @protocol: IP protocol
 * @icmp_type: type of ICMP or ICMPv6
 * @icmp_code: code
 * @tcp_flags: value of the flags under the mask
 * @tcp_flags_mask: which flags are looked at
 * @local_prefix: bits of @local that count
 * @remote_prefix: bits of @remote that count
 * @local_ranges: how many struct vfw_state_range for the local port follow
 * @remote_ranges: how many for the remote port follow these
 * @comment_length: bytes of comment after the ranges, without a terminator
 * @packets: packets decided; those of flows that live on are not included. 0 in a live stream,
 *	where RULE_COUNTERS frames say it at the end
 * @bytes: bytes of them
 * @local: IPv4 in the first 4 bytes, or IPv6; zero beyond the prefix
 * @remote: the same
 * The ranges and the comment follow, then zeros up to @length.
 */
struct vfw_state_rule {
	__le16 length;
	__u8 flags;
	__u8 action;
	__u8 direction;
	__u8 family;
	__u8 protocol;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tcp_flags;
	__u8 tcp_flags_mask;
	__u8 local_prefix;
	__u8 remote_prefix;
	__u8 local_ranges;
	__u8 remote_ranges;
	__u8 comment_length;
	__le64 packets;
	__le64 bytes;
	__u8 local[16];
	__u8 remote[16];
};

/**
 * struct vfw_state_stats - the first record of a STATS frame
 * @in_packets: packets to the VM that passed; those of flows that live on are not included, they
 *	stand in the flows' records
 * @in_bytes: bytes of them
 * @out_packets: packets from the VM that passed
 * @out_bytes: bytes of them
 * @opened: flows opened, those that live on included
 * @ended: flows ended
 * @held: packets that were held
 * @evicted: flows that had to go for new ones; they are among those that ended
 * @drops: how many struct vfw_state_drop follow, the reasons in ascending order
 * @reserved: 0
 */
struct vfw_state_stats {
	__le64 in_packets;
	__le64 in_bytes;
	__le64 out_packets;
	__le64 out_bytes;
	__le64 opened;
	__le64 ended;
	__le64 held;
	__le64 evicted;
	__le32 drops;
	__le32 reserved;
};

/**
 * struct vfw_state_drop - drops under one reason
 * @reason: enum vfw_drop_reason
 * @reserved: 0
 * @in_packets: of packets to the VM
 * @out_packets: of packets from the VM
 */
struct vfw_state_drop {
	__le32 reason;
	__le32 reserved;
	__le64 in_packets;
	__le64 out_packets;
};

#define VFW_STATE_FLOW_OPENED_OUT	0x01	/* opened by the VM, else by the far end */
#define VFW_STATE_FLOW_REJUDGE		0x02	/* admitted by an earlier policy */
#define VFW_STATE_FLOW_ECHO_BOTH	0x04	/* of an ICMP echo: both ends send requests */

#define VFW_TCP_WINDOW_SCALE	0x01	/* this end offered the option (RFC 7323) */
#define VFW_TCP_SACK		0x02	/* this end offered the option (RFC 2018) */
#define VFW_TCP_FIN		0x04	/* this end sent FIN */
#define VFW_TCP_UNKNOWN		0x08	/* window not known (flow picked up); not checked yet */
#define VFW_TCP_SYN		0x10	/* this end sent a SYN without ACK: it opened */
#define VFW_TCP_FIN_ACKED	0x20	/* this end's FIN was acknowledged */
#define VFW_TCP_ALL		0x3f

/**
 * struct vfw_state_tcp - one end of a TCP flow; all 0 in a flow of another protocol
 * @end: highest sequence number sent, plus one
 * @max_end: highest sequence number the other end's window lets it send
 * @max_window: largest window it announced, scaled
 */
struct vfw_state_tcp {
	__le32 end;
	__le32 max_end;
	__le32 max_window;
};

#define VFW_STATE_SCTP_TAGS	3

#define VFW_SCTP_ECHOED		0x01	/* this end echoed a cookie that is not acknowledged yet */

/**
 * struct vfw_state_sctp - one end of an SCTP flow
 * @tags: verification tags it offered; the first is in force, or the first of a handshake under
 *	way, the others are of handshakes under way; 0 for none. Tags of the same place in both ends
 *	belong together
 */
struct vfw_state_sctp {
	__le32 tags[VFW_STATE_SCTP_TAGS];
};

/**
 * struct vfw_state_flow - what the records of flows of both families share
 * @in_packets: packets to the VM
 * @in_bytes: bytes of them, by the IP header
 * @out_packets: packets from the VM
 * @out_bytes: bytes of them
 * @expires: milliseconds until it ends
 * @age: seconds since it was opened
 * @rule: number of the rule that admitted it, from 1; 0 for the default verdict, and with
 *	VFW_STATE_FLOW_REJUDGE
 * @local_port: port of the VM's end, network order; identifier of an ICMP echo
 * @remote_port: port of the far end, network order; 0 for an ICMP echo
 * @protocol: IP protocol
 * @state: enum vfw_flow_state
 * @flags: VFW_STATE_FLOW_*
 * @scales: window scales: the VM's in the low half, the far end's in the high half
 * @tcp_flags_local: VFW_TCP_* of the VM's end; VFW_SCTP_* in a flow of SCTP
 * @tcp_flags_remote: VFW_TCP_* of the far end; the same
 * @reserved: 0
 * @tcp_local: the VM's end
 * @sctp_local: the same of SCTP
 * @tcp_remote: the far end
 * @sctp_remote: the same of SCTP
 */
struct vfw_state_flow {
	__le64 in_packets;
	__le64 in_bytes;
	__le64 out_packets;
	__le64 out_bytes;
	__le32 expires;
	__le32 age;
	__le32 rule;
	__be16 local_port;
	__be16 remote_port;
	__u8 protocol;
	__u8 state;
	__u8 flags;
	__u8 scales;
	__u8 tcp_flags_local;
	__u8 tcp_flags_remote;
	__u8 reserved[2];
	union {
		struct vfw_state_tcp tcp_local;
		struct vfw_state_sctp sctp_local;
	};
	union {
		struct vfw_state_tcp tcp_remote;
		struct vfw_state_sctp sctp_remote;
	};
};

/* 88 bytes. */
struct vfw_state_flow4 {
	struct vfw_state_flow flow;
	__u8 local[4];
	__u8 remote[4];
};

/* 112 bytes. */
struct vfw_state_flow6 {
	struct vfw_state_flow flow;
	__u8 local[16];
	__u8 remote[16];
};

/**
 * struct vfw_state_vlan - a VLAN tag; all 0 for none
 * @type: the ethertype that begins it, network order
 * @id: number of the VLAN, 1 to 4094, network order
 */
struct vfw_state_vlan {
	__be16 type;
	__be16 id;
};

/**
 * struct vfw_state_flow_tagged - a flow of either family, of frames with VLAN tags; 128 bytes
 * @flow: as the others
 * @local: address of the VM's end; IPv4 in the first 4 bytes, then zeros
 * @remote: the same of the far end
 * @outer: the outer tag
 * @inner: the inner tag, if there are two
 * @family: enum vfw_family, IPv4 or IPv6
 * @reserved: 0
 */
struct vfw_state_flow_tagged {
	struct vfw_state_flow flow;
	__u8 local[16];
	__u8 remote[16];
	struct vfw_state_vlan outer;
	struct vfw_state_vlan inner;
	__u8 family;
	__u8 reserved[7];
};

#define VFW_STATE_PLACES	0x20000000	/* places are below this */

#define VFW_STATE_ROUND_LAST	1	/* the VM is frozen, END follows */

/**
 * struct vfw_state_round - the one record of a ROUND frame, of a live stream
 * @number: from 1
 * @flags: VFW_STATE_ROUND_*
 * @elapsed: milliseconds of the VM's time since the stream began; never less than in the round
 *	before. Lifetimes and ages in the records of the round are as of this moment
 * @flows_ipv4: flows of IPv4 outside VLANs there are, about; information only
 * @flows_ipv6: the same of IPv6
 * @flows_tagged: the same of either family in VLANs
 * @changed: how many flows are about to follow in this round, about; information only
 */
struct vfw_state_round {
	__le32 number;
	__le32 flags;
	__le64 elapsed;
	__le32 flows_ipv4;
	__le32 flows_ipv6;
	__le32 flows_tagged;
	__le32 changed;
};

/**
 * struct vfw_state_gone - a record of a GONE frame, of a live stream
 * @place: where a flow was, if there was one; zeros follow the last up to a multiple of 8
 */
struct vfw_state_gone {
	__le32 place;
};

/**
 * struct vfw_state_rule_counters - a record of a RULE_COUNTERS frame, of a live stream
 * @rule: number of the rule, from 1; in ascending order
 * @reserved: 0
 * @packets: packets decided; those of flows that live on are not included
 * @bytes: bytes of them
 */
struct vfw_state_rule_counters {
	__le32 rule;
	__le32 reserved;
	__le64 packets;
	__le64 bytes;
};

/**
 * struct vfw_state_end - the one record of an END frame
 * @frames: frames in the stream, this one included
 * @ports: port records
 * @rules: rule records
 * @flows_ipv4: flow records of IPv4; in a live stream, flows there are
 * @flows_ipv6: flow records of IPv6; the same
 * @flows_tagged: flow records of both in VLANs; the same
 * @reserved: 0
 * @digest: CRC-32C of the field @crc of all frames before this one, as they stand in the stream
 * @bytes: how many bytes these are
 */
struct vfw_state_end {
	__le32 frames;
	__le32 ports;
	__le32 rules;
	__le32 flows_ipv4;
	__le32 flows_ipv6;
	__le32 flows_tagged;
	__le32 reserved;
	__le32 digest;
	__le64 bytes;
};

#endif /* _UAPI_LINUX_VFW_STATE_H */
