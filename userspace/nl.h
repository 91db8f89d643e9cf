/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests to the kernel. One socket serves all commands of a batch; it is opened by the first
 * request. (vnl_, since libnl has nl_.)
 */
#ifndef VFW_NL_NL_H
#define VFW_NL_NL_H

#include "spec.h"

#include <linux/vfw.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

/**
 * struct vnl_reply - a message from the kernel, checked against the spec
 * @command: VFW_CMD_*
 * @set: of which set the attributes are
 * @attrs: by number, NULL where there is none; of one that came more often, the last
 * @head: first attribute, for nla_for_each_attr()
 * @length: bytes of all attributes
 */
struct vnl_reply {
	__u8 command;
	const struct spec_set *set;
	struct nlattr *attrs[SPEC_ATTRS];
	struct nlattr *head;
	int length;
};

/* Takes a reply; anything but DONE ends the request with that exit code. */
typedef int (*vnl_handler)(const struct vnl_reply *reply, void *data);

/**
 * struct vnl_error - the kernel's refusal
 * @error: errno, 0 for none
 * @text: extended acknowledgment, or empty
 * @attr: path of the offending attribute ("hold-limits time"), or empty
 * @missing: @attr is one that should have been there
 * @sequence: of the request, as vnl_post() gave it
 */
struct vnl_error {
	int error;
	char text[256];
	char attr[96];
	bool missing;
	__u32 sequence;
};

struct nl_msg *vnl_request(__u8 command);
struct nl_msg *vnl_request_size(__u8 command, size_t payload);
int vnl_do(struct nl_msg *request, vnl_handler handler, void *data);
int vnl_do_quiet(struct nl_msg *request, vnl_handler handler, void *data,
		 struct vnl_error *error);
int vnl_dump(struct nl_msg *request, vnl_handler handler, void *data);
int vnl_dump_batched(struct nl_msg *request, vnl_handler handler, int (*batch_end)(void *data),
		     void *data);
int vnl_post(struct nl_msg *request, __u32 *sequence);
int vnl_settle(struct vnl_error *error);
int vnl_report(__u8 command, const struct vnl_error *error);
void vnl_error_text(const struct vnl_error *error, char *text, size_t size);
int vnl_listen(const char *group, vnl_handler handler, void *data);
void vnl_close(void);

/*
 * Put an attribute. A message that overflows is marked, and vnl_do() and the others refuse to
 * send it, so callers need not look. (To fill a message to the brim, use libnl's nla_put().)
 */
void vnl_put(struct nl_msg *request, int attr, const void *data, size_t length);
void vnl_put_u32(struct nl_msg *request, int attr, __u32 value);
void vnl_put_string(struct nl_msg *request, int attr, const char *value);
void vnl_put_flag(struct nl_msg *request, int attr);

int vm_resolve(const char *word, __u8 uuid[VFW_UUID_LEN]);

#endif /* VFW_NL_NL_H */
