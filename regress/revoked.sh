# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Keys that are not good enough: RevokedHostKeys and RequiredRSASize.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
me=$FARUSER@127.0.0.1

# login expected pattern option ...
login()
{
	want=$1
	pattern=$2
	shift 2
	timeout 20 "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$@" "$me" -- true >"$OBJ/login" 2>&1 </dev/null
	got=$?
	[ $got -eq "$want" ] && grep -qE -- "$pattern" "$OBJ/login" || {
		fail "$*: status $got, wanted $want and '$pattern'"
		cat "$OBJ/login"
	}
}

make_keys rsa 2048
start_farend
login 0 . -v
login 0 . -v -o RequiredRSASize=2048
login 255 'is its RSA key shorter than RequiredRSASize' \
    -o RequiredRSASize=2049
make_keys
ssh-keygen -q -t rsa -b 2048 -N '' -f "$OBJ/rsa"
cat "$OBJ/rsa.pub" >>"$OBJ/authorized_keys"
stop farend
start_farend
login 0 . -v -o IdentityFile="$OBJ/rsa" -o RequiredRSASize=2048
login 0 . -v -o RequiredRSASize=3072
echo "IdentityFile $OBJ/rsa" >"$OBJ/only"
grep -v IdentityFile "$OBJ/ssh_config" >>"$OBJ/only"
cp "$OBJ/only" "$OBJ/ssh_config"
login 0 . -v
login 255 'Permission denied' -o RequiredRSASize=2049

# The host's key is known, but revoked all the same.
cp "$OBJ/rsa.pub" "$OBJ/revoked"
login 0 . -v -o RevokedHostKeys="$OBJ/revoked"
login 0 . -v -o RevokedHostKeys=none
cat "$OBJ/host_key.pub" >>"$OBJ/revoked"
login 255 "ED25519 SHA256:[^ ]* revoked by file $OBJ/revoked" \
    -o RevokedHostKeys="$OBJ/revoked" -o StrictHostKeyChecking=no
grep -q 'Host key verification failed' "$OBJ/login" || fail "not said by all"
login 255 "revoked keys file $OBJ/none: No such file" \
    -o RevokedHostKeys="$OBJ/none"
ssh-keygen -q -k -f "$OBJ/krl" "$OBJ/rsa.pub"
login 255 "revoked keys file $OBJ/krl: a KRL is not served" \
    -o RevokedHostKeys="$OBJ/krl"
