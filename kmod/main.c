// SPDX-License-Identifier: GPL-2.0
/*
 * vfw: a stateful firewall for virtual machines whose state moves with the VM.
 */

#include <linux/workqueue.h>
#include <net/netns/generic.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "port.h"
#include "vm.h"

/**
 * DOC: locking
 *
 * Locks, from the outermost to the innermost:
 *
 * RTNL
 *	Taken by operations on ports, because netdevs come and go under it; the netdev notifier
 *	is called with it held.
 * vfw_net.lock (a mutex, one for each network namespace)
 *	Serialises everything that changes VMs, ports, policies, holds and restores. The control
 *	plane looks VMs up under it, so that no reference counts are needed: what was found stays
 *	until the lock is let go.
 * vfw_hold.lock
 *	The queue of held packets.
 * vfw_fragments.lock (one for each VM)
 *	Datagrams that are on their way in fragments. Taken by the hook, with BH off, for fragments
 *	only, and held while the first one of a datagram is judged.
 * vfw_flow.lock (one for each flow)
 *	A flow's state, windows and counters. Taken by the hook with BH off.
 * vfw_flow_table.lock
 *	Which slots are free, how many flows there are.
 *
 * The hook takes none but the flow's lock for a packet of an established flow. It reaches the
 * port through the hook's private pointer, the VM through the port, and the VM's policy and flow
 * table by RCU.
 *
 * Lifetime: a VM goes in two phases. Its hooks are unregistered, and after synchronize_net() no
 * packet can be in them; then everything it owns is freed. A policy or a flow table that is
 * replaced is freed by rcu_work, because the hook may still be reading it. A VM holds a reference
 * on the module.
 */

static unsigned int vfw_net_id __read_mostly;

struct workqueue_struct *vfw_wq;
EXPORT_SYMBOL_VFW_TEST(vfw_wq);

/**
 * vfw_net() - the registry of a network namespace
 * @net: the namespace
 */
struct vfw_net *vfw_net(const struct net *net)
{
	return net_generic(net, vfw_net_id);
}

static int __net_init net_init(struct net *net)
{
	struct vfw_net *vn = vfw_net(net);

	vn->net = net;
	mutex_init(&vn->lock);
	INIT_LIST_HEAD(&vn->transactions);
	xa_init_flags(&vn->port_ids, XA_FLAGS_ALLOC1);
	return vfw_vm_net_init(vn);
}

/* The namespace's netdevs are gone by now, and with them the hooks. */
static void __net_exit net_exit(struct net *net)
{
	struct vfw_net *vn = vfw_net(net);

	vfw_vm_net_exit(vn);
	WARN_ON_ONCE(!xa_empty(&vn->port_ids));
	WARN_ON_ONCE(!list_empty(&vn->transactions));
	xa_destroy(&vn->port_ids);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &vfw_net_id,
	.size = sizeof(struct vfw_net),
};

static int __init vfw_init(void)
{
	int err;

	vfw_flow_init();
	vfw_wq = alloc_workqueue("vfw", WQ_UNBOUND, 0);
	if (!vfw_wq)
		return -ENOMEM;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto err_wq;
	err = vfw_port_init();
	if (err)
		goto err_pernet;
	err = vfw_nl_init();
	if (err)
		goto err_port;
	pr_info("version " VFW_VERSION " loaded\n");
	return 0;

err_port:
	vfw_port_exit();
err_pernet:
	unregister_pernet_subsys(&net_ops);
err_wq:
	destroy_workqueue(vfw_wq);
	return err;
}

static void __exit vfw_exit(void)
{
	vfw_nl_exit();
	vfw_port_exit();
	unregister_pernet_subsys(&net_ops);
	/*
	 * rcu_work enters the queue when its grace period is over. What runs then may resize a
	 * table for the last time, which leaves more of it.
	 */
	rcu_barrier();
	flush_workqueue(vfw_wq);
	rcu_barrier();
	destroy_workqueue(vfw_wq);
	/* Work that ran may have freed by RCU in turn. */
	rcu_barrier();
	pr_info("removed\n");
}

module_init(vfw_init);
module_exit(vfw_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(VFW_VERSION);
MODULE_DESCRIPTION("Stateful firewall for virtual machines whose state moves with the VM");
MODULE_ALIAS_GENL_FAMILY(VFW_FAMILY_NAME);
