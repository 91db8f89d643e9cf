/* SPDX-License-Identifier: GPL-2.0 */
/* What the compiler calls with -fsanitize=thread: the address, and of a range its size. */

.macro callback name size access
	.globl	\name
	.type	\name, @function
\name:
	.ifnb	\size
	mov	$\size, %esi
	.endif
	mov	$\access, %edx
	mov	(%rsp), %rcx
	movabs	$vfw_smp_access, %rax
	jmp	*%rax
	.size	\name, . - \name
.endm

	.text
	.irp	size, 1, 2, 4, 8, 16
	callback __tsan_read\size, \size, 0
	callback __tsan_write\size, \size, 1
	callback __tsan_volatile_read\size, \size, 0
	callback __tsan_volatile_write\size, \size, 1
	callback __tsan_unaligned_read\size, \size, 0
	callback __tsan_unaligned_write\size, \size, 1
	callback __tsan_unaligned_volatile_read\size, \size, 0
	callback __tsan_unaligned_volatile_write\size, \size, 1
	.endr
	callback __tsan_read_range, , 0
	callback __tsan_write_range, , 1

	.globl	__tsan_init
	.type	__tsan_init, @function
__tsan_init:
	ret
	.size	__tsan_init, . - __tsan_init

	.section .note.GNU-stack, "", @progbits
