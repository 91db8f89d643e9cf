// SPDX-License-Identifier: GPL-2.0
/* Exchanges, as main.c knows them. */
#include "exchange.h"

static struct exchange exchanges[AT_A_TIME];
static struct message messages[AT_A_TIME];	/* on their way */

static void init(u32 slot, u64 seed, u64 number, u32 subnet)
{
	exchange_init(&exchanges[slot], seed, number, subnet);
}

static bool next(u32 slot, struct vfwd_packet *run, u8 *frame)
{
	struct exchange *x = &exchanges[slot];

	if (!exchange_next(x, &messages[slot]))
		return false;
	run->length = message_frame(frame, x, &messages[slot]);
	run->dir = messages[slot].dir;
	run->protocol = x->protocol;
	run->age = messages[slot].age;
	run_tuple(run, &x->tuple);
	return true;
}

static bool judged(u32 slot, const struct vfwd_packet *run, FILE *log)
{
	struct exchange *x = &exchanges[slot];
	bool fine = exchange_compare(x, &messages[slot], run, log);

	exchange_judged(x, &messages[slot], run->conntrack.passed && run->vfw.passed);
	return fine;
}

const struct kind kind_exchange = {
	.name	= "exchange",
	.share	= 90,
	.init	= init,
	.next	= next,
	.judged	= judged,
	.table	= exchange_table,
};
