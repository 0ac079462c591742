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

# What is no file, or none of a usual size, is passed over at once.
# instead what command ...: the command makes something in the place of the file
instead()
{
	what=$1
	shift
	mv "$file" "$file.kept"
	"$@"
	timeout 20 "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/login.out" 2>"$OBJ/login.log"
	got=$?
	[ $got -eq 255 ] || fail "$what: $got, wanted 255"
	rm -rf "$file"
	mv "$file.kept" "$file"
}
chmod 755 "$dir" "$dir/keys"
instead "a pipe" mkfifo "$file"
instead "a device" ln -s /dev/zero "$file"
instead "a folder" mkdir "$file"
instead "a file of 1 GB" truncate -s 1G "$file"
instead "a link to itself" ln -s "$file" "$file"
mv "$file" "$dir/elsewhere"
ln -s ../elsewhere "$file"
modes 0 755 755 644
