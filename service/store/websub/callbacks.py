"""What hubs say at our callbacks: verified, denied, delivered. Each row is found by its token."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from service.store.sources import push_state
from service.store.sources.pauses import awake
from service.store.sources.polling_queue import LEASE
from service.store.sources.push_state import Silent, fall_back, push
from service.store.tables import source, source_poll
from service.store.tables import websub as t
from service.store.tables import websub_delivery as d


@dataclass(frozen=True, slots=True)
class CallbackOwner:
    """The owner of a callback. `asked_mode`: what we have asked for and wait for; None: nothing.

    `signed`: what comes must carry our signature. `known`: the hub has verified it some time.
    `wanted`: it is not given up, and its source is collected.
    """

    id: int
    source_id: int
    source: str
    token: str
    topic: str
    asked_mode: str | None
    signed: bool
    known: bool
    wanted: bool
    kind: str


@dataclass(frozen=True, slots=True)
class PendingPush:
    """A body that waits: its row, the source's id in the TOML, its bytes."""

    id: int
    source: str
    size: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body that waits to be read. `media_type`: the Content-Type as it came."""

    id: int
    source_id: int
    media_type: str
    body: bytes


def called(connection: Connection, token: str, now: datetime) -> CallbackOwner | None:
    """The subscription of a token; None: there is none."""
    row = connection.execute(
        select(
            t,
            source.c.name,
            source.c.kind,
            (source.c.retired_at.is_(None) & awake(now)).label("collected"),
        )
        .join(source, source.c.id == t.c.source_id)
        .where(t.c.token == token)
    ).one_or_none()
    if row is None:
        return None
    return CallbackOwner(
        id=row.id,
        source_id=row.source_id,
        source=row.name,
        token=row.token,
        topic=row.topic,
        asked_mode=row.asked_mode,
        signed=row.signed,
        known=row.subscribed_until is not None,
        wanted=row.leaving_since is None and bool(row.collected),
        kind=row.kind,
    )


def hold(connection: Connection, one: CallbackOwner, now: datetime) -> CallbackOwner | None:
    """The same as it stands now, held until the transaction ends; None: it is gone meanwhile."""
    push_state.hold(connection, one.source_id)
    locked = select(t.c.id).where(t.c.id == one.id).with_for_update()
    if connection.execute(locked).one_or_none() is None:
        return None
    return called(connection, one.token, now)


def verified(
    connection: Connection,
    one: CallbackOwner,
    now: datetime,
    subscribed_until: datetime,
    renew_at: datetime,
) -> None:
    """The hub has confirmed a subscription: it is alive until its lease ends."""
    row = connection.execute(select(t.c.alive_since, t.c.missed_at).where(t.c.id == one.id)).one()
    missed_at = row.missed_at if row.alive_since else None
    connection.execute(
        update(t)
        .where(t.c.id == one.id)
        .values(
            asked_mode=None, alive_since=row.alive_since or now, subscribed_until=subscribed_until,
            refused_at=None, failures=0, error=None, next_try_at=renew_at, missed_at=missed_at,
        )
    )  # fmt: skip
    if missed_at is None:
        push(connection, one.source_id, subscribed_until)


def gone(connection: Connection, one: CallbackOwner) -> None:
    """The hub has confirmed that a subscription ends."""
    connection.execute(delete(t).where(t.c.id == one.id))


def denied(
    connection: Connection,
    one: CallbackOwner,
    now: datetime,
    *,
    reason: str,
    again_at: datetime,
    plan: Callable[[Silent], datetime],
) -> None:
    """The hub will not, or not any longer. A subscription that was given up is over with it.

    `plan` says when the source is polled.
    """
    connection.execute(delete(t).where(t.c.id == one.id, t.c.leaving_since.is_not(None)))
    connection.execute(
        update(t)
        .where(t.c.id == one.id)
        .values(
            asked_mode=None, alive_since=None, subscribed_until=None, refused_at=now, error=reason,
            next_try_at=again_at, failures=t.c.failures + 1, missed_at=None,
        )
    )  # fmt: skip
    fall_back(connection, one.source_id, plan)


def unsigned(connection: Connection, one: CallbackOwner, now: datetime) -> None:
    """Something came whose signature is wrong or missing."""
    connection.execute(
        update(t)
        .where(t.c.id == one.id)
        .values(unsigned_count=t.c.unsigned_count + 1, unsigned_at=now)
    )


def heard(connection: Connection, one: CallbackOwner, now: datetime) -> None:
    """Something came from the hub: it can be relied on (again) as long as its lease runs."""
    row = connection.execute(
        update(t)
        .where(t.c.id == one.id)
        .values(delivered_count=t.c.delivered_count + 1, delivered_at=now, missed_at=None)
        .returning(t.c.alive_since, t.c.subscribed_until)
    ).one()
    if row.alive_since is not None and row.subscribed_until is not None:
        push(connection, one.source_id, row.subscribed_until)


def waiting(connection: Connection, source_id: int) -> int:
    """How many bodies of a source wait to be read."""
    statement = select(func.count()).select_from(d).where(d.c.source_id == source_id)
    return connection.scalar(statement) or 0


def keep(
    connection: Connection, source_id: int, media_type: str, body: bytes, now: datetime
) -> None:
    """Keep a body until it is read."""
    packed = zlib.compress(body, 1)
    row: dict[str, Any] = {"media_type": media_type, "size": len(body), "body": packed}
    connection.execute(d.insert().values(source_id=source_id, received_at=now, **row))


def next_of_each(connection: Connection, now: datetime, limit: int) -> list[PendingPush]:
    """The oldest body of each source that nobody is busy with, the longest waiting first."""
    first = select(func.min(d.c.id)).group_by(d.c.source_id).scalar_subquery()
    found = connection.execute(
        select(d.c.id, source.c.name, d.c.size)
        .join(source, source.c.id == d.c.source_id)
        .join(source_poll, source_poll.c.source_id == d.c.source_id)
        .where(d.c.id.in_(first), LEASE.free(now))
        .order_by(d.c.id)
        .limit(limit)
    )
    return [PendingPush(*row) for row in found]


def unwanted(connection: Connection, names: Iterable[str], now: datetime) -> set[str]:
    """Those of these sources that are retired, rest, or were never collected themselves."""
    of_no_use = or_(
        source.c.retired_at.is_not(None), ~awake(now), source_poll.c.first_collected_at.is_(None)
    )
    found = select(source.c.name).join(source_poll, source_poll.c.source_id == source.c.id)
    these = found.where(source.c.name.in_(sorted(set(names))), of_no_use)
    return set(connection.execute(these).scalars())


def load(connection: Connection, delivery_id: int) -> Delivery | None:
    """A body with its bytes; None: it has been read meanwhile."""
    row = connection.execute(select(d).where(d.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    return Delivery(row.id, row.source_id, row.media_type, zlib.decompress(row.body))


def done(connection: Connection, delivery_ids: Iterable[int]) -> None:
    """These have been read, or will not be."""
    connection.execute(delete(d).where(d.c.id.in_(list(delivery_ids))))
