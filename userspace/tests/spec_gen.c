// SPDX-License-Identifier: GPL-2.0
/* spec_gen: writes what spec.c knows as JSON, for spec_test.py to hold against the spec. */
#include "../print.h"
#include "../spec.h"

#include <linux/vfw.h>

static const char *const types[] = {
	[SPEC_U32] = "u32",
	[SPEC_U64] = "u64",
	[SPEC_FLAG] = "flag",
	[SPEC_STRING] = "string",
	[SPEC_UUID] = "binary",
	[SPEC_ADDRESS] = "binary",
	[SPEC_BINARY] = "binary",
	[SPEC_NEST] = "nest",
	[SPEC_PAD] = "pad",
};

static const struct spec_set *const sets[] = {
	&spec_vm, &spec_hold, &spec_port, &spec_policy, &spec_limits, &spec_timeouts,
	&spec_rule, &spec_range, &spec_flow, &spec_tcp_peer, &spec_stats, &spec_drop,
	&spec_snapshot,
};

static const struct spec_enum *const enums[] = {
	&spec_direction, &spec_family, &spec_action, &spec_vm_state, &spec_port_state,
	&spec_port_type, &spec_hold_expiry, &spec_flow_state, &spec_drop_reason,
	&spec_frame_type,
};

static void write_attr(const struct spec_attr *attr)
{
	print_object_begin(NULL);
	print_string("name", NULL, attr->name);
	print_string("type", NULL, types[attr->type]);
	if (attr->names)
		print_string("enum", NULL, attr->names->name);
	if (attr->nested)
		print_string("nested-attributes", NULL, attr->nested->name);
	if (attr->multi)
		print_flag("multi-attr", NULL, true);
	print_object_end();
}

static void write_set(const struct spec_set *set)
{
	print_array_begin(set->name);
	for (unsigned int i = 1; i <= set->max; i++)
		write_attr(&set->attrs[i]);
	print_array_end();
}

static void write_enum(const struct spec_enum *names)
{
	print_array_begin(names->name);
	for (unsigned int i = 0; i < names->count; i++)
		print_string(NULL, NULL, names->entries[i]);
	print_array_end();
}

int main(void)
{
	options.json = true;
	print_object_begin(NULL);
	print_object_begin("sets");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		write_set(sets[i]);
	print_object_end();
	print_object_begin("enums");
	for (size_t i = 0; i < ARRAY_SIZE(enums); i++)
		write_enum(enums[i]);
	print_object_end();
	print_array_begin("commands");
	for (unsigned int i = 1; spec_command(i); i++) {
		print_object_begin(NULL);
		print_string("name", NULL, spec_command(i)->name);
		print_string("set", NULL, spec_command(i)->set->name);
		print_object_end();
	}
	print_array_end();
	print_object_end();
	return print_flush();
}
