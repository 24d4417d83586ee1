"""The store moves to the other database, whole: an office that has grown goes on where it was.

    nobody has either open ─> the mark in TO ─> each table by lots: compare, write, read back
                           ─> counts, sequences ─> the mark goes

Not a restore: nothing is held and nobody is told twice, since TO ends as FROM stands. Until it is
whole TO has a mark for a revision, so that no service opens it. A copy that was killed is begun
again: what is there and right is kept, row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from sqlalchemy import Connection, Integer, delete, func, select, text

from service.errors import ConflictError, SchemaError, StoreError
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store, is_there, sqlite_file
from service.store.core.migrate import is_current, migrate
from service.store.core.revisions import UNFINISHED_COPY, newest, revision_of
from service.store.kept import sqlite_files
from service.store.kept.emptiness import is_empty, others, tables_of
from service.store.kept.rows import COPIED_FROM, ChangedError, CopiedTable, TableCopy

_LEFT_OUT = frozenset({"stale_search", "running_process"})
"""Each database has a search index of its own, which is made anew: all of it is stale. Processes
run no more."""

Progress = Callable[[str, int], None]
"""Told the table, and how many rows of it are done."""

_IS = text("UPDATE alembic_version SET version_num = :named")


def copy(source: str, target: str, progress: Progress = lambda *_: None) -> list[CopiedTable]:
    """Copy the store at `source` to `target`, which is empty, or an unfinished copy of it.

    Nobody may have either of them open. Raises StoreError, which says of which one; `source` is
    never changed, `target` is no store until all is there and was compared.
    """
    if source == target:
        raise StoreError("FROM and TO are the same")
    with ExitStack() as stack:
        with _about("FROM"):
            if not is_there(source):
                raise StoreError("nothing is stored there")
            _alone(source)
            reading = stack.enter_context(closing(Store(source)))
            if not is_current(reading):
                raise SchemaError(
                    "its tables are of another version; start this version's service on it once"
                )
        with _about("TO"):
            _alone(target)
            writing = stack.enter_context(closing(Store(target)))
            _prepare(writing)
        with _about("FROM"):
            origin = stack.enter_context(_standing_still(reading))
            identity = _identity(origin)
        with _about("TO"):
            _mark(writing, identity)
            try:
                done = _tables(origin, writing, progress)
            except (ChangedError, ConflictError):
                # FROM went on after the copy that was killed: what that brought is no part of it.
                with writing.write() as connection:
                    _clear(connection, identity)
                done = _tables(origin, writing, progress)
            _finish(writing)
    return done


@contextmanager
def _about(which: str) -> Iterator[None]:
    """Errors of the block say which of the two stores they are about."""
    try:
        yield
    except StoreError as error:
        raise type(error)(f"{which}: {error}") from error


def _alone(url: str) -> None:
    path = sqlite_file(url)
    if path is not None and path.exists() and path.stat().st_size:
        with sqlite_files.nobody_else(path):
            pass


def _prepare(store: Store) -> None:
    """Make TO's tables. An unfinished copy is left as it is."""
    with store.read() as connection:
        marked = revision_of(connection) == UNFINISHED_COPY
        if store.path is None and tables_of(connection) and others(connection):
            raise StoreError("others are connected to it: stop what uses it")
        if not is_empty(connection):
            raise StoreError("it is not empty: name an empty database, or a file that is not there")
    if not marked:
        migrate(store)


@contextmanager
def _standing_still(store: Store) -> Iterator[Connection]:
    """One moment of FROM, while which nobody writes it. Nothing is written here either."""
    with store.write() as connection:  # on SQLite this is the only writer
        if store.path is None:
            if others(connection):
                raise StoreError("others are connected to it: stop the service first")
            names = ", ".join(table.name for table in t.metadata.sorted_tables)
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        yield connection


def _identity(connection: Connection) -> str:
    """What tells one store from another: a hash of the secret that each makes for itself."""
    return hashlib.sha256(facts.known_secret(connection) or b"").hexdigest()


def _mark(store: Store, identity: str) -> None:
    """From now on TO is an unfinished copy of this store."""
    with store.write() as connection:
        if revision_of(connection) != UNFINISHED_COPY:
            connection.execute(_IS, {"named": UNFINISHED_COPY})
            _clear(connection, identity)
        elif facts.get(connection, COPIED_FROM) != identity:
            raise StoreError("it holds an unfinished copy of another store: empty it first")


def _clear(connection: Connection, identity: str) -> None:
    """Take out all rows: those of a copy that is void, or that a look at an empty store made."""
    for table in reversed(t.metadata.sorted_tables):
        for name in TableCopy(table).of_itself:
            connection.execute(table.update().values({name: None}))
        connection.execute(delete(table))
    facts.put(connection, COPIED_FROM, identity)


def _tables(origin: Connection, store: Store, progress: Progress) -> list[CopiedTable]:
    return [
        TableCopy(table).run(origin, store, progress)
        for table in t.metadata.sorted_tables
        if table.name not in _LEFT_OUT
    ]


def _finish(store: Store) -> None:
    """TO is a store from here on: its own numbers go on behind the copied ones."""
    with store.ledger() as connection:
        if store.path is None:
            _set_sequences(connection)
        else:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise StoreError(f"{len(broken)} references lead nowhere in it")
        facts.forget(connection, COPIED_FROM)
        connection.execute(_IS, {"named": newest()})
    if store.path is None:
        with store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("ANALYZE"))


def _set_sequences(connection: Connection) -> None:
    for table in t.metadata.sorted_tables:
        key = list(table.primary_key)
        if len(key) != 1 or key[0].autoincrement is False or key[0].foreign_keys:
            continue
        if not isinstance(key[0].type, Integer):
            continue
        last = func.max(key[0])
        number = func.setval(func.pg_get_serial_sequence(table.name, key[0].name), last)
        connection.execute(select(number).having(last.is_not(None)))
