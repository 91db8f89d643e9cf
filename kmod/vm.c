// SPDX-License-Identifier: GPL-2.0
/*
 * VMs: what is protected, and owns ports, policy, flows and counters.
 */

#include <linux/netdevice.h>
#include <linux/slab.h>

#include "main.h"
#include "collect.h"
#include "flow.h"
#include "hold.h"
#include "netlink.h"
#include "policy.h"
#include "port.h"
#include "restore.h"
#include "send.h"
#include "source.h"
#include "vm.h"

static const struct rhashtable_params vm_params = {
	.head_offset = offsetof(struct vfw_vm, node),
	.key_offset = offsetof(struct vfw_vm, uuid),
	.key_len = sizeof(uuid_t),
	.automatic_shrinking = true,
};

/**
 * vfw_vm_find() - find a VM by its UUID
 * @vn: where to look
 * @uuid: the UUID
 *
 * Context: under vfw_net.lock, which keeps the VM.
 * Return: the VM, or NULL.
 */
struct vfw_vm *vfw_vm_find(struct vfw_net *vn, const uuid_t *uuid)
{
	lockdep_assert_held(&vn->lock);
	return rhashtable_lookup_fast(&vn->vms, uuid, vm_params);
}

static void vm_free(struct vfw_vm *vm)
{
	struct vfw_policy *policy = rcu_dereference_protected(vm->policy, true);
	struct vfw_flow_table *flows = rcu_dereference_protected(vm->flows, true);

	vfw_fragment_exit(vm);
	if (flows)
		vfw_flow_table_free(flows);
	if (policy)
		vfw_policy_free(policy);
	free_percpu(vm->stats);
	kfree(vm);
}

static struct vfw_vm *vm_alloc(struct vfw_net *vn, const uuid_t *uuid, const char *name)
{
	struct vfw_flow_table *flows;
	struct vfw_vm *vm;

	vm = kzalloc_obj(*vm, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return NULL;
	vm->vn = vn;
	vm->uuid = *uuid;
	INIT_LIST_HEAD(&vm->ports);
	vfw_fragment_init(vm);
	strscpy(vm->name, name, sizeof(vm->name));
	vm->stats = alloc_percpu_gfp(struct vfw_stats, GFP_KERNEL_ACCOUNT);
	flows = vfw_flow_table_alloc(vm);
	rcu_assign_pointer(vm->flows, flows);
	if (!vm->stats || !flows) {
		vm_free(vm);
		return NULL;
	}
	return vm;
}

/**
 * vfw_vm_add() - declare a VM
 * @vn: where
 * @uuid: what names it
 * @name: its display name, at most VFW_NAME_MAX bytes
 * @extack: for the reason of a refusal
 *
 * Context: under vfw_net.lock.
 * Return: the VM, or an error pointer: -EEXIST, -ENOMEM, -ENODEV when the module is going.
 */
struct vfw_vm *vfw_vm_add(struct vfw_net *vn, const uuid_t *uuid, const char *name,
			  struct netlink_ext_ack *extack)
{
	struct vfw_vm *vm;
	int err;

	lockdep_assert_held(&vn->lock);
	if (vfw_vm_find(vn, uuid)) {
		NL_SET_ERR_MSG_MOD(extack, "a VM with this UUID is declared already");
		return ERR_PTR(-EEXIST);
	}
	if (!try_module_get(THIS_MODULE)) {
		NL_SET_ERR_MSG_MOD(extack, "the module is being removed");
		return ERR_PTR(-ENODEV);
	}
	err = -ENOMEM;
	vm = vm_alloc(vn, uuid, name);
	if (!vm)
		goto err_module;
	err = xa_alloc_cyclic(&vn->vm_ids, &vm->id, vm, xa_limit_31b, &vn->next_vm, GFP_KERNEL);
	if (err < 0)
		goto err_vm;
	err = rhashtable_insert_fast(&vn->vms, &vm->node, vm_params);
	if (err)
		goto err_id;
	vn->generation++;
	return vm;

err_id:
	xa_erase(&vn->vm_ids, vm->id);
err_vm:
	vm_free(vm);
err_module:
	module_put(THIS_MODULE);
	NL_SET_ERR_MSG_MOD(extack, "no memory for the VM");
	return ERR_PTR(err);
}

/**
 * vfw_vm_del() - forget a VM with all it owns
 * @vm: the VM; gone afterwards
 *
 * Context: under vfw_net.lock; waits for a grace period.
 */
void vfw_vm_del(struct vfw_vm *vm)
{
	struct vfw_net *vn = vm->vn;

	lockdep_assert_held(&vn->lock);
	vfw_restore_drop(vm);
	vfw_send_end(vm);
	vfw_nl_policy_forget(vm);
	vfw_port_del_all(vm);
	vfw_hold_drop(vm);
	rhashtable_remove_fast(&vn->vms, &vm->node, vm_params);
	xa_erase(&vn->vm_ids, vm->id);
	vn->generation++;
	/*
	 * Who may still know the VM: packets in the hooks that were just unregistered. Whoever
	 * comes through netlink or the netdev notifier looks it up under the lock. A table that
	 * was replaced has let go of the VM (vfw_flow_table_stop()), readers of its old pointer
	 * are in RCU sections that end here.
	 */
	synchronize_net();
	vm_free(vm);
	module_put(THIS_MODULE);
}

static void set_state(struct vfw_vm *vm, enum vfw_vm_state state)
{
	WRITE_ONCE(vm->state, state);
}

/**
 * vfw_vm_freeze() - stop changing an active VM's state
 * @vm: the VM
 *
 * From now on every packet is dropped, and the flows' time stands still.
 *
 * Context: under vfw_net.lock; waits until the last packet under way is done.
 */
void vfw_vm_freeze(struct vfw_vm *vm)
{
	lockdep_assert_held(&vm->vn->lock);
	vm->changes++;
	set_state(vm, VFW_VM_STATE_FROZEN);
	/*
	 * Packets that saw the VM active are in RCU sections that end here. What the guest's users
	 * notice of its move begins here, too: better a moment's work for the CPUs than the time
	 * of a grace period.
	 */
	synchronize_rcu_expedited();
	vfw_fragment_drop_waiting(vm, VFW_DROP_REASON_FROZEN);
	/* One that began before would go on with what it knows, after a snapshot has begun. */
	vfw_collect_stop(vfw_vm_flows(vm));
	vfw_flow_table_freeze(vfw_vm_flows(vm));
	/*
	 * What has expired moves as what has ended: in the counters. But not where the last round
	 * of a live stream is waited for: there it is known already, and ends at the other side.
	 */
	if (!vm->send)
		vfw_flow_table_collect(vfw_vm_flows(vm));
}
EXPORT_SYMBOL_VFW_TEST(vfw_vm_freeze);

/**
 * vfw_vm_thaw() - take up a frozen VM again
 * @vm: the VM
 *
 * Context: under vfw_net.lock.
 */
void vfw_vm_thaw(struct vfw_vm *vm)
{
	lockdep_assert_held(&vm->vn->lock);
	vm->changes++;
	vfw_flow_table_thaw(vfw_vm_flows(vm));
	vfw_collect_start(vfw_vm_flows(vm));
	/* Pairs with the acquire in the hook: who sees the VM active sees its time go on. */
	smp_store_release(&vm->state, VFW_VM_STATE_ACTIVE);
}
EXPORT_SYMBOL_VFW_TEST(vfw_vm_thaw);

/**
 * vfw_vm_count_sources() - count flows by their sources if a policy wants it, else no more
 * @vm: the VM
 * @policy: the policy in force, or about to be; or NULL for none
 *
 * Context: under vfw_net.lock, process context; may walk all flows.
 * Return: 0, or -ENOMEM and nothing is counted.
 */
int vfw_vm_count_sources(struct vfw_vm *vm, const struct vfw_policy *policy)
{
	if (policy && policy->max_source_flows)
		return vfw_sources_start(vfw_vm_flows(vm));
	vfw_sources_stop(vfw_vm_flows(vm));
	return 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_vm_count_sources);

/**
 * vfw_vm_set_policy() - put a policy in force
 * @vm: the VM
 * @policy: the policy, sealed, now the VM's; or NULL for none
 *
 * Flows that the former policy admitted are judged anew on their next packet. The former policy
 * is freed when no packet can be reading it. Where the policy limits the flows of a source, these
 * are counted already (vfw_vm_count_sources()), or the VM is about to get a table where they are.
 *
 * Context: under vfw_net.lock, process context; sleeps.
 */
void vfw_vm_set_policy(struct vfw_vm *vm, struct vfw_policy *policy)
{
	struct vfw_policy *old;

	lockdep_assert_held(&vm->vn->lock);
	/* When the policy goes, a list of its rules is to notice, too. */
	vm->last_epoch = vfw_vm_next_epoch(vm);
	vm->epoch = policy ? vm->last_epoch : 0;
	if (policy)
		policy->epoch = vm->epoch;
	old = rcu_replace_pointer(vm->policy, policy, lockdep_is_held(&vm->vn->lock));
	if (!policy)
		vfw_fragment_drop_waiting(vm, VFW_DROP_REASON_NO_POLICY);
	if (old)
		vfw_policy_free_rcu(old);
	if (!policy || !policy->max_source_flows)
		vfw_vm_count_sources(vm, NULL);
}

/**
 * vfw_vm_set_flows() - give a VM another flow table
 * @vm: the VM
 * @table: the table, now the VM's
 * @totals: where to put what the VM's flows have counted up to now, all of which end; or NULL if it
 *	does not matter
 *
 * What the former table counted is dropped with it.
 *
 * Context: under vfw_net.lock, process context; sleeps, with @totals until the last packet that
 *	found the former table is done.
 */
void vfw_vm_set_flows(struct vfw_vm *vm, struct vfw_flow_table *table,
		      struct vfw_flow_totals *totals)
{
	struct vfw_flow_table *old;

	lockdep_assert_held(&vm->vn->lock);
	vm->changes++;
	vfw_flow_table_start(table, vm);
	old = rcu_replace_pointer(vm->flows, table, lockdep_is_held(&vm->vn->lock));
	if (totals) {
		/* Packets that count in the former table are in RCU sections that end here. */
		synchronize_net();
		vfw_flow_table_clear(old);
		*totals = old->totals;
		vfw_flow_totals_add(totals, &vm->base_totals);
	}
	vfw_flow_table_stop(old);
	vfw_flow_table_free_rcu(old);
}
EXPORT_SYMBOL_VFW_TEST(vfw_vm_set_flows);

/**
 * vfw_vm_ended_totals() - what a VM's flows have counted that ended, here and before it came here
 * @vm: the VM
 * @totals: where to put it
 *
 * Context: under vfw_net.lock.
 */
void vfw_vm_ended_totals(struct vfw_vm *vm, struct vfw_flow_totals *totals)
{
	struct vfw_flow_table *table = vfw_vm_flows(vm);

	spin_lock_bh(&table->lock);
	*totals = table->totals;
	spin_unlock_bh(&table->lock);
	vfw_flow_totals_add(totals, &vm->base_totals);
}

static void add_stats(struct vfw_stats *sum, const struct vfw_stats *stats)
{
	const u64 *from = (const u64 *)stats;
	u64 *to = (u64 *)sum;
	size_t i;

	/* All of struct vfw_stats is u64. */
	for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += READ_ONCE(from[i]);
}

static_assert(sizeof(struct vfw_stats) == sizeof(u64) * (6 + 2 * VFW_DROP_REASONS));

/**
 * vfw_vm_stats() - what a VM has counted apart from its flows
 * @vm: the VM
 * @stats: where to put it
 *
 * Context: under vfw_net.lock.
 */
void vfw_vm_stats(struct vfw_vm *vm, struct vfw_stats *stats)
{
	int cpu;

	lockdep_assert_held(&vm->vn->lock);
	*stats = vm->base;
	for_each_possible_cpu(cpu)
		add_stats(stats, per_cpu_ptr(vm->stats, cpu));
}
EXPORT_SYMBOL_VFW_TEST(vfw_vm_stats);

/**
 * vfw_vm_net_init() - make a namespace's registry of VMs
 * @vn: the registry
 */
int vfw_vm_net_init(struct vfw_net *vn)
{
	xa_init_flags(&vn->vm_ids, XA_FLAGS_ALLOC1);
	return rhashtable_init(&vn->vms, &vm_params);
}

/**
 * vfw_vm_net_exit() - forget all VMs of a namespace
 * @vn: the registry
 */
void vfw_vm_net_exit(struct vfw_net *vn)
{
	struct vfw_vm *vm;
	unsigned long id;

	mutex_lock(&vn->lock);
	xa_for_each(&vn->vm_ids, id, vm)
		vfw_vm_del(vm);
	mutex_unlock(&vn->lock);
	rhashtable_destroy(&vn->vms);
	xa_destroy(&vn->vm_ids);
}
