// SPDX-License-Identifier: GPL-2.0
#include "snapshot.h"
#include "vfw-nl.h"

static const struct verb verbs[] = {
	{ "save", snapshot_save },
	{ "restore", snapshot_restore },
	{ "info", snapshot_info },
	{ }
};

const struct object snapshot_object = {
	.name = "snapshot",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl snapshot save VM file FILE\n"
	"       vfw-nl snapshot restore [UUID] file FILE [port OLD=NEW]... [LIMITS]\n"
	"       vfw-nl snapshot info FILE\n"
	"\n"
	"LIMITS := [packets N] [bytes N] [time MS] [expiry stay-closed|start-empty]\n"
	"\n"
	"FILE may be - for a pipe. A saved file is there whole or not at all. Restore declares\n"
	"the VM and its ports where they are not declared yet, under new names where port says\n"
	"so; packets wait within LIMITS until all is in force. When it fails, nothing is left\n"
	"behind. Info reads and checks a snapshot without the kernel; with -s it shows the\n"
	"windows and counters of flows, too.\n",
};
