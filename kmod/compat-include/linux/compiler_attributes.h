/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COMPAT_LINUX_COMPILER_ATTRIBUTES_H
#define _VFW_COMPAT_LINUX_COMPILER_ATTRIBUTES_H

#include_next <linux/compiler_attributes.h>

/* A variable that need not be zeroed on the stack, since 7.0 and in some stable kernels. */
#ifndef __uninitialized
#if __has_attribute(__uninitialized__)
#define __uninitialized	__attribute__((__uninitialized__))
#else
#define __uninitialized
#endif
#endif

#endif /* _VFW_COMPAT_LINUX_COMPILER_ATTRIBUTES_H */
