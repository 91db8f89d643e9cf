/* SPDX-License-Identifier: GPL-2.0 */
/* What the parsers of statements (policy_file.c) and rules share. */
#ifndef VFW_POLICY_PARSE_H
#define VFW_POLICY_PARSE_H

#include "policy_lex.h"

/* @token is looked at and not yet taken. */
struct policy_parser {
	struct policy_lexer lexer;
	struct policy_token token;
	struct policy *policy;
	struct policy_source *source;
};

/* policy_parse.c: taking tokens; -1 after an error, which has been reported */
void policy_parse_next(struct policy_parser *parser);
bool policy_parse_ends(const struct policy_parser *parser);
bool policy_parse_is(const struct policy_parser *parser, const char *word);
bool policy_parse_take(struct policy_parser *parser,
		       enum policy_token_type type);
int policy_parse_fail(struct policy_parser *parser, const char *expected);
int policy_parse_word(struct policy_parser *parser,
		      const struct policy_word *words);
int policy_parse_number(struct policy_parser *parser, const char *what,
			__u32 min, __u32 max, __u32 *value);

/* policy_file_rule.c */
int policy_parse_rule(struct policy_parser *parser);

#endif /* VFW_POLICY_PARSE_H */
