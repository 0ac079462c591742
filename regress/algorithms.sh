# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The algorithms that sockstund offers, as they stand in its KEXINIT: by
# default, and as + - ^ change that.

[ "$FAREND" = sockstund ] || skip "for sockstund"

# offered: what the daemon on $FARPORT offers: kex, ciphers, MACs, a line each
offered()
{
	python3 - "$FARPORT" <<'PY'
from socks import *

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), TIMEOUT)
sock.sendall(b"SSH-2.0-test\r\n")
while read_exactly(sock, 1) != b"\n":
    pass
size, padding = struct.unpack(">IB", read_exactly(sock, 5))
packet = read_exactly(sock, size - 1)
assert packet[0] == 20, "SSH_MSG_KEXINIT"
at, lists = 17, []
while len(lists) < 6:
    n = struct.unpack(">I", packet[at:at + 4])[0]
    lists.append(packet[at + 4:at + 4 + n].decode())
    at += 4 + n
kex, _, cs, sc, mac_cs, mac_sc = lists
assert cs == sc and mac_cs == mac_sc, "both directions the same"
print(",".join(k for k in kex.split(",")
               if k not in ("kex-strict-s-v00@openssh.com", "ext-info-s")))
print(cs)
print(mac_cs)
PY
}

# check what kex ciphers macs [line ...]: what a daemon with these lines offers;
# the post-quantum methods depend on the library's version
check()
{
	what=$1
	printf '%s\n' "$2" "$3" "$4" >"$OBJ/want"
	shift 4
	start_sockstund "$@"
	offered >"$OBJ/offered.all" 2>&1
	sed -E 's/(mlkem|sntrup)[^,]*,//g' "$OBJ/offered.all" >"$OBJ/offered"
	diff -u "$OBJ/want" "$OBJ/offered" || fail "$what"
	stop farend
}

# refused line why: the test of a configuration with this line says why not
refused()
{
	farend_config "$1" >"$OBJ/refused.conf"
	"$BIN/sockstund" -t -f "$OBJ/refused.conf" 2>"$OBJ/refused.err" &&
	    fail "$1: -t says nothing"
	grep -q "$2" "$OBJ/refused.err" || {
		fail "$1: wanted $2, -t says:"
		cat "$OBJ/refused.err"
	}
}

kex=curve25519-sha256,curve25519-sha256@libssh.org
dh=diffie-hellman-group16-sha512,diffie-hellman-group18-sha512
dh14=diffie-hellman-group14-sha256
gcm=aes128-gcm@openssh.com,aes256-gcm@openssh.com
ctr=aes128-ctr,aes192-ctr,aes256-ctr
ciphers=chacha20-poly1305@openssh.com,$gcm,$ctr
etm=hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com
macs=$etm,hmac-sha2-256,hmac-sha2-512

check "default" "$kex,$dh,$dh14" "$ciphers" "$macs"
check "lists that take away" "$kex,diffie-hellman-group16-sha512" \
    "${ciphers%,$ctr}" "$etm" \
    "KexAlgorithms -$dh14,diffie-hellman-group18-sha512" \
    "Ciphers -aes*-ctr" "MACs -hmac-sha2-256,hmac-sha2-512"
check "lists that append" "$kex,$dh,$dh14,ecdh-sha2-nistp256" \
    "$ciphers,aes128-cbc,3des-cbc" "$macs,hmac-sha1" \
    "KexAlgorithms +ecdh-sha2-nistp256" "Ciphers +aes128-cbc,3des-cbc" \
    "MACs +hmac-sha1"
check "lists that come first" "$dh14,$kex,$dh" \
    "aes256-cbc,$ciphers" "hmac-sha2-512,$etm,hmac-sha2-256" \
    "KexAlgorithms ^$dh14" "Ciphers ^aes256-cbc" "MACs ^hmac-sha2-512"
check "lists of their own" "$dh14" "aes256-ctr" "hmac-sha2-512" \
    "KexAlgorithms $dh14" "Ciphers aes256-ctr" "MACs hmac-sha2-512"

refused 'Ciphers -*' 'no algorithm is left'
refused 'KexAlgorithms -curve25519-sha265' 'unknown algorithm'
refused 'MACs +hmac-md4' 'unknown algorithm'

# What exists and this library may not have: not for want of a host key.
grep -q sntrup "$OBJ/offered.all" ||
    refused 'KexAlgorithms sntrup761x25519-sha512@openssh.com' \
	'this version of the SSH library has none of them'
grep -q 'host key' "$OBJ/refused.err" && fail "a host key is blamed"
