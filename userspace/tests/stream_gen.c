// SPDX-License-Identifier: GPL-2.0
/*
 * stream_gen RULES IPV4 IPV6 TAGGED [odd | TYPE AT HEX]: writes a snapshot with so many rules and
 * flows to stdout; with odd, written by something that is no text; or with other bytes from byte AT
 * on of the records of its first frame of type TYPE, and checksums that are right for them.
 */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int alter(struct stream *stream, char **argv)
{
	struct vfw_state_frame *frame = stream_frame(stream, strtoul(argv[0], NULL, 10));
	__u8 *at = (__u8 *)(frame + 1) + strtoul(argv[1], NULL, 10);
	unsigned int byte;

	if (!frame)
		return 1;
	for (const char *hex = argv[2]; *hex; hex += 2) {
		if (at == stream->bytes + stream->length || sscanf(hex, "%2x", &byte) != 1)
			return 1;
		*at++ = byte;
	}
	stream_seal(stream);
	return 0;
}

int main(int argc, char **argv)
{
	static struct stream stream;
	struct stream_content content;

	if (argc < 5)
		return 1;
	content = (struct stream_content){
		.rules = strtoul(argv[1], NULL, 10),
		.flows_ipv4 = strtoul(argv[2], NULL, 10),
		.flows_ipv6 = strtoul(argv[3], NULL, 10),
		.flows_tagged = strtoul(argv[4], NULL, 10),
		.odd_creator = argc == 6,
	};
	stream_make(&stream, &content);
	if (argc == 8 && alter(&stream, argv + 5))
		return 1;
	fwrite(stream.bytes, 1, stream.length, stdout);
	stream_free(&stream);
	return fflush(stdout) ? 1 : 0;
}
