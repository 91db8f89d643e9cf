// SPDX-License-Identifier: GPL-2.0
/*
 * stream_gen RULES IPV4 IPV6 TAGGED [odd]: writes a snapshot with so many rules and flows to stdout;
 * with odd, under a name that the kernel would refuse.
 */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>

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
		.odd_name = argc > 5,
	};
	stream_make(&stream, &content);
	fwrite(stream.bytes, 1, stream.length, stdout);
	stream_free(&stream);
	return fflush(stdout) ? 1 : 0;
}
