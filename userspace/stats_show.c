// SPDX-License-Identifier: GPL-2.0
/* A VM's counters as text or JSON, whether the kernel sent them or a snapshot holds them. */
#include "stats_show.h"
#include "print.h"
#include "spec.h"

#include <linux/vfw.h>

static void show_drop(const struct nlattr *nest)
{
	struct nlattr *drop[SPEC_ATTRS];

	if (!spec_parse_nested(&spec_drop, drop, nest))
		return;
	print_attr(&spec_drop, drop, VFW_A_DROP_REASON, "    drop %-16s");
	print_attr(&spec_drop, drop, VFW_A_DROP_IN_PACKETS, " in %s");
	print_attr(&spec_drop, drop, VFW_A_DROP_OUT_PACKETS, " out %s");
	print_text("\n");
}

/**
 * stats_show() - print counters, into the object that is open
 * @head: their attributes
 * @length: bytes of them
 */
void stats_show(const struct nlattr *head, int length)
{
	struct nlattr *attrs[SPEC_ATTRS];
	const struct nlattr *attr;
	int rest;

	if (options.json) {
		print_attrs(&spec_stats, head, length);
		return;
	}
	if (!spec_parse(&spec_stats, attrs, head, length))
		return;
	print_attr(&spec_stats, attrs, VFW_A_STATS_VM, "%s\n");
	print_attr(&spec_stats, attrs, VFW_A_STATS_IN_PACKETS, "    in %s packets");
	print_attr(&spec_stats, attrs, VFW_A_STATS_IN_BYTES, " %s bytes");
	print_attr(&spec_stats, attrs, VFW_A_STATS_OUT_PACKETS, " out %s packets");
	print_attr(&spec_stats, attrs, VFW_A_STATS_OUT_BYTES, " %s bytes");
	print_attr(&spec_stats, attrs, VFW_A_STATS_HELD, " held %s");
	print_text("\n   ");
	print_attr(&spec_stats, attrs, VFW_A_STATS_FLOWS, " flows %s");
	print_attr(&spec_stats, attrs, VFW_A_STATS_HALF_OPEN_IN, " half-open in %s");
	print_attr(&spec_stats, attrs, VFW_A_STATS_HALF_OPEN_OUT, " out %s");
	print_attr(&spec_stats, attrs, VFW_A_STATS_FLOWS_OPENED, " opened %s");
	print_attr(&spec_stats, attrs, VFW_A_STATS_FLOWS_ENDED, " ended %s");
	print_attr(&spec_stats, attrs, VFW_A_STATS_FLOWS_EVICTED, " evicted %s");
	print_text("\n");
	nla_for_each_attr(attr, (struct nlattr *)head, length, rest)
		if (nla_type(attr) == VFW_A_STATS_DROP)
			show_drop(attr);
}
