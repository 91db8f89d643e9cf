// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table: one for each VM.
 *
 * A flow is found by its key through a hash (one for each address family, flow_hash.c) that is
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
 * The last point is why a flow found under RCU may have become another one before its lock is
 * taken. Whoever looks up compares the key again under the lock.
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

/*
 * hsiphash (SipHash-1-3 where registers have 64 bits) is for hash tables whose keys an enemy
 * chooses and whose hashes he does not see; siphash, twice as long, is for more than that.
 */
static inline u32 hash4(const struct search4 *search)
{
	const u32 *words = (const u32 *)search;

	return hsiphash_4u32(words[0], words[1], words[2], words[3], &flow_secret);
}

static inline u32 hash6(const struct search6 *search)
{
	return hsiphash(search, sizeof(*search), &flow_secret);
}

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

static inline bool same(const void *search, const struct vfw_flow *flow, bool ipv6)
{
	return ipv6 ? same6(search, flow) : same4(search, flow);
}

static inline void prefetch_counters(const struct vfw_flow *flow, bool ipv6)
{
	prefetchw(ipv6 ? (void *)flow + VFW_COUNTERS6_AT : vfw_flow_counters4(flow));
}

/*
 * Follows the chains, see flow_hash.c. A flow's two cache lines are fetched at once: of a flow
 * that was not used for a while, the time that takes is nearly all that a packet costs.
 */
static __always_inline struct vfw_flow *hash_find(const struct vfw_flow_hash *hash, u32 value,
						  const void *search, bool ipv6)
{
	const struct vfw_flow_buckets *buckets;
	struct vfw_flow *const *chain;
	struct vfw_flow *flow;

	buckets = rcu_dereference_check(hash->buckets, rcu_read_lock_bh_held() ||
					lockdep_is_held(hash->lock));
	do {
		chain = &buckets->chain[value & buckets->mask];
		do {
			for (flow = READ_ONCE(*chain); !vfw_flow_is_end(flow);
			     flow = READ_ONCE(flow->next)) {
				prefetch_counters(flow, ipv6);
				if (likely(same(search, flow, ipv6)))
					return flow;
			}
			/* Led into another chain by a flow that moved there? */
		} while (unlikely(flow && flow != vfw_flow_chain_end(chain)));
		smp_rmb(); /* pairs with the release in move_first(): not there means here */
		buckets = rcu_dereference_check(buckets->moving_to, rcu_read_lock_bh_held() ||
						lockdep_is_held(hash->lock));
	} while (unlikely(buckets));
	return NULL;
}

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
	flow = hash_find(&table->hash[0], hash4(&search), &search, false);
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
	flow = hash_find(&table->hash[1], hash6(&search), &search, true);
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

/* False if there is a flow of this key already. Under the table's lock. */
static bool flow_insert(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	bool ipv6 = vfw_flow_family(flow) == VFW_FAMILY_IPV6;
	struct vfw_flow_hash *hash = &table->hash[ipv6];
	struct search4 search4;
	struct search6 search6;
	const void *search;
	u32 value;

	if (ipv6) {
		search6 = (struct search6){ *vfw_flow_key6(flow), flow->protocol };
		value = hash6(&search6);
		search = &search6;
	} else {
		search4 = (struct search4){ *vfw_flow_key4(flow), flow->protocol };
		value = hash4(&search4);
		search = &search4;
	}
	if (hash_find(hash, value, search, ipv6))
		return false;
	vfw_flow_hash_add(hash, flow, value);
	return true;
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
	bool inserted;

	flow = vfw_flow_slot_get(table, pool, policy, half_open, reason, gfp);
	if (!flow)
		return NULL;
	local_bh_disable();
	spin_lock(&flow->lock);
	flow_init(table, flow, key, state);
	spin_lock(&table->lock);
	inserted = flow_insert(table, flow);
	table->totals.opened += inserted;
	spin_unlock(&table->lock);
	if (!inserted) {
		flow->flags |= VFW_FLOW_DEAD;
		vfw_flow_slot_put(table, flow, half_open);
		spin_unlock(&flow->lock);
		local_bh_enable();
		*reason = VFW_DROP_REASON_NONE;
		return NULL;
	}
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

/*
 * The flow is found no more; what it counted goes to its rule, if that is still in force, and to
 * the totals.
 */
static void flow_end(struct vfw_flow_table *table, struct vfw_flow *flow)
{
	struct vfw_flow_hash *hash = &table->hash[vfw_flow_family(flow) == VFW_FAMILY_IPV6];
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
	flow_end(table, flow);
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
 * vfw_flow_hashes_init() - make the hashes of a table
 * @table: the table, all zero in them; what was made is to be destroyed in any case
 *
 * Return: 0 or -ENOMEM.
 */
int vfw_flow_hashes_init(struct vfw_flow_table *table)
{
	return vfw_flow_hash_init(&table->hash[0], &table->lock, hash_flow4) ?:
	       vfw_flow_hash_init(&table->hash[1], &table->lock, hash_flow6);
}
