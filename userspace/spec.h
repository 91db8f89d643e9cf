/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink family's operations, attributes and enums by name, as
 * Documentation/netlink/specs/vfw.yaml has them (a test compares the two).
 */
#ifndef VFW_NL_SPEC_H
#define VFW_NL_SPEC_H

#include "vfw-nl.h"

#include <netlink/attr.h>

/* Above the highest attribute number of any set. */
#define SPEC_ATTRS 32

enum spec_type {
	SPEC_NONE,
	SPEC_U32,
	SPEC_U64,
	SPEC_FLAG,
	SPEC_STRING,
	SPEC_UUID,
	SPEC_ADDRESS,
	SPEC_BINARY,
	SPEC_NEST,
	SPEC_PAD,
};

/**
 * struct spec_enum - an enum of the spec
 * @name: its name
 * @entries: names of the values, from 0
 * @count: how many
 */
struct spec_enum {
	const char *name;
	const char *const *entries;
	unsigned int count;
};

struct spec_set;

/**
 * struct spec_attr - an attribute
 * @name: its name, also the key in JSON
 * @type: what it holds
 * @multi: may come more than once; an array in JSON
 * @names: of a SPEC_U32, the enum, or NULL
 * @nested: of a SPEC_NEST, the set within
 */
struct spec_attr {
	const char *name;
	enum spec_type type;
	bool multi;
	const struct spec_enum *names;
	const struct spec_set *nested;
};

/**
 * struct spec_set - an attribute set
 * @name: its name
 * @max: highest attribute number
 * @attrs: by number
 */
struct spec_set {
	const char *name;
	unsigned int max;
	const struct spec_attr *attrs;
};

/**
 * struct spec_command - an operation
 * @name: its name
 * @set: the attributes of its messages
 */
struct spec_command {
	const char *name;
	const struct spec_set *set;
};

extern const struct spec_enum spec_direction;
extern const struct spec_enum spec_family;
extern const struct spec_enum spec_action;
extern const struct spec_enum spec_vm_state;
extern const struct spec_enum spec_port_state;
extern const struct spec_enum spec_port_type;
extern const struct spec_enum spec_hold_expiry;
extern const struct spec_enum spec_flow_state;
extern const struct spec_enum spec_drop_reason;
extern const struct spec_enum spec_frame_type;

extern const struct spec_set spec_vm;
extern const struct spec_set spec_hold;
extern const struct spec_set spec_port;
extern const struct spec_set spec_policy;
extern const struct spec_set spec_limits;
extern const struct spec_set spec_timeouts;
extern const struct spec_set spec_rule;
extern const struct spec_set spec_range;
extern const struct spec_set spec_flow;
extern const struct spec_set spec_tcp_peer;
extern const struct spec_set spec_stats;
extern const struct spec_set spec_drop;
extern const struct spec_set spec_snapshot;

const struct spec_command *spec_command(__u8 command);
const char *spec_enum_name(const struct spec_enum *names, __u64 value);
int spec_enum_value(const struct spec_enum *names, const char *word);
const char *spec_enum_list(const struct spec_enum *names);
bool spec_parse(const struct spec_set *set, struct nlattr *attrs[SPEC_ATTRS],
		const struct nlattr *head, int length);
bool spec_parse_nested(const struct spec_set *set, struct nlattr *attrs[SPEC_ATTRS],
		       const struct nlattr *nest);
void spec_path(const struct spec_set *set, const void *message, size_t length,
	       size_t offset, char *path, size_t size);

#endif /* VFW_NL_SPEC_H */
