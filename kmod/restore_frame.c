// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: what is true of every frame, the order in which they come, and the small ones.
 */

#include <linux/align.h>
#include <linux/netdevice.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "restore_stage.h"
#include "snapshot.h"
#include "vm.h"

/* Takers of the small frames. */

static int take_header(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_header *rec = (const struct vfw_state_header *)(frame + 1);
	u64 incarnation = le64_to_cpu(rec->incarnation);
	const u32 flows[VFW_FLOW_KINDS] = {
		[VFW_FLOWS_IPV4] = le32_to_cpu(rec->flows_ipv4),
		[VFW_FLOWS_IPV6] = le32_to_cpu(rec->flows_ipv6),
		[VFW_FLOWS_TAGGED] = le32_to_cpu(rec->flows_tagged),
	};
	u32 flags = le32_to_cpu(rec->flags);
	int kind;

	if (memcmp(rec->uuid, &r->vm->uuid, sizeof(rec->uuid)))
		return vfw_restore_refuse(r, -EXDEV, "snapshot of another VM");
	if (flags & ~(VFW_STATE_HEADER_FROZEN | VFW_STATE_HEADER_LIVE))
		return vfw_restore_refuse(r, -EINVAL, "unknown flags in the header");
	if (flags == (VFW_STATE_HEADER_FROZEN | VFW_STATE_HEADER_LIVE))
		return vfw_restore_refuse(r, -EINVAL, "a live stream of a frozen VM");
	if (!vfw_restore_padded(rec->creator, sizeof(rec->creator)))
		return vfw_restore_refuse(r, -EINVAL, "the creator is not padded with zeros");
	for (kind = 0; kind < VFW_FLOW_KINDS; kind++)
		if (flows[kind] > VFW_FLOWS_MAX)
			return vfw_restore_refuse(r, -ERANGE,
						  "announces more flows than any VM may have");
	/* The last number of all would leave none for the next move. */
	if (incarnation == U64_MAX)
		return vfw_restore_refuse(r, -ERANGE, "incarnation out of range");
	if (incarnation <= r->vm->incarnation)
		return vfw_restore_refuse(r, -ESTALE, "replayed: incarnation %llu, the VM has %llu",
					  incarnation, r->vm->incarnation);
	vfw_flow_table_reserve(r->table, flows);
	r->incarnation = incarnation;
	r->frozen = flags & VFW_STATE_HEADER_FROZEN;
	r->live = flags & VFW_STATE_HEADER_LIVE;
	return 0;
}

static int take_vm(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_vm *rec = (const struct vfw_state_vm *)(frame + 1);

	if (!vfw_restore_padded(rec->name, sizeof(rec->name)) || !vfw_nl_name_valid(rec->name))
		return vfw_restore_refuse(r, -EINVAL, "no VM can have this name");
	strscpy(r->name, rec->name, sizeof(r->name));
	return 0;
}

static bool port_listed(const struct vfw_state_port *first, const struct vfw_state_port *rec)
{
	const struct vfw_state_port *other;

	for (other = first; other < rec; other++)
		if (!strcmp(other->name, rec->name))
			return true;
	return false;
}

/* Ports have other names here, and are declared by then: the records are for the tool to map. */
static int take_ports(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_port *first = (const struct vfw_state_port *)(frame + 1);
	const struct vfw_state_port *rec;

	r->ports = le32_to_cpu(frame->count);
	if (r->ports > VFW_PORTS_MAX)
		return vfw_restore_refuse(r, -E2BIG, "more ports than a VM may have");
	for (rec = first; rec < first + r->ports; rec++) {
		r->record = rec - first + 1;
		if (!vfw_restore_padded(rec->name, sizeof(rec->name)) ||
		    !dev_valid_name(rec->name))
			return vfw_restore_refuse(r, -EINVAL, "no netdev can have this name");
		if (rec->type > VFW_PORT_TYPE_MIRRORED)
			return vfw_restore_refuse(r, -EINVAL, "no such type of port");
		if (rec->flags & ~VFW_STATE_PORT_TRUNK)
			return vfw_restore_refuse(r, -EINVAL, "unknown flags of the port");
		if (memchr_inv(rec->reserved, 0, sizeof(rec->reserved)))
			return vfw_restore_refuse(r, -EINVAL, "reserved bytes are not zero");
		if (port_listed(first, rec))
			return vfw_restore_refuse(r, -EEXIST, "the port is listed already");
	}
	return 0;
}

static int check_flows(struct vfw_restore *r, enum vfw_flow_kind kind, const char *what,
		       __le32 said)
{
	u32 there = r->live ? r->table->hash[kind].count : r->flows[kind];

	if (le32_to_cpu(said) == there)
		return 0;
	if (!r->live)
		return vfw_restore_refuse(r, -EBADMSG, "other numbers of records than arrived");
	return vfw_restore_refuse(r, -EBADMSG, "there are %u flows %s, not %u", there, what,
				  le32_to_cpu(said));
}

static int take_end(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_end *rec = (const struct vfw_state_end *)(frame + 1);
	int err;

	if (le32_to_cpu(rec->frames) != r->frames + 1)
		return vfw_restore_refuse(r, -EBADMSG, "there were %u frames, not %u",
					  r->frames + 1, le32_to_cpu(rec->frames));
	if (le32_to_cpu(rec->ports) != r->ports || le32_to_cpu(rec->rules) != r->rules)
		return vfw_restore_refuse(r, -EBADMSG, "other numbers of records than arrived");
	err = check_flows(r, VFW_FLOWS_IPV4, "of IPv4", rec->flows_ipv4) ?:
	      check_flows(r, VFW_FLOWS_IPV6, "of IPv6", rec->flows_ipv6) ?:
	      check_flows(r, VFW_FLOWS_TAGGED, "in VLANs", rec->flows_tagged);
	if (err)
		return err;
	if (r->table->count > VFW_FLOWS_MAX)
		return vfw_restore_refuse(r, -ENOSPC, "more flows than any VM may have");
	if (rec->reserved)
		return vfw_restore_refuse(r, -EINVAL, "reserved bytes are not zero");
	if (le64_to_cpu(rec->bytes) != r->bytes)
		return vfw_restore_refuse(r, -EBADMSG, "there were %llu bytes, not %llu",
					  r->bytes, le64_to_cpu(rec->bytes));
	if (le32_to_cpu(rec->digest) != r->digest)
		return vfw_restore_refuse(r, -EBADMSG, "wrong digest of the stream");
	return 0;
}

/**
 * struct kind - a kind of frame
 * @take: checks and stages the records
 * @size: bytes of each, 0 if that varies
 * @list: as many as there are, but not none; else one record, or what @take allows
 * @one: exactly one record
 * @placed: in a live stream, the places of the records follow them
 */
struct kind {
	int (*take)(struct vfw_restore *r, const struct vfw_state_frame *frame);
	size_t size;
	bool list;
	bool one;
	bool placed;
};

static const struct kind kinds[] = {
	[VFW_FRAME_TYPE_HEADER] = {
		take_header, .size = sizeof(struct vfw_state_header), .one = true },
	[VFW_FRAME_TYPE_VM] = {
		take_vm, .size = sizeof(struct vfw_state_vm), .one = true },
	[VFW_FRAME_TYPE_PORT] = {
		take_ports, .size = sizeof(struct vfw_state_port) },
	[VFW_FRAME_TYPE_POLICY] = {
		vfw_restore_policy, .size = sizeof(struct vfw_state_policy), .one = true },
	[VFW_FRAME_TYPE_RULES] = {
		vfw_restore_rules, .list = true },
	[VFW_FRAME_TYPE_STATS] = {
		vfw_restore_stats },
	[VFW_FRAME_TYPE_FLOWS_IPV4] = {
		vfw_restore_flows4, .size = sizeof(struct vfw_state_flow4), .list = true,
		.placed = true },
	[VFW_FRAME_TYPE_FLOWS_IPV6] = {
		vfw_restore_flows6, .size = sizeof(struct vfw_state_flow6), .list = true,
		.placed = true },
	[VFW_FRAME_TYPE_FLOWS_TAGGED] = {
		vfw_restore_flows_tagged, .size = sizeof(struct vfw_state_flow_tagged),
		.list = true, .placed = true },
	[VFW_FRAME_TYPE_END] = {
		take_end, .size = sizeof(struct vfw_state_end), .one = true },
	[VFW_FRAME_TYPE_ROUND] = {
		vfw_restore_round, .size = sizeof(struct vfw_state_round), .one = true },
	[VFW_FRAME_TYPE_GONE] = {
		vfw_restore_gone, .size = sizeof(struct vfw_state_gone), .list = true },
	[VFW_FRAME_TYPE_RULE_COUNTERS] = {
		vfw_restore_rule_counters, .size = sizeof(struct vfw_state_rule_counters),
		.list = true },
};

/* What is true of every frame. */

static int check_length(struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size)
{
	u32 length = le32_to_cpu(frame->length);

	if (length != size)
		return vfw_restore_refuse(r, -EBADMSG, "it is %zu bytes long and says %u", size,
					  length);
	if (length % 8)
		return vfw_restore_refuse(r, -EBADMSG, "its length is no multiple of 8");
	return 0;
}

static int check_frame(struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size)
{
	int err;

	if (size < sizeof(*frame))
		return vfw_restore_refuse(r, -EBADMSG, "too short for a frame");
	if (size > VFW_FRAME_MAX)
		return vfw_restore_refuse(r, -EMSGSIZE, "too long for a frame");
	if (le32_to_cpu(frame->magic) != VFW_STATE_MAGIC)
		return vfw_restore_refuse(r, -EBADMSG, "no frame of a snapshot");
	/* From here on another version may mean something else by the bytes. */
	if (le16_to_cpu(frame->version) != VFW_STATE_VERSION)
		return vfw_restore_refuse(r, -EPROTONOSUPPORT,
					  "stream is version %u, this host knows version %u",
					  le16_to_cpu(frame->version), VFW_STATE_VERSION);
	err = check_length(r, frame, size);
	if (err)
		return err;
	if (le32_to_cpu(frame->crc) != vfw_snapshot_crc(frame))
		return vfw_restore_refuse(r, -EBADMSG, "wrong checksum");
	if (le32_to_cpu(frame->sequence) != r->frames)
		return vfw_restore_refuse(r, -EBADMSG, "out of sequence: it is frame %u",
					  le32_to_cpu(frame->sequence));
	return 0;
}

/* In which order frames come, in a stream that is not live and in one that is. */
static const u8 order[] = {
	VFW_FRAME_TYPE_NONE, VFW_FRAME_TYPE_HEADER, VFW_FRAME_TYPE_VM, VFW_FRAME_TYPE_PORT,
	VFW_FRAME_TYPE_POLICY, VFW_FRAME_TYPE_RULES, VFW_FRAME_TYPE_STATS,
	VFW_FRAME_TYPE_FLOWS_IPV4, VFW_FRAME_TYPE_FLOWS_IPV6, VFW_FRAME_TYPE_FLOWS_TAGGED,
	VFW_FRAME_TYPE_END,
};

static const u8 live_order[] = {
	VFW_FRAME_TYPE_NONE, VFW_FRAME_TYPE_HEADER, VFW_FRAME_TYPE_VM, VFW_FRAME_TYPE_PORT,
	VFW_FRAME_TYPE_POLICY, VFW_FRAME_TYPE_RULES, VFW_FRAME_TYPE_ROUND, VFW_FRAME_TYPE_GONE,
	VFW_FRAME_TYPE_FLOWS_IPV4, VFW_FRAME_TYPE_FLOWS_IPV6, VFW_FRAME_TYPE_FLOWS_TAGGED,
	VFW_FRAME_TYPE_RULE_COUNTERS, VFW_FRAME_TYPE_STATS, VFW_FRAME_TYPE_END,
};

/* Lists may be missing, or go on; everything else comes once and in its turn. */
static bool type_follows(const struct vfw_restore *r, u32 type)
{
	const u8 *types = r->live ? live_order : order;
	size_t n = r->live ? ARRAY_SIZE(live_order) : ARRAY_SIZE(order), i = 0;

	while (types[i] != r->type)
		i++;
	if (type == r->type)
		return kinds[type].list;
	while (++i < n && types[i] != type)
		if (!kinds[types[i]].list)
			return false;
	return i < n;
}

/* A round may follow a round, except the last one; what ends the stream follows that alone. */
static int check_turn(struct vfw_restore *r, u32 type)
{
	if (r->round && type == VFW_FRAME_TYPE_ROUND) {
		if (r->last)
			return vfw_restore_refuse(r, -EPROTO, "a round after the last one");
		return 0;
	}
	if (!r->live && (type == VFW_FRAME_TYPE_ROUND || type == VFW_FRAME_TYPE_GONE ||
			 type == VFW_FRAME_TYPE_RULE_COUNTERS))
		return vfw_restore_refuse(r, -EPROTO,
					  "a frame of type %u in a stream that is not live", type);
	if (r->live && !r->last && (type == VFW_FRAME_TYPE_RULE_COUNTERS ||
				    type == VFW_FRAME_TYPE_STATS || type == VFW_FRAME_TYPE_END))
		return vfw_restore_refuse(r, -EPROTO, "a frame of type %u before the last round",
					  type);
	if (!type_follows(r, type))
		return vfw_restore_refuse(r, -EPROTO, "a frame of type %u cannot follow type %u",
					  type, r->type);
	return 0;
}

/* Records of a fixed size, and places, fill the frame; but for some zeros if these are odd. */
static int check_records(struct vfw_restore *r, const struct vfw_state_frame *frame,
			 const struct kind *kind)
{
	u64 length = le32_to_cpu(frame->length) - sizeof(*frame), used = kind->size;
	u32 count = le32_to_cpu(frame->count);

	if (r->live && kind->placed)
		used += sizeof(__le32);
	used *= count;
	if (ALIGN(used, 8) != length)
		return vfw_restore_refuse(r, -EBADMSG, "%u records do not fill it", count);
	if (memchr_inv((const u8 *)(frame + 1) + used, 0, length - used))
		return vfw_restore_refuse(r, -EINVAL, "padding is not zero");
	return 0;
}

static int check_kind(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	u32 type = le16_to_cpu(frame->type), count = le32_to_cpu(frame->count);
	const struct kind *kind;
	int err;

	err = check_turn(r, type);
	if (err)
		return err;
	kind = &kinds[type];
	if (kind->one && count != 1)
		return vfw_restore_refuse(r, -EBADMSG, "it says %u records, not one", count);
	if (kind->list && !count)
		return vfw_restore_refuse(r, -EBADMSG, "a frame of nothing");
	return kind->size ? check_records(r, frame, kind) : 0;
}

/**
 * vfw_restore_take() - take the next frame of the stream
 * @r: the restore
 * @frame: the frame: any bytes, aligned to 8
 * @size: how many
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_take(struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size)
{
	u32 type;
	int err;

	err = check_frame(r, frame, size);
	if (err)
		return err;
	err = check_kind(r, frame);
	if (err)
		return err;
	type = le16_to_cpu(frame->type);
	if (r->type <= VFW_FRAME_TYPE_RULES && type > VFW_FRAME_TYPE_RULES) {
		err = vfw_restore_rules_end(r);
		if (err)
			return err;
	}
	err = kinds[type].take(r, frame);
	if (err)
		return err;
	r->type = type;
	r->frames++;
	r->digest = vfw_snapshot_digest(r->digest, frame);
	r->bytes += size;
	return 0;
}
