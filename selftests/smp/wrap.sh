#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrappers of the functions of the kernel that the module calls, for the recorder.
#
#   wrap.sh KDIR DIR OBJECT...
#
# Writes DIR/wrap.S, DIR/names.c and DIR/wrap.flags (for ld). Not wrapped is what the recorder
# itself calls while it records, nor what the kernel knows by its address (delayed_work_timer_fn).
set -euo pipefail

kdir=$1 dir=$2
shift 2
own='^(um_get_signals|um_set_signals|uml_curr_cpu|delayed_work_timer_fn)$'

# What is not defined in the module, and is a function in the kernel.
functions() {
	[ $# -gt 0 ] || return 0
	nm -u "$@" | awk '$1 == "U" {print $2}' | sort -u |
		grep -vE "$own|^(__tsan_|vfw_)" |
		grep -xFf <(awk '$2 ~ /^[TtW]$/ {print $3}' "$kdir/System.map")
}

kind() {
	case $1 in
	_raw_spin_lock*|_raw_spin_unlock*) echo 1 ;;
	memset) echo 2 ;;
	memcpy|memmove) echo 3 ;;
	*) echo 0 ;;
	esac
}

mapfile -t names < <(functions "$@")
{
	echo '/* Made by wrap.sh. */'
	echo '.text'
	for n in "${!names[@]}"; do
		name=${names[$n]}
		# All registers in which there may be arguments; the first three are an array then.
		cat <<- EOF
			.globl __wrap_$name
			.type __wrap_$name, @function
			__wrap_$name:
			push %rax; push %r11; push %r10; push %r9; push %r8; push %rcx
			push %rdx; push %rsi; push %rdi
			mov \$$n, %edi; mov %rsp, %rsi; mov \$$(kind "$name"), %edx; mov 72(%rsp), %rcx
			movabs \$vfw_smp_call, %rax; call *%rax
			pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %r8; pop %r9; pop %r10; pop %r11
			movabs \$__real_$name, %rax; xchg %rax, (%rsp); ret
			.size __wrap_$name, .-__wrap_$name
		EOF
	done
	echo '.section .note.GNU-stack,"",@progbits'
} > "$dir/wrap.S"
{
	echo '/* Made by wrap.sh. */'
	echo '#include "record.h"'
	echo 'const char *const vfw_smp_names[VFW_SMP_MAX_CALLS] = {'
	printf '\t"%s",\n' "${names[@]}"
	echo '};'
} > "$dir/names.c"
printf -- '--wrap=%s\n' "${names[@]}" > "$dir/wrap.flags"
