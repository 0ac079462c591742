# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# TFTP, whose server answers every request from a new port: atftp under Dante's
# socksify.
# farend: sockstund sshd
# needs: root
# netns

need socksify in.tftpd atftp
[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
. regress/tools/lab.sh
start_lab
mkdir -m 755 "$OBJ/pub"
head -c 300000 /dev/urandom >"$OBJ/pub/file"
want=$(sha256sum <"$OBJ/pub/file")
start_in target tftpd in.tftpd --foreground --ipv4 --address 10.9.0.2:69 \
    --user nobody --secure "$OBJ/pub"
start_lab_farend
start_lab_client
lab_socksify 5
cd "$OBJ" || exit 1
fetched()
{
	got=$(cat "$OBJ/file" 2>&1 | sha256sum)
	[ "$got" = "$want" ] || fail "$1: $(tail -n 5 "$OBJ/client.log")"
	rm -f "$OBJ/file"
}

timeout 30 socksify atftp --get -r file -l file 10.9.0.2 69 \
    >"$OBJ/client.log" 2>&1
fetched atftp
timeout 30 socksify atftp --option "blksize 1428" --get -r file -l file \
    10.9.0.2 69 >"$OBJ/client.log" 2>&1
fetched "atftp with larger blocks"
cd "$SRC" || exit 1
