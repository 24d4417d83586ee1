"""Rows of returned mail: what came back for a delivery after the relay had accepted it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.sql.dml import ReturningInsert

from service.store.audience import merging
from service.store.core.bulk import lots
from service.store.core.statements import upsert_for
from service.store.tables import delivery, digest, returned_mail, subscriber, subscription

BOUNCE, COMPLAINT = "bounce", "complaint"
ABOUT_US = "about_us"
"""The kind of a bounce because of our sender, our relay or that mail: it weighs nothing."""

UNREAD = "unread"
"""The kind of a mail that nobody could read: it weighs nothing, and `reason` says why."""


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """A delivery as its return path is checked by: number, Message-ID, and whom it went to.

    `former`: keys of the addresses that this person had before; it may have gone to one of them.
    """

    id: int
    message_id: str
    address_key: bytes
    former: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class NewReturned:
    """What a returned mail says of a delivery, without any address in `reason`.

    `kind`: bounce, complaint, ABOUT_US or UNREAD. `hard`: it is reason enough by itself.
    `status`: RFC 3463, "" where none was written.
    """

    of: SentDelivery
    kind: str
    hard: bool
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A row: what came back for a delivery of a digest, and when."""

    delivery_id: int
    digest: str
    kind: str
    hard: bool
    status: str
    reason: str
    returned_at: datetime


def sent(connection: Connection, ids: Iterable[int]) -> dict[int, SentDelivery]:
    """Id -> delivery, of those that there are."""
    found: dict[int, SentDelivery] = {}
    for some in lots(ids):
        rows = connection.execute(
            select(
                delivery.c.id,
                delivery.c.message_id,
                subscriber.c.address_key,
                subscriber.c.id.label("who"),
            )
            .join(subscription, subscription.c.id == delivery.c.subscription_id)
            .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
            .where(delivery.c.id.in_(some))
        ).all()
        former = merging.former_keys(connection, [row.who for row in rows])
        found.update(
            (
                row.id,
                SentDelivery(row.id, row.message_id, row.address_key, former.get(row.who, ())),
            )
            for row in rows
        )
    return found


def add(connection: Connection, said: NewReturned, now: datetime) -> bool:
    """Write the row. False: the same was known. A hard bounce takes the place of a soft one."""
    row = {
        "delivery_id": said.of.id,
        "kind": said.kind,
        "address_key": said.of.address_key,
        "hard": said.hard,
        "status": said.status[:16],
        "reason": said.reason,
        "returned_at": now,
    }
    return connection.execute(_adding(connection.dialect.name), row).first() is not None


@cache
def _adding(dialect: str) -> ReturningInsert[int]:
    """Made once: a mailbox has thousands of them at a time."""
    row = upsert_for(dialect, returned_mail)
    new = row.excluded
    return row.on_conflict_do_update(
        index_elements=[returned_mail.c.delivery_id, returned_mail.c.kind],
        set_={"hard": new.hard, "status": new.status, "reason": new.reason},
        where=and_(returned_mail.c.hard.is_(False), new.hard.is_(True)),
    ).returning(returned_mail.c.delivery_id)


def is_known(connection: Connection, said: NewReturned) -> bool:
    """Whether `add` would change nothing."""
    hard = connection.scalar(
        select(returned_mail.c.hard).where(
            returned_mail.c.delivery_id == said.of.id, returned_mail.c.kind == said.kind
        )
    )
    return hard is not None and (bool(hard) or not said.hard)


def soft_bounces(connection: Connection, address_key: bytes, since: datetime) -> list[datetime]:
    """When soft bounces of this address came back, since then."""
    rows = connection.execute(
        select(returned_mail.c.returned_at).where(
            returned_mail.c.address_key == address_key,
            returned_mail.c.returned_at >= since,
            returned_mail.c.kind == BOUNCE,
            returned_mail.c.hard.is_(False),
        )
    )
    return list(rows.scalars())


def counts_since(connection: Connection, since: datetime) -> dict[str, int]:
    """How many came back since then: hard, soft, complaint, about_us, unread; all of these."""
    c = returned_mail.c
    rows = connection.execute(
        select(c.kind, c.hard, func.count()).where(c.returned_at >= since).group_by(c.kind, c.hard)
    )
    counts = dict.fromkeys(("hard", "soft", COMPLAINT, ABOUT_US, UNREAD), 0)
    for kind, hard, number in rows:
        counts[("hard" if hard else "soft") if kind == BOUNCE else kind] += number
    return counts


def of_address(connection: Connection, address_key: bytes, limit: int) -> list[Returned]:
    """What came back for this address, the newest first."""
    c = returned_mail.c
    rows = connection.execute(
        select(c.delivery_id, digest.c.name, c.kind, c.hard, c.status, c.reason, c.returned_at)
        .join(delivery, delivery.c.id == c.delivery_id)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(c.address_key == address_key)
        .order_by(c.returned_at.desc(), c.delivery_id.desc(), c.kind)
        .limit(limit)
    )
    return [Returned(*row) for row in rows]
