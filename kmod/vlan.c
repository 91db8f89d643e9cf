// SPDX-License-Identifier: GPL-2.0
/*
 * VLAN tags: in the skb, where the network stack takes the outer one on ingress and may leave it
 * on egress, and inline.
 *
 * In a key a tag is one number: which of the types it is of, above the number of the VLAN. The
 * VLAN 5 of 802.1Q and that of 802.1ad are two networks. Priority is no part of it; a tag that has
 * nothing but that (VLAN 0, IEEE 802.1Q, 6.9) is passed over, so that its packet belongs to the
 * flow that it would belong to without.
 */
#include "main.h"

#include "vlan.h"

/* By vfw_vlan_type(), less one. */
static const __be16 types[] = {
	htons(ETH_P_8021Q), htons(ETH_P_8021AD), htons(ETH_P_QINQ1), htons(ETH_P_QINQ2),
	htons(ETH_P_QINQ3),
};

#define TYPE_SHIFT 12

static_assert(ARRAY_SIZE(types) << TYPE_SHIFT <= U16_MAX);

/**
 * vfw_vlan_tag() - a tag as keys have it
 * @type: the ethertype that begins it
 * @id: number of the VLAN, 1 to 4094
 *
 * Return: the tag, or 0 if there is no such type.
 */
u16 vfw_vlan_tag(__be16 type, u16 id)
{
	u8 number = vfw_vlan_type(type);

	return number ? number << TYPE_SHIFT | id : 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_vlan_tag);

/**
 * vfw_vlan_tag_type() - the ethertype that begins a tag
 * @tag: from a key, not 0
 */
__be16 vfw_vlan_tag_type(u16 tag)
{
	return types[(tag >> TYPE_SHIFT) - 1];
}
EXPORT_SYMBOL_VFW_TEST(vfw_vlan_tag_type);

/* The next tag inwards. */
static bool add_tag(struct vfw_packet *pkt, __be16 type, u16 tci)
{
	u16 id = tci & VLAN_VID_MASK;
	u16 *tags = pkt->key.tags;

	if (pkt->n_vlans == ARRAY_SIZE(pkt->vlans) || id == VFW_VLAN_RESERVED ||
	    !vfw_vlan_type(type))
		return false;
	pkt->vlans[pkt->n_vlans++] = (struct vfw_vlan){ .type = type, .tci = htons(tci) };
	if (id)
		tags[tags[0] ? 1 : 0] = vfw_vlan_tag(type, id);
	return true;
}

/**
 * vfw_vlan_parse() - read the tags of a frame
 * @skb: the packet; not modified
 * @ethertype: of the frame, as the skb has it; becomes the one behind the tags
 * @pkt: @nhoff is behind the frame's first ethertype, and is moved behind the tags; tags are filled
 *	in, there are none yet
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE; or VLAN when a tag is cut off, there are more than two, or one
 *	names a VLAN that there cannot be.
 */
enum vfw_drop_reason vfw_vlan_parse(const struct sk_buff *skb, __be16 *ethertype,
				    struct vfw_packet *pkt)
{
	const struct vlan_hdr *vh;
	struct vlan_hdr _vh;

	if (skb_vlan_tag_present(skb) &&
	    !add_tag(pkt, skb->vlan_proto, skb_vlan_tag_get(skb)))
		return VFW_DROP_REASON_VLAN;
	while (vfw_vlan_type(*ethertype)) {
		vh = skb_header_pointer(skb, pkt->nhoff, sizeof(_vh), &_vh);
		if (!vh || !add_tag(pkt, *ethertype, ntohs(vh->h_vlan_TCI)))
			return VFW_DROP_REASON_VLAN;
		*ethertype = vh->h_vlan_encapsulated_proto;
		pkt->nhoff += VLAN_HLEN;
	}
	return VFW_DROP_REASON_NONE;
}

/**
 * vfw_vlan_push() - put a packet's tags, inline, before the network header of another
 * @skb: the other packet, which has room before its data for them and is nobody else's
 * @pkt: the packet whose tags they are
 * @ethertype: of @skb as it is
 *
 * Return: the ethertype of @skb with the tags.
 */
__be16 vfw_vlan_push(struct sk_buff *skb, const struct vfw_packet *pkt, __be16 ethertype)
{
	struct vlan_hdr *vh;
	int i;

	for (i = pkt->n_vlans; i > 0; i--) {
		vh = skb_push(skb, sizeof(*vh));
		vh->h_vlan_TCI = pkt->vlans[i - 1].tci;
		vh->h_vlan_encapsulated_proto = ethertype;
		ethertype = pkt->vlans[i - 1].type;
	}
	return ethertype;
}
EXPORT_SYMBOL_VFW_TEST(vfw_vlan_push);
