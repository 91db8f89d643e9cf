/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_COMPAT_LINUX_SLAB_H
#define _VFW_COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

/* Allocation by type, since 7.0. */
#ifndef kzalloc_obj
#define kmalloc_obj(object, gfp)	kmalloc(sizeof(object), gfp)
#define kzalloc_obj(object, gfp)	kzalloc(sizeof(object), gfp)
#define kmalloc_objs(object, n, gfp)	kmalloc_array(n, sizeof(object), gfp)
#define kzalloc_objs(object, n, gfp)	kcalloc(n, sizeof(object), gfp)
#define kvmalloc_objs(object, n, gfp)	kvmalloc_array(n, sizeof(object), gfp)
#define kvzalloc_objs(object, n, gfp)	kvcalloc(n, sizeof(object), gfp)
#endif

#endif /* _VFW_COMPAT_LINUX_SLAB_H */
