# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# RekeyLimit: keys are exchanged anew while data flows, and none of it is lost.
# farend: sshd

need curl
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_nginx
head -c 20000000 /dev/urandom >"$OBJ/www/file"
start_farend "LogLevel DEBUG1"

# rekeyed option ...: sets n to how often keys were exchanged for one file
rekeyed()
{
	: >"$OBJ/farend.log"
	start_client "$@"
	curl -sS --fail --max-time 60 --noproxy '' -o "$OBJ/got" \
	    --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/file"
	cmp "$OBJ/www/file" "$OBJ/got" || fail "$*: another file"
	stop sockstun
	n=$(grep -c 'SSH2_MSG_KEXINIT received' "$OBJ/farend.log")
}

rekeyed
[ "$n" -eq 1 ] || fail "without a limit: $n"
rekeyed -o 'RekeyLimit 2M'
[ "$n" -gt 5 ] || fail "every 2 MB of 20: $n"
