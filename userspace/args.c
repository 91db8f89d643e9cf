// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "nl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * args_next() - take the next word
 * @args: the words
 *
 * Return: it, NULL when there is none.
 */
const char *args_next(struct args *args)
{
	if (args->argc == 0)
		return NULL;
	args->argc--;
	return *args->argv++;
}

/**
 * args_need() - take a word that must be there
 * @args: the words
 * @what: what it is, for the message
 *
 * Return: it, NULL when there is none; that was said then.
 */
const char *args_need(struct args *args, const char *what)
{
	const char *word = args_next(args);

	if (!word)
		fail("%s expected, but the command ends here", what);
	return word;
}

/**
 * args_end() - no word may be left
 * @args: the words
 *
 * Return: DONE or FAILED.
 */
int args_end(struct args *args)
{
	if (args->argc == 0)
		return DONE;
	return fail("'%s' is one word too many", args->argv[0]);
}

static int unknown_key(const char *word, const struct arg *keys, size_t count)
{
	char list[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(list); i++) {
		const char *before = i == 0 ? "" : i + 1 == count ? " or " : ", ";

		used += snprintf(list + used, sizeof(list) - used, "%s%s", before,
				 keys[i].word);
	}
	return fail("'%s' is not known here; expected %s", word, list);
}

/**
 * args_keys() - take all words that are left, as keys with their values
 * @args: the words
 * @keys: the keys there are; those that come are marked
 * @count: how many there are
 *
 * Return: DONE or FAILED; REFUSED when a value had to be asked of the kernel.
 */
int args_keys(struct args *args, struct arg *keys, size_t count)
{
	const char *word, *value;
	int code;

	while ((word = args_next(args))) {
		struct arg *key = keys;

		while (key < keys + count && strcmp(key->word, word) != 0)
			key++;
		if (key == keys + count)
			return unknown_key(word, keys, count);
		if (key->given && !key->many)
			return fail("'%s' is given twice", word);
		key->given = true;
		value = key->expects ? args_next(args) : NULL;
		if (key->expects && !value)
			return fail("'%s' needs a value: %s", word, key->expects);
		code = key->take(key, value);
		if (code)
			return code;
	}
	return DONE;
}

/**
 * args_given() - was any of these given
 * @keys: the keys
 * @count: how many
 *
 * Return: whether.
 */
bool args_given(const struct arg *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].given)
			return true;
	return false;
}

/**
 * args_vm() - take a VM, by UUID or display name
 * @args: the words
 * @uuid: filled
 *
 * Return: DONE, FAILED or REFUSED.
 */
int args_vm(struct args *args, __u8 uuid[16])
{
	const char *word = args_need(args, "a VM (its UUID or its name)");

	return word ? vm_resolve(word, uuid) : FAILED;
}

/**
 * arg_uint() - read a number
 * @word: what it is of, for the message
 * @value: its text: decimal digits and nothing else
 * @min: the least it may be
 * @max: the greatest
 * @number: set
 *
 * Return: DONE or FAILED.
 */
int arg_uint(const char *word, const char *value, __u64 min, __u64 max, __u64 *number)
{
	char *end;

	errno = 0;
	if (isdigit((unsigned char)value[0])) {
		*number = strtoull(value, &end, 10);
		if (*end == '\0' && errno == 0 && *number >= min && *number <= max)
			return DONE;
	}
	return fail("'%s %s': expected a number from %llu to %llu", word, value, min, max);
}

/**
 * arg_flag() - take a key without a value, to a bool
 * @arg: the key
 * @value: NULL
 *
 * Return: DONE.
 */
int arg_flag(const struct arg *arg, const char *value)
{
	(void)value;
	*(bool *)arg->to = true;
	return DONE;
}

/**
 * arg_text() - take any text, to a const char *
 * @arg: the key
 * @value: the text
 *
 * Return: DONE.
 */
int arg_text(const struct arg *arg, const char *value)
{
	*(const char **)arg->to = value;
	return DONE;
}

/**
 * arg_u32() - take a number from min to max, to a __u32
 * @arg: the key
 * @value: its text
 *
 * Return: DONE or FAILED.
 */
int arg_u32(const struct arg *arg, const char *value)
{
	__u64 number;

	if (arg_uint(arg->word, value, arg->min, arg->max, &number))
		return FAILED;
	*(__u32 *)arg->to = number;
	return DONE;
}

/**
 * arg_put_u32() - take a number from min to max into a message
 * @arg: the key
 * @value: its text
 *
 * Return: DONE or FAILED.
 */
int arg_put_u32(const struct arg *arg, const char *value)
{
	__u64 number;

	if (arg_uint(arg->word, value, arg->min, arg->max, &number))
		return FAILED;
	vnl_put_u32(arg->to, arg->attr, number);
	return DONE;
}

/**
 * arg_put_enum() - take the name of an enum's value into a message
 * @arg: the key
 * @value: the name
 *
 * Return: DONE or FAILED.
 */
int arg_put_enum(const struct arg *arg, const char *value)
{
	int number = spec_enum_value(arg->names, value);

	if (number < 0)
		return fail("'%s %s': expected %s", arg->word, value,
			    spec_enum_list(arg->names));
	vnl_put_u32(arg->to, arg->attr, number);
	return DONE;
}

/**
 * arg_put_string() - take text of at most max bytes into a message
 * @arg: the key
 * @value: the text
 *
 * Return: DONE or FAILED.
 */
int arg_put_string(const struct arg *arg, const char *value)
{
	if (strlen(value) > arg->max)
		return fail("'%s %s': longer than %llu bytes", arg->word, value, arg->max);
	vnl_put_string(arg->to, arg->attr, value);
	return DONE;
}

/**
 * arg_put_vm() - take a VM, by UUID or display name, into a message
 * @arg: the key
 * @value: the VM
 *
 * Return: DONE, FAILED or REFUSED.
 */
int arg_put_vm(const struct arg *arg, const char *value)
{
	__u8 uuid[VFW_UUID_LEN];
	int code = vm_resolve(value, uuid);

	if (code == DONE)
		vnl_put(arg->to, arg->attr, uuid, sizeof(uuid));
	return code;
}
