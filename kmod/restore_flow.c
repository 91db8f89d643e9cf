// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: the frames of flows.
 */

#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "packet.h"
#include "restore_stage.h"
#include "sctp.h"
#include "tcp.h"
#include "track.h"
#include "vlan.h"

#define FLOW_FLAGS (VFW_STATE_FLOW_OPENED_OUT | VFW_STATE_FLOW_REJUDGE | VFW_STATE_FLOW_ECHO_BOTH)
#define EXPIRES_MAX (VFW_TIMEOUT_MAX * 1000U)
#define SCALE_MAX 14	/* RFC 7323, 2.3 */

static bool is_echo(const struct vfw_key *key)
{
	return key->protocol == (key->family == VFW_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool is_other_icmp(const struct vfw_key *key)
{
	return key->protocol == (key->family == VFW_FAMILY_IPV4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static const char *check_key(const struct vfw_key *key)
{
	if (is_other_icmp(key))
		return "ICMP of the other family";
	if (vfw_packet_has_ports(key->protocol))
		return NULL;
	if (key->remote_port || (key->local_port && !is_echo(key)))
		return "a port in a protocol without ports";
	return NULL;
}

static const char *check_flags(const struct vfw_state_flow *rec, const struct vfw_key *key)
{
	if (rec->flags & ~FLOW_FLAGS)
		return "unknown flags of the flow";
	if (rec->flags & VFW_STATE_FLOW_ECHO_BOTH && !is_echo(key))
		return "a flag of ICMP echo in another protocol";
	if (rec->flags & VFW_STATE_FLOW_REJUDGE && rec->rule)
		return "a rule in a flow to be judged again";
	if (rec->reserved[0] || rec->reserved[1])
		return "reserved bytes are not zero";
	return NULL;
}

static void read_peer(const struct vfw_state_tcp *rec, u8 scale, u8 flags,
		      struct vfw_tcp_peer *peer)
{
	peer->end = le32_to_cpu(rec->end);
	peer->max_end = le32_to_cpu(rec->max_end);
	peer->max_window = le32_to_cpu(rec->max_window);
	peer->scale = scale;
	peer->flags = flags;
}

static const char *read_tcp(const struct vfw_state_flow *rec, struct vfw_tcp *tcp)
{
	struct vfw_tcp_peer *remote = &tcp->peer[VFW_DIRECTION_IN];
	struct vfw_tcp_peer *local = &tcp->peer[VFW_DIRECTION_OUT];

	read_peer(&rec->tcp_local, rec->scales & 0xf, rec->tcp_flags_local, local);
	read_peer(&rec->tcp_remote, rec->scales >> 4, rec->tcp_flags_remote, remote);
	if ((local->flags | remote->flags) & ~VFW_TCP_ALL)
		return "unknown flags of TCP";
	if (local->scale > SCALE_MAX || remote->scale > SCALE_MAX)
		return "no such window scale";
	if (!vfw_tcp_state_valid(tcp, rec->state))
		return "windows and state of TCP do not go together";
	return NULL;
}

static void read_tags(const struct vfw_state_sctp *rec, u8 flags, struct vfw_sctp_peer *peer)
{
	int i;

	for (i = 0; i < VFW_STATE_SCTP_TAGS; i++)
		peer->tags[i] = le32_to_cpu(rec->tags[i]);
	peer->flags = flags;
}

static const char *read_sctp(const struct vfw_state_flow *rec, struct vfw_sctp *sctp)
{
	bool out = rec->flags & VFW_STATE_FLOW_OPENED_OUT;

	if (rec->scales)
		return "window scales in a flow of SCTP";
	if ((rec->tcp_flags_local | rec->tcp_flags_remote) & ~VFW_SCTP_ECHOED)
		return "unknown flags of SCTP";
	read_tags(&rec->sctp_local, rec->tcp_flags_local, &sctp->peer[VFW_DIRECTION_OUT]);
	read_tags(&rec->sctp_remote, rec->tcp_flags_remote, &sctp->peer[VFW_DIRECTION_IN]);
	if (!vfw_sctp_state_valid(sctp, out ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN, rec->state))
		return "tags and state of SCTP do not go together";
	return NULL;
}

static const char *check_no_tcp(const struct vfw_state_flow *rec)
{
	static_assert(offsetof(struct vfw_state_flow, tcp_remote) ==
		      offsetof(struct vfw_state_flow, tcp_local) + sizeof(rec->tcp_local));

	if (rec->scales || rec->tcp_flags_local || rec->tcp_flags_remote ||
	    memchr_inv(&rec->tcp_local, 0, sizeof(rec->tcp_local) + sizeof(rec->tcp_remote)))
		return "windows in a flow that is not of TCP";
	return NULL;
}

/* What a flow has of its protocol. */
union transport {
	struct vfw_tcp tcp;
	struct vfw_sctp sctp;
};

static const char *read_transport(const struct vfw_state_flow *rec, union transport *transport)
{
	switch (rec->protocol) {
	case IPPROTO_TCP:
		return read_tcp(rec, &transport->tcp);
	case IPPROTO_SCTP:
		return read_sctp(rec, &transport->sctp);
	default:
		return check_no_tcp(rec);
	}
}

/* What is wrong with a flow, or NULL; what it has of its protocol goes to @transport. */
static const char *check_flow(const struct vfw_restore *r, const struct vfw_state_flow *rec,
			      const struct vfw_key *key, union transport *transport)
{
	const char *why;

	why = check_key(key) ?: check_flags(rec, key);
	if (why)
		return why;
	if (!vfw_track_state_valid(rec->protocol, rec->state))
		return "no such state in this protocol";
	if (le32_to_cpu(rec->expires) > EXPIRES_MAX)
		return "expires later than any flow may";
	if (le32_to_cpu(rec->rule) > r->rules)
		return "admitted by a rule that is not there";
	return read_transport(rec, transport);
}

static enum vfw_direction opened(const struct vfw_state_flow *rec)
{
	return rec->flags & VFW_STATE_FLOW_OPENED_OUT ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN;
}

static int refuse_add(struct vfw_restore *r, enum vfw_drop_reason reason)
{
	switch (reason) {
	case VFW_DROP_REASON_NONE:
		return vfw_restore_refuse(r, -EEXIST, "the flow is there already");
	case VFW_DROP_REASON_FLOW_LIMIT:
	case VFW_DROP_REASON_HALF_OPEN_LIMIT:
		return vfw_restore_refuse(r, -ENOSPC, "more flows than any VM may have");
	default:
		return vfw_restore_refuse(r, -ENOMEM, "no memory for the flow");
	}
}

/*
 * The policy's limits are for flows that open: a VM that was given lower limits keeps the flows it
 * has, here as there.
 */
static const struct vfw_policy any_limits = {
	.max_flows = VFW_FLOWS_MAX,
	.max_half_open = VFW_FLOWS_MAX,
};

/* Between two rounds of a live stream flows may be there whose end is not known yet. */
static const struct vfw_policy live_limits = {
	.max_flows = 2 * VFW_FLOWS_MAX,
	.max_half_open = 2 * VFW_FLOWS_MAX,
};

/*
 * The table's hash grows in work of its own, which may be behind when flows arrive this fast, and
 * growing it here and now is tried with memory at hand only: let it catch up.
 */
static struct vfw_flow *add_flow(struct vfw_restore *r, const struct vfw_key *key,
				 const struct vfw_state_flow *rec, enum vfw_drop_reason *reason)
{
	struct vfw_opening opening = {
		.key = key,
		.hash = vfw_flow_hash(key),
		.direction = opened(rec),
		.state = rec->state,
	};
	const struct vfw_policy *limits = r->live ? &live_limits : &any_limits;
	struct vfw_flow *flow;
	int tries = 3;

	do {
		flow = vfw_flow_add(r->table, &opening, limits, reason, GFP_KERNEL);
		if (flow || *reason != VFW_DROP_REASON_NO_MEMORY)
			break;
		schedule_timeout_uninterruptible(1);
	} while (--tries);
	return flow;
}

static void fill_flow(const struct vfw_restore *r, struct vfw_flow *flow,
		      const struct vfw_state_flow *rec, const union transport *transport)
{
	struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	u32 now = vfw_flow_now(r->table);

	flow->flags &= ~VFW_FLOW_ECHO_BOTH;
	if (rec->flags & VFW_STATE_FLOW_ECHO_BOTH)
		flow->flags |= VFW_FLOW_ECHO_BOTH;
	vfw_flow_origin(flow)->rule = le32_to_cpu(rec->rule);
	/* 0 is no policy's epoch, so that the flow is judged on its next packet. */
	flow->epoch = rec->flags & VFW_STATE_FLOW_REJUDGE ? 0 : r->epoch;
	flow->expires = now + (u32)msecs_to_jiffies(le32_to_cpu(rec->expires));
	if (rec->protocol == IPPROTO_TCP)
		flow->tcp = transport->tcp;
	else if (rec->protocol == IPPROTO_SCTP)
		flow->sctp = transport->sctp;
	vfw_flow_set_age(flow, now, min(le32_to_cpu(rec->age), U32_MAX / HZ) * HZ);
	counters->packets[VFW_DIRECTION_IN] = le64_to_cpu(rec->in_packets);
	counters->bytes[VFW_DIRECTION_IN] = le64_to_cpu(rec->in_bytes);
	counters->packets[VFW_DIRECTION_OUT] = le64_to_cpu(rec->out_packets);
	counters->bytes[VFW_DIRECTION_OUT] = le64_to_cpu(rec->out_bytes);
}

/*
 * Renews the flow that has the key already, and says where it is. Returns false if there is none,
 * or it could not be renewed for the reason that is set.
 */
static bool renew_flow(struct vfw_restore *r, const struct vfw_key *key,
		       const struct vfw_state_flow *rec, const union transport *transport,
		       enum vfw_drop_reason *reason, u32 *staged)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(r->table, key);
	if (flow) {
		*staged = vfw_flow_place(r->table, flow);
		*reason = vfw_flow_set_opened(r->table, flow, opened(rec));
		if (!*reason) {
			vfw_flow_set_state(r->table, flow, rec->state);
			fill_flow(r, flow, rec, transport);
		}
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return flow && !*reason;
}

/*
 * While the flows of a VM that is not frozen are read, one may end and open again further on: the
 * record that comes later is the newer one.
 */
static int stage_flow(struct vfw_restore *r, const struct vfw_key *key,
		      const struct vfw_state_flow *rec, const union transport *transport)
{
	enum vfw_drop_reason reason;
	struct vfw_flow *flow;
	u32 staged;

	flow = add_flow(r, key, rec, &reason);
	if (!flow && !reason && !r->frozen &&
	    renew_flow(r, key, rec, transport, &reason, &staged))
		return 0;
	if (!flow)
		return refuse_add(r, reason);
	fill_flow(r, flow, rec, transport);
	vfw_flow_unlock(flow);
	return 0;
}

/*
 * In a live stream most records renew a flow. If it was at another place it has left that, and what
 * is known of its new place is over.
 */
static int stage_placed(struct vfw_restore *r, const struct vfw_key *key,
			const struct vfw_state_flow *rec, const union transport *transport,
			u32 place)
{
	enum vfw_drop_reason reason = VFW_DROP_REASON_NONE;
	u32 staged = VFW_PLACE_NONE;
	struct vfw_flow *flow;

	if (place >= VFW_STATE_PLACES)
		return vfw_restore_refuse(r, -ERANGE, "place %u out of range", place);
	if (renew_flow(r, key, rec, transport, &reason, &staged)) {
		vfw_restore_vacate(r, place, staged);
	} else if (!reason) {
		vfw_restore_vacate(r, place, VFW_PLACE_NONE);
		flow = add_flow(r, key, rec, &reason);
		if (!flow)
			return refuse_add(r, reason);
		staged = vfw_flow_place(r->table, flow);
		fill_flow(r, flow, rec, transport);
		vfw_flow_unlock(flow);
	} else {
		return refuse_add(r, reason);
	}
	if (vfw_places_set(&r->places, place, staged))
		return vfw_restore_refuse(r, -ENOMEM, "no memory for the place of the flow");
	return 0;
}

/* @key has the family and the addresses; @place counts in a live stream only. */
static int take_flow(struct vfw_restore *r, const struct vfw_state_flow *rec, struct vfw_key *key,
		     u32 place)
{
	union transport transport = {};
	const char *why;

	key->local_port = rec->local_port;
	key->remote_port = rec->remote_port;
	key->protocol = rec->protocol;
	why = check_flow(r, rec, key, &transport);
	if (why)
		return vfw_restore_refuse(r, -EINVAL, "%s", why);
	if (r->live)
		return stage_placed(r, key, rec, &transport, place);
	return stage_flow(r, key, rec, &transport);
}

static int begin_flows(struct vfw_restore *r, const struct vfw_state_frame *frame,
		       enum vfw_flow_kind kind)
{
	if (!r->policy)
		return vfw_restore_refuse(r, -EPROTO, "flows without a policy");
	if (!r->live)
		r->flows[kind] += le32_to_cpu(frame->count);
	return 0;
}

/* The place of record number @i, from 0: in a live stream they stand behind all records. */
static u32 place_of(const struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size,
		    u32 i)
{
	const __le32 *places = (const void *)(frame + 1) + size * le32_to_cpu(frame->count);

	return r->live ? le32_to_cpu(places[i]) : VFW_PLACE_NONE;
}

/**
 * vfw_restore_flows4() - take a FLOWS_IPV4 frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_flows4(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_flow4 *rec = (const struct vfw_state_flow4 *)(frame + 1);
	struct vfw_key key = { .family = VFW_FAMILY_IPV4 };
	u32 i;
	int err;

	err = begin_flows(r, frame, VFW_FLOWS_IPV4);
	for (i = 0; !err && i < le32_to_cpu(frame->count); i++, rec++) {
		r->record = i + 1;
		memcpy(&key.local.v4, rec->local, sizeof(rec->local));
		memcpy(&key.remote.v4, rec->remote, sizeof(rec->remote));
		err = take_flow(r, &rec->flow, &key, place_of(r, frame, sizeof(*rec), i));
	}
	cond_resched();
	return err;
}

/**
 * vfw_restore_flows6() - take a FLOWS_IPV6 frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_flows6(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_flow6 *rec = (const struct vfw_state_flow6 *)(frame + 1);
	struct vfw_key key = { .family = VFW_FAMILY_IPV6 };
	u32 i;
	int err;

	err = begin_flows(r, frame, VFW_FLOWS_IPV6);
	for (i = 0; !err && i < le32_to_cpu(frame->count); i++, rec++) {
		r->record = i + 1;
		memcpy(&key.local.v6, rec->local, sizeof(rec->local));
		memcpy(&key.remote.v6, rec->remote, sizeof(rec->remote));
		err = take_flow(r, &rec->flow, &key, place_of(r, frame, sizeof(*rec), i));
	}
	cond_resched();
	return err;
}

/* A tag as keys have it; false if it is none. */
static bool read_tag(const struct vfw_state_vlan *rec, u16 *tag)
{
	u16 id = ntohs(rec->id);

	*tag = 0;
	if (!id && !rec->type)
		return true;
	if (!id || id >= VFW_VLAN_RESERVED)
		return false;
	*tag = vfw_vlan_tag(rec->type, id);
	return *tag;
}

static const char *read_tagged(const struct vfw_state_flow_tagged *rec, struct vfw_key *key)
{
	size_t size = rec->family == VFW_FAMILY_IPV4 ? sizeof(key->local.v4) : sizeof(key->local);

	memset(key, 0, sizeof(*key));
	key->family = rec->family;
	if (key->family != VFW_FAMILY_IPV4 && key->family != VFW_FAMILY_IPV6)
		return "a flow of no family";
	if (!read_tag(&rec->outer, &key->tags[0]) || !read_tag(&rec->inner, &key->tags[1]))
		return "no such VLAN tag";
	if (!vfw_key_tagged(key))
		return "a flow without an outer VLAN tag";
	if (memchr_inv(rec->local + size, 0, sizeof(rec->local) - size) ||
	    memchr_inv(rec->remote + size, 0, sizeof(rec->remote) - size))
		return "bytes behind an address of IPv4";
	if (memchr_inv(rec->reserved, 0, sizeof(rec->reserved)))
		return "reserved bytes are not zero";
	memcpy(&key->local, rec->local, size);
	memcpy(&key->remote, rec->remote, size);
	return NULL;
}

/**
 * vfw_restore_flows_tagged() - take a FLOWS_TAGGED frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_flows_tagged(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_flow_tagged *rec = (const struct vfw_state_flow_tagged *)(frame + 1);
	struct vfw_key key;
	const char *why;
	u32 i;
	int err;

	err = begin_flows(r, frame, VFW_FLOWS_TAGGED);
	for (i = 0; !err && i < le32_to_cpu(frame->count); i++, rec++) {
		r->record = i + 1;
		why = read_tagged(rec, &key);
		err = why ? vfw_restore_refuse(r, -EINVAL, "%s", why) :
			    take_flow(r, &rec->flow, &key, place_of(r, frame, sizeof(*rec), i));
	}
	cond_resched();
	return err;
}
