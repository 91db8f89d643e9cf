/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_MAIN_H
#define _VFW_MAIN_H

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#define VFW_VERSION "0.1.0"

/* Functions that the KUnit module calls; exported only in a build made for it. */
#ifdef VFW_KUNIT
#define EXPORT_SYMBOL_VFW_TEST(symbol) EXPORT_SYMBOL_GPL(symbol)
#else
#define EXPORT_SYMBOL_VFW_TEST(symbol)
#endif

/**
 * struct vfw_net - a network namespace's registry
 * @net: the namespace
 * @lock: serialises every change of VMs, ports, policies and restores; taken inside RTNL
 * @vms: by UUID
 * @vm_ids: by number on this host; what dumps walk
 * @port_ids: ports by number on this host; what dumps walk
 * @next_vm: where the search for a free number begins
 * @next_port: the same for ports
 * @generation: raised by each change that a dump of VMs or ports must notice; under @lock
 * @transactions: policies being loaded (struct vfw_policy_load); under @lock
 */
struct vfw_net {
	struct net *net;
	struct mutex lock; /* VMs, ports, policies, holds, restores */
	struct rhashtable vms;
	struct xarray vm_ids;
	struct xarray port_ids;
	u32 next_vm;
	u32 next_port;
	u32 generation;
	struct list_head transactions;
};

/* For all work of the module; destroyed, and so drained, when it is removed. */
extern struct workqueue_struct *vfw_wq;

struct vfw_net *vfw_net(const struct net *net);

#endif /* _VFW_MAIN_H */
