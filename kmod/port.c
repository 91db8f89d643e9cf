// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: the netdevs that lead to a VM.
 */

#include <linux/if_arp.h>
#include <linux/netfilter_netdev.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/rtnetlink.h>

#include "main.h"
#include "fragment.h"
#include "hold.h"
#include "hook.h"
#include "netlink.h"
#include "port.h"
#include "vm.h"

/**
 * DOC: ports and netdevs
 *
 * A port is declared by name, and the netdev of that name is filtered from the moment it has it
 * until the port is deleted or the netdev leaves the namespace. What netdevs do is learnt from the
 * notifier, which runs under RTNL:
 *
 * appears (registered, or moved here)
 *	It is hooked. It is down then, so that no packet comes before the hook. If it cannot be
 *	hooked, its registration fails.
 * is brought up
 *	It is hooked if it is not, and looked at again if it is: what moved here could not be
 *	refused, and what is down may have changed its type. Otherwise it stays down.
 * is renamed
 *	A hooked netdev stays hooked, and its port takes the new name, unless that is the name of
 *	another port: then the netdev goes over to that one. If it cannot be hooked, it keeps the
 *	old name.
 * disappears (unregistered, or moved away)
 *	It is down; the hooks are taken off, what it held is dropped, the port is absent.
 *
 * The notifier is the last in its chain, so that no one after it can make the kernel take back
 * what it has seen done.
 *
 * On ingress the hook is the first of netfilter's: no other hook (a flow table of nftables, say)
 * may take a packet away before it is judged. On egress it is the last: it judges what the VM will
 * get. XDP and tc come before it on ingress, and after it on egress; what they redirect, and what
 * passed through an ifb netdev, no netfilter hook sees.
 */
#define PRIORITY_INGRESS INT_MIN
#define PRIORITY_EGRESS INT_MAX

/**
 * vfw_port_find() - find a port by name
 * @vn: where to look
 * @name: name of the netdev
 *
 * Context: under vfw_net.lock, which keeps the port.
 * Return: the port, or NULL.
 */
struct vfw_port *vfw_port_find(struct vfw_net *vn, const char *name)
{
	struct vfw_port *port;
	unsigned long id;

	lockdep_assert_held(&vn->lock);
	xa_for_each(&vn->port_ids, id, port)
		if (!strcmp(port->name, name))
			return port;
	return NULL;
}

static struct vfw_port *port_of_netdev(struct vfw_net *vn, const struct net_device *dev)
{
	struct vfw_port *port;
	unsigned long id;

	xa_for_each(&vn->port_ids, id, port)
		if (port->dev == dev)
			return port;
	return NULL;
}

/* The hook reads Ethernet frames. */
static int netdev_check(const struct net_device *dev, struct netlink_ext_ack *extack)
{
	if (dev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG_MOD(extack, "a loopback netdev leads to no VM");
		return -EOPNOTSUPP;
	}
	if (dev->type != ARPHRD_ETHER || dev->hard_header_len < ETH_HLEN) {
		NL_SET_ERR_MSG_MOD(extack, "the netdev does not carry Ethernet frames");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Is the netdev the VM's own end of the link, and not the host's? By its kind, because
 * netif_is_macvlan() is not true yet when a macvlan is registered.
 */
static bool netdev_mirrored(const struct net_device *dev)
{
	static const char * const kinds[] = { "macvtap", "macvlan", "ipvtap", "ipvlan" };
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;

	return ops && match_string(kinds, ARRAY_SIZE(kinds), ops->kind) >= 0;
}

static struct nf_hook_ops hook_ops(struct vfw_port *port, struct net_device *dev, bool egress)
{
	return (struct nf_hook_ops) {
		.hook = egress ? vfw_hook_egress : vfw_hook_ingress,
		.dev = dev,
		.priv = port,
		.pf = NFPROTO_NETDEV,
		.hooknum = egress ? NF_NETDEV_EGRESS : NF_NETDEV_INGRESS,
		.priority = egress ? PRIORITY_EGRESS : PRIORITY_INGRESS,
	};
}

/* Packets that are in the hooks may go on to use the port for a grace period. */
static void port_unhook(struct vfw_port *port)
{
	if (!port->dev)
		return;
	nf_unregister_net_hooks(dev_net(port->dev), port->ops, ARRAY_SIZE(port->ops));
	/* Read under vfw_fragments.lock by a fragment that is to wait. */
	WRITE_ONCE(port->dev, NULL);
}

static bool vm_holds(const struct vfw_vm *vm)
{
	return rcu_access_pointer(vm->hold);
}

/* Drop what waits of a port that has no netdev any more. */
static void port_drop_waiting(struct vfw_port *port)
{
	vfw_fragment_port_gone(port->vm, port);
	if (!vm_holds(port->vm))
		return;
	/* A packet in the hook may still be on its way into the queue. */
	synchronize_net();
	vfw_hold_port_gone(port->vm, port);
}

/* Take the netdev off a port, with the packets held for it. */
static void port_detach(struct vfw_port *port)
{
	port_unhook(port);
	port_drop_waiting(port);
}

/*
 * Filter a netdev; it has the port's name or will have it when the caller succeeds. After an error,
 * too, packets may go on to use the port for a grace period: one hook may have been there.
 */
static int port_hook(struct vfw_port *port, struct net_device *dev,
		     struct netlink_ext_ack *extack)
{
	int err;

	ASSERT_RTNL();
	err = netdev_check(dev, extack);
	if (err)
		return err;
	if (!port->type_given)
		WRITE_ONCE(port->type, netdev_mirrored(dev) ? VFW_PORT_TYPE_MIRRORED :
							      VFW_PORT_TYPE_HOST);
	port->ops[0] = hook_ops(port, dev, false);
	port->ops[1] = hook_ops(port, dev, true);
	WRITE_ONCE(port->dev, dev);
	err = nf_register_net_hooks(dev_net(dev), port->ops, ARRAY_SIZE(port->ops));
	if (err) {
		WRITE_ONCE(port->dev, NULL);
		port_drop_waiting(port);
		NL_SET_ERR_MSG_MOD(extack, "the netdev cannot be hooked");
	}
	return err;
}

static void port_changed(struct vfw_port *port)
{
	port->vm->vn->generation++;
	vfw_nl_notify_port(port, VFW_CMD_PORT_NTF);
}

static int name_check(struct vfw_net *vn, const char *name, struct netlink_ext_ack *extack)
{
	struct vfw_port *other;

	/* A name with a % is a pattern to the kernel. */
	if (!dev_valid_name(name) || strchr(name, '%')) {
		NL_SET_ERR_MSG_MOD(extack, "no netdev can have this name");
		return -EINVAL;
	}
	other = vfw_port_find(vn, name);
	if (other) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "port %s belongs to VM %pUb", name,
				       &other->vm->uuid);
		return -EEXIST;
	}
	return 0;
}

/* Of a new port: hook the netdev if it is here. */
static int port_attach(struct vfw_port *port, struct netlink_ext_ack *extack)
{
	struct net_device *dev = __dev_get_by_name(port->vm->vn->net, port->name);

	if (!dev)
		return 0;
	if (strcmp(dev->name, port->name)) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "this is an alternative name of the netdev %s",
				       dev->name);
		return -EINVAL;
	}
	return port_hook(port, dev, extack);
}

static struct vfw_port *port_alloc(struct vfw_vm *vm, const char *name, int type, bool trunk,
				   struct netlink_ext_ack *extack)
{
	struct vfw_port *port = kzalloc_obj(*port, GFP_KERNEL_ACCOUNT);

	if (!port) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the port");
		return NULL;
	}
	port->vm = vm;
	if (type >= 0) {
		port->type = type;
		port->type_given = true;
	}
	port->trunk = trunk;
	strscpy(port->name, name, sizeof(port->name));
	return port;
}

/**
 * vfw_port_add() - declare a port of a VM
 * @vm: the VM
 * @name: name of the netdev, which may be here already or come later
 * @type: enum vfw_port_type, or negative: as the netdev's kind says
 * @trunk: frames with VLAN tags may pass
 * @extack: for the reason of a refusal
 *
 * Context: under RTNL and vfw_net.lock.
 * Return: the port, which the registry owns, or an error pointer: -EINVAL for a name that no
 * netdev can have, -EEXIST for one that is a port's, -ENOSPC when the VM has VFW_PORTS_MAX ports,
 * -EOPNOTSUPP for a netdev without Ethernet frames, -ENOMEM.
 */
struct vfw_port *vfw_port_add(struct vfw_vm *vm, const char *name, int type, bool trunk,
			      struct netlink_ext_ack *extack)
{
	struct vfw_net *vn = vm->vn;
	struct vfw_port *port;
	int err;

	lockdep_assert_held(&vn->lock);
	err = name_check(vn, name, extack);
	if (err)
		return ERR_PTR(err);
	if (vm->n_ports >= VFW_PORTS_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "the VM has as many ports as it may have");
		return ERR_PTR(-ENOSPC);
	}
	port = port_alloc(vm, name, type, trunk, extack);
	if (!port)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc_cyclic(&vn->port_ids, &port->id, port, xa_limit_31b, &vn->next_port,
			      GFP_KERNEL);
	if (err < 0)
		goto err_port;
	err = port_attach(port, extack);
	if (err)
		goto err_id;
	list_add_tail(&port->list, &vm->ports);
	vm->n_ports++;
	port_changed(port);
	return port;

err_id:
	xa_erase(&vn->port_ids, port->id);
err_port:
	kfree_rcu(port, rcu);
	return ERR_PTR(err);
}

/* A port's name changes by another one taking its place, so that there is no time without. */
static int port_replace(struct vfw_port *port, const char *name, int type, bool trunk,
			struct netlink_ext_ack *extack)
{
	struct vfw_net *vn = port->vm->vn;
	struct vfw_port *next;
	int err;

	err = name_check(vn, name, extack);
	if (err)
		return err;
	if (type < 0 && port->type_given)
		type = port->type;
	next = port_alloc(port->vm, name, type, trunk, extack);
	if (!next)
		return -ENOMEM;
	next->id = port->id;
	err = port_attach(next, extack);
	if (err) {
		kfree_rcu(next, rcu);
		return err;
	}
	/* Over an entry that is there, this needs no memory. */
	xa_store(&vn->port_ids, next->id, next, GFP_KERNEL);
	list_replace(&port->list, &next->list);
	port_detach(port);
	kfree_rcu(port, rcu);
	port_changed(next);
	return 0;
}

/**
 * vfw_port_change() - change a port's netdev, which way it faces, or whether it is a trunk
 * @port: the port; with another name, another object takes its place and it is gone
 * @name: name of the netdev from now on, or NULL
 * @type: enum vfw_port_type, or negative: as it was
 * @trunk: whether frames with VLAN tags may pass, or negative: as it was
 * @extack: for the reason of a refusal
 *
 * The former netdev is no longer filtered, and packets held for it are dropped. Flows of tagged
 * frames stay until they expire, also when the last trunk is none any more.
 *
 * Context: under RTNL and vfw_net.lock.
 * Return: 0, or an error of vfw_port_add(): then nothing has changed.
 */
int vfw_port_change(struct vfw_port *port, const char *name, int type, int trunk,
		    struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&port->vm->vn->lock);
	if (name && strcmp(name, port->name))
		return port_replace(port, name, type, trunk < 0 ? port->trunk : trunk, extack);
	if (type >= 0) {
		WRITE_ONCE(port->type, type);
		port->type_given = true;
	}
	if (trunk >= 0)
		WRITE_ONCE(port->trunk, trunk);
	if (type >= 0 || trunk >= 0)
		port_changed(port);
	return 0;
}

/* The port is not hooked, and no packet is held for it. */
static void port_free(struct vfw_port *port)
{
	struct vfw_vm *vm = port->vm;

	vfw_nl_notify_port(port, VFW_CMD_PORT_DEL_NTF);
	list_del(&port->list);
	vm->n_ports--;
	xa_erase(&vm->vn->port_ids, port->id);
	vm->vn->generation++;
	/* Packets that were in the hooks may still read it. */
	kfree_rcu(port, rcu);
}

/**
 * vfw_port_del() - forget a port; its netdev is no longer filtered
 * @port: the port; gone afterwards
 *
 * Context: under vfw_net.lock, which keeps the netdev: it cannot leave without the notifier.
 */
void vfw_port_del(struct vfw_port *port)
{
	lockdep_assert_held(&port->vm->vn->lock);
	port_detach(port);
	port_free(port);
}

/**
 * vfw_port_del_all() - forget all ports of a VM
 * @vm: the VM
 *
 * Context: under vfw_net.lock.
 */
void vfw_port_del_all(struct vfw_vm *vm)
{
	struct vfw_port *port, *next;

	lockdep_assert_held(&vm->vn->lock);
	list_for_each_entry(port, &vm->ports, list)
		port_unhook(port);
	if (vm_holds(vm))
		synchronize_net();
	list_for_each_entry_safe(port, next, &vm->ports, list) {
		vfw_fragment_port_gone(vm, port);
		if (vm_holds(vm))
			vfw_hold_port_gone(vm, port);
		port_free(port);
	}
}

/* What netdevs do. */

static void netdev_refused(const struct net_device *dev, const struct vfw_port *port, int err)
{
	net_warn_ratelimited("netdev %s refused as port of VM %pUb: error %d\n", dev->name,
			     &port->vm->uuid, err);
}

static int netdev_appears(struct vfw_net *vn, struct net_device *dev,
			  struct netlink_ext_ack *extack)
{
	struct vfw_port *port = vfw_port_find(vn, dev->name);
	int err;

	if (!port)
		return 0;
	if (port->dev) {
		err = netdev_check(dev, extack);
	} else {
		err = port_hook(port, dev, extack);
		if (!err)
			port_changed(port);
	}
	if (err)
		netdev_refused(dev, port, err);
	return err;
}

static void netdev_disappears(struct vfw_net *vn, struct net_device *dev)
{
	struct vfw_port *port = port_of_netdev(vn, dev);

	if (!port)
		return;
	port_detach(port);
	port_changed(port);
}

/* Called again with the former name when the rename is taken back because of an error here. */
static int netdev_renamed(struct vfw_net *vn, struct net_device *dev)
{
	struct vfw_port *former = port_of_netdev(vn, dev);
	struct vfw_port *next = vfw_port_find(vn, dev->name);
	int err;

	if (former == next)
		return 0;
	if (!next) {
		strscpy(former->name, dev->name, sizeof(former->name));
		port_changed(former);
		return 0;
	}
	err = port_hook(next, dev, NULL);
	if (err) {
		netdev_refused(dev, next, err);
		return err;
	}
	if (former) {
		port_detach(former);
		port_changed(former);
	}
	port_changed(next);
	return 0;
}

static int netdev_event(struct vfw_net *vn, unsigned long event, struct net_device *dev,
			struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&vn->lock);
	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_PRE_UP:
		return netdev_appears(vn, dev, extack);
	case NETDEV_CHANGENAME:
		return netdev_renamed(vn, dev);
	case NETDEV_UNREGISTER:
		netdev_disappears(vn, dev);
		return 0;
	}
	return 0;
}

static int netdev_notified(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct vfw_net *vn = vfw_net(dev_net(dev));
	int err;

	if (event != NETDEV_REGISTER && event != NETDEV_PRE_UP &&
	    event != NETDEV_CHANGENAME && event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	/* Ports are declared under RTNL, so that none is missed. */
	if (xa_empty(&vn->port_ids))
		return NOTIFY_DONE;

	mutex_lock(&vn->lock);
	err = netdev_event(vn, event, dev, netdev_notifier_info_to_extack(ptr));
	mutex_unlock(&vn->lock);
	return notifier_from_errno(err);
}

static struct notifier_block netdev_notifier = {
	.notifier_call = netdev_notified,
	.priority = INT_MIN,
};

/**
 * vfw_port_init() - begin to follow netdevs
 */
int vfw_port_init(void)
{
	return register_netdevice_notifier(&netdev_notifier);
}

/**
 * vfw_port_exit() - follow netdevs no longer; there is no port any more
 */
void vfw_port_exit(void)
{
	unregister_netdevice_notifier(&netdev_notifier);
}
