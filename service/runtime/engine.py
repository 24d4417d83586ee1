"""The embedded engine: APScheduler is the clock, one asyncio worker per job does the work.

A tick or a kick only sets a flag; the worker runs the job, and runs it again while the job says
that there may be more. So a job never runs beside itself, a kick during a run is not lost, and a
job that fails is told and tried again at the next tick. What is to be done stands in the store:
the engine holds nothing that a restart could lose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.runtime import logs


@dataclass(frozen=True, slots=True)
class Job:
    """An idempotent use case. `run` says whether there may be more to do at once.

    It is ticked every `every_s` seconds and whenever somebody kicks its name.
    """

    name: str
    run: Callable[[], Awaitable[bool]]
    every_s: float


class Engine:
    """Runs jobs on the running event loop until `stop`."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs: dict[str, Job] = {}
        self._flags: dict[str, asyncio.Event] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # A late tick must run, not be dropped: APScheduler's default grace is one second.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        for job in jobs:
            self.add(job)

    def add(self, job: Job) -> None:
        """One more job, before `start`. Jobs that kick others are made with `engine.kick`."""
        self._jobs[job.name] = job
        self._flags[job.name] = asyncio.Event()

    def start(self) -> None:
        """Begin ticking; every job runs once at once, to find what was left when we stopped."""
        self._loop = asyncio.get_running_loop()
        for name, job in self._jobs.items():
            self._scheduler.add_job(self._flags[name].set, "interval", seconds=job.every_s)
            self._flags[name].set()
            self._workers.append(asyncio.create_task(self._work(job), name=f"job {name}"))
        self._scheduler.start()

    def kick(self, name: str) -> None:
        """Let the job run soon. Safe from any thread; an unknown name is a KeyError."""
        flag = self._flags[name]
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(flag.set)

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

    async def _work(self, job: Job) -> None:
        flag = self._flags[job.name]
        while not self._stopping:
            await flag.wait()
            flag.clear()
            more = True
            while more and not self._stopping:
                more = await self._run(job)

    async def _run(self, job: Job) -> bool:
        try:
            return await job.run()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - one bad part stops nothing else; it is told with its trace
            logs.get().exception("job failed", job=job.name)
            return False
