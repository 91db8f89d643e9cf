/* SPDX-License-Identifier: GPL-2.0 */
/* Alters snapshots as somebody would who knows the format and means harm. */
#ifndef VFW_NL_FUZZ_SNAPSHOT_MUTATE_H
#define VFW_NL_FUZZ_SNAPSHOT_MUTATE_H

#include <linux/types.h>
#include <stddef.h>

size_t snapshot_mutate(__u8 *data, size_t size, size_t room, __u64 seed);
void snapshot_seal(__u8 *data, size_t size, int totals);

#endif /* VFW_NL_FUZZ_SNAPSHOT_MUTATE_H */
