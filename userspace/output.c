// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int error(const struct output *output)
{
	return fail("%s: %s", output->name, strerror(errno));
}

static int open_stdout(struct output *output)
{
	if (isatty(STDOUT_FILENO))
		return fail("a snapshot is no text: not writing it to a terminal");
	output->name = "standard output";
	output->fd = STDOUT_FILENO;
	return DONE;
}

static int open_part(struct output *output)
{
	/* A link stays one: what it leads to is replaced. */
	output->target = realpath(output->name, NULL);
	if (!output->target)
		output->target = strdup(output->name);
	if (!output->target || asprintf(&output->part, "%s.XXXXXX", output->target) < 0) {
		free(output->target);
		return fail("no memory");
	}
	output->fd = mkostemp(output->part, O_CLOEXEC);
	if (output->fd >= 0)
		return DONE;
	free(output->part);
	free(output->target);
	return error(output);
}

/**
 * output_open() - begin to write a file
 * @output: filled
 * @name: its name, - for standard output unless that is a terminal; must stay
 *
 * A pipe or a device is written to as it is. A file is written beside its place and moved
 * there at the end.
 *
 * Return: DONE, or FAILED: then there is nothing to discard.
 */
int output_open(struct output *output, const char *name)
{
	struct stat stat_now;

	memset(output, 0, sizeof(*output));
	output->name = name;
	if (strcmp(name, "-") == 0)
		return open_stdout(output);
	if (stat(name, &stat_now) || S_ISREG(stat_now.st_mode))
		return open_part(output);
	output->fd = open(name, O_WRONLY | O_CLOEXEC);
	if (output->fd < 0)
		return error(output);
	if (!isatty(output->fd))
		return DONE;
	close(output->fd);
	return fail("a snapshot is no text: not writing it to a terminal");
}

/**
 * output_queue() - have bytes written by the next output_flush()
 * @output: the file
 * @data: the bytes; must stay until then
 * @length: how many
 *
 * Return: DONE or FAILED.
 */
int output_queue(struct output *output, const void *data, size_t length)
{
	if (output->queued == ARRAY_SIZE(output->queue) && output_flush(output))
		return FAILED;
	output->queue[output->queued++] = (struct iovec){ (void *)data, length };
	return DONE;
}

/**
 * output_flush() - write what is queued
 * @output: the file
 *
 * Return: DONE or FAILED.
 */
int output_flush(struct output *output)
{
	struct iovec *part = output->queue;
	unsigned int left = output->queued;

	output->queued = 0;
	while (left > 0) {
		ssize_t written = writev(output->fd, part, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error(output);
		for (; left > 0 && (size_t)written >= part->iov_len; part++, left--)
			written -= part->iov_len;
		if (left > 0) {
			part->iov_base += written;
			part->iov_len -= written;
		}
	}
	return DONE;
}

/* The new name must be on the disk too; where directories cannot be synced, so be it. */
static void sync_directory(const struct output *output)
{
	char *path = strdup(output->target);
	int fd = path ? open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(path);
}

/**
 * output_commit() - all is written: put the file in its place
 * @output: the file; on FAILED, discarded
 *
 * Return: DONE or FAILED.
 */
int output_commit(struct output *output)
{
	if (output_flush(output)) {
		output_discard(output);
		return FAILED;
	}
	if (!output->target) {
		output_discard(output);
		return DONE;
	}
	if (fsync(output->fd) || rename(output->part, output->target)) {
		error(output);
		output_discard(output);
		return FAILED;
	}
	sync_directory(output);
	close(output->fd);
	free(output->part);
	free(output->target);
	return DONE;
}

/**
 * output_discard() - forget what was written; the file stays as it was
 * @output: the file
 */
void output_discard(struct output *output)
{
	if (output->part)
		unlink(output->part);
	if (output->fd != STDOUT_FILENO)
		close(output->fd);
	free(output->part);
	free(output->target);
}
