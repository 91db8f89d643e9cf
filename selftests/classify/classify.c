// SPDX-License-Identifier: GPL-2.0
/*
 * The classifier as a program: the very files that are part of the module, against the meaning of
 * rules in kmod/rule.c, and against the clock.
 *
 *	classify verify RULES PACKETS [SEED]	every style, both families: differences
 *	classify random ROUNDS [SEED]		small policies of all kinds, failing allocations
 *	classify bench [SIZE]...		nanoseconds a look-up, tables, memory, by style
 *	classify files DIR...			the same for what rulegen.py wrote
 */

#include <pthread.h>
#include <time.h>
#include "gen.h"
#include "../../kmod/classify_table.h"
#include "reference.h"

long shim_allocs, shim_fail, shim_held;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static struct vfw_classifier *build(const struct set *set, double *took)
{
	double begin = now();
	struct vfw_classifier *classifier = vfw_classifier_build(set->rules, set->n);

	*took = now() - begin;
	return classifier;
}

/* Bench. */

static u32 probe(const struct vfw_classifier *classifier, const struct vfw_packet *pkts, u32 n,
		 double *ns)
{
	u32 i, round, sum = 0;
	double begin, took;

	*ns = 1e9;
	for (round = 0; round < 7; round++) {
		begin = now();
		for (i = 0; i < n; i++)
			sum += vfw_classifier_find(classifier, &pkts[i]);
		took = (now() - begin) / n;
		*ns = min(*ns, took);
	}
	return sum;
}

static u32 top_tables(const struct vfw_class *class, u32 words)
{
	const struct vfw_table *table = class->tables;
	u32 n = 0;

	if (!table)
		return 0;
	for (n = 1; !table->last; n++)
		table = (const void *)table + VFW_TABLE_SIZE(words);
	return n;
}

static void describe(const char *name, const struct set *set, bool v6,
		     const struct vfw_classifier *classifier, double took)
{
	const struct vfw_class *class = v6 ? &classifier->v6[0] : &classifier->v4[0];

	printf("%-8s %7u  top %2u all %6u records %7u  %5.1f B/rule  work %4u  build %7.2f ms ",
	       name, set->n, top_tables(class, v6 ? VFW_WORDS6 : VFW_WORDS4), class->n_tables,
	       class->n_records, 1.0 * vfw_classifier_memory(classifier) / set->n,
	       vfw_classifier_work(classifier), took / 1e6);
}

static void bench_set(const char *name, const struct set *set, bool v6)
{
	struct vfw_packet *pkts = calloc(50000, sizeof(*pkts));
	struct vfw_classifier *classifier;
	double took, ns;
	u32 i, aim;

	classifier = build(set, &took);
	if (IS_ERR(classifier)) {
		printf("%-8s %7u refused (%ld)\n", name, set->n, PTR_ERR(classifier));
		free(pkts);
		return;
	}
	describe(name, set, v6, classifier, took);
	for (aim = AIM_END; aim <= AIM_NONE; aim++) {
		for (i = 0; i < 50000; i++)
			gen_packet(&pkts[i], set, aim, v6);
		probe(classifier, pkts, 50000, &ns);
		printf(" %s %5.0f", aim == AIM_END ? "end" : aim == AIM_ANY ? "any" : "none", ns);
	}
	printf(" ns\n");
	vfw_classifier_free(classifier);
	free(pkts);
}

static void bench(int argc, char *const *argv)
{
	static char *const sizes[] = { "10", "100", "1000", "10000", "100000" };
	const char *const *style;
	struct set set;
	int i, v6;

	if (!argc) {
		argv = sizes;
		argc = ARRAY_SIZE(sizes);
	}
	for (v6 = 0; v6 < 2; v6++)
		for (style = style_names; *style; style++)
			for (i = 0; i < argc; i++) {
				gen_seed(i);
				gen_set(&set, *style, atoi(argv[i]), v6);
				bench_set(*style, &set, v6);
				gen_free(&set);
			}
}

static void bench_dir(const char *dir)
{
	static const char *const kinds[] = { "near-end", "random", "none" };
	struct vfw_classifier *classifier;
	u32 i, kind, n, *numbers, wrong = 0;
	struct vfw_packet *pkts;
	char path[256];
	struct set set;
	double took, ns;

	snprintf(path, sizeof(path), "%s/rules.policy", dir);
	set = read_policy(path);
	classifier = build(&set, &took);
	if (IS_ERR(classifier)) {
		printf("%s: refused (%ld)\n", dir, PTR_ERR(classifier));
		return;
	}
	describe(strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir, &set, !classifier->v4[0].tables,
		 classifier, took);
	for (kind = 0; kind < 3; kind++) {
		snprintf(path, sizeof(path), "%s/packets-%s", dir, kinds[kind]);
		n = read_packets(path, &pkts, &numbers);
		for (i = 0; i < n; i++)
			wrong += vfw_classifier_find(classifier, &pkts[i]) != numbers[i];
		probe(classifier, pkts, n, &ns);
		printf(" %s %4.0f", kinds[kind], ns);
		free(pkts);
		free(numbers);
	}
	printf(" ns, %u wrong\n", wrong);
	vfw_classifier_free(classifier);
	gen_free(&set);
}

/* Verification. */

struct share {
	const struct vfw_classifier *classifier;
	const struct reference *reference;
	const struct vfw_packet *pkts;
	u32 n;
	u64 differences, hits;
	pthread_t thread;
};

static void *verify_share(void *data)
{
	struct share *share = data;
	u32 *numbers = malloc(share->n * sizeof(*numbers)), i;

	reference_find(share->reference, share->pkts, share->n, numbers);
	for (i = 0; i < share->n; i++) {
		share->differences +=
			vfw_classifier_find(share->classifier, &share->pkts[i]) != numbers[i];
		share->hits += numbers[i] > 0;
	}
	free(numbers);
	return NULL;
}

#define THREADS	2

static u64 verify_set(const char *name, const struct set *set, u32 n, bool v6)
{
	struct vfw_packet *pkts = calloc(n, sizeof(*pkts));
	struct vfw_classifier *classifier;
	struct share shares[THREADS] = {};
	struct reference *reference;
	u64 differences = 0, hits = 0;
	double begin = now(), took;
	u32 i;

	classifier = build(set, &took);
	if (IS_ERR(classifier)) {
		printf("%-8s %s %u rules: refused (%ld)\n", name, v6 ? "IPv6" : "IPv4", set->n,
		       PTR_ERR(classifier));
		free(pkts);
		return 1;
	}
	for (i = 0; i < n; i++)
		gen_packet(&pkts[i], set, i % 3, v6);
	reference = reference_new(set->rules, set->n);
	differences = reference_check(reference, pkts, n);
	for (i = 0; i < THREADS; i++) {
		shares[i] = (struct share){ classifier, reference, pkts + (u64)n * i / THREADS,
			(u64)n * (i + 1) / THREADS - (u64)n * i / THREADS };
		pthread_create(&shares[i].thread, NULL, verify_share, &shares[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(shares[i].thread, NULL);
		differences += shares[i].differences;
		hits += shares[i].hits;
	}
	printf("%-8s %s %u rules, %u packets, %llu of them match, %llu differences, %.0f s\n", name,
	       v6 ? "IPv6" : "IPv4", set->n, n, hits, differences, (now() - begin) / 1e9);
	fflush(stdout);
	reference_free(reference);
	vfw_classifier_free(classifier);
	free(pkts);
	return differences;
}

/* Each style and family gets its part of the packets. */
static int verify(u32 n_rules, u32 n_packets, u64 seed)
{
	u32 parts = 2 * 3, part = 0, n;
	u64 differences = 0;
	struct set set;
	int v6, i;

	gen_seed(seed);
	for (v6 = 0; v6 < 2; v6++)
		for (i = 0; i < 3; i++, part++) {
			n = (u64)n_packets * (part + 1) / parts - (u64)n_packets * part / parts;
			gen_set(&set, style_names[i], n_rules, v6);
			differences += verify_set(style_names[i], &set, n, v6);
			gen_free(&set);
		}
	printf("classify: %u rules, %u packets, %llu differences\n", n_rules, n_packets,
	       differences);
	return differences != 0;
}

static u32 plain_find(const struct set *set, const struct vfw_packet *pkt)
{
	u32 i;

	for (i = 0; i < set->n; i++)
		if (vfw_rule_matches(&set->rules[i], pkt))
			return i + 1;
	return 0;
}

static u32 plain_stateless(const struct set *set, const struct vfw_packet *pkt)
{
	u32 number = plain_find(set, pkt);

	return number && set->rules[number - 1].flags & VFW_STATE_RULE_STATELESS ? number : 0;
}

/* Let each allocation of a build fail in turn. */
static u64 fail_allocs(const struct set *set)
{
	struct vfw_classifier *classifier;
	long fail, held = shim_held;
	u64 bad = 0;

	for (fail = 1;; fail++) {
		shim_allocs = 0;
		shim_fail = fail;
		classifier = vfw_classifier_build(set->rules, set->n);
		shim_fail = 0;
		if (!IS_ERR(classifier))
			break;
		bad += PTR_ERR(classifier) != -ENOMEM || shim_held != held;
	}
	vfw_classifier_free(classifier);
	return bad + (shim_held != held);
}

static int random_sets(u32 rounds, u64 seed)
{
	u64 differences = 0, packets = 0, hits = 0;
	struct vfw_classifier *classifier;
	struct vfw_packet pkt;
	u32 i, j, expected, got;
	struct set set;
	double took;
	long held = shim_held;
	bool v6;

	gen_seed(seed);
	for (i = 0; i < rounds; i++) {
		v6 = i & 1;
		gen_set(&set, style_names[gen_below(6)], 1 + gen_below(i % 10 ? 100 : 2000), v6);
		if (i % 16 == 0)
			differences += fail_allocs(&set);
		classifier = build(&set, &took);
		if (IS_ERR(classifier)) {
			printf("round %u: refused\n", i);
			return 1;
		}
		differences += vfw_classifier_memory(classifier) != shim_held - held;
		for (j = 0; j < 3000; j++, packets++) {
			gen_packet(&pkt, &set, j % 3, j % 100 ? v6 : !v6);
			expected = plain_find(&set, &pkt);
			differences += vfw_classifier_find(classifier, &pkt) != expected;
			hits += expected > 0;
			got = vfw_classifier_find_stateless(classifier, &pkt);
			if (got && !(set.rules[got - 1].flags & VFW_STATE_RULE_STATELESS))
				got = 0;
			differences += got != plain_stateless(&set, &pkt);
		}
		vfw_classifier_free(classifier);
		gen_free(&set);
	}
	printf("classify: %u policies, %llu packets, %llu of them match, %llu differences\n",
	       rounds, packets, hits, differences);
	return differences != 0;
}

int main(int argc, char **argv)
{
	int i;

	if (argc >= 4 && !strcmp(argv[1], "verify"))
		return verify(atoi(argv[2]), atoi(argv[3]), argc > 4 ? atoll(argv[4]) : 1);
	if (argc >= 3 && !strcmp(argv[1], "random"))
		return random_sets(atoi(argv[2]), argc > 3 ? atoll(argv[3]) : 1);
	if (argc >= 2 && !strcmp(argv[1], "bench")) {
		bench(argc - 2, argv + 2);
		return 0;
	}
	for (i = 2; argc >= 2 && !strcmp(argv[1], "files") && i < argc; i++)
		bench_dir(argv[i]);
	return argc < 3;
}
