// SPDX-License-Identifier: GPL-2.0
#include "nl_error.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

/* In headers from Linux 6.1 on. */
#define EXT_ACK_MISS_TYPE	5
#define EXT_ACK_MISS_NEST	6
#define EXT_ACK_MAX		6

/* The set a request's attributes are of; NULL when the echo is too short to say. */
static const struct spec_set *request_set(const struct nlmsghdr *request, size_t length)
{
	const struct spec_command *command;
	const struct genlmsghdr *genl;

	if (length < NLMSG_HDRLEN + GENL_HDRLEN)
		return NULL;
	genl = (const void *)request + NLMSG_HDRLEN;
	command = spec_command(genl->cmd);
	return command ? command->set : NULL;
}

static void name_missing(struct vnl_error *error, const struct spec_set *set,
			 const struct nlmsghdr *request, size_t length,
			 struct nlattr *const *extack)
{
	__u32 type = nla_get_u32(extack[EXT_ACK_MISS_TYPE]);
	size_t used;

	error->missing = true;
	if (extack[EXT_ACK_MISS_NEST])
		spec_path(set, request, length, nla_get_u32(extack[EXT_ACK_MISS_NEST]),
			  error->attr, sizeof(error->attr));
	used = strlen(error->attr);
	if (used == 0 && set && type <= set->max && set->attrs[type].name)
		snprintf(error->attr, sizeof(error->attr), "%s", set->attrs[type].name);
	else
		snprintf(error->attr + used, sizeof(error->attr) - used, " number %u", type);
}

static void parse_extack(struct vnl_error *error, const struct nlmsghdr *header,
			 const struct nlmsghdr *request, size_t request_length,
			 size_t offset)
{
	const struct spec_set *set = request_set(request, request_length);
	struct nlattr *extack[EXT_ACK_MAX + 1];

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || header->nlmsg_len < offset)
		return;
	if (nla_parse(extack, EXT_ACK_MAX, (struct nlattr *)((void *)header + offset),
		      header->nlmsg_len - offset, NULL) < 0)
		return;
	if (extack[NLMSGERR_ATTR_MSG])
		snprintf(error->text, sizeof(error->text), "%.*s",
			 nla_len(extack[NLMSGERR_ATTR_MSG]),
			 (char *)nla_data(extack[NLMSGERR_ATTR_MSG]));
	if (extack[NLMSGERR_ATTR_OFFS] && nla_len(extack[NLMSGERR_ATTR_OFFS]) >= 4)
		spec_path(set, request, request_length,
			  nla_get_u32(extack[NLMSGERR_ATTR_OFFS]), error->attr,
			  sizeof(error->attr));
	else if (extack[EXT_ACK_MISS_TYPE] && nla_len(extack[EXT_ACK_MISS_TYPE]) >= 4)
		name_missing(error, set, request, request_length, extack);
}

/**
 * vnl_error_parse() - read an acknowledgment, or the end of a dump
 * @error: filled; its error is 0 when nothing was refused
 * @header: the message, NLMSG_ERROR or NLMSG_DONE, whole
 * @request: what it answers, NULL if that is gone; the end of a dump does not repeat it
 */
void vnl_error_parse(struct vnl_error *error, const struct nlmsghdr *header,
		     const struct nlmsghdr *request)
{
	const void *end = (const void *)header + header->nlmsg_len;
	const struct nlmsgerr *ack = (const void *)header + NLMSG_HDRLEN;
	size_t echo = sizeof(ack->msg);

	memset(error, 0, sizeof(*error));
	error->sequence = header->nlmsg_seq;
	if (header->nlmsg_len < NLMSG_HDRLEN + sizeof(ack->error)) {
		error->error = header->nlmsg_type == NLMSG_ERROR ? EBADMSG : 0;
		return;
	}
	error->error = -ack->error;
	if (error->error <= 0) {
		error->error = 0;
		return;
	}
	if (header->nlmsg_type == NLMSG_DONE) {
		parse_extack(error, header, request, request ? request->nlmsg_len : 0,
			     NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(ack->error)));
		return;
	}
	if (header->nlmsg_len < NLMSG_HDRLEN + sizeof(*ack))
		return;
	/* The request follows whole, unless the kernel capped it to its header. */
	if (!(header->nlmsg_flags & NLM_F_CAPPED) && ack->msg.nlmsg_len > echo)
		echo = ack->msg.nlmsg_len;
	if ((size_t)(end - (const void *)&ack->msg) < echo)
		return;
	parse_extack(error, header, &ack->msg, echo,
		     NLMSG_HDRLEN + sizeof(ack->error) + NLMSG_ALIGN(echo));
}

/* Without the module's name, with which the kernel begins its texts. */
static const char *bare(const char *text)
{
	static const char module[] = "vfw: ";

	return strncmp(text, module, sizeof(module) - 1) ? text : text + sizeof(module) - 1;
}

/**
 * vnl_error_text() - say why the kernel refused
 * @error: why
 * @text: filled
 * @size: room in @text
 */
void vnl_error_text(const struct vnl_error *error, char *text, size_t size)
{
	const char *hint = "";
	char attr[128] = "";

	if (error->attr[0])
		snprintf(attr, sizeof(attr), " (attribute %s%s)", error->attr,
			 error->missing ? " is missing" : "");
	if (error->error == EPERM)
		hint = "; this needs CAP_NET_ADMIN in the network namespace";
	else if (error->error == EOPNOTSUPP && !error->text[0])
		hint = "; the vfw module loaded is older than this tool";
	snprintf(text, size, "%s%s%s%s%s", bare(error->text), attr,
		 error->text[0] || attr[0] ? ": " : "", strerror(error->error), hint);
}

/**
 * vnl_report() - tell the user what the kernel refused
 * @command: VFW_CMD_*
 * @error: why
 *
 * Return: REFUSED.
 */
int vnl_report(__u8 command, const struct vnl_error *error)
{
	char text[512];

	vnl_error_text(error, text, sizeof(text));
	return refuse("%s refused: %s", spec_command(command)->name, text);
}
