"""One reader and what they read, for looking at a single person's mail beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.store.audience.cut_times import PEOPLE, READING, ZONE, CutSettings, Scheduling
from service.store.audience.windows import Window
from service.store.mailing import deliveries
from service.store.tables import subscriber, subscription, suppression


@dataclass(frozen=True, slots=True)
class ActiveSubscription:
    """A subscription that somebody reads. `window.rule` and its cut are those of the last run.

    They may be empty (rule "", cut at `starts_at`) or out of date: `preferences` says by which rule
    the next run will cut.
    """

    window: Window
    preferences: CutSettings
    scheduling: Scheduling


def readings(connection: Connection, subscriber_id: int) -> list[ActiveSubscription]:
    """All that they read, by id. `window.served` is left False."""
    barred = select(suppression.c.address_key)
    rows = connection.execute(
        select(
            subscription,
            subscriber.c.language,
            ZONE.label("civil_zone"),
            subscriber.c.address_key.in_(barred).label("barred"),
        )
        .select_from(PEOPLE)
        .where(subscription.c.subscriber_id == subscriber_id, READING)
        .order_by(subscription.c.id)
    ).all()
    waiting = deliveries.open_among(connection, [row.id for row in rows])
    return [
        ActiveSubscription(
            Window(
                id=row.id,
                subscriber_id=subscriber_id,
                digest_id=row.digest_id,
                language=row.language,
                rule=row.rule or "",
                topics=None if row.topics is None else tuple(row.topics),
                starts_at=row.starts_at,
                covered_to=row.covered_to or row.starts_at,
                next_cut_at=row.next_cut_at or row.starts_at,
                paused_until=row.paused_until,
                barred=row.barred,
                open=row.id in waiting,
            ),
            CutSettings(row.cadence, row.hour, row.civil_zone, row.rule, row.next_cut_at is None),
            Scheduling(row.id, row.starts_at, row.next_cut_at, row.rule),
        )
        for row in rows
    ]
