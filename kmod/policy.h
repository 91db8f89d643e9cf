/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_POLICY_H
#define _VFW_POLICY_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfw.h>
#include <uapi/linux/vfw_state.h>
#include "packet.h"

struct vfw_classifier;
struct vfw_net;
struct vfw_policy_chunk;

/* In the order of the netlink attributes: timeout i is attribute i + 1. */
enum vfw_timeout {
	VFW_TIMEOUT_TCP_SYN_SENT,
	VFW_TIMEOUT_TCP_SYN_RECV,
	VFW_TIMEOUT_TCP_ESTABLISHED,
	VFW_TIMEOUT_TCP_FIN_WAIT,
	VFW_TIMEOUT_TCP_CLOSE_WAIT,
	VFW_TIMEOUT_TCP_LAST_ACK,
	VFW_TIMEOUT_TCP_TIME_WAIT,
	VFW_TIMEOUT_TCP_CLOSE,
	VFW_TIMEOUT_UDP_NEW,
	VFW_TIMEOUT_UDP_STREAM,
	VFW_TIMEOUT_ICMP,
	VFW_TIMEOUT_OTHER,
	VFW_TIMEOUT_SCTP_OPENING,
	VFW_TIMEOUT_SCTP_ESTABLISHED,
	VFW_TIMEOUT_SCTP_CLOSING,
	VFW_TIMEOUT_FRAGMENT,
	VFW_TIMEOUTS,
};

/**
 * struct vfw_range - a range of ports, both ends included, host order
 */
struct vfw_range {
	u16 first;
	u16 last;
};

/**
 * struct vfw_rule - a rule as it was given; immutable once its policy is published, but for
 *	the counters
 * @packets: packets it decided, and those of flows it admitted that have ended
 * @bytes: bytes of them, by the IP header
 * @flags: VFW_STATE_RULE_*: which of the fields below are set, and stateless
 * @action: enum vfw_action
 * @direction: enum vfw_direction
 * @family: enum vfw_family
 * @protocol: IP protocol
 * @icmp_type: type
 * @icmp_code: code
 * @tcp_flags: value of the flags under the mask
 * @tcp_flags_mask: which are looked at
 * @local_prefix: bits of @local that count
 * @remote_prefix: bits of @remote that count
 * @local_ranges: how many ranges of the local port, the first in @ranges; 0 for any port
 * @remote_ranges: how many ranges of the remote port, after these
 * @local: address of the VM's end, zero beyond the prefix
 * @remote: address of the far end, zero beyond the prefix
 * @ranges: sorted, not overlapping
 * @comment: with terminator, or NULL
 */
struct vfw_rule {
	atomic64_t packets;
	atomic64_t bytes;
	u8 flags;
	u8 action;
	u8 direction;
	u8 family;
	u8 protocol;
	u8 icmp_type;
	u8 icmp_code;
	u8 tcp_flags;
	u8 tcp_flags_mask;
	u8 local_prefix;
	u8 remote_prefix;
	u8 local_ranges;
	u8 remote_ranges;
	union vfw_addr local;
	union vfw_addr remote;
	struct vfw_range *ranges;
	char *comment;
};

/**
 * struct vfw_policy - a VM's rules, default verdicts and limits
 * @classifier: the rules, compiled; read by the hook
 * @epoch: policy epoch of the VM since this policy is in force; never 0
 * @defaults: enum vfw_action, by direction
 * @pick_up: a TCP segment that is no SYN may open a flow
 * @stateless: there are stateless rules
 * @timeouts: in jiffies, by enum vfw_timeout
 * @max_flows: cap on flows
 * @max_half_open: cap on half-open flows, for each direction in which they are opened
 * @max_source_flows: cap on flows opened from outside by one source; 0 for none
 * @max_fragments: cap on datagrams in fragments, of a direction
 * @fragment_bytes: cap on bytes of fragments that wait, of a direction
 * @n_rules: number of rules
 * @room: rules there is room for in @rules
 * @rules: rules in order; rule number n is rules[n - 1]
 * @chunks: where the ranges and comments of the rules lie, the newest first
 * @memory: bytes it takes
 * @seconds: the timeouts as they were given
 * @free: to free it after a grace period, in process context (it may be large)
 */
struct vfw_policy {
	struct vfw_classifier *classifier;
	u32 epoch;
	u8 defaults[2];
	bool pick_up;
	bool stateless;
	u32 timeouts[VFW_TIMEOUTS];

	/* From the last timeout on nothing that a packet of an established flow reads. */
	u32 max_flows;
	u32 max_half_open;
	u32 max_source_flows;
	u32 max_fragments;
	u32 fragment_bytes;
	u32 n_rules;
	u32 room;
	struct vfw_rule *rules;
	struct vfw_policy_chunk *chunks;
	size_t memory;
	u32 seconds[VFW_TIMEOUTS];
	struct rcu_work free;
};

/* What packets of TCP, UDP and ICMP read is one cache line. */
static_assert(offsetof(struct vfw_policy, timeouts[VFW_TIMEOUT_OTHER + 1]) <= 64);

/**
 * struct vfw_verdict - what the rules say of a packet
 * @action: enum vfw_action
 * @reason: VFW_DROP_REASON_NONE, _RULE, _RULE_REJECT or _DEFAULT
 * @stateless: a stateless rule decided
 * @rule: number of the rule, from 1; 0 for the default verdict
 */
struct vfw_verdict {
	u8 action;
	u8 reason;
	bool stateless;
	u32 rule;
};

struct vfw_policy *vfw_policy_alloc(void);
int vfw_policy_reserve(struct vfw_policy *policy, u32 rules);
int vfw_policy_add_rule(struct vfw_policy *policy, const struct vfw_rule *rule);
void vfw_policy_truncate(struct vfw_policy *policy, u32 rules);
int vfw_policy_set_timeout(struct vfw_policy *policy, enum vfw_timeout which, u32 seconds);
int vfw_policy_seal(struct vfw_policy *policy, struct netlink_ext_ack *extack);
void vfw_policy_free(struct vfw_policy *policy);
void vfw_policy_free_rcu(struct vfw_policy *policy);
const char *vfw_rule_check(const struct vfw_rule *rule, int *attr);
struct vfw_verdict vfw_policy_judge(const struct vfw_policy *policy, const struct vfw_packet *pkt);
bool vfw_policy_judge_stateless(const struct vfw_policy *policy, const struct vfw_packet *pkt,
				struct vfw_verdict *verdict);
void vfw_policy_count(const struct vfw_policy *policy, u32 rule, u64 packets, u64 bytes);

#endif /* _VFW_POLICY_H */
