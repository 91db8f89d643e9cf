// SPDX-License-Identifier: GPL-2.0
#include "batch.h"
#include "print.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Takes one word out of its quotes and escapes, in place: *from goes past it. Return: false
 * when a quote is not closed.
 */
static bool split_word(char **from, char *to)
{
	char *at = *from;
	char quote = '\0';

	for (; *at && (quote || !is_space(*at)); at++) {
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (*at == '\\' && quote != '\'' && at[1] && at[1] != '\n')
			*to++ = *++at;
		else
			*to++ = *at;
	}
	*from = *at ? at + 1 : at;
	*to = '\0';
	return !quote;
}

/**
 * batch_split() - cut a line into words
 * @line: the line; is changed, and the words are in it
 * @words: filled
 * @count: how many there are; 0 for an empty line or a comment
 *
 * Words stand between spaces. '...' keeps all as it is, "..." and what is outside of quotes
 * knows \ before any character. A word that begins with # begins a comment.
 *
 * Return: DONE or FAILED.
 */
int batch_split(char *line, char *words[BATCH_WORDS], int *count)
{
	*count = 0;
	for (;;) {
		char *word;

		while (is_space(*line))
			line++;
		if (!*line || *line == '#')
			return DONE;
		if (*count == BATCH_WORDS)
			return fail("more than %d words in a line", BATCH_WORDS);
		word = line;
		if (!split_word(&line, word))
			return fail("a quote is not closed");
		words[(*count)++] = word;
	}
}

static int run_line(char *line)
{
	char *words[BATCH_WORDS];
	int count, code;

	code = batch_split(line, words, &count);
	if (code || count == 0)
		return code;
	code = command_run(count, words);
	return print_flush() && code == DONE ? FAILED : code;
}

static int run_lines(FILE *file, const char *name)
{
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	int worst = DONE;

	while (getline(&line, &size, file) >= 0) {
		int code;

		message_place(name, ++number);
		code = run_line(line);
		if (code > worst)
			worst = code;
		if (signals_caught() || (code && !options.force))
			break;
	}
	message_place(NULL, 0);
	free(line);
	if (ferror(file))
		return fail("%s: %s", name, strerror(errno));
	return worst;
}

/**
 * batch_run() - do the commands of a file, one a line
 * @file: its name, - for standard input
 *
 * Return: the exit code of the first command that failed, which is the last that was done; with
 * -f, all are done, and it is the highest of their exit codes.
 */
int batch_run(const char *file)
{
	FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	int code;

	if (!stream)
		return fail("%s: %s", file, strerror(errno));
	code = run_lines(stream, stream == stdin ? "standard input" : file);
	if (stream != stdin)
		fclose(stream);
	return code;
}
