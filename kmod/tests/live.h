/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live streams, made frame by frame, and what has to come of them.
 */
#ifndef _VFW_TESTS_LIVE_H
#define _VFW_TESTS_LIVE_H

#include "../flow_hash.h"
#include "../restore_stage.h"
#include "../source.h"
#include "state.h"

/* What STATS and RULE_COUNTERS say in each of these streams. */
#define LIVE_PACKETS	1000000
#define LIVE_BYTES	70000000
#define LIVE_OPENED	123456
#define LIVE_ENDED	123000
#define LIVE_RULE	5555

/**
 * struct live_flow - a flow as the source says it is
 * @key: its key
 * @place: where it is
 * @flow: its record, but for the key; lifetime and age are whole seconds
 * @written: the time of its round, ms
 */
struct live_flow {
	struct vfw_key key;
	u32 place;
	struct vfw_state_flow flow;
	u32 written;
};

/* A key of a kind: the flows of few sources, TCP and UDP in turns. */
static inline struct vfw_key live_key(enum vfw_flow_kind kind, u32 i)
{
	u8 family = kind == VFW_FLOWS_IPV6 || (kind == VFW_FLOWS_TAGGED && i % 2) ?
		    VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
	struct vfw_key key = key_make(family, i % 3 ? IPPROTO_TCP : IPPROTO_UDP, i);

	if (family == VFW_FAMILY_IPV4)
		key.remote.v4 = htonl(0x0a000000 + i % 4);
	else
		key.remote.words[1] = htonl(i % 4);
	if (kind == VFW_FLOWS_TAGGED)
		key.tags[0] = vfw_vlan_tag(htons(ETH_P_8021Q), 5);
	return key;
}

static inline void live_tcp(struct vfw_state_flow *rec, u32 seed)
{
	bool out = rec->flags & VFW_STATE_FLOW_OPENED_OUT, half_open = seed & 2;

	rec->state = half_open ? VFW_FLOW_STATE_TCP_SYN_SENT : VFW_FLOW_STATE_TCP_ESTABLISHED;
	rec->tcp_local = (struct vfw_state_tcp){
		cpu_to_le32(seed), cpu_to_le32(seed + 1000), cpu_to_le32(1000 + seed % 1000),
	};
	rec->tcp_remote = (struct vfw_state_tcp){
		cpu_to_le32(~seed), cpu_to_le32(~seed + 1000), cpu_to_le32(1 + seed % 1000),
	};
	rec->tcp_flags_local = !half_open || out ? VFW_TCP_SYN : 0;
	rec->tcp_flags_remote = !half_open || !out ? VFW_TCP_SYN : 0;
	if (!half_open)
		rec->tcp_flags_local |= seed & 4 ? VFW_TCP_SACK : 0;
}

/* A record of the flow of a key; nearly all of it depends on @seed. */
static inline void live_record(struct live_flow *f, u32 seed)
{
	struct vfw_state_flow *rec = &f->flow;

	memset(rec, 0, sizeof(*rec));
	rec->in_packets = cpu_to_le64(seed);
	rec->in_bytes = cpu_to_le64(10ULL * seed);
	rec->out_packets = cpu_to_le64(seed / 2);
	rec->out_bytes = cpu_to_le64(1ULL << 40 | seed);
	rec->expires = cpu_to_le32(seed % 200 * 1000);
	rec->age = cpu_to_le32(seed % 5000);
	rec->local_port = f->key.local_port;
	rec->remote_port = f->key.remote_port;
	rec->protocol = f->key.protocol;
	if (seed & 8)
		rec->flags = VFW_STATE_FLOW_OPENED_OUT;
	if (seed % 7)
		rec->rule = cpu_to_le32(seed % 3);
	else
		rec->flags |= VFW_STATE_FLOW_REJUDGE;
	if (f->key.protocol == IPPROTO_TCP)
		live_tcp(rec, seed);
	else
		rec->state = seed & 2 ? VFW_FLOW_STATE_NEW : VFW_FLOW_STATE_STREAM;
}

static inline struct live_flow live_flow(enum vfw_flow_kind kind, u32 i, u32 place, u32 seed)
{
	struct live_flow f = { .key = live_key(kind, i), .place = place };

	live_record(&f, seed);
	return f;
}

/* Frames. */

static inline void *live_records(struct stream *s)
{
	return stream_frame(s, s->frames) + 1;
}

/* What lies where the next frame's records belong becomes a frame, padded. */
static inline void live_frame(struct kunit *test, struct stream *s, u32 type, u32 count,
			      size_t length)
{
	struct vfw_state_frame *frame = stream_frame(s, s->frames);
	u8 *records = (u8 *)(frame + 1);

	memset(records + length, 0, ALIGN(length, 8) - length);
	length = ALIGN(length, 8) + sizeof(*frame);
	KUNIT_ASSERT_LE(test, length, VFW_FRAME_MAX);
	KUNIT_ASSERT_LT(test, s->frames, STREAM_FRAMES);
	frame->magic = cpu_to_le32(VFW_STATE_MAGIC);
	frame->type = cpu_to_le16(type);
	frame->version = cpu_to_le16(VFW_STATE_VERSION);
	frame->length = cpu_to_le32(length);
	frame->count = cpu_to_le32(count);
	frame->sequence = cpu_to_le32(s->frames);
	vfw_snapshot_seal(frame);
	s->frames++;
	s->start[s->frames] = s->start[s->frames - 1] + length;
	KUNIT_ASSERT_LE(test, s->start[s->frames] + VFW_FRAME_MAX, STREAM_BYTES);
}

/* A live stream of the source, up to its rules. */
static inline void live_begin(struct kunit *test, struct state_test *t)
{
	struct stream *s = &t->stream;
	struct vfw_state_header *header;
	struct vfw_state_rule *rule;
	int i;

	t->dst.incarnation = DST_INCARNATION;
	stream_save(test, &t->src, s, VFW_FRAME_MAX);
	s->frames = RULES + 1;
	header = stream_records(s, HEADER);
	header->flags = cpu_to_le32(VFW_STATE_HEADER_LIVE);
	vfw_snapshot_seal(stream_frame(s, HEADER));
	rule = stream_records(s, RULES);
	for (i = 0; i < 2; i++) {
		rule->packets = 0;
		rule->bytes = 0;
		rule = (void *)rule + le16_to_cpu(rule->length);
	}
	vfw_snapshot_seal(stream_frame(s, RULES));
}

static inline void live_round(struct kunit *test, struct stream *s, u32 number, u32 flags,
			      u64 elapsed)
{
	struct vfw_state_round *rec = live_records(s);

	*rec = (struct vfw_state_round){
		.number = cpu_to_le32(number), .flags = cpu_to_le32(flags),
		.elapsed = cpu_to_le64(elapsed), .flows_ipv4 = cpu_to_le32(4711),
	};
	live_frame(test, s, VFW_FRAME_TYPE_ROUND, 1, sizeof(*rec));
}

static inline void live_gone(struct kunit *test, struct stream *s, const u32 *places, u32 n)
{
	struct vfw_state_gone *rec = live_records(s);
	u32 i;

	for (i = 0; i < n; i++)
		rec[i].place = cpu_to_le32(places[i]);
	live_frame(test, s, VFW_FRAME_TYPE_GONE, n, n * sizeof(*rec));
}

/* Returns how long the record is. */
static inline size_t live_put(void *at, const struct live_flow *f)
{
	struct vfw_state_flow_tagged *tagged = at;
	struct vfw_state_flow4 *rec4 = at;
	struct vfw_state_flow6 *rec6 = at;

	memset(at, 0, sizeof(*tagged));
	memcpy(at, &f->flow, sizeof(f->flow));
	switch (vfw_key_kind(&f->key)) {
	case VFW_FLOWS_IPV4:
		memcpy(rec4->local, &f->key.local, sizeof(rec4->local));
		memcpy(rec4->remote, &f->key.remote, sizeof(rec4->remote));
		return sizeof(*rec4);
	case VFW_FLOWS_IPV6:
		memcpy(rec6->local, &f->key.local, sizeof(rec6->local));
		memcpy(rec6->remote, &f->key.remote, sizeof(rec6->remote));
		return sizeof(*rec6);
	default:
		memcpy(tagged->local, &f->key.local, sizeof(tagged->local));
		memcpy(tagged->remote, &f->key.remote, sizeof(tagged->remote));
		tagged->outer.type = vfw_vlan_tag_type(f->key.tags[0]);
		tagged->outer.id = htons(vfw_vlan_id(f->key.tags[0]));
		tagged->family = f->key.family;
		return sizeof(*tagged);
	}
}

/* A frame of flows of one kind, at least one. */
static inline void live_flows(struct kunit *test, struct stream *s, const struct live_flow *flows,
			      u32 n)
{
	u32 type = VFW_FRAME_TYPE_FLOWS_IPV4 + vfw_key_kind(&flows->key), i;
	void *at = live_records(s), *end = at;
	__le32 *places;

	for (i = 0; i < n; i++)
		end += live_put(end, &flows[i]);
	places = end;
	for (i = 0; i < n; i++)
		places[i] = cpu_to_le32(flows[i].place);
	live_frame(test, s, type, n, (void *)(places + n) - at);
}

static noinline_for_stack __maybe_unused void
live_flow_put(struct kunit *test, struct stream *s, enum vfw_flow_kind kind, u32 i, u32 place,
	      u32 seed)
{
	struct live_flow f = live_flow(kind, i, place, seed);

	live_flows(test, s, &f, 1);
}

static inline void live_rule_counters(struct kunit *test, struct stream *s, u32 first, u32 second)
{
	struct vfw_state_rule_counters *rec = live_records(s);

	rec[0] = (struct vfw_state_rule_counters){
		.rule = cpu_to_le32(first), .packets = cpu_to_le64(LIVE_RULE * first),
		.bytes = cpu_to_le64(10 * LIVE_RULE * first),
	};
	rec[1] = (struct vfw_state_rule_counters){
		.rule = cpu_to_le32(second), .packets = cpu_to_le64(LIVE_RULE * second),
		.bytes = cpu_to_le64(10 * LIVE_RULE * second),
	};
	live_frame(test, s, VFW_FRAME_TYPE_RULE_COUNTERS, 2, 2 * sizeof(*rec));
}

static inline void live_stats(struct kunit *test, struct stream *s)
{
	struct vfw_state_stats *rec = live_records(s);

	*rec = (struct vfw_state_stats){
		.in_packets = cpu_to_le64(LIVE_PACKETS), .in_bytes = cpu_to_le64(LIVE_BYTES),
		.out_packets = cpu_to_le64(LIVE_PACKETS + 1),
		.out_bytes = cpu_to_le64(LIVE_BYTES + 1),
		.opened = cpu_to_le64(LIVE_OPENED), .ended = cpu_to_le64(LIVE_ENDED),
	};
	live_frame(test, s, VFW_FRAME_TYPE_STATS, 1, sizeof(*rec));
}

/* The last frame; the stream has so many flows of each kind. */
static inline void live_end(struct kunit *test, struct stream *s, u32 flows4, u32 flows6,
			    u32 tagged)
{
	struct vfw_state_end *rec = live_records(s);

	*rec = (struct vfw_state_end){
		.frames = cpu_to_le32(s->frames + 1), .ports = cpu_to_le32(2),
		.rules = cpu_to_le32(2), .flows_ipv4 = cpu_to_le32(flows4),
		.flows_ipv6 = cpu_to_le32(flows6), .flows_tagged = cpu_to_le32(tagged),
		.bytes = cpu_to_le64(s->start[s->frames]),
	};
	live_frame(test, s, VFW_FRAME_TYPE_END, 1, sizeof(*rec));
	stream_reseal(s);
}

/* All that follows the last round. */
static inline void live_finish(struct kunit *test, struct stream *s, u32 flows4, u32 flows6,
			       u32 tagged)
{
	live_rule_counters(test, s, 1, 2);
	live_stats(test, s);
	live_end(test, s, flows4, flows6, tagged);
}

/* What came of it. */

/* A flow in a table, locked until live_unlock(); or NULL. */
static inline struct vfw_flow *live_lock(struct vfw_flow_table *table, const struct vfw_key *key)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(table, key);
	if (flow)
		return flow;
	rcu_read_unlock();
	local_bh_enable();
	return NULL;
}

/* The flow is in the table, which is frozen, as its last record said at the time of its round. */
static inline void live_expect(struct kunit *test, struct vfw_flow_table *table, u32 epoch,
			       const struct live_flow *f, u32 elapsed, u32 slack)
{
	u32 now = vfw_flow_now(table), left, age, since;
	struct vfw_state_flow rec, said = f->flow;
	struct vfw_flow *flow;

	since = msecs_to_jiffies(elapsed) - msecs_to_jiffies(f->written);
	flow = live_lock(table, &f->key);
	if (flow) {
		vfw_snapshot_encode_flow(flow, now, epoch, &rec);
		left = flow->expires + since - now;
		age = now - since - vfw_flow_origin(flow)->born;
		flow_unlock(flow);
	}
	KUNIT_EXPECT_NOT_NULL(test, flow);
	if (!flow)
		return;
	/* The table's time may have gone on a little since the last round. */
	KUNIT_EXPECT_LE(test, (u32)msecs_to_jiffies(le32_to_cpu(said.expires)) - left, slack);
	KUNIT_EXPECT_LE(test, age - le32_to_cpu(said.age) * HZ, slack);
	rec.expires = said.expires;
	rec.age = said.age;
	KUNIT_EXPECT_MEMEQ(test, &rec, &said, sizeof(rec));
}

/* The table has these flows and no other, and has counted them right. */
static inline void live_expect_all(struct kunit *test, struct vfw_flow_table *table, u32 epoch,
				   const struct live_flow *flows, u32 n, u32 elapsed, u32 slack)
{
	u32 i, j, same, half_open[2] = {}, kinds[VFW_FLOW_KINDS] = {};
	struct vfw_sources *sources = rcu_dereference_protected(table->sources, true);

	KUNIT_EXPECT_EQ(test, table->count, n);
	for (i = 0; i < n; i++) {
		bool out = flows[i].flow.flags & VFW_STATE_FLOW_OPENED_OUT;

		live_expect(test, table, epoch, &flows[i], elapsed, slack);
		kinds[vfw_key_kind(&flows[i].key)]++;
		if (vfw_state_half_open(flows[i].flow.state))
			half_open[out ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN]++;
		for (j = 0, same = 0; j < n; j++)
			same += !(flows[j].flow.flags & VFW_STATE_FLOW_OPENED_OUT) &&
				flows[j].key.family == flows[i].key.family &&
				flows[j].key.tags[0] == flows[i].key.tags[0] &&
				!memcmp(&flows[j].key.remote, &flows[i].key.remote, 8);
		KUNIT_EXPECT_EQ(test, vfw_source_flows(sources, &flows[i].key), same);
	}
	KUNIT_EXPECT_EQ(test, table->half_open[VFW_DIRECTION_IN], half_open[VFW_DIRECTION_IN]);
	KUNIT_EXPECT_EQ(test, table->half_open[VFW_DIRECTION_OUT], half_open[VFW_DIRECTION_OUT]);
	for (i = 0; i < VFW_FLOW_KINDS; i++) {
		KUNIT_EXPECT_EQ(test, table->hash[i].count, kinds[i]);
		KUNIT_EXPECT_EQ(test, table->pool[i].n_flows, kinds[i]);
	}
}

/* The VM has counted what the stream says, and nothing of flows that came and went in it. */
static inline void live_expect_counters(struct kunit *test, const struct state_test *t)
{
	const struct vfw_flow_totals *here = &vm_table(&t->dst)->totals;
	const struct vfw_flow_totals *base = &t->dst.base_totals;
	const struct vfw_policy *policy = vm_policy(&t->dst);
	int i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, base->packets[i] + here->packets[i], LIVE_PACKETS + i);
		KUNIT_EXPECT_EQ(test, base->bytes[i] + here->bytes[i], LIVE_BYTES + i);
	}
	KUNIT_EXPECT_EQ(test, base->opened + here->opened, LIVE_OPENED);
	KUNIT_EXPECT_EQ(test, base->ended + here->ended, LIVE_ENDED);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, atomic64_read(&policy->rules[i].packets),
				LIVE_RULE * (i + 1));
		KUNIT_EXPECT_EQ(test, atomic64_read(&policy->rules[i].bytes),
				10 * LIVE_RULE * (i + 1));
	}
}

/* The stream is taken, and becomes these flows; then it is committed. */
static inline void live_commit(struct kunit *test, struct state_test *t,
			       const struct live_flow *flows, u32 n, u32 elapsed)
{
	struct vfw_restored restored;
	struct vfw_flow_table *table;
	u32 took;

	KUNIT_ASSERT_EQ_MSG(test, stream_restore(test, t, t->stream.frames), 0, "%s",
			    t->extack._msg);
	table = t->dst.restore->table;
	live_expect_all(test, table, t->dst.restore->epoch, flows, n, elapsed, 0);
	took = jiffies;
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	vfw_flow_table_freeze(table);
	took = (u32)jiffies - took;
	KUNIT_EXPECT_PTR_EQ(test, vm_table(&t->dst), table);
	KUNIT_EXPECT_EQ(test, restored.flows, n);
	KUNIT_EXPECT_EQ(test, restored.frames, t->stream.frames);
	KUNIT_EXPECT_EQ(test, t->dst.incarnation, INCARNATION + 1);
	live_expect_all(test, table, t->dst.epoch, flows, n, elapsed, took);
	live_expect_counters(test, t);
}

#endif /* _VFW_TESTS_LIVE_H */
