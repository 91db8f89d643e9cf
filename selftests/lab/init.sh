#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Process 1 of a lab host: makes the machine's own files usable without touching them, runs one
# command, leaves its exit status outside and switches the host off. Started by host.sh, which
# passes the control directory (vfw_ctl) on the kernel's command line; everything else is in its
# file "run".
#
# shellcheck disable=SC2154 # vfw_ctl and what the file "run" sets
#
#   console (tty0)  kernel log and this script's remarks; host.sh looks for complaints in it
#   tty1            the command's output, or the terminal of an interactive command

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

# Power off; perl because it is on every Debian system, and there is no init to ask.
# A process 1 that merely ended would be a panic, and sysrq-b would boot again.
power_off() {
	sync
	perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc)' # SYS_reboot, POWER_OFF
	echo "lab: perl cannot switch this host off"
	exit 1
}

# Something of the lab, not of the test, is wrong.
lab_error() {
	echo "lab: $*" | tee "$vfw_ctl/error"
	power_off
}

# The machine's root directory, read-only below; what is written goes to memory, and is gone
# with the host. /run is there on every system: it holds the layers.
make_root() {
	mount -t tmpfs -o mode=755 lab-root /run || lab_error "no tmpfs on /run"
	mkdir -p /run/upper/.lab-old /run/work /run/root
	mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work,xino=off \
		lab-root /run/root || lab_error "no overlay over the root directory"
	mount --move /dev /run/root/dev || lab_error "no devtmpfs in /dev"
	if ! cd /run/root || ! pivot_root . .lab-old; then lab_error "pivot_root failed"; fi
	exec < dev/null > dev/tty0 2>&1
	umount -l .lab-old
}

mount_the_usual() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>&1
	mount -t tmpfs -o mode=755 run /run
	mkdir -p /dev/pts /dev/shm /run/lock /run/sshd /run/netns
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 shm /dev/shm
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn fd/0 /dev/stdin; ln -sfn fd/1 /dev/stdout; ln -sfn fd/2 /dev/stderr
}

# A directory of the machine, writable, under its own name.
mount_outside() {
	mkdir -p "$1"
	mount -t hostfs -o "$1" lab-outside "$1" || lab_error "cannot mount $1"
}

# What every test wants: names, lo, and the link to the other host if there is one.
set_up_network() {
	echo "$LAB_NAME" > /proc/sys/kernel/hostname
	ip link set lo up
	[ -n "${LAB_ADDR:-}" ] || return 0
	ip addr add "$LAB_ADDR/24" dev vec0 || lab_error "there is no vec0"
	# shellcheck disable=SC2153
	ip -6 addr add "$LAB_ADDR6/64" dev vec0 nodad
	ip link set vec0 up || lab_error "vec0 does not come up"
}

leak_scan_wanted() {
	[ -e /sys/kernel/debug/kmemleak ] && [ -z "${VFW_LAB_NO_LEAKSCAN:-}" ]
}

# Out of memory or confused, kmemleak ends itself, and then finds nothing: that is no good sign.
leak_command() {
	echo "$1" > /sys/kernel/debug/kmemleak || lab_error "kmemleak is off: $1 failed"
}

# What the boot left behind is not the test's: only younger objects count. The kernel's own
# periodic scan would only make the outcome depend on time.
leak_scan_begin() {
	leak_command scan=off
	leak_scan_from=$(awk '$1 == "jiffies:" {print $2; exit}' /proc/timer_list)
}

# An object is reported when a scan finds it unreferenced, as the one before left it, and 5 s old.
leak_scan_end() {
	leak_command scan
	sleep 5.2
	leak_command scan
	awk -v from="$leak_scan_from" '
		/^unreferenced/ {held = $0; next}
		held != "" {
			born = $0; sub(/.*jiffies /, "", born)
			young = born + 0 >= from + 0
			if (young) print held
			held = ""
		}
		young' /sys/kernel/debug/kmemleak > "$vfw_ctl/leaks"
}

# An interactive command has tty1 as its terminal, so that Ctrl-C and job control work; any
# other has none, and reads nothing. A terminal in raw mode passes every byte as it is.
run_command() {
	cd "$LAB_CWD" 2> /dev/null || cd /
	if [ -n "$LAB_TTY" ]; then
		stty sane rows "$LAB_ROWS" cols "$LAB_COLS" < /dev/tty1
		setsid --ctty --wait "${LAB_ARGV[@]}" < /dev/tty1 > /dev/tty1 2>&1
	else
		stty raw -echo < /dev/tty1
		setsid --wait "${LAB_ARGV[@]}" < /dev/null > /dev/tty1 2>&1
	fi
}

# lockdep stops for good at the first thing it finds. That it found nothing is to mean something.
lockdep_looked() {
	[ ! -e /proc/lockdep_stats ] || grep -q '^ debug_locks: *1$' /proc/lockdep_stats
}

main() {
	make_root
	mount_the_usual
	mount_outside "$vfw_ctl"
	# shellcheck source=/dev/null
	. "$vfw_ctl/run" || lab_error "cannot read $vfw_ctl/run"
	export PATH=$LAB_PATH:$PATH
	if [ -n "${LAB_WORK:-}" ]; then
		mount_outside "$LAB_WORK"
		ln -sfn "$LAB_WORK" /work-out
	fi
	set_up_network
	! leak_scan_wanted || leak_scan_begin
	[ -z "${VFW_KO:-}" ] || insmod "$VFW_KO" || lab_error "insmod $VFW_KO failed"
	read -r up _ < /proc/uptime
	echo "lab: up after $up s" > /dev/kmsg
	run_command
	status=$?
	echo "lab: the command ended with status $status" > /dev/kmsg
	! leak_scan_wanted || leak_scan_end
	lockdep_looked || echo 'lab: BUG: lockdep is off' > /dev/kmsg
	echo "$status" > "$vfw_ctl/status.new" && mv "$vfw_ctl/status.new" "$vfw_ctl/status"
	power_off
}

main
