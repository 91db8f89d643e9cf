/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzed programs share. Each is one file NAME_fuzz.c, which is linked either with
 * libFuzzer, or with replay.c, which only tries the files it is given.
 */
#ifndef VFW_NL_FUZZ_H
#define VFW_NL_FUZZ_H

#include "../vfw-nl.h"

#include <stdio.h>
#include <stdlib.h>

/* The Makefile gives them the names that libFuzzer wants. */
int fuzz_input(const __u8 *data, size_t size);
size_t fuzz_mutate_blindly(__u8 *data, size_t size, size_t room);
size_t fuzz_mutate(__u8 *data, size_t size, size_t room, unsigned int seed);

/* What the tool says of bad input is of no interest; libFuzzer has kept its own stderr. */
static inline void fuzz_silence(void)
{
	static FILE *nowhere;

	if (nowhere)
		return;
	nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		abort();
	stderr = nowhere;
}

#endif /* VFW_NL_FUZZ_H */
