"""What a restored store must not believe: nobody is told twice, or greeted by old news.

Between the backup and its restore mails went out, pages were read and people were told things that
no row knows of any more. So every window begins now, every mail that was open may have arrived,
and what the sources have now is old (docs/decisions/062).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, case, delete, func, select, update

from service.model import OPEN_STATES, DeliveryState, ReviewState
from service.store import tables as t
from service.store.core import facts, hold
from service.store.mailing import deliveries
from service.store.sources import article_page_queue, polling_queue
from service.store.websub import hub_subscriptions

MADE = "backup"
"""The fact that tells where a backup comes from; a store in use has none."""

_OPEN = sorted(state.value for state in OPEN_STATES)
_LOST = "open when the backup was made: it may have arrived since"


def settle(connection: Connection, now: datetime) -> None:
    """Write all of it, and hold mail, in the caller's transaction."""
    _windows(connection, now)
    _mails(connection, now)
    _sources(connection, now)
    _reviews(connection, now)
    for name in (MADE, *facts.OF_PROCESSES):
        facts.forget(connection, name)
    for table in (t.running_process, t.mail_rate, t.slow_domain):
        connection.execute(delete(table))
    hold.hold(connection, now)


def _windows(connection: Connection, now: datetime) -> None:
    """Nobody is told what came before now; a welcome that was due may have gone out."""
    c = t.subscription.c
    connection.execute(update(t.subscription).where(c.starts_at.is_not(None)).values(starts_at=now))
    connection.execute(
        update(t.subscription).where(c.covered_to.is_not(None)).values(covered_to=now)
    )
    connection.execute(
        update(t.subscription).where(c.welcome_due.is_(True)).values(welcome_due=False)
    )


def _mails(connection: Connection, now: datetime) -> None:
    """What was open waits for somebody's word, also where the policy is to send it again.

    What was uncertain already, and would have been sent again by itself, was perhaps.
    """
    c = t.delivery.c
    open_then = {
        "state": DeliveryState.UNCERTAIN.value,
        **deliveries.LEASE.given_back,
        "resend_at": None,
        "reply": _LOST,
    }
    connection.execute(update(t.delivery).where(c.state.in_(_OPEN)).values(open_then))
    connection.execute(update(t.delivery).where(c.resend_at.is_not(None)).values(resend_at=None))
    # A relay that failed then is asked like any other.
    connection.execute(
        update(t.relay).where(t.relay.c.next_try_at.is_not(None)).values(next_try_at=now)
    )


def _reviews(connection: Connection, now: datetime) -> None:
    """Nothing is told of editions that had not gone, so nobody may let them go any more."""
    c = t.review.c
    overtaken = {"state": ReviewState.OVERTAKEN.value, "settled_at": now}
    connection.execute(update(t.review).where(c.settled_at.is_(None)).values(overtaken))


def _sources(connection: Connection, now: datetime) -> None:
    """Every source was never collected, and its first fetch is now; holds are kept.

    What waits to be read, a page or what a hub brought, was perhaps read and told: the page enters
    quietly, and what the hub brought stands in the source's document.
    """
    c = t.source_poll.c
    held = case((c.held_until > now, c.held_until), else_=now)
    connection.execute(
        update(t.source_poll).values(
            next_poll_at=held,
            first_fetch_at=now,
            first_collected_at=None,
            etag=None,
            last_modified=None,
            body_hash=None,
            read_as=None,
            pushed_until=None,
        )
    )
    waiting = select(t.unread_page.c.entry_id)
    connection.execute(
        update(t.entry)
        .where(t.entry.c.id.in_(waiting), t.entry.c.article_id.is_(None))
        .values(quiet=True)
    )
    for lease in (polling_queue.LEASE, article_page_queue.LEASE, hub_subscriptions.LEASE):
        connection.execute(update(lease.table).values(lease.given_back))
    for table in (t.websub_delivery, t.source_snapshot, t.site_lease):
        connection.execute(delete(table))


def number_held(connection: Connection) -> int:
    """How many mails wait for somebody's word."""
    uncertain = t.delivery.c.state == DeliveryState.UNCERTAIN.value
    return connection.scalar(select(func.count()).select_from(t.delivery).where(uncertain)) or 0
