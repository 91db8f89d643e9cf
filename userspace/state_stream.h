/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a snapshot frame by frame. Nothing in it is believed. */
#ifndef VFW_NL_STATE_STREAM_H
#define VFW_NL_STATE_STREAM_H

#include "vfw-nl.h"

#include <linux/vfw.h>
#include <linux/vfw_state.h>
#include <stdio.h>

#define FRAME_HEADER sizeof(struct vfw_state_frame)

/**
 * struct state_stream - a snapshot being read
 * @file: where from
 * @name: of the file, for messages
 * @start: where in the file it begins; -1 when the file cannot be rewound
 * @offset: bytes before the present frame
 * @frame: the present frame, aligned like its records
 * @number: of the present frame, from 0
 * @type: enum vfw_frame_type of the present frame; NONE before the first
 * @length: bytes of the present frame with its header
 * @count: its records
 * @digest: CRC-32C of the checksums of the frames before the present one
 * @ports: port records so far
 * @rules: rule records so far
 * @flows_ipv4: flow records of IPv4 so far
 * @flows_ipv6: flow records of IPv6 so far
 * @flows_tagged: flow records of both in VLANs so far
 */
struct state_stream {
	FILE *file;
	const char *name;
	long long start;
	__u64 offset;
	__u8 frame[VFW_FRAME_MAX];
	__u32 number;
	__u16 type;
	__u32 length;
	__u32 count;
	__u32 digest;
	__u32 ports;
	__u32 rules;
	__u32 flows_ipv4;
	__u32 flows_ipv6;
	__u32 flows_tagged;
};

static_assert(offsetof(struct state_stream, frame) % 8 == 0, "alignment");

int state_open(struct state_stream *stream, const char *name);
int state_next(struct state_stream *stream);
int state_rewind(struct state_stream *stream);
int state_expect_eof(struct state_stream *stream);
void state_close(struct state_stream *stream);
int state_fault(const struct state_stream *stream, size_t at, const char *fmt, ...)
	__printf(3, 4);

/* The records of the present frame. */
static inline const void *state_records(const struct state_stream *stream)
{
	return stream->frame + FRAME_HEADER;
}

static inline __u64 state_flows(const struct state_stream *stream)
{
	return (__u64)stream->flows_ipv4 + stream->flows_ipv6 + stream->flows_tagged;
}

static inline size_t state_records_length(const struct state_stream *stream)
{
	return stream->length - FRAME_HEADER;
}

#endif /* VFW_NL_STATE_STREAM_H */
