/* SPDX-License-Identifier: GPL-2.0 */
/* What the checks of all records share. */
#ifndef VFW_NL_STATE_FIELD_H
#define VFW_NL_STATE_FIELD_H

#include "spec.h"
#include "state_stream.h"

/* Says that field @field of the record at @at is wrong. */
#define fault(stream, at, record, field, ...) \
	state_fault(stream, (at) + offsetof(struct record, field), __VA_ARGS__)

bool state_zero(const void *data, size_t length);
bool state_padded(const __u8 *text, size_t size);
int state_enum(const struct state_stream *stream, size_t at, const struct spec_enum *names,
	       __u64 value);
int state_number(const struct state_stream *stream, size_t at, const char *what, __u32 value,
		 __u32 min, __u32 max);

#endif /* VFW_NL_STATE_FIELD_H */
