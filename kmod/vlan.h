/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_VLAN_H
#define _VFW_VLAN_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include "packet.h"

/* The number that no VLAN may have (IEEE 802.1Q, 9.6). */
#define VFW_VLAN_RESERVED	0xfff

/* Does this ethertype begin a tag? */
static inline bool vfw_vlan_type(__be16 type)
{
	switch (type) {
	case htons(ETH_P_8021Q):
	case htons(ETH_P_8021AD):
	case htons(ETH_P_QINQ1):
	case htons(ETH_P_QINQ2):
	case htons(ETH_P_QINQ3):
		return true;
	}
	return false;
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
