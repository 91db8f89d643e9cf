/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_FRAGMENT_SPAN_H
#define _VFW_FRAGMENT_SPAN_H

#include <linux/types.h>

/* Bytes in a unit of fragments' offsets (RFC 791, 3.1; RFC 8200, 4.5). */
#define VFW_SPAN_UNIT	8

/* Most fragments of a datagram: one of 64 KiB in pieces of 64 bytes. */
#define VFW_SPANS_MAX	1024

#define VFW_SPANS_FEW	8

/**
 * struct vfw_span - the part of a datagram that one fragment is, in units
 * @first: where it begins
 * @end: behind it
 */
struct vfw_span {
	u16 first;
	u16 end;
};

/**
 * struct vfw_spans - the fragments there are of a datagram
 * @array: sorted, none overlapping; @few while they fit, else memory of its own
 * @count: how many
 * @room: how many there is room for
 * @covered: units of them all
 * @few: as many as most datagrams have
 */
struct vfw_spans {
	struct vfw_span *array;
	u16 count;
	u16 room;
	u16 covered;
	struct vfw_span few[VFW_SPANS_FEW];
};

/**
 * enum vfw_span_result - what a fragment is to those before it
 * @VFW_SPAN_NEW: no byte of it was there, and now it is
 * @VFW_SPAN_DUPLICATE: it is one of them once more
 * @VFW_SPAN_OVERLAP: some of its bytes were there
 * @VFW_SPAN_FULL: new, but there is no room
 */
enum vfw_span_result {
	VFW_SPAN_NEW,
	VFW_SPAN_DUPLICATE,
	VFW_SPAN_OVERLAP,
	VFW_SPAN_FULL,
};

void vfw_spans_init(struct vfw_spans *spans);
void vfw_spans_clear(struct vfw_spans *spans);
enum vfw_span_result vfw_spans_add(struct vfw_spans *spans, u16 first, u16 end);

#endif /* _VFW_FRAGMENT_SPAN_H */
