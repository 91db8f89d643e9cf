// SPDX-License-Identifier: GPL-2.0
#include "print.h"
#include "text.h"
#include "utf8.h"

#include <errno.h>
#include <netlink/attr.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Deeper than anything in the spec. */
#define DEPTH_MAX 16

/* Of the JSON under way: how deep in it we are, and which levels have an element already. */
static unsigned int depth;
static bool filled[DEPTH_MAX + 1];

static void line_break(void)
{
	if (!options.pretty)
		return;
	putchar_unlocked('\n');
	for (unsigned int i = 0; i < depth; i++)
		fputs_unlocked("    ", stdout);
}

static void json_string(const char *value)
{
	const char *s = value;
	/* What needs no escape is written at one go. */
	const char *plain = s;

	putchar_unlocked('"');
	while (*s) {
		size_t length = utf8_length(s, UTF8_MAX);

		if (length && !(length == 1 && utf8_control(s)) && *s != '"' && *s != '\\') {
			s += length;
			continue;
		}
		fwrite_unlocked(plain, 1, s - plain, stdout);
		if (length == 0)
			fputs_unlocked("\\ufffd", stdout);
		else
			printf("\\u%04x", (unsigned char)*s);
		plain = ++s;
	}
	fwrite_unlocked(plain, 1, s - plain, stdout);
	putchar_unlocked('"');
}

/* What goes before a value: the comma after its neighbour, and its key. */
static void json_key(const char *key)
{
	if (depth > 0) {
		if (filled[depth])
			putchar_unlocked(',');
		filled[depth] = true;
		line_break();
	}
	if (!key)
		return;
	json_string(key);
	fputs_unlocked(options.pretty ? ": " : ":", stdout);
}

static void json_begin(const char *key, char bracket)
{
	json_key(key);
	putchar_unlocked(bracket);
	filled[++depth] = false;
}

static void json_end(char bracket)
{
	bool any = filled[depth];

	depth--;
	if (any)
		line_break();
	putchar_unlocked(bracket);
	if (depth == 0)
		putchar_unlocked('\n');
}

/**
 * print_object_begin() - open an object; text shows nothing
 * @key: its key, NULL for none
 */
void print_object_begin(const char *key)
{
	if (options.json)
		json_begin(key, '{');
}

/** print_object_end() - close the object opened last */
void print_object_end(void)
{
	if (options.json)
		json_end('}');
}

/**
 * print_array_begin() - open an array; text shows nothing
 * @key: its key, NULL for none
 */
void print_array_begin(const char *key)
{
	if (options.json)
		json_begin(key, '[');
}

/** print_array_end() - close the array opened last */
void print_array_end(void)
{
	if (options.json)
		json_end(']');
}

/**
 * print_escape() - make text harmless for a terminal
 * @buffer: filled; what does not fit is cut off
 * @size: room in @buffer
 * @value: text; control characters and what is no UTF-8 become \xNN
 */
void print_escape(char *buffer, size_t size, const char *value)
{
	const char *s = value;
	size_t used = 0;

	while (*s && used + 5 <= size) {
		size_t length = utf8_length(s, UTF8_MAX);

		if (length == 0 || utf8_control(s)) {
			length = 1;
			used += sprintf(buffer + used, "\\x%02x", (unsigned char)*s);
		} else {
			memcpy(buffer + used, s, length);
			used += length;
		}
		s += length;
	}
	buffer[used] = '\0';
}

/**
 * print_string() - a string
 * @key: its key in JSON, see print.h
 * @fmt: of the text, with one %s; NULL for none
 * @value: any bytes
 */
void print_string(const char *key, const char *fmt, const char *value)
{
	char text[1024];

	if (options.json) {
		json_key(key);
		json_string(value);
	} else if (fmt) {
		print_escape(text, sizeof(text), value);
		printf(fmt, text);
	}
}

/**
 * print_uint() - a number
 * @key: its key in JSON, see print.h
 * @fmt: of the text, with one %llu; NULL for none
 * @value: the number
 */
void print_uint(const char *key, const char *fmt, __u64 value)
{
	if (options.json) {
		json_key(key);
		printf("%llu", value);
	} else if (fmt) {
		printf(fmt, value);
	}
}

/**
 * print_flag() - true or false
 * @key: its key in JSON, see print.h
 * @fmt: shown in text when true; has no conversion; NULL for none
 * @value: true or false
 */
void print_flag(const char *key, const char *fmt, bool value)
{
	if (options.json) {
		json_key(key);
		fputs_unlocked(value ? "true" : "false", stdout);
	} else if (fmt && value) {
		fputs_unlocked(fmt, stdout);
	}
}

/**
 * print_text() - what only text shows
 * @fmt: printf format
 */
void print_text(const char *fmt, ...)
{
	va_list values;

	if (options.json)
		return;
	va_start(values, fmt);
	vprintf(fmt, values);
	va_end(values);
}

static void print_number(const char *key, const char *fmt, const struct spec_attr *spec,
			 __u64 value)
{
	const char *name = spec->names ? spec_enum_name(spec->names, value) : NULL;
	char text[24];

	if (name) {
		print_string(key, fmt, name);
	} else if (options.json) {
		print_uint(key, NULL, value);
	} else if (fmt) {
		snprintf(text, sizeof(text), "%llu", value);
		print_string(key, fmt, text);
	}
}

static void print_binary(const char *key, const char *fmt, const struct nlattr *attr)
{
	char text[2 * 64 + 1] = "";
	const __u8 *data = nla_data(attr);

	for (int i = 0; i < nla_len(attr) && i < 64; i++)
		sprintf(text + 2 * i, "%02x", data[i]);
	print_string(key, fmt, text);
}

/**
 * print_value() - an attribute of a message
 * @key: its key in JSON, NULL in an array
 * @fmt: of the text, with one %s whatever its type; NULL for none
 * @spec: what the spec says of it
 * @attr: the attribute, checked by spec_parse()
 */
void print_value(const char *key, const char *fmt, const struct spec_attr *spec,
		 const struct nlattr *attr)
{
	char text[UUID_TEXT + ADDRESS_TEXT];

	switch (spec->type) {
	case SPEC_U32:
		print_number(key, fmt, spec, nla_get_u32(attr));
		break;
	case SPEC_U64:
		print_number(key, fmt, spec, nla_get_u64((struct nlattr *)attr));
		break;
	case SPEC_FLAG:
		print_flag(key, spec->name, true);
		break;
	case SPEC_STRING:
		print_string(key, fmt, nla_get_string(attr));
		break;
	case SPEC_UUID:
		print_string(key, fmt, uuid_text(nla_data(attr), text));
		break;
	case SPEC_ADDRESS:
		print_string(key, fmt, address_text(nla_data(attr), nla_len(attr), text));
		break;
	case SPEC_BINARY:
		print_binary(key, fmt, attr);
		break;
	case SPEC_NEST:
		if (!options.json)
			break;
		print_object_begin(key);
		print_attrs(spec->nested, nla_data(attr), nla_len(attr));
		print_object_end();
		break;
	default:
		break;
	}
}

/**
 * print_attr() - an attribute out of a message, if it is there
 * @set: what it is of
 * @attrs: those of the message, as spec_parse() sorted them
 * @attr: its number
 * @fmt: of the text, with one %s whatever its type; NULL for none
 */
void print_attr(const struct spec_set *set, struct nlattr *const *attrs, int attr,
		const char *fmt)
{
	if (attrs[attr])
		print_value(set->attrs[attr].name, fmt, &set->attrs[attr], attrs[attr]);
}

static void print_all(const struct spec_attr *spec, int type, const struct nlattr *head,
		      int length)
{
	const struct nlattr *attr;
	int rest;

	print_array_begin(spec->name);
	nla_for_each_attr(attr, (struct nlattr *)head, length, rest)
		if (nla_type(attr) == type)
			print_value(NULL, NULL, spec, attr);
	print_array_end();
}

/**
 * print_attrs() - all attributes of a message or nest, into the object that is open; JSON only
 * @set: what they are of
 * @head: the first
 * @length: bytes of all
 */
void print_attrs(const struct spec_set *set, const struct nlattr *head, int length)
{
	struct nlattr *attrs[SPEC_ATTRS];

	if (!options.json || !spec_parse(set, attrs, head, length))
		return;
	for (unsigned int i = 1; i <= set->max; i++) {
		if (!attrs[i])
			continue;
		if (set->attrs[i].multi)
			print_all(&set->attrs[i], i, head, length);
		else
			print_attr(set, attrs, i, NULL);
	}
}

/**
 * print_flush() - see to it that all that was printed is out
 *
 * Return: DONE, or FAILED when it could not be written.
 */
int print_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return DONE;
	clearerr(stdout);
	return fail("stdout: %s", strerror(errno));
}
