"""Repairs instants that a clock which was ahead has left behind (docs/decisions/005).

What has happened cannot lie ahead of now; what is to come lies ahead by no more than its rule can
ever put it. Everything else in the store is left as it is: names of keys (`edition.cut_at`), what a
person chose (`paused_until`), and what nothing is decided by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    or_,
    select,
    true,
    update,
)

from service.model import DeliveryState
from service.store import tables as t
from service.store.audience.signup_hours import LONGEST_QUEUE
from service.store.core.lease import LASTS, Lease
from service.store.mailing import deliveries, resending
from service.store.mailing.relays import slow_domains
from service.store.recalled import corrections
from service.store.sources import article_page_queue, polling_queue, site_leases
from service.store.sources.publisher_holds import NOT_HELD
from service.store.websub import hub_subscriptions

SLACK = timedelta(minutes=1)
"""Clocks of two machines on one database differ by so much without anything being wrong."""

BELIEVED = timedelta(days=35)
"""What lies further ahead than this tells rather that the clock is behind now. The ledger is then
left alone: pulled back beyond what `told` still knows, its windows would tell old news again."""

UNSEEN = timedelta(minutes=10)
"""So long an article may have been admitted by a clock that was set back before that is repaired. A
window that began at the repair would miss it for good; `told` keeps a longer one from telling
twice."""

_TOUCHING = timedelta(seconds=1)
"""Two processes' readings of one clock differ by less."""

_MAIL_BACKOFF = timedelta(minutes=35)
_PAGE_BACKOFF = timedelta(minutes=45)
_HOLD = timedelta(days=29)
_HUB = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class _Rule:
    """`longest`: how far ahead it may lie. `sets`: columns -> None, or how far ahead of now.

    `only`: of which rows.
    """

    column: Column[Any]
    longest: timedelta
    sets: dict[str, timedelta | None]
    only: ColumnElement[bool]

    def too_far(self, now: datetime) -> ColumnElement[bool]:
        return and_(self.only, self.column > now + self.longest + SLACK)


def _due(column: Column[Any], longest: timedelta, only: ColumnElement[bool] | None = None) -> _Rule:
    return _Rule(column, longest, {column.name: timedelta()}, true() if only is None else only)


def _lease(of: Lease, longest: timedelta = LASTS) -> _Rule:
    """A live owner keeps it: it is renewed, or ends when it would have ended at the latest."""
    return _Rule(of.until, longest, {of.until.name: longest}, of.held)


_PLANNED = t.delivery.c.state == DeliveryState.PLANNED.value
_DEFERRED = t.delivery.c.state == DeliveryState.DEFERRED.value
_TRANSACTIONAL = t.delivery.c.priority == 0

_COMING = (
    _due(t.delivery.c.next_try_at, timedelta(), and_(_PLANNED, ~_TRANSACTIONAL)),
    _due(t.delivery.c.next_try_at, LONGEST_QUEUE, and_(_PLANNED, _TRANSACTIONAL)),
    _due(t.delivery.c.next_try_at, _MAIL_BACKOFF, _DEFERRED),
    _lease(deliveries.LEASE),
    _due(t.delivery.c.resend_at, resending.AFTER),
    _due(t.delivery.c.back_off_until, _MAIL_BACKOFF),
    _due(t.correction.c.alone_at, corrections.ALONE_AFTER),
    _due(t.relay.c.next_try_at, _MAIL_BACKOFF),
    _due(t.slow_domain.c.held_until, slow_domains.LONGEST),
    _lease(polling_queue.LEASE),
    _Rule(t.source_poll.c.held_until, _HOLD, dict.fromkeys(NOT_HELD), true()),
    _Rule(t.source_poll.c.pushed_until, _HUB, {"pushed_until": None}, true()),
    _lease(site_leases.LEASE, site_leases.LONGEST),
    _lease(article_page_queue.LEASE),
    _due(t.unread_page.c.next_try_at, _PAGE_BACKOFF),
    _lease(hub_subscriptions.LEASE),
    _due(t.websub.c.next_try_at, _HUB),
    _due(t.websub.c.subscribed_until, _HUB),
    _due(t.subscription.c.paused_until, timedelta(days=367)),
)
"""What is to come. A pause's cap is the form's (a year)."""

_HAPPENED = (
    t.source_poll.c.first_fetch_at,
    t.source_poll.c.last_ok_at,
    t.source_poll.c.last_news_at,
    t.source_poll.c.full_fetch_at,
    t.source_poll.c.redirect_since,
    t.source_poll.c.drifting_since,
    t.source_poll.c.dead_since,
    t.source_poll.c.searched_at,
    t.source.c.retired_at,
    t.digest.c.retired_at,
    t.robots.c.asked_at,
    t.robots.c.failing_since,
    t.unread_page.c.added_at,
    t.websub.c.asked_at,
    t.websub.c.refused_at,
    t.websub.c.missed_at,
    t.websub.c.leaving_since,
    t.relay.c.failing_since,
    t.relay.c.answered_at,
    t.running_process.c.seen_at,
    t.subscription.c.created_at,
    t.address_change.c.asked_at,
    t.former_address.c.left_at,
    t.recall.c.recalled_at,
)
"""What has happened, and decides what comes next."""

_TOPICS = t.article_topic.c.topic_id.in_(select(t.topic.c.id))  # so that its index is used
_LEDGER: tuple[tuple[Column[Any], ColumnElement[bool]], ...] = (
    (t.article_topic.c.entered_at, _TOPICS),
    (t.article_topic.c.listed_at, true()),
    (t.hot_story.c.hot_at, true()),
    (t.delivery.c.created_at, _TRANSACTIONAL),  # one transactional mail a day to an address
)
"""What has happened, and decides what is told: only where the clock is believed."""

_WINDOWS = (t.subscription.c.starts_at, t.subscription.c.covered_to)
"""Since when, and up to when, news has been told: set back behind what came in just now."""


def repair(connection: Connection, now: datetime, longest_interval: timedelta) -> int:
    """Set right all that lies too far ahead of `now`. Returns how many values were changed.

    `longest_interval`: of all sources, by the configuration.
    """
    _lock_mails(connection, now)
    changed = _polls(connection, now, longest_interval) + _transactional(connection, now)
    for rule in _COMING:
        values = {name: None if ahead is None else now + ahead for name, ahead in rule.sets.items()}
        changed += _set(connection, rule.column, rule.too_far(now), values)
    for column in _HAPPENED:
        changed += _set(connection, column, column > now + SLACK, {column.name: now})
    for column, only in _LEDGER:
        ahead = and_(only, column > now + SLACK, column <= now + BELIEVED)
        changed += _set(connection, column, ahead, {column.name: now})
    return changed + _windows(connection, now)


def furthest(connection: Connection, now: datetime) -> timedelta | None:
    """How far the ledger lies ahead where the clock is not believed; None: it does not."""
    latest: datetime | None = connection.scalar(
        select(t.subscription.c.covered_to)
        .where(t.subscription.c.covered_to > now + BELIEVED)
        .order_by(t.subscription.c.covered_to.desc())
        .limit(1)
    )
    return None if latest is None else latest - now


def _windows(connection: Connection, now: datetime) -> int:
    """Windows that begin or end ahead of `now` do so before all that entered since the step back.

    Even one that lies a few seconds ahead would swallow what enters within them.
    """
    changed = 0
    for column in _WINDOWS:
        ahead = and_(column > now + _TOUCHING, column <= now + BELIEVED)
        changed += _set(connection, column, ahead, {column.name: now - UNSEEN})
    return changed


def _lock_mails(connection: Connection, now: datetime) -> None:
    """All that is set right, as all who write many lock them: by id, before anything else."""
    c = t.delivery.c
    rules = [rule.too_far(now) for rule in _COMING if rule.column.table is t.delivery]
    ahead = or_(*rules, and_(_TRANSACTIONAL, c.created_at > now + SLACK))
    connection.execute(select(c.id).where(ahead).order_by(c.id).with_for_update()).all()


def _polls(connection: Connection, now: datetime, longest: timedelta) -> int:
    """Sources that were asked under the clock that was ahead keep the gap to their next poll."""
    c = t.source_poll.c
    rows = connection.execute(
        select(c.source_id, c.last_tried_at, c.next_poll_at).where(
            (c.last_tried_at > now + SLACK) | (c.next_poll_at > now + longest + SLACK)
        )
    ).all()
    setting = (
        update(t.source_poll)
        .where(c.source_id == bindparam("row"))
        .values(last_tried_at=bindparam("tried"), next_poll_at=bindparam("poll"))
    )
    if rows:
        connection.execute(setting, [_poll(row, now, longest) for row in rows])
    return len(rows)


def _transactional(connection: Connection, now: datetime) -> int:
    """Lets mails that were planned under the clock that was ahead keep what they had to wait.

    That is nothing, or the hours of a flood of sign-ups.
    """
    c = t.delivery.c
    ahead = and_(_PLANNED, _TRANSACTIONAL, c.created_at > now + SLACK, c.next_try_at > now + SLACK)
    rows = connection.execute(select(c.id, c.created_at, c.next_try_at).where(ahead)).all()
    setting = (
        update(t.delivery)
        .where(c.id == bindparam("row"), _PLANNED)
        .values(next_try_at=bindparam("due"))
    )
    waits = {row.id: max(timedelta(), row.next_try_at - row.created_at) for row in rows}
    if waits:
        connection.execute(setting, [{"row": one, "due": now + gap} for one, gap in waits.items()])
    return len(rows)


def _poll(row: Any, now: datetime, longest: timedelta) -> dict[str, object]:
    tried = row.last_tried_at
    if tried is not None and tried > now + SLACK:
        gap, tried = row.next_poll_at - tried, now
    else:
        gap = timedelta()
    in_reason = max(timedelta(), gap) if gap <= longest else timedelta()
    return {"row": row.source_id, "tried": tried, "poll": now + in_reason}


def _set(
    connection: Connection,
    column: Column[Any],
    where: ColumnElement[bool],
    values: dict[str, Any],
) -> int:
    return connection.execute(update(column.table).where(where).values(values)).rowcount
