// SPDX-License-Identifier: GPL-2.0
/* Pieces of text in a policy: numbers, durations, UTF-8. */
#include <string.h>

#include "policy.h"
#include "utf8.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/**
 * policy_decimal() - Read a decimal number
 * @text: the digits, not terminated
 * @len: how many
 * @value: where to put it
 *
 * Return: whether @text is a number of 1 to 18 digits and nothing else. A
 * leading zero is refused, as it means octal to some readers.
 */
bool policy_decimal(const char *text, size_t len, __u64 *value)
{
	__u64 sum = 0;
	size_t i;

	if (!len || len > 18 || (len > 1 && text[0] == '0'))
		return false;
	for (i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		sum = sum * 10 + (text[i] - '0');
	}
	*value = sum;
	return true;
}

static const struct {
	char letter;
	__u32 seconds;
} units[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

/**
 * policy_duration_parse() - Read a duration such as 30s, 2h4m or 90
 * @text: the text, not terminated
 * @len: its length
 * @seconds: where to put it
 *
 * Each unit at most once, the larger first; a bare number counts seconds.
 *
 * Return: whether @text is a duration; it may still be out of range.
 */
bool policy_duration_parse(const char *text, size_t len, __u64 *seconds)
{
	const char *end = text + len;
	__u64 sum = 0, number;
	size_t unit = 0, n;

	if (policy_decimal(text, len, seconds))
		return true;
	while (text < end) {
		for (n = 0; text + n < end && is_digit(text[n]); n++)
			;
		/* Ten digits of days are far from overflow. */
		if (text + n == end || n > 10 ||
		    !policy_decimal(text, n, &number))
			return false;
		while (unit < ARRAY_SIZE(units) && units[unit].letter != text[n])
			unit++;
		if (unit == ARRAY_SIZE(units))
			return false;
		sum += number * units[unit++].seconds;
		text += n + 1;
	}
	*seconds = sum;
	return len > 0;
}

/**
 * policy_duration_print() - Write a duration as policy_duration_parse() reads it
 * @seconds: the duration, not 0
 * @buf: where to
 * @size: bytes in @buf; 24 are enough
 *
 * Return: @buf.
 */
const char *policy_duration_print(__u32 seconds, char *buf, size_t size)
{
	size_t used = 0, i;

	buf[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(units) && used < size; i++) {
		__u32 n = seconds / units[i].seconds;

		if (!n)
			continue;
		used += snprintf(buf + used, size - used, "%u%c", n,
				 units[i].letter);
		seconds -= n * units[i].seconds;
	}
	return buf;
}

/**
 * policy_char() - Length of the next character
 * @text: where it begins
 * @end: end of the text, beyond @text
 *
 * Return: bytes of a printable character in well-formed UTF-8 (RFC 3629), or
 * 0 when there is none: control characters, surrogates, longer forms.
 */
size_t policy_char(const char *text, const char *end)
{
	size_t len = utf8_length(text, end - text);

	if (!len || utf8_control(text))
		return 0;
	/* U+2028 and U+2029 end a line elsewhere. */
	if (len == 3 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 ||
			 memcmp(text, "\xe2\x80\xa9", 3) == 0))
		return 0;
	return len;
}

/**
 * policy_text_clean() - Replace what is not a printable character with '?'
 * @text: the text, changed in place
 * @len: its bytes; a 0 among them ends it
 *
 * Comments in the kernel may have come from another client, and must not
 * reach a terminal as they are.
 *
 * Return: the length of the text.
 */
size_t policy_text_clean(char *text, size_t len)
{
	const char *end = memchr(text, 0, len);
	char *at = text;

	if (!end)
		end = text + len;
	while (at < end) {
		size_t n = policy_char(at, end);

		if (!n)
			*at = '?';
		at += n ? n : 1;
	}
	return end - text;
}
