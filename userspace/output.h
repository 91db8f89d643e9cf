/* SPDX-License-Identifier: GPL-2.0 */
/* A file that is there whole or not at all. */
#ifndef VFW_NL_OUTPUT_H
#define VFW_NL_OUTPUT_H

#include "vfw-nl.h"

#include <sys/uio.h>

/**
 * struct output - a file being written
 * @name: as the user gave it
 * @fd: where it is written
 * @target: what it will be named, NULL when @fd is the user's own pipe or device
 * @part: what it is named until then
 * @queue: what is to be written next
 * @queued: how many parts
 */
struct output {
	const char *name;
	int fd;
	char *target;
	char *part;
	struct iovec queue[64];
	unsigned int queued;
};

int output_open(struct output *output, const char *name);
int output_queue(struct output *output, const void *data, size_t length);
int output_flush(struct output *output);
int output_commit(struct output *output);
void output_discard(struct output *output);

#endif /* VFW_NL_OUTPUT_H */
