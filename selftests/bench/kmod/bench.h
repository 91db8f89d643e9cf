/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of vfw_bench.ko.
 */
#ifndef _VFW_BENCH_BENCH_H
#define _VFW_BENCH_BENCH_H

#include <linux/skbuff.h>
#include <linux/types.h>

#include "vfw_bench.h"

struct net_device;

/**
 * struct vfwb_count - packets and their bytes
 * @packets: packets
 * @bytes: bytes, with Ethernet headers
 */
struct vfwb_count {
	u64 packets;
	u64 bytes;
};

/* netdev.c */
struct net_device *vfwb_netdev_get(unsigned int port);
bool vfwb_netdev_is(const struct net_device *dev);
struct vfwb_count vfwb_netdev_sent(void);
int vfwb_netdev_init(void);
void vfwb_netdev_exit(void);

/* program.c */
int vfwb_program_templates(const struct vfwb_load *load);
int vfwb_program_records(const struct vfwb_load *load);
bool vfwb_program_has(u32 first, u32 count);
struct sk_buff *vfwb_program_packet(u32 record, u32 pass, gfp_t gfp);
void vfwb_program_free(void);

/* hook.c */
void vfwb_hook_remove(struct net_device *dev);

/* clock.c */
void vfwb_clock_init(void);
u64 vfwb_clock_ns(u64 cycles);
u64 vfwb_clock_gauge(void);

/* Before it is read, all before it is done: what is timed does not leak into what is not. */
static inline u64 vfwb_clock_read(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) :: "memory");
	return (u64)high << 32 | low;
}

/* paced.c */
bool vfwb_paced_running(void);
int vfwb_paced_start(const struct vfwb_paced *paced);
int vfwb_paced_stop(struct vfwb_paced *paced);

#endif
