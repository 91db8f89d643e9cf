// SPDX-License-Identifier: GPL-2.0
/*
 * Policies over netlink: loaded in a transaction of many messages, put in force as a whole.
 *
 * A transaction belongs to the socket that began it, and ends with it. It knows its VM by UUID
 * and number, not by pointer, as the VM may go meanwhile.
 */

#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "main.h"
#include "netlink.h"
#include "policy.h"
#include "vm.h"

#define VFW_LOADS_MAX	16	/* policies that may be loaded for one VM at a time */

/**
 * struct vfw_policy_load - a policy being loaded
 * @list: in vfw_net.transactions
 * @transaction: names it; never 0
 * @portid: the socket it belongs to
 * @uuid: of the VM
 * @vm_id: of the VM; another one that came under the same UUID is not meant
 * @if_epoch: put it in force only while the VM's policy epoch is @epoch
 * @epoch: see @if_epoch
 * @announced: the number of rules was announced
 * @rules: see @announced
 * @policy: the policy
 *
 * Protected by vfw_net.lock.
 */
struct vfw_policy_load {
	struct list_head list;
	u32 transaction;
	u32 portid;
	uuid_t uuid;
	u32 vm_id;
	bool if_epoch;
	u32 epoch;
	bool announced;
	u32 rules;
	struct vfw_policy *policy;
};

static void load_free(struct vfw_policy_load *load)
{
	if (load->policy)
		vfw_policy_free(load->policy);
	kfree(load);
}

static void load_end(struct vfw_policy_load *load)
{
	list_del(&load->list);
	load_free(load);
}

/**
 * vfw_nl_policy_release() - end the transactions of a socket
 * @vn: the registry
 * @portid: of the socket, which was closed
 *
 * Context: under vfw_net.lock; sleeps.
 */
void vfw_nl_policy_release(struct vfw_net *vn, u32 portid)
{
	struct vfw_policy_load *load, *next;

	lockdep_assert_held(&vn->lock);
	list_for_each_entry_safe(load, next, &vn->transactions, list)
		if (load->portid == portid)
			load_end(load);
}

/**
 * vfw_nl_policy_forget() - end the transactions of a VM
 * @vm: the VM, which is being deleted
 *
 * Context: under vfw_net.lock; sleeps.
 */
void vfw_nl_policy_forget(struct vfw_vm *vm)
{
	struct vfw_policy_load *load, *next;

	lockdep_assert_held(&vm->vn->lock);
	list_for_each_entry_safe(load, next, &vm->vn->transactions, list)
		if (load->vm_id == vm->id)
			load_end(load);
}

static u32 loads_of(const struct vfw_vm *vm)
{
	const struct vfw_policy_load *load;
	u32 n = 0;

	list_for_each_entry(load, &vm->vn->transactions, list)
		n += load->vm_id == vm->id;
	return n;
}

static bool transaction_taken(const struct vfw_net *vn, u32 transaction)
{
	const struct vfw_policy_load *load;

	list_for_each_entry(load, &vn->transactions, list)
		if (load->transaction == transaction)
			return true;
	return false;
}

static u32 new_transaction(const struct vfw_net *vn)
{
	u32 transaction;

	do {
		transaction = get_random_u32();
	} while (!transaction || transaction_taken(vn, transaction));
	return transaction;
}

/* The transaction that a message names, if it is the sender's own. */
static struct vfw_policy_load *load_find(struct vfw_net *vn, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFW_A_POLICY_TRANSACTION];
	struct vfw_policy_load *load;

	lockdep_assert_held(&vn->lock);
	if (GENL_REQ_ATTR_CHECK(info, VFW_A_POLICY_TRANSACTION)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the transaction is missing");
		return ERR_PTR(-EINVAL);
	}
	list_for_each_entry(load, &vn->transactions, list)
		if (load->transaction == nla_get_u32(attr) && load->portid == info->snd_portid)
			return load;
	NL_SET_ERR_MSG_MOD(info->extack, "this socket has no such transaction");
	NL_SET_BAD_ATTR(info->extack, attr);
	return ERR_PTR(-ENOENT);
}

static int get_limits(struct vfw_policy *policy, const struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VFW_A_LIMITS_MAX + 1];
	int err;

	if (!nest)
		return 0;
	err = nla_parse_nested(tb, VFW_A_LIMITS_MAX, nest, vfw_limits_nl_policy, extack);
	if (err)
		return err;
	if (tb[VFW_A_LIMITS_FLOWS]) {
		policy->max_flows = nla_get_u32(tb[VFW_A_LIMITS_FLOWS]);
		policy->max_half_open = max(policy->max_flows / 4, 1U);
	}
	if (tb[VFW_A_LIMITS_HALF_OPEN])
		policy->max_half_open = nla_get_u32(tb[VFW_A_LIMITS_HALF_OPEN]);
	if (tb[VFW_A_LIMITS_SOURCE_FLOWS])
		policy->max_source_flows = nla_get_u32(tb[VFW_A_LIMITS_SOURCE_FLOWS]);
	if (tb[VFW_A_LIMITS_FRAGMENTS])
		policy->max_fragments = nla_get_u32(tb[VFW_A_LIMITS_FRAGMENTS]);
	if (tb[VFW_A_LIMITS_FRAGMENT_BYTES])
		policy->fragment_bytes = nla_get_u32(tb[VFW_A_LIMITS_FRAGMENT_BYTES]);
	if (tb[VFW_A_LIMITS_PICK_UP])
		policy->pick_up = nla_get_u32(tb[VFW_A_LIMITS_PICK_UP]);
	return 0;
}

static int get_timeouts(struct vfw_policy *policy, const struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VFW_A_TIMEOUTS_MAX + 1];
	int i, err;

	if (!nest)
		return 0;
	err = nla_parse_nested(tb, VFW_A_TIMEOUTS_MAX, nest, vfw_timeouts_nl_policy, extack);
	for (i = 0; i < VFW_TIMEOUTS && !err; i++)
		if (tb[i + 1])
			err = vfw_policy_set_timeout(policy, i, nla_get_u32(tb[i + 1]));
	return err;
}

static int get_rules(struct vfw_policy *policy, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	int err;

	if (!attr)
		return 0;
	err = vfw_policy_reserve(policy, nla_get_u32(attr));
	if (!err)
		return 0;
	if (err == -E2BIG)
		NL_SET_ERR_MSG_FMT_MOD(extack, "a policy has at most %u rules", VFW_RULES_MAX);
	else
		NL_SET_ERR_MSG_MOD(extack, "no memory for so many rules");
	NL_SET_BAD_ATTR(extack, attr);
	return err;
}

static int get_policy(struct vfw_policy *policy, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (attrs[VFW_A_POLICY_DEFAULT_IN])
		policy->defaults[VFW_DIRECTION_IN] = nla_get_u32(attrs[VFW_A_POLICY_DEFAULT_IN]);
	if (attrs[VFW_A_POLICY_DEFAULT_OUT])
		policy->defaults[VFW_DIRECTION_OUT] = nla_get_u32(attrs[VFW_A_POLICY_DEFAULT_OUT]);
	err = get_limits(policy, attrs[VFW_A_POLICY_LIMITS], info->extack);
	if (err)
		return err;
	err = get_timeouts(policy, attrs[VFW_A_POLICY_TIMEOUTS], info->extack);
	if (err)
		return err;
	return get_rules(policy, attrs[VFW_A_POLICY_RULES], info->extack);
}

static int check_epoch(const struct vfw_policy_load *load, const struct vfw_vm *vm,
		       struct netlink_ext_ack *extack)
{
	if (!load->if_epoch || load->epoch == vm->epoch)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "the policy changed: its epoch is %u, not %u", vm->epoch,
			       load->epoch);
	return -ESTALE;
}

/* Makes what the message begins; not in the list yet. */
static struct vfw_policy_load *load_new(struct genl_info *info, struct vfw_vm *vm)
{
	struct nlattr **attrs = info->attrs;
	struct vfw_policy_load *load;
	int err;

	load = kzalloc_obj(*load, GFP_KERNEL_ACCOUNT);
	if (!load)
		return ERR_PTR(-ENOMEM);
	load->transaction = new_transaction(vm->vn);
	load->portid = info->snd_portid;
	load->uuid = vm->uuid;
	load->vm_id = vm->id;
	if (attrs[VFW_A_POLICY_EPOCH]) {
		load->if_epoch = true;
		load->epoch = nla_get_u32(attrs[VFW_A_POLICY_EPOCH]);
	}
	if (attrs[VFW_A_POLICY_RULES]) {
		load->announced = true;
		load->rules = nla_get_u32(attrs[VFW_A_POLICY_RULES]);
	}
	err = check_epoch(load, vm, info->extack);
	if (err) {
		NL_SET_BAD_ATTR(info->extack, attrs[VFW_A_POLICY_EPOCH]);
		goto err_load;
	}

	err = -ENOMEM;
	load->policy = vfw_policy_alloc();
	if (!load->policy)
		goto err_load;
	err = get_policy(load->policy, info);
	if (err)
		goto err_load;
	return load;

err_load:
	load_free(load);
	return ERR_PTR(err);
}

static int policy_begin(struct genl_info *info, struct vfw_vm *vm)
{
	struct vfw_policy_load *load;
	struct sk_buff *skb;
	void *hdr;
	int err;

	if (loads_of(vm) >= VFW_LOADS_MAX) {
		NL_SET_ERR_MSG_MOD(info->extack, "too many policies are being loaded for this VM");
		return -EBUSY;
	}
	skb = vfw_nl_reply_new(info, &hdr);
	if (!skb)
		return -ENOMEM;
	load = load_new(info, vm);
	if (IS_ERR(load))
		return vfw_nl_reply_send(info, skb, hdr, PTR_ERR(load));
	list_add_tail(&load->list, &vm->vn->transactions);
	err = nla_put_u32(skb, VFW_A_POLICY_TRANSACTION, load->transaction);
	return vfw_nl_reply_send(info, skb, hdr, err);
}

int vfw_nl_policy_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_POLICY_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : policy_begin(info, vm);
	mutex_unlock(&vn->lock);
	return err;
}

/* All rules of a message, or none. */
static int add_rules(struct vfw_policy *policy, struct genl_info *info)
{
	u32 before = policy->n_rules;
	const struct nlattr *attr;
	int rem, err = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != VFW_A_POLICY_RULE)
			continue;
		err = vfw_nl_add_rule(policy, attr, info->extack);
		if (err) {
			vfw_policy_truncate(policy, before);
			return err;
		}
		cond_resched();
	}
	return 0;
}

static int policy_add(struct genl_info *info, struct vfw_policy_load *load)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_POLICY_RULE)) {
		NL_SET_ERR_MSG_MOD(info->extack, "there are no rules in the message");
		return -EINVAL;
	}
	skb = vfw_nl_reply_new(info, &hdr);
	if (!skb)
		return -ENOMEM;
	err = add_rules(load->policy, info);
	if (!err)
		err = nla_put_u32(skb, VFW_A_POLICY_RULES, load->policy->n_rules);
	return vfw_nl_reply_send(info, skb, hdr, err);
}

int vfw_nl_policy_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_policy_load *load;
	int err;

	mutex_lock(&vn->lock);
	load = load_find(vn, info);
	err = IS_ERR(load) ? PTR_ERR(load) : policy_add(info, load);
	mutex_unlock(&vn->lock);
	return err;
}

static int check_number(const struct vfw_policy_load *load, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFW_A_POLICY_RULES];
	u32 n = load->policy->n_rules;

	if (attr && nla_get_u32(attr) != n) {
		NL_SET_ERR_MSG_FMT_MOD(info->extack, "%u rules were added, not %u", n,
				       nla_get_u32(attr));
		NL_SET_BAD_ATTR(info->extack, attr);
		return -EINVAL;
	}
	if (load->announced && load->rules != n) {
		NL_SET_ERR_MSG_FMT_MOD(info->extack, "%u rules were added, but %u announced", n,
				       load->rules);
		return -EINVAL;
	}
	return 0;
}

/* The VM a transaction is for, if it may get this policy now. */
static struct vfw_vm *check_vm(struct vfw_net *vn, const struct vfw_policy_load *load,
			       struct netlink_ext_ack *extack)
{
	struct vfw_vm *vm = vfw_vm_find(vn, &load->uuid);
	int err;

	if (!vm || vm->id != load->vm_id) {
		NL_SET_ERR_MSG_MOD(extack, "the VM was deleted");
		return ERR_PTR(-ENOENT);
	}
	if (vm->state == VFW_VM_STATE_FROZEN) {
		NL_SET_ERR_MSG_MOD(extack, "the VM is frozen");
		return ERR_PTR(-EBUSY);
	}
	err = check_epoch(load, vm, extack);
	return err ? ERR_PTR(err) : vm;
}

static int put_commit(struct sk_buff *skb, const struct vfw_vm *vm,
		      const struct vfw_policy *policy)
{
	if (nla_put(skb, VFW_A_POLICY_VM, sizeof(vm->uuid), &vm->uuid) ||
	    nla_put_u32(skb, VFW_A_POLICY_EPOCH, vm->epoch) ||
	    nla_put_u32(skb, VFW_A_POLICY_RULES, policy->n_rules))
		return -EMSGSIZE;
	return 0;
}

/* All of a commit that can fail; when it does, all is as it was. */
static int prepare_commit(struct vfw_vm *vm, struct vfw_policy *policy,
			  struct netlink_ext_ack *extack)
{
	const struct vfw_policy *old;
	bool counted;
	int err;

	old = vfw_vm_policy(vm);
	counted = old && old->max_source_flows;
	if (!counted && vfw_vm_count_sources(vm, policy)) {
		NL_SET_ERR_MSG_MOD(extack, "no memory to count flows by their sources");
		return -ENOMEM;
	}
	err = vfw_policy_seal(policy, extack);
	if (err && !counted)
		vfw_vm_count_sources(vm, NULL);
	return err;
}

/* Refused, the transaction stays: its owner may add what is missing, or abort it. */
static int policy_commit(struct vfw_net *vn, struct genl_info *info, struct vfw_policy_load *load)
{
	struct vfw_policy *policy = load->policy;
	struct sk_buff *skb;
	struct vfw_vm *vm;
	void *hdr;
	int err;

	err = check_number(load, info);
	if (err)
		return err;
	vm = check_vm(vn, load, info->extack);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	skb = vfw_nl_reply_new(info, &hdr);
	if (!skb)
		return -ENOMEM;
	err = prepare_commit(vm, policy, info->extack);
	if (err)
		return vfw_nl_reply_send(info, skb, hdr, err);

	vfw_vm_set_policy(vm, policy);
	load->policy = NULL;
	load_end(load);
	vfw_nl_notify_policy(vm);
	return vfw_nl_reply_send(info, skb, hdr, put_commit(skb, vm, policy));
}

int vfw_nl_policy_commit_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_policy_load *load;
	int err;

	mutex_lock(&vn->lock);
	load = load_find(vn, info);
	err = IS_ERR(load) ? PTR_ERR(load) : policy_commit(vn, info, load);
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_policy_abort_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_policy_load *load;

	mutex_lock(&vn->lock);
	load = load_find(vn, info);
	if (!IS_ERR(load))
		load_end(load);
	mutex_unlock(&vn->lock);
	return PTR_ERR_OR_ZERO(load);
}

static int put_limits(struct sk_buff *skb, const struct vfw_policy *policy)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VFW_A_POLICY_LIMITS);
	if (!nest ||
	    nla_put_u32(skb, VFW_A_LIMITS_FLOWS, policy->max_flows) ||
	    nla_put_u32(skb, VFW_A_LIMITS_HALF_OPEN, policy->max_half_open) ||
	    nla_put_u32(skb, VFW_A_LIMITS_PICK_UP, policy->pick_up) ||
	    nla_put_u32(skb, VFW_A_LIMITS_SOURCE_FLOWS, policy->max_source_flows) ||
	    nla_put_u32(skb, VFW_A_LIMITS_FRAGMENTS, policy->max_fragments) ||
	    nla_put_u32(skb, VFW_A_LIMITS_FRAGMENT_BYTES, policy->fragment_bytes))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_timeouts(struct sk_buff *skb, const struct vfw_policy *policy)
{
	struct nlattr *nest;
	int i;

	nest = nla_nest_start(skb, VFW_A_POLICY_TIMEOUTS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < VFW_TIMEOUTS; i++)
		if (nla_put_u32(skb, i + 1, policy->seconds[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_policy(struct sk_buff *skb, const struct vfw_policy *policy)
{
	if (nla_put_u32(skb, VFW_A_POLICY_DEFAULT_IN, policy->defaults[VFW_DIRECTION_IN]) ||
	    nla_put_u32(skb, VFW_A_POLICY_DEFAULT_OUT, policy->defaults[VFW_DIRECTION_OUT]) ||
	    put_limits(skb, policy) || put_timeouts(skb, policy) ||
	    nla_put_u64_64bit(skb, VFW_A_POLICY_MEMORY, policy->memory, VFW_A_POLICY_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * vfw_nl_fill_policy() - put the attributes of a VM's policy into a message
 * @skb: the message
 * @vm: the VM; one without a policy has epoch 0, no rules, and nothing else to show
 *
 * Context: under vfw_net.lock.
 * Return: 0, or -EMSGSIZE; what was put stays then.
 */
int vfw_nl_fill_policy(struct sk_buff *skb, struct vfw_vm *vm)
{
	const struct vfw_policy *policy;

	policy = vfw_vm_policy(vm);
	if (nla_put(skb, VFW_A_POLICY_VM, sizeof(vm->uuid), &vm->uuid) ||
	    nla_put_u32(skb, VFW_A_POLICY_EPOCH, policy ? policy->epoch : 0) ||
	    nla_put_u32(skb, VFW_A_POLICY_RULES, policy ? policy->n_rules : 0))
		return -EMSGSIZE;
	return policy ? put_policy(skb, policy) : 0;
}

/**
 * vfw_nl_notify_policy() - tell that a policy was put in force
 * @vm: the VM
 *
 * Context: under vfw_net.lock.
 */
void vfw_nl_notify_policy(struct vfw_vm *vm)
{
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&vm->vn->lock);
	skb = vfw_nl_event_new(vm->vn, VFW_CMD_POLICY_NTF, &hdr);
	if (skb)
		vfw_nl_event_send(vm->vn, skb, hdr, vfw_nl_fill_policy(skb, vm));
}

static int policy_get(struct genl_info *info, struct vfw_vm *vm)
{
	struct sk_buff *skb;
	void *hdr;

	skb = vfw_nl_reply_new(info, &hdr);
	if (!skb)
		return -ENOMEM;
	return vfw_nl_reply_send(info, skb, hdr, vfw_nl_fill_policy(skb, vm));
}

int vfw_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_POLICY_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : policy_get(info, vm);
	mutex_unlock(&vn->lock);
	return err;
}
