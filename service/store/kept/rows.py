"""One table from one database to the other, a lot of rows at a time, each of them compared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Table,
    bindparam,
    func,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.types import JSON

from service.errors import StatementError, StoreError
from service.store import tables as t
from service.store.core import facts
from service.store.core.bulk import Copied
from service.store.core.database import Store

COPIED_FROM = "copied_from"
"""The fact in an unfinished copy that says which store it is of."""

_OWN = (COPIED_FROM, "search_indexed", facts.ENGINE_SCHEMA)
"""Facts that are each store's own."""

_LOT = 500
_LARGE = {t.document: 20, t.source_snapshot: 50, t.segment: 50, t.websub_delivery: 5}
"""Rows at a time: both sides of a lot are in memory, a few MB of each."""

Row = tuple[Any, ...]
Key = tuple[Any, ...]


class ChangedError(StoreError):
    """TO holds rows that FROM has not."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that was copied. `kept`: rows that a copy before this one had brought already.

    `hash`: of all its rows in their order, the same on both sides.
    """

    name: str
    rows: int
    kept: int
    hash: str


class TableCopy:
    """How a table is copied. `of_itself`: its columns that point to other rows of it.

    They are written once all rows are there: the row that they point to may come later.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.of_itself = [
            column.name
            for column in table.c
            if any(key.column.table is table for key in column.foreign_keys)
        ]
        self._names = [column.name for column in table.c]
        self._keys = [self._names.index(column.name) for column in table.primary_key]
        self._json = [isinstance(column.type, JSON) for column in table.c]
        self._put = Copied(table, *self._names)
        self._only: ColumnElement[bool] = true()
        if table is t.fact:
            self._only = table.c.name.not_in(_OWN)

    def run(
        self, origin: Connection, store: Store, progress: Callable[[str, int], None]
    ) -> CopiedTable:
        """Copy what is missing or differs, then compare all. Raises ChangedError, StoreError."""
        with store.read() as connection:
            there = self._count(connection)
        done = kept = 0
        with closing(self._lots(origin)) as lots:
            for lot in lots:
                kept += self._bring(store, lot, fresh=not there)
                done += len(lot)
                progress(self.table.name, done)
        hashed = hashlib.sha256()
        if self.of_itself:
            self._point(origin, store)
        with closing(self._lots(origin)) as lots:
            for lot in lots:
                with store.read() as connection:
                    found = self._found(connection, lot)
                ours = self._hash(lot)
                if self._hash([found.get(self._key(row), ()) for row in lot]) != ours:
                    raise StoreError(f"{self.table.name} reads otherwise than it was written")
                hashed.update(ours)
        with store.read() as connection:
            if self._count(connection) != done:
                raise ChangedError(f"{self.table.name} has rows that FROM has not")
        return CopiedTable(self.table.name, done, kept, hashed.hexdigest())

    def _lots(self, connection: Connection) -> Generator[list[Row]]:
        most = _LARGE.get(self.table, _LOT)
        rows = select(self.table).where(self._only).order_by(*self.table.primary_key)
        with connection.execute(rows, execution_options={"yield_per": most}) as found:
            for lot in found.partitions():
                yield [tuple(row) for row in lot]

    def _bring(self, store: Store, lot: Sequence[Row], *, fresh: bool) -> int:
        """Write what is missing or differs of a lot. Returns how many rows were right already."""
        missing, other = list(lot), list[Row]()
        try:
            with store.write() as connection:
                if not fresh:
                    found = self._found(connection, lot)
                    missing = [row for row in lot if self._key(row) not in found]
                    there = [(row, found[self._key(row)]) for row in lot if self._key(row) in found]
                    other = [row for row, was in there if not self._is_right(row, was)]
                self._insert(connection, missing)
                self._change(connection, other, self._names)
        except StatementError as error:
            raise StoreError(self._which(store, missing, str(error))) from error
        return len(lot) - len(missing) - len(other)

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        self._put(connection, [self._values(row, without=self.of_itself) for row in rows])

    def _which(self, store: Store, rows: Sequence[Row], error: str) -> str:
        """The error, with the row that the database refuses."""
        for row in rows:
            try:
                with store.write() as connection:
                    self._insert(connection, [row])
            except StoreError:
                key = ", ".join(f"{self._names[at]} {row[at]!r}" for at in self._keys)
                return f"{self.table.name} ({key}): {error}"
        return f"{self.table.name}: {error}"

    def _point(self, origin: Connection, store: Store) -> None:
        places = [self._names.index(name) for name in self.of_itself]
        with closing(self._lots(origin)) as lots:
            for lot in lots:
                pointing = [row for row in lot if any(row[at] is not None for at in places)]
                if pointing:
                    with store.write() as connection:
                        self._change(connection, pointing, self.of_itself)

    def _change(self, connection: Connection, rows: Sequence[Row], names: Sequence[str]) -> None:
        if not rows:
            return
        key = [column == bindparam(f"key_{column.name}") for column in self.table.primary_key]
        values = {name: bindparam(f"new_{name}", type_=self.table.c[name].type) for name in names}
        connection.execute(
            update(self.table).where(*key).values(values),
            [
                {f"key_{self._names[at]}": row[at] for at in self._keys}
                | {f"new_{name}": row[self._names.index(name)] for name in names}
                for row in rows
            ],
        )

    def _found(self, connection: Connection, lot: Sequence[Row]) -> dict[Key, Row]:
        """The rows of TO with the keys of this lot, which is in the order of its keys."""
        columns = list(self.table.primary_key)
        keys = [self._key(row) for row in lot]
        if isinstance(columns[0].type, Integer) or columns[0].foreign_keys:
            # By a range: a list of keys takes longer to say than to look up.
            where = columns[0].between(keys[0][0], keys[-1][0])
        elif len(columns) == 1:
            where = columns[0].in_([key[0] for key in keys])
        else:
            where = tuple_(*columns).in_(keys)
        rows = connection.execute(select(self.table).where(where))
        wanted = set(keys)
        return {key: made for row in rows if (key := self._key(made := tuple(row))) in wanted}

    def _count(self, connection: Connection) -> int:
        counted = select(func.count()).select_from(self.table).where(self._only)
        return connection.scalar(counted) or 0

    def _key(self, row: Row) -> Key:
        return tuple(row[at] for at in self._keys)

    def _values(self, row: Row, *, without: Sequence[str]) -> Mapping[str, Any]:
        values = dict(zip(self._names, row, strict=True))
        return values | dict.fromkeys(without)

    def _is_right(self, row: Row, was: Row) -> bool:
        """Whether it is there as it should be, or as it was written first."""
        first = tuple(self._values(row, without=self.of_itself).values())
        return self._hash([was]) in (self._hash([row]), self._hash([first]))

    def _hash(self, rows: Sequence[Row]) -> bytes:
        hashed = hashlib.sha256()
        for row in rows:
            values = [
                _sorted(value) if is_json else value
                for value, is_json in zip(row, self._json, strict=False)
            ]
            hashed.update(repr(values).encode())
        return hashed.digest()


def _sorted(value: Any) -> Any:
    """A JSON value as both databases give it.

    PostgreSQL keeps neither the order of keys, nor -0, nor whether a number was written with a dot.
    """
    if isinstance(value, dict):
        return sorted((name, _sorted(one)) for name, one in value.items())
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) + 0.0
    return value
