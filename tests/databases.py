"""PostgreSQL databases of tests: made from a pattern, or one that is emptied from test to test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
from sqlalchemy import Connection, TextClause, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from service.config.schema import Settings
from service.store.core.database import Store
from service.store.sources import registry
from service.store.tables import metadata

POSTGRES = os.environ.get("BANTIN_TEST_POSTGRES", "")
HOW_TO_GET_POSTGRES = (
    "needs a PostgreSQL server: apt-get install postgresql, then set BANTIN_TEST_POSTGRES to its "
    "address, or run .ci/run, which starts one"
)

TABLES = [table.name for table in metadata.sorted_tables]

SEARCHED = "article_search"
"""The search index, which is declared beside them; it is emptied with the articles."""

FILLED = " UNION ALL ".join(
    f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in (*TABLES, SEARCHED)
)

MAY_DELETE = "SELECT usesuper FROM pg_user WHERE usename = current_user"
"""Whether references may be left unchecked meanwhile."""

RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""

MOST_DEAD = 3000
"""Rows that are deleted stay in their files, where each later test would read past them."""


def postgres_url(database: str) -> str:
    return make_url(POSTGRES).set(database=database).render_as_string(hide_password=False)


def on_server(statement: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement.encode())


class Kept:
    """What was put into an SQLite store once, for the stores of other tests."""

    def __init__(self, pattern: Path) -> None:
        """`pattern`: a migrated, empty database."""
        self._empty = pattern.read_bytes()
        self._whole: bytes | None = None

    def keep(self, store: Store) -> None:
        """What is in it now, for all that begin after it."""
        assert store.path is not None
        with store.engine.connect() as connection:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            assert not busy
        self._whole = store.path.read_bytes()

    def begin(self, store: Store) -> bool:
        """Have it in a store. False: nothing is kept; or this is PostgreSQL, or not empty."""
        file = store.path
        if file is None or self._whole is None or Path(f"{file}-wal").exists():
            return False
        if file.read_bytes() != self._empty:
            return False
        file.write_bytes(self._whole)
        return True


class Registered(Kept):
    """The sources, topics and digests of a site: tests took longer for these than for the rest."""

    def __init__(self, pattern: Path, folder: Path, settings: Settings, now: datetime) -> None:
        """`folder`: where one more has room."""
        super().__init__(pattern)
        file = folder / "registered.db"
        file.write_bytes(self._empty)
        store = Store(f"sqlite:///{file}")
        with store.write() as connection:
            registry.register(connection, settings, now, retire=True)
        self.keep(store)
        store.close()


class EmptiedPostgres:
    """A store that one test after another gets empty, with its connections still open.

    A new connection to a new database costs its server, and SQLAlchemy, more than most tests do.
    """

    def __init__(self, pattern: str) -> None:
        """`pattern`: the name of a migrated, empty database."""
        self._pattern = pattern
        self._name = ""
        self._store: Store | None = None
        self._deleted = 0

    @contextmanager
    def lent(self) -> Iterator[Store]:
        """A database for one test. One that cannot be emptied after it, or grew, is replaced."""
        if self._store is None:
            self._name = f"bantin_test_{uuid.uuid4().hex[:12]}"
            on_server(f"CREATE DATABASE {self._name} TEMPLATE {self._pattern} STRATEGY file_copy")
            self._store = Store(postgres_url(self._name))
            self._deleted = 0
        try:
            yield self._store
        finally:
            if not self._emptied(self._store):
                self.drop()

    def _emptied(self, store: Store) -> bool:
        """False: a transaction of the test is still open, or a table is gone; or it grew."""
        try:
            with store.engine.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '3s'"))
                filled = connection.scalars(_planned_once(connection, "filled", FILLED)).all()
                if filled and connection.scalar(text(MAY_DELETE)):
                    # To truncate makes the files of a table and its indexes anew: six times as
                    # much work for the few rows of a test.
                    connection.execute(text("SET LOCAL session_replication_role = replica"))
                    for name in filled:
                        self._deleted += connection.execute(text(f"DELETE FROM {name}")).rowcount
                    connection.execute(_planned_once(connection, "restart", RESTART))
                elif filled:
                    tables = ", ".join(filled)
                    connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        except SQLAlchemyError:
            return False
        return self._deleted < MOST_DEAD

    def drop(self) -> None:
        if self._store is not None:
            self._store.close()
            on_server(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._store = None


def _planned_once(connection: Connection, name: str, statement: str) -> TextClause:
    """What runs the statement, which the server plans once for each connection.

    To plan a look at each table takes it 6 ms, which is more than it does in most tests.
    """
    if name not in connection.info:
        connection.execute(text(f"PREPARE {name} AS {statement}"))
        connection.info[name] = True
    return text(f"EXECUTE {name}")
