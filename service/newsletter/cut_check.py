"""Remembers up to which line of history readers were checked, so that no tick checks all of them.

What is checked is whether a reader's next cut still follows from their preferences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.schema import Settings

EVERY = timedelta(hours=1)
"""All are looked through so often, whatever was noted of them."""

SLACK = 20_000
"""So many lines of history before the last one are read again: their transactions may have ended
after those of later ones. An import writes 1,000 in each of its own (`audience.lists`), and takes
their numbers before it commits; several may be at work at once, and sign-ups beside them."""


@dataclass(slots=True)
class CutCheck:
    """One for a process. Whose preferences change has a line of history (`audience.records`).

    So between two looks at all readers those alone are looked at that have a new one. Another
    configuration may change everybody's rule.
    """

    _settings: Settings | None = None
    _at: datetime | None = None
    _last: int = 0

    def since(self, settings: Settings, now: datetime) -> int | None:
        """Behind which line of history to look; None: at all readers."""
        if self._settings is not settings or self._at is None:
            return None
        return max(self._last - SLACK, 0) if timedelta() <= now - self._at < EVERY else None

    def done(self, settings: Settings, now: datetime, last: int) -> None:
        """All is well up to the line `last`, which was the newest one before the look."""
        if self.since(settings, now) is None:
            self._settings, self._at = settings, now
        self._last = last
