// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink operations on ports.
 */

#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "main.h"
#include "netlink.h"
#include "port.h"
#include "vm.h"

static int fill_port(struct sk_buff *skb, const struct vfw_port *port)
{
	bool present = port->dev;

	if (nla_put(skb, VFW_A_PORT_VM, UUID_SIZE, &port->vm->uuid) ||
	    nla_put_string(skb, VFW_A_PORT_NAME, port->name) ||
	    nla_put_u32(skb, VFW_A_PORT_STATE, present ? VFW_PORT_STATE_PRESENT :
							 VFW_PORT_STATE_ABSENT) ||
	    nla_put_u32(skb, VFW_A_PORT_ID, port->id))
		return -EMSGSIZE;
	/* While the netdev is not here, its kind does not say which way it faces. */
	if ((present || port->type_given) && nla_put_u32(skb, VFW_A_PORT_TYPE, port->type))
		return -EMSGSIZE;
	if (present && nla_put_u32(skb, VFW_A_PORT_IFINDEX, port->dev->ifindex))
		return -EMSGSIZE;
	if (port->trunk && nla_put_flag(skb, VFW_A_PORT_TRUNK))
		return -EMSGSIZE;
	return 0;
}

/**
 * vfw_nl_notify_port() - tell that something happened to a port
 * @port: the port
 * @cmd: VFW_CMD_PORT_NTF or VFW_CMD_PORT_DEL_NTF
 *
 * Context: under vfw_net.lock.
 */
void vfw_nl_notify_port(struct vfw_port *port, u8 cmd)
{
	struct vfw_net *vn = port->vm->vn;
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&vn->lock);
	skb = vfw_nl_event_new(vn, cmd, &hdr);
	if (skb)
		vfw_nl_event_send(vn, skb, hdr, fill_port(skb, port));
}

/* Of an operation that names a port. Under vfw_net.lock. */
static struct vfw_port *named_port(struct genl_info *info)
{
	struct vfw_port *port;

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_PORT_NAME)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the port is not named");
		return ERR_PTR(-EINVAL);
	}
	port = vfw_port_find(vfw_net(genl_info_net(info)),
			     nla_data(info->attrs[VFW_A_PORT_NAME]));
	if (!port) {
		NL_SET_ERR_MSG_MOD(info->extack, "no port with this name");
		NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_PORT_NAME]);
		return ERR_PTR(-ENOENT);
	}
	return port;
}

/* Negative when it is not given. */
static int given_type(struct genl_info *info)
{
	return info->attrs[VFW_A_PORT_TYPE] ? nla_get_u32(info->attrs[VFW_A_PORT_TYPE]) : -1;
}

static struct vfw_port *port_new(struct genl_info *info)
{
	struct vfw_port *port;
	struct vfw_vm *vm;

	vm = vfw_nl_vm(info, VFW_A_PORT_VM);
	if (IS_ERR(vm))
		return ERR_CAST(vm);
	if (GENL_REQ_ATTR_CHECK(info, VFW_A_PORT_NAME)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the port is not named");
		return ERR_PTR(-EINVAL);
	}
	port = vfw_port_add(vm, nla_data(info->attrs[VFW_A_PORT_NAME]), given_type(info),
			    info->attrs[VFW_A_PORT_TRUNK], info->extack);
	if (IS_ERR(port))
		NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_PORT_NAME]);
	return port;
}

int vfw_nl_port_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_port *port;
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	rtnl_lock();
	mutex_lock(&vn->lock);
	port = port_new(info);
	err = IS_ERR(port) ? PTR_ERR(port) : fill_port(reply, port);
	mutex_unlock(&vn->lock);
	rtnl_unlock();
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/* Negative when it is not given, or an error to be returned. */
static int given_trunk(struct genl_info *info, int *trunk)
{
	const struct nlattr *access = info->attrs[VFW_A_PORT_ACCESS];
	bool given = info->attrs[VFW_A_PORT_TRUNK];

	if (given && access) {
		NL_SET_ERR_MSG_MOD(info->extack, "a port is either trunk or access");
		NL_SET_BAD_ATTR(info->extack, access);
		return -EINVAL;
	}
	*trunk = given || access ? given : -1;
	return 0;
}

static int port_set(struct genl_info *info)
{
	struct nlattr *new_name = info->attrs[VFW_A_PORT_NEW_NAME];
	struct vfw_port *port = named_port(info);
	int err, trunk;

	if (IS_ERR(port))
		return PTR_ERR(port);
	err = given_trunk(info, &trunk);
	if (err)
		return err;
	if (!new_name && !info->attrs[VFW_A_PORT_TYPE] && trunk < 0) {
		NL_SET_ERR_MSG_MOD(info->extack,
				   "nothing to change: no new-name, type, trunk or access");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, VFW_A_PORT_NEW_NAME);
		return -EINVAL;
	}
	err = vfw_port_change(port, new_name ? nla_data(new_name) : NULL, given_type(info),
			      trunk, info->extack);
	if (err)
		NL_SET_BAD_ATTR(info->extack, new_name);
	return err;
}

int vfw_nl_port_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	int err;

	rtnl_lock();
	mutex_lock(&vn->lock);
	err = port_set(info);
	mutex_unlock(&vn->lock);
	rtnl_unlock();
	return err;
}

static int port_get(struct genl_info *info, struct sk_buff *reply)
{
	struct vfw_port *port = named_port(info);
	struct vfw_vm *vm;

	if (IS_ERR(port))
		return PTR_ERR(port);
	if (!info->attrs[VFW_A_PORT_VM])
		return fill_port(reply, port);
	vm = vfw_nl_vm(info, VFW_A_PORT_VM);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	if (port->vm != vm) {
		NL_SET_ERR_MSG_MOD(info->extack, "the port does not belong to this VM");
		NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_PORT_VM]);
		return -ENOENT;
	}
	return fill_port(reply, port);
}

int vfw_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&vn->lock);
	err = port_get(info, reply);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/**
 * struct port_dump - a list of ports under way
 * @next: number of the first port that was not listed yet
 */
struct port_dump {
	unsigned long next;
};

static_assert(sizeof(struct port_dump) <= sizeof_field(struct netlink_callback, ctx));

static int dump_port(struct sk_buff *skb, struct netlink_callback *cb, struct vfw_port *port)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&vfw_nl_family, NLM_F_MULTI, VFW_CMD_PORT_GET);

	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (fill_port(skb, port)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int dump_ports(struct vfw_net *vn, struct sk_buff *skb, struct netlink_callback *cb)
{
	struct port_dump *dump = (struct port_dump *)cb->ctx;
	struct vfw_port *port;
	struct vfw_vm *vm;
	unsigned long id;
	int err;

	err = vfw_nl_dump_refuse(cb, VFW_A_PORT_NAME);
	if (!err)
		err = vfw_nl_dump_vm(cb, VFW_A_PORT_VM, false, &vm);
	if (err)
		return err;
	cb->seq = vfw_nl_dump_seq(vn);
	xa_for_each_start(&vn->port_ids, id, port, dump->next) {
		if (vm && port->vm != vm)
			continue;
		if (dump_port(skb, cb, port))
			return skb->len;
		dump->next = id + 1;
	}
	return 0;
}

int vfw_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(skb->sk));
	int err;

	mutex_lock(&vn->lock);
	err = dump_ports(vn, skb, cb);
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_port_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_port *port;

	mutex_lock(&vn->lock);
	port = named_port(info);
	if (!IS_ERR(port))
		vfw_port_del(port);
	mutex_unlock(&vn->lock);
	return PTR_ERR_OR_ZERO(port);
}
