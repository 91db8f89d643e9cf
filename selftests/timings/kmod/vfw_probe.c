// SPDX-License-Identifier: GPL-2.0
/*
 * How long do soft interrupts and processes have to wait, and is it the kernel's own doing?
 *
 * Two events come every millisecond: a timer in a soft interrupt, and a kernel thread that goes
 * before all processes. Of each it is noted how late it was, by two clocks: that of the wall, and
 * that of the kernel itself, which is a process of the machine here (User Mode Linux) and has a
 * clock of the CPU time that it was given. An event cannot have waited longer for the kernel than
 * it was late, nor longer than the kernel was running since the event before; so the lesser of both
 * is the longest that the kernel can be blamed for (with an error of one interval), and the rest is
 * the machine's.
 *
 *   echo 1 > /sys/kernel/debug/vfw_probe    begin
 *   echo 0 > /sys/kernel/debug/vfw_probe    end
 *   cat /sys/kernel/debug/vfw_probe         softirq|process EVENTS LATE OWN OVER WHO
 *
 *   cat /sys/kernel/debug/vfw_probe_stack   what was interrupted, or had interrupts off, when OWN
 *                                           of the soft interrupt was longest and over 10 ms
 *
 *   echo 16 > /sys/kernel/debug/vfw_probe_vmalloc    have and give back so many MiB of vmalloc()
 *
 * LATE and OWN are the longest, in us; OVER is how often OWN was over 10 ms; WHO was running when
 * OWN was longest.
 */

#include <linux/debugfs.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define INTERVAL	NSEC_PER_MSEC
#define LIMIT		(10 * NSEC_PER_MSEC)
#define HOST_CLOCK_GETTIME	228
#define HOST_THREAD_CPUTIME	3

struct probe {
	const char *name;
	ktime_t due;
	u64 cpu;
	u64 events;
	u64 late;
	u64 own;
	u64 over;
	char who[TASK_COMM_LEN];
};

static struct probe softirq = { .name = "softirq" }, process = { .name = "process" };
static struct task_struct *thread;
static struct hrtimer timer;
static struct dentry *file, *stack_file, *vmalloc_file;
static DEFINE_MUTEX(lock);
static char running_last[TASK_COMM_LEN];
static unsigned long stack[48];
static unsigned int stack_depth;

/* CPU time that the machine has given to this kernel. */
static u64 own_cpu(void)
{
	struct { s64 sec, nsec; } ts = {};
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (HOST_CLOCK_GETTIME), "D" (HOST_THREAD_CPUTIME), "S" (&ts)
		     : "rcx", "r11", "memory");
	WARN_ON_ONCE(ret);
	return ts.sec * NSEC_PER_SEC + ts.nsec;
}

static void probe_begin(struct probe *probe)
{
	*probe = (struct probe) {
		.name = probe->name,
		.due = ktime_add_ns(ktime_get(), INTERVAL),
		.cpu = own_cpu(),
	};
}

static void probe_event(struct probe *probe, const char *who)
{
	u64 late = max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), probe->due)), 0);
	u64 cpu = own_cpu(), own = min(late, cpu - probe->cpu);

	probe->events++;
	probe->late = max(probe->late, late);
	if (own > probe->own) {
		probe->own = own;
		strscpy(probe->who, who, sizeof(probe->who));
	}
	probe->over += own > LIMIT;
	/* What was missed is one stall, not many. */
	probe->due = ktime_add_ns(probe->due, (late / INTERVAL + 1) * INTERVAL);
	probe->cpu = own_cpu();
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	u64 longest = max(softirq.own, LIMIT);

	strscpy(running_last, current->comm, sizeof(running_last));
	probe_event(&softirq, running_last);
	if (softirq.own > longest)
		stack_depth = stack_trace_save(stack, ARRAY_SIZE(stack), 0);
	hrtimer_set_expires(t, softirq.due);
	return HRTIMER_RESTART;
}

static int probe_run(void *unused)
{
	sched_set_fifo(current);
	probe_begin(&process);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule_hrtimeout_range(&process.due, 0, HRTIMER_MODE_ABS);
		__set_current_state(TASK_RUNNING);
		/* Woken to end, it has not waited. */
		if (!kthread_should_stop())
			probe_event(&process, running_last);
	}
	return 0;
}

static int begin(void)
{
	struct task_struct *task;

	if (thread)
		return -EBUSY;
	task = kthread_run(probe_run, NULL, "vfw_probe");
	if (IS_ERR(task))
		return PTR_ERR(task);
	thread = task;
	stack_depth = 0;
	probe_begin(&softirq);
	hrtimer_setup(&timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	hrtimer_start(&timer, softirq.due, HRTIMER_MODE_ABS_SOFT);
	return 0;
}

static int end(void)
{
	if (!thread)
		return -EALREADY;
	hrtimer_cancel(&timer);
	kthread_stop(thread);
	thread = NULL;
	return 0;
}

static void probe_show(struct seq_file *seq, const struct probe *probe)
{
	seq_printf(seq, "%s %llu %llu %llu %llu %s\n", probe->name, probe->events,
		   probe->late / NSEC_PER_USEC, probe->own / NSEC_PER_USEC, probe->over,
		   *probe->who ? probe->who : "-");
}

static int probes_show(struct seq_file *seq, void *unused)
{
	guard(mutex)(&lock);
	probe_show(seq, &softirq);
	probe_show(seq, &process);
	return 0;
}

static int probes_open(struct inode *inode, struct file *opened)
{
	return single_open(opened, probes_show, NULL);
}

static ssize_t probes_write(struct file *opened, const char __user *text, size_t size,
			    loff_t *offset)
{
	bool on;
	int err;

	err = kstrtobool_from_user(text, size, &on);
	if (err)
		return err;
	guard(mutex)(&lock);
	err = on ? begin() : end();
	return err ?: size;
}

static const struct file_operations probes_fops = {
	.owner		= THIS_MODULE,
	.open		= probes_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= single_release,
	.write		= probes_write,
};

static int stack_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	guard(mutex)(&lock);
	for (i = 0; i < stack_depth; i++)
		seq_printf(seq, "%ps\n", (void *)stack[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stack);

/* What the kernel itself takes for that, with unmapping, which it would put off otherwise. */
static int vmalloc_set(void *unused, u64 mib)
{
	void *memory = mib <= 1024 ? vzalloc(mib << 20) : NULL;

	if (!memory)
		return -ENOMEM;
	vfree(memory);
	vm_unmap_aliases();
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(vmalloc_fops, NULL, vmalloc_set, "%llu\n");

static int __init probe_init(void)
{
	file = debugfs_create_file("vfw_probe", 0600, NULL, NULL, &probes_fops);
	stack_file = debugfs_create_file("vfw_probe_stack", 0400, NULL, NULL, &stack_fops);
	vmalloc_file = debugfs_create_file_unsafe("vfw_probe_vmalloc", 0200, NULL, NULL,
						  &vmalloc_fops);
	return PTR_ERR_OR_ZERO(file);
}

static void __exit probe_exit(void)
{
	debugfs_remove(vmalloc_file);
	debugfs_remove(stack_file);
	debugfs_remove(file);
	end();
}

module_init(probe_init);
module_exit(probe_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Measures how long soft interrupts and processes wait");
