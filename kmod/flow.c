// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table: one for each VM.
 *
 * A flow is found by its key through a hash (one for each kind, flow_hash.c) that is
 * keyed with a secret that never leaves the host, because a guest and its peers choose the keys.
 * Flows live in chunks of 4 KiB that belong to the table. That gives the table's three readers
 * what they need:
 *
 * - the hook looks a flow up under RCU and takes only that flow's lock;
 * - a walk (dump, snapshot, garbage collection) goes through the chunks in the order of memory,
 *   without the hash. A flow never moves, so a walk meets each flow that was there all along
 *   exactly once, however long it pauses; its cursor is three numbers;
 * - the memory of an ended flow is used again at once, by a flow of the same VM.
 *
 * Flows of tagged frames are a kind of their own, with a hash and chunks of their own: no packet
 * without a tag can be led to one of them, nor the other way, and what they take more in memory
 * and time is theirs alone.
 *
 * The last point is why a flow found under RCU may have become another one before its lock is
 * taken. Whoever looks up compares the key again under the lock.
 */

#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "main.h"
#include "flow.h"
#include "flow_find.h"
#include "flow_table.h"
#include "mark.h"
#include "recent.h"
#include "source.h"
#include "vm.h"

struct vfw_flow_secret vfw_flow_secret __read_mostly;
EXPORT_SYMBOL_VFW_TEST(vfw_flow_secret);

static u32 hash_flow4(const struct vfw_flow *flow)
{
	struct search4 search = { *vfw_flow_key4(flow), flow->protocol };

	return hash4(&search);
}

static u32 hash_flow6(const struct vfw_flow *flow)
{
	struct search6 search = { *vfw_flow_key6(flow), flow->protocol };

	return hash6(&search);
}

static u32 hash_flow_tagged(const struct vfw_flow *flow)
{
	struct search_tagged search = {
		{ *vfw_flow_key6(flow), flow->protocol }, *vfw_flow_tags(flow),
	};

	return hash_tagged(&search);
}

/**
 * vfw_flow_hash() - the hash of a key, for vfw_flow_find_hashed() and vfw_flow_add()
 * @key: the key
 *
 * Context: any.
 * Return: the hash, of 32 bits; another one on each host and after each load of the module.
 */
u32 vfw_flow_hash(const struct vfw_key *key)
{
	struct search_tagged tagged;
	struct search4 search4;
	struct search6 search6;

	switch (vfw_key_kind(key)) {
	case VFW_FLOWS_IPV4:
		search4_init(&search4, key);
		return hash4(&search4);
	case VFW_FLOWS_IPV6:
		search6_init(&search6, key);
		return hash6(&search6);
	default:
		search_tagged_init(&tagged, key);
		return hash_tagged(&tagged);
	}
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_hash);

/**
 * vfw_flow_key() - what names a flow
 * @flow: the flow, locked
 * @key: where to put it
 */
void vfw_flow_key(const struct vfw_flow *flow, struct vfw_key *key)
{
	memset(key, 0, sizeof(*key));
	key->family = vfw_flow_family(flow);
	key->protocol = flow->protocol;
	if (vfw_flow_kind(flow) == VFW_FLOWS_IPV4) {
		const struct vfw_key4 *k = vfw_flow_key4(flow);

		key->local.v4 = k->local;
		key->remote.v4 = k->remote;
		key->local_port = k->local_port;
		key->remote_port = k->remote_port;
	} else {
		const struct vfw_key6 *k = vfw_flow_key6(flow);

		key->local.v6 = k->local;
		key->remote.v6 = k->remote;
		key->local_port = k->local_port;
		key->remote_port = k->remote_port;
	}
	if (vfw_flow_kind(flow) == VFW_FLOWS_TAGGED)
		memcpy(key->tags, vfw_flow_tags(flow)->tags, sizeof(key->tags));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_key);

/* Flows. */

/**
 * vfw_flow_find_hashed() - find a flow by its key
 * @table: the table
 * @key: the key
 * @hash: vfw_flow_hash() of the key
 *
 * Context: BH off, within an RCU read section that lasts until the flow is unlocked.
 * Return: the flow, locked (the caller does vfw_flow_put()), or NULL. It may have
 *	expired.
 */
struct vfw_flow *vfw_flow_find_hashed(struct vfw_flow_table *table, const struct vfw_key *key,
				      u32 hash)
{
	struct search_tagged tagged;
	struct search4 search4;
	struct search6 search6;
	struct vfw_flow *flow;

	switch (vfw_key_kind(key)) {
	case VFW_FLOWS_IPV4:
		search4_init(&search4, key);
		do {
			flow = flow_lookup(table, hash, &search4, VFW_FLOWS_IPV4);
		} while (IS_ERR(flow));
		return flow;
	case VFW_FLOWS_IPV6:
		search6_init(&search6, key);
		do {
			flow = flow_lookup(table, hash, &search6, VFW_FLOWS_IPV6);
		} while (IS_ERR(flow));
		return flow;
	default:
		search_tagged_init(&tagged, key);
		do {
			flow = flow_lookup(table, hash, &tagged, VFW_FLOWS_TAGGED);
		} while (IS_ERR(flow));
		return flow;
	}
}

/**
 * vfw_flow_find() - find a flow by its key
 * @table: the table
 * @key: the key
 *
 * As vfw_flow_find_hashed().
 */
struct vfw_flow *vfw_flow_find(struct vfw_flow_table *table, const struct vfw_key *key)
{
	return vfw_flow_find_hashed(table, key, vfw_flow_hash(key));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_find);

/* False if there is a flow of this key already. Under the table's lock. */
static bool flow_insert(struct vfw_flow_table *table, struct vfw_flow *flow, u32 value)
{
	enum vfw_flow_kind kind = vfw_flow_kind(flow);
	struct search_tagged tagged;
	struct search4 search4;
	struct search6 search6;
	bool there;

	switch (kind) {
	case VFW_FLOWS_IPV4:
		search4 = (struct search4){ *vfw_flow_key4(flow), flow->protocol };
		there = hash_find(table, value, &search4, VFW_FLOWS_IPV4);
		break;
	case VFW_FLOWS_IPV6:
		search6 = (struct search6){ *vfw_flow_key6(flow), flow->protocol };
		there = hash_find(table, value, &search6, VFW_FLOWS_IPV6);
		break;
	default:
		tagged = (struct search_tagged){
			{ *vfw_flow_key6(flow), flow->protocol }, *vfw_flow_tags(flow),
		};
		there = hash_find(table, value, &tagged, VFW_FLOWS_TAGGED);
	}
	if (!there)
		vfw_flow_hash_add(&table->hash[kind], flow, value);
	return !there;
}

static void flow_init(struct vfw_flow_table *table, struct vfw_flow *flow,
		      const struct vfw_opening *opening, bool counted)
{
	const struct vfw_key *key = opening->key;
	u32 now = vfw_flow_now(table);

	memset(vfw_flow_counters(flow), 0, sizeof(struct vfw_flow_counters));
	memset(&flow->tcp, 0, sizeof(flow->tcp));
	flow->state = opening->state;
	flow->flags &= VFW_FLOW_MEMORY;
	if (opening->direction == VFW_DIRECTION_OUT)
		flow->flags |= VFW_FLOW_OPENED_OUT;
	if (counted)
		flow->flags |= VFW_FLOW_COUNTED;
	flow->protocol = key->protocol;
	flow->expires = now;
	flow->epoch = 0;
	vfw_flow_origin(flow)->rule = 0;
	vfw_flow_set_age(flow, now, 0);
	if (flow->flags & VFW_FLOW_WIDE)
		pack6(key, vfw_flow_key6(flow));
	else
		pack4(key, vfw_flow_key4(flow));
	if (flow->flags & VFW_FLOW_TAGGED)
		pack_tags(key, vfw_flow_tags(flow));
}

/* Where flows are counted by their source: NULL if they are not, or this one is not. */
static struct vfw_sources *sources_of(const struct vfw_flow_table *table,
				      enum vfw_direction opened)
{
	if (opened != VFW_DIRECTION_IN)
		return NULL;
	/* A table without a VM is known to its maker alone. */
	return rcu_dereference_check(table->sources, rcu_read_lock_bh_held() ||
				     !READ_ONCE(table->vm));
}

/* A slot that no look-up finds yet becomes a flow, locked; or is given back. */
static bool flow_publish(struct vfw_flow_table *table, struct vfw_flow *flow,
			 const struct vfw_opening *opening, bool counted)
{
	bool inserted;

	spin_lock(&flow->lock);
	flow_init(table, flow, opening, counted);
	spin_lock(&table->lock);
	inserted = flow_insert(table, flow, opening->hash);
	table->totals.opened += inserted;
	if (inserted)
		vfw_recent_note(table, flow);
	spin_unlock(&table->lock);
	if (inserted) {
		__release(&flow->lock); /* the caller has it now */
		return true;
	}
	flow->flags |= VFW_FLOW_DEAD;
	vfw_flow_slot_put(table, flow, vfw_state_half_open(opening->state));
	spin_unlock(&flow->lock);
	return false;
}

/**
 * vfw_flow_add() - open a flow
 * @table: the table
 * @opening: the flow
 * @policy: whose limits apply
 * @reason: why there is none when NULL is returned; VFW_DROP_REASON_NONE then means that there
 *	is a flow of this key already
 * @gfp: GFP_ATOMIC in the hook
 *
 * The flow has no counters yet, and has expired until the caller says otherwise. Where there is no
 * room, another that is worth less may have to go for it (vfw_recent_evict()).
 *
 * Context: RCU read section unless the caller alone knows the table. May sleep if @gfp says so.
 * Return: the flow, locked, with BH off: the caller does vfw_flow_unlock(); or NULL.
 */
struct vfw_flow *vfw_flow_add(struct vfw_flow_table *table, const struct vfw_opening *opening,
			      const struct vfw_policy *policy, enum vfw_drop_reason *reason,
			      gfp_t gfp)
{
	struct vfw_sources *sources = sources_of(table, opening->direction);
	struct vfw_flow *flow;

	*reason = VFW_DROP_REASON_NONE;
	/* First of all: who has enough shall not make others go. */
	if (sources)
		*reason = vfw_source_get(sources, opening->key, policy->max_source_flows);
	if (*reason)
		return NULL;
	flow = vfw_flow_slot_get(table, opening, policy, reason, gfp);
	local_bh_disable();
	if (flow && flow_publish(table, flow, opening, sources))
		return flow;
	local_bh_enable();
	if (sources)
		vfw_source_put(sources, opening->key);
	return NULL;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_add);

/**
 * vfw_flow_unlock() - let go of a flow that vfw_flow_add() returned
 * @flow: the flow
 */
void vfw_flow_unlock(struct vfw_flow *flow)
{
	vfw_flow_put(flow);
	local_bh_enable();
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_unlock);

/**
 * vfw_flow_set_state() - change a flow's state
 * @table: its table
 * @flow: the flow, locked
 * @state: enum vfw_flow_state
 */
void vfw_flow_set_state(struct vfw_flow_table *table, struct vfw_flow *flow, u8 state)
{
	bool before = vfw_state_half_open(flow->state), after = vfw_state_half_open(state);

	lockdep_assert_held(&flow->lock);
	flow->state = state;
	if (before == after)
		return;
	spin_lock(&table->lock);
	table->half_open[vfw_flow_opened(flow)] += after - before;
	spin_unlock(&table->lock);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_set_state);

/* The flow, locked, is not its source's any more. */
static void flow_uncount(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	struct vfw_sources *sources = sources_of(table, VFW_DIRECTION_IN);
	struct vfw_key key;

	if (!(flow->flags & VFW_FLOW_COUNTED))
		return;
	flow->flags &= ~VFW_FLOW_COUNTED;
	/* When counting has just been switched off, there is nothing to take it from. */
	if (!sources)
		return;
	vfw_flow_key(flow, &key);
	vfw_source_put(sources, &key);
}

/**
 * vfw_flow_set_opened() - change by whom a flow was opened
 * @table: its table
 * @flow: the flow, locked
 * @opened: direction of its first packet
 *
 * A flow never changes that; but one that is being restored may turn out to be another one.
 *
 * Return: VFW_DROP_REASON_NONE, or _NO_MEMORY and the flow is as it was.
 */
enum vfw_drop_reason vfw_flow_set_opened(struct vfw_flow_table *table, struct vfw_flow *flow,
					 enum vfw_direction opened)
{
	struct vfw_sources *sources = sources_of(table, opened);
	enum vfw_drop_reason reason;
	struct vfw_key key;

	lockdep_assert_held(&flow->lock);
	if (vfw_flow_opened(flow) == opened)
		return VFW_DROP_REASON_NONE;
	if (sources) {
		vfw_flow_key(flow, &key);
		reason = vfw_source_get(sources, &key, 0);
		if (reason)
			return reason;
		flow->flags |= VFW_FLOW_COUNTED;
	} else {
		flow_uncount(table, flow);
	}
	flow->flags ^= VFW_FLOW_OPENED_OUT;
	if (!vfw_state_half_open(flow->state))
		return VFW_DROP_REASON_NONE;
	spin_lock(&table->lock);
	table->half_open[opened]++;
	table->half_open[!opened]--;
	spin_unlock(&table->lock);
	return VFW_DROP_REASON_NONE;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_set_opened);

/*
 * The flow is found no more; what it counted goes to its rule, if that is still in force, and to
 * the totals.
 */
static void flow_end(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	struct vfw_flow_hash *hash = &table->hash[vfw_flow_kind(flow)];
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	struct vfw_vm *vm = READ_ONCE(table->vm);
	u32 value = hash->hash_flow(flow);
	u32 rule = vfw_flow_origin(flow)->rule;
	const struct vfw_policy *policy;
	int dir;

	policy = vm ? rcu_dereference_check(vm->policy, rcu_read_lock_bh_held()) : NULL;
	if (policy && rule && policy->epoch == flow->epoch)
		vfw_policy_count(policy, rule, counters->packets[0] + counters->packets[1],
				 counters->bytes[0] + counters->bytes[1]);
	spin_lock(&table->lock);
	vfw_flow_hash_remove(hash, flow, value);
	for (dir = 0; dir < 2; dir++) {
		table->totals.packets[dir] += counters->packets[dir];
		table->totals.bytes[dir] += counters->bytes[dir];
	}
	table->totals.ended++;
	spin_unlock(&table->lock);
}

/**
 * vfw_flow_remove() - end a flow
 * @table: its table
 * @flow: the flow, locked; stays locked, but is not this flow any more
 *
 * Context: BH off, RCU read section.
 */
void vfw_flow_remove(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	lockdep_assert_held(&flow->lock);
	flow->flags |= VFW_FLOW_DEAD;
	flow_uncount(table, flow);
	flow_end(table, flow);
	if (unlikely(READ_ONCE(table->marking)))
		vfw_mark_flow(table, flow);
	vfw_flow_slot_put(table, flow, vfw_state_half_open(flow->state));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_remove);

/**
 * vfw_flow_init() - make the secret of the hash
 */
void vfw_flow_init(void)
{
	siphash_key_t key;

	get_random_bytes(&key, sizeof(key));
	vfw_flow_secret = (struct vfw_flow_secret){ {
		SIPHASH_CONST_0 ^ key.key[0], SIPHASH_CONST_1 ^ key.key[1],
		SIPHASH_CONST_2 ^ key.key[0], SIPHASH_CONST_3 ^ key.key[1],
	} };
}

/**
 * vfw_flow_hashes_init() - make the hashes of a table
 * @table: the table, all zero in them; what was made is to be destroyed in any case
 *
 * Return: 0 or -ENOMEM.
 */
int vfw_flow_hashes_init(struct vfw_flow_table *table)
{
	static u32 (*const hash_flow[])(const struct vfw_flow *flow) = {
		[VFW_FLOWS_IPV4] = hash_flow4,
		[VFW_FLOWS_IPV6] = hash_flow6,
		[VFW_FLOWS_TAGGED] = hash_flow_tagged,
	};
	int kind, err = 0;

	for (kind = 0; kind < VFW_FLOW_KINDS && !err; kind++)
		err = vfw_flow_hash_init(&table->hash[kind], &table->buckets[kind], &table->lock,
					 hash_flow[kind]);
	return err;
}
