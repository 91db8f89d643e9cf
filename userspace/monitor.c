// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "nl.h"
#include "port.h"
#include "print.h"
#include "vm.h"

static void show_text(const struct vnl_reply *reply)
{
	switch (reply->command) {
	case VFW_CMD_VM_DEL_NTF:
		print_text("deleted ");
		fallthrough;
	case VFW_CMD_VM_NTF:
		print_text("vm ");
		vm_show_line(reply);
		break;
	case VFW_CMD_PORT_DEL_NTF:
		print_text("deleted ");
		fallthrough;
	case VFW_CMD_PORT_NTF:
		print_text("port ");
		port_show_line(reply);
		break;
	case VFW_CMD_POLICY_NTF:
		print_text("policy");
		print_attr(reply->set, reply->attrs, VFW_A_POLICY_VM, " vm %s");
		print_attr(reply->set, reply->attrs, VFW_A_POLICY_EPOCH, " epoch %s");
		print_attr(reply->set, reply->attrs, VFW_A_POLICY_RULES, " rules %s");
		break;
	default:
		print_text("%s", spec_command(reply->command)->name);
	}
	print_text("\n");
}

/* As JSON, in the form that the kernel's own YNL client gives notifications. */
static int show_event(const struct vnl_reply *reply, void *data)
{
	(void)data;
	if (options.json) {
		print_object_begin(NULL);
		print_string("name", NULL, spec_command(reply->command)->name);
		print_object_begin("msg");
		print_attrs(reply->set, reply->head, reply->length);
		print_object_end();
		print_object_end();
	} else {
		show_text(reply);
	}
	/* Whoever reads wants it now. */
	return print_flush();
}

static int show(struct args *args)
{
	int code = args_end(args);

	/* One event is one line, whatever -p says. */
	options.pretty = false;
	return code ? code : vnl_listen(VFW_MCGRP_EVENTS, show_event, NULL);
}

static const struct verb verbs[] = {
	{ "show", show },
	{ }
};

const struct object monitor_object = {
	.name = "monitor",
	.verbs = verbs,
	.standard = show,
	.help =
	"Usage: vfw-nl monitor\n"
	"\n"
	"Prints what happens to VMs, ports and policies, as it happens, until it is\n"
	"interrupted; with -j, one JSON object a line.\n",
};
