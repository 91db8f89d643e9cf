// SPDX-License-Identifier: GPL-2.0
/*
 * Tracking: the judgement of a packet by its flow, and where there is none, by the rules.
 *
 *	stateless rules, if the policy has any
 *	flow found      -> judged anew if the policy changed -> its protocol -> pass, count
 *	no flow         -> may the packet open one? -> rules -> new flow -> pass, count
 */

#include <linux/in.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/rcupdate.h>

#include "main.h"
#include "flow.h"
#include "mark.h"
#include "policy.h"
#include "sctp.h"
#include "tcp.h"
#include "track.h"
#include "track_plain.h"
#include "vm.h"

#define JUDGE(why)	((struct vfw_judgement){ .reason = (why) })

static inline bool is_icmp(u8 family, u8 protocol)
{
	return protocol == (family == VFW_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static inline bool is_echo(const struct vfw_key *key)
{
	return is_icmp(key->family, key->protocol);
}

/**
 * vfw_track_lifetime() - how long a flow lives on after a packet
 * @policy: whose timeouts apply
 * @flow: the flow, locked
 *
 * Return: jiffies.
 */
u32 vfw_track_lifetime(const struct vfw_policy *policy, const struct vfw_flow *flow)
{
	/* Of TCP and SCTP; the states of other protocols are not enough to tell. */
	static const u8 by_state[] = {
		[VFW_FLOW_STATE_TCP_SYN_SENT] = VFW_TIMEOUT_TCP_SYN_SENT,
		[VFW_FLOW_STATE_TCP_SYN_SENT2] = VFW_TIMEOUT_TCP_SYN_SENT,
		[VFW_FLOW_STATE_TCP_SYN_RECV] = VFW_TIMEOUT_TCP_SYN_RECV,
		[VFW_FLOW_STATE_TCP_ESTABLISHED] = VFW_TIMEOUT_TCP_ESTABLISHED,
		[VFW_FLOW_STATE_TCP_FIN_WAIT] = VFW_TIMEOUT_TCP_FIN_WAIT,
		[VFW_FLOW_STATE_TCP_CLOSE_WAIT] = VFW_TIMEOUT_TCP_CLOSE_WAIT,
		[VFW_FLOW_STATE_TCP_LAST_ACK] = VFW_TIMEOUT_TCP_LAST_ACK,
		[VFW_FLOW_STATE_TCP_TIME_WAIT] = VFW_TIMEOUT_TCP_TIME_WAIT,
		[VFW_FLOW_STATE_TCP_CLOSE] = VFW_TIMEOUT_TCP_CLOSE,
		[VFW_FLOW_STATE_SCTP_COOKIE_WAIT] = VFW_TIMEOUT_SCTP_OPENING,
		[VFW_FLOW_STATE_SCTP_COOKIE_ECHOED] = VFW_TIMEOUT_SCTP_OPENING,
		[VFW_FLOW_STATE_SCTP_ESTABLISHED] = VFW_TIMEOUT_SCTP_ESTABLISHED,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT] = VFW_TIMEOUT_SCTP_CLOSING,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD] = VFW_TIMEOUT_SCTP_CLOSING,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT] = VFW_TIMEOUT_SCTP_CLOSING,
		[VFW_FLOW_STATE_SCTP_CLOSED] = VFW_TIMEOUT_SCTP_CLOSING,
		[VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT] = VFW_TIMEOUT_SCTP_OPENING,
	};

	switch (flow->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_SCTP:
		return policy->timeouts[by_state[flow->state]];
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return policy->timeouts[flow->state == VFW_FLOW_STATE_STREAM ?
					VFW_TIMEOUT_UDP_STREAM : VFW_TIMEOUT_UDP_NEW];
	default:
		return policy->timeouts[is_icmp(vfw_flow_family(flow), flow->protocol) ?
					VFW_TIMEOUT_ICMP : VFW_TIMEOUT_OTHER];
	}
}

/**
 * vfw_track_state_valid() - may a flow of a protocol be in a state?
 * @protocol: IP protocol
 * @state: enum vfw_flow_state, or any number
 */
bool vfw_track_state_valid(u8 protocol, u8 state)
{
	if (protocol == IPPROTO_TCP)
		return state >= VFW_FLOW_STATE_TCP_SYN_SENT && state <= VFW_FLOW_STATE_TCP_CLOSE;
	if (protocol == IPPROTO_SCTP)
		return state >= VFW_FLOW_STATE_SCTP_COOKIE_WAIT &&
		       state <= VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT;
	if (state == VFW_FLOW_STATE_STREAM)
		return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
	return state == VFW_FLOW_STATE_NEW || state == VFW_FLOW_STATE_REPLIED;
}
EXPORT_SYMBOL_VFW_TEST(vfw_track_state_valid);

static inline void count_packet(struct vfw_flow *flow, const struct vfw_packet *pkt)
{
	struct vfw_flow_counters *counters = vfw_flow_counters(flow);

	counters->packets[pkt->dir] += pkt->segments;
	counters->bytes[pkt->dir] += pkt->length;
}

/**
 * vfw_track_count_lone() - count a packet that passes without a flow
 * @vm: whose it is
 * @pkt: the packet
 *
 * Context: BH off, RCU.
 */
void vfw_track_count_lone(struct vfw_vm *vm, const struct vfw_packet *pkt)
{
	this_cpu_add(vm->stats->packets[pkt->dir], pkt->segments);
	this_cpu_add(vm->stats->bytes[pkt->dir], pkt->length);
}

static struct vfw_judgement pass_lone(struct vfw_vm *vm, const struct vfw_packet *pkt)
{
	vfw_track_count_lone(vm, pkt);
	return (struct vfw_judgement){ .lone = true };
}

static struct vfw_judgement judge_verdict(const struct vfw_verdict *verdict)
{
	return (struct vfw_judgement){
		.reason = verdict->reason,
		.reject = verdict->action == VFW_ACTION_REJECT,
	};
}

/*
 * The policy changed since the flow was last judged: would the packet that opened it still be
 * let in, and have a flow? The flow, locked, is removed if not.
 */
static bool rejudge(struct vfw_flow_table *table, struct vfw_flow *flow,
		    const struct vfw_policy *policy, const struct vfw_key *key,
		    struct vfw_judgement *judgement)
{
	struct vfw_packet opening = {
		.key = *key,
		.kind = VFW_PACKET_FLOW,
		.dir = vfw_flow_opened(flow),
	};
	struct vfw_verdict verdict;

	if (is_echo(key))
		opening.icmp_type = key->family == VFW_FAMILY_IPV4 ? ICMP_ECHO :
								     ICMPV6_ECHO_REQUEST;
	if (key->protocol == IPPROTO_TCP)
		opening.tcp.flags = VFW_TCPHDR_SYN;
	verdict = vfw_policy_judge(policy, &opening);
	if (verdict.action == VFW_ACTION_PASS && !verdict.stateless) {
		vfw_flow_origin(flow)->rule = verdict.rule;
		flow->epoch = policy->epoch;
		flow->flags &= ~VFW_FLOW_ECHO_BOTH;
		vfw_mark_changed(table, flow);
		return true;
	}
	vfw_flow_remove(table, flow);
	judgement->reason = VFW_DROP_REASON_POLICY_CHANGE;
	judgement->reject = verdict.action == VFW_ACTION_REJECT;
	return false;
}

/*
 * Find the flow of a key, valid under the policy. Returns it locked; or NULL, with a reason in
 * @judgement if the packet is to be dropped at once.
 */
static struct vfw_flow *
find_valid(struct vfw_flow_table *table, const struct vfw_policy *policy,
	   const struct vfw_key *key, u32 hash, u32 now, struct vfw_judgement *judgement)
{
	struct vfw_flow *flow = vfw_flow_find_hashed(table, key, hash);

	if (!flow)
		return NULL;
	if (unlikely(vfw_flow_expired(flow, now))) {
		vfw_flow_remove(table, flow);
		goto gone;
	}
	if (unlikely(flow->epoch != policy->epoch) &&
	    !rejudge(table, flow, policy, key, judgement))
		goto gone;
	return flow;

gone:
	vfw_flow_put(flow);
	return NULL;
}

static enum vfw_drop_reason update_tcp(struct vfw_flow_table *table, struct vfw_flow *flow,
				       const struct vfw_packet *pkt, enum vfw_tcp_effect *effect)
{
	u8 state = flow->state;
	enum vfw_drop_reason reason;

	reason = vfw_tcp_update(&flow->tcp, &state, pkt->dir, &pkt->tcp, effect);
	if (state != flow->state)
		vfw_flow_set_state(table, flow, state);
	return reason;
}

static enum vfw_drop_reason update_sctp(struct vfw_flow_table *table, struct vfw_flow *flow,
					const struct vfw_packet *pkt, enum vfw_tcp_effect *effect)
{
	u8 state = flow->state;
	enum vfw_drop_reason reason;

	reason = vfw_sctp_update(&flow->sctp, &state, pkt->dir, vfw_flow_opened(flow), &pkt->sctp,
				 effect);
	if (state != flow->state)
		vfw_flow_set_state(table, flow, state);
	return reason;
}

/* An echo request from the end that did not open the flow needs a rule of its own. */
static enum vfw_drop_reason update_echo(struct vfw_flow *flow, const struct vfw_policy *policy,
					const struct vfw_packet *pkt)
{
	enum vfw_direction asker = pkt->icmp_reply ? !pkt->dir : pkt->dir;
	struct vfw_verdict verdict;

	if (asker == vfw_flow_opened(flow))
		return VFW_DROP_REASON_NONE;
	if (pkt->icmp_reply)
		return flow->flags & VFW_FLOW_ECHO_BOTH ? VFW_DROP_REASON_NONE :
							  VFW_DROP_REASON_ICMP_REPLY;
	verdict = vfw_policy_judge(policy, pkt);
	if (verdict.action != VFW_ACTION_PASS)
		return verdict.reason;
	flow->flags |= VFW_FLOW_ECHO_BOTH;
	return VFW_DROP_REASON_NONE;
}

static void update_other(struct vfw_flow *flow, const struct vfw_packet *pkt)
{
	if (flow->state == VFW_FLOW_STATE_NEW && pkt->dir != vfw_flow_opened(flow))
		flow->state = VFW_FLOW_STATE_REPLIED;
}

/* A packet of a known flow, which is locked. */
static enum vfw_drop_reason update_flow(struct vfw_flow_table *table, struct vfw_flow *flow,
					const struct vfw_policy *policy,
					const struct vfw_packet *pkt, u32 now,
					enum vfw_tcp_effect *effect)
{
	enum vfw_drop_reason reason = VFW_DROP_REASON_NONE;

	*effect = VFW_TCP_EFFECT_REFRESH;
	if (pkt->key.protocol == IPPROTO_TCP)
		reason = update_tcp(table, flow, pkt, effect);
	else if (pkt->key.protocol == IPPROTO_SCTP)
		reason = update_sctp(table, flow, pkt, effect);
	else if (is_echo(&pkt->key))
		reason = update_echo(flow, policy, pkt);
	if (reason || *effect == VFW_TCP_EFFECT_REOPEN)
		return reason;
	if (vfw_flow_is_udp(pkt->key.protocol))
		vfw_track_udp(flow, pkt->dir, now);
	else if (pkt->key.protocol != IPPROTO_TCP)
		update_other(flow, pkt);
	count_packet(flow, pkt);
	if (*effect == VFW_TCP_EFFECT_REFRESH)
		flow->expires = now + vfw_track_lifetime(policy, flow);
	return VFW_DROP_REASON_NONE;
}

/* What a flow begins with, by its protocol. */
union beginning {
	struct vfw_tcp tcp;
	struct vfw_sctp sctp;
};

/* May this packet open a flow, and in which state does that begin? */
static enum vfw_drop_reason opening_state(const struct vfw_policy *policy,
					  const struct vfw_packet *pkt,
					  const struct vfw_sctp *before, union beginning *with,
					  u8 *state)
{
	*state = VFW_FLOW_STATE_NEW;
	switch (pkt->key.protocol) {
	case IPPROTO_TCP:
		return vfw_tcp_open(&with->tcp, state, pkt->dir, &pkt->tcp, policy->pick_up);
	case IPPROTO_SCTP:
		return vfw_sctp_open(&with->sctp, state, pkt->dir, &pkt->sctp, before);
	case IPPROTO_DCCP:
		return pkt->dccp_request ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_DCCP_NOT_REQUEST;
	default:
		return pkt->icmp_reply ? VFW_DROP_REASON_ICMP_REPLY : VFW_DROP_REASON_NONE;
	}
}

static void fill_flow(struct vfw_flow_table *table, struct vfw_flow *flow,
		      const struct vfw_policy *policy, const struct vfw_packet *pkt, u32 rule,
		      const union beginning *with)
{
	vfw_flow_origin(flow)->rule = rule;
	flow->epoch = policy->epoch;
	if (pkt->key.protocol == IPPROTO_TCP)
		flow->tcp = with->tcp;
	else if (pkt->key.protocol == IPPROTO_SCTP)
		flow->sctp = with->sctp;
	count_packet(flow, pkt);
	flow->expires = vfw_flow_now(table) + vfw_track_lifetime(policy, flow);
	if (unlikely(READ_ONCE(table->marking)))
		vfw_mark_flow(table, flow);
}

/*
 * No flow: judge by the rules, and open one. @before: the association that the packet has ended.
 * @again: another CPU opened it meanwhile.
 */
static struct vfw_judgement open_flow(struct vfw_flow_table *table,
				      const struct vfw_policy *policy,
				      const struct vfw_packet *pkt, u32 hash,
				      const struct vfw_sctp *before, bool *again)
{
	struct vfw_opening opening = { .key = &pkt->key, .hash = hash, .direction = pkt->dir };
	enum vfw_drop_reason reason;
	struct vfw_verdict verdict;
	struct vfw_flow *flow;
	union beginning with;

	reason = opening_state(policy, pkt, before, &with, &opening.state);
	if (reason)
		return JUDGE(reason);
	verdict = vfw_policy_judge(policy, pkt);
	if (verdict.action != VFW_ACTION_PASS) {
		vfw_policy_count(policy, verdict.rule, pkt->segments, pkt->length);
		return judge_verdict(&verdict);
	}
	flow = vfw_flow_add(table, &opening, policy, &reason, GFP_ATOMIC);
	if (!flow) {
		*again = !reason;
		return JUDGE(reason);
	}
	fill_flow(table, flow, policy, pkt, verdict.rule, &with);
	vfw_flow_unlock(flow);
	return JUDGE(VFW_DROP_REASON_NONE);
}

/*
 * May a packet that opens another connection end the flow it met? What the VM sends is true of its
 * own end; but a SYN from outside that the rules refuse must not.
 */
static bool may_reopen(const struct vfw_policy *policy, const struct vfw_packet *pkt)
{
	return pkt->dir == VFW_DIRECTION_OUT ||
	       vfw_policy_judge(policy, pkt).action == VFW_ACTION_PASS;
}

static struct vfw_judgement track_flow(struct vfw_flow_table *table,
				       const struct vfw_policy *policy,
				       const struct vfw_packet *pkt)
{
	u32 hash = pkt->hashed ? pkt->hash : vfw_flow_hash(&pkt->key);
	bool again, unknown = pkt->hashed && pkt->unknown;
	struct vfw_judgement judgement = {};
	u32 now = vfw_flow_now(table);
	struct vfw_sctp before = {};
	enum vfw_tcp_effect effect;
	struct vfw_flow *flow;

	do {
		flow = unknown ? NULL :
				 find_valid(table, policy, &pkt->key, hash, now, &judgement);
		if (likely(flow)) {
			judgement.reason = update_flow(table, flow, policy, pkt, now, &effect);
			/* Also by a packet that is dropped: it may have been noted. */
			vfw_mark_changed(table, flow);
			if (unlikely(effect == VFW_TCP_EFFECT_REOPEN) && may_reopen(policy, pkt)) {
				if (pkt->key.protocol == IPPROTO_SCTP)
					before = flow->sctp;
				vfw_flow_remove(table, flow);
			}
			vfw_flow_put(flow);
			if (likely(effect != VFW_TCP_EFFECT_REOPEN))
				return judgement;
		} else if (judgement.reason) {
			return judgement;
		}
		again = false;
		unknown = false;
		judgement = open_flow(table, policy, pkt, hash, &before, &again);
	} while (unlikely(again));
	return judgement;
}

/* Does an end send echoes of the kind that is quoted? Requests, if it asks, and else replies. */
static bool quoted_echo_known(const struct vfw_flow *flow, const struct vfw_packet *pkt)
{
	enum vfw_direction asker = pkt->icmp_reply ? !pkt->quoted_dir : pkt->quoted_dir;

	return asker == vfw_flow_opened(flow) || flow->flags & VFW_FLOW_ECHO_BOTH;
}

/* What may be in flight, of TCP; a tag of the association, of SCTP. The flow is locked. */
static bool quoted_known(const struct vfw_flow *flow, const struct vfw_packet *pkt)
{
	switch (pkt->key.protocol) {
	case IPPROTO_TCP:
		return vfw_tcp_quoted_in_window(&flow->tcp, pkt->quoted_dir, pkt->quoted_seq);
	case IPPROTO_SCTP:
		return vfw_sctp_quoted_known(&flow->sctp, pkt->quoted_dir, &pkt->sctp);
	default:
		return !is_echo(&pkt->key) || quoted_echo_known(flow, pkt);
	}
}

/*
 * An ICMP error passes when it is about a flow of this VM and quotes what the end can have sent
 * (RFC 5927; RFC 9260, 10). What it says changes nothing in the flow.
 */
static struct vfw_judgement track_error(struct vfw_vm *vm, struct vfw_flow_table *table,
					const struct vfw_policy *policy,
					const struct vfw_packet *pkt)
{
	struct vfw_judgement judgement = {};
	struct vfw_flow *flow;
	bool known;

	flow = find_valid(table, policy, &pkt->key, vfw_flow_hash(&pkt->key),
			  vfw_flow_now(table), &judgement);
	if (!flow)
		return JUDGE(judgement.reason ?: VFW_DROP_REASON_ICMP_ERROR);
	known = quoted_known(flow, pkt);
	vfw_flow_put(flow);
	return known ? pass_lone(vm, pkt) : JUDGE(VFW_DROP_REASON_ICMP_ERROR);
}

/* A message that opens no flow: the rules alone judge it. */
static struct vfw_judgement track_lone(struct vfw_vm *vm, const struct vfw_policy *policy,
				       const struct vfw_packet *pkt)
{
	struct vfw_verdict verdict = vfw_policy_judge(policy, pkt);

	if (!verdict.rule && verdict.action != VFW_ACTION_PASS)
		return JUDGE(VFW_DROP_REASON_ICMP_TYPE);
	vfw_policy_count(policy, verdict.rule, pkt->segments, pkt->length);
	return verdict.action == VFW_ACTION_PASS ? pass_lone(vm, pkt) : judge_verdict(&verdict);
}

/* Does a stateless rule decide? It does when it is the first that matches. */
static bool track_stateless(struct vfw_vm *vm, const struct vfw_policy *policy,
			    const struct vfw_packet *pkt, struct vfw_judgement *judgement)
{
	struct vfw_verdict verdict;

	if (!vfw_policy_judge_stateless(policy, pkt, &verdict))
		return false;
	vfw_policy_count(policy, verdict.rule, pkt->segments, pkt->length);
	*judgement = verdict.action == VFW_ACTION_PASS ? pass_lone(vm, pkt) :
							 judge_verdict(&verdict);
	return true;
}

/**
 * vfw_track_packet() - judge a packet
 * @vm: whose it is
 * @pkt: the packet, parsed
 *
 * Counts what passes; drops are counted by the caller.
 *
 * Context: BH off, RCU.
 */
struct vfw_judgement vfw_track_packet(struct vfw_vm *vm, const struct vfw_packet *pkt)
{
	const struct vfw_policy *policy = rcu_dereference_check(vm->policy,
								rcu_read_lock_bh_held());
	struct vfw_judgement judgement = {};
	struct vfw_flow_table *table;

	if (unlikely(pkt->kind == VFW_PACKET_NEIGHBOUR))
		return pass_lone(vm, pkt);
	if (unlikely(!policy))
		return JUDGE(VFW_DROP_REASON_NO_POLICY);
	if (policy->stateless && track_stateless(vm, policy, pkt, &judgement))
		return judgement;
	table = rcu_dereference_check(vm->flows, rcu_read_lock_bh_held());
	switch (pkt->kind) {
	case VFW_PACKET_FLOW:
		return track_flow(table, policy, pkt);
	case VFW_PACKET_ICMP_ERROR:
		return track_error(vm, table, policy, pkt);
	case VFW_PACKET_LATER: /* the first one of its datagram says */
		return JUDGE(VFW_DROP_REASON_FRAGMENT);
	default:
		return track_lone(vm, policy, pkt);
	}
}
EXPORT_SYMBOL_VFW_TEST(vfw_track_packet);

static enum vfw_drop_reason later_lone(struct vfw_vm *vm, const struct vfw_policy *policy,
				       const struct vfw_later *later,
				       const struct vfw_packet *pkt)
{
	if (policy->epoch != later->epoch)
		return VFW_DROP_REASON_POLICY_CHANGE;
	vfw_track_count_lone(vm, pkt);
	return VFW_DROP_REASON_NONE;
}

/**
 * vfw_track_later() - a fragment follows the first one of its datagram
 * @vm: whose it is
 * @later: the fragment
 *
 * It is counted where the first one was. A new policy judges the flow anew; one that has ended
 * meanwhile takes what is left of the datagram with it.
 *
 * Context: BH off, RCU.
 * Return: VFW_DROP_REASON_NONE, or POLICY_CHANGE, NO_POLICY, FRAGMENT.
 */
enum vfw_drop_reason vfw_track_later(struct vfw_vm *vm, const struct vfw_later *later)
{
	const struct vfw_policy *policy = rcu_dereference_check(vm->policy,
								rcu_read_lock_bh_held());
	struct vfw_flow_table *table = rcu_dereference_check(vm->flows, rcu_read_lock_bh_held());
	struct vfw_packet pkt = { .dir = later->dir, .segments = 1, .length = later->length };
	struct vfw_judgement judgement = {};
	struct vfw_flow *flow;

	if (!policy)
		return VFW_DROP_REASON_NO_POLICY;
	if (later->lone)
		return later_lone(vm, policy, later, &pkt);
	flow = find_valid(table, policy, later->key, vfw_flow_hash(later->key),
			  vfw_flow_now(table), &judgement);
	if (!flow)
		return judgement.reason ?: VFW_DROP_REASON_FRAGMENT;
	count_packet(flow, &pkt);
	if (later->key->protocol == IPPROTO_TCP)
		vfw_tcp_extend(&flow->tcp, later->dir, later->flags, later->seq, later->end);
	vfw_mark_changed(table, flow);
	vfw_flow_put(flow);
	return VFW_DROP_REASON_NONE;
}
