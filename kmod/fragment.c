// SPDX-License-Identifier: GPL-2.0
/*
 * Fragments: each is judged as its datagram is, without putting the datagram together.
 */

#include <linux/in.h>
#include <linux/kernel.h>

#include "main.h"
#include "datagram.h"
#include "port.h"
#include "vm.h"

/**
 * DOC: virtual reassembly
 *
 * Only the first fragment of a datagram has the transport header. It is judged like any packet and
 * decides for the datagram: those that come after it follow it. Those that come before it wait for
 * it, within bounds, and then go on behind it. So packets leave as they came, in the sizes their
 * sender cut them to (which path MTU discovery and checksum offload need), and nothing is copied.
 *
 * What makes this safe is that no end may put together anything else than what was judged:
 *
 * - the first fragment has all headers (RFC 7112; RFC 1858 for the attack), or nothing passes
 * - no byte comes twice. A fragment that is the very same as one before is dropped alone, since
 *   networks duplicate; any other overlap ends the datagram (RFC 5722): nothing more of it passes
 *   while it is known. That is `timeout fragment`, or less where a flood makes it go; afterwards an
 *   end may still have what had passed (of IPv6, for 60 seconds: RFC 8200, 4.5), but nothing is
 *   added to it without a first fragment, which has all headers and is judged again
 * - lengths add up: all but the last are multiples of 8, the end is where the last one says, and
 *   none is beyond 65535 bytes
 *
 * When all bytes have passed the datagram is forgotten: identifications of IPv4 have 16 bits and
 * come again soon (RFC 4963).
 *
 * DOC: fragments on several CPUs
 *
 * One lock of the VM is held from the look-up of the datagram to the verdict, the judgement of its
 * first fragment included. Packets are handed on and dropped after it is let go, so that fragments
 * of one datagram that meet on two CPUs may change their order, as they may anywhere.
 */

/* A fragment, and what it is to its datagram. */

/* Is the end of the datagram, if it is known, where this fragment lets it be? */
static bool end_fits(const struct vfw_datagram *d, const struct vfw_piece *piece)
{
	u32 end = piece->offset + piece->length;

	if (piece->more)
		return end < d->total;
	/* What reaches as far and is not the last one says that more follows. */
	return d->total == VFW_DATAGRAM_UNKNOWN ? d->reach < end : d->total == end;
}

/* Do the lengths add up? */
static bool lengths_fit(const struct vfw_datagram *d, const struct vfw_piece *piece)
{
	u32 end = piece->offset + piece->length, total = piece->more ? d->total : end;

	if (!piece->length || (piece->more && piece->length % VFW_SPAN_UNIT))
		return false;
	return end_fits(d, piece) && max_t(u32, d->need, piece->need) <= total &&
	       max(d->head, piece->head) + max(d->reach, end) <= U16_MAX;
}

static void note(struct vfw_datagram *d, const struct vfw_piece *piece)
{
	u32 end = piece->offset + piece->length;

	if (!piece->more)
		d->total = end;
	d->head = max(d->head, piece->head);
	d->reach = max(d->reach, end);
	d->need = max_t(u32, d->need, piece->need);
}

/*
 * Is the fragment one that its datagram can have? The datagram ends if not, but for a fragment that
 * came twice.
 */
static enum vfw_drop_reason check(struct vfw_fragment_call *c, struct vfw_datagram *d)
{
	const struct vfw_piece *piece = &c->pkt->piece;
	enum vfw_drop_reason reason = VFW_DROP_REASON_FRAGMENT;
	u32 end = piece->offset + piece->length;
	enum vfw_span_result result;

	if (lengths_fit(d, piece)) {
		result = vfw_spans_add(&d->spans, piece->offset / VFW_SPAN_UNIT,
				       DIV_ROUND_UP(end, VFW_SPAN_UNIT));
		if (result == VFW_SPAN_NEW) {
			note(d, piece);
			return VFW_DROP_REASON_NONE;
		}
		if (result == VFW_SPAN_DUPLICATE)
			return VFW_DROP_REASON_FRAGMENT_OVERLAP;
		reason = result == VFW_SPAN_FULL ? VFW_DROP_REASON_FRAGMENT_LIMIT :
						   VFW_DROP_REASON_FRAGMENT_OVERLAP;
	}
	vfw_datagram_refuse(c->side, d, reason, true, &c->outcome->gone);
	return reason;
}

/* Of a datagram that passes: count, and let TCP have what it brings. */
static enum vfw_drop_reason follow(struct vfw_vm *vm, struct vfw_datagram *d, u32 length, u32 end)
{
	struct vfw_later later = {
		.key = &d->flow,
		.epoch = d->epoch,
		.length = length,
		.seq = d->seq,
		.end = d->seq + end - d->seq_at,
		.flags = d->flags,
		.dir = d->key.dir,
		.lone = d->lone,
	};

	return vfw_track_later(vm, &later);
}

/* The first fragment has passed: so do those that waited for it. */
static void release(struct vfw_fragment_call *c, struct vfw_datagram *d)
{
	enum vfw_drop_reason reason;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&d->waiting))) {
		c->side->bytes -= skb->truesize;
		reason = follow(c->vm, d, vfw_waiting(skb)->length, vfw_waiting(skb)->end);
		if (reason)
			vfw_datagram_discard(&c->outcome->gone, skb, reason);
		else
			__skb_queue_tail(&c->outcome->follow, skb);
	}
}

static void pass(struct vfw_fragment_call *c, struct vfw_datagram *d)
{
	const struct vfw_packet *pkt = c->pkt;

	vfw_datagram_set_stage(c->side, d, VFW_FRAGMENT_PASSING);
	d->lone = c->outcome->judgement.lone;
	d->flow = pkt->key;
	d->epoch = c->policy->epoch;
	if (pkt->key.protocol == IPPROTO_TCP) {
		d->flags = pkt->tcp.flags;
		d->seq = pkt->tcp.seq + pkt->tcp.length + !!(d->flags & VFW_TCPHDR_SYN) +
			 !!(d->flags & VFW_TCPHDR_FIN);
		d->seq_at = pkt->piece.length;
	}
	release(c, d);
}

/* The first fragment is judged; @reason: it is not even to be read. */
static void first(struct vfw_fragment_call *c, struct vfw_datagram *d, enum vfw_drop_reason reason)
{
	struct vfw_judgement *judgement = &c->outcome->judgement;

	judgement->reason = reason;
	if (!reason)
		*judgement = vfw_track_packet(c->vm, c->pkt);
	if (judgement->reason)
		vfw_datagram_refuse(c->side, d, judgement->reason, reason, &c->outcome->gone);
	else
		pass(c, d);
}

/* One that comes before the first. Returns why it does not wait, if so. */
static enum vfw_drop_reason wait_for_first(struct vfw_fragment_call *c, struct vfw_datagram *d,
					   struct vfw_port *port, struct sk_buff *skb, bool egress)
{
	const struct vfw_packet *pkt = c->pkt;

	/* Pairs with port_unhook(), which is followed by vfw_fragment_port_gone(). */
	if (READ_ONCE(port->dev) != skb->dev)
		return VFW_DROP_REASON_PORT_GONE;
	if (!vfw_datagram_make_room(c, d, skb->truesize))
		return VFW_DROP_REASON_FRAGMENT_LIMIT;
	skb = vfw_stolen_own(skb);
	c->outcome->waits = true;
	if (!skb)
		return VFW_DROP_REASON_NO_MEMORY;
	/* Who sends what is never complete, for others maybe, is not to run out of buffer. */
	skb_orphan(skb);
	*vfw_waiting(skb) = (struct vfw_waiting) {
		.stolen = { .port = port, .egress = egress, .dir = pkt->dir },
		.length = pkt->length,
		.end = pkt->piece.offset + pkt->piece.length,
	};
	vfw_stolen_keep(skb);
	__skb_queue_tail(&d->waiting, skb);
	c->side->bytes += skb->truesize;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason later(struct vfw_fragment_call *c, struct vfw_datagram *d,
				  struct vfw_port *port, struct sk_buff *skb, bool egress)
{
	enum vfw_drop_reason reason;

	if (d->stage == VFW_FRAGMENT_PASSING)
		return follow(c->vm, d, c->pkt->length,
			      c->pkt->piece.offset + c->pkt->piece.length);
	reason = wait_for_first(c, d, port, skb, egress);
	/* What is lost of it makes the rest useless. */
	if (reason)
		vfw_datagram_refuse(c->side, d, reason, true, &c->outcome->gone);
	if (reason == VFW_DROP_REASON_NO_MEMORY)
		vfw_vm_count_drop(c->vm, reason, c->pkt->dir);
	return reason;
}

static void judge(struct vfw_fragment_call *c, struct vfw_port *port, struct sk_buff *skb,
		  bool egress, enum vfw_drop_reason unreadable)
{
	struct vfw_judgement *judgement = &c->outcome->judgement;
	bool is_first = !c->pkt->piece.offset;
	struct vfw_datagram *d = vfw_datagram_find(c);

	if (!d) {
		judgement->reason = VFW_DROP_REASON_NO_MEMORY;
		return;
	}
	if (d->stage == VFW_FRAGMENT_REFUSED) {
		judgement->reason = d->reason;
		if (d->dead || !is_first)
			return;
		vfw_datagram_begin(c, d);
		vfw_datagram_set_stage(c->side, d, VFW_FRAGMENT_WAITING);
	}
	judgement->reason = check(c, d);
	if (judgement->reason)
		return;
	if (is_first)
		first(c, d, unreadable);
	else
		judgement->reason = later(c, d, port, skb, egress);
	if (d->stage == VFW_FRAGMENT_PASSING && d->total != VFW_DATAGRAM_UNKNOWN &&
	    d->spans.covered == DIV_ROUND_UP(d->total, VFW_SPAN_UNIT))
		vfw_datagram_forget(c->side, d, VFW_DROP_REASON_NONE, &c->outcome->gone);
}

/**
 * vfw_fragment_judge() - judge a fragment
 * @port: where it was met
 * @skb: the fragment, as the hook got it
 * @egress: it was met on egress
 * @pkt: the fragment, parsed
 * @reason: why it cannot be read, if so
 * @outcome: filled in; to be given to vfw_fragment_finish() when the fragment is on its way
 *
 * Counts what passes; drops are counted by the caller.
 *
 * Context: BH off, RCU.
 */
void vfw_fragment_judge(struct vfw_port *port, struct sk_buff *skb, bool egress,
			const struct vfw_packet *pkt, enum vfw_drop_reason reason,
			struct vfw_fragment_outcome *outcome)
{
	struct vfw_fragments *fragments = &port->vm->fragments;
	struct vfw_fragment_call c = {
		.vm = port->vm,
		.side = &fragments->sides[pkt->dir],
		.policy = rcu_dereference_check(port->vm->policy, rcu_read_lock_bh_held()),
		.pkt = pkt,
		.outcome = outcome,
	};

	outcome->judgement = (struct vfw_judgement){};
	outcome->waits = false;
	__skb_queue_head_init(&outcome->follow);
	__skb_queue_head_init(&outcome->gone);
	if (!c.policy) {
		outcome->judgement.reason = VFW_DROP_REASON_NO_POLICY;
		return;
	}
	spin_lock(&fragments->lock);
	judge(&c, port, skb, egress, reason);
	spin_unlock(&fragments->lock);
}
EXPORT_SYMBOL_VFW_TEST(vfw_fragment_judge);

/**
 * vfw_fragment_finish() - let go on, or drop, what a fragment has set free
 * @vm: whose it is
 * @outcome: of the fragment, which is on its way or gone
 *
 * Context: BH off, RCU.
 */
void vfw_fragment_finish(struct vfw_vm *vm, struct vfw_fragment_outcome *outcome)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&outcome->follow)))
		vfw_stolen_resume(skb);
	vfw_datagram_drop_gone(vm, &outcome->gone);
}

