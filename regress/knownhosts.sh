# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What sockstun does about a host key that it knows, one that it does not, and
# one that has changed.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_farend
known=$OBJ/known_hosts
good=$(cat "$known")
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/other_key"
changed="[127.0.0.1]:$FARPORT $(cut -d ' ' -f 1-2 "$OBJ/other_key.pub")"

# login expected option ...
login()
{
	want=$1
	shift
	"$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" "$@" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/login.out" 2>"$OBJ/login.log"
	got=$?
	[ $got -eq "$want" ] || {
		fail "$what: $got, wanted $want"
		cat "$OBJ/login.log"
	}
}

says()
{
	grep -qi -- "$1" "$OBJ/login.log" || {
		fail "$what: no word of '$1'"
		cat "$OBJ/login.log"
	}
}

what="known"
login 0
what="hashed"
ssh-keygen -H -f "$known" >/dev/null 2>&1
rm -f "$known.old"
login 0
echo "$good" | sed 's/^[^ ]*/someone/' >"$known"
what="under an alias"
login 0 -o HostKeyAlias=someone

for answer in yes ask; do
	what="unknown, $answer"
	: >"$known"
	login 255 -o StrictHostKeyChecking=$answer
	says "host key verification failed"
	[ ! -s "$known" ] || fail "$what: it was added"
done
for answer in accept-new no; do
	what="unknown, $answer"
	rm -f "$known"
	login 0 -o StrictHostKeyChecking=$answer
	says "permanently added"
	[ "$(cut -d ' ' -f 1-3 "$known")" = "$good" ] ||
	    fail "$what: known_hosts is $(cat "$known")"
	what="known since $answer"
	login 0
done

what="written hashed"
rm -f "$known"
login 0 -o StrictHostKeyChecking=accept-new -o HashKnownHosts=yes
grep -q '^|1|[A-Za-z0-9+/]\{27\}=|[A-Za-z0-9+/]\{27\}= ssh-ed25519 ' "$known" ||
    fail "$what: known_hosts is $(cat "$known")"
ssh-keygen -F "[127.0.0.1]:$FARPORT" -f "$known" >/dev/null ||
    fail "$what: ssh-keygen does not find it"
login 0

for answer in yes ask accept-new; do
	what="changed, $answer"
	echo "$changed" >"$known"
	login 255 -o StrictHostKeyChecking=$answer
	says "REMOTE HOST IDENTIFICATION HAS CHANGED"
	says "$known"
	says "ssh-keygen"
	[ "$(cat "$known")" = "$changed" ] || fail "$what: the file changed"
done
what="changed, no"
login 0 -o StrictHostKeyChecking=no
says "REMOTE HOST IDENTIFICATION HAS CHANGED"

what="revoked"
{ echo "$good"; echo "$good" | sed 's/^/@revoked /'; } >"$known"
login 255 -o StrictHostKeyChecking=no
what="in the second file"
: >"$known"
echo "$good" >"$OBJ/known_hosts2"
login 0 -o "UserKnownHostsFile=$known $OBJ/known_hosts2"
what="in the global file"
login 0 -o "GlobalKnownHostsFile=$OBJ/known_hosts2"
what="garbage in the file"
{ echo "nonsense"; head -c 3000 /dev/zero | tr '\0' x; echo;
    echo "$good"; } >"$known"
login 0
