// SPDX-License-Identifier: GPL-2.0
/*
 * The quick way of a packet against the long one: two VMs get the same packets, one of them by the
 * long way only, and have to come to the same.
 */

#include <kunit/test.h>
#include <linux/icmp.h>
#include <linux/in.h>
#include <linux/random.h>
#include "../main.h"
#include "../track.h"
#include "../track_plain.h"
#include "state.h"

#define FLOWS	24
#define PACKETS	60000

static u32 below(u32 n)
{
	return get_random_u32_below(n);
}

/* A connection's next segment mostly, any other sometimes. */
static void random_segment(struct kunit *test, const struct vfw_vm *vm, struct vfw_packet *pkt)
{
	static const u8 flags[] = {
		VFW_TCPHDR_ACK, VFW_TCPHDR_ACK, VFW_TCPHDR_ACK | VFW_TCPHDR_PSH,
		VFW_TCPHDR_ACK | VFW_TCPHDR_PSH, VFW_TCPHDR_SYN, VFW_TCPHDR_SYN | VFW_TCPHDR_ACK,
		VFW_TCPHDR_FIN | VFW_TCPHDR_ACK, VFW_TCPHDR_RST, VFW_TCPHDR_RST | VFW_TCPHDR_ACK,
	};
	struct vfw_segment *seg = &pkt->tcp;
	struct flow_copy copy = {};

	if (flow_get(vm, &pkt->key, &copy)) {
		seg->seq = copy.flow.tcp.peer[pkt->dir].end;
		seg->ack = copy.flow.tcp.peer[!pkt->dir].end;
	}
	if (!below(16))
		seg->seq += below(200000) - 100000;
	if (!below(16))
		seg->ack += below(200000) - 100000;
	/* A SYN, FIN or RST now and then, so that connections live for a while. */
	seg->flags = flags[below(below(8) ? 4 : ARRAY_SIZE(flags))];
	seg->sack = seg->ack;
	seg->window = below(65536);
	seg->length = seg->flags & VFW_TCPHDR_SYN ? 0 : below(1460);
}

/* As vfw_packet_plain() fills it in: what that leaves alone is rubbish. */
static void random_packet(struct kunit *test, const struct vfw_vm *vm, struct vfw_packet *pkt)
{
	u32 i = below(FLOWS);
	struct vfw_key key = key_make(VFW_FAMILY_IPV4, i % 2 ? IPPROTO_UDP : IPPROTO_TCP, i);

	memset(pkt, 0xa5, sizeof(*pkt));
	pkt->key = key;
	pkt->kind = VFW_PACKET_FLOW;
	pkt->dir = below(2);
	pkt->announce = false;
	pkt->icmp_reply = false;
	pkt->segments = 1;
	pkt->length = 20 + below(1480);
	pkt->hashed = false;
	if (key.protocol == IPPROTO_TCP) {
		memset(&pkt->tcp, 0, sizeof(pkt->tcp));
		random_segment(test, vm, pkt);
	}
}

/* The same happens to a flow of both: it expires, is of an old policy, or has grown old. */
static void happen(struct state_test *t, const struct vfw_key *key, u32 what)
{
	struct vfw_vm *vms[] = { &t->src, &t->dst };
	struct vfw_flow *flow;
	int i;

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		local_bh_disable();
		rcu_read_lock();
		flow = vfw_flow_find(vm_table(vms[i]), key);
		if (flow) {
			if (what == 0)
				flow->expires = vfw_flow_now(vm_table(vms[i]));
			else if (what == 1)
				flow->epoch = 0;
			else
				vfw_flow_set_age(flow, vfw_flow_now(vm_table(vms[i])), 3 * HZ);
			vfw_flow_put(flow);
		}
		rcu_read_unlock();
		local_bh_enable();
	}
}

/* Jiffies go on between the one and the other. */
static bool about(u32 a, u32 b)
{
	return (s32)(a - b) >= -(s32)HZ && (s32)(a - b) <= (s32)HZ;
}

static void expect_same(struct kunit *test, struct state_test *t, const struct vfw_key *key)
{
	struct flow_copy a, b;
	bool has_a = flow_get(&t->src, key, &a), has_b = flow_get(&t->dst, key, &b);

	KUNIT_EXPECT_EQ(test, has_a, has_b);
	if (!has_a || !has_b)
		return;
	KUNIT_EXPECT_EQ(test, a.flow.state, b.flow.state);
	KUNIT_EXPECT_EQ(test, a.flow.flags, b.flow.flags);
	KUNIT_EXPECT_EQ(test, a.flow.protocol, b.flow.protocol);
	KUNIT_EXPECT_EQ(test, a.flow.epoch, b.flow.epoch);
	KUNIT_EXPECT_EQ(test, a.origin.rule, b.origin.rule);
	KUNIT_EXPECT_EQ(test, memcmp(&a.counters, &b.counters, sizeof(a.counters)), 0);
	KUNIT_EXPECT_TRUE(test, about(a.flow.expires, b.flow.expires));
	if (key->protocol == IPPROTO_TCP)
		KUNIT_EXPECT_EQ(test, memcmp(&a.flow.tcp, &b.flow.tcp, sizeof(a.flow.tcp)), 0);
	else
		KUNIT_EXPECT_TRUE(test, about(a.flow.stream_from, b.flow.stream_from));
}

static bool track_both(struct kunit *test, struct state_test *t, const struct vfw_packet *pkt)
{
	struct vfw_packet plain = *pkt;
	struct vfw_judgement quick = {}, thorough;
	bool passed;

	local_bh_disable();
	rcu_read_lock();
	passed = vfw_track_plain(&t->src, &plain);
	if (!passed)
		quick = vfw_track_packet(&t->src, &plain);
	thorough = vfw_track_packet(&t->dst, pkt);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, quick.reason, thorough.reason);
	KUNIT_EXPECT_EQ(test, quick.reject, thorough.reject);
	return passed;
}

static void track_quick_is_thorough(struct kunit *test)
{
	struct state_test *t = test->priv;
	struct vfw_packet pkt;
	u32 i, quick = 0;

	for (i = 0; i < PACKETS && test->status != KUNIT_FAILURE; i++) {
		random_packet(test, &t->dst, &pkt);
		if (!below(50))
			happen(t, &pkt.key, below(3));
		quick += track_both(test, t, &pkt);
		expect_same(test, t, &pkt.key);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, vm_table(&t->src)->count, vm_table(&t->dst)->count);
	KUNIT_EXPECT_EQ(test, vm_table(&t->src)->half_open[0],
			vm_table(&t->dst)->half_open[0]);
	KUNIT_EXPECT_EQ(test, vm_table(&t->src)->half_open[1],
			vm_table(&t->dst)->half_open[1]);
	kunit_info(test, "%u of %u packets passed by the quick way\n", quick, i);
	KUNIT_EXPECT_GT(test, quick, PACKETS / 4U);
}

/* Stateless rules decide before flows do; a VM without a policy passes nothing. */
static void track_quick_leaves_stateless(struct kunit *test)
{
	struct state_test *t = test->priv;
	struct vfw_packet pkt;

	do
		random_packet(test, &t->dst, &pkt);
	while (pkt.key.protocol != IPPROTO_UDP);
	track_both(test, t, &pkt);
	KUNIT_EXPECT_TRUE(test, track_both(test, t, &pkt));
	vm_policy(&t->src)->stateless = true;
	KUNIT_EXPECT_FALSE(test, track_both(test, t, &pkt));
	vm_set_policy(&t->src, NULL);
	vm_set_policy(&t->dst, NULL);
	KUNIT_EXPECT_FALSE(test, track_both(test, t, &pkt));
}

static u8 track_one(struct vfw_vm *vm, const struct vfw_packet *pkt)
{
	u8 reason;

	local_bh_disable();
	rcu_read_lock();
	reason = vfw_track_packet(vm, pkt).reason;
	rcu_read_unlock();
	local_bh_enable();
	return reason;
}

/* An error may quote the echo requests of the end that asks, and the replies of the other one. */
static void track_quoted_echo(struct kunit *test)
{
	struct vfw_packet request = {
		.key = key_make(VFW_FAMILY_IPV4, IPPROTO_ICMP, 1), .kind = VFW_PACKET_FLOW,
		.dir = VFW_DIRECTION_OUT, .icmp_type = ICMP_ECHO, .segments = 1, .length = 84,
	};
	struct vfw_packet error = {
		.key = request.key, .kind = VFW_PACKET_ICMP_ERROR, .segments = 1, .length = 56,
	};
	struct state_test *t = test->priv;
	int i;

	KUNIT_EXPECT_EQ(test, track_one(&t->src, &request), VFW_DROP_REASON_NONE);
	for (i = 0; i < 4; i++) {
		error.quoted_dir = i & 1;
		error.dir = !error.quoted_dir;
		error.icmp_reply = i & 2;
		KUNIT_EXPECT_EQ_MSG(test, track_one(&t->src, &error),
				    error.icmp_reply == (error.quoted_dir == VFW_DIRECTION_IN) ?
				    VFW_DROP_REASON_NONE : VFW_DROP_REASON_ICMP_ERROR, "%d", i);
	}
	/* When both ask, both reply. */
	request.dir = VFW_DIRECTION_IN;
	KUNIT_EXPECT_EQ(test, track_one(&t->src, &request), VFW_DROP_REASON_NONE);
	for (i = 0; i < 4; i++) {
		error.quoted_dir = i & 1;
		error.dir = !error.quoted_dir;
		error.icmp_reply = i & 2;
		KUNIT_EXPECT_EQ_MSG(test, track_one(&t->src, &error), VFW_DROP_REASON_NONE, "%d",
				    i);
	}
}

static int track_init(struct kunit *test)
{
	struct state_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	vm_make(test, t, &t->src, "quick");
	vm_make(test, t, &t->dst, "thorough");
	vm_set_policy(&t->src, policy_make(test));
	vm_set_policy(&t->dst, policy_make(test));
	return 0;
}

static void track_exit(struct kunit *test)
{
	struct state_test *t = test->priv;

	if (!t)
		return;
	vm_free(&t->src);
	vm_free(&t->dst);
}

static struct kunit_case track_cases[] = {
	KUNIT_CASE(track_quick_is_thorough),
	KUNIT_CASE(track_quick_leaves_stateless),
	KUNIT_CASE(track_quoted_echo),
	{}
};

static struct kunit_suite track_suite = {
	.name = "vfw_track",
	.init = track_init,
	.exit = track_exit,
	.test_cases = track_cases,
};

kunit_test_suite(track_suite);
