# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154
# One call fails in each of a sample of runs, in any process: each flow is whole
# or reset at both ends, each request has an answer, nothing is left over and
# the next one is served.  FAULT_SEED repeats a sample, FAULT_TIME says how many
# seconds it may take, and "make torture" runs all.
# seconds: 240

[ "$CLIENT" = sockstun ] || skip "for sockstun"
need python3 addr2line nm ssh-keygen
seed=${FAULT_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
verbose "FAULT_SEED=$seed"
TMPDIR=$OBJ python3 -B "$SRC/regress/fault/sweep.py" -s "$seed" -j 2 \
    -t "${FAULT_TIME:-20}" -f "$SRC/regress/fault/points" "$O/fault" ||
    fail "see above"
