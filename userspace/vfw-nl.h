/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all files of the tool share: options, the tables of objects and verbs, messages.
 *
 * A function that can fail says why on stderr itself, once, and returns the exit code of the
 * tool (enum exit_code); its caller only passes that on.
 */
#ifndef VFW_NL_H
#define VFW_NL_H

#include <assert.h>
#include <linux/types.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#define VFW_NL_VERSION "0.1.0"

#ifndef __printf
#define __printf(format, values) __attribute((__format__(__printf__, format, values)))
#endif
#define fallthrough __attribute__((__fallthrough__))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/**
 * enum exit_code - what the tool's exit status says
 * @DONE: all went well
 * @FAILED: wrong usage, or a local error: a file that cannot be read, no memory
 * @REFUSED: the kernel refused, or vfw is not there
 */
enum exit_code {
	DONE = 0,
	FAILED = 1,
	REFUSED = 2,
};

/**
 * struct options - the options before the object
 * @json: -j, print JSON
 * @pretty: -p, JSON with line breaks
 * @details: -s, statistics and details
 * @numeric: -n, numbers instead of protocol and service names
 * @force: -f, a batch goes on after an error
 */
struct options {
	bool json;
	bool pretty;
	bool details;
	bool numeric;
	bool force;
};

extern struct options options;

struct args;

/**
 * struct verb - a command of an object
 * @name: the word
 * @run: does it with the words that follow; returns enum exit_code
 */
struct verb {
	const char *name;
	int (*run)(struct args *args);
};

/**
 * struct object - what commands act on
 * @name: the word
 * @help: a page of help, ends with a line break
 * @verbs: its commands; the last has no name
 * @standard: what runs when no command is given, or NULL: then a command must be
 */
struct object {
	const char *name;
	const char *help;
	const struct verb *verbs;
	int (*standard)(struct args *args);
};

extern const struct object vm_object;
extern const struct object port_object;
extern const struct object policy_object;
extern const struct object flow_object;
extern const struct object snapshot_object;
extern const struct object stats_object;
extern const struct object monitor_object;

int fail(const char *fmt, ...) __printf(1, 2);
int refuse(const char *fmt, ...) __printf(1, 2);
void note(const char *fmt, ...) __printf(1, 2);
void message_place(const char *file, unsigned int line);

int command_run(int argc, char **argv);
int batch_run(const char *file);

#endif /* VFW_NL_H */
