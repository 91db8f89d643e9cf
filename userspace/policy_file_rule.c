// SPDX-License-Identifier: GPL-2.0
/* The text form of a policy: its rules. */
#include <string.h>

#include "policy_parse.h"

/* A rule being read, and where each of its attributes is in the source. */
struct reading {
	struct policy_parser *parser;
	struct policy_rule *rule;
	struct policy_place places[VFW_A_RULE_MAX + 1];
};

static void mark(struct reading *reading, int attr)
{
	reading->places[attr] = reading->parser->token.place;
	reading->rule->given |= POLICY_BIT(attr);
}

static int judge(struct reading *reading)
{
	struct policy_fault fault;

	if (policy_rule_judge(reading->rule, &fault))
		return 0;
	policy_error_place(reading->parser->source,
			   &reading->places[fault.attr], "%s", fault.text);
	return -1;
}

/* in|out|both [ipv4|ipv6] [PROTOCOL] */
static int parse_head(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	const struct policy_token *token = &parser->token;
	struct policy_rule *rule = reading->rule;
	__u32 number;
	int value;

	mark(reading, VFW_A_RULE_DIRECTION);
	value = policy_parse_word(parser, policy_directions);
	if (value < 0)
		return -1;
	rule->direction = value;

	if (policy_parse_is(parser, "ipv4") || policy_parse_is(parser, "ipv6")) {
		mark(reading, VFW_A_RULE_FAMILY);
		rule->family = policy_parse_word(parser, policy_families);
	}
	if (token->type != TOKEN_WORD)
		return 0;
	value = policy_word_find(policy_protocols, token->place.at, token->len);
	if (value < 0) {
		if (*token->place.at < '0' || *token->place.at > '9')
			return 0;
		mark(reading, VFW_A_RULE_PROTOCOL);
		if (policy_parse_number(parser, "a protocol's number", 0, 255,
					&number))
			return -1;
		rule->protocol = number;
		return 0;
	}
	mark(reading, VFW_A_RULE_PROTOCOL);
	rule->protocol = value;
	policy_parse_next(parser);
	return 0;
}

static int parse_stateless(struct reading *reading)
{
	(void)reading;
	return 0;
}

/* FLAG {, FLAG} */
static int parse_flag_list(struct policy_parser *parser, __u8 *flags)
{
	int value;

	do {
		value = policy_parse_word(parser, policy_tcp_flags);
		if (value < 0)
			return -1;
		*flags |= value;
	} while (policy_parse_take(parser, TOKEN_COMMA));
	return 0;
}

/* (none | FLAG {, FLAG}) [/ FLAG {, FLAG}] */
static int parse_flags(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	struct policy_rule *rule = reading->rule;

	if (policy_parse_is(parser, "none"))
		policy_parse_next(parser);
	else if (parse_flag_list(parser, &rule->tcp_flags))
		return -1;
	if (!policy_parse_take(parser, TOKEN_SLASH))
		return 0;
	mark(reading, VFW_A_RULE_TCP_FLAGS_MASK);
	return parse_flag_list(parser, &rule->tcp_mask);
}

static int parse_type(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	const struct policy_token *token = &parser->token;
	struct policy_rule *rule = reading->rule;
	const struct policy_word *types = policy_icmp_types(rule->protocol);
	char list[400], expected[460];
	__u64 number;
	int value;

	if (!types)
		return judge(reading);
	if (token->type != TOKEN_WORD)
		goto fail;
	value = policy_word_find(types, token->place.at, token->len);
	if (value >= 0)
		rule->icmp_type = value;
	else if (policy_decimal(token->place.at, token->len, &number) &&
		 number <= 255)
		rule->icmp_type = number;
	else
		goto fail;
	policy_parse_next(parser);
	return 0;
fail:
	snprintf(expected, sizeof(expected), "a number from 0 to 255, %s",
		 policy_words_list(types, list, sizeof(list)));
	return policy_parse_fail(parser, expected);
}

static int parse_code(struct reading *reading)
{
	__u32 value;

	if (policy_parse_number(reading->parser, "a number", 0, 255, &value))
		return -1;
	reading->rule->icmp_code = value;
	return 0;
}

/* FIRST[-LAST] */
static int parse_range(struct policy_parser *parser, struct policy_ports *ports)
{
	static const char expected[] = "a port from 0 to 65535, or a range such as 8000-8999";
	const struct policy_token *token = &parser->token;
	const char *at = token->place.at, *dash;
	__u64 first, last;
	size_t len = token->len;

	if (token->type != TOKEN_WORD)
		return policy_parse_fail(parser, expected);
	dash = memchr(at, '-', len);
	if (!dash)
		dash = at + len;
	if (!policy_decimal(at, dash - at, &first) || first > 65535)
		return policy_parse_fail(parser, expected);
	last = first;
	if (dash < at + len &&
	    (!policy_decimal(dash + 1, at + len - dash - 1, &last) ||
	     last > 65535))
		return policy_parse_fail(parser, expected);
	if (first > last)
		return policy_parse_fail(parser, "the lower port first");
	if (ports->count == VFW_RANGES_MAX) {
		policy_error_place(parser->source, &token->place,
				   "more than %u ranges in a port set, expected another rule for the rest",
				   VFW_RANGES_MAX);
		return -1;
	}
	policy_range_add(parser->policy, ports, first, last);
	policy_parse_next(parser);
	return 0;
}

static int parse_ports(struct policy_parser *parser, struct policy_ports *ports)
{
	policy_parse_next(parser);
	do {
		if (parse_range(parser, ports))
			return -1;
	} while (policy_parse_take(parser, TOKEN_COMMA));
	return 0;
}

/* ADDRESS [/ LENGTH] */
static int parse_prefix(struct reading *reading, struct policy_prefix *prefix,
			int len_attr)
{
	struct policy_parser *parser = reading->parser;
	const struct policy_token *token = &parser->token;
	__u32 len;

	if (token->type != TOKEN_WORD ||
	    !policy_addr_parse(token->place.at, token->len, prefix))
		return policy_parse_fail(parser, "an IPv4 or IPv6 address, or port");
	policy_parse_next(parser);
	if (policy_parse_take(parser, TOKEN_SLASH)) {
		mark(reading, len_attr);
		if (policy_parse_number(parser, "a prefix length", 0,
					policy_family_bits(prefix->family),
					&len))
			return -1;
		prefix->len = len;
	}
	reading->rule->given |= POLICY_BIT(len_attr);
	return 0;
}

/* [PREFIX] [port SET], at least one of them */
static int parse_remote(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	struct policy_rule *rule = reading->rule;

	if (!policy_parse_is(parser, "port")) {
		mark(reading, VFW_A_RULE_REMOTE);
		if (parse_prefix(reading, &rule->remote,
				 VFW_A_RULE_REMOTE_PREFIX))
			return -1;
	}
	if (!policy_parse_is(parser, "port"))
		return 0;
	mark(reading, VFW_A_RULE_REMOTE_PORTS);
	return parse_ports(parser, &rule->remote_ports);
}

static int parse_local(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	struct policy_rule *rule = reading->rule;

	if (!policy_parse_is(parser, "port")) {
		mark(reading, VFW_A_RULE_LOCAL);
		if (parse_prefix(reading, &rule->local,
				 VFW_A_RULE_LOCAL_PREFIX))
			return -1;
	}
	if (!policy_parse_is(parser, "port"))
		return 0;
	mark(reading, VFW_A_RULE_LOCAL_PORTS);
	return parse_ports(parser, &rule->local_ports);
}

/* Refuses the comment for what is at @at. */
static int comment_fail(struct policy_parser *parser, const char *at,
			const char *text)
{
	struct policy_place place = parser->token.place;

	place.at = at;
	policy_error_place(parser->source, &place, "%s", text);
	return -1;
}

/* "TEXT", with \" and \\ */
static int parse_comment(struct reading *reading)
{
	struct policy_parser *parser = reading->parser;
	char comment[VFW_COMMENT_MAX];
	const char *at, *end;
	size_t len = 0, n;

	if (parser->token.type != TOKEN_STRING)
		return policy_parse_fail(parser, "a comment in double quotes");
	at = parser->token.place.at + 1;
	end = at + parser->token.len - 2;
	for (; at < end; at += n) {
		if (*at == '\\') {
			at++;
			if (*at != '"' && *at != '\\')
				return comment_fail(parser, at - 1,
						    "unknown escape, expected \\\" or \\\\");
		}
		n = policy_char(at, end);
		if (!n)
			return comment_fail(parser, at,
					    "control character or broken UTF-8 in a comment, expected printable UTF-8");
		if (len + n > sizeof(comment))
			return comment_fail(parser, at,
					    "comment is too long, expected at most 127 bytes");
		memcpy(comment + len, at, n);
		len += n;
	}
	policy_comment_set(parser->policy, reading->rule, comment, len);
	policy_parse_next(parser);
	return 0;
}

static const struct clause {
	const char *word;
	int attr;
	int (*parse)(struct reading *reading);
} clauses[] = {
	{ "stateless", VFW_A_RULE_STATELESS, parse_stateless },
	{ "flags", VFW_A_RULE_TCP_FLAGS, parse_flags },
	{ "type", VFW_A_RULE_ICMP_TYPE, parse_type },
	{ "code", VFW_A_RULE_ICMP_CODE, parse_code },
	{ "remote", 0, parse_remote },
	{ "local", 0, parse_local },
	{ "comment", 0, parse_comment },
};

/* The clauses after the head, in any order; @seen has a bit for each. */
static int parse_clause(struct reading *reading, unsigned int *seen)
{
	struct policy_parser *parser = reading->parser;
	const char *expected;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clauses); i++) {
		if (!policy_parse_is(parser, clauses[i].word))
			continue;
		if (*seen & 1U << i) {
			policy_error_place(parser->source, &parser->token.place,
					   "'%s' a second time, expected it once",
					   clauses[i].word);
			return -1;
		}
		*seen |= 1U << i;
		if (clauses[i].attr)
			mark(reading, clauses[i].attr);
		policy_parse_next(parser);
		return clauses[i].parse(reading);
	}
	expected = "stateless, flags, type, code, remote, local, comment or end of line";
	if (!*seen && !(reading->rule->given & POLICY_BIT(VFW_A_RULE_PROTOCOL)))
		expected = "a protocol, stateless, remote, local, comment or end of line";
	return policy_parse_fail(parser, expected);
}

/**
 * policy_parse_rule() - Read a rule
 * @parser: the parser, whose token is the rule's action
 *
 * Return: 0, or -1 after an error.
 */
int policy_parse_rule(struct policy_parser *parser)
{
	struct reading reading = { .parser = parser };
	struct policy_rule *rule = policy_rule_add(parser->policy);
	unsigned int seen = 0;
	size_t i;

	if (!rule) {
		policy_error_place(parser->source, &parser->token.place,
				   "more rules than a policy can have, expected at most %u",
				   VFW_RULES_MAX);
		/* All rules that follow have the same fault. */
		parser->lexer.at = parser->lexer.end;
		return -1;
	}
	for (i = 0; i < ARRAY_SIZE(reading.places); i++)
		reading.places[i] = parser->token.place;
	reading.rule = rule;
	rule->line = parser->token.place.line;
	mark(&reading, VFW_A_RULE_ACTION);
	rule->action = policy_parse_word(parser, policy_actions);

	if (parse_head(&reading))
		return -1;
	while (!policy_parse_ends(parser))
		if (parse_clause(&reading, &seen))
			return -1;
	return judge(&reading);
}
