// SPDX-License-Identifier: GPL-2.0
/*
 * Opens TCP connections by their three segments, as two ends would that have no memory.
 *
 *   openflows VM_NAMESPACE:DEVICE FAR_NAMESPACE:DEVICE COUNT 4|6
 *
 * The frames go to an address of nobody, so that no host answers them; a bridge floods them.
 */

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "flows.h"

#define BATCH	256
#define FRAME	128

#define SYN	0x02
#define ACK	0x10

struct tcp {
	uint16_t source, destination;
	uint32_t sequence, acknowledgment;
	uint8_t offset, flags;
	uint16_t window, checksum, urgent;
	uint8_t options[12];
};

static uint8_t frames[BATCH][FRAME];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static uint32_t sum(const void *data, size_t length, uint32_t start)
{
	const uint16_t *words = data;

	for (; length; length -= 2)
		start += *words++;
	return start;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static void put_ip(uint8_t *ip, const uint8_t *from, const uint8_t *to, int v6, size_t length)
{
	uint16_t check, total = htons(20 + length), payload = htons(length);

	if (v6) {
		ip[0] = 0x60;
		memcpy(ip + 4, &payload, 2);
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 8, from, 16);
		memcpy(ip + 24, to, 16);
		return;
	}
	ip[0] = 0x45;
	memcpy(ip + 2, &total, 2);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, from, 4);
	memcpy(ip + 16, to, 4);
	check = fold(sum(ip, 20, 0));
	memcpy(ip + 10, &check, 2);
}

/* A segment from the VM or to it; returns the length of its frame. */
static size_t put_frame(uint8_t *frame, const struct flow *flow, int v6, int from_vm, int flags)
{
	static const uint8_t options[12] = { 2, 4, 5, 180, 4, 2, 1, 3, 3, WINDOW_SCALE, 1, 1 };
	const size_t length = flags & SYN ? 32 : 20, ip = v6 ? 40 : 20, address = v6 ? 16 : 4;
	const uint8_t *from = from_vm ? flow->vm : flow->far, *to = from_vm ? flow->far : flow->vm;
	struct tcp *tcp = (void *)(frame + ETH_HLEN + ip);
	uint32_t pseudo = htons(length) + htons(IPPROTO_TCP);

	memset(frame, 0, ETH_HLEN + ip);
	memcpy(frame, "\2\0\0\0\0\x70", 6);
	memcpy(frame + 6, from_vm ? "\2\0\0\0\0\x72" : "\2\0\0\0\0\x71", 6);
	memcpy(frame + 12, v6 ? "\x86\xdd" : "\x08\x00", 2);
	put_ip(frame + ETH_HLEN, from, to, v6, length);
	*tcp = (struct tcp) {
		.source = from_vm ? flow->vm_port : flow->far_port,
		.destination = from_vm ? flow->far_port : flow->vm_port,
		.sequence = htonl((from_vm ? flow->vm_isn : flow->far_isn) + !(flags & SYN)),
		.acknowledgment = flags & ACK
			? htonl((from_vm ? flow->far_isn : flow->vm_isn) + 1) : 0,
		.offset = length << 2,
		.flags = flags,
		.window = htons(flags & SYN ? SYN_WINDOW : WINDOW),
	};
	memcpy(tcp->options, options, length - 20);
	pseudo = sum(from, address, sum(to, address, pseudo));
	tcp->checksum = fold(sum(tcp, length, pseudo));
	return ETH_HLEN + ip + length;
}

static int open_end(char *name)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET };
	char path[128], *device = strchr(name, ':');
	int fd, one = 1, size = 4 << 20;

	if (!device) {
		fprintf(stderr, "%s: not NAMESPACE:DEVICE\n", name);
		exit(1);
	}
	*device++ = '\0';
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	where.sll_ifindex = if_nametoindex(device);
	if (fd < 0 || !where.sll_ifindex || bind(fd, (void *)&where, sizeof(where)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail(device);
	return fd;
}

static void send_batch(int fd, uint32_t first, uint32_t n, int v6, int from_vm, int flags)
{
	struct flow flow;
	uint32_t i;
	int sent;

	for (i = 0; i < n; i++) {
		flow_of(first + i, v6, &flow);
		parts[i].iov_base = frames[i];
		parts[i].iov_len = put_frame(frames[i], &flow, v6, from_vm, flags);
		messages[i].msg_hdr = (struct msghdr) { .msg_iov = parts + i, .msg_iovlen = 1 };
	}
	for (i = 0; i < n; i += sent) {
		sent = sendmmsg(fd, messages + i, n - i, 0);
		if (sent < 0)
			fail("sendmmsg");
	}
}

int main(int argc, char **argv)
{
	uint32_t count, first, n;
	int vm, far, v6;

	if (argc != 5) {
		fputs("usage: openflows VM_NS:DEVICE FAR_NS:DEVICE COUNT 4|6\n", stderr);
		return 1;
	}
	count = parse_count(argv[3]);
	v6 = parse_v6(argv[4]);
	vm = open_end(argv[1]);
	far = open_end(argv[2]);
	for (first = 0; first < count; first += n) {
		n = count - first < BATCH ? count - first : BATCH;
		send_batch(far, first, n, v6, 0, SYN);
		send_batch(vm, first, n, v6, 1, SYN | ACK);
		send_batch(far, first, n, v6, 0, ACK);
	}
	return 0;
}
