// SPDX-License-Identifier: GPL-2.0
/*
 * Conntrack over netlink, with as little of its own as can be: what the interface itself allows.
 *
 *   ctnl fill COUNT 4|6   create COUNT entries (flows.h)
 *   ctnl dump FILE        write all entries to FILE as the messages they come in
 *   ctnl restore FILE     create the entries of such a file
 *   ctnl count            print how many entries are assured (TCP: were established)
 *
 * dump and restore print entries and bytes. fill and restore send many requests at a time, ask
 * for no acknowledgments, and take any error message for the end.
 */

#include <fcntl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows.h"

#define BATCH		(64 * 1024)
#define BUFFER		(1024 * 1024)
#define RECEIVE		(64 * 1024)	/* the kernel fills up to 32 KiB at a time */

static uint8_t buffer[BUFFER];
static size_t used;
static int nl;

static void nl_open(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int size = 4 * BATCH;

	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (nl < 0 || connect(nl, (void *)&kernel, sizeof(kernel)))
		fail("netlink");
	if (setsockopt(nl, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail("SO_SNDBUFFORCE");
}

static struct nlmsghdr *message_begin(uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *head = (void *)(buffer + used);
	struct nfgenmsg *generic = NLMSG_DATA(head);

	memset(head, 0, NLMSG_SPACE(sizeof(*generic)));
	head->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	used += NLMSG_SPACE(sizeof(*generic));
	return head;
}

static void *attribute(uint16_t type, const void *data, size_t length)
{
	struct nlattr *attr = (void *)(buffer + used);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + length;
	memset(attr + 1, 0, NLA_ALIGN(length));
	if (length)
		memcpy(attr + 1, data, length);
	used += NLA_HDRLEN + NLA_ALIGN(length);
	return attr;
}

static struct nlattr *nest_begin(uint16_t type)
{
	return attribute(type | NLA_F_NESTED, NULL, 0);
}

static void nest_end(struct nlattr *nest)
{
	nest->nla_len = buffer + used - (uint8_t *)nest;
}

static void send_pending(void)
{
	if (used && send(nl, buffer, used, 0) != (ssize_t)used)
		fail("send");
	used = 0;
}

/* The kernel works requests off before send() returns, and answers errors only. */
static void flush(void)
{
	uint8_t answer[8192];
	struct nlmsghdr *head = (void *)answer;
	struct nlmsgerr *error = NLMSG_DATA(head);

	send_pending();
	if (recv(nl, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
		fprintf(stderr, "ctnl: refused: %s\n",
			head->nlmsg_type == NLMSG_ERROR ? strerror(-error->error) : "?");
		exit(1);
	}
}

static void add_tuple(uint16_t type, const struct flow *flow, int v6, int reply)
{
	const size_t size = v6 ? 16 : 4;
	struct nlattr *tuple = nest_begin(type), *part;
	const uint8_t protocol = IPPROTO_TCP;

	part = nest_begin(CTA_TUPLE_IP);
	attribute(v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, reply ? flow->vm : flow->far, size);
	attribute(v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, reply ? flow->far : flow->vm, size);
	nest_end(part);
	part = nest_begin(CTA_TUPLE_PROTO);
	attribute(CTA_PROTO_NUM, &protocol, 1);
	attribute(CTA_PROTO_SRC_PORT, reply ? &flow->vm_port : &flow->far_port, 2);
	attribute(CTA_PROTO_DST_PORT, reply ? &flow->far_port : &flow->vm_port, 2);
	nest_end(part);
	nest_end(tuple);
}

static void add_state(void)
{
	const uint8_t state = TCP_CONNTRACK_ESTABLISHED, scale = WINDOW_SCALE;
	const uint8_t options = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM;
	const struct nf_ct_tcp_flags flags = { .flags = options, .mask = options };
	const uint32_t status = htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	const uint32_t timeout = htonl(7440);
	struct nlattr *info, *tcp;

	attribute(CTA_STATUS, &status, 4);
	attribute(CTA_TIMEOUT, &timeout, 4);
	info = nest_begin(CTA_PROTOINFO);
	tcp = nest_begin(CTA_PROTOINFO_TCP);
	attribute(CTA_PROTOINFO_TCP_STATE, &state, 1);
	attribute(CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, &scale, 1);
	attribute(CTA_PROTOINFO_TCP_WSCALE_REPLY, &scale, 1);
	attribute(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &flags, sizeof(flags));
	attribute(CTA_PROTOINFO_TCP_FLAGS_REPLY, &flags, sizeof(flags));
	nest_end(tcp);
	nest_end(info);
}

static void fill(uint32_t count, int v6)
{
	struct nlmsghdr *head;
	struct flow flow;
	uint32_t i;

	for (i = 0; i < count; i++) {
		flow_of(i, v6, &flow);
		head = message_begin(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL,
				     v6 ? AF_INET6 : AF_INET);
		add_tuple(CTA_TUPLE_ORIG, &flow, v6, 0);
		add_tuple(CTA_TUPLE_REPLY, &flow, v6, 1);
		add_state();
		head->nlmsg_len = buffer + used - (uint8_t *)head;
		if (used > BATCH - 1024)
			flush();
	}
	flush();
}

static void write_all(int fd, const uint8_t *data, size_t length)
{
	ssize_t written;

	for (; length; data += written, length -= written) {
		written = write(fd, data, length);
		if (written < 0)
			fail("write");
	}
}

/* Count the messages of a datagram; false at the end of the dump, which does not count. */
static int count_messages(struct nlmsghdr *head, ssize_t *length, uint32_t *count)
{
	ssize_t left = *length;

	for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		if (head->nlmsg_type == NLMSG_ERROR) {
			fputs("ctnl: the dump was refused\n", stderr);
			exit(1);
		}
		if (head->nlmsg_type == NLMSG_DONE) {
			*length -= left;
			return 0;
		}
		++*count;
	}
	return 1;
}

static void dump(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), more = 1;
	struct nlmsghdr *head = message_begin(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	uint32_t count = 0;
	uint64_t bytes = 0;
	ssize_t got;

	if (fd < 0)
		fail(path);
	head->nlmsg_len = used;
	send_pending();
	while (more) {
		got = recv(nl, buffer + used, RECEIVE, 0);
		if (got < 0)
			fail("recv");
		more = count_messages((void *)(buffer + used), &got, &count);
		used += got;
		if (!more || used > BUFFER - RECEIVE) {
			write_all(fd, buffer, used);
			bytes += used;
			used = 0;
		}
	}
	if (close(fd))
		fail("close");
	printf("%u %llu\n", count, (unsigned long long)bytes);
}

static int assured(struct nlmsghdr *head)
{
	struct nlattr *attr = (void *)((uint8_t *)head + NLMSG_SPACE(sizeof(struct nfgenmsg)));
	ssize_t length = head->nlmsg_len - NLMSG_SPACE(sizeof(struct nfgenmsg));

	while (length > NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN) {
		if ((attr->nla_type & NLA_TYPE_MASK) == CTA_STATUS)
			return !!(ntohl(*(uint32_t *)(attr + 1)) & IPS_ASSURED);
		length -= NLA_ALIGN(attr->nla_len);
		attr = (void *)((uint8_t *)attr + NLA_ALIGN(attr->nla_len));
	}
	return 0;
}

static void count_assured(void)
{
	struct nlmsghdr *head = message_begin(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	uint32_t messages = 0, count = 0;
	ssize_t left;
	int more = 1;

	head->nlmsg_len = used;
	send_pending();
	while (more) {
		left = recv(nl, buffer, RECEIVE, 0);
		if (left < 0)
			fail("recv");
		head = (void *)buffer;
		more = count_messages(head, &left, &messages);
		for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left))
			count += assured(head);
	}
	printf("%u\n", count);
}

/* The flags of both ends are dumped without a mask that says which of them to set. */
static void set_masks(struct nlattr *attr, size_t length)
{
	struct nf_ct_tcp_flags *flags;
	size_t step;

	while (length >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= length) {
		switch (attr->nla_type & NLA_TYPE_MASK) {
		case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL:
		case CTA_PROTOINFO_TCP_FLAGS_REPLY:
			flags = (void *)(attr + 1);
			flags->mask = flags->flags;
		}
		step = NLA_ALIGN(attr->nla_len);
		if (step > length)
			break;
		length -= step;
		attr = (void *)((uint8_t *)attr + step);
	}
}

static void prepare(struct nlmsghdr *head)
{
	size_t length = head->nlmsg_len - NLMSG_SPACE(sizeof(struct nfgenmsg)), step;
	struct nlattr *attr = (void *)((uint8_t *)head + NLMSG_SPACE(sizeof(struct nfgenmsg)));

	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	head->nlmsg_seq = 0;
	head->nlmsg_pid = 0;
	for (; length >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN; length -= step) {
		/* CTA_PROTOINFO has one attribute, CTA_PROTOINFO_TCP. */
		if ((attr->nla_type & NLA_TYPE_MASK) == CTA_PROTOINFO)
			set_masks(attr + 2, attr->nla_len - 2 * NLA_HDRLEN);
		step = NLA_ALIGN(attr->nla_len);
		if (step > length)
			break;
		attr = (void *)((uint8_t *)attr + step);
	}
}

static void restore(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct nlmsghdr *head;
	uint32_t count = 0;
	struct stat status;
	ssize_t left;

	if (fd < 0 || fstat(fd, &status))
		fail(path);
	head = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (head == MAP_FAILED)
		fail(path);
	for (left = status.st_size; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		memcpy(buffer + used, head, head->nlmsg_len);
		prepare((void *)(buffer + used));
		used += NLMSG_ALIGN(head->nlmsg_len);
		count++;
		if (used > BATCH - 1024)
			flush();
	}
	flush();
	if (left) {
		fprintf(stderr, "%s: %zd bytes are left over\n", path, left);
		exit(1);
	}
	printf("%u %llu\n", count, (unsigned long long)status.st_size);
}

int main(int argc, char **argv)
{
	nl_open();
	if (argc == 4 && !strcmp(argv[1], "fill")) {
		fill(parse_count(argv[2]), parse_v6(argv[3]));
	} else if (argc == 3 && !strcmp(argv[1], "dump")) {
		dump(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "restore")) {
		restore(argv[2]);
	} else if (argc == 2 && !strcmp(argv[1], "count")) {
		count_assured();
	} else {
		fputs("usage: ctnl fill COUNT 4|6 | dump FILE | restore FILE | count\n", stderr);
		return 1;
	}
	return 0;
}
