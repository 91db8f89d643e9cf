// SPDX-License-Identifier: GPL-2.0
/*
 * The program.
 *
 *	differential CONNECTIONS SEED...	so many connections of each seed, 64 at a time
 *	differential show SEED NUMBER		one of them, packet by packet
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "differential.h"

#define SHOWN		15	/* subnet for a second time */
#define SHOW_AT_MOST	3

static const struct kind * const kinds[] = {
	&kind_tcp, &kind_exchange, &kind_fragments, &kind_sctp,
};

/* A connection on its way. */
static struct slot {
	const struct kind *kind;
	bool failed;
} slots[AT_A_TIME];

static u64 connections_of[ARRAY_SIZE(kinds)], packets_of[ARRAY_SIZE(kinds)];
static struct vfwd_packet runs[AT_A_TIME];
static u8 frames[AT_A_TIME][VFWD_FRAME_MAX];
static u32 subnet;	/* each seed has its own */
static int device;

static void die(const char *what)
{
	fprintf(stderr, "differential: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Drawn like all else, but from other numbers: what a connection does is its own. */
static u32 draw_kind(u64 seed, u64 number)
{
	struct rng rng;
	u32 at, i;

	rng_seed(&rng, ~seed, number);
	at = rng_below(&rng, 1000);
	for (i = ARRAY_SIZE(kinds) - 1; i; i--) {
		if (at < kinds[i]->share)
			return i;
		at -= kinds[i]->share;
	}
	return 0;
}

static void begin(u32 slot, u64 seed, u64 number, u32 where)
{
	u32 kind = draw_kind(seed, number);

	slots[slot] = (struct slot){ .kind = kinds[kind] };
	kinds[kind]->init(slot, seed, number, where);
	connections_of[kind]++;
}

static void count_packet(const struct kind *kind)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		packets_of[i] += kinds[i] == kind;
}

/* One packet of each connection that has one. Returns how many. */
static u32 step(u32 n, FILE *log)
{
	struct vfwd_run run = { .packets = (unsigned long)runs };
	static u32 whose[AT_A_TIME];
	u32 i, count = 0;

	for (i = 0; i < n; i++) {
		struct vfwd_packet *packet = &runs[count];

		memset(packet, 0, sizeof(*packet));
		packet->frame = (unsigned long)frames[count];
		if (!slots[i].failed && slots[i].kind->next(i, packet, frames[count]))
			whose[count++] = i;
	}
	run.count = count;
	if (count && ioctl(device, VFWD_RUN, &run))
		die("/dev/vfw_differential");
	for (i = 0; i < count; i++) {
		struct slot *slot = &slots[whose[i]];

		slot->failed = !slot->kind->judged(whose[i], &runs[i], log);
		count_packet(slot->kind);
	}
	return count;
}

/* A connection alone, written down packet by packet, elsewhere on the wire. */
static void show(u64 seed, u64 number)
{
	u64 kept_connections[ARRAY_SIZE(kinds)], kept_packets[ARRAY_SIZE(kinds)];
	struct totals kept = totals;

	memcpy(kept_connections, connections_of, sizeof(connections_of));
	memcpy(kept_packets, packets_of, sizeof(packets_of));
	begin(0, seed, number, SHOWN);
	printf("connection %llu of seed %llu, %s:\n", number, seed, slots[0].kind->name);
	while (step(1, stdout))
		;
	totals = kept;
	memcpy(connections_of, kept_connections, sizeof(connections_of));
	memcpy(packets_of, kept_packets, sizeof(packets_of));
}

static void run_seed(u64 seed, u64 all)
{
	u64 failed[SHOW_AT_MOST], number;
	u32 n_failed = 0, i;

	for (number = 0; number < all; number += AT_A_TIME) {
		u32 n = all - number < AT_A_TIME ? all - number : AT_A_TIME;

		for (i = 0; i < n; i++)
			begin(i, seed, number + i, subnet);
		while (step(n, NULL))
			;
		for (i = 0; i < n; i++)
			if (slots[i].failed && n_failed < SHOW_AT_MOST)
				failed[n_failed++] = number + i;
		totals.connections += n;
	}
	subnet++;
	for (i = 0; i < n_failed; i++)
		show(seed, failed[i]);
}

static void report(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (connections_of[i])
			kinds[i]->table(stdout);
	printf("same: %llu packets; not compared, for the connection had parted: %llu\n",
	       totals.same, totals.parted);
	printf("honest: %llu packets, %llu refused with reason, %llu false drops\n",
	       totals.honest, totals.honest_refused,
	       totals.false_drops);
	printf("forged far out of window: %llu packets, %llu passed\n",
	       totals.outside, totals.false_passes);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		printf("%s: %llu connections, %llu packets\n", kinds[i]->name, connections_of[i],
		       packets_of[i]);
	printf("differential: %llu connections, %llu packets, %llu explained, %llu unexplained\n",
	       totals.connections, totals.packets,
	       totals.explained, totals.unexplained);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: differential CONNECTIONS SEED... | show SEED NUMBER\n");
		return 2;
	}
	device = open("/dev/vfw_differential", O_RDWR);
	if (device < 0)
		die("/dev/vfw_differential");
	if (!strcmp(argv[1], "show") && argc == 4) {
		show(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
		return 0;
	}
	for (i = 2; i < argc; i++) {
		printf("seed %s\n", argv[i]);
		run_seed(strtoull(argv[i], NULL, 0), strtoull(argv[1], NULL, 0));
	}
	report();
	return totals.unexplained || !totals.packets;
}
