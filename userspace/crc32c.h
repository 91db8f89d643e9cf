/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_CRC32C_H
#define VFW_NL_CRC32C_H

#include <linux/types.h>
#include <stddef.h>

__u32 crc32c(__u32 crc, const void *data, size_t length);

#endif /* VFW_NL_CRC32C_H */
