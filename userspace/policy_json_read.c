// SPDX-License-Identifier: GPL-2.0
/* The JSON form of a policy, read. */
#include <string.h>

#include "policy_scan.h"

/* Longest piece of the source in a message, in bytes. */
#define QUOTED_MAX	40

/*
 * What is being read, as its path: the name in the top object or of a rule's
 * attribute, and below it an index and a name. Made into text on error only.
 */
struct reader {
	struct policy *policy;
	struct policy_source *source;
	struct policy_scan scan;
	struct policy_rule *rule;
	size_t rule_index;
	bool in_rule;
	const char *key;
	size_t index;
	bool in_array;
	const char *sub;
};

/* A string of the source, cut and cleaned. */
static const char *quoted(const char *text, char buf[QUOTED_MAX + 1])
{
	snprintf(buf, QUOTED_MAX + 1, "%s", text);
	policy_text_clean(buf, strlen(buf));
	return buf;
}

static void path(const struct reader *reader, char *buf, size_t size)
{
	char key[QUOTED_MAX + 1], sub[QUOTED_MAX + 1];
	size_t n = 0;

	buf[0] = '\0';
	if (reader->in_rule)
		n += snprintf(buf, size, "rules[%zu]", reader->rule_index);
	if (reader->key)
		n += snprintf(buf + n, size - n, "%s%s", n ? "." : "",
			      quoted(reader->key, key));
	if (reader->in_array)
		n += snprintf(buf + n, size - n, "[%zu]", reader->index);
	if (reader->sub)
		n += snprintf(buf + n, size - n, ".%s", quoted(reader->sub, sub));
	if (!n)
		snprintf(buf, size, "top level");
}

static void say(const struct reader *reader, const char *text)
{
	char buf[192];

	path(reader, buf, sizeof(buf));
	policy_error_path(reader->source, buf, "%s", text);
}

/* Refuses a value: names it, and what was expected. */
static void mistaken(const struct reader *reader, json_t *value,
		     const char *expected)
{
	char text[640], buf[QUOTED_MAX + 1];

	if (json_is_integer(value))
		snprintf(text, sizeof(text), "unexpected %" JSON_INTEGER_FORMAT
			 ", expected %s", json_integer_value(value), expected);
	else if (json_is_string(value))
		snprintf(text, sizeof(text), "unexpected '%s', expected %s",
			 quoted(json_string_value(value), buf), expected);
	else
		snprintf(text, sizeof(text), "unexpected %s, expected %s",
			 json_is_object(value) ? "object" :
			 json_is_array(value) ? "array" :
			 json_is_real(value) ? "fraction" :
			 json_is_true(value) ? "true" :
			 json_is_false(value) ? "false" : "null", expected);
	say(reader, text);
}

static bool read_number(const struct reader *reader, json_t *value, __u32 min,
			__u32 max, __u32 *number)
{
	char expected[64];

	if (json_is_integer(value) && json_integer_value(value) >= min &&
	    json_integer_value(value) <= max) {
		*number = json_integer_value(value);
		return true;
	}
	snprintf(expected, sizeof(expected), "a number from %u to %u", min, max);
	mistaken(reader, value, expected);
	return false;
}

static bool read_word(const struct reader *reader, json_t *value,
		      const struct policy_word *words, __u8 *field)
{
	const char *text = json_string_value(value);
	char list[256];
	int found = -1;

	if (text)
		found = policy_word_find(words, text, json_string_length(value));
	if (found < 0) {
		mistaken(reader, value,
			 policy_words_list(words, list, sizeof(list)));
		return false;
	}
	*field = found;
	return true;
}

/* {"NAME": NUMBER, ...}, of limits or timeouts */
static void read_numbers(struct reader *reader, json_t *value,
			 const struct policy_number *all,
			 struct policy_numbers *numbers)
{
	const struct policy_number *number;
	const char *name;
	char list[256], text[300];
	json_t *member;

	if (!json_is_object(value)) {
		mistaken(reader, value, "an object");
		return;
	}
	json_object_foreach(value, name, member) {
		reader->sub = name;
		number = policy_number_find(all, name, strlen(name));
		if (!number) {
			snprintf(text, sizeof(text), "unknown name, expected %s",
				 policy_numbers_list(all, list, sizeof(list)));
			say(reader, text);
		} else if (read_number(reader, member, number->min, number->max,
				       &numbers->value[number->attr])) {
			numbers->given |= POLICY_BIT(number->attr);
		}
	}
	reader->sub = NULL;
}

/* {"first": PORT, "last": PORT} */
static void read_range(struct reader *reader, json_t *value,
		       struct policy_ports *ports)
{
	json_t *first = json_object_get(value, "first");
	json_t *last = json_object_get(value, "last");
	__u32 low = 0, high = 0;

	if (!json_is_object(value) || !first ||
	    json_object_size(value) != 1 + !!last) {
		mistaken(reader, value,
			 "an object with first, and last where it is another");
		return;
	}
	reader->sub = "first";
	if (!read_number(reader, first, 0, 65535, &low))
		return;
	high = low;
	reader->sub = "last";
	if (last && !read_number(reader, last, low, 65535, &high))
		return;
	policy_range_add(reader->policy, ports, low, high);
}

static void read_ports(struct reader *reader, json_t *value,
		       struct policy_ports *ports)
{
	if (!json_is_array(value) || !json_array_size(value)) {
		mistaken(reader, value, "an array of ranges");
		return;
	}
	if (json_array_size(value) > VFW_RANGES_MAX) {
		say(reader, "more ranges than a port set can have, expected at most 32");
		return;
	}
	reader->in_array = true;
	for (reader->index = 0; reader->index < json_array_size(value);
	     reader->index++) {
		read_range(reader, json_array_get(value, reader->index), ports);
		reader->sub = NULL;
	}
	reader->in_array = false;
}

static void read_address(struct reader *reader, json_t *value,
			 struct policy_prefix *prefix)
{
	struct policy_prefix whole = { };
	const char *text = json_string_value(value);

	if (!text || !policy_addr_parse(text, json_string_length(value), &whole)) {
		mistaken(reader, value, "an IPv4 or IPv6 address");
		return;
	}
	/* The length may have come first; without one, it is the whole. */
	memcpy(prefix->addr, whole.addr, sizeof(prefix->addr));
	prefix->family = whole.family;
}

static void read_comment(struct reader *reader, json_t *value)
{
	const char *text = json_string_value(value);
	const char *at, *end;
	size_t n;

	if (!text) {
		mistaken(reader, value, "a string");
		return;
	}
	end = text + json_string_length(value);
	for (at = text; at < end; at += n) {
		n = policy_char(at, end);
		if (!n) {
			say(reader, "control character in a comment, expected printable UTF-8");
			return;
		}
	}
	if (end - text > VFW_COMMENT_MAX) {
		say(reader, "comment is too long, expected at most 127 bytes");
		return;
	}
	policy_comment_set(reader->policy, reader->rule, text, end - text);
}

enum kind {
	KIND_WORD,
	KIND_NUMBER,
	KIND_FLAG,
	KIND_ADDRESS,
	KIND_PORTS,
	KIND_COMMENT,
	KIND_IGNORED,
};

#define FIELD(name)	offsetof(struct policy_rule, name)

/*
 * A rule's attributes. What only a policy in force has is ignored, so that
 * what "policy show" prints can be loaded.
 */
static const struct attr {
	const char *name;
	__u8 attr;
	__u8 kind;
	__u8 max;
	size_t field;
	const struct policy_word *words;
} attrs[] = {
	{ "direction", VFW_A_RULE_DIRECTION, KIND_WORD, 0, FIELD(direction),
	  policy_directions },
	{ "family", VFW_A_RULE_FAMILY, KIND_WORD, 0, FIELD(family),
	  policy_families },
	{ "action", VFW_A_RULE_ACTION, KIND_WORD, 0, FIELD(action),
	  policy_actions },
	{ "stateless", VFW_A_RULE_STATELESS, KIND_FLAG, 0, 0, NULL },
	{ "local", VFW_A_RULE_LOCAL, KIND_ADDRESS, 0, FIELD(local), NULL },
	{ "local-prefix", VFW_A_RULE_LOCAL_PREFIX, KIND_NUMBER, 128,
	  FIELD(local.len), NULL },
	{ "remote", VFW_A_RULE_REMOTE, KIND_ADDRESS, 0, FIELD(remote), NULL },
	{ "remote-prefix", VFW_A_RULE_REMOTE_PREFIX, KIND_NUMBER, 128,
	  FIELD(remote.len), NULL },
	{ "protocol", VFW_A_RULE_PROTOCOL, KIND_NUMBER, 255, FIELD(protocol),
	  NULL },
	{ "local-ports", VFW_A_RULE_LOCAL_PORTS, KIND_PORTS, 0,
	  FIELD(local_ports), NULL },
	{ "remote-ports", VFW_A_RULE_REMOTE_PORTS, KIND_PORTS, 0,
	  FIELD(remote_ports), NULL },
	{ "icmp-type", VFW_A_RULE_ICMP_TYPE, KIND_NUMBER, 255,
	  FIELD(icmp_type), NULL },
	{ "icmp-code", VFW_A_RULE_ICMP_CODE, KIND_NUMBER, 255,
	  FIELD(icmp_code), NULL },
	{ "tcp-flags", VFW_A_RULE_TCP_FLAGS, KIND_NUMBER, 255,
	  FIELD(tcp_flags), NULL },
	{ "tcp-flags-mask", VFW_A_RULE_TCP_FLAGS_MASK, KIND_NUMBER, 255,
	  FIELD(tcp_mask), NULL },
	{ "comment", VFW_A_RULE_COMMENT, KIND_COMMENT, 0, 0, NULL },
	{ "number", 0, KIND_IGNORED, 0, 0, NULL },
	{ "packets", 0, KIND_IGNORED, 0, 0, NULL },
	{ "bytes", 0, KIND_IGNORED, 0, 0, NULL },
};

static const struct attr *find_attr(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		if (!strcmp(attrs[i].name, name))
			return &attrs[i];
	return NULL;
}

static const char *attr_name(int attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		if (attrs[i].attr == attr)
			return attrs[i].name;
	return NULL;
}

static void read_attr(struct reader *reader, const struct attr *attr,
		      json_t *value)
{
	struct policy_rule *rule = reader->rule;
	void *field = (char *)rule + attr->field;
	__u32 number, bit = POLICY_BIT(attr->attr);

	switch ((enum kind)attr->kind) {
	case KIND_WORD:
		read_word(reader, value, attr->words, field);
		break;
	case KIND_NUMBER:
		if (read_number(reader, value, 0, attr->max, &number))
			*(__u8 *)field = number;
		break;
	case KIND_FLAG:
		if (!json_is_boolean(value))
			mistaken(reader, value, "true or false");
		else if (json_is_false(value))
			bit = 0;
		break;
	case KIND_ADDRESS:
		read_address(reader, value, field);
		break;
	case KIND_PORTS:
		read_ports(reader, value, field);
		break;
	case KIND_COMMENT:
		/* An empty one is none. */
		read_comment(reader, value);
		bit = 0;
		break;
	case KIND_IGNORED:
		bit = 0;
		break;
	}
	rule->given |= bit;
}

/* An address without a length is a prefix of its whole length. */
static void whole_prefix(struct policy_rule *rule, struct policy_prefix *prefix,
			 int addr_attr, int len_attr)
{
	if (!(rule->given & POLICY_BIT(addr_attr)) ||
	    rule->given & POLICY_BIT(len_attr))
		return;
	prefix->len = policy_family_bits(prefix->family);
	rule->given |= POLICY_BIT(len_attr);
}

static void judge(struct reader *reader)
{
	struct policy_rule *rule = reader->rule;
	struct policy_fault fault;

	if (!(rule->given & POLICY_BIT(VFW_A_RULE_ACTION))) {
		say(reader, "rule without an action, expected action too");
		return;
	}
	whole_prefix(rule, &rule->local, VFW_A_RULE_LOCAL,
		     VFW_A_RULE_LOCAL_PREFIX);
	whole_prefix(rule, &rule->remote, VFW_A_RULE_REMOTE,
		     VFW_A_RULE_REMOTE_PREFIX);
	if (policy_rule_judge(rule, &fault))
		return;
	reader->key = attr_name(fault.attr);
	say(reader, fault.text);
}

static void say_unknown(const struct reader *reader)
{
	char text[400] = "unknown attribute, expected ";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs) && attrs[i].attr; i++) {
		strncat(text, i ? ", " : "", sizeof(text) - strlen(text) - 1);
		strncat(text, attrs[i].name, sizeof(text) - strlen(text) - 1);
	}
	say(reader, text);
}

static void read_rule(struct reader *reader, json_t *value)
{
	unsigned int errors = reader->source->errors;
	const struct attr *attr;
	const char *name;
	json_t *member;

	if (!json_is_object(value)) {
		mistaken(reader, value, "an object");
		return;
	}
	json_object_foreach(value, name, member) {
		reader->key = name;
		attr = find_attr(name);
		if (attr)
			read_attr(reader, attr, member);
		else
			say_unknown(reader);
	}
	reader->key = NULL;
	if (reader->source->errors == errors)
		judge(reader);
}

static void read_rules(struct reader *reader)
{
	struct policy_scan *scan = &reader->scan;
	json_t *value;

	if (!policy_scan_need(scan, '['))
		return;
	reader->key = NULL;
	reader->in_rule = true;
	for (reader->rule_index = 0;
	     policy_scan_more(scan, ']', !reader->rule_index) &&
	     reader->source->errors <= POLICY_ERRORS_MAX;
	     reader->rule_index++) {
		value = policy_scan_value(scan);
		if (!value)
			break;
		reader->rule = policy_rule_add(reader->policy);
		if (!reader->rule) {
			say(reader,
			    "more rules than a policy can have, expected at most 1000000");
			scan->bad = true;
		} else {
			read_rule(reader, value);
		}
		json_decref(value);
	}
	reader->in_rule = false;
}

/* Members of the outermost object. The last are of a policy in force only. */
enum top {
	TOP_DEFAULT_IN,
	TOP_DEFAULT_OUT,
	TOP_LIMITS,
	TOP_TIMEOUTS,
	TOP_RULES,
	TOP_EPOCH,
	TOP_MEMORY,
	TOP_VM,
};

static const struct policy_word tops[] = {
	{ "default-in", TOP_DEFAULT_IN },
	{ "default-out", TOP_DEFAULT_OUT },
	{ "limits", TOP_LIMITS },
	{ "timeouts", TOP_TIMEOUTS },
	{ "rules", TOP_RULES },
	{ "epoch", TOP_EPOCH },
	{ "memory", TOP_MEMORY },
	{ "vm", TOP_VM },
	{ }
};

static void read_top_value(struct reader *reader, int top, json_t *value)
{
	struct policy *policy = reader->policy;

	switch (top) {
	case TOP_DEFAULT_IN:
		read_word(reader, value, policy_actions, &policy->default_in);
		break;
	case TOP_DEFAULT_OUT:
		read_word(reader, value, policy_actions, &policy->default_out);
		break;
	case TOP_LIMITS:
		read_numbers(reader, value, policy_limits, &policy->limits);
		break;
	case TOP_TIMEOUTS:
		read_numbers(reader, value, policy_timeouts, &policy->timeouts);
		break;
	default:
		break;
	}
}

/* "NAME": VALUE; @seen has a bit for each name that has been there. */
static void read_top(struct reader *reader, const char *name,
		     unsigned int *seen)
{
	int top = policy_word_find(tops, name, strlen(name));
	json_t *value;

	reader->key = name;
	if (top < 0)
		say(reader,
		    "unknown name, expected default-in, default-out, limits, timeouts or rules");
	else if (*seen & 1U << top)
		say(reader, "a second time, expected it once");
	else
		*seen |= 1U << top;
	if (!policy_scan_need(&reader->scan, ':'))
		return;
	if (top == TOP_RULES) {
		read_rules(reader);
		return;
	}
	value = policy_scan_value(&reader->scan);
	if (value)
		read_top_value(reader, top, value);
	json_decref(value);
}

/**
 * policy_json_parse() - Read a policy in its JSON form
 * @policy: an empty policy to fill
 * @source: the text; errors are reported and counted there
 *
 * Return: 0, or -1 when there were errors; @policy is then incomplete.
 */
int policy_json_parse(struct policy *policy, struct policy_source *source)
{
	struct reader reader = { .policy = policy, .source = source };
	struct policy_scan *scan = &reader.scan;
	unsigned int seen = 0;
	bool first = true;
	json_t *name;

	policy_scan_begin(scan, source);
	if (!policy_scan_need(scan, '{'))
		return -1;
	for (; policy_scan_more(scan, '}', first); first = false) {
		if (!policy_scan_is(scan, '"')) {
			policy_scan_need(scan, '"');
			break;
		}
		name = policy_scan_value(scan);
		if (name)
			read_top(&reader, json_string_value(name), &seen);
		json_decref(name);
		if (source->errors > POLICY_ERRORS_MAX)
			break;
	}
	if (!source->errors)
		policy_scan_end(scan);
	return source->errors ? -1 : 0;
}
