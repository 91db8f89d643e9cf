#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the completion offers, with a tool that knows two VMs and a port.

here=$(dirname "$(realpath "$0")")
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box/bin" "$box/files"
cat > "$box/bin/vfw-nl" << 'END'
#!/bin/sh
case "$2 $3" in
"vm show") echo '[{"uuid":"5bd05e7c-1122-4344-8566-778899aabbcc","name":"web","id":1},{"uuid":"6bd05e7c-1122-4344-8566-778899aabbcc","name":"a b"}]' ;;
"port show") echo '[{"vm":"5bd05e7c-1122-4344-8566-778899aabbcc","name":"tap0","type":"host"}]' ;;
esac
END
chmod +x "$box/bin/vfw-nl"
PATH=$box/bin:$PATH
touch "$box/files/web.policy"
cd "$box/files" || exit 1
# shellcheck disable=SC1091
. "$here/../completion/vfw-nl"
compopt() { :; }

cases=0 failures=0

# offer WORDS EXPECTED: the line so far (the last word is being typed), and all that is offered
offer() {
	cases=$((cases + 1))
	read -ra COMP_WORDS <<< "$1"
	[[ $1 == *" " ]] && COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_vfw_nl
	if [[ ${COMPREPLY[*]} != "$2" ]]; then
		echo "FAIL: '$1': expected '$2', offered '${COMPREPLY[*]}'"
		failures=$((failures + 1))
	fi
}

offer "vfw-nl v" "vm"
offer "vfw-nl -j --p" "--pretty"
offer "vfw-nl -b $box/files/w" "$box/files/web.policy"
offer "vfw-nl -j vm s" "set show"
offer "vfw-nl vm show " \
	"5bd05e7c-1122-4344-8566-778899aabbcc 6bd05e7c-1122-4344-8566-778899aabbcc web"
offer "vfw-nl vm freeze w" "web"
offer "vfw-nl vm set web " "name"
offer "vfw-nl vm add 5bd05e7c-1122-4344-8566-778899aabbcc hold " "name packets bytes time expiry"
offer "vfw-nl vm add 5bd05e7c-1122-4344-8566-778899aabbcc hold expiry s" \
	"stay-closed start-empty"
offer "vfw-nl port show " "vm tap0"
offer "vfw-nl port show vm w" "web"
offer "vfw-nl port del t" "tap0"
offer "vfw-nl port add tap1 " "vm type trunk"
offer "vfw-nl port add tap1 vm w" "web"
offer "vfw-nl port add tap1 vm web type m" "mirrored"
offer "vfw-nl policy load web w" "web.policy"
offer "vfw-nl flow show web protocol t" "tcp"
offer "vfw-nl flow show web protocol tcp loc" "local local-port"
offer "vfw-nl flow show web protocol tcp p" ""
offer "vfw-nl snapshot save web " "file"
offer "vfw-nl snapshot restore file " "web.policy"
offer "vfw-nl snapshot restore file x port a=b p" "port packets"
offer "vfw-nl stats show w" "web"

echo "completion_test: $cases cases, $failures failed"
[ "$failures" = 0 ]
