"""An hour among publishers of whom every tenth misbehaves, in every way that is known.

    python -m tests.bench.hour                                1,000 sources, an hour in 6 minutes
    python -m tests.bench.hour --sources 3000 --speed 5

The clock is ours and runs `--speed` times as fast. All time limits (of fetches, of reading, of a
pass, between two requests to a site) are as much shorter; the processor is not faster, so it is
that much scarcer than in a real hour. The publishers are two processes (`crowd`), asked over real
sockets; a tenth of the well-behaved share their site with one that is not. Prints how
late any well-behaved source was asked, in parts of its interval, what each kind of trouble is
called, and the memory (PSS) of all our processes over the hour.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import parent_process
from pathlib import Path

import structlog
from sqlalchemy import func, select

from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import collect
from service.collect.workers.pool import QUICK_S, TIMEOUT_S, Parsers
from service.collect.workers.slow_queue import WAIT_S
from service.collect.workers.task import ParseTask, PreparedResult
from service.config.schema import Settings, Source
from service.net.client import Client
from service.net.limits import FetchLimits
from service.parse.options import ParseOptions
from service.runtime.jobs import PASS_S, TICKS
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.sources import registry
from tests.bench.crowd import HANGING, KILLER, KINDS, MANY
from tests.collect.workers.test_pool import Deadly, Endless
from tests.contract.politeness.readers import Loopback

START = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
DELAY_S = 2.0  # between two requests to one site
NEWS = timedelta(minutes=20)
FLAT = 1.2
"""How much more memory the last third of the run may take than the second one."""
WATCHED_S = 0.6
"""Between two looks at the memory: a look takes as long as reading some documents."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Plan:
    """`sources` in all, `bad` of every ten of them. `floor`, `ceiling`: of their intervals.

    `speed`: of the clock. `haste`: how much shorter the time limits are.
    `many`: entries of a document that has very many.
    """

    sources: int = 1000
    bad: int = 1
    length: timedelta = timedelta(hours=1)
    floor: timedelta = timedelta(minutes=10)
    ceiling: timedelta = timedelta(minutes=20)
    speed: float = 10.0
    haste: float = 10.0
    many: int = MANY

    def names(self) -> dict[str, str]:
        """Source -> host. Bad ones are spread among the good ones."""
        names = {}
        kinds = itertools.cycle(KINDS)
        for n in range(self.sources):
            kind = next(kinds) if n % 10 < self.bad else "good"
            # Of ten, one good one lives on the site of a bad one.
            site = f"site{n // 10}" if n % 10 in {0, self.bad} else f"own{n}"
            names[f"{kind}-{n}"] = f"n{n}.{kind}.{site}.test"
        return names


class Clock:
    """Ours: begins at START with the run, and runs `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self._begun = time.monotonic()
        self._speed = speed

    def __call__(self) -> datetime:
        return self.at(time.monotonic())

    def at(self, monotonic: float) -> datetime:
        return START + timedelta(seconds=(monotonic - self._begun) * self._speed)


class Fragile(Parsers):
    """Parsers in which some documents kill or hang the process that reads them."""

    async def read(self, job: ParseTask) -> PreparedResult:
        kinds: dict[bytes, type[ParseOptions]] = {KILLER: Deadly, HANGING: Endless}
        for mark, reading in kinds.items():
            if mark in job.body[:1000]:
                job = replace(job, reading=reading())
        return await super().read(job)


@dataclass
class Hour:
    """What came of it. `late`: (parts of its interval, seconds, source) of each question.

    `before_mb`: the memory that these processes had when it began, which is a part of `memory`.
    """

    late: list[tuple[float, float, str]] = field(default_factory=list)
    asked: int = 0
    good_failed: dict[str, str] = field(default_factory=dict)
    bad_fine: list[str] = field(default_factory=list)
    outside: int = 0
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    memory: list[tuple[timedelta, float]] = field(default_factory=list)
    before_mb: float = 0.0
    passes: int = 0
    longest_pass_s: float = 0.0

    def most_mb(self, first: float, last: float) -> float:
        """The most memory between two parts of the run, each in [0, 1]."""
        end = self.memory[-1][0]
        return max(mb for at, mb in self.memory if first * end <= at <= last * end)

    def is_flat(self) -> bool:
        return self.most_mb(0.67, 1) <= FLAT * self.most_mb(0.33, 0.67)

    def lines(self) -> Iterator[str]:
        worst = max(self.late)
        by_part = sorted(part for part, _, _ in self.late)
        yield f"{self.asked} questions to well-behaved sources in {self.passes} passes"
        yield (
            f"latest: {worst[0]:.2f} of its interval ({worst[1]:.0f} s, {worst[2]}); "
            f"99 of 100 within {by_part[int(len(by_part) * 0.99)]:.2f}"
        )
        yield f"well-behaved sources that failed: {self.good_failed or 'none'}"
        yield f"longest pass: {self.longest_pass_s:.0f} s"
        yield "memory of all processes, most in each twelfth (MB): " + " ".join(
            f"{self.most_mb(n / 12, (n + 1) / 12):.0f}" for n in range(12)
        )
        for kind in KINDS:
            for reason, number in self.reasons[kind].most_common(3):
                said = "".join(char if char.isprintable() else "\ufffd" for char in reason[:100])
                yield f"  {kind:14} {number:3}x {said}"


async def run(plan: Plan, store: Store) -> Hour:
    """Live through it. The store is empty."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    names, speed, haste = plan.names(), plan.speed, plan.haste
    hour = Hour()
    usual = FetchLimits()
    limits = replace(
        usual,
        connect_s=usual.connect_s / haste,
        read_s=usual.read_s / haste,
        total_s=usual.total_s / haste,
    )
    async with (
        _crowd(NEWS.total_seconds() / speed) as port,
        _crowd(NEWS.total_seconds() / speed, "bad", str(plan.many)) as bad_port,
        Fragile(
            2, timeout_s=TIMEOUT_S / haste, quick_s=QUICK_S / haste, wait_s=WAIT_S / haste
        ) as parsers,
        Client("test", ["127.0.0.0/8"], resolver=Loopback(), limits=limits) as client,
    ):
        settings = _settings(plan, port, bad_port)
        with store.write() as connection:
            registry.register(connection, settings, START, retire=False)
        clock, sites = Clock(speed), Sites()
        due = _Due(store, [name for name in names if name.startswith("good-")])
        with _watched(hour, clock):
            while (begun := clock()) < START + plan.length:
                await collect(
                    store, settings, clock, owner="hour", client=client, parsers=parsers,
                    sites=sites, at_most_s=PASS_S / haste,
                )  # fmt: skip
                hour.passes += 1
                hour.longest_pass_s = max(hour.longest_pass_s, (clock() - begun).total_seconds())
                await asyncio.to_thread(due.look)
                await asyncio.sleep(TICKS.collect / haste)
        end = clock()
        log = await asyncio.to_thread(_log_of, port)
        bad_log = await asyncio.to_thread(_log_of, bad_port)
    _judge_lateness(hour, plan, names, due, log, clock, end)
    _judge_states(hour, store)
    hour.outside = sum(host.startswith("OUTSIDE") for host, _ in bad_log)
    return hour


def _polled(column):
    """The name of each source and a column of its poll state."""
    return select(t.source.c.name, column).join(
        t.source_poll, t.source_poll.c.source_id == t.source.c.id
    )


class _Due:
    """When each of the sources was to be asked, one time after the other."""

    def __init__(self, store: Store, names: list[str]) -> None:
        self.planned: dict[str, list[datetime]] = {name: [START] for name in names}
        self._store = store

    def look(self) -> None:
        with self._store.read() as connection:
            rows = connection.execute(_polled(t.source_poll.c.next_poll_at)).all()
        for name, at in rows:
            known = self.planned.get(name)
            if known is not None and at != known[-1]:
                known.append(at)


def _judge_lateness(
    hour: Hour, plan: Plan, names: dict[str, str], due: _Due, log: list[tuple[str, float]],
    clock: Clock, end: datetime,
) -> None:  # fmt: skip
    asked: defaultdict[str, list[datetime]] = defaultdict(list)
    for host, monotonic in log:
        asked[host].append(clock.at(monotonic))
    for name, planned in due.planned.items():
        times = asked[names[name]]
        hour.asked += len(times)
        before = START - plan.floor
        for at, then in zip([*times, end], planned, strict=False):
            late = (at - then).total_seconds()
            hour.late.append((late / (then - before).total_seconds(), late, name))
            before = at


def _judge_states(hour: Hour, store: Store) -> None:
    with store.read() as connection:
        told = connection.execute(_polled(t.source_poll.c.error)).all()
        failed = select(func.count()).where(t.source_poll.c.failures > 0)
        assert connection.scalar(failed)
    for name, error in told:
        kind = name.rpartition("-")[0]
        if kind != "good":
            hour.reasons[kind][error or "fine"] += 1
            if error is None:
                hour.bad_fine.append(name)
        elif error is not None:
            hour.good_failed[name] = error


def _settings(plan: Plan, port: int, bad_port: int) -> Settings:
    return Settings(
        collect={
            "interval": {"min": plan.floor, "max": plan.ceiling},
            "per_site": {"delay": timedelta(seconds=DELAY_S / plan.haste), "connections": 1},
            "allow_networks": ("127.0.0.0/8",),
        },
        source={
            name: Source(url=f"http://{host}:{port if name.startswith('good-') else bad_port}/feed")
            for name, host in plan.names().items()
        },
    )


@asynccontextmanager
async def _crowd(news_s: float, *kind: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.crowd", str(news_s), *kind,
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def _log_of(port: int) -> list[tuple[str, float]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_log", timeout=60) as answer:
        return [(host, at) for host, at in json.load(answer)]


@contextmanager
def _watched(hour: Hour, clock: Clock) -> Iterator[None]:
    """Note the memory of this process and of all that read for it."""
    over = threading.Event()
    crowd = {pid for pid in _family() if "tests.bench.crowd" in _command(pid)}

    def used_mb() -> float:
        return sum(_pss_mb(pid) for pid in _family() - crowd)

    def watch() -> None:
        while not over.wait(WATCHED_S):
            hour.memory.append((clock() - START, used_mb()))

    hour.before_mb = used_mb()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _family() -> set[int]:
    """This process and its descendants."""
    found, left = set[int](), [_own()]
    while left:
        found.add(pid := left.pop())
        with suppress(OSError):  # it has ended
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    begun = (thread / "children").read_text()
                    left += map(int, begun.split())
    return found


def _own() -> int:
    assert parent_process() is None
    return int(Path("/proc/self").resolve().name)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _pss_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print. `arguments` None: those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--speed", type=float, default=10)
    options = parser.parse_args(arguments)
    plan = Plan(
        options.sources, length=timedelta(minutes=options.minutes), speed=options.speed,
        haste=options.speed,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hour.db"
        store = Store(url)
        migrate(store)
        try:
            hour = asyncio.run(run(plan, store))
        finally:
            store.close()
    print("\n".join(hour.lines()))
    late, grown = max(hour.late)[0] > 1, not hour.is_flat()
    sys.exit("a well-behaved source was late" if late else "memory grew" if grown else 0)


if __name__ == "__main__":
    main()
