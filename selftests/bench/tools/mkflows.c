// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a snapshot of a VM with many established TCP connections.
 *
 *   mkflows UUID COUNT 4|6 > FILE
 *
 * The format is in Documentation/snapshot-format.md.
 */

#include <endian.h>
#include <linux/vfw.h>
#include <linux/vfw_state.h>

#include "crc32c.h"
#include "flows.h"

static struct {
	uint8_t bytes[VFW_FRAME_MAX];
	size_t length;
	uint32_t records, number;
	uint32_t *crcs;
	uint64_t total;
} out;

static void *record(size_t size)
{
	void *record = out.bytes + out.length;

	memset(record, 0, size);
	out.length += size;
	out.records++;
	return record;
}

static void frame_begin(void)
{
	out.length = sizeof(struct vfw_state_frame);
	out.records = 0;
}

static void frame_end(uint16_t type)
{
	struct vfw_state_frame *frame = (void *)out.bytes;

	*frame = (struct vfw_state_frame) {
		.magic = htole32(VFW_STATE_MAGIC),
		.type = htole16(type),
		.version = htole16(VFW_STATE_VERSION),
		.length = htole32(out.length),
		.count = htole32(out.records),
		.sequence = htole32(out.number),
	};
	frame->crc = htole32(crc32c(0, out.bytes, out.length));
	out.crcs[out.number++] = frame->crc;
	out.total += out.length;
	if (fwrite(out.bytes, out.length, 1, stdout) != 1)
		fail("write");
}

static void write_header(const char *uuid)
{
	struct vfw_state_header *header;
	unsigned int i, byte;

	frame_begin();
	header = record(sizeof(*header));
	for (i = 0; i < 16; i++, uuid += 2) {
		uuid += *uuid == '-';
		if (sscanf(uuid, "%2x", &byte) != 1) {
			fputs("that is no UUID\n", stderr);
			exit(1);
		}
		header->uuid[i] = byte;
	}
	header->incarnation = htole64(2);
	header->flags = htole32(VFW_STATE_HEADER_FROZEN);
	memcpy(header->creator, "mkflows", 7);
	frame_end(VFW_FRAME_TYPE_HEADER);
}

/* A policy of the defaults, all of which pass, with room for the flows. */
static void write_policy(uint32_t count)
{
	static const uint32_t timeouts[VFW_STATE_TIMEOUTS] = {
		120, 60, 7440, 240, 240, 240, 120, 10, 30, 180, 30, 600,
		120, 7440, 120, 30
	};
	struct vfw_state_policy *policy;
	unsigned int i;

	frame_begin();
	policy = record(sizeof(*policy));
	policy->flags = VFW_STATE_POLICY_LOADED;
	policy->default_in = VFW_ACTION_PASS;
	policy->default_out = VFW_ACTION_PASS;
	policy->max_flows = htole32(count);
	policy->max_half_open = htole32(count);
	policy->max_fragments = htole32(1024);
	policy->fragment_bytes = htole32(1048576);
	for (i = 0; i < VFW_STATE_TIMEOUTS; i++)
		policy->timeouts[i] = htole32(timeouts[i]);
	frame_end(VFW_FRAME_TYPE_POLICY);
}

static struct vfw_state_tcp end_of(uint32_t own_isn)
{
	return (struct vfw_state_tcp) {
		.end = htole32(own_isn + 1),
		.max_end = htole32(own_isn + 1 + (WINDOW << WINDOW_SCALE)),
		.max_window = htole32(WINDOW << WINDOW_SCALE),
	};
}

/* What is left of a handshake of three segments that the far end began. */
static void write_flow(uint32_t number, int v6)
{
	const unsigned int size = v6 ? sizeof(struct vfw_state_flow6)
				     : sizeof(struct vfw_state_flow4);
	const unsigned int address = v6 ? 16 : 4;
	struct vfw_state_flow *record_flow;
	struct flow flow;

	flow_of(number, v6, &flow);
	record_flow = record(size);
	record_flow->in_packets = htole64(2);
	record_flow->in_bytes = htole64(2 * (v6 ? 60 : 40) + 12);
	record_flow->out_packets = htole64(1);
	record_flow->out_bytes = htole64((v6 ? 60 : 40) + 12);
	record_flow->expires = htole32(7440 * 1000);
	record_flow->local_port = flow.vm_port;
	record_flow->remote_port = flow.far_port;
	record_flow->protocol = IPPROTO_TCP;
	record_flow->state = VFW_FLOW_STATE_TCP_ESTABLISHED;
	record_flow->scales = WINDOW_SCALE | WINDOW_SCALE << 4;
	record_flow->tcp_flags_local = VFW_TCP_WINDOW_SCALE | VFW_TCP_SACK;
	record_flow->tcp_flags_remote = VFW_TCP_WINDOW_SCALE | VFW_TCP_SACK | VFW_TCP_SYN;
	record_flow->tcp_local = end_of(flow.vm_isn);
	record_flow->tcp_remote = end_of(flow.far_isn);
	memcpy((uint8_t *)(record_flow + 1), flow.vm, address);
	memcpy((uint8_t *)(record_flow + 1) + address, flow.far, address);
}

static void write_flows(uint32_t count, int v6)
{
	const size_t size = v6 ? sizeof(struct vfw_state_flow6) : sizeof(struct vfw_state_flow4);
	uint32_t i = 0;

	while (i < count) {
		frame_begin();
		while (i < count && out.length + size <= VFW_FRAME_MAX)
			write_flow(i++, v6);
		frame_end(v6 ? VFW_FRAME_TYPE_FLOWS_IPV6 : VFW_FRAME_TYPE_FLOWS_IPV4);
	}
}

static void write_end(uint32_t count, int v6)
{
	struct vfw_state_end *end;

	frame_begin();
	end = record(sizeof(*end));
	end->frames = htole32(out.number + 1);
	*(v6 ? &end->flows_ipv6 : &end->flows_ipv4) = htole32(count);
	end->digest = htole32(crc32c(0, out.crcs, out.number * sizeof(*out.crcs)));
	end->bytes = htole64(out.total);
	frame_end(VFW_FRAME_TYPE_END);
}

int main(int argc, char **argv)
{
	struct vfw_state_stats *stats;
	struct vfw_state_vm *vm;
	uint32_t count;
	int v6;

	if (argc != 4) {
		fputs("usage: mkflows UUID COUNT 4|6 > FILE\n", stderr);
		return 1;
	}
	count = parse_count(argv[2]);
	v6 = parse_v6(argv[3]);
	out.crcs = calloc(count + 10, sizeof(*out.crcs));
	if (!out.crcs)
		fail("calloc");
	write_header(argv[1]);
	frame_begin();
	vm = record(sizeof(*vm));
	memcpy(vm->name, "bench", 5);
	frame_end(VFW_FRAME_TYPE_VM);
	frame_begin();
	frame_end(VFW_FRAME_TYPE_PORT);
	write_policy(count);
	frame_begin();
	stats = record(sizeof(*stats));
	stats->opened = htole64(count);
	frame_end(VFW_FRAME_TYPE_STATS);
	write_flows(count, v6);
	write_end(count, v6);
	if (fflush(stdout))
		fail("write");
	return 0;
}
