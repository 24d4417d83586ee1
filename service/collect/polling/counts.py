"""What a pass has come to, counted as it goes, so that it can let its sources go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from service.collect.polling.record import Recorded
from service.errors import BantinError

Progress = Callable[[int, int], None]
"""Told after each source: how many are done, of how many."""


@dataclass(slots=True)
class PassCounts:
    """Counts of a pass. Of sources: `tried`, `ok`, `failed` by name. Of entries: `new`, `changed`.

    `topics`: whose feeds look otherwise now. `late`: seconds from publication to our first sight ->
    how many new articles.
    """

    tried: int = 0
    ok: int = 0
    new: int = 0
    changed: int = 0
    failed: dict[str, BantinError] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    late: Counter[int] = field(default_factory=Counter)

    def count(self, recorded: Recorded) -> None:
        self.tried += 1
        self.new += recorded.new
        self.changed += recorded.changed
        self.topics |= recorded.topics
        self.late.update(recorded.late)
        if recorded.error is not None:
            self.failed[recorded.source.name] = recorded.error
        elif not recorded.lost:
            self.ok += 1
