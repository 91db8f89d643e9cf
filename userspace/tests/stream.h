/* SPDX-License-Identifier: GPL-2.0 */
/* Makes snapshots for tests, byte by byte as vfw_state.h describes them. */
#ifndef VFW_NL_TESTS_STREAM_H
#define VFW_NL_TESTS_STREAM_H

#include "../vfw-nl.h"

#include <linux/vfw.h>
#include <linux/vfw_state.h>

#define STREAM_FRAMES 65536

/**
 * struct stream - a snapshot in memory
 * @bytes: it
 * @length: how many
 * @room: how many there is room for
 * @frames: where each frame begins
 * @count: how many frames
 */
struct stream {
	__u8 *bytes;
	size_t length;
	size_t room;
	size_t frames[STREAM_FRAMES];
	unsigned int count;
};

/**
 * struct stream_content - what is to be in it
 * @flows_ipv4: how many flows of IPv4
 * @flows_ipv6: how many of IPv6
 * @flows_tagged: how many in VLANs
 * @rules: how many rules
 * @no_policy: no policy at all
 * @odd_creator: what wrote it is no text for a terminal
 */
struct stream_content {
	unsigned int flows_ipv4;
	unsigned int flows_ipv6;
	unsigned int flows_tagged;
	unsigned int rules;
	bool no_policy;
	bool odd_creator;
};

void stream_make(struct stream *stream, const struct stream_content *content);
void stream_seal(struct stream *stream);
void stream_free(struct stream *stream);
struct vfw_state_frame *stream_frame(struct stream *stream, unsigned int type);

#endif /* VFW_NL_TESTS_STREAM_H */
