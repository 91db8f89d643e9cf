// SPDX-License-Identifier: GPL-2.0
/*
 * "vfw-nl snapshot info" on hostile snapshots. JSON has to be JSON whatever is in the snapshot, and
 * text has to be text: a terminal must not be told anything by it.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../args.h"
#include "../snapshot.h"
#include "fuzz.h"
#include "snapshot_mutate.h"

static void check_json(const char *text, size_t length)
{
	json_t *json;

	if (!length || (length == 1 && *text == '\n'))
		return;
	json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
			  NULL);
	if (!json)
		abort();
	json_decref(json);
}

static void check_text(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((text[i] >= 0 && text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
			abort();
}

static void try_form(const __u8 *data, size_t size, const struct options *form)
{
	char dash[] = "-", *words[] = { dash };
	struct args args = { 1, words };
	FILE *in = stdin, *out = stdout;
	char *text = NULL;
	size_t length = 0;
	int code;

	options = *form;
	stdin = fmemopen((void *)data, size, "r");
	stdout = open_memstream(&text, &length);
	if (!stdin || !stdout)
		abort();
	code = snapshot_info(&args);
	fclose(stdin);
	fclose(stdout);
	stdin = in;
	stdout = out;
	if (code != DONE && code != FAILED)
		abort();
	if (form->json)
		check_json(text, length);
	else
		check_text(text, length);
	free(text);
}

int fuzz_input(const __u8 *data, size_t size)
{
	static const struct options forms[] = {
		{ .json = true },
		{ .details = true },
		{ .json = true, .pretty = true, .numeric = true, .details = true },
		{ .numeric = true },
	};
	unsigned int odd = size > 20 ? data[20] % 2 : 0; /* of a checksum */

	if (!size)
		return 0;
	fuzz_silence();
	try_form(data, size, &forms[2 * odd]);
	try_form(data, size, &forms[2 * odd + 1]);
	return 0;
}

#ifdef VFW_LIBFUZZER
/* libFuzzer alone would hardly ever get past a checksum. */
size_t fuzz_mutate(__u8 *data, size_t size, size_t room, unsigned int seed)
{
	if (seed % 4)
		return snapshot_mutate(data, size, room, seed);
	size = fuzz_mutate_blindly(data, size, room);
	snapshot_seal(data, size, seed % 8);
	return size;
}
#endif
