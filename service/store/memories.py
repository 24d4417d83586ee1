"""What is remembered of each source's last document, as the collector packs it.

It is kept in the transaction that stores the document's entries, so that what it knows is stored.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from service.store.statements import upsert
from service.store.tables import source_memory as t


def last(connection: Connection, source_id: int) -> bytes | None:
    """None: nothing is remembered."""
    return connection.scalar(select(t.c.memory).where(t.c.source_id == source_id))


def keep(connection: Connection, source_id: int, memory: bytes | None) -> None:
    """From now on this; None: forget."""
    if memory is None:
        connection.execute(delete(t).where(t.c.source_id == source_id))
        return
    statement = upsert(connection, t)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id"], set_={"memory": statement.excluded.memory}
        ),
        {"source_id": source_id, "memory": memory},
    )
