/* SPDX-License-Identifier: GPL-2.0 */
/* Text as RFC 3629 has it. What is to be text may be any bytes. */
#ifndef VFW_NL_UTF8_H
#define VFW_NL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Of any character, and of any terminated text: the terminator ends a character that is cut. */
#define UTF8_MAX 4

/*
 * Bytes of the character at @text, of which there are @left, at least one; 0 when there is none
 * (RFC 3629, section 4): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
static inline size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
			s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* Is the character at @text a control character: C0, DEL, or of U+0080 to U+009F? */
static inline bool utf8_control(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* Are @length bytes text without control characters? The kernel takes no other. */
static inline bool utf8_plain(const char *text, size_t length)
{
	const char *end = text + length;

	for (size_t bytes; text < end; text += bytes) {
		bytes = utf8_length(text, end - text);
		if (!bytes || utf8_control(text))
			return false;
	}
	return true;
}

#endif /* VFW_NL_UTF8_H */
