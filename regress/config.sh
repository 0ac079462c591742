# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Golden files in config/: sockstun -G reads NAME.client.in, sockstund -T reads
# NAME.server.in, and NAME.*.ok is what they print.  A file that ends in .bad
# must be refused, with the message in .ok.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
n=0

# show file: what the program prints for it, without the paths of this run
show()
{
	dflt=
	[ "$(id -u)" -eq 0 ] || grep -qi PermitLocal "$1" ||
	    dflt='PermitLocal no'
	cp "$1" "$OBJ/config.in"
	chmod 600 "$OBJ/config.in"
	case $1 in
	*.client.*)
		"$BIN/sockstun" -G -F "$OBJ/config.in" host.example.org ;;
	*.server.*)
		"$BIN/sockstund" -T -f "$OBJ/config.in" ${dflt:+-o "$dflt"} ;;
	esac >"$OBJ/shown" 2>&1
	status=$?
	home=$(getent passwd "$(id -un)" | cut -d : -f 6)
	sed -e "/^# congestioncontrol:/d" -e "s|$OBJ/config.in|CONFIG|g" -e "s|$OBJ|OBJ|g" \
	    -e "s|$HOME|HOME|g" -e "s|$home/|HOME/|g" \
	    -e "s|^user $(id -un)\$|user USER|" "$OBJ/shown"
	return $status
}

for in in regress/config/*.in regress/config/*.bad; do
	[ -f "$in" ] || continue
	n=$((n + 1))
	show "$in" >"$OBJ/got"
	status=$?
	case $in in
	*.in)	[ $status -eq 0 ] || fail "$in: exit status $status" ;;
	*.bad)	[ $status -ne 0 ] || fail "$in: accepted" ;;
	esac
	diff -u "${in%.*}.ok" "$OBJ/got" || fail "$in"
done
[ $n -gt 0 ] || fail "no golden files"

# A file that only the user's own group may write to is taken, as by Debian's
# ssh; one that others may write to is not.
mine=$(id -g)
echo "Port 2345" >"$OBJ/included"
echo "Include $OBJ/included" >"$OBJ/including"
included()
{
	chmod "$1" "$OBJ/included"
	"$BIN/sockstun" -G -F "$OBJ/including" host 2>&1 |
	    grep -q "$2" || fail "mode $1, group $(stat -c %G "$OBJ/included")"
}
chgrp "$mine" "$OBJ/included"
included 644 '^port 2345'
included 666 'Bad owner or permissions'
[ "$(getent passwd | cut -d : -f 4 | grep -cx "$mine")" != 1 ] ||
    [ -n "$(getent group "$mine" | cut -d : -f 4)" ] ||
    included 664 '^port 2345'
if [ "$(id -u)" -eq 0 ] && chgrp nogroup "$OBJ/included"; then
	included 664 'Bad owner or permissions'
fi

# What -T says is a configuration that says the same.
for in in regress/config/*.server.in; do
	[ -f "$in" ] || continue
	"$BIN/sockstund" -T -f "$in" >"$OBJ/once.server.in" || continue
	"$BIN/sockstund" -T -f "$OBJ/once.server.in" >"$OBJ/twice" 2>&1
	diff -u "$OBJ/once.server.in" "$OBJ/twice" || fail "$in: -T of -T"
done
