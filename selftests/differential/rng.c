// SPDX-License-Identifier: GPL-2.0
/* Random numbers: xorshift64* (Marsaglia 2003, Vigna 2016), seeded by splitmix64. */
#include "differential.h"

static u64 mix(u64 z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* The same numbers for the same seed and number of a connection. */
void rng_seed(struct rng *rng, u64 seed, u64 number)
{
	rng->state = mix(mix(seed) ^ number) | 1;
}

u32 rng_next(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return (rng->state * 0x2545f4914f6cdd1d) >> 32;
}

/* 0 to n - 1. */
u32 rng_below(struct rng *rng, u32 n)
{
	return (u64)rng_next(rng) * n >> 32;
}

bool rng_chance(struct rng *rng, u32 percent)
{
	return rng_below(rng, 100) < percent;
}
