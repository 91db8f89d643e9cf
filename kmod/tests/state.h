/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMs for tests of saving and restoring, that no port leads to, and streams of frames in memory.
 */
#ifndef _VFW_TESTS_STATE_H
#define _VFW_TESTS_STATE_H

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "../flow.h"
#include "../policy.h"
#include "../port.h"
#include "../restore.h"
#include "../snapshot.h"
#include "../vlan.h"
#include "../vm.h"

#define STREAM_BYTES	1048576
#define STREAM_FRAMES	1024
#define EPOCH		5	/* of the policy of the VM that is saved */
#define INCARNATION	7	/* of that VM */
#define OWNER		4711	/* netlink socket of the restores */

/**
 * struct stream - a snapshot in memory
 * @data: the frames, one after the other
 * @start: where each begins; @start[@frames] is where the last ends
 * @frames: how many
 */
struct stream {
	u8 *data;
	u32 start[STREAM_FRAMES + 1];
	u32 frames;
};

/**
 * struct state_test - what each test has
 * @vn: the registry of both VMs
 * @src: the VM that is saved
 * @dst: the VM that is restored, of the same UUID
 * @ports: of @src
 * @stream: a snapshot
 * @extack: of the last operation
 */
struct state_test {
	struct vfw_net vn;
	struct vfw_vm src, dst;
	struct vfw_port ports[2];
	struct stream stream;
	struct netlink_ext_ack extack;
};

static inline struct vfw_state_frame *stream_frame(const struct stream *s, u32 n)
{
	return (struct vfw_state_frame *)(s->data + s->start[n]);
}

static inline void *stream_records(const struct stream *s, u32 n)
{
	return stream_frame(s, n) + 1;
}

static inline u32 stream_length(const struct stream *s, u32 n)
{
	return s->start[n + 1] - s->start[n];
}

/* The first frame of a type; the test fails when there is none. */
static inline u32 stream_find(struct kunit *test, const struct stream *s, u32 type)
{
	u32 n;

	for (n = 0; n < s->frames; n++)
		if (le16_to_cpu(stream_frame(s, n)->type) == type)
			return n;
	KUNIT_FAIL(test, "no frame of type %u", type);
	return 0;
}

static inline struct vfw_flow_table *vm_table(const struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->flows, true);
}

static inline struct vfw_policy *vm_policy(const struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->policy, true);
}

static inline void vm_make(struct kunit *test, struct state_test *t, struct vfw_vm *vm,
			   const char *name)
{
	struct vfw_flow_table *table = vfw_flow_table_alloc(NULL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, table);
	RCU_INIT_POINTER(vm->flows, table);
	vm->stats = alloc_percpu(struct vfw_stats);
	KUNIT_ASSERT_NOT_NULL(test, vm->stats);
	vm->vn = &t->vn;
	for (i = 0; i < sizeof(vm->uuid); i++)
		vm->uuid.b[i] = 0x11 * (i % 15 + 1);
	INIT_LIST_HEAD(&vm->ports);
	vfw_fragment_init(vm);
	strscpy(vm->name, name, sizeof(vm->name));
}

static inline void vm_free(struct vfw_vm *vm)
{
	vfw_restore_drop(vm);
	vfw_fragment_exit(vm);
	if (vm_table(vm))
		vfw_flow_table_free(vm_table(vm));
	if (vm_policy(vm))
		vfw_policy_free(vm_policy(vm));
	free_percpu(vm->stats);
}

static inline void vm_port(struct state_test *t, int i, const char *name, u8 type)
{
	strscpy(t->ports[i].name, name, sizeof(t->ports[i].name));
	t->ports[i].type = type;
	list_add_tail(&t->ports[i].list, &t->src.ports);
}

/* Put a policy in force that no packet reads. */
static inline void vm_set_policy(struct vfw_vm *vm, struct vfw_policy *policy)
{
	if (vm_policy(vm))
		vfw_policy_free(vm_policy(vm));
	vm->last_epoch = vfw_vm_next_epoch(vm);
	vm->epoch = policy ? vm->last_epoch : 0;
	if (policy)
		policy->epoch = vm->epoch;
	RCU_INIT_POINTER(vm->policy, policy);
}

/* One rule with everything a record can hold, and one with nothing. */
static inline struct vfw_policy *policy_make(struct kunit *test)
{
	static struct vfw_range ranges[] = { { 22, 22 }, { 80, 90 }, { 1024, 65535 } };
	static const char comment[] = "web \xc3\xa4\xc3\xb6";
	struct vfw_rule full = {
		.packets = ATOMIC64_INIT(1000), .bytes = ATOMIC64_INIT(64000),
		.flags = VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_LOCAL | VFW_STATE_RULE_REMOTE,
		.action = VFW_ACTION_PASS, .direction = VFW_DIRECTION_IN,
		.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_TCP,
		.local_prefix = 32, .remote_prefix = 8, .local_ranges = 2, .remote_ranges = 1,
		.local.v4 = htonl(0xc0000201), .remote.v4 = htonl(0x0a000000),
		.ranges = ranges, .comment = (char *)comment,
	};
	struct vfw_rule plain = { .action = VFW_ACTION_PASS, .direction = VFW_DIRECTION_BOTH };
	struct vfw_policy *policy = vfw_policy_alloc();

	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &full), 0);
	KUNIT_EXPECT_EQ(test, vfw_policy_add_rule(policy, &plain), 0);
	KUNIT_EXPECT_EQ(test, vfw_policy_set_timeout(policy, VFW_TIMEOUT_ICMP, 77), 0);
	policy->max_flows = 1000;
	policy->max_half_open = 500;
	policy->max_fragments = 77;
	policy->fragment_bytes = 88888;
	policy->max_source_flows = 600;
	policy->defaults[VFW_DIRECTION_IN] = VFW_ACTION_REJECT;
	policy->pick_up = true;
	KUNIT_EXPECT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	return policy;
}

static inline struct vfw_key key_make(u8 family, u8 protocol, u32 i)
{
	struct vfw_key key = { .family = family, .protocol = protocol };

	if (family == VFW_FAMILY_IPV4) {
		key.local.v4 = htonl(0xc0000201);
		key.remote.v4 = htonl(0x0a000000 + i);
	} else {
		key.local.words[0] = htonl(0x20010db8);
		key.local.words[3] = htonl(1);
		key.remote.words[0] = htonl(0x20010db8);
		key.remote.words[3] = htonl(i + 2);
	}
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
		key.local_port = htons(80);
		key.remote_port = htons(40000 + i);
	} else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		key.local_port = htons(i);
	}
	return key;
}

static inline struct vfw_opening opening_make(const struct vfw_key *key, u8 state,
					      enum vfw_direction direction)
{
	return (struct vfw_opening){
		.key = key, .hash = vfw_flow_hash(key), .direction = direction, .state = state,
	};
}

static inline void tcp_make(struct vfw_tcp *tcp, u32 seed)
{
	tcp->peer[VFW_DIRECTION_IN] = (struct vfw_tcp_peer){
		.end = seed + 1000, .max_end = seed + 66000, .max_window = 64000, .scale = 7,
		.flags = VFW_TCP_SYN | VFW_TCP_SACK | VFW_TCP_WINDOW_SCALE,
	};
	tcp->peer[VFW_DIRECTION_OUT] = (struct vfw_tcp_peer){
		.end = 3 * seed + 2000, .max_end = 3 * seed + 66500, .max_window = 65000,
		.scale = 2, .flags = VFW_TCP_SYN | VFW_TCP_WINDOW_SCALE,
	};
}

/* What goes with a state, opened by the VM or not: the tags that are known in it. */
static inline void sctp_make(struct vfw_sctp *sctp, u8 state, u8 opened, u32 seed)
{
	bool established = state >= VFW_FLOW_STATE_SCTP_ESTABLISHED &&
			   state <= VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT;
	struct vfw_sctp_peer *opener = &sctp->peer[opened], *other = &sctp->peer[!opened];
	int i;

	memset(sctp, 0, sizeof(*sctp));
	if (state != VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT)
		opener->tags[0] = seed + 1;
	if (state != VFW_FLOW_STATE_SCTP_COOKIE_WAIT)
		other->tags[0] = 0xffffffff - seed;
	for (i = 1; i < VFW_STATE_SCTP_TAGS && established && seed % 2; i++) {
		opener->tags[i] = 1000 * i + seed;
		other->tags[i] = 2000 * i + seed;
	}
	if (state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED || (established && seed % 4 == 1))
		opener->flags = VFW_SCTP_ECHOED;
}

/* A flow number @i of a VM; what is not given depends on @i, so that no two are the same. */
static inline void flow_make(struct kunit *test, struct vfw_vm *vm, const struct vfw_key *key,
			     u8 state, u32 i)
{
	struct vfw_opening opening = opening_make(key, state, i & 1);
	struct vfw_flow_table *table = vm_table(vm);
	struct vfw_flow_counters *counters;
	enum vfw_drop_reason reason;
	struct vfw_flow *flow;

	flow = vfw_flow_add(table, &opening, vm_policy(vm), &reason, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	counters = vfw_flow_counters(flow);
	flow->epoch = vm->epoch;
	vfw_flow_origin(flow)->rule = i % 3;
	flow->expires = vfw_flow_now(table) + (100 + i) * HZ;
	vfw_flow_set_age(flow, vfw_flow_now(table), i * HZ);
	if (key->protocol == IPPROTO_TCP)
		tcp_make(&flow->tcp, i);
	if (key->protocol == IPPROTO_SCTP)
		sctp_make(&flow->sctp, state, vfw_flow_opened(flow), i);
	counters->packets[VFW_DIRECTION_IN] = 10 * i + 1;
	counters->packets[VFW_DIRECTION_OUT] = 10 * i + 2;
	counters->bytes[VFW_DIRECTION_IN] = 1ULL << 33 | i;
	counters->bytes[VFW_DIRECTION_OUT] = 1ULL << 34 | i;
	vfw_flow_unlock(flow);
}

/* All that a flow is, but its key. */
struct flow_copy {
	struct vfw_flow flow;
	struct vfw_flow_counters counters;
	struct vfw_flow_origin origin;
};

static inline void flow_copy(const struct vfw_flow *flow, struct flow_copy *copy)
{
	memcpy(&copy->flow, flow, sizeof(*flow));
	copy->counters = *vfw_flow_counters(flow);
	copy->origin = *vfw_flow_origin(flow);
}

/* A copy of a flow, as it is now; false when it is not there. */
static inline bool flow_get(const struct vfw_vm *vm, const struct vfw_key *key,
			    struct flow_copy *copy)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(vm_table(vm), key);
	if (flow) {
		flow_copy(flow, copy);
		vfw_flow_put(flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return flow;
}

/* A flow that is there, to change it. */
static inline struct vfw_flow *flow_lock(struct kunit *test, const struct vfw_vm *vm,
					 const struct vfw_key *key)
{
	struct vfw_flow *flow;

	local_bh_disable();
	rcu_read_lock();
	flow = vfw_flow_find(vm_table(vm), key);
	if (flow)
		return flow;
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_NOT_NULL(test, flow);
	return NULL;
}

static inline void flow_unlock(struct vfw_flow *flow)
{
	vfw_flow_put(flow);
	rcu_read_unlock();
	local_bh_enable();
}

static inline int stream_save_begun(struct kunit *test, struct vfw_vm *vm, struct stream *s,
				    struct vfw_snapshot *snap, size_t size)
{
	int length;

	s->frames = 0;
	for (;;) {
		KUNIT_ASSERT_LT(test, s->frames, STREAM_FRAMES);
		KUNIT_ASSERT_LE(test, s->start[s->frames] + size, STREAM_BYTES);
		length = vfw_snapshot_frame(snap, vm, s->data + s->start[s->frames], size);
		if (length <= 0)
			return length;
		s->start[s->frames + 1] = s->start[s->frames] + length;
		s->frames++;
	}
}

/* Save a VM in frames of at most @size bytes. */
static inline void stream_save(struct kunit *test, struct vfw_vm *vm, struct stream *s, size_t size)
{
	struct vfw_snapshot snap;

	vfw_snapshot_begin(&snap, vm);
	KUNIT_ASSERT_EQ(test, stream_save_begun(test, vm, s, &snap, size), 0);
}

/* After frames were changed: their checksums, and the one that END has of them. */
static inline void stream_reseal(struct stream *s)
{
	struct vfw_state_end *end = stream_records(s, s->frames - 1);
	u32 n, digest = 0;

	for (n = 0; n < s->frames; n++) {
		if (n == s->frames - 1)
			end->digest = cpu_to_le32(digest);
		/* Who lies about the length is found out before the checksum is looked at. */
		if (le32_to_cpu(stream_frame(s, n)->length) != stream_length(s, n))
			continue;
		vfw_snapshot_seal(stream_frame(s, n));
		digest = vfw_snapshot_digest(digest, stream_frame(s, n));
	}
}

/* Begin a restore of the second VM and give it all frames up to @frames. */
static inline int stream_restore(struct kunit *test, struct state_test *t, u32 frames)
{
	u32 n, taken;
	int err = 0;

	KUNIT_ASSERT_EQ(test, vfw_restore_begin(&t->dst, OWNER, &t->extack), 0);
	for (n = 0; n < frames && !err; n++) {
		err = vfw_restore_frame(&t->dst, stream_frame(&t->stream, n),
					stream_length(&t->stream, n), &taken, &t->extack);
		KUNIT_EXPECT_EQ(test, taken, n + !err);
	}
	return err;
}

static inline int state_test_init(struct kunit *test)
{
	struct state_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	mutex_init(&t->vn.lock);
	vm_make(test, t, &t->src, "source");
	vm_make(test, t, &t->dst, "destination");
	t->src.incarnation = INCARNATION;
	t->src.last_epoch = EPOCH - 1;
	vm_set_policy(&t->src, policy_make(test));
	vm_port(t, 0, "tap0", VFW_PORT_TYPE_HOST);
	vm_port(t, 1, "macvtap1", VFW_PORT_TYPE_MIRRORED);
	t->ports[1].trunk = true;
	t->stream.data = vmalloc(STREAM_BYTES);
	KUNIT_ASSERT_NOT_NULL(test, t->stream.data);
	return 0;
}

static inline void state_test_exit(struct kunit *test)
{
	struct state_test *t = test->priv;

	if (!t)
		return;
	vm_free(&t->src);
	vm_free(&t->dst);
	vfree(t->stream.data);
}

/* A case runs under the lock, from its beginning to its end: its thread may be its own. */
static inline struct state_test *state_test_lock(struct kunit *test)
{
	struct state_test *t = test->priv;

	mutex_lock(&t->vn.lock);
	return t;
}

static inline void state_test_unlock(struct state_test *t)
{
	mutex_unlock(&t->vn.lock);
}

/* The frames of the stream that make_stream() makes, in their order. */
enum { HEADER, VM, PORT, POLICY, RULES, STATS, FLOWS4, FLOWS6, FLOWS_TAGGED, END, FRAMES };

#define DST_INCARNATION	3	/* of the VM that is restored */

/* A stream with something in each kind of frame, and a second VM that is older than it. */
static inline void make_stream(struct kunit *test, struct state_test *t)
{
	struct vfw_vm *src = &t->src;
	struct vfw_key key;

	key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 1);
	flow_make(test, src, &key, VFW_FLOW_STATE_TCP_ESTABLISHED, 1);
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_UDP, 2);
	flow_make(test, src, &key, VFW_FLOW_STATE_REPLIED, 2);
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_ICMP, 3);
	flow_make(test, src, &key, VFW_FLOW_STATE_REPLIED, 3);
	key = key_make(VFW_FAMILY_IPV6, IPPROTO_UDP, 4);
	flow_make(test, src, &key, VFW_FLOW_STATE_STREAM, 4);
	key = key_make(VFW_FAMILY_IPV6, IPPROTO_GRE, 5);
	flow_make(test, src, &key, VFW_FLOW_STATE_REPLIED, 5);
	/* But for their tags, flows that are there. */
	key = key_make(VFW_FAMILY_IPV4, IPPROTO_TCP, 1);
	key.tags[0] = vfw_vlan_tag(htons(ETH_P_8021Q), 5);
	flow_make(test, src, &key, VFW_FLOW_STATE_TCP_ESTABLISHED, 6);
	key = key_make(VFW_FAMILY_IPV6, IPPROTO_UDP, 4);
	key.tags[0] = vfw_vlan_tag(htons(ETH_P_8021AD), 100);
	key.tags[1] = vfw_vlan_tag(htons(ETH_P_8021Q), 4094);
	flow_make(test, src, &key, VFW_FLOW_STATE_STREAM, 7);
	this_cpu_add(src->stats->drops[VFW_DROP_REASON_FRAGMENT][VFW_DIRECTION_OUT], 444);
	this_cpu_add(src->stats->drops[VFW_DROP_REASON_DEFAULT][VFW_DIRECTION_IN], 5);
	t->dst.incarnation = DST_INCARNATION;
	stream_save(test, src, &t->stream, VFW_FRAME_MAX);
	KUNIT_ASSERT_EQ(test, t->stream.frames, FRAMES);
}

/* Nothing in force has changed. */
static inline void expect_untouched(struct kunit *test, struct state_test *t,
				    const struct vfw_flow_table *table)
{
	KUNIT_EXPECT_PTR_EQ(test, vm_table(&t->dst), (struct vfw_flow_table *)table);
	KUNIT_EXPECT_NULL(test, vm_policy(&t->dst));
	KUNIT_EXPECT_EQ(test, t->dst.incarnation, DST_INCARNATION);
	KUNIT_EXPECT_STREQ(test, t->dst.name, "destination");
	KUNIT_EXPECT_EQ(test, t->dst.base_totals.opened, 0);
}

#endif /* _VFW_TESTS_STATE_H */
