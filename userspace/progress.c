// SPDX-License-Identifier: GPL-2.0
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC	1000000000ULL
#define REDRAW		(NS_PER_SEC / 5)
#define BAR		30

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/**
 * progress_begin() - something begins that may take long
 * @progress: filled
 * @what: what is counted
 * @total: how many there will be, 0 when not known
 */
void progress_begin(struct progress *progress, const char *what, __u64 total)
{
	*progress = (struct progress){
		.what = what,
		.total = total,
		.begun = now_ns(),
		.off = !isatty(STDERR_FILENO),
	};
}

/**
 * progress_show() - say how far it is; draws at most five times a second
 * @progress: what is under way
 * @now_done: how many are done
 */
void progress_show(struct progress *progress, __u64 now_done)
{
	char bar[BAR + 1];
	__u64 now;
	__u64 part;

	if (progress->off)
		return;
	now = now_ns();
	if (now < progress->begun + NS_PER_SEC || now < progress->drawn + REDRAW)
		return;
	progress->drawn = now;
	if (!progress->total) {
		fprintf(stderr, "\r%llu %s", now_done, progress->what);
		return;
	}
	if (now_done > progress->total)
		now_done = progress->total;
	part = now_done * BAR / progress->total;
	for (unsigned int i = 0; i < BAR; i++)
		bar[i] = i < part ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %llu of %llu %s", bar, now_done, progress->total,
		progress->what);
}

/**
 * progress_end() - it is over; clears the bar
 * @progress: what was under way
 */
void progress_end(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = 0;
}
