# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Every SOCKS URL of curl, IPv4, IPv6 and names, and a Unix socket.
# farend: sockstund sshd

need curl
start_nginx
echo "a page through the tunnel" >"$OBJ/www/index.html"
if [ "$CLIENT" = sockstun ]; then
	start_pair -D "$OBJ/socket"
else
	start_pair
fi

# fetch proxy-url host
fetch()
{
	got=$(curl -sS --fail --max-time 20 --noproxy '' --proxy "$1" \
	    "http://$2:$WEB/" 2>&1)
	[ "$got" = "a page through the tunnel" ] ||
	    fail "$1 to $2: $got"
}

for scheme in socks4 socks4a socks5 socks5h; do
	fetch "$scheme://$PROXY" 127.0.0.1
	fetch "$scheme://$PROXY" localhost
done
for scheme in socks5 socks5h; do
	fetch "$scheme://$PROXY" "[::1]"
done
fetch "socks4://me@$PROXY" 127.0.0.1
fetch "socks5h://me:secret@$PROXY" 127.0.0.1
if [ "$CLIENT" = sockstun ]; then
	fetch "socks5h://localhost$OBJ/socket" 127.0.0.1
	fetch "socks4a://localhost$OBJ/socket" localhost
fi
