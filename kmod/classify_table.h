/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the classifier's builder makes and its look-up reads; classify.c begins with how it works.
 */
#ifndef _VFW_CLASSIFY_TABLE_H
#define _VFW_CLASSIFY_TABLE_H

#include <linux/in.h>
#include <linux/types.h>
#include "packet.h"
#include "policy.h"

/*
 * All fields of fixed width but the addresses, in one word that rules have with a mask:
 *
 *	31      24 23   17  16  15       8 7        0
 *	+---------+--------+---+----------+----------+
 *	| protocol|   0    | D | ICMP type| ICMP code|	ICMP and ICMPv6
 *	| protocol|   0    | D |     0    | TCP flags|	TCP
 *	+---------+--------+---+----------+----------+
 *
 * D tells that the packet has what is right of it, which the packet quoted in an ICMP error has
 * not. A rule sets in its mask what it asks for.
 */
#define VFW_WORD_PROTOCOL(protocol)	((u32)(protocol) << 24)
#define VFW_WORD_DETAIL			0x10000u
#define VFW_WORD_TYPE(type)		((u32)(type) << 8)
#define VFW_WORD_LOW(code_or_flags)	((u32)(code_or_flags))

/* A packet, or a rule, as words that are masked and hashed; host order. */
#define VFW_WORDS4	2	/* local and remote address; both ports and the word above */
#define VFW_WORDS6	5	/* local; remote; both ports and the word above */

#define VFW_DEPTH	8	/* tables on the way to a record, at most */

#define VFW_RECORD_LAST		1	/* of its bucket */
#define VFW_RECORD_LOCAL	2	/* several ranges of the local port */
#define VFW_RECORD_REMOTE	4	/* of the remote port */

/**
 * union vfw_ports - which ports a record takes
 * @range: these
 * @list: index of as many ranges as the range at @list has in its field first, which follow it
 */
union vfw_ports {
	struct vfw_range range;
	u32 list;
};

/**
 * struct vfw_match - what records of both families share
 * @local: ports; a list when VFW_RECORD_LOCAL is set
 * @remote: the same of VFW_RECORD_REMOTE
 * @word: of the rule
 * @mask: which bits of it are compared
 * @number: of the rule
 * @local_prefix: bits of the local address that are compared
 * @remote_prefix: of the remote one
 * @flags: VFW_RECORD_*
 */
struct vfw_match {
	union vfw_ports local;
	union vfw_ports remote;
	u32 word;
	u32 mask;
	u32 number;
	u8 local_prefix;
	u8 remote_prefix;
	u8 flags;
};

/* A rule of IPv4; two in a cache line. Addresses in host order. */
struct vfw_record4 {
	u32 local;
	u32 remote;
	struct vfw_match match;
};

/* A rule of IPv6; one in a cache line. */
struct vfw_record6 {
	u64 local[2];
	u64 remote[2];
	struct vfw_match match;
	u64 pad;
};

static_assert(sizeof(struct vfw_record4) == 32);
static_assert(sizeof(struct vfw_record6) == 64);

/**
 * struct vfw_bucket - the records of a table that share a slot
 * @best: lowest number among them
 * @first: the first record; or, with VFW_BUCKET_TABLES, the first of the tables they are in
 */
struct vfw_bucket {
	u32 best;
	u32 first;
};

#define VFW_BUCKET_TABLES	0x80000000u

/**
 * struct vfw_block - 64 slots of a table
 * @bits: which of them have a bucket
 * @base: the bucket of the first that has; those of the others follow
 */
struct vfw_block {
	u64 bits;
	u32 base;
};

/**
 * struct vfw_table - a table, or a list of records that no table suits
 * @best: lowest number in it
 * @first: its first block; of a list, its first record
 * @shift: what leaves of a hash the number of the slot; 0 for a list
 * @last: it is the last of those that stand side by side
 * @mask: which bits of a packet's words are hashed; VFW_WORDS4 or VFW_WORDS6 words
 */
struct vfw_table {
	u32 best;
	u32 first;
	u8 shift;
	u8 last;
	u64 mask[];
};

#define VFW_TABLE_SIZE(words)	(sizeof(struct vfw_table) + (words) * sizeof(u64))

/**
 * struct vfw_class - the rules for packets of one direction and family
 * @tables: side by side, those at the top first; NULL when there are no rules
 * @blocks: of all tables
 * @buckets: of all blocks
 * @records: of all buckets and lists
 * @seed: of the hash
 * @stateless: number of the last stateless rule; 0 when there is none
 * @n_tables: how many
 * @n_blocks: how many
 * @n_buckets: how many
 * @n_records: how many
 * @work: the most tables and records that a packet can be compared with
 */
struct vfw_class {
	void *tables;
	struct vfw_block *blocks;
	struct vfw_bucket *buckets;
	void *records;
	u64 seed;
	u32 stateless;
	u32 n_tables;
	u32 n_blocks;
	u32 n_buckets;
	u32 n_records;
	u32 work;
};

/**
 * struct vfw_classifier - the compiled rules of a policy
 * @v4: the classes of IPv4, by direction
 * @v6: those of IPv6
 * @ranges: the lists of port ranges
 * @n_ranges: how many ranges
 */
struct vfw_classifier {
	struct vfw_class v4[2];
	struct vfw_class v6[2];
	struct vfw_range *ranges;
	u32 n_ranges;
};

void vfw_class_free(struct vfw_class *class);

/*
 * The hash. What a packet can do with it is to choose a bucket, and how long the longest is was
 * found, and bounded, when the table was built: nothing that arrives makes one longer. So it has
 * to spread, not to keep a secret. The seed is made from the rules: the same policy makes the
 * same tables on each host, and one that fits here fits where the VM moves to.
 */
#define VFW_HASH_MIX	0x9e3779b97f4a7c15ULL
#define VFW_HASH_END	0xd6e8feb86659fd93ULL

static inline u64 vfw_hash_mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * VFW_HASH_MIX;
	return hash ^ hash >> 32;
}

static inline u64 vfw_hash4(u64 seed, const u64 *words, const u64 *mask)
{
	return (vfw_hash_mix(seed, words[0] & mask[0]) ^ (words[1] & mask[1])) * VFW_HASH_END;
}

static inline u64 vfw_hash6(u64 seed, const u64 *words, const u64 *mask)
{
	seed = vfw_hash_mix(seed, words[0] & mask[0]);
	seed = vfw_hash_mix(seed, words[1] & mask[1]);
	seed = vfw_hash_mix(seed, words[2] & mask[2]);
	seed = vfw_hash_mix(seed, words[3] & mask[3]);
	return (seed ^ (words[4] & mask[4])) * VFW_HASH_END;
}

static inline u64 vfw_word_pack(u16 local_port, u16 remote_port, u32 word)
{
	return (u64)local_port << 48 | (u64)remote_port << 32 | word;
}

/* Two words of an IPv6 address, in host order. */
static inline u64 vfw_addr_word(const union vfw_addr *addr, int word)
{
	return (u64)ntohl((__force __be32)addr->words[word]) << 32 |
	       ntohl((__force __be32)addr->words[word + 1]);
}

/* The bits that a prefix leaves of one of the two words of an IPv6 address. */
static inline u64 vfw_mask_high(u8 prefix)
{
	return prefix >= 64 ? ~0ULL : ~(~0ULL >> prefix);
}

static inline u64 vfw_mask_low(u8 prefix)
{
	return prefix <= 64 ? 0 : ~0ULL << (128 - prefix);
}

#endif /* _VFW_CLASSIFY_TABLE_H */
