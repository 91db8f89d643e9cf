// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: a stream of frames becomes a VM's state, whole or not at all.
 *
 * What arrives is staged aside: a policy, a flow table and counters that no packet can reach.
 * Every byte is hostile until it is checked, and checked before it is used. The first refusal
 * ends the restore: what was staged is of no use with a gap in it. A commit after a complete
 * stream does nothing that can fail.
 */

#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "hold.h"
#include "netlink.h"
#include "policy.h"
#include "restore.h"
#include "restore_stage.h"
#include "snapshot.h"
#include "vm.h"

/**
 * vfw_restore_refuse() - refuse the frame that is being taken
 * @r: the restore
 * @err: the error
 * @fmt: the reason, short: with all it comes with there are 80 bytes
 *
 * Return: @err.
 */
int vfw_restore_refuse(struct vfw_restore *r, int err, const char *fmt, ...)
{
	char text[64];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->record)
		NL_SET_ERR_MSG_FMT_MOD(r->extack, "frame %u, record %u: %s", r->frames, r->record,
				       text);
	else
		NL_SET_ERR_MSG_FMT_MOD(r->extack, "frame %u: %s", r->frames, text);
	return err;
}

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
	int kind;

	if (memcmp(rec->uuid, &r->vm->uuid, sizeof(rec->uuid)))
		return vfw_restore_refuse(r, -EXDEV, "snapshot of another VM");
	if (le32_to_cpu(rec->flags) & ~VFW_STATE_HEADER_FROZEN)
		return vfw_restore_refuse(r, -EINVAL, "unknown flags in the header");
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
	r->frozen = rec->flags & cpu_to_le32(VFW_STATE_HEADER_FROZEN);
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

static int take_end(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_end *rec = (const struct vfw_state_end *)(frame + 1);

	if (le32_to_cpu(rec->frames) != r->frames + 1)
		return vfw_restore_refuse(r, -EBADMSG, "there were %u frames, not %u",
					  r->frames + 1, le32_to_cpu(rec->frames));
	if (le32_to_cpu(rec->ports) != r->ports || le32_to_cpu(rec->rules) != r->rules ||
	    le32_to_cpu(rec->flows_ipv4) != r->flows[VFW_FLOWS_IPV4] ||
	    le32_to_cpu(rec->flows_ipv6) != r->flows[VFW_FLOWS_IPV6] ||
	    le32_to_cpu(rec->flows_tagged) != r->flows[VFW_FLOWS_TAGGED])
		return vfw_restore_refuse(r, -EBADMSG, "other numbers of records than arrived");
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
 */
struct kind {
	int (*take)(struct vfw_restore *r, const struct vfw_state_frame *frame);
	size_t size;
	bool list;
	bool one;
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
		vfw_restore_flows4, .size = sizeof(struct vfw_state_flow4), .list = true },
	[VFW_FRAME_TYPE_FLOWS_IPV6] = {
		vfw_restore_flows6, .size = sizeof(struct vfw_state_flow6), .list = true },
	[VFW_FRAME_TYPE_FLOWS_TAGGED] = {
		vfw_restore_flows_tagged, .size = sizeof(struct vfw_state_flow_tagged),
		.list = true },
	[VFW_FRAME_TYPE_END] = {
		take_end, .size = sizeof(struct vfw_state_end), .one = true },
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

/* Lists may be missing, or go on; everything else comes once and in its turn. */
static bool type_follows(u32 last, u32 type)
{
	if (type < VFW_FRAME_TYPE_HEADER || type > VFW_FRAME_TYPE_END)
		return false;
	if (type == last)
		return kinds[type].list;
	while (++last < type)
		if (!kinds[last].list)
			return false;
	return last == type;
}

static int check_kind(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	u64 records = le32_to_cpu(frame->length) - sizeof(*frame);
	u32 type = le16_to_cpu(frame->type), count = le32_to_cpu(frame->count);
	const struct kind *kind;

	if (!type_follows(r->type, type))
		return vfw_restore_refuse(r, -EPROTO, "a frame of type %u cannot follow type %u",
					  type, r->type);
	kind = &kinds[type];
	if (kind->one && count != 1)
		return vfw_restore_refuse(r, -EBADMSG, "it says %u records, not one", count);
	if (kind->list && !count)
		return vfw_restore_refuse(r, -EBADMSG, "a frame of nothing");
	if (kind->size && records != (u64)count * kind->size)
		return vfw_restore_refuse(r, -EBADMSG, "%u records do not fill it", count);
	return 0;
}

static int take_frame(struct vfw_restore *r, const struct vfw_state_frame *frame, size_t size)
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

/* Records hold numbers of 64 bits; an attribute of netlink is aligned to 32. */
static const void *align_frame(struct vfw_restore *r, const void *frame, size_t size)
{
	if (IS_ALIGNED((unsigned long)frame, 8) || size > VFW_FRAME_MAX)
		return frame;
	if (!r->aligned)
		r->aligned = kvmalloc(VFW_FRAME_MAX, GFP_KERNEL);
	if (!r->aligned)
		return NULL;
	return memcpy(r->aligned, frame, size);
}

/**
 * vfw_restore_frame() - take the next frame of the stream
 * @vm: the VM, with a restore under way
 * @frame: the frame: any bytes
 * @size: how many
 * @frames: where to put how many frames were taken so far
 * @extack: for the reason of a refusal
 *
 * Nothing of it is in force before the commit. After a refusal the restore can only be aborted.
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0; -ENOENT when no restore is under way; -ECANCELED when it has failed; -EBADMSG for a
 *	frame that is damaged or says what cannot be; -EPROTO out of turn; -EPROTONOSUPPORT for
 *	another version; -EXDEV for another VM; -ESTALE for a replay; -EINVAL, -ERANGE, -EEXIST,
 *	-E2BIG or -ENOSPC for what a record holds; -ENOMEM.
 */
int vfw_restore_frame(struct vfw_vm *vm, const void *frame, size_t size, u32 *frames,
		      struct netlink_ext_ack *extack)
{
	struct vfw_restore *r = vm->restore;
	int err;

	lockdep_assert_held(&vm->vn->lock);
	if (!r) {
		NL_SET_ERR_MSG_MOD(extack, "no restore of the VM is under way");
		return -ENOENT;
	}
	if (r->failed) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "restore failed at frame %u, abort it", r->frames);
		return -ECANCELED;
	}
	r->extack = extack;
	r->record = 0;
	frame = align_frame(r, frame, size);
	if (frame)
		err = take_frame(r, frame, size);
	else
		err = vfw_restore_refuse(r, -ENOMEM, "no memory to read it");
	r->extack = NULL;
	r->failed = err;
	*frames = r->frames;
	return err;
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_frame);

/* Begin and end. */

static void restore_free(struct vfw_restore *r)
{
	if (r->policy)
		vfw_policy_free(r->policy);
	if (r->table)
		vfw_flow_table_free(r->table);
	kvfree(r->aligned);
	kfree(r);
}

/**
 * vfw_restore_begin() - begin to restore a VM
 * @vm: the VM
 * @portid: netlink socket that does it
 * @extack: for the reason of a refusal
 *
 * Context: under vfw_net.lock, process context.
 * Return: 0; -EBUSY when a restore is under way already, or the VM is frozen or being sent;
 *	-ENOMEM.
 */
int vfw_restore_begin(struct vfw_vm *vm, u32 portid, struct netlink_ext_ack *extack)
{
	struct vfw_restore *r;

	lockdep_assert_held(&vm->vn->lock);
	if (vm->restore) {
		NL_SET_ERR_MSG_MOD(extack, "a restore of the VM is under way already");
		return -EBUSY;
	}
	if (vm->state == VFW_VM_STATE_FROZEN) {
		NL_SET_ERR_MSG_MOD(extack, "the VM is frozen: thaw it, or delete it");
		return -EBUSY;
	}
	if (vm->send) {
		NL_SET_ERR_MSG_MOD(extack, "the VM's state is being sent to another host");
		return -EBUSY;
	}
	r = kzalloc_obj(*r, GFP_KERNEL_ACCOUNT);
	if (!r)
		goto err_memory;
	r->table = vfw_flow_table_alloc(NULL);
	if (!r->table)
		goto err_restore;
	/* Lifetimes begin to run when the state is in force. */
	vfw_flow_table_freeze(r->table);
	r->vm = vm;
	r->portid = portid;
	r->epoch = vfw_vm_next_epoch(vm);
	vfw_hold_baseline(vm, &r->before);
	vm->restore = r;
	return 0;

err_restore:
	kfree(r);
err_memory:
	NL_SET_ERR_MSG_MOD(extack, "no memory for the restore");
	return -ENOMEM;
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_begin);

static int check_commit(struct vfw_vm *vm, struct netlink_ext_ack *extack)
{
	const struct vfw_restore *r = vm->restore;

	if (!r) {
		NL_SET_ERR_MSG_MOD(extack, "no restore of the VM is under way");
		return -ENOENT;
	}
	if (r->failed) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "restore failed at frame %u, abort it", r->frames);
		return -ECANCELED;
	}
	if (r->type != VFW_FRAME_TYPE_END) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "the stream is incomplete after %u frames",
				       r->frames);
		return -ENODATA;
	}
	if (r->incarnation <= vm->incarnation) {
		NL_SET_ERR_MSG_MOD(extack, "replayed: the VM has a newer incarnation by now");
		return -ESTALE;
	}
	if (vm->state == VFW_VM_STATE_FROZEN) {
		NL_SET_ERR_MSG_MOD(extack, "the VM is frozen: thaw it, or delete it");
		return -EBUSY;
	}
	return 0;
}

static int set_epoch(struct vfw_flow *flow, void *arg)
{
	/* 0 stays: it is no policy's. */
	if (flow->epoch)
		flow->epoch = *(u32 *)arg;
	return 0;
}

/*
 * The flows were staged with the epoch that the policy was expected to get. It got another one
 * if somebody loaded a policy meanwhile, which is then replaced.
 */
static void publish_policy(struct vfw_vm *vm, struct vfw_restore *r)
{
	struct vfw_flow_cursor cursor = {};
	struct vfw_policy *policy = r->policy;

	vfw_vm_set_policy(vm, policy);
	r->policy = NULL;
	if (policy && policy->epoch != r->epoch)
		vfw_flow_walk(r->table, &cursor, set_epoch, &policy->epoch);
}

/*
 * From now on the VM shows what came with it, and what was counted here since the hold began.
 * The counters of the CPUs stay as they are; what was in them before is taken off the base, where
 * it may go below zero: only the sum is ever shown.
 */
static void publish_stats(struct vfw_vm *vm, const struct vfw_restore *r)
{
	const u64 *before = (const u64 *)&r->before, *came = (const u64 *)&r->stats;
	u64 *base = (u64 *)&vm->base;
	int i;

	for (i = 0; i < sizeof(vm->base) / sizeof(u64); i++)
		base[i] += came[i] - before[i];
}

/* The same of flows, which count nothing while the VM is held. */
static void publish_flows(struct vfw_vm *vm, struct vfw_restore *r)
{
	struct vfw_flow_totals base = r->totals, here;

	/* The table has counted the flows that live on as opened. */
	base.opened -= r->table->totals.opened;
	vfw_flow_table_thaw(r->table);
	vfw_vm_set_flows(vm, r->table, r->unheld ? &here : NULL);
	r->table = NULL;
	if (r->unheld) {
		vfw_flow_totals_add(&base, &here);
		vfw_flow_totals_take(&base, &r->before_flows);
	}
	vm->base_totals = base;
}

/**
 * vfw_restore_commit() - put the state that arrived in force, and end the hold
 * @vm: the VM
 * @restored: where to put what it was
 * @extack: for the reason of a refusal
 *
 * Everything is replaced: policy, flows, counters, name. The VM becomes active, if it is not
 * already because its hold ended by its deadline; held packets are judged by the new state.
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0; or, with nothing changed: -ENOENT when no restore is under way, -ECANCELED when it
 *	has failed, -ENODATA when the stream is incomplete, -ESTALE, -EBUSY.
 */
int vfw_restore_commit(struct vfw_vm *vm, struct vfw_restored *restored,
		       struct netlink_ext_ack *extack)
{
	struct vfw_restore *r = vm->restore;
	int err;

	lockdep_assert_held(&vm->vn->lock);
	err = check_commit(vm, extack);
	if (err)
		return err;

	/* Nothing can fail from here on. */
	vm->restore = NULL;
	restored->incarnation = r->incarnation;
	/* Records may be more: a flow that was renewed has several. */
	restored->flows = r->table->count;
	restored->rules = r->rules;
	restored->frames = r->frames;
	publish_policy(vm, r);
	publish_stats(vm, r);
	publish_flows(vm, r);
	strscpy(vm->name, r->name, sizeof(vm->name));
	vm->incarnation = r->incarnation;
	restore_free(r);
	restored->released = vfw_hold_release(vm);
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_commit);

/**
 * vfw_restore_drop() - forget what arrived; a hold goes on to its deadline
 * @vm: the VM
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
void vfw_restore_drop(struct vfw_vm *vm)
{
	struct vfw_restore *r = vm->restore;

	if (!r)
		return;
	vm->restore = NULL;
	restore_free(r);
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_drop);

/**
 * vfw_restore_abort() - forget what arrived, and end the hold
 * @vm: the VM; goes on with the state it had, by which held packets are judged
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
void vfw_restore_abort(struct vfw_vm *vm)
{
	lockdep_assert_held(&vm->vn->lock);
	vfw_restore_drop(vm);
	vfw_hold_release(vm);
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_abort);

/**
 * vfw_restore_unheld() - the hold ended before the state was there: from now on flows count
 * @vm: the VM; it has no flows, and becomes active after this
 *
 * Context: under vfw_net.lock.
 */
void vfw_restore_unheld(struct vfw_vm *vm)
{
	struct vfw_restore *r = vm->restore;

	if (!r)
		return;
	r->unheld = true;
	vfw_vm_ended_totals(vm, &r->before_flows);
}
EXPORT_SYMBOL_VFW_TEST(vfw_restore_unheld);

/**
 * vfw_restore_owned() - is a restore under way that this socket began?
 * @vm: the VM
 * @portid: the netlink socket
 *
 * Context: under vfw_net.lock.
 */
bool vfw_restore_owned(const struct vfw_vm *vm, u32 portid)
{
	return vm->restore && vm->restore->portid == portid;
}
