// SPDX-License-Identifier: GPL-2.0
/*
 * Ethernet netdevs of the kind "vfwbench": what they are given to send is counted and freed, at
 * once, as a NIC would when it was sent; what they receive is the injector's.
 */

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/rtnetlink.h>

#include "bench.h"

/* Writers hold the RTNL; readers RCU. */
static struct net_device __rcu *devs[VFWB_DEVS];
static struct vfwb_count total;

static netdev_tx_t bench_xmit(struct sk_buff *skb, struct net_device *dev)
{
	total.packets++;
	total.bytes += skb->len;
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

/* The index in devs is dev_port, which sysfs shows. */
static int bench_dev_init(struct net_device *dev)
{
	unsigned int i;

	ASSERT_RTNL();
	for (i = 0; i < VFWB_DEVS; i++)
		if (!rcu_access_pointer(devs[i]))
			break;
	if (i == VFWB_DEVS)
		return -ENOSPC;
	dev->dev_port = i;
	rcu_assign_pointer(devs[i], dev);
	return 0;
}

static void bench_dev_uninit(struct net_device *dev)
{
	ASSERT_RTNL();
	vfwb_hook_remove(dev);
	RCU_INIT_POINTER(devs[dev->dev_port], NULL);
	synchronize_net();
}

static const struct net_device_ops bench_ops = {
	.ndo_init		= bench_dev_init,
	.ndo_uninit		= bench_dev_uninit,
	.ndo_start_xmit		= bench_xmit,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= eth_mac_addr,
};

static void bench_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &bench_ops;
	dev->needs_free_netdev = true;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
	dev->lltx = true;
	dev->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA | NETIF_F_GSO_SOFTWARE;
	eth_hw_addr_random(dev);
}

static struct rtnl_link_ops bench_link_ops __read_mostly = {
	.kind	= "vfwbench",
	.setup	= bench_setup,
};

/**
 * vfwb_netdev_is() - is it one of ours?
 * @dev: a netdev
 */
bool vfwb_netdev_is(const struct net_device *dev)
{
	return dev->netdev_ops == &bench_ops;
}

/**
 * vfwb_netdev_get() - the netdev of a record
 * @port: its dev_port
 *
 * Context: RCU. No reference is taken.
 * Return: the netdev, or NULL.
 */
struct net_device *vfwb_netdev_get(unsigned int port)
{
	return port < VFWB_DEVS ? rcu_dereference(devs[port]) : NULL;
}

/**
 * vfwb_netdev_sent() - what all netdevs were given to send since the module was loaded
 */
struct vfwb_count vfwb_netdev_sent(void)
{
	return total;
}

/**
 * vfwb_netdev_init() - make the kind of netdev known
 *
 * Return: 0 or a negative error.
 */
int __init vfwb_netdev_init(void)
{
	return rtnl_link_register(&bench_link_ops);
}

/**
 * vfwb_netdev_exit() - remove all netdevs and their kind
 */
void vfwb_netdev_exit(void)
{
	rtnl_link_unregister(&bench_link_ops);
}
