/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_RESTORE_H
#define _VFW_RESTORE_H

#include <linux/netlink.h>
#include <linux/types.h>

struct vfw_restore;
struct vfw_vm;

/**
 * struct vfw_restored - what a commit put in force
 * @incarnation: the VM's from now on
 * @flows: flows
 * @rules: rules
 * @frames: frames in the stream
 * @released: packets that were held, and judged by the restored state
 */
struct vfw_restored {
	u64 incarnation;
	u32 flows;
	u32 rules;
	u32 frames;
	u32 released;
};

int vfw_restore_begin(struct vfw_vm *vm, u32 portid, struct netlink_ext_ack *extack);
int vfw_restore_frame(struct vfw_vm *vm, const void *frame, size_t size, u32 *frames,
		      struct netlink_ext_ack *extack);
int vfw_restore_commit(struct vfw_vm *vm, struct vfw_restored *restored,
		       struct netlink_ext_ack *extack);
void vfw_restore_abort(struct vfw_vm *vm);
void vfw_restore_drop(struct vfw_vm *vm);
void vfw_restore_unheld(struct vfw_vm *vm);
bool vfw_restore_owned(const struct vfw_vm *vm, u32 portid);

#endif /* _VFW_RESTORE_H */
