# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# PuTTY's plink with -D and -L: keys of every type, strict about the host's;
# bulk both ways while keys are exchanged.
# farend: sockstund sshd

. regress/tools/keys.sh
need plink puttygen curl
start_peer
start_nginx
echo hello >"$OBJ/www/index.html"
# What has no option is kept in a session's file.
mkdir -p "$HOME/.putty/sessions"
echo "RekeyBytes=1M" >"$HOME/.putty/sessions/rekeys"

# connect [option ...]: starts it; sets PROXY, and $local, a port of the page
connect()
{
	rm -f "$OBJ/id.ppk"
	puttygen "$OBJ/id" -O private -o "$OBJ/id.ppk" ||
	    fatal "$kind: puttygen"
	print=$(ssh-keygen -l -f "$OBJ/host_key.pub" | cut -d ' ' -f 2)
	PROXY=127.0.0.1:$(freeport)
	local=$(freeport)
	start plink plink "$@" -batch -ssh -v -N -hostkey "$print" \
	    -i "$OBJ/id.ppk" -P "$FARPORT" -D "$PROXY" \
	    -L "127.0.0.1:$local:localhost:$WEB" "$FARUSER@127.0.0.1"
	wait_for 15 is_listening "${PROXY##*:}" &&
	    wait_for 10 is_listening "$local" ||
	    fail "$kind: plink does not listen"
	export PROXY
}

fetch()
{
	got=$(curl -sS --max-time 20 --noproxy '' "$@" 2>&1)
	[ "$got" = hello ] || fail "$kind: $*: $got"
}

refused()
{
	curl -sS --noproxy '' --proxy "socks5h://$PROXY" http://127.0.0.1:1/ \
	    >"$OBJ/refused" 2>&1 && fail "$kind: a refused port"
}

use()
{
	connect
	fetch "http://127.0.0.1:$local/"
	refused
	fetch --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/"
	is_running plink || fail "$kind: plink ended"
	stop plink
}

each_key use
start_farend
connect
for scheme in socks4 socks4a socks5 socks5h; do
	fetch --proxy "$scheme://$PROXY" "http://127.0.0.1:$WEB/"
done
stop plink
connect -load rekeys
python3 "$TOOLS/bulk.py" $((40 << 20)) || fail "bulk: see above"
refused
fetch --proxy "socks5h://$PROXY" "http://localhost:$WEB/"
is_running plink || fail "plink ended"
stop plink
n=$(grep -c 'Initiating key re-exchange' "$OBJ/plink.log")
[ "$n" -gt 10 ] || fail "$n key exchanges"

# Another host.
print=$(ssh-keygen -l -f "$OBJ/id.pub" | cut -d ' ' -f 2)
plink -batch -ssh -N -hostkey "$print" -i "$OBJ/id.ppk" -P "$FARPORT" \
    "$FARUSER@127.0.0.1" >"$OBJ/other.out" 2>&1 </dev/null &&
    fail "another host key was taken"
grep -q 'not in manually' "$OBJ/other.out" || fail "$(cat "$OBJ/other.out")"
