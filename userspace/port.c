// SPDX-License-Identifier: GPL-2.0
#include "port.h"
#include "args.h"
#include "nl.h"
#include "print.h"

#include <string.h>

/* Takes a port's name into a message. */
static int need_name(struct args *args, struct nl_msg *request)
{
	const char *name = args_need(args, "a port (the name of its netdev)");

	if (!name)
		return FAILED;
	if (strlen(name) > VFW_IFNAME_MAX)
		return fail("'%s' is longer than %d bytes, the most a netdev's name has", name,
			    VFW_IFNAME_MAX);
	vnl_put_string(request, VFW_A_PORT_NAME, name);
	return DONE;
}

/* Takes a name and the keys into a request and sends it. */
static int name_and_keys(struct args *args, struct nl_msg *request, struct arg *keys,
			 size_t count, size_t required)
{
	int code = need_name(args, request);

	if (code == DONE)
		code = args_keys(args, keys, count);
	if (code == DONE && required < count && !keys[required].given)
		code = fail("a port needs %s: %s", keys[required].word,
			    keys[required].expects);
	if (code == DONE)
		return vnl_do(request, NULL, NULL);
	nlmsg_free(request);
	return code;
}

/* The attribute is the flag. */
static int put_flag(const struct arg *arg, const char *value)
{
	(void)value;
	vnl_put_flag(arg->to, arg->attr);
	return DONE;
}

static int add(struct args *args)
{
	struct nl_msg *request = vnl_request(VFW_CMD_PORT_NEW);
	struct arg keys[] = {
		{ "vm", "a VM (its UUID or its name)", arg_put_vm, request,
		  .attr = VFW_A_PORT_VM },
		{ "type", "host or mirrored", arg_put_enum, request,
		  .attr = VFW_A_PORT_TYPE, .names = &spec_port_type },
		{ "trunk", NULL, put_flag, request, .attr = VFW_A_PORT_TRUNK },
	};

	if (!request)
		return REFUSED;
	return name_and_keys(args, request, keys, ARRAY_SIZE(keys), 0);
}

static int set(struct args *args)
{
	struct nl_msg *request = vnl_request(VFW_CMD_PORT_SET);
	struct arg keys[] = {
		{ "name", "the new name", arg_put_string, request,
		  .attr = VFW_A_PORT_NEW_NAME, .max = VFW_IFNAME_MAX },
		{ "type", "host or mirrored", arg_put_enum, request,
		  .attr = VFW_A_PORT_TYPE, .names = &spec_port_type },
		{ "trunk", NULL, put_flag, request, .attr = VFW_A_PORT_TRUNK },
		{ "access", NULL, put_flag, request, .attr = VFW_A_PORT_ACCESS },
	};

	if (!request)
		return REFUSED;
	return name_and_keys(args, request, keys, ARRAY_SIZE(keys), ARRAY_SIZE(keys));
}

static int del(struct args *args)
{
	struct nl_msg *request = vnl_request(VFW_CMD_PORT_DEL);
	int code;

	if (!request)
		return REFUSED;
	code = need_name(args, request);
	if (code == DONE)
		code = args_end(args);
	if (code == DONE)
		return vnl_do(request, NULL, NULL);
	nlmsg_free(request);
	return code;
}

/**
 * port_show_line() - print a port, without a line break
 * @reply: it
 */
void port_show_line(const struct vnl_reply *reply)
{
	if (options.json) {
		print_attrs(reply->set, reply->head, reply->length);
		return;
	}
	print_attr(reply->set, reply->attrs, VFW_A_PORT_NAME, "%s");
	print_attr(reply->set, reply->attrs, VFW_A_PORT_VM, " vm %s");
	print_attr(reply->set, reply->attrs, VFW_A_PORT_TYPE, " type %s");
	if (reply->attrs[VFW_A_PORT_TRUNK])
		print_text(" trunk");
	print_attr(reply->set, reply->attrs, VFW_A_PORT_STATE, " state %s");
	if (!options.details)
		return;
	print_attr(reply->set, reply->attrs, VFW_A_PORT_IFINDEX, " ifindex %s");
	print_attr(reply->set, reply->attrs, VFW_A_PORT_ID, " id %s");
}

static int show_one(const struct vnl_reply *reply, void *data)
{
	(void)data;
	print_object_begin(NULL);
	port_show_line(reply);
	print_text("\n");
	print_object_end();
	return DONE;
}

static int show(struct args *args)
{
	bool list = args->argc == 0 || (args->argc == 2 && strcmp(args->argv[0], "vm") == 0);
	struct nl_msg *request = vnl_request(VFW_CMD_PORT_GET);
	struct arg keys[] = {
		{ "vm", "a VM (its UUID or its name)", arg_put_vm, request,
		  .attr = VFW_A_PORT_VM },
	};
	int code;

	if (!request)
		return REFUSED;
	if (list)
		code = args_keys(args, keys, ARRAY_SIZE(keys));
	else
		code = need_name(args, request);
	if (code == DONE)
		code = args_end(args);
	if (code) {
		nlmsg_free(request);
		return code;
	}
	print_array_begin(NULL);
	code = list ? vnl_dump(request, show_one, NULL) : vnl_do(request, show_one, NULL);
	print_array_end();
	return code;
}

static const struct verb verbs[] = {
	{ "add", add },
	{ "set", set },
	{ "show", show },
	{ "del", del },
	{ }
};

const struct object port_object = {
	.name = "port",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl port add NAME vm VM [type host|mirrored] [trunk]\n"
	"       vfw-nl port set NAME [name NEW] [type host|mirrored] [trunk|access]\n"
	"       vfw-nl port show [NAME | vm VM]\n"
	"       vfw-nl port del NAME\n"
	"\n"
	"NAME is the name of a netdev of this host that leads to the VM; it need not be there\n"
	"yet. A tap or veth is of type host, a macvtap mirrored; the kernel finds that itself.\n"
	"Frames with VLAN tags, one or two, pass on a trunk only.\n",
};
