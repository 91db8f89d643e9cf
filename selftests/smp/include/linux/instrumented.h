/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's atomic operations are assembly, which the compiler does not instrument; they say
 * here what they touch, for tools like KCSAN. The recorder takes its place.
 */
#ifndef _VFW_SMP_INSTRUMENTED_H
#define _VFW_SMP_INSTRUMENTED_H

#define instrument_atomic_read		instrument_atomic_read_not_used
#define instrument_atomic_write		instrument_atomic_write_not_used
#define instrument_atomic_read_write	instrument_atomic_read_write_not_used
#define instrument_write		instrument_write_not_used
#include_next <linux/instrumented.h>
#undef instrument_atomic_read
#undef instrument_atomic_write
#undef instrument_atomic_read_write
#undef instrument_write

void vfw_smp_read(const void *address, size_t size);
void vfw_smp_write(const void *address, size_t size);

#define instrument_atomic_read(v, size)		vfw_smp_read((const void *)(v), size)
#define instrument_atomic_write(v, size)	vfw_smp_write((const void *)(v), size)
#define instrument_atomic_read_write(v, size)	vfw_smp_write((const void *)(v), size)
#define instrument_write(v, size)		vfw_smp_write((const void *)(v), size)

#endif /* _VFW_SMP_INSTRUMENTED_H */
