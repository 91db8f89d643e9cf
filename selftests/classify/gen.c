// SPDX-License-Identifier: GPL-2.0
/*
 * Random rules that overlap as those of real access lists, firewalls and hosts do, others that
 * are meant to be hard, and packets for them. All follows from a seed.
 */

#include "gen.h"

#define NETWORKS	4096	/* prefixes that others lie in */

/**
 * struct style - what the rules of a set are like; weights
 * @name: of the style
 * @bits: of prefix lengths 0, 8-16, 17-24, 25-31 and 32 (of IPv6, times 4), local and remote
 * @ports: of ports: any, one, 1024-65535, 0-1023, a range, several; local and remote
 * @protocols: TCP, UDP, ICMP, any
 * @few: of addresses and ports there are only so few that rules meet
 * @both: also the other direction, any family, and rules without state
 */
struct style {
	const char *name;
	u8 bits[2][5];
	u8 ports[2][6];
	u8 protocols[4];
	bool few;
	bool both;
};

const char *const style_names[] = { "acl", "fw", "ipc", "mixed", "few", "ranges", NULL };

static const struct style styles[] = {
	{ "acl", { { 1, 2, 25, 12, 60 }, { 30, 15, 40, 5, 10 } },
	  { { 15, 65, 4, 2, 12, 2 }, { 94, 1, 5, 0, 0, 0 } }, { 75, 21, 1, 3 }, false, false },
	{ "fw", { { 35, 20, 25, 3, 17 }, { 45, 22, 20, 0, 13 } },
	  { { 30, 25, 22, 5, 18, 0 }, { 45, 12, 30, 3, 10, 0 } }, { 52, 27, 2, 19 }, false, false },
	{ "ipc", { { 12, 13, 30, 10, 35 }, { 18, 14, 30, 8, 30 } },
	  { { 35, 33, 14, 4, 12, 2 }, { 50, 22, 18, 2, 8, 0 } }, { 57, 30, 2, 11 }, false, false },
	{ "mixed", { { 20, 20, 20, 20, 20 }, { 20, 20, 20, 20, 20 } },
	  { { 30, 20, 10, 10, 20, 10 }, { 30, 20, 10, 10, 20, 10 } }, { 30, 30, 20, 20 },
	  false, true },
	{ "few", { { 20, 20, 20, 20, 20 }, { 20, 20, 20, 20, 20 } },
	  { { 30, 20, 10, 10, 20, 10 }, { 30, 20, 10, 10, 20, 10 } }, { 30, 30, 20, 20 },
	  true, true },
	{ "ranges", { { 60, 20, 20, 0, 0 }, { 60, 20, 20, 0, 0 } },
	  { { 0, 5, 5, 5, 70, 15 }, { 20, 5, 5, 5, 60, 5 } }, { 50, 50, 0, 0 }, false, false },
};

static u64 state[2];
static union vfw_addr networks[2][NETWORKS];

/* xorshift128+ (S. Vigna, 2014). */
static u64 next(void)
{
	u64 a = state[0], b = state[1];

	state[0] = b;
	a ^= a << 23;
	state[1] = a ^ b ^ a >> 18 ^ b >> 5;
	return state[1] + b;
}

void gen_seed(u64 seed)
{
	int i;

	state[0] = seed * 0x9e3779b97f4a7c15ULL + 1;
	state[1] = seed ^ 0x1234567;
	for (i = 0; i < 20; i++)
		next();
}

u32 gen_below(u32 n)
{
	return (next() >> 32) * n >> 32;
}

static u32 weighted(const u8 *weights, u32 n)
{
	u32 i, sum = 0, at;

	for (i = 0; i < n; i++)
		sum += weights[i];
	at = gen_below(sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

static void keep_bits(union vfw_addr *addr, u8 bits)
{
	union vfw_addr mask = vfw_prefix_mask(bits);
	int i;

	for (i = 0; i < 4; i++)
		addr->words[i] &= mask.words[i];
}

/* Bits from @from up to @to at random. */
static void fill_bits(union vfw_addr *addr, u8 from, u8 to)
{
	u8 *bytes = (u8 *)addr;
	int i;

	for (i = from; i < to; i++)
		if (gen_below(2))
			bytes[i / 8] ^= 0x80 >> i % 8;
}

static void make_networks(bool v6, bool few)
{
	u8 bits = v6 ? 128 : 32;
	u32 side, i;

	memset(networks, 0, sizeof(networks));
	for (side = 0; side < 2; side++)
		for (i = 0; i < NETWORKS; i++) {
			u32 up = gen_below(i + 1);

			networks[side][i] = networks[side][up];
			if (i < 8)
				fill_bits(&networks[side][i], 0, few ? 2 : bits / 4);
			else if (few)
				fill_bits(&networks[side][i], bits - 2, bits);
			else
				fill_bits(&networks[side][i], bits / 4 + gen_below(bits / 2),
					  bits / 4 * 3);
		}
}

static u8 random_prefix(const struct style *style, int side, u8 bits)
{
	static const u8 ends[5][2] = { { 0, 0 }, { 8, 16 }, { 17, 24 }, { 25, 31 }, { 32, 32 } };
	u32 class = weighted(style->bits[side], 5);
	u8 from = ends[class][0] * (bits / 32), to = ends[class][1] * (bits / 32);

	/* Lengths at the end of a byte are more common than others. */
	return gen_below(2) ? to : from + gen_below(to - from + 1);
}

static union vfw_addr random_addr(int side, u8 prefix, bool few)
{
	union vfw_addr addr = networks[side][gen_below(few ? 16 : NETWORKS)];

	if (!few && prefix > 20)
		fill_bits(&addr, prefix - 12, prefix);
	keep_bits(&addr, prefix);
	return addr;
}

static struct vfw_range random_range(const struct style *style, u32 class)
{
	static const u16 known[] = { 80, 443, 22, 53, 25, 3306, 8080, 21, 110, 143, 389, 5432 };
	u32 first = style->few ? gen_below(20) * 3277 : gen_below(65536), length;

	switch (class) {
	case 1:
		first = gen_below(2) ? known[gen_below(ARRAY_SIZE(known))] : first;
		return (struct vfw_range){ first, first };
	case 2:
		return (struct vfw_range){ 1024, 65535 };
	case 3:
		return (struct vfw_range){ 0, 1023 };
	default:
		length = gen_below(4) ? gen_below(1000) : gen_below(30000);
		return (struct vfw_range){ first, min(first + length, 65535U) };
	}
}

static u8 random_ranges(const struct style *style, int side, struct vfw_range *ranges)
{
	u32 class = weighted(style->ports[side], 6);
	u8 i, n;

	if (!class)
		return 0;
	n = class == 5 ? 2 + gen_below(4) : 1;
	for (i = 0; i < n; i++)
		ranges[i] = random_range(style, class == 5 && gen_below(3) ? 1 : class);
	return n;
}

static void random_protocol(struct vfw_rule *rule, const struct style *style, bool v6)
{
	u32 class = weighted(style->protocols, 4);

	if (class == 3)
		return;
	rule->flags |= VFW_STATE_RULE_PROTOCOL;
	if (class == 2) {
		rule->protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		rule->flags |= gen_below(2) ? VFW_STATE_RULE_ICMP_TYPE : 0;
		rule->icmp_type = rule->flags & VFW_STATE_RULE_ICMP_TYPE ? gen_below(4) : 0;
		if (rule->flags & VFW_STATE_RULE_ICMP_TYPE && gen_below(2)) {
			rule->flags |= VFW_STATE_RULE_ICMP_CODE;
			rule->icmp_code = gen_below(3);
		}
		return;
	}
	rule->protocol = class ? IPPROTO_UDP : IPPROTO_TCP;
	if (style->both && !class && !gen_below(8)) {
		rule->flags |= VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS;
		rule->tcp_flags_mask = 1 << gen_below(5) | 1 << gen_below(5);
		rule->tcp_flags = gen_below(256) & rule->tcp_flags_mask;
	}
	rule->local_ranges = random_ranges(style, 0, rule->ranges);
	rule->remote_ranges = random_ranges(style, 1, rule->ranges + rule->local_ranges);
}

static void random_rule(struct vfw_rule *rule, struct vfw_range *ranges,
			const struct style *style, bool v6)
{
	u8 bits = v6 ? 128 : 32;

	*rule = (struct vfw_rule){
		.family = v6 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
		.direction = style->both ? gen_below(3) : VFW_DIRECTION_IN,
		.ranges = ranges,
	};
	random_protocol(rule, style, v6);
	rule->local_prefix = random_prefix(style, 0, bits);
	rule->remote_prefix = random_prefix(style, 1, bits);
	if (rule->local_prefix) {
		rule->flags |= VFW_STATE_RULE_LOCAL;
		rule->local = random_addr(0, rule->local_prefix, style->few);
	}
	if (rule->remote_prefix) {
		rule->flags |= VFW_STATE_RULE_REMOTE;
		rule->remote = random_addr(1, rule->remote_prefix, style->few);
	}
	if (style->both && !rule->local_prefix && !rule->remote_prefix && gen_below(2))
		rule->family = VFW_FAMILY_ANY;
}

/* Rules that match all, or nearly, would leave the others nothing to decide. */
static bool too_wide(const struct vfw_rule *rule)
{
	return rule->local_prefix + rule->remote_prefix < 8 && !rule->local_ranges;
}

static u32 special(const struct vfw_rule *rule)
{
	u32 scale = rule->family == VFW_FAMILY_IPV6 ? 4 : 1;

	return (rule->local_prefix + rule->remote_prefix) / scale +
	       (rule->local_ranges ? 12 : 0) + (rule->remote_ranges ? 12 : 0) +
	       (rule->flags & VFW_STATE_RULE_PROTOCOL ? 4 : 0);
}

struct place { u32 key, index; };

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* The special ones mostly come before those that would cover them. */
static void order_rules(struct set *set)
{
	struct vfw_rule *rules = malloc(set->n * sizeof(*rules));
	struct place *places = malloc(set->n * sizeof(*places));
	u32 i;

	for (i = 0; i < set->n; i++)
		places[i] = (struct place){ 200 - special(&set->rules[i]) + gen_below(20), i };
	qsort(places, set->n, sizeof(*places), by_key);
	for (i = 0; i < set->n; i++)
		rules[i] = set->rules[places[i].index];
	memcpy(set->rules, rules, set->n * sizeof(*rules));
	free(places);
	free(rules);
}

void gen_set(struct set *set, const char *name, u32 n, bool v6)
{
	const struct style *style = styles;
	u32 i;

	while (strcmp(style->name, name))
		style++;
	make_networks(v6, style->few);
	set->n = n;
	set->rules = calloc(n + 1, sizeof(*set->rules));
	set->ranges = calloc(n + 1, sizeof(*set->ranges));
	for (i = 0; i < n; i++)
		do
			random_rule(&set->rules[i], set->ranges[i], style, v6);
		while (!style->few && too_wide(&set->rules[i]));
	order_rules(set);
}

void gen_free(struct set *set)
{
	free(set->rules);
	free(set->ranges);
}

static u16 random_port(const struct vfw_range *ranges, u8 n)
{
	struct vfw_range range = { 0, 65535 };

	if (n)
		range = ranges[gen_below(n)];
	switch (gen_below(8)) {
	case 0:
		return range.first;
	case 1:
		return range.last;
	default:
		return range.first + gen_below(range.last - range.first + 1);
	}
}

static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 47 };

/* A packet that a rule matches, if no earlier one does. */
static void packet_of(struct vfw_packet *pkt, const struct vfw_rule *rule, bool v6)
{
	u8 bits = v6 ? 128 : 32;

	*pkt = (struct vfw_packet){
		.dir = rule->direction == VFW_DIRECTION_BOTH ? gen_below(2) : rule->direction,
		.key.family = v6 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
		.key.protocol = rule->flags & VFW_STATE_RULE_PROTOCOL ?
				rule->protocol : protocols[gen_below(ARRAY_SIZE(protocols))],
		.icmp_type = rule->icmp_type,
		.icmp_code = rule->icmp_code,
		.tcp.flags = rule->tcp_flags | (gen_below(256) & ~rule->tcp_flags_mask),
	};
	pkt->key.local = rule->local;
	pkt->key.remote = rule->remote;
	fill_bits(&pkt->key.local, rule->local_prefix, bits);
	fill_bits(&pkt->key.remote, rule->remote_prefix, bits);
	pkt->key.local_port = htons(random_port(rule->ranges, rule->local_ranges));
	pkt->key.remote_port = htons(random_port(rule->ranges + rule->local_ranges,
						 rule->remote_ranges));
}

void gen_packet(struct vfw_packet *pkt, const struct set *set, enum aim aim, bool v6)
{
	u32 from = aim == AIM_END ? set->n - (set->n + 19) / 20 : 0;
	u8 bits = v6 ? 128 : 32;

	packet_of(pkt, &set->rules[from + gen_below(set->n - from)], v6);
	if (aim != AIM_NONE)
		return;
	/* One that would match, but for some bits. */
	fill_bits(&pkt->key.local, gen_below(bits), bits);
	fill_bits(&pkt->key.remote, gen_below(bits), bits);
	if (gen_below(2))
		pkt->key.local_port = htons(gen_below(65536));
	if (!gen_below(8))
		pkt->key.protocol = protocols[gen_below(ARRAY_SIZE(protocols))];
	pkt->kind = gen_below(10) ? VFW_PACKET_FLOW : VFW_PACKET_ICMP_ERROR;
}

/* Reading of what rulegen.py writes: policies in text, and packets with the rule they match. */

static u8 read_protocol(const char *word)
{
	static const struct { const char *name; u8 number; } names[] = {
		{ "tcp", 6 }, { "udp", 17 }, { "icmp", 1 }, { "icmpv6", 58 }, { "gre", 47 },
		{ "esp", 50 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, word))
			return names[i].number;
	return 0;
}

static u8 read_addr(const char *text, union vfw_addr *addr, u8 *family)
{
	char copy[64], *slash;
	bool v6 = strchr(text, ':');

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = 0;
	inet_pton(v6 ? AF_INET6 : AF_INET, copy, addr);
	*family = v6 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
	return slash ? atoi(slash) : v6 ? 128 : 32;
}

static void read_rule(struct vfw_rule *rule, char *line)
{
	struct vfw_range range, local = {}, remote = {};
	char *word = strtok(line, "\n ");
	int n, side = 0;

	word = strtok(NULL, "\n ");
	rule->direction = !strcmp(word, "in") ? VFW_DIRECTION_IN :
			  !strcmp(word, "out") ? VFW_DIRECTION_OUT : VFW_DIRECTION_BOTH;
	while ((word = strtok(NULL, "\n "))) {
		if (!strcmp(word, "ipv4")) {
			rule->family = VFW_FAMILY_IPV4;
		} else if (!strcmp(word, "ipv6")) {
			rule->family = VFW_FAMILY_IPV6;
		} else if (!strcmp(word, "local") || !strcmp(word, "remote")) {
			side = word[0] == 'r';
		} else if (!strcmp(word, "port")) {
			word = strtok(NULL, "\n ");
			n = sscanf(word, "%hu-%hu", &range.first, &range.last);
			range.last = n == 2 ? range.last : range.first;
			*(side ? &remote : &local) = range;
			*(side ? &rule->remote_ranges : &rule->local_ranges) = 1;
		} else if (strchr(word, '.') || strchr(word, ':')) {
			if (side)
				rule->remote_prefix = read_addr(word, &rule->remote, &rule->family);
			else
				rule->local_prefix = read_addr(word, &rule->local, &rule->family);
			rule->flags |= side ? VFW_STATE_RULE_REMOTE : VFW_STATE_RULE_LOCAL;
		} else if (read_protocol(word)) {
			rule->protocol = read_protocol(word);
			rule->flags |= VFW_STATE_RULE_PROTOCOL;
		} else {
			fprintf(stderr, "what is '%s'?\n", word);
			exit(2);
		}
	}
	if (rule->local_ranges)
		rule->ranges[0] = local;
	if (rule->remote_ranges)
		rule->ranges[rule->local_ranges] = remote;
}

struct set read_policy(const char *path)
{
	struct set set = {};
	FILE *file = fopen(path, "r");
	char line[512];

	if (!file) {
		perror(path);
		exit(2);
	}
	set.rules = calloc(1000000, sizeof(*set.rules));
	set.ranges = calloc(1000000, sizeof(*set.ranges));
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "pass", 4) && strncmp(line, "drop", 4) &&
		    strncmp(line, "reject", 6))
			continue;
		set.rules[set.n].ranges = set.ranges[set.n];
		read_rule(&set.rules[set.n++], line);
	}
	fclose(file);
	return set;
}

u32 read_packets(const char *path, struct vfw_packet **pkts, u32 **numbers)
{
	char dir[8], protocol[8], local[64], remote[64];
	unsigned int local_port, remote_port, number;
	FILE *file = fopen(path, "r");
	struct vfw_packet *pkt;
	u8 family;
	u32 n = 0;

	if (!file) {
		perror(path);
		exit(2);
	}
	*pkts = calloc(1000000, sizeof(**pkts));
	*numbers = calloc(1000000, sizeof(**numbers));
	while (fscanf(file, "%7s %7s %63s %u %63s %u %u", dir, protocol, local, &local_port, remote,
		      &remote_port, &number) == 7) {
		pkt = &(*pkts)[n];
		pkt->dir = strcmp(dir, "in") ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN;
		read_addr(local, &pkt->key.local, &family);
		read_addr(remote, &pkt->key.remote, &family);
		pkt->key.family = family;
		pkt->key.protocol = read_protocol(protocol);
		pkt->key.local_port = htons(local_port);
		pkt->key.remote_port = htons(remote_port);
		(*numbers)[n++] = number;
	}
	fclose(file);
	return n;
}
