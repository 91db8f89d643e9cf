// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: the frames of policy, rules and counters.
 */

#include <linux/string.h>

#include "main.h"
#include "policy.h"
#include "restore_stage.h"
#include "source.h"
#include "vm.h"

#define POLICY_FLAGS (VFW_STATE_POLICY_LOADED | VFW_STATE_POLICY_PICKUP)

static int check_fragments(struct vfw_restore *r, const struct vfw_state_policy *rec)
{
	u32 fragments = le32_to_cpu(rec->max_fragments), bytes = le32_to_cpu(rec->fragment_bytes);

	if (fragments < 1 || fragments > VFW_FRAGMENTS_MAX)
		return vfw_restore_refuse(r, -ERANGE,
					  "limit of %u datagrams in fragments out of range",
					  fragments);
	if (bytes > VFW_FRAGMENT_BYTES_MAX)
		return vfw_restore_refuse(r, -ERANGE, "limit of %u bytes of fragments out of range",
					  bytes);
	return 0;
}

static int check_policy(struct vfw_restore *r, const struct vfw_state_policy *rec)
{
	u32 flows = le32_to_cpu(rec->max_flows), half_open = le32_to_cpu(rec->max_half_open);
	u32 source_flows = le32_to_cpu(rec->max_source_flows);

	if (rec->flags & ~POLICY_FLAGS || rec->reserved || rec->reserved2)
		return vfw_restore_refuse(r, -EINVAL, "unknown flags of the policy");
	if (rec->default_in > VFW_ACTION_REJECT || rec->default_out > VFW_ACTION_REJECT)
		return vfw_restore_refuse(r, -EINVAL, "no such default verdict");
	if (le32_to_cpu(rec->rules) > VFW_RULES_MAX)
		return vfw_restore_refuse(r, -E2BIG, "%u rules are more than a policy may have",
					  le32_to_cpu(rec->rules));
	if (flows < 1 || flows > VFW_FLOWS_MAX)
		return vfw_restore_refuse(r, -ERANGE, "limit of %u flows out of range", flows);
	if (half_open < 1 || half_open > VFW_FLOWS_MAX)
		return vfw_restore_refuse(r, -ERANGE, "limit of %u half-open flows out of range",
					  half_open);
	if (source_flows > VFW_FLOWS_MAX)
		return vfw_restore_refuse(r, -ERANGE, "limit of %u flows of a source out of range",
					  source_flows);
	return check_fragments(r, rec);
}

static int set_timeouts(struct vfw_restore *r, const struct vfw_state_policy *rec)
{
	u32 seconds;
	int i, err;

	for (i = 0; i < VFW_TIMEOUTS; i++) {
		seconds = le32_to_cpu(rec->timeouts[i]);
		err = vfw_policy_set_timeout(r->policy, i, seconds);
		if (err)
			return vfw_restore_refuse(r, err, "timeout %d of %u s out of range", i + 1,
						  seconds);
	}
	return 0;
}

/**
 * vfw_restore_policy() - take a POLICY frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_policy(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_policy *rec = (const struct vfw_state_policy *)(frame + 1);
	int err;

	if (!(rec->flags & VFW_STATE_POLICY_LOADED)) {
		if (memchr_inv(rec, 0, sizeof(*rec)))
			return vfw_restore_refuse(r, -EINVAL,
						  "no policy, but its bytes are not zero");
		return 0;
	}
	err = check_policy(r, rec);
	if (err)
		return err;
	r->policy = vfw_policy_alloc();
	if (!r->policy)
		return vfw_restore_refuse(r, -ENOMEM, "no memory for the policy");
	r->rules = le32_to_cpu(rec->rules);
	r->policy->max_flows = le32_to_cpu(rec->max_flows);
	r->policy->max_half_open = le32_to_cpu(rec->max_half_open);
	r->policy->max_source_flows = le32_to_cpu(rec->max_source_flows);
	r->policy->max_fragments = le32_to_cpu(rec->max_fragments);
	r->policy->fragment_bytes = le32_to_cpu(rec->fragment_bytes);
	r->policy->defaults[VFW_DIRECTION_IN] = rec->default_in;
	r->policy->defaults[VFW_DIRECTION_OUT] = rec->default_out;
	r->policy->pick_up = rec->flags & VFW_STATE_POLICY_PICKUP;
	if (r->policy->max_source_flows && vfw_sources_start(r->table))
		return vfw_restore_refuse(r, -ENOMEM, "no memory to count flows by their sources");
	return set_timeouts(r, rec);
}

/**
 * struct parts - what a rule has outside of struct vfw_rule, while it is being read
 * @ranges: the ranges
 * @comment: the comment, terminated
 */
struct parts {
	struct vfw_range ranges[2 * VFW_RANGES_MAX];
	char comment[VFW_COMMENT_MAX + 1];
};

/* The record's length is as its parts say, and all of it lies within @left bytes. */
static int check_rule_size(struct vfw_restore *r, const struct vfw_state_rule *rec, size_t left)
{
	size_t used, length;

	if (left < sizeof(*rec))
		return vfw_restore_refuse(r, -EBADMSG, "the frame ends within the rule");
	length = le16_to_cpu(rec->length);
	used = sizeof(*rec) + rec->comment_length +
	       (rec->local_ranges + rec->remote_ranges) * sizeof(struct vfw_state_range);
	if (length != ALIGN(used, 8) || length > left)
		return vfw_restore_refuse(r, -EBADMSG, "a rule cannot have %zu bytes here", length);
	if (rec->local_ranges > VFW_RANGES_MAX || rec->remote_ranges > VFW_RANGES_MAX)
		return vfw_restore_refuse(r, -E2BIG, "too many ranges of ports");
	if (rec->comment_length > VFW_COMMENT_MAX)
		return vfw_restore_refuse(r, -E2BIG, "the comment is too long");
	if (memchr_inv((const u8 *)rec + used, 0, length - used))
		return vfw_restore_refuse(r, -EINVAL, "padding is not zero");
	return 0;
}

static int read_parts(struct vfw_restore *r, const struct vfw_state_rule *rec,
		      struct vfw_rule *rule, struct parts *parts)
{
	const struct vfw_state_range *range = (const struct vfw_state_range *)(rec + 1);
	int i, n = rec->local_ranges + rec->remote_ranges;

	for (i = 0; i < n; i++, range++) {
		parts->ranges[i].first = le16_to_cpu(range->first);
		parts->ranges[i].last = le16_to_cpu(range->last);
	}
	rule->ranges = parts->ranges;
	rule->comment = NULL;
	if (!rec->comment_length)
		return 0;
	if (memchr(range, 0, rec->comment_length))
		return vfw_restore_refuse(r, -EINVAL, "the comment has a zero byte");
	memcpy(parts->comment, range, rec->comment_length);
	parts->comment[rec->comment_length] = 0;
	rule->comment = parts->comment;
	return 0;
}

static void read_rule(const struct vfw_state_rule *rec, struct vfw_rule *rule)
{
	atomic64_set(&rule->packets, le64_to_cpu(rec->packets));
	atomic64_set(&rule->bytes, le64_to_cpu(rec->bytes));
	rule->flags = rec->flags;
	rule->action = rec->action;
	rule->direction = rec->direction;
	rule->family = rec->family;
	rule->protocol = rec->protocol;
	rule->icmp_type = rec->icmp_type;
	rule->icmp_code = rec->icmp_code;
	rule->tcp_flags = rec->tcp_flags;
	rule->tcp_flags_mask = rec->tcp_flags_mask;
	rule->local_prefix = rec->local_prefix;
	rule->remote_prefix = rec->remote_prefix;
	rule->local_ranges = rec->local_ranges;
	rule->remote_ranges = rec->remote_ranges;
	memcpy(&rule->local, rec->local, sizeof(rec->local));
	memcpy(&rule->remote, rec->remote, sizeof(rec->remote));
}

static int take_rule(struct vfw_restore *r, const struct vfw_state_rule *rec)
{
	struct vfw_rule rule = {};
	struct parts parts;
	const char *why;
	int attr, err;

	if (r->policy->n_rules >= r->rules)
		return vfw_restore_refuse(r, -EBADMSG, "more rules than the policy says");
	if (r->live && (rec->packets || rec->bytes))
		return vfw_restore_refuse(r, -EINVAL, "counters of a rule that goes on counting");
	read_rule(rec, &rule);
	err = read_parts(r, rec, &rule, &parts);
	if (err)
		return err;
	/* Checks what is in the fields, and that fields that are not set are zero. */
	why = vfw_rule_check(&rule, &attr);
	if (why)
		return vfw_restore_refuse(r, -EINVAL, "%s", why);
	err = vfw_policy_add_rule(r->policy, &rule);
	if (err)
		return vfw_restore_refuse(r, err, "no memory for the rule");
	return 0;
}

/**
 * vfw_restore_rules() - take a RULES frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_rules(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	size_t left = le32_to_cpu(frame->length) - sizeof(*frame);
	const void *at = frame + 1;
	u32 i;
	int err;

	if (!r->policy)
		return vfw_restore_refuse(r, -EPROTO, "rules without a policy");
	for (i = 0; i < le32_to_cpu(frame->count); i++) {
		const struct vfw_state_rule *rec = at;

		r->record = i + 1;
		err = check_rule_size(r, rec, left);
		if (!err)
			err = take_rule(r, rec);
		if (err)
			return err;
		at += le16_to_cpu(rec->length);
		left -= le16_to_cpu(rec->length);
	}
	r->record = 0;
	if (left)
		return vfw_restore_refuse(r, -EBADMSG, "%zu bytes after the last rule", left);
	return 0;
}

/**
 * vfw_restore_rules_end() - make the policy ready: all its rules must be there
 * @r: the restore
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_rules_end(struct vfw_restore *r)
{
	int err;

	if (!r->policy)
		return 0;
	if (r->policy->n_rules != r->rules)
		return vfw_restore_refuse(r, -EBADMSG, "the policy says %u rules, there are %u",
					  r->rules, r->policy->n_rules);
	err = vfw_policy_seal(r->policy, NULL);
	if (err == -E2BIG)
		return vfw_restore_refuse(r, err, "too many rules of the policy overlap");
	if (err)
		return vfw_restore_refuse(r, err, "no memory to compile the rules");
	return 0;
}

static int take_drops(struct vfw_restore *r, const struct vfw_state_drop *rec, u32 n)
{
	u32 i, reason, last = VFW_DROP_REASON_NONE;

	for (i = 0; i < n; i++, rec++) {
		/* The first record of the frame is not one of these. */
		r->record = i + 2;
		reason = le32_to_cpu(rec->reason);
		if (reason >= VFW_DROP_REASONS)
			return vfw_restore_refuse(r, -EINVAL, "drop reason %u is not known here",
						  reason);
		if (reason <= last)
			return vfw_restore_refuse(r, -EINVAL, "drop reasons are not ascending");
		if (rec->reserved)
			return vfw_restore_refuse(r, -EINVAL, "reserved bytes are not zero");
		r->stats.drops[reason][VFW_DIRECTION_IN] = le64_to_cpu(rec->in_packets);
		r->stats.drops[reason][VFW_DIRECTION_OUT] = le64_to_cpu(rec->out_packets);
		last = reason;
	}
	return 0;
}

/**
 * vfw_restore_stats() - take a STATS frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_stats(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_stats *rec = (const struct vfw_state_stats *)(frame + 1);
	size_t size = le32_to_cpu(frame->length) - sizeof(*frame);
	u32 drops, count = le32_to_cpu(frame->count);

	if (size < sizeof(*rec))
		return vfw_restore_refuse(r, -EBADMSG, "too short for counters");
	drops = le32_to_cpu(rec->drops);
	if (drops >= VFW_FRAME_MAX || count != drops + 1 ||
	    size != sizeof(*rec) + drops * sizeof(struct vfw_state_drop))
		return vfw_restore_refuse(r, -EBADMSG, "%u drop reasons do not fill it", drops);
	if (rec->reserved)
		return vfw_restore_refuse(r, -EINVAL, "reserved bytes are not zero");
	/* Which packets had a flow is not told: all count as those of flows that ended. */
	r->totals.packets[VFW_DIRECTION_IN] = le64_to_cpu(rec->in_packets);
	r->totals.bytes[VFW_DIRECTION_IN] = le64_to_cpu(rec->in_bytes);
	r->totals.packets[VFW_DIRECTION_OUT] = le64_to_cpu(rec->out_packets);
	r->totals.bytes[VFW_DIRECTION_OUT] = le64_to_cpu(rec->out_bytes);
	r->totals.opened = le64_to_cpu(rec->opened);
	r->totals.ended = le64_to_cpu(rec->ended);
	r->stats.held = le64_to_cpu(rec->held);
	r->stats.evicted = le64_to_cpu(rec->evicted);
	return take_drops(r, (const struct vfw_state_drop *)(rec + 1), drops);
}
