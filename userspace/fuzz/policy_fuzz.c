// SPDX-License-Identifier: GPL-2.0
/*
 * Both readers of policies on hostile input. What they accept, both writers
 * have to write so that it is read as the same policy.
 */
#include <stdlib.h>
#include <string.h>

#include "../policy.h"
#include "fuzz.h"

struct text {
	char *at;
	size_t len;
};

/* Reads @text in one of the forms; whether it is a policy. */
static bool read_text(struct policy *policy, const char *text, size_t len,
		      bool json)
{
	struct policy_source source = {
		.name = "fuzz",
		.text = text,
		.len = len,
		.carets = true,
		.json = json,
	};

	policy_init(policy);
	return !(json ? policy_json_parse(policy, &source) :
			policy_file_parse(policy, &source));
}

static struct text write_text(const struct policy *policy, bool json)
{
	struct text text;
	FILE *out = open_memstream(&text.at, &text.len);

	if (!out)
		abort();
	if (json)
		policy_json_print(policy, out);
	else
		policy_print(policy, false, out);
	fclose(out);
	return text;
}

/* Writes @policy in a form, reads that, and wants @canonical from it. */
static void round_trip(const struct policy *policy, bool json,
		       const struct text *canonical)
{
	struct text text = write_text(policy, json), again;
	struct policy copy;

	if (!read_text(&copy, text.at, text.len, json))
		abort();
	again = write_text(&copy, false);
	if (again.len != canonical->len ||
	    memcmp(again.at, canonical->at, again.len))
		abort();
	free(again.at);
	free(text.at);
	policy_free(&copy);
}

static void try_form(const char *input, size_t len, bool json)
{
	struct policy policy;
	struct text canonical;

	if (read_text(&policy, input, len, json)) {
		canonical = write_text(&policy, false);
		round_trip(&policy, false, &canonical);
		round_trip(&policy, true, &canonical);
		free(canonical.at);
	}
	policy_free(&policy);
}

int fuzz_input(const __u8 *data, size_t size)
{
	char *input;

	fuzz_silence();
	/* A block of its own, so that the sanitizer sees reads beyond it. */
	input = malloc(size ? size : 1);
	if (!input)
		return 0;
	memcpy(input, data, size);
	try_form(input, size, false);
	try_form(input, size, true);
	free(input);
	return 0;
}
