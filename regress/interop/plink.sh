# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# PuTTY's plink with -D and -L.
# farend: sockstund sshd

need plink puttygen curl
start_nginx
echo hello >"$OBJ/www/index.html"
start_farend
puttygen "$OBJ/id" -O private -o "$OBJ/id.ppk" || fatal "puttygen"
print=$(ssh-keygen -l -f "$OBJ/host_key.pub" | cut -d ' ' -f 2)
dynamic=$(freeport)
local=$(freeport)
start plink plink -batch -ssh -v -N -hostkey "$print" -i "$OBJ/id.ppk" \
    -P "$FARPORT" -D "127.0.0.1:$dynamic" \
    -L "127.0.0.1:$local:localhost:$WEB" "$FARUSER@127.0.0.1"
wait_for 15 is_listening "$dynamic" || fatal "plink does not listen"

fetch()
{
	got=$(curl -sS --max-time 20 --noproxy '' "$@" 2>&1)
	[ "$got" = hello ] || fail "$*: $got"
}
wait_for 10 is_listening "$local"
fetch "http://127.0.0.1:$local/"
for scheme in socks4 socks4a socks5 socks5h; do
	fetch --proxy "$scheme://127.0.0.1:$dynamic" "http://127.0.0.1:$WEB/"
done
head -c 20000000 /dev/urandom >"$OBJ/www/file"
want=$(sha256sum <"$OBJ/www/file")
for n in 1 2 3; do
	got=$(curl -sS --max-time 60 --proxy "socks5h://127.0.0.1:$dynamic" \
	    --noproxy '' "http://localhost:$WEB/file" | sha256sum)
	[ "$got" = "$want" ] || fail "transfer $n differs"
done
curl -sS --noproxy '' --proxy "socks5h://127.0.0.1:$dynamic" \
    http://127.0.0.1:1/ >"$OBJ/refused" 2>&1 && fail "a refused port"
is_running plink || fail "plink ended"
stop plink
