# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Dropbear's client with -L.
# farend: sockstund sshd

need dbclient dropbearconvert curl
start_nginx
echo hello >"$OBJ/www/index.html"
start_farend
dropbearconvert openssh dropbear "$OBJ/id" "$OBJ/id.db" 2>"$OBJ/convert.log" ||
    fatal "dropbearconvert"
local=$(freeport)
start dbclient dbclient -N -y -y -i "$OBJ/id.db" -p "$FARPORT" \
    -L "127.0.0.1:$local:localhost:$WEB" "$FARUSER@127.0.0.1"
wait_for 15 is_listening "$local" || fatal "dbclient does not listen"
got=$(curl -sS --max-time 20 "http://127.0.0.1:$local/" 2>&1)
[ "$got" = hello ] || fail "-L: $got"
head -c 5000000 /dev/urandom >"$OBJ/www/file"
want=$(sha256sum <"$OBJ/www/file")
for n in 1 2; do
	got=$(curl -sS --max-time 60 "http://127.0.0.1:$local/file" | sha256sum)
	[ "$got" = "$want" ] || fail "transfer $n differs"
done
is_running dbclient || fail "dbclient ended"
stop dbclient
