// SPDX-License-Identifier: GPL-2.0
/*
 * What makes a rule whole. Both readers, text and JSON, fill a rule and have
 * it judged here, so that they refuse the same things with the same words.
 */
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "policy.h"
#include "text.h"

__printf(3, 4)
static bool deny(struct policy_fault *fault, int attr, const char *format,
		 ...)
{
	va_list args;

	fault->attr = attr;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return false;
}

static bool has(const struct policy_rule *rule, int attr)
{
	return rule->given & POLICY_BIT(attr);
}

/**
 * policy_family_bits() - Bits in an address
 * @family: VFW_FAMILY_IPV4 or VFW_FAMILY_IPV6
 *
 * Return: 32 or 128.
 */
unsigned int policy_family_bits(__u8 family)
{
	return family == VFW_FAMILY_IPV4 ? 32 : 128;
}

/**
 * policy_addr_parse() - Read an address
 * @text: the text, not terminated
 * @len: its length
 * @prefix: where to put address and family; the length becomes the whole
 *
 * Return: whether it is an address.
 */
bool policy_addr_parse(const char *text, size_t len,
		       struct policy_prefix *prefix)
{
	bool ipv6 = memchr(text, ':', len);
	char buf[INET6_ADDRSTRLEN];

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	memset(prefix->addr, 0, sizeof(prefix->addr));
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, buf, prefix->addr) != 1)
		return false;
	prefix->family = ipv6 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
	prefix->len = policy_family_bits(prefix->family);
	return true;
}

/**
 * policy_addr_print() - Write a prefix's address
 * @prefix: the prefix; its family is not VFW_FAMILY_ANY
 * @buf: where to
 * @size: bytes in @buf; INET6_ADDRSTRLEN are enough
 *
 * Return: @buf.
 */
const char *policy_addr_print(const struct policy_prefix *prefix, char *buf,
			      size_t size)
{
	int family = prefix->family == VFW_FAMILY_IPV6 ? AF_INET6 : AF_INET;

	if (!inet_ntop(family, prefix->addr, buf, size))
		buf[0] = '\0';
	return buf;
}

/* Clears what is beyond the prefix; says whether that changed anything. */
static bool mask(struct policy_prefix *prefix)
{
	unsigned int bytes = policy_family_bits(prefix->family) / 8;
	unsigned int i, keep = prefix->len;
	bool changed = false;

	for (i = 0; i < bytes; i++) {
		__u8 bits = keep >= 8 ? 0xff : (__u8)(0xff00 >> keep);

		changed |= prefix->addr[i] & ~bits;
		prefix->addr[i] &= bits;
		keep -= keep >= 8 ? 8 : keep;
	}
	return changed;
}

static bool judge_prefix(const struct policy_rule *rule,
			 const struct policy_prefix *prefix, int addr, int len,
			 struct policy_fault *fault)
{
	char was[INET6_ADDRSTRLEN], is[INET6_ADDRSTRLEN];
	struct policy_prefix net = *prefix;
	unsigned int bits;

	if (!has(rule, addr)) {
		if (has(rule, len))
			return deny(fault, len,
				    "prefix without an address, expected the address too");
		return true;
	}
	bits = policy_family_bits(prefix->family);
	if (prefix->len > bits)
		return deny(fault, len, "prefix of %u bits, expected 0 to %u",
			      prefix->len, bits);
	if (mask(&net))
		return deny(fault, addr, "%s/%u has bits set beyond the prefix, expected %s/%u",
			      policy_addr_print(prefix, was, sizeof(was)),
			      prefix->len,
			      policy_addr_print(&net, is, sizeof(is)),
			      prefix->len);
	return true;
}

static __u8 protocol_family(const struct policy_rule *rule)
{
	if (!has(rule, VFW_A_RULE_PROTOCOL))
		return VFW_FAMILY_ANY;
	if (rule->protocol == IPPROTO_ICMP)
		return VFW_FAMILY_IPV4;
	if (rule->protocol == IPPROTO_ICMPV6)
		return VFW_FAMILY_IPV6;
	return VFW_FAMILY_ANY;
}

/* The family is whatever says it first; the others have to agree. */
static bool settle_family(struct policy_rule *rule, struct policy_fault *fault)
{
	const struct {
		const char *name;
		int attr;
		__u8 family;
	} said[] = {
		{ "family", VFW_A_RULE_FAMILY, rule->family },
		{ "protocol", VFW_A_RULE_PROTOCOL, protocol_family(rule) },
		{ "remote address", VFW_A_RULE_REMOTE, rule->remote.family },
		{ "local address", VFW_A_RULE_LOCAL, rule->local.family },
	};
	size_t first = 0, i;

	for (i = 0; i < ARRAY_SIZE(said); i++) {
		if (said[i].family == VFW_FAMILY_ANY)
			continue;
		if (rule->family == VFW_FAMILY_ANY) {
			first = i;
			rule->family = said[i].family;
		}
		if (said[i].family != rule->family)
			return deny(fault, said[i].attr,
				      "%s is of %s, expected %s as the %s says",
				      said[i].name,
				      policy_word_name(policy_families,
						       said[i].family),
				      policy_word_name(policy_families,
						       rule->family),
				      said[first].name);
	}
	if (rule->family != VFW_FAMILY_ANY)
		rule->given |= POLICY_BIT(VFW_A_RULE_FAMILY);
	return true;
}

static bool judge_ports(const struct policy_rule *rule,
			struct policy_fault *fault)
{
	int attr = VFW_A_RULE_REMOTE_PORTS;

	if (!has(rule, attr))
		attr = VFW_A_RULE_LOCAL_PORTS;
	if (has(rule, attr) && !protocol_has_ports(rule->protocol))
		return deny(fault, attr,
			    "ports in a rule whose protocol has none, expected tcp, udp, udplite, sctp or dccp");
	return true;
}

static bool judge_icmp(const struct policy_rule *rule,
		       struct policy_fault *fault)
{
	bool type = has(rule, VFW_A_RULE_ICMP_TYPE);
	bool code = has(rule, VFW_A_RULE_ICMP_CODE);

	if (code && !type)
		return deny(fault, VFW_A_RULE_ICMP_CODE,
			      "code without a type, expected the type too");
	if (type && (!has(rule, VFW_A_RULE_PROTOCOL) ||
		     !policy_icmp_types(rule->protocol)))
		return deny(fault, VFW_A_RULE_ICMP_TYPE,
			      "type in a rule whose protocol has none, expected icmp or icmpv6");
	return true;
}

static bool judge_flags(struct policy_rule *rule, struct policy_fault *fault)
{
	bool mask_given = has(rule, VFW_A_RULE_TCP_FLAGS_MASK);

	if (!has(rule, VFW_A_RULE_TCP_FLAGS)) {
		if (mask_given)
			return deny(fault, VFW_A_RULE_TCP_FLAGS_MASK,
				      "mask without flags, expected the flags too");
		return true;
	}
	if (!mask_given)
		rule->tcp_mask = rule->tcp_flags;
	rule->given |= POLICY_BIT(VFW_A_RULE_TCP_FLAGS_MASK);
	if (rule->protocol != IPPROTO_TCP)
		return deny(fault, VFW_A_RULE_TCP_FLAGS,
			      "flags in a rule of another protocol, expected tcp");
	if (!has(rule, VFW_A_RULE_STATELESS))
		return deny(fault, VFW_A_RULE_TCP_FLAGS,
			      "flags in a rule that opens flows, expected stateless");
	if (!rule->tcp_mask)
		return deny(fault, mask_given ? VFW_A_RULE_TCP_FLAGS_MASK :
						  VFW_A_RULE_TCP_FLAGS,
			      "mask without a flag, expected at least one");
	if (rule->tcp_flags & ~rule->tcp_mask)
		return deny(fault, VFW_A_RULE_TCP_FLAGS,
			      "flags outside their mask, expected them in the mask too");
	return true;
}

/**
 * policy_rule_judge() - Judge a rule as a whole, and fill in what follows
 * @rule: the rule; its family and its flags' mask are settled
 * @fault: what is wrong with it, where it is not good
 *
 * The bounds of single values are the reader's to check. The kernel judges
 * again; this is for better messages, earlier.
 *
 * Return: whether the rule is good.
 */
bool policy_rule_judge(struct policy_rule *rule, struct policy_fault *fault)
{
	return settle_family(rule, fault) &&
	       judge_prefix(rule, &rule->remote, VFW_A_RULE_REMOTE,
			    VFW_A_RULE_REMOTE_PREFIX, fault) &&
	       judge_prefix(rule, &rule->local, VFW_A_RULE_LOCAL,
			    VFW_A_RULE_LOCAL_PREFIX, fault) &&
	       judge_ports(rule, fault) && judge_icmp(rule, fault) &&
	       judge_flags(rule, fault);
}
