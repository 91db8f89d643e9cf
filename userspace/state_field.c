// SPDX-License-Identifier: GPL-2.0
#include "state_field.h"

#include <string.h>

/**
 * state_zero() - is there nothing but zeros?
 * @data: bytes
 * @length: how many
 */
bool state_zero(const void *data, size_t length)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/**
 * state_padded() - is it text, and then at least one zero, and nothing else, up to the end?
 * @text: the field
 * @size: its bytes
 */
bool state_padded(const __u8 *text, size_t size)
{
	size_t length = strnlen((const char *)text, size);

	return length < size && state_zero(text + length, size - length);
}

/**
 * state_enum() - check a number that stands for something
 * @stream: the stream
 * @at: where in the frame
 * @names: what there is
 * @value: the number
 *
 * Return: DONE or FAILED.
 */
int state_enum(const struct state_stream *stream, size_t at, const struct spec_enum *names,
	       __u64 value)
{
	if (value < names->count)
		return DONE;
	return state_fault(stream, at, "there is no %s %llu", names->name, value);
}

/**
 * state_number() - check a number that counts something
 * @stream: the stream
 * @at: where in the frame
 * @what: its name
 * @value: the number
 * @min: the least it may be
 * @max: the most
 *
 * Return: DONE or FAILED.
 */
int state_number(const struct state_stream *stream, size_t at, const char *what, __u32 value,
		 __u32 min, __u32 max)
{
	if (value >= min && value <= max)
		return DONE;
	return state_fault(stream, at, "%s %u is not from %u to %u", what, value, min, max);
}
