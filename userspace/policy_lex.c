// SPDX-License-Identifier: GPL-2.0
/* The policy file as words. */
#include "policy_lex.h"

/**
 * policy_lex_begin() - Begin to read a source
 * @lexer: the state to set up
 * @source: the source, which has to stay
 */
void policy_lex_begin(struct policy_lexer *lexer,
		      const struct policy_source *source)
{
	lexer->at = source->text;
	lexer->end = source->text + source->len;
	lexer->line_start = lexer->at;
	lexer->line = 1;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-' ||
	       c == '_';
}

/* Bytes of the line's end at @at: 1, 2 with a carriage return, 0 for none. */
static size_t line_end(const struct policy_lexer *lexer, const char *at)
{
	if (at < lexer->end && *at == '\n')
		return 1;
	if (at + 1 < lexer->end && at[0] == '\r' && at[1] == '\n')
		return 2;
	return 0;
}

static void next_line(struct policy_lexer *lexer, size_t skip)
{
	lexer->at += skip;
	lexer->line_start = lexer->at;
	lexer->line++;
}

/* Skips blanks, comments, and line ends after a backslash. */
static void skip(struct policy_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		size_t n;

		switch (*lexer->at) {
		case ' ':
		case '\t':
			lexer->at++;
			break;
		case '#':
			while (lexer->at < lexer->end &&
			       !line_end(lexer, lexer->at))
				lexer->at++;
			return;
		case '\\':
			n = line_end(lexer, lexer->at + 1);
			if (!n)
				return;
			next_line(lexer, n + 1);
			break;
		default:
			return;
		}
	}
}

/* To the closing quote, or to the line's end when there is none. */
static enum policy_token_type string(struct policy_lexer *lexer)
{
	lexer->at++;
	while (lexer->at < lexer->end && !line_end(lexer, lexer->at)) {
		char c = *lexer->at++;

		if (c == '"')
			return TOKEN_STRING;
		if (c == '\\' && lexer->at < lexer->end &&
		    !line_end(lexer, lexer->at))
			lexer->at++;
	}
	return TOKEN_BAD;
}

static enum policy_token_type other(struct policy_lexer *lexer)
{
	size_t n;

	switch (*lexer->at) {
	case '"':
		return string(lexer);
	case ',':
		lexer->at++;
		return TOKEN_COMMA;
	case '/':
		lexer->at++;
		return TOKEN_SLASH;
	default:
		n = policy_char(lexer->at, lexer->end);
		lexer->at += n ? n : 1;
		return TOKEN_BAD;
	}
}

/**
 * policy_lex_next() - Read the next token
 * @lexer: where the reading is; after the end it stays there
 * @token: the token
 */
void policy_lex_next(struct policy_lexer *lexer, struct policy_token *token)
{
	size_t n;

	skip(lexer);
	token->place.at = lexer->at;
	token->place.line_start = lexer->line_start;
	token->place.line = lexer->line;
	n = line_end(lexer, lexer->at);
	if (lexer->at == lexer->end) {
		token->type = TOKEN_END;
	} else if (n) {
		token->type = TOKEN_LINE;
		next_line(lexer, n);
	} else if (is_word(*lexer->at)) {
		token->type = TOKEN_WORD;
		while (lexer->at < lexer->end && is_word(*lexer->at))
			lexer->at++;
	} else {
		token->type = other(lexer);
	}
	token->len = lexer->at - token->place.at;
}
