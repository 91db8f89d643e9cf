// SPDX-License-Identifier: GPL-2.0
/*
 * Both readers of policies on hostile input. What they accept, both writers
 * have to write so that it is read as the same policy.
 *
 *	policy_fuzz_test [SECONDS [SEED]]
 *
 * mutates policies built in for as long. Compiled by clang with
 * -fsanitize=fuzzer -DPOLICY_LIBFUZZER -Dtry_input=LLVMFuzzerTestOneInput, it
 * is libFuzzer's target instead.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../policy.h"

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

int try_input(const __u8 *data, size_t size);

int try_input(const __u8 *data, size_t size)
{
	static FILE *nowhere;
	char *input;

	if (!nowhere) {
		nowhere = fopen("/dev/null", "w");
		if (nowhere)
			stderr = nowhere;
	}
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

#ifndef POLICY_LIBFUZZER
#define INPUT_MAX	2048

static const char *const seeds[] = {
	"default in drop\ndefault out pass\nlimit flows 100\npick-up on\n"
	"timeout tcp-established 2h4m\ntimeout icmp 90\n",
	"pass in tcp remote 10.0.0.0/8 port 1 local port 22, 80, 8000-8999 \\\n"
	"  comment \"a \\\"b\\\" \\\\ \303\244\"\r\n# end\n",
	"drop in ipv4 tcp stateless flags syn,fin/syn,fin,ack\npass both 47\n",
	"pass in icmp type echo-request code 0\npass in icmpv6 type 135\n"
	"reject out udp remote 2001:db8::/32 port 53 local ::1\n",
	"{\"default-in\":\"pass\",\"limits\":{\"flows\":7,\"pick-up\":1},\"timeouts\":{\"icmp\":3},\"epoch\":1,\"rules\":[{\"action\":\"drop\"}]}",
	"{\"rules\":[{\"direction\":\"in\",\"family\":\"ipv4\",\"action\":\"pass\",\"protocol\":6,\"remote\":\"10.0.0.0\",\"remote-prefix\":8,\"local-ports\":[{\"first\":22,\"last\":23}],\"comment\":\"\\u00e4\"}]}",
	"{\"rules\":[{\"action\":\"drop\",\"stateless\":true,\"protocol\":6,\"tcp-flags\":2,\"tcp-flags-mask\":18},{\"action\":\"pass\",\"protocol\":1,\"icmp-type\":8,\"icmp-code\":0}]}",
};

static size_t below(size_t limit)
{
	return limit ? (size_t)random() % limit : 0;
}

/* Puts a piece of some seed over, or between, what is at some place. */
static size_t splice(char *input, size_t len)
{
	const char *seed = seeds[below(ARRAY_SIZE(seeds))];
	size_t from = below(strlen(seed)), at = below(len + 1);
	size_t n = below(strlen(seed) - from) + 1;

	if (at + n > INPUT_MAX)
		return len;
	if (below(2) && len + n <= INPUT_MAX) {
		memmove(input + at + n, input + at, len - at);
		len += n;
	}
	memcpy(input + at, seed + from, n);
	return at + n > len ? at + n : len;
}

static size_t mutate(char *input, size_t len)
{
	static const char marks[] = "\"\\\n\r\t #,/-:.{}[]0129";
	size_t at = below(len), n;

	switch (below(5)) {
	case 0:
		return splice(input, len);
	case 1:
		n = below(len - at);
		memmove(input + at, input + at + n, len - at - n);
		return len - n;
	case 2:
		input[at] = (char)random();
		break;
	case 3:
		input[at] = marks[below(sizeof(marks) - 1)];
		break;
	default:
		input[at] ^= 1 << below(8);
		break;
	}
	return len;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atol(argv[1]) : 3);
	unsigned int seed = argc > 2 ? (unsigned int)atol(argv[2]) : 1;
	unsigned long tried = 0;
	char input[INPUT_MAX];
	size_t len, times;

	srandom(seed);
	for (; tried % 256 || time(NULL) < end; tried++) {
		const char *from = seeds[below(ARRAY_SIZE(seeds))];

		len = strlen(from);
		memcpy(input, from, len);
		for (times = below(8); times && len; times--)
			len = mutate(input, len);
		try_input((const __u8 *)input, len);
	}
	printf("policy_fuzz_test: %lu inputs, seed %u\n", tried, seed);
	return 0;
}
#endif
