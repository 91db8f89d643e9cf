// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink operations on flows.
 *
 * A walk is done in strides, and lets vfw_net.lock go between them, so that a long one keeps
 * nobody from the VM. The VM is looked up again for each stride.
 */

#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "vlan.h"
#include "vm.h"

/* What ends a walk, beside the end of a stride; not seen by user space. */
#define STRIDE_FOUND 2

/**
 * struct addr_filter - which addresses fit
 * @addr: the address
 * @mask: the bits that must be equal
 */
struct addr_filter {
	union vfw_addr addr;
	union vfw_addr mask;
};

/**
 * struct flow_filter - which flows fit; each field counts only if its attribute is in @given
 * @given: bits by number of the attribute (VFW_A_FLOW_...)
 * @family: enum vfw_family; of the addresses too, where there are any
 * @protocol: IP protocol
 * @state: enum vfw_flow_state
 * @opened: enum vfw_direction
 * @local_port: network order
 * @remote_port: network order
 * @rule: number of the rule, 0 for the default verdict
 * @local: address of the VM's end
 * @remote: address of the far end
 * @vlan: numbers of the outer and the inner VLAN; 0 for no tag
 * @vlan_type: ethertypes of these tags, network order
 */
struct flow_filter {
	u32 given;
	u8 family;
	u8 protocol;
	u8 state;
	u8 opened;
	__be16 local_port;
	__be16 remote_port;
	u32 rule;
	struct addr_filter local;
	struct addr_filter remote;
	u16 vlan[2];
	__be16 vlan_type[2];
};

/* Of the outer tag, and of the inner one. */
static const struct {
	u8 id;
	u8 type;
} vlan_attrs[] = {
	{ VFW_A_FLOW_VLAN, VFW_A_FLOW_VLAN_TYPE },
	{ VFW_A_FLOW_VLAN_INNER, VFW_A_FLOW_VLAN_INNER_TYPE },
};

/* Attributes of a request; in the array of them there is no room for those of replies only. */
#define FILTER_LAST	VFW_A_FLOW_VLAN_INNER_TYPE

static_assert(FILTER_LAST < 32);
static_assert(ARRAY_SIZE(vfw_flow_get_nl_policy) == FILTER_LAST + 1);
static_assert(ARRAY_SIZE(vfw_flow_del_nl_policy) == FILTER_LAST + 1);

static bool filter_has(const struct flow_filter *filter, int attr)
{
	return filter->given & BIT(attr);
}

static int refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, const char *text)
{
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s", text);
	NL_SET_BAD_ATTR(extack, attr);
	return -EINVAL;
}

/* Bits from @prefix on must be zero. */
static void addr_mask(union vfw_addr *mask, u32 prefix)
{
	u8 *bytes = (u8 *)mask;

	memset(mask, 0, sizeof(*mask));
	memset(bytes, 0xff, prefix / 8);
	if (prefix % 8)
		bytes[prefix / 8] = 0xff00 >> (prefix % 8);
}

static bool addr_within(const union vfw_addr *addr, const struct addr_filter *filter)
{
	u32 differ = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(addr->words); i++)
		differ |= (addr->words[i] ^ filter->addr.words[i]) & filter->mask.words[i];
	return !differ;
}

static bool addr_host_bits(const struct addr_filter *filter)
{
	u32 beyond = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(filter->addr.words); i++)
		beyond |= filter->addr.words[i] & ~filter->mask.words[i];
	return beyond;
}

/* An address with its prefix; it says what family the filter is of, or must agree with it. */
static int get_addr(struct flow_filter *filter, struct addr_filter *addr,
		    const struct nlattr *attr, const struct nlattr *prefix,
		    struct netlink_ext_ack *extack)
{
	u32 size, bits;
	u8 family;

	if (!attr)
		return prefix ? refuse(extack, prefix, "a prefix without its address") : 0;
	size = nla_len(attr);
	if (size != sizeof(struct in_addr) && size != sizeof(struct in6_addr))
		return refuse(extack, attr, "an address has 4 or 16 bytes");
	family = size == sizeof(struct in_addr) ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;
	if (filter->family != VFW_FAMILY_ANY && filter->family != family)
		return refuse(extack, attr, "the address is not of this family");
	filter->family = family;

	bits = prefix ? nla_get_u32(prefix) : 8 * size;
	if (bits > 8 * size)
		return refuse(extack, prefix, "the prefix is longer than the address");
	nla_memcpy(&addr->addr, attr, size);
	addr_mask(&addr->mask, bits);
	if (addr_host_bits(addr))
		return refuse(extack, attr, "the address has bits beyond its prefix");
	return 0;
}

static int get_addrs(struct flow_filter *filter, struct nlattr **attrs,
		     struct netlink_ext_ack *extack)
{
	int err;

	err = get_addr(filter, &filter->local, attrs[VFW_A_FLOW_LOCAL],
		       attrs[VFW_A_FLOW_LOCAL_PREFIX], extack);
	if (err)
		return err;
	return get_addr(filter, &filter->remote, attrs[VFW_A_FLOW_REMOTE],
			attrs[VFW_A_FLOW_REMOTE_PREFIX], extack);
}

static u32 get_number(struct flow_filter *filter, struct nlattr **attrs, int attr)
{
	return filter_has(filter, attr) ? nla_get_u32(attrs[attr]) : 0;
}

static void get_vlans(struct flow_filter *filter, struct nlattr **attrs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vlan_attrs); i++) {
		filter->vlan[i] = get_number(filter, attrs, vlan_attrs[i].id);
		filter->vlan_type[i] = htons(get_number(filter, attrs, vlan_attrs[i].type));
	}
}

static int get_filter(struct flow_filter *filter, struct nlattr **attrs,
		      struct netlink_ext_ack *extack)
{
	int attr;

	memset(filter, 0, sizeof(*filter));
	for (attr = VFW_A_FLOW_FAMILY; attr <= FILTER_LAST; attr++)
		if (attrs[attr])
			filter->given |= BIT(attr);
	filter->family = get_number(filter, attrs, VFW_A_FLOW_FAMILY);
	filter->protocol = get_number(filter, attrs, VFW_A_FLOW_PROTOCOL);
	filter->state = get_number(filter, attrs, VFW_A_FLOW_STATE);
	filter->opened = get_number(filter, attrs, VFW_A_FLOW_OPENED);
	filter->local_port = htons(get_number(filter, attrs, VFW_A_FLOW_LOCAL_PORT));
	filter->remote_port = htons(get_number(filter, attrs, VFW_A_FLOW_REMOTE_PORT));
	filter->rule = get_number(filter, attrs, VFW_A_FLOW_RULE);
	get_vlans(filter, attrs);
	if (filter_has(filter, VFW_A_FLOW_STATE) && filter->state == VFW_FLOW_STATE_NONE)
		return refuse(extack, attrs[VFW_A_FLOW_STATE], "no flow is in the state none");
	return get_addrs(filter, attrs, extack);
}

static bool vlan_fits(const struct vfw_key *key, const struct flow_filter *filter)
{
	__be16 type;
	u16 tag;
	int i;

	for (i = 0; i < ARRAY_SIZE(vlan_attrs); i++) {
		tag = key->tags[i];
		type = tag ? vfw_vlan_tag_type(tag) : 0;
		if (filter_has(filter, vlan_attrs[i].id) && vfw_vlan_id(tag) != filter->vlan[i])
			return false;
		if (filter_has(filter, vlan_attrs[i].type) && type != filter->vlan_type[i])
			return false;
	}
	return true;
}

static bool key_fits(const struct vfw_key *key, const struct flow_filter *filter)
{
	if (filter->family != VFW_FAMILY_ANY && key->family != filter->family)
		return false;
	if (filter_has(filter, VFW_A_FLOW_PROTOCOL) && key->protocol != filter->protocol)
		return false;
	if (filter_has(filter, VFW_A_FLOW_LOCAL_PORT) && key->local_port != filter->local_port)
		return false;
	if (filter_has(filter, VFW_A_FLOW_REMOTE_PORT) && key->remote_port != filter->remote_port)
		return false;
	if (!vlan_fits(key, filter))
		return false;
	/* Without an address, the mask is zero and every one fits. */
	return addr_within(&key->local, &filter->local) &&
	       addr_within(&key->remote, &filter->remote);
}

static bool flow_fits(const struct vfw_flow *flow, const struct vfw_key *key,
		      const struct flow_filter *filter)
{
	if (filter_has(filter, VFW_A_FLOW_STATE) && flow->state != filter->state)
		return false;
	if (filter_has(filter, VFW_A_FLOW_RULE) && vfw_flow_origin(flow)->rule != filter->rule)
		return false;
	if (filter_has(filter, VFW_A_FLOW_OPENED) && vfw_flow_opened(flow) != filter->opened)
		return false;
	return key_fits(key, filter);
}

static int put_peer(struct sk_buff *skb, int attr, const struct vfw_tcp_peer *peer)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest ||
	    nla_put_u32(skb, VFW_A_TCP_PEER_END, peer->end) ||
	    nla_put_u32(skb, VFW_A_TCP_PEER_MAX_END, peer->max_end) ||
	    nla_put_u32(skb, VFW_A_TCP_PEER_MAX_WINDOW, peer->max_window) ||
	    nla_put_u32(skb, VFW_A_TCP_PEER_SCALE, peer->scale) ||
	    nla_put_u32(skb, VFW_A_TCP_PEER_FLAGS, peer->flags))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The pair of tags in force; of an end that has not been heard of yet, none. */
static int put_sctp(struct sk_buff *skb, const struct vfw_sctp *sctp)
{
	u32 local = sctp->peer[VFW_DIRECTION_OUT].tags[0];
	u32 remote = sctp->peer[VFW_DIRECTION_IN].tags[0];

	if ((local && nla_put_u32(skb, VFW_A_FLOW_SCTP_LOCAL, local)) ||
	    (remote && nla_put_u32(skb, VFW_A_FLOW_SCTP_REMOTE, remote)))
		return -EMSGSIZE;
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VFW_A_FLOW_PAD);
}

static int put_vlans(struct sk_buff *skb, const struct vfw_key *key)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(key->tags) && key->tags[i]; i++)
		if (nla_put_u32(skb, vlan_attrs[i].id, vfw_vlan_id(key->tags[i])) ||
		    nla_put_u32(skb, vlan_attrs[i].type, ntohs(vfw_vlan_tag_type(key->tags[i]))))
			return -EMSGSIZE;
	return 0;
}

static int put_key(struct sk_buff *skb, const struct vfw_key *key)
{
	size_t size = key->family == VFW_FAMILY_IPV4 ? sizeof(key->local.v4) :
						       sizeof(key->local.v6);

	if (nla_put_u32(skb, VFW_A_FLOW_FAMILY, key->family) ||
	    nla_put_u32(skb, VFW_A_FLOW_PROTOCOL, key->protocol) ||
	    nla_put(skb, VFW_A_FLOW_LOCAL, size, &key->local) ||
	    nla_put(skb, VFW_A_FLOW_REMOTE, size, &key->remote) ||
	    nla_put_u32(skb, VFW_A_FLOW_LOCAL_PORT, ntohs(key->local_port)) ||
	    nla_put_u32(skb, VFW_A_FLOW_REMOTE_PORT, ntohs(key->remote_port)))
		return -EMSGSIZE;
	return put_vlans(skb, key);
}

/* @now is the table's time. Under the flow's lock. */
static int fill_flow(struct sk_buff *skb, const struct vfw_flow *flow, const struct vfw_key *key,
		     u32 now)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	const struct vfw_flow_origin *origin = vfw_flow_origin(flow);

	if (put_key(skb, key) ||
	    nla_put_u32(skb, VFW_A_FLOW_OPENED, vfw_flow_opened(flow)) ||
	    nla_put_u32(skb, VFW_A_FLOW_STATE, flow->state) ||
	    nla_put_u32(skb, VFW_A_FLOW_RULE, origin->rule) ||
	    nla_put_u32(skb, VFW_A_FLOW_EPOCH, flow->epoch) ||
	    put_u64(skb, VFW_A_FLOW_EXPIRES, jiffies_to_msecs(flow->expires - now)) ||
	    put_u64(skb, VFW_A_FLOW_AGE, jiffies_to_msecs(now - origin->born)) ||
	    put_u64(skb, VFW_A_FLOW_IN_PACKETS, counters->packets[VFW_DIRECTION_IN]) ||
	    put_u64(skb, VFW_A_FLOW_IN_BYTES, counters->bytes[VFW_DIRECTION_IN]) ||
	    put_u64(skb, VFW_A_FLOW_OUT_PACKETS, counters->packets[VFW_DIRECTION_OUT]) ||
	    put_u64(skb, VFW_A_FLOW_OUT_BYTES, counters->bytes[VFW_DIRECTION_OUT]))
		return -EMSGSIZE;
	if (key->protocol == IPPROTO_SCTP)
		return put_sctp(skb, &flow->sctp);
	if (key->protocol != IPPROTO_TCP)
		return 0;
	if (put_peer(skb, VFW_A_FLOW_TCP_LOCAL, &flow->tcp.peer[VFW_DIRECTION_OUT]) ||
	    put_peer(skb, VFW_A_FLOW_TCP_REMOTE, &flow->tcp.peer[VFW_DIRECTION_IN]))
		return -EMSGSIZE;
	return 0;
}

/**
 * struct walk - a walk through the flows that fit a filter
 * @filter: the filter
 * @take: what to do with a flow that fits; locked, BH off. Not 0: it was not taken, stop
 * @arg: for @take
 * @cursor: where the walk is
 * @table: the table, in this stride
 * @now: its time
 * @left: flows that may yet be looked at in this stride
 */
struct walk {
	const struct flow_filter *filter;
	int (*take)(struct walk *walk, struct vfw_flow *flow, const struct vfw_key *key);
	void *arg;
	struct vfw_flow_cursor cursor;
	struct vfw_flow_table *table;
	u32 now;
	u32 left;
};

static int walk_visit(struct vfw_flow *flow, void *arg)
{
	struct walk *walk = arg;
	struct vfw_key key;

	if (!walk->left--)
		return VFW_FLOW_STRIDE_OVER;
	if (vfw_flow_expired(flow, walk->now))
		return 0;
	vfw_flow_key(flow, &key);
	if (!flow_fits(flow, &key, walk->filter))
		return 0;
	return walk->take(walk, flow, &key);
}

/* Under vfw_net.lock, which keeps the table. 0 at the end of the table. */
static int walk_stride(struct walk *walk, struct vfw_vm *vm)
{
	walk->table = vfw_vm_flows(vm);
	walk->now = vfw_flow_now(walk->table);
	walk->left = VFW_FLOW_STRIDE;
	return vfw_flow_walk(walk->table, &walk->cursor, walk_visit, walk);
}

/* Walk on behalf of a "do". 0 at the end, STRIDE_FOUND, or an error. */
static int walk_do(struct walk *walk, struct genl_info *info,
		   int (*check)(struct genl_info *info, struct vfw_vm *vm))
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	do {
		cond_resched();
		mutex_lock(&vn->lock);
		vm = vfw_nl_vm(info, VFW_A_FLOW_VM);
		err = PTR_ERR_OR_ZERO(vm);
		if (!err && check)
			err = check(info, vm);
		if (!err)
			err = walk_stride(walk, vm);
		mutex_unlock(&vn->lock);
	} while (err == VFW_FLOW_STRIDE_OVER);
	return err;
}

static int take_first(struct walk *walk, struct vfw_flow *flow, const struct vfw_key *key)
{
	return fill_flow(walk->arg, flow, key, walk->now) ?: STRIDE_FOUND;
}

int vfw_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct walk walk = { .take = take_first };
	struct flow_filter filter;
	void *hdr;
	int err;

	err = get_filter(&filter, info->attrs, info->extack);
	if (err)
		return err;
	walk.filter = &filter;
	walk.arg = vfw_nl_reply_new(info, &hdr);
	if (!walk.arg)
		return -ENOMEM;
	err = walk_do(&walk, info, NULL);
	if (!err) {
		NL_SET_ERR_MSG_MOD(info->extack, "no flow fits");
		err = -ENOENT;
	}
	return vfw_nl_reply_send(info, walk.arg, hdr, err == STRIDE_FOUND ? 0 : err);
}

/**
 * struct flow_dump - a list of flows under way
 * @cursor: the first flow that was not listed yet
 * @vm: number of the VM; 0 at the beginning
 */
struct flow_dump {
	struct vfw_flow_cursor cursor;
	u32 vm;
};

static_assert(sizeof(struct flow_dump) <= sizeof_field(struct netlink_callback, ctx));

/* The VM must be the one that the dump began with; its table may be another one by now. */
static int dump_check(struct netlink_callback *cb, struct vfw_vm *vm)
{
	struct flow_dump *dump = (struct flow_dump *)cb->ctx;

	if (dump->vm && dump->vm != vm->id) {
		NL_SET_ERR_MSG_MOD(cb->extack, "the VM was deleted meanwhile");
		return -ENOENT;
	}
	dump->vm = vm->id;
	cb->seq = vm->changes + 1; /* 0 is none */
	return 0;
}

/**
 * struct dump_target - where a dump puts flows
 * @skb: message
 * @cb: the dump
 */
struct dump_target {
	struct sk_buff *skb;
	struct netlink_callback *cb;
};

static int take_listed(struct walk *walk, struct vfw_flow *flow, const struct vfw_key *key)
{
	const struct dump_target *to = walk->arg;
	void *hdr = genlmsg_put(to->skb, NETLINK_CB(to->cb->skb).portid, to->cb->nlh->nlmsg_seq,
				&vfw_nl_family, NLM_F_MULTI, VFW_CMD_FLOW_GET);

	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(to->cb, hdr);
	if (fill_flow(to->skb, flow, key, walk->now)) {
		genlmsg_cancel(to->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(to->skb, hdr);
	return 0;
}

static int dump_stride(struct walk *walk, struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	err = vfw_nl_dump_vm(cb, VFW_A_FLOW_VM, true, &vm);
	if (!err)
		err = dump_check(cb, vm);
	if (!err)
		err = walk_stride(walk, vm);
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct flow_dump *dump = (struct flow_dump *)cb->ctx;
	struct dump_target to = { .skb = skb, .cb = cb };
	struct walk walk = { .take = take_listed, .arg = &to };
	struct flow_filter filter;
	int err;

	err = get_filter(&filter, genl_info_dump(cb)->attrs, cb->extack);
	if (err)
		return err;
	walk.filter = &filter;
	walk.cursor = dump->cursor;
	do {
		cond_resched();
		err = dump_stride(&walk, cb);
	} while (err == VFW_FLOW_STRIDE_OVER);
	dump->cursor = walk.cursor;
	/* What does not fit now is the first of the next message. */
	return err == -EMSGSIZE ? skb->len : err;
}

static int del_check(struct genl_info *info, struct vfw_vm *vm)
{
	if (vm->state != VFW_VM_STATE_FROZEN)
		return 0;
	NL_SET_ERR_MSG_MOD(info->extack, "the VM is frozen, its flows stay as they are");
	NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_FLOW_VM]);
	return -EBUSY;
}

static int take_removed(struct walk *walk, struct vfw_flow *flow, const struct vfw_key *key)
{
	u32 *count = walk->arg;

	vfw_flow_remove(walk->table, flow);
	(*count)++;
	return 0;
}

int vfw_nl_flow_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct walk walk = { .take = take_removed };
	struct flow_filter filter;
	struct sk_buff *reply;
	u32 count = 0;
	void *hdr;
	int err;

	err = get_filter(&filter, info->attrs, info->extack);
	if (err)
		return err;
	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	walk.filter = &filter;
	walk.arg = &count;
	err = walk_do(&walk, info, del_check);
	if (!err)
		err = nla_put_u32(reply, VFW_A_FLOW_COUNT, count);
	return vfw_nl_reply_send(info, reply, hdr, err);
}
