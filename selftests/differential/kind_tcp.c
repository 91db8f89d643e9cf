// SPDX-License-Identifier: GPL-2.0
/* Connections of TCP, as main.c knows them. */
#include <arpa/inet.h>
#include <string.h>

#include "differential.h"

static struct connection connections[AT_A_TIME];
static struct packet packets[AT_A_TIME];	/* on their way */

static void init(u32 slot, u64 seed, u64 number, u32 subnet)
{
	connection_init(&connections[slot], seed, number, subnet);
}

static bool next(u32 slot, struct vfwd_packet *run, u8 *frame)
{
	struct connection *c = &connections[slot];

	if (!connection_next(c, &packets[slot]))
		return false;
	run->length = wire_frame(frame, &c->tuple, &packets[slot]);
	run->dir = packets[slot].dir;
	run->protocol = 6;
	run_tuple(run, &c->tuple);
	return true;
}

static bool judged(u32 slot, const struct vfwd_packet *run, FILE *log)
{
	struct connection *c = &connections[slot];
	bool fine = compare(c, &packets[slot], run, log);

	connection_judged(c, &packets[slot], run->conntrack.passed && run->vfw.passed);
	return fine;
}

/* The share of TCP is what the others leave. */
const struct kind kind_tcp = {
	.name	= "tcp",
	.init	= init,
	.next	= next,
	.judged	= judged,
	.table	= compare_table,
};
