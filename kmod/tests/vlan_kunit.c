// SPDX-License-Identifier: GPL-2.0
/*
 * VLAN tags in every form in which a frame can have them, and random frames with and without tags
 * through both ways of a packet.
 */

#include <kunit/test.h>
#include <linux/if_vlan.h>
#include <linux/random.h>
#include "../main.h"
#include "../packet.h"
#include "../track.h"
#include "../track_plain.h"
#include "../vlan.h"
#include "frame.h"
#include "state.h"

#define Q	ETH_P_8021Q
#define AD	ETH_P_8021AD
#define TAGS	3

/**
 * struct raw_tag - a tag as it stands in a frame
 * @type: ethertype that begins it; 0 for none
 * @tci: priority and number of the VLAN
 */
struct raw_tag {
	u16 type;
	u16 tci;
};

/**
 * struct form - in which form a frame has its tags, and what is to be found
 * @desc: name of the case
 * @skb: the tag in the skb
 * @inlines: tags in the frame
 * @reason: why it is dropped
 * @key: tags of its key
 */
struct form {
	const char *desc;
	struct raw_tag skb;
	struct raw_tag inlines[TAGS];
	enum vfw_drop_reason reason;
	struct raw_tag key[2];
};

static const struct form forms[] = {
	{ "none", .key = {} },
	{ "in the skb", { Q, 5 }, .key = { { Q, 5 } } },
	{ "inline", .inlines = { { Q, 5 } }, .key = { { Q, 5 } } },
	{ "priority is no part of it", { Q, 0xf005 }, .key = { { Q, 5 } } },
	{ "802.1ad in the skb", { AD, 4094 }, .key = { { AD, 4094 } } },
	{ "802.1ad inline", .inlines = { { AD, 1 } }, .key = { { AD, 1 } } },
	{ "0x9100 inline", .inlines = { { ETH_P_QINQ1, 1 } }, .key = { { ETH_P_QINQ1, 1 } } },
	{ "0x9200 inline", .inlines = { { ETH_P_QINQ2, 1 } }, .key = { { ETH_P_QINQ2, 1 } } },
	{ "0x9300 inline", .inlines = { { ETH_P_QINQ3, 1 } }, .key = { { ETH_P_QINQ3, 1 } } },
	{ "outer in the skb", { AD, 7 }, { { Q, 5 } }, .key = { { AD, 7 }, { Q, 5 } } },
	{ "both inline", .inlines = { { AD, 7 }, { Q, 5 } }, .key = { { AD, 7 }, { Q, 5 } } },
	{ "twice the same", { Q, 5 }, { { Q, 5 } }, .key = { { Q, 5 }, { Q, 5 } } },
	{ "priority only, in the skb", { Q, 0xe000 }, .key = {} },
	{ "priority only, inline", .inlines = { { Q, 0 } }, .key = {} },
	{ "priority outside", { Q, 0x2000 }, { { Q, 5 } }, .key = { { Q, 5 } } },
	{ "priority inside", .inlines = { { AD, 7 }, { Q, 0x2000 } }, .key = { { AD, 7 } } },
	{ "priority twice", { Q, 0 }, { { Q, 0 } }, .key = {} },
	{ "three inline", .inlines = { { Q, 1 }, { Q, 2 }, { Q, 3 } }, VFW_DROP_REASON_VLAN },
	{ "three, one in the skb", { AD, 1 }, { { Q, 2 }, { Q, 3 } }, VFW_DROP_REASON_VLAN },
	{ "three of priority", { Q, 0 }, { { Q, 0 }, { Q, 0 } }, VFW_DROP_REASON_VLAN },
	{ "no such VLAN in the skb", { Q, 4095 }, {}, VFW_DROP_REASON_VLAN },
	{ "no such VLAN inline", .inlines = { { Q, 0xffff } }, VFW_DROP_REASON_VLAN },
	{ "no such inner VLAN", { Q, 5 }, { { Q, 4095 } }, VFW_DROP_REASON_VLAN },
	{ "no type of tag in the skb", { ETH_P_IP, 5 }, {}, VFW_DROP_REASON_VLAN },
};

/* Put tags before a frame; the last of them is the inner one. Returns how many. */
static int put_tags(struct frame *f, const struct raw_tag *tags)
{
	__be16 *at = (__be16 *)f->data;
	int i, n = 0;

	while (n < TAGS && tags[n].type)
		n++;
	memmove(f->data + n * VLAN_HLEN, f->data, f->len);
	f->len += n * VLAN_HLEN;
	for (i = 0; i < n; i++, at += 2) {
		at[0] = htons(tags[i].tci);
		at[1] = htons(i + 1 < n ? tags[i + 1].type : f->type);
	}
	if (n)
		f->type = tags[0].type;
	return n;
}

static void expect_key(struct kunit *test, const struct form *form, const struct vfw_packet *pkt)
{
	u16 tag;
	int i;

	for (i = 0; i < 2; i++) {
		tag = pkt->key.tags[i];
		KUNIT_EXPECT_EQ_MSG(test, tag ? ntohs(vfw_vlan_tag_type(tag)) : 0,
				    form->key[i].type, "%s", form->desc);
		KUNIT_EXPECT_EQ_MSG(test, vfw_vlan_id(tag), form->key[i].tci, "%s", form->desc);
	}
}

/* One form of a frame, in one shape of skb. @plain: the same frame without tags, parsed. */
static void expect_form(struct kunit *test, const struct form *form, struct frame f, bool ethernet,
			u32 linear, const struct vfw_packet *plain)
{
	int nhoff = ethernet ? ETH_HLEN : 0, n = put_tags(&f, form->inlines);
	struct sk_buff *skb = frame_skb(&f, ethernet, linear);
	bool any = form->skb.type || n;
	enum vfw_drop_reason reason;
	struct vfw_packet pkt;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	if (form->skb.type)
		__vlan_hwaccel_put_tag(skb, htons(form->skb.type), form->skb.tci);
	reason = vfw_packet_parse(skb, nhoff, htons(f.type), VFW_DIRECTION_OUT, true, &pkt);
	KUNIT_EXPECT_EQ_MSG(test, reason, form->reason, "%s", form->desc);
	if (!reason) {
		expect_key(test, form, &pkt);
		KUNIT_EXPECT_EQ(test, pkt.n_vlans, n + !!form->skb.type);
		KUNIT_EXPECT_EQ(test, pkt.nhoff, nhoff + n * VLAN_HLEN);
		/* All else is as without: lengths above all. */
		memset(pkt.key.tags, 0, sizeof(pkt.key.tags));
		KUNIT_EXPECT_MEMEQ(test, &pkt.key, &plain->key, sizeof(pkt.key));
		KUNIT_EXPECT_EQ(test, pkt.kind, plain->kind);
		KUNIT_EXPECT_EQ(test, pkt.announce, plain->announce);
		if (plain->l4off) {
			KUNIT_EXPECT_EQ(test, pkt.length, plain->length);
			KUNIT_EXPECT_EQ(test, pkt.l4off, plain->l4off + pkt.nhoff);
		}
		KUNIT_EXPECT_MEMEQ(test, &pkt.tcp, &plain->tcp, sizeof(pkt.tcp));
	}
	/* What is no trunk takes no tag, and who looks at plain packets no packet with one. */
	reason = vfw_packet_parse(skb, nhoff, htons(f.type), VFW_DIRECTION_OUT, false, &pkt);
	KUNIT_EXPECT_EQ_MSG(test, reason, any ? VFW_DROP_REASON_VLAN : VFW_DROP_REASON_NONE, "%s",
			    form->desc);
	if (form->skb.type && f.type == ETH_P_IP)
		KUNIT_EXPECT_FALSE(test, vfw_packet_plain(skb, nhoff, VFW_DIRECTION_OUT, &pkt));
	kfree_skb(skb);
}

/* Beyond the packet is padding, which tags do not make part of it. */
static void build_padded4(struct frame *f)
{
	build_tcp4(f);
	memset(frame_put(f, 6), 0xee, 6);
}

static void (*const builds[])(struct frame *f) = {
	build_tcp4, build_tcp4_options, build_padded4, build_udp6, build_extensions6, build_arp,
	build_error4, build_error6, build_advertisement6,
};

static void vlan_forms(struct kunit *test)
{
	static const u32 linear[] = { FRAME_MAX, 0, 1, 4, 6, 9, 21 };
	struct vfw_packet plain;
	struct sk_buff *skb;
	int b, i, n;

	for (b = 0; b < ARRAY_SIZE(builds); b++) {
		struct frame f = {};

		builds[b](&f);
		skb = frame_skb(&f, false, FRAME_MAX);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, htons(f.type), VFW_DIRECTION_OUT,
						       true, &plain), VFW_DROP_REASON_NONE);
		kfree_skb(skb);
		for (i = 0; i < ARRAY_SIZE(forms); i++)
			for (n = 0; n < 2 * ARRAY_SIZE(linear); n++)
				expect_form(test, &forms[i], f, n & 1, linear[n / 2], &plain);
	}
}

/* A frame that ends within its tags, or right behind them. */
static void vlan_truncated(struct kunit *test)
{
	static const struct raw_tag tags[TAGS] = { { AD, 7 }, { Q, 5 } };
	enum vfw_drop_reason reason;
	struct frame f = {};
	struct sk_buff *skb;
	struct vfw_packet pkt;
	u32 length;

	build_tcp4(&f);
	put_tags(&f, tags);
	for (length = 0; length < f.len; length++) {
		struct frame cut = f;

		cut.len = length;
		skb = frame_skb(&cut, false, 0);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		reason = vfw_packet_parse(skb, 0, htons(f.type), VFW_DIRECTION_IN, true, &pkt);
		KUNIT_EXPECT_EQ_MSG(test, reason, length < 2 * VLAN_HLEN ?
				    VFW_DROP_REASON_VLAN : VFW_DROP_REASON_IP_HEADER, "%u bytes",
				    length);
		kfree_skb(skb);
	}
}

/* What stands behind a tag need not be IP. */
static void vlan_ethertypes(struct kunit *test)
{
	static const struct {
		u16 type;
		enum vfw_drop_reason reason;
	} cases[] = {
		{ ETH_P_MPLS_UC, VFW_DROP_REASON_ETHERTYPE },
		{ ETH_P_PPP_SES, VFW_DROP_REASON_ETHERTYPE },
		{ 40, VFW_DROP_REASON_ETHERTYPE }, /* a length: 802.3 */
		{ ETH_P_ARP, VFW_DROP_REASON_ARP },
		{ ETH_P_IPV6, VFW_DROP_REASON_IP_HEADER },
	};
	static const struct raw_tag tag[TAGS] = { { Q, 5 } };
	struct sk_buff *skb;
	struct vfw_packet pkt;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame f = {};

		build_tcp4(&f);
		f.type = cases[i].type;
		put_tags(&f, tag);
		skb = frame_skb(&f, true, FRAME_MAX);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, ETH_HLEN, htons(f.type),
						       VFW_DIRECTION_IN, true, &pkt),
				cases[i].reason);
		kfree_skb(skb);
	}
}

/* GSO packets, also those too long for the length field, with tags in both places. */
static void vlan_gso(struct kunit *test)
{
	static const struct raw_tag inner[TAGS] = { { Q, 5 } };
	struct vfw_packet pkt;
	struct sk_buff *skb;
	int big, i;

	for (big = 0; big < 2; big++) {
		struct frame f = {};
		u32 length;

		build_tcp4(&f);
		length = f.len + 17 * 4000;
		if (big)
			((struct iphdr *)f.data)->tot_len = 0;
		else
			length = f.len;
		put_tags(&f, inner);
		skb = frame_skb(&f, true, FRAME_MAX);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		for (i = 0; big && i < 17; i++) {
			struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

			KUNIT_ASSERT_NOT_NULL(test, page);
			skb_add_rx_frag(skb, i, page, 0, 4000, PAGE_SIZE);
		}
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb_shinfo(skb)->gso_size = big ? 1400 : 4;
		__vlan_hwaccel_put_tag(skb, htons(AD), 7);
		KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, ETH_HLEN, htons(f.type),
						       VFW_DIRECTION_OUT, true, &pkt),
				VFW_DROP_REASON_NONE);
		KUNIT_EXPECT_EQ(test, pkt.length, length);
		KUNIT_EXPECT_EQ(test, pkt.tcp.length, length - 40);
		KUNIT_EXPECT_EQ(test, pkt.segments, DIV_ROUND_UP(length - 40, big ? 1400 : 4));
		kfree_skb(skb);
	}
}

/* The tags of one packet, put before another, are read there as they were. */
static void vlan_push(struct kunit *test)
{
	struct vfw_packet pkt, again;
	struct sk_buff *skb;
	__be16 type;
	int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		struct frame f = {};

		if (forms[i].reason)
			continue;
		build_tcp4(&f);
		put_tags(&f, forms[i].inlines);
		skb = frame_skb(&f, false, FRAME_MAX);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		if (forms[i].skb.type)
			__vlan_hwaccel_put_tag(skb, htons(forms[i].skb.type), forms[i].skb.tci);
		vfw_packet_parse(skb, 0, htons(f.type), VFW_DIRECTION_OUT, true, &pkt);
		__vlan_hwaccel_clear_tag(skb);
		skb_pull(skb, pkt.nhoff);
		KUNIT_ASSERT_EQ(test, pskb_expand_head(skb, 8, 0, GFP_KERNEL), 0);
		type = vfw_vlan_push(skb, &pkt, htons(ETH_P_IP));
		KUNIT_EXPECT_EQ(test, vfw_packet_parse(skb, 0, type, VFW_DIRECTION_OUT, true,
						       &again), VFW_DROP_REASON_NONE);
		KUNIT_EXPECT_MEMEQ(test, &again.key, &pkt.key, sizeof(pkt.key));
		KUNIT_EXPECT_EQ(test, again.n_vlans, pkt.n_vlans);
		KUNIT_EXPECT_MEMEQ(test, again.vlans, pkt.vlans, sizeof(pkt.vlans));
		kfree_skb(skb);
	}
}

#define PACKETS		40000
#define PORTS		6
#define PLACES		(2 * PORTS * ARRAY_SIZE(forms))

static u32 below(u32 n)
{
	return get_random_u32_below(n);
}

/* As the hook does, or by the long way only. */
static enum vfw_drop_reason judge_skb(struct vfw_vm *vm, const struct sk_buff *skb, int nhoff,
				      __be16 type, bool thorough, struct vfw_packet *pkt)
{
	enum vfw_drop_reason reason;
	bool plain;

	memset(pkt, 0xa5, sizeof(*pkt));
	plain = !thorough && type == htons(ETH_P_IP) &&
		vfw_packet_plain(skb, nhoff, VFW_DIRECTION_OUT, pkt);
	if (plain && vfw_track_plain(vm, pkt))
		return VFW_DROP_REASON_NONE;
	if (plain) {
		memset(pkt->key.tags, 0, sizeof(pkt->key.tags));
		return vfw_track_packet(vm, pkt).reason;
	}
	reason = vfw_packet_parse(skb, nhoff, type, VFW_DIRECTION_OUT, true, pkt);
	return reason ?: vfw_track_packet(vm, pkt).reason;
}

/* What a flow has counted; 0 if it is not there. */
static u64 flow_packets(const struct vfw_vm *vm, const struct vfw_key *key)
{
	struct flow_copy copy;

	return flow_get(vm, key, &copy) ? copy.counters.packets[VFW_DIRECTION_OUT] : 0;
}

static void random_frame(struct frame *f, bool ipv6, u32 port)
{
	memset(f, 0, sizeof(*f));
	if (ipv6)
		frame_ip6(f, IPPROTO_UDP);
	else
		frame_ip4(f, IPPROTO_UDP);
	frame_udp(f, below(64));
	((struct udphdr *)(f->data + (ipv6 ? IP6 : IP4)))->source = htons(1000 + port);
	frame_end(f);
	frame_put(f, below(3) ? 0 : below(18));
}

/* Which of the forms has the key of this one first: some differ in priority only. */
static u32 same_form(u32 form)
{
	u32 i;

	for (i = 0; i < form; i++)
		if (!forms[i].reason &&
		    !memcmp(forms[i].key, forms[form].key, sizeof(forms[i].key)))
			break;
	return i;
}

/*
 * Random frames, the same addresses and ports in all VLANs: each flow has counted those of its own
 * VLANs and no others, by the quick way as by the long one. Cut or altered ones are refused, or
 * pass as what they say they are, by both ways alike.
 */
static void vlan_random(struct kunit *test)
{
	struct state_test *t = test->priv;
	u32 *sent = kunit_kcalloc(test, PLACES, sizeof(*sent), GFP_KERNEL);
	struct vfw_packet quick, pkt;
	u32 i, form, port, place;
	bool ipv6, altered;

	KUNIT_ASSERT_NOT_NULL(test, sent);
	for (i = 0; i < PACKETS && test->status != KUNIT_FAILURE; i++) {
		enum vfw_drop_reason reason, other;
		bool ethernet = below(2);
		struct sk_buff *skb;
		struct frame f;

		form = below(ARRAY_SIZE(forms));
		port = below(PORTS);
		ipv6 = below(2);
		random_frame(&f, ipv6, port);
		put_tags(&f, forms[form].inlines);
		altered = !below(4);
		if (altered && below(2))
			f.len = below(f.len + 1);
		else if (altered)
			f.data[below(f.len)] ^= 1 << below(8);
		skb = frame_skb(&f, ethernet, below(2) ? FRAME_MAX : below(f.len + 1));
		KUNIT_ASSERT_NOT_NULL(test, skb);
		if (forms[form].skb.type)
			__vlan_hwaccel_put_tag(skb, htons(forms[form].skb.type),
					       forms[form].skb.tci);
		local_bh_disable();
		rcu_read_lock();
		reason = judge_skb(&t->src, skb, ethernet ? ETH_HLEN : 0, htons(f.type), false,
				   &quick);
		other = judge_skb(&t->dst, skb, ethernet ? ETH_HLEN : 0, htons(f.type), true, &pkt);
		rcu_read_unlock();
		local_bh_enable();
		KUNIT_EXPECT_EQ(test, reason, other);
		if (!reason && pkt.kind == VFW_PACKET_FLOW)
			KUNIT_EXPECT_EQ(test, flow_packets(&t->src, &pkt.key),
					flow_packets(&t->dst, &pkt.key));
		if (!altered) {
			KUNIT_EXPECT_EQ(test, reason, forms[form].reason);
			place = (same_form(form) * PORTS + port) * 2 + ipv6;
			sent[place] += !reason;
			if (!reason)
				KUNIT_EXPECT_GE(test, flow_packets(&t->src, &pkt.key),
						(u64)sent[place]);
		}
		kfree_skb(skb);
		cond_resched();
	}
	/* Frames that were altered may have become others' in few cases; never has one less. */
	KUNIT_EXPECT_EQ(test, vm_table(&t->src)->count, vm_table(&t->dst)->count);
	kunit_info(test, "%u flows, %u of them in VLANs\n", vm_table(&t->src)->count,
		   vm_table(&t->src)->hash[VFW_FLOWS_TAGGED].count);
}

/* Exactly: nothing is altered, so that each flow has what was sent in its VLANs. */
static void vlan_apart(struct kunit *test)
{
	struct state_test *t = test->priv;
	u32 i, form, round, n = 0;
	struct vfw_packet pkt;
	struct frame f;

	for (round = 0; round < 3; round++) {
		for (form = 0; form < ARRAY_SIZE(forms); form++) {
			/* As many as its number, so that no two flows have the same. */
			for (i = 0; !forms[form].reason && i <= form; i++) {
				struct sk_buff *skb;

				random_frame(&f, round & 1, 1);
				put_tags(&f, forms[form].inlines);
				skb = frame_skb(&f, false, FRAME_MAX);
				KUNIT_ASSERT_NOT_NULL(test, skb);
				if (forms[form].skb.type)
					__vlan_hwaccel_put_tag(skb, htons(forms[form].skb.type),
							       forms[form].skb.tci);
				local_bh_disable();
				rcu_read_lock();
				KUNIT_EXPECT_EQ(test, judge_skb(&t->src, skb, 0, htons(f.type),
								false, &pkt), 0);
				rcu_read_unlock();
				local_bh_enable();
				kfree_skb(skb);
			}
		}
	}
	for (form = 0; form < ARRAY_SIZE(forms); form++) {
		struct vfw_key key = {
			.family = VFW_FAMILY_IPV4, .protocol = IPPROTO_UDP,
			.local.v4 = htonl(SOURCE4), .remote.v4 = htonl(DEST4),
			.local_port = htons(1001), .remote_port = htons(DEST_PORT),
		};
		u32 expected = 0;

		if (forms[form].reason || same_form(form) != form)
			continue;
		for (i = form; i < ARRAY_SIZE(forms); i++)
			if (!forms[i].reason && same_form(i) == form)
				expected += 2 * (i + 1);
		for (i = 0; i < 2; i++)
			if (forms[form].key[i].type)
				key.tags[i] = vfw_vlan_tag(htons(forms[form].key[i].type),
							   forms[form].key[i].tci);
		KUNIT_EXPECT_EQ_MSG(test, flow_packets(&t->src, &key), (u64)expected, "%s",
				    forms[form].desc);
		n++;
	}
	KUNIT_EXPECT_EQ(test, vm_table(&t->src)->count, 2 * n);
}

static int vlan_init(struct kunit *test)
{
	struct state_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	vm_make(test, t, &t->src, "quick");
	vm_make(test, t, &t->dst, "thorough");
	for (i = 0; i < 2; i++) {
		struct vfw_policy *policy = policy_make(test);

		policy->max_flows = 100000;
		vm_set_policy(i ? &t->src : &t->dst, policy);
	}
	return 0;
}

static void vlan_exit(struct kunit *test)
{
	struct state_test *t = test->priv;

	if (!t)
		return;
	vm_free(&t->src);
	vm_free(&t->dst);
}

static struct kunit_case vlan_cases[] = {
	KUNIT_CASE(vlan_forms),
	KUNIT_CASE(vlan_truncated),
	KUNIT_CASE(vlan_ethertypes),
	KUNIT_CASE(vlan_gso),
	KUNIT_CASE(vlan_push),
	KUNIT_CASE(vlan_random),
	KUNIT_CASE(vlan_apart),
	{}
};

static struct kunit_suite vlan_suite = {
	.name = "vfw_vlan",
	.init = vlan_init,
	.exit = vlan_exit,
	.test_cases = vlan_cases,
};

kunit_test_suite(vlan_suite);
