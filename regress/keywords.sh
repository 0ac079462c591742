# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The table of sockstun_config(5) is true: what becomes of each keyword of
# ssh_config(5) is what it says.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
sed -n 's/^\.It \([A-Za-z0-9]*\) Ta \([a-z]*\) Ta.*/\1 \2/p' \
    man/sockstun_config.5 >"$OBJ/table"
[ "$(grep -c ' served$' "$OBJ/table")" -gt 50 ] || fatal "no table"
me=$FARUSER@127.0.0.1
nobody=$(freeport)
echo 'User included' >"$OBJ/include"
chmod 600 "$OBJ/include"

# value keyword: one that is not the default
value()
{
	case $1 in
	AddressFamily)		echo inet6 ;;
	CanonicalizePermittedCNAMEs) echo '*.a:*.b' ;;
	*Ciphers)		echo aes128-ctr ;;
	ConnectTimeout|ConnectionAttempts|NumberOf*|Port|ServerAlive*|*MaxDots)
				echo 7 ;;
	DynamicForward)		echo 1080 ;;
	HostKeyAlgorithms|Pubkey*Algorithms|PubkeyAcceptedKeyTypes)
				echo ssh-ed25519 ;;
	Include)		echo "$OBJ/include" ;;
	KexAlgorithms)		echo curve25519-sha256 ;;
	LogLevel)		echo DEBUG ;;
	MACs)			echo hmac-sha2-256 ;;
	PreferredAuthentications) echo password ;;
	RekeyLimit)		echo '1G 7' ;;
	RequiredRSASize)	echo 3072 ;;
	StreamLocalBindMask)	echo 0111 ;;
	StrictHostKeyChecking)	echo accept-new ;;
	*PasswordAuth*|PubkeyAuth*|Kbd*Auth*|Challenge*|*KeepAlive|*Fallback*)
				echo no ;;
	Host)			echo other ;;
	Match)			echo 'host other' ;;
	ProxyCommand)		echo 'nc %h %p # 1' ;;
	SetEnv)			echo 'A=b C="d e"' ;;
	*File|RevokedHostKeys|KnownHostsCommand|*Provider|IdentityAgent)
				echo "$OBJ/file" ;;
	*)			echo yes ;;
	esac
}

# config status ...: a line for each keyword of that status
config()
{
	grep " $1\$" "$OBJ/table" | while read -r keyword _; do
		# It is told of when a passphrase is asked for: not here.
		[ "$keyword" = AddKeysToAgent ] ||
		    echo "$keyword ${2:-$(value "$keyword")}"
	done
}

# shown text: what -G shows for a file, and what is said
shown()
{
	printf '%s\n' "$1" >"$OBJ/one"
	"$BIN/sockstun" -G -F "$OBJ/one" host 2>&1
}

# The conditions do not hold, so the user stays.
without=$(shown '')
config served >"$OBJ/served"
while read -r line; do
	case $line in
	Host\ *|Match\ *) want="$without" line=$(printf '%s\nUser x' "$line") ;;
	*) want= ;;
	esac
	got=$(shown "$line") || fail "$line: $got"
	if [ -n "$want" ]; then
		[ "$got" = "$want" ] || fail "$line has no effect"
	else
		[ "$got" != "$without" ] || fail "$line has no effect"
	fi
done <"$OBJ/served"
for status in told ignored; do
	config $status >"$OBJ/$status"
	while read -r line; do
		got=$(shown "$line") || fail "$line: $got"
		[ "$got" = "$without" ] || fail "$line is not $status"
	done <"$OBJ/$status"
done

# said: what is said at the start, besides that nobody is there
said()
{
	"$BIN/sockstun" -F "$1" -D 0 -p "$nobody" "$me" 2>&1 |
	    grep -v -e ": connect to host 127.0.0.1 port $nobody: " \
	    -e ': The host is there, but nothing listens on that port'
}
grep -v -i -e '^Host' -e Match "$OBJ/ignored" >"$OBJ/silent"
config told no >"$OBJ/harmless"
sed -i -e 's/^\(BindInterface\|ChannelTimeout\|KnownHostsCommand\) .*/\1 none/' \
    -e 's/^PKCS11Provider .*/PKCS11Provider none/' \
    -e 's/^SecurityKeyProvider .*/SecurityKeyProvider internal/' \
    "$OBJ/harmless"
for file in silent harmless; do
	said "$OBJ/$file" && fail "$file: something is said"
done
said "$OBJ/told" >"$OBJ/lines"
while read -r keyword _; do
	[ "$(grep -c "^sockstun: $keyword is not served: " "$OBJ/lines")" -eq 1 ] ||
	    fail "$keyword is not told once"
done <"$OBJ/told"
[ "$(grep -c '' "$OBJ/lines")" -eq "$(grep -c '' "$OBJ/told")" ] ||
    fail "something else is told: $(cat "$OBJ/lines")"
"$BIN/sockstun" -F "$OBJ/told" -S "$OBJ/none" -O check "$me" 2>&1 |
    grep 'not served' && fail "-O: something is told"
"$BIN/sockstun" -q -F "$OBJ/told" -D 0 -p "$nobody" "$me" 2>&1 |
    grep . && fail "-q: something is said"
said_twice=$("$BIN/sockstun" -o FarEnd=127.0.0.1 -F "$OBJ/told" -D 0 \
    -p "$nobody" "$me" 2>&1 | grep -c 'Compression is not')
[ "$said_twice" -eq 1 ] || fail "told $said_twice times with two far ends"

# What is an error after -o, and what ends the program by itself.
for keyword in Host Match Include; do
	"$BIN/sockstun" -G -F none -o "$keyword=x" host 2>&1 |
	    grep -q "$keyword directive not supported" || fail "-o $keyword"
done
echo 'RefuseConnection "gone, use other"' >"$OBJ/one"
said "$OBJ/one" >"$OBJ/lines" &&
    grep -q '^sockstun: .*refuses .*127.0.0.1: gone, use other$' "$OBJ/lines" ||
    fail "RefuseConnection: $(cat "$OBJ/lines")"

# ssh here may know more: no fault of ours, but worth to be known.
command -v ssh >/dev/null || return 0
{
	ssh -TG -F none host 2>/dev/null | cut -d ' ' -f 1
	for page in /usr/share/man/man5/ssh_config.5*; do
		[ -f "$page" ] && gzip -cdf "$page" |
		    sed -n 's/^\.It Cm \([A-Z][A-Za-z0-9]*\)$/\1/p'
	done
} | tr A-Z a-z | sort -u >"$OBJ/ssh"
cut -d ' ' -f 1 "$OBJ/table" | tr A-Z a-z | sort -u >"$OBJ/ours"
echo host >>"$OBJ/ours"
sort -u -o "$OBJ/ours" "$OBJ/ours"
[ "$(grep -c '' "$OBJ/ssh")" -gt 70 ] || fail "ssh -G lists no keywords"
for keyword in $(comm -23 "$OBJ/ssh" "$OBJ/ours"); do
	verbose "ssh here knows $keyword, and the table does not"
done
