/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one layer everything goes to stdout through, as text or, after -j, as JSON. JSON is
 * written as it comes; nothing is kept.
 *
 * @key is the name in JSON, NULL for an element of an array or for the outermost value. @fmt
 * is a printf format for the text, with one conversion (%s, or %llu for numbers); NULL prints
 * nothing in text. Strings are escaped for both: what comes from a VM or a snapshot cannot
 * reach the terminal as control characters.
 */
#ifndef VFW_NL_PRINT_H
#define VFW_NL_PRINT_H

#include "vfw-nl.h"
#include "spec.h"

void print_object_begin(const char *key);
void print_object_end(void);
void print_array_begin(const char *key);
void print_array_end(void);
void print_string(const char *key, const char *fmt, const char *value);
void print_uint(const char *key, const char *fmt, __u64 value);
void print_flag(const char *key, const char *fmt, bool value);
void print_text(const char *fmt, ...) __printf(1, 2);
void print_attr(const struct spec_set *set, struct nlattr *const *attrs, int attr,
		const char *fmt);
void print_value(const char *key, const char *fmt, const struct spec_attr *spec,
		 const struct nlattr *attr);
void print_attrs(const struct spec_set *set, const struct nlattr *head, int length);
int print_flush(void);
void print_escape(char *buffer, size_t size, const char *value);

#endif /* VFW_NL_PRINT_H */
