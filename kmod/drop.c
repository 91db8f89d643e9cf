// SPDX-License-Identifier: GPL-2.0
/*
 * Drops: each has a reason, is counted, and is told to the kernel's drop monitor.
 */

#include <linux/netfilter.h>

#include "main.h"
#include "drop.h"
#include "vm.h"

/*
 * The kernel's reason nearest to ours, of those that all kernels from 6.1 have. (A module
 * outside the kernel cannot have a range of reasons of its own.)
 */
static const u16 kernel_reasons[VFW_DROP_REASONS] = {
	[VFW_DROP_REASON_NO_MEMORY] = SKB_DROP_REASON_NOMEM,
	[VFW_DROP_REASON_HOLD_LIMIT] = SKB_DROP_REASON_FULL_RING,
	[VFW_DROP_REASON_PORT_GONE] = SKB_DROP_REASON_DEV_READY,
	[VFW_DROP_REASON_ETHERTYPE] = SKB_DROP_REASON_UNHANDLED_PROTO,
	[VFW_DROP_REASON_IP_HEADER] = SKB_DROP_REASON_IP_INHDR,
	[VFW_DROP_REASON_IP_EXTENSION] = SKB_DROP_REASON_IP_INHDR,
	[VFW_DROP_REASON_FRAGMENT] = SKB_DROP_REASON_IP_INHDR,
	[VFW_DROP_REASON_L4_HEADER] = SKB_DROP_REASON_HDR_TRUNC,
	[VFW_DROP_REASON_ARP] = SKB_DROP_REASON_HDR_TRUNC,
	[VFW_DROP_REASON_TCP_FLAGS] = SKB_DROP_REASON_TCP_FLAGS,
	[VFW_DROP_REASON_TCP_WINDOW] = SKB_DROP_REASON_TCP_INVALID_SEQUENCE,
	[VFW_DROP_REASON_TCP_ACK] = SKB_DROP_REASON_TCP_INVALID_SEQUENCE,
	[VFW_DROP_REASON_TCP_RST] = SKB_DROP_REASON_TCP_INVALID_SEQUENCE,
};

/**
 * vfw_drop() - drop a packet
 * @vm: whose it is
 * @skb: the packet; gone afterwards
 * @reason: why
 * @dir: its direction
 *
 * Context: the hook; BH off.
 * Return: what the hook returns.
 */
unsigned int vfw_drop(struct vfw_vm *vm, struct sk_buff *skb, enum vfw_drop_reason reason,
		      enum vfw_direction dir)
{
	enum skb_drop_reason why = kernel_reasons[reason];

	vfw_vm_count_drop(vm, reason, dir);
	kfree_skb_reason(skb, why ?: SKB_DROP_REASON_NETFILTER_DROP);
	return NF_STOLEN;
}
