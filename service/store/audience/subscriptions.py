"""Stores who gets which digest, how, and since when. Ended with a reason, never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from service.model import DeliveryState
from service.store.core.bulk import Copied, lots
from service.store.tables import delivery, digest, subscriber, subscription

_NEVER_CAME = (
    DeliveryState.SUPPRESSED.value,
    DeliveryState.EXPIRED.value,
    DeliveryState.REJECTED.value,
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription with its person and its digest.

    `topics` are ids of the TOML, None = the digest's own, now and later. `at` is "HH:MM", None =
    the digest's. `zone` is the subscription's, else the person's; None = the site's. `rule` is what
    `next_cut_at` was computed from, in the newsletter's words. `starts_at` None = not confirmed.
    `address` None = forgotten. `successor`: what goes on in its place, where two became one.
    """

    id: int
    subscriber_id: int
    address_key: bytes
    address: str | None
    language: str | None
    digest: str
    digest_title: str
    scope: str
    token: str
    cadence: str
    hour: str | None
    zone: str | None
    topics: tuple[str, ...] | None
    created_at: datetime
    evidence: str | None
    signup_hash: bytes | None
    starts_at: datetime | None
    covered_to: datetime | None
    next_cut_at: datetime | None
    rule: str | None
    paused_until: datetime | None
    welcome_due: bool
    ended_at: datetime | None
    ended_reason: str | None
    successor: int | None = None

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def confirmed(self) -> bool:
        return self.starts_at is not None

    @property
    def preferences(self) -> dict[str, object]:
        """What the person chose, as an event keeps it."""
        return _preferences(self, self.paused_until)


def _preferences(
    chosen: Subscription | NewSubscription, paused_until: datetime | None
) -> dict[str, object]:
    return {
        "cadence": chosen.cadence,
        "hour": chosen.hour,
        "zone": chosen.zone,
        "topics": None if chosen.topics is None else list(chosen.topics),
        "paused_until": paused_until and paused_until.isoformat(),
    }


@cache
def _select() -> Select[Any]:
    s = subscription.c
    return (
        select(
            s.id,
            s.subscriber_id,
            subscriber.c.address_key,
            subscriber.c.address,
            subscriber.c.language,
            digest.c.name.label("digest"),
            digest.c.title.label("digest_title"),
            digest.c.scope,
            s.token,
            s.cadence,
            s.hour,
            func.coalesce(s.zone, subscriber.c.zone).label("zone"),
            s.topics,
            s.created_at,
            s.evidence,
            s.signup_hash,
            s.starts_at,
            s.covered_to,
            s.next_cut_at,
            s.rule,
            s.paused_until,
            s.welcome_due,
            s.ended_at,
            s.ended_reason,
            s.successor,
        )
        .join(subscriber, subscriber.c.id == s.subscriber_id)
        .join(digest, digest.c.id == s.digest_id)
    )


def _read(row: Row[Any]) -> Subscription:
    values = row._asdict()
    topics = values.pop("topics")
    return Subscription(topics=None if topics is None else tuple(topics), **values)


@cache
def _by(column: str) -> Select[Any]:
    return _select().where(subscription.c[column] == bindparam(column))


def by_token(connection: Connection, token: str) -> Subscription | None:
    """The subscription, live or ended, of this link; or what goes on in its place."""
    row = connection.execute(_by("token"), {"token": token}).one_or_none()
    while row is not None and row.successor is not None:
        row = connection.execute(_by("id"), {"id": row.successor}).one_or_none()
    return None if row is None else _read(row)


def held(connection: Connection, token: str) -> Subscription | None:
    """The same, and nobody else changes anything of this person until the transaction ends.

    The person is locked, not the subscription: planning and releasing lock it first as well, so
    that whoever changes several subscriptions of one person never waits in a circle.
    """
    mine = select(subscription.c.subscriber_id).where(subscription.c.token == token)
    lock = select(subscriber.c.id).where(subscriber.c.id == mine.scalar_subquery())
    connection.execute(lock.with_for_update())
    return by_token(connection, token)


def live_in(connection: Connection, subscriber_id: int, digest_name: str) -> Subscription | None:
    """The person's live subscription to the digest, confirmed or not. There is at most one."""
    statement = _select().where(
        subscription.c.subscriber_id == subscriber_id,
        digest.c.name == digest_name,
        subscription.c.ended_at.is_(None),
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else _read(row)


def of_person(connection: Connection, subscriber_id: int) -> list[Subscription]:
    """All of a person's subscriptions, live and ended, oldest first."""
    statement = _select().where(subscription.c.subscriber_id == subscriber_id)
    return [_read(row) for row in connection.execute(statement.order_by(subscription.c.id))]


def live(connection: Connection) -> list[Subscription]:
    """Every live subscription whose address is known, by address, then digest."""
    statement = _select().where(
        subscription.c.ended_at.is_(None), subscriber.c.address.is_not(None)
    )
    rows = connection.execute(statement.order_by(subscriber.c.address, digest.c.name))
    return [_read(row) for row in rows]


def unconfirmed(connection: Connection, before: datetime) -> list[Subscription]:
    """Those who signed up before this instant and have not confirmed."""
    statement = _select().where(
        subscription.c.ended_at.is_(None),
        subscription.c.starts_at.is_(None),
        subscription.c.created_at < before,
    )
    return [_read(row) for row in connection.execute(statement.order_by(subscription.c.id))]


def of_removed_digests(connection: Connection, before: datetime) -> list[Subscription]:
    """The live ones whose digest left the TOML before this instant."""
    statement = _select().where(subscription.c.ended_at.is_(None), digest.c.retired_at < before)
    return [_read(row) for row in connection.execute(statement.order_by(subscription.c.id))]


def add(
    connection: Connection,
    *,
    subscriber_id: int,
    digest_name: str,
    token: str,
    now: datetime,
    cadence: str,
    **values: object,
) -> int:
    """Insert a subscription; what `values` leaves out is empty. The digest must have a row."""
    row = {
        "subscriber_id": subscriber_id, "token": token, "cadence": cadence, "welcome_due": False,
        "created_at": now, **values,
    }  # fmt: skip
    added = connection.execute(_ADD, {"digest_name": digest_name, **row})
    key = added.inserted_primary_key
    assert key is not None
    return int(key[0])


_ADD = insert(subscription).values(
    digest_id=select(digest.c.id).where(digest.c.name == bindparam("digest_name")).scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """An active subscription to be inserted. `topics` None = the digest's own, now and later."""

    subscriber_id: int
    digest: str
    token: str
    cadence: str
    hour: str | None
    zone: str | None
    topics: tuple[str, ...] | None
    evidence: str | None
    created_at: datetime
    starts_at: datetime

    @property
    def preferences(self) -> dict[str, object]:
        """What the person chose, as an event keeps it."""
        return _preferences(self, None)


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """That somebody has a digest, or had it. `ended_at` None: it is live."""

    digest: str
    created_at: datetime
    confirmed: bool
    ended_at: datetime | None
    ended_reason: str | None


def standings(connection: Connection, people: Iterable[int]) -> dict[int, list[SubscriptionState]]:
    """Subscriber -> their subscriptions, live and ended, oldest first. Who has none is absent."""
    found: dict[int, list[SubscriptionState]] = {}
    s = subscription.c
    columns = s.subscriber_id, digest.c.name, s.created_at, s.starts_at, s.ended_at, s.ended_reason
    for some in lots(people):
        rows = connection.execute(
            select(*columns)
            .join(digest, digest.c.id == s.digest_id)
            .where(s.subscriber_id.in_(some))
            .order_by(s.id)
        )
        for who, name, created_at, starts_at, ended_at, reason in rows:
            one = SubscriptionState(name, created_at, starts_at is not None, ended_at, reason)
            found.setdefault(who, []).append(one)
    return found


def add_all(connection: Connection, new: Sequence[NewSubscription]) -> list[int]:
    """Insert them; their ids in the order given. Their digests must have rows."""
    digests = {row.name: row.id for row in connection.execute(select(digest.c.name, digest.c.id))}
    _ADD_ALL(
        connection,
        [
            {
                "subscriber_id": one.subscriber_id,
                "digest_id": digests[one.digest],
                "token": one.token,
                "cadence": one.cadence,
                "hour": one.hour,
                "zone": one.zone,
                "topics": None if one.topics is None else list(one.topics),
                "evidence": one.evidence,
                "created_at": one.created_at,
                "starts_at": one.starts_at,
                "covered_to": one.starts_at,
                "welcome_due": False,
            }
            for one in new
        ],
    )
    ids: dict[str, int] = {}
    for some in lots(one.token for one in new):
        rows = connection.execute(
            select(subscription.c.token, subscription.c.id).where(subscription.c.token.in_(some))
        )
        ids.update((row.token, row.id) for row in rows)
    return [ids[one.token] for one in new]


_ADD_ALL = Copied(
    subscription, "subscriber_id", "digest_id", "token", "cadence", "hour", "zone", "topics",
    "evidence", "created_at", "starts_at", "covered_to", "welcome_due",
)  # fmt: skip


def change(connection: Connection, subscription_id: int, **values: object) -> None:
    """Set columns of one subscription; without any it does nothing."""
    if values:
        connection.execute(
            update(subscription).where(subscription.c.id == subscription_id).values(**values)
        )


def end(connection: Connection, ids: Iterable[int], now: datetime, reason: str) -> list[int]:
    """End those of `ids` that are live. Returns which: a second call ends nothing."""
    ended = connection.execute(
        update(subscription)
        .where(subscription.c.id.in_(list(ids)), subscription.c.ended_at.is_(None))
        .values(ended_at=now, ended_reason=reason)
        .returning(subscription.c.id)
    )
    return sorted(row.id for row in ended)


def released_from(connection: Connection, found: Subscription, since: datetime) -> datetime | None:
    """Where the earliest of the person's mails in this scope began that never went out since then.

    Its release (store/mailing/release.py) moves `covered_to` back on live subscriptions only, so
    whoever comes back must reach back to here. A rejected one may have kept what it told: then
    nothing is told again. None: there was none.
    """
    return connection.execute(
        select(func.min(delivery.c.covers_from))
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(
            subscription.c.subscriber_id == found.subscriber_id,
            digest.c.scope == found.scope,
            delivery.c.state.in_(_NEVER_CAME),
            delivery.c.settled_at >= since,
        )
    ).scalar()
