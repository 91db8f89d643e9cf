// SPDX-License-Identifier: GPL-2.0
/* The object policy: load, check, show and flush. */
#include <errno.h>
#include <string.h>

#include "args.h"
#include "policy_nl.h"

/* How often a policy is read again that was replaced meanwhile. */
#define TRIES		5

/* What ends a list that is of another policy; no exit code. */
#define REPLACED	100

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Both forms are told apart by how they begin: no statement begins like that. */
static bool is_json(const struct policy_source *source)
{
	size_t at = 0;

	while (at < source->len && memchr(" \t\r\n", source->text[at], 4))
		at++;
	return at < source->len &&
	       (source->text[at] == '{' || source->text[at] == '[');
}

/* Reads a policy; afterwards @policy and @source are to be freed in any case. */
static int read_policy(struct policy *policy, struct policy_source *source,
		       const char *name)
{
	int error;

	policy_init(policy);
	if (policy_source_read(source, name))
		return fail("cannot read %s: %s", source->name,
			    strerror(errno));
	source->json = is_json(source);
	fflush(stdout);
	if (source->json)
		error = policy_json_parse(policy, source);
	else
		error = policy_file_parse(policy, source);
	return error ? FAILED : DONE;
}

static int load(struct args *args)
{
	struct policy_target target = { };
	struct arg keys[] = {
		{ "epoch", "a number", arg_u32, .to = &target.epoch,
		  .max = 0xffffffff },
	};
	struct policy_source source;
	struct policy policy;
	const char *name;
	int code;

	code = args_vm(args, target.vm);
	if (code)
		return code;
	name = args_need(args, "a policy file, or - for standard input");
	if (!name || args_keys(args, keys, ARRAY_SIZE(keys)))
		return FAILED;
	target.epoch_given = keys[0].given;
	code = read_policy(&policy, &source, name);
	if (!code)
		code = policy_load(&policy, &source, &target);
	policy_free(&policy);
	policy_source_free(&source);
	return code;
}

static int check(struct args *args)
{
	const char *format = NULL;
	struct arg keys[] = {
		{ "format", "json or text", arg_text, .to = &format },
	};
	struct policy_source source;
	struct policy policy;
	const char *name;
	int code;

	name = args_need(args, "a policy file, or - for standard input");
	if (!name || args_keys(args, keys, ARRAY_SIZE(keys)))
		return FAILED;
	if (format && strcmp(format, "json") && strcmp(format, "text"))
		return fail("'%s' is no format; expected json or text", format);
	if (!format && options.json)
		format = "json";
	code = read_policy(&policy, &source, name);
	if (!code && !format)
		printf("%s: %zu rule%s\n", source.name, policy.rule_count,
		       plural(policy.rule_count));
	else if (!code && !strcmp(format, "json"))
		policy_json_print(&policy, stdout);
	else if (!code)
		policy_print(&policy, false, stdout);
	policy_free(&policy);
	policy_source_free(&source);
	return code;
}

/* A policy being read from the kernel. */
struct reading {
	struct policy policy;
	__u32 rules;
};

static int take_policy(const struct vnl_reply *reply, void *data)
{
	struct reading *reading = data;

	if (reply->attrs[VFW_A_POLICY_RULES])
		reading->rules = nla_get_u32(reply->attrs[VFW_A_POLICY_RULES]);
	return policy_nl_get(&reading->policy, reply);
}

static int take_rules(const struct vnl_reply *reply, void *data)
{
	struct reading *reading = data;
	const struct nlattr *epoch = reply->attrs[VFW_A_POLICY_EPOCH];

	if (epoch && nla_get_u32(epoch) != reading->policy.epoch)
		return REPLACED;
	return policy_nl_get_rules(&reading->policy, reply);
}

static int fetch_once(struct reading *reading, const __u8 vm[VFW_UUID_LEN])
{
	struct nl_msg *request = vnl_request(VFW_CMD_POLICY_GET);
	int code;

	policy_free(&reading->policy);
	reading->rules = 0;
	vnl_put(request, VFW_A_POLICY_VM, vm, VFW_UUID_LEN);
	code = vnl_do(request, take_policy, reading);
	if (code || !reading->rules)
		return code;
	request = vnl_request(VFW_CMD_RULE_GET);
	vnl_put(request, VFW_A_POLICY_VM, vm, VFW_UUID_LEN);
	code = vnl_dump(request, take_rules, reading);
	/* A policy of no rules may have come, and a list of none. */
	if (!code && reading->policy.rule_count != reading->rules)
		return REPLACED;
	return code;
}

static int fetch(struct reading *reading, const __u8 vm[VFW_UUID_LEN])
{
	int code = REPLACED, i;

	for (i = 0; i < TRIES && code == REPLACED; i++)
		code = fetch_once(reading, vm);
	if (code == REPLACED)
		return fail("the policy is replaced again and again while it is read");
	return code;
}

static void print_policy(struct policy *policy)
{
	if (options.json) {
		policy_json_print(policy, stdout);
		return;
	}
	if (!policy->epoch)
		puts("# no policy has been loaded");
	else if (options.details)
		printf("# epoch %u memory %llu rules %zu\n", policy->epoch,
		       policy->memory, policy->rule_count);
	if (!options.details)
		policy_forget_defaults(policy);
	policy_print(policy, options.details, stdout);
}

static int show(struct args *args)
{
	struct reading reading;
	__u8 vm[VFW_UUID_LEN];
	int code;

	code = args_vm(args, vm);
	if (!code)
		code = args_end(args);
	if (code)
		return code;
	policy_init(&reading.policy);
	code = fetch(&reading, vm);
	if (!code)
		print_policy(&reading.policy);
	policy_free(&reading.policy);
	return code;
}

static int flush(struct args *args)
{
	struct policy_target target = { };
	struct policy policy;
	int code;

	code = args_vm(args, target.vm);
	if (!code)
		code = args_end(args);
	if (code)
		return code;
	policy_init(&policy);
	return policy_load(&policy, NULL, &target);
}

static const struct verb verbs[] = {
	{ "load", load },
	{ "check", check },
	{ "show", show },
	{ "flush", flush },
	{ }
};

const struct object policy_object = {
	.name = "policy",
	.verbs = verbs,
	.help =
	"Usage: vfw-nl policy load VM FILE [epoch N]\n"
	"       vfw-nl policy check FILE [format json|text]\n"
	"       vfw-nl policy show VM\n"
	"       vfw-nl policy flush VM\n"
	"\n"
	"FILE := a policy as text or as JSON, see vfw-policy(5); - is standard input\n"
	"\n"
	"load replaces the VM's policy as a whole, or changes nothing; with epoch, only\n"
	"if the policy in force has that epoch. check needs no kernel and no privilege;\n"
	"with format, or -j for json, it prints the policy in that form. show prints a\n"
	"policy that can be loaded again; with -s also counters, and limits and timeouts\n"
	"that have their defaults. flush loads a policy that drops everything.\n",
};
