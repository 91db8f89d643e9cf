// SPDX-License-Identifier: GPL-2.0
/*
 * What QEMU does for a VM's network device: frames go between the host's tap and the VM's device,
 * with the headers that let segmentation be left to whoever comes last.
 *
 *   tappump TAP NAMESPACE DEVICE
 *
 * TAP is made here, DEVICE (a tap as well) in NAMESPACE. Says "ready", pumps until standard input
 * ends, and then prints for both directions, from the VM first, frames, bytes and the largest
 * frame.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netns.h"

#define VNET_HEADER	12	/* of virtio 1.0 */
#define BURST		64

struct way {
	int from, to;
	unsigned long long frames, bytes, largest;
};

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), size = VNET_HEADER;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &size) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
		fail(name);
	return fd;
}

/* Some frames of one way; a frame that the other end does not take is lost, as on a wire. */
static void pump(struct way *way)
{
	static uint8_t frame[VNET_HEADER + (1 << 17)];
	ssize_t length;
	int i;

	for (i = 0; i < BURST; i++) {
		length = read(way->from, frame, sizeof(frame));
		if (length < 0) {
			if (errno != EAGAIN)
				fail("read");
			return;
		}
		if (write(way->to, frame, length) < 0 && errno != EAGAIN && errno != EIO &&
		    errno != ENOBUFS)
			fail("write");
		length -= VNET_HEADER;
		way->frames++;
		way->bytes += length;
		if ((unsigned long long)length > way->largest)
			way->largest = length;
	}
}

static void print(const struct way *way)
{
	printf("%llu %llu %llu\n", way->frames, way->bytes, way->largest);
}

int main(int argc, char **argv)
{
	struct way out = {}, in = {};
	struct pollfd polled[3] = { { .fd = 0, .events = POLLIN } };

	if (argc != 4) {
		fputs("usage: tappump TAP NAMESPACE DEVICE\n", stderr);
		return 1;
	}
	in.from = open_tap(argv[1]);
	out.to = in.from;
	enter(argv[2]);
	out.from = open_tap(argv[3]);
	in.to = out.from;
	polled[1] = (struct pollfd) { .fd = out.from, .events = POLLIN };
	polled[2] = (struct pollfd) { .fd = in.from, .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(polled, 3, -1) < 0)
			fail("poll");
		if (polled[0].revents)
			break;
		if (polled[1].revents)
			pump(&out);
		if (polled[2].revents)
			pump(&in);
	}
	print(&out);
	print(&in);
	return 0;
}
