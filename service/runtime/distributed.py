"""The engine of many processes: procrastinate carries ticks and kicks over PostgreSQL.

Each process runs the jobs of its role on an engine of its own (engine.py). A tick is deferred once
for all of them, a kick in the transaction that made it true; whoever is free takes it. What is
long, a pass and sending, has a worker of its own in each process, which takes one at a time: so the
next tick goes to another process while this one is busy.

Rows are the only truth. Nothing is lost with a job of the queue: each process also looks by itself,
ten times as rarely, and leases decide who works on what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Notification, Status
from procrastinate.worker import Worker

from service.runtime import logs
from service.runtime.engine import HELD_BY, Engine, PeriodicJob
from service.store.core.job_queue import FORGET_KICKS, address
from service.store.core.kicks import Kick

LONG = ("collect", "mail")
"""Jobs that last as long as there is work."""

AT_ONCE = 4
"""Others that a process may run beside one another."""

STALLED_S = 60.0
"""A job whose worker was not heard of for so long is nobody's; its work is found by its rows."""

AGAIN_S = 1.0
"""Until the database is tried again."""

_STEPS = (30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1)
_MINUTE, _HOUR = 60, 3600


def cron(every_s: float) -> str:
    """Six fields, the last one seconds: ticks at least as often as every `every_s` seconds."""
    if every_s < _MINUTE:
        return f"* * * * * */{_step(every_s)}"
    if every_s < _HOUR:
        return f"*/{_step(every_s / 60)} * * * * 0"
    return "0 * * * * 0"


def _step(wanted: float) -> int:
    return next((step for step in _STEPS if step <= wanted), 1)


class _Worker(Worker):
    """procrastinate's, which forgets a job that it is told of while it looks for the one before.

    It would find that five seconds later, when it looks by itself (seen with 3.10).
    """

    _heard = 0

    async def _handle_notification(self, *, channel: str, notification: Notification) -> None:
        self._heard += 1
        await super()._handle_notification(channel=channel, notification=notification)

    async def _fetch_and_process_jobs(self) -> None:
        heard = -1
        while heard != self._heard and not self._stop_event.is_set():
            heard = self._heard
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]


class DistributedEngine:
    """Brings the ticks and kicks of all processes to `engine`, from `start` to `stop`."""

    def __init__(self, url: str, engine: Engine, jobs: Iterable[PeriodicJob]) -> None:
        """`url`: of the store. `jobs`: those of the engine which any process may do."""
        self._engine = engine
        shared = list(jobs)
        groups = [[job] for job in shared if job.name in LONG]
        groups.append([job for job in shared if job.name not in LONG])
        self._address = address(url)
        self._groups = [
            (self._app(group), [job.name for job in group]) for group in groups if group
        ]
        self._workers: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin to take jobs. While the database is away it goes on trying."""
        self._engine.start()
        for app, names in self._groups:
            self._workers.append(asyncio.create_task(self._work(app, names), name=f"queue {names}"))

    async def stop(self, grace_s: float = 20.0) -> bool:
        """As the engine's own: False if some jobs had to be cut off."""
        self._stopping = True  # who loses the database just then says so, and not "cancelled"
        for worker in self._workers:
            worker.cancel()
        ended_well = await self._engine.stop(grace_s)
        await asyncio.gather(*self._workers, return_exceptions=True)
        return ended_well

    def _app(self, jobs: list[PeriodicJob]) -> App:
        app = App(connector=PsycopgConnector(conninfo=self._address, min_size=1, max_size=4))
        for job in jobs:
            self._register(app, job)
        return app

    def _register(self, app: App, job: PeriodicJob) -> None:
        name = job.name

        async def run(timestamp: int = 0, kick: str | None = None) -> None:  # noqa: ARG001 - a tick has one
            if kick is not None:
                known = Kick.__members__.get(kick)  # a newer version may know more of them
                held_by = None if known is None else HELD_BY.get(known)
                if self._engine.is_running(held_by):
                    # It is heard at the end of that run, and keeps no place until then.
                    self._engine.hear(name, held_by)
                    return
                await app.connector.execute_query_async(FORGET_KICKS, name=name)
            await self._engine.turn(name)

        task = app.task(name=name, queue=name, queueing_lock=name)(run)
        app.periodic(cron=cron(job.every_s), periodic_id="")(task)

    async def _work(self, app: App, names: list[str]) -> None:
        while not self._stopping:
            try:
                async with app.open_async():
                    await _sweep(app)
                    worker = _Worker(
                        app,
                        queues=names,
                        concurrency=1 if names[0] in LONG else AT_ONCE,
                        install_signal_handlers=False,
                        delete_jobs="always",
                        shutdown_graceful_timeout=0.0,
                    )
                    await worker.run()  # type: ignore[no-untyped-call]
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - its own ticks go on; it is told
                logs.get().warning("the queue of jobs cannot be read", error=str(error))
            await asyncio.sleep(AGAIN_S)


async def _sweep(app: App) -> None:
    """Take away what a process that died has left in hand: it would stand there for ever."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
