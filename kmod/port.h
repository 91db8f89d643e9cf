/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_PORT_H
#define _VFW_PORT_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <uapi/linux/vfw.h>

struct vfw_net;
struct vfw_vm;

/**
 * struct vfw_port - a netdev that leads to a VM
 * @vm: whose it is; never changes
 * @type: enum vfw_port_type: which way the netdev faces
 * @type_given: it was said, and is not found from the netdev
 * @trunk: frames with VLAN tags may pass
 * @dev: the netdev while it is here and hooked, else NULL; no reference: the notifier takes
 *	it away before the netdev goes
 * @ops: the hooks: [0] on ingress, [1] on egress
 * @list: in the VM's ports
 * @id: its number on this host
 * @name: name of the netdev
 * @rcu: to free it after a grace period
 *
 * All but what the hook reads (@vm, @type, @trunk, @dev) is protected by vfw_net.lock.
 */
struct vfw_port {
	struct vfw_vm *vm;
	u8 type;
	bool type_given;
	bool trunk;
	struct net_device *dev;
	struct nf_hook_ops ops[2];
	struct list_head list;
	u32 id;
	char name[IFNAMSIZ];
	struct rcu_head rcu;
};

struct vfw_port *vfw_port_find(struct vfw_net *vn, const char *name);
struct vfw_port *vfw_port_add(struct vfw_vm *vm, const char *name, int type, bool trunk,
			      struct netlink_ext_ack *extack);
int vfw_port_change(struct vfw_port *port, const char *name, int type, int trunk,
		    struct netlink_ext_ack *extack);
void vfw_port_del(struct vfw_port *port);
void vfw_port_del_all(struct vfw_vm *vm);

int vfw_port_init(void);
void vfw_port_exit(void);

#endif /* _VFW_PORT_H */
