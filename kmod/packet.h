/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_PACKET_H
#define _VFW_PACKET_H

#include <linux/in6.h>
#include <linux/skbuff.h>
#include <uapi/linux/vfw.h>

/**
 * enum vfw_packet_kind - how a packet is to be judged
 * @VFW_PACKET_FLOW: by a flow, or by the rules where there is none: TCP, UDP, ICMP echo and
 *	other protocols by their addresses
 * @VFW_PACKET_ICMP_ERROR: by the flow that the packet quoted in it belongs to
 * @VFW_PACKET_ICMP_OTHER: each by itself, by the rules; it opens no flow
 * @VFW_PACKET_NEIGHBOUR: passes: ARP, and neighbour discovery from its own link
 * @VFW_PACKET_LATER: by what became of the first fragment of its datagram
 */
enum vfw_packet_kind {
	VFW_PACKET_FLOW,
	VFW_PACKET_ICMP_ERROR,
	VFW_PACKET_ICMP_OTHER,
	VFW_PACKET_NEIGHBOUR,
	VFW_PACKET_LATER,
};

/**
 * union vfw_addr - an address of either family, network order
 * @v4: IPv4; the rest of the union is zero then
 * @v6: IPv6
 * @words: for comparing and hashing
 */
union vfw_addr {
	__be32 v4;
	struct in6_addr v6;
	u32 words[4];
};

/**
 * struct vfw_key - what names a flow within its VM
 * @local: address of the VM's end
 * @remote: address of the far end
 * @local_port: port of the VM's end, network order; identifier of an ICMP echo; else 0
 * @remote_port: port of the far end, network order; else 0
 * @protocol: IP protocol; of ICMP, IPPROTO_ICMP or IPPROTO_ICMPV6
 * @family: enum vfw_family, IPv4 or IPv6
 * @tags: VLANs of its frames, the outer one first, as vfw_vlan_tag() makes them; 0 for none
 */
struct vfw_key {
	union vfw_addr local;
	union vfw_addr remote;
	__be16 local_port;
	__be16 remote_port;
	u8 protocol;
	u8 family;
	u16 tags[2];
};

static inline bool vfw_key_tagged(const struct vfw_key *key)
{
	return key->tags[0];
}

/**
 * struct vfw_vlan - a VLAN tag as it stands in a frame
 * @type: the ethertype that begins it
 * @tci: priority and number of the VLAN
 */
struct vfw_vlan {
	__be16 type;
	__be16 tci;
};

#define VFW_TCPHDR_FIN	0x01
#define VFW_TCPHDR_SYN	0x02
#define VFW_TCPHDR_RST	0x04
#define VFW_TCPHDR_PSH	0x08
#define VFW_TCPHDR_ACK	0x10
#define VFW_TCPHDR_URG	0x20

/**
 * struct vfw_segment - a TCP segment as tracking needs it; numbers in host order
 * @seq: sequence number
 * @ack: acknowledgment number; means nothing without ACK
 * @sack: highest right edge in its SACK blocks, or @ack when there is none
 * @length: bytes of payload by the IP header, without what SYN and FIN add
 * @window: as it stands in the header, not scaled
 * @flags: VFW_TCPHDR_*, the low eight flags of the header
 * @scale: the window scale option of a SYN, at most 14 (RFC 7323, 2.3)
 * @options: VFW_TCP_WINDOW_SCALE and VFW_TCP_SACK where a SYN carries these options
 */
struct vfw_segment {
	u32 seq;
	u32 ack;
	u32 sack;
	u32 length;
	u16 window;
	u8 flags;
	u8 scale;
	u8 options;
};

/**
 * enum vfw_sctp_kind - chunks of SCTP that tracking tells apart, in the order in which it looks at
 *	those of one packet
 */
enum vfw_sctp_kind {
	VFW_SCTP_INIT,
	VFW_SCTP_INIT_ACK,
	VFW_SCTP_COOKIE_ECHO,
	VFW_SCTP_COOKIE_ACK,
	VFW_SCTP_HEARTBEAT,
	VFW_SCTP_HEARTBEAT_ACK,
	VFW_SCTP_OTHER,
	VFW_SCTP_SHUTDOWN,
	VFW_SCTP_SHUTDOWN_ACK,
	VFW_SCTP_SHUTDOWN_COMPLETE,
	VFW_SCTP_ABORT,
	VFW_SCTP_KINDS,
};

/**
 * struct vfw_chunks - an SCTP packet as tracking needs it; tags in host order
 * @tag: its verification tag
 * @init_tag: the tag that an INIT or INIT ACK offers, else 0
 * @kinds: bits by enum vfw_sctp_kind
 * @reflected: its tag is that of the packet it answers (T of ABORT and SHUTDOWN COMPLETE)
 */
struct vfw_chunks {
	u32 tag;
	u32 init_tag;
	u16 kinds;
	bool reflected;
};

/**
 * struct vfw_piece - what a fragment is of its datagram
 * @local: address of the VM's end, by the fragment's own header
 * @remote: address of the far end
 * @id: identification, network order
 * @head: bytes that count towards the longest datagram there can be, and are not cut: IPv4, the
 *	header; IPv6, the extension headers before the one of fragmentation
 * @offset: bytes of the datagram before it
 * @length: bytes of it
 * @need: of a first one, bytes that there must be in all by the headers in it; else 0
 * @protocol: IPv4, what tells datagrams apart beside @id; IPv6, 0
 * @more: it is not the last
 * @present: the packet is a fragment; all else is valid then
 */
struct vfw_piece {
	union vfw_addr local;
	union vfw_addr remote;
	__be32 id;
	u16 head;
	u16 offset;
	u16 length;
	u16 need;
	u8 protocol;
	bool more;
	bool present;
};

/**
 * struct vfw_packet - a packet, parsed
 * @key: the flow it belongs to; of an ICMP error, the flow of the packet quoted in it
 * @kind: how it is to be judged
 * @dir: enum vfw_direction, in or out
 * @announce: it tells the link where the VM is now (RARP, gratuitous ARP, unsolicited NA)
 * @icmp_type: type of ICMP or ICMPv6
 * @icmp_code: code
 * @icmp_reply: it is an echo reply; of an ICMP error, it quotes one
 * @quoted_dir: of an ICMP error, the direction in which the packet quoted in it went
 * @quoted_seq: of an ICMP error about TCP, the sequence number quoted, host order
 * @segments: packets on the wire it stands for (GSO), at least 1
 * @length: bytes by the IP header, all of it; of a frame without one, skb->len
 * @nhoff: where the IP header begins, from skb->data
 * @l4off: where the transport header begins, from skb->data
 * @n_vlans: VLAN tags it carries, those with nothing but a priority included
 * @vlans: these, the outer one first
 * @hash: vfw_flow_hash() of @key, if @hashed
 * @hashed: the quick way has looked for a flow, and found none to judge by
 * @unknown: there was none at all; says nothing unless @hashed
 * @tcp: valid where key.protocol is TCP and kind is VFW_PACKET_FLOW; of a first fragment, with the
 *	length that is in it
 * @sctp: valid where key.protocol is SCTP; of an ICMP error, the tags of the packet quoted
 * @dccp_request: where key.protocol is DCCP, it is a Request
 * @piece: of a fragment; what the quick way fills in has none
 */
struct vfw_packet {
	struct vfw_key key;
	u8 kind;
	u8 dir;
	bool announce;
	u8 icmp_type;
	u8 icmp_code;
	bool icmp_reply;
	u8 quoted_dir;
	u32 quoted_seq;
	u32 segments;
	u32 length;
	int nhoff;
	int l4off;
	u32 n_vlans;
	struct vfw_vlan vlans[2];
	u32 hash;
	bool hashed;
	bool unknown;
	union {
		struct vfw_segment tcp;
		struct vfw_chunks sctp;
		bool dccp_request;
	};
	struct vfw_piece piece;
};

enum vfw_drop_reason vfw_packet_parse(const struct sk_buff *skb, int nhoff, __be16 ethertype,
				      enum vfw_direction dir, bool trunk, struct vfw_packet *pkt);
bool vfw_packet_has_ports(u8 protocol);
enum vfw_drop_reason vfw_packet_ports(const struct sk_buff *skb, int off, enum vfw_direction dir,
				      struct vfw_key *key);

#endif /* _VFW_PACKET_H */
