# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Options and exit statuses of both programs.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
far=$BIN/sockstund

# run expected-status pattern command ...: output of both kinds is searched
run()
{
	want=$1
	pattern=$2
	shift 2
	timeout 20 "$@" >"$OBJ/run" 2>&1 </dev/null
	got=$?
	[ $got -eq "$want" ] || {
		fail "$*: exit status $got, wanted $want"
		cat "$OBJ/run"
	}
	[ -z "$pattern" ] || grep -qE -- "$pattern" "$OBJ/run" || {
		fail "$*: no '$pattern'"
		cat "$OBJ/run"
	}
}

start_sockstund
near="$BIN/sockstun -F $OBJ/ssh_config -p $FARPORT"
me=$FARUSER@127.0.0.1

run 0 '^sockstun[_ ][0-9]' "$BIN/sockstun" -V
run 255 'usage: sockstun' "$BIN/sockstun"
run 255 'usage: sockstun' "$BIN/sockstun" -Z host
run 255 . "$BIN/sockstun" -F /nonexistent host
run 255 'Bad configuration option' "$BIN/sockstun" -F none -o Foo=bar host
run 255 "^sockstun: Bad port '70000'" "$BIN/sockstun" -F none -p 70000 host
run 255 . "$BIN/sockstun" -F none -o BatchMode=maybe host
run 255 . "$BIN/sockstun" -F none -- -oProxyCommand=x
run 255 'usage: sockstun' "$BIN/sockstun" -G -F none ssh://host:22/path
run 255 . "$BIN/sockstun" -F none -D 0 'a;b@host'
run 0 '^port 2222' "$BIN/sockstun" -G -F none -p 2222 host
run 0 '^user root' "$BIN/sockstun" -G -F none root@host
run 0 '^hostname host' "$BIN/sockstun" -G -F none host
for letter in L R W w; do
	run 255 "sockstun: -$letter: only SOCKS is forwarded; use ssh -$letter" \
	    "$BIN/sockstun" -F none "-$letter" 1:2:3 -D 0 host
done
for letter in "-B lo" "-Q cipher" -s; do
	# shellcheck disable=SC2086
	run 255 "sockstun: ${letter%% *}: " "$BIN/sockstun" -F none $letter host
done
run 255 'a local command goes after "--"' "$BIN/sockstun" -F none -D 0 host id
run 0 '^tag work' "$BIN/sockstun" -G -F none -P work host
run 255 'refused' "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p 1 "$me"
run 255 'host.invalid' "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 host.invalid
# shellcheck disable=SC2086
{
	run 0 '^socks5h://127.0.0.1:[0-9]*$' $near -D 0 "$me" -- \
	    sh -c 'echo $ALL_PROXY'
	run 0 '^127.0.0.1:[0-9]*$' $near -D 0 "$me" -- \
	    sh -c 'echo $SOCKSTUN_PROXY'
	run 7 '' $near -D 0 "$me" -- sh -c 'exit 7'
	run 143 '' $near -D 0 "$me" -- sh -c 'kill -TERM $$'
	run 127 . $near -D 0 "$me" -- /nonexistent/command
	run 0 '^a b$' $near -D 0 "$me" -- echo 'a b'
	run 0 '' $near -NnTq -D 0 "$me" -- true
	grep -v '^Listening on' "$OBJ/run" && fail "-q says something"
	run 0 '^sockstun: Compression is not served' $near -CND 0 "$me" -- true
	run 0 '' $near -2AaKkMnTtXxYq -e none -S none -ND 0 "$me" -- true
	run 0 'PKCS11Provider is not served' $near -I p11.so -ND 0 "$me" -- true
	run 0 '' $near -b 127.0.0.1 -ND 0 "$me" -- true
	run 255 'BindAddress|Cannot assign' $near -b 192.0.2.1 -D 0 "$me"
	run 0 'reading ahead: yes' $near -vvv -D 0 "$me" -- true
	run 0 '' $near -v -E "$OBJ/e.log" -D 0 "$me" -- true
	[ -s "$OBJ/e.log" ] || fail "-E writes nothing"
	run 0 '' $near -4 -D 0 -c aes256-ctr -m hmac-sha2-256 "$me" -- true
	run 255 . $near -c no-such-cipher -D 0 "$me" -- true
	run 255 . $near -E /nonexistent/log -D 0 "$me" -- true
}

run 0 '^sockstund[_ ][0-9]' "$far" -V
run 1 'usage: sockstund' "$far" -Z
run 0 '' "$far" -t -f "$OBJ/farend.conf"
[ ! -s "$OBJ/run" ] || fail "-t says: $(cat "$OBJ/run")"
run 0 '^maxstartups' "$far" -T -f "$OBJ/farend.conf"
run 0 '^port 2022' "$far" -T -f "$OBJ/farend.conf" -p 2022
run 0 '^addressfamily inet$' "$far" -T -f /dev/null -4
run 0 '^addressfamily inet6' "$far" -G -f /dev/null -6
run 1 'port: bad value' "$far" -T -f /dev/null -p x
run 1 'Extra argument more' "$far" -T -f /dev/null more
run 1 'usage: sockstund' "$far" -R nobody
run 1 'without test mode' "$far" -f /dev/null -C user=u
for spec in user=u,host=h,addr=192.0.2.1 laddr=::1,lport=22 rdomain=r \
    invalid-user; do
	run 0 '^port ' "$far" -T -f /dev/null -C "$spec"
done
for spec in user= lport=x addr=name laddr= colour=red ''; do
	run 1 "Invalid test mode specification ${spec%%,*}" \
	    "$far" -T -f /dev/null -C "$spec"
done
run 1 . "$far" -t -f /nonexistent
run 1 'Give one with -h' "$far" -D -e -f /dev/null -p "$(freeport)" \
    -o HostKey=/nonexistent -o PidFile=none
run 1 "Couldn't open logfile /nonexistent/log" "$far" -D -f /dev/null \
    -h "$OBJ/host_key" -E /nonexistent/log
run 1 'Cannot bind any address' "$far" -D -e -f /dev/null \
    -h "$OBJ/host_key" -o ListenAddress=192.0.2.1:2022 -o PidFile=none
run 1 'Bad configuration option: Foo' \
    "$far" -t -f "$OBJ/farend.conf" -o Foo=bar
echo 'Port 22 23 garbage' >"$OBJ/bad.conf"
run 1 'line 1' "$far" -t -f "$OBJ/bad.conf"
ssh-keygen -q -t ed25519 -N 'secret' -f "$OBJ/locked_key"
echo garbage >"$OBJ/garbage_key"
cp "$OBJ/host_key" "$OBJ/open_key"
chmod 600 "$OBJ/garbage_key"
chmod 644 "$OBJ/open_key"
for key in locked garbage open missing; do
	run 1 "${key}_key" "$far" -D -e -f /dev/null -p "$(freeport)" \
	    -o ListenAddress=127.0.0.1 -o PidFile=none -h "$OBJ/${key}_key"
done
