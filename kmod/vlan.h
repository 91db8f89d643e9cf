/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_VLAN_H
#define _VFW_VLAN_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include "packet.h"

/* The number that no VLAN may have (IEEE 802.1Q, 9.6). */
#define VFW_VLAN_RESERVED	0xfff

/* The number, from 1, that stands in a key for an ethertype that begins a tag; 0 for others. */
static inline u8 vfw_vlan_type(__be16 type)
{
	switch (type) {
	case htons(ETH_P_8021Q):
		return 1;
	case htons(ETH_P_8021AD):
		return 2;
	case htons(ETH_P_QINQ1):
		return 3;
	case htons(ETH_P_QINQ2):
		return 4;
	case htons(ETH_P_QINQ3):
		return 5;
	}
	return 0;
}

/* The number of the VLAN that a tag in a key names. */
static inline u16 vfw_vlan_id(u16 tag)
{
	return tag & VLAN_VID_MASK;
}

u16 vfw_vlan_tag(__be16 type, u16 id);
__be16 vfw_vlan_tag_type(u16 tag);

enum vfw_drop_reason vfw_vlan_parse(const struct sk_buff *skb, __be16 *ethertype,
				    struct vfw_packet *pkt);
__be16 vfw_vlan_push(struct sk_buff *skb, const struct vfw_packet *pkt, __be16 ethertype);

#endif /* _VFW_VLAN_H */
