# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Neither the time of a refusal nor what a client is told says whether a user
# exists, may log in or has keys.  The medians are shown; only the least time,
# which no load of the machine makes smaller, is judged.

[ "$FAREND" = sockstund ] || skip "for sockstund"
need nc ssh
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
sed "s|^IdentityFile.*|IdentityFile $OBJ/stranger|" "$OBJ/ssh_config" \
    >"$OBJ/stranger_config"
mkdir "$OBJ/keys"
cp "$OBJ/id.pub" "$OBJ/keys/$FARUSER"
cp "$OBJ/id.pub" "$OBJ/keys/daemon"
start_sockstund "AuthorizedKeysFile $OBJ/keys/%u" "DenyUsers daemon"

# What a client is told.
for user in "$FARUSER" daemon games nobody-of-this-name; do
	ssh -v -F "$OBJ/stranger_config" -p "$FARPORT" "$user@127.0.0.1" true \
	    >"$OBJ/told.out" 2>&1
	sed -n "s/$user@/USER@/; /Authenticating to/,\$p" "$OBJ/told.out" |
	    grep -v 'Authenticating to' >"$OBJ/told.$user"
	grep -q 'Permission denied (publickey)' "$OBJ/told.$user" ||
	    fail "$user: $(cat "$OBJ/told.out")"
	cmp "$OBJ/told.$FARUSER" "$OBJ/told.$user" || fail "$user is told apart"
done

# How long it takes, as one sees it who has taken over sockstund-net.
stop farend
cp "$O/regress/tools/badnet" "$BIN/sockstund-net"
start_sockstund "AuthorizedKeysFile $OBJ/keys/%u" "DenyUsers daemon"

# ask user key: sets $yes, $least and $median, in microseconds
ask()
{
	echo "time $1 $(cut -d ' ' -f 1-2 "$2.pub")" >"$BIN/attack"
	chmod 644 "$BIN/attack"
	: >"$OBJ/farend.log"
	nc -N 127.0.0.1 "$FARPORT" </dev/null >/dev/null 2>&1
	wait_log farend 'attack: .* median'
	# shellcheck disable=SC2046
	set -- $(sed -n 's/.*attack: \(.*\) yes, least \(.*\) median/\1 \2/p' \
	    "$OBJ/farend.log")
	yes=$1 least=$2 median=$3
}

for user in "$FARUSER" daemon games nobody-of-this-name; do
	ask "$user" "$OBJ/stranger"
	verbose "$user: at least $least us, median $median us"
	[ "$yes" -eq 0 ] || fail "$user: a stranger's key is good"
	[ "$least" -ge 5000 ] || fail "$user: refused after $least us"
	[ "$median" -lt 500000 ] || fail "$user: refused after $median us"
done
# A user who is denied has the key, but not a yes; a good key does not wait.
ask daemon "$OBJ/id"
[ "$yes" -eq 0 ] || fail "a denied user's own key is good"
[ "$least" -ge 5000 ] || fail "a denied user: refused after $least us"
ask "$FARUSER" "$OBJ/id"
verbose "a good key: at least $least us, median $median us"
[ "$yes" -gt 0 ] || fail "a good key is bad"
[ "$least" -lt 5000 ] || fail "a good key waits: $least us"
