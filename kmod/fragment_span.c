// SPDX-License-Identifier: GPL-2.0
/*
 * Which parts of a datagram there are.
 *
 * Each fragment is remembered by itself and not joined with its neighbours: only so a fragment that
 * came twice, which networks do, is told from one that covers other fragments' bytes, which is an
 * attack. They mostly come in order, so a new one is mostly appended.
 */

#include <linux/slab.h>
#include <linux/string.h>

#include "main.h"
#include "fragment_span.h"

/**
 * vfw_spans_init() - no fragment is there
 * @spans: has no memory of its own
 */
void vfw_spans_init(struct vfw_spans *spans)
{
	spans->array = spans->few;
	spans->room = VFW_SPANS_FEW;
	spans->count = 0;
	spans->covered = 0;
}
EXPORT_SYMBOL_VFW_TEST(vfw_spans_init);

/**
 * vfw_spans_clear() - forget all fragments, and free their memory
 * @spans: stays usable
 */
void vfw_spans_clear(struct vfw_spans *spans)
{
	if (spans->array != spans->few)
		kfree(spans->array);
	vfw_spans_init(spans);
}
EXPORT_SYMBOL_VFW_TEST(vfw_spans_clear);

/* Index of the first span that begins at @first or behind it. */
static u32 lower_bound(const struct vfw_spans *spans, u16 first)
{
	u32 low = 0, high = spans->count;

	/* In order, as most come. */
	if (!high || spans->array[high - 1].first < first)
		return high;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (spans->array[middle].first < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Twice the room. */
static bool grow(struct vfw_spans *spans)
{
	u32 bytes = 2 * spans->room * sizeof(struct vfw_span);
	struct vfw_span *array;

	if (spans->room >= VFW_SPANS_MAX)
		return false;
	array = kmalloc(bytes, GFP_ATOMIC | __GFP_NOWARN);
	if (!array)
		return false;
	memcpy(array, spans->array, spans->count * sizeof(*array));
	if (spans->array != spans->few)
		kfree(spans->array);
	spans->array = array;
	spans->room *= 2;
	return true;
}

/**
 * vfw_spans_add() - a fragment has come
 * @spans: those before it; with VFW_SPAN_NEW, this one too
 * @first: where it begins, in units
 * @end: behind it; above @first
 *
 * Context: any; does not sleep.
 */
enum vfw_span_result vfw_spans_add(struct vfw_spans *spans, u16 first, u16 end)
{
	u32 i = lower_bound(spans, first);
	struct vfw_span *at = spans->array + i;

	if (i < spans->count && at->first == first && at->end == end)
		return VFW_SPAN_DUPLICATE;
	if ((i < spans->count && at->first < end) || (i && at[-1].end > first))
		return VFW_SPAN_OVERLAP;
	if (spans->count == spans->room && !grow(spans))
		return VFW_SPAN_FULL;
	at = spans->array + i;
	memmove(at + 1, at, (spans->count - i) * sizeof(*at));
	at->first = first;
	at->end = end;
	spans->count++;
	spans->covered += end - first;
	return VFW_SPAN_NEW;
}
EXPORT_SYMBOL_VFW_TEST(vfw_spans_add);
