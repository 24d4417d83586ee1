"""What hosts' robots.txt said, so that each is asked once a day, restarts or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from service.store.core.statements import upsert
from service.store.tables import robots as t

KEPT = timedelta(days=60)
"""After which rules that nobody asked for again are forgotten."""


@dataclass(frozen=True, slots=True)
class CachedRobots:
    """`rules` None: there are none, or they were never had. `error`: why the last try failed.

    `failing_since`: of the tries in a row that failed, the first.
    """

    rules: str | None
    error: str | None
    asked_at: datetime
    failing_since: datetime | None = None


def known(connection: Connection, address: str) -> CachedRobots | None:
    """What the robots.txt at this address said last; None: it was never asked for."""
    statement = select(t.c.rules, t.c.error, t.c.asked_at, t.c.failing_since)
    row = connection.execute(statement.where(t.c.address == address)).first()
    return None if row is None else CachedRobots(*row)


def keep(connection: Connection, address: str, said: CachedRobots) -> None:
    """From now on this."""
    values = {name: getattr(said, name) for name in said.__slots__}
    statement = upsert(connection, t).values(address=address, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["address"], set_=values),
    )


def forget(connection: Connection, now: datetime) -> None:
    """Drop what has not been asked for in a long time."""
    connection.execute(delete(t).where(t.c.asked_at < now - KEPT))
