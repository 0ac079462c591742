#!/bin/sh
# SPDX-License-Identifier: ISC
# shellcheck disable=SC1090,SC2034,SC2120,SC3045
# The frame of every test:
#
#	test-exec.sh regress/name.sh
#
# sources the script with a directory of its own ($OBJ), keys, and the functions
# below; afterwards it stops what was started and checks that nothing is left
# over.  Exit status: 0 passed, 77 skipped, anything else failed.
#
# FAREND	sockstund, or sshd: what start_farend starts
# CLIENT	sockstun, or ssh for "ssh -D": what start_client starts
# HELPER	what a stock sshd starts as subsystem sockstun, or none
# O		the directory of the build
set -u

script=$1
tname=$(basename "$script" .sh)
: "${FAREND:=sockstund}" "${CLIENT:=sockstun}"
SRC=$(pwd)
O=$(cd "${O:-build}" && pwd)
OBJ=$(mktemp -d "${TMPDIR:-/tmp}/sockstun.$tname.XXXXXX") || exit 1
BIN=$OBJ/bin
TOOLS=$SRC/regress/tools
HELPER=$BIN/sockstun-server
FARUSER=$(id -un)
PATH=$PATH:/usr/sbin:/sbin
SSHD=$(command -v sshd)
NGINX=$(command -v nginx)
PYTHONPATH=$TOOLS
PYTHONDONTWRITEBYTECODE=1
HOME=$OBJ/home
ASAN_OPTIONS=log_path=$OBJ/sanitizer/report
UBSAN_OPTIONS=$ASAN_OPTIONS
export OBJ BIN PATH PYTHONPATH PYTHONDONTWRITEBYTECODE HOME FAREND CLIENT
export ASAN_OPTIONS UBSAN_OPTIONS
unset SSH_AUTH_SOCK SSH_ASKPASS SSH_ASKPASS_REQUIRE DISPLAY WAYLAND_DISPLAY \
    ALL_PROXY all_proxy http_proxy https_proxy HTTP_PROXY HTTPS_PROXY \
    no_proxy NO_PROXY
failed=0
started=

# --- what a test says

trace()
{
	echo "trace: $*"
}

verbose()
{
	echo "$tname: $*"
}

fail()
{
	echo "FAIL: $*"
	failed=1
}

fatal()
{
	fail "$*"
	exit 1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

# need program ...: skips where one is not installed
need()
{
	for p; do
		command -v "$p" >/dev/null 2>&1 || skip "$p is not installed"
	done
}

# --- processes

# start name command ...: in the background, output in $OBJ/name.out and .log
start()
{
	start_name=$1
	shift
	trace "start $start_name: $*"
	: >"$OBJ/$start_name.out"
	: >"$OBJ/$start_name.log"
	"$@" >>"$OBJ/$start_name.out" 2>>"$OBJ/$start_name.log" </dev/null &
	echo $! >"$OBJ/$start_name.pid"
	started="$start_name $started"
}

pidof_test()
{
	cat "$OBJ/$1.pid"
}

is_running()
{
	[ -f "$OBJ/$1.pid" ] && kill -0 "$(pidof_test "$1")" 2>/dev/null
}

is_stopped()
{
	! kill -0 "$1" 2>/dev/null ||
	    grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# stop name [signal]: sets $status to how it ended
stop()
{
	[ -f "$OBJ/$1.pid" ] || return 0
	stop_pid=$(pidof_test "$1")
	rm -f "$OBJ/$1.pid"
	kill "-${2:-TERM}" "$stop_pid" 2>/dev/null
	if ! wait_for 10 is_stopped "$stop_pid"; then
		fail "$1 does not end on ${2:-TERM}"
		kill -KILL "$stop_pid"
	fi
	wait "$stop_pid"
	status=$?
}

# wait_end name seconds: waits until it ends by itself; sets $status
wait_end()
{
	wait_for "$2" is_stopped "$(pidof_test "$1")" || return 1
	wait "$(pidof_test "$1")"
	status=$?
	rm -f "$OBJ/$1.pid"
}

# wait_for seconds command ...: waits until the command succeeds
wait_for()
{
	wait_left=$(($1 * 20))
	shift
	until "$@"; do
		wait_left=$((wait_left - 1))
		[ "$wait_left" -gt 0 ] || return 1
		sleep 0.05
	done
}

# wait_log name pattern [seconds]: waits until the pattern is in its log
wait_log()
{
	wait_for "${3:-10}" grep -qE "$2" "$OBJ/$1.log"
}

is_listening()
{
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# A free port, below those that the kernel chooses for clients.
freeport()
{
	python3 -c '
import random, socket
while True:
	port = random.randrange(10000, 32000)
	try:
		for family, host in ((2, "0.0.0.0"), (10, "::")):
			s = socket.socket(family)
			if family == 10:
				s.setsockopt(41, socket.IPV6_V6ONLY, 1)
			s.bind((host, port))
			s.close()
	except OSError as e:
		if e.errno != 97:
			continue
	print(port)
	break'
}

descriptors()
{
	find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l
}

# has_descriptors n pid: has it no more than so many?
has_descriptors()
{
	[ "$(descriptors "$2")" -le "$1" ]
}

# But for the logger, which lives as long as the daemon.
children()
{
	ps -o args= --ppid "$1" | grep -cvE '\[logger\]|-R logger'
}

# family pid: the process and all that descend from it
family()
{
	echo "$1"
	for c in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		family "$c"
	done
}

# serving name: what a daemon has started
serving()
{
	family "$(pidof_test "$1")" | tail -n +2
}

# Ends the sessions at the far end without a word, but not its listener.
kill_session()
{
	# shellcheck disable=SC2046
	kill -KILL $(serving farend) 2>/dev/null
}

# A byte goes to the peer and comes back; "what" says of what it is a test.
works()
{
	# shellcheck disable=SC2154
	python3 -c 'from socks import *
sock = order("echo")
sock.sendall(b"x")
read_exactly(sock, 1)' || fail "$what: it does not work"
}

# --- keys and configuration

# Writes known_hosts for what listens on a port of 127.0.0.1.
known_host()
{
	echo "[127.0.0.1]:$1 $(cut -d ' ' -f 1-2 "$OBJ/host_key.pub")"
}

# make_keys [type [bits]]: of the user and of the host, ed25519 if not told
make_keys()
{
	rm -f "$OBJ/id" "$OBJ/host_key"
	for key in id host_key; do
		ssh-keygen -q -t "${1:-ed25519}" ${2:+-b "$2"} -N '' \
		    -C regress -f "$OBJ/$key"
	done
	cp "$OBJ/id.pub" "$OBJ/authorized_keys"
	chmod 644 "$OBJ/authorized_keys"
	: >"$OBJ/known_hosts"
	cat >"$OBJ/ssh_config" <<-EOF
	IdentityFile $OBJ/id
	IdentitiesOnly yes
	UserKnownHostsFile $OBJ/known_hosts
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
	BatchMode yes
	EOF
	chmod 600 "$OBJ/ssh_config"
}

# The far end's configuration: lines of the test, then what all tests have.
farend_config()
{
	for line; do
		echo "$line"
	done
	cat <<-EOF
	Port $FARPORT
	ListenAddress 127.0.0.1
	HostKey $OBJ/host_key
	AuthorizedKeysFile $OBJ/authorized_keys
	StrictModes no
	PermitRootLogin prohibit-password
	MaxStartups 1000
	PerSourceMaxStartups none
	LogLevel VERBOSE
	PidFile none
	EOF
}

# --- faults

# fault process function N [errno [once|good]] [below symbol]: has that call
# fail in what is started from now on (fault/plan.py; net.2 is the second
# sockstund-net, the first is the daemon's test of itself).
fault()
{
	cp "$O"/fault/* "$BIN/"
	python3 "$SRC/regress/fault/plan.py" "$BIN" "$@" ||
	    fatal "no such fault: $*"
}

# fired: what failed and where, or that a process crashed; a line each
fired()
{
	python3 "$SRC/regress/fault/plan.py" "$BIN" | grep -E '^(failed|crashed)'
}

# --- answers to questions

# answer [line ...]: what SSH_ASKPASS says from now on, a line for each
# question; without one it is as if the user had cancelled.  The questions go
# to $OBJ/asked, a line each.
answer()
{
	(umask 077 && printf '%s\n' "$@" >"$OBJ/answers")
	: >"$OBJ/asked"
	cat >"$OBJ/askpass" <<-'EOF'
	#!/bin/sh
	echo "$1" | tr '\n' ' ' >>"$OBJ/asked"
	echo >>"$OBJ/asked"
	sed -n "$(grep -c '' "$OBJ/asked")p" "$OBJ/answers" | grep .
	EOF
	chmod 755 "$OBJ/askpass"
	export SSH_ASKPASS="$OBJ/askpass" SSH_ASKPASS_REQUIRE=force
}

# asked number [pattern]: so many questions were asked, and all of them match
asked()
{
	[ "$(grep -c '' "$OBJ/asked")" -eq "$1" ] &&
	    [ "$(grep -c -- "${2:-}" "$OBJ/asked")" -eq "$1" ] || {
		fail "${what:-}: wanted $1 questions${2:+ like '$2'}, were put:"
		cat "$OBJ/asked"
	}
}

# --- far ends; arguments are lines of configuration; WRAP, words, is a
# command to run it with

start_sshd()
{
	[ -n "$SSHD" ] || skip "sshd is not installed"
	[ "$(id -u)" -ne 0 ] || [ -d /run/sshd ] || mkdir -m 755 /run/sshd
	FARPORT=$(freeport)
	# bash reads no .bashrc, which can take its time, in a shell's shell.
	farend_config "$@" 'UsePAM no' 'SetEnv SHLVL=2' >"$OBJ/farend.conf"
	[ "$HELPER" = none ] ||
	    echo "Subsystem sockstun $HELPER" >>"$OBJ/farend.conf"
	# shellcheck disable=SC2086
	start farend ${WRAP:-} "$SSHD" -D -e -f "$OBJ/farend.conf"
	wait_log farend 'Server listening on' ||
	    fatal "sshd does not listen"
	known_host "$FARPORT" >>"$OBJ/known_hosts"
}

# AS=user starts it as that user (which root alone can do).  LOCAL= leaves it
# the default whether this host may be reached, where the targets are.
start_sockstund()
{
	FARPORT=$(freeport)
	farend_config "$@" "${LOCAL-PermitLocal yes}" >"$OBJ/farend.conf"
	chmod 644 "$OBJ/farend.conf"
	set -- "$BIN/sockstund" -D -e -f "$OBJ/farend.conf"
	[ -z "${AS:-}" ] || set -- setpriv "--reuid=$AS" "--regid=$(id -g "$AS")" \
	    --clear-groups "$@"
	# shellcheck disable=SC2086
	start farend ${WRAP:-} "$@"
	wait_log farend 'Server listening on' ||
	    fatal "sockstund does not listen"
	known_host "$FARPORT" >>"$OBJ/known_hosts"
	FARFDS=$(descriptors "$(pidof_test farend)")
}

start_farend()
{
	"start_$FAREND" "$@"
}

# --- near ends; arguments are options

start_client()
{
	"start_$CLIENT" "$@"
}

# Sets PROXY to the address of the listener on a free port; WRAP, words, is a
# command to run it with.
start_sockstun()
{
	# shellcheck disable=SC2086
	start sockstun ${WRAP:-} "$BIN/sockstun" -v -F "$OBJ/ssh_config" -D 0 "$@" \
	    -p "$FARPORT" "$FARUSER@127.0.0.1"
	wait_for 15 grep -q '^Listening on' "$OBJ/sockstun.out" ||
	    fatal "sockstun does not listen"
	PROXY=$(sed -n 's/^Listening on //p' "$OBJ/sockstun.out" | head -n 1)
	export PROXY
}

start_ssh()
{
	port=$(freeport)
	start sockstun ssh -v -N -F "$OBJ/ssh_config" \
	    -D "127.0.0.1:$port" "$@" -p "$FARPORT" "$FARUSER@127.0.0.1"
	wait_for 15 is_listening "$port" || fatal "ssh -D does not listen"
	PROXY=127.0.0.1:$port
	export PROXY
}

start_pair()
{
	start_farend
	start_client "$@"
}

# --- the clock of our programs

# with_clock: all that is started from now on has a clock that move_clock moves
with_clock()
{
	cp "$O"/clock/* "$BIN/"
	head -c 8 /dev/zero >"$BIN/clock"
}

# move_clock seconds [steps]
move_clock()
{
	python3 -c "import socks; socks.move_clock($1, ${2:-1})"
}

# --- targets

# The TCP server of tools/peer.py; its port is $PEER.  WRAP, words, is a command
# to run it with.
start_peer()
{
	# shellcheck disable=SC2086
	start peer ${WRAP:-} python3 -u "$TOOLS/peer.py" "$@"
	wait_for 10 test -s "$OBJ/peer.out" || fatal "peer.py does not start"
	PEER=$(head -n 1 "$OBJ/peer.out")
	export PEER
}

# nginx with the pages of $OBJ/www; its port is $WEB.
start_nginx()
{
	[ -n "$NGINX" ] || skip "nginx is not installed"
	mkdir -p "$OBJ/www" "$OBJ/nginx"
	chmod 755 "$OBJ/www"
	WEB=$(freeport)
	[ "$(id -u)" -ne 0 ] || echo "user nobody nogroup;" >"$OBJ/nginx.conf"
	cat >>"$OBJ/nginx.conf" <<-EOF
	daemon off;
	worker_processes 1;
	pid $OBJ/nginx/pid;
	error_log stderr;
	events { worker_connections 4096; }
	http {
		access_log $OBJ/nginx-access.log;
		client_body_temp_path $OBJ/nginx/body;
		proxy_temp_path $OBJ/nginx/proxy;
		fastcgi_temp_path $OBJ/nginx/fastcgi;
		uwsgi_temp_path $OBJ/nginx/uwsgi;
		scgi_temp_path $OBJ/nginx/scgi;
		types { text/html html; text/css css; image/svg+xml svg; }
		server {
			listen 127.0.0.1:$WEB;
			listen [::1]:$WEB;
			root $OBJ/www;
		}
	}
	EOF
	start nginx "$NGINX" -e stderr -c "$OBJ/nginx.conf"
	wait_for 10 is_listening "$WEB" || fatal "nginx does not listen"
}

# --- the end of a test

# A test may define this to remove what it put outside of $OBJ.
at_end()
{
	:
}

# Are the far end and the near end as they should be after the last flow?
check_farend()
{
	[ -f "$OBJ/farend.pid" ] || return
	is_running farend || { fail "the far end died"; return; }
	[ "$FAREND" = sockstund ] && [ -n "${FARFDS:-}" ] || return
	wait_for 10 has_children 0 "$(pidof_test farend)" ||
	    fail "sockstund keeps $(children "$(pidof_test farend)") children"
	# A child is reaped before the last of its pipes is closed.
	wait_for 10 has_descriptors "$FARFDS" "$(pidof_test farend)" || {
		now=$(descriptors "$(pidof_test farend)")
		fail "sockstund had $FARFDS descriptors, has $now"
		ls -l "/proc/$(pidof_test farend)/fd"
	}
}

has_children()
{
	[ "$(children "$2")" -eq "$1" ]
}

check_logs()
{
	cat "$OBJ"/sanitizer/* 2>/dev/null && fail "a sanitizer spoke"
	grep -E 'AddressSanitizer|LeakSanitizer|runtime error:|core dumped' \
	    "$OBJ"/*.log 2>/dev/null && fail "a sanitizer spoke"
	grep -E '(SIGSYS|signal 31|signal 11|signal 6)' "$OBJ"/farend.log \
	    2>/dev/null && fail "a process of the far end was killed"
}

finish()
{
	result=$?
	trap - EXIT
	at_end
	[ ! -f "$OBJ/sockstun.pid" ] || is_running sockstun ||
	    fail "$CLIENT ended by itself"
	stop sockstun
	[ "$result" -ne 0 ] || check_farend
	for name in $started; do
		stop "$name"
	done
	check_logs
	[ "$result" -ne 0 ] || result=$failed
	if [ "$result" -ne 0 ] && [ "$result" -ne 77 ]; then
		for log in "$OBJ"/*.out "$OBJ"/*.log; do
			[ -s "$log" ] || continue
			echo "--- $(basename "$log")"
			tail -n 30 "$log" | cut -c 1-200
		done
	fi
	cd / && rm -rf "$OBJ"
	exit "$result"
}

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$OBJ"
mkdir -m 700 "$HOME"
mkdir "$BIN"
mkdir -m 1777 "$OBJ/sanitizer"
for program in sockstun sockstund sockstund-net sockstund-signer \
    sockstun-server; do
	[ ! -x "$O/$program" ] || cp "$O/$program" "$BIN/"
done
# As installed; the sanitizers read their own program.
[ "${O%-san}" != "$O" ] || chmod 711 "$BIN"/sockstund*
make_keys
ulimit -n "$(ulimit -H -n)"
. "./$script"
exit 0
