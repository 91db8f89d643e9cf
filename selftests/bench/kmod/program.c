// SPDX-License-Identifier: GPL-2.0
/*
 * Templates and records, and packets made of them.
 *
 * Owned by whoever has /dev/vfw_bench open, which is one at a time; while packets are paced,
 * nothing is loaded.
 */

#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include <net/ip.h>

#include "bench.h"

#define MAX_LOAD	(512U << 20)
#define MAX_FRAME	9018

static void *templates_raw;
static const struct vfwb_template **templates;
static struct vfwb_record *records;
static u32 templates_count, records_count;

/* A vmalloc'ed copy of what is loaded; the caller frees it. */
static void *copy_load(const struct vfwb_load *load)
{
	void *copy;

	if (!load->bytes || load->bytes > MAX_LOAD)
		return ERR_PTR(-EINVAL);
	copy = vmalloc(load->bytes);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, u64_to_user_ptr(load->ptr), load->bytes)) {
		vfree(copy);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

static bool template_good(const struct vfwb_template *template, u32 room)
{
	const struct ethhdr *eth = (const struct ethhdr *)(template + 1);
	const struct iphdr *ip = (const struct iphdr *)(eth + 1);

	if (room < sizeof(*template) || template->len > room - sizeof(*template))
		return false;
	if (template->len < ETH_ZLEN || template->len > MAX_FRAME)
		return false;
	if (template->tcp_times && template->tcp_times + 8 > template->len)
		return false;
	return eth->h_proto != htons(ETH_P_IP) || (ip->version == 4 && ip->ihl == 5);
}

/* Where each template is. */
static int index_templates(const struct vfwb_template **index, const struct vfwb_load *load,
			   const void *raw)
{
	u32 at = 0, i;

	for (i = 0; i < load->count; i++) {
		if (at > load->bytes || !template_good(raw + at, load->bytes - at))
			return -EINVAL;
		index[i] = raw + at;
		at += ALIGN(sizeof(struct vfwb_template) + index[i]->len, 4);
	}
	return 0;
}

/**
 * vfwb_program_templates() - take other templates; there are no records then
 * @load: what userspace says
 *
 * Context: process, the device's mutex.
 * Return: 0 or a negative error.
 */
int vfwb_program_templates(const struct vfwb_load *load)
{
	const struct vfwb_template **index;
	void *raw;
	int err;

	if (!load->count || load->count > U16_MAX)
		return -EINVAL;
	raw = copy_load(load);
	if (IS_ERR(raw))
		return PTR_ERR(raw);
	index = kvcalloc(load->count, sizeof(*index), GFP_KERNEL);
	err = index ? index_templates(index, load, raw) : -ENOMEM;
	if (err) {
		kvfree(index);
		vfree(raw);
		return err;
	}
	vfwb_program_free();
	templates_raw = raw;
	templates = index;
	templates_count = load->count;
	return 0;
}

/**
 * vfwb_program_records() - take other records
 * @load: what userspace says
 *
 * Context: process, the device's mutex.
 * Return: 0 or a negative error.
 */
int vfwb_program_records(const struct vfwb_load *load)
{
	struct vfwb_record *copy;
	u32 i;

	if (load->bytes != (u64)load->count * sizeof(*copy))
		return -EINVAL;
	copy = copy_load(load);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	for (i = 0; i < load->count; i++) {
		if (copy[i].template < templates_count)
			continue;
		vfree(copy);
		return -EINVAL;
	}
	vfree(records);
	records = copy;
	records_count = load->count;
	return 0;
}

/**
 * vfwb_program_has() - are there so many records?
 * @first: number of the first
 * @count: how many
 */
bool vfwb_program_has(u32 first, u32 count)
{
	return count && first <= records_count && count <= records_count - first;
}

/* Into a TCP segment: its place in the connection; time goes on with each pass. */
static void patch_tcp(struct tcphdr *tcp, __be32 *times, const struct vfwb_record *record, u32 pass)
{
	tcp->seq = htonl(record->seq + pass * record->seq_step);
	tcp->ack_seq = tcp->ack ? htonl(record->ack + pass * record->ack_step) : 0;
	if (times) {
		put_unaligned_be32(1000 + pass, times);
		put_unaligned_be32(tcp->ack ? 1000 + pass : 0, times + 1);
	}
}

/* TCP and UDP have their ports at the same place. L4 checksums are left as they are: the packet
 * is marked as one whose checksum a NIC has verified.
 */
static void patch_ipv4(struct iphdr *ip, __be32 *times, const struct vfwb_record *record, u32 pass)
{
	struct udphdr *l4 = (struct udphdr *)(ip + 1);

	if (record->saddr)
		ip->saddr = record->saddr;
	if (record->daddr)
		ip->daddr = record->daddr;
	if (record->sport)
		l4->source = record->sport;
	if (record->dport)
		l4->dest = record->dport;
	if (ip->protocol == IPPROTO_TCP)
		patch_tcp((struct tcphdr *)l4, times, record, pass);
	ip_send_check(ip);
}

/**
 * vfwb_program_packet() - make a packet, as a NIC's driver would hand it over
 * @number: the record's
 * @pass: how often the records were gone through
 * @gfp: how to allocate
 *
 * Context: RCU, BH off.
 * Return: the packet, which is the caller's; NULL without memory or netdev.
 */
struct sk_buff *vfwb_program_packet(u32 number, u32 pass, gfp_t gfp)
{
	const struct vfwb_record *record = &records[number];
	const struct vfwb_template *template = templates[record->template];
	struct net_device *dev = vfwb_netdev_get(record->dev);
	struct ethhdr *eth;
	struct sk_buff *skb;
	__be32 *times;

	if (!dev)
		return NULL;
	skb = __netdev_alloc_skb_ip_align(dev, template->len, gfp);
	if (!skb)
		return NULL;
	eth = skb_put_data(skb, template + 1, template->len);
	times = template->tcp_times ? (void *)eth + template->tcp_times : NULL;
	if (eth->h_proto == htons(ETH_P_IP))
		patch_ipv4((struct iphdr *)(eth + 1), times, record, pass);
	skb->protocol = eth_type_trans(skb, dev);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	return skb;
}

/**
 * vfwb_program_free() - forget templates and records
 */
void vfwb_program_free(void)
{
	vfree(records);
	kvfree(templates);
	vfree(templates_raw);
	records = NULL;
	templates = NULL;
	templates_raw = NULL;
	records_count = 0;
	templates_count = 0;
}
