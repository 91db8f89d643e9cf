/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_IP_H
#define _VFW_IP_H

#include <linux/skbuff.h>
#include "packet.h"

/**
 * struct vfw_ip - what an IP header says, either version
 * @src: source address
 * @dst: destination address
 * @nhoff: where the IP header begins, from skb->data
 * @l4off: where the transport header begins, from skb->data
 * @length: bytes of the packet by the IP header, all of it
 * @l4len: bytes from the transport header on by the IP header; of a quoted packet, those quoted
 * @family: enum vfw_family
 * @protocol: IP protocol behind the extension headers
 * @hop_limit: hop limit or time to live
 * @atomic: it has a header of fragmentation, but is no fragment (RFC 6946)
 * @piece: of a fragment, but for the addresses; of a quoted packet, nothing
 * @cutoff: of a fragment, where what was cut begins, from skb->data
 */
struct vfw_ip {
	union vfw_addr src;
	union vfw_addr dst;
	int nhoff;
	int l4off;
	u32 length;
	u32 l4len;
	u8 family;
	u8 protocol;
	u8 hop_limit;
	bool atomic;
	struct vfw_piece piece;
	int cutoff;
};

enum vfw_drop_reason vfw_ip_parse(const struct sk_buff *skb, int nhoff, enum vfw_family family,
				  struct vfw_ip *ip);
enum vfw_drop_reason vfw_ip_parse_quoted(const struct sk_buff *skb, int nhoff, u32 quoted,
					 enum vfw_family family, struct vfw_ip *ip);
void vfw_ip_key(const struct vfw_ip *ip, enum vfw_direction dir, struct vfw_key *key);

#endif /* _VFW_IP_H */
