// SPDX-License-Identifier: GPL-2.0
/*
 * vfw_differential: one packet through two firewalls, and what each of them made of it.
 *
 *	dc0 --- bridge, nftables and conntrack --- dc1
 *	dv0 --- bridge ------------------- vfw --- dv1
 *
 * A packet of the far end is received by dc0 and dv0 as a NIC would, and one that passes is sent
 * by dc1 and dv1 before netif_receive_skb() returns; packets of the VM go the other way. The
 * bridges, the rules and the VM are made by the script. What a netdev is given to send is compared
 * with what went in, and freed. After each packet both sides' state of its connection is read.
 *
 * Beside nf_conntrack's own functions this calls vfw's, so it needs a vfw.ko that exports them.
 */

#include <linux/etherdevice.h>
#include <linux/fs.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/miscdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/uaccess.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "../../../kmod/main.h"
#include "../../../kmod/flow.h"
#include "../../../kmod/port.h"
#include "../../../kmod/vm.h"
#include "vfw_differential.h"

enum { DC0, DC1, DV0, DV1, N_DEVS };

static const char * const names[N_DEVS] = { "dc0", "dc1", "dv0", "dv1" };
static struct net_device *devs[N_DEVS];
static DEFINE_MUTEX(lock); /* the packet on its way */

/* The packet on its way, and what came out where. */
static u8 frame[VFWD_FRAME_MAX];
static unsigned int length;
static struct {
	u8 same;
	u8 other;
} came_out[N_DEVS];

/* Frames that came out, if that is of interest. */
static u8 out[65536];
static u32 out_bytes, out_room;

static void keep_frame(const struct sk_buff *skb, unsigned int i)
{
	struct vfwd_out head = { .side = i >= DV0, .length = skb->len };

	if (out_bytes + sizeof(head) + skb->len > out_room)
		return;
	memcpy(out + out_bytes, &head, sizeof(head));
	if (!skb_copy_bits(skb, 0, out + out_bytes + sizeof(head), skb->len))
		out_bytes += sizeof(head) + skb->len;
}

static netdev_tx_t differential_xmit(struct sk_buff *skb, struct net_device *dev)
{
	unsigned int i = *(unsigned int *)netdev_priv(dev);
	u8 copy[VFWD_FRAME_MAX];

	if (skb->len == length && !skb_copy_bits(skb, 0, copy, length) &&
	    !memcmp(copy, frame, length))
		came_out[i].same++;
	else
		came_out[i].other++;
	if (out_room)
		keep_frame(skb, i);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops differential_ops = {
	.ndo_start_xmit		= differential_xmit,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= eth_mac_addr,
};

static void differential_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->max_mtu = VFWD_FRAME_MAX;
	dev->mtu = VFWD_FRAME_MAX - ETH_HLEN;
	dev->netdev_ops = &differential_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
	dev->lltx = true;
	eth_hw_addr_random(dev);
}

static int receive(struct net_device *dev)
{
	struct sk_buff *skb = netdev_alloc_skb_ip_align(dev, length);

	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, frame, length);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	return 0;
}

static void conntrack_tuple(struct nf_conntrack_tuple *tuple, const struct vfwd_packet *p)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->src.l3num = p->ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	memcpy(&tuple->src.u3, p->local, p->ipv6 ? 16 : 4);
	memcpy(&tuple->dst.u3, p->remote, p->ipv6 ? 16 : 4);
	tuple->dst.protonum = p->protocol;
	tuple->dst.dir = IP_CT_DIR_ORIGINAL;
	/* All other protocols are their addresses' to conntrack. */
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP &&
	    p->protocol != IPPROTO_SCTP)
		return;
	tuple->src.u.all = p->local_port;
	tuple->dst.u.all = p->remote_port;
}

static bool is_icmp(const struct vfwd_packet *p)
{
	return p->protocol == (p->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* The tuple that the VM's packets have, of an echo that was opened in one direction. */
static void echo_tuple(struct nf_conntrack_tuple *tuple, const struct vfwd_packet *p, u8 opened)
{
	conntrack_tuple(tuple, p);
	tuple->src.u.icmp.id = p->local_port;
	if (opened == VFW_DIRECTION_OUT)
		tuple->dst.u.icmp.type = p->ipv6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;
	else
		tuple->dst.u.icmp.type = p->ipv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY;
}

static void read_conntrack_peer(struct vfwd_peer *peer, const struct ip_ct_tcp_state *seen)
{
	peer->end = seen->td_end;
	peer->max_end = seen->td_maxend;
	peer->max_window = seen->td_maxwin;
	peer->max_ack = seen->td_maxack;
	peer->scale = seen->td_scale;
	peer->flags = seen->flags;
}

static u8 entry_bits(const struct nf_conn *ct)
{
	return VFWD_KNOWN | (test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ? VFWD_REPLIED : 0) |
	       (test_bit(IPS_ASSURED_BIT, &ct->status) ? VFWD_ASSURED : 0);
}

static void read_conntrack_echo(struct vfwd_side *side, const struct vfwd_packet *p)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple;
	struct nf_conn *ct;
	u8 opened;

	for (opened = 0; opened < 2; opened++) {
		echo_tuple(&tuple, p, opened);
		hash = nf_conntrack_find_get(&init_net, &nf_ct_zone_dflt, &tuple);
		if (!hash)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(hash);
		side->known = 1;
		side->entry[opened] = entry_bits(ct);
		nf_ct_put(ct);
	}
}

/* An entry has the tags by the direction of the packets that carry them. */
static void read_conntrack_sctp(struct vfwd_side *side, const struct ip_ct_sctp *sctp)
{
	side->state = sctp->state;
	side->last_dir = sctp->last_dir;
	side->last_flags = sctp->flags;
	side->tags[side->opened].tag[0] = ntohl(sctp->vtag[IP_CT_DIR_REPLY]);
	side->tags[!side->opened].tag[0] = ntohl(sctp->vtag[IP_CT_DIR_ORIGINAL]);
	side->tags[side->opened].flags = sctp->init[IP_CT_DIR_ORIGINAL];
	side->tags[!side->opened].flags = sctp->init[IP_CT_DIR_REPLY];
}

static void read_conntrack(struct vfwd_side *side, const struct vfwd_packet *p)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple;
	const struct ip_ct_tcp *tcp;
	struct nf_conn *ct;

	if (is_icmp(p)) {
		read_conntrack_echo(side, p);
		return;
	}
	conntrack_tuple(&tuple, p);
	hash = nf_conntrack_find_get(&init_net, &nf_ct_zone_dflt, &tuple);
	if (!hash)
		return;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	/* The tuple that was asked for is the VM's way out. */
	side->known = 1;
	side->opened = NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL ? VFW_DIRECTION_OUT :
								     VFW_DIRECTION_IN;
	side->replied = test_bit(IPS_SEEN_REPLY_BIT, &ct->status);
	side->assured = test_bit(IPS_ASSURED_BIT, &ct->status);
	side->entry[side->opened] = entry_bits(ct);
	if (p->protocol == IPPROTO_TCP) {
		tcp = &ct->proto.tcp;
		side->state = tcp->state;
		side->last_index = tcp->last_index;
		side->last_dir = tcp->last_dir;
		side->last_flags = tcp->last_flags;
		side->last_ack = tcp->last_ack;
		side->last_end = tcp->last_end;
		side->last_win = tcp->last_win;
		read_conntrack_peer(&side->peer[side->opened], &tcp->seen[IP_CT_DIR_ORIGINAL]);
		read_conntrack_peer(&side->peer[!side->opened], &tcp->seen[IP_CT_DIR_REPLY]);
	} else if (p->protocol == IPPROTO_SCTP) {
		read_conntrack_sctp(side, &ct->proto.sctp);
	}
	nf_ct_put(ct);
}

static void read_vfw_sctp(struct vfwd_side *side, const struct vfw_sctp *sctp)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		BUILD_BUG_ON(sizeof(side->tags[i].tag) != sizeof(sctp->peer[i].tags));
		memcpy(side->tags[i].tag, sctp->peer[i].tags, sizeof(side->tags[i].tag));
		side->tags[i].flags = sctp->peer[i].flags;
	}
}

/* Returns it locked, or NULL. */
static struct vfw_flow *find_flow(struct vfw_flow_table *table, const struct vfwd_packet *p)
{
	struct vfw_key key = {
		.local_port = p->local_port,
		.remote_port = p->remote_port,
		.protocol = p->protocol,
		.family = p->ipv6 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
	};

	memcpy(&key.local, p->local, p->ipv6 ? 16 : 4);
	memcpy(&key.remote, p->remote, p->ipv6 ? 16 : 4);
	return vfw_flow_find(table, &key);
}

static void read_vfw(struct vfwd_side *side, struct vfw_vm *vm, const struct vfwd_packet *p)
{
	struct vfw_flow *flow = find_flow(rcu_dereference_bh(vm->flows), p);
	unsigned int i;

	if (!flow)
		return;
	side->known = 1;
	side->state = flow->state;
	side->opened = vfw_flow_opened(flow);
	side->entry[side->opened] = VFWD_KNOWN;
	side->entry[!side->opened] = flow->flags & VFW_FLOW_ECHO_BOTH ? VFWD_KNOWN : 0;
	if (p->protocol == IPPROTO_TCP)
		for (i = 0; i < 2; i++) {
			side->peer[i].end = flow->tcp.peer[i].end;
			side->peer[i].max_end = flow->tcp.peer[i].max_end;
			side->peer[i].max_window = flow->tcp.peer[i].max_window;
			side->peer[i].scale = flow->tcp.peer[i].scale;
			side->peer[i].flags = flow->tcp.peer[i].flags;
		}
	if (p->protocol == IPPROTO_SCTP)
		read_vfw_sctp(side, &flow->sctp);
	vfw_flow_put(flow);
}

/*
 * Nothing was sent for a while: what both take for the age of a flow of UDP is told to be so, for
 * hundreds of thousands of them cannot be waited for. And are they old enough?
 */
static void age_conntrack(struct vfwd_side *side, const struct vfwd_packet *p)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple;
	struct nf_conn *ct;

	conntrack_tuple(&tuple, p);
	hash = nf_conntrack_find_get(&init_net, &nf_ct_zone_dflt, &tuple);
	if (!hash)
		return;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	ct->proto.udp.stream_ts -= p->age * HZ;
	side->due = time_after(jiffies, ct->proto.udp.stream_ts);
	nf_ct_put(ct);
}

static void age_vfw(struct vfwd_side *side, struct vfw_vm *vm, const struct vfwd_packet *p)
{
	struct vfw_flow_table *table = rcu_dereference_bh(vm->flows);
	struct vfw_flow *flow = find_flow(table, p);

	if (!flow)
		return;
	if (flow->state != VFW_FLOW_STATE_STREAM)
		flow->stream_from -= p->age * HZ;
	side->due = (s32)(vfw_flow_now(table) - flow->stream_from) > 0;
	vfw_flow_put(flow);
}

/* The VM at dv1: its hook has the port. */
static struct vfw_vm *find_vm(void)
{
	struct nf_hook_entries *hooks = rcu_dereference_bh(devs[DV1]->nf_hooks_ingress);

	return hooks && hooks->num_hook_entries == 1 ?
	       ((const struct vfw_port *)hooks->hooks[0].priv)->vm : NULL;
}

/* Why vfw dropped the packet: the reason that was counted since. */
static u8 find_reason(const struct vfw_stats *stats, const struct vfw_stats *before, u8 dir)
{
	unsigned int i;

	for (i = 0; i < VFW_DROP_REASONS; i++)
		if (stats->drops[i][dir] != before->drops[i][dir])
			return i;
	return 0;
}

static int run_packet(struct vfwd_packet *p)
{
	unsigned int in = p->dir == VFW_DIRECTION_OUT, out = !in;
	static struct vfw_stats before;
	struct vfw_stats *stats;
	struct vfw_vm *vm;
	int err;

	memset(&p->conntrack, 0, sizeof(p->conntrack));
	memset(&p->vfw, 0, sizeof(p->vfw));
	memset(came_out, 0, sizeof(came_out));
	rcu_read_lock_bh();
	vm = find_vm();
	if (!vm) {
		rcu_read_unlock_bh();
		return -ENODEV;
	}
	if (p->protocol == IPPROTO_UDP)
		age_conntrack(&p->conntrack, p);
	if (p->protocol == IPPROTO_UDP || p->protocol == IPPROTO_UDPLITE)
		age_vfw(&p->vfw, vm, p);
	err = receive(devs[DC0 + in]);
	if (err) {
		rcu_read_unlock_bh();
		return err;
	}
	stats = this_cpu_ptr(vm->stats);
	before = *stats;
	err = receive(devs[DV0 + in]);
	p->vfw.reason = find_reason(stats, &before, p->dir);
	read_conntrack(&p->conntrack, p);
	read_vfw(&p->vfw, vm, p);
	rcu_read_unlock_bh();
	p->conntrack.passed = came_out[DC0 + out].same;
	p->conntrack.other = came_out[DC0 + out].other + came_out[DC0 + in].other +
			     came_out[DC0 + in].same;
	p->vfw.passed = came_out[DV0 + out].same;
	p->vfw.other = came_out[DV0 + out].other + came_out[DV0 + in].other +
		       came_out[DV0 + in].same;
	return err;
}

static int run_one(struct vfwd_packet __user *user)
{
	struct vfwd_packet p;
	int err;

	if (copy_from_user(&p, user, sizeof(p)))
		return -EFAULT;
	if (p.length < ETH_HLEN || p.length > sizeof(frame) || p.dir > VFW_DIRECTION_OUT)
		return -EINVAL;
	length = p.length;
	out_bytes = 0;
	out_room = p.out ? min_t(u32, p.out_bytes, sizeof(out)) : 0;
	if (copy_from_user(frame, u64_to_user_ptr(p.frame), length))
		return -EFAULT;
	err = run_packet(&p);
	p.out_bytes = out_bytes;
	if (!err && out_bytes && copy_to_user(u64_to_user_ptr(p.out), out, out_bytes))
		err = -EFAULT;
	if (!err && copy_to_user(user, &p, sizeof(p)))
		err = -EFAULT;
	return err;
}

static long differential_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfwd_packet __user *packets;
	struct vfwd_run run;
	int err = 0;
	u32 i;

	if (cmd != VFWD_RUN)
		return -ENOTTY;
	if (copy_from_user(&run, (void __user *)arg, sizeof(run)))
		return -EFAULT;
	packets = u64_to_user_ptr(run.packets);
	mutex_lock(&lock);
	for (i = 0; !err && i < run.count; i++)
		err = run_one(packets + i);
	mutex_unlock(&lock);
	cond_resched();
	return err;
}

static const struct file_operations differential_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= differential_ioctl,
};

static struct miscdevice differential_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vfw_differential",
	.mode	= 0600,
	.fops	= &differential_fops,
};

static void remove_devs(void)
{
	unsigned int i;

	for (i = 0; i < N_DEVS; i++)
		if (devs[i])
			unregister_netdev(devs[i]);
}

static int __init add_dev(unsigned int i)
{
	struct net_device *dev;
	int err;

	dev = alloc_netdev(sizeof(i), names[i], NET_NAME_USER, differential_setup);
	if (!dev)
		return -ENOMEM;
	*(unsigned int *)netdev_priv(dev) = i;
	err = register_netdev(dev);
	if (err)
		free_netdev(dev);
	else
		devs[i] = dev;
	return err;
}

static int __init differential_init(void)
{
	unsigned int i;
	int err = 0;

	/* One CPU: a packet is through when netif_receive_skb() returns, statistics are one. */
	if (num_possible_cpus() > 1)
		return -EINVAL;
	for (i = 0; !err && i < N_DEVS; i++)
		err = add_dev(i);
	if (!err)
		err = misc_register(&differential_misc);
	if (err)
		remove_devs();
	return err;
}

static void __exit differential_exit(void)
{
	misc_deregister(&differential_misc);
	remove_devs();
}

module_init(differential_init);
module_exit(differential_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vfw beside nf_conntrack: netdevs, an injector, and both sides' state");
