// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that are on their way in fragments: what is known of each, and for how long.
 */

#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "main.h"
#include "datagram.h"
#include "vm.h"

/**
 * DOC: bounds on fragments
 *
 * The policy limits datagrams and bytes that wait, for each direction by itself: what is sent from
 * outside takes nothing from what the VM sends. Whoever floods can always fill a table, so a full
 * one refuses nobody: the oldest has to go, first one of those that are refused, then one that
 * waits for its first fragment, then one that passes. Fragments of a datagram follow each other
 * within a millisecond, so honest ones get through as long as the flood takes longer than that to
 * fill the table; refusing new ones instead would lock everybody out for the timeout.
 *
 * What is remembered of datagrams counts apart from the bytes that wait, since neither may take the
 * other's room: a datagram that passes, in order, needs none of what waiting ones have filled. Its
 * bound is that on datagrams times the greatest array of spans, VFW_SPANS_MAX of them in 4 KiB.
 */

#define BUCKETS		512

/*
 * Datagrams, and fragments that wait, that go in one hold of the lock: twice this at most and what
 * waits of one datagram. It is what one fragment may have to pay for others.
 */
#define SLICE		256

/* How often it is looked for datagrams whose time is over. */
#define EXPIRY_PAUSE	(HZ / 4)

static siphash_key_t hash_key __read_mostly;

static u32 bucket_of(const struct vfw_datagram_key *key)
{
	net_get_random_once(&hash_key, sizeof(hash_key));
	return siphash(key, sizeof(*key), &hash_key) % BUCKETS;
}

static struct vfw_datagram_key make_key(const struct vfw_packet *pkt)
{
	return (struct vfw_datagram_key) {
		.local = pkt->piece.local,
		.remote = pkt->piece.remote,
		.id = pkt->piece.id,
		.tags = { pkt->key.tags[0], pkt->key.tags[1] },
		.protocol = pkt->piece.protocol,
		.family = pkt->key.family,
		.dir = pkt->dir,
	};
}

/* Datagrams come and go. What follows is called under vfw_fragments.lock. */

/**
 * vfw_datagram_discard() - a fragment that waited is to be dropped
 * @gone: where to put it
 * @skb: the fragment, in no queue
 * @reason: why
 */
void vfw_datagram_discard(struct sk_buff_head *gone, struct sk_buff *skb,
			  enum vfw_drop_reason reason)
{
	vfw_waiting(skb)->reason = reason;
	__skb_queue_tail(gone, skb);
}

/* What waits is to be dropped. */
static void discard_waiting(struct vfw_fragment_side *side, struct vfw_datagram *d,
			    enum vfw_drop_reason reason, struct sk_buff_head *gone)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&d->waiting))) {
		side->bytes -= skb->truesize;
		vfw_datagram_discard(gone, skb, reason);
	}
}

/* A walk goes on behind a datagram that leaves its list. */
static void leave_list(struct vfw_fragment_side *side, struct vfw_datagram *d)
{
	if (side->walk == &d->list)
		side->walk = d->list.next;
}

/**
 * vfw_datagram_forget() - forget a datagram
 * @side: that of its direction
 * @d: the datagram; gone afterwards
 * @reason: why, for what waits of it
 * @gone: where to put that
 */
void vfw_datagram_forget(struct vfw_fragment_side *side, struct vfw_datagram *d,
			 enum vfw_drop_reason reason, struct sk_buff_head *gone)
{
	discard_waiting(side, d, reason, gone);
	vfw_spans_clear(&d->spans);
	hlist_del(&d->node);
	leave_list(side, d);
	list_del(&d->list);
	side->datagrams--;
	kfree(d);
}

/**
 * vfw_datagram_set_stage() - something has become known of a datagram
 * @side: that of its direction
 * @d: the datagram
 * @stage: enum vfw_fragment_stage
 */
void vfw_datagram_set_stage(struct vfw_fragment_side *side, struct vfw_datagram *d,
			    enum vfw_fragment_stage stage)
{
	d->stage = stage;
	leave_list(side, d);
	list_move_tail(&d->list, &side->lists[stage]);
}

/**
 * vfw_datagram_refuse() - drop what waits of a datagram, and what comes of it
 * @side: that of its direction
 * @d: the datagram
 * @reason: why
 * @dead: some of it may have passed: not even a new first fragment changes it
 * @gone: where to put what waits
 */
void vfw_datagram_refuse(struct vfw_fragment_side *side, struct vfw_datagram *d,
			 enum vfw_drop_reason reason, bool dead, struct sk_buff_head *gone)
{
	discard_waiting(side, d, reason, gone);
	vfw_spans_clear(&d->spans);
	vfw_datagram_set_stage(side, d, VFW_FRAGMENT_REFUSED);
	d->reason = reason;
	d->dead = dead;
}

/* What it is to forget a datagram, of a SLICE. */
static int price(const struct vfw_datagram *d)
{
	return 1 + skb_queue_len(&d->waiting);
}

static struct vfw_datagram *oldest(const struct vfw_fragment_side *side)
{
	int i;

	for (i = 0; i < VFW_FRAGMENT_STAGES; i++)
		if (!list_empty(&side->lists[i]))
			return list_first_entry(&side->lists[i], struct vfw_datagram, list);
	return NULL;
}

/* Room for one more datagram. A limit that has become much lower is reached by several. */
static void make_room(struct vfw_fragment_call *c)
{
	struct vfw_datagram *d;
	int left = SLICE;

	while (left > 0 && c->side->datagrams && c->side->datagrams >= c->policy->max_fragments) {
		d = oldest(c->side);
		left -= price(d);
		vfw_datagram_forget(c->side, d, VFW_DROP_REASON_FRAGMENT_LIMIT,
				    &c->outcome->gone);
	}
}

/**
 * vfw_datagram_begin() - nothing has come of a datagram, or nothing that counts
 * @c: the fragment that comes now
 * @d: the datagram, without spans; its time begins
 */
void vfw_datagram_begin(struct vfw_fragment_call *c, struct vfw_datagram *d)
{
	d->expires = jiffies + c->policy->timeouts[VFW_TIMEOUT_FRAGMENT];
	d->dead = false;
	d->head = 0;
	d->reach = 0;
	d->total = VFW_DATAGRAM_UNKNOWN;
	d->need = 0;
}

static struct vfw_datagram *add(struct vfw_fragment_call *c, const struct vfw_datagram_key *key,
				struct hlist_head *bucket)
{
	struct vfw_datagram *d;

	make_room(c);
	d = kzalloc_obj(*d, GFP_ATOMIC | __GFP_NOWARN);
	if (!d)
		return NULL;
	d->key = *key;
	d->stage = VFW_FRAGMENT_WAITING;
	vfw_datagram_begin(c, d);
	vfw_spans_init(&d->spans);
	__skb_queue_head_init(&d->waiting);
	hlist_add_head(&d->node, bucket);
	list_add_tail(&d->list, &c->side->lists[d->stage]);
	c->side->datagrams++;
	queue_delayed_work(vfw_wq, &c->vm->fragments.expiry, EXPIRY_PAUSE);
	return d;
}

static bool expired(const struct vfw_datagram *d)
{
	return time_after_eq(jiffies, d->expires);
}

/**
 * vfw_datagram_find() - find the datagram that a fragment is of
 * @c: the fragment
 *
 * Return: the datagram, maybe a new one; NULL without memory.
 */
struct vfw_datagram *vfw_datagram_find(struct vfw_fragment_call *c)
{
	struct vfw_fragments *fragments = &c->vm->fragments;
	struct vfw_datagram_key key = make_key(c->pkt);
	struct hlist_head *bucket;
	struct vfw_datagram *d;

	if (!fragments->buckets)
		fragments->buckets = kcalloc(BUCKETS, sizeof(*bucket), GFP_ATOMIC | __GFP_NOWARN);
	if (!fragments->buckets)
		return NULL;
	bucket = &fragments->buckets[bucket_of(&key)];
	hlist_for_each_entry(d, bucket, node) {
		if (memcmp(&d->key, &key, sizeof(key)))
			continue;
		if (!expired(d))
			return d;
		vfw_datagram_forget(c->side, d, VFW_DROP_REASON_FRAGMENT_TIMEOUT,
				    &c->outcome->gone);
		break;
	}
	return add(c, &key, bucket);
}

static bool has_room(const struct vfw_fragment_call *c, u32 truesize)
{
	return (u64)c->side->bytes + truesize <= c->policy->fragment_bytes;
}

/**
 * vfw_datagram_make_room() - make room for a fragment to wait
 * @c: the fragment
 * @d: its datagram; others have to go that wait for longer, but not this one
 * @truesize: of the fragment
 *
 * Return: there is room.
 */
bool vfw_datagram_make_room(struct vfw_fragment_call *c, struct vfw_datagram *d, u32 truesize)
{
	struct list_head *list = &c->side->lists[VFW_FRAGMENT_WAITING];
	struct vfw_datagram *other, *next;
	int left = SLICE;

	if (skb_queue_len(&d->waiting) >= VFW_FRAGMENT_WAITING_MAX)
		return false;
	list_for_each_entry_safe(other, next, list, list) {
		if (has_room(c, truesize) || left <= 0)
			break;
		if (other == d)
			continue;
		left -= price(other);
		vfw_datagram_forget(c->side, other, VFW_DROP_REASON_FRAGMENT_LIMIT,
				    &c->outcome->gone);
	}
	return has_room(c, truesize);
}

/**
 * vfw_datagram_drop_gone() - drop what waited
 * @vm: whose it is
 * @gone: what was discarded
 *
 * Context: any, without the lock.
 */
void vfw_datagram_drop_gone(struct vfw_vm *vm, struct sk_buff_head *gone)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(gone)))
		vfw_stolen_drop(vm, skb, vfw_waiting(skb)->reason);
}

/* What else happens to them. */

/* Those of a list whose time is over. Who is late in the order is not found by a fragment. */
static int expire_list(struct vfw_fragment_side *side, struct list_head *list, int left,
		       struct sk_buff_head *gone)
{
	struct vfw_datagram *d, *next;

	list_for_each_entry_safe(d, next, list, list) {
		if (left <= 0 || !expired(d))
			break;
		left -= price(d);
		vfw_datagram_forget(side, d, VFW_DROP_REASON_FRAGMENT_TIMEOUT, gone);
	}
	return left;
}

/* The next SLICE of those whose time is over. Returns whether there may be more. */
static bool expire_slice(struct vfw_fragments *fragments, struct sk_buff_head *gone)
{
	int dir, i, left = SLICE;

	lockdep_assert_held(&fragments->lock);
	for (dir = 0; dir < 2; dir++)
		for (i = 0; i < VFW_FRAGMENT_STAGES; i++)
			left = expire_list(&fragments->sides[dir], &fragments->sides[dir].lists[i],
					   left, gone);
	return left <= 0;
}

static void expiry_work(struct work_struct *work)
{
	struct vfw_fragments *fragments = container_of(to_delayed_work(work),
						       struct vfw_fragments, expiry);
	struct sk_buff_head gone;
	bool more = true;
	u32 left = 0;

	__skb_queue_head_init(&gone);
	while (more) {
		spin_lock_bh(&fragments->lock);
		more = expire_slice(fragments, &gone);
		left = fragments->sides[0].datagrams + fragments->sides[1].datagrams;
		spin_unlock_bh(&fragments->lock);
		vfw_datagram_drop_gone(container_of(fragments, struct vfw_vm, fragments), &gone);
		cond_resched();
	}
	if (left)
		queue_delayed_work(vfw_wq, &fragments->expiry, EXPIRY_PAUSE);
}

static bool waits_for_port(const struct vfw_datagram *d, const struct vfw_port *port)
{
	struct sk_buff *skb;

	skb_queue_walk(&d->waiting, skb)
		if (!port || vfw_stolen(skb)->port == port)
			return true;
	return false;
}

/*
 * Drop what waits, of one port or, with NULL, of all: a SLICE of the list from side->walk on, but
 * not of what came after the first @look. Returns how many are left to look at.
 */
static u32 drop_slice(struct vfw_fragment_side *side, const struct vfw_port *port,
		      enum vfw_drop_reason reason, u32 look, struct sk_buff_head *gone)
{
	struct list_head *list = &side->lists[VFW_FRAGMENT_WAITING];
	struct vfw_datagram *d;
	int left = SLICE;

	for (; look && left > 0 && side->walk != list; look--) {
		d = list_entry(side->walk, struct vfw_datagram, list);
		side->walk = d->list.next;
		left -= price(d);
		if (waits_for_port(d, port))
			vfw_datagram_forget(side, d, reason, gone);
	}
	return side->walk == list ? 0 : look;
}

static void drop_waiting_of(struct vfw_vm *vm, struct vfw_fragment_side *side,
			    const struct vfw_port *port, enum vfw_drop_reason reason)
{
	struct vfw_fragments *fragments = &vm->fragments;
	struct sk_buff_head gone;
	u32 look;

	__skb_queue_head_init(&gone);
	spin_lock_bh(&fragments->lock);
	side->walk = side->lists[VFW_FRAGMENT_WAITING].next;
	look = side->datagrams;
	while ((look = drop_slice(side, port, reason, look, &gone))) {
		spin_unlock_bh(&fragments->lock);
		vfw_datagram_drop_gone(vm, &gone);
		cond_resched();
		spin_lock_bh(&fragments->lock);
	}
	side->walk = NULL;
	spin_unlock_bh(&fragments->lock);
	vfw_datagram_drop_gone(vm, &gone);
}

/* In slices. Under vfw_net.lock, so that there is one walk at a time. */
static void drop_waiting(struct vfw_vm *vm, const struct vfw_port *port,
			 enum vfw_drop_reason reason)
{
	int dir;

	for (dir = 0; dir < 2; dir++)
		drop_waiting_of(vm, &vm->fragments.sides[dir], port, reason);
}

/**
 * vfw_fragment_drop_waiting() - drop what waits for first fragments
 * @vm: the VM
 * @reason: why
 *
 * Context: under vfw_net.lock.
 */
void vfw_fragment_drop_waiting(struct vfw_vm *vm, enum vfw_drop_reason reason)
{
	drop_waiting(vm, NULL, reason);
}
EXPORT_SYMBOL_VFW_TEST(vfw_fragment_drop_waiting);

/**
 * vfw_fragment_port_gone() - drop what waits of a port that is going
 * @vm: the VM
 * @port: the port; has no netdev any more, so that nothing more waits
 *
 * Context: under vfw_net.lock.
 */
void vfw_fragment_port_gone(struct vfw_vm *vm, const struct vfw_port *port)
{
	drop_waiting(vm, port, VFW_DROP_REASON_PORT_GONE);
}
EXPORT_SYMBOL_VFW_TEST(vfw_fragment_port_gone);

/**
 * vfw_fragment_init() - a new VM has no fragments
 * @vm: the VM
 */
void vfw_fragment_init(struct vfw_vm *vm)
{
	struct vfw_fragments *fragments = &vm->fragments;
	int dir, i;

	spin_lock_init(&fragments->lock);
	INIT_DELAYED_WORK(&fragments->expiry, expiry_work);
	for (dir = 0; dir < 2; dir++)
		for (i = 0; i < VFW_FRAGMENT_STAGES; i++)
			INIT_LIST_HEAD(&fragments->sides[dir].lists[i]);
}
EXPORT_SYMBOL_VFW_TEST(vfw_fragment_init);

/**
 * vfw_fragment_exit() - forget all datagrams of a VM that is going
 * @vm: the VM; no packet of it is in a hook any more, and none waits
 *
 * Context: process; sleeps.
 */
void vfw_fragment_exit(struct vfw_vm *vm)
{
	struct vfw_fragments *fragments = &vm->fragments;
	struct vfw_fragment_side *side;
	struct sk_buff_head gone;
	int dir;

	cancel_delayed_work_sync(&fragments->expiry);
	__skb_queue_head_init(&gone);
	for (dir = 0; dir < 2; dir++) {
		side = &fragments->sides[dir];
		while (side->datagrams) {
			vfw_datagram_forget(side, oldest(side), VFW_DROP_REASON_PORT_GONE, &gone);
			vfw_datagram_drop_gone(vm, &gone);
			cond_resched();
		}
	}
	kfree(fragments->buckets);
	fragments->buckets = NULL;
}
EXPORT_SYMBOL_VFW_TEST(vfw_fragment_exit);
