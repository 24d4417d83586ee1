"""`bantin` where a folder is a small file system in memory, which nobody else sees there.

At its end it says what is left in that.

Usage: confined.py FOLDER SIZE ARGS… (as root of a user namespace of its own)
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000


def confine(folder: str, size: str) -> None:
    """Raises OSError where the system does not let us."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)

    def done(code: int) -> None:
        if code:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    done(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    done(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    options = f"size={size}".encode()
    done(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options))


if __name__ == "__main__":
    from service.cli import main

    _, place, size, *sys.argv[1:] = sys.argv
    confine(place, size)
    try:
        main()
    finally:
        sys.stdout.write(f"left in it: {[one.name for one in Path(place).iterdir()]}\n")
