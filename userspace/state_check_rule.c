// SPDX-License-Identifier: GPL-2.0
#include "state_check.h"
#include "state_field.h"
#include "text.h"
#include "utf8.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

/* Nothing may stand where a flag says that there is nothing. */
static int check_rule_flags(const struct state_stream *stream, size_t at,
			    const struct vfw_state_rule *rule)
{
	if (rule->flags & 0x80)
		return fault(stream, at, vfw_state_rule, flags, "unknown flags %#x",
			     rule->flags);
	if (!(rule->flags & VFW_STATE_RULE_PROTOCOL) && rule->protocol)
		return fault(stream, at, vfw_state_rule, protocol,
			     "a protocol where none is set");
	if (!(rule->flags & VFW_STATE_RULE_ICMP_TYPE) && rule->icmp_type)
		return fault(stream, at, vfw_state_rule, icmp_type,
			     "an ICMP type where none is set");
	if (!(rule->flags & VFW_STATE_RULE_ICMP_CODE) && rule->icmp_code)
		return fault(stream, at, vfw_state_rule, icmp_code,
			     "an ICMP code where none is set");
	if (!(rule->flags & VFW_STATE_RULE_TCP_FLAGS) &&
	    (rule->tcp_flags || rule->tcp_flags_mask))
		return fault(stream, at, vfw_state_rule, tcp_flags,
			     "TCP flags where none are set");
	return DONE;
}

static int check_rule_address(const struct state_stream *stream, size_t at,
			      const struct vfw_state_rule *rule, const __u8 address[16],
			      unsigned int bits, bool set)
{
	unsigned int most = rule->family == VFW_FAMILY_IPV4 ? 32 :
			    rule->family == VFW_FAMILY_IPV6 ? 128 : 0;
	unsigned int whole = bits / 8;

	if (!set) {
		if (bits || !state_zero(address, 16))
			return state_fault(stream, at, "an address where none is set");
		return DONE;
	}
	if (most == 0)
		return state_fault(stream, at, "an address of no family");
	if (bits > most)
		return state_fault(stream, at, "a prefix of %u bits", bits);
	if (whole < 16 && ((address[whole] & (0xff >> bits % 8)) ||
			   !state_zero(address + whole + 1, 15 - whole)))
		return state_fault(stream, at, "bits beyond the prefix are not zero");
	return DONE;
}

/* 0 where there is none; as a protocol, 0 is a header of IPv6 and has no fields of its own. */
static __u8 protocol_of(const struct vfw_state_rule *rule)
{
	return rule->flags & VFW_STATE_RULE_PROTOCOL ? rule->protocol : 0;
}

static int check_rule_protocol(const struct state_stream *stream, size_t at,
			       const struct vfw_state_rule *rule)
{
	__u8 protocol = protocol_of(rule);

	if (protocol == IPPROTO_ICMP && rule->family == VFW_FAMILY_IPV6)
		return fault(stream, at, vfw_state_rule, protocol,
			     "the protocol is ICMP, in a rule of IPv6");
	if (protocol == IPPROTO_ICMPV6 && rule->family == VFW_FAMILY_IPV4)
		return fault(stream, at, vfw_state_rule, protocol,
			     "the protocol is ICMPv6, in a rule of IPv4");
	return DONE;
}

static int check_rule_ranges(const struct state_stream *stream, size_t at,
			     const struct vfw_state_rule *rule)
{
	const struct vfw_state_range *range = (const void *)(rule + 1);
	unsigned int count = rule->local_ranges + rule->remote_ranges;

	if (count && !protocol_has_ports(protocol_of(rule)))
		return state_fault(stream, at + (rule->local_ranges ?
				   offsetof(struct vfw_state_rule, local_ranges) :
				   offsetof(struct vfw_state_rule, remote_ranges)),
				   "ranges of ports in a rule whose protocol has none");
	for (unsigned int i = 0; i < count; i++)
		if (le16toh(range[i].first) > le16toh(range[i].last))
			return state_fault(stream, at + sizeof(*rule) + i * sizeof(*range),
					   "the range %u-%u is empty",
					   le16toh(range[i].first), le16toh(range[i].last));
	return DONE;
}

static int check_rule_icmp(const struct state_stream *stream, size_t at,
			   const struct vfw_state_rule *rule)
{
	bool type = rule->flags & VFW_STATE_RULE_ICMP_TYPE;
	__u8 protocol = protocol_of(rule);

	if (type && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
		return fault(stream, at, vfw_state_rule, icmp_type,
			     "an ICMP type in a rule of another protocol");
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE && !type)
		return fault(stream, at, vfw_state_rule, icmp_code,
			     "an ICMP code without a type");
	return DONE;
}

static int check_rule_tcp_flags(const struct state_stream *stream, size_t at,
				const struct vfw_state_rule *rule)
{
	if (!(rule->flags & VFW_STATE_RULE_TCP_FLAGS))
		return DONE;
	if (protocol_of(rule) != IPPROTO_TCP)
		return fault(stream, at, vfw_state_rule, tcp_flags,
			     "TCP flags in a rule of another protocol");
	if (!(rule->flags & VFW_STATE_RULE_STATELESS))
		return fault(stream, at, vfw_state_rule, tcp_flags,
			     "TCP flags in a rule that opens flows");
	if (!rule->tcp_flags_mask)
		return fault(stream, at, vfw_state_rule, tcp_flags_mask,
			     "no TCP flag is under the mask");
	if (rule->tcp_flags & ~rule->tcp_flags_mask)
		return fault(stream, at, vfw_state_rule, tcp_flags,
			     "TCP flags that the mask leaves out");
	return DONE;
}

/* That the record is there whole, and nothing but zeros fills it up. */
static int check_rule_length(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_rule *rule = (const void *)stream->frame + at;
	const __u8 *end;
	size_t left = stream->length - at;
	size_t length, used;

	if (left < sizeof(*rule))
		return state_fault(stream, at, "the frame ends within a rule");
	length = le16toh(rule->length);
	if (rule->local_ranges > VFW_RANGES_MAX || rule->remote_ranges > VFW_RANGES_MAX)
		return fault(stream, at, vfw_state_rule, local_ranges,
			     "more than %u ranges", VFW_RANGES_MAX);
	if (rule->comment_length > VFW_COMMENT_MAX)
		return fault(stream, at, vfw_state_rule, comment_length,
			     "a comment of %u bytes", rule->comment_length);
	used = sizeof(*rule) + rule->comment_length +
	       (rule->local_ranges + rule->remote_ranges) * sizeof(struct vfw_state_range);
	if (length != (used + 7) / 8 * 8 || length > left)
		return fault(stream, at, vfw_state_rule, length,
			     "a rule cannot have %zu bytes here", length);
	end = (const __u8 *)rule + used;
	if (!state_zero(end, length - used))
		return state_fault(stream, at + used, "the rule is not padded with zeros");
	return DONE;
}

static int check_rule_comment(const struct state_stream *stream, size_t at,
			      const struct vfw_state_rule *rule)
{
	size_t before = sizeof(*rule) +
			(rule->local_ranges + rule->remote_ranges) * sizeof(struct vfw_state_range);
	const char *comment = (const char *)rule + before;

	if (memchr(comment, '\0', rule->comment_length))
		return state_fault(stream, at + before, "a zero within the comment");
	if (!utf8_plain(comment, rule->comment_length))
		return state_fault(stream, at + before,
				   "the comment is not UTF-8 without control characters");
	return DONE;
}

/**
 * state_check_rule() - check a record of a RULES frame
 * @stream: the stream
 * @at: where it begins
 *
 * Return: DONE or FAILED.
 */
int state_check_rule(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_rule *rule = (const void *)stream->frame + at;

#define AT(field) (at + offsetof(struct vfw_state_rule, field))
	if (check_rule_length(stream, at) || check_rule_flags(stream, at, rule) ||
	    state_enum(stream, AT(action), &spec_action, rule->action) ||
	    state_enum(stream, AT(direction), &spec_direction, rule->direction) ||
	    state_enum(stream, AT(family), &spec_family, rule->family) ||
	    check_rule_address(stream, AT(local), rule, rule->local, rule->local_prefix,
			       rule->flags & VFW_STATE_RULE_LOCAL) ||
	    check_rule_address(stream, AT(remote), rule, rule->remote, rule->remote_prefix,
			       rule->flags & VFW_STATE_RULE_REMOTE))
		return FAILED;
#undef AT
	if (check_rule_protocol(stream, at, rule) || check_rule_ranges(stream, at, rule) ||
	    check_rule_icmp(stream, at, rule) || check_rule_tcp_flags(stream, at, rule))
		return FAILED;
	return check_rule_comment(stream, at, rule);
}
