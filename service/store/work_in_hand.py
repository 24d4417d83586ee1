"""What each process has in hand: the rows that it has leased, counted by its name in leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from service.store.mailing import deliveries
from service.store.sources import article_page_queue, polling_queue, site_leases
from service.store.websub import hub_subscriptions

_QUEUES = {
    "sources": polling_queue.LEASE,
    "article pages": article_page_queue.LEASE,
    "mails": deliveries.LEASE,
    "hubs": hub_subscriptions.LEASE,
    "sites": site_leases.LEASE,
}


def by_process(connection: Connection, now: datetime) -> dict[str, Mapping[str, int]]:
    """`ServiceProcess.id` -> of what how many rows, where there are any.

    The kinds are sources, article pages, mails, hubs, and sites that nobody else may ask just now.
    A process that died has them until its leases end.
    """
    found: dict[str, Counter[str]] = {}
    for kind, lease in _QUEUES.items():
        held = select(lease.owner, func.count()).where(lease.until > now, lease.held)
        for owner, rows in connection.execute(held.group_by(lease.owner)).all():
            process, _, _ = owner.partition(" ")  # some jobs have a word of theirs behind it
            found.setdefault(process, Counter())[kind] += rows
    return {process: dict(counts) for process, counts in found.items()}
