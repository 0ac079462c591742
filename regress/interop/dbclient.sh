# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Dropbear's client with -L: keys of every type, strict about the host's; bulk.
# farend: sockstund sshd

. regress/tools/keys.sh
need dbclient dropbearconvert curl
start_nginx
echo hello >"$OBJ/www/index.html"
head -c 5000000 /dev/urandom >"$OBJ/www/file"
want=$(sha256sum <"$OBJ/www/file")
mkdir -m 700 "$HOME/.ssh"

# Starts it; it listens on $local and $none, where nothing is behind.
connect()
{
	rm -f "$OBJ/id.db"
	dropbearconvert openssh dropbear "$OBJ/id" "$OBJ/id.db" \
	    2>"$OBJ/convert.log" || fatal "$kind: dropbearconvert"
	# It knows no ports in this file.
	echo "127.0.0.1 $(cut -d ' ' -f 1-2 "$OBJ/host_key.pub")" \
	    >"$HOME/.ssh/known_hosts"
	local=$(freeport)
	none=$(freeport)
	start dbclient dbclient -N -i "$OBJ/id.db" -p "$FARPORT" \
	    -L "127.0.0.1:$local:localhost:$WEB" -L "127.0.0.1:$none:127.0.0.1:1" \
	    "$FARUSER@127.0.0.1"
	wait_for 15 is_listening "$none" ||
	    fail "$kind: dbclient does not listen"
}

get()
{
	curl -sS --max-time 60 --noproxy '' "http://127.0.0.1:$1/$2" 2>&1
}

use()
{
	connect
	[ "$(get "$local" '')" = hello ] || fail "$kind: no page"
	curl -sS --max-time 20 --noproxy '' "http://127.0.0.1:$none/" \
	    >"$OBJ/none" 2>&1 && fail "$kind: a refused port"
	[ "$(get "$local" '')" = hello ] || fail "$kind: no page after that"
	is_running dbclient || fail "$kind: dbclient ended"
	stop dbclient
}

each_key use
start_farend
connect
for n in 1 2 3 4; do
	get "$local" file >"$OBJ/got.$n" &
	gets="${gets:-} $!"
done
# shellcheck disable=SC2086
wait $gets
for n in 1 2 3 4; do
	[ "$(sha256sum <"$OBJ/got.$n")" = "$want" ] ||
	    fail "transfer $n differs"
done
is_running dbclient || fail "dbclient ended"
stop dbclient

# Another host.
stranger_host 127.0.0.1 >"$HOME/.ssh/known_hosts"
timeout 20 dbclient -N -i "$OBJ/id.db" -p "$FARPORT" "$FARUSER@127.0.0.1" \
    >"$OBJ/other.out" 2>&1 </dev/null && fail "another host key was taken"
grep -q 'mismatch' "$OBJ/other.out" || fail "$(cat "$OBJ/other.out")"
