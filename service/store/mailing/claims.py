"""Claims deliveries, keeps them, and looks once more before the body leaves.

An owner is one start of one process. It holds its rows by a lease that it renews; an owner whose
lease has lapsed is dead. Everything here is conditional on the state before it, so that two
processes never hold one row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from service.model import DeliveryKind, DeliveryState
from service.store.audience.suppressions import UNSUBSCRIBED
from service.store.core.arrays import RowInsert, listed
from service.store.core.bulk import among_given
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import LASTS
from service.store.mailing import recipients
from service.store.mailing.deliveries import BY_ROW, LEASE, give_up, in_order
from service.store.mailing.due_mail import TRIED, Lane, candidates, due_now, there
from service.store.mailing.recipients import Recipient
from service.store.recalled.mails import outdated
from service.store.tables import (
    attempt,
    delivery,
    digest,
    segment,
    subscriber,
    subscription,
    suppression,
)

_CLAIMED = delivery.c.state == DeliveryState.CLAIMED.value
_UNWANTED = "ended, paused or suppressed before it was sent"

_NOW = bindparam("now", type_=UtcDateTime)


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery in the hands of an owner, with all that its message is made from.

    `tries` counts those before this one. `segment` is the hash of its segment. `parts` are packed
    (mailing.message_parts), the same object for all of one segment; None if they are gone.
    `edition_id` None: it is no edition.
    `known`: this subscription had news before, so that somebody has confirmed it and got it.
    `resent`: it was uncertain before, so that it may have arrived.
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
    segment_id: int
    parts: bytes | None
    recipient: Recipient
    edition_id: int | None
    resent: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim gave, and how many turned out to be unwanted by now.

    `held`: of those how many are uncertain again instead of suppressed.
    """

    claimed: list[ClaimedDelivery]
    suppressed: int
    held: int = 0

    @property
    def empty(self) -> bool:
        """Nothing is due any more."""
        return not self.claimed and not self.suppressed and not self.held


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """The last look: whose body may leave, and who ended or was suppressed meanwhile.

    `held`: those that are uncertain again instead of suppressed. An id in none is no longer ours:
    the lease lapsed and somebody else has it.
    """

    passed: frozenset[int]
    suppressed: frozenset[int]
    held: frozenset[int] = frozenset()


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
    What was planned again may have arrived the first time: it is uncertain again, and is held.
    """
    due = there(connection, now, digest_name)
    return _claim(connection, owner, now, candidates(connection, now, limit, due, lanes))


def claim_each(
    connection: Connection,
    owner: str,
    now: datetime,
    limit: int,
    digest_name: str | None,
    lanes: Sequence[Lane],
) -> dict[Lane, Claim]:
    """Up to `limit` of each lane, as `claim`. Empty: nothing is due in any lane, asked or not."""
    due = there(connection, now, digest_name)
    if not due.groups:
        return {}
    return {
        lane: _claim(connection, owner, now, candidates(connection, now, limit, due, (lane,)))
        for lane in lanes
    }


def _claim(connection: Connection, owner: str, now: datetime, ids: list[int]) -> Claim:
    if not ids:
        return Claim([], 0)
    claiming = _claiming(connection.dialect.name)
    taken = LEASE.claim_with(connection, claiming, owner, now, now + LASTS, ids=ids)
    mine = set(taken.scalars())
    wanted = _wanted(connection.dialect.name)
    welcome = set(connection.execute(wanted, {"ids": sorted(mine), "now": now}).scalars())
    gone, held = _suppress(connection, owner, now, mine - welcome)
    found = _load(connection, welcome)
    return Claim([found[one] for one in ids if one in found], len(gone), len(held))


def renew(connection: Connection, owner: str, now: datetime) -> None:
    """Keep all that the owner has in hand for another lease."""
    LEASE.renew_all(connection, owner, now + LASTS)


def unclaim(connection: Connection, owner: str, ids: Iterable[int]) -> None:
    """Put back what was claimed and not begun."""
    connection.execute(
        update(delivery)
        .where(in_order(LEASE.mine(owner, ids), _CLAIMED))
        .values(state=DeliveryState.PLANNED.value, **LEASE.given_back)
    )


def mark_sending(
    connection: Connection,
    owner: str,
    now: datetime,
    relays: Mapping[int, str],
    made_of: Mapping[int, int] | None = None,
) -> ReleaseCheck:
    """Delivery id -> relay whose 354 it has: let pass who may still be written to.

    `made_of`: delivery id -> the segment that its message was made of (`outdated`).

    One call for all connections that wait. The attempt is written here, before its answer, so that
    a delivery whose answer was lost still shows whom it was handed to.
    """
    passing = _passing(connection.dialect.name)
    values = {"ids": sorted(relays), "claimer": owner, "now": now, "until": now + LASTS}
    marked = connection.execute(passing, values).all()
    old = outdated(connection, marked, made_of or {})
    passed = [row for row in marked if row.id not in old]
    _BEGUN(connection, [(row.id, row.tries, relays[row.id]) for row in passed], at=now)
    ids = frozenset(row.id for row in passed)
    gone, held = _suppress(connection, owner, now, set(relays) - ids - old)
    return ReleaseCheck(ids, frozenset(gone), frozenset(held))


@cache
def _claiming(dialect: str) -> ReturningUpdate[Any]:
    """Claims those of `ids` that are due. Made once, as all that each claim asks for."""
    furthest = bindparam("furthest", type_=UtcDateTime)
    return LEASE.claiming(
        among_given(delivery.c.id, "ids", dialect),
        or_(*due_now(_NOW, furthest, BY_ROW)),
        values={"state": DeliveryState.CLAIMED.value},
    )


@cache
def _wanted(dialect: str) -> Select[int]:
    """Which of `ids` may still get it."""
    of_these = listed(delivery.c.id, "ids", dialect)
    return select(delivery.c.id).where(of_these, _may_get(_NOW))


@cache
def _passing(dialect: str) -> ReturningUpdate[int, int, int]:
    """Made once: to make it again took longer than to let all pass who wait."""
    owner = bindparam("claimer", type_=LEASE.owner.type)
    taken = LEASE.taken(owner, bindparam("until", type_=UtcDateTime))
    ours = listed(delivery.c.id, "ids", dialect), LEASE.owner == owner, _CLAIMED
    if dialect == "postgresql":
        ours = (in_order(*ours), *ours[1:])
    return (
        update(delivery)
        .where(*ours, _may_get(_NOW))
        .values(state=DeliveryState.SENDING.value, tries=delivery.c.tries + 1, **taken)
        .returning(delivery.c.id, delivery.c.tries, delivery.c.segment_id)
    )


_BEGUN = RowInsert(
    attempt,
    ("delivery_id", "n", "relay"),
    {"tried_at": bindparam("at", type_=UtcDateTime), "answer": literal("")},
)
"""The attempt of each that may leave, without its answer."""


def _may_get(now: ColumnElement[datetime]) -> ColumnElement[bool]:
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


def _suppress(
    connection: Connection, owner: str, now: datetime, ids: Collection[int]
) -> tuple[list[int], list[int]]:
    """Those that were suppressed and released, and those that are held instead."""
    if not ids:
        return [], []
    return give_up(
        connection, now, LEASE.mine(owner, ids), _CLAIMED,
        state=DeliveryState.SUPPRESSED, reply=_UNWANTED, again=_UNWANTED,
    )  # fmt: skip


def _load(connection: Connection, ids: Iterable[int]) -> dict[int, ClaimedDelivery]:
    loading, parts_of = _loading(connection.dialect.name)
    rows = connection.execute(loading, {"ids": sorted(ids)}).all()
    # Once a segment: all who get the same would bring its parts along.
    segments = sorted({row.segment_id for row in rows})
    parts = {row.id: row.parts for row in connection.execute(parts_of, {"ids": segments})}
    return {row.id: _claimed(row, parts[row.segment_id]) for row in rows}


@cache
def _loading(dialect: str) -> tuple[Select[Any], Select[Any]]:
    """Which gives the deliveries of `ids`, and which the parts of segments."""
    rows = (
        select(
            delivery.c.id,
            delivery.c.kind,
            delivery.c.message_id,
            delivery.c.dated_at,
            delivery.c.edition_id,
            delivery.c.segment_id,
            delivery.c.priority,
            delivery.c.tries,
            delivery.c.resends,
            TRIED.label("tried"),
            _had_news().label("known"),
            segment.c.language,
            segment.c.hash,
            *recipients.COLUMNS,
        )
        .select_from(recipients.PEOPLE)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .join(segment, segment.c.id == delivery.c.segment_id)
        .where(listed(delivery.c.id, "ids", dialect))
    )
    parts = select(segment.c.id, segment.c.parts).where(listed(segment.c.id, "ids", dialect))
    return rows, parts


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


def _claimed(row: Any, parts: bytes | None) -> ClaimedDelivery:
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
        segment_id=row.segment_id,
        parts=parts,
        recipient=recipients.from_row(row),
        edition_id=row.edition_id,
        resent=row.resends > 0,
    )
