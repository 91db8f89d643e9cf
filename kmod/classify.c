// SPDX-License-Identifier: GPL-2.0
/*
 * The classifier: finds the first rule that matches a packet.
 *
 * Theory of operation
 *
 * The rules are compiled into four classes, one for each direction and family; a rule for both
 * directions, or any family, stands in several. A rule is a record there, which holds no more
 * than what is compared: 32 bytes of IPv4, 64 of IPv6. The number of a rule is its place in the
 * policy, from 1; the lowest number that matches is what is looked for. A rule whose ports would
 * tell tables little (8000-8999 has but two leading bits in common) is up to four records instead,
 * each with a part of the ports.
 *
 * The records of a class are spread over hash tables. A table hashes some bits of a packet, the
 * same of each: so many leading bits of both addresses and both ports, and perhaps the protocol
 * or the ICMP type. A rule can be in a table if it fixes all of these bits; then it can match
 * only such packets as lead to its bucket. A packet is looked up in all tables, in the bucket that
 * it leads to, and the lowest number wins. This is tuple space search (V. Srinivasan, S. Suri,
 * G. Varghese, "Packet Classification using Tuple Space Search", SIGCOMM 1999) with tables that
 * take rules of many tuples, as in TupleMerge (J. Daly et al., "TupleMerge: Fast Software Packet
 * Processing for Online Packet Classification", IEEE/ACM Transactions on Networking 27(4), 2019).
 * Other than there all rules are known beforehand, and so
 *
 * - the tuples are chosen for what they cost a packet (classify_tuple.c);
 * - a bucket that is long is itself spread over tables of more bits, which only the packets that
 *   come to that bucket are looked up in (classify_tree.c);
 * - nothing is linked: buckets are parts of one array of records;
 * - rules that an earlier one of their bucket covers are left out.
 *
 * What few rules are left over, or all if there are few, are a list that each packet is compared
 * with. Tables and lists that stand side by side are in the order of the lowest number in them,
 * and records of a bucket in that of their numbers: once a match is found, nothing is touched
 * that could only have higher ones.
 *
 * A look-up waits for memory more than it computes, so a slot is one bit. Of the eight slots or
 * more that there are for each rule most are empty, and that is all there is to learn of them; the
 * bits of a thousand rules are 1 KiB with the number of each 64 slots' first bucket. A slot that
 * has a bucket leads to it by counting the bits before:
 *
 *	table          block (64 slots)            bucket            records
 *	+---------+    +--------------------+      +-----------+     +----+----+----+
 *	| mask    |    | 0100100000...00010 |      | lowest nr |     | 12 | 57 | 80 |
 *	| first   |--->| first bucket       |----->| first ----|---->+----+----+----+
 *	| lowest  |    +--------------------+      +-----------+       or tables again
 *	+---------+         one bit of it
 *
 * Example: rule 7, "in ipv4 tcp, remote 192.0.2.0/24, local ports 80 and 443", is two records among
 * those of IPv4 inwards, both number 7: remote 192.0.2.0, 24 bits of it; word 6 << 24 under
 * 0xff << 24; the local port 80 in one, 443 in the other; the remote ports 0 to 65535. They can be
 * in tables that hash at most 24 bits of the remote address, none of the local one, all 16 of the
 * local port, none of the remote one, and the protocol. A packet from 192.0.2.9 to port 443 leads
 * to the bucket of the second in each of these.
 *
 * The bound: what the worst packet can meet, tables and records, is added up when a class is
 * built. More than VFW_WORK_MAX, and it is built anew with each rule as one record; still more,
 * and it is refused. No set of fewer rules can have more, since a table is made only if it has two
 * buckets or more; it takes rules whose bits are all free (wide ranges of ports, short prefixes)
 * and none of which covers another, by thousands. Tables are made from rules, and from nothing
 * that a packet brings.
 */

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "classify.h"
#include "classify_table.h"
#include "main.h"

/**
 * struct packet_key - a packet as tables and records compare it, host order
 * @words: what is hashed; VFW_WORDS4 or VFW_WORDS6
 * @word: the fields of fixed width
 * @local_port: port of the VM's end
 * @remote_port: port of the far end
 */
struct packet_key {
	u64 words[VFW_WORDS6];
	u32 word;
	u16 local_port;
	u16 remote_port;
};

/**
 * vfw_prefix_mask() - the mask of a prefix
 * @prefix: its length in bits, at most 128; of IPv4 at most 32
 *
 * Return: the mask; network order, as an address.
 */
union vfw_addr vfw_prefix_mask(u8 prefix)
{
	union vfw_addr mask = {};
	int i, bits;

	for (i = 0; i < ARRAY_SIZE(mask.words); i++) {
		bits = clamp(prefix - 32 * i, 0, 32);
		if (bits)
			mask.words[i] = (__force u32)htonl(~0u << (32 - bits));
	}
	return mask;
}
EXPORT_SYMBOL_VFW_TEST(vfw_prefix_mask);

/**
 * vfw_class_free() - free what a class has
 * @class: the class, complete or not
 *
 * Context: process; may sleep.
 */
void vfw_class_free(struct vfw_class *class)
{
	kvfree(class->tables);
	kvfree(class->blocks);
	kvfree(class->buckets);
	kvfree(class->records);
}

/**
 * vfw_classifier_free() - free a classifier that nobody can be reading
 * @classifier: the classifier
 *
 * Context: process; may sleep.
 */
void vfw_classifier_free(struct vfw_classifier *classifier)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		vfw_class_free(&classifier->v4[dir]);
		vfw_class_free(&classifier->v6[dir]);
	}
	kvfree(classifier->ranges);
	kfree(classifier);
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_free);

static size_t class_memory(const struct vfw_class *class, u32 words, size_t record)
{
	return class->n_tables * VFW_TABLE_SIZE(words) +
	       class->n_blocks * sizeof(struct vfw_block) +
	       class->n_buckets * sizeof(struct vfw_bucket) + class->n_records * record;
}

/**
 * vfw_classifier_memory() - how much memory a classifier takes
 * @classifier: the classifier
 *
 * Return: bytes.
 */
size_t vfw_classifier_memory(const struct vfw_classifier *classifier)
{
	size_t bytes = sizeof(*classifier) + classifier->n_ranges * sizeof(struct vfw_range);
	int dir;

	for (dir = 0; dir < 2; dir++)
		bytes += class_memory(&classifier->v4[dir], VFW_WORDS4,
				      sizeof(struct vfw_record4)) +
			 class_memory(&classifier->v6[dir], VFW_WORDS6,
				      sizeof(struct vfw_record6));
	return bytes;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_memory);

/**
 * vfw_classifier_work() - how much a packet can cost
 * @classifier: the classifier
 *
 * Return: the most tables and records, together, that a look-up can touch.
 */
u32 vfw_classifier_work(const struct vfw_classifier *classifier)
{
	u32 work = 0;
	int dir;

	for (dir = 0; dir < 2; dir++)
		work = max3(work, classifier->v4[dir].work, classifier->v6[dir].work);
	return work;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_work);

static u32 packet_word(const struct vfw_packet *pkt)
{
	u32 word = VFW_WORD_PROTOCOL(pkt->key.protocol);

	if (pkt->kind == VFW_PACKET_ICMP_ERROR)
		return word;
	switch (pkt->key.protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return word | VFW_WORD_DETAIL | VFW_WORD_TYPE(pkt->icmp_type) |
		       VFW_WORD_LOW(pkt->icmp_code);
	case IPPROTO_TCP:
		return word | VFW_WORD_DETAIL | VFW_WORD_LOW(pkt->tcp.flags);
	default:
		return word;
	}
}

static void make_key(struct packet_key *key, const struct vfw_packet *pkt)
{
	u64 last;

	key->word = packet_word(pkt);
	key->local_port = ntohs(pkt->key.local_port);
	key->remote_port = ntohs(pkt->key.remote_port);
	last = vfw_word_pack(key->local_port, key->remote_port, key->word);
	if (pkt->key.family == VFW_FAMILY_IPV4) {
		key->words[0] = (u64)ntohl(pkt->key.local.v4) << 32 | ntohl(pkt->key.remote.v4);
		key->words[1] = last;
		return;
	}
	key->words[0] = vfw_addr_word(&pkt->key.local, 0);
	key->words[1] = vfw_addr_word(&pkt->key.local, 2);
	key->words[2] = vfw_addr_word(&pkt->key.remote, 0);
	key->words[3] = vfw_addr_word(&pkt->key.remote, 2);
	key->words[4] = last;
}

static bool range_has(struct vfw_range range, u16 port)
{
	return (u16)(port - range.first) <= (u16)(range.last - range.first);
}

static bool ports_have(const struct vfw_range *ranges, union vfw_ports ports, bool list, u16 port)
{
	u32 i;

	if (!list)
		return range_has(ports.range, port);
	ranges += ports.list;
	for (i = 1; i <= ranges->first; i++)
		if (range_has(ranges[i], port))
			return true;
	return false;
}

static __always_inline bool ports_match(const struct vfw_range *ranges,
					const struct vfw_match *match,
					const struct packet_key *key)
{
	bool local = match->flags & VFW_RECORD_LOCAL, remote = match->flags & VFW_RECORD_REMOTE;

	if (likely(!local && !remote))
		return range_has(match->local.range, key->local_port) &&
		       range_has(match->remote.range, key->remote_port);
	return ports_have(ranges, match->local, local, key->local_port) &&
	       ports_have(ranges, match->remote, remote, key->remote_port);
}

static __always_inline bool match4(const struct vfw_range *ranges,
				   const struct vfw_record4 *record,
				   const struct packet_key *key)
{
	u64 local = record->local ^ (u32)(key->words[0] >> 32);
	u64 remote = record->remote ^ (u32)key->words[0];
	const struct vfw_match *match = &record->match;

	if (((key->word ^ match->word) & match->mask) |
	    local >> (32 - match->local_prefix) | remote >> (32 - match->remote_prefix))
		return false;
	return ports_match(ranges, match, key);
}

static __always_inline u64 differ6(const u64 *a, const u64 *b, u8 prefix)
{
	return ((a[0] ^ b[0]) & vfw_mask_high(prefix)) | ((a[1] ^ b[1]) & vfw_mask_low(prefix));
}

static __always_inline bool match6(const struct vfw_range *ranges,
				   const struct vfw_record6 *record,
				   const struct packet_key *key)
{
	const struct vfw_match *match = &record->match;

	if (((key->word ^ match->word) & match->mask) |
	    differ6(record->local, key->words, match->local_prefix) |
	    differ6(record->remote, key->words + 2, match->remote_prefix))
		return false;
	return ports_match(ranges, match, key);
}

/* The first match among the records from @first to the last of the bucket, if below @best. */
static u32 scan4(const struct vfw_class *class, const struct vfw_range *ranges, u32 first,
		 const struct packet_key *key, u32 best)
{
	const struct vfw_record4 *record = (const struct vfw_record4 *)class->records + first;

	for (;; record++) {
		if (record->match.number >= best)
			return best;
		if (match4(ranges, record, key))
			return record->match.number;
		if (record->match.flags & VFW_RECORD_LAST)
			return best;
	}
}

static u32 scan6(const struct vfw_class *class, const struct vfw_range *ranges, u32 first,
		 const struct packet_key *key, u32 best)
{
	const struct vfw_record6 *record = (const struct vfw_record6 *)class->records + first;

	for (;; record++) {
		if (record->match.number >= best)
			return best;
		if (match6(ranges, record, key))
			return record->match.number;
		if (record->match.flags & VFW_RECORD_LAST)
			return best;
	}
}

/* The bucket of a table for a packet, or NULL. */
static __always_inline const struct vfw_bucket *
find_bucket(const struct vfw_class *class, const struct vfw_table *table,
	    const struct packet_key *key, bool v6)
{
	const struct vfw_block *block;
	u64 hash, below;

	hash = v6 ? vfw_hash6(class->seed, key->words, table->mask) :
		    vfw_hash4(class->seed, key->words, table->mask);
	hash >>= table->shift;
	block = &class->blocks[table->first + (hash >> 6)];
	below = block->bits >> (hash & 63);
	if (!(below & 1))
		return NULL;
	/* The bits from the slot's own upwards are not counted. */
	below = hash & 63 ? block->bits << (64 - (hash & 63)) : 0;
	return &class->buckets[block->base + hweight64(below)];
}

/* Both families are this, with what depends on the family decided when it is compiled. */
static __always_inline u32 find(const struct vfw_class *class, const struct vfw_range *ranges,
				const struct packet_key *key, u32 best, bool v6)
{
	const size_t size = VFW_TABLE_SIZE(v6 ? VFW_WORDS6 : VFW_WORDS4);
	const struct vfw_table *table = class->tables;
	const struct vfw_table *up[VFW_DEPTH];
	const struct vfw_bucket *bucket;
	int depth = 0;
	u32 first;

	for (;;) {
		/* Tables stand in the order of their best: with this one, all after it are out. */
		if (table->best >= best)
			goto up;
		first = table->first;
		if (table->shift) {
			bucket = find_bucket(class, table, key, v6);
			if (!bucket || bucket->best >= best)
				goto next;
			first = bucket->first;
			if (first & VFW_BUCKET_TABLES) {
				up[depth++] = table;
				table = class->tables + size * (first & ~VFW_BUCKET_TABLES);
				continue;
			}
		}
		best = v6 ? scan6(class, ranges, first, key, best) :
			    scan4(class, ranges, first, key, best);
next:
		if (!table->last) {
			table = (const void *)table + size;
			continue;
		}
up:
		if (!depth)
			return best;
		table = up[--depth];
		goto next;
	}
}

static u32 find4(const struct vfw_class *class, const struct vfw_range *ranges,
		 const struct packet_key *key, u32 best)
{
	return find(class, ranges, key, best, false);
}

static u32 find6(const struct vfw_class *class, const struct vfw_range *ranges,
		 const struct packet_key *key, u32 best)
{
	return find(class, ranges, key, best, true);
}

static const struct vfw_class *class_of(const struct vfw_classifier *classifier,
					const struct vfw_packet *pkt)
{
	if (pkt->key.family == VFW_FAMILY_IPV4)
		return &classifier->v4[pkt->dir];
	if (pkt->key.family == VFW_FAMILY_IPV6)
		return &classifier->v6[pkt->dir];
	return NULL;
}

static u32 find_below(const struct vfw_classifier *classifier, const struct vfw_class *class,
		      const struct vfw_packet *pkt, u32 limit)
{
	struct packet_key key;
	u32 best;

	make_key(&key, pkt);
	best = pkt->key.family == VFW_FAMILY_IPV4 ?
	       find4(class, classifier->ranges, &key, limit) :
	       find6(class, classifier->ranges, &key, limit);
	return best < limit ? best : 0;
}

/**
 * vfw_classifier_find() - find the first rule that matches a packet
 * @classifier: the rules, compiled
 * @pkt: the packet, parsed
 *
 * Context: any, under what keeps @classifier.
 * Return: the number of the rule, from 1; 0 when none matches.
 */
u32 vfw_classifier_find(const struct vfw_classifier *classifier, const struct vfw_packet *pkt)
{
	const struct vfw_class *class = class_of(classifier, pkt);

	return class && class->tables ? find_below(classifier, class, pkt, U32_MAX) : 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_find);

/**
 * vfw_classifier_find_stateless() - find the first rule that matches, among those up to the last
 *	stateless one
 * @classifier: the rules, compiled
 * @pkt: the packet, parsed
 *
 * Tells whether a stateless rule decides on a packet, and looks at no rule that cannot come
 * before one: where the packet's direction and family have no stateless rules, at none.
 *
 * Context: any, under what keeps @classifier.
 * Return: the number of the rule, stateless or not, from 1; 0 when no rule matches, or only rules
 *	match that come after the last stateless one.
 */
u32 vfw_classifier_find_stateless(const struct vfw_classifier *classifier,
				  const struct vfw_packet *pkt)
{
	const struct vfw_class *class = class_of(classifier, pkt);

	if (!class || !class->stateless)
		return 0;
	return find_below(classifier, class, pkt, class->stateless + 1);
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_find_stateless);
