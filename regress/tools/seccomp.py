# SPDX-License-Identifier: ISC
"""The filters of system calls that processes have, read from the kernel.

    seccomp.py pid ...      for each that has one: its number of instructions
                            and a digest, in which its own process ID is not
                            told from another's

Exit status 77: the kernel, or who we are, does not permit it.
"""
import ctypes
import errno
import hashlib
import os
import struct
import sys

SEIZE, INTERRUPT, DETACH, GET_FILTER = 0x4206, 0x4207, 17, 0x420c
INSN = struct.Struct("<HBBI")
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]


def ptrace(request, pid, addr=None, data=None):
    n = libc.ptrace(request, pid, addr, data)
    if n == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {pid}")
    return n


def newest(pid):
    """The instructions of the filter that was loaded last, or None."""
    raw = None
    for i in range(16):
        try:
            n = ptrace(GET_FILTER, pid, i)
        except OSError as e:
            if e.errno in (errno.ENOENT, errno.EINVAL) and (i or raw is None):
                break
            raise
        buf = ctypes.create_string_buffer(n * INSN.size)
        ptrace(GET_FILTER, pid, i, buf)
        raw = buf.raw
    return raw


def digest(raw, pid):
    sha = hashlib.sha256()
    for code, jt, jf, k in INSN.iter_unpack(raw):
        # A comparison with the ID of the process.
        if code == 0x15 and k == pid:
            k = 0xffffffff
        sha.update(INSN.pack(code, jt, jf, k))
    return sha.hexdigest()


def show(pid):
    ptrace(SEIZE, pid)
    try:
        ptrace(INTERRUPT, pid)
        os.waitpid(pid, 0)
        raw = newest(pid)
    finally:
        ptrace(DETACH, pid)
    if raw is not None:
        print(len(raw) // INSN.size, digest(raw, pid))


try:
    for arg in sys.argv[1:]:
        show(int(arg))
except OSError as e:
    print(e, file=sys.stderr)
    sys.exit(77 if e.errno in (errno.EPERM, errno.EACCES, errno.EIO) else 1)
