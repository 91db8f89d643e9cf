#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run one command on a lab host: a User Mode Linux kernel whose files are this machine's.
#
#   host.sh [OPTION]... [--] COMMAND [ARGUMENT]...
#
#   --kernel plain|debug|smp|smp-debug  which kernel (VFW_LAB_KERNEL, else plain); debug is the
#                         gate, smp has two CPUs, smp-debug hunts races with them
#   --mem SIZE            memory (1G)
#   --timeout SECONDS     end it after so long (600; 0: never)
#   --name NAME           host name (lab)
#   --vec SPEC            one more network device vec0, vec1, ... with this specification
#   --addr A,A6           IPv4 and IPv6 address of vec0 (/24 and /64)
#   --work DIR            a directory that is writable inside, under the same name, in LAB_WORK
#                         and as /work-out; console log and output are kept in it
#   --env NAME=VALUE      a variable for the command (all VFW_* and LAB_* are passed anyway)
#   --tty                 interactive: the command gets this terminal
#
# The host sees this machine's whole file system and may write everywhere, but in memory only:
# nothing outlasts it except what is in --work. The command runs in the present directory, as
# root, without input, with the tree's vfw-nl first in PATH. If VFW_KO names a vfw.ko, it is loaded before.
#
# Exit status: the command's own; or
#   123  the command succeeded, but the kernel complained or leaked memory
#   124  out of time
#   125  the host did not come up, or died (panic), or something in the lab is missing
#
# On the debug kernels a warning is a panic, and on that with one CPU a search for leaked memory
# ends each run (6 s; VFW_LAB_NO_LEAKSCAN=1 does without). VFW_LAB_KEEP=1 keeps the control directory.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
tree=$(realpath "$here/../..")
kernel=${VFW_LAB_KERNEL:-plain} mem=1G timeout=600 name=lab addr='' work='' tty=''
vecs=() env=()
ctl='' uml='' reader='' saved_tty=''

readonly ST_COMPLAINT=123 ST_TIMEOUT=124 ST_LAB=125

# What the kernel says when it is unhappy.
complaints='BUG:|WARNING:|KASAN:|UBSAN:|ODEBUG:|Oops|Kernel panic|general protection fault'
complaints+='|possible (recursive|circular|irq lock)|inconsistent lock state|invalid wait context'
complaints+='|bad unlock balance|held lock freed|suspicious RCU usage|lock held when returning'
complaints+='|sleeping function called|scheduling while atomic|refcount_t:'
complaints+='|task .* blocked for more than|rcu.* (detected|self-detected) stall'
complaints+='|unregister_netdevice: waiting|Memory cache .* objects remaining'
complaints+='|kmemleak: (Kernel memory leak detector disabled|Cannot insert)'
complaints+='|kmemleak: Cannot allocate a kmemleak_object'

say() { echo "lab${name:+ $name}: $*" >&2; }
die() { say "$*"; exit "$ST_LAB"; }

usage() {
	sed -n '/^#   host.sh/,/^set -/{/^set -/d; s/^# \{0,1\}//; p}' "$0" >&2
	exit "$ST_LAB"
}

parse_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--tty) tty=1; shift; continue ;;
		--) shift; break ;;
		--kernel|--mem|--timeout|--name|--vec|--addr|--work|--env) ;;
		-*) usage ;;
		*) break ;;
		esac
		[ $# -gt 1 ] || usage
		case $1 in
		--kernel) kernel=$2 ;;
		--mem) mem=$2 ;;
		--timeout) timeout=$2 ;;
		--name) name=$2 ;;
		--vec) vecs+=("vec${#vecs[@]}:$2") ;;
		--addr) addr=$2 ;;
		--work) work=$2 ;;
		--env) env+=("$2") ;;
		esac
		shift 2
	done
	[ $# -gt 0 ] || usage
	argv=("$@")
}

# The kernel's command line and hostfs's options take no blanks or commas; the script's
# arguments do not pass there and may be anything.
prepare_work() {
	[ -n "$work" ] || return 0
	mkdir -p "$work" || die "cannot make the directory $work"
	work=$(realpath "$work")
	case $work in *[[:space:],]*) die "--work $work: no blanks or commas, please" ;; esac
}

prepare_command() {
	local path
	if [[ ${argv[0]} == */* || -f ${argv[0]} ]]; then
		argv[0]=$(realpath -e "${argv[0]}") || die "no such file: ${argv[0]}"
	fi
	if [ -n "${VFW_KO:-}" ]; then
		path=$(realpath -e "$VFW_KO") || die "VFW_KO: no such file: $VFW_KO"
		VFW_KO=$path
	fi
}

# Everything the host must know, as shell text that quotes itself.
write_run_file() {
	local v
	{
		for v in ${!VFW_*} ${!LAB_*}; do
			echo "export $v=${!v@Q}"
		done
		for v in "${env[@]}"; do
			echo "export ${v%%=*}=$(printf %q "${v#*=}")"
		done
		echo "export TERM=$(printf %q "${TERM:-dumb}") LANG=$(printf %q "${LANG:-C.UTF-8}")"
		echo "export LAB_NAME=${name@Q} LAB_DIR=${here@Q} LAB_KERNEL=${kernel@Q}"
		echo "export LAB_WORK=${work@Q}"
		[ -z "$addr" ] || echo "export LAB_ADDR=${addr%,*} LAB_ADDR6=${addr#*,}"
		echo "LAB_TTY=$tty LAB_CWD=${PWD@Q} LAB_PATH=$(printf %q "$tree/userspace")"
		[ -z "$tty" ] || stty size | { read -r v w; echo "LAB_ROWS=$v LAB_COLS=$w"; }
		printf 'LAB_ARGV=('; printf '%q ' "${argv[@]}"; echo ')'
	} > "$ctl/run"
}

# End the kernel and whatever it left; called at every exit, however it comes.
# shellcheck disable=SC2317
clean_up() {
	local status=$?
	trap - EXIT INT TERM HUP
	if [ -n "$uml" ] && kill "$uml" 2> /dev/null; then wait "$uml" || true; fi
	[ -z "$saved_tty" ] || stty "$saved_tty"
	[ -z "$reader" ] || wait "$reader" || true
	if [ -n "$ctl" ]; then
		if [ -n "$work" ]; then
			cp "$ctl/console" "$work/$name.console" 2> /dev/null || true
			[ -n "$tty" ] || cp "$ctl/output" "$work/$name.output" 2> /dev/null || true
		fi
		if [ -n "${VFW_LAB_KEEP:-}" ]; then say "kept $ctl"; else rm -rf "$ctl"; fi
	fi
	exit "$status"
}

# To the machine, each page of a process of the host is a mapping. A process that needs more
# than it may have (256 MiB by default) takes page faults for ever.
more_mappings() {
	local limit=/proc/sys/vm/max_map_count
	[ "$(< $limit)" -ge 1048576 ] || echo 1048576 2> /dev/null > $limit ||
		say 'processes in the host can have 256 MiB: vm.max_map_count cannot be raised'
}

# timeout(1) puts the kernel into a process group of its own and ends the whole group: the
# kernel's processes are many. An interactive host stays in the terminal's foreground.
start_kernel() {
	# shellcheck disable=SC2054 # the commas are the kernel's
	local cmdline=(
		"mem=$mem" seccomp=auto "umid=${ctl##*/}" "uml_dir=$ctl/"
		root=/dev/root rootfstype=hostfs ro "init=$ctl/init.sh" "vfw_ctl=$ctl"
		con=null con0=null,fd:2 log_buf_len=1M random.trust_bootloader=on
		dummy.numdummies=0 bonding.max_bonds=0
		"${vecs[@]}"
	)
	# slab_debug=F is for kmemleak: without it SLUB keeps arrays of free objects, in which
	# stale pointers make leaked objects look referenced.
	[[ $kernel != *debug ]] || cmdline+=(panic_on_warn=1 oops=panic slab_debug=F)
	# Each change of the interrupt mask is a system call there, and kmemleak makes many.
	[[ $kernel != smp* ]] || cmdline+=(ncpus=2 kmemleak=off)
	ulimit -c 0 # a panic aborts the process
	more_mappings
	export TMPDIR=/dev/shm # the host's memory: on a disk it would be slow
	if [ -n "$tty" ]; then
		saved_tty=$(stty -g)
		"$linux" "${cmdline[@]}" con1=fd:0,fd:1 2> "$ctl/console" || true
		stty "$saved_tty"
		return 0
	fi
	# A pipe, never the caller's own output: the kernel makes its descriptors non-blocking,
	# and would make a terminal raw.
	mkfifo "$ctl/pipe"
	tee "$ctl/output" < "$ctl/pipe" & reader=$!
	timeout -k 5 "$timeout" "$linux" "${cmdline[@]}" con1=null,fd:1 \
		< /dev/null > "$ctl/pipe" 2> "$ctl/console" & uml=$!
	ended=0
	{ wait "$uml"; } 2> /dev/null || ended=$? # bash would tell of an abort
	uml=''
	wait "$reader" || true
	reader=''
}

# Of the console log what comes after process 1, or all of it when that never came. Before,
# there is no vfw.
console_tail() {
	sed '1,/^Run .* as init process/d' "$ctl/console" > "$ctl/tail"
	[ -s "$ctl/tail" ] || cp "$ctl/console" "$ctl/tail"
	tr -d '\r' < "$ctl/tail"
}

show_console_tail() {
	say "the end of its console log:"
	console_tail | tail -n 30 | sed 's/^/    /' >&2
}

# Print what the kernel complained of, with some lines of what follows each; 0 if there is any.
kernel_complained() {
	console_tail > "$ctl/judged"
	grep -aqE "$complaints" "$ctl/judged" || return 1
	say "the kernel complains:"
	grep -aE -A 25 "$complaints" "$ctl/judged" | head -n 120 | sed 's/^/    /' >&2
}

memory_leaked() {
	[ -s "$ctl/leaks" ] || return 1
	say "the kernel leaked memory ($(grep -c '^unreferenced' "$ctl/leaks") objects):"
	head -n 100 "$ctl/leaks" | sed 's/^/    /' >&2
}

# Exit with the verdict on the run.
judge() {
	local status=0 bad=''
	if [ "${ended:-0}" = 124 ] || [ "${ended:-0}" = 137 ]; then
		say "out of time: ended after $timeout s"
		show_console_tail
		exit "$ST_TIMEOUT"
	fi
	if [ ! -s "$ctl/status" ]; then
		if [ -s "$ctl/error" ]; then say "$(cat "$ctl/error")"
		elif grep -aq 'Kernel panic' "$ctl/console"; then say "kernel panic"
		elif [ -n "$tty" ] && ! kernel_complained; then exit 0 # switched off by hand
		else say "the host ended without a status (exit status ${ended:-0})"; fi
		kernel_complained || show_console_tail
		exit "$ST_LAB"
	fi
	status=$(cat "$ctl/status")
	kernel_complained && bad=1
	memory_leaked && bad=1
	if [ "$status" = 0 ] && [ -n "$bad" ]; then status=$ST_COMPLAINT; fi
	exit "$status"
}

main() {
	parse_arguments "$@"
	case $kernel in
	plain|debug|smp|smp-debug) ;;
	*) die "--kernel $kernel: plain, debug, smp or smp-debug" ;;
	esac
	[ -z "$tty" ] || [ -t 0 ] || die "--tty needs a terminal"
	prepare_work
	prepare_command
	[[ $kernel != smp* ]] || export VFW_LAB_NO_LEAKSCAN=1
	linux=$("$here/kernel.sh" "$kernel")/linux || die "there is no $kernel kernel"
	[ -x "$linux" ] || die "there is no $linux"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	ctl=$(mktemp -d /tmp/vfw-lab.XXXXXX)
	cp "$here/init.sh" "$ctl/init.sh"
	write_run_file
	start_kernel
	judge
}

main "$@"
