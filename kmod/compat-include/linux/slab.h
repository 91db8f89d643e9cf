/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COMPAT_LINUX_SLAB_H
#define _VFW_COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

/* Allocation by type, since 7.0. */
#ifndef kzalloc_obj
#define kzalloc_obj(object, gfp)	kzalloc(sizeof(object), gfp)
#endif

#endif /* _VFW_COMPAT_LINUX_SLAB_H */
