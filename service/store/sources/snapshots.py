"""What is remembered of each source's last document, as the collector packs it.

It is kept in the transaction that stores the document's entries, so that what it knows is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select

from service.store.core.bulk import Many, Statement
from service.store.core.statements import upsert
from service.store.tables import source_snapshot as t

_LAST = select(t.c.snapshot).where(t.c.source_id == bindparam("of"))


def last(connection: Connection, source_id: int) -> bytes | None:
    """None: nothing is remembered."""
    return connection.scalar(_LAST, {"of": source_id})


def _keeping(connection: Connection) -> Statement:
    values = {name: bindparam(name, type_=t.c[name].type) for name in ("source_id", "snapshot")}
    statement = upsert(connection, t).values(values)
    return statement.on_conflict_do_update(
        index_elements=["source_id"], set_={"snapshot": statement.excluded.snapshot}
    )


_KEEP = Many(_keeping)


def keep(connection: Connection, kept: Mapping[int, bytes | None]) -> None:
    """From now on this of each source; None: forget."""
    rows = [{"source_id": one, "snapshot": memory} for one, memory in kept.items() if memory]
    _KEEP(connection, rows)
    gone = [one for one, memory in kept.items() if not memory]
    if gone:
        connection.execute(delete(t).where(t.c.source_id.in_(gone)))
