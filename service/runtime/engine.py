"""The embedded engine: APScheduler ticks, one asyncio worker per job does the work.

A tick, a kick or a wake-up only sets a flag; the worker runs the job, and runs it again while the
job says that there may be more. So a job never runs beside itself, a wake-up during a run is not
lost, and a job that fails is told and tried again at the next tick. What is to be done stands in
the store: the engine holds nothing that a restart could lose.

APScheduler keeps its next ticks as times of day. Where the system's clock is set, they are moved
along, so that a tick comes after as many seconds as it should: ticks follow the monotonic clock.
What rows say goes by another clock where many machines share a database; its steps are told too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.runtime import logs
from service.runtime.composition import Clock, system_clock
from service.store.core.kicks import Kick

STEP = timedelta(seconds=1)
"""The clock was set if it has moved by so much more, or less, than the monotonic one."""


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """An idempotent use case. `run` says whether there may be more to do at once.

    It is ticked every `every_s` seconds and whenever somebody wakes it by its name.
    """

    name: str
    run: Callable[[], Awaitable[bool]]
    every_s: float


HELD_BY = {Kick.FEEDS: "collect"}
"""Kick -> the job at whose end it is heard, if that runs here: a pass makes feeds stale hundreds of
times, and needs the processor itself."""

Ended = Callable[[str, Exception | None], None]
"""Told on the event loop after each run of a job: its name and why it failed; None: it did not."""

Stepped = Callable[[], None]
"""Told on the event loop after the clock was set, and again whenever a job ends that ran then: what
it has written may be reckoned from the clock as it was."""


class _Steps:
    """By how much a clock was set since the last look, beside the monotonic one."""

    def __init__(self, clock: Clock, *, small_add_up: bool) -> None:
        """`small_add_up`: many small ones are a step in the end; else they are forgotten."""
        self._clock = clock
        self._small_add_up = small_add_up
        self._ahead: timedelta | None = None  # of the time of day before the monotonic clock

    def look(self, second: float) -> timedelta | None:
        """The step, ahead or (negative) back; None: it was not set. `second` is monotonic."""
        ahead = self._clock() - datetime.fromtimestamp(0, UTC) - timedelta(seconds=second)
        step = timedelta() if self._ahead is None else ahead - self._ahead
        is_set = abs(step) >= STEP
        if is_set or self._ahead is None or not self._small_add_up:
            self._ahead = ahead
        return step if is_set else None


class _Ticks(AsyncIOScheduler):  # type: ignore[misc]  # it has no types
    """APScheduler's, with ticks that a clock which is set neither hurries nor holds up.

    Its wake-ups come from the event loop's timers, which are monotonic; only what is due then is
    looked up by the time of day. So before it looks, that is set right.
    """

    def __init__(self, clock: Clock, stepped: Callable[[timedelta], None], **options: Any) -> None:
        """`clock`: of the rows. `stepped` is told by how much it was set."""
        super().__init__(**options)
        self._stepped = stepped
        self._own = _Steps(system_clock, small_add_up=True)
        # The machine's steady clock may run slower or faster than a database's, for ever.
        self._rows = _Steps(clock, small_add_up=False)

    def wakeup(self) -> None:
        """Look soon, on the event loop. Safe from any thread."""
        self._eventloop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """Look at the clock and at what is due by it in one go.

        What is due by a clock that was set in between would be put off by the step once more.
        """
        try:
            self._follow()
        finally:
            self._stop_timer()
            self._start_timer(self._process_jobs())

    def _follow(self) -> None:
        second = asyncio.get_running_loop().time()
        step = self._own.look(second)
        if step is not None:
            logs.get().warning("the system's clock was set", seconds=round(step.total_seconds()))
            for job in self.get_jobs():
                job.modify(next_run_time=job.next_run_time + step)
        step = self._rows.look(second)
        if step is not None:
            self._stepped(step)


class Engine:
    """Runs jobs on the running event loop until `stop`."""

    def __init__(
        self,
        jobs: Iterable[PeriodicJob] = (),
        stepped: Stepped = lambda: None,
        ended: Ended = lambda _name, _error: None,
        clock: Clock = system_clock,
    ) -> None:
        """`clock`: the one that rows go by; `stepped` is told when it was set.

        `ended` is told how each run of a job went.
        """
        self._stepped, self._ended = stepped, ended
        self._clock = clock
        self._idle: dict[str, asyncio.Event] = {}
        self._held: dict[str, set[str]] = {}
        self._jobs: dict[str, PeriodicJob] = {}
        self._flags: dict[str, asyncio.Event] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._running: set[str] = set()
        self._began_before_step: set[str] = set()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # A late tick must run, not be dropped: APScheduler's default grace is one second.
        self._scheduler = _Ticks(
            clock,
            self._clock_was_set,
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True},
        )
        for job in jobs:
            self.add(job)

    def add(self, job: PeriodicJob) -> None:
        """One more job, before `start`. Jobs that wake others are made with `engine.wake`."""
        self._jobs[job.name] = job
        self._flags[job.name] = asyncio.Event()
        self._idle[job.name] = asyncio.Event()

    def start(self) -> None:
        """Begin ticking; every job runs once at once, to find what was left when we stopped."""
        self._loop = asyncio.get_running_loop()
        for name, job in self._jobs.items():
            self._scheduler.add_job(
                self._tick, "interval", [self._flags[name]], seconds=job.every_s
            )
            self._flags[name].set()
            self._workers.append(asyncio.create_task(self._work(job), name=f"job {name}"))
        self._scheduler.start()

    def wake(self, name: str) -> None:
        """Let the job run soon. Safe from any thread; an unknown name is a KeyError."""
        flag = self._flags[name]
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(flag.set)

    def kicked(self, kicks: frozenset[Kick]) -> None:
        """Let the jobs that go on with it run soon. Safe from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._kick, kicks)

    def _kick(self, kicks: frozenset[Kick]) -> None:
        for one in kicks:
            for name in self._jobs.keys() & set(one.value):
                self.hear(name, HELD_BY.get(one))

    def hear(self, name: str, held_by: str | None) -> None:
        """Let the job run: soon, or at the end of a run of `held_by` that goes on here."""
        if held_by is not None and held_by in self._running:
            self._held.setdefault(held_by, set()).add(name)
        else:
            self._flags[name].set()

    def is_running(self, name: str | None) -> bool:
        """Whether the job of this name runs here just now."""
        return name in self._running

    async def turn(self, name: str) -> None:
        """Let the job run, and wait until it has nothing to do."""
        self._idle[name].clear()
        self._flags[name].set()
        await self._idle[name].wait()

    async def stop(self, grace_s: float = 20.0) -> bool:
        """Let running jobs end, for `grace_s` seconds at most. False: some had to be cut off.

        What is cut off is found by its lease at the next start.
        """
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for flag in self._flags.values():
            flag.set()
        if not self._workers:
            return True
        _, unfinished = await asyncio.wait(self._workers, timeout=grace_s)
        for worker in unfinished:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        return not unfinished

    def _clock_was_set(self, step: timedelta) -> None:
        if self._clock is not system_clock:  # else that has been told
            logs.get().warning("the database's clock was set", seconds=round(step.total_seconds()))
        self._began_before_step |= self._running
        self._stepped()

    async def _tick(self, flag: asyncio.Event) -> None:
        """A coroutine, so that it runs on the loop: plain functions go to threads, all busy."""
        flag.set()

    async def _work(self, job: PeriodicJob) -> None:
        flag = self._flags[job.name]
        while not self._stopping:
            await flag.wait()
            flag.clear()
            self._idle[job.name].clear()
            more = True
            while more and not self._stopping:
                more = await self._run(job)
            if not flag.is_set() or self._stopping:
                self._idle[job.name].set()

    async def _run(self, job: PeriodicJob) -> bool:
        self._running.add(job.name)
        try:
            more = await job.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad part stops nothing else; it is told
            logs.get().exception("job failed", job=job.name)
            self._ended(job.name, error)
            return False
        finally:
            self._running.discard(job.name)
            for name in self._held.pop(job.name, ()):
                self._flags[name].set()
            if job.name in self._began_before_step:
                self._began_before_step.discard(job.name)
                self._stepped()
        self._ended(job.name, None)
        return more
