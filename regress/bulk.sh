# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Large files arrive whole, both ways: BULK_MB megabytes, 256 by default.
# farend: sockstund sshd
# seconds: 300

need curl nc
size=${BULK_MB:-256}
start_nginx
start_peer
start_pair
python3 -c "
import sys, socks
for block in socks.pattern($size << 20):
	sys.stdout.buffer.write(block)" >"$OBJ/www/file"
want=$(sha256sum <"$OBJ/www/file" | cut -d ' ' -f 1)

down()
{
	curl -sS --fail --proxy "socks5h://$PROXY" --noproxy '' \
	    "http://127.0.0.1:$WEB/file" | sha256sum | cut -d ' ' -f 1
}

up()
{
	(echo sink; cat "$OBJ/www/file") |
	    nc -N -X 5 -x "$PROXY" 127.0.0.1 "$PEER" | cut -d ' ' -f 2
}

got=$(down)
[ "$got" = "$want" ] || fail "down: $got, wanted $want"
got=$(up)
[ "$got" = "$want" ] || fail "up: $got, wanted $want"

# Both at once, twice.
for n in 1 2; do
	down >"$OBJ/down$n" &
	d=$!
	up >"$OBJ/up$n" &
	wait $d $!
done
for n in 1 2; do
	[ "$(cat "$OBJ/down$n")" = "$want" ] || fail "down beside up"
	[ "$(cat "$OBJ/up$n")" = "$want" ] || fail "up beside down"
done
