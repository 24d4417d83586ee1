"""What rows tell of how the service fares, asked at most once in some seconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.errors import StoreError
from service.mail.relays import line_names
from service.report.reviews import overdue
from service.report.standing import LATE_AFTER
from service.runtime.composition import Service
from service.store import metric_counts, status_counts
from service.store.core import hold, processes
from service.store.core.database import Connection
from service.store.core.processes import ServiceProcess
from service.store.mailing import returned_mail, uncertain_deliveries
from service.store.mailing.relays import relay_states, slow_domains
from service.store.mailing.relays.relay_states import RelayState
from service.store.metric_counts import SourceCounts, UnsettledMails
from service.store.reviews import reviews

FRESH_S = 10.0
"""For so long an answer is given again: who scrapes each second costs no more than who does not."""

SHARE = 0.02
"""Reading may take this part of the time: an answer that took long is given again for longer."""

_DAY = timedelta(days=1)

MOST_S = 120.0
"""For longer none is given again, however long it took: alerts are as old as what they go by."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The store at `read_at`. `uncertain`: mails that wait for a decision; since when the first.

    `relays`: of those in the TOML, those that were ever offered a mail. `held`: the store was
    restored and sends nothing yet. `processes`: none where one does all. `resting`: how many
    destinations readers' mails wait for. `returned`: kind -> mails that came back within a day.
    `reviews`: state -> editions under review; `reviews_overdue`: of these, whose hour has passed.
    """

    read_at: datetime
    sources: SourceCounts
    pages: int
    mails: tuple[UnsettledMails, ...]
    relays: tuple[RelayState, ...]
    uncertain: int
    uncertain_since: datetime | None
    held: bool
    reviews: Mapping[str, int]
    reviews_overdue: int
    unjudged: int
    unindexed: int
    articles: int
    processes: tuple[ServiceProcess, ...]
    resting: int
    returned: Mapping[str, int]


class RowsReader:
    """Reads the rows; threads that come while one reads get what it has read."""

    def __init__(self, service: Service, monotonic: Callable[[], float]) -> None:
        self._service = service
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Rows | None] | None = None
        """Until when it is given again."""

    def read(self) -> Rows | None:
        """At most FRESH_S old, or MOST_S where it took longer than that allows (SHARE).

        None: the store could not be read, FRESH_S ago at most.
        """
        with self._lock:
            if self._known is None or self._monotonic() >= self._known[0]:
                begun = self._monotonic()
                rows = self._ask()
                ended = self._monotonic()
                # A wait for a server that is gone says nothing of what reading costs.
                if rows is None:
                    until = ended + FRESH_S
                else:
                    until = begun + min(max(FRESH_S, (ended - begun) / SHARE), MOST_S)
                self._known = until, rows
            return self._known[1]

    def _ask(self) -> Rows | None:
        service = self._service
        try:
            with service.store.read() as connection:
                return self._rows(connection, service.clock(), line_names(service.settings))
        except StoreError:
            return None

    def _rows(self, connection: Connection, now: datetime, relays: list[str]) -> Rows:
        uncertain = uncertain_deliveries.by_edition(connection)
        under_review = reviews.open_ones(connection)
        return Rows(
            read_at=now,
            sources=metric_counts.sources(connection, now, now - LATE_AFTER),
            pages=metric_counts.pages(connection),
            mails=tuple(metric_counts.unsettled(connection)),
            relays=tuple(relay_states.states(connection, relays)),
            uncertain=sum(one.mails for one in uncertain),
            uncertain_since=min((one.since for one in uncertain), default=None),
            held=hold.held_since(connection) is not None,
            reviews=Counter(one.state.value for one in under_review),
            reviews_overdue=sum(overdue(one, now) for one in under_review),
            unjudged=metric_counts.unjudged(connection),
            unindexed=metric_counts.unindexed(connection),
            articles=status_counts.articles(connection),
            processes=tuple(processes.seen(connection)),
            resting=len(slow_domains.resting(connection, now)),
            returned=returned_mail.counts_since(connection, now - _DAY),
        )
