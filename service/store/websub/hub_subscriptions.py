"""Subscriptions at hubs as rows: which are wanted, whose turn a request is, what came of it.

wanted -> claim (conditional UPDATE, with owner and lease) -> request, no lock held -> accepted |
failed ; the hub's own calls are recorded in store/websub/callbacks. A row says that it asks
*before* the request is sent: a hub may verify before it has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update

from service.store.core.lease import Lease
from service.store.core.statements import upsert
from service.store.sources.pauses import awake
from service.store.sources.push_state import Silent, fall_back, hold
from service.store.tables import source, source_poll
from service.store.tables import websub as t

LEASE = Lease(t)
"""Of a request that is being sent; the subscription itself runs until `subscribed_until`."""

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"


@dataclass(frozen=True, slots=True)
class AdvertisedHubs:
    """A source that is collected and whose publisher names hubs."""

    source_id: int
    source: str
    topic: str
    hubs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubSubscription:
    """A live row. `verified`: the hub knows of it, or did; `tried`: failures in a row."""

    id: int
    source_id: int
    hub: str
    topic: str
    callback: str
    verified: bool
    alive: bool
    refused: bool
    failures: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request that this process is to send now. `subscribed_until` None: not verified yet."""

    id: int
    owner: str
    source_id: int
    source: str
    source_url: str
    hub: str
    topic: str
    callback: str
    token: str
    mode: str
    failures: int
    subscribed_until: datetime | None


def is_any(connection: Connection) -> bool:
    """Whether there is a subscription at all, live or given up."""
    return connection.scalar(select(t.c.id).limit(1)) is not None


def offers(connection: Connection, now: datetime) -> list[AdvertisedHubs]:
    """All sources that are collected, unpaused, and name a hub."""
    s, p = source.c, source_poll.c
    found = connection.execute(
        select(s.id, s.name, p.hub_topic, p.hubs)
        .join(source_poll, p.source_id == s.id)
        .where(p.hub_topic.is_not(None), s.retired_at.is_(None), p.gone_at.is_(None), awake(now))
        .order_by(s.id)
    )
    return [AdvertisedHubs(row.id, row.name, row.hub_topic, tuple(row.hubs or ())) for row in found]


def held(connection: Connection) -> list[HubSubscription]:
    """The live rows, those that are wanted."""
    found = connection.execute(select(t).where(t.c.leaving_since.is_(None)).order_by(t.c.id))
    return [
        HubSubscription(
            row.id, row.source_id, row.hub, row.topic, row.callback,
            row.subscribed_until is not None, row.alive_since is not None,
            row.refused_at is not None, row.failures,
        )
        for row in found
    ]  # fmt: skip


def want(
    connection: Connection,
    offer: AdvertisedHubs,
    hub: str,
    *,
    token: str,
    callback: str,
    now: datetime,
) -> None:
    """Begin a subscription; nothing where another process was quicker."""
    row: dict[str, Any] = {
        "source_id": offer.source_id,
        "token": token,
        "hub": hub,
        "topic": offer.topic,
        "callback": callback,
        "created_at": now,
        "signed": False,
        "failures": 0,
        "next_try_at": now,
        "delivered_count": 0,
        "unsigned_count": 0,
    }
    connection.execute(upsert(connection, t).on_conflict_do_nothing(), row)


def turn_to(
    connection: Connection, row_id: int, hub: str, *, token: str, callback: str, at: datetime
) -> None:
    """Ask another hub at that instant; the callback that the last one knows is forgotten."""
    connection.execute(
        update(t)
        .where(t.c.id == row_id, t.c.alive_since.is_(None), t.c.leaving_since.is_(None))
        .values(
            hub=hub, token=token, callback=callback, next_try_at=at, failures=0, refused_at=None,
            asked_mode=None, signed=False, subscribed_until=None, **LEASE.given_back,
        )
    )  # fmt: skip


def leave(
    connection: Connection, held: HubSubscription, now: datetime, plan: Callable[[Silent], datetime]
) -> None:
    """Give a subscription up: the hub is told, unless it never knew of it.

    `plan` says when its source is polled.
    """
    hold(connection, held.source_id)
    left = connection.execute(
        update(t)
        .where(t.c.id == held.id, t.c.leaving_since.is_(None))
        .values(
            leaving_since=now, next_try_at=now, asked_mode=None, alive_since=None, failures=0,
            error=None, **LEASE.given_back,
        )
    )  # fmt: skip
    if left.rowcount:
        fall_back(connection, held.source_id, plan)


def forget_left(connection: Connection, now: datetime, most_failures: int) -> None:
    """Delete what was given up and the hub cannot know of any more, or cannot be told."""
    over = or_(
        t.c.subscribed_until.is_(None), t.c.subscribed_until <= now, t.c.failures >= most_failures
    )
    connection.execute(delete(t).where(t.c.leaving_since.is_not(None), over, LEASE.free(now)))


def lapsed(connection: Connection, now: datetime) -> list[tuple[int, int]]:
    """Those that have ended at the hub without a renewal: (the row, its source)."""
    ended = select(t.c.id, t.c.source_id).where(
        t.c.alive_since.is_not(None), t.c.subscribed_until <= now
    )
    return [(row.id, row.source_id) for row in connection.execute(ended.order_by(t.c.id))]


def lapse(
    connection: Connection,
    row_id: int,
    source_id: int,
    now: datetime,
    plan: Callable[[Silent], datetime],
) -> None:
    """It is not alive any more. `plan` says when its source is polled."""
    hold(connection, source_id)
    ended = update(t).where(t.c.id == row_id, t.c.subscribed_until <= now).values(alive_since=None)
    if connection.execute(ended).rowcount:
        fall_back(connection, source_id, plan)


def claim(
    connection: Connection, owner: str, now: datetime, until: datetime, limit: int
) -> list[Request]:
    """Take requests whose time has come, the longest waiting first, and write down what is asked.

    `owner` is one start of one process.
    """
    due = (
        select(t.c.id)
        .where(t.c.next_try_at <= now, LEASE.free(now))
        .order_by(t.c.next_try_at, t.c.id)
        .limit(limit)
    )
    taken = list(LEASE.claim(connection, owner, now, until, t.c.id.in_(due)).scalars())
    if not taken:
        return []
    rows = connection.execute(
        select(t, source.c.name, source.c.url)
        .join(source, source.c.id == t.c.source_id)
        .where(t.c.id.in_(taken))
        .order_by(t.c.next_try_at, t.c.id)
    )
    return [_request(row, owner) for row in rows]


def asking(connection: Connection, request: Request, now: datetime, *, signed: bool) -> bool:
    """The request is about to be sent. False: it is not ours any more, so it must not be."""
    done = connection.execute(
        update(t)
        .where(_mine(request))
        .values(asked_mode=request.mode, asked_at=now, signed=signed, refused_at=None)
    )
    return done.rowcount == 1


def accepted(connection: Connection, request: Request, next_try_at: datetime) -> None:
    """The hub has taken the request. `next_try_at`: once more, if it has not verified by then.

    Where it has done so already, the plan for the renewal stands.
    """
    pending = and_(_mine(request), t.c.asked_mode == request.mode)
    connection.execute(
        update(t)
        .where(pending)
        .values(next_try_at=next_try_at, failures=t.c.failures + 1, error=None)
    )
    _give_back(connection, request)


def failed(
    connection: Connection,
    request: Request,
    *,
    error: str,
    next_try_at: datetime,
    refused: bool,
) -> None:
    """The hub could not be asked, or said no. `refused`: it will not verify what it refused."""
    values: dict[str, Any] = {
        "error": error,
        "failures": t.c.failures + 1,
        "next_try_at": next_try_at,
    }
    if refused:
        values["asked_mode"] = None
    pending = and_(_mine(request), t.c.asked_mode == request.mode)
    connection.execute(update(t).where(pending).values(values))
    _give_back(connection, request)


def _mine(request: Request) -> Any:
    return LEASE.mine(request.owner, [request.id]) & (t.c.token == request.token)


def _give_back(connection: Connection, request: Request) -> None:
    connection.execute(update(t).where(_mine(request)).values(LEASE.given_back))


def _request(row: Any, owner: str) -> Request:
    return Request(
        id=row.id,
        owner=owner,
        source_id=row.source_id,
        source=row.name,
        source_url=row.url,
        hub=row.hub,
        topic=row.topic,
        callback=row.callback,
        token=row.token,
        mode=SUBSCRIBE if row.leaving_since is None else UNSUBSCRIBE,
        failures=row.failures,
        subscribed_until=row.subscribed_until,
    )
