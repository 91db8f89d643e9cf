// SPDX-License-Identifier: GPL-2.0
/* The text form of a policy: its statements; policy_file_rule.c has rules. */
#include <string.h>

#include "policy_parse.h"

static int again(struct policy_parser *parser, const struct policy_place *place,
		 const char *what)
{
	policy_error_place(parser->source, place,
			   "'%s' a second time, expected it once", what);
	return -1;
}

/* @defaults has a bit for each direction whose default has been said. */
struct settings {
	struct policy_parser parser;
	__u32 defaults;
};

/* default in|out ACTION */
static int parse_default(struct settings *settings)
{
	static const struct policy_word directions[] = {
		{ "in", VFW_DIRECTION_IN },
		{ "out", VFW_DIRECTION_OUT },
		{ }
	};
	struct policy_parser *parser = &settings->parser;
	struct policy_place place = parser->token.place;
	int direction, action;

	policy_parse_next(parser);
	direction = policy_parse_word(parser, directions);
	if (direction < 0)
		return -1;
	action = policy_parse_word(parser, policy_actions);
	if (action < 0)
		return -1;
	if (settings->defaults & 1U << direction)
		return again(parser, &place, direction == VFW_DIRECTION_IN ?
			     "default in" : "default out");
	settings->defaults |= 1U << direction;
	if (direction == VFW_DIRECTION_IN)
		parser->policy->default_in = action;
	else
		parser->policy->default_out = action;
	return 0;
}

/* The name of a limit or a timeout; NULL after an error. */
static const struct policy_number *parse_name(struct policy_parser *parser,
					      const struct policy_number *all)
{
	const struct policy_token *token = &parser->token;
	const struct policy_number *number = NULL;
	char list[256];

	if (token->type == TOKEN_WORD)
		number = policy_number_find(all, token->place.at, token->len);
	if (!number)
		policy_parse_fail(parser, policy_numbers_list(all, list, sizeof(list)));
	else
		policy_parse_next(parser);
	return number;
}

static int set(struct policy_parser *parser, struct policy_numbers *numbers,
	       const struct policy_number *number, __u32 value,
	       const struct policy_place *place)
{
	if (numbers->given & POLICY_BIT(number->attr))
		return again(parser, place, number->name);
	numbers->given |= POLICY_BIT(number->attr);
	numbers->value[number->attr] = value;
	return 0;
}

/* limit NAME NUMBER */
static int parse_limit(struct settings *settings)
{
	static const struct policy_word names[] = {
		{ "flows", VFW_A_LIMITS_FLOWS },
		{ "half-open", VFW_A_LIMITS_HALF_OPEN },
		{ "source-flows", VFW_A_LIMITS_SOURCE_FLOWS },
		{ "fragments", VFW_A_LIMITS_FRAGMENTS },
		{ "fragment-bytes", VFW_A_LIMITS_FRAGMENT_BYTES },
		{ }
	};
	struct policy_parser *parser = &settings->parser;
	const struct policy_number *number = policy_limits;
	struct policy_place place;
	__u32 value;
	int attr;

	policy_parse_next(parser);
	place = parser->token.place;
	attr = policy_parse_word(parser, names);
	if (attr < 0)
		return -1;
	while (number->attr != attr)
		number++;
	if (policy_parse_number(parser, "a number", number->min, number->max,
				&value))
		return -1;
	return set(parser, &parser->policy->limits, number, value, &place);
}

/* pick-up on|off */
static int parse_pick_up(struct settings *settings)
{
	static const struct policy_word switches[] = {
		{ "off", 0 },
		{ "on", 1 },
		{ }
	};
	static const char name[] = "pick-up";
	struct policy_parser *parser = &settings->parser;
	struct policy_place place = parser->token.place;
	int value;

	policy_parse_next(parser);
	value = policy_parse_word(parser, switches);
	if (value < 0)
		return -1;
	return set(parser, &parser->policy->limits,
		   policy_number_find(policy_limits, name, sizeof(name) - 1),
		   value, &place);
}

/* timeout NAME DURATION */
static int parse_timeout(struct settings *settings)
{
	struct policy_parser *parser = &settings->parser;
	const struct policy_token *token = &parser->token;
	const struct policy_number *number;
	struct policy_place place;
	__u64 seconds;

	policy_parse_next(parser);
	place = token->place;
	number = parse_name(parser, policy_timeouts);
	if (!number)
		return -1;
	if (token->type != TOKEN_WORD ||
	    !policy_duration_parse(token->place.at, token->len, &seconds) ||
	    seconds < number->min || seconds > number->max)
		return policy_parse_fail(parser, "a duration from 1s to 20d, such as 30s or 2h4m");
	policy_parse_next(parser);
	return set(parser, &parser->policy->timeouts, number, seconds, &place);
}

static int parse_statement(struct settings *settings)
{
	static const struct {
		const char *word;
		int (*parse)(struct settings *settings);
	} statements[] = {
		{ "default", parse_default },
		{ "limit", parse_limit },
		{ "pick-up", parse_pick_up },
		{ "timeout", parse_timeout },
	};
	struct policy_parser *parser = &settings->parser;
	const struct policy_token *token = &parser->token;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (policy_parse_is(parser, statements[i].word))
			return statements[i].parse(settings);
	if (token->type == TOKEN_WORD &&
	    policy_word_find(policy_actions, token->place.at, token->len) >= 0)
		return policy_parse_rule(parser);
	return policy_parse_fail(parser, "pass, drop, reject, default, limit, timeout or pick-up");
}

/* The rest of a statement that is wrong says nothing reliable. */
static void skip_statement(struct policy_parser *parser)
{
	while (!policy_parse_ends(parser))
		policy_parse_next(parser);
}

/**
 * policy_file_parse() - Read a policy in its text form
 * @policy: an empty policy to fill
 * @source: the text; errors are reported and counted there
 *
 * The file's grammar is in Documentation/policy-file.md.
 *
 * Return: 0, or -1 when there were errors; @policy is then incomplete.
 */
int policy_file_parse(struct policy *policy, struct policy_source *source)
{
	struct settings settings = {
		.parser.policy = policy,
		.parser.source = source,
	};
	struct policy_parser *parser = &settings.parser;

	policy_lex_begin(&parser->lexer, source);
	policy_parse_next(parser);
	while (parser->token.type != TOKEN_END &&
	       source->errors <= POLICY_ERRORS_MAX) {
		if (!policy_parse_ends(parser) && !parse_statement(&settings) &&
		    !policy_parse_ends(parser))
			policy_parse_fail(parser, "end of line");
		skip_statement(parser);
		policy_parse_take(parser, TOKEN_LINE);
	}
	return source->errors ? -1 : 0;
}
