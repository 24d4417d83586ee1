"""A backup of the whole store in one file, made while the service runs.

SQLite: a database file, copied in steps. PostgreSQL: an archive of `pg_dump`. Either is one moment
of the store, checked before it gets its name, and says which program made it and when.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.errors import StoreError, UsageError
from service.store.core import facts, private_files
from service.store.core.database import Store, is_there, sqlite_file
from service.store.core.migrate import is_current
from service.store.core.revisions import newest
from service.store.core.server_address import parsed
from service.store.kept import postgres_tools, sqlite_files
from service.store.kept.after_restore import MADE
from service.store.kept.sqlite_files import Progress

COMPRESSION = 1
"""Of an archive: half the time of pg_dump's own 6, and a fifth more bytes (docs/performance.md).
For as long as it takes the server keeps all rows as they were, and works beside the service."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: its file, how many bytes, and of which moment and schema."""

    file: Path
    size: int
    made_at: datetime
    revision: str


def backup(
    url: str, file: Path, now: datetime, version: str, progress: Progress | None = None
) -> Backup:
    """Write a backup of the store into `file`, where an older backup may stand.

    `version`: of this program, to stand in the file. `progress` is told of SQLite alone. Raises
    StoreError, UsageError for a file that cannot be written or is something else; what stood there
    is as it was then.
    """
    if not is_there(url):
        raise StoreError("nothing is stored yet")
    _refuse(url, file)
    with closing(Store(url)) as store:
        if not is_current(store):
            raise StoreError("its tables are of another version; start the service once")
    made = json.dumps({"made_at": now.isoformat(), "version": version, "revision": newest()})
    try:
        with _part(file) as part:
            source = sqlite_file(url)
            if source is not None:
                _of_sqlite(source, part, made, progress)
            else:
                _of_postgres(url, part, made)
            size = part.stat().st_size
            sqlite_files.settle(part)
            part.replace(file)
            sqlite_files.settle(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{file}: {error}") from error
    return Backup(file, size, now, newest())


def kind_of(path: Path) -> str | None:
    """`sqlite` or `postgresql` by a file's first bytes; None: neither. Raises OSError."""
    with path.open("rb") as opened:
        start = opened.read(16)
    if start == sqlite_files.MAGIC:
        return "sqlite"
    return "postgresql" if start.startswith(postgres_tools.MAGIC) else None


def _refuse(url: str, file: Path) -> None:
    source = sqlite_file(url)
    if source is not None and file.resolve() in {
        source.resolve().with_name(source.name + end) for end in ("", "-wal", "-shm")
    }:
        raise UsageError(f"{file} is the store itself")
    if not file.exists():
        if not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}")
        return
    if not file.is_file() or (file.stat().st_size and kind_of(file) is None):
        raise UsageError(f"{file} is there and is no backup; it was not changed")


@contextmanager
def _part(file: Path) -> Iterator[Path]:
    """`FILE.part`, private and ours alone; gone at the end, unless it has got its name."""
    part = file.with_name(f"{file.name}.part")
    lock = private_files.opener(part, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another backup is being written to {file}") from error
        os.truncate(lock, 0)  # of one that was killed
        os.fchmod(lock, private_files.FILE)
        try:
            yield part
        finally:
            for end in ("", "-journal", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    part.with_name(part.name + end).unlink()
    finally:
        os.close(lock)


def _of_sqlite(source: Path, part: Path, made: str, progress: Progress | None) -> None:
    sqlite_files.copy(source, part, progress)
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("INSERT INTO fact (name, value) VALUES (?, ?)", (MADE, made))
        connection.commit()
    wrong = sqlite_files.wrong_with(part)
    if wrong is not None:
        raise StoreError(f"the store is damaged, and no backup was made: {wrong}")


def _of_postgres(url: str, part: Path, made: str) -> None:
    with closing(Store(url)) as store:
        # It cannot be written into the archive: it stands in the store while that is made.
        with store.write() as connection:
            facts.put(connection, MADE, made)
        try:
            postgres_tools.run(
                "pg_dump",
                "--format=custom",
                f"--compress={COMPRESSION}",
                f"--file={part}",
                server=postgres_tools.server_of(url),
            )
        finally:
            with store.write() as connection:
                facts.forget(connection, MADE)
    postgres_tools.read_through(part)


def is_sqlite(url: str) -> bool:
    """Whether the store is on SQLite."""
    return parsed(url).get_backend_name() == "sqlite"
