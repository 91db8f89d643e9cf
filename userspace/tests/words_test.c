// SPDX-License-Identifier: GPL-2.0
/* Words in and out: arguments, lines of a batch, UUIDs, addresses, names of attributes. */
#include "../args.h"
#include "../batch.h"
#include "../crc32c.h"
#include "../print.h"
#include "../spec.h"
#include "../text.h"

#include <linux/genetlink.h>
#include <linux/vfw.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

static unsigned int failures, cases;

static void check(bool good, const char *what, const char *detail)
{
	cases++;
	if (good)
		return;
	printf("FAIL: %s: %s\n", what, detail);
	failures++;
}

static void test_batch(void)
{
	static const struct {
		const char *line;
		int count;
		const char *words[4];
	} lines[] = {
		{ "", 0, { } },
		{ "  \t\n", 0, { } },
		{ "# all of it", 0, { } },
		{ "vm show", 2, { "vm", "show" } },
		{ "vm show\r\n", 2, { "vm", "show" } },
		{ "vm  show # web", 2, { "vm", "show" } },
		{ "vm show a#b", 3, { "vm", "show", "a#b" } },
		{ "name \"a b\"", 2, { "name", "a b" } },
		{ "name 'a \"b\" \\'", 2, { "name", "a \"b\" \\" } },
		{ "name \"a \\\" b\"", 2, { "name", "a \" b" } },
		{ "name a\\ b", 2, { "name", "a b" } },
		{ "name \"\"", 2, { "name", "" } },
		{ "a'b c'\"d e\"f", 1, { "ab cd ef" } },
		{ "name \\#x", 2, { "name", "#x" } },
		{ "name \"a", -1, { } },
		{ "name 'a", -1, { } },
	};
	char *words[BATCH_WORDS];
	char line[64];
	int count;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		int code;

		snprintf(line, sizeof(line), "%s", lines[i].line);
		code = batch_split(line, words, &count);
		check((code == DONE) == (lines[i].count >= 0), "batch", lines[i].line);
		if (code || lines[i].count < 0)
			continue;
		check(count == lines[i].count, "batch, words", lines[i].line);
		for (int n = 0; n < count && n < lines[i].count; n++)
			check(strcmp(words[n], lines[i].words[n]) == 0, "batch, word",
			      words[n]);
	}
}

static void test_long_line(void)
{
	char line[2 * BATCH_WORDS + 3] = "";
	char *words[BATCH_WORDS];
	int count;

	for (size_t i = 0; i <= BATCH_WORDS; i++)
		strcat(line, "a ");
	check(batch_split(line, words, &count) == FAILED, "batch", "too many words");
	line[0] = '\0';
	for (size_t i = 0; i < BATCH_WORDS; i++)
		strcat(line, "a ");
	check(batch_split(line, words, &count) == DONE && count == BATCH_WORDS, "batch",
	      "just as many words as there may be");
}

static int take(int argc, char **argv, __u32 *number, const char **name, bool *hold)
{
	struct args args = { argc, argv };
	struct arg keys[] = {
		{ "time", "a number", arg_u32, number, .min = 1, .max = 100 },
		{ "name", "a name", arg_text, .to = name },
		{ "hold", NULL, arg_flag, .to = hold },
	};

	return args_keys(&args, keys, ARRAY_SIZE(keys));
}

#define TAKE(...)								\
	take(ARRAY_SIZE(((char *[]){ __VA_ARGS__ })), (char *[]){ __VA_ARGS__ }, \
	     &number, &name, &hold)

static void test_args(void)
{
	const char *name = NULL;
	__u32 number = 0;
	bool hold = false;

	check(TAKE("hold", "time", "7", "name", "hold") == DONE && number == 7 && hold &&
	      strcmp(name, "hold") == 0, "args", "all keys");
	check(TAKE("time") == FAILED, "args", "no value");
	check(TAKE("time", "0") == FAILED, "args", "too small");
	check(TAKE("time", "101") == FAILED, "args", "too great");
	check(TAKE("time", "7x") == FAILED, "args", "no number");
	check(TAKE("time", "-1") == FAILED, "args", "negative");
	check(TAKE("time", " 7") == FAILED, "args", "a space before");
	check(TAKE("time", "") == FAILED, "args", "empty");
	check(TAKE("time", "18446744073709551617") == FAILED, "args", "beyond 64 bits");
	check(TAKE("time", "4294967297") == FAILED, "args", "beyond 32 bits");
	check(TAKE("tim", "7") == FAILED, "args", "abbreviated");
	check(TAKE("hold", "hold") == FAILED, "args", "twice");
}

static void test_uuid(void)
{
	static const char *const wrong[] = {
		"", "5bd05e7c-1122-4344-8566-778899aabbc", "5bd05e7c-1122-4344-8566-778899aabbccd",
		"5bd05e7c-1122-4344-8566_778899aabbcc", "5bd05e7c11224344-8566-7788-99aabbcc-",
		"5bd05e7g-1122-4344-8566-778899aabbcc", "{bd05e7c-1122-4344-8566-778899aabbcc",
	};
	static const char right[] = "5BD05e7c-1122-4344-8566-778899aabbcc";
	char text[UUID_TEXT];
	__u8 uuid[16];

	check(uuid_parse(right, uuid) && uuid[0] == 0x5b && uuid[15] == 0xcc, "uuid", right);
	check(strcmp(uuid_text(uuid, text), "5bd05e7c-1122-4344-8566-778899aabbcc") == 0,
	      "uuid", text);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check(!uuid_parse(wrong[i], uuid), "uuid", wrong[i]);
}

static void test_prefix(void)
{
	static const struct {
		const char *word;
		unsigned int bytes;
		unsigned int bits;
	} words[] = {
		{ "10.0.0.0/8", 4, 8 }, { "10.0.0.1", 4, 32 }, { "0.0.0.0/0", 4, 0 },
		{ "fe80::/10", 16, 10 }, { "::1", 16, 128 }, { "::/0", 16, 0 },
		{ "10.0.0.0/33", 0, 0 }, { "::/129", 0, 0 }, { "10.0.0.0/", 0, 0 },
		{ "10.0.0.0/-1", 0, 0 }, { "10.0.0.0/ 8", 0, 0 }, { "10.0.0.0/8x", 0, 0 },
		{ "10.0.0", 0, 0 }, { "", 0, 0 }, { "/8", 0, 0 }, { "10.0.0.0/4294967304", 0, 0 },
	};
	unsigned int bytes, bits;
	__u8 address[16];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		bool good = prefix_parse(words[i].word, address, &bytes, &bits);

		check(good == (words[i].bytes > 0), "prefix", words[i].word);
		if (good)
			check(bytes == words[i].bytes && bits == words[i].bits, "prefix",
			      words[i].word);
	}
	check(protocol_parse("tcp") == 6 && protocol_parse("58") == 58 &&
	      protocol_parse("256") == -1 && protocol_parse("tcpx") == -1 &&
	      protocol_parse("") == -1 && protocol_parse("6 ") == -1, "protocol", "names");
}

static void test_escape(void)
{
	char text[32];

	print_escape(text, sizeof(text), "a\x1b[m\xc3\xa9\xc3\xc2\x9b\x7f");
	check(strcmp(text, "a\\x1b[m\xc3\xa9\\xc3\\xc2\\x9b\\x7f") == 0, "escape", text);
	print_escape(text, 8, "\x01\x01\x01");
	check(strcmp(text, "\\x01") == 0, "escape, cut off", text);
	print_escape(text, sizeof(text), "\xf4\x90\x80\x80");
	check(strcmp(text, "\\xf4\\x90\\x80\\x80") == 0, "escape, beyond Unicode", text);
	print_escape(text, sizeof(text), "\xe0\x80\xaf");
	check(strcmp(text, "\\xe0\\x80\\xaf") == 0, "escape, overlong", text);
}

static void test_crc(void)
{
	static const char digits[] = "123456789";
	__u8 bytes[1024];
	__u32 parts = 0;

	/* The check value of every catalogue of checksums. */
	check(crc32c(0, digits, 9) == 0xe3069283, "crc32c", "123456789");
	/* RFC 7143, appendix A.4. */
	memset(bytes, 0, 32);
	check(crc32c(0, bytes, 32) == 0x8a9136aa, "crc32c", "32 zeros");
	memset(bytes, 0xff, 32);
	check(crc32c(0, bytes, 32) == 0x62a8ab43, "crc32c", "32 ones");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 7;
	for (size_t i = 0; i < sizeof(bytes); i++)
		parts = crc32c(parts, bytes + i, 1);
	check(crc32c(0, bytes, sizeof(bytes)) == parts, "crc32c", "in parts");
}

static void test_path(void)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct genlmsghdr genl = { };
	struct nlattr *nest, *time;
	char path[64];

	nlmsg_append(message, &genl, sizeof(genl), NLMSG_ALIGNTO);
	nla_put(message, VFW_A_VM_UUID, 16, path);
	nest = nla_nest_start(message, VFW_A_VM_HOLD_LIMITS);
	nla_put_u32(message, VFW_A_HOLD_BYTES, 1);
	time = nlmsg_tail(header);
	nla_put_u32(message, VFW_A_HOLD_TIME, 0);
	nla_nest_end(message, nest);

#define PATH(at)								\
	spec_path(&spec_vm, header, header->nlmsg_len, at, path, sizeof(path))
	PATH((void *)time - (void *)header);
	check(strcmp(path, "hold-limits time") == 0, "path", path);
	PATH((void *)nest - (void *)header);
	check(strcmp(path, "hold-limits") == 0, "path", path);
	PATH(NLMSG_HDRLEN + GENL_HDRLEN);
	check(strcmp(path, "uuid") == 0, "path", path);
	for (size_t at = 0; at < 2 * header->nlmsg_len; at++)
		PATH(at);
	nlmsg_free(message);
}

int main(void)
{
	test_batch();
	test_long_line();
	test_args();
	test_uuid();
	test_prefix();
	test_escape();
	test_crc();
	test_path();
	printf("words_test: %u cases, %u failed\n", cases, failures);
	return failures ? 1 : 0;
}
