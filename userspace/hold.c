// SPDX-License-Identifier: GPL-2.0
#include "hold.h"
#include "nl.h"

#include <string.h>

static int take_expiry(const struct arg *arg, const char *value)
{
	int number = spec_enum_value(&spec_hold_expiry, value);

	if (number < 0)
		return fail("'%s %s': expected %s", arg->word, value,
			    spec_enum_list(&spec_hold_expiry));
	*(int *)arg->to = number;
	return DONE;
}

/**
 * hold_keys() - the keys for the bounds of a hold
 * @keys: filled, to stand among a command's
 * @limits: where their values go
 */
void hold_keys(struct arg keys[HOLD_KEYS], struct hold_limits *limits)
{
	const struct arg mine[HOLD_KEYS] = {
		{ "packets", "a number of packets", arg_u32, &limits->packets,
		  .min = 1, .max = 1048576 },
		{ "bytes", "a number of bytes", arg_u32, &limits->bytes,
		  .min = 4096, .max = 1073741824 },
		{ "time", "milliseconds", arg_u32, &limits->time,
		  .min = 1, .max = 3600000 },
		{ "expiry", "stay-closed or start-empty", take_expiry,
		  .to = &limits->expiry },
	};

	memcpy(keys, mine, sizeof(mine));
}

/**
 * hold_put() - put the bounds that were given into a message
 * @request: the message, or NULL
 * @attr: number of the nest
 * @limits: the bounds; when none was given, nothing is put
 */
void hold_put(struct nl_msg *request, int attr, const struct hold_limits *limits)
{
	struct nlattr *nest;

	if (!request || (!limits->packets && !limits->bytes && !limits->time &&
			 limits->expiry < 0))
		return;
	nest = nla_nest_start(request, attr);
	if (!nest)
		return;
	if (limits->packets)
		vnl_put_u32(request, VFW_A_HOLD_PACKETS, limits->packets);
	if (limits->bytes)
		vnl_put_u32(request, VFW_A_HOLD_BYTES, limits->bytes);
	if (limits->time)
		vnl_put_u32(request, VFW_A_HOLD_TIME, limits->time);
	if (limits->expiry >= 0)
		vnl_put_u32(request, VFW_A_HOLD_EXPIRY, limits->expiry);
	nla_nest_end(request, nest);
}
