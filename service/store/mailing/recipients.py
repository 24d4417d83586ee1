"""Reads the recipient of a message: subscriber, subscription and digest, as one value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from service.store.tables import digest, subscriber, subscription


@dataclass(frozen=True, slots=True)
class Recipient:
    """The personal side of one message.

    `address` is None once forgotten. `subscribed_at` is the sign-up, which never moves (`starts_at`
    does). `topics` are ids of the TOML, None = the digest's own, now and later. `language` and
    `zone` are the subscriber's preferences, None = the site's.
    """

    subscription_id: int | None
    address: str | None
    token: str
    subscribed_at: datetime
    topics: tuple[str, ...] | None
    digest: str
    digest_title: str
    language: str | None = None
    zone: str | None = None


COLUMNS = (
    subscription.c.id.label("subscription_id"),
    subscriber.c.address,
    subscription.c.token,
    subscription.c.created_at.label("subscribed_at"),
    subscription.c.topics,
    digest.c.name.label("digest"),
    digest.c.title.label("digest_title"),
    subscriber.c.language.label("subscriber_language"),
    subscriber.c.zone.label("subscriber_zone"),
)
"""What `from_row` needs, for selects that join subscription, subscriber and digest."""

PEOPLE = subscription.join(subscriber, subscriber.c.id == subscription.c.subscriber_id).join(
    digest, digest.c.id == subscription.c.digest_id
)


def from_row(row: Any) -> Recipient:
    """The recipient in a row that has COLUMNS."""
    return Recipient(
        subscription_id=row.subscription_id,
        address=row.address,
        token=row.token,
        subscribed_at=row.subscribed_at,
        topics=None if row.topics is None else tuple(row.topics),
        digest=row.digest,
        digest_title=row.digest_title,
        language=row.subscriber_language,
        zone=row.subscriber_zone,
    )


def by_subscription(connection: Connection, ids: Iterable[int]) -> dict[int, Recipient]:
    """Subscription id -> its recipient, live or ended. Unknown ids are left out."""
    wanted: Select[Any] = select(*COLUMNS).select_from(PEOPLE)
    rows = connection.execute(wanted.where(subscription.c.id.in_(list(ids))))
    return {row.subscription_id: from_row(row) for row in rows}
