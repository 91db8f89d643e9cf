// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU's time stamp counter as a clock. User Mode Linux's ktime_get() asks the machine's kernel;
 * the counter is read in a few ns. Its rate is found from both, over all the time since the module
 * was loaded.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "bench.h"

static u64 begin_cycles, begin_ns;

/**
 * vfwb_clock_init() - begin to compare both clocks
 *
 * Context: may sleep, for long enough that the rate is exact to 0.1%.
 */
void __init vfwb_clock_init(void)
{
	begin_ns = ktime_get_ns();
	begin_cycles = vfwb_clock_read();
	msleep(100);
}

/**
 * vfwb_clock_ns() - how long a number of cycles takes
 * @cycles: difference of two readings of vfwb_clock_read()
 *
 * Return: ns.
 */
u64 vfwb_clock_ns(u64 cycles)
{
	u64 all_ns = ktime_get_ns() - begin_ns;
	u64 all_cycles = vfwb_clock_read() - begin_cycles;

	return mul_u64_u64_div_u64(cycles, all_ns, all_cycles);
}

/**
 * vfwb_clock_gauge() - how fast is the CPU now?
 *
 * Arithmetic that needs no memory but all of the CPU's units, so that it takes longer when another
 * hardware thread shares them.
 *
 * Return: cycles of the time stamp counter.
 */
u64 vfwb_clock_gauge(void)
{
	unsigned long a = 1, b = 2, c = 3, d = 4;
	u64 begin = vfwb_clock_read();
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		a += i;
		b ^= i;
		c += 3;
		d -= i;
		OPTIMIZER_HIDE_VAR(a);
		OPTIMIZER_HIDE_VAR(b);
		OPTIMIZER_HIDE_VAR(c);
		OPTIMIZER_HIDE_VAR(d);
	}
	return vfwb_clock_read() - begin;
}
