"""Deliveries that did not arrive, or may not have; uncertain ones are settled by hand.

The message is held, its reader is not (docs/decisions/002): what it told counts as told, and later
editions go to him as to everybody. So what is settled here may be weeks old.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from service.model import DeliveryState
from service.store.core.bulk import lots
from service.store.mailing.deliveries import in_order
from service.store.mailing.release import forget_parts, release
from service.store.mailing.resending import plan_those
from service.store.tables import attempt, delivery, digest, edition, subscriber, subscription


@dataclass(frozen=True, slots=True)
class UnsentDelivery:
    """A delivery that is uncertain, deferred or rejected.

    `handed_at`, `relay` None: no attempt is known; `cut_at` None: a transactional mail; `address`
    None: it is forgotten. `next_try_at` None: it is not tried again by itself. An uncertain one is
    where the policy is "resend" (mailing.resending).
    """

    id: int
    key: str
    kind: str
    digest: str
    cadence: str
    cut_at: datetime | None
    address: str | None
    dated_at: datetime
    handed_at: datetime | None
    relay: str | None
    reply: str
    state: str
    tries: int
    next_try_at: datetime | None


_LAST = and_(attempt.c.delivery_id == delivery.c.id, attempt.c.n == delivery.c.tries)
_LISTED = (
    select(
        delivery.c.id,
        delivery.c.message_id,
        delivery.c.kind,
        digest.c.name.label("digest"),
        subscription.c.cadence,
        edition.c.cut_at,
        subscriber.c.address,
        delivery.c.dated_at,
        attempt.c.tried_at.label("handed_at"),
        attempt.c.relay,
        delivery.c.reply,
        delivery.c.state,
        delivery.c.tries,
        delivery.c.next_try_at,
        delivery.c.resend_at,
    )
    .join(subscription, subscription.c.id == delivery.c.subscription_id)
    .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    .join(digest, digest.c.id == subscription.c.digest_id)
    .outerjoin(edition, edition.c.id == delivery.c.edition_id)
    .outerjoin(attempt, _LAST)
)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Counts the mails of one edition that are uncertain, and says since when.

    `cut_at` None: transactional mails.
    """

    digest: str
    cut_at: datetime | None
    mails: int
    since: datetime


_UNCERTAIN = delivery.c.state == DeliveryState.UNCERTAIN.value


def unsettled(connection: Connection) -> list[UnsentDelivery]:
    """All that are uncertain, oldest first: they wait for a decision, or to be planned again."""
    return listed(connection, [DeliveryState.UNCERTAIN], None)


def listed(
    connection: Connection, states: Iterable[DeliveryState], limit: int | None
) -> list[UnsentDelivery]:
    """Deliveries in these states: uncertain, deferred, rejected, in this order.

    The oldest uncertain first, deferred by their next try, the latest rejected first. `limit` for
    each state; None: all.
    """
    wanted = set(states)
    orders = (
        (DeliveryState.UNCERTAIN, (delivery.c.dated_at, delivery.c.id)),
        (DeliveryState.DEFERRED, (delivery.c.next_try_at, delivery.c.id)),
        (DeliveryState.REJECTED, (delivery.c.settled_at.desc(), delivery.c.id.desc())),
    )
    return [
        _read(row._asdict())
        for state, order in orders
        if state in wanted
        for row in connection.execute(
            _LISTED.where(delivery.c.state == state.value).order_by(*order).limit(limit)
        )
    ]


def by_edition(connection: Connection) -> list[Uncertain]:
    """How many are uncertain of each edition, the oldest first; few rows are.

    What will be planned again by itself needs nobody's decision and is not counted.
    """
    since = func.min(func.coalesce(attempt.c.tried_at, delivery.c.dated_at))
    rows = connection.execute(
        select(digest.c.name, edition.c.cut_at, func.count(), since)
        .select_from(delivery)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .outerjoin(edition, edition.c.id == delivery.c.edition_id)
        .outerjoin(attempt, _LAST)
        .where(_UNCERTAIN, delivery.c.resend_at.is_(None))
        .group_by(digest.c.name, edition.c.cut_at)
        .order_by(since)
    )
    return [Uncertain(*row) for row in rows]


def find(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Key (local part of the Message-ID) -> delivery id, of whatever state. Unknown ones absent."""
    wanted = set(keys)
    like: list[ColumnElement[bool]] = [
        delivery.c.message_id.startswith(f"{key}@", autoescape=True) for key in sorted(wanted)
    ]
    if not like:
        return {}
    rows = connection.execute(select(delivery.c.id, delivery.c.message_id).where(or_(*like)))
    return {row.message_id.partition("@")[0]: row.id for row in rows}


def resend(connection: Connection, ids: Iterable[int], now: datetime) -> list[int]:
    """Plan uncertain ones again, with the same Message-ID. Returns which were uncertain.

    They never get too late any more: expiry would untell what may have arrived the first time.
    """
    again = plan_those(connection, delivery.c.id.in_(list(ids)), now=now)
    for some in lots(again):
        timeless = update(delivery).where(delivery.c.id.in_(some))
        connection.execute(timeless.values(expires_at=None))
    return again


def drop(
    connection: Connection, ids: Iterable[int], now: datetime, *, untold: bool = False
) -> list[int]:
    """Leave uncertain ones as they are, for good. Returns which were uncertain.

    What they told stays told; with `untold` it is released, and the next edition reaches back.
    """
    gone = connection.execute(
        update(delivery)
        .where(in_order(delivery.c.id.in_(list(ids)), _UNCERTAIN))
        .values(state=DeliveryState.DROPPED.value, settled_at=now)
        .returning(delivery.c.id)
    )
    found = sorted(gone.scalars())
    if untold:
        release(connection, found)
    forget_parts(connection, found)
    return found


def _read(values: dict[str, Any]) -> UnsentDelivery:
    key = values.pop("message_id").partition("@")[0]
    again = values.pop("resend_at")
    if values["state"] == DeliveryState.DEFERRED:
        again = values["next_try_at"]
    return UnsentDelivery(
        **{**values, "key": key, "reply": values["reply"] or "", "next_try_at": again}
    )
