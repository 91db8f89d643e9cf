// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "nl.h"
#include "print.h"
#include "progress.h"
#include "restore_target.h"
#include "signals.h"
#include "snapshot.h"
#include "state_stream.h"
#include "text.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* The frames that say which VM it is: header, VM, ports. They are kept until it is declared. */
#define HEAD_FRAMES 3

/**
 * struct restore - a snapshot being restored
 * @stream: where from
 * @head: the first frames, aligned like their records
 * @target: where to
 * @head_length: bytes of each
 * @sent: how many frames the kernel took
 * @progress: how far
 * @begun: the kernel was told that it begins
 */
struct restore {
	struct state_stream stream;
	__u8 head[HEAD_FRAMES][VFW_FRAME_MAX];
	struct restore_target target;
	size_t head_length[HEAD_FRAMES];
	__u32 sent;
	struct progress progress;
	bool begun;
};

static_assert(offsetof(struct restore, head) % 8 == 0, "alignment");

static const void *head_records(const struct restore *restore, unsigned int frame)
{
	return restore->head[frame] + sizeof(struct vfw_state_frame);
}

/* A file is read twice: nothing is touched before all of it was seen to be whole. */
static int check_file(struct restore *restore)
{
	struct state_stream *stream = &restore->stream;

	if (stream->start < 0)
		return DONE;
	while (stream->type != VFW_FRAME_TYPE_END) {
		if (state_next(stream))
			return FAILED;
		if (signals_caught())
			return fail("interrupted");
	}
	if (state_expect_eof(stream))
		return FAILED;
	restore->progress.total = state_flows(stream);
	return state_rewind(stream);
}

static int read_head(struct restore *restore)
{
	struct state_stream *stream = &restore->stream;

	for (unsigned int i = 0; i < HEAD_FRAMES; i++) {
		if (state_next(stream))
			return FAILED;
		memcpy(restore->head[i], stream->frame, stream->length);
		restore->head_length[i] = stream->length;
	}
	return DONE;
}

static int check_uuid(struct restore *restore, const __u8 *wanted)
{
	const struct vfw_state_header *header = head_records(restore, 0);
	char ours[UUID_TEXT], theirs[UUID_TEXT];

	memcpy(restore->target.uuid, header->uuid, VFW_UUID_LEN);
	if (!wanted || memcmp(wanted, header->uuid, VFW_UUID_LEN) == 0)
		return DONE;
	return fail("%s is of VM %s, not of %s", restore->stream.name,
		    uuid_text(header->uuid, theirs), uuid_text(wanted, ours));
}

static struct nl_msg *restore_request(const struct restore *restore, __u8 command)
{
	struct nl_msg *request = vnl_request(command);

	vnl_put(request, VFW_A_SNAPSHOT_VM, restore->target.uuid, VFW_UUID_LEN);
	return request;
}

static int begin(struct restore *restore)
{
	struct nl_msg *request = restore_request(restore, VFW_CMD_RESTORE_BEGIN);
	int code;

	hold_put(request, VFW_A_SNAPSHOT_HOLD_LIMITS, &restore->target.limits);
	code = vnl_do(request, NULL, NULL);
	restore->begun = code == DONE;
	return code;
}

/*
 * One at a time: the kernel takes a frame while it is being sent, so that the answer is there
 * at once, and more requests under way would gain nothing.
 */
static int send_frame(struct restore *restore, const void *frame, size_t length)
{
	struct nl_msg *request = vnl_request_size(VFW_CMD_RESTORE_FRAME, length + 1024);
	struct vnl_error error;
	char text[512];
	int code;

	/* First, since the records are aligned to 8 bytes there, and the kernel need not copy. */
	vnl_put(request, VFW_A_SNAPSHOT_FRAME, frame, length);
	vnl_put(request, VFW_A_SNAPSHOT_VM, restore->target.uuid, VFW_UUID_LEN);
	code = vnl_do_quiet(request, NULL, NULL, &error);
	if (error.error) {
		vnl_error_text(&error, text, sizeof(text));
		/* It says itself which frame, when it has looked at it. */
		if (strncmp(text, "frame ", 6) == 0)
			return refuse("%s: the kernel refused %s", restore->stream.name, text);
		return refuse("%s: the kernel refused frame %u: %s", restore->stream.name,
			      restore->sent, text);
	}
	restore->sent++;
	return code;
}

static int send_frames(struct restore *restore)
{
	struct state_stream *stream = &restore->stream;
	int code = DONE;

	for (unsigned int i = 0; code == DONE && i < HEAD_FRAMES; i++)
		code = send_frame(restore, restore->head[i], restore->head_length[i]);
	while (code == DONE && stream->type != VFW_FRAME_TYPE_END) {
		code = state_next(stream);
		if (code == DONE)
			code = send_frame(restore, stream->frame, stream->length);
		if (code == DONE && signals_caught())
			code = fail("interrupted");
		progress_show(&restore->progress, state_flows(stream));
	}
	progress_end(&restore->progress);
	return code;
}

static int show(const struct vnl_reply *reply, void *data)
{
	(void)data;
	print_object_begin(NULL);
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_VM, "restored VM %s:");
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_FLOWS, " %s flows");
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_RULES, " %s rules");
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_FRAMES, " %s frames");
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_INCARNATION, " incarnation %s");
	print_attr(reply->set, reply->attrs, VFW_A_SNAPSHOT_RELEASED,
		   " released %s held packets");
	print_text("\n");
	print_object_end();
	return DONE;
}

static int bring_in(struct restore *restore)
{
	int code = target_declare(&restore->target, head_records(restore, 1),
				  head_records(restore, 2));

	if (code == DONE && signals_caught())
		code = fail("interrupted");
	if (code == DONE)
		code = begin(restore);
	if (code == DONE)
		code = send_frames(restore);
	if (code == DONE)
		code = vnl_do(restore_request(restore, VFW_CMD_RESTORE_COMMIT), show,
			      NULL);
	return code;
}

/* Nothing is left behind of a restore that failed. */
static void roll_back(struct restore *restore)
{
	struct vnl_error ignored;

	if (restore->begun)
		vnl_do_quiet(restore_request(restore, VFW_CMD_RESTORE_ABORT), NULL, NULL,
			     &ignored);
	target_forget(&restore->target);
}

static int restore_stream(struct restore *restore, const __u8 *uuid)
{
	const struct vfw_state_frame *ports = (void *)restore->head[2];
	int code;

	if (check_file(restore) || read_head(restore) || check_uuid(restore, uuid) ||
	    target_name_ports(&restore->target, head_records(restore, 2),
			      le32toh(ports->count)))
		return FAILED;
	code = bring_in(restore);
	if (code)
		roll_back(restore);
	return code;
}

static int restore_file(struct restore *restore, const char *file, const __u8 *uuid)
{
	int code;

	if (state_open(&restore->stream, file))
		return FAILED;
	progress_begin(&restore->progress, "flows", 0);
	signals_catch();
	code = restore_stream(restore, uuid);
	signals_release();
	state_close(&restore->stream);
	return code;
}

static int take_words(struct args *args, struct restore *restore)
{
	const char *file = NULL;
	struct arg keys[HOLD_KEYS + 2] = {
		[HOLD_KEYS] = { "file", "a file, or - for standard input", arg_text,
				.to = &file },
		{ "port", "OLD=NEW", target_take_map, &restore->target, .many = true },
	};
	__u8 uuid[VFW_UUID_LEN];
	bool given;
	int code;

	hold_keys(keys, &restore->target.limits);
	given = args->argc > 0 && uuid_parse(args->argv[0], uuid);
	if (given)
		args_next(args);
	code = args_keys(args, keys, ARRAY_SIZE(keys));
	if (code)
		return code;
	if (!file)
		return fail("expected file FILE");
	return restore_file(restore, file, given ? uuid : NULL);
}

/**
 * snapshot_restore() - snapshot restore [UUID] file FILE [port OLD=NEW]... [LIMITS]
 * @args: the words after restore
 *
 * Return: enum exit_code.
 */
int snapshot_restore(struct args *args)
{
	struct restore *restore = calloc(1, sizeof(*restore));
	int code;

	if (!restore)
		return fail("no memory");
	restore->target.limits.expiry = -1;
	code = take_words(args, restore);
	free(restore);
	return code;
}
