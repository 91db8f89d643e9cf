/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words after the command: positional ones first, then keys, each with a value. Words are
 * exact, there are no abbreviations.
 */
#ifndef VFW_NL_ARGS_H
#define VFW_NL_ARGS_H

#include "vfw-nl.h"
#include "spec.h"

struct nl_msg;

/**
 * struct args - words not yet taken
 * @argc: how many
 * @argv: they
 */
struct args {
	int argc;
	char **argv;
};

/**
 * struct arg - a key a command knows
 * @word: the key
 * @expects: what value it needs, for messages and completion ("a number"); NULL: none
 * @take: takes the value (NULL when there is none); returns enum exit_code
 * @to: where @take puts it: a variable, or the struct nl_msg * of the arg_put_*() functions
 * @attr: of the arg_put_*() functions, which attribute
 * @min: of numbers, the least
 * @max: of numbers, the greatest; of strings, the most bytes
 * @names: of enums, the words
 * @many: may be given more than once
 * @given: it was (set by args_keys())
 */
struct arg {
	const char *word;
	const char *expects;
	int (*take)(const struct arg *arg, const char *value);
	void *to;
	int attr;
	__u64 min;
	__u64 max;
	const struct spec_enum *names;
	bool many;
	bool given;
};

const char *args_next(struct args *args);
const char *args_need(struct args *args, const char *what);
int args_end(struct args *args);
int args_keys(struct args *args, struct arg *keys, size_t count);
bool args_given(const struct arg *keys, size_t count);
int args_vm(struct args *args, __u8 uuid[16]);

int arg_uint(const char *word, const char *value, __u64 min, __u64 max, __u64 *number);

int arg_flag(const struct arg *arg, const char *value);
int arg_text(const struct arg *arg, const char *value);
int arg_u32(const struct arg *arg, const char *value);
int arg_put_u32(const struct arg *arg, const char *value);
int arg_put_enum(const struct arg *arg, const char *value);
int arg_put_string(const struct arg *arg, const char *value);
int arg_put_vm(const struct arg *arg, const char *value);

#endif /* VFW_NL_ARGS_H */
