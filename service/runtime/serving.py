"""`bantin up`: the web part and the engine in one process, from start to a graceful stop.

SIGTERM and SIGINT stop it: no new work, running jobs and requests end, then it leaves. SIGHUP
reloads: a configuration with faults is told, and the old one stays.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.collect.politeness.rate_limit import Sites
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.errors import BantinError, ConfigError, UsageError
from service.mail import relay_notes
from service.mail.relays import line_names
from service.model import Changed
from service.report.health import Health, health
from service.report.mailing import Beside
from service.report.trouble import Trouble
from service.runtime import descriptors, heap, logs, pidfile, pipeline
from service.runtime.composition import Service, load
from service.runtime.engine import Engine, PeriodicJob
from service.runtime.monitoring.listener import listening
from service.runtime.monitoring.timing import timed
from service.runtime.vitals import Vitals
from service.store.core.threads import in_thread
from service.web.app import create_app
from service.web.front import limits
from service.web.front.acceptor import BACKLOG
from service.web.front.server import Server
from service.web.page_cache import PageCache

PASS_S = 60.0
"""After so long no further source of a pass is begun: what is due meanwhile gets its turn."""

GRACE_S = 20.0
"""How long a stop waits for running jobs: systemd's default kill comes after 90 seconds."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """How often each job looks for work by itself, in seconds; the jobs have its names."""

    clock: float = 3600.0
    house: float = 3600.0
    memory: float = 2.0
    collect: float = 5.0
    delivered: float = 5.0
    websub: float = 5.0
    search: float = 5.0
    publish: float = 60.0
    digests: float = 15.0
    mail: float = 5.0
    seek: float = 3600.0


TICKS = Ticks()
"""Those of the service."""


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


def jobs(
    service: Service,
    wake: Callable[[str], None],
    parsers: Parsers,
    stop: asyncio.Event,
    ticks: Ticks = TICKS,
    steps: Any = pipeline,
) -> list[PeriodicJob]:
    """The ticks of the service, each an idempotent job of the pipeline, whose `steps` they take."""
    sites = Sites()  # one for all passes: the gap between two requests outlives a pass
    # A pass matches by the rules that it began with. Were stored articles matched with newer ones
    # meanwhile, what it takes in afterwards would never be. The same of what hubs deliver, which
    # does not wait for a pass.
    matching, delivering = asyncio.Lock(), asyncio.Lock()

    async def collect() -> bool:
        async with matching:
            done = await steps.collect(service, parsers=parsers, sites=sites, at_most_s=PASS_S)
        if done.entries_new:
            wake("websub")  # a document that was read may name a hub
        _follow(done.changed, wake)
        return bool(done.tried or done.pages)

    async def delivered() -> bool:
        async with delivering:
            done = await steps.take_delivered(service, parsers=parsers)
        _follow(done.changed, wake)
        return bool(done.tried)

    async def websub() -> bool:
        await steps.subscribe(service, sites=sites)
        return False

    async def publish() -> bool:
        await steps.publish_stale(service)
        return False

    async def digests() -> bool:
        await steps.plan(service)
        wake("mail")
        return False

    async def mail() -> bool:
        done = await steps.send(service, stop=stop)
        # A relay that takes nothing now is not asked again before the tick.
        return done.took_some or bool(done.counts and not done.paused)

    async def house() -> bool:
        async with matching, delivering:
            await steps.match_again(service)
        await steps.keep_house(service)
        wake("publish")
        return False

    async def memory() -> bool:
        await asyncio.to_thread(heap.give_back)
        return False

    return [
        PeriodicJob("clock", lambda: _after_the_clock(service, wake, steps), ticks.clock),
        PeriodicJob("house", house, ticks.house),
        PeriodicJob("references", lambda: steps.read_references(service), ticks.house),
        PeriodicJob("search", lambda: _index(service, matching, steps), ticks.search),
        PeriodicJob("memory", memory, ticks.memory),
        PeriodicJob("collect", collect, ticks.collect),
        PeriodicJob("delivered", delivered, ticks.delivered),
        PeriodicJob("websub", websub, ticks.websub),
        PeriodicJob("publish", publish, ticks.publish),
        PeriodicJob("digests", digests, ticks.digests),
        PeriodicJob("mail", mail, ticks.mail),
        PeriodicJob("seek", lambda: steps.seek(service, parsers=parsers, sites=sites), ticks.seek),
    ]


async def _index(service: Service, collecting: asyncio.Lock, steps: Any) -> bool:
    """A pass needs the processor more: what it brings is found before it is indexed."""
    return await steps.index_articles(service) and not collecting.locked()


async def _after_the_clock(service: Service, wake: Callable[[str], None], steps: Any) -> bool:
    if await steps.repair_instants(service):
        for name in ("collect", "websub", "digests", "mail"):
            wake(name)
    return False


def _follow(changed: Changed, wake: Callable[[str], None]) -> None:
    if changed.topics:
        wake("publish")
        wake("digests")


async def serve(
    service: Service,
    bound: socket.socket,
    config: Path,
    environ: Mapping[str, str],
    ready: Callable[[], None] = lambda: None,
    ticks: Ticks = TICKS,
) -> None:
    """Run until SIGTERM or SIGINT. `ready` is called once requests are answered."""
    stop, reloading = asyncio.Event(), asyncio.Lock()
    parsers = Parsers()

    vitals = Vitals(service)
    engine = Engine(stepped=lambda: engine.wake("clock"), ended=vitals.job_ended)

    def end() -> None:
        service.judge.close()  # its thread would be waited for, however much there is to judge
        stop.set()

    async def reload() -> None:
        async with reloading:  # of two in haste the one that reads last must win
            await _reload(service, config, environ, engine.wake)

    for job in jobs(service, engine.wake, parsers, stop, ticks):
        engine.add(timed(job, service))
    server, pages = await in_thread(_web, service, engine.wake, vitals)
    async with parsers:
        with (
            pidfile.held(service.settings.var),
            _signals(end, reload),
            vitals.kept(),
            listening(service, vitals),
        ):
            web = asyncio.create_task(server.serve(sockets=[bound]))
            watching = asyncio.create_task(pages.watch())
            await _first(server.up.wait(), web)
            service.work_on()
            heap.settle()
            engine.start()
            logs.get().info("serving", listen=service.settings.web.listen)
            ready()
            await _first(stop.wait(), web)
            ended_well = await engine.stop(GRACE_S)
            server.should_exit = True
            await web
            watching.cancel()
            logs.get().info("stopped", all_jobs_ended=ended_well)


def _web(service: Service, wake: Callable[[str], None], vitals: Vitals) -> tuple[Server, PageCache]:
    app = create_app(
        store=service.store,
        settings_of=lambda: service.settings,
        renderer_of=lambda: service.renderer,
        clock=service.clock,
        wake=wake,
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
        await asyncio.to_thread(service.take, loaded, retire=True)
        await asyncio.to_thread(_probe_relays, service)
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
        for name in ("house", "collect", "websub", "publish", "digests", "mail"):
            wake(name)


def _fixed(settings: Settings) -> tuple[str | None, ...]:
    """What a running process keeps until its end."""
    return settings.web.listen, settings.metrics.listen, settings.store.url


def _probe_relays(service: Service) -> None:
    """A reload may have corrected a password: a relay that fails is tried at once."""
    with service.store.ledger() as connection:
        for name in line_names(service.settings):
            relay_notes.retry_now(connection, name, service.clock())


def _health(service: Service, vitals: Vitals) -> Health:
    """There is an answer whatever is broken: that is what it is for."""
    more = vitals.troubles()
    try:
        with service.store.read() as connection:
            beside = Beside(line_names(service.settings), more)
            return health(connection, service.clock(), beside)
    except Exception as error:  # noqa: BLE001 - as said: whatever is broken
        logs.get().error("the store cannot be read", error=str(error))
        unread = Trouble("store_read", {"error": str(error)}, stops=True)
        return Health(False, (), (unread, *more))
