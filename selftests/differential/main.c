// SPDX-License-Identifier: GPL-2.0
/*
 * The program.
 *
 *	differential CONNECTIONS SEED...	so many connections of each seed, 64 at a time
 *	differential show SEED NUMBER		one of them, packet by packet
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "differential.h"

#define AT_A_TIME	64
#define SHOWN		15	/* subnet for a second time */
#define SHOW_AT_MOST	3

static struct connection connections[AT_A_TIME];
static struct packet packets[AT_A_TIME];
static struct vfwd_packet runs[AT_A_TIME];
static u8 frames[AT_A_TIME][VFWD_FRAME_MAX];
static u32 subnet;	/* each seed has its own */
static int device;

static void die(const char *what)
{
	fprintf(stderr, "differential: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void fill(struct vfwd_packet *run, u8 *frame, const struct connection *c,
		 const struct packet *packet)
{
	memset(run, 0, sizeof(*run));
	run->frame = (unsigned long)frame;
	run->length = wire_frame(frame, &c->tuple, packet);
	run->dir = packet->dir;
	run->ipv6 = c->tuple.ipv6;
	run->protocol = 6;
	memcpy(run->local, c->tuple.addr[VM], 16);
	memcpy(run->remote, c->tuple.addr[REMOTE], 16);
	run->local_port = htons(c->tuple.port[VM]);
	run->remote_port = htons(c->tuple.port[REMOTE]);
}

/* One packet of each connection that has one. Returns how many. */
static u32 step(u32 n, FILE *log)
{
	struct vfwd_run run = { .packets = (unsigned long)runs };
	static u32 whose[AT_A_TIME];
	u32 i, count = 0;

	for (i = 0; i < n; i++) {
		struct connection *c = &connections[i];

		if (c->failed || !connection_next(c, &packets[count]))
			continue;
		whose[count] = i;
		fill(&runs[count], frames[count], c, &packets[count]);
		count++;
	}
	run.count = count;
	if (count && ioctl(device, VFWD_RUN, &run))
		die("/dev/vfw_differential");
	for (i = 0; i < count; i++) {
		struct connection *c = &connections[whose[i]];
		bool passed = runs[i].conntrack.passed && runs[i].vfw.passed;

		if (!compare(c, &packets[i], &runs[i], log))
			c->failed = true;
		connection_judged(c, &packets[i], passed);
	}
	return count;
}

/* A connection alone, written down packet by packet, elsewhere on the wire. */
static void show(u64 seed, u64 number)
{
	struct totals kept = totals;

	printf("connection %llu of seed %llu:\n", number,
	       seed);
	connection_init(&connections[0], seed, number, SHOWN);
	while (step(1, stdout))
		;
	totals = kept;
}

static void run_seed(u64 seed, u64 all)
{
	u64 failed[SHOW_AT_MOST], number;
	u32 n_failed = 0, i;

	for (number = 0; number < all; number += AT_A_TIME) {
		u32 n = all - number < AT_A_TIME ? all - number : AT_A_TIME;

		for (i = 0; i < n; i++)
			connection_init(&connections[i], seed, number + i, subnet);
		while (step(n, NULL))
			;
		for (i = 0; i < n; i++)
			if (connections[i].failed && n_failed < SHOW_AT_MOST)
				failed[n_failed++] = number + i;
		totals.connections += n;
	}
	subnet++;
	for (i = 0; i < n_failed; i++)
		show(seed, failed[i]);
}

static void report(void)
{
	compare_table(stdout);
	printf("same: %llu packets; not compared, for the connection had parted: %llu\n",
	       totals.same, totals.parted);
	printf("honest: %llu packets, %llu refused with reason, %llu false drops\n",
	       totals.honest, totals.honest_refused,
	       totals.false_drops);
	printf("forged far out of window: %llu packets, %llu passed\n",
	       totals.outside, totals.false_passes);
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
