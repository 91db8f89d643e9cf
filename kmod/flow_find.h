/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FLOW_FIND_H
#define _VFW_FLOW_FIND_H

#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include "flow.h"

/* The look-up of flows, inline: for flow.c, and for the quick way (track_plain.h). */

/**
 * struct vfw_flow_secret - the secret of the hash of flows
 * @state: what SipHash begins with, for the key
 */
struct vfw_flow_secret {
	u64 state[4];
};

extern struct vfw_flow_secret vfw_flow_secret;

/* What a flow is looked up by: its key and its protocol. */
struct search4 {
	struct vfw_key4 key;
	u32 protocol;
} __aligned(8);

struct search6 {
	struct vfw_key6 key;
	u32 protocol;
} __aligned(8);

struct search_tagged {
	struct search6 plain;
	struct vfw_flow_tags tags;
};

static_assert(sizeof(struct search4) == 16 && sizeof(struct search6) == 40 &&
	      sizeof(struct search_tagged) == 48);

/*
 * SipHash-1-3 of @n words and the @tail of a message of @bytes, as hsiphash() computes it on
 * 64-bit little-endian machines; but inline, for a call, and what the compiler has to save for it,
 * are a good part of what a packet costs. It is for hash tables whose keys an enemy chooses and
 * whose hashes he does not see; siphash(), twice as long, is for more than that.
 */
static __always_inline u32 sip_hash(const u64 *words, unsigned int n, u64 tail, u64 bytes)
{
	const u64 *state = vfw_flow_secret.state;
	u64 v0 = state[0], v1 = state[1], v2 = state[2], v3 = state[3];
	unsigned int i;

	for (i = 0; i < n; i++) {
		v3 ^= words[i];
		SIPHASH_PERMUTATION(v0, v1, v2, v3);
		v0 ^= words[i];
	}
	tail |= bytes << 56;
	v3 ^= tail;
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	v0 ^= tail;
	v2 ^= 0xff;
	for (i = 0; i < 3; i++)
		SIPHASH_PERMUTATION(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

static __always_inline u64 hash_tail(__be16 local_port, __be16 remote_port, u32 protocol)
{
	return (__force u16)local_port | (u32)(__force u16)remote_port << 16 | (u64)protocol << 32;
}

static __always_inline u32 hash4(const struct search4 *search)
{
	const struct vfw_key4 *key = &search->key;
	u64 addresses = (__force u32)key->local | (u64)(__force u32)key->remote << 32;

	return sip_hash(&addresses, 1,
			hash_tail(key->local_port, key->remote_port, search->protocol),
			sizeof(*key) + 1);
}

static inline u32 hash6(const struct search6 *search)
{
	const struct vfw_key6 *key = &search->key;

	/* The addresses come first, and what is searched for is aligned to words. */
	return sip_hash((const u64 *)search, 2 * sizeof(key->local) / sizeof(u64),
			hash_tail(key->local_port, key->remote_port, search->protocol),
			sizeof(*key) + 1);
}

static inline u32 hash_tagged(const struct search_tagged *search)
{
	const struct vfw_key6 *key = &search->plain.key;
	u64 words[2 * sizeof(key->local) / sizeof(u64) + 1];

	memcpy(words, key, 2 * sizeof(key->local));
	words[ARRAY_SIZE(words) - 1] = search->tags.tags[0] | (u32)search->tags.tags[1] << 16 |
				       (u64)search->tags.family << 32;
	return sip_hash(words, ARRAY_SIZE(words),
			hash_tail(key->local_port, key->remote_port, search->plain.protocol),
			sizeof(*key) + sizeof(search->tags) + 1);
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

static inline bool same_tagged(const struct search_tagged *search, const struct vfw_flow *flow)
{
	const struct vfw_flow_tags *tags = vfw_flow_tags(flow);

	return same6(&search->plain, flow) && search->tags.family == tags->family &&
	       search->tags.tags[0] == tags->tags[0] && search->tags.tags[1] == tags->tags[1];
}

/* The kind is a constant wherever these are expanded. */
static __always_inline bool same(const void *search, const struct vfw_flow *flow,
				 enum vfw_flow_kind kind)
{
	switch (kind) {
	case VFW_FLOWS_IPV4:
		return same4(search, flow);
	case VFW_FLOWS_IPV6:
		return same6(search, flow);
	default:
		return same_tagged(search, flow);
	}
}

static __always_inline void prefetch_counters(const struct vfw_flow *flow,
					      enum vfw_flow_kind kind)
{
	prefetchw(kind == VFW_FLOWS_IPV4 ? vfw_flow_counters4(flow) :
					   (void *)flow + VFW_COUNTERS6_AT);
}

/*
 * Follows the chains, see flow_hash.c. A flow's two cache lines are fetched at once: of a flow
 * that was not used for a while, the time that takes is nearly all that a packet costs.
 */
static __always_inline struct vfw_flow *hash_find(const struct vfw_flow_table *table, u32 value,
						  const void *search,
						  enum vfw_flow_kind kind)
{
	struct vfw_flow_buckets *buckets;
	struct vfw_flow *const *chain;
	struct vfw_flow *flow;

	buckets = rcu_dereference_check(table->buckets[kind], rcu_read_lock_bh_held() ||
					lockdep_is_held(&table->lock));
	do {
		chain = vfw_flow_buckets_chain(buckets, value);
		do {
			for (flow = READ_ONCE(*chain); !vfw_flow_is_end(flow);
			     flow = READ_ONCE(flow->next)) {
				prefetch_counters(flow, kind);
				if (likely(same(search, flow, kind)))
					return flow;
			}
			/* Led into another chain by a flow that moved there? */
		} while (unlikely(flow && flow != vfw_flow_chain_end(chain)));
		smp_rmb(); /* pairs with the release in move_first(): not there means here */
		buckets = rcu_dereference_check(vfw_flow_buckets_unmark(buckets)->moving_to,
						rcu_read_lock_bh_held() ||
						lockdep_is_held(&table->lock));
	} while (unlikely(buckets));
	return NULL;
}

static inline void pack4(const struct vfw_key *key, struct vfw_key4 *k)
{
	k->local = key->local.v4;
	k->remote = key->remote.v4;
	k->local_port = key->local_port;
	k->remote_port = key->remote_port;
}

/* Of an address of IPv4, all beyond the first word is zero. */
static inline void pack6(const struct vfw_key *key, struct vfw_key6 *k)
{
	k->local = key->local.v6;
	k->remote = key->remote.v6;
	k->local_port = key->local_port;
	k->remote_port = key->remote_port;
}

static __always_inline void search4_init(struct search4 *search, const struct vfw_key *key)
{
	pack4(key, &search->key);
	search->protocol = key->protocol;
}

static inline void search6_init(struct search6 *search, const struct vfw_key *key)
{
	pack6(key, &search->key);
	search->protocol = key->protocol;
}

static inline void pack_tags(const struct vfw_key *key, struct vfw_flow_tags *tags)
{
	tags->tags[0] = key->tags[0];
	tags->tags[1] = key->tags[1];
	tags->family = key->family;
}

static inline void search_tagged_init(struct search_tagged *search, const struct vfw_key *key)
{
	search6_init(&search->plain, key);
	pack_tags(key, &search->tags);
}

/*
 * A flow that is there, locked; or NULL; or an error if it ended between look-up and lock: it is
 * gone, or another one.
 */
static __always_inline struct vfw_flow *flow_lookup(struct vfw_flow_table *table, u32 value,
						    const void *search,
						    enum vfw_flow_kind kind)
{
	struct vfw_flow *flow = hash_find(table, value, search, kind);

	if (!flow)
		return NULL;
	spin_lock(&flow->lock);
	if (likely(!(flow->flags & VFW_FLOW_DEAD) && same(search, flow, kind))) {
		__release(&flow->lock); /* the caller has it now */
		return flow;
	}
	spin_unlock(&flow->lock);
	return ERR_PTR(-EAGAIN);
}

#endif /* _VFW_FLOW_FIND_H */
