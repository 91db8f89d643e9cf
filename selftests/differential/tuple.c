// SPDX-License-Identifier: GPL-2.0
/* Addresses and ports, which no two connections share. */
#include <string.h>

#include "differential.h"

/**
 * tuple_draw() - where a connection takes place
 * @tuple: filled in, but for the VM's port
 * @rng: the connection's
 * @number: its number
 * @subnet: for a second time elsewhere
 */
void tuple_draw(struct tuple *tuple, struct rng *rng, u64 number, u32 subnet)
{
	u32 at = number + ((u32)subnet << 20);

	tuple->ipv6 = rng_chance(rng, 25);
	if (tuple->ipv6) {
		memcpy(tuple->addr[REMOTE], "\x20\x01\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\0", 16);
		memcpy(tuple->addr[VM], "\x20\x01\x0d\xb8\0\0\0\2\0\0\0\0\0\0\0\2", 16);
	} else {
		memcpy(tuple->addr[VM], "\xc0\0\2\2", 4);
	}
	tuple->addr[REMOTE][tuple->ipv6 ? 12 : 0] = 10;
	tuple->addr[REMOTE][tuple->ipv6 ? 13 : 1] = at >> 16;
	tuple->addr[REMOTE][tuple->ipv6 ? 14 : 2] = at >> 8;
	tuple->addr[REMOTE][tuple->ipv6 ? 15 : 3] = at;
	tuple->port[REMOTE] = 1024 + rng_below(rng, 60000);
}
