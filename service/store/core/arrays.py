"""Many rows in one statement that is made once: PostgreSQL takes them as arrays, one a column.

A statement a row costs both sides as much as the row; one whose text grows with the rows is planned
anew for each number of them. SQLite has no server to ask, and runs one statement for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    UpdateBase,
    any_,
    bindparam,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    update,
)

from service.store.core.bulk import Many
from service.store.core.column_types import IDS, Written


def listed(column: Column[int], name: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column is one of the ids that are bound to `name`, as a list."""
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    return column == any_(bindparam(name, type_=IDS))


def rows_of(ids: Iterable[int]) -> TableValuedAlias:
    """These ids as the rows of a table, `id` their column, for PostgreSQL."""
    listed = func.unnest(literal(list(ids), IDS))
    return listed.table_valued(column("id", BigInteger)).render_derived(name="given")


def each_by_itself(
    rows: FromClause, found: Select[*tuple[Any, ...]], name: str = "found"
) -> FromClause:
    """The rows with what is found for each of them, which names columns of theirs: `name`.

    While an edition is planned PostgreSQL does not know how long its tables are by now, and for
    500 ids would rather read a table, or an edition, from its beginning: for each batch.
    """
    whole = found.offset(literal_column("0"))  # a subquery stays one
    return rows.join(whole.lateral(name), true())


class _RowStatement:
    """One for many rows: on SQLite it runs for each, on PostgreSQL once for all."""

    _names: tuple[str, ...]
    _each: Many
    _at_once: UpdateBase

    def __call__(
        self, connection: Connection, rows: Sequence[Sequence[Any]], **shared: Any
    ) -> None:
        """`rows`: the values of keys and own columns, in their order. `shared`: its parameters."""
        if rows and connection.dialect.name == "sqlite":
            self._each(connection, _named(self._names, rows, shared))
        elif rows:
            connection.execute(self._at_once, _turned(self._names, rows, shared))

    def returning(
        self,
        connection: Connection,
        rows: Sequence[Sequence[Any]],
        columns: Sequence[ColumnElement[Any]],
        **shared: Any,
    ) -> list[tuple[Any, ...]]:
        """The same on PostgreSQL, and these columns of what was written, in any order."""
        statement = self._at_once.returning(*columns)
        return [
            tuple(row) for row in connection.execute(statement, _turned(self._names, rows, shared))
        ]


class RowUpdate(_RowStatement):
    """Sets columns of rows that are found by `keys`: some to values of each row's own.

    `own`: names of these columns. `shared`: column -> the value for all, or a named parameter.
    """

    def __init__(
        self, table: Table, keys: Sequence[str], own: Sequence[str], shared: Mapping[str, Any]
    ) -> None:
        self._names = (*keys, *own)
        each = {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in self._names}
        one = update(table).where(*(table.c[name] == each[name] for name in keys))
        self._each = Many(lambda _: one.values({**{name: each[name] for name in own}, **shared}))
        rows = given_rows(table, self._names)
        found = update(table).where(*(table.c[name] == rows.c[name] for name in keys))
        self._at_once = found.values({**{name: rows.c[name] for name in own}, **shared})


class RowInsert(_RowStatement):
    """The same for new rows, whose columns are `own` and those of `shared`."""

    def __init__(self, table: Table, own: Sequence[str], shared: Mapping[str, Any]) -> None:
        self._names = tuple(own)
        each = {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in own}
        self._each = Many(lambda _: insert(table).values({**each, **shared}))
        rows = given_rows(table, own)
        columns = [*(rows.c[name] for name in own), *shared.values()]
        self._at_once = insert(table).from_select([*own, *shared], select(*columns))


def given_rows(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows that are bound as a list for each of these columns, as `its_` and its name.

    For PostgreSQL.
    """
    types = {name: table.c[name].type for name in names}
    given = (bindparam(f"its_{name}", type_=Written(kind)) for name, kind in types.items())
    columns = (column(name, kind) for name, kind in types.items())
    return func.unnest(*given).table_valued(*columns).render_derived(name="given")


def _named(
    names: Sequence[str], rows: Sequence[Sequence[Any]], shared: Mapping[str, Any]
) -> list[dict[str, Any]]:
    keys = [f"its_{name}" for name in names]
    return [{**dict(zip(keys, row, strict=True)), **shared} for row in rows]


def _turned(
    names: Sequence[str], rows: Sequence[Sequence[Any]], shared: Mapping[str, Any]
) -> dict[str, Any]:
    columns = (list(one) for one in zip(*rows, strict=True))
    return {**{f"its_{name}": one for name, one in zip(names, columns, strict=True)}, **shared}
