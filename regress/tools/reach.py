# SPDX-License-Identifier: ISC
"""Can a process of these ids look into another one, or take what it has?

usage: reach.py pid uid gid

Says what of that works; exit status 1 if anything does.
"""

import ctypes
import os
import sys

PTRACE_SEIZE = 0x4206
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
SYS_PROCESS_VM_READV = 310

pid, uid, gid = map(int, sys.argv[1:])
os.setgroups([])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
libc = ctypes.CDLL(None, use_errno=True)
seen = []
for name in "mem", "maps", "environ", "syscall", "stack":
    try:
        with open(f"/proc/{pid}/{name}", "rb") as f:
            seen += [name] if name == "mem" or f.read(1) else []
    except OSError:
        pass
for fd in range(16):
    try:
        os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY)
        seen.append(f"fd/{fd}")
    except OSError:
        pass
    pidfd = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    if libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0) != -1:
        seen.append(f"pidfd_getfd {fd}")
    os.close(pidfd)
if libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0:
    seen.append("ptrace")
buffer = ctypes.create_string_buffer(1)
local = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 1)
remote = (ctypes.c_ulong * 2)(0, 1)
ctypes.set_errno(0)
if os.uname().machine == "x86_64" and libc.syscall(SYS_PROCESS_VM_READV, pid,
        local, 1, remote, 1, 0) == -1 and ctypes.get_errno() == 14:
    seen.append("process_vm_readv")
sys.exit(f"{pid}: {seen}" if seen else 0)
