// SPDX-License-Identifier: GPL-2.0
/*
 * All the checks of records take the present frame of a stream, whose length fits its count of
 * records, and return DONE, or FAILED when they have said at which byte what is wrong. @at is where
 * in the frame a record begins. They refuse what the kernel refuses, and nothing else: a snapshot
 * may have been made by another tool.
 */
#include "state_check.h"
#include "state_field.h"
#include "utf8.h"

#include <endian.h>
#include <string.h>

/**
 * state_check_header() - check the record of a HEADER frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_header(const struct state_stream *stream)
{
	const struct vfw_state_header *header = state_records(stream);

	/* Of neither can a commit be the next. */
	if (!header->incarnation || le64toh(header->incarnation) == ~0ULL)
		return fault(stream, FRAME_HEADER, vfw_state_header, incarnation,
			     "the incarnation is out of range");
	if (le32toh(header->flags) & ~VFW_STATE_HEADER_FROZEN)
		return fault(stream, FRAME_HEADER, vfw_state_header, flags,
			     "unknown flags %#x", le32toh(header->flags));
	if (le32toh(header->flows_ipv4) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_ipv4,
			     "more flows are announced than any VM may have");
	if (le32toh(header->flows_ipv6) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_ipv6,
			     "more flows are announced than any VM may have");
	if (le32toh(header->flows_tagged) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_tagged,
			     "more flows are announced than any VM may have");
	if (!state_padded(header->creator, sizeof(header->creator)))
		return fault(stream, FRAME_HEADER, vfw_state_header, creator,
			     "the creator is not padded with zeros");
	return DONE;
}

/**
 * state_check_vm() - check the record of a VM frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_vm(const struct state_stream *stream)
{
	const struct vfw_state_vm *vm = state_records(stream);

	if (!vm->name[0] || !state_padded(vm->name, sizeof(vm->name)))
		return fault(stream, FRAME_HEADER, vfw_state_vm, name,
			     "the name is empty or not padded with zeros");
	if (!utf8_plain((const char *)vm->name, strlen((const char *)vm->name)))
		return fault(stream, FRAME_HEADER, vfw_state_vm, name,
			     "the name is not UTF-8 without control characters");
	return DONE;
}

/* As the kernel's dev_valid_name() has it; to that, a byte of 0xa0 is a space too. */
static bool netdev_name(const char *name)
{
	static const char refused[] = "/: \t\n\v\f\r\xa0";

	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strpbrk(name, refused);
}

static int check_port(const struct state_stream *stream, __u32 number)
{
	const struct vfw_state_port *ports = state_records(stream);
	const struct vfw_state_port *port = &ports[number];
	size_t at = FRAME_HEADER + number * sizeof(*port);

	if (!port->name[0] || !state_padded(port->name, sizeof(port->name)))
		return fault(stream, at, vfw_state_port, name,
			     "the name is empty or not padded with zeros");
	if (!netdev_name((const char *)port->name))
		return fault(stream, at, vfw_state_port, name,
			     "the name is none that a netdev can have");
	for (__u32 i = 0; i < number; i++)
		if (memcmp(ports[i].name, port->name, sizeof(port->name)) == 0)
			return fault(stream, at, vfw_state_port, name,
				     "two ports have one name");
	if (state_enum(stream, at + offsetof(struct vfw_state_port, type), &spec_port_type,
		       port->type))
		return FAILED;
	if (port->flags & ~VFW_STATE_PORT_TRUNK)
		return fault(stream, at, vfw_state_port, flags, "unknown flags %#x",
			     port->flags);
	if (!state_zero(port->reserved, sizeof(port->reserved)))
		return fault(stream, at, vfw_state_port, reserved,
			     "reserved bytes are not zero");
	return DONE;
}

/**
 * state_check_ports() - check the records of a PORT frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_ports(const struct state_stream *stream)
{
	for (__u32 i = 0; i < stream->count; i++)
		if (check_port(stream, i))
			return FAILED;
	return DONE;
}

static int check_loaded(const struct state_stream *stream,
			const struct vfw_state_policy *policy)
{
#define AT(field) (FRAME_HEADER + offsetof(struct vfw_state_policy, field))
	if (state_enum(stream, AT(default_in), &spec_action, policy->default_in) ||
	    state_enum(stream, AT(default_out), &spec_action, policy->default_out) ||
	    state_number(stream, AT(rules), "rules", le32toh(policy->rules), 0,
			 VFW_RULES_MAX) ||
	    state_number(stream, AT(max_flows), "most flows", le32toh(policy->max_flows), 1,
			 VFW_FLOWS_MAX) ||
	    state_number(stream, AT(max_half_open), "most half-open flows",
			 le32toh(policy->max_half_open), 1, VFW_FLOWS_MAX) ||
	    state_number(stream, AT(max_source_flows), "most flows of a source",
			 le32toh(policy->max_source_flows), 0, VFW_FLOWS_MAX) ||
	    state_number(stream, AT(max_fragments), "most datagrams in fragments",
			 le32toh(policy->max_fragments), 1, VFW_FRAGMENTS_MAX) ||
	    state_number(stream, AT(fragment_bytes), "most bytes of fragments",
			 le32toh(policy->fragment_bytes), 0, VFW_FRAGMENT_BYTES_MAX))
		return FAILED;
	for (int i = 0; i < VFW_STATE_TIMEOUTS; i++)
		if (state_number(stream, AT(timeouts) + i * sizeof(__le32),
				 spec_timeouts.attrs[i + 1].name,
				 le32toh(policy->timeouts[i]), 1, VFW_TIMEOUT_MAX))
			return FAILED;
#undef AT
	return DONE;
}

/**
 * state_check_policy() - check the record of a POLICY frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_policy(const struct state_stream *stream)
{
	const struct vfw_state_policy *policy = state_records(stream);

	if (policy->flags & ~(VFW_STATE_POLICY_LOADED | VFW_STATE_POLICY_PICKUP))
		return fault(stream, FRAME_HEADER, vfw_state_policy, flags,
			     "unknown flags %#x", policy->flags);
	if (policy->reserved)
		return fault(stream, FRAME_HEADER, vfw_state_policy, reserved,
			     "reserved bytes are not zero");
	if (policy->reserved2)
		return fault(stream, FRAME_HEADER, vfw_state_policy, reserved2,
			     "reserved bytes are not zero");
	if (policy->flags & VFW_STATE_POLICY_LOADED)
		return check_loaded(stream, policy);
	if (!state_zero(policy, sizeof(*policy)))
		return fault(stream, FRAME_HEADER, vfw_state_policy, flags,
			     "there is no policy, but something of one");
	return DONE;
}

/**
 * state_check_stats() - check the records of a STATS frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_stats(const struct state_stream *stream)
{
	const struct vfw_state_stats *stats = state_records(stream);
	const struct vfw_state_drop *drop = (const void *)(stats + 1);
	size_t at = FRAME_HEADER + sizeof(*stats);
	__u32 drops, before = VFW_DROP_REASON_NONE;

	if (state_records_length(stream) < sizeof(*stats))
		return state_fault(stream, 8, "too short for statistics");
	drops = le32toh(stats->drops);
	if (drops != stream->count - 1 ||
	    state_records_length(stream) != sizeof(*stats) + (size_t)drops * sizeof(*drop))
		return fault(stream, FRAME_HEADER, vfw_state_stats, drops,
			     "%u reasons do not fit the frame", drops);
	if (stats->reserved)
		return fault(stream, FRAME_HEADER, vfw_state_stats, reserved,
			     "reserved bytes are not zero");
	for (__u32 i = 0; i < drops; i++, drop++, at += sizeof(*drop)) {
		__u32 reason = le32toh(drop->reason);

		if (state_enum(stream, at, &spec_drop_reason, reason))
			return FAILED;
		if (reason <= before)
			return state_fault(stream, at, "reason %u is out of order", reason);
		if (drop->reserved)
			return fault(stream, at, vfw_state_drop, reserved,
				     "reserved bytes are not zero");
		before = reason;
	}
	return DONE;
}
