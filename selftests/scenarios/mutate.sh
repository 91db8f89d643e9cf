#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Break the firewall on purpose, in one way after the other, and tell which scenarios notice.
#
#   mutate.sh [NAME...]
#
# A mutation that no scenario notices, or that does not build, makes it fail, and so does a scenario
# that fails when nothing is broken. Nothing of the tree changes: what is broken is a copy in
# build/mutate. It takes about two minutes for each.
set -uo pipefail

top=$(realpath "$(dirname "$0")/../..")
work=$top/build/mutate
kdir=$("$top/selftests/lab/kernel.sh" plain) || exit 1

# NAME FILE SED-EXPRESSION
mutations() {
	cat <<- 'EOF'
		no-scale kmod/tcp_window.h s/max_t(u32, (u32)seg->window << scale, 1)/max_t(u32, seg->window, 1)/
		scale-of-syn kmod/tcp_window.h s/seg->flags & VFW_TCPHDR_SYN)$/0)/
		scale-of-one kmod/tcp_window.h s/if (x->from->flags & x->to->flags & VFW_TCP_WINDOW_SCALE)/if (1)/
		scale-forgotten kmod/tcp_window.c s/if (!(x->to->flags & VFW_TCP_WINDOW_SCALE))/if ((x->from->flags \& VFW_TCP_WINDOW_SCALE) ? 0 : !(x->to->scale = 0))/
		window-off-by-one kmod/tcp_window.h s/return x->from->max_end;/return x->from->max_end + 1;/
		no-old-limit kmod/tcp_window.h s/before(x->end, from->end - vfw_tcp_backlog(x->to))/0/
		no-ack-check kmod/tcp_window.h s/if (after(x->seg->ack, last) || after(x->seg->sack, last))/if (0)/
		no-sack-check kmod/tcp_window.h s/ || after(x->seg->sack, last)//
		no-old-ack-limit kmod/tcp_window.h s/return !before(x->seg->ack, to->end - vfw_tcp_backlog(x->from));/return true;/
		wide-handshake kmod/tcp_window.h s/return !before(x->seg->ack, to->max_end);/return true;/
		no-probe kmod/tcp_window.h s/return max_t(u32, (u32)seg->window << scale, 1);/return (u32)seg->window << scale;/
		data-after-fin kmod/tcp_window.h s/if (from->flags & VFW_TCP_FIN_ACKED && after(x->end, from->end))/if (0)/
		fin-without-data kmod/tcp_window.h s/from->flags &= ~VFW_TCP_FIN;/;/
		fin-acked-early kmod/tcp_window.h s/to->flags & VFW_TCP_FIN && seg->ack == to->end/to->flags \& VFW_TCP_FIN/
		fin-acked-never kmod/tcp_window.h s/to->flags |= VFW_TCP_FIN_ACKED;/;/
		no-syn-window kmod/tcp_window.h s/x->to->max_end += x->from->max_window;/;/
		shrinking kmod/tcp_window.h s/if (after(seg->ack + window, to->max_end))/if (1)/
		fast-open-unlimited kmod/tcp_window.h s/return x->from->max_end + x->to->max_window;/return x->seg->seq;/
		rst-in-window kmod/tcp.c s/(!exact && x->dir == VFW_DIRECTION_IN))/0)/
		rst-anywhere kmod/tcp.c s/if (!exact && !vfw_tcp_between(seg->seq, oldest, vfw_tcp_window_limit(x) + 1))/if (0)/
		rst-of-vm-exact kmod/tcp.c s/(!exact && x->dir == VFW_DIRECTION_IN))/!exact)/
		refuse-any kmod/tcp.c s/if (acks_syn(x) || (vfw_tcp_is_opener(x->from) && x->seg->seq == x->from->end))/if (1)/
		answer-any kmod/tcp.c s/return acks_syn(x) ? take_answer(x) : unheeded();/return take_answer(x);/
		syn-ends-connection kmod/tcp.c s/if (x->dir == VFW_DIRECTION_IN ||$/if (0 \&\&/
		vm-syn-unheeded kmod/tcp.c s/if (x->dir == VFW_DIRECTION_IN ||$/if (1 ||/
		old-syn-renews kmod/tcp.c s/if (x->dir == VFW_DIRECTION_IN && vfw_tcp_window_sent(x->from, x->to, x->end))/if (0)/
		no-renewal kmod/tcp.c s/if (x->dir == VFW_DIRECTION_IN && vfw_tcp_window_sent(x->from, x->to, x->end))/if (1)/
		bare-data kmod/tcp.c s/if (x->seg->length || x->seg->flags & VFW_TCPHDR_FIN)/if (0)/
		no-cookies kmod/tcp.c s/if (x->seg->ack == x->to->end)/if (0)/
		quitter-unanswered kmod/tcp.c s/vfw_tcp_is_opener(x->to) && acks_syn(x))/0)/
		stale-answer kmod/tcp.c s/if (reason && x->dir == VFW_DIRECTION_OUT)/if (0)/
		one-fin-is-enough kmod/tcp.c s/if (one & other & VFW_TCP_FIN_ACKED)/if ((one | other) \& VFW_TCP_FIN_ACKED)/
		any-kind-picked-up kmod/tcp.c s/if (!pick_up || kind != KIND_ACK)/if (!pick_up)/
		plain-unchecked kmod/tcp_plain.h s/if (vfw_tcp_window_check(&x))/if (0)/
		plain-fin kmod/tcp_plain.h s/VFW_TCPHDR_SYN | VFW_TCPHDR_FIN | VFW_TCPHDR_RST/VFW_TCPHDR_SYN | VFW_TCPHDR_RST/
		plain-forgets kmod/tcp_plain.h s/vfw_tcp_window_update(&x);/;/
		refused-syn-ends kmod/track.c s/return pkt->dir == VFW_DIRECTION_OUT ||$/return true ||/
		quoted-any kmod/tcp.c s/return !silent && vfw_tcp_window_sent(from, &tcp->peer\[!dir\], seq);/return true;/
		unheeded-refreshes kmod/track.c s/if (\*effect == VFW_TCP_EFFECT_REFRESH)$/if (1)/
	EOF
}

# FILE EXPRESSION: build a module that is broken so; the copy is whole again afterwards.
build_broken() {
	local file=$1 status=0
	sed -i "$2" "$work/$file"
	if cmp -s "$work/whole/$file" "$work/$file"; then
		echo "nothing is changed by $2" > "$work/log"
		return 1
	fi
	make -C "$work" module KDIR="$kdir" > "$work/log" 2>&1 || status=1
	cp "$work/whole/$file" "$work/$file"
	return "$status"
}

# Play all scenarios with the module that was built; what they say goes to the log.
play() {
	VFW_KO=$work/vfw.ko "$top/selftests/lab/host.sh" --mem 2G --timeout 400 -- \
		"$top/selftests/scenarios/test_scenarios.sh" --quick > "$work/log" 2>&1 < /dev/null
}

# Whoever complains of what is whole notices nothing.
baseline() {
	make -C "$work" module KDIR="$kdir" > "$work/log" 2>&1 && play &&
		! grep -q '^not ok ' "$work/log" && grep -q '^ok .*\.scn ' "$work/log" && return
	echo 'not ok the firewall that is whole'
	grep '^not ok ' "$work/log" || tail -n 5 "$work/log"
	return 1
}

# NAME FILE EXPRESSION: does a scenario notice?
mutate() {
	local name=$1 seen
	if ! build_broken "$2" "$3"; then
		echo "not ok $name cannot be built"
		tail -n 5 "$work/log"
		return 1
	fi
	play
	seen=$(sed -n 's/^not ok \(.*\.scn\) ipv[46]: /\1: /p' "$work/log" | sort -u)
	if [ -z "$seen" ]; then
		echo "not ok $name was not noticed"
		tail -n 5 "$work/log"
		return 1
	fi
	echo "ok $name: $(wc -l <<< "$seen") scenarios"
	sed 's/^/#   /' <<< "$seen"
}

for name; do
	mutations | grep -q "^$name " || { echo "mutate: no mutation named '$name'" >&2; exit 1; }
done
rm -rf "$work"
mkdir -p "$work/whole" || exit 1
cp -a "$top"/{Kbuild,Makefile,dkms.conf,kmod,include} "$work" && cp -a "$work/kmod" "$work/whole" || exit 1
baseline || exit 1
failed=0
while read -r name file expression; do
	[ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
	mutate "$name" "$file" "$expression" || failed=1
done < <(mutations)
exit "$failed"
