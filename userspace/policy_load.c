// SPDX-License-Identifier: GPL-2.0
/*
 * Putting a policy in force: begin, add the rules in batches, commit. Batches
 * are sent without waiting for the last one's acknowledgment; the first that
 * is refused is told, and the transaction aborted. Nothing changes until
 * commit, and when the tool dies the kernel forgets the transaction.
 */
#include <string.h>

#include "policy_nl.h"
#include "progress.h"

/* Attributes in a policy-add, in bytes. */
#define BATCH_SIZE	32000

/* More than nl.c lets be under way. */
#define BATCHES		64

/**
 * struct load - a policy on its way into the kernel
 * @policy: the policy
 * @source: where it was read from; NULL when it was not
 * @transaction: names it to the kernel
 * @sent: rules handed over
 * @batches: which rules were in the latest messages, in a ring
 * @next: slot of @batches for the next message
 */
struct load {
	const struct policy *policy;
	const struct policy_source *source;
	__u32 transaction;
	size_t sent;
	struct batch {
		__u32 sequence;
		size_t first;
		size_t last;
	} batches[BATCHES];
	unsigned int next;
};

static int take_transaction(const struct vnl_reply *reply, void *data)
{
	struct load *load = data;

	if (!reply->attrs[VFW_A_POLICY_TRANSACTION])
		return fail("the kernel has not named the transaction");
	load->transaction = nla_get_u32(reply->attrs[VFW_A_POLICY_TRANSACTION]);
	return DONE;
}

static int begin(struct load *load, const struct policy_target *target)
{
	struct nl_msg *request = vnl_request(VFW_CMD_POLICY_BEGIN);

	vnl_put(request, VFW_A_POLICY_VM, target->vm, sizeof(target->vm));
	if (target->epoch_given)
		vnl_put_u32(request, VFW_A_POLICY_EPOCH, target->epoch);
	policy_nl_put(request, load->policy);
	return vnl_do(request, take_transaction, load);
}

/* Sends as many rules as fit into a message. */
static int send_batch(struct load *load)
{
	struct batch *batch = &load->batches[load->next++ % BATCHES];
	const struct policy *policy = load->policy;
	struct nl_msg *request;

	request = vnl_request_size(VFW_CMD_POLICY_ADD, BATCH_SIZE);
	if (!request)
		return FAILED;
	vnl_put_u32(request, VFW_A_POLICY_TRANSACTION, load->transaction);
	batch->first = load->sent;
	while (load->sent < policy->rule_count &&
	       policy_nl_put_rule(request, policy, &policy->rules[load->sent]))
		load->sent++;
	batch->last = load->sent;
	return vnl_post(request, &batch->sequence);
}

/* Names rule @index, from 0, as its source does. */
static void name_rule(const struct load *load, size_t index)
{
	const struct policy_source *source = load->source;

	fflush(stdout);
	if (!source)
		fprintf(stderr, "rule %zu", index + 1);
	else if (source->json)
		fprintf(stderr, "%s: rules[%zu]", source->name, index);
	else
		fprintf(stderr, "%s:%u", source->name,
			load->policy->rules[index].line);
}

/*
 * The kernel says "rule N: why". Where it does not, as when a value was out of
 * bounds, it is some rule of the message.
 */
static int report(const struct load *load, const struct vnl_error *error)
{
	const char *text = error->text[0] ? error->text :
					    strerror(error->error);
	const char *at = strstr(text, "rule ");
	size_t number, i;
	int used = 0;

	if (at && sscanf(at, "rule %zu: %n", &number, &used) == 1 && used &&
	    number && number <= load->policy->rule_count) {
		name_rule(load, number - 1);
		fprintf(stderr, ": the kernel refused this rule: %s\n",
			at + used);
		return REFUSED;
	}
	for (i = 0; i < BATCHES; i++) {
		const struct batch *batch = &load->batches[i];

		if (batch->sequence != error->sequence ||
		    batch->last <= batch->first)
			continue;
		name_rule(load, batch->first);
		fprintf(stderr, ": the kernel refused this rule or one of the %zu after it\n",
			batch->last - batch->first - 1);
	}
	return vnl_report(VFW_CMD_POLICY_ADD, error);
}

static int add(struct load *load)
{
	struct progress progress;
	struct vnl_error error;
	int code = DONE, settled;

	progress_begin(&progress, "rules", load->policy->rule_count);
	while (code == DONE && load->sent < load->policy->rule_count) {
		code = send_batch(load);
		progress_show(&progress, load->sent);
	}
	settled = vnl_settle(&error);
	progress_end(&progress);
	if (error.error)
		return report(load, &error);
	return code ? code : settled;
}

/* A shorter way than waiting for the socket to close, in a batch of commands. */
static void abort_load(const struct load *load)
{
	struct nl_msg *request = vnl_request(VFW_CMD_POLICY_ABORT);
	struct vnl_error error;

	vnl_put_u32(request, VFW_A_POLICY_TRANSACTION, load->transaction);
	vnl_do_quiet(request, NULL, NULL, &error);
}

static int commit(const struct load *load)
{
	struct nl_msg *request = vnl_request(VFW_CMD_POLICY_COMMIT);

	vnl_put_u32(request, VFW_A_POLICY_TRANSACTION, load->transaction);
	vnl_put_u32(request, VFW_A_POLICY_RULES, load->policy->rule_count);
	return vnl_do(request, NULL, NULL);
}

/**
 * policy_load() - Put a policy in force, whole or not at all
 * @policy: the policy
 * @source: where it was read from, to name a refused rule's place; or NULL
 * @target: which VM, and which epoch it must have
 *
 * Return: DONE, FAILED or REFUSED.
 */
int policy_load(const struct policy *policy, const struct policy_source *source,
		const struct policy_target *target)
{
	struct load load = { .policy = policy, .source = source };
	int code = begin(&load, target);

	if (code)
		return code;
	code = add(&load);
	if (!code)
		code = commit(&load);
	if (code)
		abort_load(&load);
	return code;
}
