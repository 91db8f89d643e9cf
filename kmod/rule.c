// SPDX-License-Identifier: GPL-2.0
/*
 * A rule by itself: whether it makes sense, and what it means.
 *
 * The meaning is said as simply as can be. Packets are not judged by it but by the classifier,
 * which shares no code with it and is tested against it.
 */

#include <linux/in.h>
#include <linux/string.h>
#include "classify.h"
#include "main.h"
#include "packet.h"
#include "policy.h"
#include "text.h"

#define VFW_RULE_FLAGS							\
	(VFW_STATE_RULE_STATELESS | VFW_STATE_RULE_PROTOCOL |		\
	 VFW_STATE_RULE_ICMP_TYPE | VFW_STATE_RULE_ICMP_CODE |		\
	 VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_LOCAL | VFW_STATE_RULE_REMOTE)

/* The checks. A refusal fits into netlink's 80 bytes with "vfw: rule 1000000: " before it. */

static const char *check_enums(const struct vfw_rule *rule, int *attr)
{
	*attr = VFW_A_RULE_DIRECTION;
	if (rule->direction > VFW_DIRECTION_BOTH)
		return "no such direction";
	*attr = VFW_A_RULE_FAMILY;
	if (rule->family > VFW_FAMILY_IPV6)
		return "no such family";
	*attr = VFW_A_RULE_ACTION;
	if (rule->action > VFW_ACTION_REJECT)
		return "no such action";
	*attr = 0;
	if (rule->flags & ~VFW_RULE_FLAGS)
		return "unknown flags";
	return NULL;
}

static bool addr_is_zero(const union vfw_addr *addr)
{
	return !(addr->words[0] | addr->words[1] | addr->words[2] | addr->words[3]);
}

static const char *check_addr(const union vfw_addr *addr, u8 prefix, bool given, u8 family)
{
	union vfw_addr mask;
	int i;

	if (!given)
		return prefix || !addr_is_zero(addr) ? "a prefix without an address" : NULL;
	if (family == VFW_FAMILY_ANY)
		return "an address, but no family";
	if (prefix > (family == VFW_FAMILY_IPV4 ? 32 : 128))
		return "the prefix is longer than the address";
	/* Covers the words that an IPv4 address leaves alone, too. */
	mask = vfw_prefix_mask(prefix);
	for (i = 0; i < ARRAY_SIZE(mask.words); i++)
		if (addr->words[i] & ~mask.words[i])
			return "the address has bits set beyond its prefix";
	return NULL;
}

static const char *check_addrs(const struct vfw_rule *rule, int *attr)
{
	const char *why;

	*attr = VFW_A_RULE_LOCAL;
	why = check_addr(&rule->local, rule->local_prefix, rule->flags & VFW_STATE_RULE_LOCAL,
			 rule->family);
	if (why)
		return why;
	*attr = VFW_A_RULE_REMOTE;
	return check_addr(&rule->remote, rule->remote_prefix,
			  rule->flags & VFW_STATE_RULE_REMOTE, rule->family);
}

/* 0 where there is none; as a protocol, 0 is a header of IPv6 and has no fields of its own. */
static u8 protocol_of(const struct vfw_rule *rule)
{
	return rule->flags & VFW_STATE_RULE_PROTOCOL ? rule->protocol : 0;
}

static const char *check_protocol(const struct vfw_rule *rule, int *attr)
{
	*attr = VFW_A_RULE_PROTOCOL;
	if (rule->protocol && !(rule->flags & VFW_STATE_RULE_PROTOCOL))
		return "a protocol that is said not to be there";
	if (protocol_of(rule) == IPPROTO_ICMP && rule->family == VFW_FAMILY_IPV6)
		return "ICMP is of IPv4; of IPv6 it is ICMPv6 (58)";
	if (protocol_of(rule) == IPPROTO_ICMPV6 && rule->family == VFW_FAMILY_IPV4)
		return "ICMPv6 is of IPv6; of IPv4 it is ICMP (1)";
	return NULL;
}

static bool has_ports(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

static const char *check_ranges(const struct vfw_range *ranges, u8 n, u8 protocol)
{
	int i;

	if (!n)
		return NULL;
	if (n > VFW_RANGES_MAX)
		return "too many ranges of ports";
	if (!has_ports(protocol))
		return "ports are of TCP, UDP, UDP-Lite, SCTP and DCCP only";
	for (i = 0; i < n; i++)
		if (ranges[i].first > ranges[i].last)
			return "the first port of a range is above its last";
	return NULL;
}

static const char *check_ports(const struct vfw_rule *rule, int *attr)
{
	const char *why;

	*attr = VFW_A_RULE_LOCAL_PORTS;
	why = check_ranges(rule->ranges, rule->local_ranges, protocol_of(rule));
	if (why)
		return why;
	*attr = VFW_A_RULE_REMOTE_PORTS;
	return check_ranges(rule->ranges + rule->local_ranges, rule->remote_ranges,
			    protocol_of(rule));
}

static const char *check_icmp(const struct vfw_rule *rule, int *attr)
{
	bool type = rule->flags & VFW_STATE_RULE_ICMP_TYPE;
	bool code = rule->flags & VFW_STATE_RULE_ICMP_CODE;
	u8 protocol = protocol_of(rule);

	*attr = VFW_A_RULE_ICMP_TYPE;
	if (rule->icmp_type && !type)
		return "an ICMP type that is said not to be there";
	if (type && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
		return "types are of ICMP and ICMPv6 only";
	*attr = VFW_A_RULE_ICMP_CODE;
	if (rule->icmp_code && !code)
		return "an ICMP code that is said not to be there";
	if (code && !type)
		return "an ICMP code without an ICMP type";
	return NULL;
}

static const char *check_tcp_flags(const struct vfw_rule *rule, int *attr)
{
	*attr = VFW_A_RULE_TCP_FLAGS;
	if (!(rule->flags & VFW_STATE_RULE_TCP_FLAGS))
		return rule->tcp_flags || rule->tcp_flags_mask ?
		       "TCP flags that are said not to be there" : NULL;
	if (protocol_of(rule) != IPPROTO_TCP)
		return "TCP flags are of TCP only";
	if (!(rule->flags & VFW_STATE_RULE_STATELESS))
		return "TCP flags are for stateless rules only";
	*attr = VFW_A_RULE_TCP_FLAGS_MASK;
	if (!rule->tcp_flags_mask)
		return "no TCP flag under the mask";
	if (rule->tcp_flags & ~rule->tcp_flags_mask)
		return "TCP flags must be set that the mask leaves out";
	return NULL;
}

static const char *check_comment(const struct vfw_rule *rule, int *attr)
{
	*attr = VFW_A_RULE_COMMENT;
	if (!rule->comment)
		return NULL;
	if (strnlen(rule->comment, VFW_COMMENT_MAX + 1) > VFW_COMMENT_MAX)
		return "the comment is too long";
	if (!vfw_text_valid(rule->comment))
		return "a comment is UTF-8 without control characters";
	return NULL;
}

/**
 * vfw_rule_check() - find what is wrong with a rule
 * @rule: any bits and bytes; only the pointers, and as many ranges as are said to be there, are
 *	trusted
 * @attr: set to the attribute (VFW_A_RULE_...) it is about; 0 for none
 *
 * What is not set must be 0, so that a rule has but one form.
 *
 * Return: NULL for a good rule, else a refusal in English of at most 60 bytes.
 */
const char *vfw_rule_check(const struct vfw_rule *rule, int *attr)
{
	static const char *(*const checks[])(const struct vfw_rule *rule, int *attr) = {
		check_enums, check_addrs, check_protocol, check_ports, check_icmp,
		check_tcp_flags, check_comment,
	};
	const char *why = NULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(checks) && !why; i++)
		why = checks[i](rule, attr);
	return why;
}
EXPORT_SYMBOL_VFW_TEST(vfw_rule_check);

static bool plain_prefix(const union vfw_addr *addr, const union vfw_addr *of, u8 prefix)
{
	const u8 *a = (const u8 *)addr, *b = (const u8 *)of;
	u8 whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a, b, whole))
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool plain_port(const struct vfw_range *ranges, u8 n, __be16 port)
{
	int i;

	if (n == 0)
		return true;
	for (i = 0; i < n; i++)
		if (ranges[i].first <= ntohs(port) && ntohs(port) <= ranges[i].last)
			return true;
	return false;
}

static bool plain_protocol(const struct vfw_rule *rule, const struct vfw_packet *pkt)
{
	if (rule->protocol != pkt->key.protocol)
		return false;
	if (rule->protocol == IPPROTO_ICMP && pkt->key.family != VFW_FAMILY_IPV4)
		return false;
	return rule->protocol != IPPROTO_ICMPV6 || pkt->key.family == VFW_FAMILY_IPV6;
}

/**
 * vfw_rule_matches() - does a rule match a packet?
 * @rule: the rule
 * @pkt: the packet, parsed; IPv4 or IPv6
 *
 * The reference that the classifier is tested against; slow.
 *
 * Return: true if it does.
 */
bool vfw_rule_matches(const struct vfw_rule *rule, const struct vfw_packet *pkt)
{
	bool quoted = pkt->kind == VFW_PACKET_ICMP_ERROR;
	const struct vfw_key *key = &pkt->key;

	if (rule->direction != VFW_DIRECTION_BOTH && rule->direction != pkt->dir)
		return false;
	if (rule->family != VFW_FAMILY_ANY && rule->family != key->family)
		return false;
	if (rule->flags & VFW_STATE_RULE_PROTOCOL && !plain_protocol(rule, pkt))
		return false;
	if (rule->flags & VFW_STATE_RULE_LOCAL &&
	    !plain_prefix(&key->local, &rule->local, rule->local_prefix))
		return false;
	if (rule->flags & VFW_STATE_RULE_REMOTE &&
	    !plain_prefix(&key->remote, &rule->remote, rule->remote_prefix))
		return false;
	if (!plain_port(rule->ranges, rule->local_ranges, key->local_port) ||
	    !plain_port(rule->ranges + rule->local_ranges, rule->remote_ranges, key->remote_port))
		return false;
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE &&
	    (quoted || rule->icmp_type != pkt->icmp_type))
		return false;
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE &&
	    (quoted || rule->icmp_code != pkt->icmp_code))
		return false;
	if (rule->flags & VFW_STATE_RULE_TCP_FLAGS &&
	    (quoted || (pkt->tcp.flags & rule->tcp_flags_mask) != rule->tcp_flags))
		return false;
	return true;
}
EXPORT_SYMBOL_VFW_TEST(vfw_rule_matches);
