// SPDX-License-Identifier: GPL-2.0
/* Taking tokens of a policy file, and refusing them. */
#include <string.h>

#include "policy_parse.h"

/* Longest piece of the source in a message, in bytes. */
#define QUOTED_MAX	40

/**
 * policy_parse_next() - Take the token
 * @parser: the parser; its token is the next one afterwards
 */
void policy_parse_next(struct policy_parser *parser)
{
	policy_lex_next(&parser->lexer, &parser->token);
}

/**
 * policy_parse_ends() - Whether the statement ends here
 * @parser: the parser
 *
 * Return: whether the token ends a statement.
 */
bool policy_parse_ends(const struct policy_parser *parser)
{
	return parser->token.type == TOKEN_LINE ||
	       parser->token.type == TOKEN_END;
}

/**
 * policy_parse_is() - Whether the token is a certain word
 * @parser: the parser
 * @word: the word
 *
 * Return: whether it is.
 */
bool policy_parse_is(const struct policy_parser *parser, const char *word)
{
	const struct policy_token *token = &parser->token;

	return token->type == TOKEN_WORD && strlen(word) == token->len &&
	       !memcmp(word, token->place.at, token->len);
}

/**
 * policy_parse_take() - Take the token if it is of a type
 * @parser: the parser
 * @type: the type
 *
 * Return: whether it was.
 */
bool policy_parse_take(struct policy_parser *parser,
		       enum policy_token_type type)
{
	if (parser->token.type != type)
		return false;
	policy_parse_next(parser);
	return true;
}

/* The token as a message names it. */
static const char *describe(const struct policy_token *token, char *buf,
			    size_t size)
{
	const char *at = token->place.at;
	size_t len = token->len, n;

	switch (token->type) {
	case TOKEN_END:
		return "end of file";
	case TOKEN_LINE:
		return "end of line";
	case TOKEN_STRING:
		return "a quoted string";
	case TOKEN_BAD:
		if (*at == '"')
			return "a string that is not closed";
		n = policy_char(at, at + len);
		if (!n) {
			snprintf(buf, size, "byte 0x%02x", (unsigned char)*at);
			return buf;
		}
		break;
	default:
		break;
	}
	snprintf(buf, size, "'%.*s'%s", (int)(len < QUOTED_MAX ? len : QUOTED_MAX),
		 at, len > QUOTED_MAX ? "..." : "");
	return buf;
}

/**
 * policy_parse_fail() - Refuse the token
 * @parser: the parser
 * @expected: what should be in its place
 *
 * Return: -1.
 */
int policy_parse_fail(struct policy_parser *parser, const char *expected)
{
	char buf[QUOTED_MAX + 8];

	policy_error_place(parser->source, &parser->token.place,
			   "unexpected %s, expected %s",
			   describe(&parser->token, buf, sizeof(buf)),
			   expected);
	return -1;
}

/**
 * policy_parse_word() - Take a word of a table
 * @parser: the parser
 * @words: the table
 *
 * Return: its value, or -1 after an error.
 */
int policy_parse_word(struct policy_parser *parser,
		      const struct policy_word *words)
{
	const struct policy_token *token = &parser->token;
	char list[256];
	int value = -1;

	if (token->type == TOKEN_WORD)
		value = policy_word_find(words, token->place.at, token->len);
	if (value < 0)
		return policy_parse_fail(parser, policy_words_list(words, list, sizeof(list)));
	policy_parse_next(parser);
	return value;
}

/**
 * policy_parse_number() - Take a number
 * @parser: the parser
 * @what: what it counts, for the message
 * @min: the least
 * @max: the greatest
 * @value: where to put it
 *
 * Return: 0, or -1 after an error.
 */
int policy_parse_number(struct policy_parser *parser, const char *what,
			__u32 min, __u32 max, __u32 *value)
{
	const struct policy_token *token = &parser->token;
	char expected[96];
	__u64 number;

	if (token->type != TOKEN_WORD ||
	    !policy_decimal(token->place.at, token->len, &number) ||
	    number < min || number > max) {
		snprintf(expected, sizeof(expected), "%s from %u to %u", what,
			 min, max);
		return policy_parse_fail(parser, expected);
	}
	*value = number;
	policy_parse_next(parser);
	return 0;
}
