# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# FTP in active mode, where the server connects to the client: BIND of SOCKS4
# and 5 by Dante's socksify, for tnftp and curl, with vsftpd.
# farend: sockstund sshd
# needs: root
# netns

need socksify tnftp curl vsftpd
[ "$CLIENT" = sockstun ] || skip "ssh -D knows no BIND"
. regress/tools/lab.sh
start_lab
mkdir -m 755 "$OBJ/empty" "$OBJ/pub"
# So large that the server does not say it is done before curl has noticed the
# connection, which curl takes for a failure.
head -c 20000000 /dev/urandom >"$OBJ/pub/file"
want=$(sha256sum <"$OBJ/pub/file")
cat >"$OBJ/vsftpd.conf" <<EOT
listen=YES
listen_address=10.9.0.2
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root=$OBJ/pub
ftp_username=daemon
nopriv_user=nobody
secure_chroot_dir=$OBJ/empty
seccomp_sandbox=NO
connect_from_port_20=YES
pasv_enable=NO
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file=$OBJ/vsftpd.log
dual_log_enable=YES
xferlog_file=$OBJ/xfer.log
EOT
start_in target vsftpd vsftpd "$OBJ/vsftpd.conf"
answers()
{
	in_target nc -z 10.9.0.2 21
}
wait_for 10 answers || fatal "vsftpd does not answer"
start_lab_farend
start_lab_client

# fetched what: the file that came is the one that is there
fetched()
{
	got=$(cat "$OBJ/got" 2>&1 | sha256sum)
	[ "$got" = "$want" ] || {
		fail "$1: $(tail -n 5 "$OBJ/client.log")"
		tail -n 10 "$OBJ/vsftpd.log"
	}
	rm -f "$OBJ/got"
}

# The address that curl offers with "-" is that of the control connection at
# the far end, which a stock server does not tell.
port=-
[ "$FAREND" = sockstund ] || port=10.9.0.1
for version in 5 4; do
	lab_socksify $version
	for way in "" --disable-eprt; do
		# shellcheck disable=SC2086
		timeout 30 socksify curl -sS --max-time 20 --ftp-port $port \
		    $way -o "$OBJ/got" ftp://10.9.0.2/file \
		    >"$OBJ/client.log" 2>&1
		fetched "curl $way, SOCKS$version"
	done
	timeout 30 socksify tnftp -A -a -V -o "$OBJ/got" ftp://10.9.0.2/file \
	    >"$OBJ/client.log" 2>&1
	fetched "tnftp -A, SOCKS$version"
done
# The server saw the far end ask it to connect there.
grep -qE 'PORT 10,9,0,1,|EPRT \|1\|10\.9\.0\.1\|' "$OBJ/vsftpd.log" || {
	fail "no PORT of the far end"
	grep -E 'PORT|EPRT' "$OBJ/vsftpd.log"
}
