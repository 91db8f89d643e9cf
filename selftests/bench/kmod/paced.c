// SPDX-License-Identifier: GPL-2.0
/*
 * Packets at a steady pace, from a soft interrupt, whatever else the CPU does meanwhile: how long
 * is one held up? A packet's delay is from when it was due until it was through; when the timer
 * comes late, all packets that are due by then have waited.
 */

#include <linux/hrtimer.h>
#include <linux/netdevice.h>

#include "bench.h"

static struct hrtimer timer;
static struct vfwb_paced state;
static ktime_t begin;
static bool running;

static void inject_due(ktime_t due)
{
	struct sk_buff *skb;
	u64 delay;

	rcu_read_lock();
	skb = vfwb_program_packet(state.first + (u32)(state.packets % state.count), 0, GFP_ATOMIC);
	if (skb)
		netif_receive_skb(skb);
	rcu_read_unlock();
	delay = ktime_to_ns(ktime_sub(ktime_get(), due));
	state.packets++;
	state.sum_ns += delay;
	state.max_ns = max(state.max_ns, delay);
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	ktime_t due = ktime_add_ns(begin, state.packets * state.interval);

	while (ktime_before(due, ktime_get())) {
		inject_due(due);
		due = ktime_add_ns(due, state.interval);
	}
	hrtimer_set_expires(t, due);
	return HRTIMER_RESTART;
}

/**
 * vfwb_paced_running() - are packets being injected?
 */
bool vfwb_paced_running(void)
{
	return running;
}

/**
 * vfwb_paced_start() - begin
 * @paced: records and interval
 *
 * Context: process, the device's mutex.
 * Return: 0 or a negative error.
 */
int vfwb_paced_start(const struct vfwb_paced *paced)
{
	if (running)
		return -EBUSY;
	if (paced->interval < NSEC_PER_USEC || !vfwb_program_has(paced->first, paced->count))
		return -EINVAL;
	state = (struct vfwb_paced) {
		.first = paced->first,
		.count = paced->count,
		.interval = paced->interval,
		.sent_packets = vfwb_netdev_sent().packets,
	};
	running = true;
	hrtimer_setup(&timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	begin = ktime_add_ns(ktime_get(), state.interval);
	hrtimer_start(&timer, begin, HRTIMER_MODE_ABS_SOFT);
	return 0;
}

/**
 * vfwb_paced_stop() - end
 * @paced: result
 *
 * Context: process, the device's mutex.
 * Return: 0, or -EALREADY when nothing runs.
 */
int vfwb_paced_stop(struct vfwb_paced *paced)
{
	if (!running)
		return -EALREADY;
	hrtimer_cancel(&timer);
	running = false;
	*paced = state;
	paced->sent_packets = vfwb_netdev_sent().packets - state.sent_packets;
	return 0;
}
