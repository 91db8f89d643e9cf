// SPDX-License-Identifier: GPL-2.0
/*
 * NAME_replay FILE...: tries each file once, without libFuzzer, and so with any compiler.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static void try_file(const char *name)
{
	FILE *file = fopen(name, "re");
	size_t size = 0, got;
	__u8 *data = NULL;

	if (!file) {
		perror(name);
		exit(1);
	}
	do {
		data = realloc(data, size + 65536);
		if (!data)
			abort();
		got = fread(data + size, 1, 65536, file);
		size += got;
	} while (got);
	fclose(file);
	fuzz_input(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		/* If it is the last, it is the one. */
		if (argc < 4)
			fprintf(stdout, "%s\n", argv[i]);
		try_file(argv[i]);
	}
	printf("%s: %d files\n", argv[0], argc - 1);
	return 0;
}
