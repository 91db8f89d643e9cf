// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table: one for each VM.
 *
 * A flow is found by its key through an rhashtable (one for each address family) whose hash is
 * siphash under a secret that never leaves the host, because a guest and its peers choose the
 * keys. Flows live in chunks of 4 KiB that belong to the table. That gives the table's three
 * readers what they need:
 *
 * - the hook looks a flow up under RCU and takes only that flow's lock;
 * - a walk (dump, snapshot, garbage collection) goes through the chunks in the order of memory,
 *   without the hash. A flow never moves, so a walk meets each flow that was there all along
 *   exactly once, however long it pauses; its cursor is three numbers;
 * - the memory of an ended flow is used again at once, by a flow of the same VM.
 *
 * The last point is why a flow found under RCU may have become another one before its lock is
 * taken. Whoever looks up compares the key again under the lock. A chain that is being followed
 * while one of its flows moves to another chain ends in the wrong nulls marker, which
 * rhashtable notices and follows it again.
 */

#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/prefetch.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "vm.h"

static hsiphash_key_t flow_secret __read_mostly;

/* What a flow is looked up by: its key and its protocol. */
struct search4 {
	struct vfw_key4 key;
	u32 protocol;
} __aligned(8);

struct search6 {
	struct vfw_key6 key;
	u32 protocol;
} __aligned(8);

static_assert(sizeof(struct search4) == 16 && sizeof(struct search6) == 40);

static __always_inline u32 hash4(const void *data, u32 len, u32 seed)
{
	const u32 *words = data;

	return hsiphash_4u32(words[0], words[1], words[2], words[3], &flow_secret) ^ seed;
}

static u32 hash6(const void *data, u32 len, u32 seed)
{
	return hsiphash(data, sizeof(struct search6), &flow_secret) ^ seed;
}

static u32 rehash4(const void *data, u32 len, u32 seed)
{
	const struct vfw_flow *flow = data;
	struct search4 search = { *vfw_flow_key4(flow), flow->protocol };

	return hash4(&search, sizeof(search), seed);
}

static u32 rehash6(const void *data, u32 len, u32 seed)
{
	const struct vfw_flow *flow = data;
	struct search6 search = { *vfw_flow_key6(flow), flow->protocol };

	return hash6(&search, sizeof(search), seed);
}

/* Written out: a call of memcmp() costs more than the rest of a look-up's comparison. */
static inline bool same4(const struct search4 *search, const struct vfw_flow *flow)
{
	const u32 *a = (const u32 *)&search->key, *b = (const u32 *)vfw_flow_key4(flow);

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) |
		 (search->protocol ^ flow->protocol));
}

static inline bool same6(const struct search6 *search, const struct vfw_flow *flow)
{
	const u32 *a = (const u32 *)&search->key, *b = (const u32 *)vfw_flow_key6(flow);
	u32 differ = search->protocol ^ flow->protocol;
	int i;

	for (i = 0; i < sizeof(search->key) / sizeof(*a); i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

/*
 * The flow's two cache lines are fetched at once: of a flow that was not used for a while, the
 * time that takes is nearly all that a packet costs.
 */
static __always_inline int compare4(struct rhashtable_compare_arg *arg, const void *obj)
{
	prefetchw(vfw_flow_counters4(obj));
	return !same4(arg->key, obj);
}

static __always_inline int compare6(struct rhashtable_compare_arg *arg, const void *obj)
{
	prefetchw(obj + VFW_COUNTERS6_AT);
	return !same6(arg->key, obj);
}

static const struct rhashtable_params params4 = {
	.head_offset = offsetof(struct vfw_flow, node),
	.key_len = sizeof(struct search4),
	.hashfn = hash4,
	.obj_hashfn = rehash4,
	.obj_cmpfn = compare4,
	.automatic_shrinking = true,
};

static const struct rhashtable_params params6 = {
	.head_offset = offsetof(struct vfw_flow, node),
	.key_len = sizeof(struct search6),
	.hashfn = hash6,
	.obj_hashfn = rehash6,
	.obj_cmpfn = compare6,
	.automatic_shrinking = true,
};

static void pack4(const struct vfw_key *key, struct vfw_key4 *k)
{
	k->local = key->local.v4;
	k->remote = key->remote.v4;
	k->local_port = key->local_port;
	k->remote_port = key->remote_port;
}

static void pack6(const struct vfw_key *key, struct vfw_key6 *k)
{
	k->local = key->local.v6;
	k->remote = key->remote.v6;
	k->local_port = key->local_port;
	k->remote_port = key->remote_port;
}

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
	if (key->family == VFW_FAMILY_IPV4) {
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
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_key);

/* Flows. */

static struct vfw_flow *flow_lookup4(struct vfw_flow_table *table, const struct vfw_key *key)
{
	struct vfw_flow *flow;
	struct search4 search;

	pack4(key, &search.key);
	search.protocol = key->protocol;
	flow = rhashtable_lookup(&table->hash[0], &search, params4);
	if (!flow)
		return NULL;
	spin_lock(&flow->lock);
	if (likely(!(flow->flags & VFW_FLOW_DEAD) && same4(&search, flow))) {
		__release(&flow->lock); /* the caller has it now */
		return flow;
	}
	spin_unlock(&flow->lock);
	return ERR_PTR(-EAGAIN);
}

static struct vfw_flow *flow_lookup6(struct vfw_flow_table *table, const struct vfw_key *key)
{
	struct vfw_flow *flow;
	struct search6 search;

	pack6(key, &search.key);
	search.protocol = key->protocol;
	flow = rhashtable_lookup(&table->hash[1], &search, params6);
	if (!flow)
		return NULL;
	spin_lock(&flow->lock);
	if (likely(!(flow->flags & VFW_FLOW_DEAD) && same6(&search, flow))) {
		__release(&flow->lock); /* the caller has it now */
		return flow;
	}
	spin_unlock(&flow->lock);
	return ERR_PTR(-EAGAIN);
}

/**
 * vfw_flow_find() - find a flow by its key
 * @table: the table
 * @key: the key
 *
 * Context: BH off, within an RCU read section that lasts until the flow is unlocked.
 * Return: the flow, locked (the caller does vfw_flow_put()), or NULL. It may have
 *	expired.
 */
struct vfw_flow *vfw_flow_find(struct vfw_flow_table *table, const struct vfw_key *key)
{
	struct vfw_flow *flow;

	/* Again only when the flow ended between look-up and lock: it is gone, or reborn. */
	do {
		flow = key->family == VFW_FAMILY_IPV4 ? flow_lookup4(table, key) :
							flow_lookup6(table, key);
	} while (IS_ERR(flow));
	return flow;
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_find);

static int flow_insert(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	if (vfw_flow_family(flow) == VFW_FAMILY_IPV4) {
		struct search4 search = { *vfw_flow_key4(flow), flow->protocol };

		return rhashtable_lookup_insert_key(&table->hash[0], &search, &flow->node, params4);
	} else {
		struct search6 search = { *vfw_flow_key6(flow), flow->protocol };

		return rhashtable_lookup_insert_key(&table->hash[1], &search, &flow->node, params6);
	}
}

static void flow_init(struct vfw_flow_table *table, struct vfw_flow *flow,
		      const struct vfw_key *key, u8 state)
{
	struct vfw_flow_origin *origin = vfw_flow_origin(flow);

	origin->born = vfw_flow_now(table);
	origin->rule = 0;
	memset(vfw_flow_counters(flow), 0, sizeof(struct vfw_flow_counters));
	flow->state = state;
	flow->flags &= VFW_FLOW_IPV6;
	flow->protocol = key->protocol;
	flow->expires = origin->born;
	flow->epoch = 0;
	memset(&flow->tcp, 0, sizeof(flow->tcp));
	if (vfw_flow_family(flow) == VFW_FAMILY_IPV4)
		pack4(key, vfw_flow_key4(flow));
	else
		pack6(key, vfw_flow_key6(flow));
}

static bool flow_half_open(const struct vfw_key *key, u8 state)
{
	return key->protocol == IPPROTO_TCP && vfw_tcp_half_open(state);
}

/**
 * vfw_flow_add() - open a flow
 * @table: the table
 * @key: its key
 * @policy: whose limits apply
 * @state: the state it begins in
 * @reason: why there is none when NULL is returned; VFW_DROP_REASON_NONE then means that there
 *	is a flow of this key already
 * @gfp: GFP_ATOMIC in the hook
 *
 * The flow has no counters yet, and has expired until the caller says otherwise.
 *
 * Context: RCU read section unless the caller alone knows the table. May sleep if @gfp says so.
 * Return: the flow, locked, with BH off: the caller does vfw_flow_unlock(); or NULL.
 */
struct vfw_flow *vfw_flow_add(struct vfw_flow_table *table, const struct vfw_key *key,
			      const struct vfw_policy *policy, u8 state,
			      enum vfw_drop_reason *reason, gfp_t gfp)
{
	struct vfw_flow_pool *pool = &table->pool[key->family == VFW_FAMILY_IPV6];
	bool half_open = flow_half_open(key, state);
	struct vfw_flow *flow;
	int err;

	flow = vfw_flow_slot_get(table, pool, policy, half_open, reason, gfp);
	if (!flow)
		return NULL;
	local_bh_disable();
	spin_lock(&flow->lock);
	flow_init(table, flow, key, state);
	err = flow_insert(table, flow);
	if (err) {
		flow->flags |= VFW_FLOW_DEAD;
		vfw_flow_slot_put(table, flow, half_open);
		spin_unlock(&flow->lock);
		local_bh_enable();
		*reason = err == -EEXIST ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_NO_MEMORY;
		return NULL;
	}
	spin_lock(&table->lock);
	table->totals.opened++;
	spin_unlock(&table->lock);
	__release(&flow->lock); /* the caller has it now */
	return flow;
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
	bool before = vfw_tcp_half_open(flow->state), after = vfw_tcp_half_open(state);

	lockdep_assert_held(&flow->lock);
	flow->state = state;
	if (before == after)
		return;
	spin_lock(&table->lock);
	table->half_open += after - before;
	spin_unlock(&table->lock);
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_set_state);

/* What the flow counted goes to its rule, if that is still in force, and to the totals. */
static void flow_account(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	struct vfw_vm *vm = READ_ONCE(table->vm);
	u32 rule = vfw_flow_origin(flow)->rule;
	const struct vfw_policy *policy;
	int dir;

	policy = vm ? rcu_dereference_check(vm->policy, rcu_read_lock_bh_held()) : NULL;
	if (policy && rule && policy->epoch == flow->epoch)
		vfw_policy_count(policy, rule, counters->packets[0] + counters->packets[1],
				 counters->bytes[0] + counters->bytes[1]);
	spin_lock(&table->lock);
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
	if (vfw_flow_family(flow) == VFW_FAMILY_IPV4)
		rhashtable_remove_fast(&table->hash[0], &flow->node, params4);
	else
		rhashtable_remove_fast(&table->hash[1], &flow->node, params6);
	flow->flags |= VFW_FLOW_DEAD;
	flow_account(table, flow);
	vfw_flow_slot_put(table, flow, vfw_tcp_half_open(flow->state));
}
EXPORT_SYMBOL_VFW_TEST(vfw_flow_remove);

/**
 * vfw_flow_init() - make the secret of the hash
 */
void vfw_flow_init(void)
{
	get_random_bytes(&flow_secret, sizeof(flow_secret));
}

/**
 * vfw_flow_hash_init() - make the hashes of a table
 * @hash: IPv4 first
 */
int vfw_flow_hash_init(struct rhashtable hash[2])
{
	int err = rhashtable_init(&hash[0], &params4);

	if (err)
		return err;
	err = rhashtable_init(&hash[1], &params6);
	if (err)
		rhashtable_destroy(&hash[0]);
	return err;
}
