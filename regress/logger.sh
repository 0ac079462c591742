# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What a sockstund-net or a dialer that an attacker has taken over can make the
# log say: lines of its own, few, and none that looks like the monitor's.
# needs: root

[ "$FAREND" = sockstund ] || skip "for sockstund"
need nc python3 pgrep
user=games
FARUSER=$user
tools=$O/regress/tools

logger_pid()
{
	pgrep -P "$(pidof_test farend)" -f '\[logger\]'
}

# log_is_honest what pattern: no forged line, few others, and a count
log_is_honest()
{
	# With sanitizers a dialer has standard error, for their reports; and
	# a log file has the daemon's name and a time before each line.
	if [ "${O%-san}" = "$O" ]; then cat; else grep -v ': raw$'; fi \
	    <"$OBJ/$log" | sed 's/^[-0-9]* [0-9:.]* sockstund\[[0-9]*\]: //' \
	    >"$OBJ/lines"
	grep -nE '^Accepted publickey for root' "$OBJ/lines" &&
	    fail "$1 has forged a line"
	[ "$(wc -l <"$OBJ/lines")" -lt 200 ] ||
	    fail "$1 has made $(wc -l <"$OBJ/lines") lines"
	grep -qE "^$2\\[[0-9]+\\] for .*Accepted publickey for root" \
	    "$OBJ/lines" || fail "$1: its lines do not say whose they are"
	grep -E '^[0-9]{4,} lines of the processes for .*127.0.0.1 .* left out' \
	    "$OBJ/lines" || fail "$1: no count of what was left out"
}

fetches()
{
	start_client
	curl -sS --max-time 20 -o /dev/null --noproxy '' \
	    --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/" ||
	    fail "$1: nothing works"
	stop sockstun
}

need curl
mkdir "$OBJ/www"
echo hello >"$OBJ/www/index.html"
start_nginx
log=farend.log
start_sockstund 'LogLevel INFO'
fetches "as it should be"
u=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$(logger_pid)/status")
[ "$u" != 0 ] || fail "the logger is root"

# A dialer.
cp "$BIN/sockstund" "$OBJ/sockstund.good"
cp "$tools/baddialer" "$BIN/baddialer"
timeout 20 "$BIN/sockstun" -F "$OBJ/ssh_config" -o "ProxyCommand python3 \
    $TOOLS/swap.py $FARPORT $BIN/baddialer $BIN/sockstund" -D 0 \
    -p "$FARPORT" "$FARUSER@127.0.0.1" -- true >"$OBJ/bad.log" 2>&1
mv "$OBJ/sockstund.good" "$BIN/sockstund"
wait_for 10 grep -q 'no line of log' "$OBJ/$log" ||
    fail "the logger does not tell of what is malformed"
grep 'after what is malformed' "$OBJ/$log" && fail "it listens still"
log_is_honest "a dialer" '(dialer|net)'
fetches "after a bad dialer"

# The logger ends: another one serves the next connections.
old=$(logger_pid)
kill -KILL "$old"
wait_log farend 'the logger ended' || fail "nobody saw the logger end"
: >"$OBJ/$log"
fetches "after the logger's end"
[ -n "$(logger_pid)" ] && [ "$(logger_pid)" != "$old" ] || fail "no new logger"
grep -q '^net\[[0-9]*\] for games from .* ended' "$OBJ/$log" ||
    fail "the new logger writes nothing"

# What began before SIGHUP still logs after it.
start_client
kill -HUP "$(pidof_test farend)"
wait_for 10 grep -q restarting "$OBJ/$log" || fail "no restart"
wait_for 10 is_listening "$FARPORT" || fail "it does not listen again"
: >"$OBJ/$log"
stop sockstun
wait_for 10 grep -q '^net\[[0-9]*\] for games from .* ended' "$OBJ/$log" ||
    fail "a line is lost with SIGHUP"
fetches "after SIGHUP"
has_one_logger()
{
	[ "$(logger_pid | wc -l)" -eq 1 ]
}
wait_for 10 has_one_logger || fail "loggers: $(logger_pid | xargs)"
stop farend

# A sockstund-net, before a login; to a file.
cp "$tools/badnet" "$BIN/sockstund-net"
echo "flood root ssh-ed25519 AAAA" >"$BIN/attack"
chmod 644 "$BIN/attack"
start farend "$BIN/sockstund" -D -E "$OBJ/file.log" -f "$OBJ/farend.conf"
wait_for 10 is_listening "$FARPORT" || fatal "sockstund does not listen"
nc -N 127.0.0.1 "$FARPORT" </dev/null >/dev/null 2>&1
wait_for 10 has_children 0 "$(pidof_test farend)" || fail "processes are left"
log=file.log
log_is_honest "a sockstund-net" net
