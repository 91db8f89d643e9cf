// SPDX-License-Identifier: GPL-2.0
#include "stream.h"
#include "../crc32c.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

static void *extend(struct stream *stream, size_t length)
{
	void *at;

	if (stream->length + length > stream->room) {
		stream->room = 2 * (stream->length + length);
		stream->bytes = realloc(stream->bytes, stream->room);
		if (!stream->bytes)
			abort();
	}
	at = stream->bytes + stream->length;
	memset(at, 0, length);
	stream->length += length;
	return at;
}

static void begin(struct stream *stream, unsigned int type)
{
	struct vfw_state_frame *frame;

	if (stream->count == STREAM_FRAMES)
		abort();
	stream->frames[stream->count] = stream->length;
	frame = extend(stream, sizeof(*frame));
	frame->magic = htole32(VFW_STATE_MAGIC);
	frame->type = htole16(type);
	frame->version = htole16(VFW_STATE_VERSION);
	frame->sequence = htole32(stream->count++);
}

static void finish(struct stream *stream, unsigned int records)
{
	size_t at = stream->frames[stream->count - 1];
	struct vfw_state_frame *frame = (void *)(stream->bytes + at);

	frame->length = htole32(stream->length - at);
	frame->count = htole32(records);
}

static void put_head(struct stream *stream, const struct stream_content *content)
{
	static const __u8 uuid[16] = "\x5b\xd0\x5e\x7c\x11\x22\x43\x44\x85\x66"
				     "\x77\x88\x99\xaa\xbb\xcc";
	struct vfw_state_header *header;
	struct vfw_state_port *port;
	struct vfw_state_vm *vm;

	begin(stream, VFW_FRAME_TYPE_HEADER);
	header = extend(stream, sizeof(*header));
	memcpy(header->uuid, uuid, sizeof(uuid));
	header->incarnation = htole64(3);
	header->time = htole64(1700000000ULL * 1000000000);
	header->flags = htole32(VFW_STATE_HEADER_FROZEN);
	memcpy(header->creator, "test", 4);
	if (content->odd_creator)
		/* A quote, a control character, a letter of two bytes and half of one. */
		memcpy(header->creator, "w\"eb\x1b[31m \xc3\xa9\xc3", 13);
	finish(stream, 1);

	begin(stream, VFW_FRAME_TYPE_VM);
	vm = extend(stream, sizeof(*vm));
	memcpy(vm->name, "web", 3);
	finish(stream, 1);

	begin(stream, VFW_FRAME_TYPE_PORT);
	port = extend(stream, sizeof(*port));
	memcpy(port->name, "tap0", 4);
	port = extend(stream, sizeof(*port));
	memcpy(port->name, "macvtap0", 8);
	port->flags = VFW_STATE_PORT_TRUNK;
	port->type = VFW_PORT_TYPE_MIRRORED;
	finish(stream, 2);
}

static void put_policy(struct stream *stream, const struct stream_content *content)
{
	struct vfw_state_policy *policy;

	begin(stream, VFW_FRAME_TYPE_POLICY);
	policy = extend(stream, sizeof(*policy));
	finish(stream, 1);
	if (content->no_policy)
		return;
	policy->flags = VFW_STATE_POLICY_LOADED;
	policy->default_out = VFW_ACTION_REJECT;
	policy->rules = htole32(content->rules);
	policy->max_flows = htole32(VFW_FLOWS_MAX);
	policy->max_half_open = htole32(16384);
	policy->max_fragments = htole32(1024);
	policy->fragment_bytes = htole32(1048576);
	for (int i = 0; i < VFW_STATE_TIMEOUTS; i++)
		policy->timeouts[i] = htole32(7440 + i);
}

/* Rules of three forms: with ranges and comment; with addresses; with nothing. */
static void put_rule(struct stream *stream, unsigned int number)
{
	static const char comment[] = "web \"and\" more";
	size_t size = number % 3 ? sizeof(struct vfw_state_rule) :
				   sizeof(struct vfw_state_rule) + 24;
	struct vfw_state_rule *rule = extend(stream, size);
	struct vfw_state_range *range = (void *)(rule + 1);

	rule->length = htole16(size);
	rule->action = VFW_ACTION_PASS;
	rule->packets = htole64(number);
	rule->direction = number % 2 ? VFW_DIRECTION_OUT : VFW_DIRECTION_IN;
	if (number % 3 == 0) {
		rule->flags = VFW_STATE_RULE_PROTOCOL;
		rule->protocol = IPPROTO_TCP;
		rule->local_ranges = 1;
		rule->remote_ranges = 1;
		range[0].first = htole16(80);
		range[0].last = htole16(80);
		range[1].first = htole16(1024);
		range[1].last = htole16(65535);
		rule->comment_length = sizeof(comment) - 1;
		memcpy(range + 2, comment, sizeof(comment) - 1);
	} else if (number % 3 == 1) {
		rule->flags = VFW_STATE_RULE_REMOTE;
		rule->family = VFW_FAMILY_IPV4;
		rule->remote_prefix = 12;
		rule->remote[0] = 172;
		rule->remote[1] = 16;
	}
}

static void put_rules(struct stream *stream, unsigned int rules)
{
	for (unsigned int i = 0; i < rules; i++) {
		if (i % 200 == 0)
			begin(stream, VFW_FRAME_TYPE_RULES);
		put_rule(stream, i);
		if (i % 200 == 199 || i + 1 == rules)
			finish(stream, i % 200 + 1);
	}
}

static void put_stats(struct stream *stream)
{
	struct vfw_state_stats *stats;
	struct vfw_state_drop *drop;

	begin(stream, VFW_FRAME_TYPE_STATS);
	stats = extend(stream, sizeof(*stats));
	stats->in_packets = htole64(1000);
	stats->out_bytes = htole64(1ULL << 40);
	stats->evicted = htole64(77);
	stats->drops = htole32(2);
	drop = extend(stream, 2 * sizeof(*drop));
	drop[0].reason = htole32(VFW_DROP_REASON_RULE);
	drop[0].in_packets = htole64(7);
	drop[1].reason = htole32(VFW_DROP_REASON_ICMP_REPLY);
	drop[1].out_packets = htole64(8);
	finish(stream, 3);
}

static void fill_flow(struct vfw_state_flow *flow, unsigned int number, unsigned int rules)
{
	flow->in_packets = htole64(number);
	flow->expires = htole32(7440000);
	flow->age = htole32(number % 1000);
	flow->rule = htole32(rules ? number % rules + 1 : 0);
	flow->local_port = htons(80);
	flow->remote_port = htons(1024 + number % 60000);
	flow->protocol = IPPROTO_TCP;
	flow->state = VFW_FLOW_STATE_TCP_ESTABLISHED;
	if (number % 4 == 3) {
		flow->protocol = IPPROTO_UDP;
		flow->state = VFW_FLOW_STATE_STREAM;
		flow->flags = VFW_STATE_FLOW_OPENED_OUT;
		return;
	}
	if (number % 16 == 4) {
		flow->protocol = IPPROTO_SCTP;
		flow->state = VFW_FLOW_STATE_SCTP_ESTABLISHED;
		flow->tcp_flags_local = VFW_SCTP_ECHOED;
		for (int i = 0; i < VFW_STATE_SCTP_TAGS; i++) {
			flow->sctp_local.tags[i] = htole32(number + i);
			flow->sctp_remote.tags[i] = htole32(4294967295U - i);
		}
		return;
	}
	flow->scales = 0x79;
	flow->tcp_flags_local = VFW_TCP_WINDOW_SCALE | VFW_TCP_SACK | VFW_TCP_SYN;
	flow->tcp_flags_remote = VFW_TCP_WINDOW_SCALE | VFW_TCP_SYN;
	/* The window wraps around. */
	flow->tcp_local.end = htole32(4294967295U);
	flow->tcp_local.max_end = htole32(number % 60000);
	flow->tcp_local.max_window = htole32(65535);
	flow->tcp_remote.end = htole32(number);
	flow->tcp_remote.max_end = htole32(number + 65535);
	flow->tcp_remote.max_window = htole32(65535 << 7);
}

static void put_flows(struct stream *stream, unsigned int type, size_t size,
		      unsigned int flows, unsigned int rules)
{
	unsigned int most = (VFW_FRAME_MAX - sizeof(struct vfw_state_frame)) / size;

	for (unsigned int i = 0; i < flows; i++) {
		__u8 *record;

		if (i % most == 0)
			begin(stream, type);
		record = extend(stream, size);
		fill_flow((void *)record, i, rules);
		/* The last bytes of either family's addresses. */
		record[sizeof(struct vfw_state_flow)] = 10;
		record[size - 1] = i;
		record[size - 2] = i >> 8;
		if (i % most == most - 1 || i + 1 == flows)
			finish(stream, i % most + 1);
	}
}

/* Families in turn; every third in two VLANs. */
static void put_tagged(struct stream *stream, unsigned int flows, unsigned int rules)
{
	for (unsigned int i = 0; i < flows; i++) {
		struct vfw_state_flow_tagged *flow;

		if (i % 200 == 0)
			begin(stream, VFW_FRAME_TYPE_FLOWS_TAGGED);
		flow = extend(stream, sizeof(*flow));
		fill_flow(&flow->flow, i, rules);
		flow->family = i % 2 ? VFW_FAMILY_IPV6 : VFW_FAMILY_IPV4;
		flow->local[0] = 10;
		flow->remote[i % 2 ? 15 : 3] = i;
		flow->outer.type = htons(i % 3 ? ETH_P_8021Q : ETH_P_8021AD);
		flow->outer.id = htons(i % 4094 + 1);
		if (i % 3 == 0) {
			flow->inner.type = htons(ETH_P_8021Q);
			flow->inner.id = htons(4094);
		}
		if (i % 200 == 199 || i + 1 == flows)
			finish(stream, i % 200 + 1);
	}
}

/**
 * stream_frame() - find a frame
 * @stream: the stream
 * @type: enum vfw_frame_type
 *
 * Return: the first of that type, NULL when there is none.
 */
struct vfw_state_frame *stream_frame(struct stream *stream, unsigned int type)
{
	for (unsigned int i = 0; i < stream->count; i++) {
		struct vfw_state_frame *frame = (void *)(stream->bytes + stream->frames[i]);

		if (le16toh(frame->type) == type)
			return frame;
	}
	return NULL;
}

static void seal(struct vfw_state_frame *frame, size_t length)
{
	frame->crc = 0;
	frame->crc = htole32(crc32c(0, frame, length));
}

/**
 * stream_seal() - make checksums and digest right for the bytes as they are
 * @stream: the stream; where its frames begin is as it was made
 */
void stream_seal(struct stream *stream)
{
	struct vfw_state_frame *frame;
	struct vfw_state_end *end;
	__u32 digest = 0;

	for (unsigned int i = 0; i + 1 < stream->count; i++) {
		frame = (void *)(stream->bytes + stream->frames[i]);
		seal(frame, stream->frames[i + 1] - stream->frames[i]);
		digest = crc32c(digest, &frame->crc, sizeof(frame->crc));
	}
	frame = (void *)(stream->bytes + stream->frames[stream->count - 1]);
	end = (void *)(frame + 1);
	end->digest = htole32(digest);
	seal(frame, stream->length - stream->frames[stream->count - 1]);
}

/**
 * stream_make() - make a snapshot without a fault
 * @stream: filled; to be freed
 * @content: what is to be in it
 */
void stream_make(struct stream *stream, const struct stream_content *content)
{
	unsigned int rules = content->no_policy ? 0 : content->rules;
	struct vfw_state_end *end;

	memset(stream, 0, sizeof(*stream));
	put_head(stream, content);
	put_policy(stream, content);
	put_rules(stream, rules);
	put_stats(stream);
	put_flows(stream, VFW_FRAME_TYPE_FLOWS_IPV4, sizeof(struct vfw_state_flow4),
		  content->flows_ipv4, rules);
	put_flows(stream, VFW_FRAME_TYPE_FLOWS_IPV6, sizeof(struct vfw_state_flow6),
		  content->flows_ipv6, rules);
	put_tagged(stream, content->flows_tagged, rules);
	begin(stream, VFW_FRAME_TYPE_END);
	end = extend(stream, sizeof(*end));
	end->frames = htole32(stream->count);
	end->ports = htole32(2);
	end->rules = htole32(rules);
	end->flows_ipv4 = htole32(content->flows_ipv4);
	end->flows_ipv6 = htole32(content->flows_ipv6);
	end->flows_tagged = htole32(content->flows_tagged);
	end->bytes = htole64(stream->frames[stream->count - 1]);
	finish(stream, 1);
	stream_seal(stream);
}

/**
 * stream_free() - free a snapshot
 * @stream: the stream
 */
void stream_free(struct stream *stream)
{
	free(stream->bytes);
	stream->bytes = NULL;
}
