# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154
# Each fuzzer takes its seeds, as it was built with everything else: none is
# left behind by an interface that changes.

for source in regress/fuzz/*_fuzz.c; do
	name=$(basename "$source" _fuzz.c)
	verbose "$name"
	"$O/regress/fuzz/${name}_seeds" "regress/fuzz/seeds/$name"/* ||
	    fail "$name"
done
true
