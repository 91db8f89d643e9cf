/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_TEXT_H
#define _VFW_TEXT_H

#include <linux/types.h>

/* Decodes one character of UTF-8 (RFC 3629); returns its bytes, or 0 when it is none. */
static inline int vfw_text_char(const u8 *s, u32 *c)
{
	int i, n;

	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	/* 0xc0 and 0xc1 would begin what needs but one byte, 0xf5 and above are beyond Unicode. */
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	*c = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && *c < 0x800) || (n == 4 && *c < 0x10000))
		return 0;
	return *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : n;
}

/**
 * vfw_text_valid() - may this be shown to people, in a terminal or as JSON?
 * @text: terminated
 *
 * Return: true for UTF-8 without control characters (C0, DEL and C1); also for empty text.
 */
static inline bool vfw_text_valid(const char *text)
{
	const u8 *s = (const u8 *)text;
	int n;
	u32 c;

	for (; *s; s += n) {
		n = vfw_text_char(s, &c);
		if (!n || c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return false;
	}
	return true;
}

#endif /* _VFW_TEXT_H */
