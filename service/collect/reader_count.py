"""How many readers publishers are told that we have, in the User-Agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.store.audience import subscribers
from service.store.core.database import Store

COUNTED_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class ReaderCount:
    """How many people get mail, counted once an hour: a pass follows each few seconds.

    Of a million people that takes a second. Threads may share it.
    """

    _number: int = 0
    _at: datetime | None = None

    def now(self, store: Store, now: datetime) -> int:
        """As of the last hour. Raises StoreError."""
        if self._at is None or not timedelta() <= now - self._at < COUNTED_EVERY:
            with store.read() as connection:
                self._number = subscribers.readers(connection)
            self._at = now
        return self._number
