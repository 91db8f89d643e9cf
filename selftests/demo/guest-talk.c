// SPDX-License-Identifier: GPL-2.0
/*
 * guest-talk - the guest's end of the demo's traffic.
 *
 *   guest-talk serve                      echo on TCP 7000 and on 9999, and on UDP 7
 *   guest-talk call TAG V4 V6 PORT N      open N + N TCP connections to PORT and echo on them
 *   guest-talk datagrams TAG V4 V6        keep two UDP exchanges with port 53 of the peer
 *   guest-talk data BYTES SEED            write reproducible bytes to stdout
 *
 * The guest only echoes: what it is sent comes back, byte for byte and in order. So the peer
 * alone can judge both directions of a connection, also of those that the guest opened; it
 * tells those apart by the first line the guest sends: "TAG tcp4 INDEX" or "TAG tcp6 INDEX".
 *
 * With "datagrams", each of the two exchanges uses two sockets. "ask" sends numbered
 * datagrams, which the peer answers with the same number. "push" sends one only, and from then
 * on the peer alone speaks: nothing but state in a firewall lets that in. What came in on either
 * is reported in the next datagram of "ask": "TAG ask NUMBER LAST_ANSWER LAST_PUSHED".
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TCP_PORT	7000
#define CLOSED_PORT	9999	/* served, but no policy of the demo names it */
#define UDP_PORT	7
#define PEER_UDP_PORT	53
#define MAX_FDS		256
#define ASK_MS		250
#define WORDS		8192	/* of data made at a time */

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static struct pollfd fds[MAX_FDS];
static bool is_listener[MAX_FDS];
static int nfds;

static void watch(int fd, bool listener)
{
	if (fd < 0)
		return;
	if (nfds == MAX_FDS) {
		warnx("more than %d connections: one refused", MAX_FDS);
		close(fd);
		return;
	}
	is_listener[nfds] = listener;
	fds[nfds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void forget(int i)
{
	close(fds[i].fd);
	nfds--;
	fds[i] = fds[nfds];
	is_listener[i] = is_listener[nfds];
}

static socklen_t parse_address(union address *to, const char *text, int port)
{
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &to->v4.sin_addr) == 1) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		return sizeof(to->v4);
	}
	if (inet_pton(AF_INET6, text, &to->v6.sin6_addr) == 1) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(port);
		return sizeof(to->v6);
	}
	errx(1, "'%s' is not an address", text);
}

static int listen_on(int type, int port)
{
	union address any = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	int fd = socket(AF_INET6, type, 0), on = 1;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &any.sa, sizeof(any.v6)))
		err(1, "bind to port %d", port);
	if (type == SOCK_STREAM && listen(fd, 64))
		err(1, "listen on port %d", port);
	return fd;
}

static int connect_to(int type, const char *text, int port)
{
	union address to;
	socklen_t len = parse_address(&to, text, port);
	int fd = socket(to.sa.sa_family, type, 0);

	if (fd < 0)
		err(1, "socket");
	if (connect(fd, &to.sa, len))
		err(1, "connect to %s port %d", text, port);
	return fd;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

static bool echo_stream(int fd)
{
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));

	return n > 0 && write_all(fd, data, n);
}

static void echo_datagram(int fd)
{
	union address from;
	socklen_t len = sizeof(from);
	char data[2048];
	ssize_t n = recvfrom(fd, data, sizeof(data), 0, &from.sa, &len);

	if (n >= 0)
		sendto(fd, data, n, 0, &from.sa, len);
}

/* Ends when the last connection is gone; a listener never goes. */
static void echo_loop(int udp)
{
	while (nfds) {
		if (poll(fds, nfds, -1) < 0)
			err(1, "poll");
		/* backwards, because forget() moves the last entry down */
		for (int i = nfds - 1; i >= 0; i--) {
			if (!fds[i].revents)
				continue;
			if (fds[i].fd == udp)
				echo_datagram(udp);
			else if (is_listener[i])
				watch(accept(fds[i].fd, NULL, NULL), false);
			else if (!echo_stream(fds[i].fd))
				forget(i);
		}
	}
}

static int serve(void)
{
	int udp = listen_on(SOCK_DGRAM, UDP_PORT);

	watch(listen_on(SOCK_STREAM, TCP_PORT), true);
	watch(listen_on(SOCK_STREAM, CLOSED_PORT), true);
	watch(udp, false);
	echo_loop(udp);
	return 0;
}

static int call(const char *tag, char *const address[2], int port, int count)
{
	static const char *const family[2] = { "tcp4", "tcp6" };
	char hello[64];

	for (int f = 0; f < 2; f++) {
		for (int i = 0; i < count; i++) {
			int fd = connect_to(SOCK_STREAM, address[f], port);
			int len = snprintf(hello, sizeof(hello), "%s %s %d\n", tag, family[f], i);

			if (!write_all(fd, hello, len))
				err(1, "write to %s", address[f]);
			watch(fd, false);
		}
	}
	echo_loop(-1);
	return 0;
}

/* Take what has come, and remember the highest number in it. */
static void drain(int fd, long *last)
{
	char data[64];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data) - 1, MSG_DONTWAIT)) > 0) {
		long number;

		data[n] = '\0';
		number = strtol(data, NULL, 10);
		if (number > *last)
			*last = number;
	}
}

static void datagrams(const char *tag, char *const address[2])
{
	int ask[2], push[2], len;
	long answered[2] = { 0 }, pushed[2] = { 0 };
	const struct timespec pause = { .tv_nsec = ASK_MS * 1000000L };
	char data[64];

	for (int f = 0; f < 2; f++) {
		ask[f] = connect_to(SOCK_DGRAM, address[f], PEER_UDP_PORT);
		push[f] = connect_to(SOCK_DGRAM, address[f], PEER_UDP_PORT);
		len = snprintf(data, sizeof(data), "%s push", tag);
		send(push[f], data, len, 0);
	}
	for (long number = 1; ; number++) {
		for (int f = 0; f < 2; f++) {
			drain(ask[f], &answered[f]);
			drain(push[f], &pushed[f]);
			len = snprintf(data, sizeof(data), "%s ask %ld %ld %ld",
				       tag, number, answered[f], pushed[f]);
			send(ask[f], data, len, 0);
		}
		nanosleep(&pause, NULL);
	}
}

/* xorshift64*: bytes that do not compress, from a seed that both ends know */
static int data(unsigned long bytes, unsigned long long seed)
{
	static unsigned long long block[WORDS];

	while (bytes) {
		size_t n = bytes < sizeof(block) ? bytes : sizeof(block);

		for (int i = 0; i < WORDS; i++) {
			seed ^= seed >> 12;
			seed ^= seed << 25;
			seed ^= seed >> 27;
			block[i] = seed * 0x2545f4914f6cdd1dULL;
		}
		if (!write_all(STDOUT_FILENO, (char *)block, n))
			return 1;
		bytes -= n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "serve") && argc == 2)
		return serve();
	if (!strcmp(what, "call") && argc == 7)
		return call(argv[2], &argv[3], atoi(argv[5]), atoi(argv[6]));
	if (!strcmp(what, "datagrams") && argc == 5)
		datagrams(argv[2], &argv[3]);
	if (!strcmp(what, "data") && argc == 4)
		return data(strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0) | 1);
	fprintf(stderr, "usage: guest-talk serve | call TAG V4 V6 PORT N |\n"
		"       datagrams TAG V4 V6 | data BYTES SEED\n");
	return 2;
}
