// SPDX-License-Identifier: GPL-2.0
/*
 * Saving: the frames of flows.
 */

#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "mark.h"
#include "send.h"
#include "snapshot_stage.h"
#include "vlan.h"
#include "vm.h"

#define EXPIRES_MAX (VFW_TIMEOUT_MAX * 1000U)

static void encode_tcp(const struct vfw_tcp *tcp, struct vfw_state_flow *rec)
{
	const struct vfw_tcp_peer *remote = &tcp->peer[VFW_DIRECTION_IN];
	const struct vfw_tcp_peer *local = &tcp->peer[VFW_DIRECTION_OUT];

	rec->scales = local->scale | remote->scale << 4;
	rec->tcp_flags_local = local->flags;
	rec->tcp_flags_remote = remote->flags;
	rec->tcp_local.end = cpu_to_le32(local->end);
	rec->tcp_local.max_end = cpu_to_le32(local->max_end);
	rec->tcp_local.max_window = cpu_to_le32(local->max_window);
	rec->tcp_remote.end = cpu_to_le32(remote->end);
	rec->tcp_remote.max_end = cpu_to_le32(remote->max_end);
	rec->tcp_remote.max_window = cpu_to_le32(remote->max_window);
}

static void encode_sctp_peer(const struct vfw_sctp_peer *peer, struct vfw_state_sctp *rec)
{
	int i;

	for (i = 0; i < VFW_STATE_SCTP_TAGS; i++)
		rec->tags[i] = cpu_to_le32(peer->tags[i]);
}

static void encode_sctp(const struct vfw_sctp *sctp, struct vfw_state_flow *rec)
{
	const struct vfw_sctp_peer *remote = &sctp->peer[VFW_DIRECTION_IN];
	const struct vfw_sctp_peer *local = &sctp->peer[VFW_DIRECTION_OUT];

	rec->scales = 0;
	rec->tcp_flags_local = local->flags;
	rec->tcp_flags_remote = remote->flags;
	encode_sctp_peer(local, &rec->sctp_local);
	encode_sctp_peer(remote, &rec->sctp_remote);
}

static u8 encode_flags(const struct vfw_flow *flow, u32 epoch)
{
	u8 flags = 0;

	if (flow->flags & VFW_FLOW_OPENED_OUT)
		flags |= VFW_STATE_FLOW_OPENED_OUT;
	if (flow->flags & VFW_FLOW_ECHO_BOTH)
		flags |= VFW_STATE_FLOW_ECHO_BOTH;
	if (flow->epoch != epoch)
		flags |= VFW_STATE_FLOW_REJUDGE;
	return flags;
}

/* Milliseconds. */
static u32 time_left(const struct vfw_flow *flow, u32 now)
{
	if (vfw_flow_expired(flow, now))
		return 0;
	return min(jiffies_to_msecs(flow->expires - now), EXPIRES_MAX);
}

static void encode_key(const struct vfw_flow *flow, struct vfw_state_flow *rec)
{
	rec->protocol = flow->protocol;
	if (vfw_flow_kind(flow) == VFW_FLOWS_IPV4) {
		const struct vfw_key4 *key = vfw_flow_key4(flow);

		rec->local_port = key->local_port;
		rec->remote_port = key->remote_port;
	} else {
		const struct vfw_key6 *key = vfw_flow_key6(flow);

		rec->local_port = key->local_port;
		rec->remote_port = key->remote_port;
	}
}

/**
 * vfw_snapshot_encode_flow() - write what the records of flows of all kinds share
 * @flow: the flow, locked
 * @now: its table's time
 * @epoch: the VM's policy epoch
 * @rec: where to write it; every byte is set
 */
void vfw_snapshot_encode_flow(const struct vfw_flow *flow, u32 now, u32 epoch,
			      struct vfw_state_flow *rec)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	const struct vfw_flow_origin *origin = vfw_flow_origin(flow);
	static const struct vfw_tcp no_tcp;

	rec->in_packets = cpu_to_le64(counters->packets[VFW_DIRECTION_IN]);
	rec->in_bytes = cpu_to_le64(counters->bytes[VFW_DIRECTION_IN]);
	rec->out_packets = cpu_to_le64(counters->packets[VFW_DIRECTION_OUT]);
	rec->out_bytes = cpu_to_le64(counters->bytes[VFW_DIRECTION_OUT]);
	rec->expires = cpu_to_le32(time_left(flow, now));
	rec->age = cpu_to_le32((now - origin->born) / HZ);
	rec->flags = encode_flags(flow, epoch);
	/* A number in the rules of another policy means nothing. */
	rec->rule = cpu_to_le32(rec->flags & VFW_STATE_FLOW_REJUDGE ? 0 : origin->rule);
	encode_key(flow, rec);
	rec->state = flow->state;
	rec->reserved[0] = 0;
	rec->reserved[1] = 0;
	if (flow->protocol == IPPROTO_SCTP)
		encode_sctp(&flow->sctp, rec);
	else
		encode_tcp(flow->protocol == IPPROTO_TCP ? &flow->tcp : &no_tcp, rec);
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_encode_flow);

/**
 * struct flow_writer - what writes flows of one kind
 * @table: the table
 * @send: the live stream; NULL for a snapshot
 * @room: where to
 * @now: the table's time; in a live stream, when the round began
 * @epoch: the VM's policy epoch
 * @frozen: the VM is frozen
 * @kind: enum vfw_flow_kind
 */
struct flow_writer {
	struct vfw_flow_table *table;
	struct vfw_send *send;
	struct vfw_snapshot_room *room;
	u32 now;
	u32 epoch;
	bool frozen;
	u8 kind;
};

#define STOP 1

/* In a live stream, there is to be room for the places of all flows behind them. */
static bool has_room(const struct flow_writer *w, size_t size)
{
	if (w->send)
		size += vfw_send_places_size(w->room->count + 1);
	return size <= w->room->left;
}

/* A flow that is younger than the round has no age yet. */
static bool unborn(const struct flow_writer *w, const struct vfw_flow *flow)
{
	u32 now = vfw_flow_now(w->table);

	return now - vfw_flow_origin(flow)->born < now - w->now;
}

/*
 * Room for the record of a flow, with what all kinds share written. NULL when there is none, or the
 * flow is of the next kind: kinds are walked one after the other, so that one cursor serves all.
 */
static void *put_flow(struct flow_writer *w, struct vfw_flow *flow, size_t size)
{
	void *rec;

	if (vfw_flow_kind(flow) != w->kind || !has_room(w, size))
		return NULL;
	if (w->send)
		vfw_send_note(w->send, w->table, flow, w->room->count);
	rec = vfw_snapshot_take(w->room, size);
	vfw_snapshot_encode_flow(flow, w->now, w->epoch, rec);
	if (w->send && unborn(w, flow))
		((struct vfw_state_flow *)rec)->age = 0;
	return rec;
}

/* What has expired moves as what has ended; but in a live stream, when it ends. */
static bool left_out(const struct flow_writer *w, const struct vfw_flow *flow)
{
	return !w->send && !w->frozen && vfw_flow_expired(flow, w->now);
}

static int put_flow4(struct vfw_flow *flow, void *arg)
{
	const struct vfw_key4 *key = vfw_flow_key4(flow);
	struct flow_writer *w = arg;
	struct vfw_state_flow4 *rec;

	if (left_out(w, flow))
		return 0;
	rec = put_flow(w, flow, sizeof(*rec));
	if (!rec)
		return STOP;
	memcpy(rec->local, &key->local, sizeof(rec->local));
	memcpy(rec->remote, &key->remote, sizeof(rec->remote));
	return 0;
}

static int put_flow6(struct vfw_flow *flow, void *arg)
{
	const struct vfw_key6 *key = vfw_flow_key6(flow);
	struct flow_writer *w = arg;
	struct vfw_state_flow6 *rec;

	if (left_out(w, flow))
		return 0;
	rec = put_flow(w, flow, sizeof(*rec));
	if (!rec)
		return STOP;
	memcpy(rec->local, &key->local, sizeof(rec->local));
	memcpy(rec->remote, &key->remote, sizeof(rec->remote));
	return 0;
}

static struct vfw_state_vlan encode_tag(u16 tag)
{
	if (!tag)
		return (struct vfw_state_vlan){};
	return (struct vfw_state_vlan){
		.type = vfw_vlan_tag_type(tag),
		.id = htons(vfw_vlan_id(tag)),
	};
}

static int put_flow_tagged(struct vfw_flow *flow, void *arg)
{
	const struct vfw_flow_tags *tags = vfw_flow_tags(flow);
	const struct vfw_key6 *key = vfw_flow_key6(flow);
	struct vfw_state_flow_tagged *rec;
	struct flow_writer *w = arg;

	if (left_out(w, flow))
		return 0;
	rec = put_flow(w, flow, sizeof(*rec));
	if (!rec)
		return STOP;
	memcpy(rec->local, &key->local, sizeof(rec->local));
	memcpy(rec->remote, &key->remote, sizeof(rec->remote));
	rec->outer = encode_tag(tags->tags[0]);
	rec->inner = encode_tag(tags->tags[1]);
	rec->family = tags->family;
	memset(rec->reserved, 0, sizeof(rec->reserved));
	return 0;
}

static int put_flows(struct vfw_snapshot *snap, struct vfw_vm *vm,
		     struct vfw_snapshot_room *room, enum vfw_flow_kind kind)
{
	static int (*const put[])(struct vfw_flow *flow, void *arg) = {
		[VFW_FLOWS_IPV4] = put_flow4,
		[VFW_FLOWS_IPV6] = put_flow6,
		[VFW_FLOWS_TAGGED] = put_flow_tagged,
	};
	struct vfw_flow_table *table = vfw_vm_flows(vm);
	struct vfw_send *send = snap->way == VFW_SNAPSHOT_WHOLE ? NULL : vfw_send_of(snap);
	struct flow_writer w = {
		.table = table,
		.send = send,
		.room = room,
		.now = send ? send->now : vfw_flow_now(table),
		.epoch = snap->epoch,
		.frozen = vm->state == VFW_VM_STATE_FROZEN,
		.kind = kind,
	};
	int err;

	if (snap->cursor.kind > kind)
		return 0;
	if (send && send->round > 1)
		err = vfw_mark_walk(table, &snap->cursor, false, put[kind], &w);
	else
		err = vfw_flow_walk(table, &snap->cursor, put[kind], &w);
	snap->flows[kind] += room->count;
	if (send)
		vfw_send_put_places(send, room);
	return err == STOP && snap->cursor.kind == kind;
}

/**
 * vfw_snapshot_flows4() - write a frame of flows of IPv4
 * @snap: the save
 * @vm: the VM
 * @room: where to
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0 when these were the last, else 1.
 */
int vfw_snapshot_flows4(struct vfw_snapshot *snap, struct vfw_vm *vm,
			struct vfw_snapshot_room *room)
{
	return put_flows(snap, vm, room, VFW_FLOWS_IPV4);
}

/**
 * vfw_snapshot_flows6() - write a frame of flows of IPv6
 * @snap: the save
 * @vm: the VM
 * @room: where to
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0 when these were the last, else 1.
 */
int vfw_snapshot_flows6(struct vfw_snapshot *snap, struct vfw_vm *vm,
			struct vfw_snapshot_room *room)
{
	return put_flows(snap, vm, room, VFW_FLOWS_IPV6);
}

/**
 * vfw_snapshot_flows_tagged() - write a frame of flows of either family in VLANs
 * @snap: the save
 * @vm: the VM
 * @room: where to
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0 when these were the last, else 1.
 */
int vfw_snapshot_flows_tagged(struct vfw_snapshot *snap, struct vfw_vm *vm,
			      struct vfw_snapshot_room *room)
{
	return put_flows(snap, vm, room, VFW_FLOWS_TAGGED);
}
