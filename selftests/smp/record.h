/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SMP_RECORD_H
#define _VFW_SMP_RECORD_H

#include <linux/types.h>

#define VFW_SMP_MAX_CALLS 256

/**
 * enum vfw_smp_access - ways to touch memory; tsan.S knows the numbers
 * @READ_ACCESS: read
 * @WRITE_ACCESS: write
 * @CLAIM: prefetchw()
 */
enum vfw_smp_access {
	READ_ACCESS,
	WRITE_ACCESS,
	CLAIM,
};

/**
 * enum vfw_smp_kind - what a function of the kernel does with its arguments
 * @VFW_SMP_OTHER: not known
 * @VFW_SMP_LOCK: writes the spin lock at the first
 * @VFW_SMP_SET: writes at the first, as many bytes as the third says
 * @VFW_SMP_COPY: the same, and reads as much at the second
 */
enum vfw_smp_kind {
	VFW_SMP_OTHER,
	VFW_SMP_LOCK,
	VFW_SMP_SET,
	VFW_SMP_COPY,
};

extern const char *const vfw_smp_names[VFW_SMP_MAX_CALLS];

void vfw_smp_read(const void *address, size_t size);
void vfw_smp_write(const void *address, size_t size);
void vfw_smp_claim(const void *address);
void vfw_smp_access(const void *address, size_t size, enum vfw_smp_access access,
		    unsigned long ip);
void vfw_smp_call(unsigned int number, const unsigned long *arguments, enum vfw_smp_kind kind,
		  unsigned long ip);

#endif /* _VFW_SMP_RECORD_H */
