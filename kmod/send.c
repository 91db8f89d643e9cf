// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: a VM's state as a live stream, in rounds, while packets go on
 * (Documentation/snapshot-format.md).
 *
 * The first round has all flows, each further one those that are marked (mark.c): they changed or
 * ended since they were written. The round that begins when the VM is frozen is the last one, and
 * leaves the other side with what is here, for nothing changes any more. When to freeze is for user
 * space to say.
 *
 * A policy is sent once: when it is replaced, the stream ends there, and another one has to be
 * begun. The flow table cannot be replaced meanwhile, because nothing is restored into a VM that is
 * being sent.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "mark.h"
#include "policy.h"
#include "send.h"
#include "snapshot_stage.h"
#include "vm.h"

/* Writers of frames. */

static __le32 flows_now(const struct vfw_flow_table *table, enum vfw_flow_kind kind)
{
	return cpu_to_le32(READ_ONCE(table->hash[kind].count));
}

/**
 * vfw_send_put_round() - write the frame that begins a round
 * @snap: the save, a live stream's
 * @vm: the VM
 * @room: where to
 *
 * Return: 0, or -EMSGSIZE.
 */
int vfw_send_put_round(struct vfw_snapshot *snap, struct vfw_vm *vm,
		       struct vfw_snapshot_room *room)
{
	struct vfw_state_round *rec = vfw_snapshot_take(room, sizeof(*rec));
	struct vfw_flow_table *table = vfw_vm_flows(vm);
	struct vfw_send *send = vfw_send_of(snap);
	bool last = snap->way == VFW_SNAPSHOT_LAST_ROUND;

	if (!rec)
		return -EMSGSIZE;
	send->now = vfw_flow_now(table);
	/* For the counters, which follow in the last one. */
	snap->rule = 0;
	rec->number = cpu_to_le32(send->round);
	rec->flags = cpu_to_le32(last ? VFW_STATE_ROUND_LAST : 0);
	rec->elapsed = cpu_to_le64(jiffies_to_msecs(send->now - send->begun));
	rec->flows_ipv4 = flows_now(table, VFW_FLOWS_IPV4);
	rec->flows_ipv6 = flows_now(table, VFW_FLOWS_IPV6);
	rec->flows_tagged = flows_now(table, VFW_FLOWS_TAGGED);
	rec->changed = cpu_to_le32(vfw_send_changed(vm));
	return 0;
}

/* What writes the places of flows that ended. */
struct gone_writer {
	struct vfw_flow_table *table;
	struct vfw_snapshot_room *room;
};

#define STOP 1

static int put_place(struct vfw_flow *flow, void *arg)
{
	struct gone_writer *w = arg;
	struct vfw_state_gone *rec;

	/* What fills up the frame is to have room, too. */
	if (w->room->left < 2 * sizeof(*rec))
		return STOP;
	rec = vfw_snapshot_take(w->room, sizeof(*rec));
	rec->place = cpu_to_le32(vfw_flow_place(w->table, flow));
	return 0;
}

/* Zeros up to a multiple of 8; the room is one. */
static void fill_up(struct vfw_snapshot_room *room, size_t size)
{
	size_t more = ALIGN(size, 8) - size;

	memset(room->at, 0, more);
	room->at += more;
	room->left -= more;
}

/**
 * vfw_send_put_gone() - write a frame of the places of flows that ended
 * @snap: the save, a live stream's
 * @vm: the VM
 * @room: where to
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: 0 when these were the last, else 1.
 */
int vfw_send_put_gone(struct vfw_snapshot *snap, struct vfw_vm *vm,
		      struct vfw_snapshot_room *room)
{
	struct gone_writer w = { .table = vfw_vm_flows(vm), .room = room };
	int err = 0;

	/* Before the first round nothing was sent that could be gone. */
	if (vfw_send_of(snap)->round > 1)
		err = vfw_mark_walk(w.table, &snap->cursor, true, put_place, &w);
	fill_up(room, room->count * sizeof(struct vfw_state_gone));
	if (!err)
		memset(&snap->cursor, 0, sizeof(snap->cursor));
	return err == STOP;
}

static bool put_rule_counters(const struct vfw_rule *rule, u32 number,
			      struct vfw_snapshot_room *room)
{
	u64 packets = atomic64_read(&rule->packets), bytes = atomic64_read(&rule->bytes);
	struct vfw_state_rule_counters *rec;

	if (!packets && !bytes)
		return true;
	rec = vfw_snapshot_take(room, sizeof(*rec));
	if (!rec)
		return false;
	rec->rule = cpu_to_le32(number);
	rec->reserved = 0;
	rec->packets = cpu_to_le64(packets);
	rec->bytes = cpu_to_le64(bytes);
	return true;
}

/**
 * vfw_send_put_counters() - write a frame of what rules have counted
 * @snap: the save, a live stream's
 * @vm: the VM
 * @room: where to
 *
 * Return: 0 when these were the last, else 1.
 */
int vfw_send_put_counters(struct vfw_snapshot *snap, struct vfw_vm *vm,
			  struct vfw_snapshot_room *room)
{
	const struct vfw_policy *policy = vfw_vm_policy(vm);

	for (; policy && snap->rule < policy->n_rules; snap->rule++)
		if (!put_rule_counters(&policy->rules[snap->rule], snap->rule + 1, room))
			return 1;
	return 0;
}

/**
 * vfw_send_note() - a flow is being written: note its place, and that it is sent as it is now
 * @send: the stream
 * @table: the table
 * @flow: the flow, locked
 * @number: of its record in the frame
 */
void vfw_send_note(struct vfw_send *send, struct vfw_flow_table *table, struct vfw_flow *flow,
		   u32 number)
{
	send->places[number] = cpu_to_le32(vfw_flow_place(table, flow));
	vfw_mark_clear(table, flow);
}

/**
 * vfw_send_put_places() - write the places of the flows of a frame behind them
 * @send: the stream
 * @room: where to; it has room for them
 */
void vfw_send_put_places(struct vfw_send *send, struct vfw_snapshot_room *room)
{
	size_t size = room->count * sizeof(*send->places);

	memcpy(room->at, send->places, size);
	room->at += size;
	room->left -= size;
	fill_up(room, size);
}

/* Begin, rounds, end. */

/**
 * vfw_send_begin() - begin to send a VM's state in rounds
 * @vm: the VM
 * @portid: netlink socket that does it
 * @extack: for the reason of a refusal
 *
 * Context: under vfw_net.lock, process context; waits until packets under way are done.
 * Return: 0; -EBUSY when it is being sent already, or its state is not here yet; -ENOMEM.
 */
int vfw_send_begin(struct vfw_vm *vm, u32 portid, struct netlink_ext_ack *extack)
{
	struct vfw_flow_table *table = vfw_vm_flows(vm);
	struct vfw_send *send;

	lockdep_assert_held(&vm->vn->lock);
	if (vm->send) {
		NL_SET_ERR_MSG_MOD(extack, "the VM's state is being sent already");
		return -EBUSY;
	}
	if (vm->restore || vm->state == VFW_VM_STATE_HOLDING || vm->state == VFW_VM_STATE_CLOSED) {
		NL_SET_ERR_MSG_MOD(extack, "the VM waits for its state itself");
		return -EBUSY;
	}
	send = kzalloc_obj(*send, GFP_KERNEL_ACCOUNT);
	if (!send) {
		NL_SET_ERR_MSG_MOD(extack, "no memory to send");
		return -ENOMEM;
	}
	vfw_snapshot_begin(&send->snap, vm);
	send->snap.way = VFW_SNAPSHOT_ROUND;
	send->snap.type = VFW_FRAME_TYPE_NONE;
	send->portid = portid;
	vfw_mark_begin(table);
	send->begun = vfw_flow_now(table);
	vm->send = send;
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_send_begin);

/**
 * vfw_send_round() - begin the next round
 * @vm: the VM, being sent; when it is frozen, this is the last round
 * @extack: for the reason of a refusal
 *
 * Context: under vfw_net.lock.
 * Return: 0; -ECANCELED when the round before was not read to its end; -ENODATA when that was the
 *	last one; -EAGAIN when the policy was replaced, or the VM thawed after the last one.
 */
int vfw_send_round(struct vfw_vm *vm, struct netlink_ext_ack *extack)
{
	struct vfw_send *send = vm->send;
	struct vfw_snapshot *snap = &send->snap;

	lockdep_assert_held(&vm->vn->lock);
	if (snap->epoch != vm->epoch) {
		NL_SET_ERR_MSG_MOD(extack, "the policy was replaced: begin to send anew");
		return -EAGAIN;
	}
	if (send->over && snap->changes != vm->changes) {
		NL_SET_ERR_MSG_MOD(extack, "the VM was thawed: begin to send anew");
		return -EAGAIN;
	}
	if (snap->type != VFW_FRAME_TYPE_NONE) {
		NL_SET_ERR_MSG_MOD(extack, "the round before was not read to its end");
		return -ECANCELED;
	}
	if (send->over) {
		NL_SET_ERR_MSG_MOD(extack, "the last round was sent");
		return -ENODATA;
	}
	if (vm->state == VFW_VM_STATE_FROZEN) {
		snap->way = VFW_SNAPSHOT_LAST_ROUND;
		send->over = true;
	}
	snap->changes = vm->changes;
	snap->type = send->round++ ? VFW_FRAME_TYPE_ROUND : VFW_FRAME_TYPE_HEADER;
	memset(&snap->cursor, 0, sizeof(snap->cursor));
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_send_round);

/**
 * vfw_send_frame() - write the next frame of the round
 * @vm: the VM, being sent
 * @buf: where to write it, as of vfw_snapshot_frame()
 * @size: bytes there
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: as vfw_snapshot_frame(); 0 at the end of the round.
 */
int vfw_send_frame(struct vfw_vm *vm, void *buf, size_t size)
{
	return vfw_snapshot_frame(&vm->send->snap, vm, buf, size);
}
EXPORT_SYMBOL_VFW_TEST(vfw_send_frame);

/**
 * vfw_send_changed() - how many flows the next round has to tell about, those gone included
 * @vm: the VM, being sent
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
u32 vfw_send_changed(struct vfw_vm *vm)
{
	struct vfw_flow_table *table = vfw_vm_flows(vm);
	const struct vfw_send *send = vm->send;

	/* Until the first round is over, all there are. */
	if (!send->round || (send->round == 1 && send->snap.type != VFW_FRAME_TYPE_NONE))
		return READ_ONCE(table->count);
	return vfw_mark_count(table);
}
EXPORT_SYMBOL_VFW_TEST(vfw_send_changed);

/**
 * vfw_send_end() - end sending, if the VM's state is being sent; the state stays as it is
 * @vm: the VM
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
void vfw_send_end(struct vfw_vm *vm)
{
	lockdep_assert_held(&vm->vn->lock);
	if (!vm->send)
		return;
	vfw_mark_end(vfw_vm_flows(vm));
	kfree(vm->send);
	vm->send = NULL;
}
EXPORT_SYMBOL_VFW_TEST(vfw_send_end);
