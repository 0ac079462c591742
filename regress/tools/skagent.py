# SPDX-License-Identifier: ISC
"""An ssh-agent with a FIDO key that no authenticator has: openssl signs.

    skagent.py socket ed25519|ecdsa public_key_file

It says of each signature what a file "flags" beside the socket holds: 1 if
somebody touched it, 4 if it knows who, 5 both.
"""
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys

path, kind, public = sys.argv[1:]
folder = os.path.dirname(path)
pem = path + ".pem"
TYPE = {"ed25519": b"sk-ssh-ed25519@openssh.com",
        "ecdsa": b"sk-ecdsa-sha2-nistp256@openssh.com"}[kind]
APPLICATION = b"ssh:"


def string(b):
    return struct.pack(">I", len(b)) + b


def mpint(b):
    b = b.lstrip(b"\0")
    return string(b"\0" + b if b and b[0] & 0x80 else b)


def take(b):
    n, = struct.unpack(">I", b[:4])
    return b[4:4 + n], b[4 + n:]


def openssl(*args):
    return subprocess.run(("openssl",) + args, check=True,
                          capture_output=True).stdout


def make_key():
    curve = ("ED25519",) if kind == "ed25519" else \
        ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    openssl("genpkey", "-out", pem, "-algorithm", *curve)
    der = openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")
    if kind == "ed25519":
        return string(TYPE) + string(der[-32:]) + string(APPLICATION)
    return string(TYPE) + string(b"nistp256") + string(der[-65:]) + \
        string(APPLICATION)


def sign(data):
    with open(folder + "/flags") as f:
        flags = struct.pack(">BI", int(f.read()), 7)
    message = path + ".message"
    with open(message, "wb") as f:
        f.write(hashlib.sha256(APPLICATION).digest() + flags +
                hashlib.sha256(data).digest())
    if kind == "ed25519":
        sig = openssl("pkeyutl", "-sign", "-rawin", "-inkey", pem, "-in",
                      message)
    else:
        der = openssl("dgst", "-sha256", "-sign", pem, message)
        r = der[4:4 + der[3]]
        sig = mpint(r) + mpint(der[6 + len(r):])
    return string(TYPE) + string(sig) + flags


def answer(request):
    if request[0] == 11:
        return b"\x0c" + struct.pack(">I", 1) + string(key) + string(b"sk")
    if request[0] == 13 and take(request[1:])[0] == key:
        return b"\x0e" + string(sign(take(take(request[1:])[1])[0]))
    return b"\x05"


key = make_key()
with open(public, "w") as f:
    f.write("%s %s\n" % (TYPE.decode(), base64.b64encode(key).decode()))
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
print("ready", flush=True)
while True:
    s, _ = listener.accept()
    with s, s.makefile("rb") as f:
        while len(size := f.read(4)) == 4:
            s.sendall(string(answer(f.read(*struct.unpack(">I", size)))))
