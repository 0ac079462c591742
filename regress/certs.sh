# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Certificates: the user's, by their name, by -i and by CertificateFile; and a
# word about those of hosts.
# farend: sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/ca"
ssh-keygen -q -t ecdsa -N '' -f "$OBJ/user"
ssh-keygen -q -s "$OBJ/ca" -I someone -n "$FARUSER" "$OBJ/user.pub"
: >"$OBJ/authorized_keys"
start_farend "TrustedUserCAKeys $OBJ/ca.pub"
sed '/IdentityFile/d' "$OBJ/ssh_config" >"$OBJ/config"
chmod 600 "$OBJ/config"

# login expected pattern option ...
login()
{
	want=$1
	pattern=$2
	shift 2
	timeout 20 "$BIN/sockstun" -F "$OBJ/config" -D 0 -p "$FARPORT" "$@" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/said" 2>&1
	got=$?
	[ $got -eq "$want" ] && grep -q "$pattern" "$OBJ/said" || {
		fail "$*: $got, wanted $want and '$pattern'"
		cat "$OBJ/said"
	}
}

login 0 '' -i "$OBJ/user"
login 0 '' -i "$OBJ/user-cert.pub"
login 255 'Permission denied' -i "$OBJ/id"
mv "$OBJ/user-cert.pub" "$OBJ/elsewhere.pub"
login 255 'Permission denied' -i "$OBJ/user"
login 0 '' -i "$OBJ/user" -o CertificateFile="$OBJ/elsewhere.pub"
login 0 '' -i "$OBJ/id" -i "$OBJ/user" -o CertificateFile="$OBJ/elsewhere.pub"
login 255 'elsewhere.pub: no IdentityFile has its key' -i "$OBJ/id" \
    -o CertificateFile="$OBJ/elsewhere.pub"
login 255 'id.pub: no certificate' -i "$OBJ/id" \
    -o CertificateFile="$OBJ/id.pub"

cp "$OBJ/id.pub" "$OBJ/authorized_keys"
echo "@cert-authority * $(cat "$OBJ/ca.pub")" >"$OBJ/known_hosts"
login 255 'known_hosts:1 trusts an authority for .*, but certificates of hosts' \
    -i "$OBJ/id"
