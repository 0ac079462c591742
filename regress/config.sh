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
	cp "$1" "$OBJ/config.in"
	chmod 600 "$OBJ/config.in"
	case $1 in
	*.client.*)
		"$BIN/sockstun" -G -F "$OBJ/config.in" host.example.org ;;
	*.server.*)
		"$BIN/sockstund" -T -f "$OBJ/config.in" ;;
	esac >"$OBJ/shown" 2>&1
	status=$?
	home=$(getent passwd "$(id -un)" | cut -d : -f 6)
	sed -e "s|$OBJ/config.in|CONFIG|g" -e "s|$OBJ|OBJ|g" \
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

# What -T says is a configuration that says the same.
for in in regress/config/*.server.in; do
	[ -f "$in" ] || continue
	"$BIN/sockstund" -T -f "$in" >"$OBJ/once.server.in" || continue
	"$BIN/sockstund" -T -f "$OBJ/once.server.in" >"$OBJ/twice" 2>&1
	diff -u "$OBJ/once.server.in" "$OBJ/twice" || fail "$in: -T of -T"
done
