// SPDX-License-Identifier: GPL-2.0
/* JSON taken apart value by value. */
#include <string.h>

#include "policy_scan.h"

/**
 * policy_scan_begin() - Begin to read JSON
 * @scan: the state to set up
 * @source: the text, which has to stay
 */
void policy_scan_begin(struct policy_scan *scan, struct policy_source *source)
{
	scan->source = source;
	scan->place.at = source->text;
	scan->place.line_start = source->text;
	scan->place.line = 1;
	scan->bad = false;
}

static const char *source_end(const struct policy_scan *scan)
{
	return scan->source->text + scan->source->len;
}

/* Goes on by @len bytes and counts the lines in them. */
static void advance(struct policy_scan *scan, size_t len)
{
	const char *end = scan->place.at + len, *line = scan->place.at;

	while ((line = memchr(line, '\n', end - line))) {
		scan->place.line++;
		scan->place.line_start = ++line;
	}
	scan->place.at = end;
}

static void skip_blanks(struct policy_scan *scan)
{
	const char *end = source_end(scan), *at = scan->place.at;

	while (at < end && memchr(" \t\r\n", *at, 4))
		at++;
	advance(scan, at - scan->place.at);
}

/* The place cannot be read; says so, once. */
static bool refuse_place(struct policy_scan *scan, const char *expected)
{
	const char *at = scan->place.at, *end = source_end(scan);

	scan->bad = true;
	if (at == end)
		policy_error_place(scan->source, &scan->place,
				   "unexpected end of file, expected %s",
				   expected);
	else if (policy_char(at, end) == 1)
		policy_error_place(scan->source, &scan->place,
				   "unexpected '%c', expected %s", *at,
				   expected);
	else
		policy_error_place(scan->source, &scan->place,
				   "unexpected byte 0x%02x, expected %s",
				   (unsigned char)*at, expected);
	return false;
}

/**
 * policy_scan_is() - Look at the next character that is no blank
 * @scan: the scan
 * @c: a character
 *
 * Return: whether it is @c; it is not taken.
 */
bool policy_scan_is(struct policy_scan *scan, char c)
{
	skip_blanks(scan);
	return scan->place.at < source_end(scan) && *scan->place.at == c;
}

/**
 * policy_scan_need() - Take a character
 * @scan: the scan
 * @c: what it has to be
 *
 * Return: false when it is another, which has been reported.
 */
bool policy_scan_need(struct policy_scan *scan, char c)
{
	const char expected[] = { '\'', c, '\'', '\0' };

	if (!policy_scan_is(scan, c))
		return refuse_place(scan, expected);
	scan->place.at++;
	return true;
}

/**
 * policy_scan_more() - Go to the next member of an array or an object
 * @scan: the scan, behind a member or the opening bracket
 * @end: the closing bracket
 * @first: no member has been read yet
 *
 * Return: whether there is one; false also after an error.
 */
bool policy_scan_more(struct policy_scan *scan, char end, bool first)
{
	char expected[16];

	if (scan->bad)
		return false;
	if (policy_scan_is(scan, end)) {
		scan->place.at++;
		return false;
	}
	if (first)
		return true;
	if (!policy_scan_is(scan, ',')) {
		snprintf(expected, sizeof(expected), "',' or '%c'", end);
		return refuse_place(scan, expected);
	}
	scan->place.at++;
	return true;
}

/**
 * policy_scan_end() - Whether there is nothing left
 * @scan: the scan
 *
 * Return: false when there is, which has been reported.
 */
bool policy_scan_end(struct policy_scan *scan)
{
	skip_blanks(scan);
	if (scan->place.at < source_end(scan))
		return refuse_place(scan, "end of file");
	return true;
}

/* Jansson's error in a value that begins at the scan's place. */
static void refuse_value(struct policy_scan *scan, json_error_t *error)
{
	size_t len = source_end(scan) - scan->place.at;

	/* The position is behind what is wrong, or where jansson knows none. */
	if (error->position > 0 && (size_t)error->position <= len)
		advance(scan, error->position - 1);
	policy_text_clean(error->text, strlen(error->text));
	policy_error_place(scan->source, &scan->place,
			   "%s, expected well-formed JSON", error->text);
	scan->bad = true;
}

/**
 * policy_scan_value() - Take a value
 * @scan: the scan
 *
 * Return: the value, for json_decref(); NULL after an error.
 */
json_t *policy_scan_value(struct policy_scan *scan)
{
	json_error_t error;
	json_t *value;

	skip_blanks(scan);
	value = json_loadb(scan->place.at, source_end(scan) - scan->place.at,
			   JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK |
			   JSON_DECODE_ANY, &error);
	if (value)
		advance(scan, error.position);
	else
		refuse_value(scan, &error);
	return value;
}
