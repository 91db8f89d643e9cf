// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "flow_show.h"
#include "nl.h"
#include "print.h"
#include "text.h"

static const char *const opened_entries[] = { "in", "out" };
/* A direction, but never both. */
static const struct spec_enum opened_names = {
	.name = "opened",
	.entries = opened_entries,
	.count = ARRAY_SIZE(opened_entries),
};

static int take_protocol(const struct arg *arg, const char *value)
{
	int protocol = protocol_parse(value);

	if (protocol < 0)
		return fail("'%s %s': expected a name such as tcp, or a number from 0 to 255",
			    arg->word, value);
	vnl_put_u32(arg->to, arg->attr, protocol);
	return DONE;
}

/* Puts the address, and its prefix length into the attribute that comes next in the spec. */
static int take_prefix(const struct arg *arg, const char *value)
{
	unsigned int bytes, bits;
	__u8 address[16];

	static_assert(VFW_A_FLOW_LOCAL_PREFIX - VFW_A_FLOW_LOCAL == 1, "prefix of local");
	static_assert(VFW_A_FLOW_REMOTE_PREFIX - VFW_A_FLOW_REMOTE == 1, "prefix of remote");
	if (!prefix_parse(value, address, &bytes, &bits))
		return fail("'%s %s': expected ADDRESS or ADDRESS/LENGTH", arg->word, value);
	vnl_put(arg->to, arg->attr, address, bytes);
	vnl_put_u32(arg->to, arg->attr + 1, bits);
	return DONE;
}

static int take_vlan_type(const struct arg *arg, const char *value)
{
	unsigned int type;

	if (!vlan_type_parse(value, &type))
		return fail("'%s %s': expected %s", arg->word, value, arg->expects);
	vnl_put_u32(arg->to, arg->attr, type);
	return DONE;
}

static int take_keys(struct args *args, struct nl_msg *request)
{
	struct arg keys[] = {
		{ "family", "ipv4 or ipv6", arg_put_enum, request,
		  .attr = VFW_A_FLOW_FAMILY, .names = &spec_family },
		{ "protocol", "a name or a number", take_protocol, request,
		  .attr = VFW_A_FLOW_PROTOCOL },
		{ "local", "ADDRESS[/LENGTH]", take_prefix, request,
		  .attr = VFW_A_FLOW_LOCAL },
		{ "remote", "ADDRESS[/LENGTH]", take_prefix, request,
		  .attr = VFW_A_FLOW_REMOTE },
		{ "local-port", "a number", arg_put_u32, request,
		  .attr = VFW_A_FLOW_LOCAL_PORT, .max = 65535 },
		{ "remote-port", "a number", arg_put_u32, request,
		  .attr = VFW_A_FLOW_REMOTE_PORT, .max = 65535 },
		{ "opened", "in or out", arg_put_enum, request,
		  .attr = VFW_A_FLOW_OPENED, .names = &opened_names },
		{ "state", "a state", arg_put_enum, request,
		  .attr = VFW_A_FLOW_STATE, .names = &spec_flow_state },
		{ "rule", "a number", arg_put_u32, request,
		  .attr = VFW_A_FLOW_RULE, .max = VFW_RULES_MAX },
		{ "vlan", "a number, 0 for no tag", arg_put_u32, request,
		  .attr = VFW_A_FLOW_VLAN, .max = VLAN_MAX },
		{ "vlan-inner", "a number, 0 for no second tag", arg_put_u32, request,
		  .attr = VFW_A_FLOW_VLAN_INNER, .max = VLAN_MAX },
		{ "vlan-type", "802.1q, 802.1ad or an ethertype", take_vlan_type, request,
		  .attr = VFW_A_FLOW_VLAN_TYPE },
		{ "vlan-inner-type", "802.1q, 802.1ad or an ethertype", take_vlan_type,
		  request, .attr = VFW_A_FLOW_VLAN_INNER_TYPE },
	};

	return args_keys(args, keys, ARRAY_SIZE(keys));
}

/* Takes the VM and the filters into a request; it is NULL unless all is well. */
static int take_filter(struct args *args, __u8 command, struct nl_msg **request)
{
	__u8 uuid[VFW_UUID_LEN];
	int code = args_vm(args, uuid);

	*request = code ? NULL : vnl_request(command);
	if (!*request)
		return code ? code : REFUSED;
	vnl_put(*request, VFW_A_FLOW_VM, uuid, sizeof(uuid));
	code = take_keys(args, *request);
	if (code) {
		nlmsg_free(*request);
		*request = NULL;
	}
	return code;
}

static int show_one(const struct vnl_reply *reply, void *data)
{
	(void)data;
	return flow_show(reply->head, reply->length);
}

static int show(struct args *args)
{
	struct nl_msg *request;
	int code = take_filter(args, VFW_CMD_FLOW_GET, &request);

	if (code)
		return code;
	print_array_begin(NULL);
	code = vnl_dump(request, show_one, NULL);
	print_array_end();
	return code;
}

static int show_count(const struct vnl_reply *reply, void *data)
{
	(void)data;
	if (!reply->attrs[VFW_A_FLOW_COUNT])
		return DONE;
	print_object_begin(NULL);
	print_attr(reply->set, reply->attrs, VFW_A_FLOW_COUNT, "%s\n");
	print_object_end();
	return DONE;
}

static int flush(struct args *args)
{
	struct nl_msg *request;
	int code = take_filter(args, VFW_CMD_FLOW_DEL, &request);

	if (code)
		return code;
	return vnl_do(request, show_count, NULL);
}

static const struct verb verbs[] = {
	{ "show", show },
	{ "flush", flush },
	{ }
};

const struct object flow_object = {
	.name = "flow",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl flow show VM [FILTER]\n"
	"       vfw-nl flow flush VM [FILTER]\n"
	"\n"
	"FILTER := [family ipv4|ipv6] [protocol NAME|N]\n"
	"          [local ADDRESS[/LENGTH]] [remote ADDRESS[/LENGTH]]\n"
	"          [local-port N] [remote-port N] [opened in|out] [state STATE] [rule N]\n"
	"          [vlan N] [vlan-inner N] [vlan-type TYPE] [vlan-inner-type TYPE]\n"
	"STATE  := new | replied | stream | tcp-syn-sent | tcp-syn-sent2 | tcp-syn-recv |\n"
	"          tcp-established | tcp-fin-wait | tcp-close-wait | tcp-last-ack |\n"
	"          tcp-time-wait | tcp-close | sctp-cookie-wait | sctp-cookie-echoed |\n"
	"          sctp-established | sctp-shutdown-sent | sctp-shutdown-recd |\n"
	"          sctp-shutdown-ack-sent | sctp-closed | sctp-heartbeat-sent\n"
	"TYPE   := 802.1q | 802.1ad | an ethertype such as 0x9100\n"
	"\n"
	"Shows or removes the flows that fit all of FILTER; flush prints how many. The VM's end\n"
	"comes first; -> is a flow that the VM opened, <- one that the far end opened. With -s,\n"
	"counters, TCP windows and SCTP tags are shown. VLANs are shown where frames had tags;\n"
	"vlan 0 in FILTER is for those that had none.\n",
};
