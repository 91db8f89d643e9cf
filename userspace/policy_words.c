// SPDX-License-Identifier: GPL-2.0
/*
 * The words of the policy language. The tables are the tool's own, so that a
 * policy means the same on every host, whatever its /etc/protocols says.
 */
#include <string.h>

#include <netinet/in.h>

#include "policy.h"

const struct policy_word policy_actions[] = {
	{ "pass", VFW_ACTION_PASS },
	{ "drop", VFW_ACTION_DROP },
	{ "reject", VFW_ACTION_REJECT },
	{ }
};

const struct policy_word policy_directions[] = {
	{ "in", VFW_DIRECTION_IN },
	{ "out", VFW_DIRECTION_OUT },
	{ "both", VFW_DIRECTION_BOTH },
	{ }
};

const struct policy_word policy_families[] = {
	{ "any", VFW_FAMILY_ANY },
	{ "ipv4", VFW_FAMILY_IPV4 },
	{ "ipv6", VFW_FAMILY_IPV6 },
	{ }
};

const struct policy_word policy_protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "sctp", IPPROTO_SCTP },
	{ "dccp", IPPROTO_DCCP },
	{ "udplite", IPPROTO_UDPLITE },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "igmp", IPPROTO_IGMP },
	{ "ipip", IPPROTO_IPIP },
	{ "rsvp", IPPROTO_RSVP },
	{ "eigrp", 88 },
	{ "ospf", 89 },
	{ "etherip", 97 },
	{ "pim", IPPROTO_PIM },
	{ "ipcomp", IPPROTO_COMP },
	{ "vrrp", 112 },
	{ "l2tp", 115 },
	{ }
};

const struct policy_word policy_tcp_flags[] = {
	{ "fin", 0x01 },
	{ "syn", 0x02 },
	{ "rst", 0x04 },
	{ "psh", 0x08 },
	{ "ack", 0x10 },
	{ "urg", 0x20 },
	{ "ece", 0x40 },
	{ "cwr", 0x80 },
	{ }
};

static const struct policy_word icmp_types[] = {
	{ "echo-reply", 0 },
	{ "destination-unreachable", 3 },
	{ "source-quench", 4 },
	{ "redirect", 5 },
	{ "echo-request", 8 },
	{ "router-advertisement", 9 },
	{ "router-solicitation", 10 },
	{ "time-exceeded", 11 },
	{ "parameter-problem", 12 },
	{ "timestamp-request", 13 },
	{ "timestamp-reply", 14 },
	{ "address-mask-request", 17 },
	{ "address-mask-reply", 18 },
	{ }
};

static const struct policy_word icmpv6_types[] = {
	{ "destination-unreachable", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "listener-query", 130 },
	{ "listener-report", 131 },
	{ "listener-done", 132 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbor-solicitation", 135 },
	{ "neighbor-advertisement", 136 },
	{ "redirect", 137 },
	{ "listener-report-v2", 143 },
	{ }
};

const struct policy_number policy_limits[] = {
	{ "flows", VFW_A_LIMITS_FLOWS, 1, VFW_FLOWS_MAX, 65536 },
	{ "half-open", VFW_A_LIMITS_HALF_OPEN, 1, VFW_FLOWS_MAX, 16384 },
	{ "source-flows", VFW_A_LIMITS_SOURCE_FLOWS, 0, VFW_FLOWS_MAX, 0 },
	{ "pick-up", VFW_A_LIMITS_PICK_UP, 0, 1, 0 },
	{ "fragments", VFW_A_LIMITS_FRAGMENTS, 1, VFW_FRAGMENTS_MAX, 1024 },
	{ "fragment-bytes", VFW_A_LIMITS_FRAGMENT_BYTES, 0, VFW_FRAGMENT_BYTES_MAX, 1048576 },
	{ }
};

#define TIMEOUT(name, attr, preset) \
	{ name, VFW_A_TIMEOUTS_##attr, 1, VFW_TIMEOUT_MAX, preset }

const struct policy_number policy_timeouts[] = {
	TIMEOUT("tcp-syn-sent", TCP_SYN_SENT, 120),
	TIMEOUT("tcp-syn-recv", TCP_SYN_RECV, 60),
	TIMEOUT("tcp-established", TCP_ESTABLISHED, 7440),
	TIMEOUT("tcp-fin-wait", TCP_FIN_WAIT, 240),
	TIMEOUT("tcp-close-wait", TCP_CLOSE_WAIT, 7440),
	TIMEOUT("tcp-last-ack", TCP_LAST_ACK, 240),
	TIMEOUT("tcp-time-wait", TCP_TIME_WAIT, 240),
	TIMEOUT("tcp-close", TCP_CLOSE, 10),
	TIMEOUT("udp-new", UDP_NEW, 120),
	TIMEOUT("udp-stream", UDP_STREAM, 300),
	TIMEOUT("icmp", ICMP, 60),
	TIMEOUT("other", OTHER, 600),
	TIMEOUT("sctp-opening", SCTP_OPENING, 120),
	TIMEOUT("sctp-established", SCTP_ESTABLISHED, 7440),
	TIMEOUT("sctp-closing", SCTP_CLOSING, 120),
	TIMEOUT("fragment", FRAGMENT, 30),
	{ }
};

/**
 * policy_icmp_types() - Names of the message types of a protocol
 * @protocol: IP protocol number
 *
 * Return: the table, or NULL when the protocol is neither ICMP nor ICMPv6.
 */
const struct policy_word *policy_icmp_types(__u8 protocol)
{
	if (protocol == IPPROTO_ICMP)
		return icmp_types;
	if (protocol == IPPROTO_ICMPV6)
		return icmpv6_types;
	return NULL;
}

static bool same(const char *name, const char *text, size_t len)
{
	return !strncmp(name, text, len) && !name[len];
}

/**
 * policy_word_find() - Value of a word
 * @words: table to look in
 * @name: the word, not terminated
 * @len: its bytes, none of them 0
 *
 * Return: the value, or -1 when the table has no such word.
 */
int policy_word_find(const struct policy_word *words, const char *name,
		     size_t len)
{
	for (; words->name; words++)
		if (same(words->name, name, len))
			return words->value;
	return -1;
}

/**
 * policy_word_name() - Word for a value
 * @words: table to look in
 * @value: the value
 *
 * Return: the word, or NULL when the table has none.
 */
const char *policy_word_name(const struct policy_word *words, unsigned int value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

/* Appends @name to the list in @buf, with what goes between. */
static void list_add(char *buf, size_t size, const char *name, bool last)
{
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s%s",
		 !used ? "" : last ? " or " : ", ", name);
}

/**
 * policy_words_list() - List the words of a table for a message
 * @words: the table
 * @buf: where to write "a, b or c"
 * @size: bytes in @buf, at least 1; a longer list is cut
 *
 * Return: @buf.
 */
const char *policy_words_list(const struct policy_word *words, char *buf,
			      size_t size)
{
	buf[0] = '\0';
	for (; words->name; words++)
		list_add(buf, size, words->name, !words[1].name);
	return buf;
}

/**
 * policy_number_find() - Look up a limit or a timeout by name
 * @all: policy_limits or policy_timeouts
 * @name: the name, not terminated
 * @len: its bytes, none of them 0
 *
 * Return: the entry, or NULL.
 */
const struct policy_number *policy_number_find(const struct policy_number *all,
					       const char *name, size_t len)
{
	for (; all->name; all++)
		if (same(all->name, name, len))
			return all;
	return NULL;
}

/**
 * policy_numbers_list() - List the names of limits or timeouts for a message
 * @all: policy_limits or policy_timeouts
 * @buf: where to write "a, b or c"
 * @size: bytes in @buf, at least 1; a longer list is cut
 *
 * Return: @buf.
 */
const char *policy_numbers_list(const struct policy_number *all, char *buf,
				size_t size)
{
	buf[0] = '\0';
	for (; all->name; all++)
		list_add(buf, size, all->name, !all[1].name);
	return buf;
}
