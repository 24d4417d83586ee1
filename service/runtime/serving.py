"""`bantin up`: the web part and the engine, in one process or several, from start to a clean stop.

SIGTERM and SIGINT stop it: no new work, running jobs and requests end, then it leaves. SIGHUP
reloads: a configuration with faults is told, and the old one stays.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.errors import BantinError, ConfigError, StoreError, UsageError
from service.mail.relays import line_names
from service.report.health import Health, health
from service.report.mailing import Beside
from service.report.trouble import Trouble
from service.runtime import descriptors, heap, logs, machine_clock, pidfile, pipeline, roles
from service.runtime.composition import Service, load
from service.runtime.engine import Engine, PeriodicJob
from service.runtime.jobs import TICKS, Ticks, jobs
from service.runtime.monitoring.listener import listening
from service.runtime.monitoring.timing import timed
from service.runtime.roles import LOCAL, Part
from service.runtime.vitals import Vitals
from service.store.core import processes
from service.store.core.processes import ServiceProcess
from service.store.core.threads import in_thread
from service.web.app import create_app
from service.web.front import limits
from service.web.front.acceptor import BACKLOG
from service.web.front.server import Server
from service.web.page_cache import PageCache

if TYPE_CHECKING:
    from service.runtime.distributed import DistributedEngine

RARELY = 10.0
"""One of many processes looks for work by itself so many times as rarely as it is told of some."""

GRACE_S = 20.0
"""How long a stop waits for running jobs: systemd's default kill comes after 90 seconds."""


def listen(address: str) -> socket.socket:
    """A listening socket for `host:port`. Raises UsageError when it is taken or not ours.

    It listens before anything is started: of two bound sockets both would find the port free.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise UsageError(f"cannot listen on {address}: {error.strerror}") from error
    return bound


async def serve(
    service: Service,
    bound: socket.socket | None,
    config: Path,
    environ: Mapping[str, str],
    ready: Callable[[], None] = lambda: None,
    ticks: Ticks = TICKS,
    part: Part | None = None,
    steps: Any = pipeline,
) -> None:
    """Run until SIGTERM or SIGINT. `ready` is called once requests are answered.

    `part` None: this process does all. `bound` None: it answers no requests. `steps`: as `jobs`.
    """
    stop, reloading = asyncio.Event(), asyncio.Lock()
    parsers = Parsers()
    name = part.name if part else ""
    vitals = Vitals(service, name=name)
    engine = Engine(
        stepped=lambda: wake("clock"),
        ended=vitals.job_ended,
        clock=service.clock,
    )

    def end() -> None:
        service.judge.close()  # its thread would be waited for, however much there is to judge
        stop.set()

    async def reload() -> None:
        async with reloading:  # of two in haste the one that reads last must win
            await _reload(service, config, environ, wake)

    def wake(name: str) -> None:
        if part is None or part.role.does(name):  # others look for it by themselves
            engine.wake(name)

    every = [timed(job, service) for job in jobs(service, wake, parsers, stop, ticks, steps)]
    driver = (
        _alone(service, engine, every)
        if part is None
        else _one_of_many(service, engine, every, part, ticks)
    )
    async with parsers:
        with (
            pidfile.held(service.settings.var, name),
            _signals(end, reload),
            vitals.kept(),
            listening(service, vitals),
        ):
            async with _answering(service, bound, vitals, stop) as web_ends:
                service.work_on()
                heap.settle()
                driver.start()
                logs.get().info("serving", **_said_of(service, bound, part))
                ready()
                await web_ends
                ended_well = await driver.stop(GRACE_S)
            if part is not None:
                await asyncio.to_thread(_leave, service)
            logs.get().info("stopped", all_jobs_ended=ended_well)


def _alone(service: Service, engine: Engine, every: Iterable[PeriodicJob]) -> Engine:
    """The engine of a process that does all: its own ticks, and its own kicks."""
    for job in every:
        engine.add(job)
    service.store.tell(engine.kicked)
    return engine


def _one_of_many(
    service: Service, engine: Engine, every: Iterable[PeriodicJob], part: Part, ticks: Ticks
) -> DistributedEngine:
    """The same for one of many: all processes' ticks and kicks, and rarely its own look."""
    # It brings procrastinate, which one process alone does not need.
    from service.runtime.distributed import DistributedEngine  # noqa: PLC0415

    myself = roles.myself(service, part.role, part.name)

    async def shown() -> bool:
        await asyncio.to_thread(_show, service, myself)
        return False

    mine = [job for job in every if part.role.does(job.name)]
    shared = [job for job in mine if job.name not in LOCAL]
    engine.add(PeriodicJob("shown", shown, ticks.shown))
    for job in mine:
        engine.add(replace(job, every_s=job.every_s * RARELY) if job in shared else job)
    return DistributedEngine(service.settings.store.url, engine, shared)


def _show(service: Service, myself: ServiceProcess) -> None:
    with service.store.write() as connection:
        now = replace(
            myself,
            seen_at=service.clock(),
            configuration_hash=service.configuration.hash,
            clock_ahead_s=round(machine_clock.ahead_s(service)),
            doing=_said_jobs(service),
        )
        processes.show(connection, now)


def _said_jobs(service: Service) -> dict[str, datetime]:
    """The jobs that others may want to know of: not what each process does for itself."""
    running = service.counted.running_now()
    return {name: since for name, since in running.items() if name not in LOCAL}


def _leave(service: Service) -> None:
    """Who ends by itself is not looked for."""
    with suppress(StoreError), service.store.write() as connection:
        processes.ended(connection, service.owner)


def _said_of(service: Service, bound: object, part: Part | None) -> dict[str, str]:
    said = {"role": str(part.role), "name": part.name} if part else {}
    return {**said, "listen": service.settings.web.listen} if bound else said


@asynccontextmanager
async def _answering(
    service: Service, bound: socket.socket | None, vitals: Vitals, stop: asyncio.Event
) -> AsyncIterator[Awaitable[None]]:
    """Answer requests inside; what is given ends when the process is to stop."""
    if bound is None:
        yield asyncio.ensure_future(_until(stop))
        return
    server, pages = await in_thread(_web, service, vitals)
    web = asyncio.create_task(server.serve(sockets=[bound]))
    watching = asyncio.create_task(pages.watch())
    await _first(server.up.wait(), web)
    yield asyncio.ensure_future(_first(stop.wait(), web))
    server.should_exit = True
    await web
    watching.cancel()


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


def _web(service: Service, vitals: Vitals) -> tuple[Server, PageCache]:
    app = create_app(
        store=service.store,
        settings_of=lambda: service.settings,
        renderer_of=lambda: service.renderer,
        clock=service.clock,
        health=lambda: _health(service, vitals),
    )
    pages: PageCache = app.state.context.pages
    server = Server(
        app,
        most=limits.connections(descriptors.raise_limit(limits.WANTED)),
        trusted=lambda: service.settings.web.trusted_proxies,
        find=pages.find,
        grace_s=GRACE_S,
    )
    return server, pages


async def _first(waiting: Coroutine[Any, Any, object], task: asyncio.Task[None]) -> None:
    """Waits until one of them is done; the other, if it only waited, is let go."""
    waiter = asyncio.ensure_future(waiting)
    await asyncio.wait([waiter, task], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


@contextmanager
def _signals(
    stop: Callable[[], None], reload: Callable[[], Coroutine[Any, Any, None]]
) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def start_reload() -> None:
        task = asyncio.create_task(reload())
        reloads.add(task)  # the loop itself keeps no reference
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, start_reload)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _reload(
    service: Service, config: Path, environ: Mapping[str, str], wake: Callable[[str], None]
) -> None:
    """Take the new configuration if it has no fault; else tell each and keep the old one."""
    before = service.settings
    try:
        loaded = await asyncio.to_thread(load, config, environ)
        await asyncio.to_thread(service.take, loaded, retire=True, reloaded=True)
        await asyncio.to_thread(pipeline.probe_relays, service)
    except ConfigError as error:
        for fault in error.faults:
            logs.get().error("configuration fault", fault=str(fault))
        logs.get().error("not reloaded: the old configuration stays", faults=len(error.faults))
    except BantinError as error:
        logs.get().error("not reloaded: the old configuration stays", error=str(error))
    else:
        after = loaded.settings
        service.work_on()
        logs.configure(after.log)
        if _fixed(after) != _fixed(before):
            told = "web.listen, metrics.listen and store.url change with a restart alone"
            logs.get().warning(told)
        logs.get().info("reloaded", sources=len(after.source))
        for name in ("house", "place", "collect", "websub", "publish", "digests", "mail"):
            wake(name)


def _fixed(settings: Settings) -> tuple[str | None, ...]:
    """What a running process keeps until its end."""
    return settings.web.listen, settings.metrics.listen, settings.store.url


def _health(service: Service, vitals: Vitals) -> Health:
    """There is an answer whatever is broken: that is what it is for."""
    more = vitals.troubles()
    try:
        with service.store.read() as connection:
            beside = Beside(line_names(service.settings), more, service.settings)
            return health(connection, service.clock(), beside)
    except Exception as error:  # noqa: BLE001 - as said: whatever is broken
        logs.get().error("the store cannot be read", error=str(error))
        unread = Trouble("store_read", {"error": str(error)}, stops=True)
        return Health(False, (), (unread, *more))
