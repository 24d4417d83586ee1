"""When each subscription is cut next: by its own rule, computed anew only when that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, update

from service.store.core.arrays import RowUpdate
from service.store.tables import subscriber, subscription, subscription_event

READING = and_(subscription.c.ended_at.is_(None), subscription.c.starts_at.is_not(None))
"""The condition that somebody reads: confirmed, and not ended."""

PEOPLE = subscription.join(subscriber, subscriber.c.id == subscription.c.subscriber_id)

ZONE = func.coalesce(subscription.c.zone, subscriber.c.zone)
"""The subscription's own zone, else the person's; None: the site's."""

_UNCUT = subscription.c.next_cut_at.is_(None)

# Each plan asks for them of each digest: to build them took longer than their answers.
_SETTINGS = (
    select(
        subscription.c.cadence,
        subscription.c.hour,
        ZONE.label("zone"),
        subscription.c.rule,
        _UNCUT.label("uncut"),
    )
    .select_from(PEOPLE)
    .where(subscription.c.digest_id == bindparam("of"), READING)
    .distinct()
)
_CHANGED = subscription.c.id.in_(
    select(subscription_event.c.subscription_id).where(
        subscription_event.c.id > bindparam("behind")
    )
)
_CHANGED_SETTINGS = _SETTINGS.where(_CHANGED)


@dataclass(frozen=True, slots=True)
class CutSettings:
    """How some subscriptions of a digest want to be cut.

    `rule` is what their next cut was computed from (None: it never was), `uncut` says that they
    have none.
    """

    cadence: str
    hour: str | None
    zone: str | None
    rule: str | None
    uncut: bool


@dataclass(frozen=True, slots=True)
class Scheduling:
    """A subscription whose next cut must be computed anew. `rule` None: it never was."""

    id: int
    starts_at: datetime
    next_cut_at: datetime | None
    rule: str | None


def cut_settings(
    connection: Connection, digest_id: int, since: int | None = None
) -> list[CutSettings]:
    """The different preferences among those who read a digest.

    `since`: only of those who have a line of history behind this one, None = of all.
    """
    asked = _SETTINGS if since is None else _CHANGED_SETTINGS
    rows = connection.execute(asked, {"of": digest_id, "behind": since})
    return [CutSettings(row.cadence, row.hour, row.zone, row.rule, bool(row.uncut)) for row in rows]


def to_schedule(
    connection: Connection,
    digest_id: int,
    one: CutSettings,
    since: int | None = None,
    *,
    after: int,
    limit: int,
) -> list[Scheduling]:
    """The first `limit` by id of those who have exactly these preferences, behind the id `after`.

    `since`: as in `cut_settings`.
    """
    changed = () if since is None else (_CHANGED,)
    rows = connection.execute(
        select(
            subscription.c.id,
            subscription.c.starts_at,
            subscription.c.next_cut_at,
            subscription.c.rule,
        )
        .select_from(PEOPLE)
        .where(*_having(digest_id, one), *changed, subscription.c.id > after)
        .order_by(subscription.c.id)
        .limit(limit),
        {"behind": since},
    )
    return [Scheduling(row.id, row.starts_at, row.next_cut_at, row.rule) for row in rows]


def _having(digest_id: int, one: CutSettings) -> list[ColumnElement[bool]]:
    return [
        subscription.c.digest_id == digest_id,
        READING,
        subscription.c.cadence == one.cadence,
        subscription.c.hour.is_not_distinct_from(one.hour),
        ZONE.is_not_distinct_from(one.zone),
        subscription.c.rule.is_not_distinct_from(one.rule),
        _UNCUT if one.uncut else ~_UNCUT,
    ]


_CUT = RowUpdate(subscription, ["id"], ["next_cut_at"], {"rule": bindparam("by_rule")})
_BEGUN = RowUpdate(subscription, ["id"], ["starts_at", "covered_to"], {})


def schedule(connection: Connection, rule: str, cuts: Sequence[tuple[int, datetime]]) -> None:
    """(Subscription, its next cut) by a new rule."""
    _CUT(connection, cuts, by_rule=rule)


def pull_back(connection: Connection, digest_id: int, one: CutSettings, to: datetime) -> int:
    """Give those with exactly these whose next cut lies later the cut `to`. How many."""
    theirs = select(subscription.c.id).select_from(PEOPLE).where(*_having(digest_id, one))
    late = and_(subscription.c.id.in_(theirs), subscription.c.next_cut_at > to)
    return connection.execute(update(subscription).where(late).values(next_cut_at=to)).rowcount


def begin_at(connection: Connection, starts: Sequence[tuple[int, datetime]]) -> None:
    """(Subscription, where its window begins), instead of its confirmation."""
    _BEGUN(connection, [(row, at, at) for row, at in starts])
