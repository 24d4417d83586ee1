"""How often each parse level was enough for a source's document (`source_counts`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, update

from service.parse.result import ParseLevel
from service.store.core.bulk import Many
from service.store.tables import source_counts as t

_COLUMNS = {level: t.c[level.name.lower()] for level in ParseLevel}


def add(connection: Connection, levels: Mapping[int, ParseLevel]) -> None:
    """Count one poll more of these sources, each at its level: one statement for all."""
    rows = [
        {"row": source_id, **{f"by_{one.name}": int(one is level) for one in _COLUMNS}}
        for source_id, level in levels.items()
    ]
    _ADD(connection, rows)


def by_level(row: Any) -> dict[str, int]:
    """The counts in a row that has the columns of `source_counts`, the cheapest level first."""
    return {level.value: getattr(row, column.name) for level, column in _COLUMNS.items()}


_ADD = Many(
    lambda _: (
        update(t)
        .where(t.c.source_id == bindparam("row"))
        .values(
            {
                column: column + bindparam(f"by_{level.name}", type_=column.type)
                for level, column in _COLUMNS.items()
            }
        )
    )
)
