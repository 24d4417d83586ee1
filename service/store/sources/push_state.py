"""What a hub means for how a source is polled: `pushed_until`, and when it is not to be.

While a hub brings a source's news, the source is polled at its ceiling alone (collect/schedule).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, or_, select, update

from service.store.sources import poll_state
from service.store.sources.poll_state import PollState
from service.store.sources.polling_queue import LEASE, ClaimedSource
from service.store.tables import source, websub
from service.store.tables import source_poll as t


def hold(connection: Connection, source_id: int) -> None:
    """Lock a source's poll state until the transaction ends (PostgreSQL).

    Code that writes to it and to its subscription takes it first, as a poll does: two that met half
    way would wait for each other. Not its key: a subscription that is written to twice in one
    transaction looks at that (the foreign key), and has its own row locked already.
    """
    row = select(t.c.source_id).where(t.c.source_id == source_id)
    connection.execute(row.with_for_update(key_share=True))


def push(connection: Connection, source_id: int, until: datetime | None) -> None:
    """A hub brings its news until then; None: it is not relied on."""
    connection.execute(update(t).where(t.c.source_id == source_id).values(pushed_until=until))


def record_delivered(connection: Connection, one: ClaimedSource, known: PollState) -> None:
    """What a hub brought is stored, and the claim given back.

    It says nothing of the document behind the source's own address.
    """
    stands = exists().where(source.c.id == t.c.source_id, source.c.url == one.url)
    told = {**poll_state.values(known), **LEASE.given_back}
    connection.execute(update(t).where(LEASE.mine(one.owner, [one.id]), stands).values(told))


def missed(connection: Connection, source_id: int, now: datetime) -> bool:
    """A poll found news. True: the hub, alive since the last poll, has brought nothing since then.

    It is not relied on from now on, until it delivers again.
    """
    last = select(t.c.last_ok_at).where(t.c.source_id == source_id).scalar_subquery()
    w = websub.c
    silent = or_(w.delivered_at.is_(None), w.delivered_at <= last)
    done = connection.execute(
        update(websub)
        .where(w.source_id == source_id, w.leaving_since.is_(None), w.alive_since < last, silent)
        .values(missed_at=now)
    )
    if done.rowcount == 0:
        return False
    push(connection, source_id, None)
    return True


@dataclass(frozen=True, slots=True)
class Silent:
    """A source whose news no hub brings any more, by the columns of its row."""

    next_poll_at: datetime
    last_ok_at: datetime | None
    failures: int
    interval_s: int | None
    fresh_s: int | None
    every_s: int | None
    skips: int | None
    held_until: datetime | None


def fall_back(connection: Connection, source_id: int, plan: Callable[[Silent], datetime]) -> None:
    """Poll a source in its own rhythm again. `plan` says when, never later than planned."""
    columns = (t.c[field.name] for field in fields(Silent))
    row = connection.execute(select(*columns).where(t.c.source_id == source_id)).one()
    silent = Silent(*row)
    at = min(plan(silent), silent.next_poll_at)
    connection.execute(
        update(t).where(t.c.source_id == source_id).values(pushed_until=None, next_poll_at=at)
    )


def wake(connection: Connection, source_id: int, now: datetime, gap: timedelta) -> None:
    """Poll a source as soon as its last poll is `gap` ago: something is said to be new there."""
    row = connection.execute(select(t).where(t.c.source_id == source_id)).one_or_none()
    if row is None or row.failures:
        return  # it is tried again in its own time
    at = max(now, row.last_tried_at + gap) if row.last_tried_at else now
    at = max(at, row.held_until) if row.held_until else at
    if at < row.next_poll_at:
        connection.execute(update(t).where(t.c.source_id == source_id).values(next_poll_at=at))
