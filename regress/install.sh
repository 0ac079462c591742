# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# make install and uninstall: everything in its place, nobody's configuration
# overwritten or removed, and the installed programs find each other, also when
# they were built for another place before.
# alone
# seconds: 300

unset MAKEFLAGS MAKELEVEL MFLAGS
root=$OBJ/root
tree()
{
	(cd "$root" && find . ! -type d | sort)
}
mk()
{
	make -s O="$OBJ/build" PREFIX="$OBJ/root/p" "$@" \
	    >"$OBJ/make.log" 2>&1 || fatal "make $*"
}

mk install
want=$(sort <<-EOF
	./p/bin/sockstun
	./p/etc/sockstun_config
	./p/etc/sockstund_config
	./p/libexec/sockstun/sockstun-server
	./p/libexec/sockstun/sockstund-net
	./p/libexec/sockstun/sockstund-signer
	./p/sbin/sockstund
	./p/share/man/man1/sockstun.1
	./p/share/man/man5/sockstun_config.5
	./p/share/man/man5/sockstund_config.5
	./p/share/man/man7/sockstun-protocol.7
	./p/share/man/man8/sockstun-server.8
	./p/share/man/man8/sockstund.8
	EOF
)
[ "$(tree)" = "$want" ] || fail "installed: $(tree)"
for p in sbin/sockstund libexec/sockstun/sockstund-net \
    libexec/sockstun/sockstund-signer; do
	mode=$(stat -c %a "$root/p/$p")
	[ "$mode" = 711 ] || fail "$p has mode $mode"
done
rm -rf "$BIN"
mkdir "$BIN"
ln "$root/p/bin/sockstun" "$root/p/sbin/sockstund" "$BIN/"
start_peer
start_sockstund
[ "$CLIENT" != sockstun ] || {
	start_client
	python3 -c 'import socks; socks.order("echo")' || fail "no service"
}

echo "# mine" >"$root/p/etc/sockstund_config"
mk install
[ "$(cat "$root/p/etc/sockstund_config")" = "# mine" ] ||
    fail "a configuration was overwritten"
mk uninstall
[ "$(tree)" = "./p/etc/sockstun_config
./p/etc/sockstund_config" ] || fail "left after uninstall: $(tree)"
rm -rf "$root"
mk DESTDIR="$root" PREFIX=/usr SYSCONFDIR=/etc LIBEXECDIR=/usr/lib/sockstun \
    MANDIR=/usr/man BINDIR=/usr/b SBINDIR=/usr/s install
for f in usr/b/sockstun usr/s/sockstund usr/lib/sockstun/sockstund-net \
    etc/sockstun_config etc/sockstund_config usr/man/man8/sockstund.8; do
	[ -f "$root/$f" ] || fail "no $f with DESTDIR"
done
# The same build folder was used for another place before.
for f in usr/b/sockstun usr/s/sockstund; do
	grep -q "$OBJ/root/p" "$root/$f" &&
	    fail "$f has the paths of an earlier installation inside"
	grep -q '/etc/sockstun' "$root/$f" || fail "$f has no path inside"
done
grep -q /usr/lib/sockstun "$root/usr/s/sockstund" ||
    fail "sockstund does not look for sockstund-net where it is"
