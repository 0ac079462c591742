# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Signatures of every kind, made and checked outside of sockstund-net: host
# keys and key exchanges, users' keys, FIDO keys, and rekeys.
# seconds: 240

[ "$FAREND" = sockstund ] || skip "for sockstund"
need ssh openssl
for bits in 256 384 521; do
	ssh-keygen -q -t ecdsa -b $bits -N '' -f "$OBJ/ecdsa$bits"
done
ssh-keygen -q -t rsa -b 2048 -N '' -f "$OBJ/rsa"
ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f "$OBJ/pem"
ssh-keygen -q -t ecdsa -N secret -f "$OBJ/locked"
start_peer
start_sockstund "HostKey $OBJ/locked" "HostKey $OBJ/ecdsa384" "HostKey $OBJ/rsa"
grep -q "Unable to load host key: $OBJ/locked" "$OBJ/farend.log" ||
    fail "no word about the locked key"

echo "source 1000" >"$OBJ/order"

# ssh_login option ...
ssh_login()
{
	ssh -F none -o IdentitiesOnly=yes -o BatchMode=yes \
	    -o StrictHostKeyChecking=yes \
	    -o "UserKnownHostsFile=$OBJ/known_hosts" -p "$FARPORT" -o ControlPath=none \
	    -W "127.0.0.1:$PEER" "$@" "$FARUSER@127.0.0.1" \
	    <"$OBJ/order" >"$OBJ/ssh.out" 2>"$OBJ/ssh.log" &&
	    [ "$(wc -c <"$OBJ/ssh.out")" -eq 1000 ]
}

good()
{
	ssh_login "$@" || { fail "$*"; cat "$OBJ/ssh.log"; }
}

bad()
{
	ssh_login "$@" && fail "logged in: $*"
	grep -q 'Permission denied' "$OBJ/ssh.log" ||
	    { fail "$*"; cat "$OBJ/ssh.log"; }
}

# A host key of each type, and the hash of each key exchange.
for key in host_key ecdsa256 ecdsa384 ecdsa521 rsa pem; do
	stop farend
	cp "$OBJ/host_key" "$OBJ/saved"
	cp "$OBJ/host_key.pub" "$OBJ/saved.pub"
	cp "$OBJ/$key" "$OBJ/host_key" 2>/dev/null
	cp "$OBJ/$key.pub" "$OBJ/host_key.pub" 2>/dev/null
	: >"$OBJ/known_hosts"
	start_sockstund "KexAlgorithms +ecdh-sha2-nistp256,ecdh-sha2-nistp384,\
ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256"
	case $key in
	rsa | pem)
		for alg in rsa-sha2-256 rsa-sha2-512; do
			good -i "$OBJ/id" -o HostKeyAlgorithms=$alg
		done ;;
	host_key)
		for kex in curve25519-sha256 ecdh-sha2-nistp256 \
		    ecdh-sha2-nistp384 ecdh-sha2-nistp521 \
		    diffie-hellman-group14-sha256 \
		    diffie-hellman-group16-sha512 \
		    diffie-hellman-group-exchange-sha256; do
			good -i "$OBJ/id" -o KexAlgorithms=$kex
		done ;;
	*)	good -i "$OBJ/id" ;;
	esac
	cp "$OBJ/saved" "$OBJ/host_key"
	cp "$OBJ/saved.pub" "$OBJ/host_key.pub"
done

# Users' keys; a stranger's is refused.
stop farend
: >"$OBJ/known_hosts"
start_sockstund
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
bad -i "$OBJ/stranger"
for key in ecdsa256 ecdsa384 ecdsa521 rsa; do
	cat "$OBJ/$key.pub" >>"$OBJ/authorized_keys"
	good -i "$OBJ/$key"
done
for alg in rsa-sha2-256 rsa-sha2-512; do
	good -i "$OBJ/rsa" -o PubkeyAcceptedAlgorithms=$alg
done
bad -i "$OBJ/rsa" -o PubkeyAcceptedAlgorithms=ssh-rsa

# FIDO keys: touched, unless the line says that this need not be.
for kind in ed25519 ecdsa; do
	start "sk_$kind" python3 -u "$TOOLS/skagent.py" "$OBJ/sk_$kind.sock" \
	    $kind "$OBJ/sk_$kind.pub"
	wait_for 10 test -s "$OBJ/sk_$kind.out" || fatal "no agent"
	sk="-o IdentityAgent=$OBJ/sk_$kind.sock -i $OBJ/sk_$kind.pub"
	key=$(cat "$OBJ/sk_$kind.pub")
	for line in ':1 5:0 4' 'no-touch-required:0 1 4 5:' \
	    'verify-required:5:0 1 4' 'no-touch-required,verify-required:4 5:0 1'
	do
		options=${line%%:*}
		case $line in
		:*)	rest=${line#:} ;;
		*)	rest=${line#*:} ;;
		esac
		echo "$options${options:+ }$key" >"$OBJ/authorized_keys"
		for flags in ${rest%%:*}; do
			echo "$flags" >"$OBJ/flags"
			# shellcheck disable=SC2086
			good $sk
		done
		for flags in ${rest#*:}; do
			echo "$flags" >"$OBJ/flags"
			# shellcheck disable=SC2086
			bad $sk
		done
	done
done
cp "$OBJ/id.pub" "$OBJ/authorized_keys"

# A session that rekeys every megabyte.
CLIENT=ssh
start_client -o RekeyLimit=1M
python3 -c '
import socks
n = len(socks.read_all(socks.order("source %d" % (40 << 20))))
assert n == 40 << 20, n' || fail "a transfer with rekeys is not whole"
n=$(grep -c 'SSH2_MSG_KEXINIT sent' "$OBJ/sockstun.log")
[ "$n" -ge 10 ] || fail "$n key exchanges in 40 MB"
stop sockstun
true
