"""What `/metrics` counts in rows: a few statements, each with few rows, whatever the size.

Settled deliveries, and what is only ever added, are not counted here: their number grows without
end, and the process that does the work counts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from service.model import UNSETTLED_STATES
from service.store import tables as t
from service.store.content import search_index, story_rows
from service.store.sources.pauses import awake
from service.store.sources.polling_queue import LEASE


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """`by_state`: how many sources stand so (report.standing); `due`: how many could be asked now.

    `oldest_due`: since when the first of these has been due; None: none is.
    """

    by_state: dict[str, int]
    due: int
    oldest_due: datetime | None


@dataclass(frozen=True, slots=True)
class UnsettledMails:
    """Deliveries of one kind that stand in one state, and when the first of them is or was due."""

    kind: str
    state: str
    number: int
    first_due: datetime


def sources(connection: Connection, now: datetime, late_before: datetime) -> SourceCounts:
    """Sources that are not retired, by the state that `standing.state` gives each."""
    source, poll = t.source.c, t.source_poll.c
    is_due = and_(awake(now), poll.gone_at.is_(None), poll.next_poll_at <= now, LEASE.free(now))
    each = (
        select(
            _state(now, late_before).label("state"),
            case((is_due, poll.next_poll_at)).label("due_at"),
        )
        .join(t.source_poll, poll.source_id == source.id)
        .where(source.retired_at.is_(None))
        .subquery()
    )
    rows = connection.execute(
        select(
            each.c.state, func.count(), func.count(each.c.due_at), func.min(each.c.due_at)
        ).group_by(each.c.state)
    ).all()
    oldest = min((row[3] for row in rows if row[3] is not None), default=None)
    return SourceCounts({row[0]: row[1] for row in rows}, sum(row[2] for row in rows), oldest)


def _state(now: datetime, late_before: datetime) -> ColumnElement[str]:
    """The same as `report.standing.state`, which says it of one row; a test holds them together."""
    poll = t.source_poll.c
    fails_so = and_(poll.failures > 0, poll.error.is_not_distinct_from(poll.document_error))
    return case(
        (~awake(now), "paused"),
        (poll.gone_at.is_not(None), "gone"),
        (poll.quarantined_since.is_not(None), "quarantined"),
        (poll.held_until > now, "slowed"),
        (and_(fails_so, poll.drifting_since.is_not(None)), "drifting"),
        (poll.failures > 0, "failing"),
        (poll.next_poll_at < late_before, "late"),
        (poll.last_ok_at.is_(None), "new"),
        else_="ok",
    )


def pages(connection: Connection) -> int:
    """Articles' own pages that are still to be read."""
    return connection.scalar(select(func.count()).select_from(t.unread_page)) or 0


def unsettled(connection: Connection) -> list[UnsettledMails]:
    """Deliveries that are not final, by kind ("edition" or "transactional") and state.

    What is settled is left out: that part of the index is as long as the history of the service.
    """
    mail = t.delivery.c
    rows = connection.execute(
        select(mail.state, mail.priority, func.count(), func.min(mail.next_try_at))
        .where(mail.state.in_(sorted(UNSETTLED_STATES)))
        .group_by(mail.state, mail.priority)
    )
    kinds = ("transactional", "edition")  # by their priority
    return [UnsettledMails(kinds[row[1]], row[0], row[2], row[3]) for row in rows]


def unjudged(connection: Connection) -> int:
    """Articles that wait until it is judged which story they tell; 0 where nothing is judged.

    Counted as if none were missing between their ids.
    """
    to = story_rows.judged_to(connection)
    return 0 if to is None else max(0, story_rows.newest(connection) - to)


def unindexed(connection: Connection) -> int:
    """Articles that search does not find yet, or by their words of before."""
    return search_index.waiting(connection)
