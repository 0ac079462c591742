# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Keys of every type, for tests of other projects' clients.

# each_key command ...: calls it for each type: $kind is its name, the user has
# one such key and the far end, started anew, has one such host key and no other
each_key()
{
	for kind in ed25519 'ecdsa 256' 'ecdsa 384' 'ecdsa 521' 'rsa 2048'; do
		# shellcheck disable=SC2086
		make_keys $kind
		start_farend
		"$@"
		stop farend
	done
	make_keys
	kind=ed25519
}

# stranger_host name: the line of known_hosts of a host with another key
stranger_host()
{
	rm -f "$OBJ/other"
	ssh-keygen -q -t ed25519 -N '' -f "$OBJ/other"
	echo "$1 $(cut -d ' ' -f 1-2 "$OBJ/other.pub")"
}

# python_client module login|session|stranger: what a client of it does
python_client()
{
	/usr/bin/python3 -W ignore "regress/interop/$1_client.py" "$2" \
	    "$FARPORT" "$FARUSER" "$OBJ" "$WEB" >"$OBJ/client.log" 2>&1 || {
		fail "$kind: $2"
		cat "$OBJ/client.log"
	}
}

# try_python module: all of it, with Debian's Python
try_python()
{
	/usr/bin/python3 -W ignore -c "import $1" 2>/dev/null ||
	    skip "$1 is not installed"
	start_nginx
	echo hello >"$OBJ/www/index.html"
	start_peer
	each_key python_client "$1" login
	start_farend
	python_client "$1" session
	stranger_host "[127.0.0.1]:$FARPORT" >"$OBJ/known_hosts"
	python_client "$1" stranger
}
