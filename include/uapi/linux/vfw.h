/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfw.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: make regen */

#ifndef _UAPI_LINUX_VFW_H
#define _UAPI_LINUX_VFW_H

#define VFW_FAMILY_NAME		"vfw"
#define VFW_FAMILY_VERSION	1

#define VFW_UUID_LEN		16
#define VFW_NAME_MAX		63
#define VFW_IFNAME_MAX		15
#define VFW_COMMENT_MAX		127
#define VFW_PORTS_MAX		64
#define VFW_RULES_MAX		1000000
#define VFW_RANGES_MAX		32
#define VFW_FLOWS_MAX		16777216
#define VFW_TIMEOUT_MAX		1728000
#define VFW_FRAGMENTS_MAX	16384
#define VFW_FRAGMENT_BYTES_MAX	67108864
#define VFW_FRAME_MAX		32760

/**
 * enum vfw_direction - Direction of a packet, a rule or a flow's opening, as
 *   the VM sees it.
 * @VFW_DIRECTION_IN: Towards the VM.
 * @VFW_DIRECTION_OUT: From the VM.
 * @VFW_DIRECTION_BOTH: Either; for rules only.
 */
enum vfw_direction {
	VFW_DIRECTION_IN,
	VFW_DIRECTION_OUT,
	VFW_DIRECTION_BOTH,
};

enum vfw_family {
	VFW_FAMILY_ANY,
	VFW_FAMILY_IPV4,
	VFW_FAMILY_IPV6,
};

/**
 * enum vfw_action - What a rule, or a default verdict, does with a packet.
 * @VFW_ACTION_DROP: Drop it silently.
 * @VFW_ACTION_PASS: Let it through, and with it, unless the rule is stateless,
 *   the flow it opens.
 * @VFW_ACTION_REJECT: Drop it and answer with a TCP RST or an ICMP unreachable
 *   (administratively prohibited).
 */
enum vfw_action {
	VFW_ACTION_DROP,
	VFW_ACTION_PASS,
	VFW_ACTION_REJECT,
};

/**
 * enum vfw_vm_state
 * @VFW_VM_STATE_ACTIVE: Judging packets.
 * @VFW_VM_STATE_FROZEN: State is kept as it is; every packet is dropped
 *   (source of a move).
 * @VFW_VM_STATE_HOLDING: Packets wait, within bounds, for the state to arrive
 *   (destination of a move).
 * @VFW_VM_STATE_CLOSED: The hold's deadline has passed; every packet is
 *   dropped until commit or abort.
 */
enum vfw_vm_state {
	VFW_VM_STATE_ACTIVE,
	VFW_VM_STATE_FROZEN,
	VFW_VM_STATE_HOLDING,
	VFW_VM_STATE_CLOSED,
};

/**
 * enum vfw_port_state
 * @VFW_PORT_STATE_ABSENT: No netdev of this name is here yet; it is hooked
 *   when it appears.
 * @VFW_PORT_STATE_PRESENT: The netdev is here and filtered.
 */
enum vfw_port_state {
	VFW_PORT_STATE_ABSENT,
	VFW_PORT_STATE_PRESENT,
};

/**
 * enum vfw_port_type - Which way the netdev faces.
 * @VFW_PORT_TYPE_HOST: The host's end of the VM's link (tap, veth); what it
 *   receives comes from the VM.
 * @VFW_PORT_TYPE_MIRRORED: The netdev is the VM's own end (macvtap, macvlan);
 *   what it receives goes to the VM.
 */
enum vfw_port_type {
	VFW_PORT_TYPE_HOST,
	VFW_PORT_TYPE_MIRRORED,
};

/**
 * enum vfw_hold_expiry - What happens when a hold's deadline passes without a
 *   commit.
 * @VFW_HOLD_EXPIRY_STAY_CLOSED: Held packets are dropped and the VM stays
 *   closed until commit or abort.
 * @VFW_HOLD_EXPIRY_START_EMPTY: The VM becomes active with the policy it has
 *   and no flows.
 */
enum vfw_hold_expiry {
	VFW_HOLD_EXPIRY_STAY_CLOSED,
	VFW_HOLD_EXPIRY_START_EMPTY,
};

/**
 * enum vfw_flow_state - State of a flow. The first four serve every protocol
 *   but TCP and SCTP.
 * @VFW_FLOW_STATE_NEW: Packets seen in one direction only.
 * @VFW_FLOW_STATE_REPLIED: Packets seen in both directions.
 * @VFW_FLOW_STATE_STREAM: UDP seen in both directions for longer than two
 *   seconds.
 * @VFW_FLOW_STATE_TCP_SYN_SENT: SYN seen.
 * @VFW_FLOW_STATE_TCP_SYN_SENT2: SYNs seen in both directions (simultaneous
 *   open).
 * @VFW_FLOW_STATE_TCP_SYN_RECV: SYN/ACK seen.
 * @VFW_FLOW_STATE_TCP_ESTABLISHED: Handshake complete.
 * @VFW_FLOW_STATE_TCP_FIN_WAIT: FIN seen from one side.
 * @VFW_FLOW_STATE_TCP_CLOSE_WAIT: That FIN acknowledged.
 * @VFW_FLOW_STATE_TCP_LAST_ACK: FINs seen from both sides.
 * @VFW_FLOW_STATE_TCP_TIME_WAIT: Both FINs acknowledged.
 * @VFW_FLOW_STATE_TCP_CLOSE: Closed by RST.
 * @VFW_FLOW_STATE_SCTP_COOKIE_WAIT: SCTP INIT seen.
 * @VFW_FLOW_STATE_SCTP_COOKIE_ECHOED: COOKIE ECHO seen.
 * @VFW_FLOW_STATE_SCTP_ESTABLISHED: COOKIE ACK seen, or the answer on a path
 *   that a HEARTBEAT opened.
 * @VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT: SHUTDOWN seen from the end that opened
 *   the flow.
 * @VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD: SHUTDOWN seen from the other end.
 * @VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT: SHUTDOWN ACK seen.
 * @VFW_FLOW_STATE_SCTP_CLOSED: SHUTDOWN COMPLETE or ABORT seen.
 * @VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT: HEARTBEAT seen on another path of an
 *   association.
 */
enum vfw_flow_state {
	VFW_FLOW_STATE_NONE,
	VFW_FLOW_STATE_NEW,
	VFW_FLOW_STATE_REPLIED,
	VFW_FLOW_STATE_STREAM,
	VFW_FLOW_STATE_TCP_SYN_SENT,
	VFW_FLOW_STATE_TCP_SYN_SENT2,
	VFW_FLOW_STATE_TCP_SYN_RECV,
	VFW_FLOW_STATE_TCP_ESTABLISHED,
	VFW_FLOW_STATE_TCP_FIN_WAIT,
	VFW_FLOW_STATE_TCP_CLOSE_WAIT,
	VFW_FLOW_STATE_TCP_LAST_ACK,
	VFW_FLOW_STATE_TCP_TIME_WAIT,
	VFW_FLOW_STATE_TCP_CLOSE,
	VFW_FLOW_STATE_SCTP_COOKIE_WAIT,
	VFW_FLOW_STATE_SCTP_COOKIE_ECHOED,
	VFW_FLOW_STATE_SCTP_ESTABLISHED,
	VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT,
	VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD,
	VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT,
	VFW_FLOW_STATE_SCTP_CLOSED,
	VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT,
};

/**
 * enum vfw_drop_reason - Why a packet was dropped; each is counted for each
 *   VM.
 * @VFW_DROP_REASON_NONE: Not dropped.
 * @VFW_DROP_REASON_RULE: A rule said drop.
 * @VFW_DROP_REASON_RULE_REJECT: A rule said reject.
 * @VFW_DROP_REASON_DEFAULT: No rule matched and the default verdict is to drop
 *   or reject.
 * @VFW_DROP_REASON_NO_POLICY: The VM has no policy yet.
 * @VFW_DROP_REASON_POLICY_CHANGE: The flow was admitted by an earlier policy,
 *   and the present one does not admit it.
 * @VFW_DROP_REASON_FLOW_LIMIT: The VM has as many flows as it may have.
 * @VFW_DROP_REASON_HALF_OPEN_LIMIT: The VM has as many half-open flows as may
 *   be opened from this side.
 * @VFW_DROP_REASON_NO_MEMORY: No memory for a flow or for a held packet.
 * @VFW_DROP_REASON_FROZEN: The VM is frozen.
 * @VFW_DROP_REASON_HOLD_LIMIT: The hold's bound in packets or bytes was
 *   reached.
 * @VFW_DROP_REASON_HOLD_CLOSED: The hold's deadline passed, or the hold was
 *   aborted, before the packet could be judged.
 * @VFW_DROP_REASON_PORT_GONE: The port went away while the packet was held.
 * @VFW_DROP_REASON_ETHERTYPE: Neither IPv4, IPv6 nor ARP.
 * @VFW_DROP_REASON_VLAN: The frame carries a VLAN tag and the port is no
 *   trunk, or its tags are malformed or too many.
 * @VFW_DROP_REASON_IP_HEADER: IP header truncated, of wrong version or with
 *   lying lengths.
 * @VFW_DROP_REASON_IP_EXTENSION: IPv6 extension headers unknown, malformed or
 *   too many.
 * @VFW_DROP_REASON_FRAGMENT: An IP fragment that is malformed, a first one
 *   without all headers, or one of a datagram whose flow has ended.
 * @VFW_DROP_REASON_L4_HEADER: Transport header truncated or with lying
 *   lengths.
 * @VFW_DROP_REASON_ARP: Malformed ARP packet.
 * @VFW_DROP_REASON_TCP_FLAGS: TCP flags that no valid segment has.
 * @VFW_DROP_REASON_TCP_NOT_SYN: A TCP segment of no known flow that does not
 *   open one.
 * @VFW_DROP_REASON_TCP_STATE: A TCP segment that is wrong in the flow's state.
 * @VFW_DROP_REASON_TCP_WINDOW: A TCP segment outside the window.
 * @VFW_DROP_REASON_TCP_ACK: A TCP segment that acknowledges what was never
 *   sent, or long ago.
 * @VFW_DROP_REASON_TCP_RST: A TCP RST outside the window.
 * @VFW_DROP_REASON_ICMP_TYPE: An ICMP message of a type that opens no flow and
 *   no rule passes, or of the other IP version.
 * @VFW_DROP_REASON_ICMP_ERROR: An ICMP error about no known flow, or not
 *   addressed to the flow's end.
 * @VFW_DROP_REASON_ICMP_REPLY: An echo reply that nothing asked for.
 * @VFW_DROP_REASON_SOURCE_LIMIT: The remote address has opened as many flows
 *   as one may have.
 * @VFW_DROP_REASON_SCTP_CHUNK: An SCTP packet whose chunks do not add up, or
 *   may not be in one packet.
 * @VFW_DROP_REASON_SCTP_TAG: An SCTP packet whose verification tag is not one
 *   of its association.
 * @VFW_DROP_REASON_SCTP_STATE: An SCTP chunk that is wrong in the flow's
 *   state, or a packet of no known flow that does not open one.
 * @VFW_DROP_REASON_DCCP_NOT_REQUEST: A DCCP packet of no known flow that is no
 *   Request.
 * @VFW_DROP_REASON_FRAGMENT_OVERLAP: An IP fragment with bytes of its datagram
 *   that were there before.
 * @VFW_DROP_REASON_FRAGMENT_LIMIT: There was no room for the IP fragment to
 *   wait, or for its datagram.
 * @VFW_DROP_REASON_FRAGMENT_TIMEOUT: An IP fragment waited for the first one
 *   of its datagram in vain.
 */
enum vfw_drop_reason {
	VFW_DROP_REASON_NONE,
	VFW_DROP_REASON_RULE,
	VFW_DROP_REASON_RULE_REJECT,
	VFW_DROP_REASON_DEFAULT,
	VFW_DROP_REASON_NO_POLICY,
	VFW_DROP_REASON_POLICY_CHANGE,
	VFW_DROP_REASON_FLOW_LIMIT,
	VFW_DROP_REASON_HALF_OPEN_LIMIT,
	VFW_DROP_REASON_NO_MEMORY,
	VFW_DROP_REASON_FROZEN,
	VFW_DROP_REASON_HOLD_LIMIT,
	VFW_DROP_REASON_HOLD_CLOSED,
	VFW_DROP_REASON_PORT_GONE,
	VFW_DROP_REASON_ETHERTYPE,
	VFW_DROP_REASON_VLAN,
	VFW_DROP_REASON_IP_HEADER,
	VFW_DROP_REASON_IP_EXTENSION,
	VFW_DROP_REASON_FRAGMENT,
	VFW_DROP_REASON_L4_HEADER,
	VFW_DROP_REASON_ARP,
	VFW_DROP_REASON_TCP_FLAGS,
	VFW_DROP_REASON_TCP_NOT_SYN,
	VFW_DROP_REASON_TCP_STATE,
	VFW_DROP_REASON_TCP_WINDOW,
	VFW_DROP_REASON_TCP_ACK,
	VFW_DROP_REASON_TCP_RST,
	VFW_DROP_REASON_ICMP_TYPE,
	VFW_DROP_REASON_ICMP_ERROR,
	VFW_DROP_REASON_ICMP_REPLY,
	VFW_DROP_REASON_SOURCE_LIMIT,
	VFW_DROP_REASON_SCTP_CHUNK,
	VFW_DROP_REASON_SCTP_TAG,
	VFW_DROP_REASON_SCTP_STATE,
	VFW_DROP_REASON_DCCP_NOT_REQUEST,
	VFW_DROP_REASON_FRAGMENT_OVERLAP,
	VFW_DROP_REASON_FRAGMENT_LIMIT,
	VFW_DROP_REASON_FRAGMENT_TIMEOUT,
};

/*
 * What a frame of a snapshot stream holds; the frames are described in
 * vfw_state.h.
 */
enum vfw_frame_type {
	VFW_FRAME_TYPE_NONE,
	VFW_FRAME_TYPE_HEADER,
	VFW_FRAME_TYPE_VM,
	VFW_FRAME_TYPE_PORT,
	VFW_FRAME_TYPE_POLICY,
	VFW_FRAME_TYPE_RULES,
	VFW_FRAME_TYPE_STATS,
	VFW_FRAME_TYPE_FLOWS_IPV4,
	VFW_FRAME_TYPE_FLOWS_IPV6,
	VFW_FRAME_TYPE_FLOWS_TAGGED,
	VFW_FRAME_TYPE_END,
	VFW_FRAME_TYPE_ROUND,
	VFW_FRAME_TYPE_GONE,
	VFW_FRAME_TYPE_RULE_COUNTERS,
};

enum {
	VFW_A_VM_UUID = 1,
	VFW_A_VM_NAME,
	VFW_A_VM_ID,
	VFW_A_VM_STATE,
	VFW_A_VM_INCARNATION,
	VFW_A_VM_POLICY_EPOCH,
	VFW_A_VM_PORTS,
	VFW_A_VM_RULES,
	VFW_A_VM_FLOWS,
	VFW_A_VM_HALF_OPEN,
	VFW_A_VM_HOLD,
	VFW_A_VM_HOLD_LIMITS,
	VFW_A_VM_HELD_PACKETS,
	VFW_A_VM_HELD_BYTES,
	VFW_A_VM_HALF_OPEN_IN,
	VFW_A_VM_HALF_OPEN_OUT,
	VFW_A_VM_MOVED,

	__VFW_A_VM_MAX,
	VFW_A_VM_MAX = (__VFW_A_VM_MAX - 1)
};

enum {
	VFW_A_HOLD_PACKETS = 1,
	VFW_A_HOLD_BYTES,
	VFW_A_HOLD_TIME,
	VFW_A_HOLD_EXPIRY,

	__VFW_A_HOLD_MAX,
	VFW_A_HOLD_MAX = (__VFW_A_HOLD_MAX - 1)
};

enum {
	VFW_A_PORT_VM = 1,
	VFW_A_PORT_NAME,
	VFW_A_PORT_NEW_NAME,
	VFW_A_PORT_TYPE,
	VFW_A_PORT_STATE,
	VFW_A_PORT_IFINDEX,
	VFW_A_PORT_ID,
	VFW_A_PORT_TRUNK,
	VFW_A_PORT_ACCESS,

	__VFW_A_PORT_MAX,
	VFW_A_PORT_MAX = (__VFW_A_PORT_MAX - 1)
};

enum {
	VFW_A_POLICY_VM = 1,
	VFW_A_POLICY_TRANSACTION,
	VFW_A_POLICY_EPOCH,
	VFW_A_POLICY_DEFAULT_IN,
	VFW_A_POLICY_DEFAULT_OUT,
	VFW_A_POLICY_LIMITS,
	VFW_A_POLICY_TIMEOUTS,
	VFW_A_POLICY_RULE,
	VFW_A_POLICY_RULES,
	VFW_A_POLICY_RULE_NUMBER,
	VFW_A_POLICY_MEMORY,
	VFW_A_POLICY_PAD,

	__VFW_A_POLICY_MAX,
	VFW_A_POLICY_MAX = (__VFW_A_POLICY_MAX - 1)
};

enum {
	VFW_A_LIMITS_FLOWS = 1,
	VFW_A_LIMITS_HALF_OPEN,
	VFW_A_LIMITS_PICK_UP,
	VFW_A_LIMITS_SOURCE_FLOWS,
	VFW_A_LIMITS_FRAGMENTS,
	VFW_A_LIMITS_FRAGMENT_BYTES,

	__VFW_A_LIMITS_MAX,
	VFW_A_LIMITS_MAX = (__VFW_A_LIMITS_MAX - 1)
};

enum {
	VFW_A_TIMEOUTS_TCP_SYN_SENT = 1,
	VFW_A_TIMEOUTS_TCP_SYN_RECV,
	VFW_A_TIMEOUTS_TCP_ESTABLISHED,
	VFW_A_TIMEOUTS_TCP_FIN_WAIT,
	VFW_A_TIMEOUTS_TCP_CLOSE_WAIT,
	VFW_A_TIMEOUTS_TCP_LAST_ACK,
	VFW_A_TIMEOUTS_TCP_TIME_WAIT,
	VFW_A_TIMEOUTS_TCP_CLOSE,
	VFW_A_TIMEOUTS_UDP_NEW,
	VFW_A_TIMEOUTS_UDP_STREAM,
	VFW_A_TIMEOUTS_ICMP,
	VFW_A_TIMEOUTS_OTHER,
	VFW_A_TIMEOUTS_SCTP_OPENING,
	VFW_A_TIMEOUTS_SCTP_ESTABLISHED,
	VFW_A_TIMEOUTS_SCTP_CLOSING,
	VFW_A_TIMEOUTS_FRAGMENT,

	__VFW_A_TIMEOUTS_MAX,
	VFW_A_TIMEOUTS_MAX = (__VFW_A_TIMEOUTS_MAX - 1)
};

enum {
	VFW_A_RULE_NUMBER = 1,
	VFW_A_RULE_DIRECTION,
	VFW_A_RULE_FAMILY,
	VFW_A_RULE_ACTION,
	VFW_A_RULE_STATELESS,
	VFW_A_RULE_LOCAL,
	VFW_A_RULE_LOCAL_PREFIX,
	VFW_A_RULE_REMOTE,
	VFW_A_RULE_REMOTE_PREFIX,
	VFW_A_RULE_PROTOCOL,
	VFW_A_RULE_LOCAL_PORTS,
	VFW_A_RULE_REMOTE_PORTS,
	VFW_A_RULE_ICMP_TYPE,
	VFW_A_RULE_ICMP_CODE,
	VFW_A_RULE_TCP_FLAGS,
	VFW_A_RULE_TCP_FLAGS_MASK,
	VFW_A_RULE_COMMENT,
	VFW_A_RULE_PACKETS,
	VFW_A_RULE_BYTES,
	VFW_A_RULE_PAD,

	__VFW_A_RULE_MAX,
	VFW_A_RULE_MAX = (__VFW_A_RULE_MAX - 1)
};

enum {
	VFW_A_RANGE_FIRST = 1,
	VFW_A_RANGE_LAST,

	__VFW_A_RANGE_MAX,
	VFW_A_RANGE_MAX = (__VFW_A_RANGE_MAX - 1)
};

enum {
	VFW_A_FLOW_VM = 1,
	VFW_A_FLOW_FAMILY,
	VFW_A_FLOW_PROTOCOL,
	VFW_A_FLOW_LOCAL,
	VFW_A_FLOW_LOCAL_PREFIX,
	VFW_A_FLOW_REMOTE,
	VFW_A_FLOW_REMOTE_PREFIX,
	VFW_A_FLOW_LOCAL_PORT,
	VFW_A_FLOW_REMOTE_PORT,
	VFW_A_FLOW_OPENED,
	VFW_A_FLOW_STATE,
	VFW_A_FLOW_RULE,
	VFW_A_FLOW_EPOCH,
	VFW_A_FLOW_EXPIRES,
	VFW_A_FLOW_AGE,
	VFW_A_FLOW_IN_PACKETS,
	VFW_A_FLOW_IN_BYTES,
	VFW_A_FLOW_OUT_PACKETS,
	VFW_A_FLOW_OUT_BYTES,
	VFW_A_FLOW_TCP_LOCAL,
	VFW_A_FLOW_TCP_REMOTE,
	VFW_A_FLOW_COUNT,
	VFW_A_FLOW_PAD,
	VFW_A_FLOW_VLAN,
	VFW_A_FLOW_VLAN_INNER,
	VFW_A_FLOW_VLAN_TYPE,
	VFW_A_FLOW_VLAN_INNER_TYPE,
	VFW_A_FLOW_SCTP_LOCAL,
	VFW_A_FLOW_SCTP_REMOTE,

	__VFW_A_FLOW_MAX,
	VFW_A_FLOW_MAX = (__VFW_A_FLOW_MAX - 1)
};

enum {
	VFW_A_TCP_PEER_END = 1,
	VFW_A_TCP_PEER_MAX_END,
	VFW_A_TCP_PEER_MAX_WINDOW,
	VFW_A_TCP_PEER_SCALE,
	VFW_A_TCP_PEER_FLAGS,

	__VFW_A_TCP_PEER_MAX,
	VFW_A_TCP_PEER_MAX = (__VFW_A_TCP_PEER_MAX - 1)
};

enum {
	VFW_A_STATS_VM = 1,
	VFW_A_STATS_IN_PACKETS,
	VFW_A_STATS_IN_BYTES,
	VFW_A_STATS_OUT_PACKETS,
	VFW_A_STATS_OUT_BYTES,
	VFW_A_STATS_FLOWS_OPENED,
	VFW_A_STATS_FLOWS_ENDED,
	VFW_A_STATS_FLOWS,
	VFW_A_STATS_HALF_OPEN,
	VFW_A_STATS_HELD,
	VFW_A_STATS_DROP,
	VFW_A_STATS_ALL,
	VFW_A_STATS_PAD,
	VFW_A_STATS_HALF_OPEN_IN,
	VFW_A_STATS_HALF_OPEN_OUT,
	VFW_A_STATS_FLOWS_EVICTED,

	__VFW_A_STATS_MAX,
	VFW_A_STATS_MAX = (__VFW_A_STATS_MAX - 1)
};

enum {
	VFW_A_DROP_REASON = 1,
	VFW_A_DROP_IN_PACKETS,
	VFW_A_DROP_OUT_PACKETS,
	VFW_A_DROP_PAD,

	__VFW_A_DROP_MAX,
	VFW_A_DROP_MAX = (__VFW_A_DROP_MAX - 1)
};

enum {
	VFW_A_SNAPSHOT_VM = 1,
	VFW_A_SNAPSHOT_FRAME,
	VFW_A_SNAPSHOT_INCARNATION,
	VFW_A_SNAPSHOT_FLOWS,
	VFW_A_SNAPSHOT_RULES,
	VFW_A_SNAPSHOT_FRAMES,
	VFW_A_SNAPSHOT_HOLD_LIMITS,
	VFW_A_SNAPSHOT_RELEASED,
	VFW_A_SNAPSHOT_PAD,

	__VFW_A_SNAPSHOT_MAX,
	VFW_A_SNAPSHOT_MAX = (__VFW_A_SNAPSHOT_MAX - 1)
};

enum {
	VFW_CMD_VM_NEW = 1,
	VFW_CMD_VM_SET,
	VFW_CMD_VM_GET,
	VFW_CMD_VM_DEL,
	VFW_CMD_VM_FREEZE,
	VFW_CMD_VM_THAW,
	VFW_CMD_VM_NTF,
	VFW_CMD_VM_DEL_NTF,
	VFW_CMD_PORT_NEW,
	VFW_CMD_PORT_SET,
	VFW_CMD_PORT_GET,
	VFW_CMD_PORT_DEL,
	VFW_CMD_PORT_NTF,
	VFW_CMD_PORT_DEL_NTF,
	VFW_CMD_POLICY_BEGIN,
	VFW_CMD_POLICY_ADD,
	VFW_CMD_POLICY_COMMIT,
	VFW_CMD_POLICY_ABORT,
	VFW_CMD_POLICY_GET,
	VFW_CMD_POLICY_NTF,
	VFW_CMD_RULE_GET,
	VFW_CMD_FLOW_GET,
	VFW_CMD_FLOW_DEL,
	VFW_CMD_STATS_GET,
	VFW_CMD_SNAPSHOT_SAVE,
	VFW_CMD_RESTORE_BEGIN,
	VFW_CMD_RESTORE_FRAME,
	VFW_CMD_RESTORE_COMMIT,
	VFW_CMD_RESTORE_ABORT,
	VFW_CMD_SEND_BEGIN,
	VFW_CMD_SEND_ROUND,
	VFW_CMD_SEND_END,

	__VFW_CMD_MAX,
	VFW_CMD_MAX = (__VFW_CMD_MAX - 1)
};

#define VFW_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_VFW_H */
