// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: the frames that only a live stream has, and what becomes of a place's flow.
 */

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "main.h"
#include "flow.h"
#include "flow_table.h"
#include "policy.h"
#include "restore_stage.h"

/*
 * As long as the longest lifetime: a flow of the first round can be that much too old when the
 * last one comes, or have that much left, and 32 bits of jiffies still tell which.
 */
#define ELAPSED_MAX	(VFW_TIMEOUT_MAX * 1000U)

/**
 * vfw_restore_round() - take a ROUND frame: the table's time goes on to it
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_round(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_round *rec = (const struct vfw_state_round *)(frame + 1);
	u64 elapsed = le64_to_cpu(rec->elapsed);

	if (le32_to_cpu(rec->number) != r->round + 1)
		return vfw_restore_refuse(r, -EBADMSG, "round %u after round %u",
					  le32_to_cpu(rec->number), r->round);
	if (le32_to_cpu(rec->flags) & ~VFW_STATE_ROUND_LAST)
		return vfw_restore_refuse(r, -EINVAL, "unknown flags of the round");
	if (elapsed < r->elapsed)
		return vfw_restore_refuse(r, -EINVAL, "time goes back, from %u ms to %llu",
					  r->elapsed, elapsed);
	if (elapsed > ELAPSED_MAX)
		return vfw_restore_refuse(r, -ERANGE, "%llu ms are too long for a stream", elapsed);
	vfw_flow_table_advance(r->table, msecs_to_jiffies(elapsed) - msecs_to_jiffies(r->elapsed));
	r->elapsed = elapsed;
	r->last = le32_to_cpu(rec->flags) & VFW_STATE_ROUND_LAST;
	r->round++;
	return 0;
}

/**
 * vfw_restore_vacate() - no flow has a place any more: one that has it ends
 * @r: the restore
 * @place: the place
 * @staged: where the flow is that is about to have it, which does not end; or VFW_PLACE_NONE
 */
void vfw_restore_vacate(struct vfw_restore *r, u32 place, u32 staged)
{
	u32 old = vfw_places_find(&r->places, place);
	struct vfw_flow *flow;

	if (old == VFW_PLACE_NONE || old == staged)
		return;
	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_at(r->table, old);
	if (!WARN_ON_ONCE(!flow)) {
		spin_lock(&flow->lock);
		vfw_flow_remove(r->table, flow);
		spin_unlock(&flow->lock);
	}
	rcu_read_unlock();
	local_bh_enable();
	vfw_places_clear(&r->places, place);
}

/**
 * vfw_restore_gone() - take a GONE frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_gone(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_gone *rec = (const struct vfw_state_gone *)(frame + 1);
	u32 i, place;

	for (i = 0; i < le32_to_cpu(frame->count); i++, rec++) {
		r->record = i + 1;
		place = le32_to_cpu(rec->place);
		if (place >= VFW_STATE_PLACES)
			return vfw_restore_refuse(r, -ERANGE, "place %u out of range", place);
		/* It may be of a flow that came and went between two rounds. */
		vfw_restore_vacate(r, place, VFW_PLACE_NONE);
	}
	cond_resched();
	return 0;
}

/**
 * vfw_restore_rule_counters() - take a RULE_COUNTERS frame
 * @r: the restore
 * @frame: the frame
 *
 * Return: 0, or an error with the reason reported.
 */
int vfw_restore_rule_counters(struct vfw_restore *r, const struct vfw_state_frame *frame)
{
	const struct vfw_state_rule_counters *rec =
		(const struct vfw_state_rule_counters *)(frame + 1);
	u32 i, rule;

	for (i = 0; i < le32_to_cpu(frame->count); i++, rec++) {
		r->record = i + 1;
		rule = le32_to_cpu(rec->rule);
		if (rule > r->rules)
			return vfw_restore_refuse(r, -EINVAL, "there is no rule %u", rule);
		if (rule <= r->counted)
			return vfw_restore_refuse(r, -EINVAL, "rules are not ascending");
		if (rec->reserved)
			return vfw_restore_refuse(r, -EINVAL, "reserved bytes are not zero");
		vfw_policy_count(r->policy, rule, le64_to_cpu(rec->packets),
				 le64_to_cpu(rec->bytes));
		r->counted = rule;
	}
	return 0;
}
