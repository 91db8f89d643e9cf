// SPDX-License-Identifier: GPL-2.0
/* Messages to the user, all on stderr. */
#include "vfw-nl.h"

#include <stdarg.h>
#include <stdio.h>

/* Where in a batch the command stands, to begin each message with. */
static const char *place_file;
static unsigned int place_line;

/**
 * message_place() - say in which line of a batch commands are from now on
 * @file: its name, NULL when in none; must stay
 * @line: from 1
 */
void message_place(const char *file, unsigned int line)
{
	place_file = file;
	place_line = line;
}

static void message(const char *kind, const char *fmt, va_list values)
{
	fflush(stdout);
	fputs("vfw-nl: ", stderr);
	if (place_file)
		fprintf(stderr, "%s:%u: ", place_file, place_line);
	fputs(kind, stderr);
	vfprintf(stderr, fmt, values);
	fputc('\n', stderr);
}

/**
 * fail() - say what is wrong here, with the command or with a file
 * @fmt: printf format, no line break at the end
 *
 * Return: FAILED.
 */
int fail(const char *fmt, ...)
{
	va_list values;

	va_start(values, fmt);
	message("", fmt, values);
	va_end(values);
	return FAILED;
}

/**
 * refuse() - say what the kernel refused
 * @fmt: printf format, no line break at the end
 *
 * Return: REFUSED.
 */
int refuse(const char *fmt, ...)
{
	va_list values;

	va_start(values, fmt);
	message("", fmt, values);
	va_end(values);
	return REFUSED;
}

/**
 * note() - say what is no error but should be known
 * @fmt: printf format, no line break at the end
 */
void note(const char *fmt, ...)
{
	va_list values;

	va_start(values, fmt);
	message("warning: ", fmt, values);
	va_end(values);
}
