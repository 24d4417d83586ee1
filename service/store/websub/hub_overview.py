"""How the subscriptions at hubs stand, for `bantin status` and the lists of sources."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, select

from service.store.tables import websub as t


@dataclass(frozen=True, slots=True)
class HubRow:
    """A source's live subscription; the columns of `websub`."""

    hub: str
    topic: str
    asked_mode: str | None
    asked_at: datetime | None
    signed: bool
    alive_since: datetime | None
    subscribed_until: datetime | None
    refused_at: datetime | None
    failures: int
    error: str | None
    next_try_at: datetime
    delivered_count: int
    delivered_at: datetime | None
    missed_at: datetime | None
    unsigned_count: int
    unsigned_at: datetime | None

    @property
    def brings_all(self) -> bool:
        """Whether it is relied on, as far as one knows."""
        return self.alive_since is not None and self.missed_at is None


def by_source(connection: Connection) -> dict[int, HubRow]:
    """The row of the source -> its subscription; most sources have none."""
    columns = (t.c[field.name] for field in fields(HubRow))
    found = connection.execute(select(t.c.source_id, *columns).where(t.c.leaving_since.is_(None)))
    return {source_id: HubRow(*values) for source_id, *values in found}
