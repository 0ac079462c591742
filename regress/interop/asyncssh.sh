# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091
# AsyncSSH: keys of every type, strict about the host's; many channels, bulk
# both ways while keys are exchanged.
# farend: sockstund sshd

. regress/tools/keys.sh
try_python asyncssh
