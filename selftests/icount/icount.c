// SPDX-License-Identifier: GPL-2.0
/*
 * Count the instructions of calls of a function in a User Mode Linux kernel, by single steps.
 *
 *	icount PID CALLS READY ADDRESS[,PF,HOOK]...
 *
 * Attaches to the kernel's process PID, sets a breakpoint at each ADDRESS (hexadecimal) and makes
 * the file READY. Each call there is then single-stepped to its return, until CALLS were. With
 * PF and HOOK only calls count whose second argument, a struct nf_hook_state, says so: that is
 * for nf_hook_slow().
 *
 * Signals (the kernel's timer) wait meanwhile, as if interrupts were off. A call that a signal
 * nevertheless interrupts (a fault) is thrown away.
 *
 * Prints a line for each call, "call ADDRESS PF HOOK INSTRUCTIONS" followed by "ADDRESS:TIMES" of
 * each instruction; "thrown" instead of "call" if it was thrown away.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BREAKPOINTS	8
#define MAX_STEPS	200000
#define SEEN_SIZE	16384 /* distinct instructions of one call; a power of two */
#define BREAKPOINT	0xcc
#define PATIENCE	300 /* seconds */

/**
 * struct breakpoint - where calls are looked for
 * @address: of the function
 * @pf: of struct nf_hook_state, or -1: not asked for
 * @hook: the same
 * @byte: what the breakpoint replaces
 */
struct breakpoint {
	unsigned long address;
	int pf;
	int hook;
	unsigned char byte;
};

struct seen {
	unsigned long address;
	unsigned int times;
};

static struct breakpoint breakpoints[MAX_BREAKPOINTS];
static int n_breakpoints;
static struct seen seen[SEEN_SIZE];
static pid_t pid;
static int memory;

static void die(const char *what)
{
	fprintf(stderr, "icount: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void trace(int request, void *address, void *data, const char *what)
{
	if (ptrace(request, pid, address, data))
		die(what);
}

static void read_memory(unsigned long address, void *data, size_t size)
{
	if (pread(memory, data, size, (off_t)address) != (ssize_t)size)
		die("reading the kernel's memory");
}

static void write_byte(unsigned long address, unsigned char byte)
{
	if (pwrite(memory, &byte, 1, (off_t)address) != 1)
		die("writing the kernel's memory");
}

static void set_breakpoints(bool on)
{
	for (int i = 0; i < n_breakpoints; i++)
		write_byte(breakpoints[i].address, on ? BREAKPOINT : breakpoints[i].byte);
}

static void parse_breakpoint(const char *text)
{
	struct breakpoint *b = &breakpoints[n_breakpoints++];
	char *end;

	b->address = strtoul(text, &end, 16);
	b->pf = -1;
	b->hook = -1;
	if (*end == ',' && sscanf(end, ",%d,%d", &b->pf, &b->hook) != 2) {
		fprintf(stderr, "icount: '%s' is not ADDRESS,PF,HOOK\n", text);
		exit(1);
	}
}

static void note(unsigned long address)
{
	unsigned int i = (address * 0x9e3779b97f4a7c15ul) >> 50;

	while (seen[i].times && seen[i].address != address)
		i = (i + 1) % SEEN_SIZE;
	seen[i].address = address;
	seen[i].times++;
}

static int wait_stop(void)
{
	int status;

	if (waitpid(pid, &status, __WALL) < 0)
		die("waitpid");
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "icount: the kernel ended\n");
		exit(1);
	}
	return status;
}

static void block_signals(unsigned long *before)
{
	unsigned long all = ~0ul & ~(1ul << (SIGSEGV - 1)) & ~(1ul << (SIGTRAP - 1)) &
		       ~(1ul << (SIGBUS - 1)) & ~(1ul << (SIGILL - 1)) & ~(1ul << (SIGFPE - 1));

	trace(PTRACE_GETSIGMASK, (void *)sizeof(*before), before, "PTRACE_GETSIGMASK");
	all |= *before;
	trace(PTRACE_SETSIGMASK, (void *)sizeof(all), &all, "PTRACE_SETSIGMASK");
}

/*
 * Step from the first instruction of a function until it has returned. Returns how many
 * instructions that were, 0 if a signal came between; that is delivered.
 */
static unsigned int step_call(struct user_regs_struct *regs)
{
	unsigned long top = regs->rsp, back;
	unsigned int steps = 0;
	int status;

	read_memory(top, &back, sizeof(back));
	do {
		note(regs->rip);
		trace(PTRACE_SINGLESTEP, NULL, NULL, "PTRACE_SINGLESTEP");
		status = wait_stop();
		if (WSTOPSIG(status) != SIGTRAP || status >> 16) {
			trace(PTRACE_SINGLESTEP, NULL, (void *)(long)WSTOPSIG(status), "signal");
			wait_stop();
			return 0;
		}
		trace(PTRACE_GETREGS, NULL, regs, "PTRACE_GETREGS");
		if (++steps > MAX_STEPS)
			return 0;
	} while (regs->rip != back || regs->rsp <= top);
	return steps;
}

static void print_call(const struct breakpoint *b, unsigned int steps)
{
	printf("%s %lx %d %d %u", steps ? "call" : "thrown", b->address, b->pf, b->hook, steps);
	for (int i = 0; i < SEEN_SIZE; i++)
		if (seen[i].times)
			printf(" %lx:%u", seen[i].address, seen[i].times);
	putchar('\n');
}

/* Is there a breakpoint at an address? Of several, which does the hook's state mean? */
static struct breakpoint *breakpoint_at(unsigned long address, const unsigned char *state)
{
	struct breakpoint *b;

	for (b = breakpoints; b < breakpoints + n_breakpoints; b++)
		if (b->address == address &&
		    (!state || b->pf < 0 || (state[1] == b->pf && state[0] == b->hook)))
			return b;
	return NULL;
}

/* The kernel stopped at a breakpoint; returns whether a call was counted. */
static bool at_breakpoint(const struct breakpoint *b, struct user_regs_struct *regs)
{
	unsigned int steps = 0;
	unsigned char state[2] = {};
	unsigned long mask;

	regs->rip = b->address;
	trace(PTRACE_SETREGS, NULL, regs, "PTRACE_SETREGS");
	if (b->pf >= 0)
		read_memory(regs->rsi, state, sizeof(state));
	b = breakpoint_at(b->address, state);
	set_breakpoints(false);
	memset(seen, 0, sizeof(seen));
	block_signals(&mask);
	if (b) {
		steps = step_call(regs);
	} else { /* not one of ours: past the breakpoint */
		trace(PTRACE_SINGLESTEP, NULL, NULL, "PTRACE_SINGLESTEP");
		wait_stop();
	}
	trace(PTRACE_SETSIGMASK, (void *)sizeof(mask), &mask, "PTRACE_SETSIGMASK");
	if (b)
		print_call(b, steps);
	set_breakpoints(true);
	return steps;
}

/* Go on to the next stop; @signal is delivered. Returns the signal that is to be delivered then. */
static int go_on(int signal, bool *counted)
{
	struct user_regs_struct regs;
	const struct breakpoint *b;
	int status;

	*counted = false;
	trace(PTRACE_CONT, NULL, (void *)(long)signal, "PTRACE_CONT");
	status = wait_stop();
	if (status >> 16)
		return 0;
	if (WSTOPSIG(status) != SIGTRAP)
		return WSTOPSIG(status);
	trace(PTRACE_GETREGS, NULL, &regs, "PTRACE_GETREGS");
	b = breakpoint_at(regs.rip - 1, NULL);
	if (!b)
		return SIGTRAP;
	*counted = at_breakpoint(b, &regs);
	return 0;
}

/* Returns the signal that came first, if one did: it is to be delivered. */
static int attach(void)
{
	char path[64];
	int status;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDWR | O_CLOEXEC);
	if (memory < 0)
		die(path);
	trace(PTRACE_SEIZE, NULL, (void *)PTRACE_O_EXITKILL, "PTRACE_SEIZE");
	trace(PTRACE_INTERRUPT, NULL, NULL, "PTRACE_INTERRUPT");
	status = wait_stop();
	for (int i = 0; i < n_breakpoints; i++)
		read_memory(breakpoints[i].address, &breakpoints[i].byte, 1);
	set_breakpoints(true);
	return status >> 16 ? 0 : WSTOPSIG(status);
}

/* The kernel is stopped here only when it is at a stop of its own: no instruction is half done. */
static void detach(int signal)
{
	set_breakpoints(false);
	trace(PTRACE_DETACH, NULL, (void *)(long)signal, "PTRACE_DETACH");
}

int main(int argc, char **argv)
{
	unsigned int calls, done = 0;
	int ready, signal;
	bool counted;

	if (argc < 5 || argc > 4 + MAX_BREAKPOINTS) {
		fprintf(stderr, "usage: icount PID CALLS READY ADDRESS[,PF,HOOK]...\n");
		return 1;
	}
	pid = atoi(argv[1]);
	calls = (unsigned int)atoi(argv[2]);
	for (int i = 4; i < argc; i++)
		parse_breakpoint(argv[i]);
	alarm(PATIENCE); /* ends this, and the kernel */
	signal = attach();
	ready = creat(argv[3], 0644);
	if (ready < 0)
		die(argv[3]);
	close(ready);
	while (done < calls) {
		signal = go_on(signal, &counted);
		done += counted;
	}
	detach(signal);
	return 0;
}
