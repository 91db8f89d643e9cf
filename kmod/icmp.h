/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_ICMP_H
#define _VFW_ICMP_H

#include "ip.h"

enum vfw_drop_reason vfw_icmp_parse(const struct sk_buff *skb, const struct vfw_ip *ip,
				    struct vfw_packet *pkt);

#endif /* _VFW_ICMP_H */
