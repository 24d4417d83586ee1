"""The database's time of day, which every process uses, however wrong its machine's is.

It is asked in a round trip, of which the middle is taken, and goes on by a clock of this machine
that nobody sets. So a machine whose time of day is wrong, or is set, still agrees with the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DRIFT = 2e-4
"""Seconds by which a second of two machines' steady clocks differs at most: cheap quartz."""


def steady_s() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps (Linux)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The database said `told` at the steady second `at_s`, give or take `within_s`."""

    told: datetime
    at_s: float
    within_s: float

    def instant(self, second: float) -> datetime:
        return self.told + timedelta(seconds=second - self.at_s)

    def error_s(self, second: float) -> float:
        return self.within_s + DRIFT * abs(second - self.at_s)


class DatabaseClock:
    """Gives the database's instant, aware UTC, once it was asked. Threads may share it.

    While the database is away it goes on from the last answer.
    """

    def __init__(self, steady: Callable[[], float] = steady_s) -> None:
        """`steady` gives seconds; only their differences count."""
        self._steady = steady
        self._reading: _Reading | None = None

    def __call__(self) -> datetime:
        """The instant now. It must have been measured: a store that was opened has been."""
        assert self._reading is not None, "nobody has asked the database"
        return self._reading.instant(self._steady())

    @property
    def is_known(self) -> bool:
        """Whether the database was asked."""
        return self._reading is not None

    def measure(self, ask: Callable[[], datetime]) -> None:
        """Ask the database for its instant, aware, and go by that from now on.

        A round trip that took long says less than an earlier short one and is taken only where it
        contradicts: then the database's clock was set, or another server answers.
        """
        before = self._steady()
        told = ask().astimezone(UTC)
        after = self._steady()
        new = _Reading(told, (before + after) / 2, (after - before) / 2)
        old = self._reading
        if old is None or self._is_better(new, old):
            self._reading = new

    @staticmethod
    def _is_better(new: _Reading, old: _Reading) -> bool:
        error_s = old.error_s(new.at_s)
        apart_s = abs((new.told - old.instant(new.at_s)).total_seconds())
        return new.within_s <= error_s or apart_s > new.within_s + error_s
