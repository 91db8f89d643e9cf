// SPDX-License-Identifier: GPL-2.0
/* Associations of SCTP, as main.c knows them. */
#include "sctp.h"

static struct association associations[AT_A_TIME];
static struct sctp_packet packets[AT_A_TIME];	/* on their way */
static struct sctp_bytes bytes[AT_A_TIME];

static void init(u32 slot, u64 seed, u64 number, u32 subnet)
{
	association_init(&associations[slot], seed, number, subnet);
}

static bool next(u32 slot, struct vfwd_packet *run, u8 *frame)
{
	struct association *a = &associations[slot];

	if (!association_next(a, &packets[slot]))
		return false;
	run->length = sctp_frame(frame, &a->tuple, &packets[slot], &bytes[slot]);
	run->dir = packets[slot].dir;
	run->protocol = 132;
	run_tuple(run, &a->tuple);
	return true;
}

static bool judged(u32 slot, const struct vfwd_packet *run, FILE *log)
{
	struct association *a = &associations[slot];
	bool fine = sctp_compare(a, &packets[slot], &bytes[slot], run, log);

	association_judged(a, &packets[slot], run->conntrack.passed && run->vfw.passed);
	return fine;
}

const struct kind kind_sctp = {
	.name	= "sctp",
	.share	= 40,
	.init	= init,
	.next	= next,
	.judged	= judged,
	.table	= sctp_compare_table,
};
