# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A browser loads a page of 100 objects.
# farend: sockstund sshd
# alone

need chromium
start_nginx
: >"$OBJ/www/index.html"
{
	echo "<!DOCTYPE html><title>page</title><body>"
	for n in $(seq 1 100); do
		echo "<svg xmlns='http://www.w3.org/2000/svg' width='9'" \
		    "height='9'><title>$n</title></svg>" >"$OBJ/www/$n.svg"
		echo "<img src='$n.svg' onload='count()'>"
	done
	echo "<p id='out'>none</p>"
} >"$OBJ/www/body"
cat - "$OBJ/www/body" >"$OBJ/www/index.html" <<'EOF'
<script>
let n = 0;
function count() {
	if (++n == 100)
		document.getElementById("out").textContent = "all 100 loaded";
}
</script>
EOF
start_pair

# browse host: one visit with an empty profile
browse()
{
	rm -rf "$OBJ/profile"
	timeout 60 chromium --headless --no-sandbox --disable-gpu \
	    --disable-quic --no-first-run --disable-background-networking \
	    --disable-component-update --disable-sync \
	    --disable-dev-shm-usage --disable-breakpad \
	    --proxy-server="socks5://$PROXY" \
	    --proxy-bypass-list='<-loopback>' \
	    --user-data-dir="$OBJ/profile" --timeout=20000 --dump-dom \
	    "http://$1:$WEB/" >"$OBJ/dom" 2>"$OBJ/chromium.log" ||
	    fail "chromium: exit status $?"
	grep -q 'all 100 loaded' "$OBJ/dom" || {
		fail "$1: the page is not whole"
		tail -n 5 "$OBJ/dom"
	}
}

for host in localhost 127.0.0.1 "[::1]"; do
	before=$(wc -l <"$OBJ/nginx-access.log")
	browse "$host"
	got=$(($(wc -l <"$OBJ/nginx-access.log") - before))
	[ "$got" -ge 101 ] || fail "$host: the server saw $got requests"
done
