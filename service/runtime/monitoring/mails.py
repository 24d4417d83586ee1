"""What one run of deliveries did, counted for `/metrics` and told in the log.

Each mail is counted when its state is committed. How late its news is, and which articles it told,
is looked up once at the end of the run, for all mails of an edition together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from service.mail.deliver import MailResult
from service.model import DeliveryState
from service.runtime.monitoring.counted import Counted
from service.runtime.monitoring.traces import tell_edition
from service.store.core.database import Store
from service.store.mailing import edition_articles


class MailsOfARun:
    """One for each run. `note` is called on the event loop, `end` once the run is over."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._states: Counter[DeliveryState] = Counter()
        self._accepted: Counter[tuple[int, int]] = Counter()  # (edition, minute of the epoch)

    def note(self, one: MailResult) -> None:
        """A mail came to a state."""
        self._states[one.state] += 1
        self._counted.mail(one.relay, str(one.state), str(one.kind), one.at - one.dated_at)
        if one.state is DeliveryState.ACCEPTED and one.edition_id is not None:
            self._accepted[one.edition_id, int(one.at.timestamp()) // 60] += 1

    def end(self, store: Store, counts: Mapping[DeliveryState, int]) -> None:
        """`counts`: all that came to a state in this run, also what no relay was asked to take."""
        for state, number in (Counter(counts) - self._states).items():
            self._counted.mail("", str(state), "", timedelta(), number)
        if not self._accepted:
            return
        editions = {edition for edition, _ in self._accepted}
        with store.read() as connection:
            found = edition_articles.of(connection, editions)
        for (edition, minute), mails in self._accepted.items():
            at = datetime.fromtimestamp(minute * 60 + 30, UTC)
            for article in found[edition].articles if edition in found else ():
                self._counted.mailed((at - article.first_seen_at).total_seconds(), mails)
        for edition, told in found.items():
            mails = sum(n for (one, _), n in self._accepted.items() if one == edition)
            tell_edition("mails accepted", told, mails=mails)
