/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_DATAGRAM_H
#define _VFW_DATAGRAM_H

#include "fragment.h"
#include "fragment_span.h"
#include "packet.h"
#include "policy.h"
#include "resume.h"

/* Total length that is not known yet. */
#define VFW_DATAGRAM_UNKNOWN	U32_MAX

/**
 * struct vfw_datagram_key - what tells datagrams apart (RFC 791, 3.2; RFC 8200, 4.5); no padding
 * @local: address of the VM's end
 * @remote: address of the far end
 * @id: identification
 * @tags: VLANs of its frames
 * @protocol: of IPv4
 * @family: enum vfw_family
 * @dir: enum vfw_direction
 * @zero: for the hash
 */
struct vfw_datagram_key {
	union vfw_addr local;
	union vfw_addr remote;
	__be32 id;
	u16 tags[2];
	u8 protocol;
	u8 family;
	u8 dir;
	u8 zero;
};

/**
 * struct vfw_datagram - a datagram that is on its way in fragments
 * @node: in its bucket
 * @list: in the list of its side and stage
 * @key: what names it
 * @expires: jiffies
 * @stage: enum vfw_fragment_stage
 * @reason: why it is refused
 * @dead: nothing may pass; else a new first fragment begins anew, for nothing has passed
 * @lone: it passes without a flow
 * @flags: of TCP
 * @head: greatest of its fragments' struct vfw_piece.head
 * @reach: behind what there is of it, in bytes
 * @total: bytes of it all, or VFW_DATAGRAM_UNKNOWN
 * @need: least bytes by the headers in its first fragment
 * @flow: key of the flow by which it passes
 * @epoch: policy epoch in which its first fragment passed
 * @seq: of TCP, sequence number of its last byte passed, if all has passed to @seq_at
 * @seq_at: bytes of the datagram that @seq is behind
 * @spans: its fragments
 * @waiting: fragments that wait, in the order in which they came
 */
struct vfw_datagram {
	struct hlist_node node;
	struct list_head list;
	struct vfw_datagram_key key;
	unsigned long expires;
	u8 stage;
	u8 reason;
	bool dead;
	bool lone;
	u8 flags;
	u16 head;
	u32 reach;
	u32 total;
	u32 need;
	struct vfw_key flow;
	u32 epoch;
	u32 seq;
	u32 seq_at;
	struct vfw_spans spans;
	struct sk_buff_head waiting;
};

/**
 * struct vfw_waiting - what is remembered of a fragment that waits, in skb->cb
 * @stolen: where it was met
 * @length: bytes by its IP header
 * @end: behind it in its datagram
 * @reason: why it is to be dropped, enum vfw_drop_reason
 */
struct vfw_waiting {
	struct vfw_stolen stolen;
	u32 length;
	u32 end;
	u8 reason;
};

static_assert(sizeof(struct vfw_waiting) <= sizeof_field(struct sk_buff, cb));

/**
 * struct vfw_fragment_call - a fragment being judged
 * @vm: whose it is
 * @side: the datagrams of its direction
 * @policy: in force
 * @pkt: the fragment, parsed
 * @outcome: what becomes of it
 */
struct vfw_fragment_call {
	struct vfw_vm *vm;
	struct vfw_fragment_side *side;
	const struct vfw_policy *policy;
	const struct vfw_packet *pkt;
	struct vfw_fragment_outcome *outcome;
};

static inline struct vfw_waiting *vfw_waiting(struct sk_buff *skb)
{
	return (struct vfw_waiting *)skb->cb;
}

struct vfw_datagram *vfw_datagram_find(struct vfw_fragment_call *c);
void vfw_datagram_begin(struct vfw_fragment_call *c, struct vfw_datagram *d);
void vfw_datagram_set_stage(struct vfw_fragment_side *side, struct vfw_datagram *d,
			    enum vfw_fragment_stage stage);
void vfw_datagram_refuse(struct vfw_fragment_side *side, struct vfw_datagram *d,
			 enum vfw_drop_reason reason, bool dead, struct sk_buff_head *gone);
void vfw_datagram_forget(struct vfw_fragment_side *side, struct vfw_datagram *d,
			 enum vfw_drop_reason reason, struct sk_buff_head *gone);
void vfw_datagram_discard(struct sk_buff_head *gone, struct sk_buff *skb,
			  enum vfw_drop_reason reason);
bool vfw_datagram_make_room(struct vfw_fragment_call *c, struct vfw_datagram *d, u32 truesize);
void vfw_datagram_drop_gone(struct vfw_vm *vm, struct sk_buff_head *gone);

#endif /* _VFW_DATAGRAM_H */
