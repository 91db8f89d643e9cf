// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink: sending a VM's state in rounds.
 */

#include "netlink.h"

int vfw_nl_send_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	return -EOPNOTSUPP;
}

int vfw_nl_send_round_doit(struct sk_buff *skb, struct genl_info *info)
{
	return -EOPNOTSUPP;
}

int vfw_nl_send_round_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return -EOPNOTSUPP;
}

int vfw_nl_send_end_doit(struct sk_buff *skb, struct genl_info *info)
{
	return -EOPNOTSUPP;
}
