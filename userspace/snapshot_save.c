// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "nl.h"
#include "output.h"
#include "print.h"
#include "progress.h"
#include "signals.h"
#include "snapshot.h"
#include "text.h"

#include <endian.h>
#include <linux/vfw_state.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct save - a snapshot being saved
 * @uuid: of which VM
 * @output: where to
 * @progress: how far
 * @frames: frames so far
 * @bytes: bytes of them
 * @flows: flows in them
 * @rules: rules in them
 * @incarnation: what the header says
 * @frozen: the VM was frozen
 * @ended: the end frame is there
 */
struct save {
	__u8 uuid[VFW_UUID_LEN];
	struct output output;
	struct progress progress;
	__u32 frames;
	__u64 bytes;
	__u32 flows;
	__u32 rules;
	__u64 incarnation;
	bool frozen;
	bool ended;
};

static int take_header(struct save *save, const struct vfw_state_header *header)
{
	save->incarnation = le64toh(header->incarnation);
	save->frozen = le32toh(header->flags) & VFW_STATE_HEADER_FROZEN;
	return DONE;
}

/* Counts what a frame holds, and refuses what would not be a stream. */
static int look_at(struct save *save, const struct vfw_state_frame *frame, size_t length)
{
	__u16 type;

	if (length < sizeof(*frame) || le32toh(frame->magic) != VFW_STATE_MAGIC ||
	    le32toh(frame->length) != length || le32toh(frame->sequence) != save->frames ||
	    save->ended)
		return fail("the kernel's frame %u is malformed", save->frames);
	type = le16toh(frame->type);
	if (save->frames ? type == VFW_FRAME_TYPE_HEADER : type != VFW_FRAME_TYPE_HEADER)
		return fail("the kernel's frame %u is out of order", save->frames);
	if (type == VFW_FRAME_TYPE_HEADER &&
	    length == sizeof(*frame) + sizeof(struct vfw_state_header))
		return take_header(save, (const void *)(frame + 1));
	if (type >= VFW_FRAME_TYPE_FLOWS_IPV4 && type <= VFW_FRAME_TYPE_FLOWS_TAGGED)
		save->flows += le32toh(frame->count);
	if (type == VFW_FRAME_TYPE_RULES)
		save->rules += le32toh(frame->count);
	save->ended = type == VFW_FRAME_TYPE_END;
	return DONE;
}

static int take_frame(const struct vnl_reply *reply, void *data)
{
	struct nlattr *frame = reply->attrs[VFW_A_SNAPSHOT_FRAME];
	struct save *save = data;

	if (signals_caught())
		return fail("interrupted; nothing is saved");
	if (!frame)
		return DONE;
	if (look_at(save, nla_data(frame), nla_len(frame)) ||
	    output_queue(&save->output, nla_data(frame), nla_len(frame)))
		return FAILED;
	save->frames++;
	save->bytes += nla_len(frame);
	progress_show(&save->progress, save->flows);
	return DONE;
}

static int write_frames(void *data)
{
	struct save *save = data;

	return output_flush(&save->output);
}

static int take_total(const struct vnl_reply *reply, void *data)
{
	__u32 *flows = data;

	if (reply->attrs[VFW_A_SNAPSHOT_FLOWS])
		*flows = nla_get_u32(reply->attrs[VFW_A_SNAPSHOT_FLOWS]);
	return DONE;
}

static struct nl_msg *save_request(const struct save *save)
{
	struct nl_msg *request = vnl_request(VFW_CMD_SNAPSHOT_SAVE);

	vnl_put(request, VFW_A_SNAPSHOT_VM, save->uuid, sizeof(save->uuid));
	return request;
}

static int read_frames(struct save *save)
{
	int code = vnl_dump_batched(save_request(save), take_frame, write_frames, save);

	progress_end(&save->progress);
	if (code == DONE && !save->ended)
		code = fail("the kernel's snapshot has no end frame; nothing is saved");
	if (code == DONE && signals_caught())
		code = fail("interrupted; nothing is saved");
	if (code) {
		output_discard(&save->output);
		return code;
	}
	return output_commit(&save->output);
}

static void show(const struct save *save)
{
	char text[UUID_TEXT];

	print_object_begin(NULL);
	print_string("vm", "saved VM %s", uuid_text(save->uuid, text));
	print_string("file", " to %s:", save->output.name);
	print_uint("flows", " %llu flows", save->flows);
	print_uint("rules", " %llu rules", save->rules);
	print_uint("frames", " %llu frames", save->frames);
	print_uint("bytes", " %llu bytes", save->bytes);
	print_uint("incarnation", " incarnation %llu\n", save->incarnation);
	print_flag("frozen", NULL, save->frozen);
	print_object_end();
}

static int save_to(struct save *save, const char *file)
{
	__u32 flows = 0;
	int code;

	code = vnl_do(save_request(save), take_total, &flows);
	if (code == DONE)
		code = output_open(&save->output, file);
	if (code)
		return code;
	progress_begin(&save->progress, "flows", flows);
	signals_catch();
	code = read_frames(save);
	signals_release();
	if (code)
		return code;
	if (!save->frozen)
		note("the VM was not frozen: flows that changed while it was read may be stale");
	if (save->output.fd != 1)
		show(save);
	return DONE;
}

/**
 * snapshot_save() - snapshot save VM file FILE
 * @args: the words after save
 *
 * Return: enum exit_code.
 */
int snapshot_save(struct args *args)
{
	const char *file = NULL;
	struct arg keys[] = {
		{ "file", "a file, or - for standard output", arg_text, .to = &file },
	};
	struct save save = { };
	int code = args_vm(args, save.uuid);

	if (code == DONE)
		code = args_keys(args, keys, ARRAY_SIZE(keys));
	if (code)
		return code;
	if (!file)
		return fail("expected file FILE");
	return save_to(&save, file);
}
