// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "flow_show.h"
#include "policy_nl.h"
#include "print.h"
#include "signals.h"
#include "snapshot.h"
#include "state_check.h"
#include "state_record.h"
#include "state_stream.h"
#include "stats_show.h"
#include "text.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_SEC 1000000000ULL

/**
 * struct info - a snapshot being shown
 * @stream: the snapshot
 * @message: a record, in the form in which the kernel would send it
 * @policy: in text, the policy so far; it is shown when its last rule is there
 * @loaded: there is a policy
 * @rules: how many rules it says to have
 * @begun: the outermost object of the JSON is open
 * @in_policy: the policy's object is open
 * @list: which type of frame the array is of that is open, or NONE
 */
struct info {
	struct state_stream stream;
	struct nl_msg *message;
	struct policy policy;
	bool loaded;
	__u32 rules;
	bool begun;
	bool in_policy;
	enum vfw_frame_type list;
};

static void print_time(__u64 ns)
{
	time_t seconds = ns / NS_PER_SEC;
	struct tm when;
	char text[64] = "?";

	if (options.json) {
		print_uint("time", NULL, ns);
		return;
	}
	if (gmtime_r(&seconds, &when))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &when);
	print_string(NULL, " saved %s", text);
}

static int show_header(struct info *info)
{
	const struct vfw_state_header *header = state_records(&info->stream);
	char creator[sizeof(header->creator) + 1] = "";
	char uuid[UUID_TEXT];

	if (state_check_header(&info->stream))
		return FAILED;
	info->begun = true;
	print_object_begin(NULL);
	memcpy(creator, header->creator, sizeof(header->creator));
	print_string("uuid", "VM %s", uuid_text(header->uuid, uuid));
	print_uint("incarnation", " incarnation %llu", le64toh(header->incarnation));
	print_time(le64toh(header->time));
	print_flag("frozen", " frozen",
		   le32toh(header->flags) & VFW_STATE_HEADER_FROZEN);
	print_string("creator", " by '%s'", creator);
	return DONE;
}

static int show_vm(struct info *info)
{
	const struct vfw_state_vm *vm = state_records(&info->stream);

	if (state_check_vm(&info->stream))
		return FAILED;
	print_string("name", vm->name[0] ? " name %s\n" : "\n", (const char *)vm->name);
	return DONE;
}

static int show_ports(struct info *info)
{
	const struct vfw_state_port *port = state_records(&info->stream);

	if (state_check_ports(&info->stream))
		return FAILED;
	print_array_begin("port");
	for (__u32 i = 0; i < info->stream.count; i++, port++) {
		print_object_begin(NULL);
		print_string("name", "port %s", (const char *)port->name);
		print_string("type", " type %s",
			     spec_enum_name(&spec_port_type, port->type));
		print_flag("trunk", " trunk", port->flags & VFW_STATE_PORT_TRUNK);
		print_text("\n");
		print_object_end();
	}
	print_array_end();
	return DONE;
}

static int show_policy(struct info *info)
{
	const struct vfw_state_policy *policy = state_records(&info->stream);
	struct vnl_reply reply;

	if (state_check_policy(&info->stream))
		return FAILED;
	info->loaded = policy->flags & VFW_STATE_POLICY_LOADED;
	info->rules = le32toh(policy->rules);
	if (!info->loaded)
		return DONE;
	record_policy(info->message, policy);
	record_reply(info->message, VFW_CMD_POLICY_GET, &reply);
	info->in_policy = true;
	print_object_begin("policy");
	print_attrs(reply.set, reply.head, reply.length);
	return policy_nl_get(&info->policy, &reply);
}

static void open_list(struct info *info, const char *key)
{
	if (info->list == info->stream.type)
		return;
	info->list = info->stream.type;
	print_array_begin(key);
}

static void close_list(struct info *info)
{
	if (info->list != VFW_FRAME_TYPE_NONE)
		print_array_end();
	info->list = VFW_FRAME_TYPE_NONE;
}

static int show_rule(struct info *info, const struct vfw_state_rule *rule, __u32 number)
{
	struct vnl_reply reply;

	record_rule(info->message, rule, number);
	record_reply(info->message, VFW_CMD_RULE_GET, &reply);
	if (!options.json)
		return policy_nl_get_rules(&info->policy, &reply);
	print_value(NULL, NULL, &spec_policy.attrs[VFW_A_POLICY_RULE],
		    reply.attrs[VFW_A_POLICY_RULE]);
	return DONE;
}

static int show_rules(struct info *info)
{
	const struct state_stream *stream = &info->stream;
	__u32 number = stream->rules - stream->count;
	size_t at = FRAME_HEADER;

	open_list(info, "rule");
	for (__u32 i = 0; i < stream->count; i++) {
		const struct vfw_state_rule *rule = (const void *)stream->frame + at;

		if (state_check_rule(stream, at) || show_rule(info, rule, ++number))
			return FAILED;
		at += le16toh(rule->length);
	}
	if (at != stream->length)
		return state_fault(stream, at, "bytes follow the last rule");
	if (stream->rules > info->rules)
		return state_fault(stream, 12, "the policy says it has %u rules",
				   info->rules);
	return DONE;
}

/* After the last rule. */
static void finish_policy(struct info *info)
{
	close_list(info);
	if (info->in_policy)
		print_object_end();
	info->in_policy = false;
	if (options.json)
		return;
	if (!info->loaded) {
		print_text("no policy\n");
		return;
	}
	if (!options.details)
		policy_forget_defaults(&info->policy);
	print_text("policy of %u rules:\n", info->rules);
	policy_print(&info->policy, options.details, stdout);
	policy_free(&info->policy);
}

static int show_stats(struct info *info)
{
	struct vnl_reply reply;

	finish_policy(info);
	if (info->stream.rules != info->rules)
		return state_fault(&info->stream, 4, "the policy says it has %u rules, %u came",
				   info->rules, info->stream.rules);
	if (state_check_stats(&info->stream))
		return FAILED;
	record_stats(info->message, state_records(&info->stream));
	record_reply(info->message, VFW_CMD_STATS_GET, &reply);
	print_text("statistics:\n");
	print_object_begin("stats");
	stats_show(reply.head, reply.length);
	print_object_end();
	return DONE;
}

/* Takes the record of a flow at @at for a message of the kernel. */
static int read_flow(struct info *info, size_t at)
{
	const struct state_stream *stream = &info->stream;
	const void *record = stream->frame + at;
	enum vfw_family family = stream->type == VFW_FRAME_TYPE_FLOWS_IPV4 ? VFW_FAMILY_IPV4 :
									    VFW_FAMILY_IPV6;

	if (stream->type == VFW_FRAME_TYPE_FLOWS_TAGGED) {
		if (state_check_flow_tagged(stream, at, info->rules))
			return FAILED;
		record_flow_tagged(info->message, record);
		return DONE;
	}
	if (state_check_flow(stream, at, family, info->rules))
		return FAILED;
	record_flow(info->message, record, family);
	return DONE;
}

static int show_flows(struct info *info)
{
	const struct state_stream *stream = &info->stream;
	size_t size = state_records_length(stream) / stream->count;
	size_t at = FRAME_HEADER;
	struct vnl_reply reply;

	if (!info->loaded)
		return state_fault(stream, 4, "flows without a policy");
	/* Flows of all kinds are in one list. */
	if (info->list >= VFW_FRAME_TYPE_FLOWS_IPV4)
		info->list = stream->type;
	open_list(info, "flow");
	for (__u32 i = 0; i < stream->count; i++, at += size) {
		if (read_flow(info, at))
			return FAILED;
		record_reply(info->message, VFW_CMD_FLOW_GET, &reply);
		if (flow_show(reply.head, reply.length))
			return FAILED;
	}
	return DONE;
}

static int show_end(struct info *info)
{
	const struct vfw_state_end *end = state_records(&info->stream);

	close_list(info);
	print_object_begin("end");
	print_uint("frames", "all checked: %llu frames", le32toh(end->frames));
	print_uint("ports", " %llu ports", le32toh(end->ports));
	print_uint("rules", " %llu rules", le32toh(end->rules));
	print_uint("flows-ipv4", " %llu IPv4 flows", le32toh(end->flows_ipv4));
	print_uint("flows-ipv6", " %llu IPv6 flows", le32toh(end->flows_ipv6));
	print_uint("flows-tagged", " %llu flows in VLANs", le32toh(end->flows_tagged));
	print_uint("bytes", " %llu bytes before the end frame\n", le64toh(end->bytes));
	print_object_end();
	return DONE;
}

static int show_frame(struct info *info)
{
	static int (*const shows[])(struct info *info) = {
		[VFW_FRAME_TYPE_HEADER] = show_header,
		[VFW_FRAME_TYPE_VM] = show_vm,
		[VFW_FRAME_TYPE_PORT] = show_ports,
		[VFW_FRAME_TYPE_POLICY] = show_policy,
		[VFW_FRAME_TYPE_RULES] = show_rules,
		[VFW_FRAME_TYPE_STATS] = show_stats,
		[VFW_FRAME_TYPE_FLOWS_IPV4] = show_flows,
		[VFW_FRAME_TYPE_FLOWS_IPV6] = show_flows,
		[VFW_FRAME_TYPE_FLOWS_TAGGED] = show_flows,
		[VFW_FRAME_TYPE_END] = show_end,
	};

	return shows[info->stream.type](info);
}

static int show_stream(struct info *info)
{
	while (info->stream.type != VFW_FRAME_TYPE_END)
		if (state_next(&info->stream) || show_frame(info))
			return FAILED;
	return state_expect_eof(&info->stream);
}

/* JSON stays whole where the snapshot is not. */
static void close_json(struct info *info)
{
	close_list(info);
	if (info->in_policy)
		print_object_end();
	if (info->begun)
		print_object_end();
}

static int show_file(struct info *info, const char *name)
{
	int code;

	if (state_open(&info->stream, name))
		return FAILED;
	policy_init(&info->policy);
	code = show_stream(info);
	close_json(info);
	policy_free(&info->policy);
	state_close(&info->stream);
	return code;
}

/**
 * snapshot_info() - snapshot info FILE
 * @args: the words after info
 *
 * Return: enum exit_code.
 */
int snapshot_info(struct args *args)
{
	const char *name = args_need(args, "a file, or - for standard input");
	struct info *info;
	int code;

	if (!name || args_end(args))
		return FAILED;
	info = calloc(1, sizeof(*info));
	if (!info)
		return fail("no memory");
	info->message = nlmsg_alloc_size(RECORD_SIZE);
	code = info->message ? show_file(info, name) : fail("no memory");
	nlmsg_free(info->message);
	free(info);
	return code;
}
