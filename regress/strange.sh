# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Clients that keep to SSH and ask sockstund for what nobody asks for: each is
# refused, or sent away, and a line of the log says why.

[ "$FAREND" = sockstund ] || skip "for sockstund"
/usr/bin/python3 -c "import paramiko" 2>/dev/null || skip "no paramiko"
start_peer
start_sockstund

cat >"$OBJ/strange.py" <<'EOF'
import sys

import paramiko

from socks import *

PORT, USER, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
M = paramiko.common


def transport(login=True):
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", PORT)))
    t.start_client(timeout=TIMEOUT)
    if login:
        t.auth_publickey(USER, paramiko.Ed25519Key.from_private_key_file(KEY))
    return t


def message(kind, *words):
    m = paramiko.Message()
    m.add_byte(bytes([kind]))
    for w in words:
        if isinstance(w, bool):
            m.add_boolean(w)
        elif isinstance(w, int):
            m.add_int(w)
        else:
            m.add_string(w)
    return m


def opens(t, kind, dst=("127.0.0.1", PEER), src=("127.0.0.1", 1)):
    """The code that an open fails with, 0 if it does not."""
    try:
        t.open_channel(kind, dst, src, timeout=TIMEOUT).close()
        return 0
    except paramiko.ChannelException as e:
        return e.code


def is_sent_away(what, *messages, login=False):
    """A client that says this, before it has logged in or after."""
    t = transport(login)
    try:
        for m in messages:
            t._send_message(m)
    except (EOFError, OSError):
        pass
    until = time.monotonic() + TIMEOUT
    while t.is_active() and time.monotonic() < until:
        time.sleep(0.02)
    check(not t.is_active(), what)
    t.close()


t = transport()
check(opens(t, "direct-tcpip") == 0, "a channel")
for dst in ("", 80), ("x" * 256, 80):
    check(opens(t, "direct-tcpip", dst) == 1, f"no channel to {dst}")
check(opens(t, "direct-tcpip", src=("o" * 256, 1)) == 1,
      "no channel from a long name")
for kind in "x11", "forwarded-tcpip", "nonsense":
    dst = src = ("127.0.0.1", 80)
    check(opens(t, kind, dst, src) != 0, f"no channel of type {kind}")
t.close()

t = transport()
chan = t.open_channel("direct-tcpip", ("127.0.0.1", PEER),
                      ("sing@sockstun", 1), timeout=TIMEOUT)
chan.settimeout(TIMEOUT)
check(chan.recv(2) == b"\x05\x07", "a service that there is none of")
chan.close()

sessions = [t.open_session(timeout=TIMEOUT) for _ in range(10)]
check(opens(t, "session") == 1, "an eleventh session")
for ask in (lambda: sessions[0].request_x11(),
            lambda: sessions[2].invoke_subsystem("sftp")):
    try:
        ask()
        check(False, "a request is granted")
    except paramiko.SSHException:
        check(True, "a request is refused")
sessions[1].close()
time.sleep(0.2)
s = t.open_session(timeout=TIMEOUT)
s.settimeout(TIMEOUT)
s.exec_command("id")
check(s.recv_exit_status() != 0, "no command")

check(t.global_request("nonsense@example.org", wait=True) is None,
      "an unknown request")
check(opens(t, "direct-tcpip") == 0, "the session goes on")
t.close()

service = message(M.cMSG_SERVICE_REQUEST[0], "ssh-userauth")
none = [message(M.cMSG_USERAUTH_REQUEST[0], u, "ssh-connection", "none")
        for u in ("one", "two", "", "x" * 300)]
is_sent_away("another service", message(M.cMSG_SERVICE_REQUEST[0], "nonsense"))
is_sent_away("a change of the user's name", service, none[0], none[1])
is_sent_away("a login of nobody", service, none[2])
is_sent_away("a name that is too long", service, none[3])
is_sent_away("a channel before the login",
             message(M.cMSG_CHANNEL_OPEN[0], "session", 0, 1000, 1000))
is_sent_away("a thousand services", *[service] * 1000)
is_sent_away("a second login", none[0], login=True)
finish()
EOF
/usr/bin/python3 -W ignore "$OBJ/strange.py" "$FARPORT" "$FARUSER" "$OBJ/id" || fail "see above"

told()
{
	wait_log farend "$1" || fail "the log does not tell: $1"
}

told 'channel to an impossible destination refused'
told 'channel of an unsupported type refused'
told 'unknown service sing@sockstun'
told 'one session too many refused'
told 'request for X11 refused'
told 'request for a subsystem refused'
told 'unknown service asked for by'
told 'change of user name from'
told 'bad user name from'
told 'too many requests from'
