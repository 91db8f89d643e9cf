/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which flows there are: the same for all programs, so that all sides hold the same.
 *
 * They are TCP connections to a server, the VM, from many far ends of 64 connections each. IPv6
 * addresses of the far ends are written out long, as those that hosts choose for themselves are.
 */
#ifndef BENCH_FLOWS_H
#define BENCH_FLOWS_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_PORT		443
#define WINDOW_SCALE	7
#define SYN_WINDOW	64240
#define WINDOW		502	/* in what follows the SYN, scaled */

/* A connection; addresses and ports in network order, IPv4 in the first four bytes. */
struct flow {
	uint8_t vm[16];
	uint8_t far[16];
	uint16_t vm_port;
	uint16_t far_port;
	uint32_t vm_isn;
	uint32_t far_isn;
};

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static inline void flow_of(uint32_t number, int v6, struct flow *flow)
{
	static const uint8_t vm6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	static const uint8_t far6[8] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01 };
	uint32_t far4 = htonl(0x64400000 + number / 64);
	uint64_t id = mix(number / 64 + 1), isn = mix(~(uint64_t)number);

	memset(flow, 0, sizeof(*flow));
	if (v6) {
		memcpy(flow->vm, vm6, 16);
		memcpy(flow->far, far6, 8);
		memcpy(flow->far + 8, &id, 8);
	} else {
		memcpy(flow->vm, "\x0a\x00\x00\x02", 4);
		memcpy(flow->far, &far4, 4);
	}
	flow->vm_port = htons(VM_PORT);
	flow->far_port = htons(32768 + number % 64 * 449);
	flow->vm_isn = isn;
	flow->far_isn = isn >> 32;
}

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* The arguments COUNT and 4|6 */
static inline uint32_t parse_count(const char *text)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (*end || count < 1 || count > 4000000) {
		fprintf(stderr, "%s: 1 to 4000000 flows\n", text);
		exit(1);
	}
	return count;
}

static inline int parse_v6(const char *text)
{
	if (strcmp(text, "4") && strcmp(text, "6")) {
		fprintf(stderr, "%s: 4 or 6\n", text);
		exit(1);
	}
	return *text == '6';
}

#endif
