// SPDX-License-Identifier: GPL-2.0
/* A policy's source, and what is said about errors in it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"

/* Longest source line shown under an error, in bytes. */
#define SHOWN_MAX	160

static int read_all(struct policy_source *source, FILE *file)
{
	size_t room = 0, used = 0, got;
	char *text = NULL, *more;

	do {
		if (used == room) {
			room = room ? 2 * room : 65536;
			more = realloc(text, room);
			if (!more)
				goto fail;
			text = more;
		}
		got = fread(text + used, 1, room - used, file);
		used += got;
	} while (got && used <= POLICY_FILE_MAX);
	if (ferror(file))
		goto fail;
	if (used > POLICY_FILE_MAX) {
		errno = EFBIG;
		goto fail;
	}
	source->text = text;
	source->len = used;
	return 0;
fail:
	free(text);
	return -1;
}

/**
 * policy_source_read() - Read a policy file whole
 * @source: where to; end with policy_source_free()
 * @name: the file, "-" for standard input
 *
 * Return: 0, or -1 with errno set.
 */
int policy_source_read(struct policy_source *source, const char *name)
{
	bool standard = !strcmp(name, "-");
	FILE *file;
	int ret;

	memset(source, 0, sizeof(*source));
	source->name = standard ? "<stdin>" : name;
	source->carets = isatty(STDERR_FILENO);
	file = standard ? stdin : fopen(name, "r");
	if (!file)
		return -1;
	ret = read_all(source, file);
	if (!standard)
		fclose(file);
	return ret;
}

/**
 * policy_source_free() - Give back a source's memory
 * @source: from policy_source_read()
 */
void policy_source_free(struct policy_source *source)
{
	free((void *)source->text);
	source->text = NULL;
	source->len = 0;
}

/* Columns count characters, so that an editor finds the place. */
static unsigned int column(const struct policy_place *place)
{
	const char *at = place->line_start;
	unsigned int n = 1;

	while (at < place->at)
		n += (*at++ & 0xc0) != 0x80;
	return n;
}

/*
 * The source line with a caret under the place. The line is shown cleaned, as
 * it may hold anything; a tab stays one, in both lines.
 */
static void show_line(const struct policy_source *source,
		      const struct policy_place *place)
{
	const char *stop = source->text + source->len;
	const char *start = place->line_start;
	char line[SHOWN_MAX + 1], pad[SHOWN_MAX + 1];
	size_t len = 0, used = 0, i, n;

	while (start + len < stop && start[len] != '\n' && start[len] != '\r')
		len++;
	if (len > SHOWN_MAX || place->at > start + len)
		return;
	memcpy(line, start, len);
	for (i = 0; i < len; i += n) {
		n = policy_char(line + i, line + len);
		if (!n && line[i] != '\t')
			line[i] = '?';
		if (start + i < place->at)
			pad[used++] = line[i] == '\t' ? '\t' : ' ';
		n += !n;
	}
	fprintf(stderr, "  %.*s\n  %.*s^\n", (int)len, line, (int)used, pad);
}

/* Whether there is still room for an error; says so when it was the last. */
static bool count(struct policy_source *source)
{
	if (source->errors > POLICY_ERRORS_MAX)
		return false;
	if (source->errors++ < POLICY_ERRORS_MAX)
		return true;
	fprintf(stderr, "%s: more than %u errors, giving up\n", source->name,
		POLICY_ERRORS_MAX);
	return false;
}

/**
 * policy_error_place() - Report an error at a place in the source
 * @source: the source
 * @place: the place
 * @format: printf format of "what is wrong, expected WHAT"
 */
void policy_error_place(struct policy_source *source,
			const struct policy_place *place, const char *format,
			...)
{
	va_list args;

	if (!count(source))
		return;
	fprintf(stderr, "%s:%u:%u: ", source->name, place->line, column(place));
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (source->carets)
		show_line(source, place);
}

/**
 * policy_error_path() - Report an error at a path in JSON
 * @source: the source
 * @path: such as "rules[3].comment", or "line:column" of broken JSON
 * @format: printf format of "what is wrong, expected WHAT"
 */
void policy_error_path(struct policy_source *source, const char *path,
		       const char *format, ...)
{
	va_list args;

	if (!count(source))
		return;
	fprintf(stderr, "%s:%s%s: ", source->name,
		path[0] >= '0' && path[0] <= '9' ? "" : " ", path);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
