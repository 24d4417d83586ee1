"""A backup becomes the store again: into an empty place, and believed only as far as it knows.

    check the file ─> SQLite: a copy beside the store ─> migrate ─> settle ─> its name
                 └──> PostgreSQL: a mark ─> pg_restore ─> revision, migrate, settle: one transaction

Killed anywhere, there is no store yet, or one that every version refuses to open: never one that
would mail what the backup has open.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import Connection, text

from service.errors import SchemaError, StoreError
from service.store.core.database import Store, errors_as_ours, sqlite_file
from service.store.core.revisions import UNFINISHED_RESTORE, revisions
from service.store.core.upgrade import upgrade
from service.store.kept import after_restore, postgres_tools, sqlite_files
from service.store.kept.backup import is_sqlite, kind_of
from service.store.kept.emptiness import empty, is_empty, others, tables_of
from service.store.kept.sqlite_files import Progress

_LEFT_OUT = re.compile(r" (alembic_version|SCHEMA - public) |procrastinate_")
"""What is there already: the mark that stands for a revision, and the schema. And the queue of the
engine, which is made anew: its kicks are of processes that are no more."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says of itself. `made_at`, `version` None: a copy made by other means."""

    revision: str
    made_at: datetime | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and how many mails are uncertain in it."""

    contents: Contents
    uncertain: int


def restore(url: str, file: Path, now: datetime, progress: Progress | None = None) -> Restored:
    """Make the store from a backup. The service must not run, the store must be empty.

    Raises StoreError, whose words name the file or the store; then nothing was changed.
    """
    found = examine(file, sqlite=is_sqlite(url))
    path = sqlite_file(url)
    if path is not None:
        uncertain = _into_sqlite(path, file, now, progress)
    else:
        uncertain = _into_postgres(url, file, found, now)
    return Restored(found, uncertain)


def examine(file: Path, *, sqlite: bool) -> Contents:
    """Check a backup before anything is touched. `sqlite`: the store that it is for is on SQLite.

    Raises StoreError, SchemaError among them.
    """
    try:
        kind = kind_of(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    if kind is None:
        raise StoreError(f"{file} is no backup of a Bantin store")
    if (kind == "sqlite") is not sqlite:
        here, there = ("SQLite", "PostgreSQL") if sqlite else ("PostgreSQL", "SQLite")
        raise StoreError(
            f"{file} is a backup of a store on {there}, and [store] url names one on {here}: "
            f"restore it on {there}, then `bantin store copy`"
        )
    try:
        found = _in_sqlite(file) if sqlite else _in_archive(file)
    except (sqlite3.Error, StoreError) as error:
        raise StoreError(f"{file} is damaged: {error}") from error
    if found is None:
        raise StoreError(f"{file} is no backup of a Bantin store")
    if found.revision not in revisions():
        made = f", made by version {found.version}" if found.version else ""
        raise SchemaError(
            f"{file} is of a newer version than this program (revision {found.revision}{made}): "
            "restore it with that version"
        )
    return found


def _in_sqlite(file: Path) -> Contents | None:
    wrong = sqlite_files.wrong_with(file)
    if wrong is not None:
        raise StoreError(wrong)
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "fact", "source"} <= names:
            return None
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        made = connection.execute(
            "SELECT value FROM fact WHERE name = ?", (after_restore.MADE,)
        ).fetchone()
    return None if revision is None else _contents(revision[0], made and made[0])


def _in_archive(file: Path) -> Contents | None:
    postgres_tools.read_through(file)
    listed = "\n".join(postgres_tools.contents(file))
    if " TABLE DATA public alembic_version " not in listed or " public fact " not in listed:
        return None
    revision = postgres_tools.rows(file, "alembic_version")
    made = [row[1] for row in postgres_tools.rows(file, "fact") if row[0] == after_restore.MADE]
    return _contents(revision[0][0], made[0] if made else None) if revision else None


def _contents(revision: str, made: str | None) -> Contents:
    told = json.loads(made) if made else {}
    at = told.get("made_at")
    return Contents(revision, datetime.fromisoformat(at) if at else None, told.get("version"))


def _into_sqlite(path: Path, file: Path, now: datetime, progress: Progress | None) -> int:
    _must_be_empty(path)
    part = path.with_name(f"{path.name}.restoring")
    _remove(part)
    try:
        # The store's own door makes the folder, private.
        with closing(Store(f"sqlite:///{part}")) as store:
            pass
        sqlite_files.copy(file, part, progress)
        with closing(Store(f"sqlite:///{part}")) as store:
            upgrade(store)
            with store.ledger() as connection:
                after_restore.settle(connection, now)
                uncertain = after_restore.number_held(connection)
            with store.alone() as driver:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sqlite_files.settle(part)
        _remove(path)
        part.replace(path)
        sqlite_files.settle(path)
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        _remove(part)
    return uncertain


def _must_be_empty(path: Path) -> None:
    if not path.exists() or not path.stat().st_size:
        return
    with closing(Store(f"sqlite:///{path}")) as store, store.read() as connection:
        ok = is_empty(connection)
    if not ok:
        raise StoreError(
            f"{path} is not empty: move it and its -wal and -shm away, or name another file in "
            "[store] url"
        )
    with sqlite_files.nobody_else(path):
        pass


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _into_postgres(url: str, file: Path, found: Contents, now: datetime) -> int:
    uncertain = 0

    def revive(connection: Connection) -> None:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :was"), {"was": found.revision}
        )

    def settle(connection: Connection) -> None:
        nonlocal uncertain
        after_restore.settle(connection, now)
        uncertain = after_restore.number_held(connection)

    with closing(Store(url)) as store:
        _make_room(store)
        kept = [line for line in postgres_tools.contents(file) if not _LEFT_OUT.search(line)]
        with NamedTemporaryFile("w", suffix=".list") as listed:
            listed.write("\n".join(kept))
            listed.flush()
            postgres_tools.run(
                "pg_restore",
                "--exit-on-error",
                "--single-transaction",
                "--no-owner",
                "--no-privileges",
                f"--use-list={listed.name}",
                os.fspath(file),
                server=postgres_tools.server_of(url),
            )
        upgrade(store, before=revive, after=settle)
    return uncertain


def _make_room(store: Store) -> None:
    """Take what is empty out of the database, and mark it: whatever opens it now is refused."""
    with errors_as_ours(), store.engine.begin() as connection:
        there = tables_of(connection)
        if there and not is_empty(connection):
            raise StoreError(
                "the database is not empty: make an empty one, or name another one in [store] url"
            )
        if there and others(connection):
            raise StoreError("others are connected to the database: stop the service first")
        empty(connection)
        connection.execute(
            text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        )
        connection.execute(
            text("INSERT INTO alembic_version VALUES (:mark)"), {"mark": UNFINISHED_RESTORE}
        )
