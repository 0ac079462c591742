# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The files for service managers in contrib: what systemd and a parser of
# property lists say of them, and that sockstun takes the command lines.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3

# takes argument ...: is it a command line that holds up to the connection?
takes()
{
	what=$1
	shift
	"$BIN/sockstun" -G -F none "$@" >"$OBJ/shown" 2>&1 ||
	    fail "$what: $(cat "$OBJ/shown")"
}

for unit in service socket; do
	sed "s|/usr/local/bin/|$BIN/|" "contrib/systemd/sockstun@.$unit" \
	    >"$OBJ/sockstun@.$unit"
done
# shellcheck disable=SC2046
takes "the unit" $(sed -n '/^ExecStart=/,/[^\\]$/p' \
    "$OBJ/sockstun@.service" | tr -d '\\\n' |
    sed 's/^ExecStart=[^ ]*//; s/%t/\/run/g; s/%[iI]/user@host/g')
grep -q '^hostname host$' "$OBJ/shown" && grep -q '^user user$' "$OBJ/shown" ||
    fail "the unit: $(cat "$OBJ/shown")"
if command -v systemd-analyze >/dev/null; then
	cp "$OBJ/sockstun@.service" "$OBJ/sockstun@host.service"
	cp "$OBJ/sockstun@.socket" "$OBJ/sockstun@host.socket"
	# It looks the manuals up, too, which need not be installed yet.
	systemd-analyze --man=no verify "$OBJ/sockstun@host.service" \
	    "$OBJ/sockstun@host.socket" >"$OBJ/verify" 2>&1
	grep 'sockstun' "$OBJ/verify" && fail "systemd: see above"
fi

python3 - >"$OBJ/plist" <<'EOF' || fail "the property list"
import plistlib
with open("contrib/launchd/org.sockstun.plist", "rb") as f:
    job = plistlib.load(f)
assert job["Label"] == "org.sockstun"
print("\n".join(job["ProgramArguments"][1:]))
EOF
# shellcheck disable=SC2046
takes "the property list" $(cat "$OBJ/plist")
