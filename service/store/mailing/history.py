"""What became of one article for one subscriber: the rows that `bantin why` and `explain` show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from service.model import DeliveryState
from service.store import tables as t


@dataclass(frozen=True, slots=True)
class ToldArticle:
    """A row of the ledger with its delivery: the proof that someone was, or will be, told."""

    article_id: int
    scope: str
    shown: bool
    delivery_id: int
    digest: str
    kind: str
    state: str
    message_id: str
    dated_at: datetime
    settled_at: datetime | None
    next_try_at: datetime
    reply: str | None


@dataclass(frozen=True, slots=True)
class SubscriptionSnapshot:
    """A subscription as it stands. `starts_at` None: not confirmed.

    `rule`: what `next_cut_at` was computed from (newsletter/rules.py), None = nothing yet.
    """

    id: int
    digest: str
    scope: str
    cadence: str
    topics: tuple[str, ...] | None
    starts_at: datetime | None
    covered_to: datetime | None
    next_cut_at: datetime | None
    paused_until: datetime | None
    ended_at: datetime | None
    ended_reason: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class Entrance:
    """When one of a story's articles entered a topic. Quiet: old, shown but never mailed."""

    topic: str
    entered_at: datetime
    quiet: bool


@dataclass(frozen=True, slots=True)
class DigestMailed:
    """How many mails of a digest are in a state; `shown` of them show the story, the others count.

    `settled_at`: when the first of them came into it for good, None = it may change.
    """

    digest: str
    state: str
    mails: int
    shown: int
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nothing is sent to an address: why, since when, and what showed it."""

    reason: str
    since: datetime
    evidence: str


def tellings(
    connection: Connection, subscriber_id: int, article_ids: Sequence[int]
) -> list[ToldArticle]:
    """Ledger rows of these articles for this subscriber, the oldest delivery first."""
    rows = connection.execute(
        select(
            t.told.c.article_id,
            t.told.c.scope,
            t.told.c.shown,
            t.delivery.c.id,
            t.digest.c.name,
            t.delivery.c.kind,
            t.delivery.c.state,
            t.delivery.c.message_id,
            t.delivery.c.dated_at,
            t.delivery.c.settled_at,
            t.delivery.c.next_try_at,
            t.delivery.c.reply,
        )
        .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
        .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
        .join(t.digest, t.digest.c.id == t.subscription.c.digest_id)
        .where(t.told.c.subscriber_id == subscriber_id, t.told.c.article_id.in_(article_ids))
        .order_by(t.delivery.c.id)
    )
    return [ToldArticle(*tuple(row)) for row in rows]


def subscriptions(connection: Connection, subscriber_id: int) -> list[SubscriptionSnapshot]:
    """All subscriptions of a subscriber, ended ones too, the newest first."""
    rows = connection.execute(
        select(
            t.subscription.c.id,
            t.digest.c.name,
            t.digest.c.scope,
            t.subscription.c.cadence,
            t.subscription.c.topics,
            t.subscription.c.starts_at,
            t.subscription.c.covered_to,
            t.subscription.c.next_cut_at,
            t.subscription.c.paused_until,
            t.subscription.c.ended_at,
            t.subscription.c.ended_reason,
            t.subscription.c.rule,
        )
        .join(t.digest, t.digest.c.id == t.subscription.c.digest_id)
        .where(t.subscription.c.subscriber_id == subscriber_id)
        .order_by(t.subscription.c.id.desc())
    )
    return [
        SubscriptionSnapshot(
            id, digest, scope, cadence, None if topics is None else tuple(topics), *instants_reason
        )
        for id, digest, scope, cadence, topics, *instants_reason in rows  # noqa: A001 - the column
    ]


def entrances(connection: Connection, article_ids: Sequence[int]) -> list[Entrance]:
    """Where and when these articles entered topics, the earliest first."""
    rows = connection.execute(
        select(t.topic.c.name, t.article_topic.c.entered_at, t.article_topic.c.quiet)
        .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
        .where(t.article_topic.c.article_id.in_(article_ids))
        .order_by(t.article_topic.c.entered_at)
    )
    return [Entrance(*row) for row in rows]


def mailed(connection: Connection, article_ids: Sequence[int]) -> list[DigestMailed]:
    """What each digest's mails tell of these articles, by the states of the mails."""
    rows = connection.execute(
        select(
            t.digest.c.name,
            t.delivery.c.state,
            func.count(t.delivery.c.id.distinct()),
            func.count(case((t.told.c.shown, t.delivery.c.id)).distinct()),
            func.min(t.delivery.c.settled_at),
        )
        .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
        .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
        .join(t.digest, t.digest.c.id == t.subscription.c.digest_id)
        .where(t.told.c.article_id.in_(article_ids))
        .group_by(t.digest.c.position, t.digest.c.name, t.delivery.c.state)
        .order_by(t.digest.c.position, t.digest.c.name, t.delivery.c.state)
    )
    return [DigestMailed(*row) for row in rows]


def message_ids(
    connection: Connection, article_ids: Sequence[int], state: DeliveryState, limit: int
) -> list[str]:
    """Message-IDs of the first mails in a state that tell of these articles."""
    rows = connection.execute(
        select(t.delivery.c.id, t.delivery.c.message_id)
        .distinct()
        .join(t.told, t.told.c.delivery_id == t.delivery.c.id)
        .where(t.told.c.article_id.in_(article_ids), t.delivery.c.state == state)
        .order_by(t.delivery.c.id)
        .limit(limit)
    )
    return [row.message_id for row in rows]


def times_told(connection: Connection, article_ids: Sequence[int]) -> dict[str, int]:
    """State of delivery -> how many subscribers' ledger holds these articles by it."""
    rows = connection.execute(
        select(t.delivery.c.state, func.count(t.told.c.subscriber_id.distinct()))
        .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
        .where(t.told.c.article_id.in_(article_ids))
        .group_by(t.delivery.c.state)
    )
    return {row[0]: row[1] for row in rows}


def suppressed(connection: Connection, address_key: bytes) -> Suppressed | None:
    """Why and since when this address must not be written to; None: it may."""
    row = connection.execute(
        select(
            t.suppression.c.reason, t.suppression.c.suppressed_at, t.suppression.c.evidence
        ).where(t.suppression.c.address_key == address_key)
    ).one_or_none()
    return None if row is None else Suppressed(*row)
