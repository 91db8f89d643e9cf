/* SPDX-License-Identifier: GPL-2.0 */
/* The policy file as words. */
#ifndef VFW_POLICY_LEX_H
#define VFW_POLICY_LEX_H

#include "policy.h"

/**
 * enum policy_token_type - what a token is
 * @TOKEN_END: the source ends
 * @TOKEN_LINE: a statement ends
 * @TOKEN_WORD: letters, digits and any of ".:-_"
 * @TOKEN_STRING: a quoted string, with its quotes and escapes as they are
 * @TOKEN_COMMA: ","
 * @TOKEN_SLASH: "/"
 * @TOKEN_BAD: what cannot be any of these
 */
enum policy_token_type {
	TOKEN_END,
	TOKEN_LINE,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_COMMA,
	TOKEN_SLASH,
	TOKEN_BAD,
};

struct policy_token {
	enum policy_token_type type;
	struct policy_place place;
	size_t len;
};

/* @at, @line_start and @line are where the next token is looked for. */
struct policy_lexer {
	const char *at;
	const char *end;
	const char *line_start;
	unsigned int line;
};

void policy_lex_begin(struct policy_lexer *lexer,
		      const struct policy_source *source);
void policy_lex_next(struct policy_lexer *lexer, struct policy_token *token);

#endif /* VFW_POLICY_LEX_H */
