/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_NETLINK_H
#define _VFW_NETLINK_H

#include <net/genetlink.h>
#include "netlink_gen.h"
#include "vm.h"

struct vfw_hold_limits;
struct vfw_policy;
struct vfw_snapshot;
struct vfw_port;

extern struct genl_family vfw_nl_family;

/* Of every operation that names a VM: find it, or refuse (an ERR_PTR). Under vfw_net.lock. */
struct vfw_vm *vfw_nl_vm(struct genl_info *info, int attr);
/* The same in a dump; *@vm is NULL when the request names none. Under vfw_net.lock. */
int vfw_nl_dump_vm(struct netlink_callback *cb, int attr, bool required, struct vfw_vm **vm);

/* Refuses an attribute that only the operation's "do" has, as one policy serves both. */
int vfw_nl_dump_refuse(struct netlink_callback *cb, int attr);

/* For netlink_callback.seq: never 0, and another one after each change of VMs or ports. */
static inline u32 vfw_nl_dump_seq(const struct vfw_net *vn)
{
	return vn->generation << 1 | 1;
}

int vfw_nl_get_hold_limits(const struct nlattr *nest, struct vfw_hold_limits *limits,
			   struct netlink_ext_ack *extack);

/* A netlink socket was closed: end what belongs to it. Under vfw_net.lock. */
void vfw_nl_policy_release(struct vfw_net *vn, u32 portid);
void vfw_nl_restore_release(struct vfw_net *vn, u32 portid);
void vfw_nl_send_release(struct vfw_net *vn, u32 portid);
/* A VM is being deleted: end the policies that are being loaded for it. Under vfw_net.lock. */
void vfw_nl_policy_forget(struct vfw_vm *vm);

/* A reply, begun: allocated before the operation has effect, sent after it. */
struct sk_buff *vfw_nl_reply_new(struct genl_info *info, void **hdr);
int vfw_nl_reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err);

/* An event, begun; NULL when nobody listens. */
struct sk_buff *vfw_nl_event_new(struct vfw_net *vn, u8 cmd, void **hdr);
void vfw_nl_event_send(struct vfw_net *vn, struct sk_buff *skb, void *hdr, int err);

/* A VM's display name: UTF-8 without control characters, not empty. */
bool vfw_nl_name_valid(const char *name);

/* Events; @cmd is the VFW_CMD_..._NTF to send. Under vfw_net.lock; failures are not reported. */
void vfw_nl_notify_vm(struct vfw_vm *vm, u8 cmd);
void vfw_nl_notify_port(struct vfw_port *port, u8 cmd);
void vfw_nl_notify_policy(struct vfw_vm *vm);

/* Fills the attributes of a policy-get reply, for replies and events alike. */
int vfw_nl_fill_policy(struct sk_buff *skb, struct vfw_vm *vm);

int vfw_nl_add_rule(struct vfw_policy *policy, const struct nlattr *nest,
		    struct netlink_ext_ack *extack);

/* .start and .done of the dump of rule-get, which the generated table does not have. */
int vfw_nl_rule_get_start(struct netlink_callback *cb);
int vfw_nl_rule_get_done(struct netlink_callback *cb);
int vfw_nl_snapshot_save_start(struct netlink_callback *cb);
int vfw_nl_snapshot_save_done(struct netlink_callback *cb);
int vfw_nl_send_round_start(struct netlink_callback *cb);

int vfw_nl_put_frames(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, struct vfw_vm *vm,
		      struct vfw_snapshot *snap);

int vfw_nl_init(void);
void vfw_nl_exit(void);

#endif /* _VFW_NETLINK_H */
