# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# A name of a host or a user that is a shell command is refused before any
# shell could run it.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
run=$OBJ/run
mkdir "$run"

# attack what file-text argument ...: refused, and nothing was run
attack()
{
	what=$1
	printf '%s\n' "$2" >"$OBJ/config"
	chmod 600 "$OBJ/config"
	shift 2
	(cd "$run" && timeout 20 "$BIN/sockstun" -F "$OBJ/config" \
	    -o UserKnownHostsFile=/dev/null -D 0 "$@" >"$OBJ/said" 2>&1 \
	    </dev/null)
	got=$?
	[ $got -eq 255 ] || fail "$what: exit status $got"
	grep -q 'contains invalid characters\|ProxyJump: bad host' \
	    "$OBJ/said" || {
		fail "$what: no reason"
		cat "$OBJ/said"
	}
	[ -z "$(ls "$run")" ] || {
		fail "$what: the name was run as a command"
		rm -f "$run"/*
	}
}

word='a;touch${IFS}x'
for token in %h %n %k; do
	attack "Match exec, host, $token" "Match exec \"test -n $token\"" \
	    "$word"
done
for name in 'a$(touch${IFS}x)' 'a`touch${IFS}x`' "a'touch x'" 'a|touch x' \
    'a
touch x' -oProxyCommand=x; do
	attack "Match exec, host $name" 'Match exec "test -n %h"' -- "$name"
done
attack "Match exec, user@" 'Match exec "test -n %r"' "$word@127.0.0.1"
attack "Match exec, -l" 'Match exec "test -n %r"' -l "$word" 127.0.0.1
attack "Match exec, -o User" 'Match exec "test -n %r"' -o "User=$word" \
    127.0.0.1
attack "Match exec, ssh://" 'Match exec "test -n %r%h"' \
    "ssh://$word@127.0.0.1:1"
attack "Match exec, -J" 'Match exec "test -n %j"' -J "$word" 127.0.0.1
attack "Match exec, HostKeyAlias" 'Match exec "test -n %k"' \
    -o "HostKeyAlias=$word" 127.0.0.1
attack "Match exec, HostName" "HostName $word
Match exec \"test -n %h\"" 127.0.0.1
attack "Match exec, HostName with a token" 'HostName %h;touch${IFS}x
Match exec "test -n %h"' 127.0.0.1
attack "Match exec, User" "User $word
Match exec \"test -n %r\"" 127.0.0.1
attack "Match exec in a file included" "Include $OBJ/more" "$word"
attack "ProxyCommand, host" 'ProxyCommand true %h' "$word"
attack "ProxyCommand, HostName" "HostName $word
ProxyCommand true %h" 127.0.0.1
attack "ProxyCommand, User" "User $word
ProxyCommand true %r" 127.0.0.1
attack "ProxyCommand, HostKeyAlias" "HostKeyAlias $word
ProxyCommand true %k" 127.0.0.1
attack "ProxyJump, host" "ProxyJump $word" 127.0.0.1
attack "ProxyJump, user" "ProxyJump $word@127.0.0.1" 127.0.0.1
attack "ProxyJump, a hop before the last" "ProxyJump $word,127.0.0.1" \
    127.0.0.1
attack "ProxyJump, HostName" "HostName $word
ProxyJump 127.0.0.1" 127.0.0.1
attack "ProxyJump, a token" 'ProxyJump %n' "$word"
attack "no file" '' "$word"
