"""One statement for many rows, which costs little more than the driver itself.

A document brings some 250 rows; SQLAlchemy would look at each of their values three times. Here a
statement is compiled once for a database, and of each row only those values are touched whose
column needs it (instants, JSON).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Table, Update, bindparam, insert

from service.store.statements import upsert

Statement = Insert | Update | Delete
_Process = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`takes`: name of each value in order, how it is turned for the driver, what it always is."""

    sql: str
    takes: tuple[tuple[str, _Process | None], ...]
    constants: Mapping[str, Any]
    positional: bool

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        if self.positional:
            return [tuple(self._values(row)) for row in rows]
        names = [name for name, _ in self.takes]
        return [dict(zip(names, self._values(row), strict=True)) for row in rows]

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        constants = self.constants
        return [
            constants[name]
            if name in constants
            else row[name]
            if process is None
            else process(row[name])
            for name, process in self.takes
        ]


class Many:
    """Made of what gives the statement; the rows' values stand in it as bound parameters."""

    def __init__(self, make: Callable[[Connection], Statement]) -> None:
        self._make = make
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute it for each row. Returns how many rows of the table it was done to, all told."""
        if not rows:
            return 0
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _compile(self._make(connection), connection)
        compiled = self._compiled[name]
        return connection.exec_driver_sql(compiled.sql, compiled.rows(rows)).rowcount


def inserting(table: Table, *names: str, unless: str | None = None) -> Many:
    """Into these columns. `unless`: the unique column that decides whether a row is there."""

    def make(connection: Connection) -> Insert:
        values = {name: bindparam(name, type_=table.c[name].type) for name in names}
        if unless is None:
            return insert(table).values(values)
        return (
            upsert(connection, table).values(values).on_conflict_do_nothing(index_elements=[unless])
        )

    return Many(make)


def _compile(statement: Statement, connection: Connection) -> _Compiled:
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect)
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    processes = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in binds.items()
    }
    fixed = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
    constants = {
        name: process(value) if (process := processes[name]) else value
        for name, value in fixed.items()
    }
    order = compiled.positiontup if compiled.positional else list(binds)
    takes = tuple((name, processes[name]) for name in order or ())
    return _Compiled(str(compiled), takes, constants, positional=compiled.positional)
