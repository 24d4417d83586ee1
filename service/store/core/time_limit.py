"""Statements that end by themselves when a time is up, on both databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

Clock = Callable[[], float]

_OPCODES = 1000
"""Between two looks at the clock on SQLite: a tenth of a millisecond."""

_TOO_LONG = re.compile("interrupted|statement timeout")

_SLACK = 0.9
"""The limit of a statement on PostgreSQL is set again when less than this part of it is left: it
costs as much as a short statement."""

_SET_POSTGRES = text(
    "SELECT set_config('enable_' || way, 'off', true) FROM unnest(CAST(:off AS text[])) way"
    " UNION ALL SELECT set_config('statement_timeout', :timeout, true)"
)


class TimeIsUpError(Exception):
    """It was up between two statements, or within one."""


class TimeLimit:
    """The time by `clock` at which statements are to end. On PostgreSQL they may take a tenth more.

    `off`: ways of the planner that these statements do without there, such as `seqscan`.
    """

    def __init__(
        self, connection: Connection, give_up: float, clock: Clock, off: tuple[str, ...] = ()
    ) -> None:
        self._connection = connection
        self._give_up = give_up
        self._clock = clock
        self._off = off
        self._set_ms: float = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises TimeIsUpError out of the block. Ends the transaction on PostgreSQL."""
        try:
            with self._on_postgres() if self._is_postgres else self._on_sqlite():
                yield
        except OperationalError as error:
            if not _TOO_LONG.search(str(error.orig)):
                raise
            self._connection.rollback()
            raise TimeIsUpError from error

    def look(self) -> None:
        """Raises TimeIsUpError when no time is left. To be called between statements."""
        left_ms = int((self._give_up - self._clock()) * 1000)
        if left_ms <= 0:
            raise TimeIsUpError
        if self._is_postgres and left_ms < self._set_ms * _SLACK:
            self._set_ms = left_ms
            self._connection.execute(_SET_POSTGRES, {"off": [], "timeout": str(left_ms)})

    @property
    def _is_postgres(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    @contextmanager
    def _on_postgres(self) -> Iterator[None]:
        try:
            self._set_ms = max(int((self._give_up - self._clock()) * 1000), 1)
            limits = {"off": list(self._off), "timeout": str(self._set_ms)}
            self._connection.execute(_SET_POSTGRES, limits)
            yield
        finally:
            self._connection.rollback()  # what was set is for these statements alone

    @contextmanager
    def _on_sqlite(self) -> Iterator[None]:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: self._clock() > self._give_up, _OPCODES)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
