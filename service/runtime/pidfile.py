"""`var/bantin.pid`: which process serves this folder. A lock on it tells a live one from a dead.

A number alone would lie after a crash: the system gives it to another process, and a reload sent
there would kill it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import UsageError
from service.store.core import private_files

NAME = "bantin.pid"
"""Of a process that does all; of several each has its name in it, `bantin-web.pid`."""

_PATIENCE_S = 0.5
"""For a lock that another command has only to look, or that a service just leaves."""

_PAUSE_S = 0.02


@contextmanager
def held(var: Path, name: str = "") -> Iterator[None]:
    """Write our process id into `var` and hold its lock. Raises UsageError beside a running one.

    `name`: which of several processes of a folder; "": the only one.
    """
    private_files.make_folder(var)
    path = var / file_name(name)
    file = _locked(path)
    try:
        os.truncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def file_name(name: str) -> str:
    """The file of the process of this name; "": of the only one."""
    return f"bantin-{name}.pid" if name else NAME


def all_running(var: Path) -> dict[str, int]:
    """The name of each process of the service that runs in this folder -> its id."""
    found = {}
    for path in sorted(var.glob("bantin*.pid")):
        pid = _holder(path)
        if pid is not None:
            found[path.stem.removeprefix("bantin").removeprefix("-")] = pid
    return found


def running(var: Path) -> int | None:
    """The id of a process of the service that runs in this folder; None: there is none."""
    return next(iter(all_running(var).values()), None)


def _holder(path: Path) -> int | None:
    """The process that holds the file; None: nobody does."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.read(file, 32).strip()
        return int(written) if written.isdigit() else None
    else:
        return None
    finally:
        os.close(file)


def _locked(path: Path) -> int:
    """The file of `path`, open and ours alone."""
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private_files.FILE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            if time.monotonic() > give_up:
                other = _holder(path)
                raise UsageError(
                    f"the service is already running, as process {other} ({path})"
                ) from None
            time.sleep(_PAUSE_S)
            continue
        if _is_at(file, path):
            return file
        os.close(file)  # the process that had it has removed the file meanwhile


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
