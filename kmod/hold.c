// SPDX-License-Identifier: GPL-2.0
/*
 * Holding: packets of a VM wait, in order and within bounds, until its state is there.
 */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "main.h"
#include "drop.h"
#include "flow.h"
#include "hold.h"
#include "hook.h"
#include "netlink.h"
#include "restore.h"
#include "resume.h"
#include "vm.h"

/**
 * DOC: order
 *
 * The VM stays in the state holding while its queue empties, so that packets that arrive
 * meanwhile queue up behind those that wait. It becomes active under the queue's lock in the
 * moment the queue is empty. So that this moment comes, no more than the bound of the hold may
 * join while it is being released; the rest is dropped.
 *
 * DOC: lifetime
 *
 * A hold begins and ends under vfw_net.lock. The hook finds it by RCU and looks at its stage
 * under its lock. A held packet has a reference on its netdev, and knows its port, which outlives
 * it: vfw_hold_port_gone() is called before a port goes. The deadline's work takes vfw_net.lock
 * only by trying, so that who has the lock can wait for the work to end.
 */

/* Packets that are looked at with the queue locked. */
#define SLICE	256

/**
 * enum hold_stage - what happens to a packet that comes
 * @STAGE_WAITING: it is queued
 * @STAGE_CLOSED: it is dropped, the deadline has passed
 * @STAGE_RELEASING: it is queued, within a second bound
 * @STAGE_OVER: the hold is over, the VM's state says what happens
 */
enum hold_stage {
	STAGE_WAITING,
	STAGE_CLOSED,
	STAGE_RELEASING,
	STAGE_OVER,
};

/**
 * struct vfw_hold - the packets of a VM that wait
 * @lock: protects @queue to @limits, taken with BH off
 * @queue: the packets, each with struct vfw_stolen in its cb
 * @bytes: of them, by truesize
 * @late: how many may still join while the queue is released
 * @stage: enum hold_stage
 * @limits: bounds
 * @due: jiffies of the deadline; under vfw_net.lock
 * @deadline: what happens then
 * @vm: whose it is; never changes
 * @before: what the VM had counted when the hold began
 * @rcu: to free it
 */
struct vfw_hold {
	spinlock_t lock; /* the queue, and whether packets join it */
	struct sk_buff_head queue;
	u32 bytes;
	u32 late;
	enum hold_stage stage;
	struct vfw_hold_limits limits;
	unsigned long due;
	struct delayed_work deadline;
	struct vfw_vm *vm;
	struct vfw_stats before;
	struct rcu_head rcu;
};

static struct vfw_hold *vm_hold(struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->hold, lockdep_is_held(&vm->vn->lock));
}

/* Judge a held packet and let it go on, or not. BH off, RCU. */
static void release_packet(struct vfw_vm *vm, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct vfw_stolen held = *vfw_stolen(skb);

	memset(skb->cb, 0, sizeof(skb->cb));
	this_cpu_inc(vm->stats->held);
	if (vfw_hook_judge(held.port, dev, skb, held.egress) == NF_ACCEPT)
		vfw_resume_packet(held.port, skb, held.egress, held.dir);
	netdev_put(dev, &held.tracker);
}

/* Packets on their way in. */

static enum vfw_drop_reason check_room(const struct vfw_hold *hold, u32 truesize)
{
	if (skb_queue_len(&hold->queue) >= hold->limits.packets ||
	    hold->bytes > hold->limits.bytes || truesize > hold->limits.bytes - hold->bytes)
		return VFW_DROP_REASON_HOLD_LIMIT;
	if (hold->stage == STAGE_RELEASING && !hold->late)
		return VFW_DROP_REASON_HOLD_LIMIT;
	return VFW_DROP_REASON_NONE;
}

static void enqueue(struct vfw_hold *hold, struct sk_buff *skb)
{
	lockdep_assert_held(&hold->lock);
	vfw_stolen_keep(skb);
	__skb_queue_tail(&hold->queue, skb);
	hold->bytes += skb->truesize;
	if (hold->stage == STAGE_RELEASING)
		hold->late--;
}

/* The hold ended while a packet was on its way into it: only a VM that went active judges it. */
static enum vfw_drop_reason reason_after(const struct vfw_vm *vm)
{
	/* Pairs with the release in drain(). */
	switch (smp_load_acquire(&vm->state)) {
	case VFW_VM_STATE_ACTIVE:
		return VFW_DROP_REASON_NONE;
	case VFW_VM_STATE_FROZEN:
		return VFW_DROP_REASON_FROZEN;
	default:
		return VFW_DROP_REASON_HOLD_CLOSED;
	}
}

/* A packet that is its caller's, with its struct vfw_stolen, though the hold is over. */
static void pass_late(struct vfw_vm *vm, struct sk_buff *skb)
{
	enum vfw_drop_reason reason = reason_after(vm);
	struct vfw_stolen held = *vfw_stolen(skb);

	memset(skb->cb, 0, sizeof(skb->cb));
	if (reason)
		vfw_drop(vm, skb, reason, held.dir);
	else if (vfw_hook_judge(held.port, skb->dev, skb, held.egress) == NF_ACCEPT)
		vfw_resume_packet(held.port, skb, held.egress, held.dir);
}

static void queue_packet(struct vfw_vm *vm, struct vfw_hold *hold, struct sk_buff *skb)
{
	enum vfw_drop_reason reason = VFW_DROP_REASON_NONE;
	bool over = false;

	spin_lock_bh(&hold->lock);
	if (hold->stage == STAGE_OVER)
		over = true;
	else if (hold->stage == STAGE_CLOSED)
		reason = VFW_DROP_REASON_HOLD_CLOSED;
	else
		reason = check_room(hold, skb->truesize);
	if (!over && !reason)
		enqueue(hold, skb);
	spin_unlock_bh(&hold->lock);
	if (over)
		pass_late(vm, skb);
	else if (reason)
		vfw_drop(vm, skb, reason, vfw_stolen(skb)->dir);
}

/* What is likely to become of a packet, before work is put into it. */
static enum vfw_drop_reason foresee(struct vfw_hold *hold, u32 truesize)
{
	enum vfw_drop_reason reason;

	spin_lock_bh(&hold->lock);
	if (hold->stage == STAGE_CLOSED)
		reason = VFW_DROP_REASON_HOLD_CLOSED;
	else
		reason = hold->stage == STAGE_OVER ? VFW_DROP_REASON_NONE :
						     check_room(hold, truesize);
	spin_unlock_bh(&hold->lock);
	return reason;
}

/**
 * vfw_hold_packet() - let a packet wait
 * @vm: whose it is; was found holding or closed
 * @port: where it was met
 * @skb: the packet, as the hook got it
 * @egress: it was met on egress
 * @dir: its direction
 *
 * Announcements are let past by the caller.
 *
 * Context: the hook; BH off, RCU.
 * Return: what the hook returns: NF_STOLEN; or, when the hold ended just now, how the packet was
 *	judged.
 */
unsigned int vfw_hold_packet(struct vfw_vm *vm, struct vfw_port *port, struct sk_buff *skb,
			     bool egress, enum vfw_direction dir)
{
	struct vfw_hold *hold = rcu_dereference(vm->hold);
	enum vfw_drop_reason reason;
	struct vfw_stolen *held;

	if (!hold) {
		reason = reason_after(vm);
		return reason ? vfw_drop(vm, skb, reason, dir) :
				vfw_hook_judge(port, skb->dev, skb, egress);
	}
	reason = foresee(hold, skb->truesize);
	if (reason)
		return vfw_drop(vm, skb, reason, dir);
	skb = vfw_stolen_own(skb);
	if (!skb) {
		vfw_vm_count_drop(vm, VFW_DROP_REASON_NO_MEMORY, dir);
		return NF_STOLEN;
	}
	held = vfw_stolen(skb);
	held->port = port;
	held->egress = egress;
	held->dir = dir;
	queue_packet(vm, hold, skb);
	return NF_STOLEN;
}

/* The hold's life. */

static void drop_gone(struct vfw_hold *hold, struct sk_buff_head *gone,
		      enum vfw_drop_reason reason)
{
	struct sk_buff *skb;
	u32 n = 0;

	while ((skb = __skb_dequeue(gone))) {
		vfw_stolen_drop(hold->vm, skb, reason);
		if (++n % 64 == 0)
			cond_resched();
	}
}

/* Drop all that waits. */
static void drop_held(struct vfw_hold *hold, enum vfw_drop_reason reason)
{
	struct sk_buff_head gone;

	__skb_queue_head_init(&gone);
	spin_lock_bh(&hold->lock);
	skb_queue_splice_init(&hold->queue, &gone);
	hold->bytes = 0;
	spin_unlock_bh(&hold->lock);
	drop_gone(hold, &gone, reason);
}

/*
 * Take what waits of a port out of the next SLICE packets of the queue behind @kept; returns the
 * last of them that stays, or the queue itself when there is none, and in @more whether there are
 * more.
 */
static struct sk_buff *take_slice(struct vfw_hold *hold, const struct vfw_port *port,
				  struct sk_buff *kept, struct sk_buff_head *gone, bool *more)
{
	struct sk_buff *end = (struct sk_buff *)&hold->queue, *skb;
	int left = SLICE;

	lockdep_assert_held(&hold->lock);
	while ((skb = kept->next) != end && left--) {
		if (vfw_stolen(skb)->port != port) {
			kept = skb;
			continue;
		}
		__skb_unlink(skb, &hold->queue);
		hold->bytes -= skb->truesize;
		__skb_queue_tail(gone, skb);
	}
	*more = skb != end;
	return kept;
}

/* Drop what waits of a port. Under vfw_net.lock, so that what stays in the queue stays there. */
static void drop_held_of(struct vfw_hold *hold, const struct vfw_port *port)
{
	struct sk_buff *kept = (struct sk_buff *)&hold->queue;
	struct sk_buff_head gone;
	bool more = true;

	lockdep_assert_held(&hold->vm->vn->lock);
	__skb_queue_head_init(&gone);
	while (more) {
		spin_lock_bh(&hold->lock);
		kept = take_slice(hold, port, kept, &gone, &more);
		spin_unlock_bh(&hold->lock);
		drop_gone(hold, &gone, VFW_DROP_REASON_PORT_GONE);
	}
}

static u32 release_batch(struct vfw_vm *vm, struct sk_buff_head *batch)
{
	struct sk_buff *skb;
	u32 n = 0;

	while ((skb = __skb_dequeue(batch))) {
		local_bh_disable();
		rcu_read_lock();
		release_packet(vm, skb);
		rcu_read_unlock();
		local_bh_enable();
		if (++n % 64 == 0)
			cond_resched();
	}
	return n;
}

/* Release what waits; the VM becomes active when nothing does any more. */
static u32 drain(struct vfw_hold *hold)
{
	struct sk_buff_head batch;
	u32 n = 0;

	__skb_queue_head_init(&batch);
	spin_lock_bh(&hold->lock);
	hold->stage = STAGE_RELEASING;
	hold->late = hold->limits.packets;
	while (!skb_queue_empty(&hold->queue)) {
		skb_queue_splice_tail_init(&hold->queue, &batch);
		hold->bytes = 0;
		spin_unlock_bh(&hold->lock);
		n += release_batch(hold->vm, &batch);
		spin_lock_bh(&hold->lock);
	}
	hold->stage = STAGE_OVER;
	/* Pairs with the acquire in the hook: who sees the VM active sees its restored state. */
	smp_store_release(&hold->vm->state, VFW_VM_STATE_ACTIVE);
	spin_unlock_bh(&hold->lock);
	return n;
}

/* The deadline's work has ended, or is what calls this. */
static void hold_free(struct vfw_hold *hold)
{
	RCU_INIT_POINTER(hold->vm->hold, NULL);
	kfree_rcu(hold, rcu);
}

/**
 * vfw_hold_release() - end a hold: what waits is judged by the state that is there now
 * @vm: the VM; afterwards it is active, if it was held
 *
 * Context: under vfw_net.lock, process context; sleeps.
 * Return: how many packets were judged.
 */
u32 vfw_hold_release(struct vfw_vm *vm)
{
	struct vfw_hold *hold = vm_hold(vm);
	u32 n;

	if (!hold)
		return 0;
	cancel_delayed_work_sync(&hold->deadline);
	n = drain(hold);
	hold_free(hold);
	return n;
}

/**
 * vfw_hold_drop() - end a hold without judging anything, because the VM is being deleted
 * @vm: the VM; if it was held, its packets are dropped from now on
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
void vfw_hold_drop(struct vfw_vm *vm)
{
	struct vfw_hold *hold = vm_hold(vm);

	if (!hold)
		return;
	cancel_delayed_work_sync(&hold->deadline);
	spin_lock_bh(&hold->lock);
	hold->stage = STAGE_OVER;
	WRITE_ONCE(vm->state, VFW_VM_STATE_CLOSED);
	spin_unlock_bh(&hold->lock);
	drop_held(hold, VFW_DROP_REASON_HOLD_CLOSED);
	hold_free(hold);
}

/**
 * vfw_hold_port_gone() - drop what waits of a port that is going
 * @vm: the VM
 * @port: the port; unhooked, and no packet is in its hooks any more
 *
 * Context: under vfw_net.lock.
 */
void vfw_hold_port_gone(struct vfw_vm *vm, struct vfw_port *port)
{
	struct vfw_hold *hold = vm_hold(vm);

	if (hold)
		drop_held_of(hold, port);
}

static void hold_close(struct vfw_hold *hold)
{
	spin_lock_bh(&hold->lock);
	hold->stage = STAGE_CLOSED;
	WRITE_ONCE(hold->vm->state, VFW_VM_STATE_CLOSED);
	spin_unlock_bh(&hold->lock);
	drop_held(hold, VFW_DROP_REASON_HOLD_CLOSED);
}

static void hold_expired(struct vfw_hold *hold)
{
	struct vfw_vm *vm = hold->vm;

	lockdep_assert_held(&vm->vn->lock);
	if (hold->limits.expiry == VFW_HOLD_EXPIRY_START_EMPTY) {
		vfw_flow_table_clear(vfw_vm_flows(vm));
		vfw_restore_unheld(vm);
		drain(hold);
		hold_free(hold);
	} else {
		hold_close(hold);
	}
	vm->vn->generation++;
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
}

static void deadline_work(struct work_struct *work)
{
	struct vfw_hold *hold = container_of(to_delayed_work(work), struct vfw_hold, deadline);
	struct vfw_net *vn = hold->vm->vn;

	/* Whoever has the lock may be waiting for this work: come again instead of waiting. */
	if (!mutex_trylock(&vn->lock)) {
		queue_delayed_work(vfw_wq, &hold->deadline, 1);
		return;
	}
	/* The deadline may have been moved while this was on its way. */
	if (time_before(jiffies, hold->due))
		queue_delayed_work(vfw_wq, &hold->deadline, hold->due - jiffies);
	else
		hold_expired(hold);
	mutex_unlock(&vn->lock);
}

static struct vfw_hold *hold_alloc(struct vfw_vm *vm)
{
	struct vfw_hold *hold = kzalloc_obj(*hold, GFP_KERNEL_ACCOUNT);

	if (!hold)
		return NULL;
	spin_lock_init(&hold->lock);
	__skb_queue_head_init(&hold->queue);
	INIT_DELAYED_WORK(&hold->deadline, deadline_work);
	hold->vm = vm;
	vfw_vm_stats(vm, &hold->before);
	return hold;
}

/**
 * vfw_hold_begin() - let a VM's packets wait from now on
 * @vm: the VM, not frozen; if it is held or closed already, the new bounds count from now on
 * @limits: the bounds
 *
 * Context: under vfw_net.lock, process context.
 * Return: 0, or -ENOMEM.
 */
int vfw_hold_begin(struct vfw_vm *vm, const struct vfw_hold_limits *limits)
{
	struct vfw_hold *hold = vm_hold(vm);
	unsigned long time = msecs_to_jiffies(limits->time);

	if (!hold)
		hold = hold_alloc(vm);
	if (!hold)
		return -ENOMEM;
	spin_lock_bh(&hold->lock);
	hold->limits = *limits;
	hold->stage = STAGE_WAITING;
	spin_unlock_bh(&hold->lock);
	hold->due = jiffies + time;
	rcu_assign_pointer(vm->hold, hold);
	/* Pairs with the acquire in the hook: who sees the VM holding finds the hold. */
	smp_store_release(&vm->state, VFW_VM_STATE_HOLDING);
	mod_delayed_work(vfw_wq, &hold->deadline, time);
	return 0;
}

/**
 * vfw_hold_show() - what waits, and within which bounds
 * @vm: the VM
 * @limits: where to put the bounds; the defaults when it is not held
 * @packets: where to put how many packets wait
 * @bytes: and their bytes, by truesize
 *
 * Context: under vfw_net.lock.
 */
void vfw_hold_show(struct vfw_vm *vm, struct vfw_hold_limits *limits, u32 *packets, u32 *bytes)
{
	struct vfw_hold *hold = vm_hold(vm);

	*limits = VFW_HOLD_LIMITS_DEFAULT;
	*packets = 0;
	*bytes = 0;
	if (!hold)
		return;
	spin_lock_bh(&hold->lock);
	*limits = hold->limits;
	*packets = skb_queue_len(&hold->queue);
	*bytes = hold->bytes;
	spin_unlock_bh(&hold->lock);
}

/**
 * vfw_hold_baseline() - what a VM had counted when its hold began
 * @vm: the VM
 * @stats: where to put it; what the VM has counted by now when it is not held
 *
 * Context: under vfw_net.lock.
 */
void vfw_hold_baseline(struct vfw_vm *vm, struct vfw_stats *stats)
{
	struct vfw_hold *hold = vm_hold(vm);

	if (hold)
		*stats = hold->before;
	else
		vfw_vm_stats(vm, stats);
}
