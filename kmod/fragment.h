/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FRAGMENT_H
#define _VFW_FRAGMENT_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfw.h>
#include "track.h"

struct vfw_packet;
struct vfw_port;
struct vfw_vm;

/* Most fragments of a datagram that wait for its first one. */
#define VFW_FRAGMENT_WAITING_MAX	256

/**
 * enum vfw_fragment_stage - what is known of a datagram
 * @VFW_FRAGMENT_REFUSED: nothing more of it passes
 * @VFW_FRAGMENT_WAITING: its first fragment has not come
 * @VFW_FRAGMENT_PASSING: its first fragment has passed
 */
enum vfw_fragment_stage {
	VFW_FRAGMENT_REFUSED,
	VFW_FRAGMENT_WAITING,
	VFW_FRAGMENT_PASSING,
	VFW_FRAGMENT_STAGES,
};

/**
 * struct vfw_fragment_side - the datagrams that go in one direction
 * @lists: by enum vfw_fragment_stage, in the order in which they came to be so
 * @datagrams: how many
 * @bytes: of fragments that wait, by truesize
 * @walk: where a walk of the list of those that wait goes on, NULL while there is none
 */
struct vfw_fragment_side {
	struct list_head lists[VFW_FRAGMENT_STAGES];
	u32 datagrams;
	u32 bytes;
	struct list_head *walk;
};

/**
 * struct vfw_fragments - the datagrams of a VM that are on their way in fragments
 * @lock: protects the rest; taken with BH off, outside of the flows' locks
 * @buckets: datagrams by key; NULL until there has been one
 * @sides: by enum vfw_direction
 * @expiry: forgets what has been here for too long
 */
struct vfw_fragments {
	spinlock_t lock; /* all below */
	struct hlist_head *buckets;
	struct vfw_fragment_side sides[2];
	struct delayed_work expiry;
};

/**
 * struct vfw_fragment_outcome - what becomes of a fragment, and of others through it
 * @judgement: of the fragment, unless it waits
 * @waits: it was taken and waits for the first one
 * @follow: those that go on now, behind it
 * @gone: those that are to be dropped, each with the reason in struct vfw_waiting
 */
struct vfw_fragment_outcome {
	struct vfw_judgement judgement;
	bool waits;
	struct sk_buff_head follow;
	struct sk_buff_head gone;
};

void vfw_fragment_init(struct vfw_vm *vm);
void vfw_fragment_exit(struct vfw_vm *vm);
void vfw_fragment_judge(struct vfw_port *port, struct sk_buff *skb, bool egress,
			const struct vfw_packet *pkt, enum vfw_drop_reason reason,
			struct vfw_fragment_outcome *outcome);
void vfw_fragment_finish(struct vfw_vm *vm, struct vfw_fragment_outcome *outcome);
void vfw_fragment_drop_waiting(struct vfw_vm *vm, enum vfw_drop_reason reason);
void vfw_fragment_port_gone(struct vfw_vm *vm, const struct vfw_port *port);

#endif /* _VFW_FRAGMENT_H */
