// SPDX-License-Identifier: GPL-2.0
/*
 * Sources: how many flows each remote address has opened to a VM.
 *
 * Counted only while a policy limits them (source-flows), and then exactly: VFW_FLOW_COUNTED says
 * of a flow that its source has it in its count, under the flow's lock, so that nothing is counted
 * twice and each end of a flow takes off what its opening put on.
 *
 *	switched on:	an empty table is made known; packets under way are waited for, after which
 *			each flow that opens is counted; a walk counts those that were there
 *			already; then the policy is put in force
 *	switched off:	the policy is in force; the table is no longer made known; packets under way
 *			are waited for; a walk takes the flags off, and the table is freed
 *
 * A source is an IPv4 address, or the /64 prefix of an IPv6 address: that is the least that an end
 * site is given (RFC 6177), and whoever has one has all of its addresses. The same address in
 * another VLAN is another source. One without flows is forgotten, so that there are never more than
 * flows. The hash is keyed: an enemy chooses the addresses.
 */

#include <linux/netdevice.h>
#include <linux/once.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "main.h"
#include "flow.h"
#include "source.h"

#define TRIES 3

/* What names a source. */
struct source_key {
	__be32 prefix[2];
	u32 family;
	u16 tags[2];
};

/**
 * struct vfw_source - a remote address, or prefix
 * @node: in the table of sources
 * @key: the address
 * @flows: flows that it opened and that have not ended; never 0
 * @rcu: to free it
 */
struct vfw_source {
	struct rhash_head node;
	struct source_key key;
	u32 flows;
	struct rcu_head rcu;
};

/**
 * struct vfw_sources - the sources of a flow table
 * @lock: protects the counts, and what is in the hash; inside a flow's lock, taken with BH off
 * @hash: of struct vfw_source
 */
struct vfw_sources {
	spinlock_t lock; /* counts, membership */
	struct rhashtable hash;
};

static siphash_key_t secret __read_mostly;

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct source_key *key = data;

	return siphash_3u64((__force u64)key->prefix[0] << 32 | (__force u32)key->prefix[1],
			    key->tags[0] | (u32)key->tags[1] << 16,
			    (u64)key->family << 32 | seed, &secret);
}

static const struct rhashtable_params params = {
	.head_offset = offsetof(struct vfw_source, node),
	.key_offset = offsetof(struct vfw_source, key),
	.key_len = sizeof(struct source_key),
	.hashfn = hash_key,
	.automatic_shrinking = true,
};

static struct source_key key_of(const struct vfw_key *flow)
{
	struct source_key key = {
		.family = flow->family,
		.tags = { flow->tags[0], flow->tags[1] },
	};

	if (flow->family == VFW_FAMILY_IPV4)
		key.prefix[0] = flow->remote.v4;
	else
		memcpy(key.prefix, flow->remote.words, sizeof(key.prefix));
	return key;
}

static struct vfw_source *source_add(struct vfw_sources *sources, const struct source_key *key)
{
	struct vfw_source *source;

	source = kzalloc_obj(*source, GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!source)
		return NULL;
	source->key = *key;
	if (rhashtable_insert_fast(&sources->hash, &source->node, params)) {
		kfree(source);
		return NULL;
	}
	return source;
}

/**
 * vfw_source_get() - count a flow that its remote end opens
 * @sources: where
 * @key: the flow's key
 * @limit: most flows of one source; 0 for any number
 *
 * Context: any; under what keeps @sources (RCU in the hook).
 * Return: VFW_DROP_REASON_NONE and it is counted; or _SOURCE_LIMIT or _NO_MEMORY, and it is not.
 */
enum vfw_drop_reason vfw_source_get(struct vfw_sources *sources, const struct vfw_key *key,
				    u32 limit)
{
	enum vfw_drop_reason reason = VFW_DROP_REASON_NONE;
	struct source_key name = key_of(key);
	struct vfw_source *source;

	spin_lock_bh(&sources->lock);
	source = rhashtable_lookup_fast(&sources->hash, &name, params);
	if (source && limit && source->flows >= limit) {
		reason = VFW_DROP_REASON_SOURCE_LIMIT;
	} else {
		source = source ?: source_add(sources, &name);
		if (source)
			source->flows++;
		else
			reason = VFW_DROP_REASON_NO_MEMORY;
	}
	spin_unlock_bh(&sources->lock);
	return reason;
}
EXPORT_SYMBOL_VFW_TEST(vfw_source_get);

/**
 * vfw_source_put() - a flow that vfw_source_get() counted has ended
 * @sources: where
 * @key: the flow's key
 *
 * Context: as vfw_source_get().
 */
void vfw_source_put(struct vfw_sources *sources, const struct vfw_key *key)
{
	struct source_key name = key_of(key);
	struct vfw_source *source;

	spin_lock_bh(&sources->lock);
	source = rhashtable_lookup_fast(&sources->hash, &name, params);
	if (!WARN_ON_ONCE(!source) && !--source->flows) {
		rhashtable_remove_fast(&sources->hash, &source->node, params);
		kfree_rcu(source, rcu);
	}
	spin_unlock_bh(&sources->lock);
}
EXPORT_SYMBOL_VFW_TEST(vfw_source_put);

/**
 * vfw_source_flows() - how many flows a source has
 * @sources: where
 * @key: key of a flow of it
 *
 * Context: as vfw_source_get().
 */
u32 vfw_source_flows(struct vfw_sources *sources, const struct vfw_key *key)
{
	struct source_key name = key_of(key);
	struct vfw_source *source;
	u32 flows;

	spin_lock_bh(&sources->lock);
	source = rhashtable_lookup_fast(&sources->hash, &name, params);
	flows = source ? source->flows : 0;
	spin_unlock_bh(&sources->lock);
	return flows;
}
EXPORT_SYMBOL_VFW_TEST(vfw_source_flows);

static struct vfw_sources *sources_alloc(void)
{
	struct vfw_sources *sources = kzalloc_obj(*sources, GFP_KERNEL_ACCOUNT);

	get_random_once(&secret, sizeof(secret));
	if (!sources)
		return NULL;
	spin_lock_init(&sources->lock);
	if (rhashtable_init(&sources->hash, &params)) {
		kfree(sources);
		return NULL;
	}
	return sources;
}

static void free_source(void *source, void *arg)
{
	kfree(source);
}

/**
 * vfw_sources_free() - free sources that nobody can be looking at any more
 * @sources: the sources, or NULL
 *
 * Context: process context; sleeps.
 */
void vfw_sources_free(struct vfw_sources *sources)
{
	if (!sources)
		return;
	rhashtable_free_and_destroy(&sources->hash, free_source, NULL);
	kfree(sources);
}

/* Makes the table's sources known, or lets them be known no more; returns what it was. */
static struct vfw_sources *publish(struct vfw_flow_table *table, struct vfw_sources *sources)
{
	/* Under vfw_net.lock, or the table is known to its maker alone. */
	sources = rcu_replace_pointer(table->sources, sources, true);
	/* Packets that saw what it was are in RCU sections that end here. */
	if (READ_ONCE(table->vm))
		synchronize_net();
	return sources;
}

static int count_flow(struct vfw_flow *flow, void *arg)
{
	struct vfw_key key;

	if (vfw_flow_opened(flow) != VFW_DIRECTION_IN || flow->flags & VFW_FLOW_COUNTED)
		return 0;
	vfw_flow_key(flow, &key);
	if (vfw_source_get(arg, &key, 0))
		return -ENOMEM;
	flow->flags |= VFW_FLOW_COUNTED;
	return 0;
}

static int uncount_flow(struct vfw_flow *flow, void *arg)
{
	flow->flags &= ~VFW_FLOW_COUNTED;
	return 0;
}

/**
 * vfw_sources_start() - count a table's flows by their sources, if that is not done already
 * @table: the table
 *
 * Context: under vfw_net.lock, or the table is known to its maker alone; process context, walks
 *	all flows.
 * Return: 0, or -ENOMEM and nothing is counted.
 */
int vfw_sources_start(struct vfw_flow_table *table)
{
	struct vfw_flow_cursor cursor = {};
	struct vfw_sources *sources;
	int err, tries = TRIES;

	if (rcu_access_pointer(table->sources))
		return 0;
	sources = sources_alloc();
	if (!sources)
		return -ENOMEM;
	publish(table, sources);
	do {
		err = vfw_flow_walk(table, &cursor, count_flow, sources);
		/* Under a flow's lock there is only memory that is at hand: let there be more. */
		if (err)
			schedule_timeout_uninterruptible(1);
	} while (err && --tries);
	if (err)
		vfw_sources_stop(table);
	return err;
}
EXPORT_SYMBOL_VFW_TEST(vfw_sources_start);

/**
 * vfw_sources_stop() - count a table's flows by their sources no more, if that is done
 * @table: the table
 *
 * Context: as vfw_sources_start().
 */
void vfw_sources_stop(struct vfw_flow_table *table)
{
	struct vfw_flow_cursor cursor = {};
	struct vfw_sources *sources;

	if (!rcu_access_pointer(table->sources))
		return;
	sources = publish(table, NULL);
	vfw_flow_walk(table, &cursor, uncount_flow, NULL);
	vfw_sources_free(sources);
}
EXPORT_SYMBOL_VFW_TEST(vfw_sources_stop);
