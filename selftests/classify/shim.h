/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the classifier, and the rules' reference, need to be compiled as part
 * of a program. Every header of the kernel that they include is this one.
 */
#ifndef _VFW_SELFTESTS_SHIM_H
#define _VFW_SELFTESTS_SHIM_H

#include <arpa/inet.h>
#include <assert.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define u8	__u8
#define u16	__u16
#define u32	__u32
#define u64	__u64

struct shim_atomic64 { long long counter; };

#define atomic64_t	struct shim_atomic64

struct rcu_work { int unused; };
struct mutex { int unused; };
struct rhashtable { int unused; };
struct xarray { int unused; };
struct list_head { int unused; };
struct net;
struct sk_buff;
struct netlink_ext_ack;
struct workqueue_struct;

#define U16_MAX		0xffff
#define U32_MAX		0xffffffffu
#define GFP_KERNEL_ACCOUNT 0
#define __force
#define fallthrough	__attribute__((__fallthrough__))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KBUILD_MODNAME	"vfw"

#define min(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b); __a < __b ? __a : __b; })
#define max(a, b) ({ __typeof__(a) __c = (a); __typeof__(b) __d = (b); __c > __d ? __c : __d; })
#define max3(a, b, c)		max(max(a, b), c)
#define clamp(x, low, high)	min(max(x, low), high)
#define min_t(type, a, b)	min((type)(a), (type)(b))

#define cond_resched()	do { } while (0)
#define hweight64(x)	__builtin_popcountll(x)
#define fls(x)		((x) ? 32 - __builtin_clz(x) : 0)
#define ilog2(x)	(31 - __builtin_clz(x))
#define roundup_pow_of_two(x) ((x) < 2 ? 1U : 1U << (32 - __builtin_clz((x) - 1)))
#define div_u64(a, b)	((u64)(a) / (u32)(b))

#define MAX_ERRNO	4095
#define ENOMEM		12
#define E2BIG		7
#define ERR_PTR(error)	((void *)(long)(error))
#define PTR_ERR(ptr)	((long)(ptr))
#define IS_ERR(ptr)	((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)

/*
 * Allocations, counted; the one with the number shim_fail fails, from 1. How much was asked for
 * stands before what is returned.
 */
extern long shim_allocs, shim_fail, shim_held;

static inline void *shim_alloc(size_t n, size_t size)
{
	size_t *p;

	if (++shim_allocs == shim_fail)
		return NULL;
	p = malloc(n * size + 2 * sizeof(*p));
	if (!p)
		return NULL;
	p[0] = n * size;
	shim_held += p[0];
	return p + 2;
}

static inline void shim_free(void *p)
{
	size_t *start;

	if (!p)
		return;
	start = (size_t *)p - 2;
	shim_held -= *start;
	free(start);
}

#define kvmalloc_array(n, size, gfp)	((void)(gfp), shim_alloc(n, size))
#define kvfree(p)			shim_free(p)
#define kfree(p)			shim_free(p)
#define kzalloc_obj(object, gfp) ({				\
	void *__p = kvmalloc_array(1, sizeof(object), gfp);	\
								\
	__p ? memset(__p, 0, sizeof(object)) : NULL;		\
})

static inline void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *s = p;

	for (; n; s++, n--)
		if (*s != (u8)c)
			return (void *)s;
	return NULL;
}

#endif /* _VFW_SELFTESTS_SHIM_H */
