// SPDX-License-Identifier: GPL-2.0
/*
 * CRC-32C (Castagnoli; RFC 9260, appendix A): polynomial 0x1edc6f41, here with its bits
 * reversed, as the bits come in. A snapshot is read at the speed of memory where the
 * processor has an instruction for it, and eight bytes at a time by tables where not.
 */
#include "crc32c.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78

/* tables[n][b]: what byte b becomes when n more bytes follow it. */
static __u32 tables[8][256];
static bool tables_made;

static void make_tables(void)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		__u32 crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		tables[0][byte] = crc;
	}
	for (unsigned int byte = 0; byte < 256; byte++)
		for (int n = 1; n < 8; n++)
			tables[n][byte] = tables[n - 1][byte] >> 8 ^
					  tables[0][tables[n - 1][byte] & 0xff];
	tables_made = true;
}

static __u64 load64(const __u8 *data)
{
	__u64 value;

	memcpy(&value, data, sizeof(value));
	return le64toh(value);
}

static __u32 by_tables(__u32 crc, const __u8 *data, size_t length)
{
	if (!tables_made)
		make_tables();
	for (; length >= 8; data += 8, length -= 8) {
		__u64 value = load64(data) ^ crc;

		crc = 0;
		for (int n = 7; n >= 0; n--, value >>= 8)
			crc ^= tables[n][value & 0xff];
	}
	for (; length > 0; data++, length--)
		crc = crc >> 8 ^ tables[0][(crc ^ *data) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static __u32 by_instruction(__u32 crc, const __u8 *data, size_t length)
{
	for (; length >= 8; data += 8, length -= 8)
		crc = __builtin_ia32_crc32di(crc, load64(data));
	for (; length > 0; data++, length--)
		crc = __builtin_ia32_crc32qi(crc, *data);
	return crc;
}
#endif

/**
 * crc32c() - checksum of bytes
 * @crc: of the bytes before these, 0 for none
 * @data: the bytes
 * @length: how many
 *
 * Return: the CRC-32C of all so far.
 */
__u32 crc32c(__u32 crc, const void *data, size_t length)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, data, length);
#endif
	return ~by_tables(~crc, data, length);
}
