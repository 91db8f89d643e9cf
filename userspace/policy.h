/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A policy in memory: what the text form, the JSON form and the kernel's
 * attributes are read into and written from.
 */
#ifndef VFW_POLICY_H
#define VFW_POLICY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/types.h>
#include <linux/vfw.h>

#include "vfw-nl.h"

/* The kernel's name for it, as its checkpatch asks for. */
#ifndef __printf
#define __printf(fmt, args)	__attribute((format(printf, fmt, args)))
#endif

#define POLICY_ERRORS_MAX	20
#define POLICY_FILE_MAX		0x40000000

/* @family is VFW_FAMILY_ANY where there is no prefix. */
struct policy_prefix {
	__u8 addr[16];
	__u8 family;
	__u8 len;
};

struct policy_range {
	__u16 first;
	__u16 last;
};

/* @count ranges of the policy's @ranges, from @at on. */
struct policy_ports {
	__u32 at;
	__u32 count;
};

#define POLICY_BIT(attr)	(1U << (attr))

/*
 * @given has POLICY_BIT(VFW_A_RULE_...) for each attribute the rule has; the
 * fields of the others are 0. @comment is an offset in the policy's @text.
 */
struct policy_rule {
	__u64 packets;
	__u64 bytes;
	__u32 given;
	__u32 line;
	__u32 comment;
	struct policy_ports local_ports;
	struct policy_ports remote_ports;
	struct policy_prefix local;
	struct policy_prefix remote;
	__u8 direction;
	__u8 family;
	__u8 action;
	__u8 protocol;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tcp_flags;
	__u8 tcp_mask;
};

/* Numbers named by an attribute: the limits, the timeouts. */
struct policy_numbers {
	__u32 given;
	__u32 value[VFW_A_TIMEOUTS_MAX + 1];
};

static_assert(VFW_A_LIMITS_MAX <= (int)VFW_A_TIMEOUTS_MAX, "limits do not fit");
static_assert(VFW_A_RULE_MAX < 32, "given is too narrow");

/*
 * Ranges and comments of all rules are kept in two arrays, so that a rule
 * needs no memory of its own and a million of them are freed at once.
 */
struct policy {
	__u8 default_in;
	__u8 default_out;
	struct policy_numbers limits;
	struct policy_numbers timeouts;

	struct policy_rule *rules;
	size_t rule_count;
	size_t rule_room;
	struct policy_range *ranges;
	size_t range_count;
	size_t range_room;
	char *text;
	size_t text_count;
	size_t text_room;

	/* Of a policy in force only. */
	bool in_force;
	__u32 epoch;
	__u64 memory;
};

/* What is wrong with a rule: the attribute (VFW_A_RULE_...) and a sentence. */
struct policy_fault {
	int attr;
	char text[192];
};

/* policy_model.c */
void policy_init(struct policy *policy);
void policy_free(struct policy *policy);
struct policy_rule *policy_rule_add(struct policy *policy);
void policy_range_add(struct policy *policy, struct policy_ports *ports,
		      __u16 first, __u16 last);
void policy_comment_set(struct policy *policy, struct policy_rule *rule,
			const char *text, size_t len);
void policy_forget_defaults(struct policy *policy);

/* policy_rule.c */
bool policy_rule_judge(struct policy_rule *rule, struct policy_fault *fault);
unsigned int policy_family_bits(__u8 family);
bool policy_addr_parse(const char *text, size_t len,
		       struct policy_prefix *prefix);
const char *policy_addr_print(const struct policy_prefix *prefix, char *buf,
			      size_t size);

/* policy_words.c */
struct policy_word {
	const char *name;
	__u8 value;
};

extern const struct policy_word policy_actions[];
extern const struct policy_word policy_directions[];
extern const struct policy_word policy_families[];
extern const struct policy_word policy_protocols[];
extern const struct policy_word policy_tcp_flags[];

const struct policy_word *policy_icmp_types(__u8 protocol);
int policy_word_find(const struct policy_word *words, const char *name,
		     size_t len);
const char *policy_word_name(const struct policy_word *words, unsigned int value);
const char *policy_words_list(const struct policy_word *words, char *buf,
			      size_t size);

/* A limit or a timeout: name in the spec, attribute, bounds, default. */
struct policy_number {
	const char *name;
	__u8 attr;
	__u32 min;
	__u32 max;
	__u32 preset;
};

extern const struct policy_number policy_limits[];
extern const struct policy_number policy_timeouts[];

const struct policy_number *policy_number_find(const struct policy_number *all,
					       const char *name, size_t len);
const char *policy_numbers_list(const struct policy_number *all, char *buf,
				size_t size);

/* policy_text.c */
bool policy_decimal(const char *text, size_t len, __u64 *value);
bool policy_duration_parse(const char *text, size_t len, __u64 *seconds);
const char *policy_duration_print(__u32 seconds, char *buf, size_t size);
size_t policy_char(const char *text, const char *end);
size_t policy_text_clean(char *text, size_t len);

/* policy_error.c */
struct policy_source {
	const char *name;
	const char *text;
	size_t len;
	unsigned int errors;
	bool carets;
	bool json;
};

/* A place in the source: a byte, the line it is on, and that line's number. */
struct policy_place {
	const char *at;
	const char *line_start;
	unsigned int line;
};

int policy_source_read(struct policy_source *source, const char *name);
void policy_source_free(struct policy_source *source);
__printf(3, 4)
void policy_error_place(struct policy_source *source,
			const struct policy_place *place, const char *format,
			...);
__printf(3, 4)
void policy_error_path(struct policy_source *source, const char *path,
		       const char *format, ...);

/* policy_file.c, policy_json.c, policy_json_read.c, policy_print.c */
int policy_file_parse(struct policy *policy, struct policy_source *source);
int policy_json_parse(struct policy *policy, struct policy_source *source);
void policy_json_print(const struct policy *policy, FILE *out);
void policy_print(const struct policy *policy, bool counters, FILE *out);

#endif /* VFW_POLICY_H */
