# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# authorized_keys files that others can write to are ignored.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
if [ "$(id -u)" -eq 0 ]; then
	base=/run
else
	base=$(getent passwd "$FARUSER" | cut -d : -f 6)
fi
dir=$(mktemp -d "$base/sockstun.XXXXXX") || skip "$base cannot be written"
trap 'rm -rf "$dir"; finish' EXIT
mkdir "$dir/keys"
file=$dir/keys/authorized_keys
cp "$OBJ/id.pub" "$file"
start_sockstund "StrictModes yes" "AuthorizedKeysFile $file"

login()
{
	"$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/login.out" 2>"$OBJ/login.log"
}

# modes expected folder subfolder file
modes()
{
	chmod "$2" "$dir"
	chmod "$3" "$dir/keys"
	chmod "$4" "$file"
	login
	got=$?
	[ $got -eq "$1" ] || fail "modes $2 $3 $4: $got, wanted $1"
}

modes 0 755 755 644
modes 0 700 700 600
modes 255 755 755 666
modes 255 755 755 664
modes 255 755 777 600
modes 255 755 775 600
modes 255 775 755 600
grep -qiE 'bad ownership or modes' "$OBJ/farend.log" ||
    fail "the log does not say why"
modes 0 700 700 600
if [ "$(id -u)" -eq 0 ]; then
	chown games "$file"
	login
	[ $? -eq 255 ] || fail "another user's file was believed"
	chown root "$file"
	chown games "$dir/keys"
	login
	[ $? -eq 255 ] || fail "another user's folder was believed"
fi
