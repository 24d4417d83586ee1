"""Editions whose mails relays refuse for what is in them: nothing else would say so.

The relay takes other mail, no address is to blame, and what was refused is told by a later edition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, literal, or_, select

from service.model import DeliveryState
from service.store.mailing.deliveries import BY_ROW
from service.store.tables import delivery, digest, edition

TOLD_FOR = timedelta(days=2)

_WAITED = timedelta(days=7)
"""A mail is tried no longer than this before it is refused."""

_MOST = 20

_ACCEPTED = BY_ROW.in_([DeliveryState.ACCEPTED.value])


@dataclass(frozen=True, slots=True)
class RefusedEdition:
    """`mails` of it were refused, the last by this answer, and fewer were taken.

    `since`: when the first was.
    """

    digest: str
    cut_at: datetime
    mails: int
    since: datetime
    answer: str


def refused(connection: Connection, now: datetime) -> list[RefusedEdition]:
    """The oldest first. One is told no more once a later edition of its digest was taken."""
    after_the_envelope = or_(*(delivery.c.reply.startswith(one) for one in ("data:", "body:")))
    since = func.min(delivery.c.settled_at)
    rows = connection.execute(
        select(
            edition.c.id,
            edition.c.digest_id,
            digest.c.name,
            edition.c.cut_at,
            func.count().label("mails"),
            since.label("since"),
            func.max(delivery.c.reply).label("answer"),
        )
        .join(edition, edition.c.id == delivery.c.edition_id)
        .join(digest, digest.c.id == edition.c.digest_id)
        .where(
            delivery.c.state == DeliveryState.REJECTED.value,
            delivery.c.priority == 1,
            delivery.c.next_try_at > now - TOLD_FOR - _WAITED,  # as the index has them
            delivery.c.settled_at > now - TOLD_FOR,
            after_the_envelope,
        )
        .group_by(edition.c.id, edition.c.digest_id, digest.c.name, edition.c.cut_at)
        .order_by(since.desc())
        .limit(_MOST)
    ).all()
    return [
        RefusedEdition(row.name, row.cut_at, row.mails, row.since, row.answer)
        for row in reversed(rows)
        if not _is_taken(connection, row.id, row.mails)
        and not _goes_on(connection, row.digest_id, row.cut_at)
    ]


def _is_taken(connection: Connection, edition_id: int, mails: int) -> bool:
    """Whether as many of its mails were taken."""
    mine = delivery.c.edition_id == edition_id, _ACCEPTED
    some = select(literal(1)).where(*mine).limit(mails).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) >= mails


def _goes_on(connection: Connection, digest_id: int, cut_at: datetime) -> bool:
    """Whether a mail of a later edition of the digest was taken."""
    later = (
        exists()
        .where(
            edition.c.digest_id == digest_id,
            edition.c.cut_at > cut_at,
            delivery.c.edition_id == edition.c.id,
            _ACCEPTED,
        )
        .select()
    )
    return bool(connection.scalar(later))
