// SPDX-License-Identifier: GPL-2.0
/*
 * The recorder: which cache lines does vfw's code read and write, on which CPU?
 *
 * It is linked into a vfw.ko whose objects are compiled with -fsanitize=thread, so that each
 * access to memory that is not a local variable calls a function of this file. What the
 * compiler does not see comes otherwise: atomic operations by linux/instrumented.h (ours), calls
 * of functions of the kernel by wrappers (wrap.sh), of which those of spin locks and of memory
 * functions tell what they touch; the others are counted, so that the report can say what ran
 * that is not recorded.
 *
 * The module's parameter record: 1 forgets all and begins, 0 ends. What was seen is in
 * debugfs: vfw_smp. Only the packets' path is recorded: softirqs, and BH off in a process that
 * is not a worker.
 */

#include <linux/debugfs.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#include "record.h"

#define LINES	BIT(17) /* of each CPU */
#define WHO	4

/**
 * struct line - a cache line that a CPU touched
 * @number: address / 64
 * @reads: how often
 * @writes: how often
 * @claims: how often it was fetched in order to be written, by prefetchw()
 * @who: from where it was written; from where it was read, if it was not written
 */
struct line {
	unsigned long number;
	unsigned int reads;
	unsigned int writes;
	unsigned int claims;
	unsigned long who[WHO];
};

/**
 * struct recorder - of a CPU
 * @lines: by hash
 * @stack: accesses to the CPU's own stack
 * @lost: accesses for which there was no room
 * @calls: of the kernel's functions, by number
 */
struct recorder {
	struct line *lines;
	unsigned long stack;
	unsigned long lost;
	unsigned long calls[VFW_SMP_MAX_CALLS];
};

static struct recorder recorders[NR_CPUS];
static struct dentry *file;
static bool recording;

/* Does a packet bring us here? A worker is the collector of expired flows, or the like. */
static bool packet_path(void)
{
	return in_serving_softirq() || (softirq_count() && !(current->flags & PF_WQ_WORKER));
}

/* Not with memset(), which comes back to here. */
static void forget_who(struct line *line)
{
	int i;

	for (i = 0; i < WHO; i++)
		WRITE_ONCE(line->who[i], 0);
}

static void note_who(struct line *line, unsigned long ip)
{
	int i;

	for (i = 0; i < WHO && line->who[i] != ip; i++)
		if (!line->who[i]) {
			line->who[i] = ip;
			return;
		}
}

static void note_line(struct recorder *r, unsigned long number, enum vfw_smp_access access,
		      unsigned long ip)
{
	unsigned int i = (number * 0x9e3779b97f4a7c15ul) >> 47, tries;
	struct line *line;

	for (tries = 0; tries < 64; tries++, i = (i + 1) % LINES) {
		line = &r->lines[i];
		if (line->number && line->number != number)
			continue;
		line->number = number;
		if (access == WRITE_ACCESS && !line->writes)
			forget_who(line);
		line->reads += access == READ_ACCESS;
		line->writes += access == WRITE_ACCESS;
		line->claims += access == CLAIM;
		if (access == WRITE_ACCESS || !line->writes)
			note_who(line, ip);
		return;
	}
	r->lost++;
}

static bool own_stack(unsigned long address)
{
	return !((address ^ (unsigned long)__builtin_frame_address(0)) & ~(THREAD_SIZE - 1));
}

static void note(unsigned long address, size_t size, enum vfw_smp_access access, unsigned long ip)
{
	unsigned long number, flags;
	struct recorder *r;

	if (!READ_ONCE(recording) || !size || !packet_path())
		return;
	local_irq_save(flags);
	r = &recorders[smp_processor_id()];
	if (own_stack(address))
		r->stack++;
	else
		for (number = address / 64; number <= (address + size - 1) / 64; number++)
			note_line(r, number, access, ip);
	local_irq_restore(flags);
}

void vfw_smp_read(const void *address, size_t size)
{
	note((unsigned long)address, size, READ_ACCESS, _RET_IP_);
}

void vfw_smp_write(const void *address, size_t size)
{
	note((unsigned long)address, size, WRITE_ACCESS, _RET_IP_);
}

void vfw_smp_claim(const void *address)
{
	note((unsigned long)address, 1, CLAIM, _RET_IP_);
}

/* For tsan.S. */
void vfw_smp_access(const void *address, size_t size, enum vfw_smp_access access, unsigned long ip)
{
	note((unsigned long)address, size, access, ip);
}

/**
 * vfw_smp_call() - vfw calls a function of the kernel
 * @number: of the function
 * @arguments: the first three
 * @kind: what it does with them
 * @ip: where it is called
 */
void vfw_smp_call(unsigned int number, const unsigned long *arguments, enum vfw_smp_kind kind,
		  unsigned long ip)
{
	unsigned long flags;

	if (!READ_ONCE(recording) || !packet_path())
		return;
	switch (kind) {
	case VFW_SMP_LOCK:
		note(arguments[0], sizeof(spinlock_t), WRITE_ACCESS, ip);
		break;
	case VFW_SMP_SET:
		note(arguments[0], arguments[2], WRITE_ACCESS, ip);
		break;
	case VFW_SMP_COPY:
		note(arguments[0], arguments[2], WRITE_ACCESS, ip);
		note(arguments[1], arguments[2], READ_ACCESS, ip);
		break;
	case VFW_SMP_OTHER:
		break;
	}
	local_irq_save(flags);
	recorders[smp_processor_id()].calls[number]++;
	local_irq_restore(flags);
}

static void show_line(struct seq_file *m, int cpu, const struct line *line)
{
	int i;

	seq_printf(m, "line %d %lx %u %u %u", cpu, line->number * 64, line->reads, line->writes,
		   line->claims);
	for (i = 0; i < WHO && line->who[i]; i++)
		seq_printf(m, " %lx", line->who[i]);
	seq_putc(m, '\n');
}

/* What there is of a CPU; also of one that saw nothing. */
static int vfw_smp_show(struct seq_file *m, void *v)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct recorder *r = &recorders[cpu];

		seq_printf(m, "cpu %d %lu %lu\n", cpu, r->stack, r->lost);
		for (i = 0; r->lines && i < LINES; i++)
			if (r->lines[i].number)
				show_line(m, cpu, &r->lines[i]);
		for (i = 0; i < VFW_SMP_MAX_CALLS; i++)
			if (r->calls[i])
				seq_printf(m, "calls %d %s %lu\n", cpu, vfw_smp_names[i],
					   r->calls[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vfw_smp);

static int begin(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct recorder *r = &recorders[cpu];

		if (!r->lines)
			r->lines = vmalloc(array_size(LINES, sizeof(*r->lines)));
		if (!r->lines)
			return -ENOMEM;
		memset(r->lines, 0, LINES * sizeof(*r->lines));
		memset(r->calls, 0, sizeof(r->calls));
		r->stack = 0;
		r->lost = 0;
	}
	if (!file)
		file = debugfs_create_file("vfw_smp", 0400, NULL, NULL, &vfw_smp_fops);
	WRITE_ONCE(recording, true);
	return 0;
}

static int set_record(const char *value, const struct kernel_param *kp)
{
	if (sysfs_streq(value, "1"))
		return begin();
	WRITE_ONCE(recording, false);
	return 0;
}

static const struct kernel_param_ops record_ops = { .set = set_record };
module_param_cb(record, &record_ops, NULL, 0200);
MODULE_PARM_DESC(record, "1: forget all and record; 0: end");
