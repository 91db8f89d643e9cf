// SPDX-License-Identifier: GPL-2.0
/*
 * Saving: a VM's state as a stream of frames (Documentation/snapshot-format.md).
 *
 * One call makes one frame. Between calls nothing is held: the save remembers where it is by
 * numbers, and finds out by the policy's epoch and the flow table's identity whether these
 * numbers still mean the same. Packets go on meanwhile. What is written of each flow is
 * consistent in itself (it is written under the flow's lock), and a flow that is there all along
 * is written exactly once; one that opens or ends during the save may be in the stream or not.
 * Only the snapshot of a frozen VM is of one instant, and says so in its header.
 */

#include <linux/ktime.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "policy.h"
#include "port.h"
#include "snapshot.h"
#include "snapshot_stage.h"
#include "vm.h"

static_assert(sizeof(struct vfw_state_frame) == 24);
static_assert(sizeof(struct vfw_state_header) == 72);
static_assert(sizeof(struct vfw_state_vm) == VFW_NAME_MAX + 1);
static_assert(sizeof(struct vfw_state_port) == 24);
static_assert(sizeof(struct vfw_state_policy) == 96);
static_assert(sizeof(struct vfw_state_rule) == 64);
static_assert(sizeof(struct vfw_state_stats) == 72);
static_assert(sizeof(struct vfw_state_drop) == 24);
static_assert(sizeof(struct vfw_state_flow) == 80);
static_assert(sizeof(struct vfw_state_flow4) == 88);
static_assert(sizeof(struct vfw_state_flow6) == 112);
static_assert(sizeof(struct vfw_state_flow_tagged) == 128);
static_assert(sizeof(struct vfw_state_end) == 40);
static_assert(sizeof(struct vfw_state_round) == 32);
static_assert(sizeof(struct vfw_state_gone) == 4);
static_assert(sizeof(struct vfw_state_rule_counters) == 24);
/* The largest frames that cannot be divided. */
static_assert(24 + VFW_PORTS_MAX * sizeof(struct vfw_state_port) <= VFW_SNAPSHOT_FRAME_MIN);
static_assert(24 + sizeof(struct vfw_state_stats) +
	      VFW_DROP_REASONS * sizeof(struct vfw_state_drop) <= VFW_SNAPSHOT_FRAME_MIN);
static_assert(24 + sizeof(struct vfw_state_rule) +
	      2 * VFW_RANGES_MAX * sizeof(struct vfw_state_range) + VFW_COMMENT_MAX + 1 <=
	      VFW_SNAPSHOT_FRAME_MIN);

static void *take_zeroed(struct vfw_snapshot_room *room, size_t size)
{
	void *rec = vfw_snapshot_take(room, size);

	if (rec)
		memset(rec, 0, size);
	return rec;
}

static __le32 flows_now(struct vfw_vm *vm, enum vfw_flow_kind kind)
{
	return cpu_to_le32(READ_ONCE(vfw_vm_flows(vm)->hash[kind].count));
}

/* Writers of frames: 0 when there is no more of the kind, 1 when there may be, or an error. */

static int put_header(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	struct vfw_state_header *rec = take_zeroed(room, sizeof(*rec));
	u32 flags = 0;

	if (!rec)
		return -EMSGSIZE;
	export_uuid(rec->uuid, &vm->uuid);
	rec->incarnation = cpu_to_le64(vm->incarnation + 1);
	rec->time = cpu_to_le64(ktime_get_real_ns());
	if (vm->state == VFW_VM_STATE_FROZEN)
		flags |= VFW_STATE_HEADER_FROZEN;
	if (snap->way != VFW_SNAPSHOT_WHOLE)
		flags = VFW_STATE_HEADER_LIVE;
	rec->flags = cpu_to_le32(flags);
	rec->flows_ipv4 = flows_now(vm, VFW_FLOWS_IPV4);
	rec->flows_ipv6 = flows_now(vm, VFW_FLOWS_IPV6);
	rec->flows_tagged = flows_now(vm, VFW_FLOWS_TAGGED);
	strscpy(rec->creator, "vfw " VFW_VERSION, sizeof(rec->creator));
	return 0;
}

static int put_vm(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	struct vfw_state_vm *rec = take_zeroed(room, sizeof(*rec));

	if (!rec)
		return -EMSGSIZE;
	strscpy(rec->name, vm->name, sizeof(rec->name));
	return 0;
}

static int put_ports(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	struct vfw_state_port *rec;
	struct vfw_port *port;

	list_for_each_entry(port, &vm->ports, list) {
		rec = take_zeroed(room, sizeof(*rec));
		if (!rec)
			return -EMSGSIZE;
		strscpy(rec->name, port->name, sizeof(rec->name));
		rec->type = port->type;
		if (port->trunk)
			rec->flags = VFW_STATE_PORT_TRUNK;
	}
	snap->ports = room->count;
	return 0;
}

static int put_policy(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	const struct vfw_policy *policy = vfw_vm_policy(vm);
	struct vfw_state_policy *rec;
	int i;

	rec = take_zeroed(room, sizeof(*rec));
	if (!rec)
		return -EMSGSIZE;
	if (!policy)
		return 0;
	rec->flags = VFW_STATE_POLICY_LOADED;
	if (policy->pick_up)
		rec->flags |= VFW_STATE_POLICY_PICKUP;
	rec->default_in = policy->defaults[VFW_DIRECTION_IN];
	rec->default_out = policy->defaults[VFW_DIRECTION_OUT];
	rec->rules = cpu_to_le32(policy->n_rules);
	rec->max_flows = cpu_to_le32(policy->max_flows);
	rec->max_half_open = cpu_to_le32(policy->max_half_open);
	rec->max_source_flows = cpu_to_le32(policy->max_source_flows);
	rec->max_fragments = cpu_to_le32(policy->max_fragments);
	rec->fragment_bytes = cpu_to_le32(policy->fragment_bytes);
	for (i = 0; i < VFW_TIMEOUTS; i++)
		rec->timeouts[i] = cpu_to_le32(policy->seconds[i]);
	return 0;
}

static size_t rule_size(const struct vfw_rule *rule, size_t *comment)
{
	size_t ranges = rule->local_ranges + rule->remote_ranges;

	*comment = rule->comment ? strlen(rule->comment) : 0;
	return ALIGN(sizeof(struct vfw_state_rule) + ranges * sizeof(struct vfw_state_range) +
		     *comment, 8);
}

static void encode_rule(const struct vfw_rule *rule, bool counters, struct vfw_state_rule *rec)
{
	rec->flags = rule->flags;
	rec->action = rule->action;
	rec->direction = rule->direction;
	rec->family = rule->family;
	rec->protocol = rule->protocol;
	rec->icmp_type = rule->icmp_type;
	rec->icmp_code = rule->icmp_code;
	rec->tcp_flags = rule->tcp_flags;
	rec->tcp_flags_mask = rule->tcp_flags_mask;
	rec->local_prefix = rule->local_prefix;
	rec->remote_prefix = rule->remote_prefix;
	rec->local_ranges = rule->local_ranges;
	rec->remote_ranges = rule->remote_ranges;
	if (counters) {
		rec->packets = cpu_to_le64(atomic64_read(&rule->packets));
		rec->bytes = cpu_to_le64(atomic64_read(&rule->bytes));
	}
	memcpy(rec->local, &rule->local, sizeof(rec->local));
	memcpy(rec->remote, &rule->remote, sizeof(rec->remote));
}

static bool put_rule(const struct vfw_rule *rule, bool counters, struct vfw_snapshot_room *room)
{
	struct vfw_state_range *range;
	struct vfw_state_rule *rec;
	size_t comment, size;
	int i;

	size = rule_size(rule, &comment);
	rec = take_zeroed(room, size);
	if (!rec)
		return false;
	encode_rule(rule, counters, rec);
	rec->length = cpu_to_le16(size);
	rec->comment_length = comment;
	range = (struct vfw_state_range *)(rec + 1);
	for (i = 0; i < rule->local_ranges + rule->remote_ranges; i++, range++) {
		range->first = cpu_to_le16(rule->ranges[i].first);
		range->last = cpu_to_le16(rule->ranges[i].last);
	}
	memcpy(range, rule->comment, comment);
	return true;
}

static int put_rules(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	const struct vfw_policy *policy = vfw_vm_policy(vm);
	bool counters = snap->way == VFW_SNAPSHOT_WHOLE;

	if (!policy)
		return 0;
	while (snap->rule < policy->n_rules) {
		if (!put_rule(&policy->rules[snap->rule], counters, room))
			return room->count ? 1 : -EMSGSIZE;
		snap->rule++;
		snap->rules++;
	}
	return 0;
}

static int put_drops(const struct vfw_stats *stats, struct vfw_snapshot_room *room)
{
	const u64 *drops;
	struct vfw_state_drop *rec;
	int reason;

	for (reason = VFW_DROP_REASON_NONE + 1; reason < VFW_DROP_REASONS; reason++) {
		drops = stats->drops[reason];
		if (!drops[VFW_DIRECTION_IN] && !drops[VFW_DIRECTION_OUT])
			continue;
		rec = take_zeroed(room, sizeof(*rec));
		if (!rec)
			return -EMSGSIZE;
		rec->reason = cpu_to_le32(reason);
		rec->in_packets = cpu_to_le64(drops[VFW_DIRECTION_IN]);
		rec->out_packets = cpu_to_le64(drops[VFW_DIRECTION_OUT]);
	}
	return 0;
}

static int put_stats(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	struct vfw_state_stats *rec = take_zeroed(room, sizeof(*rec));
	struct vfw_flow_totals totals;
	struct vfw_stats stats;
	int err;

	if (!rec)
		return -EMSGSIZE;
	vfw_vm_stats(vm, &stats);
	vfw_vm_ended_totals(vm, &totals);
	rec->in_packets = cpu_to_le64(stats.packets[VFW_DIRECTION_IN] +
				      totals.packets[VFW_DIRECTION_IN]);
	rec->in_bytes = cpu_to_le64(stats.bytes[VFW_DIRECTION_IN] +
				    totals.bytes[VFW_DIRECTION_IN]);
	rec->out_packets = cpu_to_le64(stats.packets[VFW_DIRECTION_OUT] +
				       totals.packets[VFW_DIRECTION_OUT]);
	rec->out_bytes = cpu_to_le64(stats.bytes[VFW_DIRECTION_OUT] +
				     totals.bytes[VFW_DIRECTION_OUT]);
	rec->opened = cpu_to_le64(totals.opened);
	rec->ended = cpu_to_le64(totals.ended);
	rec->held = cpu_to_le64(stats.held);
	rec->evicted = cpu_to_le64(stats.evicted);
	err = put_drops(&stats, room);
	rec->drops = cpu_to_le32(room->count - 1);
	return err;
}

/* In a live stream, with records that replace others, it is the flows there are that count. */
static __le32 flows_in_all(const struct vfw_snapshot *snap, struct vfw_vm *vm,
			   enum vfw_flow_kind kind)
{
	return snap->way == VFW_SNAPSHOT_WHOLE ? cpu_to_le32(snap->flows[kind]) :
						 flows_now(vm, kind);
}

static int put_end(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room)
{
	struct vfw_state_end *rec = take_zeroed(room, sizeof(*rec));

	if (!rec)
		return -EMSGSIZE;
	rec->frames = cpu_to_le32(snap->sequence + 1);
	rec->ports = cpu_to_le32(snap->ports);
	rec->rules = cpu_to_le32(snap->rules);
	rec->flows_ipv4 = flows_in_all(snap, vm, VFW_FLOWS_IPV4);
	rec->flows_ipv6 = flows_in_all(snap, vm, VFW_FLOWS_IPV6);
	rec->flows_tagged = flows_in_all(snap, vm, VFW_FLOWS_TAGGED);
	rec->digest = cpu_to_le32(snap->digest);
	rec->bytes = cpu_to_le64(snap->bytes);
	return 0;
}

/* A frame of @list kind is left out when there is nothing to put in it. */
static const struct {
	int (*put)(struct vfw_snapshot *snap, struct vfw_vm *vm, struct vfw_snapshot_room *room);
	bool list;
} writers[] = {
	[VFW_FRAME_TYPE_HEADER]		= { put_header },
	[VFW_FRAME_TYPE_VM]		= { put_vm },
	[VFW_FRAME_TYPE_PORT]		= { put_ports },
	[VFW_FRAME_TYPE_POLICY]		= { put_policy },
	[VFW_FRAME_TYPE_RULES]		= { put_rules, .list = true },
	[VFW_FRAME_TYPE_STATS]		= { put_stats },
	[VFW_FRAME_TYPE_FLOWS_IPV4]	= { vfw_snapshot_flows4, .list = true },
	[VFW_FRAME_TYPE_FLOWS_IPV6]	= { vfw_snapshot_flows6, .list = true },
	[VFW_FRAME_TYPE_FLOWS_TAGGED]	= { vfw_snapshot_flows_tagged, .list = true },
	[VFW_FRAME_TYPE_END]		= { put_end },
	[VFW_FRAME_TYPE_ROUND]		= { vfw_send_put_round },
	[VFW_FRAME_TYPE_GONE]		= { vfw_send_put_gone, .list = true },
	[VFW_FRAME_TYPE_RULE_COUNTERS]	= { vfw_send_put_counters, .list = true },
};

/* What follows what, in a snapshot and in a live stream. */
static const u8 follows[] = {
	[VFW_FRAME_TYPE_HEADER]		= VFW_FRAME_TYPE_VM,
	[VFW_FRAME_TYPE_VM]		= VFW_FRAME_TYPE_PORT,
	[VFW_FRAME_TYPE_PORT]		= VFW_FRAME_TYPE_POLICY,
	[VFW_FRAME_TYPE_POLICY]		= VFW_FRAME_TYPE_RULES,
	[VFW_FRAME_TYPE_RULES]		= VFW_FRAME_TYPE_STATS,
	[VFW_FRAME_TYPE_STATS]		= VFW_FRAME_TYPE_FLOWS_IPV4,
	[VFW_FRAME_TYPE_FLOWS_IPV4]	= VFW_FRAME_TYPE_FLOWS_IPV6,
	[VFW_FRAME_TYPE_FLOWS_IPV6]	= VFW_FRAME_TYPE_FLOWS_TAGGED,
	[VFW_FRAME_TYPE_FLOWS_TAGGED]	= VFW_FRAME_TYPE_END,
	[VFW_FRAME_TYPE_END]		= VFW_FRAME_TYPE_NONE,
};

static const u8 follows_live[] = {
	[VFW_FRAME_TYPE_HEADER]		= VFW_FRAME_TYPE_VM,
	[VFW_FRAME_TYPE_VM]		= VFW_FRAME_TYPE_PORT,
	[VFW_FRAME_TYPE_PORT]		= VFW_FRAME_TYPE_POLICY,
	[VFW_FRAME_TYPE_POLICY]		= VFW_FRAME_TYPE_RULES,
	[VFW_FRAME_TYPE_RULES]		= VFW_FRAME_TYPE_ROUND,
	[VFW_FRAME_TYPE_ROUND]		= VFW_FRAME_TYPE_GONE,
	[VFW_FRAME_TYPE_GONE]		= VFW_FRAME_TYPE_FLOWS_IPV4,
	[VFW_FRAME_TYPE_FLOWS_IPV4]	= VFW_FRAME_TYPE_FLOWS_IPV6,
	[VFW_FRAME_TYPE_FLOWS_IPV6]	= VFW_FRAME_TYPE_FLOWS_TAGGED,
	[VFW_FRAME_TYPE_FLOWS_TAGGED]	= VFW_FRAME_TYPE_RULE_COUNTERS,
	[VFW_FRAME_TYPE_RULE_COUNTERS]	= VFW_FRAME_TYPE_STATS,
	[VFW_FRAME_TYPE_STATS]		= VFW_FRAME_TYPE_END,
	[VFW_FRAME_TYPE_END]		= VFW_FRAME_TYPE_NONE,
};

/**
 * vfw_snapshot_begin() - begin to save a VM's state
 * @snap: the save
 * @vm: the VM
 *
 * Context: under vfw_net.lock.
 */
void vfw_snapshot_begin(struct vfw_snapshot *snap, struct vfw_vm *vm)
{
	lockdep_assert_held(&vm->vn->lock);
	memset(snap, 0, sizeof(*snap));
	snap->type = VFW_FRAME_TYPE_HEADER;
	snap->epoch = vm->epoch;
	snap->changes = vm->changes;
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_begin);

static int finish_frame(struct vfw_snapshot *snap, struct vfw_state_frame *frame,
			const struct vfw_snapshot_room *room)
{
	size_t length = room->at - (void *)frame;

	frame->magic = cpu_to_le32(VFW_STATE_MAGIC);
	frame->type = cpu_to_le16(snap->type);
	frame->version = cpu_to_le16(VFW_STATE_VERSION);
	frame->length = cpu_to_le32(length);
	frame->count = cpu_to_le32(room->count);
	frame->sequence = cpu_to_le32(snap->sequence);
	vfw_snapshot_seal(frame);
	snap->sequence++;
	snap->digest = vfw_snapshot_digest(snap->digest, frame);
	snap->bytes += length;
	return length;
}

static u32 next_type(const struct vfw_snapshot *snap)
{
	if (snap->way == VFW_SNAPSHOT_WHOLE)
		return follows[snap->type];
	if (snap->way == VFW_SNAPSHOT_ROUND && snap->type == VFW_FRAME_TYPE_FLOWS_TAGGED)
		return VFW_FRAME_TYPE_NONE;
	return follows_live[snap->type];
}

/* But in a round that is not the last, it does not matter when the VM is frozen or thawed. */
static bool stale(const struct vfw_snapshot *snap, const struct vfw_vm *vm)
{
	return snap->epoch != vm->epoch ||
	       (snap->way != VFW_SNAPSHOT_ROUND && snap->changes != vm->changes);
}

/**
 * vfw_snapshot_frame() - write the next frame of a stream
 * @snap: the save
 * @vm: the VM
 * @buf: where to write it, aligned to 8 bytes if the machine cares
 * @size: bytes there, at least VFW_SNAPSHOT_FRAME_MIN; of more than VFW_FRAME_MAX no use is made
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: bytes written; 0 at the end of the stream, or of the round; -EAGAIN when the VM's policy
 *	was replaced since the save began, or (but for a round that is not the last) its flow table
 *	was, or it was frozen or thawed: begin again; -EMSGSIZE when the frame does not fit (then
 *	nothing has changed).
 */
int vfw_snapshot_frame(struct vfw_snapshot *snap, struct vfw_vm *vm, void *buf, size_t size)
{
	struct vfw_state_frame *frame = buf;
	struct vfw_snapshot_room room;
	bool skip;
	int more;

	lockdep_assert_held(&vm->vn->lock);
	if (snap->type == VFW_FRAME_TYPE_NONE)
		return 0;
	if (stale(snap, vm))
		return -EAGAIN;
	if (size < VFW_SNAPSHOT_FRAME_MIN)
		return -EMSGSIZE;
	do {
		room.at = frame + 1;
		room.left = min_t(size_t, size, VFW_FRAME_MAX) - sizeof(*frame);
		room.count = 0;
		more = writers[snap->type].put(snap, vm, &room);
		if (more < 0)
			return more;
		skip = !room.count && writers[snap->type].list;
		if (skip)
			snap->type = next_type(snap);
	} while (skip && snap->type != VFW_FRAME_TYPE_NONE);
	if (skip)
		return 0;
	size = finish_frame(snap, frame, &room);
	if (!more)
		snap->type = next_type(snap);
	return size;
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_frame);
