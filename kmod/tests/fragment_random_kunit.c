// SPDX-License-Identifier: GPL-2.0
/*
 * Fragments at random against reassembly for real: datagrams are cut anywhere, their fragments come
 * in any order, twice, changed or not at all, several datagrams at once; and what is said of each
 * is compared with what follows from all fragments before it, kept in a plain list.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include "fragment.h"

#define DATAGRAMS	8	/* at once */
#define PIECES_MAX	96
#define ROUNDS		400

/**
 * struct model - a datagram as an end would have it
 * @cut: what its fragments have in common
 * @plan: its fragments, in the order in which they will be sent
 * @n_plan: how many
 * @sent: of these
 * @have: those that were taken
 * @n_have: how many
 * @first: the first one has passed
 * @dead: nothing more of it passes
 * @whole: everything has passed: what comes now is of another datagram
 */
struct model {
	struct cut cut;
	struct cut plan[PIECES_MAX];
	u32 n_plan;
	u32 sent;
	struct cut have[PIECES_MAX];
	u32 n_have;
	bool first;
	bool dead;
	bool whole;
};

static struct rnd_state rnd;

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

/* Cut the datagram into fragments of any size, in order. */
static void plan_cuts(struct model *m)
{
	u32 total = m->cut.total, at = 0, size, most = 8 * (1 + below(below(4) ? 40 : 180));
	struct cut *c;

	while (at < total && m->n_plan < PIECES_MAX / 2) {
		size = 8 * (1 + below(most / 8));
		/* Room for the header, and not all in one: that were no fragment. */
		if (!at)
			size = min(size + 16, round_down(total - 1, 8));
		if (m->n_plan == PIECES_MAX / 2 - 1 || size > total - at)
			size = total - at;
		c = &m->plan[m->n_plan++];
		*c = m->cut;
		c->offset = at;
		c->length = size;
		at += size;
		c->more = at < total;
	}
}

static void swap_cuts(struct model *m, u32 a, u32 b)
{
	struct cut other = m->plan[a];

	m->plan[a] = m->plan[b];
	m->plan[b] = other;
}

static void plan_order(struct model *m)
{
	u32 i, how = below(4);

	for (i = 0; how && i < m->n_plan; i++) {
		if (how == 1)
			swap_cuts(m, i, below(m->n_plan));
		else if (how == 2 && i < m->n_plan / 2)
			swap_cuts(m, i, m->n_plan - 1 - i);
		else if (how == 3 && !below(4))
			swap_cuts(m, i, min(i + 1, m->n_plan - 1));
	}
}

static void plan_insert(struct model *m, const struct cut *cut)
{
	/* All in one is no fragment. */
	if (m->n_plan == PIECES_MAX || (!cut->offset && !cut->more))
		return;
	m->plan[m->n_plan++] = *cut;
	swap_cuts(m, m->n_plan - 1, below(m->n_plan));
}

/* Something goes wrong on the way, or somebody wants it to. */
static void plan_mishap(struct model *m)
{
	struct cut cut = m->plan[below(m->n_plan)];

	switch (below(8)) {
	case 0: /* twice */
		break;
	case 1: /* lost */
		swap_cuts(m, below(m->n_plan), m->n_plan - 1);
		m->n_plan--;
		return;
	case 2:
		cut.offset += 8 * below(4);
		break;
	case 3:
		cut.length += 8 * below(4) + below(2);
		break;
	case 4:
		cut.length -= min(cut.length, 8 * below(4) + below(2));
		break;
	case 5:
		cut.more = !cut.more;
		break;
	case 6:
		cut.offset = 8 * below(8192);
		cut.length = 1 + below(1400);
		break;
	case 7:
		cut.total += below(3) - 1;
		break;
	}
	plan_insert(m, &cut);
}

static void plan(struct model *m, u32 id)
{
	u32 n;

	memset(m, 0, sizeof(*m));
	m->cut.family = below(2) ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;
	m->cut.dir = below(2);
	m->cut.protocol = below(3) ? IPPROTO_UDP : IPPROTO_TCP;
	m->cut.port = below(16) ? 53 : CLOSED_PORT;
	m->cut.id = id;
	m->cut.total = below(50) ? 100 + below(9000) : 60000;
	plan_cuts(m);
	plan_order(m);
	for (n = below(3) ? 0 : 1 + below(3); n && m->n_plan; n--)
		plan_mishap(m);
}

static bool overlaps(const struct cut *a, const struct cut *b)
{
	return a->offset < round_up(b->offset + b->length, 8) &&
	       b->offset < round_up(a->offset + a->length, 8);
}

/* Can this fragment and that one be of one datagram? */
static bool lengths_agree(const struct cut *a, const struct cut *b)
{
	u32 a_end = a->offset + a->length, b_end = b->offset + b->length;

	if (!a->more && !b->more)
		return a_end == b_end;
	if (!a->more)
		return b_end < a_end;
	return b->more || a_end < b_end;
}

static bool well_formed(const struct model *m, const struct cut *cut)
{
	u32 head = m->cut.family == VFW_FAMILY_IPV4 ? IP4 : 0;
	u32 header = cut->protocol == IPPROTO_TCP ? 20 : 8;

	if (!cut->length || (cut->more && cut->length % 8) ||
	    head + cut->offset + cut->length > 65535)
		return false;
	return cut->offset || cut->length >= header;
}

/* The datagram's length by its last fragment is at least that by its UDP header. */
static bool udp_agrees(const struct model *m, const struct cut *cut)
{
	const struct cut *c, *last = NULL, *first = NULL;
	u32 i;

	for (i = 0; i <= m->n_have; i++) {
		c = i < m->n_have ? &m->have[i] : cut;
		if (!c->more)
			last = c;
		if (!c->offset)
			first = c;
	}
	return !last || !first || first->protocol != IPPROTO_UDP ||
	       first->total <= last->offset + last->length;
}

enum answer { PASS, WAIT, DROP };

static bool is_whole(const struct model *m)
{
	u32 i, sum = 0, total = 0;

	for (i = 0; i < m->n_have; i++) {
		sum += m->have[i].length;
		if (!m->have[i].more)
			total = m->have[i].offset + m->have[i].length;
	}
	return m->first && total && sum == total;
}

/* What is to become of a fragment. */
static enum answer ask(struct model *m, const struct cut *cut)
{
	u32 i;

	if (m->dead)
		return DROP;
	m->dead = !well_formed(m, cut) || !udp_agrees(m, cut);
	for (i = 0; i < m->n_have && !m->dead; i++) {
		struct cut *had = &m->have[i];

		if (had->offset == cut->offset && had->length == cut->length &&
		    had->more == cut->more)
			return DROP;
		m->dead = overlaps(cut, had) || !lengths_agree(cut, had);
	}
	if (m->dead)
		return DROP;
	m->have[m->n_have++] = *cut;
	if (!cut->offset && cut->port == CLOSED_PORT && cut->protocol == IPPROTO_UDP) {
		/* Refused by a rule, which another first one may not be. */
		m->dead = true;
		return DROP;
	}
	m->first |= !cut->offset;
	m->whole = is_whole(m);
	return m->first ? PASS : WAIT;
}

static void compare(struct kunit *test, struct model *m, const struct cut *cut)
{
	u32 had = m->n_have, waiting = m->first || m->dead ? 0 : m->n_have, gone, follow;
	enum answer answer = ask(m, cut);
	struct sent sent = send(test, cut);

	follow = answer == PASS && !cut->offset ? waiting : 0;
	gone = m->dead ? waiting : 0;
	KUNIT_EXPECT_EQ_MSG(test, sent.waits, answer == WAIT, "id %u offset %u length %u had %u",
			    cut->id, cut->offset, cut->length, had);
	KUNIT_EXPECT_EQ_MSG(test, !!sent.reason, answer == DROP,
			    "id %u offset %u length %u more %u had %u reason %u", cut->id,
			    cut->offset, cut->length, cut->more, had, sent.reason);
	KUNIT_EXPECT_EQ(test, sent.n_follow, follow);
	KUNIT_EXPECT_EQ(test, sent.n_gone, gone);
}

/* Nothing is left of what is whole, and of what is not, as much as there is. */
static void expect_left(struct kunit *test, const struct model *models, u32 finished)
{
	struct vfw_fragments *fragments = fragments_of(test);
	u32 i, there = finished;

	for (i = 0; i < DATAGRAMS; i++)
		there += models[i].sent && !models[i].whole;
	KUNIT_EXPECT_EQ(test, fragments->sides[0].datagrams + fragments->sides[1].datagrams,
			there);
}

static void seed_random(struct kunit *test)
{
	u64 seed = get_random_u64();

	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(&rnd, seed);
}

static void fragments_as_reassembled(struct kunit *test)
{
	u32 i, id = 0, rounds = 0, whole = 0, dead = 0, left = 0, n = 0;
	struct model *models, *m;
	struct fragment_test *t = test->priv;

	models = vzalloc(array_size(DATAGRAMS, sizeof(*models)));
	KUNIT_ASSERT_NOT_NULL(test, models);
	seed_random(test);
	/* It may take longer on a debug kernel than datagrams are followed for. */
	KUNIT_ASSERT_EQ(test, vfw_policy_set_timeout(vm_policy(&t->state.src),
						     VFW_TIMEOUT_FRAGMENT, 3600), 0);
	vm_policy(&t->state.src)->fragment_bytes = VFW_FRAGMENT_BYTES_MAX;
	vm_policy(&t->state.src)->max_fragments = VFW_FRAGMENTS_MAX;
	for (i = 0; i < DATAGRAMS; i++)
		plan(&models[i], id++);
	while (rounds < DATAGRAMS * ROUNDS && test->status != KUNIT_FAILURE) {
		m = &models[below(DATAGRAMS)];
		if (m->sent < m->n_plan && !m->whole) {
			compare(test, m, &m->plan[m->sent++]);
			n++;
		} else {
			whole += m->whole;
			dead += m->dead;
			left += m->sent && !m->whole;
			plan(m, id++);
			rounds++;
		}
		if (!below(64))
			expect_left(test, models, left);
		cond_resched();
	}
	expect_left(test, models, left);
	kunit_info(test, "%u fragments of %u datagrams, %u whole, %u dead\n", n, rounds, whole,
		   dead);
	KUNIT_EXPECT_GT(test, whole, rounds / 4);
	KUNIT_EXPECT_GT(test, dead, rounds / 20);
	vfree(models);
}

/* Spans alone, against a map of units. */
static void spans_as_a_map(struct kunit *test)
{
	u8 *map = kunit_kzalloc(test, 8192, GFP_KERNEL);
	struct vfw_spans spans;
	u32 round, i, n;

	KUNIT_ASSERT_NOT_NULL(test, map);
	seed_random(test);
	for (round = 0; round < 50; round++) {
		memset(map, 0, 8192);
		vfw_spans_init(&spans);
		for (n = 1; n < 200; n++) {
			u32 first = below(round % 2 ? 400 : 8000), end = first + 1 + below(9);
			bool covered = false, same = map[first];
			enum vfw_span_result result;

			for (i = first; i < end; i++) {
				covered |= map[i];
				same &= map[i] == map[first];
			}
			same &= same && map[end] != map[first] &&
				(!first || map[first - 1] != map[first]);
			result = vfw_spans_add(&spans, first, end);
			if (same)
				KUNIT_EXPECT_EQ(test, result, VFW_SPAN_DUPLICATE);
			else if (covered)
				KUNIT_EXPECT_EQ(test, result, VFW_SPAN_OVERLAP);
			else
				KUNIT_EXPECT_EQ(test, result, VFW_SPAN_NEW);
			/* No two spans that touch have the same number. */
			if (result == VFW_SPAN_NEW)
				memset(map + first, n, end - first);
		}
		for (i = 0, n = 0; i < 8192; i++)
			n += !!map[i];
		KUNIT_EXPECT_EQ(test, spans.covered, n);
		vfw_spans_clear(&spans);
	}
}

static struct kunit_case fragment_random_cases[] = {
	KUNIT_CASE(fragments_as_reassembled),
	KUNIT_CASE(spans_as_a_map),
	{}
};

static struct kunit_suite fragment_random_suite = {
	.name = "vfw_fragment_random",
	.init = fragment_test_init,
	.exit = fragment_test_exit,
	.test_cases = fragment_random_cases,
};

kunit_test_suite(fragment_random_suite);
