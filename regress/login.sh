# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Keys, users and agents: who gets in, and what the others are told.
# farend: sockstund sshd

need ssh-agent ssh-add
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_farend
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"

# login expected option ...
login()
{
	want=$1
	shift
	"$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" "$@" \
	    -- true >"$OBJ/login.out" 2>"$OBJ/login.log"
	got=$?
	[ $got -eq "$want" ] || {
		fail "$what: $got, wanted $want"
		cat "$OBJ/login.log"
	}
}

denied()
{
	login 255 "$@"
	grep -q 'Permission denied' "$OBJ/login.log" ||
	    fail "$what: $(cat "$OBJ/login.log")"
}

me=$FARUSER@127.0.0.1
what="the right key"
login 0 "$me"
what="-l and a bare host"
login 0 -l "$FARUSER" 127.0.0.1
what="a wrong key"
sed "s|^IdentityFile.*|IdentityFile $OBJ/stranger|" "$OBJ/ssh_config" \
    >"$OBJ/stranger_config"
chmod 600 "$OBJ/stranger_config"
denied -F "$OBJ/stranger_config" "$me"
what="a wrong key, then the right one"
login 0 -F "$OBJ/stranger_config" -i "$OBJ/id" "$me"
what="no such user"
denied nobody-of-this-name@127.0.0.1
grep -qi 'invalid user nobody-of-this-name' "$OBJ/farend.log" ||
    fail "the far end's log does not name the unknown user"
what="a user's name of 300 bytes"
login 255 "$(head -c 300 /dev/zero | tr '\0' u)@127.0.0.1"
what="no key at all"
denied -o IdentityFile=/nonexistent -F "$OBJ/stranger_config" "$me"
what="no authentication method"
denied -o PubkeyAuthentication=no "$me"

cp "$OBJ/id" "$OBJ/open"
chmod 644 "$OBJ/open"
what="a key that others can read"
denied -F "$OBJ/stranger_config" -i "$OBJ/open" "$me"
grep -qi 'too open' "$OBJ/login.log" || fail "no word about permissions"

for type in rsa ecdsa; do
	ssh-keygen -q -t $type -N '' -f "$OBJ/id_$type"
	cat "$OBJ/id_$type.pub" >>"$OBJ/authorized_keys"
	what="a key of type $type"
	login 0 -F "$OBJ/stranger_config" -i "$OBJ/id_$type" "$me"
done

start agent ssh-agent -D -a "$OBJ/agent"
wait_for 5 test -S "$OBJ/agent" || fatal "no agent"
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q "$OBJ/id"
what="the agent's key"
export SSH_AUTH_SOCK="$OBJ/agent"
login 0 -F "$OBJ/stranger_config" -o IdentitiesOnly=no "$me"
unset SSH_AUTH_SOCK
what="IdentityAgent"
login 0 -F "$OBJ/stranger_config" -o IdentitiesOnly=no \
    -o IdentityAgent="$OBJ/agent" "$me"

cp "$OBJ/id" "$OBJ/locked"
ssh-keygen -q -p -P '' -N 'open sesame' -f "$OBJ/locked" >/dev/null
cat >"$OBJ/askpass" <<'EOF'
#!/bin/sh
echo "open sesame"
EOF
chmod 755 "$OBJ/askpass"
what="a passphrase from SSH_ASKPASS"
export SSH_ASKPASS="$OBJ/askpass" SSH_ASKPASS_REQUIRE=force
login 0 -F "$OBJ/stranger_config" -o BatchMode=no -i "$OBJ/locked" "$me"
what="a passphrase and BatchMode"
denied -F "$OBJ/stranger_config" -i "$OBJ/locked" "$me"
unset SSH_ASKPASS SSH_ASKPASS_REQUIRE

[ "$FAREND" = sockstund ] || return 0
grep -q "Accepted publickey for $FARUSER from 127.0.0.1" "$OBJ/farend.log" ||
    fail "the log does not tell of the login"
stop farend
start_sockstund "DenyUsers $FARUSER"
what="DenyUsers"
denied "$me"
stop farend
start_sockstund "AllowUsers someone-else"
what="AllowUsers"
denied "$me"
stop farend
start_sockstund "AllowUsers someone-else $FARUSER@127.0.0.*"
what="AllowUsers with an address"
login 0 "$me"
[ "$(id -u)" -eq 0 ] || return 0
stop farend
start_sockstund "PermitRootLogin no"
what="PermitRootLogin"
denied "$me"
grep -q "User root .* not allowed because PermitRootLogin" "$OBJ/farend.log" ||
    fail "the log does not tell why root is refused"
