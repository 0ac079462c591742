# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The filters that the kernel has for the daemon's processes: the same for each
# connection, and the same when no allocation succeeds while a filter is made,
# since there is none.
# needs: root
# seconds: 240

need python3 nm addr2line
[ "$FAREND" = sockstund ] || skip "for sockstund"
[ "${O%-san}" = "$O" ] || skip "the sanitizers need other filters"

# role pid: logger, signer, net or dialer, or nothing
role()
{
	case $(tr '\0' ' ' <"/proc/$1/cmdline") in
	*'[logger]'*)	echo logger ;;
	sockstund-signer*) echo signer ;;
	sockstund-net*)	echo net ;;
	*'[dialer]'*)	echo dialer ;;
	esac
}

# filters file: a line for each of the daemon's processes that has one
filters()
{
	: >"$1"
	for p in $(family "$(pidof_test farend)"); do
		r=$(role "$p")
		[ -n "$r" ] || continue
		f=$(python3 "$TOOLS/seccomp.py" "$p" 2>"$OBJ/why") || {
			[ $? -ne 77 ] || skip "$(cat "$OBJ/why")"
			fail "$(cat "$OBJ/why")"
		}
		echo "$r $f" >>"$1"
	done
	sort -o "$1" "$1"
}

answers()
{
	printf 'echo\nabc' | nc -N -X 5 -x "$PROXY" 127.0.0.1 "$PEER" |
	    grep -q abc
}

# session file: the filters of a connection that serves
session()
{
	start_client
	answers || fail "a flow is not served"
	filters "$1"
	stop sockstun
	wait_for 10 has_children 0 "$(pidof_test farend)"
}

start_peer
start_farend
session "$OBJ/want"
trace "$(cat "$OBJ/want")"
[ "$(cut -d ' ' -f 1 "$OBJ/want" | xargs)" = "dialer logger net signer" ] ||
    fail "filters of: $(xargs <"$OBJ/want")"
[ "$(cut -d ' ' -f 3 "$OBJ/want" | sort -u | grep -c .)" -eq 4 ] ||
    fail "two processes have the same filter"
session "$OBJ/again"
cmp "$OBJ/want" "$OBJ/again" || fail "the filter of another connection differs"
stop farend

# The first of net and signer are the daemon's test of its keys.
while read -r process enter; do
	fault "$process" malloc 1 ENOMEM good below "$enter"
	start_farend
	session "$OBJ/got"
	cmp "$OBJ/want" "$OBJ/got" ||
	    fail "$process has another filter without memory"
	[ -z "$(fired)" ] || fail "$enter allocates: $(fired)"
	stop farend
done <<EOF
logger.1 logfilter_enter
signer.2 confine_enter
net.2 sandbox_net_enter
dialer.1 dialfilter_enter
EOF
