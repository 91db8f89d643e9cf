// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "hold.h"
#include "nl.h"
#include "print.h"
#include "text.h"
#include "vm.h"

#include <stdio.h>
#include <string.h>

/**
 * struct search - looking for a VM by name
 * @name: the name
 * @uuid: of the first that has it
 * @found: how many have it
 */
struct search {
	const char *name;
	__u8 uuid[VFW_UUID_LEN];
	unsigned int found;
};

static int search_one(const struct vnl_reply *reply, void *data)
{
	struct search *search = data;
	struct nlattr *name = reply->attrs[VFW_A_VM_NAME];
	struct nlattr *uuid = reply->attrs[VFW_A_VM_UUID];

	if (!name || !uuid || strcmp(nla_get_string(name), search->name) != 0)
		return DONE;
	if (search->found++ == 0)
		memcpy(search->uuid, nla_data(uuid), VFW_UUID_LEN);
	return DONE;
}

/**
 * vm_resolve() - find the UUID of a VM
 * @word: its UUID, or a display name that no other VM has
 * @uuid: filled
 *
 * A UUID is not looked up, so it need not be that of a VM there is.
 *
 * Return: DONE, FAILED or REFUSED.
 */
int vm_resolve(const char *word, __u8 uuid[VFW_UUID_LEN])
{
	struct search search = { .name = word };
	int code;

	if (uuid_parse(word, uuid))
		return DONE;
	code = vnl_dump(vnl_request(VFW_CMD_VM_GET), search_one, &search);
	if (code)
		return code;
	if (search.found == 0)
		return refuse("there is no VM named '%s'", word);
	if (search.found > 1)
		return fail("%u VMs are named '%s': give the UUID", search.found, word);
	memcpy(uuid, search.uuid, VFW_UUID_LEN);
	return DONE;
}

static int add(struct args *args)
{
	const char *word = args_need(args, "the VM's UUID");
	struct hold_limits limits = { .expiry = -1 };
	const char *name = NULL;
	bool hold = false;
	struct arg keys[HOLD_KEYS + 2] = {
		[HOLD_KEYS] = { "hold", NULL, arg_flag, .to = &hold },
		{ "name", "a display name", arg_text, .to = &name },
	};
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];

	if (!word)
		return FAILED;
	if (!uuid_parse(word, uuid))
		return fail("'%s' is no UUID of the form 8-4-4-4-12", word);
	hold_keys(keys, &limits);
	if (args_keys(args, keys, ARRAY_SIZE(keys)))
		return FAILED;
	if (!hold && args_given(keys, HOLD_KEYS))
		return fail("the bounds of a hold need the word 'hold' before them");
	if (name && strlen(name) > VFW_NAME_MAX)
		return fail("the name is longer than %d bytes", VFW_NAME_MAX);
	request = vnl_request(VFW_CMD_VM_NEW);
	vnl_put(request, VFW_A_VM_UUID, uuid, sizeof(uuid));
	if (name)
		vnl_put_string(request, VFW_A_VM_NAME, name);
	if (hold)
		vnl_put_flag(request, VFW_A_VM_HOLD);
	hold_put(request, VFW_A_VM_HOLD_LIMITS, &limits);
	return vnl_do(request, NULL, NULL);
}

static int set(struct args *args)
{
	const char *name = NULL;
	struct arg keys[] = {
		{ "name", "a display name", arg_text, .to = &name },
	};
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];
	int code = args_vm(args, uuid);

	if (code)
		return code;
	if (args_keys(args, keys, ARRAY_SIZE(keys)))
		return FAILED;
	if (!name)
		return fail("nothing to change; expected name NAME");
	if (strlen(name) > VFW_NAME_MAX)
		return fail("the name is longer than %d bytes", VFW_NAME_MAX);
	request = vnl_request(VFW_CMD_VM_SET);
	vnl_put(request, VFW_A_VM_UUID, uuid, sizeof(uuid));
	vnl_put_string(request, VFW_A_VM_NAME, name);
	return vnl_do(request, NULL, NULL);
}

static void show_hold(const struct vnl_reply *reply)
{
	struct nlattr *hold[SPEC_ATTRS];

	if (options.json || !reply->attrs[VFW_A_VM_HOLD_LIMITS] ||
	    !spec_parse_nested(&spec_hold, hold, reply->attrs[VFW_A_VM_HOLD_LIMITS]))
		return;
	print_text("    hold");
	print_attr(&spec_hold, hold, VFW_A_HOLD_PACKETS, " packets %s");
	print_attr(&spec_hold, hold, VFW_A_HOLD_BYTES, " bytes %s");
	print_attr(&spec_hold, hold, VFW_A_HOLD_TIME, " time %s");
	print_attr(&spec_hold, hold, VFW_A_HOLD_EXPIRY, " expiry %s");
	print_attr(reply->set, reply->attrs, VFW_A_VM_HELD_PACKETS, " held %s packets");
	print_attr(reply->set, reply->attrs, VFW_A_VM_HELD_BYTES, " %s bytes");
	print_text("\n");
}

static bool has_name(const struct vnl_reply *reply)
{
	struct nlattr *name = reply->attrs[VFW_A_VM_NAME];

	return name && nla_get_string(name)[0];
}

/**
 * vm_show_line() - print a VM, without a line break
 * @reply: it
 */
void vm_show_line(const struct vnl_reply *reply)
{
	if (options.json) {
		print_attrs(reply->set, reply->head, reply->length);
		return;
	}
	print_attr(reply->set, reply->attrs, VFW_A_VM_UUID, "%s");
	if (has_name(reply))
		print_attr(reply->set, reply->attrs, VFW_A_VM_NAME, " name %s");
	print_attr(reply->set, reply->attrs, VFW_A_VM_STATE, " state %s");
	print_attr(reply->set, reply->attrs, VFW_A_VM_PORTS, " ports %s");
	print_attr(reply->set, reply->attrs, VFW_A_VM_RULES, " rules %s");
	print_attr(reply->set, reply->attrs, VFW_A_VM_FLOWS, " flows %s");
	if (reply->attrs[VFW_A_VM_MOVED])
		print_text(" moved");
}

static int show_one(const struct vnl_reply *reply, void *data)
{
	(void)data;
	print_object_begin(NULL);
	vm_show_line(reply);
	print_text("\n");
	if (options.details && !options.json) {
		print_attr(reply->set, reply->attrs, VFW_A_VM_ID, "    id %s");
		print_attr(reply->set, reply->attrs, VFW_A_VM_INCARNATION, " incarnation %s");
		print_attr(reply->set, reply->attrs, VFW_A_VM_POLICY_EPOCH,
			   " policy-epoch %s");
		print_attr(reply->set, reply->attrs, VFW_A_VM_HALF_OPEN_IN, " half-open in %s");
		print_attr(reply->set, reply->attrs, VFW_A_VM_HALF_OPEN_OUT, " out %s");
		print_text("\n");
	}
	show_hold(reply);
	print_object_end();
	return DONE;
}

static int show(struct args *args)
{
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];
	bool all = args->argc == 0;
	int code;

	if (!all) {
		code = args_vm(args, uuid);
		if (code == DONE)
			code = args_end(args);
		if (code)
			return code;
	}
	request = vnl_request(VFW_CMD_VM_GET);
	if (!request)
		return REFUSED;
	print_array_begin(NULL);
	if (all) {
		code = vnl_dump(request, show_one, NULL);
	} else {
		vnl_put(request, VFW_A_VM_UUID, uuid, sizeof(uuid));
		code = vnl_do(request, show_one, NULL);
	}
	print_array_end();
	return code;
}

/* The verbs that need nothing but the VM. */
static int plain(struct args *args, __u8 command)
{
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];
	int code = args_vm(args, uuid);

	if (code == DONE)
		code = args_end(args);
	if (code)
		return code;
	request = vnl_request(command);
	vnl_put(request, VFW_A_VM_UUID, uuid, sizeof(uuid));
	return vnl_do(request, NULL, NULL);
}

static int del(struct args *args)
{
	bool moved = false;
	struct arg keys[] = {
		{ "moved", NULL, arg_flag, .to = &moved },
	};
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];
	int code = args_vm(args, uuid);

	if (code == DONE)
		code = args_keys(args, keys, ARRAY_SIZE(keys));
	if (code)
		return code;
	request = vnl_request(VFW_CMD_VM_DEL);
	vnl_put(request, VFW_A_VM_UUID, uuid, sizeof(uuid));
	if (moved)
		vnl_put_flag(request, VFW_A_VM_MOVED);
	return vnl_do(request, NULL, NULL);
}

static int freeze(struct args *args)
{
	return plain(args, VFW_CMD_VM_FREEZE);
}

static int thaw(struct args *args)
{
	return plain(args, VFW_CMD_VM_THAW);
}

static const struct verb verbs[] = {
	{ "add", add },
	{ "set", set },
	{ "show", show },
	{ "del", del },
	{ "freeze", freeze },
	{ "thaw", thaw },
	{ }
};

const struct object vm_object = {
	.name = "vm",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl vm add UUID [name NAME] [hold [LIMITS]]\n"
	"       vfw-nl vm set VM name NAME\n"
	"       vfw-nl vm show [VM]\n"
	"       vfw-nl vm del VM [moved]\n"
	"       vfw-nl vm freeze VM\n"
	"       vfw-nl vm thaw VM\n"
	"\n"
	"VM     := UUID | NAME, when no other VM has that display name\n"
	"LIMITS := [packets N] [bytes N] [time MS] [expiry stay-closed|start-empty]\n"
	"\n"
	"From the moment a VM is added its ports are filtered, and nothing passes until a\n"
	"policy is loaded. With hold, packets wait within LIMITS for a snapshot to be restored.\n"
	"A frozen VM's state stays as it is and every packet is dropped, until thaw. A VM that has\n"
	"moved is frozen here, and its state is in force at another host.\n",
};
