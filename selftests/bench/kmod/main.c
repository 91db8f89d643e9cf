// SPDX-License-Identifier: GPL-2.0
/*
 * vfw_bench: packets for the benchmark, and the time they take.
 *
 * Userspace loads whole frames and a list of records, each of which makes a packet of a frame, and
 * says go. Packets are made 64 at a time, which is not timed; then the 64 go through
 * netif_receive_skb(), as a NIC's poll function would hand them over (softirqs off, outside of any
 * lock), and this is timed: a netdev's ingress hooks, the switch it is in, the egress hooks of the
 * other netdev, and that one's counting and freeing of the packet.
 *
 * Why not pktgen: it sends UDP only, all from one template with counters or random numbers in it;
 * here the two directions of TCP connections must alternate with sequence numbers that fit, in an
 * order that is given and is the same on both sides of a comparison.
 *
 * Soft interrupts that come up meanwhile (RCU's callbacks, timers) run when softirqs are allowed
 * again at a batch's end and are part of its time; work queues and other threads run between
 * batches and are not.
 */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "bench.h"

/* Protects programs and runs. */
static DEFINE_MUTEX(lock);
static atomic_t opened = ATOMIC_INIT(0);

/* One run's progress. */
struct run {
	struct vfwb_run args;
	u64 cycles, max_cycles;
	u64 gauge;	/* cycles, before this batch */
	u32 times;	/* how many were written */
	struct sk_buff *batch[VFWB_BATCH];
};

static int make_batch(struct run *run, u32 at, u32 pass, unsigned int count)
{
	unsigned int i;

	local_bh_disable();
	rcu_read_lock();
	for (i = 0; i < count; i++) {
		run->batch[i] = vfwb_program_packet(run->args.first + at + i, pass, GFP_ATOMIC);
		if (!run->batch[i])
			break;
	}
	rcu_read_unlock();
	local_bh_enable();
	if (i == count)
		return 0;
	while (i--)
		kfree_skb(run->batch[i]);
	return -ENOMEM;
}

static u32 as_ns(u64 cycles)
{
	return min_t(u64, vfwb_clock_ns(cycles), U32_MAX);
}

static int note_time(struct run *run, u64 cycles)
{
	u32 __user *times = u64_to_user_ptr(run->args.times);
	u32 __user *gauges = u64_to_user_ptr(run->args.gauges);
	u32 at = run->times;

	run->cycles += cycles;
	run->max_cycles = max(run->max_cycles, cycles);
	if (at >= run->args.times_room)
		return 0;
	run->times++;
	if (gauges && put_user(as_ns(run->gauge), gauges + at))
		return -EFAULT;
	return put_user(as_ns(cycles), times + at);
}

static int receive_batch(struct run *run, unsigned int count)
{
	unsigned int i;
	u64 begin;

	begin = vfwb_clock_read();
	local_bh_disable();
	for (i = 0; i < count; i++)
		netif_receive_skb(run->batch[i]);
	local_bh_enable();
	return note_time(run, vfwb_clock_read() - begin);
}

static int receive_each(struct run *run, unsigned int count)
{
	unsigned int i;
	int err = 0;
	u64 begin;

	for (i = 0; i < count; i++) {
		begin = vfwb_clock_read();
		local_bh_disable();
		netif_receive_skb(run->batch[i]);
		local_bh_enable();
		err = note_time(run, vfwb_clock_read() - begin) ?: err;
	}
	return err;
}

static int run_pass(struct run *run, u32 pass)
{
	unsigned int count;
	u32 at;
	int err;

	for (at = 0; at < run->args.count; at += count) {
		count = min_t(u32, VFWB_BATCH, run->args.count - at);
		err = make_batch(run, at, pass, count);
		if (err)
			return err;
		run->gauge = vfwb_clock_gauge();
		if (run->args.flags & VFWB_TIME_EACH)
			err = receive_each(run, count);
		else
			err = receive_batch(run, count);
		run->args.packets += count;
		if (err)
			return err;
		cond_resched();
		if (signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int run_all(struct vfwb_run __user *user)
{
	struct vfwb_count before, after;
	struct run *run;
	int err = 0;
	u32 i;

	run = kzalloc_obj(*run);
	if (!run)
		return -ENOMEM;
	if (copy_from_user(&run->args, user, sizeof(run->args)))
		err = -EFAULT;
	else if (!vfwb_program_has(run->args.first, run->args.count))
		err = -EINVAL;
	run->args.packets = 0;
	before = vfwb_netdev_sent();
	for (i = 0; !err && i < run->args.passes; i++)
		err = run_pass(run, run->args.pass + i);
	after = vfwb_netdev_sent();
	run->args.ns = vfwb_clock_ns(run->cycles);
	run->args.max_ns = vfwb_clock_ns(run->max_cycles);
	run->args.sent_packets = after.packets - before.packets;
	run->args.sent_bytes = after.bytes - before.bytes;
	if (!err && copy_to_user(user, &run->args, sizeof(run->args)))
		err = -EFAULT;
	kfree(run);
	return err;
}

static int load(unsigned int cmd, void __user *user)
{
	struct vfwb_load args;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	return cmd == VFWB_TEMPLATES ? vfwb_program_templates(&args) : vfwb_program_records(&args);
}

static int pace(unsigned int cmd, void __user *user)
{
	struct vfwb_paced args;
	int err;

	if (cmd == VFWB_PACED_START) {
		if (copy_from_user(&args, user, sizeof(args)))
			return -EFAULT;
		return vfwb_paced_start(&args);
	}
	err = vfwb_paced_stop(&args);
	if (!err && copy_to_user(user, &args, sizeof(args)))
		err = -EFAULT;
	return err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	guard(mutex)(&lock);
	switch (cmd) {
	case VFWB_TEMPLATES:
	case VFWB_RECORDS:
		return vfwb_paced_running() ? -EBUSY : load(cmd, user);
	case VFWB_RUN:
		return run_all(user);
	case VFWB_PACED_START:
	case VFWB_PACED_STOP:
		return pace(cmd, user);
	}
	return -ENOTTY;
}

static int bench_open(struct inode *inode, struct file *file)
{
	return atomic_cmpxchg(&opened, 0, 1) ? -EBUSY : 0;
}

static int bench_release(struct inode *inode, struct file *file)
{
	struct vfwb_paced unused;

	vfwb_paced_stop(&unused);
	vfwb_program_free();
	atomic_set(&opened, 0);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner		= THIS_MODULE,
	.open		= bench_open,
	.release	= bench_release,
	.unlocked_ioctl	= bench_ioctl,
};

static struct miscdevice bench_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vfw_bench",
	.mode	= 0600,
	.fops	= &bench_fops,
};

static int __init bench_init(void)
{
	int err;

	vfwb_clock_init();
	err = vfwb_netdev_init();
	if (err)
		return err;
	err = misc_register(&bench_misc);
	if (err)
		vfwb_netdev_exit();
	return err;
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_misc);
	vfwb_netdev_exit();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vfw benchmark: netdevs and an injector of packets");
