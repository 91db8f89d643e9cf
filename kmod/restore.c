// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: a stream of frames becomes a VM's state, whole or not at all.
 *
 * What arrives is staged aside: a policy, a flow table and counters that no packet can reach.
 * Every byte is hostile until it is checked, and checked before it is used. The first refusal
 * ends the restore: what was staged is of no use with a gap in it. A commit after a complete
 * stream does nothing that can fail.
 */

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
		err = vfw_restore_take(r, frame, size);
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
	vfw_places_free(&r->places);
	kvfree(r->aligned);
	kfree(r);
}

static void restore_free_work(struct work_struct *work)
{
	restore_free(container_of(to_rcu_work(work), struct vfw_restore, free));
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
	vfw_places_init(&r->places);
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

	/*
	 * The table has counted the flows that live on as opened; and in a live stream also those
	 * that came and went, which are in what the source has counted.
	 */
	vfw_flow_totals_take(&base, &r->table->totals);
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
	restored->released = vfw_hold_release(vm);
	/* To forget the places of a million flows takes a while: some time, not now. */
	INIT_RCU_WORK(&r->free, restore_free_work);
	queue_rcu_work(vfw_wq, &r->free);
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
