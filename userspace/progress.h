/* SPDX-License-Identifier: GPL-2.0 */
/* A progress bar on stderr for what takes longer than a second, when that is a terminal. */
#ifndef VFW_NL_PROGRESS_H
#define VFW_NL_PROGRESS_H

#include "vfw-nl.h"

/**
 * struct progress - a thing under way
 * @what: what is counted ("flows")
 * @total: how many there will be, 0 when not known
 * @begun: when it began, ns
 * @drawn: when the bar was drawn last, ns; 0 for never
 * @off: stderr is no terminal
 */
struct progress {
	const char *what;
	__u64 total;
	__u64 begun;
	__u64 drawn;
	bool off;
};

void progress_begin(struct progress *progress, const char *what, __u64 total);
void progress_show(struct progress *progress, __u64 now_done);
void progress_end(struct progress *progress);

#endif /* VFW_NL_PROGRESS_H */
