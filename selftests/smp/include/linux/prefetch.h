/* SPDX-License-Identifier: GPL-2.0 */
/* To fetch a line in order to write takes it away from the CPU that has it, written or not. */
#ifndef _VFW_SMP_PREFETCH_H
#define _VFW_SMP_PREFETCH_H

#include_next <linux/prefetch.h>
#undef prefetchw

void vfw_smp_claim(const void *address);

#define prefetchw(address) vfw_smp_claim(address)

#endif /* _VFW_SMP_PREFETCH_H */
