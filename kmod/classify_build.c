// SPDX-License-Identifier: GPL-2.0
/*
 * Compiling a policy: from rules to the records of each class, with what tables need to know of
 * them. classify_tree.c then makes the tables.
 */

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "classify.h"
#include "classify_build.h"
#include "main.h"

#define PIECES_MAX	4	/* records of one rule in one class, at most */
#define PIECE_BITS	4	/* leading bits of ports that are worth a record of their own */

static const struct vfw_range any_port = { 0, U16_MAX };

/* ICMP is of IPv4 and ICMPv6 of IPv6, also where the rule does not say so. */
static bool takes_family(const struct vfw_rule *rule, u8 family)
{
	if (rule->family != VFW_FAMILY_ANY)
		return rule->family == family;
	if (!(rule->flags & VFW_STATE_RULE_PROTOCOL))
		return true;
	if (rule->protocol == IPPROTO_ICMP)
		return family == VFW_FAMILY_IPV4;
	if (rule->protocol == IPPROTO_ICMPV6)
		return family == VFW_FAMILY_IPV6;
	return true;
}

static bool takes(const struct vfw_rule *rule, u8 dir, u8 family)
{
	return (rule->direction == VFW_DIRECTION_BOTH || rule->direction == dir) &&
	       takes_family(rule, family);
}

static void compile_word(struct vfw_match *match, const struct vfw_rule *rule)
{
	if (rule->flags & VFW_STATE_RULE_PROTOCOL) {
		match->word |= VFW_WORD_PROTOCOL(rule->protocol);
		match->mask |= VFW_WORD_PROTOCOL(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE) {
		match->word |= VFW_WORD_DETAIL | VFW_WORD_TYPE(rule->icmp_type);
		match->mask |= VFW_WORD_DETAIL | VFW_WORD_TYPE(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE) {
		match->word |= VFW_WORD_DETAIL | VFW_WORD_LOW(rule->icmp_code);
		match->mask |= VFW_WORD_DETAIL | VFW_WORD_LOW(0xff);
	}
	if (rule->flags & VFW_STATE_RULE_TCP_FLAGS) {
		match->word |= VFW_WORD_DETAIL | VFW_WORD_LOW(rule->tcp_flags);
		match->mask |= VFW_WORD_DETAIL | VFW_WORD_LOW(rule->tcp_flags_mask);
	}
}

static u32 list_length(u8 n_ranges)
{
	return n_ranges > 1 ? 1 + n_ranges : 0;
}

static u32 lists_length(const struct vfw_rule *rule)
{
	return list_length(rule->local_ranges) + list_length(rule->remote_ranges);
}

/**
 * struct pieces - the ports of one end of a rule, in parts that are a record each
 * @ports: of each part; a list when @list is set
 * @bits: leading bits that all ports of it have
 * @port: one of the ports
 * @n: how many parts
 * @list: there is but one part, of several ranges
 */
struct pieces {
	union vfw_ports ports[PIECES_MAX];
	u8 bits[PIECES_MAX];
	u16 port[PIECES_MAX];
	u8 n;
	bool list;
};

static u8 common_bits(struct vfw_range range)
{
	return 16 - fls(range.first ^ range.last);
}

static void add_piece(struct pieces *pieces, struct vfw_range range)
{
	pieces->ports[pieces->n].range = range;
	pieces->port[pieces->n] = range.first;
	pieces->bits[pieces->n++] = common_bits(range);
}

/* All ports in one part. */
static void take_whole(struct pieces *pieces, const struct vfw_range *ranges, u8 n, u32 list)
{
	struct vfw_range all = n ? ranges[0] : any_port;
	u8 i;

	for (i = 1; i < n; i++) {
		all.first = min(all.first, ranges[i].first);
		all.last = max(all.last, ranges[i].last);
	}
	*pieces = (struct pieces){};
	add_piece(pieces, all);
	if (n > 1) {
		pieces->list = true;
		pieces->ports[0].list = list;
	}
}

/*
 * 8000-8999 has two leading bits in common, 8000-8191 eight and 8192-8999 six: parted where the
 * first bit differs, a range can be in tables that hash these.
 */
static bool part_ranges(struct pieces *pieces, const struct vfw_range *ranges, u8 n)
{
	struct vfw_range low, high;
	u8 i, bits;

	*pieces = (struct pieces){};
	for (i = 0; i < n; i++) {
		if (pieces->n + 2 > PIECES_MAX)
			return false;
		bits = common_bits(ranges[i]);
		high = ranges[i];
		low = ranges[i];
		high.first = high.last & (0xffff8000u >> bits);
		low.last = high.first - 1;
		if (bits < PIECE_BITS && common_bits(low) >= PIECE_BITS &&
		    common_bits(high) >= PIECE_BITS) {
			add_piece(pieces, low);
			add_piece(pieces, high);
		} else if (n == 1 || bits >= PIECE_BITS) {
			add_piece(pieces, ranges[i]);
		} else {
			return false;
		}
	}
	return n;
}

static void part_rule(struct pieces *local, struct pieces *remote, const struct vfw_rule *rule,
		      u32 list, bool part)
{
	const struct vfw_range *ranges = rule->ranges;
	u8 n = rule->local_ranges;

	if (!part || !part_ranges(local, ranges, n))
		take_whole(local, ranges, n, list);
	list += list_length(n);
	ranges += n;
	n = rule->remote_ranges;
	if (!part || !part_ranges(remote, ranges, n))
		take_whole(remote, ranges, n, list);
	if (local->n * remote->n > PIECES_MAX)
		take_whole(remote, ranges, n, list);
}

static void compile_match(struct vfw_match *match, const struct vfw_rule *rule, u32 number)
{
	*match = (struct vfw_match){
		.number = number,
		.local_prefix = rule->local_prefix,
		.remote_prefix = rule->remote_prefix,
	};
	compile_word(match, rule);
}

static u8 known_word(const struct vfw_rule *rule)
{
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE)
		return 3;
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE)
		return 2;
	return rule->flags & VFW_STATE_RULE_PROTOCOL ? 1 : 0;
}

/* The addresses, as the key has them and the record. */
static void compile_addrs(struct vfw_build *build, const struct vfw_rule *rule, u64 *key)
{
	struct vfw_record4 *v4;
	struct vfw_record6 *v6;

	if (build->words == VFW_WORDS4) {
		v4 = (struct vfw_record4 *)build->records + build->n;
		v4->local = ntohl(rule->local.v4);
		v4->remote = ntohl(rule->remote.v4);
		key[0] = (u64)v4->local << 32 | v4->remote;
	} else {
		v6 = (struct vfw_record6 *)build->records + build->n;
		v6->local[0] = vfw_addr_word(&rule->local, 0);
		v6->local[1] = vfw_addr_word(&rule->local, 2);
		v6->remote[0] = vfw_addr_word(&rule->remote, 0);
		v6->remote[1] = vfw_addr_word(&rule->remote, 2);
		v6->pad = 0;
		memcpy(key, v6, sizeof(v6->local) + sizeof(v6->remote));
	}
}

/* Add one part of a rule to a class, as one more record. */
static void compile_piece(struct vfw_build *build, const struct vfw_rule *rule, u32 number,
			  const struct pieces *local, u8 i, const struct pieces *remote, u8 j)
{
	u64 *key = build->keys + (size_t)build->n * build->words;
	struct vfw_match *match = vfw_build_match(build, build->n);

	compile_match(match, rule, number);
	match->local = local->ports[i];
	match->remote = remote->ports[j];
	match->flags = (local->list ? VFW_RECORD_LOCAL : 0) |
		       (remote->list ? VFW_RECORD_REMOTE : 0);
	compile_addrs(build, rule, key);
	key[build->words - 1] = vfw_word_pack(local->port[i], remote->port[j], match->word);
	build->known[build->n] = (struct vfw_tuple){
		.bits = {
			[VFW_DIM_LOCAL] = rule->local_prefix,
			[VFW_DIM_REMOTE] = rule->remote_prefix,
			[VFW_DIM_LOCAL_PORT] = local->bits[i],
			[VFW_DIM_REMOTE_PORT] = remote->bits[j],
			[VFW_DIM_WORD] = known_word(rule),
		},
	};
	build->order[build->n] = build->n;
	build->n++;
}

static void compile_rule(struct vfw_build *build, const struct vfw_rule *rule, u32 number,
			 u32 list, bool part)
{
	struct pieces local, remote;
	u8 i, j;

	part_rule(&local, &remote, rule, list, part);
	for (i = 0; i < local.n; i++)
		for (j = 0; j < remote.n; j++)
			compile_piece(build, rule, number, &local, i, &remote, j);
}

/* Does one prefix hold all of another? Both as in the keys. */
static bool prefix_covers(const u64 *a, u8 a_bits, const u64 *b, u8 b_bits)
{
	return a_bits <= b_bits && !((a[0] ^ b[0]) & vfw_mask_high(a_bits)) &&
	       !((a[1] ^ b[1]) & vfw_mask_low(a_bits));
}

static bool addrs_cover(const struct vfw_build *build, u32 item, u32 later)
{
	const struct vfw_match *a = vfw_build_match(build, item);
	const struct vfw_match *b = vfw_build_match(build, later);
	const u64 *x = build->keys + (size_t)item * build->words;
	const u64 *y = build->keys + (size_t)later * build->words;
	u64 differ = x[0] ^ y[0];

	if (build->words == VFW_WORDS6)
		return prefix_covers(x, a->local_prefix, y, b->local_prefix) &&
		       prefix_covers(x + 2, a->remote_prefix, y + 2, b->remote_prefix);
	return a->local_prefix <= b->local_prefix && a->remote_prefix <= b->remote_prefix &&
	       !(differ >> 32 >> (32 - a->local_prefix)) &&
	       !((differ & U32_MAX) >> (32 - a->remote_prefix));
}

static const struct vfw_range *ranges_of(const struct vfw_build *build,
					 const union vfw_ports *ports, bool list, u32 *n)
{
	const struct vfw_range *ranges = build->ranges;

	*n = list ? ranges[ports->list].first : 1;
	return list ? ranges + ports->list + 1 : &ports->range;
}

/* Each range of b lies within one of a. */
static bool ranges_cover(const struct vfw_range *a, u32 n_a, const struct vfw_range *b, u32 n_b)
{
	u32 i, j;

	for (i = 0; i < n_b; i++) {
		for (j = 0; j < n_a; j++)
			if (a[j].first <= b[i].first && a[j].last >= b[i].last)
				break;
		if (j == n_a)
			return false;
	}
	return true;
}

static bool ports_cover(const struct vfw_build *build, const struct vfw_match *a,
			const struct vfw_match *b)
{
	const struct vfw_range *x, *y;
	u32 n_x, n_y;

	x = ranges_of(build, &a->local, a->flags & VFW_RECORD_LOCAL, &n_x);
	y = ranges_of(build, &b->local, b->flags & VFW_RECORD_LOCAL, &n_y);
	if (!ranges_cover(x, n_x, y, n_y))
		return false;
	x = ranges_of(build, &a->remote, a->flags & VFW_RECORD_REMOTE, &n_x);
	y = ranges_of(build, &b->remote, b->flags & VFW_RECORD_REMOTE, &n_y);
	return ranges_cover(x, n_x, y, n_y);
}

/**
 * vfw_record_covers() - does an earlier rule match whatever a later one matches?
 * @build: the class
 * @item: the earlier rule
 * @later: the later one
 *
 * Return: true when it does: then the later one never decides. False says nothing.
 */
bool vfw_record_covers(const struct vfw_build *build, u32 item, u32 later)
{
	const struct vfw_match *a = vfw_build_match(build, item);
	const struct vfw_match *b = vfw_build_match(build, later);

	return !(a->mask & ~b->mask) && !((a->word ^ b->word) & a->mask) &&
	       addrs_cover(build, item, later) && ports_cover(build, a, b);
}

static void build_free(struct vfw_build *build)
{
	kvfree(build->records);
	kvfree(build->keys);
	kvfree(build->known);
	kvfree(build->order);
	kvfree(build->scratch);
	kvfree(build->slots);
	kvfree(build->sample);
	kvfree(build->tables.data);
	kvfree(build->work.data);
	kvfree(build->blocks.data);
	kvfree(build->buckets.data);
	kvfree(build->nodes.data);
}

static void *array_alloc(size_t n, size_t size)
{
	return kvmalloc_array(n, size, GFP_KERNEL_ACCOUNT);
}

static int build_alloc(struct vfw_build *build, u32 n)
{
	build->records = array_alloc(n, build->record_size);
	build->keys = array_alloc(n, build->words * sizeof(*build->keys));
	build->known = array_alloc(n, sizeof(*build->known));
	build->order = array_alloc(n, sizeof(*build->order));
	build->scratch = array_alloc(n, sizeof(*build->scratch));
	build->slots = array_alloc(n, sizeof(*build->slots));
	build->sample = array_alloc(1, sizeof(*build->sample));
	build->tables.size = VFW_TABLE_SIZE(build->words);
	build->work.size = sizeof(u32);
	build->blocks.size = sizeof(struct vfw_block);
	build->buckets.size = sizeof(struct vfw_bucket);
	build->nodes.size = sizeof(struct vfw_node);
	return build->records && build->keys && build->known && build->order &&
	       build->scratch && build->slots && build->sample ? 0 : -ENOMEM;
}

/* The seed is made from what the class's rules say; see vfw_hash_mix(). */
static u64 make_seed(const struct vfw_build *build)
{
	u64 seed = build->n;
	u32 i;

	for (i = 0; i < build->n * build->words; i++) {
		seed = vfw_hash_mix(seed, build->keys[i]);
		vfw_build_pause(i);
	}
	return seed;
}

/* How many records the class of a direction and family has. */
static u32 count_class(const struct vfw_rule *rules, u32 n_rules, u8 dir, u8 family, bool part)
{
	struct pieces local, remote;
	u32 i, n = 0;

	for (i = 0; i < n_rules; i++) {
		if (takes(&rules[i], dir, family)) {
			part_rule(&local, &remote, &rules[i], 0, part);
			n += local.n * remote.n;
		}
		vfw_build_pause(i);
	}
	return n;
}

static void compile_class(struct vfw_build *build, const struct vfw_rule *rules, u32 n_rules,
			  u8 dir, u8 family, bool part)
{
	u32 i, list = 0;

	for (i = 0; i < n_rules; i++) {
		if (takes(&rules[i], dir, family)) {
			compile_rule(build, &rules[i], i + 1, list, part);
			if (rules[i].flags & VFW_STATE_RULE_STATELESS)
				build->class->stateless = i + 1;
		}
		list += lists_length(&rules[i]);
		vfw_build_pause(i);
	}
	build->class->seed = make_seed(build);
}

static int build_class(struct vfw_classifier *classifier, const struct vfw_rule *rules,
		       u32 n_rules, u8 dir, u8 family, bool part)
{
	bool v4 = family == VFW_FAMILY_IPV4;
	struct vfw_build build = {
		.class = v4 ? &classifier->v4[dir] : &classifier->v6[dir],
		.ranges = classifier->ranges,
		.words = v4 ? VFW_WORDS4 : VFW_WORDS6,
		.record_size = v4 ? sizeof(struct vfw_record4) : sizeof(struct vfw_record6),
	};
	u32 n = count_class(rules, n_rules, dir, family, part);
	int err;

	if (!n)
		return 0;
	err = build_alloc(&build, n);
	if (!err) {
		compile_class(&build, rules, n_rules, dir, family, part);
		err = vfw_tree_build(&build);
	}
	build_free(&build);
	return err;
}

/*
 * With rules in parts; without if a packet could then cost more than a look at each of the rules,
 * which are fewer than their parts, or too much.
 */
static int try_class(struct vfw_classifier *classifier, const struct vfw_rule *rules,
		     u32 n_rules, u8 dir, u8 family)
{
	struct vfw_class *class = family == VFW_FAMILY_IPV4 ? &classifier->v4[dir] :
							      &classifier->v6[dir];
	u32 n = count_class(rules, n_rules, dir, family, false);
	int err;

	err = build_class(classifier, rules, n_rules, dir, family, true);
	if (err || class->work <= min(n, VFW_WORK_MAX))
		return err;
	vfw_class_free(class);
	*class = (struct vfw_class){};
	err = build_class(classifier, rules, n_rules, dir, family, false);
	if (err || class->work <= VFW_WORK_MAX)
		return err;
	return -E2BIG;
}

static void put_list(struct vfw_range **at, const struct vfw_range *ranges, u8 n)
{
	if (n < 2)
		return;
	*(*at)++ = (struct vfw_range){ .first = n };
	memcpy(*at, ranges, n * sizeof(*ranges));
	*at += n;
}

static int build_ranges(struct vfw_classifier *classifier, const struct vfw_rule *rules,
			u32 n_rules)
{
	struct vfw_range *at;
	u32 i;

	for (i = 0; i < n_rules; i++) {
		classifier->n_ranges += lists_length(&rules[i]);
		vfw_build_pause(i);
	}
	at = array_alloc(classifier->n_ranges, sizeof(*at));
	if (!at)
		return -ENOMEM;
	classifier->ranges = at;
	for (i = 0; i < n_rules; i++) {
		put_list(&at, rules[i].ranges, rules[i].local_ranges);
		put_list(&at, rules[i].ranges + rules[i].local_ranges, rules[i].remote_ranges);
		vfw_build_pause(i);
	}
	return 0;
}

static int build_classes(struct vfw_classifier *classifier, const struct vfw_rule *rules,
			 u32 n_rules)
{
	u8 dir;
	int err;

	err = build_ranges(classifier, rules, n_rules);
	for (dir = 0; dir < 2 && !err; dir++) {
		err = try_class(classifier, rules, n_rules, dir, VFW_FAMILY_IPV4);
		if (!err)
			err = try_class(classifier, rules, n_rules, dir, VFW_FAMILY_IPV6);
	}
	return err;
}

/**
 * vfw_classifier_build() - compile rules
 * @rules: rules that vfw_rule_check() found nothing wrong with; not needed afterwards
 * @n_rules: how many
 *
 * Context: process; may sleep.
 * Return: the classifier, to be freed by vfw_classifier_free(), or an error pointer: -ENOMEM, or
 *	-E2BIG when a packet could cost more than VFW_WORK_MAX.
 */
struct vfw_classifier *vfw_classifier_build(const struct vfw_rule *rules, u32 n_rules)
{
	struct vfw_classifier *classifier;
	int err;

	classifier = kzalloc_obj(*classifier, GFP_KERNEL_ACCOUNT);
	if (!classifier)
		return ERR_PTR(-ENOMEM);
	err = build_classes(classifier, rules, n_rules);
	if (!err)
		return classifier;
	vfw_classifier_free(classifier);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_VFW_TEST(vfw_classifier_build);
