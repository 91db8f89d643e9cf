// SPDX-License-Identifier: GPL-2.0
/*
 * Netfilter hooks that accept at once: what the kernel takes to call a firewall at a netdev, before
 * that has done anything. The parameter "hook" names the netdev; it is empty when there is none.
 */

#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>

#include "bench.h"

static struct net_device *hooked;	/* under the RTNL */

static unsigned int accept_all(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static struct nf_hook_ops ops[] = {
	{ .hook = accept_all, .pf = NFPROTO_NETDEV, .hooknum = NF_NETDEV_INGRESS },
	{ .hook = accept_all, .pf = NFPROTO_NETDEV, .hooknum = NF_NETDEV_EGRESS },
};

/**
 * vfwb_hook_remove() - take the hooks from a netdev, if it is the one that has them
 * @dev: the netdev
 *
 * Context: RTNL.
 */
void vfwb_hook_remove(struct net_device *dev)
{
	if (!dev || dev != hooked)
		return;
	nf_unregister_net_hooks(dev_net(dev), ops, ARRAY_SIZE(ops));
	hooked = NULL;
}

static int hook_add(const char *name)
{
	struct net_device *dev = __dev_get_by_name(&init_net, name);
	int err;

	if (!dev || !vfwb_netdev_is(dev))
		return -ENODEV;
	ops[0].dev = dev;
	ops[1].dev = dev;
	err = nf_register_net_hooks(&init_net, ops, ARRAY_SIZE(ops));
	if (!err)
		hooked = dev;
	return err;
}

static int hook_set(const char *value, const struct kernel_param *param)
{
	char name[IFNAMSIZ + 1];
	int err = 0;

	if (strscpy(name, value, sizeof(name)) < 0)
		return -EINVAL;
	rtnl_lock();
	vfwb_hook_remove(hooked);
	if (*strim(name))
		err = hook_add(strim(name));
	rtnl_unlock();
	return err;
}

static int hook_get(char *buffer, const struct kernel_param *param)
{
	int len;

	rtnl_lock();
	len = sysfs_emit(buffer, "%s\n", hooked ? hooked->name : "");
	rtnl_unlock();
	return len;
}

static const struct kernel_param_ops hook_ops = { .set = hook_set, .get = hook_get };
module_param_cb(hook, &hook_ops, NULL, 0600);
MODULE_PARM_DESC(hook, "netdev of kind vfwbench whose packets pass netfilter hooks that accept all");
