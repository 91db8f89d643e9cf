/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_VM_H
#define _VFW_VM_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/percpu.h>
#include <linux/rhashtable.h>
#include <linux/uuid.h>
#include <uapi/linux/vfw.h>
#include "flow.h"
#include "fragment.h"
#include "main.h"

#define VFW_DROP_REASONS (VFW_DROP_REASON_FRAGMENT_TIMEOUT + 1)

struct vfw_hold;
struct vfw_restore;
struct vfw_send;

/**
 * struct vfw_stats - what no flow counts; per CPU, written with BH off
 * @packets: passed without a flow, by direction
 * @bytes: of them
 * @held: packets held and then judged
 * @evicted: flows that had to go for new ones
 * @drops: by reason and direction
 */
struct vfw_stats {
	u64 packets[2];
	u64 bytes[2];
	u64 held;
	u64 evicted;
	u64 drops[VFW_DROP_REASONS][2];
};

/**
 * struct vfw_vm - a VM
 * @state: enum vfw_vm_state; written under vfw_net.lock, read by the hook
 * @policy: the policy in force, or NULL: nothing passes
 * @flows: the flow table; never NULL
 * @stats: counters of this host, per CPU
 * @hold: packets that wait; NULL unless holding or closed
 * @base: counters that came with a restore, and those of tables replaced; under vfw_net.lock
 * @base_totals: the same for what flow tables count
 * @vn: the registry it is in
 * @node: in vfw_net.vms
 * @uuid: what names it
 * @id: its number on this host
 * @epoch: policy epoch of the policy in force, 0 for none
 * @last_epoch: the number that was given last: raised when a policy comes, and when it goes; wraps
 *	past 0, and is 0 only while there was no policy yet
 * @changes: raised when the VM is frozen or thawed, or gets another flow table
 * @incarnation: raised by each commit of a restore
 * @ports: struct vfw_port.list, in order of declaration
 * @n_ports: how many
 * @restore: state that is arriving, or NULL
 * @send: its state being sent, or NULL
 * @moved: it is being deleted because its state is in force at another host
 * @name: display name
 * @fragments: datagrams that are on their way in fragments; not part of a snapshot. Has a lock of
 *	its own, and is written by packets, therefore in no cache line with the rest
 *
 * All else but what the hook reads is protected by vfw_net.lock.
 */
struct vfw_vm {
	u8 state;
	struct vfw_policy __rcu *policy;
	struct vfw_flow_table __rcu *flows;
	struct vfw_stats __percpu *stats;
	struct vfw_hold __rcu *hold;

	struct vfw_stats base;
	struct vfw_flow_totals base_totals;
	struct vfw_net *vn;
	struct rhash_head node;
	uuid_t uuid;
	u32 id;
	u32 epoch;
	u32 last_epoch;
	u32 changes;
	u64 incarnation;
	struct list_head ports;
	u32 n_ports;
	struct vfw_restore *restore;
	struct vfw_send *send;
	bool moved;
	char name[VFW_NAME_MAX + 1];
	struct vfw_fragments fragments ____cacheline_aligned_in_smp;
};

/* What the hook reads of each packet is in one cache line; what fragments write in none of it. */
static_assert(offsetofend(struct vfw_vm, hold) <= L1_CACHE_BYTES);
static_assert(offsetof(struct vfw_vm, fragments) >= L1_CACHE_BYTES);

struct vfw_vm *vfw_vm_find(struct vfw_net *vn, const uuid_t *uuid);
struct vfw_vm *vfw_vm_add(struct vfw_net *vn, const uuid_t *uuid, const char *name,
			  struct netlink_ext_ack *extack);
void vfw_vm_del(struct vfw_vm *vm);
void vfw_vm_freeze(struct vfw_vm *vm);
void vfw_vm_thaw(struct vfw_vm *vm);
int vfw_vm_count_sources(struct vfw_vm *vm, const struct vfw_policy *policy);
void vfw_vm_set_policy(struct vfw_vm *vm, struct vfw_policy *policy);
void vfw_vm_set_flows(struct vfw_vm *vm, struct vfw_flow_table *table,
		      struct vfw_flow_totals *totals);
void vfw_vm_ended_totals(struct vfw_vm *vm, struct vfw_flow_totals *totals);
void vfw_vm_stats(struct vfw_vm *vm, struct vfw_stats *stats);

int vfw_vm_net_init(struct vfw_net *vn);
void vfw_vm_net_exit(struct vfw_net *vn);

/* What only changes under vfw_net.lock, for those who hold it. */
static inline struct vfw_policy *vfw_vm_policy(const struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->policy, lockdep_is_held(&vm->vn->lock));
}

static inline struct vfw_flow_table *vfw_vm_flows(const struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->flows, lockdep_is_held(&vm->vn->lock));
}

/* The epoch that vfw_vm_set_policy() will give to the VM's next policy. */
static inline u32 vfw_vm_next_epoch(const struct vfw_vm *vm)
{
	return vm->last_epoch + 1 ?: 1;
}

static inline void vfw_vm_count_drop(struct vfw_vm *vm, enum vfw_drop_reason reason,
				     enum vfw_direction dir)
{
	this_cpu_inc(vm->stats->drops[reason][dir]);
}

#endif /* _VFW_VM_H */
