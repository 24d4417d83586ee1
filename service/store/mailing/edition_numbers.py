"""Counts what became of the mails of editions: a statement for all editions, whatever their size.

Rows say all of it. Nothing is counted in a mailbox: a mail has no pixel, and its links are the same
for everybody but for those of the subscription itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, func, or_, select

from service.model import DeliveryState, EndedReason
from service.store.core.bulk import lots
from service.store.mailing.deliveries import BY_ROW
from service.store.mailing.returned_mail import ABOUT_US, BOUNCE, COMPLAINT
from service.store.tables import (
    article,
    delivery,
    edition_story,
    returned_mail,
    segment,
    subscription,
)

GOODBYES = (EndedReason.ONE_CLICK.value, EndedReason.PAGE.value, EndedReason.ALL.value)
"""What a reader says who has had enough. Who takes back a sign-up was not driven away by a mail."""

_ACCEPTED = BY_ROW.in_([DeliveryState.ACCEPTED.value])


@dataclass(frozen=True, slots=True)
class AcceptedSegment:
    """When a relay took the first and the last mail of a segment. `stories`: its layout as JSON."""

    edition_id: int
    stories: dict[str, Any]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """A story of an edition, and the article that stands for it.

    `topics`: ids of the TOML. `published_at` None: its source does not say.
    """

    story_id: int
    topics: tuple[str, ...]
    published_at: datetime | None
    first_seen_at: datetime


def by_state(connection: Connection, editions: Sequence[int]) -> dict[int, dict[str, int]]:
    """Edition -> state -> how many of its mails stand in it; no empty states."""
    found: dict[int, dict[str, int]] = {one: {} for one in editions}
    rows = connection.execute(
        select(delivery.c.edition_id, delivery.c.state, func.count())
        .where(delivery.c.edition_id.in_(editions))
        .group_by(delivery.c.edition_id, delivery.c.state)
    )
    for edition_id, state, number in rows:
        found[edition_id][state] = number
    return found


def left(connection: Connection, editions: Sequence[int]) -> dict[int, int]:
    """Edition -> how many readers said goodbye after its mail and before their next one.

    A link does not say in which mail it stood, so the last edition that a relay took for the
    subscription before it ended counts. One goodbye to all digests counts once, for the last mail
    of any of them. Who came back by "undo" has not left.
    """
    rows = connection.execute(
        select(delivery.c.edition_id, func.count())
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .where(
            delivery.c.edition_id.in_(editions),
            _ACCEPTED,
            subscription.c.ended_reason.in_(GOODBYES),
            delivery.c.id == _last_before_the_end(),
        )
        .group_by(delivery.c.edition_id)
    )
    return {row[0]: row[1] for row in rows}


def returned(connection: Connection, editions: Sequence[int]) -> dict[int, int]:
    """Edition -> how many of its mails came back by mail after a relay had taken them."""
    return _came_back(connection, editions, BOUNCE, ABOUT_US)


def complained(connection: Connection, editions: Sequence[int]) -> dict[int, int]:
    """Edition -> how many of its mails a reader called unwanted, as their provider reported."""
    return _came_back(connection, editions, COMPLAINT)


def _came_back(connection: Connection, editions: Sequence[int], *kinds: str) -> dict[int, int]:
    rows = connection.execute(
        select(delivery.c.edition_id, func.count())
        .join(returned_mail, returned_mail.c.delivery_id == delivery.c.id)
        .where(delivery.c.edition_id.in_(editions), returned_mail.c.kind.in_(kinds))
        .group_by(delivery.c.edition_id)
    )
    return {row[0]: row[1] for row in rows}


def _last_before_the_end() -> ScalarSelect[int]:
    """The last accepted edition of a subscription that has ended, or of all that ended with it."""
    last, theirs = delivery.alias("last"), subscription.alias("theirs")
    to_all = subscription.c.ended_reason == EndedReason.ALL.value
    return (
        select(last.c.id)
        .join(theirs, theirs.c.id == last.c.subscription_id)
        .where(
            theirs.c.subscriber_id == subscription.c.subscriber_id,
            theirs.c.ended_at == subscription.c.ended_at,
            theirs.c.ended_reason == subscription.c.ended_reason,
            or_(theirs.c.id == subscription.c.id, to_all),
            last.c.edition_id.is_not(None),
            # As BY_ROW: these are found by their subscription.
            last.c.state.concat("") == DeliveryState.ACCEPTED.value,
            last.c.settled_at <= subscription.c.ended_at,
        )
        .order_by(last.c.settled_at.desc(), last.c.id.desc())
        .limit(1)
        .correlate(subscription)
        .scalar_subquery()
    )


def accepted(connection: Connection, editions: Sequence[int]) -> Iterator[AcceptedSegment]:
    """The segments of which a relay took a mail."""
    taken = (
        select(
            delivery.c.edition_id,
            delivery.c.segment_id,
            func.min(delivery.c.settled_at).label("first_at"),
            func.max(delivery.c.settled_at).label("last_at"),
        )
        .where(delivery.c.edition_id.in_(editions), _ACCEPTED)
        .group_by(delivery.c.edition_id, delivery.c.segment_id)
        .subquery()
    )
    rows = connection.execute(
        select(taken.c.edition_id, segment.c.stories, taken.c.first_at, taken.c.last_at).join(
            segment, segment.c.id == taken.c.segment_id
        )
    )
    for row in rows:
        yield AcceptedSegment(*row)


def shown(connection: Connection, editions: Sequence[int]) -> dict[int, list[ShownArticle]]:
    """Edition -> its stories in their order, each with the article that stands for it."""
    rows = connection.execute(
        select(
            edition_story.c.edition_id,
            edition_story.c.story_id,
            edition_story.c.topics,
            edition_story.c.article_ids,
        )
        .where(edition_story.c.edition_id.in_(editions))
        .order_by(edition_story.c.edition_id, edition_story.c.position)
    ).all()
    times = _times(connection, {row.article_ids[0] for row in rows if row.article_ids})
    found: dict[int, list[ShownArticle]] = defaultdict(list)
    for row in rows:
        head = next(iter(row.article_ids), None)
        if head in times:
            topics = tuple(name for name, _ in row.topics)
            found[row.edition_id].append(ShownArticle(row.story_id, topics, *times[head]))
    return found


def _times(
    connection: Connection, articles: Iterable[int]
) -> dict[int, tuple[datetime | None, datetime]]:
    """Article -> published, first seen."""
    found: dict[int, tuple[datetime | None, datetime]] = {}
    for some in lots(sorted(articles)):
        rows = connection.execute(
            select(article.c.id, article.c.published_at, article.c.first_seen_at).where(
                article.c.id.in_(some)
            )
        )
        found.update((row.id, (row.published_at, row.first_seen_at)) for row in rows)
    return found
