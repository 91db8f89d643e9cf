// SPDX-License-Identifier: GPL-2.0
/*
 * Round trips of one small UDP packet between two network namespaces.
 *
 *   pingpong SERVER_NAMESPACE ADDRESS PORT CLIENT_NAMESPACE COUNT MS
 *
 * Prints median, 99th and 99.9th percentile in ns. Exit status 2: an answer did not come within
 * MS.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"

#define WARM_UP	100

static uint64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/*
 * In ticks, which are ns only where there is no counter that can be read without a system call:
 * on the lab's kernel the call costs as much as a good part of what it times.
 */
static uint64_t now(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return clock_ns();
#endif
}

/* Send back whatever comes. The socket is bound before the client begins. */
static void serve(int fd)
{
	struct sockaddr_in from;
	socklen_t length;
	char data[64];
	ssize_t got;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		length = sizeof(from);
		got = recvfrom(fd, data, sizeof(data), 0, (void *)&from, &length);
		if (got < 0 || sendto(fd, data, got, 0, (void *)&from, length) != got)
			fail("server");
	}
}

static uint64_t round_trip(int fd, uint32_t number)
{
	uint32_t data[8] = { number }, answer[8];
	const uint64_t start = now();

	if (send(fd, data, sizeof(data), 0) != sizeof(data))
		fail("send");
	do {
		if (recv(fd, answer, sizeof(answer), 0) < 0) {
			if (errno != EAGAIN)
				fail("recv");
			fputs("pingpong: no answer\n", stderr);
			exit(2);
		}
	} while (answer[0] != number);
	return now() - start;
}

/* All the round trips that count, in ticks; returns ns in a tick. */
static double measure(int fd, uint64_t *times, uint32_t count)
{
	uint64_t start, start_ns;
	uint32_t i;

	for (i = 0; i < WARM_UP; i++)
		round_trip(fd, i);
	start_ns = clock_ns();
	start = now();
	for (i = 0; i < count; i++)
		times[i] = round_trip(fd, WARM_UP + i);
	return (double)(clock_ns() - start_ns) / (now() - start);
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	struct timeval patience;
	uint64_t *times;
	uint32_t count;
	double tick;
	int fd, ms;
	pid_t child;

	if (argc != 7 || inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
		fputs("usage: pingpong SERVER_NS ADDRESS PORT CLIENT_NS COUNT MS\n", stderr);
		return 1;
	}
	server.sin_port = htons(atoi(argv[3]));
	count = atoi(argv[5]);
	ms = atoi(argv[6]);
	patience = (struct timeval) { ms / 1000, ms % 1000 * 1000 };
	times = calloc(count, sizeof(*times));
	enter(argv[1]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!times || count < 1 || fd < 0 || bind(fd, (void *)&server, sizeof(server)))
		fail("server");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		serve(fd);
	close(fd);
	enter(argv[4]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (void *)&server, sizeof(server)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		fail("client");
	tick = measure(fd, times, count);
	kill(child, SIGKILL);
	qsort(times, count, sizeof(*times), ascending);
	printf("%.0f %.0f %.0f\n", tick * times[count / 2], tick * times[count * 99ULL / 100],
	       tick * times[count * 999ULL / 1000]);
	return 0;
}
