// SPDX-License-Identifier: GPL-2.0
/*
 * SCTP packets: a common header and chunks, one after the other (RFC 9260, 3).
 *
 * Tracking wants to know which kinds of chunks a packet has, its verification tag and, of INIT and
 * INIT ACK, the tag that is offered. Control chunks come before data (RFC 9260, 6.10), so that no
 * more than CHUNKS_MAX are looked at: a packet of more is fine when data has been met by then.
 * Who hides control chunks behind so much data deceives nobody but himself: he knew the tag, and
 * all that the flow is not told is that his association has ended.
 */
#include "main.h"

#include <linux/align.h>
#include "sctp.h"

#define CHUNKS_MAX	16

#define TYPE_DATA		0
#define TYPE_INIT		1
#define TYPE_INIT_ACK		2
#define TYPE_SACK		3
#define TYPE_HEARTBEAT		4
#define TYPE_HEARTBEAT_ACK	5
#define TYPE_ABORT		6
#define TYPE_SHUTDOWN		7
#define TYPE_SHUTDOWN_ACK	8
#define TYPE_ERROR		9
#define TYPE_COOKIE_ECHO	10
#define TYPE_COOKIE_ACK		11
#define TYPE_SHUTDOWN_COMPLETE	14
#define TYPE_AUTH		15	/* RFC 4895 */
#define TYPE_I_DATA		64	/* RFC 8260 */

#define FLAG_REFLECTED	0x01	/* T, of ABORT and SHUTDOWN COMPLETE (RFC 9260, 8.5.1) */

struct common_header {
	__be16 source;
	__be16 dest;
	__be32 tag;
	__le32 checksum;
};

struct chunk_header {
	u8 type;
	u8 flags;
	__be16 length;
};

/**
 * struct chunk_type - what is known of a type of chunk
 * @kind: enum vfw_sctp_kind
 * @least: bytes it has at least, without padding (RFC 9260, 3.3)
 * @exact: it has no more
 * @alone: no other chunk may be in the packet
 */
struct chunk_type {
	u8 kind;
	u8 least;
	bool exact;
	bool alone;
};

static const struct chunk_type chunk_types[] = {
	[TYPE_DATA]		 = { VFW_SCTP_OTHER, 17 },
	[TYPE_INIT]		 = { VFW_SCTP_INIT, 20, .alone = true },
	[TYPE_INIT_ACK]		 = { VFW_SCTP_INIT_ACK, 20, .alone = true },
	[TYPE_SACK]		 = { VFW_SCTP_OTHER, 16 },
	[TYPE_HEARTBEAT]	 = { VFW_SCTP_HEARTBEAT, 8 },
	[TYPE_HEARTBEAT_ACK]	 = { VFW_SCTP_HEARTBEAT_ACK, 8 },
	[TYPE_ABORT]		 = { VFW_SCTP_ABORT, 4 },
	[TYPE_SHUTDOWN]		 = { VFW_SCTP_SHUTDOWN, 8, .exact = true },
	[TYPE_SHUTDOWN_ACK]	 = { VFW_SCTP_SHUTDOWN_ACK, 4, .exact = true },
	[TYPE_ERROR]		 = { VFW_SCTP_OTHER, 4 },
	[TYPE_COOKIE_ECHO]	 = { VFW_SCTP_COOKIE_ECHO, 5 },
	[TYPE_COOKIE_ACK]	 = { VFW_SCTP_COOKIE_ACK, 4, .exact = true },
	[TYPE_SHUTDOWN_COMPLETE] = { VFW_SCTP_SHUTDOWN_COMPLETE, 4, .exact = true, .alone = true },
};

static const struct chunk_type i_data_type = { VFW_SCTP_OTHER, 21 };
static const struct chunk_type other_type = { VFW_SCTP_OTHER, 4 };

static const struct chunk_type *chunk_type(u8 type)
{
	if (type < ARRAY_SIZE(chunk_types) && chunk_types[type].least)
		return &chunk_types[type];
	return type == TYPE_I_DATA ? &i_data_type : &other_type;
}

/**
 * struct walk - a walk over the chunks of a packet
 * @count: chunks met
 * @heads: of these, not AUTH
 * @data: DATA or I-DATA was among them
 * @sack: SACK was
 * @cut: it is a first fragment, and its last chunk may go on in others
 */
struct walk {
	u32 count;
	u32 heads;
	bool data;
	bool sack;
	bool cut;
};

/* What has to come first: RFC 9260, 3.3.11 and 3.3.12; but AUTH may precede (RFC 4895, 6.3). */
static bool in_order(const struct walk *walk, u8 kind)
{
	if (kind == VFW_SCTP_COOKIE_ECHO)
		return !walk->heads;
	if (kind == VFW_SCTP_COOKIE_ACK)
		return !walk->data && !walk->sack;
	return true;
}

/* One chunk, @left bytes from the end of the packet. */
static bool take_chunk(struct walk *walk, const struct chunk_header *head, u32 left,
		       struct vfw_chunks *chunks)
{
	const struct chunk_type *type = chunk_type(head->type);
	u32 length = ntohs(head->length);

	if (length < type->least || (walk->cut ? type->least : length) > left ||
	    (type->exact && length != type->least) || !in_order(walk, type->kind))
		return false;
	if (type->alone && (walk->count || ALIGN(length, 4) < left))
		return false;
	if (type->kind == VFW_SCTP_ABORT || type->kind == VFW_SCTP_SHUTDOWN_COMPLETE)
		chunks->reflected = head->flags & FLAG_REFLECTED;
	chunks->kinds |= BIT(type->kind);
	walk->count++;
	walk->heads += head->type != TYPE_AUTH;
	walk->data |= head->type == TYPE_DATA || head->type == TYPE_I_DATA;
	walk->sack |= head->type == TYPE_SACK;
	return true;
}

static bool walk_chunks(const struct sk_buff *skb, int off, u32 left, bool cut,
			struct vfw_chunks *chunks)
{
	const struct chunk_header *head;
	struct chunk_header _head;
	struct walk walk = { .cut = cut };
	u32 size;

	do {
		if (walk.count == CHUNKS_MAX)
			return walk.data;
		head = skb_header_pointer(skb, off, sizeof(_head), &_head);
		if (left < sizeof(_head) || !head || !take_chunk(&walk, head, left, chunks))
			return false;
		/* The last one need not be padded. */
		size = min_t(u32, ALIGN(ntohs(head->length), 4), left);
		off += size;
		left -= size;
	} while (left);
	/* RFC 9260, 3.3.7 */
	return !(walk.data && chunks->kinds & BIT(VFW_SCTP_ABORT));
}

/* The tag that an INIT or INIT ACK, the first chunk, offers. */
static bool initiate_tag(const struct sk_buff *skb, int off, u32 *tag)
{
	const __be32 *field;
	__be32 _field;

	field = skb_header_pointer(skb, off + sizeof(struct common_header) +
				   sizeof(struct chunk_header), sizeof(_field), &_field);
	if (!field)
		return false;
	*tag = ntohl(*field);
	return true;
}

/**
 * vfw_sctp_parse() - what tracking needs of an SCTP packet
 * @skb: the packet; not modified
 * @off: where the common header begins, from skb->data
 * @len: bytes from there on by the IP header
 * @cut: it is the first fragment of a packet: its last chunk may go on in others, which nobody
 *	reads
 * @chunks: filled in
 *
 * RFC 9260, 3, 6.10 and 8.5.1: lengths must add up, INIT, INIT ACK and SHUTDOWN COMPLETE stand
 * alone, only an INIT has a verification tag of 0, and no end offers 0.
 *
 * Context: any.
 * Return: VFW_DROP_REASON_NONE, or L4_HEADER, SCTP_CHUNK or SCTP_TAG.
 */
enum vfw_drop_reason vfw_sctp_parse(const struct sk_buff *skb, int off, u32 len, bool cut,
				    struct vfw_chunks *chunks)
{
	const struct common_header *head;
	struct common_header _head;

	memset(chunks, 0, sizeof(*chunks));
	head = skb_header_pointer(skb, off, sizeof(_head), &_head);
	if (!head || len < sizeof(_head))
		return VFW_DROP_REASON_L4_HEADER;
	chunks->tag = ntohl(head->tag);
	if (!walk_chunks(skb, off + sizeof(_head), len - sizeof(_head), cut, chunks))
		return VFW_DROP_REASON_SCTP_CHUNK;
	if (!(chunks->kinds & BIT(VFW_SCTP_INIT)) != !!chunks->tag)
		return VFW_DROP_REASON_SCTP_TAG;
	if (!(chunks->kinds & (BIT(VFW_SCTP_INIT) | BIT(VFW_SCTP_INIT_ACK))))
		return VFW_DROP_REASON_NONE;
	if (!initiate_tag(skb, off, &chunks->init_tag))
		return VFW_DROP_REASON_SCTP_CHUNK;
	return chunks->init_tag ? VFW_DROP_REASON_NONE : VFW_DROP_REASON_SCTP_TAG;
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_parse);

/**
 * vfw_sctp_parse_quoted() - the tags of an SCTP packet that an ICMP error quotes
 * @skb: the error; not modified
 * @off: where the quoted packet's common header begins, from skb->data
 * @len: bytes quoted from there on
 * @chunks: its tags are filled in
 *
 * RFC 9260, 10, ICMP6: a tag of 0 is an INIT's, which is known by the tag that it offers.
 *
 * Context: any.
 * Return: false when too little is quoted, or nothing that an end sends.
 */
bool vfw_sctp_parse_quoted(const struct sk_buff *skb, int off, u32 len, struct vfw_chunks *chunks)
{
	const struct chunk_header *chunk;
	struct chunk_header _chunk;
	const __be32 *tag;
	__be32 _tag;

	tag = skb_header_pointer(skb, off + offsetof(struct common_header, tag), sizeof(_tag),
				 &_tag);
	if (!tag || len < offsetofend(struct common_header, tag))
		return false;
	chunks->tag = ntohl(*tag);
	if (chunks->tag)
		return true;
	chunk = skb_header_pointer(skb, off + sizeof(struct common_header), sizeof(_chunk),
				   &_chunk);
	if (!chunk || len < sizeof(struct common_header) + sizeof(_chunk) + sizeof(_tag) ||
	    chunk->type != TYPE_INIT)
		return false;
	return initiate_tag(skb, off, &chunks->init_tag);
}
EXPORT_SYMBOL_VFW_TEST(vfw_sctp_parse_quoted);

/**
 * vfw_sctp_segments() - packets on the wire that a GSO packet of SCTP stands for
 * @skb: the packet
 *
 * SCTP is not cut by a size but between chunks: what is not linear in it is a list of what goes
 * into each packet (Documentation/networking/segmentation-offloads.rst of the kernel).
 *
 * Context: any.
 */
u32 vfw_sctp_segments(const struct sk_buff *skb)
{
	const struct sk_buff *frag;
	u32 segments = 0;

	skb_walk_frags(skb, frag)
		segments++;
	return max(segments, 1U);
}
