// SPDX-License-Identifier: GPL-2.0
/* A flow as text or JSON, whether the kernel sent it or a snapshot holds it. */
#include "flow_show.h"
#include "print.h"
#include "spec.h"
#include "text.h"

#include <linux/if_ether.h>
#include <linux/vfw.h>
#include <linux/vfw_state.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_SEC 1000

static __u32 number(struct nlattr *const *attrs, int attr)
{
	return attrs[attr] ? nla_get_u32(attrs[attr]) : 0;
}

static __u64 number64(struct nlattr *const *attrs, int attr)
{
	return attrs[attr] ? nla_get_u64(attrs[attr]) : 0;
}

static void print_end(struct nlattr *const *attrs, int address, int port)
{
	unsigned int protocol = number(attrs, VFW_A_FLOW_PROTOCOL);
	unsigned int value = number(attrs, port);
	const char *service = service_name(protocol, value);
	char text[ADDRESS_TEXT];
	bool six;

	if (!attrs[address])
		return;
	six = nla_len(attrs[address]) == 16;
	address_text(nla_data(attrs[address]), nla_len(attrs[address]), text);
	if (!protocol_has_ports(protocol))
		print_text("%s", text);
	else if (service)
		print_text("%s%s%s:%s", six ? "[" : "", text, six ? "]" : "", service);
	else
		print_text("%s%s%s:%u", six ? "[" : "", text, six ? "]" : "", value);
}

static void print_ends(struct nlattr *const *attrs)
{
	unsigned int protocol = number(attrs, VFW_A_FLOW_PROTOCOL);
	const char *name = protocol_name(protocol);
	bool out = number(attrs, VFW_A_FLOW_OPENED) == VFW_DIRECTION_OUT;

	if (name)
		print_text("%s ", name);
	else
		print_text("%u ", protocol);
	print_end(attrs, VFW_A_FLOW_LOCAL, VFW_A_FLOW_LOCAL_PORT);
	print_text(out ? " -> " : " <- ");
	print_end(attrs, VFW_A_FLOW_REMOTE, VFW_A_FLOW_REMOTE_PORT);
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		print_text(" id %u", number(attrs, VFW_A_FLOW_LOCAL_PORT));
}

/* The usual type of a tag is not worth a word. */
static void print_vlan(struct nlattr *const *attrs, const char *word, int id, int type)
{
	char text[VLAN_TYPE_TEXT];

	if (!attrs[id])
		return;
	print_text(" %s %u", word, number(attrs, id));
	if (number(attrs, type) != ETH_P_8021Q)
		print_text(" %s-type %s", word, vlan_type_text(number(attrs, type), text));
}

static void print_counters(struct nlattr *const *attrs)
{
	print_text("    age %llus", number64(attrs, VFW_A_FLOW_AGE) / MS_PER_SEC);
	print_attr(&spec_flow, attrs, VFW_A_FLOW_EPOCH, " epoch %s");
	print_attr(&spec_flow, attrs, VFW_A_FLOW_IN_PACKETS, " in %s packets");
	print_attr(&spec_flow, attrs, VFW_A_FLOW_IN_BYTES, " %s bytes");
	print_attr(&spec_flow, attrs, VFW_A_FLOW_OUT_PACKETS, " out %s packets");
	print_attr(&spec_flow, attrs, VFW_A_FLOW_OUT_BYTES, " %s bytes");
	print_text("\n");
}

static void print_tcp_flags(__u32 flags)
{
	static const struct {
		__u32 flag;
		const char *name;
	} names[] = {
		{ VFW_TCP_WINDOW_SCALE, "window-scale" },
		{ VFW_TCP_SACK, "sack" },
		{ VFW_TCP_FIN, "fin" },
		{ VFW_TCP_UNKNOWN, "unknown" },
		{ VFW_TCP_SYN, "syn" },
		{ VFW_TCP_FIN_ACKED, "fin-acked" },
	};
	const char *before = " flags ";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].flag))
			continue;
		print_text("%s%s", before, names[i].name);
		before = ",";
	}
}

static void print_peer(const char *name, const struct nlattr *nest)
{
	struct nlattr *peer[SPEC_ATTRS];

	if (!nest || !spec_parse_nested(&spec_tcp_peer, peer, nest))
		return;
	print_text("    %s", name);
	print_attr(&spec_tcp_peer, peer, VFW_A_TCP_PEER_END, " end %s");
	print_attr(&spec_tcp_peer, peer, VFW_A_TCP_PEER_MAX_END, " max-end %s");
	print_attr(&spec_tcp_peer, peer, VFW_A_TCP_PEER_MAX_WINDOW, " max-window %s");
	print_attr(&spec_tcp_peer, peer, VFW_A_TCP_PEER_SCALE, " scale %s");
	print_tcp_flags(number(peer, VFW_A_TCP_PEER_FLAGS));
	print_text("\n");
}

static void print_tags(struct nlattr *const *attrs)
{
	static const struct {
		int attr;
		const char *name;
	} tags[] = {
		{ VFW_A_FLOW_SCTP_LOCAL, "sctp-local" },
		{ VFW_A_FLOW_SCTP_REMOTE, "sctp-remote" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (attrs[tags[i].attr])
			print_text("    %s tag 0x%08x\n", tags[i].name,
				   number(attrs, tags[i].attr));
}

/**
 * flow_show() - print a flow
 * @head: its attributes
 * @length: bytes of them
 *
 * Return: DONE, or FAILED when they are malformed.
 */
int flow_show(const struct nlattr *head, int length)
{
	struct nlattr *attrs[SPEC_ATTRS];

	if (options.json) {
		print_object_begin(NULL);
		print_attrs(&spec_flow, head, length);
		print_object_end();
		return DONE;
	}
	if (!spec_parse(&spec_flow, attrs, head, length))
		return fail("the flow is malformed");
	print_ends(attrs);
	print_vlan(attrs, "vlan", VFW_A_FLOW_VLAN, VFW_A_FLOW_VLAN_TYPE);
	print_vlan(attrs, "vlan-inner", VFW_A_FLOW_VLAN_INNER, VFW_A_FLOW_VLAN_INNER_TYPE);
	print_attr(&spec_flow, attrs, VFW_A_FLOW_STATE, " %s");
	print_text(" expires %llus", number64(attrs, VFW_A_FLOW_EXPIRES) / MS_PER_SEC);
	print_attr(&spec_flow, attrs, VFW_A_FLOW_RULE, " rule %s");
	print_text("\n");
	if (!options.details)
		return DONE;
	print_counters(attrs);
	print_peer("tcp-local", attrs[VFW_A_FLOW_TCP_LOCAL]);
	print_peer("tcp-remote", attrs[VFW_A_FLOW_TCP_REMOTE]);
	print_tags(attrs);
	return DONE;
}
