// SPDX-License-Identifier: GPL-2.0
#include "nl.h"
#include "nl_error.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A message is at most 64 KiB; the kernel fills as much of this as it likes. */
#define BUFFER_SIZE	(128 * 1024)
/* How many datagrams are read at a time. Those of a dump have 32 KiB at most. */
#define BUFFERS		16
#define SOCKET_BUFFER	(4 * 1024 * 1024)
/* How many requests wait for their acknowledgment; these fit any receive buffer. */
#define WINDOW		32

static struct nl_sock *sock;
static int family;
static __u32 sequence;
static alignas(8) __u8 buffers[BUFFERS][BUFFER_SIZE];
/* Of those just read. */
static int lengths[BUFFERS];

/* Requests posted and not acknowledged yet, and the first refusal among those that were. */
static unsigned int posted;
static struct vnl_error posted_error;

/**
 * struct exchange - a request and what came in answer
 * @request: the request
 * @sequence: its number
 * @handler: takes the replies
 * @batch_end: is called before what @handler was given goes away, or NULL
 * @data: for both
 * @error: the kernel's refusal
 * @code: what @handler said
 * @done: the last message is here
 * @interrupted: what was dumped changed meanwhile
 */
struct exchange {
	struct nl_msg *request;
	__u32 sequence;
	vnl_handler handler;
	int (*batch_end)(void *data);
	void *data;
	struct vnl_error error;
	int code;
	bool done;
	bool interrupted;
};

static void socket_buffers(struct nl_sock *sk)
{
	int size = SOCKET_BUFFER, one = 1, fd = nl_socket_get_fd(sk);

	/* Best effort: without these all works, but slower and with less to say. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		nl_socket_set_buffer_size(sk, 128 * 1024, 128 * 1024);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
}

static struct nl_sock *socket_open(int *id)
{
	struct nl_sock *sk = nl_socket_alloc();
	int error;

	if (!sk) {
		fail("no memory");
		return NULL;
	}
	error = genl_connect(sk);
	if (error) {
		fail("cannot open a netlink socket: %s", nl_geterror(error));
		goto err_free;
	}
	socket_buffers(sk);
	*id = genl_ctrl_resolve(sk, VFW_FAMILY_NAME);
	if (*id < 0) {
		if (*id == -NLE_OBJ_NOTFOUND)
			refuse("the kernel has no vfw; load the module: modprobe vfw");
		else
			refuse("cannot find vfw: %s", nl_geterror(*id));
		goto err_free;
	}
	return sk;

err_free:
	nl_socket_free(sk);
	return NULL;
}

/** vnl_close() - close the socket; the next request opens a new one */
void vnl_close(void)
{
	if (sock)
		nl_socket_free(sock);
	sock = NULL;
	posted = 0;
	memset(&posted_error, 0, sizeof(posted_error));
}

/**
 * vnl_request_size() - begin a request with room for more than a page
 * @command: VFW_CMD_*
 * @payload: bytes of attributes
 *
 * Return: the message, for vnl_do() and the others to send and free, or for nlmsg_free();
 * NULL when vfw is not there or memory is short: then that was said, and vnl_do() can be
 * called with it all the same.
 */
struct nl_msg *vnl_request_size(__u8 command, size_t payload)
{
	struct nl_msg *request;

	if (!sock)
		sock = socket_open(&family);
	if (!sock)
		return NULL;
	request = nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + payload);
	if (!request || !genlmsg_put(request, 0, 0, family, 0, NLM_F_REQUEST, command,
				     VFW_FAMILY_VERSION)) {
		nlmsg_free(request);
		fail("no memory");
		return NULL;
	}
	return request;
}

/**
 * vnl_request() - begin a request
 * @command: VFW_CMD_*
 *
 * Return: see vnl_request_size().
 */
struct nl_msg *vnl_request(__u8 command)
{
	return vnl_request_size(command, 4096);
}

static void check_put(struct nl_msg *request, int error)
{
	/* No request is of this type, so send_request() knows that it overflowed. */
	if (error)
		nlmsg_hdr(request)->nlmsg_type = NLMSG_OVERRUN;
}

/**
 * vnl_put() - put an attribute of any bytes
 * @request: the message, or NULL
 * @attr: its number
 * @data: the bytes
 * @length: how many
 */
void vnl_put(struct nl_msg *request, int attr, const void *data, size_t length)
{
	if (request)
		check_put(request, nla_put(request, attr, length, data));
}

/**
 * vnl_put_u32() - put a number
 * @request: the message, or NULL
 * @attr: its number
 * @value: the number
 */
void vnl_put_u32(struct nl_msg *request, int attr, __u32 value)
{
	vnl_put(request, attr, &value, sizeof(value));
}

/**
 * vnl_put_string() - put a string
 * @request: the message, or NULL
 * @attr: its number
 * @value: the string
 */
void vnl_put_string(struct nl_msg *request, int attr, const char *value)
{
	vnl_put(request, attr, value, strlen(value) + 1);
}

/**
 * vnl_put_flag() - put a flag
 * @request: the message, or NULL
 * @attr: its number
 */
void vnl_put_flag(struct nl_msg *request, int attr)
{
	vnl_put(request, attr, "", 0);
}

static int send_request(struct nl_msg *request, int flags, __u32 *sent)
{
	struct nlmsghdr *header;
	ssize_t length;

	if (!request || !sock)
		return sock ? FAILED : REFUSED;
	header = nlmsg_hdr(request);
	if (header->nlmsg_type == NLMSG_OVERRUN)
		return fail("the request is too long");
	header->nlmsg_flags |= flags;
	header->nlmsg_seq = ++sequence;
	header->nlmsg_pid = nl_socket_get_local_port(sock);
	*sent = sequence;
	do {
		length = send(nl_socket_get_fd(sock), header, header->nlmsg_len, 0);
	} while (length < 0 && errno == EINTR);
	return length < 0 ? fail("cannot send to the kernel: %s", strerror(errno)) : DONE;
}

static int handle_reply(struct exchange *exchange, const struct nlmsghdr *header)
{
	const struct genlmsghdr *genl = (const void *)header + NLMSG_HDRLEN;
	const struct spec_command *command;
	struct vnl_reply reply;

	if (header->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return fail("the kernel sent a message that is too short");
	command = spec_command(genl->cmd);
	if (!command || !exchange->handler)
		return DONE;
	reply.command = genl->cmd;
	reply.set = command->set;
	reply.head = (void *)genl + GENL_HDRLEN;
	reply.length = header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	if (!spec_parse(reply.set, reply.attrs, reply.head, reply.length))
		return fail("the kernel sent a malformed %s", command->name);
	return exchange->handler(&reply, exchange->data);
}

static void handle_message(struct exchange *exchange, const struct nlmsghdr *header)
{
	if (header->nlmsg_seq != exchange->sequence)
		return;
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
		vnl_error_parse(&exchange->error, header, nlmsg_hdr(exchange->request));
		exchange->done = true;
	} else if (header->nlmsg_type == family && exchange->code == DONE) {
		exchange->code = handle_reply(exchange, header);
	}
}

/*
 * Reads what is there, waiting for the first. Of a dump that fills all buffers with one system
 * call, because the kernel makes the next datagram when it hands out one. Return: how many there
 * are in the buffers; 0 when messages were lost; -1 when it cannot be read, which was said.
 */
static int receive(struct nl_sock *sk)
{
	struct mmsghdr messages[BUFFERS] = { };
	struct iovec parts[BUFFERS];
	int count;

	for (int i = 0; i < BUFFERS; i++) {
		parts[i] = (struct iovec){ buffers[i], BUFFER_SIZE };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		count = recvmmsg(nl_socket_get_fd(sk), messages, BUFFERS,
				 MSG_WAITFORONE | MSG_TRUNC, NULL);
	} while (count < 0 && errno == EINTR);
	if (count < 0 && errno == ENOBUFS)
		return 0;
	if (count < 0)
		fail("no answer from the kernel: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		lengths[i] = messages[i].msg_len;
		if (messages[i].msg_len <= BUFFER_SIZE)
			continue;
		fail("the kernel sent a message of %u bytes", messages[i].msg_len);
		return -1;
	}
	return count;
}

/* Reads answers. Return: as receive(); -1 when it was said and the socket closed. */
static int receive_answers(void)
{
	int count = receive(sock);

	if (count > 0)
		return count;
	if (count == 0)
		fail("the kernel's answer was lost: no buffer space");
	vnl_close();
	return -1;
}

static void handle_datagram(struct exchange *exchange, int number)
{
	struct nlmsghdr *header = (struct nlmsghdr *)buffers[number];
	int length = lengths[number];

	for (; nlmsg_ok(header, length); header = nlmsg_next(header, &length))
		handle_message(exchange, header);
}

static int run_exchange(struct exchange *exchange, bool dump)
{
	while (!exchange->done) {
		int count = receive_answers();

		if (count < 0)
			return FAILED;
		for (int i = 0; i < count; i++)
			handle_datagram(exchange, i);
		if (exchange->batch_end && exchange->code == DONE)
			exchange->code = exchange->batch_end(exchange->data);
		if (dump && exchange->code != DONE) {
			/* The rest of the dump is not wanted. */
			vnl_close();
			return exchange->code;
		}
	}
	return exchange->code;
}

/**
 * vnl_do_quiet() - send a request and wait for its end, without telling of a refusal
 * @request: the message, is freed; NULL when vnl_request() failed
 * @handler: takes replies, or NULL; must not make requests itself
 * @data: for @handler
 * @error: filled; its error is 0 when the kernel did not refuse
 *
 * Return: REFUSED when the kernel did, or when there is no vfw (then @error's error is 0 and
 * the user was told); else what @handler returned, or FAILED.
 */
int vnl_do_quiet(struct nl_msg *request, vnl_handler handler, void *data,
		 struct vnl_error *error)
{
	struct exchange exchange = { request, .handler = handler, .data = data };
	int code = send_request(request, NLM_F_ACK, &exchange.sequence);

	if (code == DONE)
		code = run_exchange(&exchange, false);
	nlmsg_free(request);
	*error = exchange.error;
	return error->error ? REFUSED : code;
}

static __u8 request_command(struct nl_msg *request)
{
	struct genlmsghdr *genl;

	if (!request)
		return 0;
	genl = nlmsg_data(nlmsg_hdr(request));
	return genl->cmd;
}

/**
 * vnl_do() - send a request and wait for its end
 * @request: the message, is freed; NULL when vnl_request() failed
 * @handler: takes replies, or NULL; must not make requests itself
 * @data: for @handler
 *
 * Return: DONE, FAILED, REFUSED or what @handler returned.
 */
int vnl_do(struct nl_msg *request, vnl_handler handler, void *data)
{
	__u8 command = request_command(request);
	struct vnl_error error;
	int code = vnl_do_quiet(request, handler, data, &error);

	return error.error ? vnl_report(command, &error) : code;
}

/**
 * vnl_dump_batched() - ask for a long list
 * @request: the message, is freed; NULL when vnl_request() failed
 * @handler: takes each entry; must not make requests itself
 * @batch_end: is called after some entries; what replies point to stays until then
 * @data: for both
 *
 * Return: see vnl_dump(); or what @batch_end returned.
 */
int vnl_dump_batched(struct nl_msg *request, vnl_handler handler, int (*batch_end)(void *data),
		     void *data)
{
	struct exchange exchange = { request, .handler = handler, .batch_end = batch_end,
				     .data = data };
	__u8 command = request_command(request);
	int code = send_request(request, NLM_F_DUMP, &exchange.sequence);

	if (code == DONE)
		code = run_exchange(&exchange, true);
	nlmsg_free(request);
	if (exchange.error.error)
		return vnl_report(command, &exchange.error);
	if (code == DONE && exchange.interrupted)
		return fail("%s: the list changed while it was read; try again",
			    spec_command(command)->name);
	return code;
}

/**
 * vnl_dump() - ask for a list
 * @request: the message, is freed; NULL when vnl_request() failed
 * @handler: takes each entry; must not make requests itself
 * @data: for @handler
 *
 * Return: DONE, FAILED (also when the list changed while it was read), REFUSED or what
 * @handler returned.
 */
int vnl_dump(struct nl_msg *request, vnl_handler handler, void *data)
{
	return vnl_dump_batched(request, handler, NULL, data);
}

/* Takes acknowledgments of those posted, not of what came before them. */
static void drain_datagram(int number)
{
	struct nlmsghdr *header = (struct nlmsghdr *)buffers[number];
	int length = lengths[number];
	struct vnl_error error;

	for (; nlmsg_ok(header, length); header = nlmsg_next(header, &length)) {
		if (header->nlmsg_type != NLMSG_ERROR || sequence - header->nlmsg_seq >= posted)
			continue;
		vnl_error_parse(&error, header, NULL);
		if (error.error && !posted_error.error)
			posted_error = error;
		posted--;
	}
}

static int drain(void)
{
	while (posted > 0) {
		int count = receive_answers();

		if (count < 0)
			return FAILED;
		for (int i = 0; i < count; i++)
			drain_datagram(i);
	}
	return posted_error.error ? REFUSED : DONE;
}

/**
 * vnl_post() - send a request and do not wait for its end
 * @request: the message, is freed; NULL when vnl_request() failed
 * @number: set to its sequence number
 *
 * No other request may be made until vnl_settle().
 *
 * Return: DONE; FAILED; REFUSED when one posted earlier was refused: vnl_settle() has it.
 */
int vnl_post(struct nl_msg *request, __u32 *number)
{
	int code = send_request(request, NLM_F_ACK, number);

	nlmsg_free(request);
	if (code)
		return code;
	posted++;
	return posted < WINDOW ? DONE : drain();
}

/**
 * vnl_settle() - wait for the end of all that was posted
 * @error: the first refusal; its error is 0 when there was none
 *
 * Return: DONE; FAILED; REFUSED, which is left to the caller to tell.
 */
int vnl_settle(struct vnl_error *error)
{
	int code = posted ? drain() : posted_error.error ? REFUSED : DONE;

	*error = posted_error;
	memset(&posted_error, 0, sizeof(posted_error));
	return code;
}

static int listen_datagram(int id, struct exchange *exchange, int number)
{
	struct nlmsghdr *header = (struct nlmsghdr *)buffers[number];
	int length = lengths[number];
	int code = DONE;

	for (; code == DONE && nlmsg_ok(header, length); header = nlmsg_next(header, &length))
		if (header->nlmsg_type == id)
			code = handle_reply(exchange, header);
	return code;
}

static int listen_once(struct nl_sock *sk, int id, struct exchange *exchange)
{
	int count = receive(sk);
	int code = DONE;

	if (count < 0)
		return FAILED;
	if (count == 0)
		note("events were lost, they came faster than they were read");
	for (int i = 0; i < count && code == DONE; i++)
		code = listen_datagram(id, exchange, i);
	return code;
}

/**
 * vnl_listen() - take what the family multicasts, until the handler has enough
 * @group: multicast group
 * @handler: takes the messages
 * @data: for @handler
 *
 * Return: FAILED, REFUSED or what @handler returned.
 */
int vnl_listen(const char *group, vnl_handler handler, void *data)
{
	struct exchange exchange = { .handler = handler, .data = data };
	struct nl_sock *sk;
	int id, number, code;

	sk = socket_open(&id);
	if (!sk)
		return REFUSED;
	number = genl_ctrl_resolve_grp(sk, VFW_FAMILY_NAME, group);
	code = number < 0 ? number : nl_socket_add_membership(sk, number);
	if (code < 0)
		code = refuse("cannot listen to vfw's %s: %s", group, nl_geterror(code));
	while (code == DONE)
		code = listen_once(sk, id, &exchange);
	nl_socket_free(sk);
	return code;
}
