/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fragments for tests: cut, sent to a VM that has one port, and what became of them.
 */
#ifndef _VFW_TESTS_FRAGMENT_H
#define _VFW_TESTS_FRAGMENT_H

#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/if_vlan.h>
#include <linux/udp.h>
#include "../datagram.h"
#include "../hook.h"
#include "frame.h"
#include "state.h"

#define CLOSED_PORT	666	/* of the VM; no rule passes it */

/**
 * struct cut - a fragment to be
 * @family: enum vfw_family
 * @dir: enum vfw_direction
 * @protocol: IP protocol
 * @id: identification
 * @offset: bytes before it
 * @length: bytes of it
 * @more: it is not the last
 * @total: bytes that the UDP header in the first one tells
 * @port: the VM's
 * @vlan: the frame's, 0 for none
 */
struct cut {
	u8 family;
	u8 dir;
	u8 protocol;
	u32 id;
	u32 offset;
	u32 length;
	bool more;
	u32 total;
	u16 port;
	u16 vlan;
};

#define SENT_FOLLOW	16

/**
 * struct sent - what became of a fragment
 * @reason: why it was dropped, if it does not wait
 * @waits: it waits
 * @follow: offsets of those that went on behind it, in their order
 * @n_follow: how many
 * @n_gone: how many others were dropped through it
 * @gone: why, the last of them
 */
struct sent {
	enum vfw_drop_reason reason;
	bool waits;
	u32 follow[SENT_FOLLOW];
	u32 n_follow;
	u32 n_gone;
	enum vfw_drop_reason gone;
};

/**
 * struct fragment_test - what each case has
 * @state: the VM is its src
 * @port: of the VM
 * @dev: the port's netdev, which nobody has registered
 */
struct fragment_test {
	struct state_test state;
	struct vfw_port port;
	struct net_device *dev;
};

static inline struct vfw_fragments *fragments_of(struct kunit *test)
{
	return &((struct fragment_test *)test->priv)->state.src.fragments;
}

static inline void cut_ip4(struct sk_buff *skb, const struct cut *cut)
{
	struct iphdr *iph = skb_put_zero(skb, sizeof(*iph));

	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = 64;
	iph->protocol = cut->protocol;
	iph->id = htons(cut->id);
	iph->frag_off = htons(cut->offset / 8 | (cut->more ? 0x2000 : 0));
	iph->tot_len = htons(sizeof(*iph) + cut->length);
	iph->saddr = htonl(cut->dir == VFW_DIRECTION_OUT ? SOURCE4 : DEST4);
	iph->daddr = htonl(cut->dir == VFW_DIRECTION_OUT ? DEST4 : SOURCE4);
}

static inline void cut_ip6(struct sk_buff *skb, const struct cut *cut)
{
	bool out = cut->dir == VFW_DIRECTION_OUT;
	struct ipv6hdr *ip6h = skb_put_zero(skb, sizeof(*ip6h));
	struct frag_hdr *fh;

	ip6h->version = 6;
	ip6h->nexthdr = NEXTHDR_FRAGMENT;
	ip6h->hop_limit = 64;
	ip6h->payload_len = htons(sizeof(*fh) + cut->length);
	frame_addr6(&ip6h->saddr, out ? 1 : 2);
	frame_addr6(&ip6h->daddr, out ? 2 : 1);
	fh = skb_put_zero(skb, sizeof(*fh));
	fh->nexthdr = cut->protocol;
	fh->frag_off = htons(cut->offset | cut->more);
	fh->identification = htonl(cut->id);
}

/* The transport header, as much as is in the fragment. */
static inline void cut_transport(struct sk_buff *skb, const struct cut *cut)
{
	u8 *payload = skb_put_zero(skb, cut->length), header[20] = {};
	bool out = cut->dir == VFW_DIRECTION_OUT;
	__be16 *field = (__be16 *)header;

	if (cut->offset)
		return;
	field[0] = htons(out ? cut->port : 9999);
	field[1] = htons(out ? 9999 : cut->port);
	if (cut->protocol == IPPROTO_UDP)
		field[2] = htons(cut->total);
	if (cut->protocol == IPPROTO_TCP) {
		((__be32 *)header)[1] = htonl(1000);
		((__be32 *)header)[2] = htonl(5000);
		header[12] = 5 << 4;
		header[13] = VFW_TCPHDR_ACK;
		field[7] = htons(60000);
	}
	memcpy(payload, header, min_t(u32, cut->length, sizeof(header)));
}

static inline struct sk_buff *cut_skb(struct kunit *test, const struct cut *cut)
{
	struct fragment_test *t = test->priv;
	struct sk_buff *skb = alloc_skb(64 + cut->length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	if (cut->family == VFW_FAMILY_IPV4)
		cut_ip4(skb, cut);
	else
		cut_ip6(skb, cut);
	cut_transport(skb, cut);
	if (cut->vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), cut->vlan);
	skb->dev = t->dev;
	return skb;
}

/* What the hook does with it, but without a netdev for it to go on from. */
static inline void cut_judge(struct kunit *test, struct sk_buff *skb, const struct cut *cut,
			     struct vfw_fragment_outcome *outcome)
{
	struct fragment_test *t = test->priv;
	enum vfw_drop_reason reason;
	struct vfw_packet pkt;
	__be16 type = htons(cut->family == VFW_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6);

	reason = vfw_packet_parse(skb, 0, type, cut->dir, true, &pkt);
	KUNIT_ASSERT_TRUE(test, pkt.piece.present);
	local_bh_disable();
	rcu_read_lock();
	vfw_fragment_judge(&t->port, skb, false, &pkt, reason, outcome);
	rcu_read_unlock();
	local_bh_enable();
}

static inline void free_waiting(struct sk_buff *skb)
{
	netdev_put(skb->dev, &vfw_stolen(skb)->tracker);
	kfree_skb(skb);
}

/* Judge a fragment. */
static inline struct sent send(struct kunit *test, const struct cut *cut)
{
	struct sk_buff *skb = cut_skb(test, cut);
	struct vfw_fragment_outcome outcome;
	struct sent sent = {};

	cut_judge(test, skb, cut, &outcome);
	sent.waits = outcome.waits;
	sent.reason = outcome.judgement.reason;
	if (!outcome.waits)
		kfree_skb(skb);
	while ((skb = __skb_dequeue(&outcome.follow))) {
		if (sent.n_follow < SENT_FOLLOW)
			sent.follow[sent.n_follow] = cut->family == VFW_FAMILY_IPV4 ?
				ntohs(((struct iphdr *)skb->data)->frag_off) % 0x2000 * 8 :
				ntohs(*(__be16 *)(skb->data + IP6 + 2)) & ~7;
		sent.n_follow++;
		free_waiting(skb);
	}
	while ((skb = __skb_dequeue(&outcome.gone))) {
		sent.n_gone++;
		sent.gone = vfw_waiting(skb)->reason;
		free_waiting(skb);
	}
	return sent;
}

static inline void expect_sent(struct kunit *test, const struct cut *cut,
			       enum vfw_drop_reason reason, bool waits)
{
	struct sent sent = send(test, cut);

	KUNIT_EXPECT_EQ_MSG(test, sent.reason, reason, "id %u offset %u", cut->id, cut->offset);
	KUNIT_EXPECT_EQ_MSG(test, sent.waits, waits, "id %u offset %u", cut->id, cut->offset);
}

#define EXPECT_PASS(test, fields...) \
	expect_sent(test, &(struct cut){ fields }, VFW_DROP_REASON_NONE, false)
#define EXPECT_WAIT(test, fields...) \
	expect_sent(test, &(struct cut){ fields }, VFW_DROP_REASON_NONE, true)
#define EXPECT_DROP(test, why, fields...) \
	expect_sent(test, &(struct cut){ fields }, VFW_DROP_REASON_ ## why, false)

/* Everything passes, but what goes to CLOSED_PORT. */
static inline struct vfw_policy *fragment_policy(struct kunit *test)
{
	static struct vfw_range closed = { CLOSED_PORT, CLOSED_PORT };
	struct vfw_rule rule = {
		.flags = VFW_STATE_RULE_PROTOCOL, .protocol = IPPROTO_UDP,
		.action = VFW_ACTION_DROP, .direction = VFW_DIRECTION_BOTH,
		.local_ranges = 1, .ranges = &closed,
	};
	struct vfw_policy *policy = vfw_policy_alloc();

	KUNIT_ASSERT_NOT_NULL(test, policy);
	KUNIT_ASSERT_EQ(test, vfw_policy_add_rule(policy, &rule), 0);
	policy->defaults[VFW_DIRECTION_IN] = VFW_ACTION_PASS;
	policy->defaults[VFW_DIRECTION_OUT] = VFW_ACTION_PASS;
	policy->pick_up = true;
	KUNIT_ASSERT_EQ(test, vfw_policy_seal(policy, NULL), 0);
	return policy;
}

static inline int fragment_test_init(struct kunit *test)
{
	struct fragment_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	mutex_init(&t->state.vn.lock);
	vm_make(test, &t->state, &t->state.src, "fragments");
	vm_set_policy(&t->state.src, fragment_policy(test));
	t->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, t->dev);
	t->port.vm = &t->state.src;
	t->port.dev = t->dev;
	return 0;
}

static inline void fragment_test_exit(struct kunit *test)
{
	struct fragment_test *t = test->priv;

	if (!t)
		return;
	vm_free(&t->state.src);
	if (t->dev)
		free_netdev(t->dev);
}

static inline u64 drops_of(struct kunit *test, enum vfw_drop_reason reason)
{
	struct fragment_test *t = test->priv;
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(t->state.src.stats, cpu)->drops[reason][0] +
		       per_cpu_ptr(t->state.src.stats, cpu)->drops[reason][1];
	return sum;
}

#endif /* _VFW_TESTS_FRAGMENT_H */
