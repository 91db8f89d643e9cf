/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TRACK_PLAIN_H
#define _VFW_TRACK_PLAIN_H

#include <linux/in.h>
#include <linux/rcupdate.h>

#include "flow.h"
#include "flow_find.h"
#include "mark.h"
#include "policy.h"
#include "tcp_plain.h"
#include "vm.h"

/**
 * vfw_track_udp() - what a packet makes of the state of a flow of UDP or UDP-Lite
 * @flow: the flow, locked
 * @dir: direction in which the packet goes
 * @now: the table's time
 *
 * Return: enum vfw_timeout, after which the flow lives on for so long.
 */
static __always_inline enum vfw_timeout vfw_track_udp(struct vfw_flow *flow,
						      enum vfw_direction dir, u32 now)
{
	if (flow->state == VFW_FLOW_STATE_STREAM)
		return VFW_TIMEOUT_UDP_STREAM;
	if (flow->state == VFW_FLOW_STATE_NEW) {
		/* It may be months before the first answer: keep past and future apart. */
		if ((s32)(now - flow->stream_from) > 0)
			flow->stream_from = now - 1;
		if (dir != vfw_flow_opened(flow))
			flow->state = VFW_FLOW_STATE_REPLIED;
		return VFW_TIMEOUT_UDP_NEW;
	}
	if ((s32)(now - flow->stream_from) <= 0)
		return VFW_TIMEOUT_UDP_NEW;
	flow->state = VFW_FLOW_STATE_STREAM;
	return VFW_TIMEOUT_UDP_STREAM;
}

/* A packet of a flow of its key, which is locked. False if it is not for the quick way. */
static __always_inline bool vfw_track_plain_flow(struct vfw_flow *flow,
						 const struct vfw_policy *policy,
						 const struct vfw_packet *pkt, u32 now)
{
	struct vfw_flow_counters *counters = vfw_flow_counters4(flow);
	enum vfw_timeout timeout;

	if (unlikely(vfw_flow_expired(flow, now)) || unlikely(flow->epoch != policy->epoch))
		return false;
	if (pkt->key.protocol == IPPROTO_UDP) {
		timeout = vfw_track_udp(flow, pkt->dir, now);
	} else {
		if (flow->state != VFW_FLOW_STATE_TCP_ESTABLISHED ||
		    unlikely(!vfw_tcp_plain(&flow->tcp, pkt->dir, &pkt->tcp)))
			return false;
		timeout = VFW_TIMEOUT_TCP_ESTABLISHED;
	}
	flow->expires = now + policy->timeouts[timeout];
	counters->packets[pkt->dir]++;
	counters->bytes[pkt->dir] += pkt->length;
	return true;
}

/**
 * vfw_track_plain() - the quick way to judge what nearly all packets are: of a flow that goes on
 * @vm: whose it is
 * @pkt: the packet, as vfw_packet_plain() gives it; where no flow was found, or one that just
 *	ended, the hash is set for the long way
 *
 * Does for a plain packet that passes what vfw_track_packet() would have done. Nothing is said of
 * any other: false leaves it to vfw_track_packet(), and nothing has changed.
 *
 * Context: BH off, RCU.
 * Return: true when the packet passes, and is counted.
 */
static __always_inline bool vfw_track_plain(struct vfw_vm *vm, struct vfw_packet *pkt)
{
	const struct vfw_policy *policy = rcu_dereference_check(vm->policy,
								rcu_read_lock_bh_held());
	struct vfw_flow_table *table = rcu_dereference_check(vm->flows, rcu_read_lock_bh_held());
	struct search4 search;
	struct vfw_flow *flow;
	bool passes;
	u32 hash;

	/* Stateless rules come before flows. */
	if (unlikely(!policy) || unlikely(policy->stateless))
		return false;
	search4_init(&search, &pkt->key);
	hash = hash4(&search);
	flow = flow_lookup(table, hash, &search, VFW_FLOWS_IPV4);
	if (IS_ERR_OR_NULL(flow)) {
		pkt->hash = hash;
		pkt->hashed = true;
		pkt->unknown = !flow;
		return false;
	}
	passes = vfw_track_plain_flow(flow, policy, pkt, vfw_flow_now(table));
	if (likely(passes))
		vfw_mark_changed(table, flow);
	vfw_flow_put(flow);
	return passes;
}

#endif /* _VFW_TRACK_PLAIN_H */
