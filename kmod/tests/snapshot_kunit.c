// SPDX-License-Identifier: GPL-2.0
/*
 * Saving, and restoring what was saved: what went in comes out.
 */

#include <kunit/test.h>
#include <linux/random.h>

#include "../source.h"
#include "../vlan.h"
#include "state.h"

#define FLOWS 400	/* of each kind */

/*
 * The format, byte by byte, as Documentation/snapshot-format.md has it. Made by hand; the
 * checksums by another program.
 */
static const u8 golden_end[] = {
	0x56, 0x46, 0x57, 0x53, 0x0a, 0x00, 0x02, 0x00,		/* "VFWS", END, version 2 */
	0x40, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,		/* 64 bytes, 1 record */
	0x06, 0x00, 0x00, 0x00, 0xd7, 0x7c, 0x41, 0x50,		/* frame 6, checksum */
	0x07, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,		/* 7 frames, 2 ports */
	0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,		/* 0 rules, 1 IPv4 flow */
	0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,		/* 0 IPv6 flows, 2 in VLANs */
	0x00, 0x00, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12,		/* reserved, digest */
	0x90, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,		/* 400 bytes before it */
};

static const u8 golden_flow[] = {
	0x1f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,		/* 31 packets in */
	0x03, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,		/* 2^33 + 3 bytes */
	0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,		/* 32 packets out */
	0x03, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00,		/* 2^34 + 3 bytes */
	0x58, 0x92, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00,		/* 103 s to live, 3 s old */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x50, 0x9c, 0x43,		/* rule 2, 80 and 40003 */
	0x06, 0x07, 0x01, 0x72, 0x11, 0x13, 0x00, 0x00,		/* TCP, established, out */
	0xd9, 0x07, 0x00, 0x00, 0xcd, 0x03, 0x01, 0x00,		/* local: end, max_end */
	0xe8, 0xfd, 0x00, 0x00, 0xeb, 0x03, 0x00, 0x00,		/* max_window; remote: end */
	0xd3, 0x01, 0x01, 0x00, 0x00, 0xfa, 0x00, 0x00,		/* max_end, max_window */
};

static_assert(sizeof(golden_flow) == sizeof(struct vfw_state_flow));

static void golden_test(struct kunit *test)
{
	/* Aligned as a chunk is: its first flow. */
	struct vfw_flow *flow = kunit_kzalloc(test, VFW_CHUNK_BYTES, GFP_KERNEL);
	struct vfw_state_flow rec;
	u8 end[sizeof(golden_end)];

	memcpy(end, golden_end, sizeof(end));
	((struct vfw_state_frame *)end)->crc = cpu_to_le32(0xdeadbeef);
	vfw_snapshot_seal((struct vfw_state_frame *)end);
	KUNIT_EXPECT_MEMEQ(test, end, golden_end, sizeof(end));

	KUNIT_ASSERT_NOT_NULL(test, flow);
	flow->state = VFW_FLOW_STATE_TCP_ESTABLISHED;
	flow->flags = VFW_FLOW_OPENED_OUT;
	flow->protocol = IPPROTO_TCP;
	flow->expires = 12345 + 103 * HZ;
	flow->epoch = EPOCH;
	tcp_make(&flow->tcp, 3);
	*vfw_flow_key4(flow) = (struct vfw_key4){
		.local_port = htons(80), .remote_port = htons(40003),
	};
	*vfw_flow_counters(flow) = (struct vfw_flow_counters){
		.packets = { 31, 32 }, .bytes = { 0x200000003, 0x400000003 },
	};
	*vfw_flow_origin(flow) = (struct vfw_flow_origin){ .rule = 2, .born = 12345 - 3 * HZ };
	memset(&rec, 0xee, sizeof(rec));
	vfw_snapshot_encode_flow(flow, 12345, EPOCH, &rec);
	KUNIT_EXPECT_MEMEQ(test, (const u8 *)&rec, golden_flow, sizeof(golden_flow));
}

/* Every protocol in every state, with random numbers in between. */
static void random_flow(struct kunit *test, struct vfw_vm *vm, u8 family, u16 outer, u16 inner,
			u32 i)
{
	static const struct {
		u8 protocol;
		u8 state;
	} kinds[] = {
		{ IPPROTO_TCP, VFW_FLOW_STATE_TCP_ESTABLISHED },
		{ IPPROTO_TCP, VFW_FLOW_STATE_TCP_CLOSE },
		{ IPPROTO_UDP, VFW_FLOW_STATE_NEW },
		{ IPPROTO_UDP, VFW_FLOW_STATE_STREAM },
		{ IPPROTO_UDPLITE, VFW_FLOW_STATE_REPLIED },
		{ IPPROTO_GRE, VFW_FLOW_STATE_REPLIED },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_COOKIE_WAIT },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_COOKIE_ECHOED },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_ESTABLISHED },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_CLOSED },
		{ IPPROTO_SCTP, VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT },
		{ 0, VFW_FLOW_STATE_REPLIED },
	};
	u8 protocol = kinds[i % ARRAY_SIZE(kinds)].protocol;
	struct vfw_flow *flow;
	struct vfw_key key;

	if (!protocol)
		protocol = family == VFW_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	key = key_make(family, protocol, i);
	key.tags[0] = outer;
	key.tags[1] = inner;
	flow_make(test, vm, &key, kinds[i % ARRAY_SIZE(kinds)].state, i);
	flow = flow_lock(test, vm, &key);
	if (i % 5 == 0)
		flow->epoch = EPOCH - 1;
	if (i % 7 == 0)
		vfw_flow_counters(flow)->packets[VFW_DIRECTION_IN] = get_random_u64();
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		flow->flags |= VFW_FLOW_ECHO_BOTH;
	flow_unlock(flow);
}

/**
 * struct copies - the flows of a VM
 * @flow: copies
 * @key: their keys
 * @n: how many
 */
struct copies {
	struct flow_copy flow[3 * FLOWS + 1];
	struct vfw_key key[3 * FLOWS + 1];
	u32 n;
};

/* A flow is locked while it is visited: whatever may sleep, or lock another, comes after. */
static int copy_flow(struct vfw_flow *flow, void *arg)
{
	struct copies *c = arg;

	if (c->n == ARRAY_SIZE(c->flow))
		return -E2BIG;
	flow_copy(flow, &c->flow[c->n]);
	vfw_flow_key(flow, &c->key[c->n]);
	c->n++;
	return 0;
}

static void compare_flow(struct kunit *test, struct vfw_vm *dst, const struct flow_copy *flow,
			 const struct vfw_key *key)
{
	bool judged = flow->flow.epoch == EPOCH;
	struct vfw_sources *sources;
	struct flow_copy copy;
	int lag;
	u8 flags;

	if (!flow_get(dst, key, &copy)) {
		KUNIT_FAIL(test, "a flow is missing");
		return;
	}
	KUNIT_EXPECT_EQ(test, copy.flow.state, flow->flow.state);
	flags = flow->flow.flags & ~VFW_FLOW_COUNTED;
	/* The policy limits what a source may have. */
	if (vfw_flow_opened(&flow->flow) == VFW_DIRECTION_IN)
		flags |= VFW_FLOW_COUNTED;
	KUNIT_EXPECT_EQ(test, copy.flow.flags, flags);
	sources = rcu_dereference_protected(vm_table(dst)->sources, true);
	if (flags & VFW_FLOW_COUNTED)
		KUNIT_EXPECT_GT(test, vfw_source_flows(sources, key), 0U);
	KUNIT_EXPECT_EQ(test, copy.flow.protocol, flow->flow.protocol);
	KUNIT_EXPECT_EQ(test, copy.flow.epoch, judged ? vm_policy(dst)->epoch : 0);
	KUNIT_EXPECT_EQ(test, copy.origin.rule, judged ? flow->origin.rule : 0);
	if (flow->flow.protocol == IPPROTO_TCP)
		KUNIT_EXPECT_MEMEQ(test, &copy.flow.tcp, &flow->flow.tcp, sizeof(flow->flow.tcp));
	if (flow->flow.protocol == IPPROTO_SCTP)
		KUNIT_EXPECT_MEMEQ(test, &copy.flow.sctp, &flow->flow.sctp,
				   sizeof(flow->flow.sctp));
	KUNIT_EXPECT_MEMEQ(test, &copy.counters, &flow->counters, sizeof(flow->counters));
	/* The time between saving and restoring; age is in whole seconds. */
	lag = copy.flow.expires - flow->flow.expires;
	KUNIT_EXPECT_TRUE(test, lag >= -1 && lag < 10 * HZ);
	lag = copy.origin.born - flow->origin.born;
	KUNIT_EXPECT_TRUE(test, lag >= -1 && lag < 10 * HZ);
	if (!vfw_flow_is_udp(flow->flow.protocol))
		return;
	lag = copy.flow.stream_from - flow->flow.stream_from;
	KUNIT_EXPECT_TRUE(test, lag >= -1 && lag < 10 * HZ);
}

static void compare_flows(struct kunit *test, struct state_test *t, u32 flows)
{
	u32 i, n = 0, now = vfw_flow_now(vm_table(&t->src));
	struct vfw_flow_cursor cursor = {};
	struct copies *c;

	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_EXPECT_EQ(test, vfw_flow_walk(vm_table(&t->src), &cursor, copy_flow, c), 0);
	for (i = 0; i < c->n; i++) {
		if (vfw_flow_expired(&c->flow[i].flow, now))
			continue;
		compare_flow(test, &t->dst, &c->flow[i], &c->key[i]);
		n++;
	}
	kunit_kfree(test, c);
	KUNIT_EXPECT_EQ(test, n, flows);
	KUNIT_EXPECT_EQ(test, vm_table(&t->dst)->count, flows);
}

static void compare_rules(struct kunit *test, const struct vfw_policy *a,
			  const struct vfw_policy *b)
{
	const struct vfw_rule *x, *y;
	u32 i;

	KUNIT_ASSERT_EQ(test, a->n_rules, b->n_rules);
	for (i = 0; i < a->n_rules; i++) {
		x = &a->rules[i];
		y = &b->rules[i];
		/* All of a rule but its two pointers, which are last. */
		KUNIT_EXPECT_MEMEQ(test, (const u8 *)x, (const u8 *)y,
				   offsetof(struct vfw_rule, ranges));
		KUNIT_EXPECT_EQ(test, !x->comment, !y->comment);
		if (x->comment && y->comment)
			KUNIT_EXPECT_STREQ(test, x->comment, y->comment);
		if (x->local_ranges + x->remote_ranges)
			KUNIT_EXPECT_MEMEQ(test, x->ranges, y->ranges,
					   (x->local_ranges + x->remote_ranges) *
					   sizeof(struct vfw_range));
	}
}

static void compare_policies(struct kunit *test, const struct vfw_policy *a,
			     const struct vfw_policy *b)
{
	KUNIT_EXPECT_EQ(test, a->max_flows, b->max_flows);
	KUNIT_EXPECT_EQ(test, a->max_half_open, b->max_half_open);
	KUNIT_EXPECT_EQ(test, a->max_fragments, b->max_fragments);
	KUNIT_EXPECT_EQ(test, a->fragment_bytes, b->fragment_bytes);
	KUNIT_EXPECT_EQ(test, a->max_source_flows, b->max_source_flows);
	KUNIT_EXPECT_EQ(test, a->pick_up, b->pick_up);
	KUNIT_EXPECT_MEMEQ(test, a->defaults, b->defaults, sizeof(a->defaults));
	KUNIT_EXPECT_MEMEQ(test, a->seconds, b->seconds, sizeof(a->seconds));
	KUNIT_EXPECT_MEMEQ(test, a->timeouts, b->timeouts, sizeof(a->timeouts));
	KUNIT_EXPECT_NOT_NULL(test, b->classifier);
	compare_rules(test, a, b);
}

/* The two VMs have the same state; @flows of it. */
static void compare_vms(struct kunit *test, struct state_test *t, u32 flows)
{
	compare_policies(test, vm_policy(&t->src), vm_policy(&t->dst));
	KUNIT_EXPECT_MEMEQ(test, vm_table(&t->dst)->half_open, vm_table(&t->src)->half_open,
			   sizeof(vm_table(&t->src)->half_open));
	compare_flows(test, t, flows);
	KUNIT_EXPECT_STREQ(test, t->dst.name, t->src.name);
	KUNIT_EXPECT_EQ(test, t->dst.incarnation, t->src.incarnation + 1);
}

static void make_flows(struct kunit *test, struct state_test *t)
{
	struct vfw_flow *flow;
	struct vfw_key key;
	u32 i;

	vm_policy(&t->src)->max_flows = 3 * FLOWS + 1;
	for (i = 0; i < FLOWS; i++) {
		random_flow(test, &t->src, VFW_FAMILY_IPV4, 0, 0, i);
		random_flow(test, &t->src, VFW_FAMILY_IPV6, 0, 0, i);
		/* Families in turn, two tags every third time. */
		random_flow(test, &t->src, i & 1 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4,
			    vfw_vlan_tag(htons(i & 2 ? ETH_P_8021Q : ETH_P_QINQ3),
					 i % 4094 + 1),
			    i % 3 ? 0 : vfw_vlan_tag(htons(ETH_P_8021AD), 4094), i);
	}
	/* One that has expired, and is still there, does not travel. */
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, FLOWS);
	flow_make(test, &t->src, &key, VFW_FLOW_STATE_NEW, FLOWS);
	flow = flow_lock(test, &t->src, &key);
	flow->expires = vfw_flow_now(vm_table(&t->src));
	flow_unlock(flow);
}

static void round_trip_test(struct kunit *test)
{
	static const size_t sizes[] = { VFW_SNAPSHOT_FRAME_MIN, 4099, VFW_FRAME_MAX, 100000 };
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	int i;

	make_flows(test, t);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		stream_save(test, &t->src, &t->stream, sizes[i]);
		KUNIT_EXPECT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
		KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
		KUNIT_EXPECT_EQ(test, restored.incarnation, INCARNATION + 1);
		KUNIT_EXPECT_EQ(test, restored.flows, 3 * FLOWS);
		KUNIT_EXPECT_EQ(test, restored.rules, 2);
		KUNIT_EXPECT_EQ(test, restored.frames, t->stream.frames);
		KUNIT_EXPECT_NULL(test, t->dst.restore);
		compare_vms(test, t, 3 * FLOWS);
		t->dst.incarnation = 0;
	}
	state_test_unlock(t);
}

/* Saving what was restored gives the same stream, but for what depends on time and epoch. */
static void again_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	u32 n, count;
	u8 *first;

	make_flows(test, t);
	this_cpu_add(t->src.stats->packets[VFW_DIRECTION_IN], 111);
	this_cpu_add(t->src.stats->bytes[VFW_DIRECTION_OUT], 222);
	this_cpu_add(t->src.stats->held, 333);
	this_cpu_add(t->src.stats->drops[VFW_DROP_REASON_FRAGMENT][VFW_DIRECTION_OUT], 444);
	/* What the other VM had counted before is of its past. */
	this_cpu_add(t->dst.stats->drops[VFW_DROP_REASON_FRAGMENT][VFW_DIRECTION_OUT], 555);
	this_cpu_add(t->dst.stats->drops[VFW_DROP_REASON_DEFAULT][VFW_DIRECTION_IN], 666);
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);

	n = stream_find(test, &t->stream, VFW_FRAME_TYPE_STATS);
	first = kunit_kmalloc(test, t->stream.start[n + 1], GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, first);
	memcpy(first, t->stream.data, t->stream.start[n + 1]);
	list_splice_init(&t->src.ports, &t->dst.ports);
	stream_save(test, &t->dst, &t->stream, VFW_FRAME_MAX);
	for (count = n, n = 1; n <= count; n++)
		KUNIT_EXPECT_MEMEQ(test, t->stream.data + t->stream.start[n],
				   first + t->stream.start[n], stream_length(&t->stream, n));
	state_test_unlock(t);
}

/* What a host counts from the restore's beginning on is added to what came. */
static void stats_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_state_stats *rec;
	struct vfw_restored restored;

	this_cpu_add(t->src.stats->packets[VFW_DIRECTION_IN], 1000);
	vm_table(&t->src)->totals.packets[VFW_DIRECTION_IN] = 100;
	vm_table(&t->src)->totals.ended = 9;
	vm_table(&t->src)->totals.opened = 9;
	t->src.base.packets[VFW_DIRECTION_IN] = 10;
	t->src.base_totals.packets[VFW_DIRECTION_IN] = 1;
	t->src.base_totals.opened = 20;
	t->src.base_totals.ended = 20;
	this_cpu_add(t->dst.stats->packets[VFW_DIRECTION_IN], 7777);
	t->dst.base.held = 8888;
	this_cpu_add(t->src.stats->evicted, 321);
	this_cpu_add(t->dst.stats->evicted, 9999);
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	this_cpu_add(t->dst.stats->packets[VFW_DIRECTION_IN], 50000);
	this_cpu_add(t->dst.stats->evicted, 4000);
	this_cpu_add(t->dst.stats->drops[VFW_DROP_REASON_HOLD_LIMIT][VFW_DIRECTION_IN], 5);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);

	stream_save(test, &t->dst, &t->stream, VFW_FRAME_MAX);
	rec = stream_records(&t->stream,
			     stream_find(test, &t->stream, VFW_FRAME_TYPE_STATS));
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->in_packets), 51111);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->opened), 29);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->ended), 29);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->held), 0);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->evicted), 4321);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->drops), 1);
	state_test_unlock(t);
}

/* A VM without ports, policy and flows. */
static void empty_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;

	INIT_LIST_HEAD(&t->src.ports);
	vm_set_policy(&t->src, NULL);
	vm_set_policy(&t->dst, policy_make(test));
	stream_save(test, &t->src, &t->stream, VFW_SNAPSHOT_FRAME_MIN);
	KUNIT_EXPECT_EQ(test, t->stream.frames, 6);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, t->stream.frames), 0);
	KUNIT_EXPECT_NOT_NULL(test, vm_policy(&t->dst));
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	KUNIT_EXPECT_NULL(test, vm_policy(&t->dst));
	KUNIT_EXPECT_EQ(test, restored.flows + restored.rules, 0);
	state_test_unlock(t);
}

static void frozen_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	const struct vfw_state_header *rec;

	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	rec = stream_records(&t->stream, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->flags), 0);
	t->src.state = VFW_VM_STATE_FROZEN;
	stream_save(test, &t->src, &t->stream, VFW_FRAME_MAX);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->flags), VFW_STATE_HEADER_FROZEN);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->incarnation), INCARNATION + 1);
	t->src.state = VFW_VM_STATE_ACTIVE;
	state_test_unlock(t);
}

/* What makes the numbers in a save mean something else ends it. */
static void interrupted_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *other;
	struct vfw_snapshot snap;
	u8 *buf = t->stream.data;
	int i;

	for (i = 0; i < 4; i++) {
		vfw_snapshot_begin(&snap, &t->src);
		KUNIT_EXPECT_GT(test, vfw_snapshot_frame(&snap, &t->src, buf, 4096), 0);
		KUNIT_EXPECT_EQ(test, vfw_snapshot_frame(&snap, &t->src, buf, 100), -EMSGSIZE);
		KUNIT_EXPECT_GT(test, vfw_snapshot_frame(&snap, &t->src, buf, 4096), 0);
		if (i == 0) {
			vm_set_policy(&t->src, policy_make(test));
		} else if (i == 1) {
			vfw_vm_freeze(&t->src);
		} else if (i == 2) {
			vfw_vm_thaw(&t->src);
		} else {
			other = vfw_flow_table_alloc(NULL);
			KUNIT_ASSERT_NOT_NULL(test, other);
			vfw_vm_set_flows(&t->src, other, NULL);
		}
		KUNIT_EXPECT_EQ(test, vfw_snapshot_frame(&snap, &t->src, buf, 4096), -EAGAIN);
	}
	state_test_unlock(t);
}

/* Flows that come and go while a save is under way do no harm to those that stay. */
static void moving_test(struct kunit *test)
{
	struct state_test *t = state_test_lock(test);
	struct vfw_restored restored;
	struct vfw_snapshot snap;
	struct flow_copy copy;
	struct vfw_key key;
	u32 i, n, seen = 0;
	int length;

	vm_policy(&t->src)->max_flows = 2 * FLOWS;
	for (i = 0; i < FLOWS; i++) {
		key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, i);
		flow_make(test, &t->src, &key, VFW_FLOW_STATE_NEW, i);
	}
	vfw_snapshot_begin(&snap, &t->src);
	for (n = 0; ; n++) {
		length = vfw_snapshot_frame(&snap, &t->src, t->stream.data + t->stream.start[n],
					    VFW_SNAPSHOT_FRAME_MIN);
		if (length <= 0)
			break;
		t->stream.start[n + 1] = t->stream.start[n] + length;
		key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, FLOWS + n);
		flow_make(test, &t->src, &key, VFW_FLOW_STATE_NEW, FLOWS + n);
	}
	t->stream.frames = n;
	KUNIT_EXPECT_EQ(test, length, 0);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, n), 0);
	KUNIT_ASSERT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), 0);
	for (i = 0; i < FLOWS; i++) {
		key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, i);
		seen += flow_get(&t->dst, &key, &copy);
	}
	KUNIT_EXPECT_EQ(test, seen, FLOWS);
	state_test_unlock(t);
}

static struct kunit_case snapshot_cases[] = {
	KUNIT_CASE(golden_test),
	KUNIT_CASE(round_trip_test),
	KUNIT_CASE(again_test),
	KUNIT_CASE(stats_test),
	KUNIT_CASE(empty_test),
	KUNIT_CASE(frozen_test),
	KUNIT_CASE(interrupted_test),
	KUNIT_CASE(moving_test),
	{}
};

static struct kunit_suite snapshot_suite = {
	.name = "vfw_snapshot",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = snapshot_cases,
};

kunit_test_suite(snapshot_suite);
