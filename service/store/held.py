"""Deliveries that wait for a person: uncertain ones, settled by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from service.model import DeliveryState
from service.store.release import forget_parts
from service.store.tables import attempt, delivery, digest, edition, subscriber, subscription


@dataclass(frozen=True, slots=True)
class Held:
    """An uncertain delivery.

    `handed_at`, `relay` None: no attempt is known; `cut_at` None: a letter; `address` None: it is
    forgotten.
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


_UNCERTAIN = delivery.c.state == DeliveryState.UNCERTAIN.value


def held(connection: Connection) -> list[Held]:
    """Everything that waits for a decision, oldest first."""
    last = and_(attempt.c.delivery_id == delivery.c.id, attempt.c.n == delivery.c.tries)
    rows = connection.execute(
        select(
            delivery.c.id,
            delivery.c.message_id,
            delivery.c.kind,
            digest.c.name.label("digest"),
            subscription.c.cadence,
            edition.c.cut_at,
            subscriber.c.address,
            delivery.c.dated_at,
            attempt.c.at.label("handed_at"),
            attempt.c.relay,
            delivery.c.reply,
        )
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .outerjoin(edition, edition.c.id == delivery.c.edition_id)
        .outerjoin(attempt, last)
        .where(_UNCERTAIN)
        .order_by(delivery.c.dated_at, delivery.c.id)
    )
    return [_read(row._asdict()) for row in rows]


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
    again = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(list(ids)), _UNCERTAIN)
        .values(
            state=DeliveryState.PLANNED.value,
            owner=None,
            lease_until=None,
            next_try_at=now,
            expires_at=None,
        )
        .returning(delivery.c.id)
    )
    return sorted(again.scalars())


def drop(connection: Connection, ids: Iterable[int], now: datetime) -> list[int]:
    """Leave uncertain ones as they are, for good; what they told stays told. Returns which."""
    gone = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(list(ids)), _UNCERTAIN)
        .values(state=DeliveryState.DROPPED.value, settled_at=now)
        .returning(delivery.c.id)
    )
    found = sorted(gone.scalars())
    forget_parts(connection, found)
    return found


def _read(values: dict[str, Any]) -> Held:
    key = values.pop("message_id").partition("@")[0]
    return Held(**{**values, "key": key, "reply": values["reply"] or ""})
