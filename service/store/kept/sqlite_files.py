"""SQLite files as a whole: a copy while others write, a check, whether somebody has one open."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from service.errors import StoreError
from service.store.core import private_files

MAGIC = b"SQLite format 3\0"

_PAGES = 512
"""Copied in one step: 2 MB."""

_REST_SHARE = 0.5
"""Of the time that a step took, in which the disk is left to others after it."""

Progress = Callable[[int, int], None]
"""Told how many pages are left, and how many there are."""


def copy(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Copy a database, which others may be writing to, as it is at this moment.

    `target` becomes one private file without a log beside it. Raises sqlite3.Error.
    """
    stepped = time.monotonic()

    def rest(_status: int, left: int, pages: int) -> None:
        nonlocal stepped
        if progress is not None:
            progress(left, pages)
        time.sleep(min(0.2, (time.monotonic() - stepped) * _REST_SHARE))
        stepped = time.monotonic()

    private_files.make_file(target)
    address = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as reader, closing(_plain(target)) as writer:
        # One read transaction around all steps: without it, each commit of another process makes
        # the copy begin anew, and beside a busy service it never ends.
        # The file gets its name once it is whole: nothing needs to survive a crash before.
        writer.execute("PRAGMA synchronous=OFF")
        reader.isolation_level = None
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(writer, pages=_PAGES, progress=rest)
        writer.execute("PRAGMA journal_mode=DELETE")  # what was copied says that it has a log


def wrong_with(path: Path) -> str | None:
    """What SQLite's own checks find in a file; None: nothing. Raises sqlite3.Error."""
    with closing(_plain(path)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            return str(said)
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        return f"{len(broken)} references lead nowhere" if broken else None


def settle(path: Path) -> None:
    """Have a file on the disk, whatever happens now. Raises OSError."""
    for name in (path, path.parent):
        opened = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    """Keep a database for this process alone. Raises StoreError where another has it open.

    A connection to a database with a log holds a lock for as long as it is open, so that a service
    is noticed that does nothing just now.
    """
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreError("another process has it open: stop the service first") from error
    try:
        yield
    finally:
        connection.close()


def _plain(path: Path) -> sqlite3.Connection:
    """A connection that prepares nothing; the first statement may find that it is no database."""
    return sqlite3.connect(path, isolation_level=None)
