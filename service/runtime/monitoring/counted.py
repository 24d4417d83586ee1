"""What this process counts itself, for `/metrics`: jobs, polls, mails, and how late news is.

The rooms do not know of it. Jobs are timed around the engine's own, polls come from a pass' result,
mails from the callback that a run of deliveries has. Threads may share it.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.errors import (
    BantinError,
    DriftError,
    FetchError,
    HttpError,
    ParseError,
    QuarantinedError,
    RobotsError,
    StoreError,
)
from service.report.lateness import BELIEVABLE

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

NEWS_S = (MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR,
          8 * HOUR, DAY, 2 * DAY, 7 * DAY)  # fmt: skip
"""Bounds of buckets for news, in seconds: sources are asked by the quarter of an hour, digests go
daily or weekly."""

MAIL_S = (5.0, 15.0, 30.0, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY)
"""Those of a mail on its way."""

JOB_S = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, MINUTE, 5 * MINUTE, HOUR)
"""Those of a job's run."""

OUTCOMES: tuple[tuple[type[BantinError], str], ...] = (
    (HttpError, "http"),
    (RobotsError, "robots"),
    (FetchError, "fetch"),
    (QuarantinedError, "quarantined"),
    (DriftError, "drift"),
    (ParseError, "parse"),
    (StoreError, "store"),
)
"""What a poll came to: the first kind of error that it is. Others are "ok", "lost" and "other"."""


@dataclass(slots=True)
class Buckets:
    """A histogram: how many values up to each bound, the last for all; and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a value, `times` times. What lies before its own beginning counts as nothing."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.total += seconds * times

    def copy(self) -> Buckets:
        return Buckets(self.bounds, list(self.counts), self.total)


@dataclass(slots=True)
class JobCounts:
    """Runs of a job. `failing`: failures in a row; `ended_at`: when the last run ended."""

    seconds: Buckets = field(default_factory=lambda: Buckets(JOB_S))
    failed: int = 0
    failing: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """A copy of it all at one moment. `mails`: (relay, state, kind) -> how many came to it."""

    jobs: Mapping[str, JobCounts]
    polls: Mapping[str, int]
    pages: int
    entries: int
    collected: Buckets
    mails: Mapping[tuple[str, str, str], int]
    accepted: Buckets
    mailed: Buckets


class Counted:
    """One for a process, from its start on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, JobCounts] = {}
        self._running: dict[str, datetime] = {}
        self._polls: Counter[str] = Counter({"ok": 0, "lost": 0, "other": 0})
        self._polls.update({name: 0 for _, name in OUTCOMES})
        self._pages = self._entries = 0
        self._collected = Buckets(NEWS_S)
        self._mails: Counter[tuple[str, str, str]] = Counter()
        self._accepted = Buckets(MAIL_S)
        self._mailed = Buckets(NEWS_S)

    def add_job(self, name: str) -> None:
        """It stands in each scrape from its first on: a rate needs what was before."""
        with self._lock:
            self._jobs.setdefault(name, JobCounts())

    @contextmanager
    def running(
        self, name: str, monotonic: Callable[[], float], clock: Callable[[], datetime]
    ) -> Iterator[None]:
        """Count what the block does as a run of this job; one that is cut off is none."""
        begun = monotonic()
        with self._lock:
            self._running[name] = clock()
        try:
            yield
        except Exception:
            self._ran(name, monotonic() - begun, clock(), failed=True)
            raise
        finally:
            with self._lock:
                self._running.pop(name, None)
        self._ran(name, monotonic() - begun, clock(), failed=False)

    def running_now(self) -> dict[str, datetime]:
        """The jobs that run just now, and since when."""
        with self._lock:
            return dict(self._running)

    def _ran(self, name: str, seconds: float, now: datetime, *, failed: bool) -> None:
        with self._lock:
            job = self._jobs.setdefault(name, JobCounts())
            job.seconds.add(seconds)
            job.failed += failed
            job.failing = job.failing + 1 if failed else 0
            job.ended_at = now

    def polled(self, tried: int, ok: int, failed: Mapping[str, BantinError], pages: int) -> None:
        """A pass has ended. `failed`: source -> why; what another process took over is lost."""
        kinds = Counter(outcome(error) for error in failed.values())
        with self._lock:
            self._polls.update(kinds)
            self._polls["ok"] += ok
            self._polls["lost"] += max(0, tried - ok - len(failed))
            self._pages += pages

    def took_in(self, entries: int, late: Mapping[int, int]) -> None:
        """New entries were stored. `late`: seconds from publication to our first sight -> news."""
        with self._lock:
            self._entries += entries
            for seconds, times in late.items():
                if 0 <= seconds <= BELIEVABLE.total_seconds():
                    self._collected.add(seconds, times)

    def mail(self, relay: str, state: str, kind: str, waited: timedelta, times: int = 1) -> None:
        """A mail came to this state. `relay` "": none was asked. `waited`: since its date."""
        with self._lock:
            self._mails[relay, state, kind] += times
            if state == "accepted":
                self._accepted.add(waited.total_seconds(), times)

    def mailed(self, seconds: float, times: int) -> None:
        """So many readers' mails told an article so long after it was first seen."""
        with self._lock:
            self._mailed.add(seconds, times)

    def now(self) -> Counts:
        """A copy that nobody changes any more."""
        with self._lock:
            return Counts(
                jobs={
                    name: JobCounts(one.seconds.copy(), one.failed, one.failing, one.ended_at)
                    for name, one in self._jobs.items()
                },
                polls=dict(self._polls),
                pages=self._pages,
                entries=self._entries,
                collected=self._collected.copy(),
                mails=dict(self._mails),
                accepted=self._accepted.copy(),
                mailed=self._mailed.copy(),
            )


def outcome(error: BantinError) -> str:
    """One word for why a poll failed."""
    return next((name for kind, name in OUTCOMES if isinstance(error, kind)), "other")
