"""How many mails sign-ups may cause in each hour: to everybody together, and to one domain.

A mail is counted in the hour in which it is due. Where that hour is full it is due in a later one,
so that a cap delays and never refuses. Hours are those of UTC, and so are the days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Insert, bindparam, delete, select

from service.store.core.statements import upsert_for
from service.store.tables import signup_hour as t

EVERYBODY = b""
"""The key of the counter for all mails together."""

LONGEST_QUEUE = timedelta(days=6)
"""A mail that would have to wait longer is refused: its link works for seven days."""

_HOUR = timedelta(hours=1)

_SINCE = select(t).where(
    t.c.key.in_(bindparam("keys", expanding=True)), t.c.starts_at >= bindparam("since")
)


@dataclass(frozen=True, slots=True)
class Cap:
    """Mails in one hour and in one day."""

    an_hour: int
    a_day: int


def due(
    connection: Connection, caps: Mapping[bytes, Cap], now: datetime, longest: timedelta
) -> datetime | None:
    """When one more mail may go out: now, else the beginning of the first hour with room for it.

    `caps`: key of a counter -> its cap; all of them must have room. None: there is no such hour
    within `longest`. Whoever asks next waits until this transaction has ended.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    _lock(connection, hour)
    counted: dict[bytes, Counter[datetime]] = {key: Counter() for key in caps}
    days: dict[bytes, Counter[date]] = {key: Counter() for key in caps}
    today = hour.replace(hour=0)
    for row in connection.execute(_SINCE, {"keys": list(caps), "since": today}):
        counted[row.key][row.starts_at] = row.mails
        days[row.key][row.starts_at.date()] += row.mails
    while hour - now <= longest:
        if all(
            counted[key][hour] < cap.an_hour and days[key][hour.date()] < cap.a_day
            for key, cap in caps.items()
        ):
            return max(now, hour)
        hour += _HOUR
    return None


def count(connection: Connection, keys: Mapping[bytes, Cap], at: datetime) -> None:
    """Count a mail that is due then, under each of the keys."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    counting = _adding(connection.dialect.name, 1)
    for key in keys:
        connection.execute(counting, {"key": key, "starts_at": hour, "mails": 1})


def prune(connection: Connection, before: datetime) -> None:
    """Delete the counters of hours before this instant. Today's are still asked for."""
    connection.execute(delete(t).where(t.c.starts_at < before))


def _lock(connection: Connection, hour: datetime) -> None:
    """The row of this hour, which PostgreSQL locks for whoever writes it first."""
    row = {"key": EVERYBODY, "starts_at": hour, "mails": 0}
    connection.execute(_adding(connection.dialect.name, 0), row)


@cache
def _adding(dialect: str, mails: int) -> Insert:
    row, more = upsert_for(dialect, t), t.c.mails + mails if mails else t.c.mails
    return row.on_conflict_do_update(index_elements=["key", "starts_at"], set_={"mails": more})
