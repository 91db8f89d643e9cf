// SPDX-License-Identifier: GPL-2.0
/* Attributes of messages, held against the spec. */
#include "spec.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vfw.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

static bool is_string(const struct nlattr *attr)
{
	return memchr(nla_data(attr), '\0', nla_len(attr));
}

static bool attr_valid(const struct spec_attr *spec, const struct nlattr *attr)
{
	int length = nla_len(attr);

	switch (spec->type) {
	case SPEC_U32:
		return length == sizeof(__u32);
	case SPEC_U64:
		return length == sizeof(__u64);
	case SPEC_UUID:
		return length == VFW_UUID_LEN;
	case SPEC_ADDRESS:
		return length == 4 || length == 16;
	case SPEC_STRING:
		return is_string(attr);
	default:
		return true;
	}
}

/**
 * spec_parse() - sort attributes by number
 * @set: what they are of
 * @attrs: filled; of an attribute that comes more often, the last; NULL where there is none
 * @head: the first
 * @length: bytes of all
 *
 * Attributes with numbers that are not known here are skipped: a newer kernel may send more.
 *
 * Return: false when one has not the form its type asks for.
 */
bool spec_parse(const struct spec_set *set, struct nlattr *attrs[SPEC_ATTRS],
		const struct nlattr *head, int length)
{
	const struct nlattr *attr;
	int rest;

	memset(attrs, 0, SPEC_ATTRS * sizeof(*attrs));
	nla_for_each_attr(attr, (struct nlattr *)head, length, rest) {
		unsigned int type = nla_type(attr);

		if (type > set->max || !set->attrs[type].name)
			continue;
		if (!attr_valid(&set->attrs[type], attr))
			return false;
		attrs[type] = (struct nlattr *)attr;
	}
	return true;
}

/**
 * spec_parse_nested() - sort the attributes in a nest
 * @set: what they are of
 * @attrs: filled, see spec_parse()
 * @nest: the nest; NULL is an empty one
 *
 * Return: false when one has not the form its type asks for.
 */
bool spec_parse_nested(const struct spec_set *set, struct nlattr *attrs[SPEC_ATTRS],
		       const struct nlattr *nest)
{
	if (!nest) {
		memset(attrs, 0, SPEC_ATTRS * sizeof(*attrs));
		return true;
	}
	return spec_parse(set, attrs, nla_data(nest), nla_len(nest));
}

static void path_add(const struct spec_set *set, unsigned int type, char *path, size_t size)
{
	size_t used = strlen(path);

	if (type <= set->max && set->attrs[type].name)
		snprintf(path + used, size - used, "%s%s", used ? " " : "",
			 set->attrs[type].name);
	else
		snprintf(path + used, size - used, "%s%u", used ? " " : "", type);
}

/**
 * spec_path() - name the attribute at an offset of a message
 * @set: the set of the message's command
 * @message: the message, from its netlink header
 * @length: its bytes
 * @offset: where the attribute stands, from @message
 * @path: filled with the names from the outermost attribute to the one there; empty when
 *	there is none
 * @size: room in @path
 */
void spec_path(const struct spec_set *set, const void *message, size_t length,
	       size_t offset, char *path, size_t size)
{
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;

	path[0] = '\0';
	while (set && at + NLA_HDRLEN <= length) {
		const struct nlattr *attr = message + at;
		unsigned int type = nla_type(attr);
		size_t end = at + attr->nla_len;

		if (attr->nla_len < NLA_HDRLEN || offset < at)
			break;
		if (offset >= at + NLA_ALIGN(attr->nla_len)) {
			at += NLA_ALIGN(attr->nla_len);
			continue;
		}
		path_add(set, type, path, size);
		if (offset < at + NLA_HDRLEN || type > set->max)
			break;
		set = set->attrs[type].nested;
		at += NLA_HDRLEN;
		length = end < length ? end : length;
	}
}
