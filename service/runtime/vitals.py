"""How this process fares: its jobs, its event loop, its disk, and whether it can write its rows.

What no row can tell, since it may be the writing of rows that fails. It is kept in memory for
`/readyz`, and in `var/health.json` for `bantin status`: a file of fixed size that is written over
in place, which works on a full disk too.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from service.errors import BantinError
from service.report.trouble import Trouble
from service.runtime import disk, machine_clock, model_in_use
from service.runtime.composition import Service
from service.store import clock_repair
from service.store.core import facts
from service.store.sources.configurations import InForce

FILE = "health.json"
"""Of a process that does all; of several each has its name in it, `health-web.json`."""

SIZE = 16 * 1024

BEAT_S = 1.0
LOOK_S = 5.0
PROBE_S = 15.0

LATE_S = 2.0
"""A loop that answers so late is told for a minute: pages and time limits suffer."""

STUCK_S = 30.0
"""So late, the service is not ready."""

MEMORY_S = 60.0
_END_S = 2.0

FAILS = 3
"""So often in a row a job fails before it is said that a part does not work."""


@dataclass(slots=True)
class _Failing:
    times: int
    since: datetime
    error: str


@dataclass
class Vitals:
    """One for a running process. Jobs are told on its event loop; `troubles` is for any thread.

    `monotonic` gives seconds, `service.clock` the instants that are shown.
    """

    service: Service
    monotonic: Callable[[], float] = time.monotonic
    name: str = ""
    _jobs: dict[str, _Failing] = field(default_factory=dict)
    _lags: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=120))
    _beat_at: float | None = None
    _store: tuple[str, datetime] | None = None
    _behind: int = 0
    _newer: InForce | None = None
    _ends: threading.Event = field(default_factory=threading.Event)
    _written: str = ""

    def job_ended(self, name: str, error: Exception | None) -> None:
        """After each run of a job."""
        if error is None:
            self._jobs.pop(name, None)
            return
        text = _said(error)
        before = self._jobs.get(name)
        if before is None:
            self._jobs[name] = _Failing(1, self.service.clock(), text)
        else:
            self._jobs[name] = _Failing(before.times + 1, before.since, text)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Measured and written down inside; on the event loop."""
        with suppress(OSError):  # has its room before the disk may fill
            self._write()
        beat = asyncio.create_task(self.beat(), name="beat")
        watch = threading.Thread(target=self.watch, name="vitals", daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._ends.set()
            beat.cancel()
            watch.join(_END_S)

    async def beat(self) -> None:
        """Measure how late the event loop is, until it is cancelled."""
        while True:
            begun = self._beat_at = self.monotonic()
            await asyncio.sleep(BEAT_S)
            self._lags.append((self.monotonic(), self.monotonic() - begun - BEAT_S))

    def watch(self) -> None:
        """Probe the store and keep the file until `end`; for a thread of its own."""
        probed = -PROBE_S
        wait_s = 0.1  # whether the store can be written is told soon after the start
        while not self._ends.wait(wait_s):
            wait_s = LOOK_S
            if self.monotonic() - probed >= PROBE_S:
                probed = self.monotonic()
                self._probe()
            with suppress(OSError):
                self._write()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def troubles(self) -> list[Trouble]:
        """What is wrong now, the worst first."""
        told = disk.troubles(disk.folders(self.service.settings))
        told += model_in_use.troubles(self.service.model())
        told += machine_clock.troubles(self.service)
        if self._store is not None:
            error, since = self._store
            told.append(Trouble("store_write", {"error": error, "since": since}, stops=True))
        for name, one in list(self._jobs.items()):
            values = {"job": name, "times": one.times, "since": one.since, "error": one.error}
            told.append(Trouble("job", values, stops=one.times >= FAILS))
        lag = self.lag()
        if lag >= LATE_S:
            told.append(Trouble("loop", {"seconds": round(lag, 1)}, stops=lag >= STUCK_S))
        if self._newer is not None:
            told.append(Trouble("configuration", {"since": self._newer.since}))
        if self._behind:
            told.append(Trouble("clock", {"days": self._behind}, stops=True))
        return told

    @property
    def _file(self) -> Path:
        return self.service.settings.var / (f"health-{self.name}.json" if self.name else FILE)

    @property
    def can_write(self) -> bool:
        """Whether the store took the last probe's row."""
        return self._store is None

    def lag(self) -> float:
        """How late the event loop was: the longest of the last minute, or of this moment, in s."""
        now = self.monotonic()
        lags = [lag for at, lag in list(self._lags) if now - at <= MEMORY_S]
        begun = self._beat_at
        current = 0.0 if begun is None else now - begun - BEAT_S
        return max([current, *lags])

    def _probe(self) -> None:
        try:
            self.service.store.measure_clock()
            with self.service.store.write() as connection:
                now = self.service.clock()
                facts.pulse(connection, now)
                ahead = clock_repair.furthest(connection, now)
                self._behind = 0 if ahead is None else ahead.days
            self._newer = self.service.replaced_by()
        except (BantinError, OSError) as error:
            since = self.service.clock() if self._store is None else self._store[1]
            self._store = str(error), since
            structlog.get_logger("bantin").error("the store cannot be written", error=str(error))
        else:
            self._store = None

    def _write(self) -> None:
        said = json.dumps([_plain(one) for one in self.troubles()], ensure_ascii=False)
        if said == self._written:
            return
        data = said.encode()[:SIZE].ljust(SIZE)
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, data, 0)
        finally:
            os.close(file)
        self._written = said


def noted(var: Path, name: str = "") -> list[Trouble]:
    """What a running process has said of itself in `var`; nothing where it cannot be read."""
    try:
        found = json.loads((var / (f"health-{name}.json" if name else FILE)).read_bytes())
        return [_trouble(one) for one in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _said(error: BaseException) -> str:
    """The error in one line; of a group its first error, which is what went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]


def _plain(trouble: Trouble) -> dict[str, object]:
    values = {
        name: {"at": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in trouble.values.items()
    }
    return {"key": trouble.key, "stops": trouble.stops, "values": values}


def _trouble(plain: dict[str, object]) -> Trouble:
    values = plain["values"]
    assert isinstance(values, dict)
    read = {
        name: datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return Trouble(str(plain["key"]), read, stops=bool(plain["stops"]))
