"""Claims deliveries, keeps them, and looks once more before the body leaves.

An owner is one start of one process. It holds its rows by a lease that it renews; an owner whose
lease has lapsed is dead. Everything here is conditional on the state before it, so that two
processes never hold one row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from service.model import DeliveryKind, DeliveryState
from service.store.audience.suppressions import UNSUBSCRIBED
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import FURTHEST, LASTS
from service.store.mailing import recipients
from service.store.mailing.deliveries import BY_ROW, LEASE, of_digest
from service.store.mailing.recipients import Recipient
from service.store.mailing.release import forget_parts, release
from service.store.tables import (
    attempt,
    delivery,
    digest,
    segment,
    subscriber,
    subscription,
    suppression,
)


class Lane(StrEnum):
    """The queue of a delivery. What was tried itself waits behind the others."""

    TRANSACTIONAL = "transactional"
    NEWS = "news"
    AGAIN = "again"


_PLANNED = delivery.c.state == DeliveryState.PLANNED.value
_DEFERRED = delivery.c.state == DeliveryState.DEFERRED.value
_CLAIMED = delivery.c.state == DeliveryState.CLAIMED.value

_TRIED = exists().where(attempt.c.delivery_id == delivery.c.id)
"""It was tried itself: what was only put off with all others has no attempt of its own."""

_TRANSACTIONAL, _NEWS = 0, 1
_GROUPS = {
    Lane.TRANSACTIONAL: ((_TRANSACTIONAL, False),),
    Lane.NEWS: ((_NEWS, False),),
    Lane.AGAIN: ((_NEWS, True), (_TRANSACTIONAL, True)),
}
"""Lane -> priority, and whether it was tried, in the order in which they are taken."""


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery in the hands of an owner, with all that its message is made from.

    `tries` counts those before this one. `parts` are packed (mailing.message_parts),
    None if they are gone. `edition_id` None: it is no edition.
    `known`: this subscription had news before, so that somebody has confirmed it and got it.
    """

    id: int
    kind: DeliveryKind
    message_id: str
    dated_at: datetime
    lane: Lane
    known: bool
    tries: int
    language: str
    segment: bytes
    parts: bytes | None
    recipient: Recipient
    edition_id: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim gave, and how many turned out to be unwanted by now."""

    claimed: list[ClaimedDelivery]
    suppressed: int

    @property
    def empty(self) -> bool:
        """Nothing is due any more."""
        return not self.claimed and not self.suppressed


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """The last look: whose body may leave, and who ended or was suppressed meanwhile.

    An id in neither is no longer ours: the lease lapsed and somebody else has it.
    """

    passed: frozenset[int]
    suppressed: frozenset[int]


def claim(
    connection: Connection,
    owner: str,
    now: datetime,
    limit: int,
    digest_name: str | None = None,
    lanes: Sequence[Lane] = tuple(Lane),
) -> Claim:
    """Take up to `limit` due deliveries of these lanes, in their order, the longest waiting first.

    Whoever has ended, paused or been suppressed since planning is suppressed and released here.
    """
    ids = _candidates(connection, now, limit, digest_name, lanes)
    if not ids:
        return Claim([], 0)
    taken = LEASE.claim(
        connection, owner, now, now + LASTS, delivery.c.id.in_(ids), or_(*_due(now, state=BY_ROW)),
        values={"state": DeliveryState.CLAIMED.value},
    )  # fmt: skip
    mine = set(taken.scalars())
    wanted = select(delivery.c.id).where(delivery.c.id.in_(mine), _may_get(now))
    welcome = set(connection.execute(wanted).scalars())
    gone = _suppress(connection, owner, now, mine - welcome)
    found = _load(connection, welcome)
    return Claim([found[one] for one in ids if one in found], len(gone))


def renew(connection: Connection, owner: str, now: datetime) -> None:
    """Keep all that the owner has in hand for another lease."""
    LEASE.renew_all(connection, owner, now + LASTS)


def unclaim(connection: Connection, owner: str, ids: Iterable[int]) -> None:
    """Put back what was claimed and not begun."""
    connection.execute(
        update(delivery)
        .where(LEASE.mine(owner, ids), _CLAIMED)
        .values(state=DeliveryState.PLANNED.value, **LEASE.given_back)
    )


def mark_sending(
    connection: Connection, owner: str, now: datetime, relays: Mapping[int, str]
) -> ReleaseCheck:
    """Delivery id -> relay whose 354 it has: let pass who may still be written to.

    One call for all connections that wait. The attempt is written here, before its answer, so that
    a delivery whose answer was lost still shows whom it was handed to.
    """
    passed = connection.execute(
        update(delivery)
        .where(LEASE.mine(owner, relays), _CLAIMED, _may_get(now))
        .values(
            state=DeliveryState.SENDING.value,
            tries=delivery.c.tries + 1,
            **LEASE.taken(owner, now + LASTS),
        )
        .returning(delivery.c.id, delivery.c.tries)
    ).all()
    if passed:
        rows = [
            {"delivery_id": row.id, "n": row.tries, "tried_at": now, "relay": relays[row.id],
             "answer": ""}
            for row in passed
        ]  # fmt: skip
        connection.execute(insert(attempt), rows)
    ids = frozenset(row.id for row in passed)
    gone = _suppress(connection, owner, now, set(relays) - ids)
    return ReleaseCheck(ids, frozenset(gone))


def _candidates(
    connection: Connection,
    now: datetime,
    limit: int,
    digest_name: str | None,
    lanes: Sequence[Lane],
) -> list[int]:
    """Ids in the order to take them. One small ordered query a group: each walks the index.

    Most claims find nothing, which one statement tells.
    """
    values = {"now": now, "furthest": now + FURTHEST, "digest": digest_name}
    there, queues = _QUEUES[digest_name is not None]
    some = {(row[0], row[1]) for row in connection.execute(there, values)}
    ids: list[int] = []
    groups = [group for lane in lanes for group in _GROUPS[lane]]
    for (priority, tried), due in itertools.product(groups, range(len(_DUE))):
        if len(ids) >= limit:
            return ids
        if (priority, due) in some:
            waiting = queues[priority, tried, due]
            ids += connection.execute(waiting, {**values, "room": limit - len(ids)}).scalars()
    return ids


def _due(
    now: Any, furthest: Any = None, state: ColumnElement[str] = delivery.c.state
) -> tuple[ColumnElement[bool], ...]:
    """What may be taken; instants or parameters, as in `Lease.free`. `state`: or BY_ROW.

    A planned edition is due by having been planned: `--at` may have dated it into the future. A
    transactional mail waits for its time: a flood of sign-ups is spread over hours
    (audience.signup_hours).
    """
    on_time = or_(delivery.c.expires_at.is_(None), delivery.c.expires_at > now)
    claimed, planned, deferred = (
        state == one.value
        for one in (DeliveryState.CLAIMED, DeliveryState.PLANNED, DeliveryState.DEFERRED)
    )
    return (
        and_(claimed, LEASE.free(now, furthest), on_time),
        and_(planned, or_(delivery.c.priority == _NEWS, delivery.c.next_try_at <= now), on_time),
        and_(deferred, delivery.c.next_try_at <= now, on_time),
    )


_DUE = _due(bindparam("now", type_=UtcDateTime), bindparam("furthest", type_=UtcDateTime))


def _there(of: ColumnElement[bool]) -> CompoundSelect[int, int]:
    """Which (priority, place in _DUE) have anything, tried or not: an index entry each."""
    return union_all(
        *(
            select(literal_column(str(priority), Integer), literal_column(str(due), Integer)).where(
                exists().where(delivery.c.priority == priority, _DUE[due], of)
            )
            for priority, due in itertools.product((_TRANSACTIONAL, _NEWS), range(len(_DUE)))
        )
    )


def _waiting(
    priority: int, due: ColumnElement[bool], of: ColumnElement[bool], *, tried: bool
) -> Select[int]:
    """The first of a group, the longest waiting first, without what others are taking just now.

    All mails of an edition wait since the same instant. If they were to come by their ids as well,
    each claim on PostgreSQL would sort all of them: a hundred thousand for twenty.
    """
    return (
        select(delivery.c.id)
        .where(due, delivery.c.priority == priority, _TRIED if tried else ~_TRIED, of)
        .order_by(delivery.c.next_try_at)
        .limit(bindparam("room", type_=Integer))
        .with_for_update(skip_locked=True, of=delivery)
    )


_QUEUES = {
    of_one: (
        _there(of),
        {
            (priority, tried, place): _waiting(priority, due, of, tried=tried)
            for groups in _GROUPS.values()
            for priority, tried in groups
            for place, due in enumerate(_DUE)
        },
    )
    for of_one, of in ((False, of_digest(None)), (True, of_digest(bindparam("digest"))))
}
"""Whether of one digest -> what tells which are there, and the query of each group."""


def _may_get(now: datetime) -> ColumnElement[bool]:
    """Whether this delivery's person may still get it: asked at the claim and again at 354."""
    news = delivery.c.kind.in_([DeliveryKind.EDITION.value, DeliveryKind.WELCOME.value])
    reading = and_(
        subscription.c.starts_at.is_not(None),
        or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= now),
        digest.c.retired_at.is_(None),
    )
    asking = subscription.c.starts_at.is_(None)  # nobody is asked again after the yes
    asks = delivery.c.kind == DeliveryKind.CONFIRM.value
    barred = exists().where(suppression.c.address_key == subscriber.c.address_key)
    left = exists().where(
        suppression.c.address_key == subscriber.c.address_key,
        suppression.c.reason == UNSUBSCRIBED,
    )
    return exists().where(
        subscription.c.id == delivery.c.subscription_id,
        subscriber.c.id == subscription.c.subscriber_id,
        digest.c.id == subscription.c.digest_id,
        subscription.c.ended_at.is_(None),
        subscriber.c.address.is_not(None),
        or_(~news, reading),
        or_(~asks, asking),
        or_(~barred, and_(asks, left)),  # who unsubscribed may be asked whether they come back
    )


def _suppress(connection: Connection, owner: str, now: datetime, ids: Iterable[int]) -> list[int]:
    gone = connection.execute(
        update(delivery)
        .where(LEASE.mine(owner, ids), _CLAIMED)
        .values(
            state=DeliveryState.SUPPRESSED.value,
            settled_at=now,
            reply="ended, paused or suppressed before it was sent",
            **LEASE.ended,
        )
        .returning(delivery.c.id)
    )
    found = sorted(gone.scalars())
    release(connection, found)
    forget_parts(connection, found)
    return found


def _load(connection: Connection, ids: Iterable[int]) -> dict[int, ClaimedDelivery]:
    rows = connection.execute(
        select(
            delivery.c.id,
            delivery.c.kind,
            delivery.c.message_id,
            delivery.c.dated_at,
            delivery.c.edition_id,
            delivery.c.priority,
            delivery.c.tries,
            _TRIED.label("tried"),
            _had_news().label("known"),
            segment.c.language,
            segment.c.hash,
            segment.c.parts,
            *recipients.COLUMNS,
        )
        .select_from(recipients.PEOPLE)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .join(segment, segment.c.id == delivery.c.segment_id)
        .where(delivery.c.id.in_(list(ids)))
    )
    return {row.id: _claimed(row) for row in rows}


def _had_news() -> ColumnElement[bool]:
    """Tells whether a relay has taken news to this subscription before.

    Transactional mails prove nothing.
    """
    before = delivery.alias("before")
    return exists().where(
        before.c.subscription_id == subscription.c.id,
        before.c.state == DeliveryState.ACCEPTED.value,
        before.c.kind.in_([DeliveryKind.EDITION.value, DeliveryKind.WELCOME.value]),
    )


def _lane(row: Any) -> Lane:
    if row.tried:
        return Lane.AGAIN
    return Lane.TRANSACTIONAL if row.priority == 0 else Lane.NEWS


def _claimed(row: Any) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row.id,
        kind=DeliveryKind(row.kind),
        message_id=row.message_id,
        dated_at=row.dated_at,
        lane=_lane(row),
        known=row.known,
        tries=row.tries,
        language=row.language,
        segment=row.hash,
        parts=row.parts,
        recipient=recipients.from_row(row),
        edition_id=row.edition_id,
    )
