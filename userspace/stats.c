// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "nl.h"
#include "print.h"
#include "stats_show.h"

static int show_one(const struct vnl_reply *reply, void *data)
{
	(void)data;
	print_object_begin(NULL);
	stats_show(reply->head, reply->length);
	print_object_end();
	return DONE;
}

static int show(struct args *args)
{
	struct nl_msg *request;
	__u8 uuid[VFW_UUID_LEN];
	bool all = args->argc == 0;
	int code = all ? DONE : args_vm(args, uuid);

	if (code == DONE)
		code = args_end(args);
	if (code)
		return code;
	request = vnl_request(VFW_CMD_STATS_GET);
	if (!request)
		return REFUSED;
	if (options.details)
		vnl_put_flag(request, VFW_A_STATS_ALL);
	if (!all)
		vnl_put(request, VFW_A_STATS_VM, uuid, sizeof(uuid));
	print_array_begin(NULL);
	code = all ? vnl_dump(request, show_one, NULL) : vnl_do(request, show_one, NULL);
	print_array_end();
	return code;
}

static const struct verb verbs[] = {
	{ "show", show },
	{ }
};

const struct object stats_object = {
	.name = "stats",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl stats show [VM]\n"
	"\n"
	"Shows what passed, and what was dropped for which reason; with -s, also the reasons\n"
	"for which nothing was dropped.\n",
};
