"""Many rows at once: one statement for all of them, and lists for the IN of a question.

A document brings some 250 rows; SQLAlchemy would look at each of their values three times. Here a
statement is compiled once for a database, and of each row only those values are touched whose
column needs it (instants, JSON), each value once: most rows share them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    LargeBinary,
    String,
    Table,
    Update,
    any_,
    bindparam,
    insert,
    literal,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from service.store.core.column_types import IDS
from service.store.core.statements import upsert

MOST = 5000
"""Values in one list: under the limit of bound values of both databases."""

_COPIED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))

Value = TypeVar("Value")
Statement = Insert | Update | Delete
_Process = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _CompiledStatement:
    """`takes`: name of each value in order, how it is turned for the driver, what it always is."""

    sql: str
    takes: tuple[tuple[str, _Process | None], ...]
    constants: Mapping[str, Any]
    positional: bool

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        columns = [self._column(name, process, rows) for name, process in self.takes]
        made = zip(*columns, strict=True)
        if self.positional:
            return list(made)
        names = [name for name, _ in self.takes]
        return [dict(zip(names, values, strict=True)) for values in made]

    def _column(
        self, name: str, process: _Process | None, rows: Sequence[Mapping[str, Any]]
    ) -> list[Any]:
        if name in self.constants:
            return [self.constants[name]] * len(rows)
        if process is None:
            return [row[name] for row in rows]
        once = _Once(process)
        return [
            once[value] if _is_plain(value) else process(value)
            for value in [row[name] for row in rows]
        ]


class _Once(dict[Any, Any]):
    """Values as the driver takes them, each made once."""

    def __init__(self, process: _Process) -> None:
        super().__init__()
        self._process = process

    def __missing__(self, value: Any) -> Any:
        made = self[value] = self._process(value)
        return made


def _is_plain(value: Any) -> bool:
    """Whether equal values are the same one: 1, 1.0 and True are equal, and no JSON alike."""
    kind = type(value)
    return kind is datetime or (kind is tuple and all(type(one) is str for one in value))


def lots(values: Iterable[Value], most: int = MOST) -> Iterator[list[Value]]:
    """Each value once, in lists of `most` at the most."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), most):
        yield distinct[start : start + most]


def among(
    connection: Connection, column: ColumnElement[int], ids: Iterable[int]
) -> ColumnElement[bool]:
    """Whether a column is one of these ids.

    Both take them as one value: of a hundred in an IN, half of the time went into their names, in
    SQLAlchemy and the driver, and no statement was like the one before.
    """
    if connection.dialect.name == "sqlite":
        return _AmongJson(column, literal(json.dumps(list(ids)), String))
    return column == any_(literal(list(ids), IDS))


class _AmongJson(FunctionElement[bool]):
    """Whether a column is one of a JSON array. Made of SQLAlchemy's own parts took 0.1 ms each."""

    name = "among_json"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002 - SQLAlchemy's own name
        """Itself: it has its parentheses. SQLAlchemy would ask whether it is 1, with no index."""
        return self


@compiles(_AmongJson)
def _spelt(element: _AmongJson, compiler: SQLCompiler, **options: Any) -> str:
    column, given = (compiler.process(one, **options) for one in element.clauses)
    ids = f"SELECT anon_ids.value FROM json_each({given}) AS anon_ids"  # noqa: S608 - SQLAlchemy's
    return f"({column} IN ({ids}))"


class _IdsAsJson(TypeDecorator[list[int]]):
    """A list of ids as the one value that SQLite takes apart."""

    impl = String
    cache_ok = True

    def process_bind_param(
        self,
        value: list[int] | None,
        dialect: Dialect,  # noqa: ARG002 - the signature is SQLAlchemy's
    ) -> str:
        return json.dumps(value)


def among_given(column: ColumnElement[int], name: str, dialect: str) -> ColumnElement[bool]:
    """As `among`, of the ids that are bound to `name` as a list: for what is made once."""
    if dialect == "sqlite":
        return _AmongJson(column, bindparam(name, type_=_IdsAsJson))
    return column == any_(bindparam(name, type_=IDS))


class Many:
    """Made of what gives the statement; the rows' values stand in it as bound parameters."""

    def __init__(self, make: Callable[[Connection], Statement]) -> None:
        self._make = make
        self._compiled: dict[str, _CompiledStatement] = {}

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute it for each row. Returns how many rows of the table it was done to, all told."""
        if not rows:
            return 0
        compiled = self.compiled(connection)
        return connection.exec_driver_sql(compiled.sql, compiled.rows(rows)).rowcount

    def compiled(self, connection: Connection) -> _CompiledStatement:
        """The statement for this database, compiled at its first use."""
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _compile(self._make(connection), connection)
        return self._compiled[name]


class Copied(Many):
    """The same for plain inserts of thousands of rows: PostgreSQL takes them by COPY.

    An insert a row costs it three times as much.
    """

    def __init__(self, table: Table, *names: str) -> None:
        values = {name: bindparam(name, type_=table.c[name].type) for name in names}
        super().__init__(lambda _connection: insert(table).values(values))
        self._into = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
        self._names = names

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        if connection.dialect.name != "postgresql" or not rows:
            return super().__call__(connection, rows)
        made = self.compiled(connection).rows(rows)
        return self._copy(connection, ([row[name] for name in self._names] for row in made))

    def plain(self, connection: Connection, rows: Sequence[tuple[int | str | bytes, ...]]) -> int:
        """The same for values that both drivers take as they are, in the order of the columns."""
        if not rows:
            return 0
        if connection.dialect.name == "postgresql":
            return self._copy(connection, rows)
        compiled = self.compiled(connection)
        assert [name for name, _ in compiled.takes] == list(self._names)
        return connection.exec_driver_sql(compiled.sql, list(rows)).rowcount

    def lines(self, connection: Connection, lines: str) -> None:
        """The same for rows as the text that PostgreSQL's COPY reads; it knows no other database.

        A driver that is given values looks up for each of them how it is written.
        """
        with self._copying(connection) as copy:
            copy.write(lines)

    def _copy(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> int:
        number = 0
        with self._copying(connection) as copy:
            for row in rows:
                copy.write_row(row)
                number += 1
        return number

    @contextmanager
    def _copying(self, connection: Connection) -> Iterator[Any]:
        driver, dbapi = connection.connection.driver_connection, connection.dialect.dbapi
        assert driver is not None
        assert dbapi is not None
        try:
            with driver.cursor() as cursor, cursor.copy(self._into) as copy:
                yield copy
        except dbapi.Error as error:  # what SQLAlchemy raises for its own statements
            raise DBAPIError.instance(self._into, None, error, dbapi.Error) from error


def as_copied(text: str) -> str:
    """A text as it stands in a line that COPY reads."""
    for plain, written in _COPIED:
        text = text.replace(plain, written)
    return text


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


def _compile(statement: Statement, connection: Connection) -> _CompiledStatement:
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect)
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    processes = {name: _processor(bind, dialect) for name, bind in binds.items()}
    fixed = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
    constants = {
        name: process(value) if (process := processes[name]) else value
        for name, value in fixed.items()
    }
    order = compiled.positiontup if compiled.positional else list(binds)
    takes = tuple((name, processes[name]) for name in order or ())
    return _CompiledStatement(str(compiled), takes, constants, positional=compiled.positional)


def _processor(bind: BindParameter[Any], dialect: Dialect) -> _Process | None:
    """What turns a value for the driver. Bytes are taken by both as they are."""
    if isinstance(bind.type, LargeBinary):
        return None
    return bind.type.dialect_impl(dialect).bind_processor(dialect)
