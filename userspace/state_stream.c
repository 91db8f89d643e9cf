// SPDX-License-Identifier: GPL-2.0
#include "state_stream.h"
#include "crc32c.h"
#include "signals.h"
#include "spec.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct vfw_state_frame) == 24, "frame");
static_assert(sizeof(struct vfw_state_header) == 72, "header");
static_assert(sizeof(struct vfw_state_vm) == 64, "vm");
static_assert(sizeof(struct vfw_state_port) == 24, "port");
static_assert(sizeof(struct vfw_state_policy) == 96, "policy");
static_assert(sizeof(struct vfw_state_rule) == 64, "rule");
static_assert(sizeof(struct vfw_state_stats) == 72, "stats");
static_assert(sizeof(struct vfw_state_drop) == 24, "drop");
static_assert(sizeof(struct vfw_state_flow4) == 88, "flow4");
static_assert(sizeof(struct vfw_state_flow6) == 112, "flow6");
static_assert(sizeof(struct vfw_state_flow_tagged) == 128, "flow in a VLAN");
static_assert(sizeof(struct vfw_state_end) == 40, "end");

#define CRC_AT offsetof(struct vfw_state_frame, crc)
/* How much of the file is read at a time. */
#define FILE_BUFFER (256 * 1024)

/**
 * struct frame_kind - what is asked of a type of frame
 * @once: there is exactly one in a stream, else any number
 * @record: bytes of a record, 0 when they vary
 * @least: fewest records
 * @most: most records
 */
struct frame_kind {
	bool once;
	size_t record;
	__u32 least;
	__u32 most;
};

static const struct frame_kind kinds[] = {
	[VFW_FRAME_TYPE_HEADER] = { true, sizeof(struct vfw_state_header), 1, 1 },
	[VFW_FRAME_TYPE_VM] = { true, sizeof(struct vfw_state_vm), 1, 1 },
	[VFW_FRAME_TYPE_PORT] = { true, sizeof(struct vfw_state_port), 0, VFW_PORTS_MAX },
	[VFW_FRAME_TYPE_POLICY] = { true, sizeof(struct vfw_state_policy), 1, 1 },
	[VFW_FRAME_TYPE_RULES] = { false, 0, 1, VFW_FRAME_MAX },
	[VFW_FRAME_TYPE_STATS] = { true, 0, 1, VFW_FRAME_MAX },
	[VFW_FRAME_TYPE_FLOWS_IPV4] = { false, sizeof(struct vfw_state_flow4), 1,
					VFW_FRAME_MAX },
	[VFW_FRAME_TYPE_FLOWS_IPV6] = { false, sizeof(struct vfw_state_flow6), 1,
					VFW_FRAME_MAX },
	[VFW_FRAME_TYPE_FLOWS_TAGGED] = { false, sizeof(struct vfw_state_flow_tagged), 1,
					  VFW_FRAME_MAX },
	[VFW_FRAME_TYPE_END] = { true, sizeof(struct vfw_state_end), 1, 1 },
};

/**
 * state_fault() - say what is wrong with the present frame
 * @stream: the stream
 * @at: at which of the frame's bytes
 * @fmt: printf format
 *
 * Return: FAILED.
 */
int state_fault(const struct state_stream *stream, size_t at, const char *fmt, ...)
{
	char text[256];
	va_list values;

	va_start(values, fmt);
	vsnprintf(text, sizeof(text), fmt, values);
	va_end(values);
	return fail("%s: frame %u, byte %llu: %s", stream->name, stream->number,
		    stream->offset + at, text);
}

/**
 * state_open() - begin to read a snapshot
 * @stream: filled
 * @name: of the file, - for standard input; must stay
 *
 * Return: DONE, or FAILED: then there is nothing to close.
 */
int state_open(struct state_stream *stream, const char *name)
{
	bool standard = strcmp(name, "-") == 0;

	memset(stream, 0, sizeof(*stream));
	stream->name = standard ? "standard input" : name;
	stream->file = standard ? stdin : fopen(name, "re");
	if (!stream->file)
		return fail("%s: %s", name, strerror(errno));
	if (!standard)
		setvbuf(stream->file, NULL, _IOFBF, FILE_BUFFER);
	stream->start = ftello(stream->file);
	return DONE;
}

/**
 * state_rewind() - read the stream once more from its beginning
 * @stream: a stream that can be rewound
 *
 * Return: DONE or FAILED.
 */
int state_rewind(struct state_stream *stream)
{
	FILE *file = stream->file;
	const char *name = stream->name;
	long long start = stream->start;

	if (fseeko(file, start, SEEK_SET))
		return fail("%s: %s", name, strerror(errno));
	memset(stream, 0, sizeof(*stream));
	stream->file = file;
	stream->name = name;
	stream->start = start;
	return DONE;
}

/**
 * state_close() - stop reading
 * @stream: the stream
 */
void state_close(struct state_stream *stream)
{
	if (stream->file != stdin)
		fclose(stream->file);
}

/* Reads the next @length bytes of the present frame, to @at in it. */
static int read_bytes(struct state_stream *stream, size_t at, size_t length)
{
	size_t got = fread(stream->frame + at, 1, length, stream->file);

	if (got == length)
		return DONE;
	if (signals_caught())
		return fail("interrupted");
	if (ferror(stream->file))
		return fail("%s: %s", stream->name, strerror(errno));
	if (at + got == 0)
		return state_fault(stream, 0, "the stream ends here, without an end frame");
	return state_fault(stream, at + got, "the stream ends within this frame");
}

static bool in_order(__u16 before, __u16 type)
{
	if (type == before)
		return !kinds[type].once;
	for (__u16 skipped = before + 1; skipped < type; skipped++)
		if (kinds[skipped].once)
			return false;
	return type > before;
}

static int check_type(struct state_stream *stream, __u16 type)
{
	__u16 before = stream->type;

	if (type == VFW_FRAME_TYPE_NONE || type > VFW_FRAME_TYPE_END)
		return state_fault(stream, 4, "there is no frame type %u", type);
	if (!in_order(before, type))
		return state_fault(stream, 4, "a frame of type %s cannot stand %s%s here",
				   spec_enum_name(&spec_frame_type, type),
				   before ? "after " : "first",
				   before ? spec_enum_name(&spec_frame_type, before) : "");
	stream->type = type;
	return DONE;
}

static int check_length(struct state_stream *stream)
{
	const struct frame_kind *kind = &kinds[stream->type];
	const char *name = spec_enum_name(&spec_frame_type, stream->type);

	if (stream->count < kind->least || stream->count > kind->most)
		return state_fault(stream, 12, "%u records in a frame of type %s",
				   stream->count, name);
	if (kind->record && state_records_length(stream) != kind->record * stream->count)
		return state_fault(stream, 8, "%u records of %s do not make a frame of %u bytes",
				   stream->count, name, stream->length);
	return DONE;
}

static int check_frame_header(struct state_stream *stream)
{
	const struct vfw_state_frame *frame = (void *)stream->frame;
	__u16 version = le16toh(frame->version);

	stream->length = le32toh(frame->length);
	stream->count = le32toh(frame->count);
	if (le32toh(frame->magic) != VFW_STATE_MAGIC)
		return state_fault(stream, 0, stream->number ? "no frame begins here" :
							       "this is no snapshot of vfw");
	if (version != VFW_STATE_VERSION)
		return state_fault(stream, 6, "the snapshot is of version %u, this tool knows %u",
				   version, VFW_STATE_VERSION);
	if (check_type(stream, le16toh(frame->type)))
		return FAILED;
	if (stream->length < FRAME_HEADER || stream->length > VFW_FRAME_MAX ||
	    stream->length % 8)
		return state_fault(stream, 8, "a frame cannot have %u bytes", stream->length);
	if (le32toh(frame->sequence) != stream->number)
		return state_fault(stream, 16, "the frame says that it is number %u",
				   le32toh(frame->sequence));
	return check_length(stream);
}

static int check_crc(struct state_stream *stream)
{
	static const __u8 zero[sizeof(__le32)];
	const struct vfw_state_frame *frame = (void *)stream->frame;
	const size_t next = CRC_AT + sizeof(zero);
	__u32 crc;

	crc = crc32c(0, stream->frame, CRC_AT);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, stream->frame + next, stream->length - next);
	if (crc == le32toh(frame->crc))
		return DONE;
	return state_fault(stream, CRC_AT,
			   "wrong checksum: %08x stands there, the bytes make %08x",
			   le32toh(frame->crc), crc);
}

static int check_total(const struct state_stream *stream, size_t at, const char *what,
		       __u64 said, __u64 found)
{
	if (said == found)
		return DONE;
	return state_fault(stream, FRAME_HEADER + at, "the end frame counts %llu %s, %llu came",
			   said, what, found);
}

static int check_end(const struct state_stream *stream)
{
	const struct vfw_state_end *end = state_records(stream);
#define AT(field) offsetof(struct vfw_state_end, field)

	if (check_total(stream, AT(frames), "frames", le32toh(end->frames),
			stream->number + 1ULL) ||
	    check_total(stream, AT(ports), "ports", le32toh(end->ports), stream->ports) ||
	    check_total(stream, AT(rules), "rules", le32toh(end->rules), stream->rules) ||
	    check_total(stream, AT(flows_ipv4), "IPv4 flows", le32toh(end->flows_ipv4),
			stream->flows_ipv4) ||
	    check_total(stream, AT(flows_ipv6), "IPv6 flows", le32toh(end->flows_ipv6),
			stream->flows_ipv6) ||
	    check_total(stream, AT(flows_tagged), "flows in VLANs", le32toh(end->flows_tagged),
			stream->flows_tagged) ||
	    check_total(stream, AT(bytes), "bytes", le64toh(end->bytes), stream->offset))
		return FAILED;
	if (end->reserved)
		return state_fault(stream, FRAME_HEADER + AT(reserved),
				   "reserved bytes are not zero");
	if (le32toh(end->digest) != stream->digest)
		return state_fault(stream, FRAME_HEADER + AT(digest),
				   "wrong digest: %08x stands there, the frames make %08x",
				   le32toh(end->digest), stream->digest);
#undef AT
	return DONE;
}

/* What comes of a live stream is not in its records alone: no reader of snapshots can tell. */
static int check_not_live(const struct state_stream *stream)
{
	const struct vfw_state_header *header = state_records(stream);

	if (!(le32toh(header->flags) & VFW_STATE_HEADER_LIVE))
		return DONE;
	return state_fault(stream, FRAME_HEADER + offsetof(struct vfw_state_header, flags),
			   "this is a live stream, of a VM that is being moved, not a snapshot");
}

static int count_records(struct state_stream *stream)
{
	switch (stream->type) {
	case VFW_FRAME_TYPE_HEADER:
		return check_not_live(stream);
	case VFW_FRAME_TYPE_PORT:
		stream->ports += stream->count;
		break;
	case VFW_FRAME_TYPE_RULES:
		stream->rules += stream->count;
		if (stream->rules > VFW_RULES_MAX)
			return state_fault(stream, 12, "more than %u rules", VFW_RULES_MAX);
		break;
	case VFW_FRAME_TYPE_FLOWS_IPV4:
		stream->flows_ipv4 += stream->count;
		break;
	case VFW_FRAME_TYPE_FLOWS_IPV6:
		stream->flows_ipv6 += stream->count;
		break;
	case VFW_FRAME_TYPE_FLOWS_TAGGED:
		stream->flows_tagged += stream->count;
		break;
	case VFW_FRAME_TYPE_END:
		return check_end(stream);
	}
	if (state_flows(stream) > VFW_FLOWS_MAX)
		return state_fault(stream, 12, "more than %u flows", VFW_FLOWS_MAX);
	return DONE;
}

/**
 * state_next() - read the next frame, and check all but what its records mean
 * @stream: the stream; not after its end frame
 *
 * Checked: magic, version, type and order, length, count, sequence, checksum; in the header, that
 * it is no live stream; in the end frame, the totals and the digest.
 *
 * Return: DONE or FAILED.
 */
int state_next(struct state_stream *stream)
{
	if (stream->type != VFW_FRAME_TYPE_NONE) {
		stream->digest = crc32c(stream->digest, stream->frame + CRC_AT, sizeof(__le32));
		stream->offset += stream->length;
		stream->number++;
	}
	if (read_bytes(stream, 0, FRAME_HEADER) || check_frame_header(stream) ||
	    read_bytes(stream, FRAME_HEADER, stream->length - FRAME_HEADER) ||
	    check_crc(stream))
		return FAILED;
	return count_records(stream);
}

/**
 * state_expect_eof() - nothing may follow the end frame
 * @stream: the stream, after its end frame
 *
 * Return: DONE or FAILED.
 */
int state_expect_eof(struct state_stream *stream)
{
	if (getc(stream->file) == EOF)
		return DONE;
	return state_fault(stream, stream->length, "bytes follow the end frame");
}
